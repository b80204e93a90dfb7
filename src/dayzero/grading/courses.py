"""Courses: each infusion and transplant opens one, and what is measured belongs to the latest course before it."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from dayzero.history import History

KINDS: Final = ("infusion", "hsct", "dli", "boost")
CONDITIONING_DAYS: Final = 14.0
"""Lymphodepletion or conditioning within so many days before an infusion or transplant belongs to it."""
SCHEMA: Final = {
    "patient": pl.Int64,
    "kind": pl.String,
    "course": pl.Int64,
    "day": pl.Float64,
    "stop": pl.Float64,
    "ended_by": pl.String,
}


def courses(history: History, kinds: Sequence[str] = KINDS) -> pl.DataFrame:
    """Return every dated infusion and transplant, and until when what follows is its own.

    Parameters
    ----------
    history
        What happened.
    kinds
        Events that open a course, and end the one before.

    Returns
    -------
    DataFrame
        By patient and day: ``patient``; ``kind``; ``course``: 1st, 2nd of its kind; ``day``; ``stop``: the day of the
        next course, or on which its lymphodepletion or conditioning began (an event ``lymphodepletion`` at most 14
        days before it), else the end of follow-up, null where that is unknown; ``ended_by``: the next course's kind,
        or ``follow_up``; then the attribute columns of the events (product, targets, dose, ...), an attribute
        ``kind`` (allogeneic or autologous) as ``subtype``.
    """
    attributes = tuple(name for name in history.attributes if name not in (*SCHEMA, "course_kind", "subtype"))
    frames = [_numbered(history, kind, attributes) for kind in kinds]
    opened = pl.concat(frames).sort("patient", "day", maintain_order=True)
    own = pl.col("patient").shift(-1) == pl.col("patient")
    following = opened.with_columns(
        pl.when(own).then(pl.col("day").shift(-1)).alias("next_day"),
        pl.when(own).then(pl.col("kind").shift(-1)).alias("next_kind"),
    )
    ends = pl.DataFrame(
        {"patient": range(len(history)), "end": history.end}, schema={"patient": pl.Int64, "end": float}
    )
    joined = _conditioned(following, history).join(ends, on="patient", how="left", maintain_order="left")
    stop = pl.coalesce(pl.col("stop"), pl.col("next_day"), pl.col("end").fill_nan(None)).alias("stop")
    ended_by = pl.col("next_kind").fill_null("follow_up").alias("ended_by")
    return joined.select("patient", "kind", "course", "day", stop, ended_by, "subtype", *attributes)


def _numbered(history: History, kind: str, attributes: Sequence[str]) -> pl.DataFrame:
    rows = history.named(kind, ("number", "kind", *attributes)).drop_nulls("day")
    rows = rows.sort("patient", "day", maintain_order=True)
    subtype = pl.col("kind") if "kind" in rows.columns else pl.lit(None, pl.String)
    first = pl.col("patient").ne_missing(pl.col("patient").shift(1))
    place = pl.int_range(1, pl.len() + 1) - pl.when(first).then(pl.int_range(0, pl.len())).forward_fill()
    return rows.select(
        "patient",
        pl.lit(kind).alias("kind"),
        pl.col("number").fill_null(place).cast(pl.Int64).alias("course"),
        "day",
        subtype.alias("subtype"),
        *attributes,
    )


def _conditioned(following: pl.DataFrame, history: History) -> pl.DataFrame:
    """Add ``stop``: the first lymphodepletion or conditioning of the next course; null where none is dated."""
    given = history.named("lymphodepletion", ()).select("patient", pl.col("day").alias("began")).drop_nulls()
    early = (pl.col("began") < pl.col("next_day")) & (pl.col("began") >= pl.col("next_day") - CONDITIONING_DAYS)
    keyed = following.with_row_index("at")
    found = keyed.join(given, on="patient").filter(early & (pl.col("began") > pl.col("day")))
    first = found.group_by("at").agg(pl.col("began").min().alias("stop"))
    return keyed.join(first, on="at", how="left", maintain_order="left").drop("at")


def in_courses(
    rows: pl.DataFrame, opened: pl.DataFrame, *, kinds: Sequence[str] = ("infusion",), first_day: int = 0
) -> pl.DataFrame:
    """Return the rows of a table that lie in a course, each with that course.

    Parameters
    ----------
    rows
        ``patient`` and ``day`` (days; a fraction is a time of day), and more.
    opened
        As :func:`courses` returns them.
    kinds
        Courses of these kinds; a row after the ``stop`` of its course lies in none.
    first_day
        0: what is measured on the day of the infusion is after it (vital signs); 1: it is before it (a marrow).

    Returns
    -------
    DataFrame
        The rows with ``course``, ``course_kind``, ``course_day`` (of the infusion or transplant) and ``since``: whole
        days from it. Rows without a day, or before any course, are left out. The day of ``stop`` is still inside
        where ``first_day`` is 1, and where follow-up ends on it.
    """
    last = opened.select(
        "patient",
        pl.col("kind").alias("course_kind"),
        "course",
        pl.col("day").alias("course_day"),
        "stop",
        "ended_by",
        (pl.col("day") + first_day).alias("opens"),
    ).sort("opens")
    dated = rows.with_row_index("order").drop_nulls("day").with_columns(pl.col("day").floor().alias("on")).sort("on")
    found = dated.join_asof(last, left_on="on", right_on="opens", by="patient", check_sortedness=False)
    followed = (pl.col("ended_by") == "follow_up") & (pl.col("on") <= pl.col("stop"))
    within = pl.col("stop").is_null() | (pl.col("on") < pl.col("stop") + first_day) | followed
    ends = pl.col("stop") <= pl.col("course_day")
    inside = pl.col("course_kind").is_in(list(kinds)) & (within | ends)
    since = (pl.col("on") - pl.col("course_day")).alias("since")
    return found.filter(inside).with_columns(since).sort("order").drop("order", "on", "opens", "stop", "ended_by")
