"""Episodes of ICANS: onset, resolution, duration.

The source defines grades, not episodes. Here an episode begins on the first row with grade >= 1 and ends on the first
later row whose grade is surely 0; what comes after is another episode. Rows that may be 0 or more neither begin nor end
one, and rows without a time are left out.
"""

import numpy as np
import polars as pl

from dayzero.grading.bounds import Bounds
from dayzero.grading.table import Bedside

DEATH = 5


def icans_episodes(table: Bedside, rows: Bounds) -> pl.DataFrame:
    """Return the episodes of every patient and course.

    Parameters
    ----------
    table
        The table, in its order of patients, courses and times.
    rows
        (rows,) grade of each: ``assess(table, edition).rows``.

    Returns
    -------
    DataFrame
        One row an episode: ``patient``, ``course``, ``episode`` (1, 2, ...), ``onset``, ``resolution`` and ``duration``
        in hours, ``lower`` and ``upper``, the bounds of its highest grade. Resolution and duration are null where the
        record ends, or the patient dies of ICANS, before it: censored, not closed.
    """
    state = np.where(rows.lower >= 1, 1.0, np.where(rows.upper == 0, 0.0, np.nan))
    at = pl.DataFrame(
        {"group": table.group, "time": table.time, "lower": rows.lower, "upper": rows.upper, "state": state}
    ).filter(pl.col("time").is_not_nan())
    ill = pl.col("state").fill_nan(None).forward_fill().over("group").fill_null(0.0) == 1
    at = at.with_columns(ill=ill).with_columns(before=pl.col("ill").shift(1, fill_value=False).over("group"))
    at = at.with_columns(episode=(pl.col("ill") & ~pl.col("before")).cast(pl.Int64).cum_sum().over("group"))
    found = at.filter("ill").group_by("group", "episode", maintain_order=True)
    spans = found.agg(onset=pl.col("time").first(), lower=pl.col("lower").max(), upper=pl.col("upper").max())
    ends = at.filter(pl.col("before") & ~pl.col("ill")).select("group", "episode", resolution="time")
    spans = spans.join(ends, on=["group", "episode"], how="left", maintain_order="left")
    closed = pl.when(pl.col("lower") < DEATH).then("resolution")
    return _named(spans.with_columns(resolution=closed), table)


def _named(spans: pl.DataFrame, table: Bedside) -> pl.DataFrame:
    groups = spans["group"].to_numpy()
    return spans.select(
        table.patients.gather(groups).alias("patient"),
        pl.Series("course", table.courses[groups]),
        "episode",
        "onset",
        "resolution",
        duration=pl.col("resolution") - pl.col("onset"),
        lower="lower",
        upper="upper",
    )
