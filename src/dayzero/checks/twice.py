"""Checks of what is told twice, and differently; and of patients of whom nothing is told."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import polars as pl

from dayzero.checks.evidence import NONE, Bools, Evidence, Fault, Floats, Ints, events_fault, patients_fault
from dayzero.checks.intervals import CELLS, ENGRAFTED, days_before

TRANSPLANTS_APART: Final = 14.0
"""Two transplants of one patient are more days apart than this, and more than one, for a graft is given in parts."""
ASSESSED: Final = ("response", "mrd", "crs", "icans", "agvhd", "cgvhd")


def repeated_event(evidence: Evidence) -> Iterable[Fault]:
    """Find what happens once, on two days: diagnosis, engraftment after one transplant, a relapse, a transplant."""
    kinds = (
        ("diagnosis", _again(evidence, "diagnosis")),
        *((name, _again(evidence, name, "hsct", "boost")) for name in ENGRAFTED),
        ("relapse", _again(evidence, "relapse", "response", "mrd", "bridging", "new_therapy", *CELLS)),
        ("hsct", _transplants(evidence)),
    )
    words = "{n} of %s {who}, which happens once, on different days: terms take the first."
    return [fault for name, rows in kinds for fault in events_fault(evidence, rows, words % name)]


def _again(evidence: Evidence, name: str, *between: str) -> Ints:
    """Return the events of a name that follow another of it with nothing of some others between them, and that one."""
    rows = evidence.in_order(evidence.of(name))
    since = days_before(evidence, rows, evidence.of(*between))
    same, days = _pairs(evidence, rows)
    again = same & (days > 0) & ~(since[1:] > evidence.day[rows[:-1]]) if len(rows) else same
    return _both(rows, again)


def _transplants(evidence: Evidence) -> Ints:
    rows = evidence.in_order(evidence.of("hsct"))
    same, days = _pairs(evidence, rows)
    return _both(rows, same & (days > 1) & (days <= TRANSPLANTS_APART))


def _pairs(evidence: Evidence, rows: Ints) -> tuple[Bools, Floats]:
    """Return (rows - 1,) whether each event in order is of the patient of the one before, and the days between."""
    return np.diff(evidence.patient[rows]) == 0, np.diff(evidence.day[rows])


def _both(rows: Ints, again: Bools) -> Ints:
    chosen = np.append(again, False) | np.append(False, again) if len(rows) else np.zeros(0, bool)
    return np.asarray(rows[chosen])


def duplicate_differs(evidence: Evidence) -> Iterable[Fault]:
    """Find assessments of one patient on one day that differ in their value, and in nothing else."""
    rows = np.concatenate([NONE, *(evidence.of(name) for name in ASSESSED)])
    table = evidence.events[rows].drop("row", "source", "number")
    alike = table.drop("value").is_duplicated() & table["value"].is_not_null()
    rows, table = rows[alike.to_numpy()], table.filter(alike)
    values = table.select(pl.col("value").n_unique().over([name for name in table.columns if name != "value"]))
    words = "{n} {who} tell one day twice, with different values: a term takes the one that it asks for."
    return events_fault(evidence, np.sort(rows[(values.to_series() > 1).to_numpy()]), words)


def patient_without_events(evidence: Evidence) -> Iterable[Fault]:
    """Find patients who are in the patients file only."""
    everybody = evidence.history.events["patient"].unique().to_numpy()
    if not len(everybody):
        return ()
    silent = np.isnan(evidence.history.end)
    silent[everybody] = False
    return patients_fault(np.flatnonzero(silent), "{n} without any event: in the patients file only.")
