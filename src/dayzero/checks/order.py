"""Checks of orders that are impossible, or that somebody should look at (clinical rule book 0.3)."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from dayzero.checks.evidence import Bools, Evidence, Fault, Ints, events_fault, remission_rows

WINDOW: Final = (3.0, 14.0)
"""Lymphodepletion starts this many days before its infusion."""


def lymphodepletion_after_infusion(evidence: Evidence) -> Iterable[Fault]:
    """Find lymphodepletion after the last infusion, where that infusion has none of its own.

    Lymphodepletion before a second infusion that never came is no fault: the first infusion had its own.
    """
    rows, infusion, n = _with_infusions(evidence, "lymphodepletion")
    own = np.unique(evidence.patient[rows[infusion == n - 1]])
    wrong = (n > 0) & (infusion == n) & ~np.isin(evidence.patient[rows], own)
    words = "{n} of lymphodepletion {who} after the infusion that it belongs to."
    return events_fault(evidence, rows[wrong], words)


def lymphodepletion_window(evidence: Evidence) -> Iterable[Fault]:
    """Find lymphodepletion that starts outside days -14 to -3; of daily rows the first is the start."""
    rows, infusion, n = _with_infusions(evidence, "lymphodepletion")
    new = np.diff(evidence.patient[rows], prepend=-1).astype(bool) | np.diff(infusion, prepend=-1).astype(bool)
    starts = np.flatnonzero(new & (infusion < n))
    given = evidence.in_order(evidence.of("infusion"))
    first = np.searchsorted(evidence.patient[given], evidence.patient[rows[starts]])
    gap = evidence.day[given[first + infusion[starts]]] - evidence.day[rows[starts]]
    outside = (gap < WINDOW[0]) | (gap > WINDOW[1])
    words = "{n} of lymphodepletion {who} starting fewer than 3 or more than 14 days before the infusion."
    return events_fault(evidence, rows[starts[outside]], words)


def apheresis_after_infusion(evidence: Evidence) -> Iterable[Fault]:
    """Find apheresis after the last infusion of a patient who had none before it; donors have theirs elsewhere."""
    rows, infusion, n = _with_infusions(evidence, "apheresis")
    before = np.unique(evidence.patient[rows[infusion < n]])
    wrong = (n > 0) & (infusion == n) & ~np.isin(evidence.patient[rows], before)
    return events_fault(evidence, rows[wrong], "{n} of apheresis {who} after the only infusion.")


def _with_infusions(evidence: Evidence, name: str) -> tuple[Ints, Ints, Ints]:
    """Return the events of a name in order, how many infusions lie before each, and how many the patient has."""
    rows, infusions = evidence.in_order(evidence.of(name)), evidence.of("infusion")
    n = np.bincount(evidence.patient[infusions], minlength=len(evidence.history))
    first = np.concatenate(([0], np.cumsum(n)))[evidence.patient[rows]]
    before = np.searchsorted(np.sort(evidence.key[infusions]), evidence.key[rows]) - first
    return rows, before, n[evidence.patient[rows]]


def relapse_without_remission(evidence: Evidence) -> Iterable[Fault]:
    """Find relapses after day zero with neither a remission nor a transplant before them."""
    if "response" not in evidence.names:
        return ()
    basis = np.minimum(evidence.first_at(remission_rows(evidence)), evidence.first("hsct"))
    day_zero = evidence.day_zeros[evidence.protocol.definitions.day_zero]
    rows = evidence.of("relapse")
    patient, day = evidence.patient[rows], evidence.day[rows]
    with np.errstate(invalid="ignore"):
        wrong = (day > day_zero[patient]) & ~(basis[patient] <= day)
    words = "{n} of relapse {who} without a remission or a transplant before: is it non-response or progression?"
    return events_fault(evidence, rows[wrong], words)


def engraftment_before_transplant(evidence: Evidence) -> Iterable[Fault]:
    """Find engraftment without a transplant on or before its day, in data that have transplants."""
    if "hsct" not in evidence.names:
        return ()
    rows = evidence.of("neutrophil_engraftment", "platelet_engraftment")
    words = "{n} of engraftment {who} without a transplant before: whatever counts from the transplant ignores it."
    return events_fault(evidence, rows[_unprepared(evidence, rows, "hsct", "boost")], words)


def gvhd_without_transplant(evidence: Evidence) -> Iterable[Fault]:
    """Find graft-versus-host disease with no transplant, donor lymphocytes or CAR-T infusion on or before its day."""
    rows = evidence.of("agvhd", "cgvhd")
    words = "{n} of GVHD {who} without a transplant, donor lymphocytes or CAR-T infusion before."
    return events_fault(evidence, rows[_unprepared(evidence, rows, "hsct", "dli", "infusion", "boost")], words)


def _unprepared(evidence: Evidence, rows: Ints, *names: str) -> Bools:
    return np.asarray(evidence.first(*names)[evidence.patient[rows]] > evidence.day[rows])


def event_before_diagnosis(evidence: Evidence) -> Iterable[Fault]:
    """Find events before the patient's first diagnosis."""
    if "diagnosis" not in evidence.names:
        return ()
    diagnosis = evidence.first("diagnosis")
    diagnosis[np.isinf(diagnosis)] = -np.inf
    rows = np.flatnonzero(evidence.day < diagnosis[evidence.patient])
    return events_fault(evidence, rows, "{n} {who} before the diagnosis.")
