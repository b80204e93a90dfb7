"""Logistic regression with Firth's penalty: finite odds ratios where outcomes are separated or few.

Half the logarithm of the determinant of the information (Jeffreys' prior) takes away the bias of order 1/n (Firth 1993,
Biometrika 80:27). Limits and tests come from the profile of the penalised likelihood (Heinze and Schemper 2002, Stat
Med 21:2409), the penalty being always that of all coefficients: those of Wald mislead here.
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
from dayzero.estimators.cox.newton import ALIAS, independent
from dayzero.estimators.outcomes.design import OddsDesign, OddsModel, as_model, design_odds
from dayzero.estimators.outcomes.firth_likelihood import STEPS, Penalised, Place, climb
from dayzero.estimators.outcomes.rows import Odds, odds_rows, ratio_test
from dayzero.spells import Bools, Floats, Spells

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


def _problem(design: OddsDesign) -> Penalised | None:
    if len(design.levels) < 2 or not design.weight.any():
        return None
    x = np.column_stack([np.ones(len(design.x)), design.x])
    weight = design.weight[0]
    free = independent((x.T @ (weight[:, None] * x))[None], np.array([ALIAS * weight.sum()]))[0]
    reach = np.concatenate([[1.0], np.ptp(design.x, axis=0)])
    return Penalised(x[:, free], design.y.astype(float), weight, reach[free], free)


def _fitted(model: OddsModel, design: OddsDesign, problem: Penalised) -> FirthFit:
    start = np.zeros(problem.x.shape[1])
    start[0] = -float(design.margins[0, 0])
    top = climb(problem, start, np.zeros(len(start), bool))
    none = climb(problem, start, np.arange(len(start)) > 0)
    profiles = [_profile(problem, top, j, model.level) for j in range(1, len(start))]
    free, scale, nan = problem.free[1:], design.scale, np.full(len(design.names), np.nan)
    found = {name: nan.copy() for name in ("coefficients", "lower", "upper", "chi_squared")}
    found["coefficients"][free] = top.beta[1:] / scale[free]
    found["lower"][free] = np.array([each.lower for each in profiles]) / scale[free]
    found["upper"][free] = np.array([each.upper for each in profiles]) / scale[free]
    found["chi_squared"][free] = [each.chi_squared for each in profiles]
    covariance = np.full((len(free), len(free)), np.nan)
    covariance[np.ix_(free, free)] = np.linalg.inv(top.information)[1:, 1:]
    converged = top.converged and all(each.converged for each in profiles)
    return FirthFit(
        model, design, covariance=covariance / np.multiply.outer(scale, scale), **found,
        intercept=float(top.beta[0] - top.beta[1:] @ (design.centre / scale)[free]),
        log_likelihood=np.array([none.likelihood, top.likelihood]), df=int(free.sum()),
        notes=_notes(design, free, converged=converged),
        tests=_tests(problem, design, top=top, none=none, terms=model.terms),
    )  # fmt: skip


def _tests(
    problem: Penalised, design: OddsDesign, *, top: Place, none: Place, terms: Sequence[str]
) -> tuple[Estimate, ...]:
    """Test the model, and each term where there are several, by the penalised likelihood ratio."""
    tests = [ratio_test(None, 2.0 * (top.likelihood - none.likelihood), len(top.beta) - 1)]
    for place, term in enumerate(terms if len(terms) > 1 else ()):
        held = np.concatenate([[False], design.term == place])[problem.free]
        without = climb(problem, np.where(held, 0.0, top.beta), held)
        tests.append(ratio_test(term, 2.0 * (top.likelihood - without.likelihood), int(held.sum())))
    return tuple(tests)


@dataclass(frozen=True)
class _Profile:
    """Limits of one scaled coefficient, and its likelihood ratio against 0."""

    lower: float
    upper: float
    chi_squared: float
    converged: bool


def _profile(problem: Penalised, top: Place, j: int, level: float) -> _Profile:
    held = np.arange(len(top.beta)) == j
    drop = 0.5 * float(special.ndtri(0.5 + level / 2.0)) ** 2
    ends = [_limit(problem, top, held, sign * drop) for sign in (-1.0, 1.0)]
    none = climb(problem, np.where(held, 0.0, top.beta), held)
    ratio = max(0.0, 2.0 * (top.likelihood - none.likelihood))
    return _Profile(ends[0][0], ends[1][0], ratio, none.converged and ends[0][1] and ends[1][1])


def _limit(problem: Penalised, top: Place, held: Bools, drop: float) -> tuple[float, bool]:
    """Return where the profile has come down by a drop, to the side of the drop's sign, and whether it converged."""
    from scipy.optimize import brentq

    reached = [top]

    def height(value: float) -> float:
        reached.append(climb(problem, np.where(held, value, reached[-1].beta), held))
        return reached[-1].likelihood - top.likelihood + abs(drop)

    best = float(top.beta[held][0])
    width = float(np.copysign(2.0 * np.sqrt(np.linalg.inv(top.information)[held, held][0]), drop))
    for _ in range(DOUBLINGS):
        if height(best + width) < 0.0:
            end = float(brentq(height, best, best + width, xtol=1e-12, rtol=1e-12))
            return end, all(place.converged for place in reached)
        width *= 1.5
    return float("nan"), False


def _nothing(model: OddsModel, design: OddsDesign) -> FirthFit:
    """Return the fit where everybody has the same outcome, or nobody has weight."""
    p, nan = len(design.names), np.full(len(design.names), np.nan)
    why = "everybody has the same outcome" if design.weight.any() else "nobody has weight"
    notes = {"": (f"no_events: {why}", *_dropped(design))}
    covariance = np.full((p, p), np.nan)
    return FirthFit(model, design, nan, covariance, nan, nan, nan, np.nan, np.full(2, np.nan), 0, notes,
                    (ratio_test(None, np.nan, 0, "; ".join(notes[""])),))  # fmt: skip


def _dropped(design: OddsDesign) -> list[str]:
    return [f"dropped_missing: {design.dropped} patients"] if design.dropped else []


def _notes(design: OddsDesign, free: Bools, *, converged: bool) -> dict[str, tuple[str, ...]]:
    whole = _dropped(design)
    if not converged:
        whole.append(f"non_convergence: the estimate or a limit after {STEPS} steps")
    notes = {"": tuple(whole)}
    for j, name in enumerate(design.names):
        if not design.x[:, j].any():
            notes[name] = (f"constant_term: {name} has one value only",)
        elif not free[j]:
            notes[name] = (f"collinear: {name} is a combination of the terms before it",)
    return notes
