"""Ranks of independent patients: Spearman's correlation, Jonckheere-Terpstra's trend, Kruskal-Wallis' differences.

Infinite values are ranks like others: what lies above the range of an assay is +inf, and tied with all that does.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt
from scipy import special

from dayzero.errors import InputError
from dayzero.estimate import Estimate, make_estimate
from dayzero.estimators.chi_squared import p_value
from dayzero.spells import Floats, Ints

SMALL: Final = 9  # patients up to which every permutation is counted, as R's cor.test does
MOST_EXACT: Final = 50  # patients up to which the distribution of the trend statistic is taken as it is
CONSTANT: Final = "one of the two does not vary: there is no correlation"
TIED: Final = "ties: the normal distribution with their correction is taken, not the exact one"


def spearman(first: npt.ArrayLike, second: npt.ArrayLike, *, level: float = 0.95) -> Estimate:
    """Measure whether two quantities rise together, by the correlation of their midranks.

    r is Pearson's correlation of the midranks (Spearman 1904, Am J Psychol 15:72). The two-sided p is exact up to 9
    patients without ties, twice the smaller tail over all permutations, otherwise that of r sqrt((n - 2) / (1 - r^2))
    with Student's t on n - 2 degrees of freedom, as R's ``cor.test(exact = FALSE)`` has it. Limits: tanh(atanh r -+ z
    s), s^2 = (1 + r^2 / 2) / (n - 3) (Bonett and Wright 2000, Psychometrika 65:23).

    Parameters
    ----------
    first, second
        (n,) numbers, infinite ones too; patients with a NaN in either are left out.
    level
        Coverage of the limits.

    Returns
    -------
    Estimate
        One row ``spearman``; the method names the distribution of p.

    Examples
    --------
    >>> row = spearman([1, 2, 3, 4, 5], [2, 1, 4, 3, 5]).rows.row(0, named=True)
    >>> round(row["estimate"], 12), round(row["p_value"], 6), row["method"]
    (0.8, 0.133333, 'exact')
    """
    one, two = _known(first, second)
    n = len(one)
    (ranks, tied), (others, also) = midranks(one), midranks(two)
    r = _correlation(ranks, others)
    if n < 3 or not np.isfinite(r):
        return make_estimate("spearman", n=n, warning=CONSTANT if n >= 3 else "fewer than 3 patients")
    exact = n <= SMALL and not tied and not also
    p = _permutation_p(ranks, others) if exact else _student_p(r, n)
    low, high = _fisher_limits(r, n, level)
    return make_estimate("spearman", method="exact" if exact else "Student’s t", estimate=r, lower=low, upper=high,
                         p_value=p, n=n)  # fmt: skip


def jonckheere(groups: npt.ArrayLike, values: npt.ArrayLike) -> Estimate:
    """Test whether values rise, or fall, with the order of the groups (Jonckheere-Terpstra).

    J counts the pairs of patients of different groups whose values stand in the order of the groups, ties as one half
    (Terpstra 1952; Jonckheere 1954, Biometrika 41:133). Without ties and up to 50 patients the two-sided p is exact,
    twice the smaller tail of J, whose distribution is that of the inversions of a multiset; otherwise normal, with the
    variance for ties of Lehmann (1975), without continuity correction. With ties in both that is Kendall's test of
    group and value.

    Parameters
    ----------
    groups
        (n,) numbers whose order is that of the groups.
    values
        (n,) numbers, infinite ones too; patients with a NaN in either are left out.

    Returns
    -------
    Estimate
        One row ``jonckheere``: J is the estimate, ``df`` null. Above N^2 / 4 - sum n_i^2 / 4 values rise.

    Examples
    --------
    >>> row = jonckheere([0, 0, 1, 1, 2, 2], [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).rows.row(0, named=True)
    >>> row["estimate"], round(row["p_value"] * 90, 9), row["method"]
    (12.0, 2.0, 'exact')
    """
    order, known = _known(groups, values)
    _, codes, sizes = np.unique(order, return_inverse=True, return_counts=True)
    n = len(known)
    if len(sizes) < 2:
        return make_estimate("jonckheere", n=n, warning="fewer than two groups")
    statistic = _in_order(codes, known, len(sizes))
    ties = np.unique(known, return_counts=True)[1]
    if int(ties.max()) == 1 and n <= MOST_EXACT:
        chances = _trend_distribution(sizes)
        place = round(statistic)
        tails = float(chances[: place + 1].sum()), float(chances[place:].sum())
        p = min(1.0, 2.0 * min(tails))
        return make_estimate("jonckheere", method="exact", estimate=statistic, p_value=p, n=n)
    middle, variance = (n**2 - float(np.sum(sizes.astype(float) ** 2))) / 4.0, _trend_variance(sizes, ties)
    if not variance > 0:
        return make_estimate("jonckheere", estimate=statistic, n=n, warning="all values are equal")
    p = float(special.erfc(abs(statistic - middle) / np.sqrt(2.0 * variance)))
    warning = TIED if int(ties.max()) > 1 and n <= MOST_EXACT else None
    return make_estimate("jonckheere", method="normal", estimate=statistic, p_value=p, n=n, warning=warning)


def kruskal_wallis(groups: npt.ArrayLike, values: npt.ArrayLike) -> Estimate:
    """Test whether values differ between groups by their midranks (Kruskal and Wallis 1952, JASA 47:583).

    H = 12 / (n (n + 1)) sum R_i^2 / n_i - 3 (n + 1), over 1 - sum (t^3 - t) / (n^3 - n) for ties of t; chi-squared
    with groups - 1 degrees of freedom.

    Parameters
    ----------
    groups
        (n,) codes.
    values
        (n,) numbers, infinite ones too; patients with a NaN in either are left out.

    Returns
    -------
    Estimate
        One row ``kruskal_wallis``.

    Examples
    --------
    >>> row = kruskal_wallis([0, 0, 1, 1], [1.0, 2.0, 3.0, 4.0]).rows.row(0, named=True)
    >>> round(row["estimate"], 6), row["df"]
    (2.4, 1.0)
    """
    of, known = _known(groups, values)
    _, codes, sizes = np.unique(of, return_inverse=True, return_counts=True)
    n = len(known)
    if len(sizes) < 2:
        return make_estimate("kruskal_wallis", n=n, warning="fewer than two groups")
    ranks, tied = midranks(known)
    left = 1.0 - tied / (float(n) ** 3 - n)
    if not left > 0:
        return make_estimate("kruskal_wallis", n=n, warning="all values are equal")
    sums = np.bincount(codes, weights=ranks)
    height = (12.0 * float(np.sum(sums**2 / sizes)) / (n * (n + 1)) - 3 * (n + 1)) / left
    df = len(sizes) - 1
    return make_estimate("kruskal_wallis", method="chi-squared", estimate=height, df=float(df),
                         p_value=p_value(height, df), n=n)  # fmt: skip


def midranks(values: Floats) -> tuple[Floats, float]:
    """Return (n,) midranks, and the sum of t^3 - t over ties of t values.

    Examples
    --------
    >>> midranks(np.array([3.0, 1.0, 3.0]))[0].tolist()
    [2.5, 1.0, 2.5]
    """
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(count) - (count - 1) / 2.0)[place], float(np.sum(count.astype(float) ** 3 - count))


def _known(first: npt.ArrayLike, second: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Return the pairs without NaN; numbers that rounding alone tells apart are tied (convention 1)."""
    one, two = np.asarray(first, float), np.asarray(second, float)
    if one.shape != two.shape or one.ndim != 1:
        raise ValueError("the two have different patients")
    kept = ~(np.isnan(one) | np.isnan(two))
    if not bool(kept.any()):
        raise InputError("no patient has both values", mend="Name two columns that the same patients have.")
    return _merged(one[kept]), _merged(two[kept])


def _merged(values: Floats) -> Floats:
    """Tie what differs by rounding alone, relative to the largest, for values of any unit."""
    finite = np.abs(values[np.isfinite(values)])
    scale = float(finite.max()) if len(finite) and finite.max() > 0 else 1.0
    distinct = np.unique(values / scale)
    size = np.where(np.isfinite(distinct[1:]), np.abs(distinct[1:]), 0.0)
    close = distinct[1:] <= distinct[:-1] + 8 * np.finfo(float).eps * size
    kept = distinct[np.concatenate(([True], ~close))]
    return np.asarray(kept[np.searchsorted(kept, values / scale, side="right") - 1])


def _correlation(first: Floats, second: Floats) -> float:
    one, two = first - first.mean(), second - second.mean()
    spread = float(np.sqrt(np.sum(one**2) * np.sum(two**2)))
    return float(np.clip(np.sum(one * two) / spread, -1.0, 1.0)) if spread > 0 else float("nan")


def _student_p(r: float, n: int) -> float:
    """Return the two-sided p of r sqrt((n - 2) / (1 - r^2)) by the incomplete beta function."""
    return float(special.betainc((n - 2) / 2.0, 0.5, (1.0 - r) * (1.0 + r)))


def _fisher_limits(r: float, n: int, level: float) -> tuple[float | None, float | None]:
    if n <= 3 or abs(r) >= 1.0:
        return None, None
    reach = float(special.ndtri((1.0 + level) / 2.0)) * np.sqrt((1.0 + r**2 / 2.0) / (n - 3))
    return float(np.tanh(np.arctanh(r) - reach)), float(np.tanh(np.arctanh(r) + reach))


def _permutation_p(first: Floats, second: Floats) -> float:
    """Return twice the smaller tail of sum i p(i) over all permutations p, counted by which places are taken.

    After the first i places the sums of all ways are a polynomial for each set of places used.
    """
    n = len(first)
    most = n * (n + 1) * (2 * n + 1) // 6
    ways: dict[int, Floats] = {0: np.eye(1, most + 1)[0]}
    for place in range(1, n + 1):
        longer: dict[int, Floats] = {}
        for used, counts in ways.items():
            for rank in (k for k in range(1, n + 1) if not used & 1 << k):
                moved = np.zeros(most + 1)
                moved[place * rank :] = counts[: most + 1 - place * rank]
                longer[used | 1 << rank] = longer.get(used | 1 << rank, 0.0) + moved
        ways = longer
    (counts,) = ways.values()
    seen = round(float(first @ second))
    tails = counts[: seen + 1].sum(), counts[seen:].sum()
    return min(1.0, 2.0 * float(min(tails)) / float(counts.sum()))


def _in_order(codes: Ints, values: Floats, size: int) -> float:
    """Return J: pairs of groups a < b, values of b above those of a, ties one half."""
    total = 0.0
    for later in range(1, size):
        below = np.sort(values[codes < later])
        above = values[codes == later]
        total += 0.5 * float(
            np.sum(np.searchsorted(below, above, "left")) + np.sum(np.searchsorted(below, above, "right"))
        )
    return total


def _trend_distribution(sizes: Sequence[int] | Ints) -> Floats:
    """Return P(J = j), j = 0 ..., without ties: the Gaussian multinomial coefficient over its sum.

    Each group adds a Mann-Whitney statistic against all groups before it, independent of the others; that of m and n
    has the generating function prod (1 - q^(m + i)) / (1 - q^i), i = 1 .. n.

    Examples
    --------
    >>> _trend_distribution([1, 1, 1]).round(6).tolist()
    [0.166667, 0.333333, 0.333333, 0.166667]
    """
    chances = np.ones(1)
    before = int(sizes[0])
    for size in map(int, sizes[1:]):
        chances = np.convolve(chances, _mann_whitney(before, size))
        before += size
    return chances


def _mann_whitney(m: int, n: int) -> Floats:
    """Return P(U = u), u = 0 .. m n, by f(m, n) = (n / (m + n)) f(m, n - 1) moved by m + (m / (m + n)) f(m - 1, n)."""
    rows = [np.ones(1) for _ in range(n + 1)]  # of m = 0
    for first in range(1, m + 1):
        fresh = [np.ones(1)]
        for second in range(1, n + 1):
            both = np.zeros(first * second + 1)
            both[first:] += fresh[second - 1] * second / (first + second)
            both[: (first - 1) * second + 1] += rows[second] * first / (first + second)
            fresh.append(both)
        rows = fresh
    return rows[n]


def _trend_variance(sizes: Ints, ties: Ints) -> float:
    """Return the variance of J given the sizes of the groups and of the ties (Lehmann 1975, Nonparametrics)."""
    n = float(sizes.sum())

    def falling(counts: Ints, degree: int) -> float:
        numbers = counts.astype(float)
        product = numbers * (numbers - 1)
        extra = {2: 1.0, 3: numbers - 2, 5: 2 * numbers + 5}[degree]
        return float(np.sum(product * extra))

    first = (n * (n - 1) * (2 * n + 5) - falling(sizes, 5) - falling(ties, 5)) / 72.0
    second = falling(sizes, 3) * falling(ties, 3) / (36.0 * n * (n - 1) * (n - 2)) if n > 2 else 0.0
    return first + second + falling(sizes, 2) * falling(ties, 2) / (8.0 * n * (n - 1))
