"""Cox's partial likelihood with Firth's penalty, and where it is highest with some coefficients held.

l*(b) = l(b) + log|I(b)| / 2 (Firth 1993, Biometrika 80:27; Heinze and Schemper 2001, Biometrics 57:114). The
derivative of the penalty is half the trace of I^-1 dI/db, dI/db being the sum over events of the third central moments
of the covariates in the risk set. With V = I^-1, r the risks, m_e, c_e and W_e the mean, the increment W / (S0 - f E0)
and the weight of each event, H_i and D_i the sums of c_e and c_e m_e over the events while row i is at risk, it is

    tr(V dI/db) = sum_i r_i ((x_i'V x_i) (H_i x_i - D_i) - 2 (x_i'V D_i) x_i) + 2 sum_e W_e (m_e'V m_e) m_e :

sums over rows and over events, but none over risk sets beyond those of the likelihood itself.
"""

from dataclasses import dataclass, replace

import numpy as np

from dayzero.estimators.cox.design import CoxDesign
from dayzero.estimators.cox.likelihood import (
    Evaluation,
    TiedEvents,
    Weighting,
    evaluate,
    hazard_terms,
    only,
    relative_risks,
)
from dayzero.estimators.cox.newton import ALIAS, independent, maximise
from dayzero.estimators.cox.risk_sets import RiskSets
from dayzero.spells import Bools, Floats, Ints


@dataclass(frozen=True, eq=False)
class Problem:
    """A penalised likelihood of q coefficients that are no combination of each other.

    Attributes
    ----------
    sets, weighting
        As in the design, for one weighting.
    x
        (q, n) scaled covariates.
    reach
        (q,) range of each.
    free
        (p,) which coefficients of the design these are.
    shift
        What the scaling of the covariates takes from log|I| / 2.
    """

    sets: RiskSets
    weighting: Weighting
    x: Floats
    reach: Floats
    free: Bools
    shift: float


@dataclass(frozen=True, eq=False)
class _Steps:
    """The events one by one, in the order of ``sets.events``.

    Attributes
    ----------
    weight, fraction, increment
        (batches, events) W, Efron's f, and W / (S0 - f E0).
    mean
        (batches, q, events) m.
    """

    weight: Floats
    fraction: Floats
    increment: Floats
    mean: Floats


def form_problem(design: CoxDesign) -> Problem:
    """Leave out the coefficients that are combinations of those before them."""
    null = evaluate(design.sets, design.x, design.weighting, np.zeros((1, len(design.x))))
    free = independent(null.information, ALIAS * np.maximum(design.weighting.dying.sum(axis=-1), 1e-300))[0]
    shift = float(np.log(design.scale[free]).sum())
    return Problem(design.sets, design.weighting, design.x[free], design.reach[free], free, shift)


@dataclass(frozen=True, eq=False)
class Summit:
    """Where a batch of climbs ended.

    Attributes
    ----------
    beta
        (batches, q) coefficients.
    reached
        The likelihood there, its score of the held coefficients included.
    converged, iterations
        (batches,)
    """

    beta: Floats
    reached: Evaluation
    converged: Bools
    iterations: Ints


def climb(problem: Problem, base: Floats, held: Bools) -> Summit:
    """Climb to the top from (batches, q) coefficients by Fisher's scoring, the held ones left where they are."""

    def objective(moved: Floats, batches: Ints) -> Evaluation:
        found = evaluate_firth(problem, base[batches] + moved)
        moving = ~held[batches]
        both = moving[:, :, None] & moving[:, None, :]
        score = np.where(moving, found.score, 0.0)
        return replace(found, score=score, information=np.where(both, found.information, 0.0))

    best = maximise(objective, np.full(len(base), problem.weighting.dying.sum()), problem.reach)
    beta = base + best.beta
    return Summit(beta, evaluate_firth(problem, beta), best.converged, best.iterations)


