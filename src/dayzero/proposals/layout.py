"""Where a sheet's header stands, and where its patients begin: told by the cells, not by their formatting."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dayzero.io.grid import EMPTY, ERROR, TEXT, Grid
from dayzero.io.mapping.declared import Declared
from dayzero.io.mapping.headers import JOINT, read_headers
from dayzero.io.mapping.settings import SheetSettings
from dayzero.proposals.dates import is_date_text
from dayzero.proposals.names import find, is_named, plain
from dayzero.settings import Toml

HEADER_ROWS: Final = 3
_LOOKED_AT: Final = 60
_COMPARED: Final = 500
_SHARE: Final = 0.3
_WIDE: Final = 0.6
_LONGEST: Final = 120
_NUMBERED: Final = re.compile(r"\d{4}|^\W*[^\W\d]{0,4}[-_ ]?\d{3,}\W*$")
"""A long number, or a few letters and a number: somebody's identifier, and no header."""
_ROOMS: Final = ("patient", "event", "baseline", "attribute", "field", "identifying", "comment")

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Layout:
    """A sheet with a header.

    Attributes
    ----------
    grid
        The sheet.
    row, rows
        The first header row, as the file counts, and how many there are.
    skip
        Blank rows between the header and the patients.
    names
        (columns,) the header of each column; empty where there is none, or where it may be a patient's value.
    """

    grid: Grid
    row: int
    rows: int
    skip: int
    names: tuple[str, ...]

    @property
    def first(self) -> int:
        """Position in the frame of the first row of data."""
        return self.row - self.grid.first_row + self.rows + self.skip


def find_layout(grid: Grid) -> Layout | None:
    """Find the header of a sheet.

    The data begin with the first row in which a good part of the cells are numbers, dates, or texts that come again
    below. Above it stand at most three header rows; a row of one cell, at the left or over the whole width, is a
    title.

    Returns
    -------
    Layout or None
        None where there is no header, or nothing below it.
    """
    height = min(grid.frame.height, _LOOKED_AT)
    filled = [_filled(grid, row) for row in range(height)]
    start = _data_start(grid, filled)
    certain = start is not None
    if start is None:
        start = next((k + 1 for k in range(height - 1) if filled[k].sum() > 1), None)
    if not start:
        return None
    last = start - 1
    while last > 0 and not filled[last].any():
        last -= 1
    if not filled[last].any():
        return None
    first = _first_header_row(grid, filled, last)
    names = _names(grid, first, last - first + 1)
    if not certain and not any(find(name, room) for name in names if name for room in _ROOMS):
        return None  # nothing tells these texts from patients' values
    return Layout(grid, grid.first_row + first, last - first + 1, start - last - 1, names)


def _filled(grid: Grid, row: int) -> Bools:
    cells = zip(grid.frame.row(row), grid.kinds.row(row), strict=True)
    return np.array([bool(text and text.strip()) or kind == ERROR for text, kind in cells], bool)


def _data_start(grid: Grid, filled: Sequence[Bools]) -> int | None:
    """Return the first row of which at least 30 % of the cells are data."""
    again = _comes_again(grid)
    for row, cells in enumerate(filled):
        texts, kinds = grid.frame.row(row), grid.kinds.row(row)
        data = sum(
            _is_data(text, kind) or (text in again[column])
            for column, (text, kind) in enumerate(zip(texts, kinds, strict=True))
            if cells[column]
        )
        if data and data >= _SHARE * cells.sum() and _like_others(cells, filled):
            return row
    return None


def _like_others(cells: Bools, filled: Sequence[Bools]) -> bool:
    """Return whether a row has as many cells as rows of data have: a date beside a title has not."""
    widths = sorted(int(other.sum()) for other in filled if other.any())
    return bool(cells.sum() * 3 >= widths[len(widths) // 2])


def _is_data(text: str | None, kind: int) -> bool:
    if kind != TEXT or text is None:
        return kind != EMPTY
    words = text.strip()
    return words.replace(".", "", 1).replace(",", "", 1).lstrip("+-").isdecimal() or is_date_text(words)


def _comes_again(grid: Grid) -> list[frozenset[str]]:
    """Return, by column, the texts that stand in it at least twice."""
    head = grid.frame.head(_COMPARED)
    return [frozenset(column.drop_nulls().filter(column.drop_nulls().is_duplicated())) for column in head]


def _first_header_row(grid: Grid, filled: Sequence[Bools], last: int) -> int:
    """Walk up from the last header row while the rows name groups of columns."""
    first = last
    while first > 0 and last - first + 1 < HEADER_ROWS and _names_groups(grid, filled, first):
        first -= 1
    return first


def _names_groups(grid: Grid, filled: Sequence[Bools], below: int) -> bool:
    """Return whether the row above is a header row, too, and no title."""
    cells = filled[below - 1]
    if not cells.any() or _is_title(grid, below - 1, len(cells)):
        return False
    leftmost = min(int(np.argmax(row)) for row in filled if row.any())
    return bool(cells.sum() > 1 or not cells[leftmost])


def _is_title(grid: Grid, row: int, width: int) -> bool:
    number = grid.first_row + row
    wide = [end[1] - start[1] + 1 for start, end in grid.merged if start[0] <= number <= end[0]]
    return any(span > 2 and span >= _WIDE * width for span in wide)


def _names(grid: Grid, first: int, rows: int) -> tuple[str, ...]:
    sheet = SheetSettings(grid.file, "@A", header=rows, header_row=grid.first_row + first)
    headers = read_headers(grid, sheet, Declared(Toml("", "", {})))
    return tuple(name if _may_be_shown(name) else "" for name in headers.names)


def _may_be_shown(name: str) -> bool:
    """Return whether a text is a header, and not a date or a number that belongs to somebody."""
    parts = name.split(JOINT)
    return len(name) <= _LONGEST and not any(_NUMBERED.search(part) or is_date_text(part) for part in parts)


def is_counter(name: str) -> bool:
    """Return whether a column numbers the rows of the sheet."""
    return bool(plain(name)) and is_named(name.rpartition(JOINT)[2], "counter")
