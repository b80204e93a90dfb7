"""Grids from Excel workbooks (.xlsx, .xlsm): looked through first, then read by calamine.

calamine is native code: it takes the memory that a far cell asks for, and what it aborts takes the process along. So
``preflight`` inflates every part once and bounds the memory, and calamine sees a copy that holds these parts alone.
What it does not tell (errors, formulas without a value, hidden rows) comes from that first look.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook, SheetTypeEnum

from dayzero.errors import InputError
from dayzero.io.cells import column_texts
from dayzero.io.delimited import Written
from dayzero.io.grid import ERROR, Grid, letters, named
from dayzero.io.preflight import Archive, broken, open_archive, xml_pieces
from dayzero.io.preflight_cells import walk
from dayzero.io.preflight_copy import copied
from dayzero.io.preflight_sheet import SheetFacts, check_errors, check_extent, scan
from dayzero.io.preflight_texts import check_texts
from dayzero.io.workbook_findings import workbook_findings
from dayzero.io.workbook_parts import Book, Sheet, read_book
from dayzero.settings import shown

_ROWS: Final = 50_000


def read_excel(path: Path, file: str, written: Written) -> tuple[Grid, ...]:  # noqa: ARG001
    """Read every sheet of a workbook.

    Parameters
    ----------
    path
        The file.
    file
        Its name in messages.
    written
        Of no use here: a workbook knows how it is written.

    Returns
    -------
    tuple of Grid
        One a sheet, in the workbook's order, hidden ones included; of merged cells the first has the value; formulas
        have the value that was last computed.

    Raises
    ------
    InputError
        Where the file is no sound workbook, is protected by a password, or would take too much memory.
    """
    archive = open_archive(path, file=file)
    book = read_book(archive)
    facts = _look_through(archive, book)
    with _calamine(file, "the workbook"), CalamineWorkbook.from_filelike(copied(archive, book.parts)) as workbook:
        kinds = {sheet.name: sheet.typ for sheet in workbook.sheets_metadata}
        found = [sheet for sheet in book.sheets if kinds.get(sheet.name) == SheetTypeEnum.WorkSheet]
        grids = [_grid(workbook, sheet, facts, file) for sheet in found]
    if not grids:
        raise InputError("the workbook has no sheet", mend="Save the table in a sheet.", file=file)
    return tuple(grids)


@contextmanager
def _calamine(file: str, what: str) -> Iterator[None]:
    try:
        yield
    except (CalamineError, OSError, OverflowError, ValueError):
        raise broken(file, what=what) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what pyo3 makes of a panic in native code
            raise
        raise broken(file, what=what) from None


def _look_through(archive: Archive, book: Book) -> dict[str, SheetFacts]:
    """Return the facts of every part that holds cells; any of the parts may."""
    found = {}
    for name in book.parts:
        facts = scan(xml_pieces(archive, archive.parts[name]))
        if facts.is_sheet and not facts.is_plain:
            facts = _walked(archive, name)
        if facts.is_sheet:
            check_extent(facts, file=archive.file)
            check_errors(facts, file=archive.file)
            found[name] = facts
    check_texts(archive, book.texts, found, cells=sum(facts.cells for facts in found.values()))
    return found


def _walked(archive: Archive, name: str) -> SheetFacts:
    try:
        return walk(xml_pieces(archive, archive.parts[name]))
    except ValueError:
        raise broken(archive.file) from None


def _grid(workbook: CalamineWorkbook, place: Sheet, facts: dict[str, SheetFacts], file: str) -> Grid:
    known = facts.get(place.part, SheetFacts())
    with _calamine(file, f"the sheet '{shown(place.name)}'"):
        sheet = workbook.get_sheet_by_name(place.name)
        frame, kinds = _frames(sheet)
    first = sheet.start[0] + 1 if sheet.start else 1
    kinds = _with_errors(kinds, known, first)
    where = named(file, shown(place.name))
    return Grid(
        file,
        place.name,
        frame,
        kinds,
        first_row=first,
        merged=tuple(known.merged),
        findings=workbook_findings(known, where, is_hidden=place.is_hidden),
    )


def _frames(sheet: CalamineSheet) -> tuple[pl.DataFrame, pl.DataFrame]:
    if sheet.start is None:
        return pl.DataFrame(), pl.DataFrame()
    above, left = sheet.start
    names = [letters(left + n + 1) for n in range(sheet.width)]
    frames, kinds = [], []
    rows = islice(sheet.iter_rows(), above, None)
    while block := list(islice(rows, _ROWS)):
        columns = [column_texts(column) for column in zip(*block, strict=True)]
        frames.append(pl.DataFrame([text.alias(name) for name, (text, _) in zip(names, columns, strict=True)]))
        kinds.append(pl.DataFrame([kind.alias(name) for name, (_, kind) in zip(names, columns, strict=True)]))
    before = [letters(n + 1) for n in range(left)]
    texts = pl.concat(frames).select(*(pl.lit(None, pl.String).alias(name) for name in before), pl.all())
    return texts, pl.concat(kinds).select(*(pl.lit(0, pl.UInt8).alias(name) for name in before), pl.all())


def _with_errors(kinds: pl.DataFrame, facts: SheetFacts, first: int) -> pl.DataFrame:
    rows, columns = facts.errors.rows - first, facts.errors.columns
    inside = (rows >= 0) & (rows < kinds.height) & (columns <= kinds.width)
    rows, columns = rows[inside], columns[inside]
    wrong = {letters(column): rows[columns == column] for column in np.unique(columns).tolist()}
    return kinds.with_columns(kinds[name].scatter(pl.Series(at), ERROR) for name, at in wrong.items())
