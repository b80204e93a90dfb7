"""Frames of results: names that hold in a course as lists, and the courses about which no row says anything."""

from collections.abc import Mapping

import numpy as np
import polars as pl

from dayzero.grading.bounds import Ints
from dayzero.grading.derived import RESULT
from dayzero.grading.truth import Bools

COURSE = ("patient", "course_kind", "course")


def to_the_end(opened: pl.DataFrame) -> pl.DataFrame:
    """Return courses of which the last is open: what is written on the day of death still belongs to it.

    Parameters
    ----------
    opened
        As ``courses`` returns them; there the end of follow-up is a ``stop``, whose day lies outside.
    """
    return opened.with_columns(pl.when(pl.col("ended_by") != "follow_up").then("stop").alias("stop"))


def names_by_run(where: Mapping[str, Bools], starts: Ints) -> pl.Series:
    """Return, by run of rows, the names that hold on any of its rows.

    Parameters
    ----------
    where
        By name, (rows,) whether it holds.
    starts
        (runs,) the first row of each run.

    Returns
    -------
    Series
        (runs,) lists of text, the names in their order.

    Examples
    --------
    >>> where = {"ice": np.array([True, False, False]), "motor": np.array([False, True, False])}
    >>> names_by_run(where, np.array([0, 2])).to_list()
    [['ice', 'motor'], []]
    """
    if not len(starts) or not where:
        return pl.Series([[]] * len(starts), dtype=pl.List(pl.String))
    held = pl.DataFrame({name: np.logical_or.reduceat(rows, starts) for name, rows in where.items()})
    words = pl.concat_list(pl.when(pl.col(name)).then(pl.lit(name)) for name in where)
    return held.select(words.list.drop_nulls().alias("names"))["names"]


def every_course(found: pl.DataFrame, opened: pl.DataFrame, *, greatest: int, missing: str) -> pl.DataFrame:
    """Return results with a row for each course; of one without rows nothing is known, so any grade may be.

    Parameters
    ----------
    found
        ``RESULT`` columns, and more; one row a course that has rows.
    opened
        ``patient``, ``course_kind``, ``course``: every course that could be graded.
    greatest
        The greatest grade of the scale.
    missing
        What is missing of a course without rows: the table's name.
    """
    blank = pl.lit([], pl.List(pl.String))
    unseen = pl.col("lower").is_null()
    lists = [pl.col(name).fill_null(blank) for name, kind in RESULT.items() if kind == pl.List(pl.String)]
    whole = opened.select(COURSE).unique(maintain_order=True).join(found, on=list(COURSE), how="left")
    filled = whole.with_columns(
        pl.when(unseen).then(pl.lit([missing])).otherwise("missing").alias("missing"),
        pl.col("lower").fill_null(0),
        pl.col("upper").fill_null(greatest),
        pl.col("evaluable").fill_null(value=False),
    )
    return filled.with_columns(lists).select(*RESULT, *(name for name in found.columns if name not in RESULT))
