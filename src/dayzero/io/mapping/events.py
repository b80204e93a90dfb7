"""Wide to long: every entry of a sheet gives the rows in which its event happened."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.io.mapping.declared import Declared
from dayzero.io.mapping.faults import Fault
from dayzero.io.mapping.rows import PatientRows
from dayzero.io.mapping.settings import Column, EventSettings, MapSettings
from dayzero.io.mapping.values import (
    Reading,
    Values,
    read_column,
    read_day,
    read_numbers,
    read_source,
    read_whole,
    same_everywhere,
)
from dayzero.io.tables import DataSettings

Bools = npt.NDArray[np.bool_]

PLACES: Final = ("sheet", "table", "row", "column", "told")
"""Columns of mapped events that say where they come from."""


@dataclass(frozen=True)
class Plan:
    """What the reading of an entry needs besides the entry: the whole mapping, and what is known of the tables."""

    settings: MapSettings
    data: DataSettings
    known: frozenset[str]


def map_events(sheets: Sequence[PatientRows], plan: Plan, declared: Declared) -> tuple[pl.DataFrame, list[Fault]]:
    """Build the events table.

    Parameters
    ----------
    sheets
        The patients' rows of each sheet of the mapping, in its order.
    plan, declared
        The mapping, and where it stands.

    Returns
    -------
    tuple
        ``patient``, ``event``, ``date`` or ``day``, ``value``, ``number``, attributes, all text, and ``PLACES``;
        sheet by sheet, row by row; and the faults.
    """
    frames: list[pl.DataFrame] = []
    faults: list[Fault] = []
    for position, rows in enumerate(sheets):
        read = [
            _entry(rows, entry, plan, declared.at("sheet", position, "events", number))
            for number, entry in enumerate(plan.settings.sheet[position].events)
        ]
        faults += [fault for _, found in read for fault in found]
        of_sheet = [frame.with_columns(pl.lit(position).alias("sheet")) for frame, _ in read]
        frames += [pl.concat(of_sheet, how="diagonal").sort("row", maintain_order=True)] if of_sheet else []
    return pl.concat(frames, how="diagonal"), faults


def _entry(rows: PatientRows, entry: EventSettings, plan: Plan, declared: Declared) -> tuple[pl.DataFrame, list[Fault]]:
    names = _names(rows, entry, plan, declared)
    dates = _days(rows, entry, plan, declared) if entry.day else _dates(rows, entry, plan, declared)
    happened = _happened(rows, entry, names, dates, declared)
    beside = dict(_beside(rows, entry, plan.settings, declared))
    frame = pl.DataFrame(
        {
            "patient": rows.patients,
            "event": names.text,
            "day" if entry.day else "date": dates.text,
            **{name: values.text for name, values in beside.items()},
            "row": rows.numbers,
            "told": dates.wrong,
        }
    ).with_columns(pl.lit(rows.grid.name).alias("table"), pl.lit(rows.headers.label(dates.letter)).alias("column"))
    read = [names, dates, *(beside[key] for key in ("value",) if key in beside)]
    faults = [fault for values in (names, dates, *beside.values()) for fault in _used(values.faults, rows, happened)]
    return frame.filter(happened), [*faults, *_unused(rows, entry, happened, read)]


def _unused(rows: PatientRows, entry: EventSettings, happened: Bools, read: Sequence[Values]) -> Iterator[Fault]:
    """Find dates in rows that say that the event did not happen, and values without a date."""
    names, dates, *beside = read
    about = entry.event if isinstance(entry.event, str) else "an event"
    denied = dates.filled & ~happened & (~names.filled | names.text.is_not_null().to_numpy())
    if denied.any():
        yield rows.fault("date-without-event", dates.letter, denied, about=about)
    for values in beside if not entry.when and entry.event == about else ():
        lonely = values.filled & ~happened
        if values.letter and lonely.any():
            yield rows.fault("value-without-date", values.letter, lonely, about=about)


def _used(faults: Sequence[Fault], rows: PatientRows, happened: Bools) -> Iterator[Fault]:
    """Keep the faults of rows whose event is used, and of event names: what is said beside no event matters little."""
    used = set(rows.numbers[happened].tolist())
    for fault in faults:
        about_name = fault.code.startswith("event-not")
        kept = fault.rows if about_name else tuple(row for row in fault.rows if row in used)
        if kept:
            yield Fault(fault.code, fault.table, fault.column, kept, fault.about)


def _names(rows: PatientRows, entry: EventSettings, plan: Plan, declared: Declared) -> Values:
    if isinstance(entry.event, str):
        return same_everywhere(entry.event, rows)
    letter = rows.headers.find(entry.event.column, declared.at("event"))
    return read_column(rows, letter, partial(_name, column=entry.event, known=plan.known))


def _name(text: str, _: int, *, column: Column, known: frozenset[str]) -> Reading:
    if column.codes:
        return (column.codes[text], "") if text in column.codes else ("", "event-not-coded")
    return (text, "") if text in known else ("", "event-not-known")


def _dates(rows: PatientRows, entry: EventSettings, plan: Plan, declared: Declared) -> Values:
    letter = rows.headers.find(entry.date, declared.at("date"))
    return read_column(rows, letter, partial(read_day, settings=plan.settings))


def _days(rows: PatientRows, entry: EventSettings, plan: Plan, declared: Declared) -> Values:
    return read_numbers(rows, entry.day, declared.at("day"), plan.settings, to=plan.data.time_unit)


def _happened(rows: PatientRows, entry: EventSettings, names: Values, dates: Values, declared: Declared) -> Bools:
    """Return in which rows the event happened."""
    named = names.text.is_not_null().to_numpy()
    if not entry.when:
        return dates.filled if isinstance(entry.event, str) else named
    letter = rows.headers.find(entry.when.column, declared.at("when", "column"))
    holds = rows.cells(letter)["text"].is_in([text.strip() for text in entry.when.is_])
    return np.asarray(named & holds.fill_null(value=False).to_numpy())


def _beside(
    rows: PatientRows, entry: EventSettings, settings: MapSettings, declared: Declared
) -> Iterator[tuple[str, Values]]:
    """Yield value, unit, number and attributes as far as the entry has them."""
    for name, source in entry.sources.items():
        key = declared.at(name) if name in {"value", "unit"} else declared.at("attributes", name)
        yield name, read_source(rows, source, key, settings, about=name)
    if isinstance(entry.number, int):
        yield "number", same_everywhere(str(entry.number) if entry.number else None, rows)
    else:
        yield "number", read_whole(rows, entry.number, declared.at("number"))
