"""Expected length of stay: the mean time that is spent in each state up to a horizon."""

from dataclasses import dataclass

import numpy as np

from dayzero.errors import InputError
from dayzero.estimators.multistate.hazards import DEFAULT, NelsonAalen, TransitionHazards, estimate_hazards
from dayzero.estimators.multistate.probabilities import ORIGIN, step_matrices, step_noise, step_shift
from dayzero.estimators.multistate.recursion import carry, carry_covariance, carry_derivative
from dayzero.spells import Floats, Spells


@dataclass(frozen=True, eq=False)
class LengthOfStay:
    """Mean days in each state from a start day to a horizon.

    Attributes
    ----------
    states
        Names of the S states.
    start_day, horizon
        The days between which time is counted; a start before day 0 counts from day 0.
    days
        (S, S) state on the start day, state stayed in.
    covariance
        (S, S, S) of the lengths of stay from one state.
    """

    states: tuple[str, ...]
    start_day: float
    horizon: float
    days: Floats
    covariance: Floats

    @property
    def std_error(self) -> Floats:
        """(S, S) standard errors in days."""
        return np.asarray(np.sqrt(np.maximum(np.diagonal(self.covariance, axis1=1, axis2=2), 0.0)))


def fit_length_of_stay(
    spells: Spells, horizon: float, *, start_day: float = ORIGIN, options: NelsonAalen = DEFAULT
) -> LengthOfStay:
    """Fit the expected length of stay in each state, int_s^tau P_gh(s, u) du.

    Parameters
    ----------
    spells
        The table.
    horizon
        tau, in days.
    start_day
        s.
    options
        Variance and ties.

    Examples
    --------
    Two of four patients move on day 1, one more on day 3: 4 days less 2/4 of 3 days and 1/4 of 1 day.

    >>> from dayzero.spells import make_spells
    >>> fit_length_of_stay(make_spells([1, 1, 3, 9], [1, 1, 1, 0]), 4).days[0].tolist()
    [2.25, 1.75]
    """
    return integrate_stay(estimate_hazards(spells, options=options), horizon, start_day=start_day)


def integrate_stay(hazards: TransitionHazards, horizon: float, *, start_day: float = ORIGIN) -> LengthOfStay:
    """Integrate the probabilities that follow from hazards, with the covariance of the integral.

    Time passed in each state joins the vector of probabilities: (p, l) goes to (p M, l + p dt), a linear recursion, so
    that the covariance of the lengths of stay is that which the delta method gives, without an integral over pairs of
    times.

    Raises
    ------
    InputError
        Where the horizon does not lie after the start.
    """
    begin = max(start_day, 0.0)
    if not (np.isfinite(horizon) and horizon > begin):
        raise InputError("the horizon does not lie after the start", mend="Choose a later day.", column="horizon")
    later = hazards.after(start_day).until(horizon)
    matrices = _with_time(later, begin, horizon)
    size = len(hazards.states)
    start = np.hstack([np.eye(size), np.zeros((size, size))])
    path = carry(matrices, start)
    occupied = path[:-1, :, :size]
    noise = _padded(step_noise(later, occupied), (2, 3), size)
    covariance = carry_covariance(matrices, _last_step(noise))[-1]
    if later.gradient.shape[2]:
        shift = _padded(step_shift(later, occupied), (3,), size)
        slope = carry_derivative(matrices, _last_step(shift))[-1]
        covariance += np.swapaxes(slope, 1, 2) @ later.coefficient_covariance @ slope
    return LengthOfStay(hazards.states, start_day, horizon, path[-1, :, size:], covariance[:, size:, size:])


def _with_time(hazards: TransitionHazards, begin: float, horizon: float) -> Floats:
    """Return (T + 1, 2S, 2S): time passes and then the transition comes; the last step is time up to the horizon."""
    size = len(hazards.states)
    elapsed = np.diff(np.concatenate(([begin], np.maximum(hazards.times, begin), [horizon])))
    matrices = np.zeros((len(elapsed), 2 * size, 2 * size))
    matrices[:, :size, :size] = np.concatenate([step_matrices(hazards), np.eye(size)[None]])
    matrices[:, :size, size:] = elapsed[:, None, None] * np.eye(size)
    matrices[:, size:, size:] = np.eye(size)
    return matrices


def _padded(values: Floats, axes: tuple[int, ...], size: int) -> Floats:
    """Add zeros for the lengths of stay, to which a transition adds nothing, along the given axes."""
    return np.pad(values, [(0, size if axis in axes else 0) for axis in range(values.ndim)])


def _last_step(values: Floats) -> Floats:
    """Add zeros for the last step, in which nobody moves."""
    return np.concatenate([values, np.zeros((1, *values.shape[1:]))])
