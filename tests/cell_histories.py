"""Histories with the tables of samples and laboratory values, by hand."""

from typing import Any

import numpy as np
import polars as pl

from dayzero.history import EVENT_COLUMNS, History

MRD = {
    "patient": pl.Int64,
    "day": pl.Float64,
    "row": pl.Int64,
    "specimen": pl.String,
    "method": pl.String,
    "value": pl.Float64,
    "value_bound": pl.String,
    "detected": pl.Boolean,
    "lod": pl.Float64,
    "lod_bound": pl.String,
    "loq": pl.Float64,
    "loq_bound": pl.String,
    "cells": pl.Float64,
    "cells_bound": pl.String,
    "marker": pl.String,
    "call": pl.String,
}


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return samples with the columns of the table `mrd`."""
    filled = []
    for i, row in enumerate(rows):
        full = {"patient": 0, "row": i + 2, "day": 10.0, **row}
        for name in ("value", "lod", "loq", "cells"):
            if full.get(name) is not None:
                full.setdefault(f"{name}_bound", "")
        filled.append({name: full.get(name) for name in MRD})
    return pl.DataFrame(filled, schema=MRD)


def history(
    events: list[tuple[int, str, float, str]],
    *,
    end: list[float],
    attributes: dict[str, list[str | None]] | None = None,
    **tables: pl.DataFrame,
) -> History:
    """Return a history of events (patient, name, day, value), with attribute columns."""
    columns = {
        "patient": [e[0] for e in events],
        "event": [e[1] for e in events],
        "day": [e[2] for e in events],
        "value": [e[3] or None for e in events],
        "number": [None] * len(events),
        "source": ["reported"] * len(events),
        "row": list(range(2, len(events) + 2)),
    }
    kinds = {"patient": pl.Int64, "day": pl.Float64, "number": pl.Int64, "row": pl.Int64}
    frame = pl.DataFrame(columns, schema={name: kinds.get(name, pl.String) for name in EVENT_COLUMNS})
    n = len(end)
    return History(
        patients=pl.DataFrame({"patient": [str(i) for i in range(n)]}),
        patient_rows=np.arange(2, n + 2),
        events=frame.with_columns(pl.Series(k, v, pl.String) for k, v in (attributes or {}).items()),
        end=np.array(end, float),
        tables=tables,
    )


LABS = {
    "patient": pl.Int64,
    "day": pl.Float64,
    "row": pl.Int64,
    "analyte": pl.String,
    "value": pl.Float64,
    "value_bound": pl.String,
    "uln": pl.Float64,
    "uln_bound": pl.String,
    "lln": pl.Float64,
    "lln_bound": pl.String,
}


def labs(*rows: tuple[float, str, float] | tuple[float, str, float, str], patient: int = 0) -> pl.DataFrame:
    """Return laboratory values: day, analyte, value, bound."""
    filled = [
        {
            **dict.fromkeys(LABS),
            "patient": patient,
            "row": i + 2,
            "day": row[0],
            "analyte": row[1],
            "value": row[2],
            "value_bound": row[3] if len(row) > 3 else "",
        }
        for i, row in enumerate(rows)
    ]
    return pl.DataFrame(filled, schema=LABS)
