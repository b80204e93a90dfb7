"""Spells: who was at risk of what, when.

One row is one patient in one state from ``start`` (excluded) to ``stop`` (included), and what ended it. Kaplan-Meier,
competing risks, left truncation, time-dependent treatment and multi-state models are all this one table.

A row counts ``weight``; where the table has a ``curve``, its weight at t is ``weight * exp(power * curve(t))``. So
weights that change with time (Fine and Gray's: power 1, the curve being log G) need no row for every change.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

CENSORED: Final = -1
TIE_TOLERANCE: Final = float(np.sqrt(np.finfo(np.float64).eps))


@dataclass(frozen=True)
class StepFunction:
    """A function of time that changes right after its times: f(t) = values[k] where times[k] < t <= times[k + 1].

    It is 0 up to and on the first time. Like a row's (start, stop] it is continuous from the left: what happens on a
    day counts from after that day (convention 2).

    Attributes
    ----------
    times
        (T,) days, increasing.
    values
        (T,), or (T, K) for K functions that change on the same days.

    Examples
    --------
    >>> StepFunction(np.array([10.0, 20.0]), np.array([0.5, 0.7])).at(np.array([10.0, 11.0, 99.0])).tolist()
    [0.0, 0.5, 0.7]
    """

    times: Floats
    values: Floats

    def __post_init__(self) -> None:
        """Refuse times that do not increase, and values that are not one a time."""
        if self.values.shape[:1] != self.times.shape or self.values.ndim > 2:
            raise ValueError("a step function has one value, or one row of values, a time")
        if not bool(np.all(np.diff(self.times) > 0.0)):
            raise ValueError("the times of a step function must increase")

    def at(self, days: Floats) -> Floats:
        """Return the values (days,) or (days, K)."""
        place = np.searchsorted(self.times, days, side="left")
        return np.asarray(np.concatenate((np.zeros((1, *self.values.shape[1:])), self.values))[place])


@dataclass(frozen=True)
class Spells:
    """A table of spells, and the patients that they belong to.

    Attributes
    ----------
    patient
        (rows,) index of the patient in ``patients``.
    start, stop
        (rows,) days from the endpoint's origin; at risk in (start, stop]. Without delayed entry the first spell of a
        patient starts at -inf, so that an event on day 0 counts at time 0.
    state, to
        (rows,) codes into ``states``: where the patient is, and where the spell ends; ``to`` is -1 (``CENSORED``)
        where it ends without a transition.
    weight
        (rows,) how much the row counts.
    states
        Names of the states. The first is where everybody starts, the second the endpoint's event, and the others
        compete with it.
    patients
        Baseline columns, one row a patient, with the text column ``patient``.
    columns
        Time-varying columns, each (rows,).
    treatments
        Day of the first of each named treatment, each (patients,), +inf where there was none.
    name
        The endpoint's name.
    power, curve
        Weights that change with time, or None: (rows,) and a step function (T,), or (rows, K) and K step functions
        (T, K), a row's weight at t being ``weight * exp(power @ curve(t))``. Any real power may stand here; an
        estimator refuses those that it cannot use.
    """

    patient: Ints
    start: Floats
    stop: Floats
    state: Ints
    to: Ints
    weight: Floats
    states: tuple[str, ...]
    patients: pl.DataFrame
    columns: Mapping[str, npt.NDArray[Any]] = field(default_factory=dict)
    treatments: Mapping[str, Floats] = field(default_factory=dict)
    name: str = ""
    power: Floats | None = None
    curve: StepFunction | None = None

    def __post_init__(self) -> None:
        """Refuse arrays of different lengths, empty intervals, and powers without their curve."""
        rows = (self.start, self.stop, self.state, self.to, self.weight, *self.columns.values())
        if any(len(array) != len(self.patient) for array in rows):
            raise ValueError("the columns of a Spells table have different lengths")
        if not bool(np.all(self.start < self.stop)):
            raise ValueError("every spell must start before it stops")
        if (self.power is None) != (self.curve is None):
            raise ValueError("powers need a curve, and a curve needs powers")
        if self.power is not None and self.curve is not None:
            if self.power.shape != (len(self.patient), *self.curve.values.shape[1:]):
                raise ValueError("there must be one power a row for each curve")
            if not bool(np.all(np.isfinite(self.power))):
                raise ValueError("every power must be finite")

    def __len__(self) -> int:
        """Return the number of rows; a patient may have several."""
        return len(self.patient)

    @property
    def n(self) -> int:
        """Number of patients with at least one row."""
        return int(np.count_nonzero(np.bincount(self.patient, minlength=1)))

    def where(self, keep: Bools) -> "Spells":
        """Return the chosen rows; the table of patients stays whole."""
        columns = {name: values[keep] for name, values in self.columns.items()}
        picked = {k: getattr(self, k)[keep] for k in ("patient", "start", "stop", "state", "to", "weight")}
        power = None if self.power is None else self.power[keep]
        return replace(self, columns=columns, power=power, **picked)

    def of(self, column: str) -> pl.Series:
        """Return a column for every row: a time-varying one, or else the patients' baseline column."""
        if column in self.columns:
            return pl.Series(column, self.columns[column])
        return self.patients[column].gather(self.patient)

    def event(self, name: str | None = None) -> Bools:
        """Return (rows,) whether the row ends in the named state: by default the endpoint's event."""
        code = 1 if name is None else self.states.index(name)
        return np.asarray(self.to == code)


