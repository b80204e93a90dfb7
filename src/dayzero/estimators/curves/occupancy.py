"""State occupation probabilities and their Greenwood-type standard errors, from the counts at each time.

The Aalen-Johansen estimator is p(t) = p(0) prod_{u <= t} (I + dA(u)), where dA_gh = dN_gh / Y_g off the diagonal and
every row sums to zero. Its covariance goes from one event time to the next as

    cov p(t) = (I + dA)' cov p(t-) (I + dA) + sum_g p_g(t-)^2 cov(dA_g),
    cov(dA_gh, dA_gk) = (1{h = k} dN_gh Y_g - dN_gh dN_gk) / Y_g^3,

the multinomial, Greenwood-type form (Andersen, Borgan, Gill and Keiding, Statistical Models Based on Counting
Processes, 1993, section IV.4.1.3; convention 8). Where only the first state can be left, as in Kaplan-Meier and in
competing risks, the recursion has a solution in running sums, which needs no loop.
"""

import numpy as np
import numpy.typing as npt

from dayzero.estimators.curves.risk_sets import RiskSets, exhausted
from dayzero.spells import Floats


def competing_probability(sets: RiskSets) -> Floats:
    """Return the probability of each state at each time where only the first state can be left.

    Parameters
    ----------
    sets
        Counts, T times, S states, and possibly B columns of weights.

    Returns
    -------
    Floats
        (T, S) or (T, S, B). The first state's is Kaplan and Meier's product S(t) = prod (1 - d / Y) (1958), the
        others' are F_k(t) = sum_u S(u-) d_k(u) / Y(u) (Aalen and Johansen 1978).
    """
    hazard, leave = _first_hazards(sets)
    survival = np.asarray(np.cumprod(1.0 - leave, axis=0), float)
    probability = np.cumsum(_before(survival, 1.0)[:, None] * hazard, axis=0)
    probability[:, 0] = survival
    return probability


def competing_std_error(sets: RiskSets, probability: Floats) -> Floats:
    """Return the standard errors (T, S) of :func:`competing_probability`, in closed form.

    With h = d_k / Y and G = sum d / (Y (Y - d)), Greenwood's sum, the recursion of this module solves to

        var S = S^2 G,   cov(S, F_k) = S A_k,   A_k = sum h S- (G- - 1 / Y),
        var F_k = sum h S- (2 A_k- + h S- G- + S- (1 - h) / Y).
    """
    hazard, leave = _first_hazards(sets)
    survival = probability[:, 0]
    per_person = _inverse(sets.at_risk[:, 0])
    greenwood = np.cumsum(leave * per_person * _inverse(1.0 - leave))
    flow = hazard * _before(survival, 1.0)[:, None]
    before = _before(greenwood, 0.0)
    cross = np.cumsum(flow * (before - per_person)[:, None], axis=0)
    own = (hazard * before[:, None] + (1.0 - hazard) * per_person[:, None]) * _before(survival, 1.0)[:, None]
    variance = np.cumsum(flow * (2.0 * _before(cross, 0.0) + own), axis=0)
    variance[:, 0] = survival**2 * greenwood
    return np.sqrt(np.maximum(variance, 0.0))


def aalen_std_error(sets: RiskSets, probability: Floats) -> Floats:
    """Return the standard errors (T, S) of a survival curve by the variance of Aalen and of Tsiatis, S^2 sum d / Y^2.

    Both states of a survival curve have the same one, for their probabilities sum to one.
    """
    _, leave = _first_hazards(sets)
    total = np.cumsum(leave * _inverse(sets.at_risk[:, 0]))
    return np.repeat((probability[:, 0] * np.sqrt(total))[:, None], probability.shape[1], axis=1)


def multi_state_probability(sets: RiskSets, initial: Floats) -> Floats:
    """Return the probability of each state at each time, (T, S) or (T, S, B), by the product of (I + dA).

    Parameters
    ----------
    sets
        Counts of any multi-state table.
    initial
        (S,) or (S, B) distribution before the first time.
    """
    moving = np.flatnonzero(sets.events.any(axis=tuple(range(1, sets.events.ndim))))
    change = _increments(sets, moving)
    path = np.empty((len(moving) + 1, *initial.shape))
    path[0] = initial
    for step, increment in enumerate(change):
        path[step + 1] = path[step] + np.einsum("g...,gh...->h...", path[step], increment)
    return path[_steps(moving, len(sets.times))]


def multi_state_std_error(sets: RiskSets, probability: Floats, initial: Floats) -> Floats:
    """Return the standard errors (T, S) of :func:`multi_state_probability`, given the initial distribution.

    The recursion of this module, one S x S matrix an event time (R's mstate calls this variance "greenwood").
    """
    moving = np.flatnonzero(sets.events.any(axis=(1, 2)))
    before = np.concatenate([initial[None], probability])[moving]
    noise = np.einsum("tg,tghk->thk", before**2, _hazard_covariance(sets, moving))
    matrices = np.eye(len(initial)) + _increments(sets, moving)
    covariance = np.zeros((len(moving) + 1, *noise.shape[1:]))
    for step, (matrix, new) in enumerate(zip(matrices, noise, strict=True)):
        covariance[step + 1] = matrix.T @ covariance[step] @ matrix + new
    variance = np.diagonal(covariance, axis1=1, axis2=2)
    return np.asarray(np.sqrt(np.maximum(variance, 0.0))[_steps(moving, len(sets.times))])


def _first_hazards(sets: RiskSets) -> tuple[Floats, Floats]:
    """Return dN_k / Y (T, S, ...) of the first state and their sum (T, ...), exactly 1 where everybody leaves."""
    at_risk, events = sets.at_risk[:, 0], sets.events[:, 0]
    hazard = events * _inverse(at_risk)[:, None]
    leave = np.where(exhausted(at_risk, events.sum(axis=1)), 1.0, hazard.sum(axis=1))
    return hazard, leave


def _increments(sets: RiskSets, moving: npt.NDArray[np.intp]) -> Floats:
    """Return dA (moving, S, S, ...), its rows summing to zero, exactly -1 where everybody leaves a state."""
    at_risk, events = sets.at_risk[moving], sets.events[moving]
    change = events * _inverse(at_risk)[:, :, None]
    leave = np.where(exhausted(at_risk, events.sum(axis=2)), 1.0, change.sum(axis=2))
    diagonal = np.arange(change.shape[1])
    change[:, diagonal, diagonal] -= leave
    return change


def _hazard_covariance(sets: RiskSets, moving: npt.NDArray[np.intp]) -> Floats:
    """Return cov(dA_gh, dA_gk) at (moving, g, h, k)."""
    change = _increments(sets, moving)
    own = np.arange(change.shape[1])
    moved = change.copy()
    moved[:, own, own] = 1.0 + change[:, own, own]  # the share that stays: the row is multinomial
    covariance = -moved[:, :, :, None] * moved[:, :, None, :]
    covariance[:, :, own, own] += moved
    return np.asarray(covariance * _inverse(sets.at_risk[moving])[:, :, None, None])


def _steps(moving: npt.NDArray[np.intp], length: int) -> npt.NDArray[np.intp]:
    """Return (length,) how many of the moving times have come by each time."""
    return np.asarray(np.searchsorted(moving, np.arange(length), side="right"), np.intp)


def _before(values: Floats, first: float) -> Floats:
    """Return the left limits along the first axis."""
    return np.concatenate([np.full((1, *values.shape[1:]), first), values[:-1]])


def _inverse(values: Floats) -> Floats:
    """Return 1 / values, 0 where a value is 0."""
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
