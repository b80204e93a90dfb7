"""Failure of a graft: primary, from counts up to a deadline; secondary only as possible.

Secondary failure is a loss of function that needs support; a low count after recovery alone does not make it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from dayzero.errors import Finding
from dayzero.grading.blood.function import NEUTROPHILS, full_chimerism, secondary_failures
from dayzero.grading.courses import in_courses
from dayzero.grading.derived import patient_rows
from dayzero.grading.editions import Edition
from dayzero.grading.frames import COURSE, names_by_run
from dayzero.grading.reported import reported_in
from dayzero.grading.truth import Bools, Floats, Truth, known
from dayzero.history import History

GRAFTS: Final = {"cord": r"cord|umbilical|\bucb", "marrow": r"marrow|\bbm\b", "blood": r"blood|pbsc|\bpb\b|peripheral"}
"""In this order: cord blood is no blood."""
ANC_BELOW: Final = 0.5
_KEYS: Final = ("patient", "course")


@dataclass(frozen=True)
class Grafts:
    """Every transplant, and what is known of its first weeks; days count from the transplant.

    Attributes
    ----------
    frame
        (transplants,) ``patient``, ``course_kind``, ``course``, ``day`` and ``graft`` (null where unknown).
    recovered
        (transplants,) day of the recovery of neutrophils; NaN where there is none.
    never_below
        (transplants,) where neutrophils were never low.
    last_low
        (transplants,) the last day with neutrophils below the threshold; NaN where there is none.
    lost
        (transplants,) first day of death, relapse or progression; +inf where there is none.
    ended
        (transplants,) day of the next transplant or boost, or the end of follow-up; +inf where unknown.
    """

    frame: pl.DataFrame
    recovered: Floats
    never_below: Bools
    last_low: Floats
    lost: Floats
    ended: Floats


def graft_failures(
    history: History, opened: pl.DataFrame, recoveries: pl.DataFrame, given: pl.DataFrame | None, chosen: Edition
) -> pl.DataFrame:
    """Derive the failure of each graft.

    Parameters
    ----------
    history
        With ``labs``; ``assessments`` for chimerism.
    opened
        Transplants and boosts, the last course open.
    recoveries
        A row a transplant and recovery, as ``results["engraftment"]``.
    given
        Transfusions; None where nobody knows.
    chosen
        The edition of ``graft_failure``.

    Returns
    -------
    DataFrame
        A row a transplant: ``patient``, ``course_kind``, ``course``, ``day`` (of a primary failure: the deadline),
        ``graft``, ``primary``: yes, no, unknown, or excluded (dead, or relapsed, before the deadline); ``missing``;
        ``secondary``: possible or none, null without a recovery; ``secondary_day``; ``supported``: G-CSF, transfusion,
        boost or transplant from that day on, null where nobody knows; ``full_chimerism``, null where never measured,
        and the first day of it; ``scale``.
    """
    grafts = _grafts(history, opened, recoveries)
    deadlines: Mapping[str, int] = chosen.table["deadline"]
    states, gaps = {}, {}
    for day in sorted(set(deadlines.values())):
        states[day], gaps[day] = _by(grafts, history, given, (day, chosen.table["pancytopenia"]))
    own = grafts.frame["graft"].replace_strict(deadlines, default=None, return_dtype=pl.Int64)
    primary = _chosen(own, states)
    missing = {name: np.any([gaps[day][name] for day in gaps], axis=0) for name in ("anc", "platelets", "hb")}
    unknown = primary == "unknown"
    missing["graft"] = own.is_null().to_numpy()
    frame = grafts.frame.with_columns(
        pl.Series("primary", primary, dtype=pl.String),
        pl.Series("deadline", own.fill_null(max(deadlines.values()))),
        names_by_run({name: rows & unknown for name, rows in missing.items()}, np.arange(len(own))).alias("missing"),
    )
    failed = pl.when(pl.col("primary") == "yes").then(pl.col("course_day") + pl.col("deadline")).alias("day")
    whole = frame.with_columns(failed).join(secondary_failures(history, opened, recoveries), on=list(_KEYS), how="left")
    full = full_chimerism(history, opened, chosen.table["chimerism"]["full_above"])
    both = whole.join(full, on=list(_KEYS), how="left").with_columns(pl.lit(chosen.name).alias("scale"))
    columns = "day graft primary missing secondary secondary_day supported full_chimerism full_chimerism_day scale"
    return both.select(*COURSE, *columns.split()).sort(COURSE)


def failure_findings(history: History, opened: pl.DataFrame, failures: pl.DataFrame) -> tuple[Finding, ...]:
    """Find possible secondary failures, and reported primary ones that the counts rule out."""
    possible = failures.filter(pl.col("secondary") == "possible")["patient"]
    reported = reported_in(history, "graft_failure", opened, kinds=("hsct",))
    kinds = history.events["kind"] if "kind" in history.events.columns else None
    primary = reported
    if kinds is not None:
        first = history.events.filter(kinds.str.to_lowercase().str.contains("prim").fill_null(value=False))["row"]
        primary = reported.filter(pl.col("row").is_in(first.implode()))
    wrong = primary.join(failures.filter(pl.col("primary") == "no"), on=list(COURSE), how="semi")
    found = []
    if len(possible):
        words = f"Neutrophils fell below 0.5 after engraftment, patients: {possible.n_unique()}; possibly a secondary "
        words += (
            "failure of the graft, which needs support (G-CSF, transfusions, boost, transplant) to be one: no event."
        )
        rows = patient_rows(history, possible)
        mend = "Look at the chart, and enter graft_failure with kind = secondary where it is one."
        found.append(
            Finding("warning", "possible-secondary-graft-failure", words, mend=mend, table="labs", patient_rows=rows)
        )
    if wrong.height:
        words = (
            f"A primary graft failure is reported that the counts rule out, patients: {wrong['patient'].n_unique()}."
        )
        rows = patient_rows(history, wrong["patient"])
        events = tuple(wrong["row"].sort().to_list())
        mend = "Hold both against the chart."
        found.append(
            Finding(
                "warning", "graft-failure-differs", words, mend=mend, table="events", rows=events, patient_rows=rows
            )
        )
    return tuple(found)


def _grafts(history: History, opened: pl.DataFrame, recoveries: pl.DataFrame) -> Grafts:
    own = opened.filter(pl.col("kind") == "hsct")
    text = pl.col("graft").str.to_lowercase() if "graft" in opened.columns else pl.lit(None, pl.String)
    graft = pl.coalesce(pl.when(text.str.contains(words)).then(pl.lit(name)) for name, words in GRAFTS.items())
    frame = own.select("patient", pl.col("kind").alias("course_kind"), "course", pl.col("day").alias("course_day"),
                       graft.alias("graft"), "stop")  # fmt: skip
    neutrophils = recoveries.filter(pl.col("recovery") == NEUTROPHILS).select(*_KEYS, "outcome", "since")
    inside = in_courses(history.tables["labs"].filter(pl.col("analyte") == "anc"), opened, kinds=("hsct",))
    below = (pl.col("value") < ANC_BELOW) | ((pl.col("value_bound") == "<") & (pl.col("value") <= ANC_BELOW))
    low = inside.filter(below).group_by(_KEYS).agg(pl.col("since").max().alias("last_low"))
    joined = frame.join(neutrophils, on=list(_KEYS), how="left", maintain_order="left")
    whole = joined.join(low, on=list(_KEYS), how="left", maintain_order="left")
    start = whole["course_day"].to_numpy()
    end = history.end[whole["patient"].to_numpy()] - start
    following = whole["stop"].fill_null(float("inf")).to_numpy() - start
    return Grafts(
        frame=whole.drop("stop", "outcome", "since", "last_low"),
        recovered=whole["since"].fill_null(float("nan")).to_numpy(),
        never_below=(whole["outcome"] == "never_below").fill_null(value=False).to_numpy(),
        last_low=whole["last_low"].fill_null(float("nan")).to_numpy(),
        lost=_first_after(history, whole, ("death", "relapse", "progression")) - start,
        ended=np.fmin(following, end),
    )


def _first_after(history: History, frame: pl.DataFrame, names: tuple[str, ...]) -> Floats:
    """Return the first day of any of these events after each transplant; +inf where there is none."""
    days = pl.concat([history.named(name, ()).select("patient", pl.col("day").alias("at")) for name in names])
    both = frame.select(*_KEYS, "course_day").join(days.drop_nulls(), on="patient")
    first = both.filter(pl.col("at") > pl.col("course_day")).group_by(_KEYS).agg(pl.col("at").min())
    joined = frame.select(_KEYS).join(first, on=list(_KEYS), how="left", maintain_order="left")
    return joined["at"].fill_null(float("inf")).to_numpy()


def _by(
    grafts: Grafts, history: History, given: pl.DataFrame | None, rule: tuple[int, Mapping[str, Any]]
) -> tuple[pl.Series, dict[str, Bools]]:
    """Return whether each graft had failed by a day: yes, no, unknown, excluded; and what is missing to tell."""
    day, pancytopenia = rule
    recovered = (grafts.recovered <= day) | grafts.never_below
    failed = Truth((grafts.last_low >= day) & ~recovered | (grafts.recovered > day), recovered)
    shorted = grafts.ended < day
    counts = {
        name: _low(grafts, history, given, (name, day, pancytopenia)) for name in ("platelets", "hb")
    } if pancytopenia["needed"] else {}  # fmt: skip
    pancy = known(np.ones(len(recovered), bool))
    for low in counts.values():
        pancy = pancy & low
    whole = failed & pancy
    excluded = (grafts.lost <= day) & ~recovered
    yes, no = whole.yes & ~excluded & ~shorted, whole.no & ~excluded & (recovered | ~shorted)
    state = np.select([excluded, yes, no], ["excluded", "yes", "no"], "unknown")
    gaps = {"anc": failed.unknown | shorted} | {name: low.unknown & ~failed.no for name, low in counts.items()}
    return pl.Series(state), {name: gaps.get(name, np.zeros(len(state), bool)) for name in ("anc", "platelets", "hb")}


def _low(
    grafts: Grafts, history: History, given: pl.DataFrame | None, rule: tuple[str, int, Mapping[str, Any]]
) -> Truth:
    """Return whether a count is low, or was transfused, in the days up to the deadline."""
    name, day, limits = rule
    own = grafts.frame.select(*_KEYS, "course_day")
    days = pl.col("day").floor() - pl.col("course_day")
    window = (days <= day) & (days > day - limits["within_days"])
    labs = history.tables["labs"].filter((pl.col("analyte") == name) & pl.col("value").is_not_null())
    within = labs.sort("day").join(own, on="patient").filter(window)
    last = within.group_by(_KEYS, maintain_order=True).agg(pl.col("value").last(), pl.col("value_bound").last())
    joined = own.join(last, on=list(_KEYS), how="left", maintain_order="left")
    limit, bound = limits[f"{name}_below"], joined["value_bound"].fill_null("").to_numpy()
    value = joined["value"].fill_null(float("nan")).to_numpy()
    below = (value < limit) & (bound != ">") | (value <= limit) & (bound == "<")
    above = (value >= limit) & (bound != "<")
    if given is None:
        return Truth(below, np.zeros(len(below), bool))
    kind = "transfusion_platelets" if name == "platelets" else "transfusion_rbc"
    lately = given.filter(pl.col("kind") == kind).join(own, on="patient").filter(window.fill_null(value=False))
    got = own.join(
        lately.select(_KEYS).unique().with_columns(got=True), on=list(_KEYS), how="left", maintain_order="left"
    )
    was = got["got"].fill_null(value=False).to_numpy()
    return Truth(below | was, above & ~was)


def _chosen(own: pl.Series, states: Mapping[int, pl.Series]) -> Any:
    """Return the state at each graft's own deadline; of an unknown graft that on which all deadlines agree."""
    every = [state.to_numpy() for state in states.values()]
    agree = np.logical_and.reduce([every[0] == state for state in every])
    open_ = np.where(agree, every[0], "unknown")
    return np.select([(own == day).fill_null(value=False).to_numpy() for day in states], every, open_)
