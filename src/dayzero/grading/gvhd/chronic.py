"""Chronic GVHD of a history: global severity by the NIH consensus of 2014, from scores of organs.

The Seattle words limited and extensive are a vocabulary of their own: reported events with them stay as they are.
"""

from typing import Any, Final

import polars as pl

from dayzero.errors import Finding
from dayzero.grading.courses import courses, in_courses
from dayzero.grading.derived import NO_EVENTS, RESULT, Derived, patient_rows, with_derived
from dayzero.grading.editions import Edition, edition
from dayzero.grading.gvhd.scores import HIGHEST, organ_days, scored_rows
from dayzero.grading.gvhd.severity import KEY, with_severity
from dayzero.grading.reported import differing, differs, replaced, reported_in
from dayzero.history import History
from dayzero.protocol import Definitions

SEATTLE: Final = ("limited", "extensive")


def grade_cgvhd(history: History) -> History:
    """Return the history with the severity of chronic GVHD after each transplant.

    Parameters
    ----------
    history
        With the table ``gvhd``; rows of the kind ``chronic`` are read.

    Returns
    -------
    History
        With ``graded["cgvhd"]`` and ``graded["cgvhd_days"]``, and events ``cgvhd``.
    """
    return with_derived(history, derive_cgvhd(history, Definitions()))


def derive_cgvhd(history: History, definitions: Definitions) -> Derived:  # noqa: ARG001 - there is one edition
    """Derive the severity of chronic GVHD after each transplant.

    Parameters
    ----------
    history
        With the table ``gvhd``.
    definitions
        Unused: NIH 2014 is the only edition.

    Returns
    -------
    Derived
        ``results["cgvhd"]``: a row a transplant that has rows; the grade is the highest: 0 none, 1 mild, 2 moderate,
        3 severe; ``severity`` its word; ``onset``: the first day on which it certainly was mild or worse;
        ``onset_earliest``: on which it may have been; ``systemic_is``; of each organ its highest certain score.
        ``results["cgvhd_days"]``: the same a day. Events ``cgvhd`` on each day on which a certain severity rises above
        the certain ones before it.
    """
    chosen = edition("cgvhd")
    if "gvhd" not in history.tables:
        return Derived()
    chronic = scored_rows(history.tables["gvhd"], chosen)
    if not chronic.height:
        return Derived()
    opened = courses(history, ("hsct",))
    inside = in_courses(chronic, opened, kinds=("hsct",), first_day=1)
    days = with_severity(organ_days(inside, chosen), chosen)
    results, events = _results(days, chosen), _events(days, chosen)
    reported = _reported(history, opened, chosen)
    certain = results.filter("evaluable")
    apart = differing(reported, results, scale=chosen.name)
    return Derived(
        results={"cgvhd": results, "cgvhd_days": days},
        events=events,
        superseded=_superseded(reported, events, certain),
        findings=(
            *differs(history, apart, code="cgvhd-grade-differs", what="Chronic GVHD"),
            *_outside(history, chronic, inside),
        ),
    )


def _results(days: pl.DataFrame, chosen: Edition) -> pl.DataFrame:
    """Return a row a transplant: the highest of its days."""
    organs = chosen.table["organs"]
    found = days.group_by(KEY, maintain_order=True).agg(
        pl.col("day").sort_by("lower", "day", descending=[True, False]).first(),
        pl.col("lower").max(),
        pl.col("upper").max(),
        pl.col("day").filter(pl.col("lower") > 0).min().alias("onset"),
        pl.col("day").filter(pl.col("upper") > 0).min().alias("onset_earliest"),
        pl.col("systemic_is").max(),
        pl.col("assumptions").list.explode().unique(maintain_order=True).drop_nulls(),
        *(pl.col(organ).max() for organ in organs),
        *(pl.col(f"{organ}{HIGHEST}").max() for organ in organs),
    )
    sure = pl.col("lower") == pl.col("upper")
    top = pl.col("lower")
    drivers = [pl.when((pl.col(o) > 0) & (top > 0) & _sets(o, organs)).then(pl.lit(o)) for o in organs]
    missing = [pl.when(~sure & (pl.col(f"{o}{HIGHEST}") > pl.col(o))).then(pl.lit(o)) for o in organs]
    words = dict(enumerate(chosen.table["grades"]))
    named = found.with_columns(
        pl.when(top > 0).then("day").alias("day"),
        pl.when(sure).then(top).alias("grade"),
        sure.alias("evaluable"),
        pl.lit(chosen.name).alias("scale"),
        pl.concat_list(drivers).list.drop_nulls().alias("drivers"),
        pl.concat_list(missing).list.drop_nulls().alias("missing"),
        pl.lit([], pl.List(pl.String)).alias("findings"),
        pl.when(sure).then(top).replace_strict(words, default=None, return_dtype=pl.String).alias("severity"),
    )
    return named.select(*RESULT, "severity", "onset", "onset_earliest", "systemic_is", *organs)


