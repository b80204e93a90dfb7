"""Checks of what is there twice."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from dayzero.checks.evidence import Evidence, Fault, Ints, events_fault


def repeated_death(evidence: Evidence) -> Iterable[Fault]:
    """Find patients who die on two days."""
    twice = evidence.first("death") < evidence.last("death")
    rows = evidence.of("death")
    words = "{n} of death {who}, on different days: the earlier one counts."
    return events_fault(evidence, rows[twice[evidence.patient[rows]]], words)


def duplicate_event(evidence: Evidence) -> Iterable[Fault]:
    """Find events that are there twice with the same day, value and attributes."""
    shared = _equal_days(evidence)
    rows = evidence.events[shared].drop("row", "source")
    words = "{n} {who} stand in the table more than once: a term such as infusion:2 counts each of them."
    return events_fault(evidence, shared[rows.is_duplicated().to_numpy()], words)


def _equal_days(evidence: Evidence) -> Ints:
    """Return the positions of events whose patient has another event, perhaps of another name, on the same day."""
    ordered = np.sort(evidence.key)
    repeated = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    place = np.searchsorted(repeated, evidence.key)
    return np.flatnonzero(np.append(repeated, np.nan)[place] == evidence.key)


def number_out_of_order(evidence: Evidence) -> Iterable[Fault]:
    """Find events whose given numbers, 1st, 2nd of their kind, are not in the order of their days."""
    numbers = evidence.events["number"]
    given = np.flatnonzero(numbers.is_not_null().to_numpy())
    if not len(given):
        return ()
    rows = evidence.events[given].select("patient", "event", "number", "day", position=pl.Series(given))
    rows = rows.sort("patient", "event", "number", "day", maintain_order=True)
    kind = ["patient", "event"]
    earlier = pl.col("day") < pl.col("day").shift().over(kind)
    repeated = (pl.col("number") == pl.col("number").shift().over(kind)) & (
        pl.col("day") > pl.col("day").shift().over(kind)
    )
    wrong = rows.filter(earlier | repeated)["position"].to_numpy()
    words = "{n} {who} whose number does not follow the days: a term such as infusion:2 goes by the number."
    return events_fault(evidence, np.sort(wrong), words)
