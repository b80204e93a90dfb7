"""Sequential trials: a trial starts whenever somebody starts treatment, with all who could have started then."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from dayzero.errors import InputError
from dayzero.spells import CENSORED, Bools, Floats, Ints, Spells, snap
from dayzero.strategies.clones import ARTIFICIAL, stack

TRIAL: Final = "trial"  # the column of the day on which a row's trial starts
ROUNDING: Final = 1e-9  # of an interval: 0.3 days are three intervals of 0.1


@dataclass(frozen=True)
class Trials:
    """The stacked table of all trials, unweighted, and where its rows come from.

    Attributes
    ----------
    spells
        The rows of all trials, with the columns ``trial`` (its first day), the treatment's (1.0 in the rows of those
        who start it in the trial, from their treatment on), and ``artificially_censored``. Other time-varying columns
        keep, within a trial, the value that they had just before its first day's treatments.
    treatment
        Its name.
    source
        (rows,) the row of the given table that each is cut from.
    entry
        (rows,) the row of the given table that holds those values: where its patient stood when the trial started.
    """

    spells: Spells
    treatment: str
    source: Ints
    entry: Ints

    @property
    def start(self) -> Floats:
        """(rows,) first day of the row's trial."""
        return np.asarray(self.spells.columns[TRIAL], float)

    @property
    def treated(self) -> Bools:
        """(rows,) whether the row is one of the treated's."""
        return np.asarray(self.spells.columns[self.treatment] == 1.0)

    def where(self, keep: Bools) -> "Trials":
        """Return the chosen rows."""
        return replace(self, spells=self.spells.where(keep), source=self.source[keep], entry=self.entry[keep])

    def until(self, horizon: float) -> "Trials":
        """Follow each arm for so many days from its origin; what comes after them is not seen."""
        end = origins(self.spells, self.treatment) + horizon
        kept = self.where(self.spells.start < end)
        end, rows = end[self.spells.start < end], kept.spells
        later = rows.stop > end
        marks = {ARTIFICIAL: np.asarray(rows.columns[ARTIFICIAL]) & ~later}
        cut = replace(rows, stop=np.minimum(rows.stop, end), to=np.where(later, CENSORED, rows.to))
        return replace(kept, spells=replace(cut, columns={**rows.columns, **marks}))


def stack_trials(spells: Spells, treatment: str, *, every: float, last: float | None = None) -> Trials:
    """Let a trial start on each of the days 0, every, 2 every, ... in whose interval somebody starts treatment.

    Parameters
    ----------
    spells, treatment
        A table of one event or of competing ones, and a key of its treatments.
    every
        Days from one possible start of a trial to the next.
    last
        Last day on which a trial may start; by default the last day on which somebody starts treatment.

    Returns
    -------
    Trials
        A trial that starts on day s has those who are under observation, at risk after s and untreated before s. All
        are untreated from s until their treatment, on whose day they are censored. Those who start treatment in
        [s, s + every), and are still at risk then, are treated from their treatment on. So nobody is immortal, and
        where treatments of one day make a trial (every = 1 and whole days) nobody has time in both arms of it.

    Raises
    ------
    InputError
        Where nobody starts treatment while at risk, or the interval is not positive.
    ValueError
        Where the treatment of a patient with rows is undated.
    """
    if not every > 0.0:
        raise InputError("trials without an interval", mend="Write every = 1 or more days.", column="every")
    day = np.asarray(spells.treatments[treatment], float)
    if bool(np.isnan(day[spells.patient]).any()):
        raise ValueError("a patient's treatment is undated: leave its rows out first")
    seen = _starters(spells, day)
    own = _starts(spells, np.where(seen, day, np.inf), every=every, last=last)
    starts = np.unique(own[np.isfinite(own)])
    if not len(starts):
        fault = "nobody starts the treatment while at risk in a trial"
        raise InputError(fault, mend="Let trials start later, or less often.", column="every")
    index, trial, entry = _eligible(spells, day, starts)
    first, mine = starts[trial], day[spells.patient[index]]
    begins = own[spells.patient[index]] == first
    rows = {"index": index, "entry": entry, "first": first, "day": mine}
    arms = [_arm(spells, treatment, {k: v[kept] for k, v in rows.items()}, treated=treated)
            for treated, kept in ((True, begins & (spells.stop[index] > mine)),
                                  (False, np.maximum(spells.start[index], first) < mine))]  # fmt: skip
    source, entries = (np.concatenate([getattr(arm, name) for arm in arms]) for name in ("source", "entry"))
    return Trials(stack(arms[0].spells, arms[1].spells), treatment, source, entries)


def origins(spells: Spells, treatment: str) -> Floats:
    """Return (rows,) the day from which the arm of each row is followed: of the treatment, or the trial's first."""
    treated = np.asarray(spells.columns[treatment]) == 1.0
    day = np.asarray(spells.treatments[treatment], float)[spells.patient]
    return np.where(treated, day, np.asarray(spells.columns[TRIAL], float))


def pairs(spells: Spells, treatment: str) -> Ints:
    """Return (rows,) the code, from 0, of the row's patient in the row's arm and trial."""
    _, trial = np.unique(np.asarray(spells.columns[TRIAL], float), return_inverse=True)
    arm = (np.asarray(spells.columns[treatment]) == 1.0).astype(np.int64)
    _, code = np.unique((2 * trial + arm) * spells.patients.height + spells.patient, return_inverse=True)
    return np.asarray(code, np.int64)


