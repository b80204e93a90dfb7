"""Acute GVHD day by day: organ stages, given or from what was measured, and the overall grade, each with its bounds.

In both scales a stage of an organ gives a grade by itself, and the overall grade is the highest of them; no stage
gives less than the stage below it. Bounds of the stages therefore give exact bounds of the grade.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from dayzero.errors import InputError
from dayzero.grading.bounds import Bounds, graded_if, highest
from dayzero.grading.editions import Edition, edition
from dayzero.grading.gvhd.stages import LowerGi, Stool, liver_stage, lower_gi_stage, skin_stage, upper_gi_stage
from dayzero.grading.table import Bedside, Column, Ints, read_bedside
from dayzero.grading.truth import Bools, Floats, Truth, known

ORGANS: Final = ("skin", "liver", "upper_gi", "lower_gi")
PERFORMANCE: Final = "extreme_performance_loss"
MEASURED: Final[Mapping[str, tuple[str, ...]]] = {
    "skin": ("skin_bsa", "bullae"),
    "liver": ("bilirubin",),
    "upper_gi": ("upper_gi_symptoms",),
    "lower_gi": ("stool_ml", "stool_ml_kg", "episodes", "weight", "severe_pain", "bloody_stool"),
}
"""The measurements from which each organ is staged where its stage is not given."""

_STAGE: Final = Column("number", lowest=0, highest=4, whole=True)
_AMOUNT: Final = Column("number", lowest=0)
_FLAG: Final = Column("flag")
COLUMNS: Final[Mapping[str, Column]] = {
    "skin": _STAGE,
    "liver": _STAGE,
    "upper_gi": Column("number", lowest=0, highest=1, whole=True),
    "lower_gi": _STAGE,
    "skin_bsa": Column("number", lowest=0, highest=100),
    "bullae": _FLAG,
    "bilirubin": _AMOUNT,
    "bilirubin_unit": Column("choice", ("mg/dl", "umol/l"), also={"µmol/l": "umol/l", "μmol/l": "umol/l"}),
    "upper_gi_symptoms": Column("choice", ("none", "intermittent", "persistent")),
    "stool_ml": _AMOUNT,
    "stool_ml_kg": _AMOUNT,
    "episodes": _AMOUNT,
    "weight": Column("number", lowest=0.3, highest=400),
    "mixed_urine": _FLAG,
    "severe_pain": _FLAG,
    "bloody_stool": _FLAG,
    PERFORMANCE: _FLAG,
}


@dataclass(frozen=True)
class Days:
    """A table of acute GVHD as graded, row by row.

    Attributes
    ----------
    bedside
        The rows, by patient and course in the order of days.
    day
        (rows,) number of the day (from 1970-01-01 where the table has dates); NaN where unknown.
    dated
        Whether the table has dates.
    scale
        The edition that graded.
    stages
        By organ, its stage.
    grades
        By organ, the grade that it gives by itself; also by ``extreme_performance_loss`` where that is asked.
    findings
        By code, the rows on which it was found.
    gut
        What the volume and the episodes of stool each say.
    attribution
        (rows,) what the GVHD is put down to, as written; None where the table does not say.
    """

    bedside: Bedside
    day: Floats
    dated: bool
    scale: Edition
    stages: Mapping[str, Bounds]
    grades: Mapping[str, Bounds]
    findings: Mapping[str, Bools]
    gut: LowerGi
    attribution: pl.Series | None

    @property
    def overall(self) -> Bounds:
        """Return the grade of each row."""
        return highest(*self.grades.values())


@dataclass(frozen=True)
class Source:
    """A table to grade: its rows as text, and where they stand for messages."""

    frame: pl.DataFrame
    file: str = "the table"
    rows: Ints | None = None

    def read(self) -> Bedside:
        """Return the table, typed."""
        return read_bedside(self.frame, COLUMNS, file=self.file, rows=self.rows, time="day")

    def row(self, at: int) -> int:
        """Return the row in the file of a row of the frame."""
        return at + 2 if self.rows is None else int(self.rows[at])


def grade_days(source: Source, *, scale: str = "", as_of: float | None = None) -> Days:
    """Grade each row.

    Parameters
    ----------
    source
        The table.
    scale
        ``magic`` (the default) or ``glucksberg``.
    as_of
        Day after which rows are ignored.

    Raises
    ------
    InputError
        Where a cell cannot be read, a bilirubin has no unit, a row has no day where ``as_of`` is given, or there is
        no such scale.
    """
    rules = edition("agvhd", scale)
    source = source if as_of is None else up_to(source, as_of)
    bedside, day, dated = _days(source)
    measured, gut = _measured(bedside, source)
    stages = {organ: _given(bedside, organ, measured[organ]) for organ in ORGANS}
    findings = {
        "stool_volume_and_episodes_differ": gut.contradiction,
        "stage_contradicts_measurement": _contradicted(bedside, measured),
    }
    grades = {organ: grade_of_stage(stages[organ], rules.table["grades"][organ]) for organ in ORGANS}
    if "performance" in rules.table and PERFORMANCE in bedside.cells:
        grades[PERFORMANCE] = _performance(bedside, stages, rules)
    return Days(
        bedside=bedside,
        day=day,
        dated=dated,
        scale=rules,
        stages=stages,
        grades=grades,
        findings=findings,
        gut=gut,
        attribution=_attribution(source.frame, bedside),
    )


def _attribution(frame: pl.DataFrame, bedside: Bedside) -> pl.Series | None:
    if "attribution" not in frame.columns:
        return None
    return frame["attribution"].cast(pl.String).str.strip_chars().gather(bedside.order)


def _days(source: Source) -> tuple[Bedside, Floats, bool]:
    """Return the table, the day of each row, and whether it is a date (then days count from 1970-01-01)."""
    bedside = source.read()
    dated = bool(bedside.written.str.contains(r"^\s*\d{4}-").any())
    return bedside, bedside.time / 24 if dated else bedside.time, dated


def up_to(source: Source, as_of: float) -> Source:
    """Return the table without the rows after a day.

    Raises
    ------
    InputError
        Where a row has no day: it cannot be told whether it lies before.
    """
    bedside, day, _ = _days(source)
    if np.isnan(day).any():
        at = int(bedside.order[np.isnan(day)].min())
        mend = "Give every row a day where a last day is set."
        raise InputError("no day", mend=mend, file=source.file, row=source.row(at), column="day")
    keep = np.sort(bedside.order[day <= as_of])
    return Source(source.frame[keep], source.file, np.array([source.row(int(at)) for at in keep], np.int64))


def _measured(bedside: Bedside, source: Source) -> tuple[dict[str, Bounds], LowerGi]:
    rules = edition("agvhd_stages")
    stool = Stool(
        ml=bedside.number("stool_ml"),
        ml_kg=bedside.number("stool_ml_kg"),
        episodes=bedside.number("episodes"),
        weight=bedside.number("weight"),
        mixed=_mixed(bedside),
    )
    gut = lower_gi_stage(stool, bedside.flag("severe_pain") | bedside.flag("bloody_stool"), edition=rules)
    stages = {
        "skin": skin_stage(bedside.number("skin_bsa"), bedside.flag("bullae"), edition=rules),
        "liver": liver_stage(_bilirubin(bedside, source, rules), edition=rules),
        "upper_gi": upper_gi_stage(bedside.is_any("upper_gi_symptoms", "persistent")),
        "lower_gi": gut.stage,
    }
    return stages, gut


def _mixed(bedside: Bedside) -> Truth:
    """Return whether stool is mixed with urine; without that column the volume is of stool, as its name says."""
    if "mixed_urine" in bedside.cells:
        return bedside.flag("mixed_urine")
    return known(np.zeros(len(bedside), bool))


def _bilirubin(bedside: Bedside, source: Source, rules: Edition) -> Floats:
    """Return the bilirubin in mg/dL, (rows,)."""
    value = bedside.number("bilirubin")
    nameless = ~np.isnan(value) & bedside.missing("bilirubin_unit")
    if nameless.any():
        at = int(bedside.order[nameless].min())
        mend = "Add a column bilirubin_unit: mg/dL or umol/L."
        raise InputError("no unit", mend=mend, file=source.file, row=source.row(at), column="bilirubin")
    per_mg = np.where(bedside.is_any("bilirubin_unit", "umol/l").yes, rules.table["rules"]["umol_per_mg"], 1.0)
    return np.round(value / per_mg, 9)


def _given(bedside: Bedside, organ: str, measured: Bounds) -> Bounds:
    """Return the stage as given, and from measurements where it is not."""
    stage = bedside.number(organ)
    missing = np.isnan(stage)
    whole = np.where(missing, 0, stage)
    return Bounds(
        np.where(missing, measured.lower, whole).astype(np.int8),
        np.where(missing, measured.upper, whole).astype(np.int8),
    )


def _contradicted(bedside: Bedside, measured: Mapping[str, Bounds]) -> Bools:
    """Return the rows on which a stage is given that its measurements rule out."""
    found = np.zeros(len(bedside), bool)
    for organ, stage in measured.items():
        given = bedside.number(organ)
        found |= (given < stage.lower) | (given > stage.upper)
    return found


def grade_of_stage(stage: Bounds, grades: list[int]) -> Bounds:
    """Return the grade that an organ's stage gives by itself; ``grades`` is that of each stage, 0 first."""
    table = np.array(grades, np.int8)
    return Bounds(table[stage.lower], table[stage.upper])


def _performance(bedside: Bedside, stages: Mapping[str, Bounds], rules: Edition) -> Bounds:
    """Return the grade by loss of performance, which counts only where an organ is involved."""
    any_organ = highest(*stages.values())
    involved = Truth(any_organ.lower > 0, any_organ.upper == 0)
    return graded_if(involved & bedside.flag(PERFORMANCE), rules.table["performance"]["grade"])
