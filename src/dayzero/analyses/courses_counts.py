"""The courses that patients had: how many, when, of which product, and in which sequence."""

from typing import Final

import numpy as np
import polars as pl

from dayzero.analyses.denominators import spread, tally
from dayzero.estimate import Estimate, concat
from dayzero.grading.courses import courses
from dayzero.history import History
from dayzero.spells import Floats

KINDS: Final = ("infusion", "hsct", "dli", "boost")
LATER: Final = "known_later: groups by what came after day zero are described, never compared"
_ORDER: Final = {"relapse": 0, "progression": 0}
"""On one day the relapse comes before what is given for it."""
ARROW: Final = " > "


def later_courses(history: History, origin: Floats) -> pl.DataFrame:
    """Return the courses from day zero on, with ``since``: days from it."""
    zero = pl.DataFrame(
        {"patient": range(len(origin)), "zero": origin}, schema={"patient": pl.Int64, "zero": pl.Float64}
    ).filter(pl.col("zero").is_finite())
    opened = courses(history, KINDS).join(zero, on="patient")
    return opened.with_columns((pl.col("day") - pl.col("zero")).alias("since")).filter(pl.col("since") >= 0)


def count_courses(history: History, origin: Floats) -> Estimate:
    """Return, course by course, how many patients, the days from day zero, products, and kinds of transplant."""
    opened, n = later_courses(history, origin), int(np.isfinite(origin).sum())
    parts = []
    for (kind, number), rows in opened.sort("kind", "course").group_by("kind", "course", maintain_order=True):
        term = f"{kind}:{number}"
        once = rows.unique("patient", keep="first", maintain_order=True)
        parts += [tally(once.height, term, of=n), spread(once["since"].to_numpy(), term)]
        parts += [_split(once, term, name) for name in ("product", "subtype") if name in once.columns]
    order = {kind: place for place, kind in enumerate(KINDS)}
    return concat(sorted(parts, key=lambda part: _place(part, order)))


def _place(part: Estimate, order: dict[str, int]) -> tuple[int, int]:
    if not len(part):
        return (len(order), 0)
    kind, _, number = str(part.rows["term"][0]).partition("[")[0].partition(":")
    return (order[kind], int(number))


def _split(rows: pl.DataFrame, term: str, column: str) -> Estimate:
    """Return how many patients of a course had each product, or each kind of transplant; nothing where nobody says."""
    words = rows[column].str.strip_chars().replace("", None)
    if words.null_count() == len(words):
        return concat(())
    found = words.fill_null("not stated").value_counts().sort("count", column, descending=[True, False])
    name = "kind" if column == "subtype" else column
    return concat(tally(k, f"{term}[{name}={word}]", of=rows.height) for word, k in found.iter_rows())


def count_sequences(history: History, origin: Floats) -> Estimate:
    """Return how many patients had each sequence of courses and relapses from day zero on."""
    n = int(np.isfinite(origin).sum())
    given = later_courses(history, origin).select(
        "patient", "day", pl.col("kind").alias("event"), pl.lit(1).alias("rank")
    )
    relapses = _relapses(history, origin)
    both = pl.concat([given, relapses]).sort("patient", "day", "rank", maintain_order=True)
    told = both.group_by("patient", maintain_order=True).agg(pl.col("event").str.join(ARROW).alias("sequence"))
    found = told["sequence"].value_counts().sort("count", "sequence", descending=[True, False])
    rows = [tally(k, f"sequence={words}", of=n, warning=LATER) for words, k in found.iter_rows()]
    left = n - told.height
    return concat([*rows, *([tally(left, "sequence=none", of=n, warning=LATER)] if left else [])])


def _relapses(history: History, origin: Floats) -> pl.DataFrame:
    """Return the relapses after day zero, progressions among them, one a day."""
    rows = pl.concat([history.named(name, ()).select("patient", "day") for name in _ORDER]).drop_nulls()
    zero = pl.DataFrame({"patient": range(len(origin)), "zero": origin}, schema_overrides={"patient": pl.Int64})
    after = rows.join(zero.filter(pl.col("zero").is_finite()), on="patient").filter(pl.col("day") > pl.col("zero"))
    once = after.unique(["patient", "day"], keep="first", maintain_order=True)
    return once.select("patient", "day", pl.lit("relapse").alias("event"), pl.lit(0).alias("rank"))
