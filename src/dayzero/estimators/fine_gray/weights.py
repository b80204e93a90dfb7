"""Subdistributions: who had a competing event stays at risk, with weights for those who would have left or come later.

With G(t) the probability of not being censored by t and H(t) that of having entered by t, a patient with a competing
event at T counts G(t-) H(t-) / (G(T-) H(T-)) at t > T (Fine and Gray 1999, JASA 94:496; with delayed entry Geskus 2011,
Biometrics 67:39). Both are product-limit estimators, and from day to day G H changes by one factor,

    at risk just after the day / (at risk just before it, less those who have an event on it):

those with an event leave first, then the censored leave, then the new enter (conventions 2 and 9, R's ``finegray``).
R's ``crr`` lets those with an event be at risk of censoring on their day: there the factor is 1 - censored / at risk.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

import numpy as np

from dayzero.errors import InputError
from dayzero.estimators.changing_weights import refuse_changing
from dayzero.estimators.cox.design import event_code
from dayzero.estimators.curves.risk_sets import ROUNDING, is_last
from dayzero.estimators.terms.covariates import code_levels
from dayzero.spells import CENSORED, Bools, Floats, Ints, Spells, StepFunction

WeightName = Literal["finegray", "crr"]


@dataclass(frozen=True)
class Exposure:
    """Who is at risk of being censored, day by day, in each of K groups.

    Attributes
    ----------
    days
        (T,) the distinct days on which somebody leaves or enters, increasing.
    before, after
        (T, K) the numbers, by weight, between which a day's factor of G H is made: ``after / before``.
    censored, entered
        (T, K) numbers, by weight, censored and entering on the day.
    group
        (rows,) code of each row's group.
    weight
        (rows,) weights of the rows as counted here.
    """

    days: Floats
    before: Floats
    after: Floats
    censored: Floats
    entered: Floats
    group: Ints
    weight: Floats

    @property
    def groups(self) -> int:
        """How many groups there are."""
        return int(self.before.shape[1])


def subdistribution(
    spells: Spells, event: str | None = None, *, censoring: Sequence[str] = (), weights: WeightName = "finegray"
) -> Spells:
    """Return the table in which patients stay at risk of the event after a competing one.

    A row that ends in a competing event at T is followed by one from T to +inf, censored, of weight 1 / (G(T-) H(T-))
    and power 1 of the curve log(G H): no row is added for the steps of G.

    Parameters
    ----------
    spells
        A table of competing risks: nobody leaves another state than the first. Start-stop rows, delayed entry and
        weights are allowed; the covariates of a patient's last row go on.
    event
        Name of the state of interest; by default the table's second.
    censoring
        Columns; each combination of their values has its own G and H. Patients without a value are one more group.
    weights
        ``finegray`` or ``crr``: who counts as at risk of censoring on the day of an event; see above.

    Raises
    ------
    InputError
        Other states are left, an event is not its patient's last row, ``crr`` with delayed entry, or nobody under
        observation between a competing event and a later entry.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> table = subdistribution(make_spells([1, 2, 3], [2, 0, 1]))
    >>> table.start.tolist(), table.stop.tolist(), table.power.tolist()
    ([-inf, -inf, -inf, 1.0], [1.0, 2.0, 3.0, inf], [0.0, 0.0, 0.0, 1.0])
    >>> float(np.exp(table.curve.at(np.array([3.0]))[0]))
    0.5
    """
    return stay_at_risk(spells, event, count_exposure(spells, censoring, weights=weights))


def count_exposure(
    spells: Spells, censoring: Sequence[str] = (), *, weights: WeightName = "finegray", counted: Bools | None = None
) -> Exposure:
    """Count who is at risk of being censored; see :func:`subdistribution`.

    Parameters
    ----------
    spells, censoring, weights
        As there.
    counted
        (rows,) which rows count; by default all.
    """
    _check_table(spells, weights)
    group, size = _groups(spells, censoring)
    weight = spells.weight if counted is None else np.where(counted, spells.weight, 0.0)
    late, last = np.isfinite(spells.start), is_last(spells)
    days = np.unique(np.concatenate((spells.stop, spells.start[late])))
    left, came = np.searchsorted(days, spells.stop), np.searchsorted(days, spells.start)

    def tally(day: Ints, chosen: Bools) -> Floats:
        cells = group[chosen] * len(days) + day[chosen]
        sums = np.bincount(cells, weights=weight[chosen], minlength=size * len(days))
        return np.asarray(sums.reshape(size, len(days)).T, float)

    begun = np.asarray(np.bincount(group[~late], weights=weight[~late], minlength=size), float)
    after = begun + np.cumsum(tally(came, late) - tally(left, np.ones(len(spells), bool)), axis=0)
    after[after <= ROUNDING * np.maximum(after.max(axis=0, initial=0.0), begun)] = 0.0
    censored, entered = tally(left, last & (spells.to < 0)), tally(came, late & _is_first(spells))
    before = after - entered + censored
    if weights == "crr":
        before += tally(left, spells.to >= 0)
        after = before - censored
    return Exposure(days, before, after, censored, entered, group, weight)


def stay_at_risk(spells: Spells, event: str | None, exposure: Exposure) -> Spells:
    """Add the rows after competing events; see :func:`subdistribution`."""
    competing = competing_rows(spells, event)
    group = exposure.group[competing]
    curve = _curve(exposure, spells.stop[competing], group)
    steps = curve.at(spells.stop[competing])
    powers = np.zeros((len(spells) + len(competing), *steps.shape[1:]))
    if steps.ndim == 1:
        powers[len(spells) :] = 1.0
    else:
        powers[np.arange(len(spells), len(powers)), group] = 1.0
        steps = steps[np.arange(len(steps)), group]
    stay: dict[str, Any] = {
        "patient": spells.patient[competing],
        "start": spells.stop[competing],
        "stop": np.full(len(competing), np.inf),
        "state": spells.state[competing],
        "to": np.full(len(competing), CENSORED),
        "weight": spells.weight[competing] * np.exp(-steps),
    }
    rows: dict[str, Any] = {name: np.concatenate((getattr(spells, name), more)) for name, more in stay.items()}
    columns = {name: np.concatenate((values, values[competing])) for name, values in spells.columns.items()}
    return replace(spells, columns=columns, power=powers, curve=curve, **rows)


def competing_rows(spells: Spells, event: str | None) -> Ints:
    """Return the positions of the rows that end in another event than the named one."""
    return np.flatnonzero((spells.to >= 0) & (spells.to != event_code(spells, event)))


def _curve(exposure: Exposure, stops: Floats, group: Ints) -> StepFunction:
    """Return log(G H) up to a constant; who left before the last gap in the risk set must not need it."""
    changing = np.flatnonzero(np.any((exposure.censored > 0.0) | (exposure.entered > 0.0), axis=1))
    before, after = exposure.before[changing], exposure.after[changing]
    gaps = (before == 0.0) & (exposure.entered[changing] > 0.0)
    places = np.arange(len(gaps))[:, None]
    last_gap = np.max(np.where(gaps, places, -1), axis=0, initial=-1)
    opened = np.append(exposure.days[changing], -np.inf)[last_gap]
    if bool(np.any(stops <= opened[group])):
        fault = "nobody is under observation between a competing event and a later entry: that entry has no weight"
        raise InputError(fault, mend="Let time count from a later day, or leave the early patients out.")
    steps = np.zeros_like(before)
    known = (before > 0.0) & (places > last_gap)
    with np.errstate(divide="ignore"):  # the last patient leaves: log 0
        steps[known] = np.log(after[known] / before[known])
    values = np.cumsum(steps, axis=0)
    return StepFunction(exposure.days[changing], values[:, 0] if exposure.groups == 1 else values)


def _check_table(spells: Spells, weights: WeightName) -> None:
    if weights not in get_args(WeightName):
        raise InputError(f'no weights "{weights}"', mend='Choose "finegray" or "crr".')
    refuse_changing(spells, "Fine and Gray's model")
    if bool(spells.state.any()):
        fault = "a subdistribution needs a table of competing risks, in which the first state alone is left"
        raise InputError(fault, mend="Use a multi-state model.")
    if not bool(np.all(spells.weight >= 0.0)):
        raise InputError("a weight is negative or missing", mend="Give finite weights of 0 or more.")
    if bool(np.any((spells.to >= 0) & ~is_last(spells))):
        raise InputError("a patient is at risk after an event", mend="End the patient's time at risk at the event.")
    if weights == "crr" and bool(np.any(np.isfinite(spells.start) & _is_first(spells))):
        raise InputError("crr's weights know no delayed entry", mend='Use weights = "finegray".')


def _is_first(spells: Spells) -> Bools:
    """Return (rows,) whether the row is its patient's first."""
    first = np.full(spells.patients.height, np.inf)
    np.minimum.at(first, spells.patient, spells.start)
    return np.asarray(spells.start == first[spells.patient])


def _groups(spells: Spells, columns: Sequence[str]) -> tuple[Ints, int]:
    """Return (rows,) the code of each combination of the columns' values, missing being one more, and their number."""
    group = np.zeros(len(spells), np.int64)
    for column in columns:
        codes, levels = code_levels(spells, column)
        group = group * (len(levels) + 1) + np.where(codes < 0, len(levels), codes)
    found, dense = np.unique(group, return_inverse=True)
    return dense.astype(np.int64), max(len(found), 1)
