"""Engraftment of a history: recovery of each blood cell after each transplant, and failure of its graft."""

from typing import Final

import polars as pl

from dayzero.errors import Finding
from dayzero.grading.blood.failure import failure_findings, graft_failures
from dayzero.grading.blood.recovery import ALL, recoveries_of
from dayzero.grading.courses import courses, in_courses
from dayzero.grading.derived import NO_EVENTS, Derived, patient_rows, with_derived
from dayzero.grading.editions import Edition, edition
from dayzero.grading.frames import COURSE, to_the_end
from dayzero.grading.reported import differs, replaced, reported_in
from dayzero.history import History
from dayzero.protocol import Definitions

HSCT: Final = ("hsct",)
SCALE: Final = "cibmtr"
_TRANSFUSIONS: Final = ("transfusion_platelets", "transfusion_rbc")


def grade_engraftment(history: History, *, failure: str = "") -> History:
    """Return the history with engraftment, and failure of the graft, after each transplant.

    Parameters
    ----------
    history
        With the table ``labs``; without it nothing is derived.
    failure
        The edition of primary graft failure; empty: the default.

    Raises
    ------
    InputError
        Where there is no such edition.
    """
    return with_derived(history, _derive(history, edition("graft_failure", failure)))


def derive_recoveries(history: History, definitions: Definitions) -> Derived:  # noqa: ARG001  - the shape of a grader
    """Derive engraftment and primary graft failure after each transplant, and hold what was reported against it.

    Parameters
    ----------
    history
        With the table ``labs``; platelets are evaluable only with a table ``support`` that tells of transfusions.
    definitions
        Not asked.

    Returns
    -------
    Derived
        ``results["engraftment"]``: a row a transplant and recovery (``recovery``: the event's name; ``outcome``; its
        ``day`` and ``below_again`` on the history's clock; ``since`` and ``last_day`` from the transplant);
        ``results["graft_failure"]``: a row a transplant. Events of recovery, and ``graft_failure[kind=primary]``.
    """
    return _derive(history, edition("graft_failure"))


def _derive(history: History, failure: Edition) -> Derived:
    if "labs" not in history.tables:
        return Derived()
    opened = to_the_end(courses(history, ("hsct", "boost")))
    given = transfusions(history)
    values = _values(history, opened, given)
    platelets = None if given is None else _from_transplant(given, opened)
    found = recoveries_of(values, platelets, ALL)
    results = _results(found, opened)
    failures = graft_failures(history, opened, results, given, failure)
    reported = pl.concat(
        [reported_in(history, r.name, opened, kinds=HSCT).with_columns(recovery=pl.lit(r.name)) for r in ALL]
    )
    recovered = results.filter(pl.col("outcome") == "recovered")
    primary = failures.filter(pl.col("primary") == "yes")
    gone = _replaced(reported, recovered) + _failures_replaced(history, opened, primary)
    apart = _apart(reported, results)
    return Derived(
        results={"engraftment": results, "graft_failure": failures},
        events=_events(recovered, primary),
        superseded=tuple(sorted(gone)),
        findings=(
            *differs(history, apart, code="engraftment-day-differs", what="The day of engraftment"),
            *_without_transfusions(history, opened, given),
            *failure_findings(history, opened, failures),
        ),
    )


def transfusions(history: History) -> pl.DataFrame | None:
    """Return every day with a transfusion: ``patient``, ``day`` (null where undated), ``kind``.

    None is no knowledge: there is no table ``support``, or it has rows, but not one of a transfusion.
    """
    table = history.tables.get("support")
    if table is None:
        return None
    given = table.filter(pl.col("kind").is_in(_TRANSFUSIONS))
    if table.height and not given.height:
        return None
    first = pl.col("day").floor()
    last = pl.max_horizontal(pl.col("end_day").floor().fill_null(first), first)
    days = pl.int_ranges(first.cast(pl.Int64), last.cast(pl.Int64) + 1).alias("day")
    return given.select("patient", days, "kind").explode("day").with_columns(pl.col("day").cast(pl.Float64))


def _values(history: History, opened: pl.DataFrame, given: pl.DataFrame | None) -> pl.DataFrame:
    """Return the counts after each transplant, days from it; a lower bound below the threshold says nothing."""
    limits = {analyte: max(r.threshold for r in ALL if r.analyte == analyte) for analyte in {r.analyte for r in ALL}}
    labs = history.tables["labs"].filter(pl.col("analyte").is_in(list(limits))).drop_nulls("value")
    limit = pl.col("analyte").replace_strict(limits, return_dtype=pl.Float64)
    useful = labs.filter((pl.col("value_bound").fill_null("") != ">") | (pl.col("value") >= limit))
    if given is not None:  # a transfusion without a day may be any day's: its patient's platelets tell nothing
        doubtful = given.filter(pl.col("day").is_null() & (pl.col("kind") == _TRANSFUSIONS[0]))["patient"]
        useful = useful.filter((pl.col("analyte") != "platelets") | ~pl.col("patient").is_in(doubtful.implode()))
    inside = in_courses(useful, opened, kinds=HSCT)
    return inside.select(
        "patient",
        "course",
        pl.col("since").alias("day"),
        "analyte",
        pl.col("value").round(9),
        (pl.col("value_bound").fill_null("") == "<").alias("value_is_below"),
    )


