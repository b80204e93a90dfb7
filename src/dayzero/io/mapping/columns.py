"""Baseline columns: one row a patient, from every sheet that has some."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from dayzero.io.mapping.declared import Declared
from dayzero.io.mapping.faults import Fault
from dayzero.io.mapping.rows import PatientRows
from dayzero.io.mapping.settings import MapSettings
from dayzero.io.mapping.values import Values, read_source

Read = tuple[PatientRows, Values]

_PLACES: Final = {"name": pl.String, "patient": pl.String, "table": pl.String, "row": pl.Int64, "column": pl.String}


@dataclass(frozen=True)
class Baseline:
    """The patients table.

    Attributes
    ----------
    table
        ``patient``, in the order in which they first stand, and the baseline columns as text.
    places
        (patients,) where each first stands: ``table``, ``row`` and ``column``.
    value_places
        Where the values stand: ``name`` of the baseline column, ``patient``, ``table``, ``row`` and ``column``.
    faults
        What is wrong.
    """

    table: pl.DataFrame
    places: pl.DataFrame
    value_places: pl.DataFrame
    faults: tuple[Fault, ...]


def map_patients(sheets: Sequence[PatientRows], settings: MapSettings, declared: Declared) -> Baseline:
    """Build the patients table.

    Parameters
    ----------
    sheets
        The patients' rows of each sheet of ``settings``, in its order.
    settings, declared
        The mapping, and where it stands.
    """
    places = _first_places(sheets)
    table = places.select("patient")
    faults: list[Fault] = []
    value_places = [pl.DataFrame(schema=_PLACES)]
    for name in dict.fromkeys(name for sheet in settings.sheet for name in sheet.columns):
        read = list(_read(name, sheets, settings, declared))
        column, differing = _joined(name, read)
        table = table.join(column, on="patient", how="left", maintain_order="left")
        faults += [*(fault for _, values in read for fault in values.faults), *differing]
        value_places.append(_value_places(name, read))
    faults += in_one_sheet(sheets, settings)
    return Baseline(table, places.drop("patient"), pl.concat(value_places), tuple(faults))


def in_one_sheet(sheets: Sequence[PatientRows], settings: MapSettings) -> Iterator[Fault]:
    """Find patients who are in one sheet and not in another that should have them.

    A sheet with baseline columns should have every patient; so should one that has one row a patient those of the
    sheets with baseline columns.
    """
    with_columns = [rows for rows, sheet in zip(sheets, settings.sheet, strict=True) if sheet.columns]
    known = pl.concat([pl.Series("patient", [], dtype=pl.String), *(rows.patients for rows in with_columns)]).unique()
    for rows in sheets if with_columns else ():
        lost = ~rows.patients.is_in(known.implode())
        if lost.any():
            yield rows.fault("patient-in-one-sheet", rows.letter, lost.to_numpy(), about="a sheet of baseline columns")
    for rows in with_columns:
        for other in _others(rows, sheets):
            lost = ~rows.patients.is_in(other.patients.implode())
            if lost.any() and not lost.all():
                yield rows.fault("patient-in-one-sheet", rows.letter, lost.to_numpy(), about=other.grid.name)


def _others(rows: PatientRows, sheets: Sequence[PatientRows]) -> Iterator[PatientRows]:
    """Yield the sheets, each once, that have one row a patient and are another than this."""
    by_name = {other.grid.name: other for other in sheets}
    yield from (other for name, other in by_name.items() if name != rows.grid.name and other.patients.is_unique().all())


def _first_places(sheets: Sequence[PatientRows]) -> pl.DataFrame:
    every = [
        pl.DataFrame({"patient": rows.patients, "row": rows.numbers}).with_columns(
            pl.lit(rows.grid.name).alias("table"), pl.lit(rows.headers.label(rows.letter)).alias("column")
        )
        for rows in sheets
    ]
    return pl.concat(every).unique("patient", keep="first", maintain_order=True)


def _read(name: str, sheets: Sequence[PatientRows], settings: MapSettings, declared: Declared) -> Iterator[Read]:
    for position, (rows, sheet) in enumerate(zip(sheets, settings.sheet, strict=True)):
        if name in sheet.columns:
            place = declared.at("sheet", position, "columns", name)
            yield rows, read_source(rows, sheet.columns[name], place, settings, about=name)


def _joined(name: str, read: Sequence[Read]) -> tuple[pl.DataFrame, list[Fault]]:
    """Return the column, one row a patient who has a value; null where their values differ."""
    every = pl.concat(
        [
            pl.DataFrame({"patient": rows.patients, "text": values.text, "at": range(len(rows))}).with_columns(
                pl.lit(k).alias("sheet")
            )
            for k, (rows, values) in enumerate(read)
        ]
    ).drop_nulls("text")
    same = pl.coalesce(pl.col("text").cast(pl.Float64, strict=False).cast(pl.String), pl.col("text"))
    differ = same.n_unique() > 1
    column = every.group_by("patient", maintain_order=True).agg(
        pl.when(differ).then(None).otherwise(pl.col("text").first()).alias(name)
    )
    wrong = every.filter(differ.over("patient"))
    faults = [_differing(name, read[k], wrong.filter(sheet=k)) for k in wrong["sheet"].unique().sort()]
    return column, faults


def _value_places(name: str, read: Sequence[Read]) -> pl.DataFrame:
    """Return where each patient's value of a column stands first."""
    every = [
        pl.DataFrame({"patient": rows.patients, "row": rows.numbers, "text": values.text}).with_columns(
            pl.lit(name).alias("name"),
            pl.lit(rows.grid.name).alias("table"),
            pl.lit(rows.headers.label(values.letter)).alias("column"),
        )
        for rows, values in read
    ]
    return pl.concat(every).drop_nulls("text").unique("patient", keep="first", maintain_order=True).select(*_PLACES)


def _differing(name: str, read: Read, wrong: pl.DataFrame) -> Fault:
    rows, values = read
    numbers = tuple(int(row) for row in rows.numbers[wrong["at"].to_numpy()])
    return Fault("baseline-differs", rows.grid.name, rows.headers.label(values.letter), numbers, name)