def first_of_pair(spells: Spells, treatment: str) -> Bools:
    """Return (rows,) whether the row is its patient's first in its arm and trial."""
    code = pairs(spells, treatment)
    first = np.full(int(code.max(initial=-1)) + 1, np.inf)
    np.minimum.at(first, code, spells.start)
    return np.asarray(spells.start == first[code])


def last_of_pair(spells: Spells, treatment: str) -> Bools:
    """Return (rows,) whether the row is its patient's last in its arm and trial."""
    code = pairs(spells, treatment)
    last = np.full(int(code.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(last, code, spells.stop)
    return np.asarray(spells.stop == last[code])


def starts_in(spells: Spells, day: Floats) -> Bools:
    """Return (rows,) whether the row's patient starts the treatment, on a day of each, in it: not after its event."""
    mine = day[spells.patient]
    before_event = (mine < spells.stop) | ((mine == spells.stop) & (spells.to == CENSORED))
    return np.asarray((spells.start < mine) & before_event)


def _arm(spells: Spells, treatment: str, rows: Mapping[str, npt.NDArray[Any]], *, treated: bool) -> Trials:
    index, entry, first, day = (rows[name] for name in ("index", "entry", "first", "day"))
    taken = spells.where(index)
    begin = np.maximum(taken.start, day if treated else first)
    leaves = np.full(len(index), np.inf) if treated else day
    ends = (leaves < taken.stop) | ((leaves == taken.stop) & (taken.to == CENSORED))
    frozen = {name: values[entry] for name, values in spells.columns.items()}
    marks = {treatment: np.full(len(index), float(treated)), TRIAL: first, ARTIFICIAL: ends}
    rows_of_arm = replace(
        taken,
        start=begin,
        stop=np.minimum(taken.stop, leaves),
        to=np.where(taken.stop > leaves, CENSORED, taken.to),
        columns={**frozen, **marks},
    )
    return Trials(rows_of_arm, treatment, index, entry)


def _starters(spells: Spells, day: Floats) -> Bools:
    """Return (patients,) who is seen to start treatment: under observation, and before the day's event."""
    mine = day[spells.patient]
    inside = (spells.start <= mine) & ((mine < spells.stop) | ((mine == spells.stop) & (spells.to == CENSORED)))
    seen = np.zeros(len(day), bool)
    seen[spells.patient[inside & np.isfinite(mine)]] = True
    return seen


def _starts(spells: Spells, day: Floats, *, every: float, last: float | None) -> Floats:
    """Return (patients,) the start of the trial in which each is treated, +inf for those who are treated in none."""
    possible = (day >= 0.0) & np.isfinite(day)
    count = np.floor(np.where(possible, day, 0.0) / every + ROUNDING)
    (first,) = snap(np.where(possible, np.minimum(count * every, day), np.inf))
    entry, leave = _observed(spells)
    at_risk = (entry <= first) & (first < leave)
    return np.where(at_risk & (first <= (np.inf if last is None else last)), first, np.inf)


def _observed(spells: Spells) -> tuple[Floats, Floats]:
    """Return (patients,) the days from which and until which each is under observation."""
    height = spells.patients.height
    entry, leave = np.full(height, np.inf), np.full(height, -np.inf)
    np.minimum.at(entry, spells.patient, spells.start)
    np.maximum.at(leave, spells.patient, spells.stop)
    return entry, leave


def _eligible(spells: Spells, day: Floats, starts: Floats) -> tuple[Ints, Ints, Ints]:
    """Return for each row of a patient in a trial that they are eligible for: the row, the trial, the row of entry."""
    entry, _ = _observed(spells)
    low = np.searchsorted(starts, entry[spells.patient], side="left")
    high = np.minimum(np.searchsorted(starts, spells.stop, side="left"),
                      np.searchsorted(starts, day[spells.patient], side="right"))  # fmt: skip
    count = np.maximum(high - low, 0)
    index = np.repeat(np.arange(len(spells)), count)
    trial = low[index] + np.arange(len(index)) - np.repeat(np.cumsum(count) - count, count)
    holds = spells.start[index] <= starts[trial]  # the row in which the trial's first day lies
    pair = spells.patient[index] * len(starts) + trial
    row_of = np.full(spells.patients.height * len(starts), -1, np.int64)
    row_of[pair[holds]] = index[holds]
    kept = row_of[pair] >= 0
    entered = row_of[pair[kept]]
    new = spells.start[entered] == starts[trial[kept]]  # a value that changes on a day holds from after it
    return index[kept], trial[kept], np.where(new, _previous(spells)[entered], entered)


def _previous(spells: Spells) -> Ints:
    """Return (rows,) the row of the same patient that ends where the row starts, or the row itself."""
    order = np.lexsort((spells.start, spells.patient))
    before = np.roll(order, 1)
    follows = (spells.patient[before] == spells.patient[order]) & (spells.stop[before] == spells.start[order])
    found = np.empty(len(order), np.int64)
    found[order] = np.where(follows, before, order)
    return found
