"""Courses of cells, and what ends the watch over each: relapse, another therapy, the next course, or death."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from dayzero.grading.courses import courses
from dayzero.history import History

COURSES: Final = ("infusion", "hsct")
"""What starts a clock of its own; a donor lymphocyte infusion or a boost does not."""
COURSE: Final = ("patient", "course_kind", "course", "course_day")
_RANKS: Final = {"relapse": 0, "progression": 0, "death": 3}
"""The order on one day: relapse, another therapy, the next course, death."""


def watched_courses(history: History, others: pl.DataFrame | None = None) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return the infusions and transplants, and until when each can be judged.

    Parameters
    ----------
    history
        What happened.
    others
        Further ends: ``patient``, ``day``, ``competing`` (a name).

    Returns
    -------
    tuple
        The courses as ``courses`` returns them, one a patient, kind and day; and a row each: ``patient``,
        ``course_kind``, ``course``, ``course_day``, the attributes, ``competing`` and ``competing_day``: the first
        relapse or progression after the day of the course, other end, start of the next course (its conditioning), or
        death; null where there is none; and ``end``: the last day of follow-up, null where unknown.
    """
    opened = courses(history, COURSES).unique(["patient", "kind", "day"], keep="first", maintain_order=True)
    keyed = opened.rename({"kind": "course_kind", "day": "course_day"})
    first = (
        pl.concat([_events(history, keyed), _others(others, keyed), _next(keyed)])
        .sort("competing_day", "rank", maintain_order=True)
        .unique(COURSE, keep="first", maintain_order=True)
        .drop("rank")
    )
    ends = pl.DataFrame(
        {"patient": range(len(history)), "end": history.end}, schema={"patient": pl.Int64, "end": pl.Float64}
    ).with_columns(pl.col("end").fill_nan(None))
    watched = keyed.drop("stop", "ended_by").join(first, on=COURSE, how="left", maintain_order="left")
    return opened, watched.join(ends, on="patient", how="left", maintain_order="left")


def _events(history: History, keyed: pl.DataFrame) -> pl.DataFrame:
    """Return relapses and progressions after the day of the course, and deaths from it on."""
    frames = [
        history.named(name, ()).select(
            "patient", pl.col("day").floor(), pl.lit(name).alias("competing"), pl.lit(rank).alias("rank")
        )
        for name, rank in _RANKS.items()
    ]
    return _ending(pl.concat(frames), keyed)


def _others(others: pl.DataFrame | None, keyed: pl.DataFrame) -> pl.DataFrame:
    none = pl.DataFrame(schema={"patient": pl.Int64, "day": pl.Float64, "competing": pl.String})
    given = (none if others is None else others).with_columns(pl.lit(1).alias("rank"))
    return _ending(given.select("patient", pl.col("day").floor(), "competing", "rank"), keyed)


def _ending(rows: pl.DataFrame, keyed: pl.DataFrame) -> pl.DataFrame:
    later = (pl.col("day") > pl.col("course_day")) | ((pl.col("rank") == 3) & (pl.col("day") == pl.col("course_day")))
    found = keyed.select(COURSE).join(rows.drop_nulls("day"), on="patient").filter(later)
    return found.select(*COURSE, pl.col("day").alias("competing_day"), "competing", "rank")


def _next(keyed: pl.DataFrame) -> pl.DataFrame:
    following = keyed.filter(pl.col("ended_by") != "follow_up")
    return following.select(
        *COURSE, pl.col("stop").alias("competing_day"), pl.col("ended_by").alias("competing"), pl.lit(2).alias("rank")
    )


def until_competing(rows: pl.DataFrame, watched: pl.DataFrame, columns: Sequence[str] = ()) -> pl.DataFrame:
    """Return the rows of courses up to the day on which the watch ends, that day too, with ``columns`` of it."""
    ends = watched.select(*COURSE, "competing_day", *columns)
    joined = rows.join(ends, on=COURSE, how="left", maintain_order="left")
    return joined.filter(pl.col("competing_day").is_null() | (pl.col("day").floor() <= pl.col("competing_day")))
