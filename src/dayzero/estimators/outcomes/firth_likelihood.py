"""The logistic likelihood with Firth's penalty, and the climb to its top with some coefficients held.

l*(b) = l(b) + log|I(b)| / 2 (Firth 1993, Biometrika 80:27). Its score is

    sum_i (w_i (y_i - pi_i) + h_i (1/2 - pi_i)) x_i,

with v_i = pi_i (1 - pi_i), q_i = x_i' I^-1 x_i and the leverages h_i = w_i v_i q_i. With I_r = dI / db_r =
X' diag(w v (1 - 2 pi) x_r) X minus its Hessian is

    I + (tr(I^-1 I_r I^-1 I_s) - sum_i w_i v_i (1 - 6 v_i) q_i x_ir x_is)_rs / 2.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import special

from dayzero.spells import Bools, Floats, Ints

STEPS: Final = 100
STEP: Final = 1e-11  # in ranges of the covariate, at which the climb stops
NOISE: Final = 1e-21  # the squared step in standard errors that is rounding error
LONGEST: Final = 4.0  # log odds that a coefficient may move in one step, over its covariate's range
HALVINGS: Final = 30


@dataclass(frozen=True, eq=False)
class Penalised:
    """A penalised likelihood.

    Attributes
    ----------
    x
        (n, q) columns, the intercept first.
    y, weight
        (n,) outcomes, 0 or 1, and how much each counts.
    reach
        (q,) range of each column.
    free
        (1 + p,) which columns of the design these are: no combination of those before them.
    """

    x: Floats
    y: Floats
    weight: Floats
    reach: Floats
    free: Bools


@dataclass(frozen=True, eq=False)
class Place:
    """A point on the penalised likelihood's surface: its height, slope, information, and minus its Hessian."""

    beta: Floats
    likelihood: float
    score: Floats
    information: Floats
    hessian: Floats
    converged: bool = True


def evaluate_firth(problem: Penalised, beta: Floats) -> Place:
    """Evaluate the penalised likelihood at (q,) coefficients."""
    x, weight = problem.x, problem.weight
    linear = x @ beta
    chance = special.expit(linear)
    spread = weight * chance * special.expit(-linear)
    information = (x * spread[:, None]).T @ x
    sign, log_det = np.linalg.slogdet(information)
    likelihood = float(weight @ (problem.y * linear - np.logaddexp(0.0, linear))) + 0.5 * float(log_det)
    if sign <= 0 or not np.isfinite(likelihood):
        return Place(beta, -np.inf, np.zeros_like(beta), information, information)
    inverse = np.linalg.inv(information)
    length = np.einsum("np,pq,nq->n", x, inverse, x)
    score = x.T @ (weight * (problem.y - chance) + spread * length * (0.5 - chance))
    tilt = spread * (1.0 - 2.0 * chance)
    steep = np.array([(x * (tilt * column)[:, None]).T @ x for column in x.T])
    turned = inverse @ steep
    bent = (x * (spread * (1.0 - 6.0 * chance * special.expit(-linear)) * length)[:, None]).T @ x
    hessian = information + 0.5 * (np.einsum("rpq,sqp->rs", turned, turned) - bent)
    return Place(beta, likelihood, score, information, hessian)


def climb(problem: Penalised, beta: Floats, held: Bools) -> Place:
    """Climb to the top with the held coefficients where they are."""
    moving = np.flatnonzero(~held)
    here = evaluate_firth(problem, beta)
    for _ in range(STEPS):
        step = np.zeros_like(beta)
        step[moving] = _direction(here, moving)
        longest = float(np.max(np.abs(step) * problem.reach, initial=0.0))
        if longest <= STEP or float(here.score @ step) <= NOISE:
            return here
        step *= min(1.0, LONGEST / longest)
        floor = here.likelihood - 1e-13 * (1.0 + abs(here.likelihood))
        for _ in range(HALVINGS):
            there = evaluate_firth(problem, here.beta + step)
            if there.likelihood >= floor:
                break
            step /= 2.0
        here = there
    return replace(here, converged=False)


def _direction(here: Place, moving: Ints) -> Floats:
    """Return Newton's step, or where the surface is not concave that of Fisher's scoring."""
    square = np.ix_(moving, moving)
    step = np.linalg.solve(here.hessian[square], here.score[moving])
    if bool(np.all(np.linalg.eigvalsh(here.hessian[square]) > 0.0)):
        return np.asarray(step)
    return np.asarray(np.linalg.solve(here.information[square], here.score[moving]))