def _from_transplant(given: pl.DataFrame, opened: pl.DataFrame) -> pl.DataFrame:
    """Return platelet transfusions by transplant, days from it; those before it, too."""
    platelets = given.filter(pl.col("kind") == _TRANSFUSIONS[0]).drop_nulls("day")
    own = opened.filter(pl.col("kind") == "hsct").select("patient", "course", "stop", pl.col("day").alias("course_day"))
    both = platelets.select("patient", "day").join(own, on="patient")
    within = both.filter(pl.col("stop").is_null() | (pl.col("day") < pl.col("stop")))
    return within.select("patient", "course", (pl.col("day") - pl.col("course_day")).alias("day"))


def _results(found: pl.DataFrame, opened: pl.DataFrame) -> pl.DataFrame:
    names = pl.DataFrame({"recovery": [r.name for r in ALL]})
    own = opened.filter(pl.col("kind") == "hsct").select(
        "patient", pl.col("kind").alias("course_kind"), "course", pl.col("day").alias("course_day")
    )
    whole = own.join(names, how="cross").join(found, on=["patient", "course", "recovery"], how="left")
    return whole.select(
        *COURSE,
        "recovery",
        pl.col("outcome").fill_null("not_evaluable"),
        (pl.col("course_day") + pl.col("day")).alias("day"),
        pl.col("day").alias("since"),
        "last_day",
        (pl.col("course_day") + pl.col("below_again")).alias("below_again"),
        pl.lit(SCALE).alias("scale"),
    ).sort(*COURSE, "recovery")


def _replaced(reported: pl.DataFrame, recovered: pl.DataFrame) -> tuple[int, ...]:
    keys = recovered.select(*COURSE, "recovery")
    return tuple(reported.join(keys, on=[*COURSE, "recovery"], how="semi")["row"].to_list())


def _failures_replaced(history: History, opened: pl.DataFrame, primary: pl.DataFrame) -> tuple[int, ...]:
    """Return the rows of reported primary failures whose transplant has a derived one."""
    reported = reported_in(history, "graft_failure", opened, kinds=HSCT)
    if "kind" in history.events.columns:
        late = history.events.filter(pl.col("kind").str.to_lowercase().str.contains("second|late"))["row"]
        reported = reported.filter(~pl.col("row").is_in(late.implode()))
    return replaced(reported, primary) if primary.height else ()


def _apart(reported: pl.DataFrame, results: pl.DataFrame) -> pl.DataFrame:
    """Return the reported recoveries on another day than the derived ones, or of patients who were never below."""
    own = results.select(*COURSE, "recovery", "outcome", pl.col("day").alias("derived_day"))
    both = reported.join(own, on=[*COURSE, "recovery"])
    other = (pl.col("outcome") == "recovered") & (pl.col("day").floor() != pl.col("derived_day"))
    return both.filter(other.fill_null(value=False) | (pl.col("outcome") == "never_below"))


def _events(recovered: pl.DataFrame, primary: pl.DataFrame) -> pl.DataFrame:
    """Return an event for each recovery, and for each primary failure."""
    shared = ("patient", "event", "day", "value", "course_kind", "course", "scale", "kind")
    nothing = pl.lit(None, pl.String)
    first = recovered.with_columns(pl.col("recovery").alias("event"), nothing.alias("value"), nothing.alias("kind"))
    second = primary.with_columns(
        pl.lit("graft_failure").alias("event"), pl.lit("primary").alias("value"), pl.lit("primary").alias("kind")
    )
    both = pl.concat([frame.select(shared) for frame in (first, second)])
    return both.with_columns(pl.col("course").cast(pl.String)) if both.height else NO_EVENTS.clone()


def _without_transfusions(history: History, opened: pl.DataFrame, given: pl.DataFrame | None) -> tuple[Finding, ...]:
    patients = opened.filter(pl.col("kind") == "hsct")["patient"]
    if given is not None or not len(patients):
        return ()
    found = Finding(
        "note",
        "platelet-transfusions-not-recorded",
        "No table tells of transfusions: engraftment of platelets is not evaluable, never taken from counts alone.",
        mend="Add support.csv with kind = transfusion_platelets; a table without rows says that there were none.",
        table="support",
        patient_rows=patient_rows(history, patients),
    )
    return (found,)
