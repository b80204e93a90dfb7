"""Logistic regression with Firth's penalty: finite odds ratios where outcomes are separated or few.

Firth (1993, Biometrika 80:27) adds half the logarithm of the determinant of the information (Jeffreys' prior),
l*(b) = l(b) + log|I(b)| / 2, which takes away the bias of order 1/n; its score is sum_i (w_i (y_i - pi_i) +
h_i (1/2 - pi_i)) x_i, h_i being the leverages. Limits and tests come from the profile of l* (Heinze and Schemper
2002, Stat Med 21:2409), the penalty being always that of all coefficients: those of Wald mislead here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat
from dayzero.estimators.chi_squared import p_value
from dayzero.estimators.cox_newton import ALIAS, independent
from dayzero.estimators.odds_design import OddsDesign, OddsModel, as_model, design_odds
from dayzero.estimators.odds_rows import Odds, odds_rows, ratio_test
from dayzero.spells import Bools, Floats, Spells

STEPS: Final = 500
STEP: Final = 1e-11  # in ranges of the covariate, at which the climb stops
LONGEST: Final = 4.0  # log odds that a coefficient may move in one step, over its covariate's range
HALVINGS: Final = 30
DOUBLINGS: Final = 40


@dataclass(frozen=True, eq=False)
class FirthFit:
    """A penalised logistic regression.

    Attributes
    ----------
    model, design
        What was fitted, and the arrays that it was fitted to.
    coefficients
        (p,) log odds ratios; NaN where a term has none (constant, collinear).
    covariance
        (p, p) inverse of the (unpenalised) information at the coefficients.
    lower, upper
        (p,) profile penalised-likelihood limits.
    chi_squared
        (p,) penalised likelihood ratio against a coefficient of 0.
    intercept
        Log odds of the event, all covariates 0.
    log_likelihood
        (2,) penalised, with all coefficients 0 and at the coefficients.
    df
        Number of coefficients that were estimated.
    notes
        Warnings, under the coefficient that each concerns or under "" for the whole model.
    """

    model: OddsModel
    design: OddsDesign
    coefficients: Floats
    covariance: Floats
    lower: Floats
    upper: Floats
    chi_squared: Floats
    intercept: float
    log_likelihood: Floats
    df: int
    notes: Mapping[str, tuple[str, ...]]
    tests: tuple[Estimate, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """(p,) names of the coefficients."""
        return self.design.names

    @property
    def std_error(self) -> Floats:
        """(p,) standard errors."""
        return np.sqrt(np.diagonal(self.covariance))

    @property
    def warnings(self) -> tuple[str, ...]:
        """All warnings, those about the whole model first."""
        return tuple(text for texts in self.notes.values() for text in texts)

    def estimate(self) -> Estimate:
        """Return the odds ratios with profile limits, and likelihood ratio tests of the model and of each term."""
        p = np.array([p_value(chi, 1) if np.isfinite(chi) else np.nan for chi in self.chi_squared])
        found = Odds(self.names, self.coefficients, self.std_error, self.lower, self.upper, p)
        rows = concat([odds_rows(found, self.notes), *self.tests])
        endpoint = self.design.endpoint or None
        return rows.label(endpoint=endpoint, method="firth", n=self.design.n, n_events=self.design.n_events)


def fit_firth_logistic(
    spells: Spells, model: OddsModel | Sequence[str], weights: npt.ArrayLike | None = None
) -> FirthFit:
    """Fit a logistic regression of the endpoint's event with Firth's penalty.

    Parameters
    ----------
    spells
        The table, one row a patient; the outcome is whether the row ends in the endpoint's event.
    model
        The model, or the names of its terms.
    weights
        (rows,), multiplied with the table's own; they count as numbers of patients.

    Raises
    ------
    InputError
        An unknown column or level, or several rows a patient.

    Examples
    --------
    In a two by two table with an intercept the penalty adds one half to every cell (here of a column without events):

    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([28] * 8, [1, 1, 1, 0, 0, 0, 0, 0], arm=["b"] * 4 + ["a"] * 4)
    >>> fit = fit_firth_logistic(spells, ["arm"])
    >>> print(f"{np.exp(fit.coefficients[0]):.6f} {3.5 / 1.5 * 4.5 / 0.5:.6f}")
    21.000000 21.000000
    """
    model = as_model(model)
    given = None if weights is None else np.asarray(weights, float)
    if given is not None and given.ndim > 1:
        raise InputError("several weightings at once", mend="Fit one weighting at a time.")
    design = design_odds(spells, model, spells.event().astype(np.int64), ("no", "yes"), given)
    problem = _problem(design)
    return _nothing(model, design) if problem is None else _fitted(model, design, problem)


def firth_logistic(spells: Spells, model: OddsModel | Sequence[str]) -> Estimate:
    """Fit the model and return its rows; see :func:`fit_firth_logistic`."""
    return fit_firth_logistic(spells, model).estimate()


@dataclass(frozen=True, eq=False)
class _Problem:
    """A penalised likelihood: (n, q) columns of which the first is the intercept, outcomes, weights, and ranges."""

    x: Floats
    y: Floats
    weight: Floats
    reach: Floats
    free: Bools


@dataclass(frozen=True, eq=False)
class _Place:
    """A point on the likelihood's surface, and the step that Newton's method takes from it."""

    beta: Floats
    likelihood: float
    score: Floats
    information: Floats
    curvature: Floats
    converged: bool = True


def _problem(design: OddsDesign) -> _Problem | None:
    if len(design.levels) < 2:
        return None
    x = np.column_stack([np.ones(len(design.x)), design.x])
    weight = design.weight[0]
    free = independent((x.T @ (weight[:, None] * x))[None], np.array([ALIAS * weight.sum()]))[0]
    reach = np.concatenate([[1.0], np.ptp(design.x, axis=0)])
    return _Problem(x, design.y.astype(float), weight, reach, free)


def _at(problem: _Problem, beta: Floats) -> _Place:
    """Evaluate the penalised likelihood; ``curvature`` takes the leverages as given."""
    x, free = problem.x, problem.free
    linear = x @ beta
    chance = special.expit(linear)
    spread = chance * special.expit(-linear)
    information = (x * (problem.weight * spread)[:, None]).T @ x
    inside = information[np.ix_(free, free)]
    sign, log_det = np.linalg.slogdet(inside)
    likelihood = float(problem.weight @ (problem.y * linear - np.logaddexp(0.0, linear))) + 0.5 * float(log_det)
    if sign <= 0 or not np.isfinite(likelihood):
        return _Place(beta, -np.inf, np.zeros_like(beta), information, information)
    columns = x[:, free]
    leverage = problem.weight * spread * np.einsum("np,pn->n", columns, np.linalg.solve(inside, columns.T))
    score = x.T @ (problem.weight * (problem.y - chance) + leverage * (0.5 - chance))
    curvature = (x * ((problem.weight + leverage) * spread)[:, None]).T @ x
    return _Place(beta, likelihood, score, information, curvature)


def _climb(problem: _Problem, beta: Floats, held: Bools) -> _Place:
    """Climb to the top with the held coefficients where they are."""
    moving = np.flatnonzero(problem.free & ~held)
    here = _at(problem, beta)
    for _ in range(STEPS):
        step = np.zeros_like(beta)
        step[moving] = np.linalg.solve(here.curvature[np.ix_(moving, moving)], here.score[moving])
        longest = float(np.max(np.abs(step) * problem.reach, initial=0.0))
        if longest <= STEP:
            return here
        step *= min(1.0, LONGEST / longest)
        floor = here.likelihood - 1e-12 * (1.0 + abs(here.likelihood))
        for _ in range(HALVINGS):
            there = _at(problem, here.beta + step)
            if there.likelihood >= floor:
                break
            step /= 2.0
        here = there
    return _Place(here.beta, here.likelihood, here.score, here.information, here.curvature, converged=False)


def _fitted(model: OddsModel, design: OddsDesign, problem: _Problem) -> FirthFit:
    size = problem.x.shape[1]
    start = np.zeros(size)
    start[0] = -float(design.margins[0, 0])
    top = _climb(problem, start, np.zeros(size, bool))
    none = _climb(problem, start, np.arange(size) > 0)
    covariance = np.full((size, size), np.nan)
    kept = np.ix_(problem.free, problem.free)
    covariance[kept] = np.linalg.inv(top.information[kept])
    free, scale = problem.free[1:], design.scale
    nothing = (np.nan, np.nan, np.nan)
    found = np.array([_profile(problem, top, j, model.level) if problem.free[j] else nothing for j in range(1, size)])
    coefficients = np.where(free, top.beta[1:] / scale, np.nan)
    return FirthFit(
        model, design, coefficients, covariance[1:, 1:] / np.multiply.outer(scale, scale),
        lower=found[:, 0] / scale, upper=found[:, 1] / scale, chi_squared=found[:, 2],
        intercept=float(top.beta[0] - top.beta[1:] @ (design.centre / scale)),
        log_likelihood=np.array([none.likelihood, top.likelihood]), df=int(free.sum()),
        notes=_notes(design, problem, top), tests=_tests(problem, design, top=top, none=none, terms=model.terms),
    )  # fmt: skip


def _tests(
    problem: _Problem, design: OddsDesign, *, top: _Place, none: _Place, terms: Sequence[str]
) -> tuple[Estimate, ...]:
    """Test the model, and each term where there are several, by the penalised likelihood ratio."""
    free = problem.free[1:]
    tests = [ratio_test(None, 2.0 * (top.likelihood - none.likelihood), int(free.sum()))]
    for place, term in enumerate(terms if len(terms) > 1 else ()):
        held = np.concatenate([[False], design.term == place])
        without = _climb(problem, np.where(held, 0.0, top.beta), held)
        tests.append(ratio_test(term, 2.0 * (top.likelihood - without.likelihood), int((held[1:] & free).sum())))
    return tuple(tests)


def _profile(problem: _Problem, top: _Place, j: int, level: float) -> tuple[float, float, float]:
    """Return the limits of one scaled coefficient, and its likelihood ratio against 0."""
    from scipy.optimize import brentq

    held = np.arange(len(top.beta)) == j
    drop = 0.5 * float(special.ndtri(0.5 + level / 2.0)) ** 2
    latest = {"beta": top.beta}

    def height(value: float) -> float:
        reached = _climb(problem, np.where(held, value, latest["beta"]), held)
        latest["beta"] = reached.beta
        return reached.likelihood

    def limit(sign: float) -> float:
        latest["beta"], best = top.beta, float(top.beta[j])
        width = 2.0 * float(np.sqrt(np.linalg.pinv(top.information[np.ix_(problem.free, problem.free)])
                                    [k := int(problem.free[:j].sum()), k]))  # fmt: skip
        for _ in range(DOUBLINGS):
            if height(best + sign * width) < top.likelihood - drop:
                return float(brentq(lambda value: height(value) - top.likelihood + drop, best, best + sign * width,
                                    xtol=1e-13, rtol=1e-13))  # fmt: skip
            width *= 1.5
        return sign * np.inf

    lower, upper = limit(-1.0), limit(1.0)
    latest["beta"] = top.beta
    return lower, upper, max(0.0, 2.0 * (top.likelihood - height(0.0)))


def _nothing(model: OddsModel, design: OddsDesign) -> FirthFit:
    """Return the fit where everybody has the same outcome."""
    p, nan = len(design.names), np.full(len(design.names), np.nan)
    notes = {"": ("no_events: everybody has the same outcome", *_dropped(design))}
    covariance = np.full((p, p), np.nan)
    return FirthFit(model, design, nan, covariance, nan, nan, nan, np.nan, np.full(2, np.nan), 0, notes,
                    (ratio_test(None, np.nan, 0),))  # fmt: skip


def _dropped(design: OddsDesign) -> list[str]:
    return [f"dropped_missing: {design.dropped} patients"] if design.dropped else []


def _notes(design: OddsDesign, problem: _Problem, top: _Place) -> dict[str, tuple[str, ...]]:
    whole = _dropped(design)
    if not top.converged:
        whole.append(f"non_convergence: after {STEPS} steps")
    notes = {"": tuple(whole)}
    for j, name in enumerate(design.names):
        if not design.x[:, j].any():
            notes[name] = (f"constant_term: {name} has one value only",)
        elif not problem.free[j + 1]:
            notes[name] = (f"collinear: {name} is a combination of the terms before it",)
    return notes
