"""How much an estimate depends on each patient through G, the distribution of censoring.

A patient i with a competing event at T weighs G(t-) / G(T-) at t. Patient j moves the logarithm of it by the integral
over T <= u < t of -dM_j(u) / Y(u), M_j being j's censoring martingale and Y the number at risk of censoring. So j moves
a number that i's weight at s moves by d_i(s) by

    integral of Q(u) / Y(u) dM_j(u),    Q(u) = - sum over i with T_i < u of the sum over event times s >= u of d_i(s)

(Fine and Gray 1999, section 4: psi; at tied days u the inequalities are theirs, and those of R's ``crr``). All sums are
running sums: the time is linear in the rows.
"""

from dataclasses import dataclass

import numpy as np

from dayzero.estimators.cox.fit import CoxFit
from dayzero.estimators.cox.scaled import Scaled
from dayzero.estimators.curves.risk_sets import is_last
from dayzero.estimators.fine_gray.hazards import Hazards
from dayzero.estimators.fine_gray.weights import Exposure
from dayzero.spells import Floats, Ints, Spells


@dataclass(frozen=True)
class Derivative:
    """Minus the derivatives of m numbers by the logarithm of the weight of row i at event time s, over its risk.

    Attributes
    ----------
    constant
        (m, times) the part that is the same for all rows.
    slope
        (times,) the factor of x_i, where m = p; None where there is none.
    """

    constant: Floats
    slope: Floats | None = None


def score_derivative(hazards: Hazards) -> Derivative:
    """Return that of the score: (x_i - m(s)) dA(s), by Breslow's ties."""
    return Derivative(-hazards.drift, hazards.terms.hazard[0])


@dataclass(frozen=True)
class Staying:
    """Who stays at risk, and why with these weights.

    Attributes
    ----------
    spells
        The table as given.
    table
        The same with the rows after competing events behind it.
    exposure
        Who was at risk of censoring.
    """

    spells: Spells
    table: Spells
    exposure: Exposure

    def group_of(self, row: int) -> int:
        """Return the group, in ``exposure``, of a row after a competing event."""
        power = self.table.power
        return 0 if power is None or power.ndim == 1 else int(np.argmax(power[row]))


def censoring_influence(cox: CoxFit, hazards: Hazards, derivative: Derivative, *, staying: Staying) -> Floats:
    """Return (m, patients) how much each patient moves the m numbers through G, counted by crr's convention.

    Parameters
    ----------
    cox, hazards
        The fitted model, and its sums over risk sets.
    derivative
        Of the numbers.
    staying
        The table to which the model was fitted.
    """
    exposure, spells = staying.exposure, staying.spells
    moved = np.zeros((len(derivative.constant), spells.patients.height))
    for part in cox.design.sets.scaled:
        group = staying.group_of(int(cox.design.row[part.change.rows[0]]))
        chosen = exposure.censored[:, group] > 0.0
        days, at_risk = exposure.days[chosen], exposure.before[chosen, group]
        rate = _later_sums(cox, hazards, derivative, (staying.table, part, days)) / at_risk
        rows = np.flatnonzero(exposure.group == group)
        share = _integrate(spells, rows, days, (rate, exposure.censored[chosen, group] / at_risk))
        moved += sum_by_patient(spells.patient[rows], exposure.weight[rows] * share, spells.patients.height)
    return moved


def sum_by_patient(patient: Ints, values: Floats, patients: int) -> Floats:
    """Sum (m, rows) values of each patient: (m, patients)."""
    sums = [np.bincount(patient, weights=row, minlength=patients) for row in values]
    return np.array(sums, float).reshape(len(values), patients)


def _later_sums(cox: CoxFit, hazards: Hazards, derivative: Derivative, place: tuple[Spells, Scaled, Floats]) -> Floats:
    """Return Q (m, days) of the rows with one G."""
    table, part, days = place
    sets, rows = cox.design.sets, part.change.rows
    left = table.start[cox.design.row[rows]]
    order = np.argsort(left)
    rows, gone = rows[order], np.searchsorted(left[order], days)
    inside = sets.stratum == sets.stratum[sets.upper[rows[0]] - 1]
    later = np.searchsorted(sets.time[inside], days)
    risk, factor = hazards.risk[rows], part.change.factor[0, inside]
    total = _running(risk)[gone] * _remaining(derivative.constant[:, inside] * factor)[:, later]
    if derivative.slope is not None:
        slope = _remaining(derivative.slope[inside] * factor)[later]
        total += _running(risk * cox.design.x[:, rows])[:, gone] * slope
    return total


def _integrate(spells: Spells, rows: Ints, days: Floats, rates: tuple[Floats, Floats]) -> Floats:
    """Integrate a rate (m, days) against the censoring martingales of rows, the hazard of censoring being (days,)."""
    rate, hazard = rates
    start, stop = spells.start[rows], spells.stop[rows]
    running = _running(rate * hazard)
    share = running[:, np.searchsorted(days, start, side="right")]
    share -= running[:, np.searchsorted(days, stop, side="right")]
    place = np.minimum(np.searchsorted(days, stop), max(len(days) - 1, 0))
    jumps = np.flatnonzero((spells.to[rows] < 0) & is_last(spells)[rows])
    jumps = jumps[days[place[jumps]] == stop[jumps]]
    share[:, jumps] += rate[:, place[jumps]]
    return share


def _running(values: Floats) -> Floats:
    """Return the sums (..., T + 1) of the first 0, 1, ... T values."""
    return np.concatenate((np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)), axis=-1)


def _remaining(values: Floats) -> Floats:
    """Return the sums (..., T + 1) of the values from 0, 1, ... T on."""
    return _running(values[..., ::-1])[..., ::-1]
