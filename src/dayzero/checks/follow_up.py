"""Checks of the end of follow-up: death, last contact, cutoff."""

from collections.abc import Iterable

import numpy as np
import polars as pl

from dayzero.checks.evidence import Evidence, Fault, Floats, events_fault, patients_fault
from dayzero.checks.names import duration_unit, event_named

ENDS = ("death", "last_contact")


def no_follow_up(evidence: Evidence) -> Iterable[Fault]:
    """Find patients whose last day is unknown."""
    words = "{n} without a dated death or last contact: left out of every analysis."
    return patients_fault(np.flatnonzero(np.isnan(evidence.history.end)), words)


def event_after_death(evidence: Evidence) -> Iterable[Fault]:
    """Find what happened to the dead, a last contact included."""
    rows = evidence.whose(np.isfinite(evidence.death), evidence.beyond)
    words = "{n} {who} after death: follow-up ends at the death, and what is dated later is not used."
    return events_fault(evidence, rows[~evidence.is_named(rows, "death")], words)


def event_after_last_contact(evidence: Evidence) -> Iterable[Fault]:
    """Find what happened to the living after they were last seen."""
    rows = evidence.whose(np.isinf(evidence.death), evidence.beyond)
    return events_fault(evidence, rows, "{n} {who} after the last contact: not used.")


def event_after_cutoff(evidence: Evidence) -> Iterable[Fault]:
    """Report how many events the cutoff has put aside."""
    dropped = evidence.history.dropped_after_cutoff
    words = "1 event lies" if dropped == 1 else f"{dropped:,} events lie"
    return (Fault(f"{words} after the data cutoff and are not used."),) if dropped else ()


def follow_up_beyond_cutoff(evidence: Evidence) -> Iterable[Fault]:
    """Report who was followed beyond the cutoff: the cutoff ends it."""
    cutoff = evidence.history.cutoff
    if cutoff is None:
        return ()
    seen = evidence.last(evidence.of(*ENDS))
    beyond = (evidence.history.end == cutoff) & (seen < cutoff)
    words = "{n} followed beyond the data cutoff: censored at the cutoff, also where a later death is known."
    return patients_fault(np.flatnonzero(beyond), words)


def potential_follow_up(evidence: Evidence) -> Iterable[Fault]:
    """Find durations of follow-up in the patients file that do not fit between the first event and the cutoff."""
    cutoff = evidence.history.cutoff
    if cutoff is None or not evidence.history.calendar:
        return ()
    room = cutoff - evidence.first(np.arange(len(evidence.day)))
    return [fault for column in evidence.history.patients for fault in _too_long(column, room)]


def _too_long(column: pl.Series, room: Floats) -> Iterable[Fault]:
    unit = duration_unit(column.name)
    if column.dtype != pl.Float64 or unit is None or event_named(column.name) not in ENDS:
        return ()
    durations = column.fill_null(0.0).to_numpy()
    longer = np.isfinite(room) & ((durations - 1) * unit > room)  # one unit for rounding, and for counting from day 1
    words = f"{{n}} whose follow-up in the column {column.name!r} is longer than from their first event to the cutoff."
    return patients_fault(np.flatnonzero(longer), words, column=column.name)
