"""Groups that are a number cut in two: where the cut was searched for, the p value of the groups is too small.

The greatest of many log-rank statistics is not one of them: searched over the middle 80 % of a number, a printed p of
.017 is about .25 (Miller and Siegmund 1982; clinical rule book, seed 004). Nothing in a table tells a searched cut from
one that was fixed before, so the study file says which were fixed.
"""

from collections.abc import Collection, Sequence
from typing import Final

import numpy as np
import polars as pl
from scipy.special import gammaln

from dayzero.checks.evidence import Bools, Floats
from dayzero.errors import Finding
from dayzero.history import History

DISTINCT: Final = 10
"""Values that a number must have: of a few levels two may lie below the others for reasons of their own."""
CHANCE: Final = 1e-4
"""Probability below which groups that have nothing to do with a number are not parted by it."""
ADULT: Final = 18.0
"""The cut of an age that was known before."""


def cut_points(history: History, columns: Sequence[str], *, known: Collection[str], file: str) -> tuple[Finding, ...]:
    """Find groups compared that are a cut of a number in the same table (guard CUTPOINT_CORRECTED).

    Parameters
    ----------
    history
        Whose baseline columns are looked at.
    columns
        Those that analyses compare or adjust for.
    known
        Columns whose cut was fixed before the data were seen.
    file
        Name of the patients file.

    Returns
    -------
    tuple of Finding
        ``cut-point-searched`` for each column with two levels, all of one lying below all of the other in a numeric
        column with at least 10 distinct values, where chance does not explain it. An age cut at 18 is left alone.
    """
    table = history.patients
    asked = [name for name in dict.fromkeys(columns) if name in table.columns and name not in known]
    found = [(name, number) for name in asked for number in [_number_cut(table, name)] if number]
    return tuple(_finding(name, number, file) for name, number in found)


def _finding(column: str, number: str, file: str) -> Finding:
    message = (
        f"The column {column!r} is the column {number!r} cut in two: if the cut was searched for in these data, the p "
        "value of its groups is too small, and their hazard ratio too far from 1."
    )
    mend = (
        f"Analyse {number} as a number, or correct the p for the search; where the cut was fixed before, declare it: "
        f'[data] known_cuts = ["{column}"].'
    )
    return Finding("warning", "cut-point-searched", message, mend, file, (1,), column=column)


def _number_cut(table: pl.DataFrame, name: str) -> str:
    """Return the numeric column of which a column is a cut, empty where there is none."""
    column = table[name]
    levels = column.drop_nulls().unique().sort()
    if len(levels) != 2:
        return ""
    upper, there = (column == levels[1]).fill_null(value=False).to_numpy(), column.is_not_null().to_numpy()
    numbers = [each for each in table.drop("patient", name) if each.dtype == pl.Float64]
    return next((each.name for each in numbers if _is_cut(each, upper, there)), "")


def _is_cut(number: pl.Series, upper: Bools, there: Bools) -> bool:
    values = number.fill_null(np.nan).to_numpy()
    both = there & np.isfinite(values)
    if len(np.unique(values[both])) < DISTINCT:
        return False
    one, other = values[both & upper], values[both & ~upper]
    if not len(one) or not len(other) or _chance(len(one), len(other)) >= CHANCE:
        return False
    low, high = sorted((one, other), key=lambda group: float(group.min()))
    return float(low.max()) < float(high.min()) and not _adults(number.name, low, high)


def _chance(one: int, other: int) -> float:
    """Return the probability that a random split into groups of these sizes parts all values: 2 / C(n, k)."""
    return float(2 * np.exp(gammaln(one + 1.0) + gammaln(other + 1.0) - gammaln(one + other + 1.0)))


def _adults(name: str, low: Floats, high: Floats) -> bool:
    return name.casefold().startswith("age") and float(low.max()) < ADULT <= float(high.min())
