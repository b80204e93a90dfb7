"""How much each patient moves the probability of each state: the infinitesimal jackknife, and its robust variance.

From p(t) = p(0) prod (I + dA), with w_i(t) the weight of a patient who is in state g and dM_i the martingale residual,

    U_i(t) = U_i(t-) (I + dA) + p_g(t-) w_i(t) dM_i(t) / Y_g(t),

where Y counts weights. The sum of the squared U_i is the robust variance, for weights that are no numbers of patients;
weights are taken as known (Andersen et al. 1993, IV.4.4; it is that of R's ``survfit`` with ``robust = TRUE``).
"""

from collections.abc import Iterator

import numpy as np

from dayzero.estimators.changing_weights import weight_on
from dayzero.estimators.curves.risk_sets import RiskSets
from dayzero.spells import Floats, Spells


def walk_influence(spells: Spells, weight: Floats, *, sets: RiskSets, path: Floats) -> Iterator[tuple[int, Floats]]:
    """Go through the times at which somebody moves.

    Parameters
    ----------
    spells
        The table.
    weight
        (rows,) the weights with which it was counted; change with time comes from the table.
    sets
        The counts at T times.
    path
        (T + 1, S) the probabilities before the first time and from each time on.

    Yields
    ------
    tuple[int, Floats]
        The number of a time, -1 before the first, and from then on U (patients, S); 0 for patients without a row.
    """
    influence = _first_influence(spells, weight, path[0])
    yield -1, influence
    for k in np.flatnonzero(sets.events.any(axis=(1, 2))).tolist():
        influence = _moved(spells, weight, influence, (float(sets.times[k]), path[k], sets.at_risk[k], sets.events[k]))
        yield k, influence


def robust_std_error(spells: Spells, weight: Floats, *, sets: RiskSets, path: Floats) -> Floats:
    """Return (T, S) the roots of the sums of the squared influences; for the arguments see :func:`walk_influence`."""
    variance = np.zeros((len(sets.times), path.shape[1]))
    for k, influence in walk_influence(spells, weight, sets=sets, path=path):
        variance[max(k, 0) :] = np.einsum("is,is->s", influence, influence)
    return np.sqrt(variance)


def influence_on(spells: Spells, weight: Floats, days: Floats, *, sets: RiskSets, path: Floats) -> Floats:
    """Return (patients, days, S) the influences on the given days; for the arguments see :func:`walk_influence`."""
    found = np.zeros((spells.patients.height, len(days), path.shape[1]))
    for k, influence in walk_influence(spells, weight, sets=sets, path=path):
        later = np.ones(len(days), bool) if k < 0 else days >= sets.times[k]
        if not bool(later.any()):
            break
        found[:, later] = influence[:, None]
    return found


def _first_influence(spells: Spells, weight: Floats, initial: Floats) -> Floats:
    """Return the influence on the distribution over the states of the rows that start first."""
    influence = np.zeros((spells.patients.height, len(initial)))
    if bool(spells.state.any()):
        start = float(spells.start.min())
        first = np.flatnonzero(spells.start == start)
        own = weight_on(spells, weight, first, start)
        own = own / (own.sum() or 1.0)
        np.add.at(influence, (spells.patient[first], spells.state[first]), own)
        np.add.at(influence, spells.patient[first], -own[:, None] * initial)
    return influence


def _moved(spells: Spells, weight: Floats, influence: Floats, at: tuple[float, Floats, Floats, Floats]) -> Floats:
    """Return the influence after one time: ``at`` is its day, the probabilities before it, Y (S,) and dN (S, S)."""
    day, before, at_risk, events = at
    share = np.divide(1.0, at_risk, out=np.zeros_like(at_risk), where=at_risk > 0)
    change = events * share[:, None]
    change[np.diag_indices(len(before))] -= change.sum(axis=1)
    rows = np.flatnonzero((spells.start < day) & (day <= spells.stop))
    state, patient = spells.state[rows], spells.patient[rows]
    own = weight_on(spells, weight, rows, day) * (before * share)[state]
    moved = influence + influence @ change
    for target in range(len(before)):
        moved[:, target] -= np.bincount(patient, weights=own * change[state, target], minlength=len(moved))
    ended = (spells.stop[rows] == day) & (spells.to[rows] >= 0)
    np.add.at(moved, (patient[ended], spells.to[rows][ended]), own[ended])
    np.add.at(moved, (patient[ended], state[ended]), -own[ended])
    return moved
