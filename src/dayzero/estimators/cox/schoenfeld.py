"""Schoenfeld residuals (1982, Biometrika 69:239): at each event, the covariates less their mean over the risk set."""

from dataclasses import dataclass

import numpy as np

from dayzero.estimators.cox.fit import CoxFit
from dayzero.estimators.cox.likelihood import hazard_terms, relative_risks
from dayzero.estimators.cox.residuals import average_means
from dayzero.estimators.cox.row_residuals import scaled_coefficients
from dayzero.spells import Floats, Ints


@dataclass(frozen=True, eq=False)
class SchoenfeldResiduals:
    """One row an event, stratum after stratum, in the order of time.

    Attributes
    ----------
    time
        (events,) days.
    row
        (events,) index of the event's row in the table.
    stratum
        (events,) names of the strata.
    values
        (events, p) residuals.
    """

    time: Floats
    row: Ints
    stratum: tuple[str, ...]
    values: Floats


def schoenfeld_residuals(fit: CoxFit) -> SchoenfeldResiduals:
    """Return x - m(t) at each event; with Efron's ties m is averaged over the tied events' denominators.

    Examples
    --------
    >>> from dayzero.estimators.cox.fit import fit_cox
    >>> from dayzero.spells import make_spells
    >>> fit = fit_cox(make_spells([1, 2, 3, 4], [1, 1, 0, 1], tx=[0, 1, 1, 0]), ["tx"])
    >>> found = schoenfeld_residuals(fit)
    >>> found.time.tolist(), bool(abs(found.values.sum()) < 1e-9)
    ([1.0, 2.0, 4.0], True)
    """
    design, sets = fit.design, fit.design.sets
    beta = scaled_coefficients(fit)[None, :]
    if not sets.times:
        return SchoenfeldResiduals(np.zeros(0), np.zeros(0, np.int64), (), np.zeros((0, len(design.names))))
    _, risk, _ = relative_risks(sets, design.x, design.weighting, beta)
    average = average_means(hazard_terms(sets, design.x, design.weighting, risk), design.weighting)
    at = np.repeat(np.arange(sets.times), sets.deaths)
    order = np.lexsort((design.row[sets.events], at))
    residuals = (design.x[:, sets.events] - average[:, at]).T * design.scale
    stratum = tuple(design.strata[code] for code in sets.stratum[at])
    return SchoenfeldResiduals(sets.time[at], design.row[sets.events][order], stratum, residuals[order])


def scaled_schoenfeld_residuals(fit: CoxFit) -> SchoenfeldResiduals:
    """Return the residuals times (events x model-based covariance), plus the coefficients: an effect over time.

    Their smoothed course over g(t) is the coefficient as a function of time (Grambsch and Therneau 1994).
    """
    plain = schoenfeld_residuals(fit)
    effect = plain.values @ np.nan_to_num(fit.covariance) * len(plain.time) + fit.coefficients
    return SchoenfeldResiduals(plain.time, plain.row, plain.stratum, effect)
