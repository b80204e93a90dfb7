"""Histories with further tables, written by hand: patients, events, and rows of a table by column."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np
import polars as pl

from dayzero.history import History
from dayzero.io.csv import Table
from dayzero.io.tables import DataSettings, make_history

Rows = Sequence[Mapping[str, Any]]
KINDS = {"flag": pl.Boolean, "word": pl.String, "text": pl.String, "analyte": pl.String}


def columns(name: str) -> dict[str, Any]:
    """Return the columns of a table as the contract has them."""
    found = tomllib.loads((files("dayzero.io.clinical") / "schema.toml").read_text("utf-8"))[name]
    schema: dict[str, Any] = {"patient": pl.Int64, "day": pl.Float64, "row": pl.Int64}
    for column, rule in found.items():
        if not isinstance(rule, Mapping) or "kind" not in rule:
            continue
        schema[column] = KINDS.get(rule["kind"], pl.Float64)
        if rule["kind"] == "quantity" or rule.get("censored"):
            schema[f"{column}_bound"] = pl.String
    return schema | ({"end_day": pl.Float64} if name == "support" else {})


def table(name: str, rows: Rows, extra: Sequence[str] = ()) -> pl.DataFrame:
    """Return a table of the contract from rows; of patient 0 where a row names none."""
    schema = columns(name) | dict.fromkeys(extra, pl.String)
    unknown = {column for row in rows for column in row} - set(schema)
    assert not unknown, unknown
    filled = [{"patient": 0, "row": at + 2} | dict(row) for at, row in enumerate(rows)]
    frame = pl.DataFrame(filled, schema=schema)
    bounds = [f"{column}_bound" for column in schema if f"{column}_bound" in schema]
    return frame.with_columns(
        pl.when(pl.col(bound.removesuffix("_bound")).is_not_null()).then(pl.col(bound).fill_null("")).alias(bound)
        for bound in bounds
    )


def history(
    events: Rows, tables: Mapping[str, pl.DataFrame] | None = None, patients: Rows = ({"patient": "A"},)
) -> History:
    """Return a history; an event is of patient A where it names none."""
    told = [{"patient": "A"} | dict(event) for event in events]
    made, _ = make_history(
        _text("patients.csv", patients), _text("events.csv", told), DataSettings(other_events=("seizure",))
    )
    return replace(made, tables=dict(tables or {}))


def _text(name: str, rows: Rows) -> Table:
    names = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[None if row.get(c) is None else str(row[c]) for c in names] for row in rows]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.String), orient="row")
    return Table(name=name, frame=frame, rows=np.arange(2, frame.height + 2))
