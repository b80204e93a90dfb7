"""What was measured nearest to a day: blood counts, MRD, transfusions before it."""

from collections.abc import Sequence
from typing import Final, Literal

import polars as pl

from dayzero.history import History

MRD_STATUS: Final = ("negative", "indeterminate", "below_quantification", "unknown", "positive")
"""From the best to the worst: of several samples on one day the worst counts."""
DONORS_CELLS: Final = ("transfusion_platelets", "transfusion_rbc")


def nearest(rows: pl.DataFrame, values: pl.DataFrame, *, by: Sequence[str], within: float) -> pl.DataFrame:
    """Return rows with the values of the nearest day, the later of two that are equally near.

    Parameters
    ----------
    rows
        ``on`` (whole days) and the columns of ``by``.
    values
        The same, each day once, and the columns to add.
    within
        Days apart, at most.
    """
    added = [name for name in values.columns if name not in (*by, "on")]
    right = values.with_columns(pl.col("on").alias("found")).sort("on")
    left = rows.with_row_index("order").sort("on")
    sides = [_side(left, right, by=by, within=within, forward=forward) for forward in (True, False)]
    later, earlier = (side.sort("order") for side in sides)
    gaps = [(later["found"] - rows["on"]).fill_null(within + 1), (rows["on"] - earlier["found"]).fill_null(within + 1)]
    nearer = gaps[0] <= gaps[1]
    chosen = [
        pl.select(pl.when(nearer).then(later[name]).otherwise(earlier[name]).alias(name)).to_series() for name in added
    ]
    return rows.with_columns(chosen)


def _side(left: pl.DataFrame, right: pl.DataFrame, *, by: Sequence[str], within: float, forward: bool) -> pl.DataFrame:
    keys = left.select("order", "on", *by)
    strategy: Literal["forward", "backward"] = "forward" if forward else "backward"
    return keys.join_asof(
        right, on="on", by=list(by), strategy=strategy, tolerance=float(within), check_sortedness=False
    )


def with_counts(history: History, found: pl.DataFrame, *, within: float) -> pl.DataFrame:
    """Return assessments with neutrophils and platelets: their own, else those of the nearest day.

    The lowest of a day's values counts where there are several.
    """
    labs = history.tables.get("labs")
    rows = found.with_columns(pl.col("day").alias("on"))
    for analyte in ("anc", "platelets"):
        if labs is None:
            continue
        own = labs.filter(pl.col("analyte") == analyte).drop_nulls(["day", "value"])
        daily = (
            own.with_columns(pl.col("day").floor().alias("on"))
            .sort("value", "value_bound")
            .group_by("patient", "on", maintain_order=True)
            .agg(pl.col("value").first(), pl.col("value_bound").first())
        )
        rows = nearest(rows, daily, by=("patient",), within=within)
        given = pl.col(analyte).is_not_null()
        value = pl.when(given).then(analyte).otherwise("value").alias(analyte)
        bound = pl.when(given).then(f"{analyte}_bound").otherwise("value_bound").alias(f"{analyte}_bound")
        rows = rows.with_columns(value, bound).drop("value", "value_bound")
    return rows.drop("on")


def with_support(history: History, found: pl.DataFrame, *, days: float) -> pl.DataFrame:
    """Return assessments with ``transfused`` (within so many days before) and ``gcsf`` (within seven).

    Null where the study has no table of support.
    """
    support = history.tables.get("support")
    if support is None:
        nothing = (pl.lit(None, pl.Boolean).alias(name) for name in ("transfused", "gcsf"))
        return found.with_columns(*nothing)
    transfused = _given(support, found, kinds=DONORS_CELLS, days=days)
    return found.with_columns(
        transfused.alias("transfused"), _given(support, found, kinds=("gcsf",), days=7.0).alias("gcsf")
    )