def make_spells(stop: npt.ArrayLike, event: npt.ArrayLike, **columns: Any) -> Spells:
    """Build the table from arrays of time and status, as textbooks print them.

    Parameters
    ----------
    stop
        (rows,) time of the event or of censoring.
    event
        (rows,) 0 where censored, k where the spell ends in ``states[k]``.
    **columns
        ``start`` (default -inf), ``state`` (default 0), ``patient`` (any labels; default: one patient a row),
        ``weight`` (default 1), ``states`` (default ``("initial", "event", "event 2", ...)``), ``name``; every other
        array is a covariate of the rows.

    Examples
    --------
    >>> spells = make_spells([1, 2, 3], [1, 0, 2], age=[40, 50, 60])
    >>> spells.n, spells.states
    (3, ('initial', 'event', 'event 2'))
    """
    stop = np.asarray(stop, float)
    to = np.asarray(event, np.int64)
    start = np.asarray(columns.pop("start", np.full(len(stop), -np.inf)), float)
    ids = np.asarray(columns.pop("patient", np.arange(len(stop))))
    names, index = np.unique(ids, return_inverse=True)
    events = max(int(to.max(initial=1)), 1)
    default = ("initial", "event", *(f"event {k}" for k in range(2, events + 1)))
    start, stop = snap(start, stop)
    return Spells(
        patient=index.astype(np.int64),
        start=start,
        stop=stop,
        state=np.asarray(columns.pop("state", np.zeros(len(stop))), np.int64),
        to=np.where(to == 0, CENSORED, to) if "to" not in columns else np.asarray(columns.pop("to"), np.int64),
        weight=np.asarray(columns.pop("weight", np.ones(len(stop))), float),
        states=tuple(columns.pop("states", default)),
        name=str(columns.pop("name", "")),
        patients=pl.DataFrame({"patient": pl.Series(names).cast(pl.String)}),
        columns={name: np.asarray(values) for name, values in columns.items()},
    )


def snap(*times: Floats) -> tuple[Floats, ...]:
    """Merge times that differ by rounding alone (convention 1: float ties), infinite ones left as they are.

    Two neighbours among the distinct times are one time where they differ by no more than sqrt(eps), absolutely or
    relative to the mean absolute time, as ``timefix`` in R's survival does; the smallest of each run stands for it.

    Examples
    --------
    >>> merged, = snap(np.array([0.1 + 0.2, 0.3]))
    >>> bool(merged[0] == merged[1])
    True
    """
    everything = np.concatenate([np.ravel(array) for array in times]) if times else np.empty(0)
    distinct = np.unique(everything[np.isfinite(everything)])
    if len(distinct) < 2:
        return times
    gaps = np.diff(distinct)
    new = (gaps > TIE_TOLERANCE) & (gaps > TIE_TOLERANCE * float(np.mean(np.abs(distinct))))
    if bool(new.all()):
        return times
    kept = distinct[np.concatenate(([True], new))]
    return tuple(_snapped(np.asarray(array, float), kept) for array in times)


def _snapped(times: Floats, kept: Floats) -> Floats:
    position = np.searchsorted(kept, times, side="right") - 1
    return np.where(np.isfinite(times), kept[np.maximum(position, 0)], times)


