"""Table 1: medians and quartiles of numeric columns, counts and proportions of the others."""

from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from scipy import special

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.groups import as_text, level_codes

QUARTILES: Final = (
    ("median", 0.5), ("lower_quartile", 0.25), ("upper_quartile", 0.75), ("minimum", 0.0), ("maximum", 1.0),
)  # fmt: skip


def describe(patients: pl.DataFrame, columns: Sequence[str], by: str | None = None) -> Estimate:
    """Describe baseline columns, overall and in each group.

    Parameters
    ----------
    patients
        One row a patient.
    columns
        A numeric column gives ``median``, ``lower_quartile``, ``upper_quartile`` (type 7 of Hyndman and Fan 1996,
        the default of R), ``minimum`` and ``maximum``, with the column as term. Any other column gives ``count`` and
        ``proportion`` for each of its levels, with ``column=value`` as term; proportions have exact limits.
    by
        Column of the groups; null in ``group`` stands for everybody, patients without a group included.

    Returns
    -------
    Estimate
        ``n`` is the denominator: the patients of the group with a value. How many have none is ``missing``.

    Examples
    --------
    >>> patients = pl.DataFrame({"age": [40, 50, None], "sex": ["f", "m", "f"]})
    >>> table = describe(patients, ["age", "sex"])
    >>> table.where(statistic="median").rows["estimate"].item()
    45.0
    >>> table.where(statistic="count", term="sex=f").rows["estimate"].item()
    2.0
    """
    for name in (*columns, *([by] if by else [])):
        if name not in patients.columns:
            raise InputError(f"there is no column {name}", mend="Name a column of the patients table.", column=name)
    masks = _groups(patients, by)
    return concat(_described(patients[name], mask).label(group=group) for name in columns for group, mask in masks)


def proportion_limits(count: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the exact limits of a proportion (Clopper and Pearson 1934): quantiles of beta distributions.

    Parameters
    ----------
    count, n
        Successes among n; with n = 0 there are no limits (NaN).
    level
        Coverage.

    Examples
    --------
    >>> print("{:.4f} {:.4f}".format(*proportion_limits(3, 10)))
    0.0667 0.6525
    """
    if n == 0:
        return float("nan"), float("nan")
    tail = (1.0 - level) / 2.0
    low = float(special.betaincinv(count, n - count + 1, tail)) if count > 0 else 0.0
    high = float(special.betaincinv(count + 1, n - count, 1.0 - tail)) if count < n else 1.0
    return low, high


def _groups(patients: pl.DataFrame, by: str | None) -> list[tuple[str | None, pl.Series]]:
    """Return (label, mask) of everybody and of each group."""
    everybody: list[tuple[str | None, pl.Series]] = [(None, pl.Series([True] * patients.height, dtype=pl.Boolean))]
    if by is None:
        return everybody
    levels, codes = level_codes(patients[by])
    return everybody + [(f"{by}={level}", pl.Series(codes == code)) for code, level in enumerate(levels)]


def _described(values: pl.Series, mask: pl.Series) -> Estimate:
    if values.dtype.is_numeric():
        return _numeric(values.cast(pl.Float64).fill_nan(None).filter(mask))
    levels, _ = level_codes(values)
    return _categorical(as_text(values).filter(mask), levels)


def _numeric(values: pl.Series) -> Estimate:
    known = values.drop_nulls().to_numpy()
    n = len(known)
    figures = np.quantile(known, [share for _, share in QUARTILES]) if n else np.full(len(QUARTILES), np.nan)
    rows = [
        make_estimate(name, term=values.name, method="type 7 quantiles", estimate=float(figure), n=n)
        for (name, _), figure in zip(QUARTILES, figures, strict=True)
    ]
    return concat([*rows, _missing(values, n)])


def _categorical(values: pl.Series, levels: tuple[str, ...]) -> Estimate:
    n = len(values) - values.null_count()
    rows = []
    for level in levels:
        term, count = f"{values.name}={level}", int((values == level).sum())
        low, high = proportion_limits(count, n)
        share = count / n if n else None
        rows.append(make_estimate("count", term=term, estimate=float(count), n=n))
        rows.append(
            make_estimate("proportion", term=term, method="Clopper-Pearson", estimate=share, lower=low, upper=high, n=n)
        )
    return concat([*rows, _missing(values, n)])


def _missing(values: pl.Series, n: int) -> Estimate:
    return make_estimate("missing", term=values.name, estimate=float(len(values) - n), n=n)
