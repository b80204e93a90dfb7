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
from dayzero.grading.blood.recovery import RECOVERIES, Recovery, recoveries_of
from dayzero.grading.table import Column, read_bedside

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
    return recoveries_of(values, given, recoveries)


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
