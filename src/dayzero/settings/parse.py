"""A TOML table becomes a frozen dataclass: unknown keys, wrong types and wrong choices are refused by name.

pydantic does the checking and is imported where it is used; nothing of it stays in the result. Types are strict (the
text "3" is no number, the number 1 is no ``true``), except that a whole number is also a number, a list serves for a
tuple, and a field ``while_`` answers to the key ``while``.
"""

import re
import types
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar, Union, get_args, get_origin, get_type_hints

from dayzero.errors import InputError
from dayzero.settings.file import nearest, shown
from dayzero.settings.rows import KeyPath
from dayzero.settings.toml import Toml, row_of

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

T = TypeVar("T")

_SCALARS: Final = frozenset({"str", "int", "float", "bool", "date", "datetime", "time"})
_OPAQUE: Final = frozenset({"default", "metadata", "config", "cls"})  # parts of a schema that hold values, not schemas
_UNKNOWN: Final = "unexpected_keyword_argument"
# pydantic's name of the type: what must stand here, and how it is written.
_EXPECTED: Final[Mapping[str, tuple[str, str]]] = {
    "string": ("text", 'Put it in quotation marks, for example "text".'),
    "int": ("a whole number", "Write it without quotation marks, for example 365."),
    "float": ("a number", "Write it without quotation marks, for example 0.5."),
    "finite": ("a finite number", "Write an ordinary number, for example 365."),
    "bool": ("true or false", "Write true or false, without quotation marks."),
    "date": ("a date", "Write it as 2021-03-25, without quotation marks."),
    "datetime": ("a date and time", "Write it as 2021-03-25T14:30:00, without quotation marks."),
    "tuple": ("a list", "Put it in brackets, for example [365, 730]."),
    "list": ("a list", "Put it in brackets, for example [365, 730]."),
    "dict": ("a table", 'Write it as { key = "value" }.'),
    "mapping": ("a table", 'Write it as { key = "value" }.'),
    "dataclass": ("a table", 'Write it as { key = "value" }.'),
}


def parse_settings(kind: type[T], table: object, *, toml: Toml, path: KeyPath = ()) -> T:
    """Validate a table of a settings file into a dataclass.

    Parameters
    ----------
    kind
        A standard library dataclass; its fields may be dataclasses, tuples, mappings, literals and unions of these.
    table
        The table, as it stands in ``toml``.
    toml
        The file that it comes from, for the row in the message.
    path
        Where it stands there, for example ``("analysis", 0)``.

    Raises
    ------
    InputError
        At the first fault, unknown keys before others: a key that is unknown, missing, of another type, or no
        allowed choice; or what ``__post_init__`` says (an ``InputError``'s column is a key below ``path``).
    """
    from pydantic import ValidationError

    try:
        return _validated(kind, table)
    except InputError as error:
        key = path + (_named_key(table, error.column) if error.column else ())
        raise _placed(error.fault, error.mend, toml=toml, key=key) from None
    except ValidationError as error:
        faults = [(_path_in(table, detail), detail) for detail in error.errors(include_url=False)]
    where, detail = min(faults, key=lambda fault: (fault[1]["type"] != _UNKNOWN, -len(fault[0])))
    if detail["type"] == _UNKNOWN:
        text, mend = _unknown_key(str(where[-1]), _keys_at(kind, where[:-1]))
    else:
        text, mend = _wrong_value([other for place, other in faults if place == where])
    raise _placed(text, mend, toml=toml, key=path + where)


def _validated(kind: type[T], table: object) -> T:
    from pydantic import ConfigDict, TypeAdapter
    from pydantic_core import SchemaValidator

    # pydantic takes no configuration for a plain dataclass, but hands that of a tuple down to the items.
    adapter = TypeAdapter(tuple[kind], config=ConfigDict(extra="forbid"))  # type: ignore[valid-type]
    result: tuple[T] = SchemaValidator(_strict(adapter.core_schema)).validate_python((table,))
    return result[0]


