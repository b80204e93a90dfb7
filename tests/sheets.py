"""Sheets made by hand, and mappings of them, for tests of the mapping."""

import re
import tomllib
from collections.abc import Sequence

import polars as pl

from dayzero.errors import Finding
from dayzero.io.grid import BOOLEAN, DATE, EMPTY, ERROR, NUMBER, TEXT, Corner, Grid, letters
from dayzero.io.mapping import Mapped, map_tables, read_settings
from dayzero.io.tables import DataSettings
from dayzero.settings import Toml

Cell = str | int | float | bool | None


def as_text(text: str) -> str:
    """Return a cell that is text although it looks like a number or a date."""
    return f"'{text}"


def sheet(
    rows: Sequence[Sequence[Cell]],
    name: str = "Patients",
    *,
    first_row: int = 1,
    merged: Sequence[tuple[Corner, Corner]] = (),
) -> Grid:
    """Return a sheet: numbers are number cells, ISO dates date cells, ``#REF!`` an error, ``'5`` text."""
    width = max((len(row) for row in rows), default=0)
    columns = [letters(n + 1) for n in range(width)]
    filled = [[*row, *[None] * (width - len(row))] for row in rows]
    texts = {c: [_written(row[n]) for row in filled] for n, c in enumerate(columns)}
    kinds = {c: [_kind(row[n]) for row in filled] for n, c in enumerate(columns)}
    return Grid(
        "cohort.xlsx",
        name,
        pl.DataFrame(texts, schema=dict.fromkeys(columns, pl.String)),
        pl.DataFrame(kinds, schema=dict.fromkeys(columns, pl.UInt8)),
        first_row,
        merged=tuple(merged),
    )


def _kind(cell: Cell) -> int:
    if cell is None:
        return EMPTY
    if isinstance(cell, bool):
        return BOOLEAN
    if not isinstance(cell, str):
        return NUMBER
    if cell.startswith("#"):
        return ERROR
    return DATE if re.match(r"\d{4}-\d\d-\d\d", cell) else TEXT


def _written(cell: Cell) -> str | None:
    if cell is None or (isinstance(cell, str) and cell.startswith("#")):
        return None
    if isinstance(cell, bool):
        return str(cell).upper()
    return cell.removeprefix("'") if isinstance(cell, str) else f"{cell:.15g}"


def mapped(text: str, *grids: Grid, **data: object) -> Mapped:
    """Apply a mapping, the text below ``[map]`` in a study file."""
    toml = Toml("study.toml", text := f"[map]\n{text}", tomllib.loads(text))
    return map_tables(read_settings(toml.table["map"], toml), grids, DataSettings(**data), toml)  # type: ignore[arg-type]


def one_sheet(columns: str = "", events: str = 'event = "infusion"\ndate = "Date"', *, map_keys: str = "") -> str:
    """Return a mapping of one sheet whose patients are in the column ID."""
    head = f'{map_keys}\n[[map.sheet]]\nfile = "cohort.xlsx"\npatient = "ID"\n'
    return f"{head}[map.sheet.columns]\n{columns}\n[[map.sheet.events]]\n{events}\n"


def rows_of(table: pl.DataFrame, *columns: str) -> list[tuple[str | None, ...]]:
    """Return rows of some columns."""
    return table.select(columns).rows()


def ours(result: Mapped) -> list[Finding]:
    """Return the findings of the mapping: not what a spreadsheet program did to the cells."""
    return [finding for finding in result.findings if not finding.code.startswith("excel-")]


def found(result: Mapped) -> dict[str, Finding]:
    """Return the findings by code, and no code twice."""
    codes = [finding.code for finding in ours(result)]
    assert len(codes) == len(set(codes)), codes
    return {finding.code: finding for finding in ours(result)}
