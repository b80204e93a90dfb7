"""Grids from OpenDocument spreadsheets (.ods), by expat: one pass, repeats counted before they expand."""

import re
from array import array
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from xml.parsers import expat

import numpy as np
import polars as pl

from dayzero.errors import InputError
from dayzero.io.cells import WRITERS
from dayzero.io.delimited import Written
from dayzero.io.grid import EMPTY, ERROR, TEXT, Corner, Grid, letters, named
from dayzero.io.preflight import Archive, broken, open_archive, whole, xml_pieces
from dayzero.io.preflight_sheet import MAX_COLUMNS, MAX_MERGED, MAX_ROWS, SheetFacts, check_extent
from dayzero.io.workbook_findings import workbook_findings
from dayzero.settings import shown

MAX_CELLS: Final = 4_000_000
MAX_TEXT: Final = 200_000_000
_CONTENT, _MANIFEST = "content.xml", "meta-inf/manifest.xml"
_TIME: Final = re.compile(r"(-?)P(?:([0-9]+)D)?T(?:([0-9]+)H)?(?:([0-9]+)M)?(?:([0-9]+(?:\.[0-9]*)?)S)?")


@dataclass
class _Column:
    rows: "array[int]" = field(default_factory=lambda: array("q"))
    texts: list[str | None] = field(default_factory=list)
    kinds: bytearray = field(default_factory=bytearray)


@dataclass
class _Sheet:
    name: str
    is_hidden: bool
    columns: dict[int, _Column] = field(default_factory=dict)
    facts: SheetFacts = field(default_factory=SheetFacts)


def read_ods(path: Path, file: str, written: Written) -> tuple[Grid, ...]:  # noqa: ARG001
    """Read every sheet of a spreadsheet.

    Parameters
    ----------
    path
        The file.
    file
        Its name in messages.
    written
        Of no use here: a spreadsheet knows how it is written.

    Returns
    -------
    tuple of Grid
        One a sheet, in the file's order, hidden ones included.

    Raises
    ------
    InputError
        Where the file is no sound spreadsheet, is protected by a password, or would take too much memory.
    """
    archive = open_archive(path, file=file)
    if b"encryption-data" in whole(archive, _MANIFEST, limit=20_000_000):
        mend = "Save it without a password."
        raise InputError("the spreadsheet is protected by a password", mend=mend, file=file)
    sheets = _sheets(archive)
    if not sheets:
        raise InputError("the spreadsheet has no sheet", mend="Save the table in a sheet.", file=file)
    return tuple(_grid(sheet, file) for sheet in sheets)


def _sheets(archive: Archive) -> list[_Sheet]:
    if _CONTENT not in archive.parts:
        raise broken(archive.file)
    walk = _Walk(archive.file)
    parser = expat.ParserCreate()
    parser.StartElementHandler, parser.EndElementHandler = walk.start, walk.end
    parser.CharacterDataHandler = walk.characters
    parser.buffer_text = True
    try:
        for piece in xml_pieces(archive, archive.parts[_CONTENT]):
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except (expat.ExpatError, ValueError, OverflowError):
        raise broken(archive.file) from None
    return walk.sheets


