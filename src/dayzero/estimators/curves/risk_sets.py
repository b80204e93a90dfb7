"""Who is at risk, and what happens, at each distinct time: the counts from which every estimator here starts.

Convention 2, the order at one time: events first, then censoring, then entries; intervals are (start, stop].
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dayzero.errors import InputError
from dayzero.estimators.changing_weights import Presence, place_rows, total_weight
from dayzero.spells import Bools, Floats, Ints, Spells

ROUNDING: Final = 1e-12  # a weighted count below this share of the whole is the rounding error of a sum of weights
_SPLIT, _CENSORED, _ENDS = 0, 1, 2  # columns of the tally: cut in two, censored, and 2 + k for a transition to state k


@dataclass(frozen=True)
class RiskSets:
    """Counts at each distinct time of an event or of censoring.

    Attributes
    ----------
    times
        (T,) days, increasing.
    at_risk
        (T, groups) sum of the weights of the rows with start < t <= stop. Where the weights were (rows, B), this and
        the following arrays have a last axis of length B.
    events
        (T, groups, states) sum of the weights of the rows that end at t in each state.
    censored
        (T, groups) sum of the weights of the rows that end at t without an event, their patient's last.
    """

    times: Floats
    at_risk: Floats
    events: Floats
    censored: Floats


def count_risk_sets(
    spells: Spells, weights: Floats | None = None, *, groups: Ints | None = None, n_groups: int = 0
) -> RiskSets:
    """Count the patients at risk and the events at each distinct time.

    Parameters
    ----------
    spells
        The table.
    weights
        (rows,) or (rows, B), multiplied with the table's own.
    groups, n_groups
        (rows,) code of the group in which a row is counted, and how many there are; by default its state.

    Raises
    ------
    InputError
        The table is one of Fine and Gray's, in which patients stay at risk after a competing event.

    Notes
    -----
    Where the table's weights change with time, a row at risk at t counts its weight at t, and one that ends at t too.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> sets = count_risk_sets(make_spells([1, 2, 2, 3], [1, 0, 1, 1]))
    >>> sets.at_risk[:, 0].tolist(), sets.events[:, 0, 1].tolist()
    ([4.0, 3.0, 1.0], [1.0, 1.0, 1.0])
    """
    if spells.power is not None and not bool(np.all(np.isfinite(spells.stop))):
        fault = "patients stay at risk for ever, as in a table of subdistributions: no curve is made of it"
        raise InputError(fault, mend="Use the table that it was made from.")
    groups, n_groups = (spells.state, len(spells.states)) if groups is None else (groups, n_groups)
    times, codes = _codes(spells.stop)
    presence = None if spells.power is None else place_rows(spells, weights, times)
    weight = total_weight(spells, weights) if presence is None else presence.weight
    shape = (n_groups, len(spells.states) + _ENDS, len(times))
    tally = _sums(_cells(spells, groups, shape[:2]) * len(times) + codes, weight, shape)
    if presence is None:
        at_risk = _from_on(np.asarray(tally.sum(axis=1)) - _entering(spells, groups, weight, (n_groups, times)))
    else:
        at_risk = _changing_at_risk(presence, groups, (n_groups, len(times)))
    largest = at_risk.max(axis=1, initial=0.0, keepdims=True)
    at_risk = np.where(at_risk <= ROUNDING * largest, 0.0, at_risk)
    real = _real(tally)
    if not bool(real.all()):
        times, at_risk, tally = times[real], at_risk[:, real], tally[:, :, real]
    tally = np.moveaxis(tally, 2, 0)
    return RiskSets(times, np.moveaxis(at_risk, 1, 0), tally[:, :, _ENDS:], tally[:, :, _CENSORED])


def _real(tally: Floats) -> Bools:
    """Return (times,) whether somebody has an event or is censored then."""
    planes = tally[:, _CENSORED:]
    return np.asarray(planes.any(axis=(0, 1) if tally.ndim == 3 else (0, 1, 3)))


def is_last(spells: Spells) -> Bools:
    """Return (rows,) whether the row is its patient's last: a row cut in two is not censored where it was cut."""
    if bool(np.isneginf(spells.start).all()):
        return np.ones(len(spells), bool)
    return np.asarray(spells.stop == last_days(spells)[spells.patient])