def split(spells: Spells, cuts: Sequence[Floats] | Floats, *, name: str, switch: str = "after") -> Spells:
    """Split rows at a day of each patient, and mark what lies behind it: a treatment as a function of time.

    Parameters
    ----------
    spells
        The table.
    cuts
        (patients,) day of the switch, +inf where it never came; NaN is a ValueError.
    name
        Name of the new time-varying column: 0.0 before the switch, 1.0 after it.
    switch
        ``after``: an event on the day itself belongs to the time before (convention 3; R's ``tmerge``);
        ``at``: it belongs to the time after (Klein and Moeschberger 2003, ch. 9).

    Returns
    -------
    Spells
        Rows stay in order; the pieces of a row stand next to each other.
    """
    day = np.asarray(cuts, float)[spells.patient]
    if bool(np.isnan(day).any()):
        raise ValueError("a patient's switch is undated: leave its rows out first")
    edge = day if switch == "after" else np.nextafter(day, -np.inf)
    inside = (spells.start < edge) & (edge < spells.stop)
    pieces = 1 + inside.astype(np.int64)
    index = np.repeat(np.arange(len(spells)), pieces)
    later = np.concatenate(([False], index[1:] == index[:-1])) if len(index) else np.zeros(0, bool)
    first = inside[index] & ~later
    after = later | (spells.start[index] >= edge[index])
    taken = spells.where(index)  # type: ignore[arg-type]
    return replace(
        taken,
        start=np.where(later, edge[index], taken.start),
        stop=np.where(first, edge[index], taken.stop),
        to=np.where(first, CENSORED, taken.to),
        columns={**taken.columns, name: after.astype(float)},
    )


def follow_until(spells: Spells, days: Sequence[float] | Floats | float) -> Spells:
    """Follow each patient until a day of their own, or all until one day: what comes after it is not seen.

    Parameters
    ----------
    spells
        The table.
    days
        (patients,) the last day of each, +inf for the whole follow-up; or one day for all. NaN is a ValueError.

    Returns
    -------
    Spells
        Rows that start on that day or later are left out, those that end later are censored on it. An event on the
        day itself is seen (convention 2).

    Examples
    --------
    >>> until = follow_until(make_spells([10, 20, 30], [1, 1, 1]), [10.0, 15.0, np.inf])
    >>> until.stop.tolist(), until.to.tolist()
    ([10.0, 15.0, 30.0], [1, -1, 1])
    """
    last = np.broadcast_to(np.asarray(days, float), spells.patients.height)[spells.patient]
    if bool(np.isnan(last).any()):
        raise ValueError("the last day of a patient is missing: leave its rows out first")
    kept = spells.where(spells.start < last)
    last = last[spells.start < last]
    return replace(kept, stop=np.minimum(kept.stop, last), to=np.where(kept.stop > last, CENSORED, kept.to))


def follow_from(spells: Spells, days: Sequence[float] | Floats | float) -> Spells:
    """Follow each patient from a day of their own, or all from one day: who has left by then is not seen.

    Parameters
    ----------
    spells
        The table.
    days
        (patients,) the day after which each is at risk, or one day for all; +inf leaves a patient out.

    Returns
    -------
    Spells
        Rows that stop on the day or before it are left out; the others start on it or later.

    Examples
    --------
    >>> follow_from(make_spells([10, 20, 30], [1, 1, 1]), 10).stop.tolist()
    [20.0, 30.0]
    """
    first = np.broadcast_to(np.asarray(days, float), spells.patients.height)[spells.patient]
    if bool(np.isnan(first).any()):
        raise ValueError("the first day of a patient is missing: leave its rows out first")
    kept = spells.where(spells.stop > first)
    return replace(kept, start=np.maximum(kept.start, first[spells.stop > first]))


def hold(spells: Spells, days: Sequence[float] | Floats | float) -> Spells:
    """Let the time-varying columns keep, from a day on, the value that they had on it.

    What is measured after a treatment may be its effect; what was known when it began is not.

    Parameters
    ----------
    spells
        The table.
    days
        (patients,) the day of each, +inf to change nothing, or one day for all. The value held is that of the row
        with start < day <= stop, or of the patient's first row where none is.

    Examples
    --------
    >>> rows = make_spells([10, 20, 30], [0, 0, 1], start=[0, 10, 20], patient=[1, 1, 1], mrd=[3.0, 2.0, 1.0])
    >>> hold(rows, 15.0).columns["mrd"].tolist()
    [3.0, 2.0, 2.0]
    """
    if not spells.columns or not len(spells):
        return spells
    day = np.broadcast_to(np.asarray(days, float), spells.patients.height)[spells.patient]
    order = np.lexsort((spells.start, spells.patient))
    patient, later = spells.patient[order], (spells.start >= day)[order]
    new = np.concatenate(([True], patient[1:] != patient[:-1]))
    place = np.arange(len(order))
    source = np.maximum.accumulate(np.where(new | ~later, place, 0))
    taken = np.empty(len(order), np.int64)
    taken[order] = order[source]
    return replace(spells, columns={name: values[taken] for name, values in spells.columns.items()})
