"""ICAHT and T-ICAHT of a history: neutropenia and thrombocytopenia after each infusion, early and late.

Sources: Rejeski et al. 2023 (ICAHT) by the published algorithm of Liang et al., Rejeski et al. 2025 (T-ICAHT);
thresholds in ``editions/icaht`` and ``editions/t_icaht``.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl

from dayzero.errors import Finding
from dayzero.grading.blood.clock import OPEN, counts_of, infusion_clocks
from dayzero.grading.blood.counts import Counts, Early, Late, grade_early, grade_late
from dayzero.grading.blood.daily import Ints
from dayzero.grading.bounds import Bounds
from dayzero.grading.courses import courses
from dayzero.grading.derived import NO_EVENTS, RESULT, Derived, patient_rows, with_derived
from dayzero.grading.editions import Edition, edition
from dayzero.grading.frames import names_by_run
from dayzero.grading.reported import differing, differs, replaced, reported_in
from dayzero.grading.truth import Bools
from dayzero.history import History
from dayzero.protocol import Definitions

WITHIN_NADIR: Final = "within_transplant_nadir"
LONG: Final = 10_000
"""Days of a clock whose end is unknown."""


def grade_icaht(history: History, *, convention: str = "") -> History:
    """Return the history with ICAHT and T-ICAHT graded after each infusion.

    Parameters
    ----------
    history
        With the table ``labs``; without counts in it nothing is graded.
    convention
        Of ICAHT, ``longest_run`` or ``cumulative``; empty: the edition's own.

    Returns
    -------
    History
        With ``graded["icaht"]`` and ``graded["t_icaht"]``, and events ``icaht`` where a grade is certain and at least
        1.
    """
    chosen = Definitions(icaht="cumulative") if convention == "cumulative" else Definitions()
    return with_derived(history, derive_icaht(history, chosen))


def derive_icaht(history: History, definitions: Definitions) -> Derived:
    """Derive ICAHT from neutrophils and T-ICAHT from platelets, after each infusion.

    Parameters
    ----------
    history
        With the table ``labs``.
    definitions
        ``icaht`` says which days count of a neutropenia: those of the longest run, or all. T-ICAHT counts all, as its
        definition does.

    Returns
    -------
    Derived
        ``results["icaht"]`` and ``results["t_icaht"]``, where the table has the analyte: a row an infusion; the grade
        is the early one. Then ``convention``; of each limit ``longest_run_500``, ``cumulative_500`` (days for certain)
        and the same with ``_upper``; ``nadir`` (1e9/L) and ``nadir_day`` of the early days; ``override`` (null:
        unknown); ``last_day``, ``closed_by``, ``days_unknown``; ``late_grade``, ``late_lower``, ``late_upper`` (null
        where the clock stopped before), ``late_day`` (of the lowest late value), ``late_values``.
    """
    if "labs" not in history.tables:
        return Derived()
    measured = set(history.tables["labs"]["analyte"].unique().drop_nulls())
    clocks = infusion_clocks(history)
    conventions = {"icaht": definitions.icaht, "t_icaht": ""}
    editions = {name: edition(name) for name in conventions if edition(name).table["analyte"] in measured}
    results = {
        name: _results(history, clocks, chosen, conventions[name] or chosen.table["default"])
        for name, chosen in editions.items()
    }
    nadir = _in_nadir(history, clocks)
    if "icaht" not in results:
        return Derived(results=results, findings=nadir)
    events = _events(results["icaht"])
    reported = _reported(history, clocks)
    return Derived(
        results=results,
        events=events,
        superseded=_superseded(reported, events),
        findings=(*_differences(history, reported, results["icaht"]), *nadir),
    )


def counts_on(clocks: pl.DataFrame, values: pl.DataFrame, chosen: Edition) -> Counts:
    """Return the values of clocks in the unit of an edition.

    Parameters
    ----------
    clocks
        ``last`` and ``closed_by``, a row a course.
    values
        ``at`` (row of its clock), ``since``, ``value`` in 1e9/L, ``value_bound``.
    chosen
        The edition.
    """
    closed = clocks["closed_by"].to_numpy()
    return Counts(
        at=values["at"].to_numpy(),
        since=values["since"].to_numpy(),
        value=values["value"].to_numpy() * chosen.table["per_canonical"],
        bound=values["value_bound"].fill_null("").to_numpy(),
        last=clocks["last"].fill_null(LONG).to_numpy().astype(np.int64),
        unseen_after=np.isin(closed, OPEN),
        lost=(closed == "follow_up") & clocks["last"].is_not_null().to_numpy(),
    )


def _results(history: History, clocks: pl.DataFrame, chosen: Edition, convention: str) -> pl.DataFrame:
    """Return the frame of results of one edition."""
    values = counts_of(history.tables["labs"], clocks, chosen.table["analyte"], last_day=chosen.table["late"]["last"])
    counts = counts_on(clocks, values.drop_nulls("value"), chosen)
    early, late = grade_early(counts, chosen, convention), grade_late(counts, chosen)
    in_nadir = clocks["within_nadir"].to_numpy()
    bounds = Bounds(np.where(in_nadir, 0, early.bounds.lower), np.where(in_nadir, 4, early.bounds.upper))
    head = {
        **{name: clocks[name] for name in ("patient", "course_kind", "course")},
        "day": _days_from(clocks, _start(early, convention)),
        "grade": pl.Series(bounds.lower, dtype=pl.Int64).set(pl.Series(bounds.lower != bounds.upper), None),
        "lower": bounds.lower.astype(np.int64),
        "upper": bounds.upper.astype(np.int64),
        "evaluable": bounds.lower == bounds.upper,
        "scale": pl.Series([chosen.name] * len(counts), dtype=pl.String),
    }
    lists = {name: _lists(found) for name, found in names_of(early, counts, chosen, bounds, in_nadir).items()}
    own = durations(early, convention) | {"last_day": clocks["last"], "closed_by": clocks["closed_by"]}
    low = _nadir(early, clocks, chosen)
    return pl.DataFrame(head | lists | own | low | _late_columns(late, clocks, in_nadir)).select(
        *RESULT, pl.exclude(*RESULT)
    )


def _lists(names: Mapping[str, Bools]) -> pl.Series:
    n = len(next(iter(names.values())))
    return names_by_run(names, np.arange(n))


def _start(early: Early, convention: str) -> Ints:
    """Return the first day of the longest run under the mildest limit, or of the first run where all days count."""
    found = early.by_limit[max(early.by_limit)][0]
    return found.start if convention == "longest_run" else found.first


def _days_from(clocks: pl.DataFrame, since: Ints) -> pl.Series:
    """Return days on the history's clock; null where ``since`` is -1."""
    return pl.select(pl.when(pl.Series(since) >= 0).then(clocks["course_day"].floor() + pl.Series(since))).to_series()


