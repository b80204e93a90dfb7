"""B-cell aplasia after CAR-T cells against B cells, and its loss, between samples (rule book 4.7)."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from dayzero.grading.editions import Edition
from dayzero.grading.mrd.endings import COURSE, until_competing, watched_courses
from dayzero.grading.persistence.cells import counts, loss, of_infusions, wide
from dayzero.grading.persistence.targets import aims_at, infusions
from dayzero.history import History

ANALYTES: Final = ("b_cells", "b_cells_percent", "lymphocytes")
BY_COUNT: Final = "one value alone says aplasia: the other is missing"
PARTS: Final = ("least", "most", "below", "above")


def b_cell_aplasia(history: History, rule: Edition) -> pl.DataFrame:
    """Return a row an infusion of a product against B cells, or of one whose targets are unknown.

    Parameters
    ----------
    history
        What happened; ``labs`` and ``support`` are read where they are there.
    rule
        An edition of ``b_cell_loss``.

    Returns
    -------
    DataFrame
        ``patient``, ``course_kind``, ``course``, ``course_day``, ``scale``, ``evaluable``, ``status`` (recovered,
        in_aplasia, unknown, not_evaluable); ``baseline`` (B cells per uL), ``baseline_day``, ``baseline_aplastic``;
        ``in_aplasia`` at the last sample that tells, ``in_aplasia_28``; ``last_aplastic_day``, ``loss_day``: the
        bracket of the loss (null: it opens with the infusion, no loss was seen); ``recovered_by_182``;
        ``competing``, ``competing_day``; ``igg_lowest`` (g/L), ``ivig_doses`` (null: no table ``support``);
        ``samples``, ``missing``, ``assumptions``.
    """
    table = rule.table
    opened, watched = watched_courses(history, therapies(history, table["agents"]))
    aimed = infusions(watched).with_columns(aims_at(table["targets"]).alias("aimed"))
    rows = aimed.filter(pl.col("aimed").fill_null(value=True))
    told = _told(_days(history), table)
    inside = until_competing(of_infusions(told, opened), rows)
    joined = rows.join(_seen(inside, table), on=COURSE, how="left", maintain_order="left")
    joined = joined.join(_baseline(told, rows), on=COURSE, how="left", maintain_order="left")
    joined = _secondary(history, joined, opened)
    return _status(joined, rule).sort("patient", "course_day")


def therapies(history: History, agents: list[str]) -> pl.DataFrame:
    """Return the new therapies after which B cells tell nothing: a named agent, or one that is not told."""
    columns = [name for name in ("value", "agent") if name == "value" or name in history.attributes]
    given = history.named("new_therapy", columns).drop_nulls("day")
    text = pl.concat_str([pl.col(name).fill_null("") for name in columns], separator=" ").str.to_lowercase()
    directed = text.str.contains_any(agents) | (text.str.strip_chars() == "")
    return given.filter(directed).select("patient", "day", pl.lit("new_therapy").alias("competing"))


def _days(history: History) -> pl.DataFrame:
    """Return B cells by day; a count or percent that was not measured follows from lymphocytes where it can."""
    days = wide(counts(history, ANALYTES), ANALYTES)
    lymphocytes = {part: pl.col(f"lymphocytes_{part}") * 1000 for part in ("least", "most")}  # 1e9/L to per uL
    exact = (
        pl.all_horizontal(pl.col(f"lymphocytes_{end}") > 0 for end in ("least", "most"))
        & (pl.col("lymphocytes_least") == pl.col("lymphocytes_most"))
    ).fill_null(value=False)
    share = {end: pl.col(f"b_cells_{end}") / lymphocytes["least"] * 100 for end in ("least", "most")}
    count = {end: pl.col(f"b_cells_percent_{end}") * lymphocytes["least"] / 100 for end in ("least", "most")}
    follows = {"b_cells": ("b_cells_percent", count), "b_cells_percent": ("b_cells", share)}
    filled = []
    for name, (other, value) in follows.items():
        lacks = pl.col(f"{name}_least").is_null() & exact
        made = {**value, "below": pl.col(f"{other}_below"), "above": pl.col(f"{other}_above")}
        filled += [
            pl.when(lacks).then(made[part]).otherwise(pl.col(f"{name}_{part}")).alias(f"{name}_{part}")
            for part in PARTS
        ]
    return days.with_columns(filled).filter(
        pl.any_horizontal(pl.col(f"{name}_least").is_not_null() for name in ("b_cells", "b_cells_percent"))
    )


def _told(days: pl.DataFrame, table: Mapping[str, Any]) -> pl.DataFrame:
    back, alone = loss(table["loss"], table["settled_by"])
    return days.with_columns(back.alias("back"), alone.alias("alone"))


def _seen(inside: pl.DataFrame, table: Mapping[str, Any]) -> pl.DataFrame:
    """Return what the samples of each infusion say."""
    lost = pl.col("back") & (pl.col("since") >= table["first_day"])
    first = inside.group_by(COURSE).agg(pl.col("day").filter(lost).min().alias("loss_day"))
    low, high = table["early"]
    aplastic = ~pl.col("back")
    before = pl.col("loss_day").is_null() | (pl.col("day") < pl.col("loss_day"))
    visit = pl.col("since").is_between(low, high) & pl.col("back").is_not_null()
    nearest = (pl.col("since") - (low + high) / 2).abs()
    joined = inside.join(first, on=COURSE).sort("patient", "day")
    return joined.group_by(COURSE, maintain_order=True).agg(
        pl.col("back").is_not_null().sum().cast(pl.Int64).alias("samples"),
        pl.col("loss_day").first(),
        pl.col("day").filter(aplastic & before).max().alias("last_aplastic_day"),
        pl.col("back").filter(pl.col("back").is_not_null()).last().alias("last_back"),
        (~pl.col("back").filter(visit).sort_by(nearest.filter(visit)).first()).alias("in_aplasia_28"),
        pl.col("alone").any(),
    )


def _baseline(told: pl.DataFrame, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the last sample up to the day of the infusion."""
    pairs = rows.select(COURSE).join(told, on="patient").filter(pl.col("day") <= pl.col("course_day"))
    last = pairs.sort("day").unique(COURSE, keep="last", maintain_order=True)
    exact = pl.col("b_cells_least") == pl.col("b_cells_most")
    return last.select(
        *COURSE,
        pl.when(exact).then(pl.col("b_cells_least")).alias("baseline"),
        pl.col("day").alias("baseline_day"),
        (~pl.col("back")).alias("baseline_aplastic"),
    )