def _strict(schema: Any) -> Any:
    """Copy a schema of pydantic with its scalars strict, and the field ``while_`` read from the key ``while``."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    copy = {key: value if key in _OPAQUE else _strict(value) for key, value in schema.items()}
    if copy.get("type") in _SCALARS:
        copy |= {"strict": True, "allow_inf_nan": False} if copy["type"] == "float" else {"strict": True}
    if copy.get("type") == "dataclass-field":
        copy["validation_alias"] = _key_of(copy["name"])
    return copy


def _key_of(field: str) -> str:
    return field.removesuffix("_")


def _named_key(table: object, column: str) -> KeyPath:
    """Return where a key stands that an InputError names: in the table, or else in a table of it that has the key.

    Examples
    --------
    >>> _named_key({"endpoint": "os", "treatment": {"event": "hsct", "while": "?"}}, "while")
    ('treatment', 'while')
    """
    steps = tuple(column.split("."))
    if not isinstance(table, Mapping) or steps[0] in table:
        return steps
    inner = [name for name, value in table.items() if isinstance(value, Mapping) and steps[0] in value]
    return (inner[0], *steps) if inner else steps


def _placed(fault: str, mend: str, *, toml: Toml, key: KeyPath) -> InputError:
    return InputError(fault, mend=mend, file=toml.file, row=row_of(toml, key), column=_dotted(key) or None)


def _dotted(path: KeyPath) -> str:
    """Write a path as one dotted key.

    Examples
    --------
    >>> _dotted(("analysis", 0, "times"))
    'analysis.0.times'
    """
    return ".".join(shown(str(step)) for step in path)


def _path_in(table: object, detail: "ErrorDetails") -> KeyPath:
    """Return the place in the table, without the members of unions that pydantic names on the way."""
    path: KeyPath = ()
    for step in detail["loc"][1:]:
        inside: Any = table if isinstance(table, Mapping) else dict(enumerate(table if isinstance(table, list) else ()))
        if step in inside:
            table, path = inside[step], (*path, step)
    return (*path, detail["loc"][-1]) if detail["type"] == "missing" else path


def _keys_at(kind: object, path: KeyPath) -> list[str]:
    """Return the keys that the dataclass at a place answers to."""
    if get_origin(kind) in {Union, types.UnionType}:
        return [key for member in get_args(kind) for key in _keys_at(member, path)]
    if isinstance(kind, type) and is_dataclass(kind):
        hints = {_key_of(field.name): field.name for field in fields(kind) if field.init}
        return list(hints) if not path else _keys_at(get_type_hints(kind)[hints[str(path[0])]], path[1:])
    if not path or not (members := get_args(kind)):
        return []
    if len(members) > 1 and isinstance(path[0], int) and members[-1] is not Ellipsis:
        return _keys_at(members[path[0]], path[1:])
    return _keys_at(members[0] if isinstance(path[0], int) else members[-1], path[1:])


def _unknown_key(key: str, allowed: Sequence[str]) -> tuple[str, str]:
    guess = nearest(key, allowed)
    question = f"Did you mean '{guess}'? " if guess else ""
    return f"unknown key '{shown(key)}'", f"{question}The keys here are {', '.join(allowed)}."


def _wrong_value(details: Sequence["ErrorDetails"]) -> tuple[str, str]:
    """Say what is wrong with one value; several details are the members of a union, none of which fits."""
    first = details[0]
    if first["type"] == "missing":
        return "this key is missing", "Add it."
    if first["type"] == "value_error":
        return str(first["ctx"]["error"]).rstrip("."), "Change this setting."
    expected = [_EXPECTED[name] for detail in details if (name := _type_name(detail)) in _EXPECTED]
    choices = " or ".join(detail["ctx"]["expected"] for detail in details if detail["type"] == "literal_error")
    if not expected and not choices:
        return first["msg"][:1].lower() + first["msg"][1:], "Change this setting."
    names = list(dict.fromkeys(name for name, _ in expected)) + (["one of the choices"] if choices else [])
    mends = [mend for _, mend in expected[:1]] + ([_choose(first["input"], choices)] if choices else [])
    return f"{_written(first['input'])} is not {' or '.join(names)}", " ".join(mends)


def _type_name(detail: "ErrorDetails") -> str:
    return detail["type"].split("_")[0]


def _choose(value: object, choices: str) -> str:
    guess = nearest(value, re.findall(r"'([^']*)'", choices)) if isinstance(value, str) else None
    return (f"Did you mean '{guess}'? " if guess else "") + f"The choices are {choices}."


def _written(value: object) -> str:
    """Show a setting as the file writes it, cut to 40 characters."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{shown(value)}'"
    return "a table" if isinstance(value, Mapping) else "a list" if isinstance(value, list) else shown(str(value))
