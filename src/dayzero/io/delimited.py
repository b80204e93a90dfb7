"""Grids from text files: separator and encoding declared, or told by the file where it leaves no doubt."""

import re
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import polars as pl

from dayzero.errors import Finding, InputError, InternalError
from dayzero.io.csv import parse
from dayzero.io.csv_gate import pass_gate
from dayzero.io.csv_header import MAX_COLUMNS, SEPARATORS, Form
from dayzero.io.csv_source import pieces, refuse_binary
from dayzero.io.encodings import decode_file
from dayzero.io.grid import EMPTY, TEXT, Grid, letters
from dayzero.settings import open_fault

_SPOKEN: Final = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_LOOKED_AT: Final = 200_000  # bytes
_BLANK_LINES: Final = re.compile(rb"(?:\r\n|\r|\n)*")
_QUOTED: Final = re.compile(rb'"[^"]*"')
_LINE_END: Final = re.compile(rb"\r\n|\r|\n")


@dataclass(frozen=True)
class Written:
    """How a text file is declared to be written; an empty text leaves it to the file.

    Attributes
    ----------
    encoding, separator, decimal
        See ``read_grids``.
    """

    encoding: str = ""
    separator: str = ""
    decimal: str = ""


def read_delimited(path: Path, file: str, written: Written) -> tuple[Grid, ...]:
    """Read a text file whose columns are separated by commas, semicolons, tabs or bars.

    Parameters
    ----------
    path
        The file: UTF-8, UTF-16, Windows-1252, CP932 (Shift-JIS) or GB18030; quotation follows RFC 4180.
    file
        Its name in messages.
    written
        What is declared of its encoding, separator and decimal mark.

    Returns
    -------
    tuple of Grid
        One grid. Blank rows stay in it, so that its rows are those of the file; those above the first filled one do
        not. ``#N/A`` is empty.

    Raises
    ------
    InputError
        Where the file cannot be opened, is no text, its encoding or separator is not clear, its rows differ in length,
        or a quotation mark, a line end or a NUL byte stands where a parser would guess.
    """
    refuse_binary(path, file=file)
    source, encoding = decode_file(path, file=file, encoding=written.encoding)
    try:
        text = pieces(source)
        first = next(text)
        form, above = _read_form(first, file, written)
        rows, quoted = pass_gate(chain([first], text), form)
        frame = parse(source, form, quoted=quoted, header=False, skip=above)
    except OSError as error:
        raise open_fault(error, file=file) from None
    if frame.height != rows - above:
        raise InternalError(f"{file}: the parser found {frame.height} rows, the gate {rows - above}")
    return (_grid(frame, form, above, encoding),)


def _read_form(start: bytes, file: str, written: Written) -> tuple[Form, int]:
    """Return how the table is written, its columns named by letters, and how many blank lines stand above it."""
    blank = _BLANK_LINES.match(start)
    begin = blank.end() if blank else 0
    above = len(_LINE_END.findall(start[:begin]))
    bare = _QUOTED.sub(b"q", start[begin : begin + _LOOKED_AT])
    if not bare.strip(b"\r\n "):
        raise InputError("the file is empty", mend="Export the table anew.", file=file)
    rows = [row for row in _LINE_END.split(bare) if row]
    complete = rows[:-1] if len(start) > begin + _LOOKED_AT else rows
    separator = _separator(complete or rows, file, written)
    width = rows[0].count(separator.encode()) + 1
    if width > MAX_COLUMNS:
        raise InputError(f"more than {MAX_COLUMNS} columns", mend="Leave out what is not needed.", file=file, row=1)
    ending = _LINE_END.search(start)
    return Form(file, tuple(map(letters, range(1, width + 1))), separator, _line_end(ending)), above


def _line_end(found: re.Match[bytes] | None) -> str:
    return "\r" if found and found[0] == b"\r" else "\n"


def _separator(rows: list[bytes], file: str, written: Written) -> str:
    """Return the separator: declared, or the only one that stands equally often in every row."""
    if written.separator:
        return _declared_separator(written.separator, file)
    known = [separator for separator in SEPARATORS if (separator, written.decimal) != (",", ",")]
    counts = {separator: [row.count(separator.encode()) for row in rows] for separator in known}
    even = [separator for separator, count in counts.items() if count[0] and len(set(count)) == 1]
    if len(even) > 1:
        ways = " or ".join(f"separator = {quoted}" for quoted in map(_as_toml, even))
        raise InputError("it is not clear what separates the columns", mend=f"Declare it: {ways}.", file=file, row=1)
    return even[0] if even else max(known, key=lambda separator: sum(count > 0 for count in counts[separator]))


def _as_toml(separator: str) -> str:
    return '"\\t"' if separator == "\t" else f'"{separator}"'


def _declared_separator(separator: str, file: str) -> str:
    if separator in SEPARATORS:
        return separator
    known = ", ".join(map(_as_toml, SEPARATORS))
    raise InputError("no such separator", mend=f"Known are {known}.", file=file, column="separator")


def _grid(frame: pl.DataFrame, form: Form, above: int, encoding: str) -> Grid:
    frame = frame.with_columns(pl.all().replace("#N/A", None))
    kinds = frame.select(pl.when(pl.all().is_null()).then(EMPTY).otherwise(TEXT).cast(pl.UInt8).name.keep())
    message = f"The file was read as {encoding}, its columns separated by {_SPOKEN[form.separator]}."
    note = Finding("note", "read-as", message, table=form.file)
    return Grid(form.file, "", frame, kinds, first_row=above + 1, encoding=encoding, findings=(note,))
