"""Residuals of a fitted Cox model: what each row contributes to the score, and the baseline hazard.

The score residual of a row is the integral of (x - m(t)) against its martingale residual (Therneau and Grambsch 2000,
ch. 4.6); with tied events and Efron's likelihood both m and the martingale are Efron's (convention 13).
"""

from dataclasses import dataclass

import numpy as np

from dayzero.estimators.cox.likelihood import (
    HazardTerms,
    Weighting,
    expected_events,
    hazard_terms,
    relative_risks,
)
from dayzero.estimators.cox.risk_sets import RiskSets
from dayzero.spells import Floats


def score_residuals(sets: RiskSets, x: Floats, weighting: Weighting, beta: Floats) -> Floats:
    """Return (n, p) the weighted score residuals of the sorted rows, for one weighting (batches = 1)."""
    if not sets.times:
        return np.zeros((len(sets.row), len(x)))
    _, risk, _ = relative_risks(sets, x, weighting, beta)
    return row_scores(sets, x, weighting=weighting, risk=risk, terms=hazard_terms(sets, x, weighting, risk))


def row_scores(sets: RiskSets, x: Floats, *, weighting: Weighting, risk: Floats, terms: HazardTerms) -> Floats:
    """Return (n, p) score residuals from the terms of the likelihood; the rows weigh what ``sets`` says they do."""
    martingale = -expected_events(sets, weighting, risk, terms)[0]
    events = weighting.weight[0, sets.events]
    martingale[sets.events] += events
    average = average_means(terms, weighting)
    drift, tied_drift = drifts(terms, weighting)
    residuals: Floats = x * martingale + risk[0] * sets.over_rows(drift)
    residuals[:, sets.events] -= events * np.repeat(average, sets.deaths, axis=-1)
    tied = weighting.tied
    if tied is not None:
        residuals[:, tied.events] -= risk[0, tied.events] * tied_drift[:, tied.at]
    return residuals.T


def average_means(terms: HazardTerms, weighting: Weighting) -> Floats:
    """Return (p, times) the mean m over the risk set, averaged over the denominators of the tied events."""
    mean = terms.mean[0]
    if weighting.tied is None:
        return np.asarray(mean)
    at, total, dying = weighting.tied.times, terms.total[0], weighting.dying[0]
    average = mean * (total * terms.hazard[0] / dying)
    average[:, at] -= terms.tied_mean[0] * (total[at] * terms.tied_hazard[0] / dying[at])
    return np.asarray(average)


def drifts(terms: HazardTerms, weighting: Weighting) -> tuple[Floats, Floats]:
    """Return (p, times) the sums of W m / (S0 - f E0), and (p, tied times) those of W f m / (S0 - f E0)."""
    mean, tied_mean, total = terms.mean[0], terms.tied_mean[0], terms.total[0]
    if weighting.tied is None:
        return mean * terms.hazard[0], tied_mean
    at = weighting.tied.times
    zeroth, first, second = (moment[0] for moment in terms.moments)
    drift = mean * (zeroth / total)
    drift[:, at] -= tied_mean * (first / total[at])
    return drift, (mean[:, at] * first - tied_mean * second) / total[at]


@dataclass(frozen=True)
class BaselineHazard:
    """The cumulative hazard of a patient whose covariates are the fit's ``centre``.

    Attributes
    ----------
    time
        (times,) the distinct event times, increasing within a stratum.
    stratum
        (times,) the stratum's name, ``sex=1, ecog=0``; empty without strata.
    hazard
        (times,) cumulative, at and after each time.
    """

    time: Floats
    stratum: tuple[str, ...]
    hazard: Floats


def cumulative_hazard(sets: RiskSets, x: Floats, weighting: Weighting, beta: Floats) -> Floats:
    """Return (times,) the cumulative hazard of each stratum at x = 0, by Efron's or Breslow's increments."""
    if not sets.times:
        return np.zeros(0)
    _, risk, top = relative_risks(sets, x, weighting, beta)
    with np.errstate(over="ignore"):  # a coefficient that ran away may leave the centre an infinite hazard
        hazard = hazard_terms(sets, x, weighting, risk).hazard[0] * np.exp(-sets.times_of.spread(top)[0])
    return sets.times_of.up_to(hazard)
