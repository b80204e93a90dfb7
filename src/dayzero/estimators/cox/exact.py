"""The exact (discrete) partial likelihood of tied events (Gail, Lubin and Rubinstein 1981, Biometrika 68:703).

At a time with d events the likelihood is the probability that those d of the risk set have the event, given that d do:
the product of their r over e_d, the elementary symmetric polynomial of degree d of all r in the risk set. Adding the
rows to a risk set one by one,

    e_j(with row i) = e_j(without) + r_i e_{j-1}(without),

and the first two derivatives with respect to the coefficients follow by the product rule. Times with one event need no
recursion: they go with :mod:`cox_likelihood`.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dayzero.estimators.cox.likelihood import Evaluation, Weighting, evaluate, relative_risks
from dayzero.estimators.cox.risk_sets import RiskSets
from dayzero.spells import Floats, Ints

SMALLEST: Final = 1e-280  # an elementary symmetric polynomial below it: risks too far apart to compute with


@dataclass(frozen=True)
class _Polynomials:
    """e_j of each tied time's risk set, and its first and second derivatives: last axis j = 0..max d."""

    value: Floats
    first: Floats
    second: Floats

    def add(self, span: slice, ratio: Floats, x: Floats) -> None:
        """Put one row, r = ``ratio`` (times in the span,) and covariates x (p,), into the risk sets of a span."""
        value, first, second = self.value[span], self.first[span], self.second[span]
        raised = value[:, :-1] * ratio[:, None]
        slope = first[:, :, :-1] * ratio[:, None, None]
        bend = second[..., :-1] * ratio[:, None, None, None]
        bend += slope[:, :, None, :] * x[None, None, :, None] + slope[:, None, :, :] * x[None, :, None, None]
        bend += raised[:, None, None, :] * np.multiply.outer(x, x)[None, :, :, None]
        second[..., 1:] += bend
        first[:, :, 1:] += slope + raised[:, None, :] * x[None, :, None]
        value[:, 1:] += raised


def evaluate_exact(sets: RiskSets, x: Floats, weighting: Weighting, beta: Floats) -> Evaluation:
    """Return the exact log partial likelihood and its derivatives at ``beta`` (1, p); weights must all be 1."""
    tied = np.flatnonzero(sets.deaths > 1)
    dying = weighting.dying.copy()
    dying[:, tied] = 0.0
    untied = evaluate(sets, x, replace(weighting, dying=dying), beta)
    if not len(tied):
        return untied
    _, risk, _ = relative_risks(sets, x, weighting, beta)
    deaths = sets.deaths[tied]
    scale = sets.sum(risk)[0, tied] / deaths  # keeps every e_j within e^d: no overflow
    polynomials = _expand(sets, x, risk[0], (tied, deaths, scale))
    at = np.arange(len(tied))
    value = np.maximum(polynomials.value[at, deaths], SMALLEST)
    slope = polynomials.first[at, :, deaths] / value[:, None]
    bend = polynomials.second[at, :, :, deaths] / value[:, None, None]
    return Evaluation(
        untied.log_likelihood - np.sum(np.log(value) + deaths * np.log(scale)),
        untied.score - np.sum(slope, axis=0),
        untied.information + np.sum(bend - slope[:, :, None] * slope[:, None, :], axis=0),
        untied.extreme | np.any(value == SMALLEST),
    )


def _expand(sets: RiskSets, x: Floats, risk: Floats, tied: tuple[Ints, Ints, Floats]) -> _Polynomials:
    times, deaths, scale = tied
    p, degree = len(x), int(deaths.max()) + 1
    polynomials = _Polynomials(
        np.zeros((len(times), degree)), np.zeros((len(times), p, degree)), np.zeros((len(times), p, p, degree))
    )
    polynomials.value[:, 0] = 1.0
    first, last = np.searchsorted(times, sets.lower), np.searchsorted(times, sets.upper)
    for i in np.flatnonzero(first < last):
        span = slice(first[i], last[i])
        polynomials.add(span, risk[i] / scale[span], x[:, i])
    return polynomials
