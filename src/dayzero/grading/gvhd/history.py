"""Acute GVHD of a history: the highest grade after each gift of donor cells, and the days on which it rose."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from dayzero.grading.bounds import Bounds, Grades, first_peak, highest, highest_by
from dayzero.grading.courses import in_courses
from dayzero.grading.derived import NO_EVENTS, Derived, with_derived
from dayzero.grading.editions import Edition, edition, editions
from dayzero.grading.frames import COURSE, every_course, names_by_run
from dayzero.grading.gvhd.days import ORGANS, PERFORMANCE, grade_of_stage
from dayzero.grading.gvhd.donors import KINDS, TAKEN_FOR_ALLOGENEIC, donor_courses, given_cells
from dayzero.grading.gvhd.doubts import agvhd_findings
from dayzero.grading.gvhd.measured import weights
from dayzero.grading.gvhd.organs import GREATEST, Unrecorded, stages_by_day
from dayzero.grading.reported import differing, replaced, reported_in
from dayzero.grading.table import Ints
from dayzero.grading.truth import Bools, Floats
from dayzero.history import History
from dayzero.protocol import Definitions

TOP: Final = 4
ONSETS: Final = (2, 3)
CLASSIC_TO: Final = 100.0
"""Days from the transplant up to which acute GVHD is called classic, by the calendar alone (rule book 3.4)."""
BY_DAY_ALONE: Final = "classic_or_late_by_day_alone"
REMARKS: Final = {"stool": "stool_volume_and_episodes_differ", "contradicted": "stage_contradicts_measurement"}
ORGAN_IS_0: Final = "organ_not_recorded_that_day_is_0"


@dataclass(frozen=True)
class Runs:
    """The days of each course, one after the other.

    Attributes
    ----------
    days
        (rows,) ``patient``, ``course_kind``, ``course``, ``day``, ``since``.
    starts
        (courses,) the first row of each.
    stages
        By organ, (rows,) its stage.
    """

    days: pl.DataFrame
    starts: Ints
    stages: Mapping[str, Bounds]


def grade_agvhd(history: History, *, scale: str = "", unrecorded: Unrecorded = "unknown") -> History:
    """Return the history with acute GVHD graded after each gift of donor cells.

    Parameters
    ----------
    history
        With the table ``gvhd``; without it nothing is graded.
    scale
        ``magic`` (the default) or ``glucksberg``.
    unrecorded
        What an organ is on a day that records others: ``unknown``; or ``none`` where the patient has it recorded on
        another day, an assumption that is named.

    Raises
    ------
    InputError
        Where there is no such scale, or a stage is none.
    """
    return with_derived(history, _derive(history, edition("agvhd", scale), unrecorded))


def derive_agvhd(history: History, definitions: Definitions) -> Derived:
    """Derive acute GVHD after each gift of donor cells, and hold what was reported against it.

    Parameters
    ----------
    history
        With the table ``gvhd``.
    definitions
        ``agvhd`` is the scale.

    Returns
    -------
    Derived
        ``results["agvhd"]``: a row a course. After the columns of every result: ``since`` (days from the donor cells to
        ``day``), ``onset_2`` and ``onset_3``, the first day at that grade or above, with ``..._earliest`` and
        ``..._latest``: the first day on which it may, and must have been reached; ``timing`` (classic, late);
        ``magic_lower`` to ``glucksberg_upper``, and ``scales_differ``, null where that is open. An event ``agvhd`` for
        each day on which the highest grade so far rises, where the course's grade is certain.
        ``results["agvhd_stool"]``: a row a day on which the volume and the episodes of stool give different stages.

    Raises
    ------
    InputError
        Where there is no such scale, or a stage is none.
    """
    return _derive(history, edition("agvhd", definitions.agvhd), "unknown")


def _derive(history: History, chosen: Edition, unrecorded: Unrecorded) -> Derived:
    if "gvhd" not in history.tables:
        return Derived()
    given = given_cells(history)
    opened = donor_courses(given)
    stages = stages_by_day(history.tables["gvhd"], weights(history), unrecorded=unrecorded)
    runs = _runs(stages.days, opened)
    graded = _results(runs, opened, chosen, assumed=(ORGAN_IS_0,) if unrecorded == "none" else ())
    stool = _placed(stages.stool, runs)
    results = _remarked(graded, stool=stool, contradicted=_placed(stages.contradicted, runs))
    events = _events(runs, results, chosen)
    reported = reported_in(history, "agvhd", opened, kinds=KINDS, first_day=1)
    return Derived(
        results={"agvhd": results, "agvhd_stool": stool},
        events=events,
        superseded=replaced(reported, events) if events.height else (),
        findings=agvhd_findings(history, given, stages, results, _apart(reported, results)),
    )


def _apart(reported: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """Return the reported rows that lie outside what was derived, each held against its own scale."""
    frames = []
    for scale in editions("agvhd"):
        bounds = {f"{scale}_lower": "lower", f"{scale}_upper": "upper"}
        own = results.select(*COURSE, *bounds).rename(bounds)
        default = results["scale"].to_list()[:1]
        named = reported.with_columns(pl.col("scale").fill_null(default[0] if default else scale))
        frames.append(differing(named.filter(pl.col("scale") == scale), own, scale=scale))
    return pl.concat(frames)


def _runs(stages: pl.DataFrame, opened: pl.DataFrame) -> Runs:
    inside = in_courses(stages, opened, kinds=KINDS, first_day=1).sort(*COURSE, "day", maintain_order=True)
    run = inside.select(pl.struct(COURSE).rle_id().alias("run"))["run"].to_numpy().astype(np.int64)
    starts = np.flatnonzero(np.diff(run, prepend=-1))
    return Runs(inside, starts, {organ: _bounds(inside, organ) for organ in ORGANS})


def _bounds(inside: pl.DataFrame, organ: str) -> Bounds:
    lower, upper = inside[f"{organ}_least"].fill_null(0), inside[f"{organ}_most"].fill_null(GREATEST[organ])
    return Bounds(lower.to_numpy().astype(np.int8), upper.to_numpy().astype(np.int8))


def _placed(days: pl.DataFrame, runs: Runs) -> pl.DataFrame:
    """Return the days that lie in a course, with it."""
    known = runs.days.select(*COURSE, "day")
    joined = days.join(known, on=["patient", "day"], maintain_order="left")
    return joined.select(*COURSE, *(name for name in days.columns if name != "patient"))


def _remarked(results: pl.DataFrame, **days: pl.DataFrame) -> pl.DataFrame:
    """Return the results with the codes of what was found on any of their days."""
    for name, found in days.items():
        marked = found.select(COURSE).unique().with_columns(pl.lit(REMARKS[name]).alias("remark"))
        joined = results.join(marked, on=list(COURSE), how="left", maintain_order="left")
        several = pl.col("findings").list.concat(pl.concat_list("remark").list.drop_nulls())
        results = joined.with_columns(several.alias("findings")).drop("remark")
    return results


def _grades(runs: Runs, scale: Edition) -> dict[str, Bounds]:
    return {organ: grade_of_stage(stage, scale.table["grades"][organ]) for organ, stage in runs.stages.items()}


def _results(runs: Runs, opened: pl.DataFrame, chosen: Edition, *, assumed: Sequence[str]) -> pl.DataFrame:
    keys = opened.rename({"kind": "course_kind", "day": "course_day"})
    rows = highest(*_grades(runs, chosen).values())
    core = _core(runs, rows, chosen).with_columns(_onsets(runs, rows)).with_columns(_scales(runs))
    doubt = keys.select(*COURSE, "assumed")
    named = core.join(doubt, on=list(COURSE), how="left", maintain_order="left")
    whole = named.with_columns(_assumptions(chosen, assumed)).drop("assumed")
    filled = every_course(whole, keys, greatest=TOP, missing="gvhd")
    ends = [pl.col(f"{name}_lower").fill_null(0) for name in editions("agvhd")]
    ends += [pl.col(f"{name}_upper").fill_null(TOP) for name in editions("agvhd")]
    return filled.with_columns(pl.lit(chosen.name).alias("scale"), *ends).sort(COURSE)


def _core(runs: Runs, rows: Bounds, chosen: Edition) -> pl.DataFrame:
    """Return the columns of every result but the assumptions, and ``since``; one row a course that has rows."""
    grades = _grades(runs, chosen)
    top = highest_by(rows, runs.starts)
    peak = runs.days[first_peak(rows.lower, runs.starts)]
    lower = pl.Series("lower", top.lower.astype(np.int64))
    certain = pl.Series("evaluable", top.lower == top.upper)
    return peak.select(
        *COURSE,
        pl.when(lower > 0).then("day").alias("day"),
        pl.when(certain).then(lower).alias("grade"),
        lower,
        pl.Series("upper", top.upper.astype(np.int64)),
        certain,
        pl.lit(chosen.name).alias("scale"),
        names_by_run(_drivers(runs, grades, rows, top), runs.starts).alias("drivers"),
        names_by_run(_missing(runs, grades, top), runs.starts).alias("missing"),
        pl.lit([], pl.List(pl.String)).alias("findings"),
        pl.when(lower > 0).then("since").alias("since"),
    )


def _drivers(runs: Runs, grades: Mapping[str, Bounds], rows: Bounds, top: Bounds) -> dict[str, Bools]:
    """Return, by organ, the rows on which it gives the course's highest certain grade."""
    lower = _spread(top.lower, runs)
    there = (lower > 0) & (rows.lower == lower)
    return {organ: there & (grade.lower == lower) for organ, grade in grades.items()}


