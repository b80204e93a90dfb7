"""B-cell and T/NK-cell aplasia beside what was reported."""

from typing import Final

import polars as pl

from dayzero.errors import Finding
from dayzero.grading.derived import Derived, patient_rows, with_derived
from dayzero.grading.editions import Edition, edition
from dayzero.grading.persistence.b_cells import b_cell_aplasia
from dayzero.grading.persistence.t_nk import t_nk_aplasia
from dayzero.history import History
from dayzero.protocol import Definitions

EVENT: Final = "b_cell_recovery"


def derive_aplasia(history: History, definitions: Definitions) -> Derived:
    """Derive persistence from the table ``labs`` by the study's definition of the loss of B-cell aplasia.

    Returns
    -------
    Derived
        ``b_cell_aplasia``: a row an infusion; ``t_nk_aplasia``: a row an infusion against CD7. Events
        ``b_cell_recovery`` with ``course_kind``, ``course``, ``scale``.

    Raises
    ------
    InputError
        Where there is no such edition of ``b_cell_loss``.
    """
    return _derive(history, edition("b_cell_loss", definitions.b_cell_loss))


def grade_aplasia(history: History, *, b_cell_loss: str = "") -> History:
    """Return the history with B-cell and T/NK-cell aplasia.

    Parameters
    ----------
    history
        What happened; its table ``labs`` is needed.
    b_cell_loss
        The edition of the loss of B-cell aplasia; empty: the first.

    Raises
    ------
    InputError
        Where there is no such edition.
    """
    return with_derived(history, _derive(history, edition("b_cell_loss", b_cell_loss)))


def _derive(history: History, rule: Edition) -> Derived:
    if "labs" not in history.tables:
        return Derived()
    b_cells = b_cell_aplasia(history, rule)
    recovered = b_cells.drop_nulls("loss_day")
    events = recovered.select(
        "patient",
        pl.lit(EVENT).alias("event"),
        pl.col("loss_day").alias("day"),
        pl.lit(None, pl.String).alias("value"),
        "course_kind",
        pl.col("course").cast(pl.String),
        "scale",
    )
    reported = _reported(history, b_cells)
    results = {"b_cell_aplasia": b_cells, "t_nk_aplasia": t_nk_aplasia(history, edition("t_nk_aplasia"))}
    superseded = tuple(reported["row"].to_list())
    return Derived(results, events, superseded, (*_unknown(history, b_cells), *_differing(history, reported)))


def _reported(history: History, b_cells: pl.DataFrame) -> pl.DataFrame:
    """Return reported recoveries of infusions with a derived one, and whether they lie outside its bracket."""
    said = history.named(EVENT, ("row", "course", "source")).filter(pl.col("source") == "reported")
    named = pl.col("told_course").str.strip_chars().cast(pl.Int64, strict=False)
    columns = said.with_columns(
        (pl.col("course") if "course" in said.columns else pl.lit(None, pl.String)).alias("told_course"),
        pl.col("day").floor(),
    ).select("patient", "day", "row", "told_course")
    spans = b_cells.with_columns(
        pl.col("course_day").shift(-1).over("patient", order_by="course_day").alias("next_day")
    ).drop_nulls("loss_day")
    dated = (pl.col("day") > pl.col("course_day")) & (
        pl.col("next_day").is_null() | (pl.col("day") <= pl.col("next_day"))
    )
    own = pl.when(named.is_not_null()).then(named == pl.col("course")).otherwise(dated)
    bracket = pl.coalesce("last_aplastic_day", "course_day")
    inside = (pl.col("day") > bracket) & (pl.col("day") <= pl.col("loss_day"))
    pairs = columns.join(spans, on="patient").filter(own)
    return pairs.select("patient", "row", (~inside).fill_null(value=False).alias("differs")).unique("row").sort("row")


def _unknown(history: History, b_cells: pl.DataFrame) -> tuple[Finding, ...]:
    rows = b_cells.filter(~pl.col("evaluable"))
    if not rows.height:
        return ()
    message = "The targets of a product are unknown: nobody can say whether B cells tell of its persistence."
    mend = "Give the infusion's event the attribute targets, as CD19 or CD19/CD22 or CD7."
    return (
        Finding(
            "warning",
            "targets-unknown",
            message,
            mend=mend,
            table="events",
            patient_rows=patient_rows(history, rows["patient"]),
            column="targets",
        ),
    )


def _differing(history: History, reported: pl.DataFrame) -> tuple[Finding, ...]:
    rows = reported.filter("differs")
    if not rows.height:
        return ()
    message = (
        "A reported B-cell recovery lies outside the days that the laboratory values leave: the derived one counts."
    )
    at = tuple(rows["row"].to_list())
    who = patient_rows(history, rows["patient"])
    return (Finding("warning", "b-cell-recovery-differs", message, table="events", rows=at, patient_rows=who),)
