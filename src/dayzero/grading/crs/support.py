"""The support table as bedside rows of CRS: one row a patient and time at which something changes.

What a log does not hold was not given, if the log holds anything of its kind; a kind that no row of the whole table
has is unknown, never 0.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from dayzero.grading.crs.spans import OXYGEN, STAYS, Moments, as_spans, plain, read_log
from dayzero.grading.crs.table import COLUMNS, DEVICES
from dayzero.grading.editions import Edition
from dayzero.grading.truth import Bools, Floats

MEASURES: Final = {"temp": "temp_c", "sbp": "sbp", "map": "map"}
TREATMENTS: Final = ("tocilizumab", "siltuximab", "steroid", "anakinra", "antipyretic")
KEYS: Final = ("patient", "day")


@dataclass(frozen=True)
class Support:
    """What bedside rows are made from.

    Attributes
    ----------
    support
        The table.
    vitals
        The bedside rows of the same patients; text.
    patients
        The baseline columns of all patients.
    names
        The edition of limits and of names of drugs and devices.
    kinds
        The kinds of which the study's whole table has a row.
    """

    support: pl.DataFrame
    vitals: pl.DataFrame
    patients: pl.DataFrame
    names: Edition
    kinds: frozenset[str]


def bedside_rows(what: Support, *, most: bool) -> pl.DataFrame:
    """Return the bedside rows of the patients of a support table.

    Parameters
    ----------
    what
        The tables.
    most
        Whether treatments run wherever they may (their dates leave doubt), or only where they certainly do.

    Returns
    -------
    DataFrame
        ``patient``, ``day``, ``row`` (0 where it comes from the support table) and the columns of the bedside table
        as text, in the order of patients and days. A cell of the vital signs stands; an empty one takes what the log
        says. A row between vital signs keeps what they said last, at most a day long.
    """
    spans = as_spans(read_log(what.support, what.names), what.names, most=most)
    rows = _grid(what, spans)
    logged = _logged(what, spans, rows, most=most)
    own = pl.col("row") > 0
    cells = [
        pl.when(own).then(pl.coalesce(name, f"{name}_log")).otherwise(pl.coalesce(f"{name}_log", name)).alias(name)
        for name in COLUMNS
        if f"{name}_log" in logged.columns
    ]
    found = logged.with_columns(cells).filter(own | _says_something(logged)).select(*KEYS, "row", *COLUMNS)
    return found if most else _coolest(what, spans, found)


def _coolest(what: Support, spans: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Let what began on a day, nobody knows when, have begun at that day's lowest temperature.

    The row stands at the beginning of the day; only a fever of the whole day is certainly there with it.
    """
    began = spans.filter("whole").select("patient", pl.col("starts").alias("day")).drop_nulls().unique()
    measured = what.support.filter(pl.col("kind") == "temp").select(KEYS)
    vague = began.join(measured, on=list(KEYS), how="anti").with_columns(pl.lit(value=True).alias("vague"))
    lowest = pl.col("temp_c").cast(pl.Float64, strict=False).min().over("patient", pl.col("day").floor())
    cooler = pl.col("vague") & (pl.col("row") == 0) & pl.col("temp_c").is_not_null()
    joined = rows.join(vague, on=list(KEYS), how="left", maintain_order="left")
    temp = pl.when(cooler).then(lowest.cast(pl.String)).otherwise("temp_c").alias("temp_c")
    return joined.with_columns(temp).drop("vague")


def _says_something(logged: pl.DataFrame) -> pl.Expr:
    """Return whether at a moment of the log anything is given, or anything had been measured within a day.

    An end of a treatment, or a dose, by itself says nothing of fever and blood pressure that would be missing.
    """
    device = pl.col("o2_device").fill_null("?" if "o2_device_log" in logged.columns else "none")
    flags = [pl.col(name) == "true" for name in ("vasopressin", "fluids", "died_of_crs")]
    said = [pl.col("temp_c").is_not_null(), pl.col("hypotension").is_not_null(), pl.col("vasopressors") != "0"]
    return pl.any_horizontal(*(each.fill_null(value=False) for each in (*said, *flags)), device != "none")


