"""One rule of the protocol, held against every patient."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
import polars as pl

from dayzero.adherence.courses import Followed
from dayzero.adherence.given import Bools, Floats, Ints
from dayzero.grading.truth import Truth
from dayzero.history import History

Rule = Literal["window", "order", "missing", "dose", "product", "lymphodepletion", "decision", "not_planned", "visit"]
SCHEMA: Final = {
    "patient": pl.Int64,
    "course": pl.String,
    "rule": pl.String,
    "day": pl.Float64,
    "planned": pl.String,
    "observed": pl.String,
    "row": pl.Int64,
}


@dataclass(frozen=True)
class Judged:
    """A rule of one course, or of one visit.

    Attributes
    ----------
    rule
        Its name.
    course
        The course, or the visit, in words.
    planned
        What the protocol says, in words.
    asked
        (patients,) to whom the rule applies: they had the course, or it was due.
    kept
        (patients,) whether they kept it; unknown where neither.
    observed
        What happened instead, in words, by index of the patient; only those who did not keep it are asked for.
    day, row
        (patients,) of what happened; NaN and 0 where nothing did.
    unchecked
        Why nobody can be judged; empty where somebody can.
    """

    rule: Rule
    course: str
    planned: str
    asked: Bools
    kept: Truth
    observed: Callable[[int], str] = str
    day: Floats = field(default_factory=lambda: np.zeros(0))
    row: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    unchecked: str = ""

    @property
    def wrong(self) -> Bools:
        """(patients,) who deviate."""
        return self.asked & self.kept.no

    @property
    def judged(self) -> Bools:
        """(patients,) of whom it is known."""
        return self.asked & ~self.kept.unknown

    @property
    def unknown(self) -> Bools:
        """(patients,) to whom the rule applies, and nobody knows."""
        return self.asked & self.kept.unknown


def judge_given(each: Followed, rule: Rule, *, planned: str, kept: Truth, observed: Callable[[int], str]) -> Judged:
    """Return a rule about a course that was given, judged in those who had it; an undated one is unknown."""
    given = each.given
    return Judged(rule, each.course.name, planned, given.dated, kept, observed, given.day, given.row)


def unchecked(history: History, rule: Rule, course: str, *, planned: str, why: str) -> Judged:
    """Return a rule by which nobody can be judged."""
    nobody = np.zeros(len(history), bool)
    return Judged(rule, course, planned, nobody, Truth(nobody, nobody), unchecked=why)


def listing(judged: tuple[Judged, ...]) -> pl.DataFrame:
    """Return every deviation: a row a patient and rule, with the columns of :data:`SCHEMA`."""
    frames = [_listed(each) for each in judged]
    everything = pl.concat([pl.DataFrame(schema=SCHEMA), *frames])
    return everything.sort("patient", maintain_order=True)


def _listed(each: Judged) -> pl.DataFrame:
    who = np.flatnonzero(each.wrong)
    if not len(who):
        return pl.DataFrame(schema=SCHEMA)
    day = each.day[who]
    return pl.DataFrame(
        {
            "patient": who,
            "course": [each.course] * len(who),
            "rule": [each.rule] * len(who),
            "day": np.where(np.isfinite(day), day, np.nan),
            "planned": [each.planned] * len(who),
            "observed": [each.observed(int(patient)) for patient in who],
            "row": each.row[who],
        },
        schema=SCHEMA,
    ).with_columns(pl.col("day").fill_nan(None), pl.when(pl.col("row") > 0).then("row").alias("row"))
