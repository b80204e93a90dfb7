"""ICANS of a history: the highest grade after each infusion, its onset and its end, from the table ``neuro``."""

from typing import Final

import numpy as np
import polars as pl

from dayzero.errors import Finding
from dayzero.grading.bounds import Bounds, first_peak, highest_by
from dayzero.grading.courses import courses, in_courses
from dayzero.grading.derived import NO_EVENTS, Derived, patient_rows, with_derived
from dayzero.grading.editions import Edition, edition
from dayzero.grading.frames import COURSE, every_course, names_by_run, to_the_end
from dayzero.grading.neuro.domains import ASSUMED_NO, COLUMNS, Assessment, assess
from dayzero.grading.neuro.episodes import icans_episodes
from dayzero.grading.neuro.icans import drivers_of, missing_of, remarks_of
from dayzero.grading.neuro.seizures import seizures_below
from dayzero.grading.reported import differing, differs, replaced, reported_in
from dayzero.grading.table import Bedside, read_bedside
from dayzero.history import History
from dayzero.protocol import Definitions

HOURS: Final = 24.0
GREATEST: Final = 5
AGE: Final = "age_from_patients"
OWN: Final = ("patient", "day", "row", "course", "course_kind", "course_day", "since", "time", "date")


def grade_icans(history: History, *, scale: str = "") -> History:
    """Return the history with ICANS graded after each infusion.

    Parameters
    ----------
    history
        With the table ``neuro``; without it nothing is graded.
    scale
        The edition; empty: the default.

    Returns
    -------
    History
        With ``graded["icans"]``, and events ``icans`` where the grade is certain and at least 1.

    Raises
    ------
    InputError
        Where there is no such edition, or a cell cannot be read.
    """
    return with_derived(history, derive_icans(history, Definitions(icans=edition("icans", scale).name)))


def derive_icans(history: History, definitions: Definitions) -> Derived:
    """Derive ICANS after each infusion, and hold what was reported against it.

    Parameters
    ----------
    history
        With the table ``neuro``; without it only the reported seizures are looked at.
    definitions
        ``icans`` is the edition.

    Returns
    -------
    Derived
        ``results["icans"]``: a row an infusion. After the columns of every result: ``onset`` and ``resolution`` (days
        on the history's clock; null where there is none, or the record ends before it), ``duration_days`` between
        them, ``days_to_onset`` (whole days from the infusion), ``onset_earliest``: the first day on which rows with
        gaps may have shown it, and ``episodes``.

    Raises
    ------
    InputError
        Where there is no such edition, or a cell cannot be read.
    """
    chosen = edition("icans", definitions.icans)
    guard = seizures_below(history, chosen.name)
    if "neuro" not in history.tables:
        return Derived(findings=guard)
    opened = to_the_end(courses(history))
    bedside = _read(history, opened)
    results = _results(history, opened, bedside, chosen)
    events = _events(results)
    reported = reported_in(history, "icans", opened, kinds=("infusion",))
    apart = differing(reported, results, scale=chosen.name)
    differ = differs(history, apart, code="icans-grade-differs", what="The ICANS grade")
    return Derived(
        results={"icans": results},
        events=events,
        superseded=replaced(reported, events) if events.height else (),
        findings=(*guard, *differ, *_left_out(history, opened)),
    )


def _read(history: History, opened: pl.DataFrame) -> Bedside:
    """Return the rows that lie in the course of an infusion, typed; the time in hours on the history's clock."""
    table = _aged(history.tables["neuro"], history)
    inside = in_courses(table.drop("course", strict=False), opened)
    columns = [name for name in table.columns if name not in OWN]
    frame = inside.select(pl.col("patient").cast(pl.String), "course", (pl.col("day") * HOURS).alias("time"), *columns)
    return read_bedside(frame, COLUMNS, file="neuro", rows=inside["row"].to_numpy())


def _aged(table: pl.DataFrame, history: History) -> pl.DataFrame:
    """Fill ages that the table lacks from the patients: they decide between ICE and CAPD."""
    if "age" not in history.patients.columns:
        return table
    number = pl.col("age").cast(pl.Float64, strict=False)
    known = pl.when(number.is_between(0, 120)).then(number).cast(pl.String).alias("baseline_age")
    ages = history.patients.select(pl.int_range(pl.len()).alias("patient"), known)
    own = pl.col("age").str.strip_chars().replace("", None) if "age" in table.columns else pl.lit(None, pl.String)
    joined = table.join(ages, on="patient", how="left", maintain_order="left")
    return joined.with_columns(pl.coalesce(own, "baseline_age").alias("age")).drop("baseline_age")


