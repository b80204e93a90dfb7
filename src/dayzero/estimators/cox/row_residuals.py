"""Residuals of a fitted Cox model, one a row of the table or one a patient: whom it does not fit, and who moves it.

The martingale residual of a row is what happened less what was expected, d - r Lambda(start, stop] (Barlow and
Prentice 1988, Biometrika 75:65); all others are made from it (Therneau and Grambsch 2000, chapters 4 and 7). Residuals
are not multiplied by the weights, except for dfbeta, as R's ``residuals.coxph`` has them. Those of a patient are summed
over the rows. Rows and patients that are not in the model have NaN.
"""

from dataclasses import replace
from typing import Literal

import numpy as np

from dayzero.errors import InputError
from dayzero.estimators.cox.fit import CoxFit
from dayzero.estimators.cox.likelihood import HazardTerms, expected_events, hazard_terms, relative_risks
from dayzero.estimators.cox.residuals import row_scores
from dayzero.estimators.cox.risk_sets import RiskSets
from dayzero.spells import Floats

Per = Literal["row", "patient"]


def martingale_residuals(fit: CoxFit, per: Per = "patient") -> Floats:
    """Return (rows,) or (patients,) events less expected events.

    Examples
    --------
    >>> from dayzero.estimators.cox.fit import fit_cox
    >>> from dayzero.spells import make_spells
    >>> fit = fit_cox(make_spells([1, 2, 3, 4], [1, 1, 0, 1], tx=[0, 1, 1, 0]), ["tx"])
    >>> residuals = martingale_residuals(fit)
    >>> print(len(residuals), f"{abs(residuals.sum()):.6f}")
    4 0.000000
    """
    return _spread(fit, _martingale(fit)[:, None], per)[:, 0]


def deviance_residuals(fit: CoxFit, per: Per = "patient") -> Floats:
    """Return (rows,) or (patients,) sign(M) sqrt(-2 (M + d log(d - M))): the martingale residual M made symmetric.

    A patient's is made of the sums of M and of events d over the rows.
    """
    both = _spread(fit, np.column_stack([_martingale(fit), _events(fit)]), per)
    residual, events = both.T
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(events > 0, events * np.log(events - residual), 0.0)
    return np.asarray(np.sign(residual) * np.sqrt(np.maximum(-2.0 * (residual + logs), 0.0)))


def cox_score_residuals(fit: CoxFit, per: Per = "patient") -> Floats:
    """Return (rows, p) or (patients, p) each one's part of the score: the integral of (x - m(t)) dM(t)."""
    design = fit.design
    if not design.sets.times:
        return _spread(fit, np.zeros((0, len(design.x))), per)
    risk, terms = _terms(fit)
    weighted = row_scores(_steady(fit), design.x, weighting=design.weighting, risk=risk, terms=terms)
    return _spread(fit, weighted * design.scale / design.weighting.weight[0][:, None], per)


def dfbeta(fit: CoxFit, per: Per = "patient") -> Floats:
    """Return (rows, p) or (patients, p) the approximate change of the coefficients by each: w x score x covariance."""
    return _spread(fit, fit.row_influence, per)


def scaled_coefficients(fit: CoxFit) -> Floats:
    """Return (p,) the coefficients of the design's scaled covariates; one fit, not a batch, and no exact ties."""
    if fit.coefficients.ndim > 1:
        raise ValueError("a batch of weightings has no residuals: fit one weighting")
    if fit.ties == "exact":
        raise InputError("exact ties have no residuals", mend='Use ties = "efron".')
    return np.nan_to_num(fit.coefficients) * fit.design.scale


def _martingale(fit: CoxFit) -> Floats:
    """Return (n,) the unweighted martingale residuals of the sorted rows."""
    if not fit.design.sets.times:
        return np.zeros(0)
    weighting = fit.design.weighting
    expected = expected_events(_steady(fit), weighting, *_terms(fit))
    return np.asarray(_events(fit) - expected[0] / weighting.weight[0])


def _terms(fit: CoxFit) -> tuple[Floats, HazardTerms]:
    """Return the risks (1, n), and the terms of the likelihood."""
    sets, x, weighting = fit.design.sets, fit.design.x, fit.design.weighting
    _, risk, _ = relative_risks(sets, x, weighting, scaled_coefficients(fit)[None, :])
    return risk, hazard_terms(sets, x, weighting, risk)


def _steady(fit: CoxFit) -> RiskSets:
    """Return the risk sets with weights that do not change: divided by them, residuals are those of one patient."""
    return replace(fit.design.sets, scaled=())


def _events(fit: CoxFit) -> Floats:
    happened = np.zeros(len(fit.design.row))
    happened[fit.design.sets.events] = 1.0
    return happened


def _spread(fit: CoxFit, values: Floats, per: Per) -> Floats:
    """Return (n, k) values of the sorted rows as (rows, k) or, summed, as (patients, k), NaN outside of the model."""
    design = fit.design
    size, members, codes = len(design.kept), np.flatnonzero(design.kept), design.row
    if per == "patient":
        size, members, codes = design.patients, design.owner, design.patient
    spread = np.full((size, values.shape[1]), np.nan)
    spread[members] = 0.0
    np.add.at(spread, codes, values)
    return spread