def durations(early: Early, convention: str) -> dict[str, Any]:
    """Return the columns of durations, by limit, and the override."""
    found: dict[str, Any] = {"convention": pl.Series([convention] * len(early.override), dtype=pl.String)}
    for limit, (sure, may) in sorted(early.by_limit.items(), reverse=True):
        found |= {f"longest_run_{limit:g}": sure.longest, f"longest_run_{limit:g}_upper": may.longest}
        found |= {f"cumulative_{limit:g}": sure.cumulative, f"cumulative_{limit:g}_upper": may.cumulative}
    found["override"] = pl.Series(early.override == 1).set(pl.Series(early.override < 0), None)
    found["days_unknown"] = early.span.unknown.sum(axis=1).astype(np.int64)
    return found


def _nadir(early: Early, clocks: pl.DataFrame, chosen: Edition) -> dict[str, pl.Series]:
    """Return the lowest early value, in 1e9/L (rounded as the edition does), and its first day."""
    values = np.where(np.isnan(early.span.mild), np.inf, early.span.mild)
    known = np.isfinite(values).any(axis=1)
    lowest = np.where(known, values.min(axis=1, initial=np.inf), np.nan) / chosen.table["per_canonical"]
    return {
        "nadir": pl.Series(lowest, nan_to_null=True),
        "nadir_day": _days_from(clocks, np.where(known, values.argmin(axis=1), -1)),
    }


def _late_columns(late: Late, clocks: pl.DataFrame, in_nadir: Bools) -> dict[str, pl.Series]:
    reached = clocks["last"].fill_null(LONG).to_numpy() > 30
    lower, upper = np.where(in_nadir, 0, late.bounds.lower), np.where(in_nadir, 4, late.bounds.upper)
    shown = {"late_grade": reached & (lower == upper), "late_lower": reached, "late_upper": reached}
    ends = {"late_grade": lower, "late_lower": lower, "late_upper": upper}
    columns = {name: pl.Series(ends[name], dtype=pl.Int64).set(pl.Series(~on), None) for name, on in shown.items()}
    return columns | {"late_day": _days_from(clocks, late.nadir_day), "late_values": pl.Series(late.values)}


