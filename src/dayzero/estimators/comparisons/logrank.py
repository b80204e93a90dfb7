"""Log-rank tests: k groups, strata, Fleming-Harrington weights, start-stop rows and case weights."""

from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
import polars as pl

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.changing_weights import refuse_changing
from dayzero.estimators.chi_squared import holm, p_value, quadratic_form
from dayzero.estimators.curves.risk_sets import count_risk_sets, exhausted
from dayzero.estimators.groups import Comparison, compare_rows
from dayzero.spells import Floats, Spells

ONE_GROUP: Final = "no test: there is only one group"
SEVERAL_STATES: Final = "no test: the log-rank test is for one state that patients leave, and here they leave several"
NO_EVENTS: Final = "no test: no event while patients of two groups were at risk"


@dataclass(frozen=True)
class LogRank:
    """Which log-rank test.

    Attributes
    ----------
    strata
        Columns whose combinations are the strata.
    rho, gamma
        Powers of the weight S(t-)^rho (1 - S(t-))^gamma of Fleming and Harrington, S being the Kaplan-Meier curve of
        everybody in the stratum. (1, 0) is the Peto-Prentice kind of Wilcoxon test; (0, 1) weighs late differences.
    """

    strata: tuple[str, ...] = ()
    rho: float = 0.0
    gamma: float = 0.0

    @property
    def method(self) -> str:
        """Return the test's name."""
        name = "log-rank" if self.rho == self.gamma == 0 else f"Fleming-Harrington ({self.rho:g}, {self.gamma:g})"
        return f"{name}, stratified by {', '.join(self.strata)}" if self.strata else name


DEFAULT: Final = LogRank()


@dataclass(frozen=True)
class LogRankFit:
    """Observed and expected events of k groups, summed over the strata, in the test's weights.

    Attributes
    ----------
    levels
        The groups.
    observed, expected
        (k,) events.
    variance
        (k, k) covariance of observed - expected under the null hypothesis.
    chi2, df
        The statistic (O - E)' V^- (O - E) and the rank of V: one less than the number of groups compared.
    """

    levels: tuple[str, ...]
    observed: Floats
    expected: Floats
    variance: Floats
    chi2: float
    df: int


def fit_logrank(spells: Spells, by: str, *, model: LogRank = DEFAULT) -> LogRankFit:
    """Compare the hazards of the endpoint's event between groups.

    At each event time with d events among Y at risk, group a has expected d Y_a / Y, and the covariance is the
    hypergeometric d (Y_a / Y) (1{a = b} - Y_b / Y) (Y - d) / (Y - 1) (Mantel 1966; Fleming and Harrington 1991,
    chapter 7). Other events count as censoring: with competing events this compares cause-specific hazards.

    Parameters
    ----------
    spells
        The table; its weights count as numbers of patients, and must not change with time.
    by
        Column of the groups, baseline or time-varying (Mantel and Byar 1974); patients without a value are left out.
    model
        Strata and weights.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> fit = fit_logrank(make_spells([1, 2, 3, 4], [1, 1, 1, 1], arm=["a", "a", "b", "b"]), "arm")
    >>> fit.observed.tolist(), fit.expected.round(4).tolist(), fit.df
    ([2.0, 2.0], [0.8333, 3.1667], 1)
    """
    return _fit(compare_rows(spells, by, model.strata), model)


def logrank(spells: Spells, by: str, *, model: LogRank = DEFAULT) -> Estimate:
    """Test the equality of the groups' hazards.

    Parameters
    ----------
    spells, by, model
        As for :func:`fit_logrank`.

    Returns
    -------
    Estimate
        One row: statistic ``logrank``, the chi-squared statistic as estimate, with ``df`` and ``p_value``; null with
        a warning where nothing can be compared.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([1, 2, 3, 4], [1, 1, 1, 1], arm=["a", "a", "b", "b"])
    >>> print(f"{logrank(spells, 'arm').rows['estimate'].item():.4f}")
    2.8824
    """
    return _row(compare_rows(spells, by, model.strata), model, method=model.method)


