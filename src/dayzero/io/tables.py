"""From text tables to a History: identifiers, dates, numbers, missing values; what cannot be used is a finding."""

from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import Finding, InputError
from dayzero.history import EVENT_COLUMNS, History
from dayzero.io.csv import Table
from dayzero.io.partial_dates import PARTIAL, possible_days, precision
from dayzero.vocabulary import CORE_EVENTS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

DAYS_PER: Final = {"days": 1.0, "weeks": 7.0, "months": 30.4375, "years": 365.25}
EPOCH: Final = np.datetime64("1970-01-01")
_NUMBER: Final = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
_DATE: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_CLOCK: Final = r"[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]+)?)?(Z|[+-][0-9]{2}:[0-9]{2})?$"
_TIMESTAMP: Final = rf"^[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}}{_CLOCK}"


@dataclass(frozen=True)
class DataSettings:
    """The ``[data]`` table of a study file.

    Attributes
    ----------
    patients, events
        File names, relative to the study file.
    assessments, mrd, labs, support, vitals, neuro, gvhd, kinetics
        File names of the further tables; empty: the file of that name (``labs.csv``), where it is there.
    time_unit
        Unit of the column ``day``: months are 30.4375 days, years 365.25.
    other_events
        Event names beyond the core vocabulary.
    categorical
        Columns that are codes although they look like numbers.
    known_cuts
        Columns that cut a number in two at a threshold that was fixed before the data were seen.
    missing
        Texts that mean that a value is missing, besides the empty cell.
    """

    patients: str = "patients.csv"
    events: str = "events.csv"
    assessments: str = ""
    mrd: str = ""
    labs: str = ""
    support: str = ""
    vitals: str = ""
    neuro: str = ""
    gvhd: str = ""
    kinetics: str = ""
    time_unit: Literal["days", "weeks", "months", "years"] = "days"
    other_events: tuple[str, ...] = ()
    categorical: tuple[str, ...] = ()
    known_cuts: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def make_history(
    patients: Table, events: Table, data: DataSettings, *, cutoff: float | None = None
) -> tuple[History, tuple[Finding, ...]]:
    """Build the History of a study from its two text tables.

    Parameters
    ----------
    patients, events
        As read, every cell text or null.
    data
        The study file's ``[data]``.
    cutoff
        Day (from 1970-01-01) after which nothing is used; only for files with dates.

    Returns
    -------
    tuple
        The History, and what was found on the way; rows named there are not used.

    Raises
    ------
    InputError
        Where a column is missing or a cell has no meaning at all.
    """
    frame, patient_rows, found = _patients(patients, data)
    index, unknown = _patient_index(frame, events)
    day, calendar, undated = _days(events, data)
    if cutoff is not None and not calendar:
        mend = "Remove the cutoff, or give the events dates."
        raise InputError("a cutoff is a date, but the events have days", mend=mend, file=events.name, column="day")
    table = _events(events, data, index=index, day=day)
    kept = table.filter(pl.col("patient") >= 0)
    end = end_of_follow_up(kept, frame.height, cutoff)
    used = kept if cutoff is None else kept.filter(pl.col("day").is_null() | (pl.col("day") <= cutoff))
    history = History(
        patients=frame,
        patient_rows=patient_rows,
        events=used,
        end=end,
        calendar=calendar,
        cutoff=cutoff,
        dropped_after_cutoff=kept.height - used.height,
        possible=possible_days(events) if any(found.code == "partial-date" for found in undated) else {},
    )
    return history, (*found, *unknown, *undated)


def _patients(table: Table, data: DataSettings) -> tuple[pl.DataFrame, Ints, list[Finding]]:
    _require(table, "patient")
    blank = table.frame["patient"].is_null().arg_true().to_list()
    if blank:
        mend = "Give every patient an identifier."
        raise InputError("no identifier", mend=mend, file=table.name, row=int(table.rows[blank[0]]), column="patient")
    for key, name in (*(("categorical", n) for n in data.categorical), *(("known_cuts", n) for n in data.known_cuts)):
        if name not in table.frame.columns:
            raise InputError(f"no column {name!r}", mend=f"Correct [data] {key}.", file=table.name)
    columns = [
        table.frame[name] if name == "patient" else _typed(table.frame[name], data) for name in table.frame.columns
    ]
    frame = pl.DataFrame(columns)
    repeated = frame["patient"].is_duplicated()
    if not repeated.any():
        return frame, table.rows, []
    return _without_duplicates(frame, table, repeated)


