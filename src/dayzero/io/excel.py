"""Grids from Excel workbooks (.xlsx, .xlsm): looked through first, then read by calamine.

calamine is native code: it takes the memory that a far cell asks for, and what it aborts takes the process along. So
``preflight`` inflates every part once and bounds the memory before calamine sees the file. What calamine does not tell
(errors, formulas without a value, hidden rows) comes from that first look.
"""

import re
from collections.abc import Callable, Iterator
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
from dayzero.io.preflight_sheet import SheetFacts, check_extent, scan
from dayzero.io.workbook_findings import workbook_findings
from dayzero.io.workbook_parts import STRINGS, Sheet, sheets_of
from dayzero.settings import shown

MAX_TEXT: Final = 600_000_000
"""Bytes of all texts in the cells, each counted as often as it is used: few long texts may be used a million times."""
_ROWS: Final = 50_000
_STRING_END: Final = re.compile(rb"</(?:[A-Za-z_][\w.-]*:)?si\s*>")
_STRING_CELL: Final = re.compile(rb't="s"')
_STRING_INDEX: Final = re.compile(rb't="s"[^>]*>\s*<(?:[A-Za-z_][\w.-]*:)?v>([0-9]{1,9})<')


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
    sheets, parts = sheets_of(archive)
    facts = _look_through(archive, parts)
    _check_texts(archive, facts)
    grids = []
    with _calamine(file), CalamineWorkbook.from_path(str(path)) as workbook:
        kinds = {sheet.name: sheet.typ for sheet in workbook.sheets_metadata}
        for sheet in sheets:
            if kinds.get(sheet.name) == SheetTypeEnum.WorkSheet:
                grids.append(_grid(workbook.get_sheet_by_name(sheet.name), sheet, facts, file))
    if not grids:
        raise InputError("the workbook has no sheet", mend="Save the table in a sheet.", file=file)
    return tuple(grids)


@contextmanager
def _calamine(file: str) -> Iterator[None]:
    try:
        yield
    except (CalamineError, OSError, OverflowError, ValueError):
        raise broken(file) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # what pyo3 makes of a panic in native code
            raise
        raise broken(file) from None


def _look_through(archive: Archive, linked: frozenset[str]) -> dict[str, SheetFacts]:
    """Return the facts of every part that is a sheet; every part of XML and all that the workbook names is seen."""
    found = {}
    for name, part in archive.parts.items():
        if name in linked or name.endswith((".xml", ".rels")):
            facts = scan(xml_pieces(archive, part))
            if facts.is_sheet and not facts.is_plain:
                facts = _walked(archive, name)
            if facts.is_sheet:
                check_extent(facts, file=archive.file)
                found[name] = facts
    return found


def _walked(archive: Archive, name: str) -> SheetFacts:
    try:
        return walk(xml_pieces(archive, archive.parts[name]))
    except ValueError:
        raise broken(archive.file) from None


def _check_texts(archive: Archive, facts: dict[str, SheetFacts]) -> None:
    """Refuse a workbook whose cells together hold too much text: one of a few kilobytes may repeat a long one."""
    part = archive.parts.get(STRINGS)
    if part is None:
        return
    lengths, rest = [], b""
    for piece in xml_pieces(archive, part):
        *texts, rest = _STRING_END.split(rest + piece)
        lengths += map(len, texts)
    size = np.array([*lengths, len(rest)], np.int64)
    longest, cells = int(size.max()), sum(fact.cells for fact in facts.values())
    if longest * cells <= MAX_TEXT:
        return
    if sum(_text_size(archive, name, size, longest) for name in facts) > MAX_TEXT:
        mend = "Shorten the long texts, or delete sheets that are not needed."
        raise InputError("more than 600 MB of text in the cells", mend=mend, file=archive.file)


def _text_size(archive: Archive, name: str, size: "np.ndarray[tuple[int], np.dtype[np.int64]]", longest: int) -> int:
    total, rest = 0, b""
    for piece in xml_pieces(archive, archive.parts[name]):
        data = rest + piece
        cut = data.rfind(b"<c ")
        data, rest = (data[:cut], data[cut:]) if cut > 0 else (data, b"")
        used = np.array(_STRING_INDEX.findall(data), "S9").astype(np.int64)
        known = used[used < len(size)]
        total += int(size[known].sum()) + longest * (len(_STRING_CELL.findall(data)) - len(known))
    return total + longest * len(_STRING_CELL.findall(rest))


def _grid(sheet: CalamineSheet, place: Sheet, facts: dict[str, SheetFacts], file: str) -> Grid:
    known = facts.get(place.part, SheetFacts())
    frame, kinds = _frames(sheet)
    first = sheet.start[0] + 1 if sheet.start else 1
    kinds = _with_errors(kinds, known, first)
    where = named(file, shown(place.name))
    return Grid(
        file, place.name, frame, kinds, first_row=first, merged=tuple(known.merged), findings=workbook_findings(known, where, is_hidden=place.is_hidden)
    )


def _frames(sheet: CalamineSheet) -> tuple[pl.DataFrame, pl.DataFrame]:
    if sheet.start is None:
        return pl.DataFrame(), pl.DataFrame()
    left = sheet.start[1]
    names = [letters(left + n + 1) for n in range(sheet.width)]
    frames, kinds = [], []
    rows = sheet.iter_rows()
    while block := list(islice(rows, _ROWS)):
        columns = [column_texts(column) for column in zip(*block, strict=True)]
        frames.append(pl.DataFrame([text.alias(name) for name, (text, _) in zip(names, columns, strict=True)]))
        kinds.append(pl.DataFrame([kind.alias(name) for name, (_, kind) in zip(names, columns, strict=True)]))
    before = [letters(n + 1) for n in range(left)]
    texts = pl.concat(frames).select(*(pl.lit(None, pl.String).alias(name) for name in before), pl.all())
    return texts, pl.concat(kinds).select(*(pl.lit(0, pl.UInt8).alias(name) for name in before), pl.all())


def _with_errors(kinds: pl.DataFrame, facts: SheetFacts, first: int) -> pl.DataFrame:
    wrong: dict[str, list[int]] = {}
    for (row, column), is_missing in facts.errors.items():
        if not is_missing and 0 <= row - first < kinds.height and column <= kinds.width:
            wrong.setdefault(letters(column), []).append(row - first)
    return kinds.with_columns(
        kinds[name].scatter(rows, pl.Series([ERROR], dtype=pl.UInt8).new_from_index(0, len(rows))) for name, rows in wrong.items()
    )
