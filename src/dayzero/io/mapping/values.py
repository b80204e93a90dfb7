"""The cells of a column of a sheet, and what they say: codes, numbers, units, dates.

Each distinct cell is read once, by a function that returns its meaning, or the code of what is wrong with it.
"""

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.io.grid import DATE, ERROR, NUMBER
from dayzero.io.mapping.dates import Refused, read_date
from dayzero.io.mapping.declared import Declared
from dayzero.io.mapping.faults import Fault
from dayzero.io.mapping.rows import PatientRows
from dayzero.io.mapping.settings import Column, Constant, MapSettings, Source
from dayzero.io.mapping.units import Conversion, conversion

Bools = npt.NDArray[np.bool_]
Reading = tuple[str, str]
"""What a cell means, and the code of what is wrong with it; one of the two is empty."""
Reader = Callable[[str, int], Reading]

_NUMBER: Final = re.compile(r"[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?")


@dataclass(frozen=True)
class Values:
    """A column as read.

    Attributes
    ----------
    text
        (rows,) what each cell means; null where it is empty, means that a value is missing, or cannot be used.
    filled
        (rows,) whether something stands in the cell that does not mean missing.
    letter
        The column; empty for a constant.
    wrong
        (rows,) in which cells something is wrong.
    faults
        What it is.
    """

    text: pl.Series
    filled: Bools
    letter: str
    wrong: Bools
    faults: tuple[Fault, ...] = ()


def same_everywhere(text: str | None, rows: PatientRows) -> Values:
    """Return the column that says the same in every row."""
    n = len(rows)
    return Values(pl.Series([text], dtype=pl.String).new_from_index(0, n), np.ones(n, bool), "", np.zeros(n, bool))


def read_column(rows: PatientRows, letter: str, reader: Reader, *, about: str = "") -> Values:
    """Read every cell of a column of the patients' rows.

    Parameters
    ----------
    rows
        The rows.
    letter
        The column.
    reader
        What a cell means; called once for each distinct cell that is neither empty nor means missing.
    about
        For messages: what the column is.
    """
    cells = rows.cells(letter)
    distinct = cells.unique(maintain_order=True).drop_nulls("text")
    read = [reader(text, kind) for text, kind in distinct.rows()]
    meanings = distinct.with_columns(
        pl.Series("meaning", [meaning or None for meaning, _ in read], dtype=pl.String),
        pl.Series("code", [code or None for _, code in read], dtype=pl.String),
    )
    joined = cells.join(meanings, on=["text", "kind"], how="left", maintain_order="left")
    is_error = (cells["kind"] == ERROR).to_numpy()
    code = joined["code"].set(pl.Series(is_error), "error-cell") if is_error.any() else joined["code"]
    wrong = code.is_not_null().to_numpy()
    faults = tuple(
        rows.fault(name, letter, (code == name).fill_null(value=False).to_numpy(), about=about)
        for name in code.unique(maintain_order=True).drop_nulls()
    )
    return Values(joined["meaning"], cells["text"].is_not_null().to_numpy() | is_error, letter, wrong, faults)


def read_source(
    rows: PatientRows, source: Source, declared: Declared, settings: MapSettings, *, about: str = ""
) -> Values:
    """Read what a setting names: a column with or without codes or units, or a constant."""
    if isinstance(source, Constant):
        return same_everywhere(source.text, rows)
    column = Column(source) if isinstance(source, str) else source
    letter = rows.headers.find(column.column, declared)
    return read_column(rows, letter, _reader(column, settings), about=about)


def read_numbers(
    rows: PatientRows, source: str | Column, declared: Declared, settings: MapSettings, *, to: str
) -> Values:
    """Read a column of numbers; one with a unit is converted to ``to`` where it states no other unit."""
    column = Column(source) if isinstance(source, str) else source
    letter = rows.headers.find(column.column, declared)
    unit = conversion(column.unit, column.to or to, of=column.of) if column.unit else Conversion(1.0)
    return read_column(rows, letter, partial(_converted, unit=unit, decimal=settings.decimal), about="the column")


def read_whole(rows: PatientRows, source: str | Column, declared: Declared) -> Values:
    """Read a column that says which of its kind an event is."""
    column = Column(source) if isinstance(source, str) else source
    letter = rows.headers.find(column.column, declared)
    reader = partial(_decoded, codes=column.codes) if column.codes else _as_written
    return read_column(rows, letter, lambda text, kind: _whole(reader(text, kind)))


def read_day(text: str, kind: int, *, settings: MapSettings) -> Reading:
    """Read one date of an event."""
    read = read_date(text, kind, settings)
    return ("", read.code) if isinstance(read, Refused) else (read, "")


def number(text: str, kind: int, decimal: str) -> Reading:
    """Read one number, written with the declared decimal mark where it is text.

    Examples
    --------
    >>> number("3,5", 1, ","), number("１２", 1, "."), number("3.5", 1, ","), number("3.5", 2, ",")
    (('3.5', ''), ('12', ''), ('', 'other-decimal-mark'), ('3.5', ''))
    """
    plain = text if text.isascii() else "".join(unicodedata.normalize("NFKC", text).split())
    mark = "." if kind == NUMBER else decimal
    if not _NUMBER.fullmatch(plain):
        return "", "not-a-number"
    if ("," in plain and mark == ".") or ("." in plain and mark == ","):
        return "", "other-decimal-mark" if mark == "," else "not-a-number"
    return plain.replace(",", "."), ""


def _reader(column: Column, settings: MapSettings) -> Reader:
    if column.date:
        return partial(_baseline_date, settings=settings)
    if column.codes:
        return partial(_decoded, codes={key.strip(): meaning for key, meaning in column.codes.items()})
    if column.unit:
        unit = conversion(column.unit, column.to, of=column.of) if column.to else Conversion(1.0)
        return partial(_converted, unit=unit, decimal=settings.decimal)
    return partial(_plain, decimal=settings.decimal)


def _baseline_date(text: str, kind: int, *, settings: MapSettings) -> Reading:
    """Read one date that no event has: nothing later refuses a day that no calendar has."""
    read, code = read_day(text, kind, settings=settings)
    try:
        date.fromisoformat(read[:10] if len(read) >= len("2021-03-25") else "2021-03-25")
    except ValueError:
        return "", "not-a-date"
    return read, code


def _as_written(text: str, _: int) -> Reading:
    return text, ""


def _decoded(text: str, _: int, *, codes: Mapping[str, str]) -> Reading:
    return (codes[text], "") if text in codes else ("", "value-not-coded")


def _converted(text: str, kind: int, *, unit: Conversion, decimal: str) -> Reading:
    read, code = number(text, kind, decimal)
    if code or unit == Conversion(1.0):
        return read, code
    return f"{float(read) * unit.factor + unit.offset:.15g}", ""


def _plain(text: str, kind: int, *, decimal: str) -> Reading:
    """Return text as written, numbers in half width and with a point."""
    if kind == DATE:
        return text, ""
    read, code = number(text, kind, decimal)
    return ("", code) if code == "other-decimal-mark" else (read or text, "")


def _whole(reading: Reading) -> Reading:
    text, code = reading
    plain = unicodedata.normalize("NFKC", text)
    if code or re.fullmatch(r"[1-9][0-9]{0,5}", plain):
        return plain, code
    return "", "not-a-whole-number" if text else ""
