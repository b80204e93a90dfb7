"""The groups that a column makes of the patients."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from dayzero.errors import InputError
from dayzero.spells import Bools, Ints, Spells


@dataclass(frozen=True)
class Groups:
    """A group for every row.

    Attributes
    ----------
    column
        The column's name; empty where everybody is one group.
    levels
        Its values as text, sorted by code point.
    codes
        (rows,) place among the levels, -1 where the value is missing.
    warning
        How many patients were left out for a missing value, or None.
    """

    column: str
    levels: tuple[str, ...]
    codes: Ints
    warning: str | None

    def label(self, level: str) -> str | None:
        """Return ``column=value``, or None for everybody."""
        return f"{self.column}={level}" if self.column else None


def group_rows(spells: Spells, by: str | None) -> Groups:
    """Sort the rows into the levels of a column; missing values are left out and counted.

    Parameters
    ----------
    spells
        The table.
    by
        A time-varying or baseline column, or None for one group of everybody.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> group_rows(make_spells([1, 2, 3], [1, 0, 1], risk=["low", "high", "low"]), "risk").levels
    ('high', 'low')
    """
    if by is None:
        return Groups("", ("",), np.zeros(len(spells), np.int64), None)
    if by not in spells.columns and by not in spells.patients.columns:
        raise InputError(f"there is no column {by}", mend="Name a column of the patients table.", column=by)
    levels, codes = level_codes(spells.of(by))
    missing = codes < 0
    dropped = len(np.unique(spells.patient[missing])) if bool(missing.any()) else 0
    noun = "patient" if dropped == 1 else "patients"
    warning = f"{dropped} {noun} without {by} left out" if dropped else None
    return Groups(by, levels, codes, warning)


@dataclass(frozen=True)
class Comparison:
    """Groups that a test compares within strata; rows without a group or a stratum are gone.

    Attributes
    ----------
    spells
        The remaining rows.
    levels
        The groups.
    groups
        (rows,) place among the levels.
    strata
        (rows,) code of the stratum, from 0.
    warning
        How many patients were left out, or None.
    """

    spells: Spells
    levels: tuple[str, ...]
    groups: Ints
    strata: Ints
    warning: str | None

    def pair(self, first: int, second: int) -> "Comparison":
        """Return the comparison of two of the groups."""
        kept = (self.groups == first) | (self.groups == second)
        pair = replace(self, levels=(self.levels[first], self.levels[second]))
        return _kept(pair, kept, np.asarray(self.groups == second, np.int64), self.strata)

    def stratum(self, code: int) -> tuple[Spells, Ints]:
        """Return the rows of one stratum, and the group of each."""
        inside = self.strata == code
        return (self.spells, self.groups) if bool(inside.all()) else (self.spells.where(inside), self.groups[inside])


def compare_rows(spells: Spells, by: str, strata: Sequence[str] = ()) -> Comparison:
    """Prepare a comparison of the groups of one column within the combinations of others.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([1, 2, 3], [1, 0, 1], arm=["b", "a", None], centre=[1, 2, 1])
    >>> compare_rows(spells, "arm", ["centre"]).warning
    '1 patient without arm left out'
    """
    columns = [group_rows(spells, name) for name in (by, *strata)]
    warning = "; ".join(column.warning for column in columns if column.warning) or None
    codes = np.stack([column.codes for column in columns])
    stratum = np.zeros(len(spells), np.int64)
    for column in columns[1:]:
        stratum = stratum * max(len(column.levels), 1) + np.maximum(column.codes, 0)
    whole = Comparison(spells, columns[0].levels, codes[0], stratum, warning)
    return _kept(whole, np.asarray((codes >= 0).all(axis=0)), codes[0], stratum)


def _kept(comparison: Comparison, kept: Bools, groups: Ints, strata: Ints) -> Comparison:
    if bool(kept.all()) and not bool(strata.any()):
        return replace(comparison, groups=groups, strata=strata)
    _, dense = np.unique(strata[kept], return_inverse=True)
    return replace(comparison, spells=comparison.spells.where(kept), groups=groups[kept], strata=dense.astype(np.int64))


def level_codes(values: pl.Series) -> tuple[tuple[str, ...], Ints]:
    """Return the distinct values as text, sorted by code point, and each value's place (-1 where missing).

    Whole numbers are written without a decimal point: 1.0 is ``1``.

    Examples
    --------
    >>> level_codes(pl.Series([2.0, None, 1.0]))
    (('1', '2'), array([ 1, -1,  0]))
    """
    known = values.fill_nan(None) if values.dtype.is_float() else values
    distinct = known.drop_nulls().unique()
    text = as_text(distinct).to_list()
    levels = tuple(sorted(set(text)))
    place = {level: code for code, level in enumerate(levels)}
    codes = pl.Series([place[level] for level in text], dtype=pl.Int64)
    found = known.replace_strict(distinct, codes, default=-1, return_dtype=pl.Int64) if levels else None
    return levels, np.full(len(values), -1, np.int64) if found is None else found.fill_null(-1).to_numpy()


def as_text(values: pl.Series) -> pl.Series:
    """Return the values as text; NaN counts as missing."""
    if values.dtype.is_float():
        values = values.fill_nan(None)
        known = values.drop_nulls()
        if (known.is_finite() & (known == known.round())).all():
            values = values.cast(pl.Int64)
    return values.cast(pl.String)


def join_warnings(rows: pl.DataFrame, warning: str | None) -> pl.DataFrame:
    """Return the rows of an estimate with a warning added to each one's own."""
    if warning is None:
        return rows
    joined = pl.concat_str([pl.col("warning"), pl.lit(warning)], separator="; ", ignore_nulls=True)
    return rows.with_columns(joined.alias("warning"))
