"""Counts of cells in blood by day, and statements about them: yes, no, or unknown."""

from collections.abc import Sequence
from typing import Any, Final

import polars as pl

from dayzero.grading.courses import in_courses
from dayzero.history import History

NO_LABS: Final = pl.DataFrame(
    schema={
        "patient": pl.Int64,
        "day": pl.Float64,
        "row": pl.Int64,
        "analyte": pl.String,
        "value": pl.Float64,
        "value_bound": pl.String,
    }
)
ENDS: Final = ("least", "most")


def counts(history: History, analytes: Sequence[str]) -> pl.DataFrame:
    """Return laboratory values between a least and a greatest, a row a patient, day and analyte.

    ``<x`` is at least 0 and surely below x, ``>x`` surely above x. Of several values on one day the lowest least and
    the greatest most stand: what is not certain of the day is unknown.

    Returns
    -------
    DataFrame
        ``patient``, ``day`` (whole), ``analyte``, ``least``, ``most``, ``below`` (whether ``most`` itself is out),
        ``above`` (whether ``least`` is).
    """
    labs = history.tables.get("labs", NO_LABS)
    bound = pl.col("value_bound").fill_null("")
    wanted = pl.col("analyte").is_in(list(analytes)) & pl.col("value").is_not_null() & pl.col("day").is_not_null()
    told = labs.filter(wanted).select(
        "patient",
        pl.col("day").floor(),
        "analyte",
        pl.when(bound == "<").then(0.0).otherwise(pl.col("value")).alias("least"),
        pl.when(bound == ">").then(float("inf")).otherwise(pl.col("value")).alias("most"),
        (bound == "<").alias("below"),
        (bound == ">").alias("above"),
    )
    least, most = pl.col("least"), pl.col("most")
    return (
        told.group_by("patient", "day", "analyte")
        .agg(
            least.min(),
            most.max(),
            pl.col("below").filter(most == most.max()).all(),
            pl.col("above").filter(least == least.min()).all(),
        )
        .sort("patient", "day", "analyte")
    )


def meets(comparison: str, limit: float, prefix: str = "") -> pl.Expr:
    """Return whether a value is >= or > a limit: null where both may be.

    Parameters
    ----------
    comparison
        ``>=`` or ``>``.
    limit
        In the unit of the value.
    prefix
        Of the columns ``least``, ``most``, ``below``, ``above``.
    """
    least, most, below, above = (pl.col(f"{prefix}{name}") for name in ("least", "most", "below", "above"))
    reached = (least >= limit) if comparison == ">=" else (least > limit) | (above & (least >= limit))
    missed = (most < limit) | (below & (most <= limit)) if comparison == ">=" else most <= limit
    return pl.when(reached).then(pl.lit(value=True)).when(missed).then(pl.lit(value=False))


def wide(values: pl.DataFrame, analytes: Sequence[str]) -> pl.DataFrame:
    """Return a row a patient and day: the columns of each analyte under its name, null where it was not measured."""
    days = values.select("patient", "day").unique().sort("patient", "day")
    for name in analytes:
        own = values.filter(pl.col("analyte") == name).drop("analyte")
        renamed = own.rename({part: f"{name}_{part}" for part in ("least", "most", "below", "above")})
        days = days.join(renamed, on=("patient", "day"), how="left", maintain_order="left")
    return days


def of_infusions(rows: pl.DataFrame, opened: pl.DataFrame) -> pl.DataFrame:
    """Return the rows after the day of an infusion that belong to it, with that course."""
    return in_courses(rows, opened, kinds=("infusion",), first_day=1)


def loss(rules: Sequence[Sequence[Any]], settled_by: str) -> tuple[pl.Expr, pl.Expr]:
    """Return whether B cells are back, and whether that was settled by one value alone.

    Parameters
    ----------
    rules
        (analyte, comparison, limit): back where any holds, not back where none does.
    settled_by
        The analyte that says *not back* where the others are missing: an assumption.
    """
    each = {name: meets(comparison, float(limit), f"{name}_") for name, comparison, limit in rules}
    back = pl.any_horizontal(*each.values())
    others = [pl.col(f"{name}_least").is_null() for name in each if name != settled_by]
    alone = pl.all_horizontal(pl.lit(value=True), *others) & back.is_null() & ~each[settled_by]
    settled = alone.fill_null(value=False) if others else pl.lit(value=False)
    return pl.when(settled).then(pl.lit(value=False)).otherwise(back), settled
