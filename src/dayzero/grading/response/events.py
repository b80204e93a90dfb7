"""Events that follow from assessments, the reported rows that they replace, and where the two differ."""

from typing import Final

import polars as pl

from dayzero.errors import Finding, Level
from dayzero.grading.derived import patient_rows
from dayzero.grading.response import categories as cat
from dayzero.history import History

_EVENTS_TABLE: Final = "events"
_NO_RESPONSE: Final = ("nr", "no response", "non-response", "no remission", "refractory", "sd", "stable disease")
"""Other words for what the editions call a failure."""


def response_events(response: pl.DataFrame) -> pl.DataFrame:
    """Return an event ``response`` of each certain category after an infusion or transplant."""
    certain = response.filter("evaluable", pl.col("course").is_not_null())
    return certain.select(
        "patient",
        pl.lit("response").alias("event"),
        "day",
        pl.col("category").alias("value"),
        pl.col("course").cast(pl.String),
        "course_kind",
        "scale",
        "marrow",
        "emd",
    )


def relapse_events(relapse: pl.DataFrame) -> pl.DataFrame:
    """Return the events ``relapse``, ``progression`` and, where a second sample confirms it, ``mrd_relapse``."""
    certain = relapse.filter((pl.col("kind") != "mrd_relapse") | pl.col("confirmed").fill_null(value=False))
    return certain.select(
        "patient",
        pl.col("kind").alias("event"),
        "day",
        pl.col("site").alias("value"),
        pl.col("course").cast(pl.String),
        "course_kind",
        "scale",
        "site",
        "antigen",
    )


def first_signs(history: History, derived: pl.DataFrame, *, within: float) -> pl.DataFrame:
    """Return the derived events, a relapse on the day on which it was reported where that is earlier, at both sites.

    A relapse is dated by its first abnormal finding: one reported at most ``within`` days before the assessment that
    shows it (a puncture of the spine before the marrow) is the same relapse, and its day and site count.
    """
    told = history.named("relapse", ("row", "site")).filter(pl.col("source") == "reported").drop_nulls("day")
    site = pl.col("site") if "site" in told.columns else pl.lit(None, pl.String)
    first = told.select("patient", pl.col("day").alias("told_day"), site.alias("told_site"))
    keyed = derived.with_row_index("at")
    pairs = keyed.filter(pl.col("event") == "relapse").join(first, on="patient")
    lead = pl.col("day") - pl.col("told_day")
    near = pairs.filter(lead.is_between(0, within)).sort("told_day").unique("at", keep="first", maintain_order=True)
    both = pl.concat_list(pl.col("site").str.split("+"), pl.col("told_site").fill_null(pl.col("site")).str.split("+"))
    joined = both.list.unique().list.sort().list.join("+").alias("joined")
    moved = keyed.join(near.select("at", "told_day", joined), on="at", how="left", maintain_order="left")
    day, place = pl.coalesce("told_day", "day").alias("day"), pl.coalesce("joined", "site").alias("site")
    value = pl.coalesce("joined", "value").alias("value")
    return moved.with_columns(day, place, value).select(derived.columns)


def _pairs(history: History, derived: pl.DataFrame, event: str, within: float) -> pl.DataFrame:
    """Return reported events beside the nearest derived one of the same patient; null where there is none."""
    told = history.named(event, ("value", "row")).filter(pl.col("source") == "reported").drop_nulls("day")
    own = derived.filter(pl.col("event") == event).select(
        "patient", pl.col("day").alias("derived_day"), pl.col("value").alias("derived")
    )
    pairs = told.join(own, on="patient", how="left")
    gap = (pl.col("day") - pl.col("derived_day")).abs()
    near = pairs.with_columns(pl.when(gap <= within).then(gap).alias("gap"))
    return near.sort("gap", "derived_day", nulls_last=True).unique("row", keep="first", maintain_order=True)


def _word(column: str) -> pl.Expr:
    plain = pl.col(column).str.strip_chars().str.to_lowercase()
    return pl.when(plain.is_in(_NO_RESPONSE)).then(pl.lit("failure")).otherwise(plain)


def compare_responses(
    history: History, derived: pl.DataFrame, *, within: float
) -> tuple[tuple[int, ...], tuple[Finding, ...]]:
    """Return the reported responses that derived ones replace, and a finding where their values differ."""
    pairs = _pairs(history, derived, "response", within).drop_nulls("gap")
    differ = pairs.filter(_word("value") != _word("derived"))
    return tuple(pairs["row"].sort().to_list()), _finding(
        history,
        differ,
        (
            "response-differs",
            "Responses as reported differ from those derived from the assessments; the derived ones count.",
            "Look at the assessments of these days, and at the criteria of the report.",
        ),
    )


def compare_relapses(
    history: History, derived: pl.DataFrame, *, within: float
) -> tuple[tuple[int, ...], tuple[Finding, ...]]:
    """Return the reported relapses that derived ones replace, and a finding for those that no assessment shows."""
    pairs = _pairs(history, derived, "relapse", within)
    assessed = history.tables["assessments"]["patient"].unique().implode()
    alone = pairs.filter(pl.col("gap").is_null() & pl.col("patient").is_in(assessed))
    note = _finding(
        history,
        alone,
        (
            "relapse-not-in-assessments",
            "Relapses as reported that the assessments do not show; they count as reported.",
            "Add the assessment that found them, where there is one.",
        ),
        level="note",
    )
    return tuple(pairs.drop_nulls("gap")["row"].sort().to_list()), note


def compare_assessors(history: History, response: pl.DataFrame) -> tuple[Finding, ...]:
    """Return a finding where the assessor's response, in the table of assessments, differs from the derived one."""
    differ = response.filter("evaluable").filter(_word("response_reported") != _word("category"))
    return _finding(
        history,
        differ,
        (
            "response-differs-from-assessor",
            "The assessor's response differs from the one derived from the same assessment.",
            "Look at the criteria: the derived category counts.",
        ),
        table="assessments",
    )


def uncertain(history: History, response: pl.DataFrame) -> tuple[Finding, ...]:
    """Return a finding for assessments whose category cannot be told."""
    rows = response.filter(~pl.col("evaluable") & pl.col("course").is_not_null())
    return _finding(
        history,
        rows,
        (
            "response-uncertain",
            "Assessments leave more than one category of response possible; they make no event.",
            f"Add what is missing: graded response names it ({cat.ANY}: counts alone are missing).",
        ),
        level="note",
        table="assessments",
    )


def _finding(
    history: History,
    rows: pl.DataFrame,
    words: tuple[str, str, str],
    *,
    level: Level = "warning",
    table: str = _EVENTS_TABLE,
) -> tuple[Finding, ...]:
    if rows.is_empty():
        return ()
    code, message, mend = words
    found = Finding(
        level=level,
        code=code,
        message=message,
        mend=mend,
        table=table,
        rows=tuple(rows["row"].sort().to_list()),
        patient_rows=patient_rows(history, rows["patient"]),
    )
    return (found,)
