"""Recovery of blood cells after a transplant, from values in 1e9/L and days from it.

Source: CIBMTR Forms Instruction Manual; the numbers stand in ``editions/engraftment``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from dayzero.grading.editions import edition

_RULES: Final = edition("engraftment").table
CONSECUTIVE: Final[int] = _RULES["consecutive"]
WATCHED_TO: Final[int] = _RULES["watched_to"]
"""Who was never seen below a threshold was never below it only where values reach this day (our rule) ..."""
WATCHED_EVERY: Final[int] = _RULES["watched_every"]
"""... without a longer gap, in days, from day 0 on (our rule)."""
KEY: Final = ("patient", "course")


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


ALL: Final = tuple(Recovery(name, **rule) for name, rule in _RULES["recoveries"].items())
"""White cells apart: they are never neutrophils."""
RECOVERIES: Final = tuple(rule for rule in ALL if rule.analyte != "wbc")


def recoveries_of(
    values: pl.DataFrame, transfusions: pl.DataFrame | None, recoveries: Sequence[Recovery] = RECOVERIES
) -> pl.DataFrame:
    """Derive recoveries.

    Parameters
    ----------
    values
        ``patient``, ``course``, ``day`` (whole, from the transplant, 0 or later), ``analyte``, ``value`` in 1e9/L, and
        ``value_is_below``: the value lies below what is written.
    transfusions
        Of platelets: ``patient``, ``course``, ``day`` (negative before the transplant). None is no knowledge.
    recoveries
        What is derived.

    Returns
    -------
    DataFrame
        One row a patient, course and recovery of those who have values: ``patient, course, recovery``; ``outcome``:
        ``recovered``, ``not_recovered``, ``never_below`` (never at risk) or ``not_evaluable``; ``day`` of recovery;
        ``last_day``: of the last value; ``below_again``: the first day below the threshold after the recovery.
    """
    everyone = values.select(KEY).unique(maintain_order=True)
    frames = [everyone.join(_recovery(values, transfusions, r), on=KEY, how="left") for r in recoveries]
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
        given = values.select(*KEY, "day").clear()
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
