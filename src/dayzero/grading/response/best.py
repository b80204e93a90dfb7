"""Best response to each infusion: ``graded["best_response"]``."""

from typing import Final

import polars as pl

from dayzero.grading.courses import courses
from dayzero.grading.response import categories as cat
from dayzero.grading.response.categories import REMISSIONS, RESPONDERS
from dayzero.history import History

ASSESSED_BY: Final = 90.0
"""Days after an infusion until which its response is looked for (labels: three months)."""
NOT_ASSESSED: Final = "not_assessed"
BEST: Final = (
    "patient", "course_kind", "course", "course_day", "category", "possible", "day", "first_cr_day",
    "first_remission_day", "responder", "evaluable", "reason", "in_cr_before", "mrd_negative_cr", "marrow", "emd",
    "assessments", "scale",
)  # fmt: skip
_ORDER: Final = pl.Enum(cat.ORDER)


def best_response(history: History, response: pl.DataFrame, *, scale: str) -> pl.DataFrame:
    """Return a row an infusion: the best of its assessments from day 1 to day 90, or until its course stopped.

    Parameters
    ----------
    history
        What happened.
    response
        ``graded["response"]``.
    scale
        The edition's name.

    Returns
    -------
    DataFrame
        ``category``, ``not_assessed`` where there was no assessment; ``possible``: the best that any can be;
        ``responder``: CR, CRh or CRi; a patient who died before an assessment is none; unknown otherwise; ``reason``:
        why it is not evaluable.
    """
    infusions = (
        courses(history)
        .filter(pl.col("kind") == "infusion")
        .select("patient", pl.col("kind").alias("course_kind"), "course", pl.col("day").alias("infused"), "stop")
    )
    window = (pl.col("since") >= 1) & (pl.col("since") <= ASSESSED_BY) & (pl.col("course_kind") == "infusion")
    best = response.filter(window).group_by("patient", "course").agg(*_best())
    rows = infusions.join(best, on=["patient", "course"], how="left", maintain_order="left")
    rows = _before(history, rows, response)
    rows = rows.join(_deaths(history), on="patient", how="left", maintain_order="left")
    return (
        _judged(rows)
        .with_columns(
            pl.lit(scale).alias("scale"), pl.col("infused").alias("course_day"), pl.col("assessments").fill_null(0)
        )
        .select(BEST)
    )


def _best() -> tuple[pl.Expr, ...]:
    rank = pl.col("category").cast(_ORDER)
    day = pl.col("day").sort_by("day")
    first = {"first_cr_day": RESPONDERS, "first_remission_day": REMISSIONS}
    ordered = [pl.col(name).sort_by([rank, pl.col("day")]).first() for name in ("category", "day", "marrow", "emd")]
    status = pl.col("mrd_status")
    clear = pl.when(status.is_in(["negative", "positive", "below_quantification"])).then(status == "negative")
    negative = clear.filter(pl.col("category").is_in(RESPONDERS))
    return (
        *ordered,
        pl.col("possible").list.first().cast(_ORDER).min().cast(pl.String).alias("possible"),
        *(
            day.filter(pl.col("category").sort_by("day").is_in(names)).first().alias(name)
            for name, names in first.items()
        ),
        pl.when(negative.len() > 0).then(negative.any(ignore_nulls=False)).alias("mrd_negative_cr"),
        pl.len().cast(pl.Int64).alias("assessments"),
    )


def _before(history: History, rows: pl.DataFrame, response: pl.DataFrame) -> pl.DataFrame:
    """Add ``in_cr_before``: whether the last assessment up to the infusion was a remission, with no relapse since."""
    lost = pl.when(cat.no_remission()).then(pl.lit(value=False))
    state = pl.when(pl.col("category").is_in(REMISSIONS)).then(pl.lit(value=True)).otherwise(lost)
    last = response.select("patient", pl.col("day").alias("seen"), state.alias("remission")).sort("seen")
    keyed = rows.with_row_index("at").sort("infused")
    joined = keyed.join_asof(last, left_on="infused", right_on="seen", by="patient", check_sortedness=False)
    relapses = history.named("relapse", ()).drop_nulls("day").select("patient", pl.col("day").alias("relapsed"))
    again = joined.sort("infused").join_asof(
        relapses.sort("relapsed"), left_on="infused", right_on="relapsed", by="patient", check_sortedness=False
    )
    since = (pl.col("relapsed") >= pl.col("seen")).fill_null(value=False)
    before = pl.when(since).then(pl.lit(value=False)).otherwise("remission")
    return again.with_columns(before.alias("in_cr_before")).sort("at")


def _deaths(history: History) -> pl.DataFrame:
    dead = history.named("death", ()).drop_nulls("day")
    return dead.group_by("patient").agg(pl.col("day").min().alias("died"))


def _judged(rows: pl.DataFrame) -> pl.DataFrame:
    seen = pl.col("category").is_not_null()
    closes = pl.min_horizontal(pl.col("infused") + ASSESSED_BY, pl.col("stop"))
    dead = ~seen & (pl.col("died") <= pl.max_horizontal(closes, "infused")).fill_null(value=False)
    category = pl.col("category").fill_null(NOT_ASSESSED)
    reason = (
        pl.when(pl.col("in_cr_before").fill_null(value=False))
        .then(pl.lit("in_cr_before"))
        .when(dead)
        .then(pl.lit("died_before_assessment"))
        .when(~seen)
        .then(pl.lit("no_assessment"))
        .when((pl.col("category") == cat.UNKNOWN) & pl.col("possible").is_in(REMISSIONS))
        .then(pl.lit("uncertain"))
    )
    open_ = category.is_in([NOT_ASSESSED, cat.UNKNOWN, cat.ANY]) & pl.col("possible").fill_null("CR").is_in(RESPONDERS)
    answer = pl.when(dead | ~open_).then(category.is_in(RESPONDERS))
    return rows.with_columns(
        category.alias("category"),
        reason.alias("reason"),
        reason.is_null().alias("evaluable"),
        answer.alias("responder"),
    )
