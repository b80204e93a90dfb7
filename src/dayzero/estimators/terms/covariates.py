"""Covariates: from named columns to the matrix of a regression (convention 18: reference levels are explicit).

A numeric column is one column of the matrix. A text column is one 0/1 column for every level but the reference.
Products and splines are written in the language of :mod:`dayzero.estimators.terms.language`. A patient with a missing
term is dropped, with all rows, and counted.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from typing import Final

import numpy as np
import polars as pl

from dayzero.errors import InputError
from dayzero.estimators.terms.coding import Block, Coefficient, Part, multiply
from dayzero.estimators.terms.language import Factor, columns_of, parse_terms
from dayzero.estimators.terms.splines import check_knots, natural_cubic, place_knots
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
    terms
        The terms, ``a*b`` written out as ``a``, ``b`` and ``a:b``.
    term
        (p,) place among ``terms`` of the term that each coefficient belongs to.
    coding
        (p,) how each column is made, so that it can be made again of other patients.
    """

    matrix: Floats
    names: tuple[str, ...]
    keep: Bools
    dropped: int
    terms: tuple[str, ...]
    term: Ints
    coding: tuple[Coefficient, ...]

    @property
    def constant(self) -> tuple[str, ...]:
        """The terms without a coefficient: text columns with one level."""
        return tuple(term for place, term in enumerate(self.terms) if place not in self.term)


def code_covariates(spells: Spells, terms: Sequence[str], reference: Mapping[str, str] = NO_REFERENCE) -> Covariates:
    """Code the named terms as a matrix.

    Parameters
    ----------
    spells
        The table; a term is looked for among its time-varying columns first, then among the patients' columns.
    terms
        Names of columns, their products, and splines of them.
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
    known = {*spells.columns, *spells.patients.columns}
    parsed = parse_terms(terms, known)
    for column in reference:
        _find(column, columns_of(terms, known), what="reference for a column that is not a term")
    factors = {factor: _code_factor(spells, factor, reference) for term in parsed for factor in term.factors}
    missing = np.zeros(len(spells), bool)
    for block in factors.values():
        missing |= block.missing
    blocks = [multiply([factors[factor] for factor in term.factors]) for term in parsed]
    keep, dropped = complete(spells, missing)
    columns = [values[keep] if dropped else values for block in blocks for values in block.columns]
    coding = tuple(coefficient for block in blocks for coefficient in block.coding)
    return Covariates(
        matrix=np.array(columns, float).reshape(len(columns), int(np.count_nonzero(keep))).T,
        names=tuple(coefficient.name for coefficient in coding),
        keep=keep,
        dropped=dropped,
        terms=tuple(term.text for term in parsed),
        term=np.repeat(np.arange(len(blocks)), [len(block.columns) for block in blocks]),
        coding=coding,
    )


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


def _code_factor(spells: Spells, factor: Factor, reference: Mapping[str, str]) -> Block:
    column, base = factor.column, reference.get(factor.column)
    if factor.is_time and column not in spells.columns and column not in spells.patients.columns:
        mend = "Split the rows first, with split_time_effects, and give the term another factor, as in age:log(t)."
        raise InputError(f'no column "{column}", a function of time', mend=mend, column="terms")
    series, index = _series(spells, column)
    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        if base is not None:
            raise InputError("a numeric column has no reference level", mend="Remove the reference.", column=column)
        block = _numeric(column, series)
    elif factor.is_spline:
        raise InputError("a spline of a column of text", mend="Name the column alone.", column=column)
    else:
        block = _text(column, series, base)
    if factor.is_spline:
        seen = block.columns[0] if index is None else block.columns[0][np.unique(index)]
        block = _spline(factor, block, seen)
    if index is None:
        return block
    return Block(block.coding, tuple(values[index] for values in block.columns), block.missing[index])


def _spline(factor: Factor, block: Block, seen: Floats) -> Block:
    """Return the functions of a spline; knots that are not stated are placed by the values that were seen."""
    column = factor.column
    knots = check_knots(factor.knots, column) if factor.knots else place_knots(seen, factor.number, column)
    parts = [Part(column, spline=factor.text, knots=knots, piece=piece) for piece in range(len(knots) - 1)]
    coding = tuple(Coefficient((part,)) for part in parts)
    return Block(coding, tuple(natural_cubic(block.columns[0], knots)), block.missing)


def _numeric(term: str, series: pl.Series) -> Block:
    values = series.cast(pl.Float64).to_numpy()
    usable = np.isfinite(values)
    missing = ~usable
    if bool(np.any(missing & ~np.isnan(values))):
        raise InputError("a value is infinite", mend="Make it a number, or leave it empty.", column=term)
    return Block((Coefficient((Part(term),)),), (values,), missing)


def _text(term: str, series: pl.Series, reference: str | None) -> Block:
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
    parts = [Part(term, level=levels[k], among=tuple(levels)) for k in others]
    return Block(tuple(Coefficient((part,)) for part in parts), columns, codes < 0)


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