def last_days(spells: Spells) -> Floats:
    """Return (patients,) the last day under observation, -inf for patients without a row."""
    last = np.full(spells.patients.height, -np.inf)
    np.maximum.at(last, spells.patient, spells.stop)
    return last


def exhausted(at_risk: Floats, leaving: Floats) -> Bools:
    """Return whether everybody at risk leaves at once, but for the rounding error of the weights."""
    return np.asarray((at_risk > 0) & (at_risk - leaving <= ROUNDING * at_risk))


def _cells(spells: Spells, groups: Ints, shape: tuple[int, int]) -> npt.NDArray[np.intp]:
    """Return (rows,) the place in the tally's (group, ending) plane where a row is counted."""
    ending = spells.to + _ENDS
    last = is_last(spells)
    if not bool(last.all()):
        ending = np.where((spells.to < 0) & ~last, _SPLIT, ending)
    cells = ending if shape[0] == 1 or not groups.any() else groups * shape[1] + ending
    return cells.astype(np.intp, copy=False)


def _entering(spells: Spells, groups: Ints, weight: Floats, shape: tuple[int, Floats]) -> Floats:
    """Sum the weights of the rows that enter after each time and not after the next: (groups, T), or 0."""
    n_groups, times = shape
    late = np.flatnonzero(np.isfinite(spells.start))
    missed = np.searchsorted(times, spells.start[late], side="right") - 1  # the last time before the entry counts
    late, missed = late[missed >= 0], missed[missed >= 0]
    if not len(late):
        return np.zeros(())
    return _sums(groups[late] * len(times) + missed, weight[late], (n_groups, len(times)))


def _changing_at_risk(presence: Presence, groups: Ints, shape: tuple[int, int]) -> Floats:
    """Sum the weights (groups, T) of the rows at risk at each time where weights change with time."""
    still, ones = np.flatnonzero(presence.constant), [1] * (presence.weight.ndim - 1)
    at_risk = _present(presence, still, presence.weight[still], (groups, *shape))
    for part in presence.changing:
        for share, factor in zip(part.basis, part.factor, strict=True):
            weight = presence.weight[part.rows] * share.reshape(-1, *ones)
            at_risk += _present(presence, part.rows, weight, (groups, *shape)) * factor.reshape(-1, *ones)
    return at_risk


def _present(presence: Presence, rows: Ints, weight: Floats, place: tuple[Ints, int, int]) -> Floats:
    """Sum the weights of some rows over those at risk at each time: (groups, T)."""
    groups, n_groups, times = place
    cells = groups[rows] * times
    leaving = _sums(cells + presence.end[rows] - 1, weight, (n_groups, times))
    late = presence.begin[rows] > 0
    if bool(late.any()):
        entering = cells[late] + presence.begin[rows[late]] - 1
        leaving -= _sums(entering, weight[late], (n_groups, times))
    return _from_on(leaving)


def _codes(stop: Floats) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Return values (V,), increasing, and (rows,) the place of each stop among them.

    Whole days in a modest range are their own codes (some of the values may then not occur): no sort is needed.
    """
    if len(stop):
        low, high = float(stop.min()), float(stop.max())
        if np.isfinite(high - low) and high - low <= 2 * len(stop) + 1000:
            codes = (stop - low).astype(np.intp)
            if low == np.floor(low) and np.array_equal(codes + low, stop):
                return np.arange(low, high + 1.0), codes
    values, codes = np.unique(stop, return_inverse=True)
    return values, codes.astype(np.intp, copy=False)


def _sums(cells: npt.NDArray[np.intp], weights: Floats, shape: tuple[int, ...]) -> Floats:
    """Sum the weights in each cell: of the given shape for weights (rows,), with a last axis B for (rows, B)."""
    size = int(np.prod(shape))
    if weights.ndim == 2:
        columns = [np.bincount(cells, weights=column, minlength=size) for column in weights.T]
        return np.asarray(np.stack(columns, axis=-1), float).reshape(*shape, weights.shape[1])
    if bool(np.all(weights == 1.0)):
        return np.bincount(cells, minlength=size).astype(float).reshape(shape)
    return np.asarray(np.bincount(cells, weights=weights, minlength=size), float).reshape(shape)


def _from_on(leaving: Floats) -> Floats:
    """Return (groups, T), at risk = those who leave at t or later less those who have yet to enter then."""
    return np.asarray(np.cumsum(leaving[:, ::-1], axis=1)[:, ::-1])
