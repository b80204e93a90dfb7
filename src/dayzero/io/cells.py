"""Cells of a workbook as text, and what kind of cell each is, column by column."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, time, timedelta
from typing import Final

import polars as pl

from dayzero.io.grid import BOOLEAN, DATE, EMPTY, NUMBER, TEXT

Cell = str | float | bool | date | time | timedelta | None
_HALF_SECOND: Final = timedelta(microseconds=500_000)
_WHOLE: Final = 1e15
"""Below it every whole number is itself as a double."""


def column_texts(cells: Sequence[Cell]) -> tuple[pl.Series, pl.Series]:
    """Return the texts and kinds of a column.

    Parameters
    ----------
    cells
        Its cells; empty ones are None or "".

    Returns
    -------
    tuple of Series
        (cells,) String and (cells,) UInt8; see ``Grid``.

    Examples
    --------
    >>> texts, kinds = column_texts(["a", 1.0, 2.5, None, True, date(2021, 3, 25), "#N/A"])
    >>> texts.to_list(), kinds.to_list()
    (['a', '1', '2.5', None, 'TRUE', '2021-03-25', None], [1, 2, 2, 0, 4, 3, 0])
    """
    cells = [None if cell == "" else cell for cell in cells]
    types = set(map(type, cells)) - {type(None)}
    if types == {str}:
        return _texts(pl.Series(cells, dtype=pl.String))
    if types == {float}:
        return _same_kind(_numbers(pl.Series(cells, dtype=pl.Float64)), NUMBER)
    if types == {date}:
        return _same_kind(pl.Series(cells, dtype=pl.Date).cast(pl.String), DATE)
    written = [WRITERS[type(cell)](cell) for cell in cells]
    texts = pl.Series([text for text, _ in written], dtype=pl.String)
    return texts, pl.Series([kind for _, kind in written], dtype=pl.UInt8)


def number_text(number: float) -> str:
    """Return the shortest decimals that mean a number, as ``column_texts`` writes it.

    Examples
    --------
    >>> number_text(7.0), number_text(0.1), number_text(1e21)
    ('7', '0.1', '1e21')
    """
    if abs(number) < _WHOLE and number == int(number):
        return str(int(number))
    return repr(number).replace("e+", "e").replace("e-0", "e-")


def _texts(column: pl.Series) -> tuple[pl.Series, pl.Series]:
    return _same_kind(column.set(column == "#N/A", None), TEXT)


def _same_kind(texts: pl.Series, kind: int) -> tuple[pl.Series, pl.Series]:
    return texts, texts.is_not_null().cast(pl.UInt8) * kind


def _numbers(column: pl.Series) -> pl.Series:
    if (column.abs() < _WHOLE).all() and (column == column.floor()).all():
        return column.cast(pl.Int64).cast(pl.String)
    return pl.Series([None if number is None else number_text(number) for number in column], dtype=pl.String)


def _of_text(cell: str) -> tuple[str | None, int]:
    return (None, EMPTY) if cell in ("", "#N/A") else (cell, TEXT)


def _of_moment(cell: datetime) -> tuple[str, int]:
    whole = cell if cell.year == date.max.year else cell + _HALF_SECOND
    text = whole.isoformat(timespec="seconds")
    return text.removesuffix("T00:00:00"), DATE


def _of_duration(cell: timedelta) -> tuple[str, int]:
    seconds = round(cell.total_seconds())
    minutes, rest = divmod(abs(seconds), 60)
    return f"{'-' if seconds < 0 else ''}{minutes // 60:02}:{minutes % 60:02}:{rest:02}", TEXT


WRITERS: Final[dict[type, Callable[..., tuple[str | None, int]]]] = {
    type(None): lambda _: (None, EMPTY),
    str: _of_text,
    float: lambda cell: (number_text(cell), NUMBER),
    int: lambda cell: (str(cell), NUMBER),
    bool: lambda cell: ("TRUE" if cell else "FALSE", BOOLEAN),
    date: lambda cell: (cell.isoformat(), DATE),
    datetime: _of_moment,
    time: lambda cell: (cell.isoformat(timespec="seconds"), TEXT),
    timedelta: _of_duration,
}
