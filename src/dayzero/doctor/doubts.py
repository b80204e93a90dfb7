"""Dates that are there and cannot be believed: between which days they lie instead."""

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

DOUBTED: Final = frozenset({"default-date", "shared-date", "dates-filled-in", "date-beyond-others", "year-slip"})
"""Findings about the date of an event alone; any other may lie in another date of the patient."""
YEAR: Final = 365.0
FILLED_FOR_A_YEAR: Final = (1, 7)
"""Months whose first day stands for a year of which nothing more is known."""


def possible_days(code: str, events: pl.DataFrame) -> Mapping[int, tuple[float, float]]:
    """Return, by row of the events table, the first and the last day that a doubtful date can mean.

    Parameters
    ----------
    code
        The finding. A slip of the year is one year earlier or later; a day that was filled in lies in its month, or
        in its year where it is the first of January or July; of other dates nothing is known.
    events
        The events: ``row`` and ``day``.

    Examples
    --------
    >>> possible_days("dates-filled-in", pl.DataFrame({"row": [2, 3], "day": [14.0, 0.0]}))
    {2: (0.0, 30.0), 3: (0.0, 364.0)}
    """
    days, rows = events["day"].to_numpy(), events["row"].to_list()
    if code == "year-slip":
        return {row: (day - YEAR, day + YEAR) for row, day in zip(rows, days.tolist(), strict=True)}
    if code != "dates-filled-in":
        return {}
    dates = days.astype("datetime64[D]")
    months, years = dates.astype("datetime64[M]"), dates.astype("datetime64[Y]")
    first_of_month = dates == months.astype("datetime64[D]")
    yearly = first_of_month & np.isin(months.astype(np.int64) % 12 + 1, FILLED_FOR_A_YEAR)
    first = np.where(yearly, years.astype("datetime64[D]"), months.astype("datetime64[D]"))
    after = np.where(yearly, (years + 1).astype("datetime64[D]"), (months + 1).astype("datetime64[D]"))
    bounds = zip(first.astype(np.int64).tolist(), after.astype(np.int64).tolist(), strict=True)
    return {row: (float(start), float(end - 1)) for row, (start, end) in zip(rows, bounds, strict=True)}
