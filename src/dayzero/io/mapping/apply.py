"""The mapping applied: sheets in, the two tables of the contract out, with where every row comes from."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from dayzero.errors import Finding
from dayzero.io.csv import Table
from dayzero.io.excel_damage import find_excel_damage
from dayzero.io.files import read_grids
from dayzero.io.grid import Grid
from dayzero.io.mapping.columns import map_patients
from dayzero.io.mapping.declared import Declared, check_event_names
from dayzero.io.mapping.events import PLACES, Plan, map_events
from dayzero.io.mapping.faults import to_findings
from dayzero.io.mapping.places import HEADER_ROW, Mapped
from dayzero.io.mapping.repeats import without_repeats
from dayzero.io.mapping.rows import PatientRows, read_rows
from dayzero.io.mapping.settings import MapSettings, SheetSettings
from dayzero.io.tables import DataSettings
from dayzero.settings import Toml, nearest, shown
from dayzero.vocabulary import CORE_EVENTS

_ORDER: Final = ("patient", "event", "date", "day", "value", "unit", "number")


def read_sheets(settings: MapSettings, folder: Path, toml: Toml) -> tuple[Grid, ...]:
    """Read the grid of each mapped sheet, each file once.

    Parameters
    ----------
    settings
        The mapping.
    folder
        The study file's folder.
    toml
        The study file.

    Raises
    ------
    InputError
        Where a file cannot be used, or has no such sheet.
    """
    files: dict[tuple[str, str, str], tuple[Grid, ...]] = {}
    grids = []
    for position, sheet in enumerate(settings.sheet):
        key = (sheet.file, sheet.encoding, sheet.separator)
        if key not in files:
            files[key] = read_grids(
                folder / sheet.file,
                name=sheet.file,
                encoding=sheet.encoding,
                separator=sheet.separator,
                decimal=settings.decimal,
            )
        grids.append(_sheet(files[key], sheet, Declared(toml).at("sheet", position, "sheet")))
    return tuple(grids)


def map_tables(settings: MapSettings, grids: Sequence[Grid], data: DataSettings, toml: Toml) -> Mapped:
    """Make the patients and the events table from sheets.

    Parameters
    ----------
    settings
        The mapping.
    grids
        The grid of each sheet of ``settings``, in its order.
    data
        The study's ``[data]``: names of the tables, unit of days, event names beyond the vocabulary.
    toml
        The study file, for messages.

    Raises
    ------
    InputError
        Where the mapping names what is not there.

    Notes
    -----
    Nothing is imputed: a cell that has no certain meaning is null, and a finding says where it stands.
    """
    declared = Declared(toml)
    known = CORE_EVENTS | set(data.other_events)
    check_event_names(settings, toml, known)
    _check_clock(settings, declared)
    read = [
        read_rows(grid, sheet, settings.missing, declared.at("sheet", position))
        for position, (grid, sheet) in enumerate(zip(grids, settings.sheet, strict=True))
    ]
    sheets = [rows for rows, _ in read]
    if not any(len(rows) for rows in sheets):
        raise declared.fault("no row of a patient in the sheets", "Check header, header_row, skip and patient.")
    baseline = map_patients(sheets, settings, declared)
    rows, of_events = map_events(sheets, Plan(settings, data, known), declared)
    events, of_repeats = without_repeats(rows)
    of_rows = [fault for _, faults in read for fault in faults]
    patients = _table(data.patients, baseline.table)
    index = pl.DataFrame({"patient": patients.frame["patient"], "of": patients.rows})
    return Mapped(
        patients,
        _events_table(events, data.events),
        baseline.places.with_columns(index["of"].alias("patient"), pl.lit(value=False).alias("told")),
        _numbered(events, index).select("table", "row", "column", "patient", "told"),
        _numbered(baseline.value_places, index),
        (*_of_sheets(sheets, settings), *to_findings([*of_rows, *baseline.faults, *of_events, *of_repeats])),
        toml.file,
    )


def _numbered(places: pl.DataFrame, index: pl.DataFrame) -> pl.DataFrame:
    """Return places with the patient's row of the patients table instead of the identifier."""
    joined = places.join(index, on="patient", how="left", maintain_order="left")
    return joined.with_columns(patient="of").drop("of")


def _sheet(grids: Sequence[Grid], sheet: SheetSettings, declared: Declared) -> Grid:
    if not sheet.sheet and len(grids) == 1:
        return grids[0]
    for grid in grids:
        if sheet.sheet and grid.sheet == sheet.sheet:
            return grid
    names = ", ".join(repr(shown(grid.sheet)) for grid in grids)
    if not sheet.sheet:
        raise declared.fault(f"{shown(sheet.file)} has {len(grids)} sheets", f"Name one: sheet = {names}.")
    near = nearest(sheet.sheet, [grid.sheet for grid in grids])
    hint = f"Did you mean {near!r}? " if near else ""
    raise declared.fault(f"{shown(sheet.file)} has no sheet {shown(sheet.sheet)!r}", f"{hint}Its sheets are {names}.")


def _check_clock(settings: MapSettings, declared: Declared) -> None:
    """Refuse a mapping in which some events have dates and others days, or that has no events."""
    first = ""
    for s, sheet in enumerate(settings.sheet):
        for e, entry in enumerate(sheet.events):
            clock = "day" if entry.day else "date"
            first = first or clock
            if clock != first:
                place = declared.at("sheet", s, "events", e, clock)
                raise place.fault(f"a {clock}, but events before have a {first}", "Use one of the two throughout.")
    if not first:
        raise declared.fault("no events", "Add [[map.sheet.events]]: what happened, and the column of its date.")


def _events_table(events: pl.DataFrame, name: str) -> Table:
    facts = [column for column in events.columns if column not in PLACES]
    ordered = [column for column in _ORDER if column in facts]
    return _table(name, events.select(*ordered, *(column for column in facts if column not in ordered)))


def _table(name: str, frame: pl.DataFrame) -> Table:
    return Table(name, frame, np.arange(HEADER_ROW + 1, frame.height + HEADER_ROW + 1))


def _of_sheets(sheets: Sequence[PatientRows], settings: MapSettings) -> Iterator[Finding]:
    """Yield what was found while reading the sheets, and what a spreadsheet program did to them, each sheet once.

    Dates written as text are only noted where the mapping declares their order: they are read.
    """
    for rows in {rows.grid.name: rows for rows in sheets}.values():
        for finding in (*rows.grid.findings, *find_excel_damage(rows.grid)):
            read = finding.code == "excel-text-dates" and bool(settings.date_order)
            told = replace(finding, level="note") if read else finding
            yield replace(told, column=rows.headers.label(finding.column)) if finding.column else told
