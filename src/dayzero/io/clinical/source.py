"""A further table as it stands in its file: csv, or the first sheet (or the one of its name) of a workbook."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import Finding, InputError
from dayzero.io.csv import Table, read_csv
from dayzero.io.files import read_grids
from dayzero.io.grid import EMPTY, ERROR, Grid
from dayzero.settings import nearest, shown

TEXT_FILES: Final = (".csv", ".tsv", ".txt")


@dataclass(frozen=True)
class Source:
    """A table of text.

    Attributes
    ----------
    table
        Which of the further tables it is.
    name
        The file's name in messages.
    frame
        (rows, columns) text, null where missing.
    rows
        (rows,) where each row stands in the file.
    findings
        What was found while reading the file.
    """

    table: str
    name: str
    frame: pl.DataFrame
    rows: npt.NDArray[np.int64]
    findings: tuple[Finding, ...] = ()

    def __len__(self) -> int:
        """Return the number of rows."""
        return self.frame.height

    def filter(self, where: pl.Series) -> "Source":
        """Return some of its rows."""
        return Source(self.table, self.name, self.frame.filter(where), self.rows[where.to_numpy()], self.findings)

    def text(self, header: str) -> pl.Series:
        """Return a column without blanks around its cells, null where empty."""
        column = self.frame[header].str.strip_chars()
        return column.set(column == "", None)

    def fault(self, what: str, mend: str, where: pl.Series, column: str) -> InputError:
        """Return the error of the first of some rows."""
        row = int(self.rows[int(where.fill_null(value=False).arg_max() or 0)])
        return InputError(what, mend=mend, file=self.name, row=row, column=column)

    def lacks(self, column: str) -> InputError:
        """Return the error of a missing column; a name with a digit may be a patient's value, and is left out."""
        names = [shown(name) for name in self.frame.columns[:12] if not re.search(r"\d", name)]
        mend = f"Add it; the columns are {', '.join(names)}." if names else "Name the columns in the first row."
        return self.header_fault(f"no column {column!r}", mend)

    def header_fault(self, what: str, mend: str) -> InputError:
        """Return an error of the header."""
        return InputError(what, mend=mend, file=self.name, row=1)


def read_source(path: Path, *, table: str, name: str, missing: Sequence[str] = ()) -> Source:
    """Read the file of a further table.

    Parameters
    ----------
    path
        The file: .csv, .tsv, .txt, or a workbook (.xlsx, .xlsm, .ods), its header in the first row that is used.
    table
        Which of the further tables it is.
    name
        The file's name in messages.
    missing
        Texts that mean missing.

    Raises
    ------
    InputError
        Where the file cannot be used, or has no column ``patient``.
    """
    if path.suffix.lower() in TEXT_FILES:
        read, grid = read_csv(path, name=name, required=("patient",)), None
    else:
        grid = _sheet(read_grids(path, name=name), table)
        read = _below_header(grid)
    frame = _without_missing(read.frame, missing) if missing else read.frame
    source = Source(table, read.name, frame, read.rows, grid.findings if grid else ())
    if "patient" not in frame.columns:
        raise source.lacks("patient")
    return source


def _without_missing(frame: pl.DataFrame, missing: Sequence[str]) -> pl.DataFrame:
    gone = pl.all().str.strip_chars().is_in([*missing]).fill_null(value=False)
    kept = frame.select(gone)
    return frame.with_columns(
        frame[column].set(kept[column], None) for column in frame.columns if column != "patient" and kept[column].any()
    )


def _sheet(grids: Sequence[Grid], table: str) -> Grid:
    if len(grids) == 1:
        return grids[0]
    for grid in grids:
        if grid.sheet.strip().casefold() == table:
            return grid
    names = [grid.sheet for grid in grids]
    near = nearest(table, names)
    hint = f"Did you mean {shown(near)!r}? " if near else ""
    mend = f"{hint}Name the sheet {table!r}, or keep one sheet in the file."
    raise InputError(f"{len(grids)} sheets, and none is named {table!r}", mend=mend, file=grids[0].file)


def _below_header(grid: Grid) -> Table:
    if not grid.frame.height:
        raise InputError("the sheet is empty", mend="Name another sheet or file.", file=grid.name)
    heads = [" ".join((cell or "").split()) for cell in grid.frame.row(0)]
    named = [(letter, head) for letter, head in zip(grid.frame.columns, heads, strict=True) if head]
    names = [head for _, head in named]
    if len(set(names)) < len(names):
        again = next(name for at, name in enumerate(names) if name in names[:at])
        mend = "Give every column a name of its own."
        raise InputError(f"two columns {shown(again)!r}", mend=mend, file=grid.name, row=grid.first_row)
    body, kinds = grid.frame[1:], grid.kinds[1:]
    rows = np.arange(body.height) + grid.first_row + 1
    _refuse_errors(grid, kinds, named, rows)
    filled = ~kinds.select(pl.all_horizontal(pl.all() == EMPTY)).to_series()
    frame = body.select(pl.col(letter).alias(head) for letter, head in named).filter(filled)
    return Table(grid.name, frame, rows[filled.to_numpy()])


def _refuse_errors(
    grid: Grid, kinds: pl.DataFrame, named: Sequence[tuple[str, str]], rows: npt.NDArray[np.int64]
) -> None:
    for letter, head in named:
        wrong = kinds[letter] == ERROR
        if wrong.any():
            row = int(rows[int(wrong.arg_max() or 0)])
            mend = "Mend the formula, or empty the cell."
            raise InputError("an error of the spreadsheet", mend=mend, file=grid.name, row=row, column=shown(head))