def evaluate_firth(problem: Problem, beta: Floats) -> Evaluation:
    """Return the penalised likelihood, its score, and the unpenalised information at (batches, q) coefficients."""
    weighting = only(problem.weighting, np.zeros(len(beta), np.int64))
    plain = evaluate(problem.sets, problem.x, weighting, beta)
    sign, log_det = np.linalg.slogdet(plain.information)
    with np.errstate(invalid="ignore"):
        likelihood = np.where(sign > 0, plain.log_likelihood + log_det / 2.0 + problem.shift, -np.inf)
    usable = np.where((sign > 0)[:, None, None], plain.information, np.eye(len(problem.x)))
    slope = _penalty_slope(problem, weighting, beta, np.linalg.inv(usable))
    return replace(plain, log_likelihood=likelihood, score=plain.score + slope / 2.0)


def _penalty_slope(problem: Problem, weighting: Weighting, beta: Floats, inverse: Floats) -> Floats:
    """Return tr(V dI/db) (batches, q)."""
    sets, x = problem.sets, problem.x
    _, risk, _ = relative_risks(sets, x, weighting, beta)
    steps = _form_steps(sets, x, weighting, risk)
    hazard = _over_rows(sets, steps, steps.increment[:, None])
    drift = _over_rows(sets, steps, steps.increment[:, None] * steps.mean)
    turned = inverse @ x
    length = np.sum(turned * x, axis=1, keepdims=True)
    across = np.sum(turned * drift, axis=1, keepdims=True)
    rows = risk[:, None] * (length * (hazard * x - drift) - 2.0 * across * x)
    spread = np.einsum("bqe,bqr,bre->be", steps.mean, inverse, steps.mean) * steps.weight
    return np.asarray(rows.sum(axis=-1) + 2.0 * np.sum(spread[:, None] * steps.mean, axis=-1))


def _form_steps(sets: RiskSets, x: Floats, weighting: Weighting, risk: Floats) -> _Steps:
    at = np.repeat(np.arange(sets.times), sets.deaths)
    terms = hazard_terms(sets, x, weighting, risk)
    weight = weighting.weight[:, sets.events]
    total, mean = terms.total[:, at], terms.mean[:, :, at]
    fraction = np.zeros_like(weight)
    if weighting.tied is not None:
        weight = weight.copy()
        fallen, moved = _correct(sets, weighting.tied, (weight, fraction), risk, x)
        mean = (mean * total[:, None] - moved) / (total - fallen)[:, None]
        total = total - fallen
    return _Steps(weight, fraction, weight / total, mean)


def _correct(
    sets: RiskSets, tied: TiedEvents, filled: tuple[Floats, Floats], risk: Floats, x: Floats
) -> tuple[Floats, Floats]:
    """Fill in W and f of the tied events, and return f E0 (batches, events) and f E1 (batches, q, events)."""
    weight, fraction = filled
    place = np.searchsorted(sets.events, tied.events)
    weight[:, place] = tied.mean_weight[:, tied.at] * tied.active
    fraction[:, place] = tied.fraction
    fallen, moved = np.zeros_like(weight), np.zeros((len(risk), len(x), weight.shape[1]))
    own = risk[:, tied.events]
    fallen[:, place] = tied.fraction * tied.sum(own)[:, tied.at]
    moved[:, :, place] = tied.fraction[:, None] * tied.sum(own[:, None] * x[:, tied.events])[..., tied.at]
    return fallen, moved


def _over_rows(sets: RiskSets, steps: _Steps, values: Floats) -> Floats:
    """Sum (batches, k, events) values over the events while each row is at risk; at its own a share f is not its."""
    sums = sets.over_rows(np.add.reduceat(values, sets.event_starts, axis=-1))
    lost = np.add.reduceat(values * steps.fraction[:, None], sets.event_starts, axis=-1)
    sums[..., sets.events] -= np.repeat(lost, sets.deaths, axis=-1)
    return sums
