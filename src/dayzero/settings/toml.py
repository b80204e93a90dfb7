"""A TOML file read with every fault as one line: syntax, encoding, size, depth."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

from dayzero.errors import InputError
from dayzero.settings.file import file_size, open_fault, shown
from dayzero.settings.rows import KeyPath, rows_of_keys

MAX_BYTES: Final = 5_000_000
MAX_DEPTH: Final = 64

# A dotted key of 64 parts: no settings file has one, and tomllib's time grows with the square of the parts.
_LONG_KEY: Final = re.compile(rf"""(?<![\w-])(?:(?:[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*\.[ \t]*){{{MAX_DEPTH}}}""")
_PAIR: Final = 'Write key = value, for example title = "My study".'
# How tomllib's message begins, what is wrong in plain words, how to mend it.
_SYNTAX: Final = (
    ("Cannot overwrite a value", "this key is given twice", "Keep one of the two."),
    ("Duplicate inline table key", "this key is given twice", "Keep one of the two."),
    ("Cannot declare", "this table is given twice", "Join the two; the items of a list are written [[name]]."),
    ("Cannot mutate", "a key is added to a table that is already closed", "Write all its keys in one place."),
    ("Expected newline", "something stands after the value", "Put text in quotation marks, and one setting on a line."),
    ("Expected '='", "a key without a value", _PAIR),
    ("Invalid statement", "not a setting", _PAIR),
    ("Invalid initial character", "not a key", _PAIR),
    ("Invalid value", "not a value", "Put text in quotation marks; numbers, dates, true and false stand bare."),
    ("Invalid date", "not a date", "Write it as 2021-03-25."),
    ("Unclosed", "a bracket that is never closed", "Close it with ] or }."),
    ("Expected ']", "a table's name that is never closed", "Write it as [name] or [[name]]."),
    ("Unterminated", "text that is never closed", "Close it with a quotation mark on the same line."),
    ("Expected", "text that is never closed", "Close it with the three quotation marks that opened it."),
    ("Unescaped", "a backslash inside quotation marks", "Write it twice, or use 'single' quotation marks."),
    ("Illegal character", "text that is never closed, or a control character in it", "Close it on the same line."),
    ("Exceeds the limit", "a number with too many digits", "Write a smaller number."),
)


@dataclass(frozen=True)
class Toml:
    """A settings file as read.

    Attributes
    ----------
    file
        Its name in messages.
    text
        What stands in it.
    table
        What it means.
    """

    file: str
    text: str
    table: Mapping[str, object]

    @cached_property
    def rows(self) -> Mapping[KeyPath, int]:
        """The line, from 1, on which each key, table and list item begins."""
        return rows_of_keys(self.text)


def read_toml(path: Path) -> Toml:
    """Read a settings file.

    Parameters
    ----------
    path
        The file: UTF-8 (a byte order mark is tolerated), at most 5 MB, nested at most 64 deep.

    Raises
    ------
    InputError
        Where it cannot be opened, is not UTF-8, holds nothing, is too large or too deep, or is not TOML 1.0; with
        the row where there is one.
    """
    file = shown(path.name)
    text = _text(path, file)
    if found := _LONG_KEY.search(text):
        row = text.count("\n", 0, found.start()) + 1
        raise InputError("a key of too many parts", mend="Write a shorter one.", file=file, row=row)
    try:
        table = tomllib.loads(text)
    except RecursionError:
        raise _too_deep(file) from None
    except ValueError as error:
        raise _syntax_fault(str(error), text, file) from None
    if not table:
        raise InputError("the file holds no settings", mend="Begin with the template of dayzero new.", file=file)
    if _is_deep(table):
        raise _too_deep(file)
    return Toml(file=file, text=text, table=table)


def row_of(toml: Toml, path: KeyPath) -> int | None:
    r"""Return the line on which a key or table stands; for one that is absent, the line of the table that lacks it.

    Parameters
    ----------
    toml
        The file.
    path
        Keys and, for items of lists, positions from 0: ``("analysis", 0, "endpoint")``.

    Examples
    --------
    >>> toml = Toml("study.toml", "[a]\nb.c = 1\n", {"a": {"b": {"c": 1}}})
    >>> row_of(toml, ("a", "b", "c")), row_of(toml, ("a", "z")), row_of(toml, ("z",))
    (2, 1, None)
    """
    return next((toml.rows[path[:n]] for n in range(len(path), 0, -1) if path[:n] in toml.rows), None)


def _text(path: Path, file: str) -> str:
    if file_size(path, file=file) > MAX_BYTES:
        raise InputError("larger than 5 MB", mend="Keep settings here, and patients in tables.", file=file)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise open_fault(error, file=file) from None
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise InputError("not UTF-8 text", mend="Save the file as UTF-8.", file=file, row=row) from None


def _is_deep(table: object) -> bool:
    level = [table]
    for _ in range(MAX_DEPTH):
        level = [child for parent in level for child in _children(parent)]
    return bool(level)


def _children(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()


def _too_deep(file: str) -> InputError:
    return InputError(f"nested more than {MAX_DEPTH} deep", mend="Write it flatter.", file=file)


def _syntax_fault(message: str, text: str, file: str) -> InputError:
    place = re.search(r"\(at line (\d+), column \d+\)$", message)
    row = int(place[1]) if place else None
    if message.endswith("(at end of document)"):
        row = text.rstrip("\n").count("\n") + 1
    for start, fault, mend in _SYNTAX:
        if message.startswith(start):
            return InputError(fault, mend=mend, file=file, row=row)
    return InputError("not TOML", mend="Compare it with the template of dayzero new.", file=file, row=row)
