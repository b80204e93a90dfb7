"""What the events file reports of what a grader derives: in which course, with which grade, and where they differ."""

from collections.abc import Sequence
from typing import Final

import polars as pl

from dayzero.errors import Finding
from dayzero.grading.courses import in_courses
from dayzero.grading.derived import patient_rows
from dayzero.grading.frames import COURSE
from dayzero.history import History

ROMAN: Final = {"0": 0, "i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5}


def reported_in(
    history: History, event: str, opened: pl.DataFrame, *, kinds: Sequence[str], first_day: int = 0
) -> pl.DataFrame:
    """Return the reported rows of an event, each with its course.

    Parameters
    ----------
    history
        What happened.
    event
        Its name.
    opened
        As ``courses`` returns them.
    kinds
        Courses to which such an event can belong; the first is meant where an event names a course without its kind.
    first_day
        As for ``in_courses``.

    Returns
    -------
    DataFrame
        ``patient``, ``day``, ``row``, ``grade`` (Int64 from 2, II or "grade 2"; null where it is no grade), ``scale``,
        ``course_kind`` and ``course``. The course is the attribute ``course``; else that in which the day lies; else,
        where there is no day, ``number``. It is null where none of them tells.
    """
    events = history.events
    for name in ("course", "course_kind", "scale"):
        if name not in events.columns:
            events = events.with_columns(pl.lit(None, pl.String).alias(name))
    mine = events.filter((pl.col("event") == event) & (pl.col("source") == "reported"))
    told = pl.col("course").cast(pl.Int64, strict=False)
    undated = pl.when(pl.col("day").is_null()).then("number")
    rows = mine.select(
        "patient",
        "day",
        "row",
        grade_of(pl.col("value")).alias("grade"),
        pl.col("scale").str.strip_chars().str.to_lowercase(),
        pl.coalesce(told, undated).alias("told"),
        pl.when(told.is_not_null()).then("course_kind").fill_null(kinds[0]).alias("told_kind"),
    )
    dated = in_courses(rows.select("patient", "day", "row"), opened, kinds=kinds, first_day=first_day)
    both = rows.join(dated.select("row", "course_kind", "course"), on="row", how="left", maintain_order="left")
    is_told = pl.col("told").is_not_null()
    chosen = both.with_columns(
        pl.when(is_told).then("told_kind").otherwise("course_kind").alias("course_kind"),
        pl.coalesce("told", "course").alias("course"),
    )
    return chosen.select("patient", "day", "row", "grade", "scale", "course_kind", "course")


def grade_of(value: pl.Expr) -> pl.Expr:
    """Return the grade that a text states: 2, 2.0, II or "grade 2"; null where it is none.

    Examples
    --------
    >>> pl.Series("value", ["2", " III", "grade 1", "II-IV", None]).to_frame().select(grade_of(pl.col("value")))[
    ...     "value"
    ... ].to_list()
    [2, 3, 1, None, None]
    """
    bare = value.str.strip_chars().str.to_lowercase().str.replace(r"^grade\s*", "")
    number = bare.cast(pl.Float64, strict=False)
    whole = pl.when(number.is_between(0, 5) & (number == number.round())).then(number).cast(pl.Int64)
    return pl.coalesce(whole, bare.replace_strict(ROMAN, default=None, return_dtype=pl.Int64))


def replaced(reported: pl.DataFrame, derived: pl.DataFrame) -> tuple[int, ...]:
    """Return the rows of reported events whose course has a derived one.

    Parameters
    ----------
    reported
        As :func:`reported_in` returns them.
    derived
        ``patient``, ``course_kind`` and ``course`` of the derived events.
    """
    keys = derived.select("patient", "course_kind", pl.col("course").cast(pl.Int64)).unique()
    return tuple(reported.join(keys, on=list(COURSE), how="semi")["row"].sort().to_list())


def differing(reported: pl.DataFrame, results: pl.DataFrame, *, scale: str) -> pl.DataFrame:
    """Return the reported rows of the courses whose highest reported grade lies outside what was derived.

    Parameters
    ----------
    reported
        As :func:`reported_in` returns them; those of another scale are not compared.
    results
        ``patient``, ``course_kind``, ``course``, ``lower`` and ``upper``.
    scale
        In which the results are.
    """
    same = (pl.col("scale").fill_null(scale) == scale) & pl.col("grade").is_not_null()
    highest = reported.filter(same).with_columns(pl.col("grade").max().over(COURSE).alias("most"))
    joined = highest.join(results.select(*COURSE, "lower", "upper"), on=list(COURSE))
    return joined.filter((pl.col("most") < pl.col("lower")) | (pl.col("most") > pl.col("upper")))


def differs(history: History, rows: pl.DataFrame, *, code: str, what: str) -> tuple[Finding, ...]:
    """Return the finding that reported rows differ from what was derived; none where there are no rows.

    Parameters
    ----------
    history
        Whose.
    rows
        ``patient`` and ``row`` of the reported events.
    code, what
        Of the finding; what is reported, for its sentence.
    """
    if not rows.height:
        return ()
    n = rows["patient"].n_unique()
    who = "1 patient" if n == 1 else f"{n} patients"
    message = f"{what} of {who} as reported lies outside what the tables give: what is derived counts where certain."
    found = Finding(
        "warning",
        code,
        message,
        mend="Hold both against the chart; NAME@reported chooses what was reported.",
        table="events",
        rows=tuple(rows["row"].sort().to_list()),
        patient_rows=patient_rows(history, rows["patient"]),
    )
    return (found,)
