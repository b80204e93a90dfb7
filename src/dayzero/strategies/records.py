"""Rows of the output contract from dictionaries: one table for many statistics, where each refit makes it anew."""

from collections.abc import Mapping, Sequence

import polars as pl

from dayzero.estimate import SCHEMA, Estimate


def from_records(records: Sequence[Mapping[str, object]]) -> Estimate:
    """Return the rows of an estimate, one a record; what a record does not name is null, and so is NaN.

    Examples
    --------
    >>> from_records([{"statistic": "risk", "estimate": 0.5}, {"statistic": "rmst"}]).rows["estimate"].to_list()
    [0.5, None]
    """
    columns = {name: pl.Series(name, [each.get(name) for each in records], dtype=dtype)
               for name, dtype in SCHEMA.items()}  # fmt: skip
    return Estimate(pl.DataFrame(columns).with_columns(pl.col("estimate").fill_nan(None)))
