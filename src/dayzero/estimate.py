"""Estimates: what was found, one row a statistic.

Curves are rows too: a Kaplan-Meier curve is a run of ``survival`` rows whose ``time`` increases. Tables, figures and
sentences are made from these rows alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

SCHEMA: Final[Mapping[str, pl.DataType]] = {
    "analysis": pl.Int64(),  # position of the analysis in the study file, from 0
    "kind": pl.String(),  # the analysis kind: curve, cox, ...
    "endpoint": pl.String(),
    "method": pl.String(),  # greenwood, efron, ...
    "group": pl.String(),  # "column=value", "column=a|b" for a pair, null for everybody
    "term": pl.String(),  # a Cox term "column" or "column=value"; the event of a cumulative incidence
    "statistic": pl.String(),  # survival, hazard_ratio, ...
    "time": pl.Float64(),  # days from the endpoint's origin
    "estimate": pl.Float64(),
    "std_error": pl.Float64(),  # on the estimate's own scale
    "lower": pl.Float64(),
    "upper": pl.Float64(),
    "p_value": pl.Float64(),
    "df": pl.Float64(),
    "n": pl.Int64(),  # patients, never rows
    "n_events": pl.Int64(),
    "warning": pl.String(),
}


@dataclass(frozen=True)
class Estimate:
    """A table of statistics with the columns of :data:`SCHEMA`.

    Attributes
    ----------
    rows
        Shape (statistics, 17). Missing numbers are null, never NaN.
    """

    rows: pl.DataFrame

    def __post_init__(self) -> None:
        """Refuse any other shape."""
        if dict(self.rows.schema) != dict(SCHEMA):
            raise TypeError("an Estimate has exactly the columns of dayzero.estimate.SCHEMA")

    def __len__(self) -> int:
        """Return the number of statistics."""
        return self.rows.height

    def where(self, **columns: str | float | None) -> "Estimate":
        """Return the rows whose columns equal the given values (``None`` selects null)."""
        match = [pl.col(name).eq_missing(pl.lit(value)) for name, value in columns.items()]
        return Estimate(self.rows.filter(*match))

    def label(self, **columns: str | float | None) -> "Estimate":
        """Return the same rows with the given columns overwritten."""
        new = [pl.lit(value, dtype=SCHEMA[name]).alias(name) for name, value in columns.items()]
        return Estimate(self.rows.with_columns(new))

    def records(self) -> Iterator[dict[str, Any]]:
        """Iterate over the rows as dictionaries."""
        return self.rows.iter_rows(named=True)


def make_estimate(statistic: str, **columns: object) -> Estimate:
    """Build rows of one statistic; scalars are repeated, NaN becomes null.

    Parameters
    ----------
    statistic
        The statistic's name in the output contract.
    **columns
        Any other column of :data:`SCHEMA`: a scalar, or an array, all arrays being of one length.

    Examples
    --------
    >>> make_estimate("survival", time=[1.0, 2.0], estimate=[0.9, 0.8], n=10).rows["estimate"].to_list()
    [0.9, 0.8]
    """
    lengths = {len(v) for v in columns.values() if isinstance(v, list | tuple | np.ndarray | pl.Series)}
    if len(lengths) > 1:
        raise ValueError("arrays of different lengths in one estimate")
    length = lengths.pop() if lengths else 1
    unknown = set(columns) - set(SCHEMA)
    if unknown:
        raise TypeError(f"no such column in an estimate: {', '.join(sorted(unknown))}")
    values = {"statistic": statistic, **columns}
    return Estimate(pl.DataFrame([_column(name, values.get(name), length) for name in SCHEMA]))


def _column(name: str, value: object, length: int) -> pl.Series:
    dtype = SCHEMA[name]
    if value is None:
        return pl.Series(name, [None], dtype=dtype).new_from_index(0, length)
    if not isinstance(value, list | tuple | np.ndarray | pl.Series):
        value = [value] * length
    if isinstance(value, np.ndarray) and value.dtype.kind == "f" and dtype == pl.Int64():
        value = np.rint(value).astype(np.int64)
    series = pl.Series(name, value, dtype=dtype, strict=False)
    has_nan = dtype == pl.Float64() and series.is_nan().any()
    return series.fill_nan(None) if has_nan else series


def concat(estimates: Iterable[Estimate]) -> Estimate:
    """Stack estimates in the order given."""
    frames = [estimate.rows for estimate in estimates]
    return Estimate(pl.concat(frames) if frames else pl.DataFrame(schema=dict(SCHEMA)))
