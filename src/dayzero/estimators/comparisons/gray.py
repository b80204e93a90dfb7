"""Gray's (1988) test of equal cumulative incidences, for k groups and strata.

R. J. Gray, A class of K-sample tests for comparing the cumulative incidence of a competing risk, Annals of Statistics
16 (1988) 1141-1154. Notation, within a stratum, at each event time: Y_r at risk in group r, S_r its Kaplan-Meier curve
of being free of any event, F_r its cumulative incidence of the event of interest, h_r = Y_r / S_r-, and

    R_r = h_r (1 - F_r-)            the risk set of the subdistribution hazard,
    dGamma = dN / sum R             that hazard, common to all groups under the null hypothesis,
    dF = dN / sum h, G = 1 - F      the common subdistribution,
    z_i = sum L (dN_i - R_i dGamma),   L = (G-)^rho           the score.

Its variance is that of the sum over groups r and times s of martingale increments, with K_ir = L (1{i = r} - h_i / h):

    a_ir = K_ir + (1 - G / S_r) C_ir / h_r   for the event of interest,
    b_ir =          - G / S_r   C_ir / h_r   for the events that compete,
    C_ir(s) = sum over t > s of K_ir h_r dF / G-.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.changing_weights import refuse_changing
from dayzero.estimators.chi_squared import p_value, quadratic_form
from dayzero.estimators.curves.risk_sets import count_risk_sets, exhausted
from dayzero.estimators.groups import Comparison, compare_rows
from dayzero.spells import Floats, Spells

ONE_GROUP: Final = "no test: there is only one group"
NO_EVENTS: Final = "no test: the event was not seen while patients of two groups were at risk"
ENTRY: Final = "no test: Gray's test is not defined with delayed entry or several rows a patient"


@dataclass(frozen=True)
class GrayFit:
    """The scores of Gray's test for one event.

    Attributes
    ----------
    levels
        The k groups.
    score
        (k,) observed less expected events of the subdistribution; they sum to zero.
    variance
        (k, k) covariance of the score under the null hypothesis.
    chi2, df
        The statistic and its degrees of freedom.
    """

    levels: tuple[str, ...]
    score: Floats
    variance: Floats
    chi2: float
    df: int


def gray(spells: Spells, by: str, *, rho: float = 0.0, strata: Sequence[str] = ()) -> Estimate:
    """Test the equality of the groups' cumulative incidences, for each event.

    Parameters
    ----------
    spells
        The table, one row a patient and no delayed entry.
    by
        Column of the groups; patients without a value are left out, with a warning.
    rho
        Power of the weight (1 - F(t-))^rho.
    strata
        Columns whose combinations are the strata.

    Returns
    -------
    Estimate
        A row each event, statistic ``gray``, ``term`` the event, the chi-squared statistic as estimate, with ``df``
        and ``p_value``; null with a warning where the test cannot be made.
    """
    comparison = compare_rows(spells, by, strata)
    method = "Gray" if rho == 0 else f"Gray ({rho:g})"
    method += f", stratified by {', '.join(strata)}" if strata else ""
    rows = (_row(comparison, event, rho) for event in range(1, len(spells.states)))
    return concat(row.label(method=method) for row in rows)


def fit_gray(spells: Spells, by: str, *, event: int = 1, rho: float = 0.0, strata: Sequence[str] = ()) -> GrayFit:
    """Fit Gray's test for one event.

    Parameters
    ----------
    spells, by, rho, strata
        As for :func:`gray`; rows must not have delayed entry.
    event
        Code of the event of interest among the table's states.
    """
    return _fit(compare_rows(spells, by, strata), event, rho)


def _row(comparison: Comparison, event: int, rho: float) -> Estimate:
    spells = comparison.spells
    entry = bool(np.isfinite(spells.start).any() or spells.state.any())
    fit = None if entry else _fit(comparison, event, rho)
    fault = ONE_GROUP if len(comparison.levels) < 2 else ENTRY if fit is None else NO_EVENTS if fit.df == 0 else None
    known = fit if fault is None else None
    return make_estimate(
        "gray",
        endpoint=spells.name or None,
        term=spells.states[event],
        estimate=known.chi2 if known else None,
        df=float(known.df) if known else None,
        p_value=p_value(known.chi2, known.df) if known else None,
        n=spells.n,
        n_events=int(np.count_nonzero(spells.to == event)),
        warning="; ".join(text for text in (fault, comparison.warning) if text) or None,
    )


def _fit(comparison: Comparison, event: int, rho: float) -> GrayFit:
    k = len(comparison.levels)
    score, variance = np.zeros(k), np.zeros((k, k))
    for stratum in range(int(comparison.strata.max(initial=-1)) + 1):
        curves = _curves(comparison, stratum, event)
        part = _score(curves, rho)
        score += part[0]
        variance += part[1]
    chi2, df = quadratic_form(score, variance)
    return GrayFit(comparison.levels, score, variance, chi2, df)


@dataclass(frozen=True)
class _Curves:
    """What one stratum shows at its T event times in its k groups: the notation of this module, each (T, k)."""

    at_risk: Floats  # Y
    events: Floats  # dN
    competing: Floats  # events of any other kind
    survival: Floats  # S
    survival_before: Floats  # S-
    incidence_before: Floats  # F-


def _curves(comparison: Comparison, stratum: int, event: int) -> _Curves:
    refuse_changing(comparison.spells, "Gray's test")
    rows, codes = comparison.stratum(stratum)
    sets = count_risk_sets(rows, groups=codes, n_groups=len(comparison.levels))
    moving = sets.events.any(axis=(1, 2))
    at_risk, every = sets.at_risk[moving], sets.events[moving].sum(axis=2)
    events = sets.events[moving, :, event]
    leave = np.where(exhausted(at_risk, every), 1.0, _ratio(every, at_risk))
    survival = np.asarray(np.cumprod(1.0 - leave, axis=0), float)
    before = _before(survival, 1.0)
    incidence = np.cumsum(before * _ratio(events, at_risk), axis=0)
    return _Curves(at_risk, events, every - events, survival, before, _before(incidence, 0.0))


@dataclass(frozen=True)
class _Pooled:
    """What the groups of a stratum have in common under the null hypothesis: (T,) each, ``h`` (T, k)."""

    h: Floats
    increment: Floats  # dF
    free: Floats  # G
    hazard: Floats  # dF / G-
    weight: Floats  # L


def _pooled(curves: _Curves, rho: float) -> _Pooled:
    h = _ratio(curves.at_risk, curves.survival_before)
    increment = _ratio(curves.events.sum(axis=1), h.sum(axis=1))
    free = 1.0 - np.cumsum(increment)
    before = _before(free, 1.0)
    return _Pooled(h, increment, free, _ratio(increment, before), np.maximum(before, 0.0) ** rho)


def _score(curves: _Curves, rho: float) -> tuple[Floats, Floats]:
    """Return the score (k,) and its covariance (k, k) in one stratum."""
    pooled = _pooled(curves, rho)
    risk = pooled.h * (1.0 - curves.incidence_before)
    expected = risk * _ratio(curves.events.sum(axis=1), risk.sum(axis=1))[:, None]
    score = pooled.weight @ (curves.events - expected)
    return score, sum((_variance(curves, pooled, group) for group in range(len(score))), np.zeros((len(score),) * 2))


def _variance(curves: _Curves, pooled: _Pooled, group: int) -> Floats:
    """Return what one group's martingales add to the covariance (k, k) of the score."""
    h, survival = pooled.h[:, group], curves.survival[:, group]
    kernel = -_ratio(pooled.h, pooled.h.sum(axis=1)[:, None])
    kernel[:, group] += 1.0
    kernel *= pooled.weight[:, None]
    steps = kernel * (h * pooled.hazard)[:, None]
    later = (np.cumsum(steps[::-1], axis=0)[::-1] - steps) * _ratio(np.ones_like(h), h)[:, None]
    share = _ratio(pooled.free, survival)
    own = kernel + ((survival > 0) - share)[:, None] * later
    other = -share[:, None] * later
    total = curves.events.sum(axis=1)
    expected = h * pooled.increment * _tied(total, pooled.h.sum(axis=1) * curves.survival_before[:, group])
    competing = curves.competing[:, group]
    competing = competing * _tied(competing, curves.at_risk[:, group])
    return own.T @ (expected[:, None] * own) + other.T @ (competing[:, None] * other)


def _tied(events: Floats, at_risk: Floats) -> Floats:
    """Return the hypergeometric factor 1 - (d - 1) / (Y - 1) of d tied events, 1 where there is no tie."""
    tied = (events > 1.0) & (at_risk > 1.0)
    return 1.0 - np.divide(events - 1.0, at_risk - 1.0, out=np.zeros_like(events), where=tied)


def _before(values: Floats, first: float) -> Floats:
    """Return the left limits along the first axis."""
    return np.concatenate([np.full((1, *values.shape[1:]), first), values])[:-1]


def _ratio(numerator: Floats, denominator: Floats) -> Floats:
    """Return the quotient, 0 where the denominator is not positive."""
    numerator, denominator = np.broadcast_arrays(numerator, denominator)
    return np.divide(numerator, denominator, out=np.zeros(numerator.shape), where=denominator > 0)
