"""Checks of orders that are impossible, or that somebody should look at (clinical rule book 0.3)."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from dayzero.checks.evidence import Bools, Evidence, Fault, Floats, Ints, events_fault

WINDOW: Final = (3.0, 14.0)
"""Lymphodepletion starts this many days before its infusion."""


def lymphodepletion_after_infusion(evidence: Evidence) -> Iterable[Fault]:
    """Find lymphodepletion after the last infusion, where that infusion has none of its own.

    Lymphodepletion before a second infusion that never came is no fault: the first infusion had its own.
    """
    rows, infusions = evidence.of("lymphodepletion"), evidence.of("infusion")
    last = evidence.last(infusions)
    before_last = evidence.last(infusions[evidence.day[infusions] < last[evidence.patient[infusions]]])
    patient, day = evidence.patient[rows], evidence.day[rows]
    own = np.zeros(len(last), bool)
    own[patient[(before_last[patient] < day) & (day <= last[patient])]] = True
    wrong = (day > last[patient]) & np.isfinite(last[patient]) & ~own[patient]
    return events_fault(evidence, rows[wrong], "{n} of lymphodepletion {who} after the infusion that it belongs to.")


def lymphodepletion_window(evidence: Evidence) -> Iterable[Fault]:
    """Find lymphodepletion that starts outside days -14 to -3; of daily rows the first is the start."""
    rows, infusions = evidence.of("lymphodepletion"), evidence.of("infusion")
    gap = evidence.first(infusions) - evidence.first(rows)
    once = np.bincount(evidence.patient[infusions], minlength=len(gap)) == 1
    asked = ~(once & (gap >= WINDOW[0]) & (gap <= WINDOW[1]))  # most patients need no second look
    starts, gaps = _starts(evidence, evidence.whose(asked, rows), evidence.whose(asked, infusions))
    outside = starts[(gaps < WINDOW[0]) | (gaps > WINDOW[1])]
    words = "{n} of lymphodepletion {who} starting fewer than 3 or more than 14 days before the infusion."
    return events_fault(evidence, outside, words)


def _starts(evidence: Evidence, rows: Ints, infusions: Ints) -> tuple[Ints, Floats]:
    """Return the first lymphodepletion before each infusion, and the days between them."""
    both = evidence.in_order(np.concatenate([rows, infusions]))  # on one day lymphodepletion comes first
    given = np.flatnonzero(evidence.is_named(both, "infusion"))
    others = np.flatnonzero(~evidence.is_named(both, "infusion"))
    course = np.searchsorted(given, others)
    following = given[np.minimum(course, len(given) - 1)] if len(given) else others
    first = np.append(True, (np.diff(course) > 0) | (np.diff(evidence.patient[both[others]]) > 0))[: len(others)]
    before = first & (following > others) & (evidence.patient[both[following]] == evidence.patient[both[others]])
    starts = both[others[before]]
    return starts, evidence.day[both[following[before]]] - evidence.day[starts]


def apheresis_after_infusion(evidence: Evidence) -> Iterable[Fault]:
    """Find apheresis after the last infusion of a patient who had none before it; donors have theirs elsewhere."""
    rows, last = evidence.of("apheresis"), evidence.last(evidence.of("infusion"))
    late = np.isfinite(last) & (evidence.first(rows) > last)
    return events_fault(evidence, evidence.whose(late, rows), "{n} of apheresis {who} after the infusion.")


def relapse_without_remission(evidence: Evidence) -> Iterable[Fault]:
    """Find relapses after day zero with neither a remission nor a transplant before them."""
    if "response" not in evidence.names:
        return ()
    basis = np.minimum(evidence.first(evidence.remissions), evidence.first(evidence.of("hsct")))
    day_zero = evidence.day_zeros[evidence.protocol.definitions.day_zero]
    rows = evidence.of("relapse")
    patient, day = evidence.patient[rows], evidence.day[rows]
    wrong = (day > day_zero[patient]) & ~(basis[patient] <= day)
    words = "{n} of relapse {who} with neither a remission nor a transplant before; counted as relapse all the same."
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
    """Return (rows,) whether none of the named events came on or before the day; an undated one may have."""
    first = evidence.first(evidence.of(*names))
    for name in names:
        events = evidence.history.named(name, ())
        first[events["patient"].filter(events["day"].is_null()).to_numpy()] = -np.inf
    return np.asarray(first[evidence.patient[rows]] > evidence.day[rows])


def event_before_diagnosis(evidence: Evidence) -> Iterable[Fault]:
    """Find events before the patient's first diagnosis."""
    if "diagnosis" not in evidence.names:
        return ()
    diagnosis = evidence.first(evidence.of("diagnosis"))
    diagnosis[np.isinf(diagnosis)] = -np.inf
    rows = np.flatnonzero(evidence.day < diagnosis[evidence.patient])
    return events_fault(evidence, rows, "{n} {who} before the diagnosis.")
