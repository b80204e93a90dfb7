"""Transition probabilities P(s, t): from any state, from any day on, with their covariance."""

from dataclasses import dataclass
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt
from scipy import linalg

from dayzero.errors import InputError
from dayzero.estimators.curves.risk_sets import ROUNDING
from dayzero.estimators.multistate.hazards import DEFAULT, NelsonAalen, TransitionHazards, estimate_hazards
from dayzero.estimators.multistate.recursion import carry, carry_covariance, carry_derivative
from dayzero.spells import Floats, Spells

Places = npt.NDArray[np.intp]
Integral = Literal["product", "exponential"]
ORIGIN: Final = -np.inf


@dataclass(frozen=True, eq=False)
class TransitionProbabilities:
    """P(s, t), step functions of t that are continuous from the right.

    Attributes
    ----------
    states
        Names of the S states.
    start_day
        s; -inf from before the first event on.
    times
        (T,) days after s on which somebody may move.
    probability
        (T + 1, S, S) from, to: on day s, and from each of the times on.
    covariance
        (T + 1, S, S, S) of the probabilities from one state; None with the matrix exponential.
    """

    states: tuple[str, ...]
    start_day: float
    times: Floats
    probability: Floats
    covariance: Floats | None

    def at(self, days: Floats) -> Floats:
        """Return (days, S, S), the probabilities on the given days; NaN before the start day."""
        found = self.probability[np.searchsorted(self.times, days, side="right")]
        return np.where(np.asarray(days)[:, None, None] >= self.start_day, found, np.nan)

    def std_error_at(self, days: Floats) -> Floats:
        """Return (days, S, S), the standard errors on the given days."""
        if self.covariance is None:
            return np.full((len(days), *self.probability.shape[1:]), np.nan)
        variance = np.diagonal(self.covariance, axis1=2, axis2=3)[np.searchsorted(self.times, days, side="right")]
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def fit_transition_probabilities(
    spells: Spells, weights: Floats | None = None, *, start_day: float = ORIGIN, options: NelsonAalen = DEFAULT
) -> TransitionProbabilities:
    """Fit the Aalen-Johansen estimator of P(s, t) from every state.

    Parameters
    ----------
    spells
        The table: delayed entry and weights are allowed.
    weights
        (rows,) numbers of patients, multiplied with the table's own.
    start_day
        s: events after this day count, of everybody who is then, or comes later, under observation. By default all.
    options
        Variance and ties.

    Returns
    -------
    TransitionProbabilities
        Valid for the state on day s whatever came before where the process is Markov; where it is not, see
        :func:`dayzero.estimators.multistate.landmark.fit_landmark_aalen_johansen`.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> fit = fit_transition_probabilities(make_spells([1, 2, 3, 4], [1, 1, 0, 1]), start_day=1)
    >>> print(fit.at(np.array([2.0]))[0, 0].round(4).tolist())
    [0.6667, 0.3333]
    """
    return integrate_hazards(estimate_hazards(spells, weights, options=options), start_day=start_day)


def integrate_hazards(
    hazards: TransitionHazards, *, start_day: float = ORIGIN, integral: Integral = "product"
) -> TransitionProbabilities:
    """Turn hazards into probabilities.

    Parameters
    ----------
    hazards
        Of a table, or of a patient under a model.
    start_day
        s.
    integral
        ``product``: P(s, t) = prod (I + dA(u)) over s < u <= t (Aalen and Johansen 1978; convention 11), with the
        covariance of Andersen et al. (1993), IV.4.1.3, and for a model's coefficients the delta method (VII.2.3);
        ``exponential``: prod exp(dA(u)), whose rows cannot leave [0, 1]; without a covariance.
    """
    if integral not in get_args(Integral):
        raise InputError(f"no integral {integral!r}", mend=f"Choose one of {', '.join(get_args(Integral))}.")
    later = hazards.after(start_day)
    matrices = step_matrices(later, integral)
    start = np.eye(len(hazards.states))
    probability = carry(matrices, start)
    covariance = None
    if integral == "product":
        covariance = carry_covariance(matrices, step_noise(later, probability))
        if later.gradient.shape[2]:
            slope = carry_derivative(matrices, step_shift(later, probability))
            covariance += np.swapaxes(slope, 2, 3) @ later.coefficient_covariance @ slope
    return TransitionProbabilities(hazards.states, start_day, later.times, probability, covariance)


def step_matrices(hazards: TransitionHazards, integral: Integral = "product") -> Floats:
    """Return (T, S, S), I + dA or exp(dA); a row is exactly that of leaving where everybody leaves."""
    size, origins, targets = _places(hazards)
    change = np.zeros((len(hazards.times), size, size))
    change[:, origins, targets] = hazards.increments
    own = np.arange(size)
    stay = 1.0 - change.sum(axis=2)
    if integral == "exponential":
        change[:, own, own] = stay - 1.0
        return np.asarray(linalg.expm(change)) if len(change) else change
    change[:, own, own] = np.where(np.abs(stay) <= ROUNDING, 0.0, stay)
    return change


def step_noise(hazards: TransitionHazards, path: Floats) -> Floats:
    """Return (T, G, S, S), the covariance that each step adds to G vectors of probabilities.

    Parameters
    ----------
    hazards
        T steps.
    path
        (T + 1, G, S) the vectors. An increment moves who was there just before it; Aalen's variance counts who is there
        just after it, so that it gives S^2 sum dN / Y^2 for a survival curve.
    """
    directions, weight = _flows(hazards, path[1:] if hazards.variance == "aalen" else path[:-1])
    noise = np.empty((*weight.shape[:2], path.shape[2], path.shape[2]))
    for row in range(path.shape[1]):
        flow = weight[:, row, :, None] * directions
        noise[:, row] = np.swapaxes(flow, 1, 2) @ (hazards.covariance @ flow)
    return noise


def step_shift(hazards: TransitionHazards, path: Floats) -> Floats:
    """Return (T, G, p, S), what each step adds to the derivatives of the vectors (T + 1, G, S) by the coefficients."""
    directions, weight = _flows(hazards, path[:-1])
    return np.asarray((weight[:, :, None, :] * np.swapaxes(hazards.gradient, 1, 2)[:, None]) @ directions)


def _flows(hazards: TransitionHazards, occupied: Floats) -> tuple[Floats, Floats]:
    """Return (K, S) what a transition does to the states, and (T, G, K) the probability of being where it starts."""
    size, origins, targets = _places(hazards)
    each = np.eye(size)
    return each[targets] - each[origins], occupied[:, :, origins]


def _places(hazards: TransitionHazards) -> tuple[int, Places, Places]:
    origins, targets = np.array(hazards.transitions, np.intp).reshape(-1, 2).T
    return len(hazards.states), origins, targets
