"""A history with assessments, made by hand, for the tests of response and relapse."""

import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import polars as pl

from dayzero.grading.derived import with_derived
from dayzero.grading.response import derive_response
from dayzero.history import History
from dayzero.protocol import Definitions

Row = Mapping[str, Any]
_SCHEMA = tomllib.loads(files("dayzero.io.clinical").joinpath("schema.toml").read_text("utf-8"))
_MRD = {
    "patient": pl.Int64, "day": pl.Float64, "specimen": pl.String, "method": pl.String, "status": pl.String,
    "value": pl.Float64, "lod": pl.Float64,
}  # fmt: skip
_EVENTS = {
    "patient": pl.Int64, "event": pl.String, "day": pl.Float64, "value": pl.String, "number": pl.Int64,
    "source": pl.String, "row": pl.Int64, "targets": pl.String,
}  # fmt: skip


def table(name: str, rows: Sequence[Row]) -> pl.DataFrame:
    """Return a further table as the reader types it."""
    kinds: dict[str, Any] = {"patient": pl.Int64, "day": pl.Float64, "row": pl.Int64}
    for column, rule in _SCHEMA[name].items():
        kind = rule["kind"]
        kinds[column] = pl.Boolean if kind == "flag" else pl.Float64 if kind in ("number", "quantity") else pl.String
        if kind in ("number", "quantity"):
            kinds[f"{column}_bound"] = pl.String
    if name == "support":
        kinds["end_day"] = pl.Float64
    filled = []
    for place, row in enumerate(rows, 2):
        given = {"patient": 0, "row": place, **row}
        for column in list(given):
            if f"{column}_bound" in kinds and given[column] is not None:
                given.setdefault(f"{column}_bound", "")
        filled.append({column: given.get(column) for column in kinds})
    return pl.DataFrame(filled, schema=kinds)


def study(
    events: Sequence[Row] = ({"event": "infusion", "day": 0.0},),
    *,
    mrd: Sequence[Row] | None = None,
    n: int = 1,
    end: float = 1000.0,
    **tables: Sequence[Row],
) -> History:
    """Return a history of ``n`` patients with further tables."""
    rows = [
        {"patient": 0, "value": None, "number": None, "source": "reported", "row": place, "targets": None, **event}
        for place, event in enumerate(events, 2)
    ]
    graded = {}
    if mrd is not None:
        samples = [{"patient": 0, "specimen": "bm", "method": "mfc", **row} for row in mrd]
        graded["mrd"] = pl.DataFrame([{name: row.get(name) for name in _MRD} for row in samples], schema=_MRD)
    return History(
        patients=pl.DataFrame({"patient": [f"p{i}" for i in range(n)]}),
        patient_rows=np.arange(2, n + 2),
        events=pl.DataFrame(rows, schema=_EVENTS),
        end=np.full(n, end),
        tables={name: table(name, given) for name, given in tables.items()},
        graded=graded,
    )


def graded(history: History, **words: Any) -> History:
    """Return the history with response and relapse derived."""
    return with_derived(history, derive_response(history, Definitions(**words)))


def response(history: History, **words: Any) -> dict[str, Any]:
    """Return the only row of ``graded["response"]``."""
    rows = graded(history, **words).graded["response"]
    assert rows.height == 1
    return rows.row(0, named=True)


def marrow(day: float, blasts: float | None, **more: Any) -> dict[str, Any]:
    """Return a row of the marrow."""
    return {"day": day, "site": "bm", "blasts": blasts, **more}
