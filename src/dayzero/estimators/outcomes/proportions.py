"""Proportions of patients with an outcome, with named limits, and Fisher's exact test between groups."""

from dataclasses import replace
from typing import Final

import numpy as np
from scipy import special

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.changing_weights import refuse_changing
from dayzero.estimators.descriptive import proportion_limits
from dayzero.estimators.groups import group_rows, join_warnings
from dayzero.spells import Floats, Ints, Spells

MOST_TABLES: Final = 20_000_000  # tables that are listed at most
TIE: Final = 1e-7  # tables whose chance is larger by no more than this count as extreme, as in R


def proportions(spells: Spells, by: str | None = None, *, level: float = 0.95) -> Estimate:
    """Estimate the proportion of patients whose row ends in each state after the first.

    Parameters
    ----------
    spells
        The table, one row a patient: ``states[1]`` is the outcome, or its lowest level where it has several.
    by
        Column of the groups; patients without a value are left out, with a warning.
    level
        Coverage.

    Returns
    -------
    Estimate
        A group and a state (``term``, null where there is one outcome only): ``proportion`` twice, with the method
        ``Clopper-Pearson`` (exact) and ``Wilson`` (1927, JASA 22:209); ``n_events`` is the numerator.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> rows = proportions(make_spells([28] * 10, [1] * 3 + [0] * 7)).rows
    >>> rows["method"].to_list(), rows["lower"].round(4).to_list()
    (['Clopper-Pearson', 'Wilson'], [0.0667, 0.1078])
    """
    refuse_changing(spells, "proportions")
    groups = group_rows(spells, by)
    rows = []
    for code, name in enumerate(groups.levels):
        ended = spells.to[groups.codes == code]
        rows += [
            _proportion(int(np.count_nonzero(ended == state)), len(ended), level).label(
                group=groups.label(name), term=term if len(spells.states) > 2 else None
            )
            for state, term in enumerate(spells.states[1:], start=1)
        ]
    found = concat(rows).label(endpoint=spells.name or None)
    return replace(found, rows=join_warnings(found.rows, groups.warning))


def wilson_limits(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the score limits of a proportion (Wilson 1927, JASA 22:209), without continuity correction.

    They are the p for which |count / n - p| = z sqrt(p (1 - p) / n); with n = 0 there are none (NaN).

    Examples
    --------
    >>> print("{:.4f} {:.4f}".format(*wilson_limits(3, 10)))
    0.1078 0.6032
    """
    if n == 0:
        return float("nan"), float("nan")
    z2 = float(special.ndtri(0.5 + level / 2.0)) ** 2
    middle = (count + z2 / 2.0) / (n + z2)
    reach = float(np.sqrt(z2 * (count * (n - count) / n + z2 / 4.0))) / (n + z2)
    return (0.0 if count == 0 else middle - reach), (1.0 if count == n else middle + reach)


def fisher(spells: Spells, by: str) -> Estimate:
    """Test by Fisher's exact method whether the event is as frequent in every group.

    Returns
    -------
    Estimate
        One row ``fisher``: the two-sided p, the sum of the chances of all tables with these margins that are no more
        likely than this one (Freeman and Halton 1951 where there are more than two groups).

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> tea = make_spells([1] * 8, [1, 1, 1, 0, 1, 0, 0, 0], first=["milk"] * 4 + ["tea"] * 4)
    >>> print(f"{fisher(tea, 'first').rows['p_value'].item():.4f}")
    0.4857
    """
    refuse_changing(spells, "Fisher's test")
    groups = group_rows(spells, by)
    known = groups.codes >= 0
    yes = spells.event()[known].astype(np.int64)
    size = np.bincount(groups.codes[known], minlength=len(groups.levels))
    count = np.bincount(groups.codes[known], weights=yes, minlength=len(groups.levels)).astype(np.int64)
    p = fisher_p(count, size)
    many = None if np.isfinite(p) else "too many tables for an exact test"
    row = make_estimate(
        "fisher", method="exact", endpoint=spells.name or None, p_value=p, n=int(size.sum()),
        n_events=int(count.sum()), warning=many,
    )  # fmt: skip
    return replace(row, rows=join_warnings(row.rows, groups.warning))


def fisher_p(count: Ints, size: Ints) -> float:
    """Return the two-sided p of a two by k table; NaN where it has more than twenty million alternatives.

    Parameters
    ----------
    count, size
        (k,) patients with the event, and patients, in each group.
    """
    total = int(count.sum())
    if len(size) < 2 or float(np.prod(np.minimum(size, total)[:-1] + 1.0)) > MOST_TABLES:
        return 1.0 if len(size) < 2 else float("nan")
    left, chance = np.array([total]), np.zeros(1)  # of the tables so far: what remains to be shared out, log chance
    for group, n in enumerate(size):
        later = int(size[group + 1 :].sum())
        here = np.arange(min(int(n), total) + 1)
        left = left[:, None] - here
        possible = (left >= 0) & (left <= later)
        chance = (chance[:, None] + _log_choose(int(n), here))[possible]
        left = left[possible]
    chance -= float(_log_choose(int(size.sum()), np.array([total]))[0])
    seen = float(sum(_log_choose(int(n), np.array([c]))[0] for n, c in zip(size, count, strict=True)))
    seen -= float(_log_choose(int(size.sum()), np.array([total]))[0])
    return min(1.0, float(np.exp(chance[chance <= seen + TIE]).sum()))


def _log_choose(n: int, k: Ints) -> Floats:
    return np.asarray(special.gammaln(n + 1.0) - special.gammaln(k + 1.0) - special.gammaln(n - k + 1.0))


def _proportion(count: int, n: int, level: float) -> Estimate:
    share = count / n if n else None
    ends = {"Clopper-Pearson": proportion_limits(count, n, level), "Wilson": wilson_limits(count, n, level)}
    return concat(
        make_estimate("proportion", method=name, estimate=share, lower=low, upper=high, n=n, n_events=count)
        for name, (low, high) in ends.items()
    )