def _without_duplicates(
    frame: pl.DataFrame, table: Table, repeated: pl.Series
) -> tuple[pl.DataFrame, Ints, list[Finding]]:
    rows = tuple(int(table.rows[i]) for i in repeated.arg_true())
    same = frame.is_duplicated()
    keep = ~repeated | (same & frame["patient"].is_first_distinct())
    keep &= ~frame["patient"].is_in(frame["patient"].filter(repeated & ~same).unique().implode())
    finding = Finding(
        "error",
        "duplicate-patient",
        "A patient has several rows: equal rows count once, patients whose rows differ are left out.",
        mend="Keep one row a patient.",
        table=table.name,
        rows=rows,
        patient_rows=rows,
    )
    return frame.filter(keep), table.rows[keep.to_numpy()], [finding]


def _require(table: Table, *columns: str) -> None:
    for name in columns:
        if name not in table.frame.columns:
            have = ", ".join(table.frame.columns[:12])
            raise InputError(f"no column {name!r}", mend=f"Add it; the columns are {have}.", file=table.name, row=1)


def _typed(column: pl.Series, data: DataSettings) -> pl.Series:
    """Return the column with missing values null, numeric where all its values are (unless named categorical)."""
    if data.missing:
        column = column.set(column.is_in(list(data.missing)), None)
    values = column.drop_nulls()
    if column.name in data.categorical or values.is_empty() or not values.str.contains(_NUMBER).all():
        return column
    numbers = column.str.strip_chars().cast(pl.Float64)
    return numbers if numbers.is_finite().all() else column


def _patient_index(patients: pl.DataFrame, events: Table) -> tuple[Ints, list[Finding]]:
    _require(events, "patient", "event")
    key = patients.select("patient", pl.int_range(pl.len(), dtype=pl.Int64).alias("index"))
    joined = events.frame.select("patient").join(key, on="patient", how="left", maintain_order="left")
    index = joined["index"].fill_null(-1).to_numpy()
    lost = tuple(int(row) for row in events.rows[index < 0])
    if not lost:
        return index, []
    message = "Events of patients who are not in the patients file, or were left out there, are not used."
    mend = "Add the patient, or correct the identifier (it is compared as text: 7 is not 007)."
    return index, [Finding("error", "event-of-unknown-patient", message, mend=mend, table=events.name, rows=lost)]


def _days(events: Table, data: DataSettings) -> tuple[pl.Series, bool, list[Finding]]:
    """Return the day of every event, whether days are dates, and what was found."""
    has = [name for name in ("date", "day") if name in events.frame.columns]
    if len(has) != 1:
        fault = "both a column 'date' and a column 'day'" if has else "no column 'date' or 'day'"
        raise InputError(fault, mend="Give every event an ISO date, or a day as a number.", file=events.name, row=1)
    column = events.frame[has[0]]
    column = column.set(column.is_in(list(data.missing)), None) if data.missing else column
    if has == ["day"]:
        return _numbers(column, events, data), False, _undated(events, column.is_null(), "missing-date", "no day")
    return _dates(column, events)


def _numbers(column: pl.Series, events: Table, data: DataSettings) -> pl.Series:
    numbers = column.str.strip_chars().cast(pl.Float64, strict=False)
    readable = (column.str.contains(_NUMBER) & numbers.is_finite()).fill_null(value=False)
    wrong = (column.is_not_null() & ~readable).arg_true()
    if len(wrong):
        where = {"file": events.name, "row": int(events.rows[wrong[0]]), "column": "day"}
        raise InputError("not a number", mend="Write a number, or leave the cell empty.", **where)  # type: ignore[arg-type]
    return numbers * DAYS_PER[data.time_unit]


def _dates(column: pl.Series, events: Table) -> tuple[pl.Series, bool, list[Finding]]:
    """Parse each distinct date once, and give it to its rows by code."""
    distinct = column.drop_nulls().unique().sort()
    codes = column.cast(pl.Enum(distinct)).to_physical()
    stamps = distinct.str.strip_chars()
    known = stamps.str.contains(_DATE) | stamps.str.contains(_TIMESTAMP)
    partial = stamps.str.contains(PARTIAL)
    dates = stamps.str.slice(0, 10).str.to_date("%Y-%m-%d", strict=False).set(~known, None)
    days = dates.cast(pl.Int64).cast(pl.Float64)
    strange = ~known & ~partial
    if strange.any():
        row = int(events.rows[strange.gather(codes).fill_null(value=False).arg_true()[0]])
        raise InputError("not a date", mend="Write it as 2021-03-25.", file=events.name, row=row, column="date")
    reasons = (
        ("partial-date", f"a partial date ({precision(column.filter(partial.gather(codes)))})", partial),
        ("impossible-date", "a date that no calendar has", known & days.is_null()),
    )
    found = _undated(events, column.is_null(), "missing-date", "no date")
    for code, what, where in reasons:
        found += _undated(events, where.gather(codes), code, what) if where.any() else []
    return days.gather(codes).alias("day"), True, found