def logrank_pairwise(spells: Spells, by: str, *, model: LogRank = DEFAULT) -> Estimate:
    """Test every pair of groups, with Holm's (1979) adjustment of the p-values.

    Parameters
    ----------
    spells, by, model
        As for :func:`fit_logrank`.

    Returns
    -------
    Estimate
        A row a pair, ``group`` written ``column=a|b``; ``p_value`` is adjusted over the pairs that could be tested.
    """
    whole = compare_rows(spells, by, model.strata)
    method = f"{model.method}; Holm"
    table = concat(
        _row(whole.pair(a, b), model, method=method).label(group=f"{by}={whole.levels[a]}|{whole.levels[b]}")
        for a, b in combinations(range(len(whole.levels)), 2)
    )
    return replace(
        table, rows=table.rows.with_columns(pl.Series("p_value", holm(table.rows["p_value"].to_list()), pl.Float64))
    )


def _row(comparison: Comparison, model: LogRank, *, method: str) -> Estimate:
    fit = _fit(comparison, model)
    spells = comparison.spells
    faults = {ONE_GROUP: len(fit.levels) < 2, SEVERAL_STATES: bool(spells.state.any()), NO_EVENTS: fit.df == 0}
    fault = next((name for name, holds in faults.items() if holds), None)
    return make_estimate(
        "logrank",
        endpoint=spells.name or None,
        method=method,
        estimate=None if fault else fit.chi2,
        df=None if fault else float(fit.df),
        p_value=None if fault else p_value(fit.chi2, fit.df),
        n=spells.n,
        n_events=int(np.count_nonzero(spells.event())),
        warning="; ".join(text for text in (fault, comparison.warning) if text) or None,
    )


def _fit(comparison: Comparison, model: LogRank) -> LogRankFit:
    k = len(comparison.levels)
    observed, expected, variance = np.zeros(k), np.zeros(k), np.zeros((k, k))
    for stratum in range(int(comparison.strata.max(initial=-1)) + 1):
        at_risk, events = _counts(comparison, stratum)
        weight = _weight(at_risk.sum(axis=1), events.sum(axis=1), model)
        observed += weight @ events
        mean, covariance = _moments(at_risk, events.sum(axis=1), weight)
        expected += mean
        variance += covariance
    chi2, df = quadratic_form(observed - expected, variance)
    return LogRankFit(comparison.levels, observed, expected, variance, chi2, df)


def _counts(comparison: Comparison, stratum: int) -> tuple[Floats, Floats]:
    """Return those at risk and the events (T, k) at the event times of one stratum."""
    refuse_changing(comparison.spells, "a log-rank test")
    rows, codes = comparison.stratum(stratum)
    sets = count_risk_sets(rows, groups=codes, n_groups=len(comparison.levels))
    moving = sets.events[:, :, 1].any(axis=1)
    return sets.at_risk[moving], sets.events[moving, :, 1]


def _weight(at_risk: Floats, events: Floats, model: LogRank) -> Floats:
    """Return (T,) the weight S(t-)^rho (1 - S(t-))^gamma."""
    leave = np.where(exhausted(at_risk, events), 1.0, events / at_risk)
    survival = np.concatenate([[1.0], np.cumprod(1.0 - leave)[:-1]]) if len(leave) else leave
    return np.asarray(survival**model.rho * (1.0 - survival) ** model.gamma)


def _moments(at_risk: Floats, events: Floats, weight: Floats) -> tuple[Floats, Floats]:
    """Return the expected events (k,) and their hypergeometric covariance (k, k)."""
    total = at_risk.sum(axis=1)
    share = at_risk / total[:, None]
    spread = np.divide(total - events, total - 1.0, out=np.zeros_like(total), where=total > 1.0)
    size = weight**2 * events * spread
    return (weight * events) @ share, np.diag(size @ share) - share.T @ (size[:, None] * share)