def _missing(runs: Runs, grades: Mapping[str, Bounds], top: Bounds) -> dict[str, Bools]:
    """Return, by organ, the rows on which it is unknown and might raise the course's highest certain grade."""
    lower = _spread(top.lower, runs)
    return {organ: (grade.upper > lower) & (grade.upper > grade.lower) for organ, grade in grades.items()}


def _spread(grades: Grades, runs: Runs) -> Grades:
    lengths = np.diff(np.append(runs.starts, runs.days.height))
    return np.repeat(grades, lengths) if len(runs.starts) else grades


def _onsets(runs: Runs, rows: Bounds) -> list[pl.Series]:
    """Return onset, its earliest and its latest day for each grade of ``ONSETS``, and the timing of the first sign."""
    day, since = runs.days["day"].to_numpy(), runs.days["since"].to_numpy()
    found = []
    for grade in ONSETS:
        may, must = (_first(day, end >= grade, runs.starts) for end in (rows.upper, rows.lower))
        sure = np.where(may == must, must, np.nan)
        named = {f"onset_{grade}": sure, f"onset_{grade}_earliest": may, f"onset_{grade}_latest": must}
        found += [pl.Series(name, days, nan_to_null=True) for name, days in named.items()]
    early, sign = (_first(since, end >= 1, runs.starts) for end in (rows.upper, rows.lower))
    timing = pl.Series("timing", np.where(sign <= CLASSIC_TO, "classic", "late"), dtype=pl.String)
    open_ = np.isnan(sign) | ((early <= CLASSIC_TO) != (sign <= CLASSIC_TO))
    return [*found, timing.set(pl.Series(open_), None)]


