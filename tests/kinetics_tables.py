"""Tables of CAR T cells, laboratory values and support by hand, exactly with the columns that the reader gives them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import polars as pl

from dayzero.history import History

KINETICS = {
    "patient": pl.Int64, "day": pl.Float64, "row": pl.Int64, "assay": pl.String, "specimen": pl.String,
    "value": pl.Float64, "value_bound": pl.String, "lloq": pl.Float64,
}  # fmt: skip
LABS = {
    "patient": pl.Int64, "day": pl.Float64, "row": pl.Int64, "analyte": pl.String, "value": pl.Float64,
    "value_bound": pl.String, "uln": pl.Float64, "lln": pl.Float64,
}  # fmt: skip
SUPPORT = {
    "patient": pl.Int64, "day": pl.Float64, "end_day": pl.Float64, "row": pl.Int64, "kind": pl.String,
}  # fmt: skip


def cells(
    *samples: Any, patient: int = 0, assay: str = "copies_per_ug", lloq: float | None = 10.0
) -> list[tuple[Any, ...]]:
    """Return rows of ``kinetics``: a sample is (day, value) or (day, "<50") or (day, ">500")."""
    return [(patient, float(day), 0, assay, "pb", *_censored(value), lloq) for day, value in samples]


def labs(analyte: str, *samples: Any, patient: int = 0) -> list[tuple[Any, ...]]:
    return [(patient, float(day), 0, analyte, *_censored(value), None, None) for day, value in samples]


def support(kind: str, *days: Any, patient: int = 0) -> list[tuple[Any, ...]]:
    """Return rows of ``support``: a day, or (day, end day)."""
    spans = [day if isinstance(day, tuple) else (day, None) for day in days]
    return [(patient, float(first), last, 0, kind) for first, last in spans]


def _censored(value: Any) -> tuple[float | None, str | None]:
    if isinstance(value, str):
        return float(value[1:]), value[0]
    return value, None if value is None else ""


def make(
    events: Sequence[tuple[int, str, float]], *, end: float = 1000.0, patients: int = 0, **tables: Iterable[Any]
) -> History:
    """Build a History from (patient, event, day), and rows of ``kinetics``, ``labs`` and ``support``."""
    n = patients or 1 + max(patient for patient, _, _ in events)
    frame = pl.DataFrame(
        list(events), schema={"patient": pl.Int64, "event": pl.String, "day": pl.Float64}, orient="row"
    )
    full = frame.with_columns(
        pl.lit(None, pl.String).alias("value"),
        pl.lit(None, pl.Float64).alias("number"),
        pl.lit("reported").alias("source"),
        pl.int_range(2, frame.height + 2).alias("row"),
    )
    return History(
        pl.DataFrame({"patient": [f"P{k}" for k in range(n)]}), np.arange(n) + 2, full, np.full(n, end),
        tables={name: _frame(rows, SCHEMAS[name]) for name, rows in tables.items()},
    )  # fmt: skip


SCHEMAS = {"kinetics": KINETICS, "labs": LABS, "support": SUPPORT}


def _frame(rows: Iterable[Any], schema: dict[str, Any]) -> pl.DataFrame:
    frame = pl.DataFrame(list(rows), schema=schema, orient="row")
    return frame.with_columns(pl.int_range(2, frame.height + 2).alias("row"))