def _grid(what: Support, spans: pl.DataFrame) -> pl.DataFrame:
    """Return the rows of the vital signs, and a row at each further moment at which something changes."""
    edges = [spans.select("patient", pl.col(name).alias("day")) for name in ("begin", "end", "starts")]
    measured = what.support.filter(pl.col("kind").is_in([*MEASURES, *TREATMENTS, *OXYGEN])).select(KEYS)
    moments = pl.concat([*edges, measured]).drop_nulls().filter(pl.col("day").abs() < 9e4).unique()
    vitals = _as_bedside(what.vitals).drop_nulls("day").sort(KEYS, maintain_order=True)
    fresh = moments.join(vitals, on=list(KEYS), how="anti").sort(KEYS)
    holds = what.names.table["holds_days"]
    kept = (
        fresh.join_asof(_agreed(vitals).sort("day"), on="day", by="patient", tolerance=holds, check_sortedness=False)
        if vitals.height
        else fresh.sort("day")
    )
    columns = [
        pl.lit(0, pl.Int64).alias("row"),
        *(pl.lit(None, pl.String).alias(n) for n in COLUMNS if n not in kept.columns),
    ]
    both = pl.concat([vitals, kept.with_columns(columns).select(vitals.columns)])
    return both.sort(*KEYS, maintain_order=True)


def _agreed(vitals: pl.DataFrame) -> pl.DataFrame:
    """Return one row a patient and time; where several contradict each other the cell is unknown."""
    again = vitals.select(pl.struct(KEYS).is_duplicated().alias("again"))["again"]
    if not again.any():
        return vitals.drop("row")
    said = [pl.col(name).drop_nulls() for name in COLUMNS]
    cells = [pl.when(each.n_unique() == 1).then(each.first()) for each in said]
    several = vitals.filter(again).group_by(KEYS).agg(cells)
    return pl.concat([vitals.filter(~again).drop("row"), several.select(vitals.drop("row").columns)])


def _as_bedside(vitals: pl.DataFrame) -> pl.DataFrame:
    """Return the rows with every column of the bedside table, empty cells null."""
    cells = [
        pl.col(name).replace("", None).alias(name) if name in vitals.columns else pl.lit(None, pl.String).alias(name)
        for name in COLUMNS
    ]
    return vitals.select(pl.col("patient").cast(pl.Int64), pl.col("day").cast(pl.Float64), pl.col("row"), *cells)


def _logged(what: Support, spans: pl.DataFrame, rows: pl.DataFrame, *, most: bool) -> pl.DataFrame:
    """Add what the log says at each row, in columns ``..._log``, of the kinds that it has."""
    moments = Moments(rows["patient"].to_numpy(), rows["day"].to_numpy())
    rows = _measured(what, rows)
    found = [*_pressors(what, spans, moments, most=most), *_stays(what, spans, moments)]
    rows = rows.with_columns(series.alias(f"{series.name}_log") for series in found)
    return _oxygen(spans, rows, moments) if what.kinds & set(OXYGEN) else rows


def _text(values: Bools, name: str) -> pl.Series:
    return pl.Series(name, np.where(values, "true", "false"), dtype=pl.String)


def _pressors(what: Support, spans: pl.DataFrame, moments: Moments, *, most: bool) -> list[pl.Series]:
    """Return how many vasopressors run at once, and whether vasopressin does."""
    if "vasopressor" not in what.kinds:
        return []
    given = spans.filter(pl.col("kind") == "vasopressor").with_columns(pl.col("agent").fill_null("?"))
    apart = given["agent"].is_in(what.names.table["apart"]["vasopressin"])
    drugs, n = given.filter(~apart), np.zeros(len(moments.day), np.int64)
    for one in drugs.partition_by("agent"):
        n += moments.runs(one) if most else moments.count(one) > 0
    n = np.maximum(n, moments.at_start(drugs))
    return [pl.Series("vasopressors", n).cast(pl.String), _text(moments.runs(given.filter(apart)), "vasopressin")]


def _stays(what: Support, spans: pl.DataFrame, moments: Moments) -> list[pl.Series]:
    """Return whether fluids run, and whether the patient is in hospital."""
    wanted = {"fluids": ("fluids",), "hospitalised": STAYS}
    return [
        _text(moments.runs(spans.filter(pl.col("kind").is_in(kinds))), name)
        for name, kinds in wanted.items()
        if what.kinds & set(kinds)
    ]


