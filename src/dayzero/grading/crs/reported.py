"""Reported CRS beside derived CRS: which course it belongs to, and where the two differ."""

from typing import Final

import polars as pl

from dayzero.errors import Finding
from dayzero.grading.crs.placed import Placed
from dayzero.grading.derived import patient_rows
from dayzero.grading.editions import editions
from dayzero.history import History

_ATTRIBUTES: Final = {"course": pl.String, "course_kind": pl.String, "scale": pl.String}
SCHEMA: Final = pl.Schema(
    {
        "patient": pl.Int64,
        "row": pl.Int64,
        "group": pl.Int64,
        "value": pl.Int64,
        "scale": pl.String,
        "as_scale": pl.String,
    }
)


def reported_crs(placed: Placed) -> pl.DataFrame:
    """Return the reported events of CRS with the course to which they belong.

    Returns
    -------
    DataFrame
        ``patient``, ``row``, ``group`` (by ``course`` where the event has one, else by its day, or by ``number``;
        null where it lies in none), ``value`` (null where it is no whole number from 0 to 5), ``scale`` as written, and
        ``as_scale``: the edition of that name, null where there is none.
    """
    events = _reported(placed.history).with_row_index("at")
    undated = pl.when(pl.col("day").is_null()).then(pl.col("number"))  # 1st, 2nd of its kind: no course where dated
    number = pl.coalesce(pl.col("course").cast(pl.Int64, strict=False), undated)
    named = events.with_columns(number.alias("course"), pl.col("course_kind").fill_null("infusion"))
    opened = placed.opened.select(
        "patient", pl.col("kind").alias("course_kind"), "course", pl.col("group").alias("named")
    )
    by_number = named.join(opened, on=["patient", "course_kind", "course"], how="left", maintain_order="left")
    by_day = placed.place(events.select("patient", "day"), ("infusion",)).select("at", "group")
    found = by_number.join(by_day, on="at", how="left", maintain_order="left")
    group = pl.when(pl.col("course").is_null()).then("group").otherwise("named").alias("group")
    scale = pl.col("scale").str.strip_chars().str.to_lowercase()
    known = pl.when(scale.is_in(list(editions("crs")))).then(scale).alias("as_scale")
    return found.with_columns(group, known).select(SCHEMA.names()).unique("row", maintain_order=True).cast(SCHEMA)


def _reported(history: History) -> pl.DataFrame:
    of_crs = (pl.col("event") == "crs") & (pl.col("source") == "reported")
    events = history.events.filter(of_crs)
    absent = [pl.lit(None, kind).alias(name) for name, kind in _ATTRIBUTES.items() if name not in events.columns]
    value = pl.col("value").cast(pl.Float64, strict=False)
    grade = pl.when(value.is_between(0, 5) & (value == value.floor())).then(value).cast(pl.Int64)
    return events.with_columns(*absent, grade.alias("value"), pl.col("number").cast(pl.Int64, strict=False))


def differing(history: History, reported: pl.DataFrame, scales: pl.DataFrame, scale: str) -> tuple[Finding, ...]:
    """Return a finding where a reported grade lies outside what its own scale gives.

    Parameters
    ----------
    history
        What happened.
    reported
        As :func:`reported_crs` returns it.
    scales
        ``group, scale, lower, upper``.
    scale
        The scale with which a grade is compared that names none; a grade on a scale that is not known is not compared.
    """
    own = pl.when(pl.col("scale").is_null()).then(pl.lit(scale)).otherwise("as_scale").alias("scale")
    both = reported.with_columns(own).drop_nulls(["value", "group", "scale"]).join(scales, on=["group", "scale"])
    off = both.filter((pl.col("value") < pl.col("lower")) | (pl.col("value") > pl.col("upper")))
    if off.is_empty():
        return ()
    text = f"CRS reported in {off.height} events differs from the grade that the tables give on the same scale."
    mend = "Check the grade, its scale and the tables; the derived grade counts where it is certain."
    who = patient_rows(history, off["patient"])
    return (Finding("warning", "crs-grade-differs", text, mend, "events", tuple(off["row"].to_list()), who),)
