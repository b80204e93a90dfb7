"""Samples of CAR T cells, each with its infusion, and what counts of those below quantification."""

from typing import Final

import polars as pl

from dayzero.grading.courses import courses, in_courses
from dayzero.history import History

KINDS: Final = ("infusion", "hsct")
"""Courses that end the one before: a later infusion, a transplant or its conditioning."""
SERIES: Final = ("patient", "course", "assay", "specimen")
"""What makes one curve: different assays and specimens are never pooled."""
UNSTATED: Final = "unstated"


def infusions(history: History) -> pl.DataFrame:
    """Return the infusions: ``patient``, ``course``, ``course_day``, ``stop`` (null: open) and ``truncated_by``.

    ``truncated_by`` is ``infusion``, ``hsct`` or ``conditioning``, null where follow-up alone ends the course.
    """
    opened = courses(history, KINDS)
    following = pl.col("day").shift(-1).over("patient")
    early = pl.col("stop") < following
    cause = pl.when(pl.col("ended_by") == "follow_up").then(None).when(early).then(pl.lit("conditioning"))
    marked = opened.with_columns(cause.otherwise(pl.col("ended_by")).alias("truncated_by"))
    kept = marked.filter(pl.col("kind") == "infusion").unique(["patient", "course"], keep="first", maintain_order=True)
    return kept.select("patient", "course", pl.col("day").alias("course_day"), "stop", "truncated_by")


def in_infusions(rows: pl.DataFrame, history: History) -> pl.DataFrame:
    """Return the rows of a table that lie in an infusion's course, its own day included, as ``in_courses`` does."""
    return in_courses(rows, courses(history, KINDS), kinds=("infusion",))


def sampled(history: History) -> pl.DataFrame:
    """Return the samples of the table ``kinetics`` with their infusions, by series and time.

    Returns
    -------
    DataFrame
        ``patient, course, assay, specimen`` ("unstated" where the table says nothing), ``course_day``; ``time``: days
        from the infusion, with the time of day where there is one; ``value``; ``bound``: ``<`` where it is below
        quantification (``value`` is then the limit), ``>`` above the range, else empty; ``before``: on the infusion's
        day without a time of day, taken as drawn before it; ``row``. Of samples of one time the highest is kept.
    """
    rows = in_infusions(_measured(history.tables["kinetics"]), history)
    time = (pl.col("day") - pl.col("course_day")).alias("time")
    timed = rows.with_columns(time, (pl.col("day") == pl.col("course_day")).alias("before"))
    rank = pl.col("bound").replace_strict({"<": 0, "": 1, ">": 2}, return_dtype=pl.Int8)
    ordered = timed.with_columns(rank.alias("rank")).sort(*SERIES, "time", "value", "rank", maintain_order=True)
    kept = ordered.unique([*SERIES, "time"], keep="last", maintain_order=True)
    return kept.select(*SERIES, "course_day", "time", "value", "bound", "before", "row")


def _measured(table: pl.DataFrame) -> pl.DataFrame:
    """Return the dated samples with a value; below the limit of quantification the value is that limit.

    A 0 without any limit stays the number that was reported.
    """
    bound = pl.col("value_bound").fill_null("") if "value_bound" in table.columns else pl.lit("")
    censored = bound == "<"
    below = censored | (pl.col("value") < pl.col("lloq").fill_null(0.0))
    limit = pl.when(censored).then(pl.col("value")).otherwise(pl.col("lloq"))
    known = table.filter(pl.col("value").is_not_null(), pl.col("assay").is_not_null())
    return known.select(
        "patient",
        "day",
        "row",
        "assay",
        pl.col("specimen").fill_null(UNSTATED),
        pl.when(below).then(limit).otherwise(pl.col("value")).alias("value"),
        pl.when(below).then(pl.lit("<")).otherwise(bound).alias("bound"),
    )


def counted(samples: pl.DataFrame, share: float) -> pl.DataFrame:
    """Add ``used``, what each sample counts in an area: null where it is missing there.

    Below quantification it is 0 before the first quantifiable sample of its series, ``share`` of the limit right
    after a quantifiable one, and missing after that.

    Parameters
    ----------
    samples
        As :func:`sampled` returns them.
    share
        For example 0.5.
    """
    below = pl.col("bound") == "<"
    seen = (~below).cum_sum().over(SERIES) > 0
    right_after = ~below.shift(1).over(SERIES)
    substituted = pl.when(~seen).then(0.0).when(right_after).then(share * pl.col("value"))
    return samples.with_columns(pl.when(~below).then(pl.col("value")).otherwise(substituted).alias("used"))
