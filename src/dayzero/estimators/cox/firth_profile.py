"""Limits and tests from the profile of a penalised partial likelihood (Heinze and Schemper 2001, Biometrics 57:114).

The profile of a coefficient is the penalised likelihood at its highest, all other coefficients free; the penalty is
always that of all coefficients. A limit lies where twice the profile's fall is the square of the normal quantile z.
Newton's method finds it on the signed root s(v) = sign(v - b) sqrt(2 (l*(b) - l*(v))), nearly a straight line in v,
whose slope is -U / s, U being the profile's own slope. All limits are sought at once, as one batch.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np

from dayzero.estimators.cox.firth_likelihood import Problem, climb
from dayzero.estimators.cox.likelihood import Evaluation
from dayzero.spells import Bools, Floats, Ints

ROUNDS: Final = 60
CLOSE: Final = 1e-10  # |s - z| at which a limit is found
GROWTH: Final = 2.0  # a step goes at most so much farther from the estimate than the one before it
FARTHEST: Final = 50.0  # standard errors from the estimate at which the search is given up


@dataclass(frozen=True, eq=False)
class Top:
    """The penalised likelihood at its highest.

    Attributes
    ----------
    beta, covariance
        (q,) scaled coefficients, and the inverse of the information there.
    likelihood
        Its height.
    """

    beta: Floats
    covariance: Floats
    likelihood: float


def profile_limits(problem: Problem, top: Top, z: float) -> tuple[Floats, Bools]:
    """Return the (2, q) lower and upper limits of the scaled coefficients, NaN where none was found, and which were."""
    q = len(top.beta)
    which, sign = np.tile(np.arange(q), 2), np.repeat([-1.0, 1.0], q)
    error = np.sqrt(np.diagonal(top.covariance))[which]
    inner, outer = np.zeros(2 * q), np.full(2 * q, FARTHEST)  # distances in standard errors on either side of the limit
    distance, found = np.full(2 * q, z), np.zeros(2 * q, bool)
    base = _moved(top, which, np.tile(top.beta, (2 * q, 1)), sign * distance * error)
    for _ in range(ROUNDS):
        going = np.flatnonzero(~found)
        base[going], reached = _held(problem, base[going], which[going])
        fall = np.sqrt(np.maximum(2.0 * (top.likelihood - reached.log_likelihood), 0.0))
        found[going] = np.abs(fall - z) <= CLOSE
        if bool(found.all()):
            break
        slope = -sign[going] * reached.score[np.arange(len(going)), which[going]] * error[going]
        far = fall >= z
        inner[going[~far]], outer[going[far]] = distance[going[~far]], distance[going[far]]
        step = _next(distance[going], (z - fall) * fall, slope, (inner[going], outer[going]))
        base[going] = _moved(top, which[going], base[going], sign[going] * (step - distance[going]) * error[going])
        distance[going] = step
    limits = np.where(found, base[np.arange(2 * q), which], np.nan)
    return limits.reshape(2, q), found.reshape(2, q)


def profile_tests(problem: Problem, top: Top, groups: Bools) -> tuple[Floats, Bools]:
    """Return twice the fall of the likelihood where each of (k, q) groups of coefficients is 0; and what converged."""
    base = np.where(groups, 0.0, top.beta)
    best = climb(problem, base, groups)
    return np.maximum(2.0 * (top.likelihood - best.reached.log_likelihood), 0.0), best.converged


def _held(problem: Problem, base: Floats, which: Ints) -> tuple[Floats, Evaluation]:
    held = np.arange(base.shape[1]) == which[:, None]
    best = climb(problem, base, held)
    return best.beta, best.reached


def _moved(top: Top, which: Ints, base: Floats, by: Floats) -> Floats:
    """Move the profiled coefficients, and the others along with them as the covariance says."""
    direction = top.covariance[which] / np.diagonal(top.covariance)[which, None]
    return base + direction * by[:, None]


def _next(distance: Floats, lacking: Floats, slope: Floats, bracket: tuple[Floats, Floats]) -> Floats:
    """Take Newton's step, or halve the bracket where it leads out of it."""
    inner, outer = bracket
    with np.errstate(divide="ignore", invalid="ignore"):
        step = distance + lacking / slope
    step = np.where((slope > 0.0) & np.isfinite(step), step, np.inf)
    capped = np.minimum(step, GROWTH * np.maximum(distance, 1.0))
    inside = (capped > inner) & (capped < outer)
    middle = np.where(outer < FARTHEST, (inner + outer) / 2.0, np.minimum(GROWTH * np.maximum(distance, 1.0), outer))
    return np.where(inside, capped, middle)
