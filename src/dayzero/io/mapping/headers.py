"""The header of a sheet: one name a column, joined from its header rows; and which column a setting means."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dayzero.io.grid import Grid, letters
from dayzero.io.mapping.declared import Declared
from dayzero.io.mapping.settings import SheetSettings
from dayzero.settings import nearest, shown

JOINT: Final = " | "
_SHOWN: Final = 12

Row = list[str]


@dataclass(frozen=True)
class Headers:
    """The columns of a sheet by name.

    Attributes
    ----------
    grid
        The sheet.
    names
        (columns,) the header of each column; empty where there is none.
    first
        Position in the grid's frame of the first row below the header and the rows that are skipped.
    """

    grid: Grid
    names: tuple[str, ...]
    first: int

    def find(self, name: str, declared: Declared) -> str:
        """Return the letters of the column that a setting names.

        Raises
        ------
        InputError
            Where the sheet has no such column, or several.
        """
        if name.startswith("@"):
            return self._lettered(name, declared)
        wanted = tidy(name)
        found = [letters(n) for n, header in enumerate(self.names, 1) if header == wanted]
        if len(found) == 1:
            return found[0]
        if not found:
            raise declared.fault(f"{self.grid.name} has no column {shown(name)!r}", self._suggestion(wanted))
        choice = " or ".join(f'"@{letter}"' for letter in found)
        raise declared.fault(f"{self.grid.name} has {len(found)} columns {shown(name)!r}", f"Name one as {choice}.")

    def label(self, letter: str) -> str:
        """Return how a finding names a column: ``H (CAR-T | Date)``."""
        header = self.names[self.grid.frame.columns.index(letter)] if letter in self.grid.frame.columns else ""
        return f"{letter} ({shown(header)})" if header else letter

    def _lettered(self, name: str, declared: Declared) -> str:
        letter = name[1:].strip().upper()
        if letter not in self.grid.frame.columns:
            columns = self.grid.frame.columns
            mend = f"Its columns are A to {columns[-1]}." if columns else "It is empty."
            raise declared.fault(f"{self.grid.name} has no column {shown(name)!r}", mend)
        return letter

    def _suggestion(self, wanted: str) -> str:
        known = list(dict.fromkeys(name for name in self.names if name))
        last = _last(wanted)
        if alike := [name for name in known if _last(name) == last]:
            return f"Did you mean {' or '.join(repr(shown(name)) for name in alike[:_SHOWN])}?"
        if near := nearest(wanted, known):
            return f"Did you mean {shown(near)!r}?"
        some = ", ".join(repr(shown(name)) for name in known[:_SHOWN])
        return f"Its columns are {some}; check header and header_row."


def _last(name: str) -> str:
    return name.rpartition(JOINT)[2].casefold()


def read_headers(grid: Grid, sheet: SheetSettings, declared: Declared) -> Headers:
    """Join the header rows of a sheet.

    A merged cell of an upper row names all its columns. In a row without merged cells a cell names the empty ones to
    its right, as far as something stands below them and until another group begins.

    Raises
    ------
    InputError
        Where the header rows are not in the sheet, or are blank.
    """
    row = sheet.header_row or grid.first_row
    top = row - grid.first_row
    if not grid.frame.height:
        raise declared.fault(f"{grid.name} is empty", "Name another sheet.")
    if top < 0 or top + sheet.header > grid.frame.height:
        last = grid.first_row + grid.frame.height - 1
        raise declared.fault(f"no header on row {row}", f"{grid.name} is used from row {grid.first_row} to {last}.")
    rows = [[tidy(cell or "") for cell in grid.frame.row(top + k)] for k in range(sheet.header)]
    carried = [_carried(grid, rows, k, row + k) for k in range(sheet.header)]
    names = tuple(join(column) for column in zip(*carried, strict=True))
    if not any(names):
        raise declared.fault(f"row {row} of {grid.name} is blank", "Name the first header row: header_row.")
    return Headers(grid, names, top + sheet.header + sheet.skip)


def tidy(text: str) -> str:
    r"""Return text with line breaks and runs of blanks made one blank.

    Examples
    --------
    >>> tidy(" CAR-T\n date ")
    'CAR-T date'
    """
    return " ".join(text.split())


def join(parts: Sequence[str]) -> str:
    """Join the header cells of one column, top to bottom, empty ones and repetitions left out.

    Examples
    --------
    >>> join(("CAR-T", "", "Date"))
    'CAR-T | Date'
    """
    kept = [part for part in parts if part]
    return JOINT.join(part for k, part in enumerate(kept) if k == 0 or part != kept[k - 1])


def _carried(grid: Grid, rows: list[Row], k: int, number: int) -> Row:
    """Return header row k with its cells carried to the right; the last row names single columns."""
    ranges = [r for r in grid.merged if r[0][0] == number and r[1][1] > r[0][1]]
    if ranges:
        return _within(rows[k], ranges)
    return _until_the_next(rows, k) if k < len(rows) - 1 else rows[k]


def _within(row: Row, ranges: Sequence[tuple[tuple[int, int], tuple[int, int]]]) -> Row:
    cells = list(row)
    for (_, left), (_, right) in ranges:
        for column in range(left, min(right, len(cells))):
            cells[column] = cells[column] or row[left - 1]
    return cells


def _until_the_next(rows: list[Row], k: int) -> Row:
    cells: Row = []
    carried = ""
    for column, cell in enumerate(rows[k]):
        below = any(rows[j][column] for j in range(k + 1, len(rows)))
        above = any(rows[j][column] for j in range(k))
        if cell or above or not below:
            carried = cell if below else ""
        cells.append(cell or carried)
    return cells