def _first(day: Floats, rows: Bools, starts: Ints) -> Floats:
    """Return the first marked day of each course; NaN where there is none."""
    if not len(starts):
        return np.empty(0)
    first = np.minimum.reduceat(np.where(rows, day, np.inf), starts)
    return np.where(np.isfinite(first), first, np.nan)


def _scales(runs: Runs) -> list[pl.Series]:
    """Return the bounds under each scale, and whether the scales differ: null where that is open."""
    tops = {name: highest_by(highest(*_grades(runs, e).values()), runs.starts) for name, e in editions("agvhd").items()}
    ends = [
        pl.Series(f"{name}_{end}", getattr(top, end).astype(np.int64)) for name, top in tops.items() for end in _ENDS
    ]
    lower = np.max([top.lower for top in tops.values()], axis=0)
    upper = np.min([top.upper for top in tops.values()], axis=0)
    apart = lower > upper
    open_ = ~apart & np.any([top.lower < top.upper for top in tops.values()], axis=0)
    return [*ends, pl.Series("scales_differ", apart).set(pl.Series("open", open_), None)]


_ENDS: Final = ("lower", "upper")


def _assumptions(chosen: Edition, assumed: Sequence[str]) -> pl.Expr:
    """Return what was assumed of each course."""
    rules = chosen.table
    named = [pl.lit(name) for name in assumed]
    named.append(pl.when(pl.col("timing").is_not_null()).then(pl.lit(BY_DAY_ALONE)))
    named.append(pl.when("assumed").then(pl.lit(TAKEN_FOR_ALLOGENEIC)))
    for organ, words in rules.get("assumptions", {}).items():
        named.append(pl.when(pl.col("drivers").list.contains(organ)).then(pl.lit(words)))
    if "performance" in rules:
        below = pl.col("lower").is_between(1, rules["performance"]["grade"] - 1)
        named.append(pl.when(below).then(pl.lit(f"no_{PERFORMANCE}")))
    return pl.concat_list(named).list.drop_nulls().alias("assumptions")


def _events(runs: Runs, results: pl.DataFrame, chosen: Edition) -> pl.DataFrame:
    """Return an event for each day on which the highest grade so far rises, of the courses whose grade is certain."""
    rows = highest(*_grades(runs, chosen).values())
    certain = results.filter(pl.col("grade") >= 1).select(COURSE)
    days = runs.days.select(*COURSE, "day").with_columns(pl.Series("grade", rows.lower.astype(np.int64)))
    so_far = days.with_columns(pl.col("grade").cum_max().over(COURSE).alias("so_far"))
    before = pl.col("so_far").shift(1).over(COURSE).fill_null(0)
    risen = so_far.filter(pl.col("so_far") > before).join(certain, on=list(COURSE), how="semi", maintain_order="left")
    if not risen.height:
        return NO_EVENTS.clone()
    return risen.select(
        "patient",
        pl.lit("agvhd").alias("event"),
        "day",
        pl.col("so_far").cast(pl.String).alias("value"),
        "course_kind",
        pl.col("course").cast(pl.String),
        pl.lit(chosen.name).alias("scale"),
    )
