"""Organ stages of acute GVHD by day, from a table that is long (a row an organ) or wide (a column an organ)."""

from typing import Final, Literal

import polars as pl

from dayzero.errors import InputError
from dayzero.grading.gvhd.days import ORGANS

CHRONIC: Final = ("mouth", "eyes", "gi", "lungs", "joints", "genital")
GREATEST: Final = {"skin": 4, "liver": 4, "upper_gi": 1, "lower_gi": 4}
NOT_DOWNSTAGED: Final = "liver"
Unrecorded = Literal["unknown", "none"]
"""What an organ is on a day that records others: ``unknown``; or ``none``, where it is recorded on another day."""


def stages_by_day(table: pl.DataFrame, *, unrecorded: Unrecorded = "unknown") -> pl.DataFrame:
    """Return the stages of each patient and day.

    Parameters
    ----------
    table
        ``gvhd`` as the history holds it. Rows of chronic GVHD are left out; a row that does not say which is acute,
        unless the day has an organ that only chronic GVHD has.
    unrecorded
        See ``Unrecorded``. The second is for sites that write rows of involved organs only.

    Returns
    -------
    DataFrame
        By patient and day: ``patient``, ``day`` (whole), and a column an organ: Float64, null where unknown. Of several
        stages on a day the highest counts; what another cause explains entirely is 0, but for the liver, whose
        bilirubin is not staged down.

    Raises
    ------
    InputError
        Where a stage is none: not whole, or an upper gut above 1.
    """
    acute = _acute(table.drop_nulls("day"))
    long = pl.concat([_long(acute), _wide(acute)])
    _check(long)
    entirely = (pl.col("other_cause") == "entirely").fill_null(value=False) & (pl.col("organ") != NOT_DOWNSTAGED)
    counted = pl.when(entirely & pl.col("stage").is_not_null()).then(0.0).otherwise("stage").alias("stage")
    days = long.with_columns(counted, pl.col("day").floor())
    each = [pl.col("stage").filter(pl.col("organ") == organ).max().alias(organ) for organ in ORGANS]
    found = days.group_by("patient", "day").agg(each).sort("patient", "day")
    if unrecorded == "unknown":
        return found
    elsewhere = [
        pl.when(pl.col(organ).is_not_null().any().over("patient")).then(pl.col(organ).fill_null(0.0)).alias(organ)
        for organ in ORGANS
    ]
    return found.with_columns(elsewhere)


def _acute(table: pl.DataFrame) -> pl.DataFrame:
    late = pl.col("organ").is_in(CHRONIC).fill_null(value=False).any().over("patient", pl.col("day").floor())
    return table.filter((pl.col("kind") == "acute") | (pl.col("kind").is_null() & ~late))


def _long(acute: pl.DataFrame) -> pl.DataFrame:
    """Return a row a stage that stands in a row of its organ."""
    rows = acute.filter(pl.col("organ").is_in(ORGANS).fill_null(value=False))
    return rows.select("patient", "day", "row", "other_cause", "organ", _certain(rows, "stage"))


def _wide(acute: pl.DataFrame) -> pl.DataFrame:
    """Return a row a stage that stands in a column of its organ; a row that says nothing of any is left out."""
    says = pl.any_horizontal(pl.col(organ).is_not_null() for organ in ORGANS) | (pl.col("kind") == "acute")
    rows = acute.filter(pl.col("organ").is_null() & says.fill_null(value=False))
    frames = [
        rows.select("patient", "day", "row", "other_cause", pl.lit(organ).alias("organ"), _certain(rows, organ))
        for organ in ORGANS
    ]
    return pl.concat(frames)


def _certain(rows: pl.DataFrame, name: str) -> pl.Expr:
    """Return a stage; null where only a bound of it is written."""
    bound = f"{name}_bound"
    if bound not in rows.columns:
        return pl.col(name).alias("stage")
    return pl.when(pl.col(bound).fill_null("") == "").then(pl.col(name)).alias("stage")


def _check(long: pl.DataFrame) -> None:
    top = pl.col("organ").replace_strict(GREATEST, return_dtype=pl.Float64)
    wrong = long.filter((pl.col("stage") != pl.col("stage").round()) | ~pl.col("stage").is_between(0, top))
    if wrong.height:
        mend = "Write a whole stage from 0 to 4; of the upper gut 0 or 1."
        row = int(wrong["row"].to_list()[0])
        raise InputError("not a stage of this organ", mend=mend, file="gvhd", row=row, column="stage")
