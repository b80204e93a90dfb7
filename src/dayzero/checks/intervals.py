"""Checks of the days between events: what is possible, but hardly ever true (clinical rule book 0.3, 3.6)."""

from collections.abc import Iterable
from typing import Final

import numpy as np

from dayzero.checks.evidence import NONE, Bools, Evidence, Fault, Floats, Ints, events_fault

ENGRAFTMENT: Final = (5.0, 100.0)
"""Days from the last transplant within which counts recover."""
CRS_WITHIN: Final = 60.0
"""Days from the last cells given within which their acute toxicity begins."""
YEARS_LATER: Final = 5 * 365.25
YEAR: Final = (365.0, 366.0)
OUTCOMES: Final = frozenset({"relapse", "mrd_relapse", "progression", "death", "last_contact", "second_cancer"})
"""Events that come on any day, and late: a long wait for one is a slip only where all others lie close together."""
FEW: Final = 10
"""Patients whose days show what is usual of an event."""
NARROW: Final = 300.0
NARROW_OUTCOME: Final = 60.0
SLACK: Final = 30.0

CELLS: Final = ("infusion", "hsct", "dli", "boost")
ENGRAFTED: Final = ("neutrophil_engraftment", "platelet_engraftment")


def engraftment_window(evidence: Evidence) -> Iterable[Fault]:
    """Find engraftment fewer than 5 or more than 100 days after the transplant before it."""
    rows = evidence.of(*ENGRAFTED)
    gap = evidence.day[rows] - days_before(evidence, rows, evidence.of("hsct", "boost"))
    odd = np.isfinite(gap) & ((gap < ENGRAFTMENT[0]) | (gap > ENGRAFTMENT[1]))
    words = "{n} of engraftment {who} fewer than 5 or more than 100 days after the transplant."
    return events_fault(evidence, rows[odd], words)


def crs_window(evidence: Evidence) -> Iterable[Fault]:
    """Find CRS and ICANS before any infusion, or more than 60 days after the last cells given, in whom cells were."""
    rows, given = evidence.of("crs", "icans"), evidence.of(*CELLS)
    has = (np.isfinite(evidence.first(given)) & ~_undated(evidence, *CELLS))[evidence.patient[rows]]
    gap = evidence.day[rows] - days_before(evidence, rows, given)
    words = "{n} of CRS or ICANS {who} before the infusion, or more than 60 days after it."
    return events_fault(evidence, rows[has & ~(gap <= CRS_WITHIN)], words)


def transplant_years_later(evidence: Evidence) -> Iterable[Fault]:
    """Find transplants more than 5 years after the infusion before them."""
    rows = evidence.of("hsct")
    gap = evidence.day[rows] - days_before(evidence, rows, evidence.of("infusion"))
    words = "{n} of transplant {who} more than 5 years after the infusion before."
    return events_fault(evidence, rows[np.isfinite(gap) & (gap > YEARS_LATER)], words)


def year_slip(evidence: Evidence) -> Iterable[Fault]:
    """Find events that lie far from where all others of their kind lie, and among them one year earlier or later."""
    day_zero = evidence.day_zeros[evidence.protocol.definitions.day_zero]
    since = evidence.day - day_zero[evidence.patient]
    widths = {name: NARROW_OUTCOME if name in OUTCOMES else NARROW for name in evidence.rows}
    found = np.concatenate([NONE, *(rows[_slips(since[rows], widths[name])] for name, rows in evidence.rows.items())])
    words = "{n} {who} on a day that is unusual for the event, and usual one year earlier or later."
    return events_fault(evidence, np.sort(found), words)


def _slips(since: Floats, narrow: float) -> Bools:
    """Return (events,) which days from day zero are the only ones of their kind, but for a slip of one year."""
    dated = since[np.isfinite(since)]
    slips = np.zeros(len(since), bool)
    if len(dated) < FEW:
        return slips
    low, high = np.quantile(dated, [0.1, 0.9])
    outside = np.isfinite(since) & ((since < low - SLACK) | (since > high + SLACK))
    if high - low > narrow or outside.sum() > max(2, 0.05 * len(dated)):
        return slips
    inside = since[np.isfinite(since) & ~outside]
    moved = [since + sign * slip for slip in YEAR for sign in (-1, 1)]
    usual = np.any([(inside.min() <= days) & (days <= inside.max()) for days in moved], axis=0)
    return np.asarray(outside & usual)


def days_before(evidence: Evidence, rows: Ints, others: Ints) -> Floats:
    """Return (rows,) the day of the last of the other events on or before each event's day; -inf where none."""
    before = np.full(len(rows), -np.inf)
    if not len(rows) or not len(others):
        return before
    both = evidence.in_order(np.concatenate([others, rows]))  # on one day the others come first
    last, position = np.full(len(both), -1), np.arange(len(both))
    other = np.isin(both, others)
    last = np.maximum.accumulate(np.where(other, position, -1))
    own = (last >= 0) & (evidence.patient[both[last]] == evidence.patient[both])
    day = np.where(own, evidence.day[both[last]], -np.inf)
    found = np.full(len(evidence.day), -np.inf)
    found[both[~other]] = day[~other]
    return np.asarray(found[rows])


def _undated(evidence: Evidence, *names: str) -> Bools:
    """Return (patients,) who has an undated event of these names: it may have come before."""
    undated = np.zeros(len(evidence.history), bool)
    for name in names:
        events = evidence.history.named(name, ())
        undated[events["patient"].filter(events["day"].is_null()).to_numpy()] = True
    return undated
