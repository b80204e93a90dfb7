"""MRD of one course: its samples, visits and negativity, from the graded table and from what was reported."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from dayzero.analyses.courses_states import mrd_status
from dayzero.grading.courses import in_courses
from dayzero.grading.editions import edition
from dayzero.grading.mrd.days import by_day
from dayzero.grading.mrd.endings import COURSE, COURSES, watched_courses
from dayzero.grading.mrd.negativity import derive_negativity
from dayzero.grading.mrd.samples import STATUSES
from dayzero.grading.mrd.visits import schedule_visits
from dayzero.history import History

SAMPLE: Final = {
    "patient": pl.Int64, "course_kind": pl.String, "course": pl.Int64, "course_day": pl.Float64, "day": pl.Float64,
    "since": pl.Float64, "method": pl.String, "specimen": pl.String, "status": pl.String, "lower": pl.Int64,
    "upper": pl.Int64,
}  # fmt: skip
_METHODS: Final = {"flow": "mfc", "fcm": "mfc", "facs": "mfc", "flow_cytometry": "mfc"}


@dataclass(frozen=True)
class CourseMrd:
    """MRD after one course.

    Attributes
    ----------
    courses
        A row a patient who had it: ``patient``, ``course_day``, ``competing``, ``competing_day``, ``end``.
    samples
        Its samples of marrow, blood or no stated specimen: ``patient``, ``since``, ``status`` (null where it is not
        certain), ``method``; those after ``competing_day`` are left out.
    visits
        As :func:`dayzero.grading.mrd.visits.schedule_visits` returns them.
    negativity
        As :func:`dayzero.grading.mrd.negativity.derive_negativity` returns it.
    thresholds
        Fractions of cells from which MRD is positive; empty where the results are the laboratories' words alone.
    reported
        Rows in the events file of results that are words, without limit of detection.
    """

    courses: pl.DataFrame
    samples: pl.DataFrame
    visits: pl.DataFrame
    negativity: pl.DataFrame
    thresholds: tuple[float, ...]
    reported: tuple[int, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        """The methods of the samples, in order; a sample without one has an empty name."""
        return tuple(self.samples["method"].fill_null("").unique().sort().to_list())


def methods_of(history: History) -> tuple[str, ...]:
    """Return the methods of all samples of the study."""
    found = pl.concat([_graded(history)["method"], _reported(history, 0.5)["method"]])
    return tuple(found.drop_nulls().unique().sort().to_list())


def mrd_of(history: History, *, kind: str, number: int, threshold: float, method: str) -> CourseMrd:
    """Return the MRD of one course.

    Reported events stand beside the samples of the table ``mrd`` where no derived event counts in their place: a
    patient whose result is known only so has been looked at.

    Parameters
    ----------
    history
        What happened.
    kind, number
        Of the course: ``infusion`` or ``hsct``.
    threshold
        Fraction of cells from which a reported number is positive.
    method
        Only samples by this method; empty: all.
    """
    opened, watched = watched_courses(history)
    table, told = _graded(history), _reported(history, threshold)
    if method:
        table, told = (rows.filter(pl.col("method") == method) for rows in (table, told))
    placed = in_courses(told, opened, kinds=COURSES, first_day=1)
    samples = pl.concat([table.select(list(SAMPLE)), placed.select(list(SAMPLE))]).drop_nulls("day")
    whole = told.height == 0 and not method and {"mrd_visits", "mrd_negativity"} <= set(history.graded)
    if whole:
        visits, negativity = history.graded["mrd_visits"], history.graded["mrd_negativity"]
    else:
        every = pl.concat([table.select(list(SAMPLE)), told.select(_bare(told))], how="diagonal").drop_nulls("day")
        visits, negativity = _derived(samples.drop_nulls("course"), every, watched)
    mine = (pl.col("course_kind") == kind) & (pl.col("course") == number)
    courses = watched.filter(mine).select("patient", "course_day", "competing", "competing_day", "end")
    own = samples.filter(mine.fill_null(value=False))
    ended = own.join(courses.select("patient", "competing_day"), on="patient", how="left")
    kept = ended.filter(pl.col("competing_day").is_null() | (pl.col("day").floor() <= pl.col("competing_day")))
    inside = told.join(kept.select("patient", "day").unique(), on=["patient", "day"], how="semi")
    return CourseMrd(
        courses, kept.select("patient", "since", "status", "method").sort("patient", "since"),
        visits.filter(mine), negativity.filter(mine), _thresholds(history, method),
        tuple(int(row) for row in inside["row"].sort() if row),
    )  # fmt: skip


def _thresholds(history: History, method: str) -> tuple[float, ...]:
    graded = history.graded.get("mrd")
    if graded is None:
        return ()
    rows = graded.filter(pl.col("method") == method) if method else graded
    return tuple(float(limit) for limit in rows["threshold"].drop_nulls().unique().sort())


def _bare(told: pl.DataFrame) -> list[str]:
    return [name for name in told.columns if name in SAMPLE]


def _graded(history: History) -> pl.DataFrame:
    """Return the samples of the table, of marrow, blood or no stated specimen."""
    graded = history.graded.get("mrd")
    if graded is None:
        return pl.DataFrame(schema=SAMPLE)
    counted = edition("mrd_methods").table["specimens"]
    rows = graded.filter(pl.col("specimen").is_null() | pl.col("specimen").is_in(list(counted)))
    course_day = (pl.col("day").floor() - pl.col("since")).alias("course_day")
    return rows.with_columns(course_day).select(pl.col(name).cast(kind) for name, kind in SAMPLE.items())


def _reported(history: History, threshold: float) -> pl.DataFrame:
    """Return the reported results that no derived one replaces; a word that is none is no certain result."""
    rows = history.named("mrd", ("value", "method", "specimen", "row")).filter(pl.col("source") == "reported")
    absent = [pl.lit(None, pl.String).alias(name) for name in ("method", "specimen") if name not in rows.columns]
    word = pl.col("method").str.strip_chars().str.to_lowercase().str.replace_all(r"[\s-]+", "_").replace("", None)
    specimen = pl.col("specimen").str.strip_chars().str.to_lowercase().replace("", None)
    named = rows.with_columns(absent).with_columns(
        word.replace(_METHODS).alias("method"),
        specimen.alias("specimen"),
        mrd_status(pl.col("value"), threshold).alias("status"),
    )
    level = pl.col("status").replace_strict(
        {status: k for k, status in enumerate(STATUSES)}, default=None, return_dtype=pl.Int64
    )
    counted = edition("mrd_methods").table["specimens"]
    kept = named.filter(pl.col("specimen").is_null() | pl.col("specimen").is_in(list(counted)))
    return kept.select(
        "patient", "day", "method", "specimen", "status", "row",
        level.fill_null(0).alias("lower"), level.fill_null(len(STATUSES) - 1).alias("upper"),
    )  # fmt: skip


def _derived(samples: pl.DataFrame, every: pl.DataFrame, watched: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return visits and negativity of these samples; ``every`` holds those before the courses, too."""
    schedule = edition("mrd_schedule")
    days = by_day(samples)
    pairs = watched.select(COURSE).join(every.drop("course_kind", "course", "course_day", "since"), on="patient")
    before = pairs.filter(pl.col("day").floor() <= pl.col("course_day"))
    told = by_day(before.with_columns((pl.col("day").floor() - pl.col("course_day")).alias("since")))
    last = told.sort("day").unique(COURSE, keep="last", maintain_order=True)
    baseline = last.select(*COURSE, pl.col("status").alias("baseline"), pl.col("day").alias("baseline_day"))
    negativity = derive_negativity(days, watched, before=baseline, schedule=schedule)
    return schedule_visits(days, watched, schedule), negativity
