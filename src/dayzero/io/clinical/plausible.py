"""Plausibility gates: what no patient has is found at the door; the value stays as it is written.

Source: clinical rule book 0.1 and 4.6; the bounds of single analytes are dayzero's own (``analytes.toml``).
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

import polars as pl

from dayzero.io.clinical.findings import Found
from dayzero.io.clinical.schema import analytes

PLATELETS, COLDEST, HOTTEST, OVERT, FAR = 2000.0, 30.0, 43.0, 0.05, 100.0

Gate = Callable[[pl.DataFrame], Iterator[Found]]


def implausible(table: str, frame: pl.DataFrame) -> tuple[Found, ...]:
    """Return what no patient has in a typed table."""
    gate = _GATES.get(table)
    return tuple(gate(frame)) if gate else ()


def several_units(analyte: pl.Series, unit: pl.Series) -> Found:
    """Return the rows of analytes that are written in several units."""
    pairs = pl.DataFrame({"analyte": analyte, "unit": unit}).drop_nulls().unique()
    several = pairs.group_by("analyte").len().filter(pl.col("len") > 1)["analyte"].sort()
    where = analyte.is_in(several.implode()) & unit.is_not_null()
    return Found("analyte-in-two-units", where, about=", ".join(several))


def _assessments(frame: pl.DataFrame) -> Iterator[Found]:
    yield Found("platelets-above-2000", frame["platelets"] > PLATELETS, column="platelets")


def _mrd(frame: pl.DataFrame) -> Iterator[Found]:
    over = (frame["value"] > OVERT) & (frame["value_bound"] != "<")
    yield Found("mrd-is-overt-disease", over, column="value")


def _labs(frame: pl.DataFrame) -> Iterator[Found]:
    analyte, value = frame["analyte"], frame["value"]
    yield Found("platelets-above-2000", (analyte == "platelets") & (value > PLATELETS), column="value")
    yield Found("anc-above-wbc", _above_wbc(frame), column="value")
    low = _bound_of(analyte, {name: a.suspect[0] for name, a in analytes().items() if a.suspect})
    high = _bound_of(analyte, {name: a.suspect[1] for name, a in analytes().items() if a.suspect})
    below = (value < low) & (value > 0) & (frame["value_bound"] != "<")
    yield _named("likely-unit-error", analyte, below.fill_null(value=False) | (value > high).fill_null(value=False))
    top = _bound_of(analyte, {name: a.plausible[1] for name, a in analytes().items()})
    yield _named("lab-far-outside", analyte, (value > FAR * top).fill_null(value=False))


def _bound_of(analyte: pl.Series, bounds: Mapping[str, float]) -> pl.Series:
    return analyte.replace_strict(dict(bounds), default=None, return_dtype=pl.Float64)


def _named(code: str, analyte: pl.Series, where: pl.Series) -> Found:
    return Found(code, where, about=", ".join(analyte.filter(where).unique().sort()), column="value")


def _above_wbc(frame: pl.DataFrame) -> pl.Series:
    """Return the rows of neutrophils that are more than all white cells of that patient and day."""
    frame = frame.with_columns(pl.col("day").floor().alias("on"))
    exact = pl.col("value_bound") == ""
    wbc = frame.filter((pl.col("analyte") == "wbc") & exact)
    white = wbc.group_by("patient", "on").agg(pl.col("value").max().alias("white"))
    of = frame.join(white, on=["patient", "on"], how="left", maintain_order="left")
    above = (of["analyte"] == "anc") & (of["value"] > of["white"]) & (of["value_bound"] != "<")
    return above.fill_null(value=False)


def _support(frame: pl.DataFrame) -> Iterator[Found]:
    value = frame["value"]
    strange = (frame["kind"] == "temp") & ((value < COLDEST) | (value > HOTTEST))
    yield Found("temperature-implausible", strange, column="value")
    yield Found("dose-without-unit", frame["dose"].is_not_null() & frame["dose_unit"].is_null(), column="dose")


def _vitals(frame: pl.DataFrame) -> Iterator[Found]:
    if "temp_c" in frame.columns:
        value = frame["temp_c"].cast(pl.Float64, strict=False)
        yield Found("temperature-implausible", (value < COLDEST) | (value > HOTTEST), column="temp_c")


_GATES: Final[Mapping[str, Gate]] = {
    "assessments": _assessments,
    "mrd": _mrd,
    "labs": _labs,
    "support": _support,
    "vitals": _vitals,
}
