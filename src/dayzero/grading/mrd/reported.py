"""MRD as the graders see it beside MRD as it was reported."""

from typing import Final

import polars as pl

from dayzero.errors import Finding
from dayzero.grading.derived import patient_rows
from dayzero.history import History

TABLE: Final = "mrd"


def replaced(history: History, events: pl.DataFrame) -> pl.DataFrame:
    """Return the reported events of MRD within a day of a derived one.

    Returns
    -------
    DataFrame
        ``patient``, ``row``, and ``differs``: reported negative or positive, and no derived event agrees.
    """
    reported = (
        history.named("mrd", ("value", "row", "source"))
        .filter(pl.col("source") == "reported")
        .with_columns(pl.col("day").floor())
        .drop_nulls("day")
    )
    derived = events.select("patient", "day", pl.col("value").alias("derived"))
    near = pl.concat([derived.with_columns(pl.col("day") + shift) for shift in (-1.0, 0.0, 1.0)])
    said = pl.col("value").str.strip_chars().str.to_lowercase()
    pairs = reported.join(near, on=("patient", "day"))
    return (
        pairs.group_by("patient", "row")
        .agg((said.is_in(["negative", "positive"]) & (said != pl.col("derived"))).all().alias("differs"))
        .sort("row")
    )


def findings(history: History, samples: pl.DataFrame, reported: pl.DataFrame) -> tuple[Finding, ...]:
    """Return what a reader of MRD must know."""
    call, status = pl.col("call_reported"), pl.col("status")
    agrees = (call == status) | ((call == "positive") & (status == "below_quantification"))
    beyond = (pl.col("lod_source") == "given") & (pl.col("lod") < pl.col("lod_of_cells"))
    marks = (
        ("mrd-call-differs", ~agrees, "The laboratory's call is not what value, LOD and threshold give: those count."),
        ("mrd-contradicts-itself", pl.col("contradicted"), "Value and detection exclude each other: no status."),
        ("mrd-lod-beyond-cells", beyond, "The LOD is lower than the cells analysed can show: the given one counts."),
        (
            "mrd-status-unknown",
            status.is_null(),
            "Too little is known of a sample for a status: it makes no event, and its bounds are kept.",
        ),
    )
    found = [_finding(history, samples.filter(rows), code, message) for code, rows, message in marks]
    return (*(f for f in found if f), *_differing(history, reported))


def _finding(history: History, rows: pl.DataFrame, code: str, message: str) -> Finding | None:
    if not rows.height:
        return None
    mend = "Look at value, unit, detected, lod, cells and method of these samples."
    at = tuple(rows["row"].unique().sort().to_list())
    who = patient_rows(history, rows["patient"])
    return Finding("warning", code, message, mend=mend, table=TABLE, rows=at, patient_rows=who)


def _differing(history: History, reported: pl.DataFrame) -> tuple[Finding, ...]:
    rows = reported.filter("differs")
    if not rows.height:
        return ()
    message = "A reported MRD is not what its sample gives: the derived one counts, mrd@reported is the other."
    who = patient_rows(history, rows["patient"])
    at = tuple(rows["row"].to_list())
    return (Finding("warning", "mrd-status-differs", message, table="events", rows=at, patient_rows=who),)