def _sets(organ: str, organs: list[str]) -> pl.Expr:
    """Return whether an organ has the highest score of all."""
    return pl.col(organ) == pl.max_horizontal(organs)


def _events(days: pl.DataFrame, chosen: Edition) -> pl.DataFrame:
    """Return an event for each day on which a certain severity rises."""
    words = dict(enumerate(chosen.table["grades"]))
    certain = days.filter("evaluable").sort(*KEY, "day")
    before = pl.col("grade").cum_max().shift(1, fill_value=0).over(KEY)
    risen = certain.filter(pl.col("grade") > before)
    if not risen.height:
        return NO_EVENTS.clone()
    treated = pl.col("systemic_is").replace_strict({True: "yes", False: "no"}, default=None, return_dtype=pl.String)
    return risen.select(
        "patient",
        pl.lit("cgvhd").alias("event"),
        "day",
        pl.col("grade").replace_strict(words, return_dtype=pl.String).alias("value"),
        pl.col("course").cast(pl.String),
        "course_kind",
        treated,
        pl.lit(chosen.name).alias("scale"),
    )


def _reported(history: History, opened: pl.DataFrame, chosen: Edition) -> pl.DataFrame:
    """Return reported chronic GVHD with its grade and transplant; Seattle's words are left out."""
    words = {word: grade for grade, word in enumerate(chosen.table["grades"])}
    plain = pl.col("value").str.strip_chars().str.to_lowercase()
    own = history.events.filter((pl.col("event") == "cgvhd") & (pl.col("source") == "reported"))
    values = own.select(
        "row", plain.alias("word"), plain.replace_strict(words, default=None, return_dtype=pl.Int64).alias("score")
    )
    rows = reported_in(history, "cgvhd", opened, kinds=("hsct",)).join(
        values, on="row", how="left", maintain_order="left"
    )
    kept = rows.filter(~pl.col("word").is_in(list(SEATTLE)).fill_null(value=False))
    return kept.with_columns(pl.col("score").alias("grade")).drop("word", "score")


def _superseded(reported: pl.DataFrame, events: pl.DataFrame, certain: pl.DataFrame) -> tuple[int, ...]:
    """Return the reported rows of transplants whose highest severity is certain, and that have a derived event."""
    if not events.height:
        return ()
    keys = certain.select("patient", "course_kind", "course")
    known = events.with_columns(pl.col("course").cast(pl.Int64)).join(keys, on=keys.columns, how="semi")
    return replaced(reported, known)


def _outside(history: History, chronic: pl.DataFrame, inside: pl.DataFrame) -> tuple[Finding, ...]:
    """Find rows of chronic GVHD that follow no transplant, or have no day."""
    left: Any = chronic.join(inside.select("row"), on="row", how="anti")
    if not left.height:
        return ()
    rows = tuple(left["row"].unique().sort().to_list())
    finding = Finding(
        "warning",
        "cgvhd-outside-transplant",
        f"{'1 row' if len(rows) == 1 else f'{len(rows)} rows'} of chronic GVHD cannot be placed after a transplant.",
        mend="Date the rows and the transplants.",
        table="gvhd",
        rows=rows,
        patient_rows=patient_rows(history, left["patient"]),
    )
    return (finding,)
