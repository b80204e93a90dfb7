"""Exposure to CAR T cells after each infusion: highest value, its day, and areas under the curve."""

from typing import Final

import numpy as np
import polars as pl

from dayzero.errors import Finding
from dayzero.grading.derived import Derived, patient_rows
from dayzero.grading.editions import edition
from dayzero.grading.kinetics.samples import SERIES, counted, infusions, sampled
from dayzero.grading.kinetics.trapezoids import areas, half_lives
from dayzero.history import Floats, History, Ints

SCHEMA: Final = pl.Schema(
    {
        "patient": pl.Int64(),
        "course_kind": pl.String(),
        "course": pl.Int64(),
        "day": pl.Float64(),
        "assay": pl.String(),
        "specimen": pl.String(),
        "n": pl.Int64(),
        "cmax": pl.Float64(),
        "cmax_bound": pl.String(),
        "tmax": pl.Float64(),
        "auc_0_28": pl.Float64(),
        "auc_last": pl.Float64(),
        "auc_bound": pl.String(),
        "tlast": pl.Float64(),
        "clast": pl.Float64(),
        "half_life": pl.Float64(),
        "flags": pl.List(pl.String),
        "scale": pl.String(),
    }
)


def derive_exposure(history: History) -> Derived:
    """Derive the exposure after every infusion, one row an assay and specimen.

    Parameters
    ----------
    history
        With the table ``kinetics``.

    Returns
    -------
    Derived
        ``kinetics``: the columns of :data:`SCHEMA`. ``day`` is that of the infusion; ``n`` counts samples with a
        value from it on; ``cmax`` is the highest after it (``cmax_bound`` ``>``: above the range of the assay; ``<``:
        never quantifiable, the highest limit), ``tmax`` its first day; ``auc_0_28`` is null unless there are enough
        samples; ``auc_last`` ends at the last quantifiable sample, ``tlast`` with ``clast``. Times are days from the
        infusion, areas value times days.
    """
    rules = edition("kinetics")
    samples = counted(sampled(history), float(rules.table["blq_share"]))
    keys = samples.group_by(SERIES, maintain_order=True).agg(pl.col("course_day").first())
    keys = keys.with_row_index("at").with_columns(pl.col("at").cast(pl.Int64))
    placed = samples.join(keys.select("at", *SERIES), on=SERIES, how="left", maintain_order="left")
    figures = _summary(placed, rules.table["horizon"], rules.table["reaching"])
    result = keys.join(figures, on="at", how="left", maintain_order="left")
    result = _flagged(history, _residual(result), rules.table["horizon"], int(rules.table["enough"]))
    result = _with_areas(placed, result, rules.table["horizon"], int(rules.table["slope_samples"]))
    named = result.with_columns(
        pl.lit("infusion").alias("course_kind"),
        pl.col("course_day").alias("day"),
        pl.lit(rules.name).alias("scale"),
    )
    shaped = named.select(list(SCHEMA)).cast(SCHEMA)
    return Derived(results={"kinetics": shaped}, findings=_findings(history, shaped, samples))


def _summary(placed: pl.DataFrame, horizon: float, reaching: float) -> pl.DataFrame:
    """Return the figures of each curve that need no area."""
    below, after = pl.col("bound") == "<", ~pl.col("before")
    shown = after & ~below
    top = pl.col("value").filter(shown).max()
    seen = ~below & (pl.col("value") > 0)
    high = (pl.col("bound") == ">").filter(after).any()
    in_time = pl.col("time") <= horizon
    return placed.group_by("at", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("n"),
        pl.coalesce(top, pl.col("value").filter(after).max()).alias("cmax"),
        pl.when(top.is_not_null() & high).then(pl.lit(">"))
        .when(top.is_not_null()).then(pl.lit(""))
        .when(after.any()).then(pl.lit("<")).alias("cmax_bound"),
        pl.col("time").filter(shown & (pl.col("value") == top)).first().alias("tmax"),
        pl.col("time").filter(seen).last().alias("tlast"),
        pl.col("value").filter(seen).last().alias("clast"),
        pl.col("value").filter(pl.col("time") == 0).first().alias("at_infusion"),
        (pl.col("bound").last() == "").alias("ends_seen"),
        in_time.sum().alias("in_time"),
        (pl.col("time") >= reaching).any().alias("reaches"),
        pl.col("time").filter(pl.col("used").is_not_null()).last().alias("last_used"),
        (pl.col("bound") == ">").any().alias("above"),
        ((pl.col("value") == 0) & ~below).any().alias("bare_zero"),
    )  # fmt: skip


def _residual(result: pl.DataFrame) -> pl.DataFrame:
    """Add ``residual``: nothing was measured at the infusion, and the course before ended with cells in the blood."""
    series = ("patient", "assay", "specimen")
    left = pl.col("ends_seen").shift(1).over(series).fill_null(value=False)
    return result.with_columns((pl.col("at_infusion").is_null() & left).alias("residual"))