def _results(history: History, opened: pl.DataFrame, bedside: Bedside, chosen: Edition) -> pl.DataFrame:
    found = assess(bedside, chosen)
    table = history.tables["neuro"]
    has_gaps = "age" not in table.columns or bool(table["age"].is_null().any())
    graded = _graded(bedside, found, chosen, aged=has_gaps and "age" in history.patients.columns)
    spans = _spans(bedside, found.rows)
    own = opened.filter(pl.col("kind") == "infusion")
    infusions = own.select("patient", pl.col("kind").alias("course_kind"), "course", pl.col("day").alias("course_day"))
    both = graded.join(spans, on=["patient", "course"], how="left").join(
        infusions.select(*COURSE, "course_day"), on=list(COURSE), how="left"
    )
    onset = (pl.col("onset").floor() - pl.col("course_day")).alias("days_to_onset")
    shown = both.with_columns(onset).select(*graded.columns, *spans.columns[2:5], "days_to_onset", *spans.columns[5:])
    rows = every_course(shown, infusions, greatest=GREATEST, missing="neuro")
    return rows.with_columns(pl.lit(chosen.name).alias("scale")).sort("patient", "course")


def _graded(bedside: Bedside, found: Assessment, chosen: Edition, *, aged: bool) -> pl.DataFrame:
    """Return the columns of every result, one row an infusion that has rows."""
    peak = highest_by(found.rows, bedside.starts)
    assumed = {words: bedside.missing(name) for name, words in ASSUMED_NO.items()}
    if aged:
        assumed[AGE] = ~bedside.missing("age")
    certain, lower = peak.lower == peak.upper, peak.lower.astype(np.int64)
    day = bedside.time[first_peak(found.rows.lower, bedside.starts)] / HOURS
    return pl.DataFrame(
        {
            "patient": bedside.patients.cast(pl.Int64),
            "course_kind": ["infusion"] * len(certain),
            "course": bedside.courses,
            "day": pl.Series(np.where(lower > 0, day, np.nan), nan_to_null=True),
            "grade": pl.Series(lower).set(pl.Series(~certain), None),
            "lower": lower,
            "upper": peak.upper.astype(np.int64),
            "evaluable": certain,
            "scale": [chosen.name] * len(certain),
            "drivers": names_by_run(drivers_of(bedside, found, peak), bedside.starts),
            "missing": names_by_run(missing_of(bedside, found, peak), bedside.starts),
            "findings": names_by_run(remarks_of(bedside, chosen, found, peak), bedside.starts),
            "assumptions": names_by_run(assumed, bedside.starts),
        },
        schema_overrides={"course_kind": pl.String, "scale": pl.String},
    )


def _spans(bedside: Bedside, rows: Bounds) -> pl.DataFrame:
    """Return patient, course, onset, resolution, duration_days, onset_earliest and episodes, in days."""
    whole = icans_episodes(bedside, rows).with_columns(pl.col("patient").cast(pl.Int64))
    end = pl.when(pl.col("resolution").is_not_null().all()).then(pl.col("resolution").max())
    spans = whole.group_by("patient", "course").agg(
        (pl.col("onset").min() / HOURS).alias("onset"),
        (end / HOURS).alias("resolution"),
        pl.len().cast(pl.Int64).alias("episodes"),
    )
    maybe = pl.DataFrame(
        {"patient": bedside.patients.gather(bedside.group).cast(pl.Int64), "course": bedside.courses[bedside.group],
         "at": bedside.time / HOURS, "may": rows.upper > 0}
    )  # fmt: skip
    first = maybe.filter("may").group_by("patient", "course").agg(pl.col("at").min().alias("onset_earliest"))
    both = first.join(spans, on=["patient", "course"], how="left")
    duration = (pl.col("resolution") - pl.col("onset")).round(6).alias("duration_days")
    return both.select("patient", "course", "onset", "resolution", duration, "onset_earliest", "episodes")


def _events(results: pl.DataFrame) -> pl.DataFrame:
    """Return an event for each certain grade of at least 1, on the day of its onset."""
    certain = results.filter(pl.col("grade") >= 1)
    if not certain.height:
        return NO_EVENTS.clone()
    return certain.select(
        "patient",
        pl.lit("icans").alias("event"),
        pl.col("onset").floor().alias("day"),
        pl.col("grade").cast(pl.String).alias("value"),
        pl.col("course").cast(pl.String),
        "course_kind",
        "scale",
    )


def _left_out(history: History, opened: pl.DataFrame) -> tuple[Finding, ...]:
    """Find rows that lie in the course of no infusion."""
    table = history.tables["neuro"].select("patient", "day", "row")
    inside = in_courses(table, opened)
    left = table.join(inside, on="row", how="anti")
    if not left.height:
        return ()
    found = Finding(
        "note",
        "neuro-outside-infusion",
        f"Rows of the table neuro without a day, or in the course of no infusion: {left.height}; they are not graded.",
        mend="Give them a day; what follows a transplant or the next lymphodepletion belongs to no earlier infusion.",
        table="neuro",
        rows=tuple(left["row"].to_list()),
        patient_rows=patient_rows(history, left["patient"]),
    )
    return (found,)
