"""Organ stages of acute GVHD from the measurements of a history's table: rash, bilirubin, symptoms, stool."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from dayzero.grading.bounds import Bounds
from dayzero.grading.editions import edition
from dayzero.grading.gvhd.stages import (
    LowerGi,
    Stool,
    liver_stage,
    lower_gi_stage,
    skin_stage,
    upper_gi_stage,
)
from dayzero.grading.truth import Bools, Floats, Truth, known
from dayzero.history import History

ASKED: Final[Mapping[str, tuple[str, ...]]] = {
    "skin": ("skin_bsa", "bullae"),
    "liver": ("bilirubin",),
    "upper_gi": ("upper_gi_symptoms",),
    "lower_gi": ("stool_ml", "stool_ml_kg", "episodes", "severe_pain", "bloody_stool"),
}
"""The columns of the table from which each organ is staged where its stage is not given."""
SCHEMA: Final = {
    "patient": pl.Int64,
    "day": pl.Float64,
    "other_cause": pl.String,
    "organ": pl.String,
    "least": pl.Float64,
    "most": pl.Float64,
}
STOOL: Final = {
    "patient": pl.Int64,
    "day": pl.Float64,
    "volume_lower": pl.Int64,
    "volume_upper": pl.Int64,
    "episodes_lower": pl.Int64,
    "episodes_upper": pl.Int64,
}


@dataclass(frozen=True)
class Measured:
    """What measurements say.

    Attributes
    ----------
    stages
        A row an organ and row of the table that measures it: ``patient``, ``day``, ``other_cause``, ``organ``, and the
        stage between ``least`` and ``most``.
    stool
        A row a day on which the volume and the episodes of stool give different stages: what each gives.
    """

    stages: pl.DataFrame
    stool: pl.DataFrame


def weights(history: History) -> Floats:
    """Return (patients,) the baseline column ``weight`` in kg; NaN where there is none."""
    if "weight" not in history.patients.columns:
        return np.full(len(history), np.nan)
    return history.patients["weight"].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()


def measured_stages(acute: pl.DataFrame, weight: Floats) -> Measured:
    """Stage the organs of each row that measures them.

    Parameters
    ----------
    acute
        Dated rows of the table ``gvhd``.
    weight
        (patients,) in kg, for rows without a weight of their own: it decides between the stool of adults and children.
    """
    if not acute.height:
        return Measured(pl.DataFrame(schema=SCHEMA), pl.DataFrame(schema=STOOL))
    rows, rules = _Rows(acute), edition("agvhd_stages")
    own = rows.number("weight")
    stool = Stool(
        ml=rows.number("stool_ml"),
        ml_kg=rows.number("stool_ml_kg"),
        episodes=rows.number("episodes"),
        weight=np.where(np.isnan(own), weight[acute["patient"].to_numpy()], own),
        mixed=rows.flag("mixed_urine") if rows.there("mixed_urine").any() else known(np.zeros(acute.height, bool)),
    )
    gut = lower_gi_stage(stool, rows.flag("severe_pain") | rows.flag("bloody_stool"), edition=rules)
    stages = {
        "skin": skin_stage(rows.number("skin_bsa"), rows.flag("bullae"), edition=rules),
        "liver": liver_stage(np.round(rows.number("bilirubin"), 9), edition=rules),
        "upper_gi": upper_gi_stage(rows.persistent()),
        "lower_gi": gut.stage,
    }
    return Measured(pl.concat([rows.staged(organ, stage) for organ, stage in stages.items()]), _apart(acute, gut))


def _apart(acute: pl.DataFrame, gut: LowerGi) -> pl.DataFrame:
    ends = {"volume": gut.volume, "episodes": gut.episodes}
    columns = {f"{name}_{end}": getattr(stage, end) for name, stage in ends.items() for end in ("lower", "upper")}
    both = acute.select("patient", pl.col("day").floor()).with_columns(**{k: pl.Series(v) for k, v in columns.items()})
    return both.filter(pl.Series(gut.contradiction)).cast(pl.Schema(STOOL)).sort(STOOL.keys())


@dataclass(frozen=True)
class _Rows:
    table: pl.DataFrame

    def column(self, name: str) -> pl.Series:
        """Return a column, null where it is not there, or only a bound of it."""
        if name not in self.table.columns:
            return pl.Series(name, [None]).new_from_index(0, self.table.height)
        bound = f"{name}_bound"
        exact = pl.col(bound).fill_null("") == "" if bound in self.table.columns else pl.lit(value=True)
        return self.table.select(pl.when(exact).then(pl.col(name)).alias(name))[name]

    def number(self, name: str) -> Floats:
        return self.column(name).cast(pl.Float64).fill_null(float("nan")).to_numpy()

    def flag(self, name: str) -> Truth:
        value = self.column(name).cast(pl.Boolean)
        return Truth(value.fill_null(value=False).to_numpy(), (~value).fill_null(value=False).to_numpy())

    def persistent(self) -> Truth:
        word = self.column("upper_gi_symptoms").cast(pl.String)
        yes = (word == "persistent").fill_null(value=False).to_numpy()
        return Truth(yes, ~yes & word.is_not_null().to_numpy())

    def there(self, name: str) -> Bools:
        return self.column(name).is_not_null().to_numpy()

    def staged(self, organ: str, stage: Bounds) -> pl.DataFrame:
        """Return the rows on which an organ is measured, with its stage."""
        measured = np.logical_or.reduce([self.there(name) for name in ASKED[organ]])
        rows = self.table.select("patient", "day", "other_cause", pl.lit(organ).alias("organ"))
        ends = [pl.Series("least", stage.lower), pl.Series("most", stage.upper)]
        return rows.with_columns(ends).filter(pl.Series(measured)).cast(pl.Schema(SCHEMA))