def _flagged(history: History, result: pl.DataFrame, horizon: float, enough: int) -> pl.DataFrame:
    """Add ``flags``, and ``sufficient``: whether the area up to the horizon may be given."""
    ends = infusions(history).select("patient", "course", "stop", "truncated_by")
    joined = result.join(ends, on=["patient", "course"], how="left", maintain_order="left")
    joined = joined.join(_steroids(history, horizon), on=["patient", "course"], how="left", maintain_order="left")
    bound = pl.col("cmax_bound")
    never, unseen = (bound == "<").fill_null(value=False), bound.is_null()
    few = ~((pl.col("in_time") >= enough) & pl.col("reaches"))
    short = (pl.col("stop") < pl.col("course_day") + horizon) & pl.col("truncated_by").is_not_null()
    said = {
        "never_quantifiable": never,
        "few_samples": few,
        "residual_unknown": pl.col("residual"),
        "zero_at_infusion_assumed": pl.col("at_infusion").is_null() & ~pl.col("residual"),
        f"ends_before_day_{horizon:g}": ~few & ~never & ~unseen & (pl.col("last_used") < horizon),
        "above_range": pl.col("above"),
        "zero_without_limit": pl.col("bare_zero"),
        "steroid_rescue": pl.col("steroids").fill_null(value=False),
        "steroids_unknown": pl.lit("support" not in history.tables),
    }
    words = [pl.when(holds).then(pl.lit(name)) for name, holds in said.items()]
    words.append(pl.when(short).then(pl.concat_str(pl.lit("truncated_by_"), pl.col("truncated_by"))))
    return joined.with_columns(
        pl.concat_list(words).list.drop_nulls().alias("flags"),
        (~few & ~never & ~unseen & ~pl.col("residual")).alias("sufficient"),
        (~never & ~unseen & ~pl.col("residual")).alias("measured"),
    )


def _steroids(history: History, horizon: float) -> pl.DataFrame:
    """Return the infusions up to whose horizon steroids were given; no table ``support`` leaves that unsaid."""
    opened = infusions(history)
    schema = {"patient": pl.Int64, "course": pl.Int64, "steroids": pl.Boolean}
    if "support" not in history.tables:
        return pl.DataFrame(schema=schema)
    given = history.tables["support"].filter(pl.col("kind") == "steroid", pl.col("day").is_not_null())
    spans = given.select("patient", "day", pl.coalesce("end_day", "day").alias("until"))
    both = opened.join(spans, on="patient")
    last = pl.min_horizontal(pl.col("course_day") + horizon, pl.col("stop"))
    during = both.filter(pl.col("until") >= pl.col("course_day"), pl.col("day") <= last)
    return during.select("patient", "course", pl.lit(value=True).alias("steroids")).unique()


def _with_areas(placed: pl.DataFrame, result: pl.DataFrame, horizon: float, fewest: int) -> pl.DataFrame:
    """Add the areas and the half-life; a curve not measured at the infusion begins there with 0."""
    size = result.height
    used = placed.filter(pl.col("used").is_not_null()).select("at", "time", "used")
    nothing = [pl.lit(0.0).alias("time"), pl.lit(0.0).alias("used")]
    begun = result.filter(pl.col("at_infusion").is_null()).select("at", *nothing)
    points = pl.concat([begun, used]).sort("at", "time", maintain_order=True)
    series, time, value = (points[name].to_numpy() for name in ("at", "time", "used"))
    sufficient, measured = result["sufficient"].to_numpy(), result["measured"].to_numpy()
    last = np.where(measured, result["tlast"].cast(pl.Float64).fill_null(np.nan).to_numpy(), np.nan)
    to_horizon = areas(series, time, value, np.where(sufficient, float(horizon), np.nan))
    decline = _decline(placed, result)
    lives = half_lives(*decline, size, fewest=fewest)
    return result.with_columns(
        pl.Series("auc_0_28", to_horizon).fill_nan(None),
        pl.Series("auc_last", areas(series, time, value, last)).fill_nan(None),
        pl.Series("half_life", lives).fill_nan(None),
        pl.when("measured").then(pl.when("above").then(pl.lit(">")).otherwise(pl.lit(""))).alias("auc_bound"),
    )


def _decline(placed: pl.DataFrame, result: pl.DataFrame) -> tuple[Ints, Floats, Floats]:
    """Return series, time and value of the quantifiable samples after the highest one."""
    top = result.select("at", "tmax")
    rows = placed.join(top, on="at", how="left", maintain_order="left")
    falling = rows.filter(pl.col("time") > pl.col("tmax"), pl.col("bound") == "", pl.col("value") > 0)
    return falling["at"].to_numpy(), falling["time"].to_numpy(), falling["value"].to_numpy()


def _findings(history: History, result: pl.DataFrame, samples: pl.DataFrame) -> tuple[Finding, ...]:
    table = history.tables["kinetics"]
    valued = table.filter(pl.col("value").is_not_null(), pl.col("day").is_not_null())
    outside = valued.join(infusions(history).select("patient").unique(), on="patient", how="anti")
    few = result.filter(pl.col("flags").list.contains("few_samples"))
    mixed = result.group_by("patient", "course").agg(pl.col("assay").n_unique()).filter(pl.col("assay") > 1)
    found = []
    if outside.height:
        found.append(Finding(
            "warning", "kinetics-without-infusion",
            "CAR T cells were measured in patients without a dated infusion: these samples are not used.",
            mend="Add the infusions to the events.", table="kinetics", rows=tuple(outside["row"].to_list()),
            patient_rows=patient_rows(history, outside["patient"]),
        ))  # fmt: skip
    if few.height:
        found.append(Finding(
            "note", "kinetics-few-samples",
            "There are too few samples for the area to day 28 after an infusion: only the area to the last "
            "quantifiable sample is given.",
            patient_rows=patient_rows(history, few["patient"]),
        ))  # fmt: skip
    if mixed.height:
        found.append(Finding(
            "note", "kinetics-several-assays",
            "CAR T cells were measured by several assays after one infusion: they are shown apart and never pooled.",
            patient_rows=patient_rows(history, mixed["patient"]),
        ))  # fmt: skip
    above = samples.filter(pl.col("bound") == ">")
    if above.height:
        found.append(Finding(
            "warning", "kinetics-above-range",
            "A sample is above the range of its assay: the highest value and the areas are lower bounds.",
            mend="Give the value of a diluted sample.", table="kinetics", rows=tuple(above["row"].to_list()),
            patient_rows=patient_rows(history, above["patient"]),
        ))  # fmt: skip
    return tuple(found)
