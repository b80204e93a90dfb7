"""From the table ``mrd`` to statuses, visits and negativity beside what was reported."""

from typing import Final

import polars as pl

from dayzero.grading.courses import in_courses
from dayzero.grading.derived import Derived, with_derived
from dayzero.grading.editions import Edition, edition
from dayzero.grading.mrd.days import by_day
from dayzero.grading.mrd.endings import COURSE, COURSES, watched_courses
from dayzero.grading.mrd.negativity import derive_negativity
from dayzero.grading.mrd.reported import findings, replaced
from dayzero.grading.mrd.samples import grade_samples
from dayzero.grading.mrd.visits import schedule_visits
from dayzero.history import History
from dayzero.protocol import Definitions

GRADED = (
    *("patient", "day", "row", "course_kind", "course", "since", "specimen", "method", "status", "possible", "lower"),
    *("upper", "value", "value_bound", "detected", "overt", "contradicted", "lod", "lod_bound", "lod_source", "loq"),
    *("loq_source", "threshold", "lod_of_cells", "call_reported", "scale", "assumptions", "missing"),
)


def derive_mrd(history: History, definitions: Definitions) -> Derived:
    """Derive MRD from the table ``mrd`` by the study's threshold, on the schedule of the first edition.

    Returns
    -------
    Derived
        ``mrd``: a row a sample; ``mrd_visits``: a row a visit; ``mrd_negativity``: a row a course. Events ``mrd``,
        value negative or positive, with ``method``, ``specimen``, ``course_kind``, ``course``, ``scale``.
    """
    return _derive(history, definitions.mrd_threshold, edition("mrd_methods"), edition("mrd_schedule"))


def grade_mrd(history: History, *, threshold: float | None = None, methods: str = "", schedule: str = "") -> History:
    """Return the history with MRD graded.

    Parameters
    ----------
    history
        What happened; its table ``mrd`` is needed.
    threshold
        Fraction of cells from which MRD is positive; None: 1e-4.
    methods, schedule
        Editions of ``mrd_methods`` and ``mrd_schedule``; empty: the first.

    Raises
    ------
    InputError
        Where the threshold is no fraction, or there is no such edition.
    """
    chosen = Definitions() if threshold is None else Definitions(mrd_threshold=threshold)
    derived = _derive(history, chosen.mrd_threshold, edition("mrd_methods", methods), edition("mrd_schedule", schedule))
    return with_derived(history, derived)


def _derive(history: History, threshold: float, methods: Edition, schedule: Edition) -> Derived:
    if "mrd" not in history.tables:
        return Derived()
    opened, watched = watched_courses(history)
    graded = grade_samples(history.tables["mrd"], methods, threshold=threshold).rename({"call": "call_reported"})
    samples = _in_course(graded.with_columns(pl.lit(methods.name).alias("scale")), opened)
    counting = samples.filter(_counts(methods))
    days = by_day(counting.drop_nulls("course"))
    before = _before(by_day(_as_before(counting, watched)))
    events = _events(counting)
    reported = replaced(history, events)
    results = {
        "mrd": samples.select(GRADED),
        "mrd_visits": schedule_visits(days, watched, schedule),
        "mrd_negativity": derive_negativity(days, watched, before=before, schedule=schedule),
    }
    superseded = tuple(reported["row"].to_list())
    return Derived(results, events, superseded, findings(history, samples, reported))


def _counts(methods: Edition) -> pl.Expr:
    return pl.col("specimen").is_null() | pl.col("specimen").is_in(list(methods.table["specimens"]))


def _in_course(graded: pl.DataFrame, opened: pl.DataFrame) -> pl.DataFrame:
    """Add the course of each sample: one on the day of an infusion or transplant was taken before it."""
    numbered = graded.with_row_index("at")
    inside = in_courses(numbered.select("at", "patient", "day"), opened, kinds=COURSES, first_day=1)
    found = inside.select("at", "course_kind", "course", "course_day", "since")
    return numbered.join(found, on="at", how="left", maintain_order="left").drop("at")


def _as_before(samples: pl.DataFrame, watched: pl.DataFrame) -> pl.DataFrame:
    """Return, for each course, the samples up to its day."""
    own = samples.drop("course_kind", "course", "course_day", "since").drop_nulls("day")
    pairs = watched.select(COURSE).join(own, on="patient").filter(pl.col("day").floor() <= pl.col("course_day"))
    return pairs.with_columns((pl.col("day").floor() - pl.col("course_day")).alias("since"))


def _before(days: pl.DataFrame) -> pl.DataFrame:
    last = days.sort("day").unique(COURSE, keep="last", maintain_order=True)
    return last.select(*COURSE, pl.col("status").alias("baseline"), pl.col("day").alias("baseline_day"))


CERTAIN: Final = ("negative", "positive", "below_quantification")
"""What makes an event; a sample that is detected below quantification is not negative, whatever was reported."""


def _events(samples: pl.DataFrame) -> pl.DataFrame:
    certain = samples.filter(pl.col("status").is_in(CERTAIN) & pl.col("day").is_not_null())
    return certain.select(
        "patient",
        pl.lit("mrd").alias("event"),
        pl.col("day").floor(),
        pl.col("status").alias("value"),
        "method",
        "specimen",
        "course_kind",
        pl.col("course").cast(pl.String),
        "scale",
    )
