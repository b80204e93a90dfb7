"""The IEC-HS screen of a table that stands alone: a row a patient, day and laboratory value."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InputError
from dayzero.grading.editions import Edition, edition
from dayzero.grading.iec_hs.criteria import MAIN, criteria
from dayzero.grading.iec_hs.screen import ASSUMED, screened
from dayzero.grading.results import Graded
from dayzero.grading.table import Bedside, Column, read_bedside

COLUMNS: Final = {
    "day": Column("number"),
    "value": Column("number", lowest=0),
    "uln": Column("number", lowest=0),
    "lln": Column("number", lowest=0),
    "reported_grade": Column("number", lowest=0, highest=5, whole=True),
}
GREATEST: Final = 5


def grade_table(
    frame: pl.DataFrame, *, scale: str = "", file: str = "the table", rows: npt.NDArray[np.int64] | None = None
) -> list[Graded]:
    """Screen a table: one result a patient and course. The grade is the one that a clinician reported, else unknown.

    Parameters
    ----------
    frame
        (rows, columns) text: ``patient``, ``course``; ``day`` from the infusion (0 and before: the baseline);
        ``analyte``, ``value`` and its limits of normal ``uln``, ``lln``, in the units of docs/grading/iec-hs.md;
        ``reported_grade``, on any row.
    scale
        The edition; empty: ``hines-2023``.
    file, rows
        The file's name, and the row of each row in it, for messages.

    Returns
    -------
    list of Graded
        ``extra`` holds ``screen_positive`` (null: unknown), ``criteria_met``, ``criteria_unknown``, ``supporting``,
        ``day`` and ``carhlh_ferritin``.

    Raises
    ------
    InputError
        Where a cell cannot be read, a value has no day, or a column is missing.

    Examples
    --------
    >>> rows = [("0", "ferritin", "900"), ("9", "ferritin", "9000"), ("9", "fibrinogen", "90"), ("9", "hb", "6")]
    >>> names = ["patient", "day", "analyte", "value"]
    >>> table = pl.DataFrame([("A", *row) for row in rows], schema=names, orient="row")
    >>> found = grade_table(table)[0]
    >>> found.grade, dict(found.extra)["screen_positive"], dict(found.extra)["criteria_met"]
    (None, True, ['ferritin', 'fibrinogen', 'cytopenia'])
    """
    chosen = edition("iec_hs", scale)
    for name in ("day", "analyte", "value"):
        if name not in frame.columns:
            raise InputError(f"no column {name!r}", mend="Add it.", file=file, row=1)
    bedside = read_bedside(frame, COLUMNS, file=file, rows=rows, time="")
    undated = bedside.order[~bedside.missing("value") & bedside.missing("day")]
    if len(undated):
        at = int(undated.min())
        row = at + 2 if rows is None else int(rows[at])
        raise InputError("no day", mend="Write days from the infusion.", file=file, row=row, column="day")
    return _graded(bedside, _labs(bedside, frame), chosen)


def _labs(bedside: Bedside, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the values as the table ``labs`` of a history has them; each patient and course stands for a patient."""
    analyte = frame["analyte"].cast(pl.String).str.strip_chars().str.to_lowercase()
    numbers = {name: pl.Series(bedside.number(name), nan_to_null=True) for name in ("day", "value", "uln", "lln")}
    known = {"patient": bedside.group, "analyte": analyte.gather(bedside.order)} | numbers
    return pl.DataFrame(known).with_columns(pl.lit("").alias("value_bound"))


def _graded(bedside: Bedside, labs: pl.DataFrame, chosen: Edition) -> list[Graded]:
    n = len(bedside.starts)
    at = pl.int_range(n, dtype=pl.Int64, eager=True)
    clocks = pl.DataFrame({"at": at, "patient": at}).with_columns(
        pl.lit(0.0).alias("course_day"), pl.lit(None, pl.Float64).alias("last")
    )
    found = screened(criteria(labs, clocks, chosen.table), chosen).rename({"since": "day"})
    told = np.nan_to_num(bedside.number("reported_grade"), nan=-1.0)
    reported = np.maximum.reduceat(told, bedside.starts).astype(int) if n else np.array([], int)
    extras = found.select(
        "screen_positive", "criteria_met", "criteria_unknown", "supporting", "day", "carhlh_ferritin"
    ).to_dicts()
    unknown = [tuple(name for name in MAIN if name in row["criteria_unknown"]) for row in extras]
    return [
        Graded(
            patient=patient,
            course=int(bedside.courses[i]),
            lower=max(int(reported[i]), 0),
            upper=int(reported[i]) if reported[i] >= 0 else GREATEST,
            scale=chosen.name,
            drivers=tuple(extras[i]["criteria_met"]),
            missing=(*unknown[i], *(() if reported[i] >= 0 else ("reported_grade",))),
            findings=("screen_positive",) if extras[i]["screen_positive"] else (),
            assumptions=ASSUMED,
            extra=tuple(extras[i].items()),
        )
        for i, patient in enumerate(bedside.patients)
    ]
