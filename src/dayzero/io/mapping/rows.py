"""The rows of a sheet that belong to patients; headings, totals and rows without an identifier are told apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.io.grid import Grid, column_number
from dayzero.io.mapping.declared import Declared
from dayzero.io.mapping.faults import Fault
from dayzero.io.mapping.headers import JOINT, Headers, read_headers
from dayzero.io.mapping.settings import SheetSettings

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

TOTALS: Final = frozenset(
    """total totals subtotal sum mean average median count n gesamt summe mittelwert somme moyenne totale media suma
    promedio 合計 小計 平均 総計 合计 小计 总计 平均值""".split()
)
"""What stands where an identifier should in a row that is no patient's; in small letters."""


@dataclass(frozen=True)
class PatientRows:
    """The rows of a sheet that belong to patients.

    Attributes
    ----------
    headers
        The sheet and its header.
    letter
        The column of the identifiers.
    positions
        (rows,) where they stand in the grid's frame.
    patients
        (rows,) identifiers.
    missing
        Texts that mean missing.
    """

    headers: Headers
    letter: str
    positions: Ints
    patients: pl.Series
    missing: Sequence[str] = ()

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.positions)

    @property
    def grid(self) -> Grid:
        """The sheet."""
        return self.headers.grid

    @property
    def numbers(self) -> Ints:
        """(rows,) rows of the file."""
        return self.positions + self.grid.first_row

    def cells(self, letter: str) -> pl.DataFrame:
        """Return (rows,) ``text``, without blanks around it, null where missing, and ``kind`` of a column's cells."""
        return read_cells(self.grid, letter, self.missing)[self.positions]

    def fault(self, code: str, letter: str, where: Bools, *, about: str = "") -> Fault:
        """Return a fault of some of these rows."""
        rows = tuple(int(row) for row in self.numbers[where])
        return Fault(code, self.grid.name, self.headers.label(letter), rows, about)


def read_cells(grid: Grid, letter: str, missing: Sequence[str]) -> pl.DataFrame:
    """Return the ``text`` and ``kind`` of every cell of a column, blanks tidied, null where missing."""
    text = grid.frame[letter].str.strip_chars().str.replace_all(r"[\r\n]+\s*", " ")
    gone = (text == "") | text.is_in([*missing]) if missing else text == ""
    return pl.DataFrame({"text": text.set(gone.fill_null(value=False), None), "kind": grid.kinds[letter]})


def read_rows(
    grid: Grid, sheet: SheetSettings, missing: Sequence[str], declared: Declared
) -> tuple[PatientRows, tuple[Fault, ...]]:
    """Find the rows of the patients.

    Parameters
    ----------
    grid, sheet
        The sheet, and how it is mapped.
    missing
        Texts that mean missing.
    declared
        Where the sheet is mapped, for messages.

    Returns
    -------
    tuple
        The rows, and faults: rows without an identifier, rows of totals.

    Raises
    ------
    InputError
        Where the header or the column of the identifiers is not there.
    """
    headers = read_headers(grid, sheet, declared)
    letter = headers.find(sheet.patient, declared.at("patient"))
    cells = read_cells(grid, letter, missing)
    below = np.arange(grid.frame.height) >= headers.first
    used = ~grid.frame.select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy() & below
    ids = _filled_up(_merged_down(cells["text"], grid, letter), sheet.digits)
    header = headers.names[grid.frame.columns.index(letter)]
    no_patient = TOTALS | {header.casefold(), header.rpartition(JOINT)[2].casefold()}
    totals = ids.str.to_lowercase().str.strip_chars(" :=").is_in([*no_patient]).fill_null(value=False).to_numpy()
    lacking = ids.is_null().to_numpy()
    kept = np.flatnonzero(used & ~lacking & ~totals)
    rows = PatientRows(headers, letter, kept, ids.gather(kept).alias("patient"), tuple(missing))
    found = (("row-without-patient", used & lacking), ("row-of-totals", used & totals))
    every = np.arange(grid.frame.height) + grid.first_row
    return rows, tuple(
        Fault(code, grid.name, headers.label(letter), tuple(int(row) for row in every[where]))
        for code, where in found
        if where.any()
    )


def _merged_down(ids: pl.Series, grid: Grid, letter: str) -> pl.Series:
    """Return identifiers with those of merged cells in every row that they cover."""
    cells = ids.to_list()
    column = column_number(letter)
    for (top, left), (bottom, right) in grid.merged:
        if top < bottom and left <= column <= right:
            first = top - grid.first_row
            cells[first : bottom - grid.first_row + 1] = [cells[first]] * (bottom - top + 1)
    return pl.Series("text", cells[: len(ids)], dtype=pl.String) if grid.merged else ids


def _filled_up(ids: pl.Series, digits: int) -> pl.Series:
    """Return identifiers, those that are whole numbers with leading zeros up to so many digits."""
    whole = ids.str.contains(r"^[0-9]+$").fill_null(value=False)
    return ids.zip_with(~whole, ids.str.zfill(digits)) if digits else ids
