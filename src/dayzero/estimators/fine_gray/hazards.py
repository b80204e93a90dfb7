"""The hazards of a fitted Cox model, as predictions and their errors need them."""

from dataclasses import dataclass

import numpy as np

from dayzero.estimators.cox.fit import CoxFit
from dayzero.estimators.cox.likelihood import HazardTerms, hazard_terms, relative_risks
from dayzero.spells import Floats


@dataclass(frozen=True)
class Hazards:
    """Sums over risk sets at the fitted coefficients; covariates are the design's, centred and scaled.

    Attributes
    ----------
    risk
        (n,) weight times relative risk of the sorted rows, as a share of the highest relative risk of the stratum.
    terms
        The sums over risk sets of these risks.
    shift
        (times,) the reciprocal of the highest relative risk: ``terms.hazard * shift`` are the increments of the
        baseline hazard at the fit's centre.
    drift
        (p, times) sum of W m / (S0 - f E0), without the shift: minus the derivative of the increments.
    """

    risk: Floats
    terms: HazardTerms
    shift: Floats
    drift: Floats

    @property
    def increments(self) -> Floats:
        """(times,) increments of the cumulative baseline hazard at the fit's centre."""
        return np.asarray(self.terms.hazard[0] * self.shift)


def sum_hazards(cox: CoxFit) -> Hazards:
    """Sum over the risk sets of a fitted model."""
    design = cox.design
    beta = (np.nan_to_num(cox.coefficients) * design.scale)[None]
    _, risk, top = relative_risks(design.sets, design.x, design.weighting, beta)
    terms = hazard_terms(design.sets, design.x, design.weighting, risk)
    zeroth, first, _ = (moment[0] for moment in terms.moments)
    drift = terms.mean[0] * (zeroth / terms.total[0])
    if design.weighting.tied is not None:
        at = design.weighting.tied.times
        drift[:, at] -= terms.tied_mean[0] * (first / terms.total[0, at])
    shift = np.broadcast_to(np.exp(-design.sets.times_of.spread(top)[0]), (design.sets.times,))
    return Hazards(risk[0], terms, shift, drift)
