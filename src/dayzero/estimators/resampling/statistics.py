"""Statistics that a resample gives, many weightings at a time."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np

from dayzero.estimate import Estimate, concat
from dayzero.estimators.changing_weights import total_weight
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import cox, fit_cox
from dayzero.estimators.curves.aalen_johansen import DEFAULT, aalen_johansen, curve_terms, fit_aalen_johansen
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.curves.restricted_mean import Window, fit_rmst
from dayzero.estimators.curves.rmst import by_reference, rmst
from dayzero.estimators.groups import group_rows
from dayzero.estimators.outcomes.design import OddsModel
from dayzero.estimators.outcomes.logistic import fit_logistic, logistic
from dayzero.spells import Bools, Floats, Spells

Key = tuple[str, str | None, str | None]
RATIOS: Final = ("log_hazard_ratio", "hazard_ratio", "log_odds_ratio", "odds_ratio")


@dataclass(frozen=True)
class Batched:
    """A statistic that is found for many weightings in one pass.

    Attributes
    ----------
    estimate
        The rows of a table, k of them.
    values
        Called with the table and weights (rows, B), which multiply its own: their estimates (B, k), NaN where there
        is none.
    """

    estimate: Callable[[Spells], Estimate]
    values: Callable[[Spells, Floats], Floats]


def cox_statistic(model: CoxModel | Sequence[str]) -> Batched:
    """Return the log hazard ratios and hazard ratios of a Cox model; none where the fit does not converge.

    A patient who is drawn twice is one event of weight 2. With Breslow's ties that is the same as two tied events; with
    Efron's it is not, and a resampled table, whose copies tie, gives slightly other replicates.
    """

    def values(spells: Spells, weights: Floats) -> Floats:
        fit = fit_cox(spells, model, weights)
        return _ratios(fit.coefficients, fit.converged)

    return Batched(lambda spells: _only_ratios(cox(spells, model)), values)


def logistic_statistic(model: OddsModel | Sequence[str]) -> Batched:
    """Return the log odds ratios and odds ratios of a logistic regression; none where the fit does not converge."""

    def values(spells: Spells, weights: Floats) -> Floats:
        fit = fit_logistic(spells, model, weights)
        return _ratios(fit.coefficients, fit.converged)

    return Batched(lambda spells: _only_ratios(logistic(spells, model)), values)


def curve_statistic(times: Sequence[float], by: str | None = None, *, options: Curve = DEFAULT) -> Batched:
    """Return survival, cumulative incidences or state probabilities on the given days, in each group."""
    days = np.asarray(times, float)

    def values(spells: Spells, weights: Floats) -> Floats:
        groups = group_rows(spells, by)
        found = []
        for code in range(len(groups.levels)):
            mine = groups.codes == code
            rows, weight = spells.where(mine), weights[mine]
            fit = fit_aalen_johansen(rows, weight, options=options)
            last = _last(rows, weight)
            moving = fit.probability[-1][fit.left].any(axis=0) if len(fit.times) else np.ones(len(last), bool)
            known = ~((days[:, None] > last) & moving) & np.isfinite(last)
            curves = np.where(known[:, None], fit.at(days), np.nan)[:, [state for state, _ in curve_terms(spells)[1]]]
            found.append(curves.swapaxes(0, 1).reshape(-1, len(last)))
        return np.concatenate(found).T if found else np.zeros((weights.shape[1], 0))

    return Batched(lambda spells: aalen_johansen(spells, by, times, options=options), values)


def rmst_statistic(window: Window, by: str | None = None) -> Batched:
    """Return restricted means, and their differences and ratios; none in resamples that end before the window."""

    def rows(spells: Spells) -> Estimate:
        return rmst(spells, by, window=window)

    def values(spells: Spells, weights: Floats) -> Floats:
        groups = group_rows(spells, by)
        names = [groups.levels[code] for code in by_reference(groups.levels, window.reference)]
        means = {}
        for name in names:
            mine = groups.codes == groups.levels.index(name)
            part, weight = spells.where(mine), weights[mine]
            means[name] = np.full((len(spells.states), weight.shape[1]), np.nan)
            long = _last(part, weight) >= window.horizon
            if bool(long.any()):
                means[name][:, long] = fit_rmst(part, weight[:, long], window=window).mean
        found = _compared(spells.states, {groups.label(name): mean for name, mean in means.items()})
        for a, b in combinations(names, 2):
            found |= _pair(spells.states, f"{by}={a}|{b}", means[a], means[b])
        keys = rows(spells).rows.select("statistic", "group", "term").iter_rows()
        return np.array([found[key] for key in keys]).reshape(-1, weights.shape[1]).T

    return Batched(rows, values)


def _ratios(coefficients: Floats, converged: Bools) -> Floats:
    """Return (B, 2p) each coefficient and its exponential, NaN where the fit did not converge."""
    logs = np.where(converged[:, None], coefficients, np.nan)
    return np.stack([logs, np.exp(logs)], axis=2).reshape(len(logs), -1)


def _only_ratios(found: Estimate) -> Estimate:
    return concat([Estimate(found.rows.filter(found.rows["statistic"].is_in(RATIOS)))])


def _last(spells: Spells, weights: Floats) -> Floats:
    """Return (B,) the last day of an observation with weight, -inf where there is none."""
    days = np.where(total_weight(spells, weights) > 0, spells.stop[:, None], -np.inf)
    return np.asarray(np.max(days, axis=0, initial=-np.inf))


def _compared(states: Sequence[str], means: dict[str | None, Floats]) -> dict[Key, Floats]:
    """Return (B,) the restricted means of each group, under the names of their rows."""
    found: dict[Key, Floats] = {}
    for group, mean in means.items():
        found["rmst", group, None] = mean[0]
        found |= {("rmtl", group, state): mean[k] for k, state in enumerate(states) if k}
    return found


def _pair(states: Sequence[str], group: str, first: Floats, second: Floats) -> dict[Key, Floats]:
    """Return (B,) the differences and the ratio of two groups, under the names of their rows."""
    ratio = np.divide(second[0], first[0], out=np.full_like(first[0], np.nan), where=first[0] > 0)
    found: dict[Key, Floats] = {("rmst_difference", group, None): second[0] - first[0]}
    found["rmst_ratio", group, None] = ratio
    return found | {("rmtl_difference", group, state): second[k] - first[k] for k, state in enumerate(states) if k}
