"""Covariates: from named columns to the matrix of a regression (convention 18: reference levels are explicit).

A numeric column is one column of the matrix. A text column is one 0/1 column for every level but the reference. A
patient with a missing term is dropped, with all rows, and counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InputError
from dayzero.spells import Bools, Floats, Ints, Spells

NO_REFERENCE: Final[Mapping[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class Covariates:
    """The coded terms of a regression.

    Attributes
    ----------
    matrix
        (kept rows, p) one column a coefficient.
    names
        (p,) ``age`` for a numeric column, ``risk=high`` for a level of a text column.
    keep
        (rows,) whether the row of the table is kept: no term of its patient is missing.
    dropped
        Number of patients dropped because a term was missing.
    """

    matrix: Floats
    names: tuple[str, ...]
    keep: Bools
    dropped: int

    def has(self, term: str) -> bool:
        """Say whether a term has a coefficient; a text column with one level has none."""
        return any(name == term or name.startswith(f"{term}=") for name in self.names)


def code_covariates(spells: Spells, terms: Sequence[str], reference: Mapping[str, str] = NO_REFERENCE) -> Covariates:
    """Code the named terms as a matrix.

    Parameters
    ----------
    spells
        The table; a term is looked for among its time-varying columns first, then among the patients' columns.
    terms
        Names of columns.
    reference
        The reference level of text columns; by default the first level in code point order.

    Returns
    -------
    Covariates

    Raises
    ------
    InputError
        A term is no column or can be no covariate, or a reference is no term or no level of its column.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([5, 8, 9], [1, 0, 1], age=[31.0, 64.0, np.nan], risk=["low", "high", "low"])
    >>> coded = code_covariates(spells, ["age", "risk"], {"risk": "low"})
    >>> coded.names, coded.matrix.tolist(), coded.dropped
    (('age', 'risk=high'), [[31.0, 0.0], [64.0, 1.0]], 1)
    """
    for column in reference:
        _find(column, terms, what="reference for a column that is not a term")
    coded = [_code_term(spells, term, reference.get(term)) for term in terms]
    missing = np.zeros(len(spells), bool)
    for block in coded:
        missing |= block.missing
    keep, dropped = complete(spells, missing)
    columns = [values[keep] if dropped else values for block in coded for values in block.columns]
    matrix = np.array(columns, float).reshape(len(columns), int(np.count_nonzero(keep))).T
    return Covariates(matrix, tuple(name for block in coded for name in block.names), keep, dropped)


def complete(spells: Spells, missing: Bools) -> tuple[Bools, int]:
    """Return (rows,) which rows belong to patients without a missing row, and how many patients are dropped."""
    if not bool(missing.any()):
        return np.ones(len(spells), bool), 0
    incomplete = np.unique(spells.patient[missing])
    return ~np.isin(spells.patient, incomplete), len(incomplete)


def code_levels(spells: Spells, column: str) -> tuple[Ints, tuple[str, ...]]:
    """Return (rows,) the level of a column in each row, -1 where missing, and the levels' names in sorted order.

    Parameters
    ----------
    spells
        The table.
    column
        Any column, numeric ones included: of strata, of clusters.
    """
    series, index = _series(spells, column)
    levels = _levels(series)
    codes = _codes(series, levels)
    return codes if index is None else codes[index], tuple(str(level) for level in levels.to_list())


@dataclass(frozen=True)
class _Block:
    names: tuple[str, ...]
    columns: tuple[npt.NDArray[Any], ...]
    missing: Bools


def _code_term(spells: Spells, term: str, reference: str | None) -> _Block:
    series, index = _series(spells, term)
    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        if reference is not None:
            raise InputError("a numeric column has no reference level", mend="Remove the reference.", column=term)
        block = _numeric(term, series)
    else:
        block = _text(term, series, reference)
    if index is None:
        return block
    return _Block(block.names, tuple(values[index] for values in block.columns), block.missing[index])


def _numeric(term: str, series: pl.Series) -> _Block:
    values = series.cast(pl.Float64).to_numpy()
    usable = np.isfinite(values)
    missing = ~usable
    if bool(np.any(missing & ~np.isnan(values))):
        raise InputError("a value is infinite", mend="Make it a number, or leave it empty.", column=term)
    return _Block((term,), (values,), missing)


def _text(term: str, series: pl.Series, reference: str | None) -> _Block:
    if series.dtype not in {pl.String, pl.Categorical} and not isinstance(series.dtype, pl.Enum):
        raise InputError("neither numbers nor text", mend="Give a column of numbers or of text.", column=term)
    series = series.cast(pl.String)
    levels = _levels(series).to_list()
    codes = _codes(series, pl.Series(levels, dtype=pl.String))
    base = levels[0] if levels and reference is None else reference
    if reference is not None:
        _find(reference, levels, what="unknown reference level", column=term)
    others = [k for k, level in enumerate(levels) if level != base]
    columns = tuple((codes == k).astype(float) for k in others)
    return _Block(tuple(f"{term}={levels[k]}" for k in others), columns, codes < 0)


def _series(spells: Spells, column: str) -> tuple[pl.Series, Ints | None]:
    """Return the column as it is stored, and the index that spreads it over the rows (None: it is one a row)."""
    if column in spells.columns:
        return pl.Series(column, spells.columns[column]), None
    _find(column, [*spells.columns, *spells.patients.columns], what="unknown column")
    return spells.patients[column], spells.patient


def _levels(series: pl.Series) -> pl.Series:
    levels = series.drop_nulls().unique().sort()
    return levels.filter(levels.is_not_nan()) if series.dtype.is_float() else levels


def _codes(series: pl.Series, levels: pl.Series) -> Ints:
    codes = pl.Series(np.arange(len(levels)))
    found = series.replace_strict(levels, codes, default=None, return_dtype=pl.Int64)
    return np.asarray(found.fill_null(-1).to_numpy(), np.int64)


def _find(name: str, known: Iterable[str], *, what: str, column: str | None = None) -> None:
    known = list(known)
    if name in known:
        return
    near = get_close_matches(name, known, n=1, cutoff=0.0)
    mend = f'Did you mean "{near[0]}"?' if near else "There is none to choose from."
    raise InputError(f'{what} "{name}"', mend=mend, column=column)
