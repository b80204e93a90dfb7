"""Newton's method on a log partial likelihood, a batch of problems at a time.

The covariates are centred and scaled to standard deviation 1, so steps are in standard deviations.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dayzero.estimators.cox.likelihood import Evaluation
from dayzero.spells import Bools, Floats, Ints

Objective = Callable[[Floats, Ints], Evaluation]

STEP: Final = 1e-9  # convention 17: the step, in ranges of the covariate, at which Newton stops
NOISE: Final = 1e-21  # g'I^-1 g, the squared step in standard errors, that is rounding error: nearly collinear columns
STEPS: Final = 50
HALVINGS: Final = 30
ALIAS: Final = 1e-11  # 1 - R^2 of a column on the columns before it, below which it has no coefficient of its own
FLAT: Final = 1e-7  # g'I^-1 g below which a likelihood does not rise any more
RUNAWAY: Final = 0.1  # a step, in ranges of the covariate, that a converging fit does not take on a flat likelihood


@dataclass(frozen=True)
class Optimum:
    """Where a batch of likelihoods is highest.

    Attributes
    ----------
    beta
        (batches, p) coefficients, 0 where not free.
    null, top
        The likelihood at 0 and at ``beta``, its score and information with the aliased columns struck out.
    free
        (batches, p) whether the coefficient is estimable: its column is no linear combination of those before it.
    runaway
        (batches, p) whether the coefficient runs to infinity: the likelihood is monotone.
    converged
        (batches,)
    iterations
        (batches,) number of Newton steps.
    """

    beta: Floats
    null: Evaluation
    top: Evaluation
    free: Bools
    runaway: Bools
    converged: Bools
    iterations: Ints


def maximise(objective: Objective, events: Floats, reach: Floats) -> Optimum:
    """Climb from 0 with Newton steps, halved where the likelihood falls.

    Parameters
    ----------
    objective
        Called with (k, p) coefficients and (k,) the batches that they belong to.
    events
        (batches,) total weight of the events.
    reach
        (p,) range of each scaled covariate.
    """
    shape = (len(events), len(reach))
    everyone = np.arange(shape[0])
    beta, previous = np.zeros(shape), np.full(shape, np.inf)
    null = objective(beta, everyone)
    free = independent(null.information, ALIAS * np.maximum(events, 1e-300))
    null = strike(null, free)
    top = null.only(everyone)
    runaway, iterations = np.zeros(shape, bool), np.zeros(shape[0], np.int64)
    converged, active = np.zeros(shape[0], bool), everyone
    for _ in range(STEPS):
        here = top.only(active)
        step = solve(here)
        gain = np.sum(here.score * step, axis=-1)
        small = (np.max(np.abs(step) * reach, axis=-1, initial=0.0) <= STEP) | (np.abs(gain) <= NOISE)
        running = _runaway(gain, step, previous[active], reach) | _extreme(here, beta[active] * reach)
        beta[active[small]] += step[small]
        converged[active[small]], runaway[active] = True, running & ~small[:, None]
        going = ~small & ~running.any(axis=-1)
        active, step = active[going], step[going]
        if not len(active):
            break
        step, reached = _climb(objective, (beta, top, free), active, step)
        beta[active] += step
        previous[active] = step
        iterations[active] += 1
        _store(top, reached, active)
    return Optimum(beta, null, top, free, runaway, converged, iterations)


def _climb(
    objective: Objective, state: tuple[Floats, Evaluation, Bools], active: Ints, step: Floats
) -> tuple[Floats, Evaluation]:
    """Evaluate at the step's end, halving it where the likelihood falls."""
    beta, top, free = state
    floor = top.log_likelihood[active]
    floor = floor - 1e-11 * (1.0 + np.abs(floor))
    for _ in range(HALVINGS):
        reached = objective(beta[active] + step, active)
        fell = ~(reached.log_likelihood >= floor)
        if not bool(fell.any()):
            break
        step = np.where(fell[:, None], step / 2.0, step)
    return step, strike(reached, free[active])


def _store(top: Evaluation, reached: Evaluation, active: Ints) -> None:
    for name in top.__dataclass_fields__:
        getattr(top, name)[active] = getattr(reached, name)


def _runaway(gain: Floats, step: Floats, previous: Floats, reach: Floats) -> Bools:
    """Say which coefficients take steps that neither shrink nor raise the likelihood."""
    return (gain < FLAT)[:, None] & (np.abs(step) * reach > RUNAWAY) & (np.abs(step) > 0.3 * np.abs(previous))


def _extreme(here: Evaluation, spans: Floats) -> Bools:
    """Say which coefficients make the risks extreme, by the log hazards that each spans (batches, p)."""
    widest = np.max(np.abs(spans), axis=-1, initial=0.0)
    return np.asarray(here.extreme[:, None] & (np.abs(spans) > 0.1 * widest[:, None]))


def independent(information: Floats, tolerance: Floats) -> Bools:
    """Say which columns are no linear combination of those before them, by the pivots of a Cholesky sweep.

    Parameters
    ----------
    information
        (batches, p, p) of covariates scaled to standard deviation 1.
    tolerance
        (batches,) a pivot must be above it.

    Examples
    --------
    >>> independent(np.array([[[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 2.0]]]), np.array([1e-10])).tolist()
    [[True, False, True]]
    """
    left = information.copy()
    free = np.zeros(left.shape[:2], bool)
    for j in range(left.shape[1]):
        pivot = left[:, j, j]
        free[:, j] = pivot > tolerance
        row = np.where(free[:, j, None], left[:, j, :], 0.0)
        left -= row[:, :, None] * row[:, None, :] / np.where(free[:, j], pivot, 1.0)[:, None, None]
    return free


def strike(found: Evaluation, free: Bools) -> Evaluation:
    """Take out the coefficients that are not free: score 0, information that of an unrelated unit column."""
    if bool(free.all()):
        return found
    both = free[:, :, None] & free[:, None, :]
    information = np.where(both, found.information, np.eye(free.shape[1]))
    return replace(found, score=np.where(free, found.score, 0.0), information=information)


def solve(here: Evaluation) -> Floats:
    """Return I^-1 g (batches, p)."""
    unit, scale = _unit_diagonal(here.information)
    return np.linalg.solve(unit, (here.score / scale)[..., None])[..., 0] / scale


def invert(information: Floats, free: Bools) -> Floats:
    """Return the inverse (batches, p, p), 0 in the rows and columns of coefficients that are not free."""
    unit, scale = _unit_diagonal(information)
    inverse = np.linalg.inv(unit) / scale[:, :, None] / scale[:, None, :]
    return np.where(free[:, :, None] & free[:, None, :], inverse, 0.0)


def _unit_diagonal(information: Floats) -> tuple[Floats, Floats]:
    """Return D^-1 I D^-1 with a diagonal of 1, never exactly singular, and the diagonal (batches, p) of D."""
    diagonal = np.diagonal(information, axis1=1, axis2=2)
    floor = 1e-20 * diagonal.max(axis=-1, initial=1e-200, keepdims=True)
    scale = np.sqrt(np.maximum(diagonal, floor))
    unit = information / scale[:, :, None] / scale[:, None, :]
    return unit + 4e-16 * np.eye(information.shape[1]), scale
