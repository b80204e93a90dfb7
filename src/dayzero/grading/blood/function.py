"""Function of a graft after its recovery: neutrophils that fall again, the support that follows, donor chimerism."""

from typing import Final

import polars as pl

from dayzero.grading.courses import in_courses
from dayzero.history import History

NEUTROPHILS: Final = "neutrophil_engraftment"
EXPLAINED: Final = ("lymphodepletion", "infusion", "hsct", "boost", "new_therapy", "relapse", "progression")
"""A count that falls on or after one of these has another explanation than the graft."""
SUPPORT: Final = ("gcsf", "transfusion_platelets", "transfusion_rbc")
_KEYS: Final = ("patient", "course")


def secondary_failures(history: History, opened: pl.DataFrame, recoveries: pl.DataFrame) -> pl.DataFrame:
    """Return where neutrophils fell again after engraftment, unexplained by what was given or by relapse.

    Parameters
    ----------
    history
        With ``support``, where it tells of G-CSF and transfusions.
    opened
        Transplants and boosts.
    recoveries
        A row a transplant and recovery.

    Returns
    -------
    DataFrame
        ``patient``, ``course``, ``secondary`` (possible, none; null without a recovery), ``secondary_day``, and
        ``supported``: whether support followed; null where nobody knows.
    """
    mine = pl.col("recovery") == NEUTROPHILS
    rows = recoveries.filter(mine).select(*_KEYS, pl.col("day").alias("engrafted"), pl.col("below_again"))
    named = [history.named(name, ()).select("patient", pl.col("day").alias("at")) for name in EXPLAINED]
    known = rows.join(pl.concat(named).drop_nulls(), on="patient")
    explained = known.filter((pl.col("at") > pl.col("engrafted")) & (pl.col("at") <= pl.col("below_again")))
    marked = rows.join(explained.select(_KEYS).unique().with_columns(explained=True), on=list(_KEYS), how="left")
    possible = pl.col("below_again").is_not_null() & pl.col("explained").is_null()
    word = pl.when(pl.col("engrafted").is_not_null()).then(
        pl.when(possible).then(pl.lit("possible")).otherwise(pl.lit("none"))
    )
    fallen = marked.with_columns(word.alias("secondary"), pl.when(possible).then("below_again").alias("secondary_day"))
    return _supported(history, opened, fallen.select(*_KEYS, "secondary", "secondary_day"))


def _supported(history: History, opened: pl.DataFrame, fallen: pl.DataFrame) -> pl.DataFrame:
    """Add whether growth factors, transfusions, a boost or a transplant followed the fall."""
    table = history.tables.get("support")
    again = opened.select("patient", pl.col("day").alias("at"))
    if table is not None:
        given = table.filter(pl.col("kind").is_in(SUPPORT)).select("patient", pl.col("day").alias("at"))
        again = pl.concat([again, given])
    after = fallen.join(again, on="patient").filter(pl.col("at") >= pl.col("secondary_day"))
    marked = fallen.join(after.select(_KEYS).unique().with_columns(got=True), on=list(_KEYS), how="left")
    unsupported = pl.lit(value=False) if table is not None else pl.lit(None, pl.Boolean)
    fell = pl.col("secondary_day").is_not_null()
    return marked.with_columns(pl.when(fell).then(pl.coalesce("got", unsupported)).alias("supported")).drop("got")


def full_chimerism(history: History, opened: pl.DataFrame, above: float) -> pl.DataFrame:
    """Return whether, and when first, donor chimerism was full after each transplant.

    Parameters
    ----------
    history
        With ``assessments`` or without.
    opened
        Transplants and boosts.
    above
        Fraction of donor cells above which chimerism is full.

    Returns
    -------
    DataFrame
        ``patient``, ``course``, ``full_chimerism`` and ``full_chimerism_day`` of those that were measured.
    """
    schema = {"patient": pl.Int64, "course": pl.Int64, "full_chimerism": pl.Boolean, "full_chimerism_day": pl.Float64}
    table = history.tables.get("assessments")
    if table is None:
        return pl.DataFrame(schema=schema)
    rows = table.drop_nulls("chimerism").select("patient", "day", "chimerism", "chimerism_bound")
    inside = in_courses(rows, opened, kinds=("hsct",), first_day=1)
    bound, value = pl.col("chimerism_bound").fill_null(""), pl.col("chimerism")
    yes = ((bound == "") & (value > above)) | ((bound == ">") & (value >= above))
    no = ((bound == "") & (value <= above)) | ((bound == "<") & (value <= above))
    state = pl.when(yes).then(pl.lit(value=True)).when(no).then(pl.lit(value=False)).alias("full")
    ever = pl.when(pl.col("full").any()).then(pl.lit(value=True)).when(pl.col("full").is_null().all()).then(None)
    found = (
        inside.with_columns(state)
        .group_by(_KEYS)
        .agg(
            ever.otherwise(pl.lit(value=False)).alias("full_chimerism"),
            pl.col("day").filter(pl.col("full")).min().alias("full_chimerism_day"),
        )
    )
    return found.cast(pl.Schema(schema))
