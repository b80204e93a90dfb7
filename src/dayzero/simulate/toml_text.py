"""Settings written as TOML: tables, lists of tables, and values inside them on one line."""

import json
from collections.abc import Mapping, Sequence
from datetime import date


def toml_value(value: object) -> str:
    """Write one value.

    Examples
    --------
    >>> toml_value({"a": [1, "x"], "b": True})
    '{ a = [1, "x"], b = true }'
    """
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(key)} = {toml_value(item)}" for key, item in value.items()) + " }"
    if isinstance(value, Sequence):
        return "[" + ", ".join(toml_value(item) for item in value) + "]"
    return repr(value)


def toml_table(header: str, table: Mapping[str, object]) -> str:
    """Write a table under its header, ``[study]`` or ``[[analysis]]``."""
    return "\n".join([header, *(f"{_key(key)} = {toml_value(value)}" for key, value in table.items()), ""])


def _key(key: str) -> str:
    bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if bare else json.dumps(key, ensure_ascii=False)