def _given(support: pl.DataFrame, found: pl.DataFrame, *, kinds: Sequence[str], days: float) -> pl.Series:
    """Return whether anything of these kinds was given in so many days before each assessment, or on its day."""
    own = support.filter(pl.col("kind").is_in(list(kinds))).drop_nulls("day")
    last = pl.max_horizontal(pl.col("end_day").fill_null(pl.col("day")), "day").floor()
    spans = own.select("patient", pl.col("day").floor().alias("began"), last.alias("ended"))
    keyed = found.select("patient", "day").with_row_index("at")
    pairs = keyed.join(spans, on="patient")
    hits = pairs.filter((pl.col("began") <= pl.col("day")) & (pl.col("ended") >= pl.col("day") - days))
    return keyed["at"].is_in(hits["at"].unique().implode())


def with_mrd(history: History, found: pl.DataFrame, *, within: float, limit: float) -> pl.DataFrame:
    """Return assessments with the MRD of the nearest day on which the marrow was tested.

    Returns
    -------
    DataFrame
        ``mrd_measured``; ``mrd_status``; ``mrd``: the highest value; ``mrd_high``: whether it is at or above the
        limit, null where that cannot be said; ``mrd_tests``: how many methods found 1 % or more. Only assessments with
        a marrow have any.
    """
    names = {"mrd_status": pl.String, "mrd": pl.Float64, "mrd_high": pl.Boolean, "mrd_tests": pl.Int64}
    samples = history.graded.get("mrd")
    if samples is None:
        return found.with_columns(
            pl.lit(value=False).alias("mrd_measured"), *(pl.lit(None, kind).alias(name) for name, kind in names.items())
        )
    daily = daily_mrd(samples, limit=limit).filter("marrow").drop("marrow")
    rows = nearest(found.with_columns(pl.col("day").alias("on")), daily, by=("patient",), within=within)
    tested = pl.col("bm_done") & pl.col("mrd_status").is_not_null()
    masked = [pl.when(tested).then(name).alias(name) for name in names]
    return rows.with_columns(tested.alias("mrd_measured"), *masked).drop("on")


def daily_mrd(samples: pl.DataFrame, *, limit: float) -> pl.DataFrame:
    """Return the worst of each day's samples, those of the marrow (or of no stated specimen) apart from blood's."""
    dated = samples.drop_nulls("day").with_columns(pl.col("day").floor().alias("on"))
    own = dated.filter(pl.col("specimen").is_null() | pl.col("specimen").is_in(["bm", "pb"]))
    if "value_bound" not in own.columns:
        own = own.with_columns(pl.when(pl.col("value").is_not_null()).then(pl.lit("")).alias("value_bound"))
    order = pl.Enum(MRD_STATUS)
    status = pl.col("status").fill_null("unknown").cast(order)
    ready = own.with_columns(
        status.alias("status"), _high(limit).alias("high"), (pl.col("specimen").fill_null("bm") == "bm").alias("marrow")
    )
    grouped = ready.group_by("patient", "on", "marrow").agg(
        pl.col("status").max().cast(pl.String).alias("mrd_status"),
        pl.col("value").max().alias("mrd"),
        pl.col("high").any(ignore_nulls=False).alias("mrd_high"),
        ((pl.col("value") >= 0.01) & (pl.col("value_bound") != "<")).sum().cast(pl.Int64).alias("mrd_tests"),
    )
    return grouped.sort("patient", "on")


def _high(limit: float) -> pl.Expr:
    """Return whether a sample is at or above the limit: by its value, else by what its status leaves possible."""
    status, value, lod, bound = pl.col("status"), pl.col("value"), pl.col("lod"), pl.col("value_bound")
    clean = status.is_in(["negative", "below_quantification"]) | ((status == "indeterminate") & (lod <= limit))
    return (
        pl.when((bound == "") & (status != "indeterminate").fill_null(value=True))
        .then(value >= limit)
        .when((bound == "<") & (value <= limit))
        .then(pl.lit(value=False))
        .when((bound == ">") & (value >= limit))
        .then(pl.lit(value=True))
        .when(clean.fill_null(value=False))
        .then(pl.lit(value=False))
    )
