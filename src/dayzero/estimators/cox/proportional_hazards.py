"""Test of proportional hazards: whether an effect changes with time.

The exact score test of Grambsch and Therneau (1994, Biometrika 81:515), as R's survival computes it since version 3.0
(convention 12): the model is extended by theta x g(t), and the score and information at theta = 0 need no refit,

    U = sum over events of g(t) (x - m(t)),   I = sum over events of [1, g; g, g^2] (x) V(t),

m and V being the mean and variance of the covariates in the risk set; with Efron's ties those of each denominator. All
coefficients of one term are tested together; GLOBAL tests all terms.
"""

from dataclasses import replace
from typing import Literal, get_args

import numpy as np

from dayzero.errors import InputError
from dayzero.estimate import Estimate, make_estimate
from dayzero.estimators.chi_squared import p_value, quadratic_form
from dayzero.estimators.cox.fit import CoxFit
from dayzero.estimators.cox.likelihood import (
    HazardTerms,
    Weighting,
    expected_events,
    fisher_information,
    hazard_terms,
    relative_risks,
)
from dayzero.estimators.cox.risk_sets import Observations
from dayzero.spells import Bools, Floats

Transform = Literal["km", "rank", "identity", "log"]


def proportional_hazards(fit: CoxFit, transform: Transform = "km") -> Estimate:
    """Test each term, and all together, for an effect that changes with a function g of time.

    Parameters
    ----------
    fit
        A fitted model; its robust standard errors, if any, play no part, as in R's ``cox.zph``.
    transform
        g(t): ``km``, 1 less the Kaplan-Meier estimate of all rows just before t; ``rank``, the rank of t among the
        ends of all rows; ``identity``, t; ``log``, log t.

    Returns
    -------
    Estimate
        ``proportional_hazards`` rows: the chi-squared in ``estimate``, its ``df`` and ``p_value``; ``term`` is the
        term, or ``GLOBAL``; ``method`` the transform.

    Raises
    ------
    InputError
        An unknown transform, ``log`` with an event on day 0 or before, or a model with exact ties.

    Examples
    --------
    >>> from dayzero.estimators.cox.fit import fit_cox
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([1, 2, 3, 4, 5, 6, 7, 8], [1, 1, 1, 1, 1, 1, 0, 1], tx=[0, 0, 0, 1, 0, 1, 1, 1])
    >>> row = next(proportional_hazards(fit_cox(spells, ["tx"])).records())
    >>> print(f"{row['term']} {row['estimate']:.4f} {row['df']:.0f}")
    tx 0.1913 1
    """
    if fit.ties == "exact":
        raise InputError("exact ties have no test of proportional hazards", mend='Use ties = "efron".')
    score, variance = _extension(fit, _time_function(fit, transform))
    estimable = _estimable(fit)
    groups = [(term, (fit.design.term == place) & estimable) for place, term in enumerate(fit.design.terms)]
    groups = [*[(term, chosen) for term, chosen in groups if chosen.any()], ("GLOBAL", estimable)]
    tests = [quadratic_form(score[chosen], variance[np.ix_(chosen, chosen)]) for _, chosen in groups]
    rows = make_estimate(
        "proportional_hazards",
        term=[term for term, _ in groups],
        estimate=[chi2 if df else np.nan for chi2, df in tests],
        df=[float(df) for _, df in tests],
        p_value=[p_value(chi2, df) if df else np.nan for chi2, df in tests],
        warning=[None if df else "no_test: the model has no coefficient that could be estimated" for _, df in tests],
    )
    labels = {"kind": "cox", "endpoint": fit.design.endpoint, "method": transform}
    return rows.label(**labels, n=fit.n, n_events=fit.n_events)


def _estimable(fit: CoxFit) -> Bools:
    """Return (p,) which coefficients were estimated: one that runs to infinity was not."""
    lost = [any(text.startswith("separation") for text in fit.notes.get(name, ())) for name in fit.names]
    return np.asarray(~np.isnan(fit.coefficients) & ~np.array(lost, bool))


def _time_function(fit: CoxFit, transform: Transform) -> Floats:
    """Return (event times,) g at each, less its mean over the events."""
    sets, seen = fit.design.sets, fit.design.seen
    values = _transformed(sets.time, seen, transform)
    if not bool(np.all(np.isfinite(values))):
        raise InputError("an event on day 0 has no logarithm", mend='Use transform "km".')
    return values - np.average(values, weights=sets.deaths) if sets.times else values


def _transformed(time: Floats, seen: Observations, transform: Transform) -> Floats:
    if transform == "km":
        return 1.0 - _survival_before(time, seen)
    if transform == "rank":
        ends = np.sort(seen.stop)
        below, through = (np.searchsorted(ends, time, side=side) for side in ("left", "right"))
        return np.asarray((below + through + 1) / 2.0)
    if transform == "identity":
        return time
    if transform == "log":
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.log(time)
    raise InputError(f'unknown transform "{transform}"', mend=f"Choose one of {', '.join(get_args(Transform))}.")


def _survival_before(time: Floats, seen: Observations) -> Floats:
    """Return the Kaplan-Meier estimate just before each time, of all rows, whatever their stratum and weight."""
    days, deaths = np.unique(seen.stop[seen.event], return_counts=True)
    gone = np.searchsorted(np.sort(seen.stop), days, side="left")
    entered = np.searchsorted(np.sort(seen.start), days, side="left")
    survival = np.cumprod(1.0 - deaths / (entered - gone))
    return np.concatenate([[1.0], survival])[np.searchsorted(days, time, side="left")]


def _extension(fit: CoxFit, g: Floats) -> tuple[Floats, Floats]:
    """Return the score (p,) for x g(t), and its variance (p, p) given that the coefficients were estimated."""
    design = fit.design
    p = len(design.names)
    if not design.sets.times:
        return np.zeros(p), np.zeros((p, p))
    beta = (np.nan_to_num(fit.coefficients) * design.scale)[None, :]
    _, risk, _ = relative_risks(design.sets, design.x, design.weighting, beta)
    terms = hazard_terms(design.sets, design.x, design.weighting, risk)
    information = []
    for power in range(3):
        scaled = _scaled(terms, design.weighting, g**power)
        expected = expected_events(design.sets, design.weighting, risk, scaled)
        information.append(fisher_information(design.x, expected, scaled, design.weighting)[0])
        if power == 1:
            martingale = -expected[0]
            at_events = np.repeat(g, design.sets.deaths)
            martingale[design.sets.events] += at_events * design.weighting.weight[0, design.sets.events]
    free = _estimable(fit)
    own, cross, square = (matrix[np.ix_(free, free)] for matrix in information)
    variance = np.zeros((p, p))
    variance[np.ix_(free, free)] = square - cross @ np.linalg.solve(own, cross)
    return design.x @ martingale, variance


def _scaled(terms: HazardTerms, weighting: Weighting, factor: Floats) -> HazardTerms:
    """Return the terms with each event time counted so many times."""
    tied = factor[weighting.tied.times] if weighting.tied is not None else np.zeros(0)
    first, second, third = terms.moments
    return replace(
        terms,
        hazard=terms.hazard * factor,
        tied_hazard=terms.tied_hazard * tied,
        moments=(first * factor, second * tied, third * tied),
    )
