"""What a grader derives from a history: events, results, and what is remarkable."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final

import polars as pl

from dayzero.errors import Finding
from dayzero.history import History, add_derived

RESULT: Final = {
    "patient": pl.Int64,
    "course_kind": pl.String,
    "course": pl.Int64,
    "day": pl.Float64,
    "grade": pl.Int64,
    "lower": pl.Int64,
    "upper": pl.Int64,
    "evaluable": pl.Boolean,
    "scale": pl.String,
    "drivers": pl.List(pl.String),
    "missing": pl.List(pl.String),
    "findings": pl.List(pl.String),
    "assumptions": pl.List(pl.String),
}
"""The first columns of every table of grades: ``day`` is that of the highest grade."""
NO_EVENTS: Final = pl.DataFrame(schema={"patient": pl.Int64, "event": pl.String, "day": pl.Float64, "value": pl.String})


@dataclass(frozen=True)
class Derived:
    """What one grader has derived.

    Attributes
    ----------
    results
        By name in ``History.graded``: a row a result, uncertain ones too.
    events
        ``patient``, ``event``, ``day``, ``value`` and attribute columns (text), certain results only: an uncertain
        grade is no event, and leaves what was reported as it is.
    superseded
        Rows in the events file in whose place these events count.
    findings
        What a reader must know: where derived and reported differ, what could not be graded.
    """

    results: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    events: pl.DataFrame = field(default_factory=NO_EVENTS.clone)
    superseded: tuple[int, ...] = ()
    findings: tuple[Finding, ...] = ()


def with_derived(history: History, derived: Derived) -> History:
    """Return the history with what was derived beside what was reported."""
    graded = replace(history, graded={**history.graded, **derived.results})
    if not derived.events.height and not derived.superseded:
        return graded
    return add_derived(graded, derived.events, superseded=derived.superseded)


def patient_rows(history: History, patients: pl.Series) -> tuple[int, ...]:
    """Return the rows in the patients file of patients, each once, for a finding."""
    return tuple(int(history.patient_rows[index]) for index in patients.unique().sort())
