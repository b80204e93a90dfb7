"""Checks of the dates as such: defaults of software, dates that somebody filled in, dates beyond all others."""

from collections.abc import Iterable, Sequence
from typing import Final

import numpy as np
from scipy.special import bdtrc

from dayzero.checks.evidence import Bools, Evidence, Fault, Ints, events_fault

DEFAULTS: Final = ("1899-12-30", "1899-12-31", "1900-01-01", "1904-01-01", "1970-01-01", "9999-12-31")
"""What spreadsheets, Unix and data bases write where there is no date."""
CHANCE: Final = 1e-6
LEAST: Final = 5
SHARED: Final = 0.2
YEAR: Final = 365.25
FEW: Final = 0.02
ENDS: Final = ("last_contact", "death")

Habit = tuple[str, Bools, float]


def default_date(evidence: Evidence) -> Iterable[Fault]:
    """Find the dates that software writes where there is none."""
    if not evidence.history.calendar:
        return ()
    days = [float(np.datetime64(text, "D").astype(np.int64)) for text in DEFAULTS]
    rows = np.flatnonzero(np.isin(evidence.day, days))
    return events_fault(evidence, rows, "{n} {who} on a date that software writes where there is none.")


def shared_date(evidence: Evidence) -> Iterable[Fault]:
    """Find a date on which the same event happened to many: at least 5 patients, and 1 in 5 of those who had it.

    The status of everybody is often asked on one day: deaths and last contacts are not looked at.
    """
    names = [name for name in evidence.names if name not in ENDS] if evidence.history.calendar else []
    return [fault for name in names for fault in _shared(evidence, name)]


def _shared(evidence: Evidence, name: str) -> Iterable[Fault]:
    rows = evidence.of(name)
    least = max(LEAST, SHARED * int((np.bincount(evidence.patient[rows], minlength=1) > 0).sum()))
    days = _from_first(evidence)[rows]
    often = np.flatnonzero(np.bincount(days) >= least)
    patients = {day: len(np.unique(evidence.patient[rows[days == day]])) for day in often.tolist()}
    crowded = rows[np.isin(days, [day for day, n in patients.items() if n >= least])]
    words = f"{{n}} of {name} {{who}} on a date that many share: a default, or the day of the data entry."
    return events_fault(evidence, crowded, words)


def dates_filled_in(evidence: Evidence) -> Iterable[Fault]:
    """Find the 1st and 15th of the month, the 1st of January and of July, more often than chance leaves them.

    Of each habit the number of its dates is held against a binomial distribution; of deaths and last contacts, whose
    dates many share, each date counts once.
    """
    if not evidence.history.calendar:
        return ()
    habits = _habits(evidence)
    return [fault for name in evidence.names for fault in _filled_in(evidence, name, habits)]


def _habits(evidence: Evidence) -> Sequence[Habit]:
    """Return each habit in words, (events,) whether a date follows it, and the share of all days that do."""
    index = _from_first(evidence)
    first = int(evidence.day.min()) if len(index) else 0
    days = first + np.arange(index.max(initial=0) + 1)
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    day, month = (dates - months).astype(np.int64) + 1, months.astype(np.int64) % 12 + 1
    habits = (
        ("the 1st of January", (day == 1) & (month == 1), 1 / YEAR),
        ("the 1st of July", (day == 1) & (month == 7), 1 / YEAR),
        ("the 1st of a month", day == 1, 12 / YEAR),
        ("the 15th of a month", day == 15, 12 / YEAR),
    )
    return [(words, holds[index], share) for words, holds, share in habits]


def _from_first(evidence: Evidence) -> Ints:
    """Return (events,) days from the first of all; a calendar has 4 million of them at most."""
    return np.asarray(evidence.day - evidence.day.min(initial=np.inf), np.int64)


def _filled_in(evidence: Evidence, name: str, habits: Sequence[Habit]) -> Iterable[Fault]:
    """Return the first habit that chance does not explain; the dates of those below it are often the same."""
    rows = evidence.of(name)
    counted = rows[np.unique(evidence.day[rows], return_index=True)[1]] if name in ENDS else rows
    for words, holds, share in habits:
        n = int(holds[counted].sum())
        if n >= LEAST and float(bdtrc(n - 1, len(counted), share)) < CHANCE:
            message = f"{{n}} of {name} {{who}} on {words}, more than chance explains: filled in, not known."
            return events_fault(evidence, rows[holds[rows]], message)
    return ()


def date_beyond_others(evidence: Evidence) -> Iterable[Fault]:
    """Find dates more than a year after the last date of all but a few patients."""
    last = evidence.last(np.arange(len(evidence.day)))
    ordered = np.sort(last[np.isfinite(last)])
    if len(ordered) < 2 * LEAST:
        return ()
    most = max(1, int(FEW * len(ordered)))
    wide = np.diff(ordered)[-most:] > YEAR
    if not wide.any():
        return ()
    bound = ordered[len(ordered) - most - 1 + int(np.argmax(wide))]
    words = "{n} {who} more than a year after the last date of everybody else: in the future of the data."
    return events_fault(evidence, np.flatnonzero(evidence.day > bound), words)
