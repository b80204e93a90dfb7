"""A sheet's XML looked through in pieces: how far its cells reach, and what its reader would not tell.

Almost every program writes a cell as ``<c r="B3" s="1" t="s">``. Such tags are found fast (``preflight_tags``); a sheet
in which any is written otherwise goes through an XML parser (``preflight_cells``), so that no cell is overlooked.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

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
_LONGEST: Final = 16 << 20  # bytes of XML without an end of a row

_NAME: Final = rb"(?:[A-Za-z_][\w.-]*:)?"
_ROW_END: Final = re.compile(rb"</" + _NAME + rb"row>")
_ERROR: Final = re.compile(
    rb'<%bc r="([A-Z]{1,3})([0-9]{1,7})"[^>]*?\bt="e"[^>]*>(?:(?!</%bc>).)*?<%bv>([^<]*)' % (_NAME, _NAME, _NAME), re.DOTALL
)
_FORMULA: Final = re.compile(
    rb'<%bc r="([A-Z]{1,3})([0-9]{1,7})"([^>]*)>\s*<%bf(?:\s[^>]*)?(?:/>|>[^<]*</%bf>)\s*(?:<%bv/>|<%bv></%bv>)?\s*</%bc>'
    % ((_NAME,) * 7)
)
_HIDDEN: Final = re.compile(rb'<%brow\b[^>]*?\br="([0-9]{1,7})"[^>]*?\bhidden="(?:1|true)"' % _NAME)
_MERGED: Final = re.compile(
    rb'<%bmergeCell\s+ref="([A-Z]{1,3})([0-9]{1,7}):([A-Z]{1,3})([0-9]{1,7})"' % _NAME
)


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
        Cells that hold an error, and whether it is ``#N/A``.
    uncalculated
        Cells whose formula has no value.
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
    errors: dict[Corner, bool] = field(default_factory=dict)
    uncalculated: list[Corner] = field(default_factory=list)
    hidden_rows: list[int] = field(default_factory=list)
    merged: list[tuple[Corner, Corner]] = field(default_factory=list)
    is_sheet: bool = False
    is_plain: bool = True


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


def check_extent(facts: SheetFacts, *, file: str, limit: int = MAX_AREA) -> None:
    """Refuse a sheet whose cells lie so far apart that the rectangle around them cannot be held.

    Raises
    ------
    InputError
        Where a cell lies beyond the last row or column of a spreadsheet, or far from all others.
    """
    where = {"file": file, "row": facts.last_row, "column": letters(facts.last_column)}
    if facts.last_row > MAX_ROWS or facts.last_column > MAX_COLUMNS:
        raise InputError("a cell beyond the last row or column", mend="Delete it, and save.", **where)  # type: ignore[arg-type]
    area = (facts.last_row - facts.first_row + 1) * facts.last_column
    if area > limit or area > max(SMALL, MAX_EMPTY * facts.cells):
        fault = f"the cells reach so far for no more than {facts.cells:,} of them" if area <= limit else "too many cells"
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
        facts.errors |= {(int(row), _number(column)): text == b"#N/A" for column, row, text in _ERROR.findall(rows)}
    if b"<f" in rows or b":f" in rows:
        for column, row, attributes in _FORMULA.findall(rows):
            if b't="str"' not in attributes and b't="e"' not in attributes:
                facts.uncalculated.append((int(row), _number(column)))
    if b"hidden=" in rows:
        facts.hidden_rows += map(int, _HIDDEN.findall(rows))
    if b"mergeCell" in rows:
        for left, top, right, bottom in _MERGED.findall(rows):
            facts.merged.append(((int(top), _number(left)), (int(bottom), _number(right))))
