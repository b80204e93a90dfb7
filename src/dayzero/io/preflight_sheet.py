"""A sheet's XML looked through in pieces: how far its cells reach, and what its reader would not tell.

Almost every program writes a cell as ``<c r="B3" s="1" t="s">``. Such tags are found fast (``preflight_tags``); a sheet
in which any is written otherwise goes through an XML parser (``preflight_cells``), so that no cell is overlooked.
"""

import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from dayzero.errors import InputError
from dayzero.io.grid import Corner, column_number, letters
from dayzero.io.preflight_tags import cell_tags

MAX_ROWS: Final = 1_048_576
MAX_COLUMNS: Final = 16_384
SMALL: Final = 2_000_000
"""Cells of a rectangle that is read however few of them are filled."""
MAX_EMPTY: Final = 4
"""Times that the rectangle around the cells of a larger sheet may exceed their number."""
MAX_AREA: Final = 16_000_000
MAX_MERGED: Final = 200_000
KNOWN_ERRORS: Final = ("#DIV/0!", "#N/A", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#GETTING_DATA")
_LONGEST: Final = 4 << 20  # bytes of XML without an end of a row

# Repeats are bounded, so that no expression looks at a byte more than some hundred times.
_NAME: Final = rb"(?:[A-Za-z_][\w.-]{0,40}:)?"
_CELL: Final = rb'<%bc r="([A-Z]{1,3})([0-9]{1,7})"' % _NAME
_ROW_END: Final = re.compile(rb"</%brow>" % _NAME)
_ERROR: Final = re.compile(
    rb'%b[^>]{0,200}?\bt="e"[^>]{0,200}>(?:(?!</%bc>).){0,9000}?<%bv>([^<]{0,20})' % (_CELL, _NAME, _NAME), re.DOTALL
)
_FORMULA: Final = re.compile(
    rb"%b([^>]{0,300})>\s{0,20}<%bf(?:\s[^>]{0,300})?(?:/>|>[^<]{0,40000}</%bf>)\s{0,20}(?:<%bv/>|<%bv></%bv>)?\s{0,20}</%bc>"
    % (_CELL, *(_NAME,) * 6)
)
_HIDDEN: Final = re.compile(rb'<%brow\b[^>]{0,300}?\br="([0-9]{1,7})"[^>]{0,300}?\bhidden="(?:1|true)"' % _NAME)
_MERGED: Final = re.compile(rb'<%bmergeCell ref="([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})"' % _NAME)


class CellList:
    """Places of cells, by eight bytes each: a sheet may have millions.

    Examples
    --------
    >>> cells = CellList()
    >>> cells.add(12, 3)
    >>> cells.rows.tolist(), cells.columns.tolist()
    ([12], [3])
    """

    def __init__(self) -> None:
        self._codes: array[int] = array("q")

    def add(self, row: int, column: int) -> None:
        """Add a cell."""
        self._codes.append(row << 20 | column)

    @property
    def rows(self) -> npt.NDArray[np.int64]:
        """(cells,) rows, from 1."""
        return np.array(self._codes, np.int64) >> 20

    @property
    def columns(self) -> npt.NDArray[np.int64]:
        """(cells,) columns, from 1."""
        return np.array(self._codes, np.int64) & ((1 << 20) - 1)


@dataclass
class SheetFacts:
    """What stands in a sheet, besides its values.

    Attributes
    ----------
    cells
        How many cells there are; empty ones that only have a format do not count.
    first_row, last_row, last_column
        How far they reach; 0 where there is none.
    errors
        Cells that hold an error other than ``#N/A``.
    uncalculated
        Cells whose formula has no value.
    unreadable
        Cells whose error no reader knows.
    hidden_rows
        Rows that are not shown.
    merged
        Ranges of merged cells.
    is_sheet
        Whether it is a sheet at all.
    is_plain
        Whether all of its cells are written in the usual way.
    """

    cells: int = 0
    first_row: int = 0
    last_row: int = 0
    last_column: int = 0
    errors: CellList = field(default_factory=CellList)
    uncalculated: CellList = field(default_factory=CellList)
    unreadable: CellList = field(default_factory=CellList)
    hidden_rows: "array[int]" = field(default_factory=lambda: array("q"))
    merged: list[tuple[Corner, Corner]] = field(default_factory=list)
    is_sheet: bool = False
    is_plain: bool = True

    def add_error(self, text: str, row: int, column: int) -> None:
        """Add a cell that holds an error."""
        if text not in KNOWN_ERRORS:
            self.unreadable.add(row, column)
        elif text != "#N/A":
            self.errors.add(row, column)


def scan(pieces: Iterable[bytes]) -> SheetFacts:
    """Look a part of a workbook through.

    Parameters
    ----------
    pieces
        Its XML.

    Returns
    -------
    SheetFacts
        Complete only where ``is_plain``.
    """
    facts = SheetFacts()
    for rows in _whole_rows(pieces):
        facts.is_sheet |= b"sheetData" in rows
        _count(facts, rows)
        if not facts.is_plain:
            return facts
        _note(facts, rows)
    return facts


def check_errors(facts: SheetFacts, *, file: str) -> None:
    """Refuse a sheet with an error that its reader does not know, such as ``#SPILL!``.

    Raises
    ------
    InputError
        With its place.
    """
    if len(facts.unreadable.rows):
        where = {
            "file": file,
            "row": int(facts.unreadable.rows[0]),
            "column": letters(int(facts.unreadable.columns[0])),
        }
        mend = "Correct the formula, or copy its values, and save."
        raise InputError("an error in a cell that cannot be read", mend=mend, **where)  # type: ignore[arg-type]


def check_extent(facts: SheetFacts, *, file: str) -> None:
    """Refuse a sheet whose cells lie so far apart that the rectangle around them cannot be held.

    Raises
    ------
    InputError
        Where a cell lies beyond the last row or column of a spreadsheet, or far from all others.
    """
    if len(facts.merged) > MAX_MERGED:
        raise InputError(f"more than {MAX_MERGED:,} merged ranges", mend="Split merged cells, and save.", file=file)
    where = {"file": file, "row": facts.last_row, "column": letters(facts.last_column)}
    if facts.last_row > MAX_ROWS or facts.last_column > MAX_COLUMNS:
        raise InputError("a cell beyond the last row or column", mend="Delete it, and save.", **where)  # type: ignore[arg-type]
    area = (facts.last_row - facts.first_row + 1) * facts.last_column
    if area > MAX_AREA or area > max(SMALL, MAX_EMPTY * facts.cells):
        fault = f"a cell so far from the others that {area:,} cells lie between; {facts.cells:,} are filled"
        mend = "Delete far cells and all rows and columns beyond the table (Ctrl+End shows the last cell), and save."
        raise InputError(fault, mend=mend, **where)  # type: ignore[arg-type]


def _number(text: bytes) -> int:
    return column_number(text.decode("ascii"))


def _whole_rows(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut the XML behind ends of rows; where a row has no end for 16 MB, before a tag."""
    rest = b""
    for piece in pieces:
        data = rest + piece
        cut = data.rfind(b"</row>") + 6
        if cut < 6:
            ends = [found.end() for found in _ROW_END.finditer(data)] if b":row>" in data else []
            cut = ends[-1] if ends else (max(0, data.rfind(b"<")) if len(data) > _LONGEST else 0)
        yield data[:cut]
        rest = data[cut:]
    yield rest


def _count(facts: SheetFacts, rows: bytes) -> None:
    tags = cell_tags(rows)
    facts.is_plain &= tags.is_plain
    used = tags.rows[tags.is_used]
    if len(used):
        facts.cells += len(used)
        facts.first_row = min(facts.first_row or int(used[0]), int(used.min()))
        facts.last_row = max(facts.last_row, int(used.max()))
        facts.last_column = max(facts.last_column, int(tags.columns[tags.is_used].max()))


def _note(facts: SheetFacts, rows: bytes) -> None:
    if b't="e"' in rows:
        for column, row, text in _ERROR.findall(rows):
            facts.add_error(text.decode("ascii", "replace"), int(row), _number(column))
    if b"<f" in rows or b":f" in rows:
        for column, row, attributes in _FORMULA.findall(rows):
            if b't="str"' not in attributes and b't="e"' not in attributes:
                facts.uncalculated.add(int(row), _number(column))
    if b"hidden=" in rows:
        facts.hidden_rows.extend(map(int, _HIDDEN.findall(rows)))
    if b"mergeCell" in rows and len(facts.merged) <= MAX_MERGED:
        for left, top, right, bottom in _MERGED.findall(rows):
            facts.merged.append(((int(top), _number(left)), (int(bottom), _number(right))))
