"""The status of each MRD sample: three-valued, by method, limit of detection and threshold (rule book 4.6)."""

from typing import Final

import polars as pl

from dayzero.grading.editions import Edition
from dayzero.grading.mrd.limits import with_limits

STATUSES: Final = ("indeterminate", "negative", "below_quantification", "positive")
"""By severity, 0 to 3; indeterminate: negative, insufficient sensitivity."""
BELOW_IS_UNDETECTED: Final = "a value reported as < counts as not detected"
QUANTIFIED: Final = "no limit of quantification: a number counts as quantified"
ABOVE_IS_POSITIVE: Final = "above the upper limit counts as positive"
CALL: Final = "neither value nor detection: the laboratory's call"


def grade_samples(rows: pl.DataFrame, methods: Edition, *, threshold: float) -> pl.DataFrame:
    """Return the rows with their status.

    Let D be *detected*, P *value >= threshold*, Q *value < LOQ*, S *LOD <= threshold*, each yes, no or unknown. Then
    positive is D and P; below quantification D, not P, and Q; negative (D, not P and not Q) or (not D and S);
    indeterminate ("negative, insufficient sensitivity") not D and not S. The status is the one that
    is possible, where there is but one.

    Parameters
    ----------
    rows
        As the table ``mrd`` is read.
    methods, threshold
        As for :func:`dayzero.grading.mrd.limits.with_limits`.

    Returns
    -------
    DataFrame
        The rows with their limits, and ``status`` (null where it is unknown); ``possible``: each status that a
        completion of what is missing could give: where that is one, it is the status; ``lower``, ``upper``: the least
        and the greatest of them by :data:`STATUSES`; ``overt``: above 5 % of cells; ``contradicted``: value and
        detection exclude each other; ``assumptions``; ``missing``.
    """
    limits = with_limits(rows, methods, threshold=threshold).with_columns(
        (pl.col("value").is_not_null() & (pl.col("value_bound").fill_null("") == "")).alias("exact"),
        pl.col("value_bound").eq_missing("<").alias("less"),
        pl.col("value_bound").eq_missing(">").alias("more"),
        pl.col("lod_source").is_in(["given", "cells"]).fill_null(value=False).alias("lod_known"),
    )
    called = limits.with_columns(_call_only().alias("call_only"))
    stated = called.with_columns(_at_threshold().alias("P")).with_columns(
        _detected().alias("D"), _below_loq().alias("Q"), _sensitive().alias("S"), *_contradiction()
    )
    settled = stated.with_columns(
        pl.when(pl.col("Q") & (pl.col("loq") <= pl.col("threshold")) & pl.col("P").is_null())
        .then(pl.lit(value=False))
        .otherwise(pl.col("P"))
        .alias("P")
    )
    return _with_status(settled, overt_above=float(methods.table["overt_above"])).drop(
        "exact", "less", "more", "lod_known", "call_only", "D", "P", "Q", "S", *STATUSES
    )


def _call_only() -> pl.Expr:
    """Return the laboratory's call where it is all that there is."""
    empty = pl.col("value").is_null() & pl.col("value_bound").is_null() & pl.col("detected").is_null()
    return pl.when(empty).then(pl.col("call"))


def _at_threshold() -> pl.Expr:
    value, limit = pl.col("value"), pl.col("threshold")
    impossible = pl.col("detected").eq_missing(pl.lit(True)) & (value == 0)
    return (
        pl.when(pl.col("call_only") == "positive")
        .then(pl.lit(value=True))
        .when(pl.col("call_only") == "below_quantification")
        .then(pl.lit(value=False))
        .when(pl.col("exact") & ~impossible)
        .then(value >= limit)
        .when(pl.col("less") & (value <= limit))
        .then(pl.lit(value=False))
        .when(pl.col("more") & (value.is_null() | (value >= limit)))
        .then(pl.lit(value=True))
    )


def _under_lod() -> pl.Expr:
    """Whether an exact value lies below a LOD that is no assumption, and below the threshold."""
    under = pl.col("exact") & pl.col("lod_known") & (pl.col("lod_bound") != "<") & (pl.col("value") < pl.col("lod"))
    return (under & ~pl.col("P")).fill_null(value=False)


def _detected() -> pl.Expr:
    value, flag = pl.col("value"), pl.col("detected")
    reach = value.is_null() | (value <= pl.col("threshold")) | ~pl.col("lod_known") | (value <= pl.col("lod"))
    return (
        pl.when(flag)
        .then(pl.lit(value=True))
        .when(~flag & pl.col("P").fill_null(value=False))
        .then(None)
        .when(~flag)
        .then(pl.lit(value=False))
        .when(pl.col("exact"))
        .then((value > 0) & ~_under_lod())
        .when(pl.col("more"))
        .then(pl.lit(value=True))
        .when(pl.col("less") & reach)
        .then(pl.lit(value=False))
        .when(pl.col("call_only").is_not_null())
        .then(pl.col("call_only").is_in(["positive", "below_quantification"]))
    )


