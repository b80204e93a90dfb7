"""Pseudo-observations: what each patient contributes to a curve, for regression on it.

Andersen, Klein and Rosthoj (2003, Biometrika 90:15). With theta the estimate from all n patients and theta_(-i) that
without patient i,

    leave-one-out   n theta - (n - 1) theta_(-i)
    infinitesimal   theta + n U_i,   U_i the influence of the patient: the derivative of theta by the patient's weight

The second is the first to first order (Parner, Andersen and Overgaard 2023); it is what R's ``survival::pseudo``
gives. For the influence on state probabilities see :mod:`dayzero.estimators.curves.influence`.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np

from dayzero.errors import InputError
from dayzero.estimators.changing_weights import refuse_changing
from dayzero.estimators.curves.aalen_johansen import AalenJohansenFit, fit_aalen_johansen, probability_influence
from dayzero.estimators.curves.occupancy import competing_probability
from dayzero.estimators.curves.restricted_mean import Window, fit_rmst
from dayzero.estimators.curves.risk_sets import RiskSets, count_risk_sets
from dayzero.estimators.resampling.weights import Units, find_units
from dayzero.spells import Floats, Ints, Spells

Method = Literal["leave-one-out", "infinitesimal"]
Reading = Callable[[Floats, Floats], Floats]

LARGEST: Final = 500_000  # elements of the curves without each of some patients that are held at a time


@dataclass(frozen=True, eq=False)
class PseudoValues:
    """Pseudo-observations.

    Attributes
    ----------
    states
        Names of the S states.
    times
        (T,) days.
    values
        (n, T, S) pseudo-observations; their mean over the patients is about ``whole``.
    whole
        (T, S) the estimate from all patients.
    patient
        (n,) place of each patient in the patients' table; those without a row are not there.
    method
        How they were made.
    """

    states: tuple[str, ...]
    times: Floats
    values: Floats
    whole: Floats
    patient: Ints
    method: Method


def pseudo_probabilities(spells: Spells, times: Sequence[float], *, method: Method = "leave-one-out") -> PseudoValues:
    """Return pseudo-observations of the probability of each state: survival is the first, incidences the others.

    Parameters
    ----------
    spells
        The table: competing events, several states, delayed entry; without weights.
    times
        Days, none behind the last observation.
    method
        ``leave-one-out`` (the default), or ``infinitesimal``.

    Raises
    ------
    InputError
        A day lies behind the last observation, or the table is weighted.

    Examples
    --------
    Without censoring they are the patients' own indicators of being event-free:

    >>> from dayzero.spells import make_spells
    >>> pseudo_probabilities(make_spells([1, 2, 3, 4], [1, 1, 1, 1]), [2]).values[:, 0, 0].tolist()
    [0.0, 0.0, 1.0, 1.0]
    """
    units = _patients(spells, method)
    days = np.asarray(times, float)
    fit = fit_aalen_johansen(spells)
    last = np.inf if _at_rest(fit) else fit.last_time
    if not bool(np.all(days <= last)):
        fault = "a pseudo-observation behind the last observation"
        raise InputError(fault, mend="Choose days up to the last observation.", column="times")
    whole = fit.at(days)
    if method == "infinitesimal":
        moved = probability_influence(spells, fit, days)[np.unique(spells.patient)]
        return _made(spells, days, whole, method, whole + len(units) * moved)

    def read(changes: Floats, paths: Floats) -> Floats:
        return np.asarray(paths[np.searchsorted(changes, days, side="right")])

    several = bool(spells.state.any())
    without = _each_refitted(spells, days, units) if several else _each_left_out(spells, days, units, read)
    return _made(spells, days, whole, method, len(units) * whole - (len(units) - 1) * without)


def pseudo_means(spells: Spells, horizons: Sequence[float], *, method: Method = "leave-one-out") -> PseudoValues:
    """Return pseudo-observations of the mean days in each state up to each horizon (restricted mean times).

    The first state's is the restricted mean survival time; the others are the days lost to each event.

    Parameters
    ----------
    spells
        The table, in which only the first state can be left; without weights.
    horizons
        Days after day 0, none behind the last observation.
    method
        As in :func:`pseudo_probabilities`.

    Raises
    ------
    InputError
        As there, or where the table has several states that can be left.

    Examples
    --------
    Without censoring they are the patients' own days until the horizon:

    >>> from dayzero.spells import make_spells
    >>> pseudo_means(make_spells([1, 2, 3, 4], [1, 1, 1, 1]), [3]).values[:, 0, 0].tolist()
    [1.0, 2.0, 3.0, 3.0]
    """
    units = _patients(spells, method)
    ends = np.asarray(horizons, float)
    fits = [fit_rmst(spells, window=Window(float(end))) for end in ends]
    whole = np.array([fit.mean for fit in fits]).reshape(len(ends), len(spells.states))
    if method == "infinitesimal":
        there = np.unique(spells.patient)
        moved = np.array([np.asarray(fit.influence)[there] for fit in fits]).reshape(
            len(ends), len(there), len(spells.states)
        )
        return _made(spells, ends, whole, method, whole + len(units) * np.moveaxis(moved, 0, 1))

    def read(changes: Floats, paths: Floats) -> Floats:
        edges = np.concatenate([[0.0], np.maximum(changes, 0.0), [np.inf]])
        widths = np.diff(np.minimum(edges, ends[:, None]), axis=1)
        return np.asarray(np.tensordot(widths, paths, axes=1))

    without = _each_left_out(spells, ends, units, read)
    return _made(spells, ends, whole, method, len(units) * whole - (len(units) - 1) * without)


def _made(spells: Spells, times: Floats, whole: Floats, method: Method, values: Floats) -> PseudoValues:
    return PseudoValues(spells.states, times, values, whole, np.unique(spells.patient), method)


def _patients(spells: Spells, method: Method) -> Units:
    if method not in get_args(Method):
        raise ValueError(f"method is one of {', '.join(get_args(Method))}")
    refuse_changing(spells, "pseudo-observations")
    if bool(np.any(spells.weight != 1.0)):
        raise InputError("pseudo-observations of weighted patients", mend="Leave the weights for the regression.")
    return find_units(spells)


def _at_rest(fit: AalenJohansenFit) -> bool:
    return bool(len(fit.times)) and not fit.probability[-1][fit.left].any()


def _each_left_out(spells: Spells, days: Floats, units: Units, read: Reading) -> Floats:
    """Return (n, T, S) the curves without each patient, where only the first state can be left.

    ``read`` gets the (K,) days on which somebody moves, and (K + 1, S, patients) the probabilities from before the
    first of them on.
    """
    sets = count_risk_sets(spells)
    moving = sets.events.any(axis=(1, 2)) & (sets.times <= days.max(initial=-np.inf))
    times, at_risk, events = sets.times[moving], sets.at_risk[moving, :1], sets.events[moving, :1]
    found = np.empty((len(units), len(days), len(spells.states)))
    for start in range(0, len(units), step := max(1, LARGEST // (len(spells.states) * (len(times) + 1)))):
        chosen = range(start, min(start + step, len(units)))
        own_risk, own_events = _own_counts(spells, times, units, chosen)
        fewer = RiskSets(times, at_risk[..., None] - own_risk, events[..., None] - own_events, own_risk)
        before = np.zeros((1, len(spells.states), len(chosen)))
        before[:, 0] = 1.0
        paths = np.concatenate([before, competing_probability(fewer)])
        found[start : start + step] = np.moveaxis(read(times, paths), -1, 0)
    return found


def _own_counts(spells: Spells, times: Floats, units: Units, chosen: range) -> tuple[Floats, Floats]:
    """Return (K, 1, patients) whether each of some patients is at risk, and (K, 1, S, patients) their events."""
    rows = np.flatnonzero((units.of_row >= chosen.start) & (units.of_row < chosen.stop))
    own = units.of_row[rows] - chosen.start
    inside = (spells.start[rows] < times[:, None]) & (times[:, None] <= spells.stop[rows])
    order = np.argsort(own, kind="stable")
    at_risk = np.add.reduceat(
        inside[:, order], np.searchsorted(own[order], np.arange(len(chosen))), axis=1, dtype=float
    )
    events = np.zeros((len(times), len(spells.states), len(chosen)))
    place = np.searchsorted(times, spells.stop[rows])
    ended = (spells.to[rows] >= 0) & (place < len(times))
    np.add.at(events, (place[ended], spells.to[rows][ended], own[ended]), 1.0)
    return at_risk[:, None], events[:, None]


def _each_refitted(spells: Spells, days: Floats, units: Units) -> Floats:
    """Return (n, T, S) the probabilities without each patient, of any table: some patients at a time."""
    first = np.unique(units.of_row[spells.start == spells.start.min()])
    found = np.empty((len(units), len(days), len(spells.states)))
    for chosen in _some(len(units), len(spells) * len(spells.states)):
        weights = (units.of_row[:, None] != np.arange(chosen.start, chosen.stop)).astype(float)
        found[chosen.start : chosen.stop] = np.moveaxis(fit_aalen_johansen(spells, weights).at(days), -1, 0)
    if len(first) == 1 and len(units) > 1:  # without the one who starts first the curves start with another
        found[first[0]] = fit_aalen_johansen(spells.where(units.of_row != first[0])).at(days)
    return found


def _some(total: int, elements: int) -> Iterator[range]:
    step = max(1, LARGEST // max(elements, 1))
    return (range(start, min(start + step, total)) for start in range(0, total, step))
