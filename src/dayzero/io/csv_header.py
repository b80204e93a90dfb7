"""The form of a text table, read from its header: separator, line ends, names of the columns."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Final

from dayzero.errors import InputError
from dayzero.settings import nearest, shown

SEPARATORS: Final = (",", ";", "\t", "|")
MAX_COLUMNS: Final = 20_000
MAX_FIELD: Final = 1_000_000  # bytes

# Unrolled, so that nothing is tried twice; possessive quantifiers go wrong before Python 3.11.5 (cpython 106052).
_PLAIN: Final = rb'[^"\r\n]*'
_FIRST_ROW: Final = re.compile(_PLAIN + rb'(?:"[^"]*"' + _PLAIN + rb")*")


@dataclass(frozen=True)
class Form:
    """How a table is written.

    Attributes
    ----------
    file
        The file's name in messages.
    names
        The columns' names, stripped.
    separator
        One of ``, ; tab |``.
    line_end
        The character that ends a line: LF (a CR before it belongs to it) or, in old files, CR.
    """

    file: str
    names: tuple[str, ...]
    separator: str
    line_end: str


def read_form(start: bytes, *, file: str, required: Sequence[str] = ()) -> Form:
    """Read the header.

    The separator is the one with which most of the required columns are found and, among equals, the one that stands
    in the header most often.

    Parameters
    ----------
    start
        The beginning of the file, its first row included.
    file
        The file's name in messages.
    required
        Columns that must be there.

    Raises
    ------
    InputError
        Where there is no header, no clear separator, a required column is missing, or a name is empty or given twice.
    """
    if not start.strip():
        raise InputError("the file is empty", mend="Its first row must name the columns.", file=file)
    row = _FIRST_ROW.match(start)
    end = row.end() if row else 0
    header, follows = _text(start[:end], file), start[end : end + 2]
    if follows[:1] == b'"':
        raise _header_fault("a quotation mark that is never closed", "Close it, or delete it.", file)
    if not header.strip():
        raise _header_fault("the first row is blank", "Put the names of the columns there.", file)
    separator, names = _split(header, file, required)
    _check_names(names, file, required)
    line_end = "\r" if follows[:1] == b"\r" and follows != b"\r\n" else "\n"
    return Form(file, tuple(names), separator, line_end)


def _header_fault(fault: str, mend: str, file: str, *, column: str | None = None) -> InputError:
    return InputError(fault, mend=mend, file=file, row=1, column=column)


def _text(header: bytes, file: str) -> str:
    if b"\0" in header:
        raise _header_fault("a NUL byte: this is not UTF-8 text", "Save the file as CSV (UTF-8).", file)
    if len(header) > MAX_FIELD:
        raise _header_fault("the first row is longer than 1 MB", "Check that this is a text table.", file)
    try:
        return header.decode("utf-8")
    except UnicodeDecodeError:
        raise _header_fault("not UTF-8 text", "Save the file as CSV (UTF-8).", file) from None


def _split(header: str, file: str, required: Sequence[str]) -> tuple[str, list[str]]:
    bare = re.sub(r'"[^"]*"', "", header)
    ranked = []
    for separator in SEPARATORS:
        if count := bare.count(separator):
            names = _names(header, separator, file)
            ranked.append((len(set(required) & set(names)), count, separator, names))
    if not ranked:
        return ",", _names(header, ",", file)
    ranked.sort(key=lambda entry: entry[:2], reverse=True)
    if len(ranked) > 1 and ranked[0][:2] == ranked[1][:2]:
        mend = "Use commas alone, semicolons, tabs or bars; put names that hold one in quotation marks."
        raise _header_fault("it is not clear what separates the columns", mend, file)
    return ranked[0][2], ranked[0][3]


def _names(header: str, separator: str, file: str) -> list[str]:
    try:
        fields = next(csv.reader(StringIO(header, newline=""), delimiter=separator, strict=False))
    except csv.Error:
        raise _header_fault("a column's name is too long", "Shorten it.", file) from None
    return [name.strip() for name in fields]


def _check_names(names: Sequence[str], file: str, required: Sequence[str]) -> None:
    for missing in required:
        if missing not in names:
            raise _header_fault("there is no such column", _how_to_add(missing, names), file, column=missing)
    if len(names) > MAX_COLUMNS:
        raise _header_fault(f"more than {MAX_COLUMNS} columns", "Leave out columns that are not needed.", file)
    if "" in names:
        place = names.index("") + 1
        mend = "Name it; or delete it, or the separator at the end of the row."
        raise _header_fault(f"the name of column {place} is empty", mend, file)
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        places = " and ".join(str(n) for n, name in enumerate(names, 1) if name == twice[0])
        mend = "Rename or delete one of them."
        raise _header_fault(f"columns {places} have one name", mend, file, column=shown(twice[0]))


def _how_to_add(missing: str, names: Sequence[str]) -> str:
    if len(names) == 1:
        return "The header must name several columns, separated by commas, semicolons, tabs or bars."
    # A name with a digit may be a patient's: of a file without a header.
    guess = nearest(missing, [name for name in names if not re.search(r"\d", name)])
    return f"The nearest is '{shown(guess)}': rename it." if guess else "Name it in the first row."
