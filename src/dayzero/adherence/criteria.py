"""Eligibility: each criterion met, not met or unknown, and whether a patient was eligible.

The logic is Kleene's: a patient is eligible where every inclusion criterion is met and no exclusion criterion, is not
where one of them fails, and otherwise nobody knows. What is missing never counts as met.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import Final

import numpy as np
import polars as pl

from dayzero.adherence.courses import follow_courses, start_days
from dayzero.adherence.decisions import missing_columns
from dayzero.adherence.given import Floats
from dayzero.endpoints import first_day
from dayzero.grading.truth import COMPARISONS, Truth, known, unknown
from dayzero.history import History
from dayzero.protocol import Protocol, parse_term
from dayzero.protocol.plan import Criterion

_SIGNS: Final = {"at_least": ">=", "above": ">", "below": "<", "at_most": "<="}
SCHEMA: Final = {"patient": pl.Int64, **dict.fromkeys(("criterion", "kind", "status", "eligible"), pl.String)}
WORDS_ALONE: Final = "stated in words alone"


@dataclass(frozen=True)
class Checked:
    """A criterion in every patient.

    Attributes
    ----------
    criterion
        As planned.
    met
        (patients,) whether its predicate holds; of an exclusion, too.
    why
        Why nobody can be judged; empty where somebody can.
    """

    criterion: Criterion
    met: Truth
    why: str = ""

    @property
    def passed(self) -> Truth:
        """(patients,) whether it speaks for the patient: met, or for an exclusion not met."""
        return self.met if self.criterion.kind == "inclusion" else ~self.met


def check_criteria(history: History, protocol: Protocol) -> tuple[Checked, ...]:
    """Return every criterion of a protocol in every patient; without a criterion nothing.

    A criterion about an event without ``before`` is judged on the day on which the plan starts: enrolment, or else the
    first course.
    """
    if not protocol.eligibility:
        return ()
    first = follow_courses(history, protocol)[0].given.day if protocol.courses else np.full(len(history), np.inf)
    start = start_days(history, first)
    return tuple(_checked(history, each, start) for each in protocol.eligibility)


def eligible(checked: tuple[Checked, ...], n: int) -> Truth:
    """Return (patients,) whether every criterion speaks for the patient; unknown where one is and none fails."""
    return reduce(and_, (each.passed for each in checked), known(np.ones(n, bool)))


def eligibility_table(checked: tuple[Checked, ...], n: int) -> pl.DataFrame:
    """Return a row a patient and criterion: ``patient, criterion, kind, status, eligible``.

    ``status`` is ``met``, ``not met`` or ``unknown``; ``eligible``, the same in all rows of a patient, ``yes``, ``no``
    or ``unknown``.
    """
    overall = _words(eligible(checked, n), "yes", "no")
    frames = [
        pl.DataFrame(
            {"patient": np.arange(n), "criterion": [each.criterion.criterion] * n, "kind": [each.criterion.kind] * n,
             "status": _words(each.met, "met", "not met"), "eligible": overall}
        )
        for each in checked
    ]  # fmt: skip
    return pl.concat([pl.DataFrame(schema=SCHEMA), *frames]).sort("patient", maintain_order=True)


def _words(truth: Truth, yes: str, no: str) -> list[str]:
    return [str(word) for word in np.select([truth.yes, truth.no], [yes, no], "unknown")]


def _checked(history: History, criterion: Criterion, start: Floats) -> Checked:
    if criterion.column:
        return _of_column(history, criterion)
    if criterion.event:
        return _of_event(history, criterion, start)
    return Checked(criterion, unknown(len(history)), WORDS_ALONE)


def _of_column(history: History, criterion: Criterion) -> Checked:
    nobody = unknown(len(history))
    if criterion.column not in history.patients.columns:
        return Checked(criterion, nobody, f"the patients file has no column {criterion.column!r}")
    column = history.patients[criterion.column]
    if criterion.values:
        return Checked(criterion, _among(column, criterion.values))
    if column.dtype != pl.Float64:
        return Checked(criterion, nobody, f"the column {criterion.column!r} is not numeric")
    values = column.fill_null(np.nan).to_numpy()
    return Checked(criterion, reduce(and_, _compared(values, criterion)))


def _compared(values: Floats, criterion: Criterion) -> Iterator[Truth]:
    for name, limit in criterion.bounds.items():
        yield COMPARISONS[_SIGNS[name]](values, limit)


def _among(column: pl.Series, values: tuple[str, ...]) -> Truth:
    """Return whether a cell is one of the values; numbers compare as numbers, texts whatever their case."""
    if column.dtype == pl.Float64:
        wanted = [float(value) for value in values if _is_number(value)]
        told, same = column.is_not_null(), column.is_in(wanted)
    else:
        texts = column.cast(pl.String).str.strip_chars().str.to_lowercase()
        told, same = texts.is_not_null() & (texts != ""), texts.is_in([value.strip().lower() for value in values])
    yes, known_cells = same.fill_null(value=False).to_numpy(), told.fill_null(value=False).to_numpy()
    return Truth(yes & known_cells, ~yes & known_cells)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _of_event(history: History, criterion: Criterion, start: Floats) -> Checked:
    """Judge whether the event is on or before ``before``; where nobody has such an event, whether it was asked."""
    term = parse_term(criterion.event)
    absent = missing_columns(history, term)
    if absent:
        return Checked(criterion, unknown(len(history)), f"the events have no column {absent[0]!r}")
    if not history.named(term.name, ()).height:
        return Checked(criterion, unknown(len(history)), f"the study records no {term.name}")
    by = first_day(history, parse_term(criterion.before)) if criterion.before else start
    by = np.where(np.isneginf(by), np.inf, by)
    day = first_day(history, term)
    with np.errstate(invalid="ignore"):
        judged = np.isfinite(by) | (day <= start) if criterion.before else True  # of who never had it nobody knows
        happened = Truth(np.isfinite(day) & (day <= by) & judged, (day > by) | np.isposinf(day))
    return Checked(criterion, ~happened if criterion.absent else happened)
