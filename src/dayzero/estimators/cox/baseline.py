"""The baseline of a Cox model, with what the uncertainty of predictions is made of.

All is at the centre of the covariates, in the design's scaled units. With dL the sum of W / (S0 - f E0) over the tied
events of a time, the running sums are L itself, E, that of m dL, and v, that of W / (S0 - f E0)^2: Tsiatis (1981, Ann
Stat 9:93) for Breslow's ties, and the same with Efron's denominators, as in R's ``survfit.coxph``.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from dayzero.estimators.cox.fit import CoxFit
from dayzero.estimators.cox.likelihood import hazard_terms, relative_risks
from dayzero.estimators.cox.residuals import drifts
from dayzero.estimators.cox.row_residuals import scaled_coefficients
from dayzero.spells import Floats


@dataclass(frozen=True, eq=False)
class Baseline:
    """One stratum's, K event times.

    Attributes
    ----------
    first
        Number of the first of its event times among those of all strata.
    time
        (K,) days.
    hazard, variance
        (K,) L and v.
    drift
        (p, K) E.
    last
        The last day on which somebody of the stratum was seen.
    """

    first: int
    time: Floats
    hazard: Floats
    variance: Floats
    drift: Floats
    last: float

    def at(self, running: Floats, days: Floats) -> Floats:
        """Return running sums (..., K) on the days: (..., days), 0 before the first event."""
        padded = np.concatenate([np.zeros((*running.shape[:-1], 1)), running], axis=-1)
        return np.asarray(padded[..., np.searchsorted(self.time, days, side="right")])


@dataclass(frozen=True, eq=False)
class HazardInfluence:
    """The parts of the derivative of a baseline hazard with respect to the weights of the sorted rows.

    Attributes
    ----------
    risk
        (n,) weighted relative risks.
    squared
        (times,) W / (S0 - f E0)^2, in the unit of ``risk``.
    event
        (events,) what each event adds at its own time.
    """

    risk: Floats
    squared: Floats
    event: Floats

    def on(self, fit: CoxFit, baseline: Baseline, day: float) -> Floats:
        """Return (n,) the change of one stratum's L on a day by each row, the coefficients held; 0 in other strata."""
        sets = fit.design.sets
        counted = np.zeros(sets.times)
        counted[baseline.first : baseline.first + int(np.searchsorted(baseline.time, day, side="right"))] = 1.0
        change = -self.risk * sets.over_rows(self.squared * counted)
        change[sets.events] += self.event * counted[sets.upper[sets.events] - 1]
        return np.asarray(change)


def form_baselines(fit: CoxFit) -> tuple[Baseline, ...]:
    """Return the baseline of each stratum of ``fit.design.strata``; a stratum without events has none of its times."""
    design, sets = fit.design, fit.design.sets
    p, codes = len(design.names), range(len(design.strata))
    last = [float(design.seen.stop[design.seen.stratum == code].max(initial=-np.inf)) for code in codes]
    if not sets.times:
        return tuple(Baseline(0, np.zeros(0), np.zeros(0), np.zeros(0), np.zeros((p, 0)), last[code]) for code in codes)
    _, risk, top = relative_risks(sets, design.x, design.weighting, scaled_coefficients(fit)[None, :])
    terms = hazard_terms(sets, design.x, design.weighting, risk)
    with np.errstate(over="ignore", invalid="ignore"):  # a coefficient that ran away leaves no curve, not a wrong one
        back = np.broadcast_to(np.exp(-sets.times_of.spread(top)[0]), sets.times)
        hazard = sets.times_of.up_to(terms.hazard[0] * back)
        variance = sets.times_of.up_to(terms.moments[0][0] * (back / terms.total[0]) ** 2)
        drift = sets.times_of.up_to(drifts(terms, design.weighting)[0] * back)
    edges = np.searchsorted(sets.stratum, np.arange(len(design.strata) + 1))
    spans = [slice(int(a), int(b)) for a, b in pairwise(edges)]
    return tuple(
        Baseline(span.start, sets.time[span], hazard[span], variance[span], drift[:, span], end)
        for span, end in zip(spans, last, strict=True)
    )


def form_hazard_influence(fit: CoxFit) -> HazardInfluence:
    """Prepare the infinitesimal jackknife of the baselines of a fit that has events."""
    design, sets = fit.design, fit.design.sets
    weighting = design.weighting
    _, risk, top = relative_risks(sets, design.x, weighting, scaled_coefficients(fit)[None, :])
    terms = hazard_terms(sets, design.x, weighting, risk)
    back = np.broadcast_to(np.exp(-sets.times_of.spread(top)[0]), sets.times)
    squared = terms.moments[0][0] / terms.total[0] ** 2 * back
    gained = terms.hazard[0] / weighting.dying[0] * back
    event = weighting.weight[0, sets.events] * np.repeat(gained, sets.deaths)
    if weighting.tied is not None:
        tied = weighting.tied
        kept = terms.moments[1][0] / terms.total[0, tied.times] ** 2 * back[tied.times]
        event[np.searchsorted(sets.events, tied.events)] += risk[0, tied.events] * kept[tied.at]
    return HazardInfluence(risk[0], squared, event)
