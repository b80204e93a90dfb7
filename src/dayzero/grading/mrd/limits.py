"""What a sample could have shown: its limit of detection, its limit of quantification, and its threshold."""

from typing import Final

import polars as pl

from dayzero.errors import InputError
from dayzero.grading.editions import Edition

RULES: Final = ("lod_events", "loq_events", "standard_lod", "standard_loq", "threshold")
_FLIPPED: Final = {"": "", "<": ">", ">": "<"}


def with_limits(rows: pl.DataFrame, methods: Edition, *, threshold: float) -> pl.DataFrame:
    """Add the limits of each sample.

    Parameters
    ----------
    rows
        As the table ``mrd`` is read, fractions of cells.
    methods
        An edition of ``mrd_methods``.
    threshold
        Fraction from which MRD is positive, where the method has none of its own.

    Returns
    -------
    DataFrame
        The rows with ``threshold``; ``lod``, ``lod_bound``, ``lod_source``: given, cells (events/N), reported (``<x``
        says that x was reached), standard (of the method, assumed), or null; ``loq``, ``loq_bound``, ``loq_source``
        likewise; ``lod_of_cells``: what the cells can show.

    Raises
    ------
    InputError
        Where a method is not in the edition.
    """
    _known_methods(rows, methods)
    told = rows.join(_rules(methods), on="method", how="left", maintain_order="left").with_columns(
        pl.coalesce("threshold", pl.lit(threshold)),
        (pl.col("lod_events") / pl.col("cells")).alias("lod_of_cells"),
        (pl.col("loq_events") / pl.col("cells")).alias("loq_of_cells"),
        pl.col("cells_bound").replace_strict(_FLIPPED, default="").fill_null("").alias("of_cells_bound"),
    )
    below = pl.col("value_bound").eq_missing("<") & pl.col("value").is_not_null()
    seen = pl.col("detected").eq_missing(pl.lit(True))
    told = told.with_columns(
        pl.when(below & ~seen).then(pl.col("value")).alias("lod_reported"),
        pl.when(below & seen).then(pl.col("value")).alias("loq_reported"),
    )
    limits = told.with_columns(*_limit("lod"), *_limit("loq"))
    return limits.select(
        *(name for name in rows.columns if name not in ("lod", "lod_bound", "loq", "loq_bound")),
        *(f"{name}{part}" for name in ("lod", "loq") for part in ("", "_bound", "_source")),
        "threshold",
        "lod_of_cells",
    )


def _limit(name: str) -> tuple[pl.Expr, pl.Expr, pl.Expr]:
    """Return the limit, its bound and its source: the first that is there."""
    sources = {
        "given": (pl.col(name), pl.col(f"{name}_bound").fill_null("")),
        "cells": (pl.col(f"{name}_of_cells"), pl.col("of_cells_bound")),
        "reported": (pl.col(f"{name}_reported"), pl.lit("")),
        "standard": (pl.col(f"standard_{name}"), pl.lit("")),
    }
    source = pl.coalesce(pl.when(value.is_not_null()).then(pl.lit(key)) for key, (value, _) in sources.items())
    bound = pl.coalesce(pl.when(value.is_not_null()).then(bound) for value, bound in sources.values())
    value = pl.coalesce(value for value, _ in sources.values())
    return value.alias(name), bound.alias(f"{name}_bound"), source.alias(f"{name}_source")


def _rules(methods: Edition) -> pl.DataFrame:
    table = methods.table["method"]
    columns = {rule: [float(entry[rule]) if rule in entry else None for entry in table.values()] for rule in RULES}
    return pl.DataFrame(
        {"method": list(table), **columns}, schema={"method": pl.String, **dict.fromkeys(RULES, pl.Float64)}
    )


def _known_methods(rows: pl.DataFrame, methods: Edition) -> None:
    unknown = rows.filter(pl.col("method").is_not_null() & ~pl.col("method").is_in(list(methods.table["method"])))
    if unknown.height:
        mend = f"There are {', '.join(methods.table['method'])}."
        raise InputError("no such method of MRD", mend=mend, file="mrd", row=int(unknown["row"][0]), column="method")
