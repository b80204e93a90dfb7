"""Engraftment from laboratory values: neutrophils, and platelets without transfusion.

Source: CIBMTR Forms Instruction Manual, initial ANC recovery and initial platelet recovery. Recovery is the first of
three consecutive values on different days at or above the threshold. Values count only once the patient is at risk:
for neutrophils after the first value below the threshold, for platelets after that or after a first transfusion.
Platelets count only where none were transfused in the seven days before.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InputError
from dayzero.grading.table import Column, read_bedside

CONSECUTIVE: Final = 3
TRANSFUSION_FREE_DAYS: Final = 7
WATCHED_TO: Final = 14
"""Who was never seen below a threshold was never below it only where values reach this day (our rule) ..."""
WATCHED_EVERY: Final = 7
"""... without a longer gap, in days, from day 0 on (our rule)."""
KEY: Final = ("patient", "course")
UNITS: Final = {"1e9/l": 1.0, "/ul": 1e-3}
_SPELLINGS: Final = {
    name: unit
    for unit, names in {
        "1e9/l": "10^9/l x10^9/l 10e9/l 10*9/l k/ul 10^3/ul 1e3/ul 10*3/ul k/µl k/μl",
        "/ul": "cells/ul /µl /μl /mm3 cells/mm3 /mm^3",
    }.items()
    for name in names.split()
}
_LABS: Final = {
    "day": Column("number"),
    "value": Column("number", lowest=0),
    "unit": Column("choice", tuple(UNITS), also=_SPELLINGS),
    "value_is_below": Column("flag"),
}


@dataclass(frozen=True)
class Recovery:
    """What counts as the recovery of a kind of blood cell.

    Attributes
    ----------
    name
        Event that the recovery is.
    analyte
        Value of the column ``analyte`` that is read; white cells (``wbc``) are never read for neutrophils (``anc``).
    threshold
        In 1e9/L; a value at it counts.
    transfusion_free_days
        A value counts where the last platelet transfusion lies at least so many days before it; 0: transfusions do
        not matter.
    """

    name: str
    analyte: str
    threshold: float
    transfusion_free_days: int = 0


RECOVERIES: Final = (
    Recovery("neutrophil_engraftment", "anc", 0.5),
    Recovery("platelet_engraftment", "platelets", 20.0, TRANSFUSION_FREE_DAYS),
    Recovery("platelet_engraftment_50", "platelets", 50.0, TRANSFUSION_FREE_DAYS),
)


@dataclass(frozen=True)
class TextTable:
    """A table of text, and where its rows stand for messages."""

    frame: pl.DataFrame
    file: str
    rows: npt.NDArray[np.int64] | None = None


def derive_engraftment(
    labs: TextTable,
    transfusions: TextTable | None,
    *,
    recoveries: Sequence[Recovery] = RECOVERIES,
    as_of: float = np.inf,
) -> pl.DataFrame:
    """Derive engraftment.

    Parameters
    ----------
    labs
        Columns ``patient``, ``course`` (of the transplant; 1 where absent), ``day`` (from the transplant), ``analyte``
        (anc, platelets, ...), ``value``, ``unit`` (1e9/L, K/uL, /uL, /mm3). ``<0.1`` is a value below 0.1. Of several
        values on one day the lowest counts.
    transfusions
        Platelet transfusions: ``patient``, ``course``, ``day``; a table without rows says that there were none. None
        is no knowledge: platelets are then not evaluable.
    recoveries
        What is derived.
    as_of
        Day after which rows are ignored.

    Returns
    -------
    DataFrame
        One row a patient, course and recovery: ``patient, course, recovery``; ``outcome``: ``recovered``,
        ``not_recovered``, ``never_below`` (never at risk) or ``not_evaluable``; ``day`` of recovery; ``last_day``: of
        the last value; ``below_again``: the first day below the threshold after the recovery.

    Raises
    ------
    InputError
        Where a cell cannot be read, or a value has no day or no unit.

    Notes
    -----
    A value ``<1`` says nothing about a threshold of 0.5 and is left out. Who was never seen below the threshold, with
    values too sparse to know, is not evaluable.
    """
    values = _labs(labs).filter(pl.col("day").is_between(0, as_of))
    given = None if transfusions is None else _transfusions(transfusions).filter(pl.col("day") <= as_of)
    everyone = values.select(KEY).unique(maintain_order=True)
    frames = [everyone.join(_recovery(values, given, r), on=KEY, how="left") for r in recoveries]
    outcome = pl.col("outcome").fill_null("not_evaluable")
    named = [
        frame.with_columns(outcome, pl.lit(r.name).alias("recovery"))
        for frame, r in zip(frames, recoveries, strict=True)
    ]
    return pl.concat(named).select(*KEY, "recovery", "outcome", "day", "last_day", "below_again")


def _recovery(values: pl.DataFrame, given: pl.DataFrame | None, rule: Recovery) -> pl.DataFrame:
    """Return patient, course, outcome, day, last_day and below_again of those who have values."""
    free = rule.transfusion_free_days
    daily = _daily(values, rule)
    if free and given is None:
        daily = daily.clear()
    if not free or given is None:
        given = pl.DataFrame(schema={"patient": pl.String, "course": pl.Int64, "day": pl.Float64})
    rest = _since_transfusion(daily, given)
    low = pl.col("value") < rule.threshold
    at_risk = pl.when(low).then("day").min().over(KEY)
    started = pl.min_horizontal(at_risk, pl.col("first_transfusion"))
    counts = ~low & (pl.col("day") >= started) & (pl.col("rest").is_null() | (pl.col("rest") >= free))
    run = pl.all_horizontal(counts.shift(-step).over(KEY) for step in range(CONSECUTIVE))
    marked = rest.with_columns(low.alias("low"), started.alias("started"), run.alias("run"))
    return _outcomes(marked.with_columns(pl.when("run").then("day").min().over(KEY).alias("recovered")))


def _outcomes(marked: pl.DataFrame) -> pl.DataFrame:
    before = pl.col("day").shift(1).fill_null(0)
    gap = (pl.col("day") - before).filter(before < WATCHED_TO)
    again = pl.col("day").filter(pl.col("low") & (pl.col("day") > pl.col("recovered"))).min()
    found = marked.group_by(KEY, maintain_order=True).agg(
        pl.col("recovered").first().alias("day"),
        pl.col("day").max().alias("last_day"),
        again.alias("below_again"),
        pl.col("started").first(),
        gap.max().alias("gap"),
    )
    outcome = (
        pl.when(pl.col("day").is_not_null())
        .then(pl.lit("recovered"))
        .when(pl.col("started").is_not_null())
        .then(pl.lit("not_recovered"))
        .when((pl.col("last_day") >= WATCHED_TO) & (pl.col("gap") <= WATCHED_EVERY))
        .then(pl.lit("never_below"))
        .otherwise(pl.lit("not_evaluable"))
    )
    return found.select(*KEY, outcome.alias("outcome"), "day", "last_day", "below_again")


def _daily(values: pl.DataFrame, rule: Recovery) -> pl.DataFrame:
    """Return the lowest value of each day, in 1e9/L."""
    own = values.filter(pl.col("analyte") == rule.analyte)
    useful = ~pl.col("value_is_below") | (pl.col("value") <= rule.threshold)
    value = pl.when("value_is_below").then(-1.0).otherwise("value")
    kept = own.filter(useful).with_columns(value.alias("value"))
    return kept.group_by(*KEY, "day").agg(pl.col("value").min()).sort(*KEY, "day")


def _since_transfusion(daily: pl.DataFrame, given: pl.DataFrame) -> pl.DataFrame:
    """Add the first transfusion, and the days from the last one before each value."""
    first = given.filter(pl.col("day") >= 0).group_by(KEY).agg(pl.col("day").min().alias("first_transfusion"))
    last = given.select(*KEY, "day", pl.col("day").alias("last")).sort("day")
    joined = daily.sort("day").join_asof(last, on="day", by=list(KEY), check_sortedness=False)
    rest = (pl.col("day") - pl.col("last")).alias("rest")
    return joined.with_columns(rest).join(first, on=KEY, how="left").sort(*KEY, "day")


def _labs(source: TextTable) -> pl.DataFrame:
    """Return patient, course, day, analyte, value in 1e9/L, and whether the value lies below what is written."""
    frame = source.frame
    for name in ("day", "analyte", "value"):
        if name not in frame.columns:
            raise InputError(f"no column {name!r}", mend="Add it.", file=source.file, row=1)
    rows = np.arange(2, frame.height + 2) if source.rows is None else source.rows
    analyte = frame["analyte"].cast(pl.String).str.strip_chars().str.to_lowercase()
    wanted = analyte.is_in([r.analyte for r in RECOVERIES]).fill_null(value=False).to_numpy()
    text = frame["value"].cast(pl.String).str.strip_chars()
    plain = frame.with_columns(
        text.str.strip_prefix("<").alias("value"),
        text.str.starts_with("<").fill_null(value=False).alias("value_is_below"),
        analyte.alias("analyte"),
    ).filter(wanted)
    return _typed(TextTable(plain, source.file, rows[wanted]))


def _typed(source: TextTable) -> pl.DataFrame:
    bedside = read_bedside(source.frame, _LABS, file=source.file, rows=source.rows, time="")
    factors = np.select([bedside.is_any("unit", unit).yes for unit in UNITS], list(UNITS.values()), np.nan)
    value = bedside.number("value")
    measured = ~np.isnan(value)
    for name in ("day", "unit"):
        _demand(bedside.order[measured & bedside.missing(name)], name, source)
    table = pl.DataFrame(
        {
            "patient": bedside.patients.gather(bedside.group),
            "course": bedside.courses[bedside.group],
            "day": bedside.number("day"),
            "analyte": source.frame["analyte"].gather(bedside.order),
            "value": np.round(value * factors, 9),
            "value_is_below": bedside.flag("value_is_below").yes,
        }
    )
    return table.filter(measured)


def _transfusions(source: TextTable) -> pl.DataFrame:
    bedside = read_bedside(source.frame, {"day": Column("number")}, file=source.file, rows=source.rows, time="")
    _demand(bedside.order[bedside.missing("day")], "day", source)
    return pl.DataFrame(
        {
            "patient": bedside.patients.gather(bedside.group),
            "course": bedside.courses[bedside.group],
            "day": bedside.number("day"),
        }
    )


def _demand(lacking: npt.NDArray[np.int64], name: str, source: TextTable) -> None:
    """Refuse rows that lack what cannot be guessed."""
    if len(lacking):
        at = int(lacking.min())
        row = at + 2 if source.rows is None else int(source.rows[at])
        mend = "Write days from the transplant." if name == "day" else "Write 1e9/L or /uL."
        raise InputError(f"no {name}", mend=mend, file=source.file, row=row, column=name)
