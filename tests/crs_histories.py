"""Made-up histories with vital signs and support, written row by row with the columns of the study's tables."""

from typing import Any

import numpy as np
import polars as pl

from crs_tables import WELL
from dayzero.history import History

EVENTS = {
    "patient": pl.Int64,
    "event": pl.String,
    "day": pl.Float64,
    "value": pl.String,
    "number": pl.Int64,
    "source": pl.String,
    "row": pl.Int64,
}
SUPPORT = {
    "patient": pl.Int64,
    "day": pl.Float64,
    "end_day": pl.Float64,
    "row": pl.Int64,
    "kind": pl.String,
    "agent": pl.String,
    "value": pl.Float64,
    "dose": pl.Float64,
    "dose_unit": pl.String,
    "flow": pl.Float64,
    "device": pl.String,
    "reason": pl.String,
}
NORMAL = ("temp", "sbp", "vasopressor", "o2", "antipyretic")

Row = dict[str, Any]


def event(name: str, day: float | None, value: str | None = None, **more: Any) -> Row:
    """Return a reported event of the first patient, unless another is named."""
    return {"patient": 0, "event": name, "day": day, "value": value} | more


def support(*rows: Row) -> pl.DataFrame:
    """Return a support table; rows are counted from 2."""
    numbered = [{"patient": 0, "row": at} | row for at, row in enumerate(rows, 2)]
    return pl.DataFrame(numbered, schema=SUPPORT)


def given(kind: str, day: float | None, end: float | None = None, **more: Any) -> Row:
    """Return a row of the support table."""
    return {"kind": kind, "day": day, "end_day": end} | more


def well(*days: float) -> list[Row]:
    """Return measurements of a patient who has nothing, and a log that says that it is kept."""
    measured = [given(kind, day, value=value) for day in days for kind, value in (("temp", 37.0), ("sbp", 120.0))]
    return [*measured, given("vasopressor", days[0], agent="none"), given("o2", days[0], device="none")]


def vitals(*rows: Row) -> pl.DataFrame:
    """Return rows of vital signs that are well but for what is named; None leaves a cell empty."""
    texts = {name: value for name, value in WELL.items() if name != "time"}
    complete = [{"patient": 0, "day": 0.0, "row": at} | texts | row for at, row in enumerate(rows, 2)]
    return pl.DataFrame(complete, infer_schema_length=None).cast({"patient": pl.Int64, "day": pl.Float64})


def history(*events: Row, patients: dict[str, Any] | None = None, n: int = 1, **tables: pl.DataFrame) -> History:
    """Return a history on a clock of its own; every patient is followed for 200 days."""
    attributes = {name: pl.String for row in events for name in row if name not in EVENTS}
    numbered = [{"source": "reported", "row": at} | row for at, row in enumerate(events, 2)]
    return History(
        patients=pl.DataFrame({"patient": [f"P{i}" for i in range(n)]} | (patients or {})),
        patient_rows=np.arange(2, n + 2),
        events=pl.DataFrame(numbered, schema=EVENTS | attributes),
        end=np.full(n, 200.0),
        calendar=False,
        tables=tables,
    )
