"""The clock of each infusion: until when blood counts are its own, and what closes it."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.grading.courses import courses
from dayzero.history import History

COURSES: Final = ("infusion", "hsct", "dli")
"""What ends the clock of an infusion. A boost of stem cells is none: it treats the toxicity [D]."""
NADIR_DAYS: Final = 14.0
"""An infusion so soon after a transplant lies in the transplant's nadir."""
CLOSING: Final = ("death", "progression", "relapse", "new_therapy")
OPEN: Final = ("follow_up", "cutoff")
"""Ends of a clock after which the counts went on, unseen."""


def infusion_clocks(history: History, *, stops: tuple[str, ...] = CLOSING) -> pl.DataFrame:
    """Return every dated infusion and the last day of its clock.

    Parameters
    ----------
    history
        What happened.
    stops
        Events whose day is the last one of the clock.

    Returns
    -------
    DataFrame
        ``at`` (0, 1, ...), ``patient``, ``course_kind``, ``course``, ``course_day``; ``last``: days from the infusion
        to the last one of the clock (null: unknown); ``closed_by``: one of ``stops``, ``course`` (the day before the
        next infusion, transplant, DLI, or its conditioning), ``follow_up`` or ``cutoff``; ``within_nadir``.
    """
    opened = courses(history, COURSES)
    transplanted = pl.when(pl.col("kind") == "hsct").then("day").forward_fill().over("patient")
    near = (pl.col("day") - transplanted) <= NADIR_DAYS
    marked = opened.with_columns(near.fill_null(value=False).alias("within_nadir"))
    given = marked.filter(pl.col("kind") == "infusion").with_row_index("at").with_columns(pl.col("at").cast(pl.Int64))
    begun = np.floor(given["day"].to_numpy())
    ends = {name: _first_after(history, name, given) for name in stops}
    stop = given["stop"].to_numpy()
    by_course = given["ended_by"].to_numpy() != "follow_up"
    ends["course"] = np.where(by_course, np.maximum(np.ceil(stop) - 1, begun), np.nan)
    ends["follow_up"] = np.where(by_course, np.nan, stop)
    which, last = _earliest(ends)
    at_cutoff = np.zeros(len(last), bool) if history.cutoff is None else last == history.cutoff
    closed = np.where((which == "follow_up") & at_cutoff, "cutoff", which)
    return given.select(
        "at",
        "patient",
        pl.col("kind").alias("course_kind"),
        "course",
        pl.col("day").alias("course_day"),
        pl.Series("last", np.floor(last) - begun).fill_nan(None),
        pl.Series("closed_by", closed, dtype=pl.String),
        "within_nadir",
    )


def _first_after(history: History, event: str, given: pl.DataFrame) -> npt.NDArray[np.float64]:
    """Return the first day of an event after each infusion (a death: from its day on); NaN where there is none."""
    happened = history.named(event, ()).drop_nulls("day").select("patient", pl.col("day").alias("end"))
    later = pl.col("end") >= pl.col("day") if event == "death" else pl.col("end") > pl.col("day")
    found = given.select("at", "patient", "day").join(happened, on="patient").filter(later)
    first = found.group_by("at").agg(pl.col("end").min())
    joined = given.select("at").join(first, on="at", how="left", maintain_order="left")
    return joined["end"].fill_null(float("nan")).to_numpy()


def _earliest(
    ends: dict[str, npt.NDArray[np.float64]],
) -> tuple[npt.NDArray[np.str_], npt.NDArray[np.float64]]:
    """Return the name and the day of the earliest end; of equals the first named. NaN: none is known."""
    days = np.stack([np.where(np.isnan(found), np.inf, found) for found in ends.values()])
    which = np.array(list(ends))[days.argmin(axis=0)] if days.shape[1] else np.array([], str)
    last = days.min(axis=0) if days.shape[1] else np.array([])
    return np.where(np.isinf(last), "follow_up", which), np.where(np.isinf(last), np.nan, last)


def counts_of(
    labs: pl.DataFrame, clocks: pl.DataFrame, analyte: str, *, last_day: int, first_day: int = 0
) -> pl.DataFrame:
    """Return the values of an analyte on the clocks' days.

    Parameters
    ----------
    labs
        The table; rows without a value are kept where they have a bound (``>ULOQ``).
    clocks
        As :func:`infusion_clocks` returns them.
    analyte
        Its name.
    last_day, first_day
        Days from the infusion, both included.

    Returns
    -------
    DataFrame
        ``at`` of the clock, ``since`` (whole days), and the columns of the table.
    """
    told = pl.col("value").is_not_null() | pl.col("value_bound").is_in(["<", ">"])
    rows = labs.filter((pl.col("analyte") == analyte) & told)
    dated = rows.drop_nulls("day").join(clocks.select("at", "patient", "course_day", "last"), on="patient")
    since = (pl.col("day").floor() - pl.col("course_day").floor()).cast(pl.Int64)
    inside = pl.col("since").is_between(first_day, last_day) & (
        pl.col("last").is_null() | (pl.col("since") <= pl.col("last"))
    )
    return dated.with_columns(since.alias("since")).filter(inside)
