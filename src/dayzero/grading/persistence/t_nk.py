"""T and NK cells after products against CD7: aplasia, recovery and by which cells, cytopenia, chimerism."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from dayzero.grading.editions import Edition
from dayzero.grading.mrd.endings import COURSE, until_competing, watched_courses
from dayzero.grading.persistence.cells import counts, meets, of_infusions
from dayzero.grading.persistence.targets import aims_at, infusions
from dayzero.history import History

LINES: Final = ("t", "nk")
SUBSETS: Final = ("cd7_negative_t_cells", "cd7_positive_t_cells")


def t_nk_aplasia(history: History, rule: Edition) -> pl.DataFrame:
    """Return a row an infusion of a product against CD7.

    Parameters
    ----------
    history
        What happened; ``labs`` and ``assessments`` are read where they are there.
    rule
        An edition of ``t_nk_aplasia``.

    Returns
    -------
    DataFrame
        ``patient``, ``course_kind``, ``course``, ``course_day``, ``scale``; for T and NK cells (``nk_``) ``t_nadir``
        (per uL; a value ``<x`` as x) and ``t_nadir_day``, ``t_aplasia`` (True, False, null), ``t_recovery_day``: the
        first day without aplasia after the first with it; ``cd7_negative_recovery``; ``prolonged_cytopenia``;
        ``chimerism``, ``chimerism_day``: the donor's, last known; ``competing``, ``competing_day``; ``missing``.
    """
    opened, watched = watched_courses(history)
    aimed = infusions(watched).with_columns(aims_at(rule.table["targets"]).alias("aimed"))
    rows = aimed.filter(pl.col("aimed").fill_null(value=False)).drop("aimed")
    for line in LINES:
        cells = until_competing(of_infusions(counts(history, [f"{line}_cells"]), opened), rows)
        rows = rows.join(_line(cells, line, float(rule.table["aplasia_below"])), on=COURSE, how="left")
    rows = _cd7_negative(history, rows, opened, float(rule.table["cd7_negative_from"]))
    rows = rows.join(_cytopenia(history, rows, opened, rule.table["cytopenia"]), on=COURSE, how="left")
    rows = rows.join(_chimerism(history, rows, opened), on=COURSE, how="left")
    lines = [f"{line}_{name}" for line in LINES for name in ("nadir", "nadir_day", "aplasia", "recovery_day")]
    lacks = {"t_cells": "t_aplasia", "nk_cells": "nk_aplasia", "cytopenia": "prolonged_cytopenia"}
    missing = pl.concat_list(pl.when(pl.col(name).is_null()).then(pl.lit(word)) for word, name in lacks.items())
    last = ("cd7_negative_recovery", "prolonged_cytopenia", "chimerism", "chimerism_day", "competing", "competing_day")
    return rows.select(
        *COURSE, pl.lit(rule.name).alias("scale"), *lines, *last, missing.list.drop_nulls().alias("missing")
    ).sort("patient", "course_day")


def _line(cells: pl.DataFrame, line: str, limit: float) -> pl.DataFrame:
    """Return nadir, aplasia and recovery of one kind of cell."""
    told = cells.with_columns(meets(">=", limit).alias("enough")).sort("patient", "day")
    first = told.group_by(COURSE, maintain_order=True).agg(
        pl.col("most").filter(pl.col("most").is_finite()).min().alias(f"{line}_nadir"),
        pl.col("day").sort_by("most").first().alias(f"{line}_nadir_day"),
        pl.when((~pl.col("enough")).any())
        .then(pl.lit(value=True))
        .when(pl.col("enough").all(ignore_nulls=False))
        .then(pl.lit(value=False))
        .alias(f"{line}_aplasia"),
        pl.col("day").filter(~pl.col("enough")).min().alias("since_day"),
    )
    after = told.join(first.select(*COURSE, "since_day"), on=COURSE).filter(
        pl.col("enough") & (pl.col("day") > pl.col("since_day"))
    )
    back = after.group_by(COURSE).agg(pl.col("day").min().alias(f"{line}_recovery_day"))
    return first.drop("since_day").join(back, on=COURSE, how="left")


def _cd7_negative(history: History, rows: pl.DataFrame, opened: pl.DataFrame, part: float) -> pl.DataFrame:
    """Add whether CD7-negative cells make up the recovery of T cells: the first day from it on with both counts."""
    values = until_competing(of_infusions(counts(history, SUBSETS), opened), rows, ("t_recovery_day",))
    negative = values.filter(pl.col("analyte") == SUBSETS[0]).select(
        *COURSE, "day", "t_recovery_day", least="least", most="most"
    )
    positive = values.filter(pl.col("analyte") == SUBSETS[1]).select(
        *COURSE, "day", other_least="least", other_most="most"
    )
    both = negative.join(positive, on=(*COURSE, "day")).filter(pl.col("day") >= pl.col("t_recovery_day"))
    first = both.sort("day").unique(COURSE, keep="first", maintain_order=True)
    lowest = pl.col("least") / (pl.col("least") + pl.col("other_most")) >= part
    highest = pl.col("most") / (pl.col("most") + pl.col("other_least")) >= part
    some = pl.col("least") + pl.col("other_least") > 0
    told = pl.when(some & lowest).then(pl.lit(value=True)).when(some & ~highest).then(pl.lit(value=False))
    return rows.join(
        first.select(*COURSE, told.alias("cd7_negative_recovery")), on=COURSE, how="left", maintain_order="left"
    )


def _cytopenia(history: History, rows: pl.DataFrame, opened: pl.DataFrame, rule: Mapping[str, Any]) -> pl.DataFrame:
    """Return whether a count was below its limit in the days of the rule; no only where both counts are known."""
    low, high = rule["days"]
    values = until_competing(of_infusions(counts(history, ["anc", "platelets"]), opened), rows)
    limit = pl.col("analyte").replace_strict(
        {"anc": rule["anc"], "platelets": rule["platelets"]}, return_dtype=pl.Float64
    )
    inside = values.filter(pl.col("since").is_between(low, high)).with_columns(limit.alias("limit"))
    below = (pl.col("most") < pl.col("limit")) | (pl.col("below") & (pl.col("most") <= pl.col("limit")))
    told = inside.group_by(COURSE).agg(
        below.any().alias("low"),
        (pl.col("least") >= pl.col("limit")).all().alias("fine"),
        (pl.col("analyte").n_unique() == 2).alias("both"),
    )
    prolonged = pl.when("low").then(pl.lit(value=True)).when(pl.col("fine") & pl.col("both")).then(pl.lit(value=False))
    return told.select(*COURSE, prolonged.alias("prolonged_cytopenia"))


def _chimerism(history: History, rows: pl.DataFrame, opened: pl.DataFrame) -> pl.DataFrame:
    """Return the last donor chimerism of each infusion."""
    if "assessments" not in history.tables:
        return rows.select(*COURSE, chimerism=pl.lit(None, pl.Float64), chimerism_day=pl.lit(None, pl.Float64))
    measured = history.tables["assessments"].drop_nulls("chimerism").select("patient", "day", "chimerism")
    inside = until_competing(of_infusions(measured, opened), rows)
    last = inside.sort("day").unique(COURSE, keep="last", maintain_order=True)
    return last.select(*COURSE, "chimerism", pl.col("day").floor().alias("chimerism_day"))
