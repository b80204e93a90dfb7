"""Partial dates: a year, or a month of it, and between which days the event lies. Nothing is ever imputed."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from dayzero.io.csv import Table

PARTIAL: Final = r"^[0-9]{4}(-[0-9]{2})?(-(XX|xx|00))?$"
_MONTH: Final = r"^[0-9]{4}-(0[1-9]|1[0-2])"


def possible_days(events: Table) -> Mapping[int, tuple[float, float]]:
    """Return, by row of the file, the first and the last day (from 1970-01-01) that a partial date can mean.

    Parameters
    ----------
    events
        The events as read; without a column ``date`` there are no partial dates.

    Examples
    --------
    >>> import numpy as np
    >>> dates = pl.DataFrame({"date": ["1970-01-05", "1970-02", "1971-XX"]})
    >>> possible_days(Table("events.csv", dates, np.array([2, 3, 4])))
    {3: (31.0, 58.0), 4: (365.0, 729.0)}
    """
    if "date" not in events.frame.columns:
        return {}
    texts = events.frame["date"].str.strip_chars()
    partial = texts.str.contains(PARTIAL).fill_null(value=False)
    rows = events.rows[partial.to_numpy()]
    known = texts.filter(partial)
    first, last = _bounds(known)
    found = zip(rows.tolist(), first, last, strict=True)
    return {row: (start, end) for row, start, end in found if start is not None and end is not None}


def precision(texts: pl.Series) -> str:
    """Say how precise partial dates are.

    Examples
    --------
    >>> precision(pl.Series(["2021-03", "2021-XX", "2021"]))
    '1 to the month, 2 to the year'
    """
    months = int(texts.str.strip_chars().str.contains(_MONTH).sum())
    counts = (months, "month"), (len(texts) - months, "year")
    return ", ".join(f"{n:,} to the {unit}" for n, unit in counts if n)


def _bounds(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Return the first and the last day of each month, or year where no month is given."""
    monthly = texts.str.contains(_MONTH)
    month = pl.select(pl.when(monthly).then(texts.str.slice(0, 7)).otherwise(texts.str.slice(0, 4) + "-01")).to_series()
    first = (month + "-01").str.to_date("%Y-%m-%d", strict=False)
    after = pl.select(pl.when(monthly).then(first.dt.offset_by("1mo")).otherwise(first.dt.offset_by("1y"))).to_series()
    return first.cast(pl.Int64).cast(pl.Float64), (after.cast(pl.Int64) - 1).cast(pl.Float64)
