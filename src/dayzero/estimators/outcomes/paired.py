"""Two values of the same patients: McNemar's tests and Wilcoxon's signed-rank test."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt
from scipy import special

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.chi_squared import p_value
from dayzero.estimators.descriptive import proportion_limits
from dayzero.spells import Floats, snap

MOST_EXACT: Final = 50  # pairs up to which the signed-rank distribution is taken as it is
TIED: Final = "ties or differences of 0: the exact distribution does not hold, the normal one with tie correction does"


def mcnemar(first: npt.ArrayLike, second: npt.ArrayLike, *, level: float = 0.95) -> Estimate:
    """Test whether an outcome is as frequent the second time as the first, in the same patients.

    Parameters
    ----------
    first, second
        (n,) whether each patient had the outcome.
    level
        Coverage of the proportions' limits.

    Returns
    -------
    Estimate
        ``proportion`` with the term ``first`` and ``second``; ``mcnemar`` twice, from the discordant pairs b (only
        the first time) and c (only the second): method ``exact``, the two-sided binomial p of b among b + c at one
        half; and ``continuity-corrected``, chi^2 = (|b - c| - 1)^2 / (b + c) with one df (McNemar 1947,
        Psychometrika 12:153; Edwards 1948). Their ``n_events`` is b + c.

    Examples
    --------
    >>> rows = mcnemar([1] * 6 + [0] * 4, [0] * 5 + [1] * 2 + [0] * 3).where(statistic="mcnemar").rows
    >>> rows["p_value"].round(5).to_list(), rows["n_events"].to_list()
    ([0.21875, 0.22067], [6, 6])
    """
    before, after = _pairs(first, second, np.bool_)
    n, only_first, only_second = len(before), int(np.sum(before & ~after)), int(np.sum(~before & after))
    odd = only_first + only_second
    corrected = max(abs(only_first - only_second) - 1, 0) ** 2 / odd if odd else float("nan")
    exact = min(1.0, 2.0 * float(special.bdtr(min(only_first, only_second), odd, 0.5))) if odd else 1.0
    shares = [
        make_estimate("proportion", term=name, method="Clopper-Pearson", estimate=float(values.mean()), n=n,
                      lower=low, upper=high, n_events=int(values.sum()))
        for name, values in (("first", before), ("second", after))
        for low, high in [proportion_limits(int(values.sum()), n, level)]
    ]  # fmt: skip
    return concat([
        *shares,
        make_estimate("mcnemar", method="exact", p_value=exact, n=n, n_events=odd),
        make_estimate("mcnemar", method="continuity-corrected", estimate=corrected, df=1.0,
                      p_value=p_value(corrected, 1) if odd else None, n=n, n_events=odd),
    ])  # fmt: skip


def signed_rank(first: npt.ArrayLike, second: npt.ArrayLike, *, level: float = 0.95) -> Estimate:
    """Test whether values are higher, or lower, the second time than the first, in the same patients.

    With R_i the rank of |second - first| among the pairs that differ and V the sum of the ranks of the increases
    (Wilcoxon 1945, Biometrics Bull 1:80), the two-sided p is exact with up to 50 pairs of which none is tied or equal;
    otherwise that of (|V - n (n + 1) / 4| - 1/2) / s, s^2 = n (n + 1) (2 n + 1) / 24 - sum (t^3 - t) / 48, the pairs
    without a difference left out, as R's ``wilcox.test`` has it. The method says which.

    Parameters
    ----------
    first, second
        (n,) values of each patient.
    level
        Coverage of the limits, which it reaches at least.

    Returns
    -------
    Estimate
        ``median_difference``, second less first; ``signed_rank`` with V as estimate; and with the exact method
        ``pseudomedian``, the median of the means of every two differences (Hodges and Lehmann 1963), with exact
        limits. ``n_events`` is the number of pairs that differ.

    Examples
    --------
    >>> rows = signed_rank([1.0, 2.0, 3.0, 4.0], [2.0, 4.0, 6.0, 8.0]).where(statistic="signed_rank").rows
    >>> rows["estimate"].item(), rows["p_value"].item(), rows["method"].item()
    (10.0, 0.125, 'exact')
    """
    before, after = _pairs(first, second, np.float64)
    sizes = snap(np.append(np.abs(after - before), 0.0))[0][:-1]
    change = (np.sign(after - before) * sizes)[sizes > 0]
    n = len(change)
    ranks, tied = _ranks(np.abs(change))
    above = float(ranks[change > 0].sum())
    about: dict[str, object] = {"n": len(before), "n_events": n}
    rows = [make_estimate("median_difference", estimate=float(np.median(after - before)), **about)]
    if not tied and n == len(before) and 0 < n <= MOST_EXACT:
        chances = _null_distribution(n)
        tails = chances[: int(above) + 1].sum(), chances[int(above) :].sum()
        p = min(1.0, 2.0 * float(min(tails)))
        rows.append(make_estimate("signed_rank", method="exact", estimate=above, p_value=p, **about))
        rows.append(_pseudomedian(change, chances, level).label(n=len(before), n_events=n))
        return concat(rows)
    spread = n * (n + 1) * (2 * n + 1) / 24.0 - tied / 48.0
    gap = max(abs(above - n * (n + 1) / 4.0) - 0.5, 0.0)
    p = float(special.erfc(gap / np.sqrt(2.0 * spread))) if spread > 0 else 1.0
    about |= {"warning": TIED if tied or n < len(before) else None, "method": "normal, continuity-corrected"}
    return concat([*rows, make_estimate("signed_rank", estimate=above, p_value=p, **about)])


def _pairs(first: npt.ArrayLike, second: npt.ArrayLike, dtype: type) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    before: npt.NDArray[Any] = np.asarray(first, dtype)
    after: npt.NDArray[Any] = np.asarray(second, dtype)
    if before.shape != after.shape or before.ndim != 1:
        raise ValueError("the two times have different patients")
    if not len(before):
        raise InputError("no patient has both values", mend="Name two times that the same patients have reached.")
    return before, after


def _ranks(values: Floats) -> tuple[Floats, float]:
    """Return midranks, and the sum of t^3 - t over ties of t values."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2.0)[place], float(np.sum(count.astype(float) ** 3 - count))


def _null_distribution(n: int) -> Floats:
    """Return P(V = v), v = 0 .. n (n + 1) / 2, each rank counting with probability one half.

    Examples
    --------
    >>> _null_distribution(2).tolist()
    [0.25, 0.25, 0.25, 0.25]
    """
    chances = np.zeros(n * (n + 1) // 2 + 1)
    chances[0] = 1.0
    for rank in range(1, n + 1):
        chances[rank:] = (chances[rank:] + chances[:-rank]) / 2.0
        chances[:rank] /= 2.0
    return chances


def _pseudomedian(change: Floats, chances: Floats, level: float) -> Estimate:
    """Return the median of the Walsh averages, with the limits that the exact test does not reject."""
    upper, lower = np.triu_indices(len(change))
    means = np.sort((change[upper] + change[lower]) / 2.0)
    below = int(np.searchsorted(np.cumsum(chances), (1.0 - level) / 2.0, side="left"))
    ends = (means[below - 1], means[-below]) if below else (np.nan, np.nan)
    warning = None if below else "too few pairs for limits at this level"
    middle = float(np.median(means))
    return make_estimate("pseudomedian", method="exact", estimate=middle, lower=ends[0], upper=ends[1], warning=warning)
