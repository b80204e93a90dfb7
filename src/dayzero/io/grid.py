"""A sheet as it stands in its file: every cell as text, what kind of cell it is, and where it stands.

A workbook is a tuple of grids, one a sheet; a text file is one grid. Nothing is interpreted here: no header, no
identifier, no unit. Rows and columns are named as a spreadsheet names them.
"""

from dataclasses import dataclass
from typing import Final

import polars as pl

from dayzero.errors import Finding

EMPTY: Final = 0
TEXT: Final = 1
NUMBER: Final = 2
DATE: Final = 3
BOOLEAN: Final = 4
ERROR: Final = 5

Corner = tuple[int, int]
"""(row, column) of a cell, both from 1."""


@dataclass(frozen=True)
class Grid:
    """A sheet of a workbook, or a text file.

    Attributes
    ----------
    file
        The file's name in messages.
    sheet
        The sheet's name; empty for a text file.
    frame
        (rows, columns) text, null where a cell is empty. Its columns are named A, B, ..., Z, AA, ... and begin with A.
        Dates are ISO text (``2021-03-25``; ``2021-03-25T14:30:00`` where there is a time of day; ``14:30:00`` for a
        time or duration alone), numbers their shortest decimals without ``.0``, booleans ``TRUE`` and ``FALSE``.
    kinds
        (rows, columns) UInt8: EMPTY, TEXT, NUMBER, DATE, BOOLEAN or ERROR; a time or duration without a date is TEXT.
        ``#N/A`` is EMPTY; every other error is ERROR, and null in ``frame``. Text files have TEXT and EMPTY alone.
    first_row
        The row of the file, from 1, at which the frame begins.
    encoding
        How a text file was read, for example ``cp932``; empty for a workbook.
    merged
        The first and the last cell of every range of merged cells; the value stands in the first.
    findings
        What was found while reading.
    """

    file: str
    sheet: str
    frame: pl.DataFrame
    kinds: pl.DataFrame
    first_row: int = 1
    encoding: str = ""
    merged: tuple[tuple[Corner, Corner], ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def name(self) -> str:
        """The sheet as messages name it: ``cohort.xlsx, sheet Patients``."""
        return named(self.file, self.sheet)


def named(file: str, sheet: str) -> str:
    """Return how messages name a sheet.

    Examples
    --------
    >>> named("cohort.xlsx", "Patients"), named("cohort.csv", "")
    ('cohort.xlsx, sheet Patients', 'cohort.csv')
    """
    return f"{file}, sheet {sheet}" if sheet else file


def letters(column: int) -> str:
    """Return a column's letters.

    Parameters
    ----------
    column
        Its number, from 1.

    Examples
    --------
    >>> [letters(n) for n in (1, 26, 27, 702, 703, 16384)]
    ['A', 'Z', 'AA', 'ZZ', 'AAA', 'XFD']
    """
    text = ""
    while column:
        column, last = divmod(column - 1, 26)
        text = chr(ord("A") + last) + text
    return text


def column_number(text: str) -> int:
    """Return the number, from 1, of the column with these letters.

    Examples
    --------
    >>> [column_number(text) for text in ("A", "Z", "AA", "XFD")]
    [1, 26, 27, 16384]
    """
    number = 0
    for letter in text:
        number = 26 * number + ord(letter) - ord("A") + 1
    return number
