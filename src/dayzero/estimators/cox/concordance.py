"""Concordance: how often the patient with the higher predicted hazard has the event first.

A pair is comparable where one patient has the event while the other is at risk, and stays so: censoring at the event's
time counts as later, another event at that time does not (convention 2). Harrell's C (1982, JAMA 247:2543) counts pairs
alike, predictions that are tied one half; Uno's (2011, Stat Med 30:1105) weights each event by 1 / G(t-)^2, G being the
Kaplan-Meier estimate of censoring, up to a day tau, so that C does not depend on how long patients were followed. The
standard error is the infinitesimal jackknife's: the root of the sum of squares of each patient's derivative of C with
respect to the weight (Therneau and Watson 2015, Mayo technical report 85), summed within clusters; for Uno's C the
weights 1 / G^2 are taken as known, as in R's ``concordance``.
"""

from dataclasses import dataclass

import numpy as np

from dayzero.errors import InputError
from dayzero.estimate import Estimate, make_estimate
from dayzero.estimators.cox.design import CoxDesign
from dayzero.estimators.cox.dominance import Points, sum_below
from dayzero.estimators.cox.fit import CoxFit
from dayzero.estimators.cox.rows import Z
from dayzero.spells import Floats, Ints, snap


@dataclass(frozen=True, eq=False)
class Concordance:
    """A concordance probability.

    Attributes
    ----------
    value
        C: 1/2 where predictions say nothing, NaN without a comparable pair.
    std_error
        Infinitesimal jackknife, clustered on the patient or on the model's cluster.
    concordant, discordant, tied
        Weighted number of pairs in order, out of order, and with tied predictions.
    influence
        (clusters,) derivative of C with respect to the weight of each, times the weight.
    """

    value: float
    std_error: float
    concordant: float
    discordant: float
    tied: float
    influence: Floats


def concordance(fit: CoxFit) -> Estimate:
    """Return Harrell's C of a fitted model as a ``concordance`` row, method ``harrell``.

    Limits are C plus or minus 1.96 standard errors, within 0 and 1.

    Examples
    --------
    >>> from dayzero.estimators.cox.fit import fit_cox
    >>> from dayzero.spells import make_spells
    >>> fit = fit_cox(make_spells([1, 2, 3, 4], [1, 1, 0, 1], tx=[1, 1, 0, 0], age=[4, 3, 2, 5]), ["tx", "age"])
    >>> print(f"{fit_concordance(fit).value:.2f}")
    1.00
    """
    return _row(fit, fit_concordance(fit), "harrell")


def uno_concordance(fit: CoxFit, tau: float | None = None) -> Estimate:
    """Return Uno's C up to day tau as a ``concordance`` row, method ``uno``; by default up to the last event.

    Raises
    ------
    InputError
        With delayed entry or several rows a patient, for which 1 / G^2 is not defined.
    """
    return _row(fit, fit_uno_concordance(fit, tau), "uno").label(time=tau)


def fit_concordance(fit: CoxFit) -> Concordance:
    """Count the pairs for Harrell's C."""
    return count_pairs(fit.design, linear_predictor(fit), np.ones(fit.design.sets.times))


def fit_uno_concordance(fit: CoxFit, tau: float | None = None) -> Concordance:
    """Count the pairs for Uno's C."""
    design = fit.design
    if bool(np.any(design.seen.start > 0.0)):
        mend = "Use Harrell's, without tau."
        raise InputError("Uno's concordance is not defined with delayed entry or split rows", mend=mend, column="tau")
    weight = np.zeros(design.sets.times)
    for code in np.unique(design.sets.stratum):
        times = design.sets.stratum == code
        weight[times] = _censoring_survival(design, int(code), design.sets.time[times]) ** -2
    late = design.sets.time > (np.inf if tau is None else tau)
    return count_pairs(design, linear_predictor(fit), np.where(late, 0.0, weight))


def linear_predictor(fit: CoxFit) -> Floats:
    """Return (n,) the log relative hazards of the sorted rows."""
    if fit.coefficients.ndim > 1:
        raise ValueError("a batch of weightings has no one concordance: fit one weighting")
    return np.asarray((np.nan_to_num(fit.coefficients) * fit.design.scale) @ fit.design.x)


