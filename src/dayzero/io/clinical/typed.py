"""A table of text becomes a typed table: words as the schema spells them, quantities in canonical units."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import polars as pl

from dayzero.io.clinical.cells import ABSENT, BELOW, PRESENT, TRACE, plain, read_flags, read_words, refuse_empty
from dayzero.io.clinical.findings import Found
from dayzero.io.clinical.headers import Place
from dayzero.io.clinical.quantities import Amounts, read_number, read_quantity
from dayzero.io.clinical.schema import Column, analyte_names, analytes, dtypes
from dayzero.io.clinical.source import Source

Places = Mapping[str, Place]


@dataclass(frozen=True)
class Typed:
    """The columns of a table as they are typed.

    Attributes
    ----------
    columns
        By name, (rows,) each: those of the schema, and their bounds.
    units
        By the name of a quantity, (rows,) the unit as written.
    found
        What was found.
    """

    columns: dict[str, pl.Series]
    units: Mapping[str, pl.Series]
    found: tuple[Found, ...]


def read_analytes(source: Source, header: str) -> pl.Series:
    """Return the canonical name of every row's analyte; null where it is not known.

    Raises
    ------
    InputError
        Where a cell is empty.
    """
    text = source.text(header)
    if text.null_count():
        raise source.fault("an empty cell", "Name the analyte, or remove the row.", text.is_null(), header)
    distinct = text.unique()
    meant = plain(distinct).replace_strict(dict(analyte_names()), default=None, return_dtype=pl.String)
    return text.replace_strict(distinct, meant, default=None, return_dtype=pl.String).alias("analyte")


def read_columns(source: Source, places: Places, analyte: pl.Series | None = None) -> Typed:
    """Type every column of the schema.

    Parameters
    ----------
    source
        The table.
    places
        Where its columns stand.
    analyte
        (rows,) of laboratory values, the canonical name.

    Raises
    ------
    InputError
        Where a cell cannot be read; see ``cells`` and ``quantities``.
    """
    columns: dict[str, pl.Series] = {} if analyte is None else {"analyte": analyte}
    amounts: dict[str, Amounts] = {}
    for name, place in places.items():
        if place.header and place.column.kind in {"number", "quantity"}:
            amounts[name] = _amounts(source, place, analyte)
        elif place.header and name not in columns:
            columns[name] = _texts(source, place)
    found = [*_out_of_range(amounts, places)] if amounts else []
    for name, read in amounts.items():
        kept = _in_range(read.value, places[name].column)
        columns[name] = read.value.set(~kept, None)
        if places[name].column.bounded:
            columns[f"{name}_bound"] = read.bound.set(~kept, None)
    found += _with_limits(source.table, columns, amounts)
    return Typed(columns, {name: read.unit for name, read in amounts.items()}, tuple(found))


def to_frame(table: str, columns: Mapping[str, pl.Series], height: int) -> pl.DataFrame:
    """Return the typed table, with every column of the schema: null where the file does not have it."""
    return pl.DataFrame(
        [
            columns[name].cast(dtype).alias(name)
            if name in columns
            else pl.Series(name, [None], dtype=dtype).new_from_index(0, height)
            for name, dtype in dtypes(table).items()
        ]
    )


def _texts(source: Source, place: Place) -> pl.Series:
    column, header = place.column, place.header
    if column.kind == "flag":
        return read_flags(source, column, header)
    values = read_words(source, column, header) if column.kind == "word" else source.text(header)
    refuse_empty(source, column, header, values)
    return values


def _amounts(source: Source, place: Place, analyte: pl.Series | None) -> Amounts:
    column = place.column
    if column.kind == "number":
        return read_number(source, place)
    if analyte is None or column.dimension != "analyte":
        dimension = pl.Series("dimension", [column.dimension]).new_from_index(0, len(source))
    else:
        of = {name: known.dimension for name, known in analytes().items()}
        dimension = analyte.replace_strict(of, return_dtype=pl.String).alias("dimension")
    return read_quantity(source, place, dimension)


def _limits(column: Column) -> tuple[float | None, float | None]:
    lowest = 0.0 if column.kind == "quantity" and column.dimension != "vital" else column.lowest
    return lowest, 1.0 if column.dimension == "fraction" else column.highest


def _in_range(value: pl.Series, column: Column) -> pl.Series:
    lowest, highest = _limits(column)
    kept = pl.Series([True]).new_from_index(0, len(value))
    kept &= True if lowest is None else (value >= lowest).fill_null(value=True)
    return kept & (True if highest is None else (value <= highest).fill_null(value=True))


def _out_of_range(amounts: Mapping[str, Amounts], places: Places) -> Iterator[Found]:
    for name, read in amounts.items():
        column, header = places[name].column, places[name].header
        lowest, highest = _limits(column)
        if lowest is not None:
            yield Found("negative-value", read.value < lowest, column=header)
        if highest is not None:
            code = "fraction-above-one" if column.dimension == "fraction" else "value-out-of-range"
            yield Found(code, read.value > highest, column=header)


def _with_limits(table: str, columns: dict[str, pl.Series], amounts: Mapping[str, Amounts]) -> Iterator[Found]:
    """Give ``not detected`` and ``BLQ`` the row's own limit, and say of MRD whether it was detected."""
    if "value" not in amounts or table not in {"mrd", "kinetics"}:
        return
    word = amounts["value"].word
    none = pl.Series([None], dtype=pl.Float64).new_from_index(0, len(word))
    quantified = columns.get("loq", columns.get("lloq", none))
    limits = {ABSENT: pl.select(pl.coalesce(columns.get("lod", none), quantified)).to_series()}
    limits |= {BELOW: quantified, TRACE: quantified}
    for said, limit in limits.items():
        columns["value"] = columns["value"].zip_with((word != said).fill_null(value=True), limit)
    if table == "mrd":
        yield _detected(columns, word)


def _detected(columns: dict[str, pl.Series], word: pl.Series) -> Found:
    said = word.replace_strict({ABSENT: False, PRESENT: True, TRACE: True}, default=None, return_dtype=pl.Boolean)
    given = columns.get("detected", said)
    differ = (given != said).fill_null(value=False)
    columns["detected"] = pl.select(pl.coalesce(given, said)).to_series().set(differ, None)
    return Found("mrd-detected-differs", differ, column="detected")