def _oxygen(spans: pl.DataFrame, rows: pl.DataFrame, moments: Moments) -> pl.DataFrame:
    """Add the highest device that runs, and the flow and the reason that were written with it last."""
    given = spans.filter(pl.col("kind").is_in(OXYGEN))
    device = np.zeros(rows.height, np.int64)
    for code, word in enumerate(DEVICES):
        runs = moments.runs(given.filter(pl.col("device") == word))
        device = np.where(runs, code, device)
    unnamed = moments.runs(given.filter(pl.col("device").is_null())) & (device < len(DEVICES) - 1)
    names = pl.Series("o2_device_log", device).replace_strict(dict(enumerate(DEVICES)), return_dtype=pl.String)
    words = names.set(pl.Series(unnamed), None)
    said = given.drop_nulls(["day", "device"]).select(
        *KEYS,
        pl.col("device").alias("o2_device_log"),
        pl.col("flow").cast(pl.String).alias("o2_flow_l_min_log"),
        plain("reason").alias("intubation_reason_log"),
    )
    at = rows.with_columns(words).with_row_index("at")
    joined = at.sort("day").join_asof(
        said.sort("day"), on="day", by=["patient", "o2_device_log"], check_sortedness=False
    )
    known = COLUMNS["intubation_reason"]
    reason = pl.col("intubation_reason_log")
    reasons = pl.when(reason.is_in([*known.choices, *known.also])).then(reason)
    return joined.sort("at").drop("at").with_columns(reasons.alias("intubation_reason_log"))


def _measured(what: Support, rows: pl.DataFrame) -> pl.DataFrame:
    """Add the last measurements, at most a day old, and hypotension."""
    measured, holds = what.support.drop_nulls(["day", "value"]), what.names.table["holds_days"]
    found = rows.with_row_index("at").sort("day")
    for kind, name in MEASURES.items():
        values = measured.filter(pl.col("kind") == kind).select(*KEYS, pl.col("value").alias(f"{name}_log"))
        found = found.join_asof(values.sort("day"), on="day", by="patient", tolerance=holds, check_sortedness=False)
    found = found.sort("at")
    low = (
        _hypotension(what, found) if what.kinds & {"sbp", "map"} else pl.Series([None] * found.height, dtype=pl.String)
    )
    temp = pl.col("temp_c_log").cast(pl.String)
    return found.with_columns(temp, low.alias("hypotension_log")).drop("at", "sbp_log", "map_log")


def _hypotension(what: Support, rows: pl.DataFrame) -> pl.Series:
    """Return "true", "false" or null: by systolic pressure for the age, or the mean pressure of an adult."""
    limits, age = what.names.table["hypotension"], _ages(what)[rows["patient"].to_numpy()]
    least, greatest = _systolic_limits(age, limits)
    systolic, mean = rows["sbp_log"].to_numpy(), rows["map_log"].to_numpy()
    mean = np.where(age >= limits["adult_from"], mean, np.nan)
    yes = (systolic < least) | (mean < limits["adult_map"])
    no = ((systolic >= greatest) | np.isnan(systolic)) & ((mean >= limits["adult_map"]) | np.isnan(mean))
    no &= ~(np.isnan(systolic) & np.isnan(mean))
    return pl.Series(np.where(yes, "true", "false"), dtype=pl.String).set(pl.Series(~(yes | no)), None)


def _ages(what: Support) -> Floats:
    """Return each patient's age; where the study has none, all are taken for adults (an assumption)."""
    if "age" not in what.patients.columns:
        return np.full(what.patients.height, float(what.names.table["hypotension"]["adult_from"]))
    return what.patients["age"].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()


def _systolic_limits(age: Floats, limits: dict[str, float]) -> tuple[Floats, Floats]:
    """Return below what systolic pressure is certainly low, and from what it is certainly not; equal at a known age."""
    child = limits["child_sbp"] + limits["child_per_year"] * np.floor(age)
    older = np.where(age >= limits["adult_from"], limits["adult_sbp"], limits["older_sbp"])
    known = np.where(age < 1, limits["infant_sbp"], np.where(age < limits["older_from"], child, older))
    return (np.where(np.isnan(age), limits["infant_sbp"], known), np.where(np.isnan(age), limits["adult_sbp"], known))
