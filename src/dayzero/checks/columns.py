"""Checks of the baseline columns' values."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import polars as pl

from dayzero.checks.evidence import Evidence, Fault, counted

NUMBER: Final = r"^\s*[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\s*$"
FEW: Final = 3
GLANCE: Final = 1000
"""Cells in which a column of texts is told soon."""


def column_almost_numeric(evidence: Evidence) -> Iterable[Fault]:
    """Find columns of text that would be numbers but for a few texts."""
    table = evidence.history.patients.drop("patient")
    return [fault for column in table if column.dtype == pl.String for fault in _almost(column)]


def _almost(column: pl.Series) -> Iterable[Fault]:
    if _texts(column.drop_nulls().head(GLANCE)).n_unique() > FEW:
        return ()
    distinct = column.drop_nulls().unique()
    texts = _texts(distinct)
    if not 0 < len(texts) <= FEW or len(distinct) - len(texts) < FEW:
        return ()
    rows = np.flatnonzero(column.is_in(texts.implode()).fill_null(value=False).to_numpy())
    if 2 * len(rows) > column.len() - column.null_count():
        return ()
    message = (
        f"The column {column.name!r} has numbers in all cells but {len(rows):,}, which hold "
        f"{counted(len(texts), 'distinct text')}: it is analysed as text, each number a level of its own."
    )
    return (Fault(message, patients=rows, column=column.name),)


def _texts(cells: pl.Series) -> pl.Series:
    return cells.filter(~cells.str.contains(NUMBER))
