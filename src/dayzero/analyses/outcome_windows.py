"""Outcomes at a fixed time: what was seen of each patient between two days, and of whom nothing can be said."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from dayzero.endpoints import first_day, matching
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Condition, Term, parse_term
from dayzero.spells import CENSORED, Bools, Floats, Ints, Spells


@dataclass(frozen=True)
class Observation:
    """The time over which patients are looked at: each (patients,), in the history's days.

    Attributes
    ----------
    opens
        First day; +inf for patients who are not looked at, NaN where it is undated.
    closes
        Last day; +inf where there is none but the end of follow-up.
    """

    opens: Floats
    closes: Floats

    @property
    def looked_at(self) -> Bools:
        """(patients,) whether the patient has such a time."""
        return np.isfinite(self.opens)


def seen_through(history: History, observation: Observation) -> Bools:
    """Return (patients,) whether the whole time was seen: follow-up lasted until its end, or until death."""
    died = first_day(history, parse_term("death"))
    with np.errstate(invalid="ignore"):
        followed = (history.end >= observation.closes) | (died <= history.end)
        endless = np.isinf(observation.closes) & np.isfinite(history.end)
        begun = observation.opens <= history.end
    return np.asarray((followed | endless) & begun & observation.looked_at)


def happened(history: History, term: Term, observation: Observation) -> Ints:
    """Return (patients,) 1 where the event happened, 0 where it did not, -1 where nobody can say.

    It did not where the whole time was seen without it: a patient who died is known never to have it. Nobody can say
    where follow-up ended too early, or where such an event is undated.
    """
    day = first_day(history, term, observation.opens)
    with np.errstate(invalid="ignore"):
        yes = (day <= observation.closes) & (day <= history.end) & observation.looked_at
    no = seen_through(history, observation) & ~np.isnan(day)
    return np.where(yes, 1, np.where(no, 0, -1)).astype(np.int64)


def levels_of(history: History, term: Term, order: Sequence[str] = (), absent: str = "") -> tuple[str, ...]:
    """Return the levels that an event's value takes, lowest first: as ordered by the user, or as numbers.

    Parameters
    ----------
    history, term
        What happened, and the event.
    order
        The levels, lowest first; by default the values are numbers.
    absent
        A level to have in any case: that of patients without the event.

    Raises
    ------
    InputError
        Where the values are no numbers and no order is given, or a value is not in it.
    """
    rows = _valued(history, term)
    values = rows["value"].to_list()
    if order:
        if absent and absent not in order:
            raise InputError("no level of the outcome", mend=f"The levels are {', '.join(order)}.", column="absent")
        wrong = [row for row, value in zip(rows["row"].to_list(), values, strict=True) if value not in order]
        if wrong:
            mend = f"Add it to levels, which are {', '.join(order)}."
            raise InputError("a value that is no level", mend=mend, file="events", row=int(wrong[0]), column="value")
        return tuple(order)
    try:
        return tuple(sorted({*values, *([absent] if absent else [])}, key=float))
    except ValueError:
        mend = 'Write levels = ["PD", "PR", "CR"], the lowest first.'
        raise InputError(f"the values of {term.name!r} are no numbers", mend=mend, column="levels") from None


def highest(history: History, term: Term, observation: Observation, levels: Sequence[str]) -> Ints:
    """Return (patients,) the place of the highest level seen, -1 where there is none."""
    opens = observation.opens
    if term.after is not None:
        opens = np.maximum(opens, first_day(history, term.after, opens))
    rows = _valued(history, term)
    patient, day = rows["patient"].to_numpy(), rows["day"].to_numpy()
    code = np.array([levels.index(value) for value in rows["value"].to_list()], np.int64)
    with np.errstate(invalid="ignore"):
        within = (day >= opens[patient]) & (day <= observation.closes[patient]) & (day <= history.end[patient])
    found = np.full(len(history), -1, np.int64)
    np.maximum.at(found, patient[within], code[within])
    return found


def outcome_spells(history: History, codes: Ints, levels: Sequence[str], name: str) -> Spells:
    """Return the patients with an outcome, one row each, which ends in the state of its level.

    Parameters
    ----------
    history
        What happened.
    codes
        (patients,) place among the levels, -1 for patients without an outcome.
    levels
        Two of them are an event that happened or not: ``states`` is (``no``, ``yes``) and the row of a patient without
        it ends censored. Otherwise ``states`` are the levels after one in which everybody starts.
    name
        Of the outcome.
    """
    kept = codes >= 0
    n, found = int(kept.sum()), codes[kept]
    two = tuple(levels) == ("no", "yes")
    return Spells(
        patient=np.arange(n),
        start=np.full(n, -np.inf),
        stop=np.zeros(n),
        state=np.zeros(n, np.int64),
        to=np.where(found == 1, 1, CENSORED) if two else found + 1,
        weight=np.ones(n),
        states=tuple(levels) if two else ("not assessed", *levels),
        patients=history.patients.filter(pl.Series(kept)),
        name=name,
    )


def _valued(history: History, term: Term) -> pl.DataFrame:
    """Return the rows of an event that have a value: patient, day, row, value."""
    known = history.events.filter(pl.col("event") == term.name)["value"].cast(pl.String).drop_nulls().unique()
    every = Condition("value", "=", tuple(value.strip() for value in known.to_list()))
    rows = matching(history, replace(term, conditions=(*term.conditions, every)))
    values = rows["value"].cast(pl.String).str.strip_chars()
    return rows.with_columns(pl.Series("value", [_spelled(value) for value in values.to_list()], dtype=pl.String))


def _spelled(value: str) -> str:
    """Write a number in one way, so that 1 and 1.0 are one level; other values stay as they are."""
    try:
        return f"{float(value):.10g}"
    except ValueError:
        return value
