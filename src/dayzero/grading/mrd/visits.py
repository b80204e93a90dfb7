"""The schedule of MRD: which visits were due, and which were kept (rule book 4.6)."""

import polars as pl

from dayzero.grading.editions import Edition
from dayzero.grading.mrd.endings import COURSE


def schedule_visits(days: pl.DataFrame, watched: pl.DataFrame, schedule: Edition) -> pl.DataFrame:
    """Return every visit of every course.

    Parameters
    ----------
    days
        As :func:`dayzero.grading.mrd.days.by_day` returns them.
    watched
        As :func:`dayzero.grading.mrd.endings.watched_courses` returns them.
    schedule
        An edition of ``mrd_schedule``.

    Returns
    -------
    DataFrame
        ``patient``, ``course_kind``, ``course``, ``month``, ``due``, ``opens``, ``closes`` (days, both inside),
        ``state``, ``day``, ``status``, ``method`` of the sample. ``state``: done; missed: the whole window passed
        under observation; pending: it was still open at the end of follow-up; not_due: relapse, death, the next course
        or the end of follow-up came before; null: the end of follow-up is unknown. A day belongs to one visit, the
        nearest due one whose window holds it (the earlier of two); a visit takes its nearest day (the later of two).
    """
    planned = _planned(watched, schedule)
    kept = planned.join(_kept(days, planned), on=(*COURSE, "month"), how="left", maintain_order="left")
    return kept.with_columns(_state().alias("state")).select(
        *COURSE[:3], "month", "due", "opens", "closes", "state", "day", "status", "method"
    )


def adherence(visits: pl.DataFrame) -> pl.DataFrame:
    """Return done / (done + missed) by kind of course and month; null where no visit was due.

    Returns
    -------
    DataFrame
        ``course_kind``, ``month``, ``done``, ``missed``, ``adherence``.
    """
    counts = [(pl.col("state") == state).sum().cast(pl.Int64).alias(state) for state in ("done", "missed")]
    counted = visits.group_by("course_kind", "month").agg(counts).sort("course_kind", "month")
    due = pl.col("done") + pl.col("missed")
    return counted.with_columns(pl.when(due > 0).then(pl.col("done") / due).alias("adherence"))


def _planned(watched: pl.DataFrame, schedule: Edition) -> pl.DataFrame:
    table = schedule.table
    months = [int(month) for month in table["months"]]
    widths = [next(float(width) for last, width in table["windows"] if month <= last) for month in months]
    after = [float(round(month * table["days_per_month"])) for month in months]
    visits = pl.DataFrame({"month": months, "width": widths, "after": after}, schema_overrides={"month": pl.Int64})
    due = (pl.col("course_day") + pl.col("after")).alias("due")
    opened = watched.select(*COURSE, "competing_day", "end").join(visits, how="cross", maintain_order="left_right")
    return opened.with_columns(due).with_columns(
        (pl.col("due") - pl.col("width")).alias("opens"), (pl.col("due") + pl.col("width")).alias("closes")
    )


def _kept(days: pl.DataFrame, planned: pl.DataFrame) -> pl.DataFrame:
    windows = planned.select(*COURSE, "month", "due", "opens", "closes", "competing_day")
    inside = pl.col("day").is_between(pl.col("opens"), pl.col("closes"))
    before = pl.col("competing_day").is_null() | (pl.col("day") <= pl.col("competing_day"))
    off = (pl.col("day") - pl.col("due")).abs().alias("off")
    near = days.join(windows, on=COURSE).filter(inside & before).with_columns(off)
    once = near.sort("off", "month").unique((*COURSE, "day"), keep="first", maintain_order=True)
    first = once.sort("off", "day", descending=[False, True]).unique((*COURSE, "month"), keep="first")
    return first.select(*COURSE, "month", "day", "status", "method")


def _state() -> pl.Expr:
    ended = pl.col("competing_day").is_not_null() & (pl.col("competing_day") <= pl.col("closes"))
    return (
        pl.when(pl.col("day").is_not_null())
        .then(pl.lit("done"))
        .when(ended)
        .then(pl.lit("not_due"))
        .when(pl.col("end") >= pl.col("closes"))
        .then(pl.lit("missed"))
        .when(pl.col("end") >= pl.col("opens"))
        .then(pl.lit("pending"))
        .when(pl.col("end").is_not_null())
        .then(pl.lit("not_due"))
    )
