"""MRD by day: several samples of one day told as one."""

import polars as pl

from dayzero.grading.mrd.endings import COURSE
from dayzero.grading.mrd.samples import STATUSES


def by_day(samples: pl.DataFrame) -> pl.DataFrame:
    """Return one row a course and day.

    The most severe sample counts, by ``STATUSES``: a positive one outdoes a negative one, and an insufficient one does
    not undo a negative one.

    Returns
    -------
    DataFrame
        ``patient``, ``course_kind``, ``course``, ``course_day``, ``day``, ``since``, ``lower``, ``upper``, ``status``
        (null where it is unknown), ``method`` and ``specimen`` (all of that day).
    """
    days = (
        samples.with_columns(pl.col("day").floor())
        .group_by(*COURSE, "day", "since")
        .agg(
            pl.col("lower").max(),
            pl.col("upper").max(),
            pl.col("method").drop_nulls().unique().sort().str.join("+"),
            pl.col("specimen").drop_nulls().unique().sort().str.join("+"),
        )
        .sort(*COURSE, "day")
    )
    certain = pl.col("lower") == pl.col("upper")
    named = pl.col("lower").replace_strict(dict(enumerate(STATUSES)), return_dtype=pl.String)
    return days.with_columns(pl.when(certain).then(named).alias("status"))
