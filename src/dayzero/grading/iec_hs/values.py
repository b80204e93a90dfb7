"""Laboratory values of an IEC-HS screen: each with its limit of normal and its baseline, and three-valued criteria."""

from collections.abc import Sequence
from typing import Any

import polars as pl

from dayzero.grading.blood.clock import counts_of


def values_of(labs: pl.DataFrame, clocks: pl.DataFrame, analyte: str, rules: Any) -> pl.DataFrame:
    """Return the values of an analyte after each infusion.

    Parameters
    ----------
    labs
        The table.
    clocks
        As ``infusion_clocks`` returns them.
    analyte
        Its name.
    rules
        The edition's table.

    Returns
    -------
    DataFrame
        ``at`` of the clock, ``since``; ``low`` and ``high``: the least and the greatest that the value can be;
        ``uln_low``, ``uln_high``, ``lln_low``, ``lln_high``: of the limits of normal (where the table gives none, the
        plausible range; null where there is none); ``base_low``, ``base_high``: of the baseline, null where unknown.
    """
    rows = counts_of(labs, clocks, analyte, last_day=rules["last_day"], first_day=rules["baseline_from"])
    bounded = rows.with_columns(
        *_bounds("value", 0.0), *_limits("uln", analyte, rules), *_limits("lln", analyte, rules)
    )
    before = bounded.filter(pl.col("since") <= 0).sort("at", "day")
    base = before.group_by("at", maintain_order=True).agg(
        pl.col("low").last().alias("base_low"), pl.col("high").last().alias("base_high")
    )
    after = bounded.filter(pl.col("since") >= 1).join(base, on="at", how="left")
    return after.select(
        "at", "since", "low", "high", "uln_low", "uln_high", "lln_low", "lln_high", "base_low", "base_high"
    )


def _bounds(name: str, least: float) -> tuple[pl.Expr, pl.Expr]:
    """Return the least and the greatest that a censored value can be."""
    value, bound = pl.col(name), pl.col(f"{name}_bound").fill_null("")
    low = pl.when(bound == "<").then(least).otherwise(value).fill_null(least)
    high = pl.when(bound == ">").then(float("inf")).otherwise(value).fill_null(float("inf"))
    return low.alias("low"), high.alias("high")


def _limits(kind: str, analyte: str, rules: Any) -> tuple[pl.Expr, pl.Expr]:
    """Return the least and the greatest that a limit of normal can be."""
    own = {**rules["plausible"], **{f"{n}_uln": s["uln"] for n, s in rules["supporting"].items() if "uln" in s}}
    least, most = own.get(f"{analyte}_{kind}") or (None, None)
    limit = pl.col(kind)
    low = limit.fill_null(pl.lit(least, pl.Float64)).alias(f"{kind}_low")
    return low, limit.fill_null(pl.lit(most, pl.Float64)).alias(f"{kind}_high")


def above(fold: float, over: str) -> tuple[pl.Expr, pl.Expr]:
    """Return whether a value certainly, and certainly not, lies above ``fold`` times a quantity; null is unknown.

    Parameters
    ----------
    fold
        The factor.
    over
        ``uln`` or ``base``.
    """
    yes = (pl.col("low") > fold * pl.col(f"{over}_high")).fill_null(value=False)
    no = (pl.col("high") <= fold * pl.col(f"{over}_low")).fill_null(value=False)
    return yes, no


def any_of(values: pl.DataFrame, yes: pl.Expr, no: pl.Expr, name: str) -> pl.DataFrame:
    """Return whether a criterion holds on any value of each infusion, and since when.

    Parameters
    ----------
    values
        ``at``, ``since`` and what the expressions read.
    yes, no
        Of each value: certainly, and certainly not.
    name
        Of the criterion.

    Returns
    -------
    DataFrame
        ``at``, ``name``: true, false where it is so on every value, null where unknown; ``name_day``: the first day on
        which it certainly holds. Infusions without a value are not there.
    """
    marked = values.select("at", "since", yes.alias("yes"), no.alias("no"))
    held = pl.when(pl.col("yes").any()).then(statement(True)).when(pl.col("no").all()).then(statement(False))
    return marked.group_by("at").agg(held.alias(name), pl.col("since").filter("yes").min().alias(f"{name}_day"))


def statement(value: bool) -> pl.Expr:
    """Return a truth as an expression."""
    return pl.lit(value, pl.Boolean)


def either(frames: Sequence[pl.DataFrame], name: str) -> pl.DataFrame:
    """Return whether a criterion holds by any of several analytes (Kleene's or), and since when.

    Parameters
    ----------
    frames
        As :func:`any_of` returns them. An analyte without a row for an infusion takes no part there; one that must be
        known has a row, null.
    name
        Of the criterion.
    """
    both = pl.concat(frames)
    none = pl.when(pl.col(name).is_null().any()).then(None).otherwise(statement(False))
    held = pl.when(pl.col(name).any()).then(statement(True)).otherwise(none)
    return both.group_by("at").agg(held.alias(name), pl.col(f"{name}_day").min())