def names_of(
    early: Early, counts: Counts, chosen: Edition, bounds: Bounds, in_nadir: Bools
) -> dict[str, dict[str, Bools]]:
    """Return drivers, missing, findings and assumptions by name, each with the courses in which it holds."""
    analyte, unknown = chosen.table["analyte"], early.span.unknown.any(axis=1)
    drivers = {f"{analyte}_{limit:g}": runs[0].longest > 0 for limit, runs in early.by_limit.items()}
    drivers["never_recovered"] = early.override == 1
    grid = ~np.isnan(early.span.mild)
    filled = grid.sum(axis=1) > _measured(counts, chosen)
    closed = ~counts.unseen_after & (counts.last < chosen.table["early"]["last"])
    return {
        "drivers": {name: held & (bounds.lower > 0) for name, held in drivers.items()},
        "missing": {analyte: unknown & (bounds.lower < bounds.upper)},
        "findings": {WITHIN_NADIR: in_nadir},
        "assumptions": {
            "days_between_values_filled": filled,
            "clock_stopped_early": closed,
            "lost_without_recovery": (early.override == 1)
            & counts.lost
            & (counts.last < chosen.table["early"]["last"]),
        },
    }


def _measured(counts: Counts, chosen: Edition) -> Ints:
    """Return how many early days have a value."""
    early = counts.since <= chosen.table["early"]["last"]
    stride = chosen.table["early"]["last"] + 1
    days = np.unique(counts.at[early] * stride + counts.since[early])
    return np.bincount(days // stride, minlength=len(counts))


def _events(results: pl.DataFrame) -> pl.DataFrame:
    """Return an event for each certain grade of at least 1, early and late."""
    early = results.filter(pl.col("grade") >= 1).select("patient", "day", pl.col("grade"), *_attributes("early"))
    late = results.filter(pl.col("late_grade") >= 1).select(
        "patient", pl.col("late_day").alias("day"), pl.col("late_grade").alias("grade"), *_attributes("late")
    )
    both = pl.concat([early, late])
    if not both.height:
        return NO_EVENTS.clone()
    named = both.with_columns(pl.lit("icaht").alias("event"), pl.col("grade").cast(pl.String).alias("value"))
    return named.select("patient", "event", "day", "value", "course", "course_kind", "period", "scale")


def _attributes(period: str) -> tuple[pl.Expr, ...]:
    return pl.col("course").cast(pl.String), pl.col("course_kind"), pl.lit(period).alias("period"), pl.col("scale")


def _reported(history: History, clocks: pl.DataFrame) -> pl.DataFrame:
    """Return reported ICAHT with its course and period: as it says, else by its day; undated is early."""
    rows = reported_in(history, "icaht", courses(history), kinds=("infusion",))
    course = ["patient", "course_kind", "course"]
    dated = rows.join(clocks.select(*course, "course_day"), on=course, how="left")
    by_day = pl.when(pl.col("day") - pl.col("course_day") > 30).then(pl.lit("late")).otherwise(pl.lit("early"))
    if "period" not in history.attributes:
        return dated.with_columns(by_day.alias("period"))
    told = history.events.filter(pl.col("source") == "reported").select("row", pl.col("period").alias("told"))
    known = pl.when(pl.col("told").is_in(["early", "late"])).then("told")
    return dated.join(told, on="row", how="left").with_columns(pl.coalesce(known, by_day).alias("period"))


def _superseded(reported: pl.DataFrame, events: pl.DataFrame) -> tuple[int, ...]:
    """Return the reported rows whose course and period have a derived event."""
    if not events.height:
        return ()
    found = (
        replaced(*(side.filter(pl.col("period") == period) for side in (reported, events)))
        for period in ("early", "late")
    )
    return tuple(sorted(row for rows in found for row in rows))


def _differences(history: History, reported: pl.DataFrame, results: pl.DataFrame) -> tuple[Finding, ...]:
    scale = edition("icaht").name
    late = results.drop("lower", "upper").rename({"late_lower": "lower", "late_upper": "upper"})
    apart = [
        differing(reported.filter(pl.col("period") == period), side, scale=scale).select("patient", "row")
        for period, side in (("early", results), ("late", late))
    ]
    return differs(history, pl.concat(apart), code="icaht-grade-differs", what="The ICAHT grade")


def _in_nadir(history: History, clocks: pl.DataFrame) -> tuple[Finding, ...]:
    """Find infusions in the nadir of a transplant."""
    found = clocks.filter("within_nadir")
    if not found.height:
        return ()
    n = found.height
    infusions = "1 infusion lies" if n == 1 else f"{n} infusions lie"
    finding = Finding(
        "note",
        "icaht-within-transplant-nadir",
        f"{infusions} within 14 days after a transplant: its nadir is the transplant's, and ICAHT is not evaluable.",
        mend="Report engraftment instead.",
        table="patients",
        patient_rows=patient_rows(history, found["patient"]),
    )
    return (finding,)