class _Walk:
    """The place at which the parser stands, and the sheets read so far."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.sheets: list[_Sheet] = []
        self.hidden: set[str] = set()
        self.style, self.depth, self.aside = "", 0, 0
        self.row, self.rows, self.column = 1, 1, 1
        self.cell: dict[str, str] | None = None
        self.text: list[str] = []
        self.size = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.aside or name in ("office:annotation", "table:shapes", "draw:frame"):
            self.aside += 1
        elif name == "style:style":
            self.style = attributes.get("style:name", "")
        elif name == "style:table-properties" and attributes.get("table:display") == "false":
            self.hidden.add(self.style)
        elif name == "table:table":
            self.depth += 1
            self.open_sheet(attributes)
        elif self.depth == 1:
            self.inside(name, attributes)

    def inside(self, name: str, attributes: dict[str, str]) -> None:
        match name:
            case "table:table-row":
                self.rows, self.column = _repeat(attributes, "table:number-rows-repeated"), 1
                if attributes.get("table:visibility", "visible") != "visible" and self.row + self.rows <= MAX_ROWS:
                    self.sheets[-1].facts.hidden_rows.extend(range(self.row, self.row + self.rows))
            case "table:table-cell" | "table:covered-table-cell":
                self.cell, self.text = attributes, []
            case "text:p":
                self.text += ["\n"] if self.text else []
            case "text:s":
                self.text.append(" " * min(_repeat(attributes, "text:c"), 1000))
            case "text:tab":
                self.text.append("\t")
            case "text:line-break":
                self.text.append("\n")

    def open_sheet(self, attributes: dict[str, str]) -> None:
        if self.depth == 1:
            is_hidden = attributes.get("table:style-name", "") in self.hidden
            self.sheets.append(_Sheet(attributes.get("table:name", ""), is_hidden))
            self.row = 1

    def characters(self, text: str) -> None:
        if self.cell is not None and self.depth == 1 and not self.aside:
            self.text.append(text)

    def end(self, name: str) -> None:
        if self.aside:
            self.aside -= 1
        elif name == "table:table":
            self.depth -= 1
            if not self.depth:
                check_extent(self.sheets[-1].facts, file=self.file)
        elif self.depth == 1 and name == "table:table-row":
            self.row += self.rows
        elif self.depth == 1 and name in ("table:table-cell", "table:covered-table-cell") and self.cell is not None:
            self.close(self.cell, "".join(self.text))
            self.cell = None

    def close(self, cell: dict[str, str], text: str) -> None:
        times = _repeat(cell, "table:number-columns-repeated")
        value, kind = _value(cell, text)
        facts, here = self.sheets[-1].facts, (self.row, self.column)
        if kind != EMPTY:
            self.fill(value, kind, times)
        elif "table:formula" in cell and "office:value-type" not in cell:
            facts.uncalculated.add(*here)
        across, down = _repeat(cell, "table:number-columns-spanned"), _repeat(cell, "table:number-rows-spanned")
        if (across, down) != (1, 1) and len(facts.merged) <= MAX_MERGED:
            facts.merged.append((here, (self.row + down - 1, self.column + across - 1)))
        self.column += times

    def fill(self, value: str | None, kind: int, times: int) -> None:
        facts = self.sheets[-1].facts
        facts.cells += times * self.rows
        self.size += times * self.rows * len(value or "")
        facts.first_row = facts.first_row or self.row
        facts.last_row = self.row + self.rows - 1
        facts.last_column = max(facts.last_column, self.column + times - 1)
        if facts.last_row > MAX_ROWS or facts.last_column > MAX_COLUMNS:
            check_extent(facts, file=self.file)
        if facts.cells > MAX_CELLS or self.size > MAX_TEXT:
            mend = "Delete rows and sheets that are not needed, or save the sheet as CSV (UTF-8)."
            raise InputError("too many cells, or too much text in them", mend=mend, file=self.file, row=self.row)
        for number in range(self.column, self.column + times):
            column = self.sheets[-1].columns.setdefault(number, _Column())
            column.rows.extend(range(self.row, self.row + self.rows))
            column.texts += [value] * self.rows
            column.kinds += bytes([kind]) * self.rows


def _repeat(attributes: dict[str, str], name: str) -> int:
    return max(1, int(attributes.get(name, "1")))


def _value(cell: dict[str, str], text: str) -> tuple[str | None, int]:
    kind = cell.get("office:value-type", "string" if text else "void")
    if cell.get("calcext:value-type") == "error":
        return WRITERS[str](text) if text == "#N/A" else (None, ERROR)
    if kind in ("float", "percentage", "currency"):
        return WRITERS[float](float(cell["office:value"])) if "office:value" in cell else (None, EMPTY)
    if kind == "date":
        return _date(cell.get("office:date-value", ""))
    if kind == "time":
        return _duration(cell.get("office:time-value", ""))
    if kind == "boolean":
        return WRITERS[bool](cell.get("office:boolean-value") == "true")
    return WRITERS[str](text or cell.get("office:string-value", ""))


def _date(text: str) -> tuple[str | None, int]:
    try:
        return WRITERS[datetime](datetime.fromisoformat(text))
    except ValueError:
        return (text, TEXT) if text else (None, EMPTY)


def _duration(text: str) -> tuple[str | None, int]:
    found = _TIME.fullmatch(text)
    if not found:
        return (text, TEXT) if text else (None, EMPTY)
    days, hours, minutes, seconds = (float(part or 0) for part in found.groups()[1:])
    length = timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)
    return WRITERS[timedelta](-length if found[1] else length)


def _grid(sheet: _Sheet, file: str) -> Grid:
    facts = sheet.facts
    height = facts.last_row - facts.first_row + 1 if facts.cells else 0
    texts, kinds = [], []
    for number in range(1, facts.last_column + 1):
        column = sheet.columns.pop(number, _Column())
        at = np.frombuffer(column.rows, np.int64) - facts.first_row if len(column.rows) else np.empty(0, np.int64)
        source = np.full(height, len(column.texts), np.int64)
        source[at] = np.arange(len(at))
        texts.append(pl.Series(letters(number), [*column.texts, None], dtype=pl.String).gather(source))
        kinds.append(pl.Series(letters(number), np.frombuffer(bytes(column.kinds) + b"\0", np.uint8)[source]))
    findings = workbook_findings(facts, named(file, shown(sheet.name)), is_hidden=sheet.is_hidden)
    merged: tuple[tuple[Corner, Corner], ...] = tuple(facts.merged)
    frames = pl.DataFrame(texts), pl.DataFrame(kinds)
    return Grid(file, sheet.name, *frames, first_row=max(1, facts.first_row), merged=merged, findings=findings)
