"""Questions in a study file: a setting whose value is ``"?"`` waits for an answer that only a person can give."""

from collections.abc import Iterator
from typing import Final

from dayzero.settings.rows import KeyPath

UNKNOWN: Final = "?"
_MISSING: Final = ("map", "missing")  # texts that mean missing: there "?" is one


def unanswered(value: object, path: KeyPath) -> Iterator[KeyPath]:
    """Yield where the value ``"?"`` stands in a table.

    Examples
    --------
    >>> list(unanswered({"sheet": [{"codes": {"1": "?"}}], "missing": ["?"]}, ("map",)))
    [('map', 'sheet', 0, 'codes', '1')]
    """
    if path == _MISSING:
        return
    if value == UNKNOWN:
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from unanswered(inner, (*path, key))
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from unanswered(inner, (*path, position))