def count_pairs(design: CoxDesign, prediction: Floats, time_weight: Floats) -> Concordance:
    """Compare (n,) predictions at each of the (event times,), which count so much.

    Predictions that differ by rounding alone are tied (convention 1).
    """
    sets, weight = design.sets, design.weighting.weight[0]
    if sets.scaled:
        mend = "Split the rows where their weights change."
        raise InputError("weights that change with time are not defined for concordance", mend=mend, column="power")
    rank = np.unique(snap(prediction)[0], return_inverse=True)[1]
    event = np.zeros(len(weight), bool)
    event[sets.events] = True
    at = sets.upper - 1
    events = Points(at[event], rank[event], weight[event] * time_weight[at[event]])
    end = sets.upper - event  # comparable with the event times lower <= k < end
    lower, equal, higher = _between(events, sets.lower, end, rank)
    others = [Points(bound, rank, weight) for bound in (sets.lower, end)]
    counts = np.stack([higher, lower, equal])  # as the other one of a pair: concordant where the event's rank is higher
    own = np.stack(_at_risk(others, at[event], rank[event])) * time_weight[at[event]]
    counts[:, event] += own
    totals = own @ weight[event]
    return _summary(design, totals, counts * weight)


def _between(points: Points, lower: Ints, end: Ints, rank: Ints) -> tuple[Floats, Floats, Floats]:
    """Sum the points with lower <= position < end by their rank: below, at and above the given ones."""
    top = np.full_like(rank, int(rank.max(initial=0)) + 1)
    below, through, whole = (
        sum_below(points, end, limit) - sum_below(points, lower, limit) for limit in (rank, rank + 1, top)
    )
    return below, through - below, whole - through


def _at_risk(points: list[Points], at: Ints, rank: Ints) -> tuple[Floats, Floats, Floats]:
    """Sum those that have begun and not ended at each event time, by rank: below the event's, above it, and at it."""
    top = np.full_like(rank, int(points[0].rank.max(initial=0)) + 1)
    begun, ended = points
    below, through, whole = (
        sum_below(begun, at + 1, limit) - sum_below(ended, at + 1, limit) for limit in (rank, rank + 1, top)
    )
    return below, whole - through, through - below


def _summary(design: CoxDesign, totals: Floats, influence: Floats) -> Concordance:
    concordant, discordant, tied = totals.tolist()
    pairs = concordant + discordant + tied
    if pairs <= 0.0:
        return Concordance(np.nan, np.nan, concordant, discordant, tied, np.zeros(0))
    value = (concordant + tied / 2.0) / pairs
    rows = (influence[0] + influence[2] / 2.0 - value * influence.sum(axis=0)) / pairs
    by_cluster = np.asarray(np.bincount(design.cluster, weights=rows), float)
    return Concordance(value, float(np.sqrt(by_cluster @ by_cluster)), concordant, discordant, tied, by_cluster)


def _censoring_survival(design: CoxDesign, stratum: int, times: Floats) -> Floats:
    """Return G just before each time within a stratum; events at a time leave before censoring does."""
    seen = design.seen
    here = seen.stratum == stratum
    stop, event, weight = seen.stop[here], seen.event[here], design.seen_weight[here]
    days, codes = np.unique(stop, return_inverse=True)
    ends = np.bincount(codes, weights=weight)
    censored = np.bincount(codes, weights=weight * ~event)
    at_risk = np.cumsum(ends[::-1])[::-1] - (ends - censored)
    share = np.divide(censored, at_risk, out=np.zeros_like(ends), where=at_risk > 0)
    survival = np.concatenate([[1.0], np.cumprod(1.0 - share)])
    return np.asarray(survival[np.searchsorted(days, times, side="left")])


def _row(fit: CoxFit, found: Concordance, method: str) -> Estimate:
    margin = Z * found.std_error
    rows = make_estimate(
        "concordance",
        estimate=found.value,
        std_error=found.std_error,
        lower=max(found.value - margin, 0.0),
        upper=min(found.value + margin, 1.0),
        warning="no_pairs: no two patients can be compared" if np.isnan(found.value) else None,
    )
    labels = {"kind": "cox", "endpoint": fit.design.endpoint, "method": method}
    return rows.label(**labels, n=fit.n, n_events=fit.n_events)
