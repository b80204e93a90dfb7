"""The memory of a fever: once it has been treated, later rows of the same episode need no fever.

The same episode: until fever, hypotension and oxygen have all been absent for 24 hours. Where a row's time is unknown
its order is, too: it remembers nothing for certain and everything possibly.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dayzero.grading.crs.criteria import Signs
from dayzero.grading.table import Bedside
from dayzero.grading.truth import Bools, Truth

Rows = npt.NDArray[np.int32]  # 7 million rows have 2 GiB to live in
RESOLVED_AFTER_HOURS: Final = 24.0


@dataclass(frozen=True)
class Clock:
    """The order of a table's rows.

    Attributes
    ----------
    first
        (rows,) first row of each row's patient and course.
    last_at_once
        (rows,) the last row of that patient and course with the same time.
    hours
        (rows,) time.
    disordered
        (rows,) whether that patient and course has several rows and one without a time.
    """

    first: Rows
    last_at_once: Rows
    hours: npt.NDArray[np.float64]
    disordered: Bools


def clock_of(table: Bedside) -> Clock:
    """Return the order of a table's rows."""
    n, lengths = len(table), table.lengths
    first = np.repeat(table.starts.astype(np.int32), lengths)
    undated = np.add.reduceat(np.isnan(table.time), table.starts, dtype=np.int64) if n else lengths
    moment = np.ones(n, bool)
    moment[1:] = (np.diff(table.time) != 0) | (np.diff(first) != 0)
    begins = np.flatnonzero(moment).astype(np.int32)
    last = begins if len(begins) == n else np.repeat(np.append(begins[1:], n) - 1, np.diff(np.append(begins, n)))
    return Clock(first, last.astype(np.int32), table.time, np.repeat((undated > 0) & (lengths > 1), lengths))


def _numbers(rows: Bools) -> Rows:
    return np.arange(len(rows), dtype=np.int32)


def ever_since(marks: Bools, since: Rows, clock: Clock) -> Bools:
    """Return whether a mark stands on the row, at the same time, or before it as far back as a row.

    Parameters
    ----------
    marks
        (rows,) the marks.
    since
        (rows,) the row as far back as which is looked; it never falls.
    """
    latest = np.maximum.accumulate(np.where(marks, _numbers(marks), np.int32(-1)))
    return np.asarray(latest[clock.last_at_once] >= since)


def quiet_hours(quiet: Bools, clock: Clock) -> npt.NDArray[np.float64]:
    """Return how long nothing has been there, seen from each row; NaN on a row that is not quiet."""
    at = _numbers(quiet)
    begins = quiet & (~np.roll(quiet, 1) | (at == clock.first))
    start = np.maximum.accumulate(np.where(begins, at, np.int32(0)))
    return np.where(quiet, clock.hours - clock.hours[start], np.nan)


def resolved(quiet: Bools, clock: Clock) -> Bools:
    """Return the rows on which nothing has been there for 24 hours."""
    every = ~ever_any(~quiet, clock)
    return quiet_hours(every, clock) >= RESOLVED_AFTER_HOURS


def ever_any(marks: Bools, clock: Clock) -> Bools:
    """Return whether a mark stands on any row of that patient and course with the same time."""
    before = np.concatenate([[0], np.cumsum(marks, dtype=np.int32)])
    at = _numbers(marks)
    new = (clock.last_at_once != np.roll(clock.last_at_once, 1)) if len(marks) > 1 else np.ones(len(marks), bool)
    start = np.maximum.accumulate(np.where(new, at, np.int32(0)))
    return np.asarray(before[clock.last_at_once + 1] > before[start])


def episode_start(quiet: Bools, clock: Clock) -> Rows:
    """Return the row with which each row's stretch begins: the patient's first, or the first after a resolution."""
    at = _numbers(quiet)
    over = resolved(quiet, clock)
    anew = np.roll(over, 1) & ~over
    return np.maximum.accumulate(np.where((at == clock.first) | anew, at, np.int32(0)))


def remembered(signs: Signs, clock: Clock) -> Truth:
    """Return where hypotension and hypoxia count for CRS: with fever, or after one that has been treated."""
    given = signs.table.flag("antipyretic_or_anticytokine")
    before_the_table = given.yes & (clock.hours == clock.hours[clock.first]) & ~clock.disordered
    before_the_table |= given.yes & (_numbers(given.yes) == clock.first) & ~clock.disordered
    before_the_table &= signs.unattributed.yes
    certain = _gate(signs.fever.yes, given.yes, before_the_table, episode_start(signs.quiet.possible, clock), clock)
    certain = np.where(clock.disordered, signs.fever.yes, certain)
    possible = _gate(
        signs.fever.possible, given.possible, before_the_table, episode_start(signs.quiet.yes, clock), clock
    )
    anywhere = _anywhere(signs.fever.possible | given.yes, clock)
    return Truth(certain, ~np.where(clock.disordered, anywhere, possible))


def _gate(fever: Bools, given: Bools, before: Bools, since: Rows, clock: Clock) -> Bools:
    declared = ever_since(fever | before, since, clock)
    return fever | ever_since(declared & given, since, clock)


def _anywhere(marks: Bools, clock: Clock) -> Bools:
    rows = _numbers(marks)
    latest = np.maximum.accumulate(np.where(marks, rows, np.int32(-1)))
    ends = np.flatnonzero(np.append(np.diff(clock.first) != 0, [True])) if len(marks) else rows
    lengths = np.diff(np.concatenate([[-1], ends]))
    return np.asarray(np.repeat(latest[ends], lengths) >= clock.first)
