"""Scores of organs in chronic GVHD: what rows say of each, and how long it stands."""

from typing import Any, Final

import polars as pl

from dayzero.grading.editions import Edition

HIGHEST: Final = "_upper"
MOST: Final = 3
COURSE: Final = ("patient", "course_kind", "course")
ONLY_CHRONIC: Final = ("mouth", "eyes", "gi", "lungs", "joints", "genital")
NOT_ELSE: Final = "no_other_cause_where_empty"
CARRIED: Final = "score_carried_forward"


def scored_rows(table: pl.DataFrame, chosen: Edition) -> pl.DataFrame:
    """Return what the table says of organs in chronic GVHD, one row an organ.

    Parameters
    ----------
    table
        ``gvhd``: rows of the kind ``chronic``; without a kind, those of a day with an organ that only chronic GVHD
        has.
    chosen
        The edition.

    Returns
    -------
    DataFrame
        ``patient``, ``day``, ``row``, ``systemic_is``, ``organ``, ``least`` and ``most`` (score, Int64), ``rank`` (1:
        by FEV1), ``unasked``: whether it counts because no other cause is given. A row may be there twice.
    """
    late = pl.col("organ").is_in(ONLY_CHRONIC).fill_null(value=False).any().over("patient", pl.col("day").floor())
    chronic = (pl.col("kind") == "chronic") | (pl.col("kind").is_null() & late)
    gut = pl.col("organ").cast(pl.String).replace({"upper_gi": "gi", "lower_gi": "gi"})
    rows = table.filter(chronic.fill_null(value=False)).with_columns(gut.alias("organ"))
    long = [_scores(rows.filter(pl.col("organ").is_in(chosen.table["organs"])), pl.col("organ"), "stage")]
    long += [_scores(rows.drop_nulls(wide), pl.lit(wide), wide) for wide in ("skin", "liver")]
    return _attributed(pl.concat([*long, _lungs(rows, chosen)]))


def _attributed(scores: pl.DataFrame) -> pl.DataFrame:
    """Leave out organs that another cause explains entirely."""
    out = (pl.col("other_cause") == "entirely").fill_null(value=False)
    unasked = pl.col("other_cause").is_null() & (pl.col("most") > 0)
    ends = [pl.when(out).then(0).otherwise(name).cast(pl.Int64).alias(name) for name in ("least", "most")]
    return scores.with_columns(*ends, unasked.alias("unasked")).drop("other_cause")


def _lungs(rows: pl.DataFrame, chosen: Edition) -> pl.DataFrame:
    """Return the lung's scores by FEV1; the other cause on a row of another organ is not the lung's."""
    of_lung = (pl.col("organ") == "lungs").fill_null(value=True)
    cause = pl.when(of_lung).then("other_cause").alias("other_cause")
    measured = rows.drop_nulls("fev1_percent").with_columns(cause)
    return _scores(measured, pl.lit("lungs"), "stage").with_columns(
        *fev1_scores(measured, chosen), pl.lit(1).alias("rank")
    )


def _scores(rows: pl.DataFrame, organ: pl.Expr, column: str) -> pl.DataFrame:
    """Return the scores that one column gives an organ; an empty one, or one that NIH does not have, may be any."""
    bound = f"{column}_bound"
    exact = pl.col(bound).fill_null("") == "" if bound in rows.columns else pl.lit(value=True)
    score = pl.when(exact & (pl.col(column) <= MOST)).then(pl.col(column).ceil()).cast(pl.Int64)
    return rows.select(
        "patient",
        "day",
        "row",
        "systemic_is",
        pl.col("other_cause").cast(pl.String),
        organ.alias("organ"),
        score.fill_null(0).alias("least"),
        score.fill_null(MOST).alias("most"),
        pl.lit(0).alias("rank"),
    )


def fev1_scores(rows: pl.DataFrame, chosen: Edition) -> tuple[pl.Series, pl.Series]:
    """Return the bounds of the lung's score by FEV1; ``<`` and ``>`` open one of them.

    Parameters
    ----------
    rows
        ``fev1_percent`` and perhaps ``fev1_percent_bound``.
    chosen
        The edition.
    """
    value = pl.col("fev1_percent")
    bound = pl.col("fev1_percent_bound").fill_null("") if "fev1_percent_bound" in rows.columns else pl.lit("")
    score: Any = pl.lit(0)
    beyond: Any = pl.lit(0)
    for grade, limit in chosen.table["fev1"]:
        score = pl.when(value < limit).then(grade).otherwise(score)
        beyond = pl.when(value <= limit).then(grade).otherwise(beyond)
    least = pl.when(bound == ">").then(0).when(bound == "<").then(beyond).otherwise(score).cast(pl.Int64)
    most = pl.when(bound == "<").then(MOST).otherwise(score).cast(pl.Int64)
    frame = rows.select(least.alias("least"), most.alias("most"))
    return frame["least"], frame["most"]


def organ_days(rows: pl.DataFrame, chosen: Edition) -> pl.DataFrame:
    """Return the scores of every organ on each day of a transplant on which any was scored.

    Parameters
    ----------
    rows
        As :func:`scored_rows` returns them, with ``course_kind`` and ``course``.
    chosen
        The edition: its organs, and for how long a score stands.

    Returns
    -------
    DataFrame
        ``patient``, ``course_kind``, ``course``, ``day``, ``systemic_is``, ``assumptions``, and of each organ its least
        and (``_upper``) greatest score; an organ that was not scored may have any.
    """
    dated = rows.with_columns(pl.col("day").floor())
    ruling = pl.col("rank") == pl.col("rank").max().over(*COURSE, "day", "organ")
    daily = (
        dated.filter(ruling)
        .group_by(*COURSE, "organ", "day")
        .agg(pl.col("least").max(), pl.col("most").max(), pl.col("unasked").any())
    )
    days = dated.group_by(*COURSE, "day").agg(pl.col("systemic_is").max())
    whole = days.join(pl.DataFrame({"organ": chosen.table["organs"]}), how="cross").sort("day")
    stood = whole.join_asof(
        daily.rename({"day": "scored"}).sort("scored"),
        left_on="day",
        right_on="scored",
        by=[*COURSE, "organ"],
        tolerance=float(chosen.table["carry_days"]),
        coalesce=False,
        check_sortedness=False,
    )
    return _wide(stood, chosen).sort(*COURSE, "day")


def _wide(stood: pl.DataFrame, chosen: Edition) -> pl.DataFrame:
    """Return a row a day, a pair of columns an organ."""
    this = {organ: pl.col("organ") == organ for organ in chosen.table["organs"]}
    least = [pl.col("least").filter(own).first().fill_null(0).alias(organ) for organ, own in this.items()]
    most = [
        pl.col("most").filter(own).first().fill_null(MOST).alias(f"{organ}{HIGHEST}") for organ, own in this.items()
    ]
    carried = (pl.col("scored") < pl.col("day")).any().alias(CARRIED)
    unasked = pl.col("unasked").any().alias(NOT_ELSE)
    found = stood.group_by(*COURSE, "day").agg(pl.col("systemic_is").first(), carried, unasked, *least, *most)
    words = [pl.when(pl.col(name).fill_null(value=False)).then(pl.lit(name)) for name in (CARRIED, NOT_ELSE)]
    return found.with_columns(pl.concat_list(words).list.drop_nulls().alias("assumptions")).drop(CARRIED, NOT_ELSE)
