"""The days of events: the first that a term names, patient by patient."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Condition, Term

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


def first_day(history: History, term: Term, at_or_after: Floats | None = None) -> Floats:
    """Return the day of the first event that a term names, patient by patient.

    Parameters
    ----------
    history
        What happened.
    term
        The event.
    at_or_after
        (patients,) only events on or after this day count.

    Returns
    -------
    numpy.ndarray
        (patients,) the day; +inf where there is none, NaN where such an event, or the one that it must come after,
        is undated.
    """
    days, undated = first_dated(history, term, at_or_after)
    return np.where(undated, np.nan, days)


def first_dated(history: History, term: Term, at_or_after: Floats | None = None) -> tuple[Floats, Bools]:
    """Return (patients,) the day of the first dated event that a term names, or +inf, and whether one is undated.

    The arguments are those of :func:`first_day`.
    """
    events = occurrences(history, term)
    bound = np.full(len(history), -np.inf) if at_or_after is None else at_or_after
    result = np.full(len(history), np.inf)
    with np.errstate(invalid="ignore"):
        on_time = events.day >= bound[events.patient]
    np.minimum.at(result, events.patient[on_time], events.day[on_time])
    return result, events.undated


@dataclass(frozen=True)
class Occurrences:
    """The dated events that a term names, and the patients who have an undated one.

    Attributes
    ----------
    patient, day
        (events,) index of the patient, and the day.
    rows
        The events as a table: ``row`` and the columns that the term's conditions look at.
    undated
        (patients,) whether such an event, or the one that it must come after, is undated.
    """

    patient: Ints
    day: Floats
    rows: pl.DataFrame
    undated: Bools


def occurrences(history: History, term: Term, columns: Sequence[str] = ()) -> Occurrences:
    """Return the events that a term names, on or after the first event of the term that it comes ``after``.

    Parameters
    ----------
    history, term
        What happened, and the events.
    columns
        What ``rows`` must have besides ``row`` and the columns that the term's conditions look at.
    """
    rows = matching(history, term, columns)
    patient, day = rows["patient"].to_numpy(), rows["day"].to_numpy()
    undated = np.zeros(len(history), bool)
    undated[patient[np.isnan(day)]] = True
    used = ~np.isnan(day)
    if term.after is not None:
        bound = first_day(history, term.after)[patient]
        undated[patient[np.isnan(bound)]] = True
        with np.errstate(invalid="ignore"):
            used &= day >= bound
    return Occurrences(patient[used], day[used], rows.filter(pl.Series(used, dtype=pl.Boolean)), undated)


def matching(history: History, term: Term, columns: Sequence[str] = ()) -> pl.DataFrame:
    """Return ``patient``, ``day`` and more of the events that a term names, whatever came before them."""
    rows = _named(history, term, ("number", "row", *columns, *(condition.column for condition in term.conditions)))
    for condition in term.conditions:
        rows = rows.filter(_holds(rows, term, condition))
    return rows


def meets(rows: pl.DataFrame, term: Term) -> Bools:
    """Return (rows,) whether each event meets every condition of the term."""
    met = np.ones(rows.height, bool)
    for condition in term.conditions:
        met &= _holds(rows, term, condition).to_numpy()
    return met


def _named(history: History, term: Term, columns: Sequence[str]) -> pl.DataFrame:
    if term.source is None:
        rows = history.named(term.name, columns)
    else:
        rows = history.events.filter((pl.col("event") == term.name) & (pl.col("source") == term.source))
    return rows if term.number is None else rows.filter(_occurrence(rows) == term.number)


def _occurrence(rows: pl.DataFrame) -> pl.Series:
    """Return whether each row is its patient's 1st, 2nd, ... of the kind: as the file says, else by day and row."""
    patients = rows["patient"].to_numpy()
    if len(patients) and np.bincount(patients).max() == 1:
        return rows["number"].fill_null(1)
    order = np.lexsort((rows["row"].to_numpy(), rows["day"].to_numpy(), patients))
    ordered = patients[order]
    new = np.concatenate(([True], ordered[1:] != ordered[:-1])) if len(order) else np.zeros(0, bool)
    place = np.arange(len(order))
    count = np.empty(len(order), np.int64)
    count[order] = place - np.maximum.accumulate(np.where(new, place, 0)) + 1
    return rows["number"].fill_null(pl.Series(count))


def _holds(rows: pl.DataFrame, term: Term, condition: Condition) -> pl.Series:
    if condition.column not in rows.columns:
        mend = f"Add the column {condition.column!r} to the events, or define the endpoint without it."
        raise InputError(f"the term {str(term)!r} asks for a column that the events do not have", mend=mend)
    column = rows[condition.column].cast(pl.String).str.strip_chars()
    if condition.operator == "=":
        return column.is_in(list(condition.values)).fill_null(value=False)
    number = column.cast(pl.Float64, strict=False)
    wrong = (number.is_null() & column.is_not_null()).arg_true()
    if len(wrong):
        fault = f"not a number, but the term {str(term)!r} compares it with one"
        where = {"row": int(rows["row"][wrong[0]]), "column": condition.column}
        raise InputError(fault, mend="Write the grade as 0, 1, 2, 3 or 4.", file="events", **where)  # type: ignore[arg-type]
    limit, sign = condition.threshold, condition.operator
    compared = {">=": number >= limit, ">": number > limit, "<=": number <= limit, "<": number < limit}[sign]
    return compared.fill_null(value=False)
