"""When MRD became negative, and how long it stayed so: between samples, so each day is a bracket (rule book 4.6)."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from dayzero.grading.editions import Edition
from dayzero.grading.mrd.endings import COURSE, until_competing
from dayzero.grading.mrd.samples import STATUSES

NEGATIVE: Final = STATUSES.index("negative")
DETECTED: Final = STATUSES.index("below_quantification")
POSITIVE: Final = STATUSES.index("positive")


def derive_negativity(
    days: pl.DataFrame, watched: pl.DataFrame, *, before: pl.DataFrame, schedule: Edition
) -> pl.DataFrame:
    """Return a row a course.

    Parameters
    ----------
    days
        As :func:`dayzero.grading.mrd.days.by_day` returns them.
    watched
        As :func:`dayzero.grading.mrd.endings.watched_courses` returns them.
    before
        The last sample up to the day of each course: its key, ``baseline``, ``baseline_day``.
    schedule
        An edition of ``mrd_schedule``: the days by which.

    Returns
    -------
    DataFrame
        ``patient``, ``course_kind``, ``course``, ``course_day``; ``baseline``, ``baseline_day``; ``samples``: days with
        a certain result other than insufficient; ``evaluable``: there are any; ``first_negative``;
        ``last_positive_before``: the last day before it on which MRD was detected (null: none, the bracket opens at
        ``course_day``); ``lost_day``: the first positive day after it; ``last_negative``: the last negative day
        before that; ``duration_lower``, ``duration_upper``: days of negativity, at least and at most (null: not lost,
        censored or competing); ``competing``, ``competing_day``; ``negative_by_28``, ``negative_by_90``: True, False,
        or null: not known.
    """
    inside = until_competing(days, watched)
    told = watched.select(*COURSE, "competing", "competing_day").join(before, on=COURSE, how="left")
    told = told.join(_first(inside), on=COURSE, how="left")
    told = told.join(_after(inside, told), on=COURSE, how="left")
    for rule in schedule.table["negative_by"]:
        told = told.join(_negative_by(inside, watched, rule), on=COURSE, how="left")
    opens = pl.coalesce("last_positive_before", "course_day")
    names = [f"negative_by_{rule['day']}" for rule in schedule.table["negative_by"]]
    return (
        told.with_columns(
            pl.col("samples").fill_null(0),
            (pl.col("samples").fill_null(0) > 0).alias("evaluable"),
            (pl.col("last_negative") - pl.col("first_negative")).alias("duration_lower"),
            (pl.col("lost_day") - opens).alias("duration_upper"),
        )
        .select(
            *COURSE,
            "baseline",
            "baseline_day",
            *("samples", "evaluable", "first_negative", "last_positive_before", "lost_day", "last_negative"),
            *("duration_lower", "duration_upper", "competing", "competing_day", *names),
        )
        .sort("patient", "course_day")
    )


def _is(level: int) -> pl.Expr:
    return (pl.col("lower") == level) & (pl.col("upper") == level)


def _first(days: pl.DataFrame) -> pl.DataFrame:
    certain = (pl.col("lower") == pl.col("upper")) & (pl.col("lower") >= NEGATIVE)
    return days.group_by(COURSE).agg(
        certain.sum().cast(pl.Int64).alias("samples"),
        pl.col("day").filter(_is(NEGATIVE)).min().alias("first_negative"),
    )


def _after(days: pl.DataFrame, told: pl.DataFrame) -> pl.DataFrame:
    """Return the ends of both brackets around the first negative day."""
    first = pl.col("first_negative")
    joined = days.join(told.select(*COURSE, "first_negative"), on=COURSE).filter(first.is_not_null())
    lost = joined.group_by(COURSE).agg(
        pl.col("day")
        .filter((pl.col("lower") >= DETECTED) & (pl.col("day") < first))
        .max()
        .alias("last_positive_before"),
        pl.col("day").filter(_is(POSITIVE) & (pl.col("day") > first)).min().alias("lost_day"),
    )
    kept = joined.join(lost, on=COURSE).filter(
        _is(NEGATIVE) & (pl.col("lost_day").is_null() | (pl.col("day") < pl.col("lost_day")))
    )
    return lost.join(kept.group_by(COURSE).agg(pl.col("day").max().alias("last_negative")), on=COURSE, how="left")


def _negative_by(days: pl.DataFrame, watched: pl.DataFrame, rule: Mapping[str, Any]) -> pl.DataFrame:
    """Return whether MRD was negative by a day; a relapse by then without it is no."""
    early = pl.col("since") <= rule["to"]
    within = early & (pl.col("since") >= rule["from"])
    seen = days.group_by(COURSE).agg(
        (early & _is(NEGATIVE)).any().alias("yes"),
        (early & (pl.col("lower") < DETECTED)).any().alias("open"),
        (within & (pl.col("lower") >= DETECTED)).any().alias("detected"),
    )
    relapsed = pl.col("competing").is_in(["relapse", "progression"]) & (
        pl.col("competing_day") - pl.col("course_day") <= rule["to"]
    )
    joined = watched.select(*COURSE, relapsed.fill_null(value=False).alias("relapsed")).join(
        seen, on=COURSE, how="left", maintain_order="left"
    )
    unclear = pl.col("open").fill_null(value=False)
    no = ~unclear & (pl.col("detected").fill_null(value=False) | pl.col("relapsed"))
    told = pl.when(pl.col("yes")).then(pl.lit(value=True)).when(no).then(pl.lit(value=False))
    return joined.select(*COURSE, told.alias(f"negative_by_{rule['day']}"))
