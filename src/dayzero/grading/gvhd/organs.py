"""Organ stages of acute GVHD by day, from a table that is long (a row an organ) or wide (a column an organ)."""

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from dayzero.errors import InputError
from dayzero.grading.gvhd.days import ORGANS
from dayzero.grading.gvhd.measured import ASKED, measured_stages
from dayzero.grading.truth import Floats

CHRONIC: Final = ("mouth", "eyes", "gi", "lungs", "joints", "genital")
GREATEST: Final = {"skin": 4, "liver": 4, "upper_gi": 1, "lower_gi": 4}
NOT_DOWNSTAGED: Final = "liver"
Unrecorded = Literal["unknown", "none"]
"""What an organ is on a day that records others: ``unknown``; or ``none``, where it is recorded on another day."""


@dataclass(frozen=True)
class Stages:
    """The organs day by day.

    Attributes
    ----------
    days
        By patient and day: ``patient``, ``day`` (whole), and of each organ the bounds of its stage, ``skin_least``,
        ``skin_most``, ...: Float64, null where nothing is known.
    stool, contradicted
        Days on which two measures of the stool, or a given stage and its measurements, rule each other out; ``patient``
        and ``day``, and of the stool the stages that each measure gives.
    """

    days: pl.DataFrame
    stool: pl.DataFrame
    contradicted: pl.DataFrame


def stages_by_day(table: pl.DataFrame, weight: Floats, *, unrecorded: Unrecorded = "unknown") -> Stages:
    """Return the stages of each patient and day.

    Parameters
    ----------
    table
        ``gvhd`` as the history holds it. Rows of chronic GVHD are left out; a row that does not say which is acute,
        unless the day has an organ that only chronic GVHD has.
    weight
        (patients,) in kg, NaN where unknown.
    unrecorded
        See ``Unrecorded``. The second is for sites that write rows of involved organs only.

    Returns
    -------
    Stages
        Of several stages on a day the highest counts; a stage that is given stands, whatever was measured; what another
        cause explains entirely is 0, but for the liver, whose bilirubin is not staged down.

    Raises
    ------
    InputError
        Where a stage is none: not whole, or an upper gut above 1.
    """
    acute = _acute(table.drop_nulls("day"))
    long = pl.concat([_long(acute), _wide(acute)])
    _check(long)
    measured = measured_stages(acute, weight)
    given = long.with_columns(_counted("stage"), pl.col("day").floor())
    staged = measured.stages.with_columns(_counted("least"), _counted("most"), pl.col("day").floor())
    parts = [given.select("patient", "day", "organ", "stage"), staged.drop("other_cause")]
    days = pl.concat(parts, how="diagonal").group_by("patient", "day").agg(_organs()).sort("patient", "day")
    known = days.select("patient", "day", *_ends())
    if unrecorded == "none":
        names = [f"{organ}_{end}" for organ in ORGANS for end in ("least", "most")]
        recorded = [pl.col(name).is_not_null().any().over("patient") for name in names]
        cells = [pl.col(name).fill_null(0.0) for name in names]
        known = known.with_columns(pl.when(r).then(c) for r, c in zip(recorded, cells, strict=True))
    return Stages(known, measured.stool, days.filter(_contradicted()).select("patient", "day"))


def _counted(name: str) -> pl.Expr:
    """Return a stage; 0 where another cause explains it entirely."""
    entirely = (pl.col("other_cause") == "entirely").fill_null(value=False) & (pl.col("organ") != NOT_DOWNSTAGED)
    return pl.when(entirely & pl.col(name).is_not_null()).then(0.0).otherwise(name).alias(name)


def _organs() -> list[pl.Expr]:
    """Return by organ the highest stage that is given, and the highest of both ends of what was measured."""
    return [
        pl.col(name).filter(pl.col("organ") == organ).max().alias(f"{organ}_{name}")
        for organ in ORGANS
        for name in ("stage", "least", "most")
    ]


def _ends() -> list[pl.Expr]:
    return [
        pl.coalesce(f"{organ}_stage", f"{organ}_{end}").alias(f"{organ}_{end}")
        for organ in ORGANS
        for end in ("least", "most")
    ]


def _contradicted() -> pl.Expr:
    """Return whether a stage is given that the measurements of its day rule out."""
    each = [~pl.col(f"{organ}_stage").is_between(pl.col(f"{organ}_least"), pl.col(f"{organ}_most")) for organ in ORGANS]
    return pl.any_horizontal(one.fill_null(value=False) for one in each)


def _acute(table: pl.DataFrame) -> pl.DataFrame:
    late = pl.col("organ").is_in(CHRONIC).fill_null(value=False).any().over("patient", pl.col("day").floor())
    return table.filter((pl.col("kind") == "acute") | (pl.col("kind").is_null() & ~late))


def _long(acute: pl.DataFrame) -> pl.DataFrame:
    """Return a row a stage that stands in a row of its organ."""
    rows = acute.filter(pl.col("organ").is_in(ORGANS).fill_null(value=False))
    return rows.select("patient", "day", "row", "other_cause", "organ", _certain(rows, "stage"))


def _wide(acute: pl.DataFrame) -> pl.DataFrame:
    """Return a row a stage that stands in a column of its organ; a row that says nothing of any is left out."""
    asked = [name for names in ASKED.values() for name in names if name in acute.columns]
    says = pl.any_horizontal(pl.col(name).is_not_null() for name in (*ORGANS, *asked)) | (pl.col("kind") == "acute")
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
