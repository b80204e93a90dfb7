"""What is known of each patient from which day on: the value of the last event, a state that holds.

Order on one day: rows of one name as they stand in the file, the last one counting; a relapse or progression after the
responses and measurements of its day.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.endpoints.events import meets, occurrences
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Term, parse_term
from dayzero.settings import nearest
from dayzero.vocabulary import CORE_EVENTS

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
Values = npt.NDArray[Any]

MEASURED: Final = frozenset({"response", "mrd"})  # the core events whose value is the news; the others happen
ENDED_BY: Final = ("relapse", "progression")  # what ends a state of these, whatever its last measurement was
NOT_MEASURED: Final = "not measured"


@dataclass(frozen=True)
class Track:
    """A value of each patient as a function of the day.

    Attributes
    ----------
    patient, day, value
        (changes,) from that day on the patient's value is this one; in any order, of several on one day the last
        counts.
    before
        The value before the first: NaN for numbers that nobody has measured.
    undated
        (patients,) whether an event of unknown day belongs to the track as well.
    """

    patient: Ints
    day: Floats
    value: Values
    before: float | str
    undated: Bools

    @cached_property
    def order(self) -> Ints:
        """Places of the changes that count, by patient and day: the last of each day."""
        order = np.lexsort((np.arange(len(self.day)), self.day, self.patient))
        patient, day = self.patient[order], self.day[order]
        last = np.ones(len(order), bool)
        last[:-1] = (patient[1:] != patient[:-1]) | (day[1:] != day[:-1])
        return np.asarray(order[last])

    def at(self, patient: Ints, day: Floats) -> Values:
        """Return (asked,) the value of each patient on a day: that of the last change on or before it."""
        known, when = self.patient[self.order], self.day[self.order]
        ranks = np.unique(np.concatenate((when, day)), return_inverse=True)[1].reshape(-1)
        size = len(ranks) + 1
        keys, asked = known * size + ranks[: len(when)], patient * size + ranks[len(when) :]
        place = np.searchsorted(keys, asked, side="right")
        owner = np.concatenate(([-1], known))[place]
        values = np.concatenate(([self.before], self.value[self.order]))
        return np.asarray(values[np.where(owner == patient, place, 0)])

    def changes(self) -> tuple[Ints, Floats]:
        """Return patient and day of the changes that bring another value, by patient and day."""
        patient, value = self.patient[self.order], self.value[self.order]
        first = np.ones(len(patient), bool)
        first[1:] = patient[1:] != patient[:-1]
        former = np.where(first, self.before, np.concatenate((value[:1], value[:-1])))
        moved = value != former
        return patient[moved], self.day[self.order][moved]

    def among(self, included: Bools, origin: Floats) -> "Track":
        """Return the track of the included patients alone, counted anew, in days from their origin."""
        place = np.cumsum(included) - 1
        kept = included[self.patient]
        patient = self.patient[kept]
        day = self.day[kept] - origin[patient]
        return Track(place[patient], day, self.value[kept], self.before, self.undated[included])


def follow_state(history: History, term: Term) -> Track:
    """Follow whether the disease is in the state that a term names: a track of 1.0 and 0.0, 0.0 before the first.

    A term with conditions: the last event of its name meets them; but a relapse or progression after the last
    response or MRD result ends any state of these, until the next one. A term without: it has happened.
    """
    track = follow_term(history, term)
    if not term.conditions or term.name not in MEASURED:
        return replace(track, before=0.0)
    ends = [occurrences(history, parse_term(name)) for name in ENDED_BY]
    return Track(
        patient=np.concatenate([track.patient, *(end.patient for end in ends)]),
        day=np.concatenate([track.day, *(end.day for end in ends)]),
        value=np.concatenate([track.value, *(np.zeros(len(end.day)) for end in ends)]),
        before=0.0,
        undated=np.any([track.undated, *(end.undated for end in ends)], axis=0),
    )


def follow_term(history: History, term: Term) -> Track:
    """Follow what is known of a term.

    Parameters
    ----------
    history
        What happened.
    term
        With conditions: 1.0 where the last event of its name meets them, 0.0 where it does not, NaN before the first.
        Without, a response, an MRD result, or an event beyond the core vocabulary that carries values: the last
        value, a number where all are, before the first NaN or ``not measured``. Any other: 1.0 once it has happened,
        0.0 before.
    """
    rows = occurrences(history, replace(term, conditions=()), ("value", *(c.column for c in term.conditions)))
    order = np.argsort(rows.rows["row"].to_numpy(), kind="stable")
    day, patient = rows.day[order], rows.patient[order]
    if term.conditions:
        met = meets(rows.rows, term)[order].astype(float)
        return Track(patient, day, met, np.nan, rows.undated)
    if _is_measured(history, term):
        return _follow_values(history, term, rows.undated, rows.rows[order])
    return Track(patient, day, np.ones(len(day)), 0.0, rows.undated)


def known_event(history: History, text: str, *, key: str) -> Term:
    """Return a term; InputError where nothing is called so, in the core vocabulary or among the events."""
    term = parse_term(text)
    named = history.events["event"].unique().cast(pl.String).to_list()
    known = sorted({*CORE_EVENTS, *named})
    for name in term.names:
        if name not in known:
            guess = nearest(name, known)
            hint = f"Did you mean {guess!r}? " if guess else ""
            mend = f"{hint}Name an event that stands in the events file."
            raise InputError(f"the term {text!r} names no event", mend=mend, column=key)
    return term


def _is_measured(history: History, term: Term) -> bool:
    if term.number is not None or (term.name in CORE_EVENTS and term.name not in MEASURED):
        return False
    return bool(_values(history, term).is_not_null().any())


def _values(history: History, term: Term) -> pl.Series:
    return history.named(term.name, ("value",))["value"].str.strip_chars()


def _follow_values(history: History, term: Term, undated: Bools, rows: pl.DataFrame) -> Track:
    rows = rows.drop_nulls("value")
    text = rows["value"].str.strip_chars()
    patient, day = rows["patient"].to_numpy(), rows["day"].to_numpy()
    numbers = _values(history, term).drop_nulls().cast(pl.Float64, strict=False)
    if numbers.null_count() or not numbers.is_finite().all():
        return Track(patient, day, np.asarray(text.to_list(), np.str_), NOT_MEASURED, undated)
    return Track(patient, day, text.cast(pl.Float64).to_numpy(), np.nan, undated)