def _secondary(history: History, rows: pl.DataFrame, opened: pl.DataFrame) -> pl.DataFrame:
    """Add the lowest IgG and the doses of immunoglobulin up to the end of the watch: secondary evidence."""
    igg = until_competing(of_infusions(counts(history, ["igg"]), opened), rows)
    lowest = igg.group_by(COURSE).agg(pl.col("most").min().alias("igg_lowest"))
    joined = rows.join(lowest, on=COURSE, how="left", maintain_order="left")
    if "support" not in history.tables:
        return joined.with_columns(pl.lit(None, pl.Int64).alias("ivig_doses"))
    given = history.tables["support"].filter(pl.col("kind") == "ivig").select("patient", "day")
    doses = until_competing(of_infusions(given, opened), rows)
    number = doses.group_by(COURSE).agg(pl.len().cast(pl.Int64).alias("ivig_doses"))
    return joined.join(number, on=COURSE, how="left", maintain_order="left").with_columns(
        pl.col("ivig_doses").fill_null(0)
    )


def _status(rows: pl.DataFrame, rule: Edition) -> pl.DataFrame:
    early = float(rule.table["early_recovery_days"])
    evaluable = pl.col("aimed").fill_null(value=False)
    lost, since = pl.col("loss_day").is_not_null(), pl.col("course_day")
    late = pl.col("last_aplastic_day") - since >= early
    early_loss = pl.when(lost & (pl.col("loss_day") - since <= early)).then(pl.lit(value=True))
    in_aplasia = pl.when(lost).then(pl.lit(value=False)).otherwise(~pl.col("last_back"))
    told = rows.with_columns(
        evaluable.alias("evaluable"),
        pl.col("samples").fill_null(0),
        pl.lit(rule.name).alias("scale"),
        *(
            pl.when(evaluable).then(pl.col(name)).alias(name)
            for name in ("loss_day", "last_aplastic_day", "in_aplasia_28")
        ),
    ).with_columns(
        pl.when("evaluable").then(in_aplasia).alias("in_aplasia"),
        pl.when("evaluable").then(early_loss.when(late).then(pl.lit(value=False))).alias("recovered_by_182"),
    )
    status = (
        pl.when(~pl.col("evaluable"))
        .then(pl.lit("not_evaluable"))
        .when(pl.col("loss_day").is_not_null())
        .then(pl.lit("recovered"))
        .when("in_aplasia")
        .then(pl.lit("in_aplasia"))
        .otherwise(pl.lit("unknown"))
    )
    lacks = {"targets": ~pl.col("evaluable"), "b_cells": pl.col("samples") == 0}
    alone = pl.col("alone").fill_null(value=False)
    return told.with_columns(
        status.alias("status"),
        pl.concat_list(pl.when(holds).then(pl.lit(name)) for name, holds in lacks.items())
        .list.drop_nulls()
        .alias("missing"),
        pl.concat_list(pl.when(alone).then(pl.lit(BY_COUNT))).list.drop_nulls().alias("assumptions"),
    ).select(
        *COURSE,
        *("scale", "evaluable", "status", "baseline", "baseline_day", "baseline_aplastic", "in_aplasia"),
        *("in_aplasia_28", "last_aplastic_day", "loss_day", "recovered_by_182", "competing", "competing_day"),
        *("igg_lowest", "ivig_doses", "samples", "missing", "assumptions"),
    )