def _below_loq() -> pl.Expr:
    value, limit, bound = pl.col("value"), pl.col("loq"), pl.col("loq_bound")
    told = (pl.col("call") == "below_quantification") & ~pl.col("exact") & ~pl.col("more")
    number = pl.col("exact") & (value > 0)
    return (
        pl.when(told.fill_null(value=False))
        .then(pl.lit(value=True))
        .when(number & limit.is_null())
        .then(pl.lit(value=False))
        .when(number & (bound != "<") & (value < limit))
        .then(pl.lit(value=True))
        .when((number | pl.col("more")) & (bound != ">") & (value >= limit))
        .then(pl.lit(value=False))
        .when(pl.col("less") & (bound != "<") & (value <= limit))
        .then(pl.lit(value=True))
    )


def _sensitive() -> pl.Expr:
    """Whether the LOD is at most the threshold; a standard LOD can say yes, never no."""
    lod, limit, bound = pl.col("lod"), pl.col("threshold"), pl.col("lod_bound")
    return (
        pl.when(pl.col("call_only") == "indeterminate")
        .then(pl.lit(value=False))
        .when((bound != ">") & (lod <= limit))
        .then(pl.lit(value=True))
        .when(
            (pl.col("lod_source") != "standard") & (((bound == "") & (lod > limit)) | ((bound == ">") & (lod >= limit)))
        )
        .then(pl.lit(value=False))
    )


def _contradiction() -> tuple[pl.Expr]:
    undetected = ~pl.col("detected") & (pl.col("P") | (pl.col("more") & (pl.col("value") > 0)))
    nothing = pl.col("detected") & pl.col("exact") & (pl.col("value") == 0)
    return ((undetected | nothing).fill_null(value=False).alias("contradicted"),)


def _with_status(stated: pl.DataFrame, *, overt_above: float) -> pl.DataFrame:
    seen, high, low, sensitive = (pl.col(name) for name in "DPQS")
    truths = {
        "indeterminate": ~seen & ~sensitive,
        "negative": (seen & ~high & ~low) | (~seen & sensitive),
        "below_quantification": seen & ~high & low,
        "positive": seen & high,
    }
    held = stated.with_columns(truth.alias(name) for name, truth in truths.items())
    open_ = {name: pl.col(name).fill_null(value=True) for name in STATUSES}
    value = pl.col("value")
    overt = pl.when(pl.col("exact")).then(value > overt_above).when(pl.col("more") & (value >= overt_above)).then(True)
    known = pl.when(pl.col("less") & (value <= overt_above)).then(pl.lit(value=False)).otherwise(overt)
    bounded = held.with_columns(
        pl.concat_list(pl.when(may).then(pl.lit(name)) for name, may in open_.items())
        .list.drop_nulls()
        .alias("possible"),
        pl.coalesce(pl.when(may).then(pl.lit(i)) for i, may in enumerate(open_.values())).cast(pl.Int64).alias("lower"),
        pl.coalesce(pl.when(may).then(pl.lit(3 - i)) for i, may in enumerate(reversed(list(open_.values()))))
        .cast(pl.Int64)
        .alias("upper"),
        known.alias("overt"),
        _assumptions().alias("assumptions"),
    )
    sole = pl.when(pl.col("possible").list.len() == 1).then(pl.col("possible").list.first()).alias("status")
    return bounded.with_columns(sole).with_columns(_missing().alias("missing"))


def _assumptions() -> pl.Expr:
    undetected, quantity = ~pl.col("D"), pl.col("D") & ~pl.col("P")
    named = {
        CALL: pl.col("call_only").is_not_null(),
        "LOD: the reported limit": undetected & (pl.col("lod_source") == "reported"),
        "LOD: the method's standard": undetected & pl.col("S") & (pl.col("lod_source") == "standard"),
        "LOQ: the reported limit": quantity & (pl.col("loq_source") == "reported"),
        "LOQ: the method's standard": quantity & (pl.col("loq_source") == "standard"),
        QUANTIFIED: quantity & pl.col("loq").is_null() & pl.col("exact"),
        BELOW_IS_UNDETECTED: undetected & pl.col("detected").is_null() & pl.col("less"),
        ABOVE_IS_POSITIVE: pl.col("more") & pl.col("value").is_null(),
    }
    return pl.concat_list(pl.when(holds).then(pl.lit(name)) for name, holds in named.items()).list.drop_nulls()


def _missing() -> pl.Expr:
    """Return what a status lacks, where there is none."""
    named = {
        "value": pl.col("P").is_null() & pl.col("D").fill_null(value=True),
        "detected": pl.col("D").is_null(),
        "lod": pl.col("S").is_null() & ~pl.col("D").fill_null(value=False),
        "loq": pl.col("Q").is_null() & pl.col("loq").is_null() & pl.col("D").fill_null(value=True),
    }
    wanted = (pl.when(pl.col("status").is_null() & lacks).then(pl.lit(name)) for name, lacks in named.items())
    return pl.concat_list(wanted).list.drop_nulls()
