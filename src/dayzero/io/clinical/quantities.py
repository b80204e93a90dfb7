"""Quantities and numbers as they are typed: in the canonical unit, with the side on which they are censored."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from dayzero.io.clinical.cells import read_amounts
from dayzero.io.clinical.headers import Place
from dayzero.io.clinical.source import Source
from dayzero.io.clinical.units import dimensions, unit_fault, unit_named


@dataclass(frozen=True)
class Amounts:
    """A column of quantities.

    Attributes
    ----------
    value
        (rows,) in the canonical unit; null where there is no number.
    bound
        (rows,) "", ``<`` or ``>``; null where nothing stands.
    word
        (rows,) what stands in place of a number; see ``cells.SPOKEN``.
    unit
        (rows,) the unit in which each number was written; null where none was needed.
    """

    value: pl.Series
    bound: pl.Series
    word: pl.Series
    unit: pl.Series


def read_number(source: Source, place: Place) -> Amounts:
    """Read a column of numbers without a unit.

    Raises
    ------
    InputError
        Where a cell is no number, has a unit, is censored where that has no meaning, or is not whole.
    """
    column, header = place.column, place.header
    read = read_amounts(source, header)
    if not column.censored and (odd := (read["sign"] != "") | read["word"].is_not_null()).any():
        raise source.fault("not a number", "Write a number, or leave the cell empty.", odd, header)
    if (odd := read["unit"].is_not_null()).any():
        raise source.fault("a unit where none belongs", "Write the number alone.", odd, header)
    if column.whole and (broken := (read["number"] != read["number"].round()).fill_null(value=False)).any():
        raise source.fault("not a whole number", "Write 0, 1, 2, ... or leave the cell empty.", broken, header)
    return _amounts(read, read["number"], read["unit"])


def read_quantity(source: Source, place: Place, dimension: pl.Series) -> Amounts:
    """Read a column of numbers with units, and convert it.

    Parameters
    ----------
    source, place
        The table, and where the column stands.
    dimension
        (rows,) the dimension of each.

    Raises
    ------
    InputError
        Where a cell is no quantity, or its unit is missing, unknown or of another dimension.
    """
    read = read_amounts(source, place.header)
    unit = _units(source, place, read, dimension)
    frame = pl.DataFrame({"dimension": dimension, "unit": unit, "needed": read["number"].is_not_null()})
    conversions = _conversions(source, place, frame)
    joined = frame.join(conversions, on=["dimension", "unit"], how="left", maintain_order="left", nulls_equal=True)
    value = (read["number"] - joined["zero"]) * joined["times"] / joined["by"]
    return _amounts(read, value, joined["name"].set(~frame["needed"], None))


def _units(source: Source, place: Place, read: pl.DataFrame, dimension: pl.Series) -> pl.Series:
    """Return the unit of each row as written: in the cell, its column, the header, else the schema's."""
    column = place.column
    written = source.text(place.unit_header) if place.unit_header else read["unit"]
    unit = pl.coalesce(read["unit"], written, pl.lit(place.suffix or column.unit or None, pl.String)).alias("unit")
    fraction = (dimension == "fraction") & read["exponent"]
    clear = pl.when(fraction).then(pl.lit("fraction")).when(read["number"] == 0).then(pl.lit(""))
    return pl.select(unit.fill_null(clear)).to_series()


def _conversions(source: Source, place: Place, frame: pl.DataFrame) -> pl.DataFrame:
    """Return how each pair of dimension and unit is converted; zero without a unit is zero in all of them."""
    made: dict[str, list[str | float | None]] = {k: [] for k in ("dimension", "unit", "name", "zero", "times", "by")}
    for dimension, text in frame.filter("needed").select("dimension", "unit").unique(maintain_order=True).rows():
        known = dimensions()[dimension]
        where = frame["needed"] & (frame["dimension"] == dimension) & frame["unit"].eq_missing(pl.Series([text]))
        if text is None:
            fault = "a quantity without a unit" if dimension != "fraction" else "neither a fraction nor percent by name"
            raise source.fault(fault, _mend(place, known.names), where, place.header)
        unit = unit_named(known, text or known.canonical)
        if unit is None:
            fault, mend = unit_fault(known, text)
            raise source.fault(fault, mend, where, place.unit_header or place.header)
        row = (dimension, text, unit.name if text else None, unit.zero, unit.times, unit.by)
        for values, cell in zip(made.values(), row, strict=True):
            values.append(cell)
    kinds = {"dimension": pl.String, "unit": pl.String, "name": pl.String}
    return pl.DataFrame(made, schema={k: kinds.get(k, pl.Float64) for k in made})


def _mend(place: Place, names: tuple[str, ...]) -> str:
    name = place.column.name
    header = place.unit_header or f"{name}_unit"
    return f"Write one of {', '.join(names)} into a column {header!r}."


def _amounts(read: pl.DataFrame, value: pl.Series, unit: pl.Series) -> Amounts:
    """Return the typed column; ``<=`` is ``<`` the next number up, so that it may be equal and no more."""
    sign = read["sign"]
    numbers = value.fill_null(float("nan")).to_numpy()
    if sign.is_in(["<=", ">="]).any():
        numbers = np.where((sign == "<=").fill_null(value=False), np.nextafter(numbers, np.inf), numbers)
        numbers = np.where((sign == ">=").fill_null(value=False), np.nextafter(numbers, -np.inf), numbers)
    return Amounts(pl.Series("value", numbers).fill_nan(None), sign.str.slice(0, 1), read["word"], unit)
