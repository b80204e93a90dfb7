"""In which state the disease of a patient is from which day on: before a response, in remission, relapsed."""

from dataclasses import replace
from typing import Final

import polars as pl

from dayzero.analyses.response_patients import OVERALL
from dayzero.endpoints import matching
from dayzero.history import History
from dayzero.protocol import Definitions, Term, parse_term
from dayzero.spells import Floats

BEFORE, REMISSION, MRD_NEGATIVE, RELAPSED = "before response", "in remission", "MRD-negative remission", "relapsed"
STATES: Final = (BEFORE, REMISSION, MRD_NEGATIVE, RELAPSED)
NEGATIVE: Final = ("negative", "neg", "not detected", "undetectable")
POSITIVE: Final = ("positive", "pos", "detected")
_WORDS: Final = {
    **dict.fromkeys(NEGATIVE, "negative"),
    **dict.fromkeys(POSITIVE, "positive"),
    **dict.fromkeys(("below_quantification", "pnq", "below quantification"), "below_quantification"),
    **dict.fromkeys(("indeterminate", "insufficient sensitivity"), "indeterminate"),
}
_ENDS: Final = ("relapse", "progression")


def remission_term(definitions: Definitions) -> Term:
    """Return the protocol's complete remission, whenever it comes."""
    term = parse_term(definitions.cr.replace("{day_zero}", definitions.day_zero))
    return replace(term, number=None, after=None)


def mrd_status(value: pl.Expr, threshold: float) -> pl.Expr:
    """Return the status that the value of an event ``mrd`` says: a word, or a fraction of cells; null where none."""
    text = value.cast(pl.String).str.strip_chars().str.to_lowercase()
    number = text.cast(pl.Float64, strict=False)
    measured = pl.when(number >= threshold).then(pl.lit("positive")).when(number < threshold).then(pl.lit("negative"))
    return pl.coalesce(text.replace_strict(_WORDS, default=None, return_dtype=pl.String), measured)


def remissions(history: History, definitions: Definitions) -> pl.DataFrame:
    """Return ``patient`` and ``day`` of the remissions of the whole patient; those of the marrow alone are none."""
    rows = matching(history, remission_term(definitions), ("value", "site"))
    if "site" not in rows.columns:
        return rows.select("patient", "day")
    site = pl.col("site").fill_null("").str.strip_chars().str.to_lowercase()
    return rows.filter(site.is_in(OVERALL)).select("patient", "day")


def disease_states(history: History, definitions: Definitions, *, origin: Floats) -> pl.DataFrame:
    """Return the states of each patient's disease, each from its day on.

    A remission ends with a relapse or progression, and with nothing else. It is MRD-negative from the first negative
    sample on, also one taken before the remission was seen, until one that is positive or below quantification, an MRD
    relapse, or a relapse. Relapse and remission on one day is relapse; of several MRD results on one day the worst
    counts. What was relapse up to day zero is ``before response`` from then on.

    Parameters
    ----------
    history, definitions
        What happened, and what counts as remission and as MRD-negative.
    origin
        (patients,) day zero; NaN or infinite where a patient has none: they have no states.

    Returns
    -------
    DataFrame
        ``patient``, ``day``, ``state``, ``began`` (the row is the begin of a remission); a row an event that can
        change the state, in order; before the first it is ``before response``.
    """
    zero = pl.DataFrame(
        {"patient": range(len(history)), "zero": origin}, schema={"patient": pl.Int64, "zero": pl.Float64}
    ).filter(pl.col("zero").is_finite())
    events = pl.concat(_changes(history, definitions)).drop_nulls("day").join(zero, on="patient")
    disease = pl.when((pl.col("disease") < 0) & (pl.col("day") <= pl.col("zero"))).then(0).otherwise(pl.col("disease"))
    ordered = events.with_columns(disease.alias("disease")).sort("patient", "day", "rank", maintain_order=True)
    swept = ordered.with_columns(
        *(pl.col(name).forward_fill().over("patient").fill_null(0) for name in ("disease", "negative"))
    )
    previous = pl.col("disease").shift(1).over("patient").fill_null(0)
    state = (
        pl.when(pl.col("disease") < 0).then(pl.lit(RELAPSED))
        .when(pl.col("disease") == 0).then(pl.lit(BEFORE))
        .when(pl.col("negative") == 1).then(pl.lit(MRD_NEGATIVE))
        .otherwise(pl.lit(REMISSION))
    )  # fmt: skip
    began = (pl.col("disease") == 1) & (previous != 1)
    told = swept.with_columns(state.alias("state"), began.alias("began"))
    relapsed_today = (pl.col("disease") != 1).any().over("patient", "day")
    return told.select("patient", "day", "state", (pl.col("began") & ~relapsed_today).alias("began"))


def _changes(history: History, definitions: Definitions) -> list[pl.DataFrame]:
    """Return what moves a state: ``disease`` 1 or -1, ``negative`` 1 or 0, null where it does not touch it."""
    status = mrd_status(pl.col("value"), definitions.mrd_threshold)
    measured = history.named("mrd", ("value",)).with_columns(status.alias("status"))
    known = measured.filter(pl.col("status").is_in(["negative", "positive", "below_quantification"]))
    negative = pl.col("status") == "negative"
    rows = [
        (remissions(history, definitions), pl.lit(1), pl.lit(None), pl.lit(0)),
        (known, pl.lit(None), negative, pl.when(negative).then(1).otherwise(2)),
        (history.named("mrd_relapse", ()), pl.lit(None), pl.lit(0), pl.lit(2)),
        *((history.named(name, ()), pl.lit(-1), pl.lit(0), pl.lit(3)) for name in _ENDS),
    ]
    return [
        frame.select(
            "patient",
            pl.col("day").floor(),
            disease.cast(pl.Int64).alias("disease"),
            no_mrd.cast(pl.Int64).alias("negative"),
            rank.cast(pl.Int64).alias("rank"),
        )
        for frame, disease, no_mrd, rank in rows
    ]


def state_at(states: pl.DataFrame, rows: pl.DataFrame, day: str) -> pl.Series:
    """Return the state of each row's patient on its day (``before response`` where nothing came before it).

    Parameters
    ----------
    states
        As :func:`disease_states` returns them.
    rows
        ``patient`` and the column ``day`` names, which has no nulls.
    day
        The name of that column.
    """
    last = states.unique(["patient", "day"], keep="last", maintain_order=True).select("patient", "day", "state")
    asked = rows.select("patient", pl.col(day).alias("asked")).with_row_index("at").sort("asked")
    found = asked.join_asof(last.sort("day"), left_on="asked", right_on="day", by="patient", check_sortedness=False)
    return found.sort("at")["state"].fill_null(BEFORE)