def _undated(events: Table, where: pl.Series, code: str, what: str) -> list[Finding]:
    rows = tuple(int(events.rows[i]) for i in where.fill_null(value=False).arg_true())
    if not rows:
        return []
    message = f"Events with {what}: their patients are left out wherever the event is asked for. No date is imputed."
    mend = "Look it up, or remove the row." if code == "missing-date" else "Look it up and write it as 2021-03-25."
    return [Finding("error", code, message, mend=mend, table=events.name, rows=rows)]


def _events(events: Table, data: DataSettings, *, index: Ints, day: pl.Series) -> pl.DataFrame:
    frame = events.frame
    names = frame["event"].cast(pl.Categorical)
    _check_names(events, names, data)
    attributes = [name for name in frame.columns if name not in (*EVENT_COLUMNS, "date")]
    return pl.DataFrame(
        [
            pl.Series("patient", index),
            names,
            day.cast(pl.Float64).alias("day"),
            _text(frame, "value", data),
            _occurrence(events),
            pl.Series("source", ["reported"], dtype=pl.String).new_from_index(0, frame.height),
            pl.Series("row", events.rows),
            *(_text(frame, name, data) for name in attributes),
        ]
    )


def _text(frame: pl.DataFrame, name: str, data: DataSettings) -> pl.Series:
    if name not in frame.columns:
        return pl.Series(name, [None], dtype=pl.String).new_from_index(0, frame.height)
    return frame[name].set(frame[name].is_in(list(data.missing)), None) if data.missing else frame[name]


def _occurrence(events: Table) -> pl.Series:
    if "number" not in events.frame.columns:
        return pl.Series("number", [None], dtype=pl.Int64).new_from_index(0, events.frame.height)
    column = events.frame["number"]
    wrong = (~column.str.contains(r"^\s*[1-9][0-9]*\s*$")).fill_null(value=False).arg_true()
    if len(wrong):
        mend = "Write 1, 2, ... or leave the cell empty."
        row = int(events.rows[wrong[0]])
        raise InputError("not a whole number from 1", mend=mend, file=events.name, row=row, column="number")
    return column.str.strip_chars().cast(pl.Int64)


def _check_names(events: Table, names: pl.Series, data: DataSettings) -> None:
    from difflib import get_close_matches

    vocabulary = CORE_EVENTS | set(data.other_events)
    if names.null_count():
        row = int(events.rows[names.is_null().arg_true()[0]])
        raise InputError("no event name", mend="Name the event.", file=events.name, row=row, column="event")
    for name in names.unique().cast(pl.String):
        if name not in vocabulary:
            row = int(events.rows[(names == name).arg_true()[0]])
            near = get_close_matches(name, sorted(vocabulary), 1)
            hint = f"Did you mean {near[0]!r}? Otherwise declare it" if near else "Declare it"
            mend = f'{hint} in the study file: [data] other_events = ["..."].'
            raise InputError("not an event name that is known", mend=mend, file=events.name, row=row, column="event")


def end_of_follow_up(events: pl.DataFrame, n: int, cutoff: float | None) -> Floats:
    """Return each patient's last day: death (also before a later contact), else the last contact, cut at the cutoff."""
    last = _extreme(events.filter(pl.col("event") == "last_contact"), n, latest=True)
    death = _extreme(events.filter(pl.col("event") == "death"), n, latest=False)
    end = np.where(np.isfinite(death), death, last)
    if cutoff is not None:
        end = np.minimum(end, cutoff)
    undated = events.filter((pl.col("event") == "death") & pl.col("day").is_null())["patient"].to_numpy()
    end[undated] = np.nan
    return end


def _extreme(rows: pl.DataFrame, n: int, *, latest: bool) -> Floats:
    day = np.full(n, -np.inf if latest else np.inf)
    dated = rows.drop_nulls("day")
    at, days = dated["patient"].to_numpy(), dated["day"].to_numpy()
    (np.maximum if latest else np.minimum).at(day, at, days)
    return np.where(np.isfinite(day), day, np.nan)


def day_of(date: str) -> float:
    """Return the day number, from 1970-01-01, of an ISO date."""
    return float((np.datetime64(date, "D") - EPOCH).astype(int))
