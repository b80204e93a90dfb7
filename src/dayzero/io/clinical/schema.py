"""What the further tables may hold: one table one file, read from ``schema.toml``."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final, Literal

import polars as pl

BEDSIDE: Final = ("vitals", "neuro")
"""Tables whose columns stay text: the graders of bedside tables type them."""
SPANS: Final = ("support",)
"""Tables whose rows have an end."""


@dataclass(frozen=True)
class Column:
    """What a column holds.

    Attributes
    ----------
    name
        As the typed table has it.
    kind
        ``text``, ``word`` (one of ``words``), ``number``, ``flag``, ``quantity`` (a number with a unit) or ``analyte``.
    words, also
        The words, and other spellings of them.
    required
        Whether it must be there, and filled in every row.
    dimension
        Of a quantity: in ``units.toml``, or ``analyte``: that of the row's analyte.
    unit
        Of a quantity: taken where the file names none; empty: the file must.
    lowest, highest
        What lies outside is taken for unknown, and found.
    whole
        Whether a number must be whole.
    censored
        Whether a number may be ``<5``; a quantity always may.
    """

    name: str
    kind: Literal["text", "word", "number", "flag", "quantity", "analyte"]
    words: tuple[str, ...] = ()
    also: Mapping[str, str] = field(default_factory=dict)
    required: bool = False
    dimension: str = ""
    unit: str = ""
    lowest: float | None = None
    highest: float | None = None
    whole: bool = False
    censored: bool = False

    @property
    def bounded(self) -> bool:
        """Whether a column ``<name>_bound`` stands beside it."""
        return self.kind == "quantity" or self.censored

    @property
    def dtype(self) -> pl.DataType:
        """What the typed column is."""
        if self.kind in {"number", "quantity"}:
            return pl.Float64()
        return pl.Boolean() if self.kind == "flag" else pl.String()


Table = Mapping[str, Column]


@cache
def schema() -> Mapping[str, Table]:
    """Return the columns of every further table, by table and name."""
    read = _toml("schema.toml")
    return MappingProxyType({table: _columns(columns) for table, columns in read.items()})


def _columns(columns: Mapping[str, Mapping[str, Any]]) -> Table:
    return MappingProxyType({name: _column(name, what) for name, what in columns.items()})


def _column(name: str, what: Mapping[str, Any]) -> Column:
    return Column(name, **{**what, "words": tuple(what.get("words", ()))})


def dtypes(table: str) -> dict[str, pl.DataType]:
    """Return the columns of a typed table and what they are, in order.

    Examples
    --------
    >>> list(dtypes("kinetics"))
    ['patient', 'day', 'row', 'assay', 'specimen', 'value', 'value_bound', 'lloq']
    """
    found: dict[str, pl.DataType] = {"patient": pl.Int64(), "day": pl.Float64(), "row": pl.Int64()}
    if table in SPANS:
        found["end_day"] = pl.Float64()
    for column in schema()[table].values():
        found[column.name] = column.dtype
        if column.bounded:
            found[f"{column.name}_bound"] = pl.String()
    return found


@dataclass(frozen=True)
class Analyte:
    """A laboratory analyte.

    Attributes
    ----------
    name
        The canonical one.
    dimension
        In ``units.toml``.
    plausible
        Lowest and highest, in the canonical unit.
    suspect
        Below or above these the unit is probably another one; None where no unit is commonly mistaken.
    also
        Other names.
    """

    name: str
    dimension: str
    plausible: tuple[float, float]
    suspect: tuple[float, float] | None = None
    also: tuple[str, ...] = ()


@cache
def analytes() -> Mapping[str, Analyte]:
    """Return the known analytes by name."""
    return MappingProxyType({name: _analyte(name, what) for name, what in _toml("analytes.toml").items()})


def _analyte(name: str, what: Mapping[str, Any]) -> Analyte:
    low, high = what["plausible"]
    suspect = (what["suspect"][0], what["suspect"][1]) if "suspect" in what else None
    return Analyte(name, what["dimension"], (low, high), suspect, tuple(what["also"]))


@cache
def analyte_names() -> Mapping[str, str]:
    """Return the analyte that each known name means; names are in the form of ``words.plain``."""
    known = analytes().values()
    return MappingProxyType({name: a.name for a in known for name in (a.name, *a.also)})


def _toml(name: str) -> Mapping[str, Any]:
    return tomllib.loads(files("dayzero.io.clinical").joinpath(name).read_text("utf-8"))
