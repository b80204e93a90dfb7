"""Checks of what is there twice."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from dayzero.checks.evidence import NONE, Evidence, Fault, Ints, events_fault


def repeated_death(evidence: Evidence) -> Iterable[Fault]:
    """Find patients who die on two days."""
    rows = evidence.of("death")
    rows = evidence.whose(evidence.death < evidence.last(rows), rows)
    return events_fault(evidence, rows, "{n} of death {who}, on different days: the earlier one counts.")


def duplicate_event(evidence: Evidence) -> Iterable[Fault]:
    """Find events that are there twice with the same day, value and attributes."""
    shared = np.concatenate([NONE, *(_on_one_day(evidence, rows) for rows in evidence.rows.values())])
    rows = evidence.events[shared].drop("row", "source")
    words = "{n} {who} stand in the table more than once: a term such as infusion:2 counts each of them."
    return events_fault(evidence, shared[rows.is_duplicated().to_numpy()], words)


def _on_one_day(evidence: Evidence, rows: Ints) -> Ints:
    """Return those of some events that share patient and day with another."""
    several = np.bincount(evidence.patient[rows], minlength=len(evidence.history)) > 1
    rows = evidence.in_order(evidence.whose(several, rows))
    same = np.diff(evidence.key(rows)) == 0
    return rows[np.append(same, False) | np.append(False, same)[: len(rows)]] if len(rows) else rows


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
