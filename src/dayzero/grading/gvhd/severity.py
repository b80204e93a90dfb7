"""Global severity of chronic GVHD from the scores of organs."""

from typing import Any, Final

import polars as pl

from dayzero.grading.editions import Edition
from dayzero.grading.gvhd.scores import HIGHEST

KEY: Final = ("patient", "course_kind", "course")


def with_severity(days: pl.DataFrame, chosen: Edition) -> pl.DataFrame:
    """Add ``lower``, ``upper``, ``grade`` (null where they differ) and ``evaluable`` to days of organ scores.

    Parameters
    ----------
    days
        Of each organ, its least and greatest (``_upper``) score.
    chosen
        The edition. Its rules are monotone: the severity of the least scores is the least there can be.
    """
    lower, upper = severity(chosen), severity(chosen, HIGHEST)
    both = days.with_columns(lower.alias("lower"), upper.alias("upper"))
    sure = pl.col("lower") == pl.col("upper")
    return both.with_columns(pl.when(sure).then("lower").alias("grade"), sure.alias("evaluable"))


def severity(chosen: Edition, suffix: str = "") -> pl.Expr:
    """Return the severity of scores: the highest that a rule gives.

    Parameters
    ----------
    chosen
        The edition.
    suffix
        Of the columns of scores.
    """
    rules = chosen.table["severity"]
    organs = [f"{organ}{suffix}" for organ in chosen.table["organs"]]
    worst, lungs = pl.max_horizontal(organs), pl.col(f"lungs{suffix}")
    involved = pl.sum_horizontal((pl.col(organ) > 0).cast(pl.Int64) for organ in organs)
    found: list[Any] = [pl.when(worst >= score).then(grade).otherwise(0) for grade, score in rules["any"]]
    found += [pl.when(lungs >= score).then(grade).otherwise(0) for grade, score in rules["lungs"]]
    several = rules["several"]
    found.append(pl.when(involved >= several["organs"]).then(several["grade"]).otherwise(0))
    return pl.max_horizontal(found).cast(pl.Int64)
