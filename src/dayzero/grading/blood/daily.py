"""Daily grids of a blood count: the lowest value of each day, short gaps filled, and runs of low days.

The algorithm is that of Liang et al. (automated ICAHT grading): a row a day, linear interpolation between values, and
runs joined over a recovery that does not last. Arrays are (courses, days).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dayzero.grading.truth import Bools, Floats

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Runs:
    """Runs of low days of each course.

    Attributes
    ----------
    longest, cumulative
        (courses,) days of the longest run, and of all, those of recoveries that did not last included.
    start, first
        (courses,) first day of the longest run (the earlier of equals), and of any; -1 where there is none.
    """

    longest: Ints
    cumulative: Ints
    start: Ints
    first: Ints


def lowest_by_day(course: Ints, day: Ints, value: Floats, shape: tuple[int, int]) -> Floats:
    """Return the lowest value of each course and day, NaN where there is none.

    Parameters
    ----------
    course, day, value
        (values,) row and column in the grid, and what was measured.
    shape
        Courses and days.
    """
    grid = np.full(shape, np.inf)
    np.minimum.at(grid, (course, day), value)
    return np.where(np.isinf(grid), np.nan, grid)


def filled(grid: Floats, last: Ints, *, max_gap: int, carry_ends: bool) -> Floats:
    """Fill gaps that are short enough, where a course has two values or more.

    Parameters
    ----------
    grid
        (courses, days) NaN where nothing was measured.
    last
        (courses,) the last day that is looked at; what lies after it stays NaN.
    max_gap
        Days in a row that are filled, at most: by linear interpolation between the values on either side.
    carry_ends
        Whether gaps before the first and after the last value are filled, with that value.

    Examples
    --------
    >>> grid = np.array([[np.nan, 400.0, np.nan, 600.0, np.nan]])
    >>> filled(grid, np.array([4]), max_gap=7, carry_ends=True).tolist()
    [[400.0, 400.0, 500.0, 600.0, 600.0]]
    """
    days = np.arange(grid.shape[1])
    known = ~np.isnan(grid)
    before = np.maximum.accumulate(np.where(known, days, -1), axis=1)
    after = np.minimum.accumulate(np.where(known, days, len(days))[:, ::-1], axis=1)[:, ::-1]
    left, right = before >= 0, after < len(days)
    low = np.take_along_axis(grid, np.maximum(before, 0), axis=1)
    high = np.take_along_axis(grid, np.minimum(after, len(days) - 1), axis=1)
    weight = (days - before) / np.maximum(after - before, 1)
    between = np.where(known, grid, low + (high - low) * weight)
    ends = np.where(left, low, high)
    gap = np.where(right, after, last[:, None] + 1) - np.where(left, before, -1) - 1
    inside = left & right
    may = (gap <= max_gap) & (inside | (carry_ends & (left | right))) & (known.sum(axis=1) >= 2)[:, None]
    within = days <= last[:, None]
    return np.where(within & (known | may), np.where(inside | known, between, ends), np.nan)


def joined(low: Bools, recovery: int) -> Bools:
    """Add the days between two low days where they are fewer than a recovery takes.

    Examples
    --------
    >>> joined(np.array([[True, False, False, True, False, False, False, True]]), 3).astype(int).tolist()
    [[1, 1, 1, 1, 0, 0, 0, 1]]
    """
    days = np.arange(low.shape[1])
    before = np.maximum.accumulate(np.where(low, days, -len(days)), axis=1)
    after = np.minimum.accumulate(np.where(low, days, 2 * len(days))[:, ::-1], axis=1)[:, ::-1]
    return low | (after - before - 1 < recovery)


def runs(low: Bools, recovery: int) -> Runs:
    """Return the runs of low days, joined over recoveries of fewer days than ``recovery``.

    Examples
    --------
    >>> found = runs(np.array([[False, True, False, False, True, False, False, False, True]]), 3)
    >>> found.longest.tolist(), found.cumulative.tolist(), found.start.tolist()
    ([4], [5], [1])
    """
    days = np.arange(low.shape[1])
    mask = joined(low, recovery)
    ended = np.maximum.accumulate(np.where(mask, -1, days), axis=1)
    length = np.where(mask, days - ended, 0)
    longest = length.max(axis=1, initial=0)
    start = np.where(longest > 0, length.argmax(axis=1) - longest + 1, -1)
    first = np.where(longest > 0, mask.argmax(axis=1), -1)
    return Runs(longest.astype(np.int64), mask.sum(axis=1), start.astype(np.int64), first.astype(np.int64))


def still_low(low: Bools, last: Ints, *, recovery: int, starts_by: int) -> Bools:
    """Return the courses whose run began on or before a day and covers every day from there to ``last``.

    Parameters
    ----------
    low
        (courses, days).
    last
        (courses,) column of the last day; -1: none.
    recovery, starts_by
        Days that end a run; the latest first day.
    """
    days = np.arange(low.shape[1])
    mask = joined(low, recovery)
    at_end = np.where(last >= 0, np.take_along_axis(mask, np.maximum(last, 0)[:, None], axis=1)[:, 0], False)
    ended = np.where(mask | (days > last[:, None]), -1, days).max(axis=1, initial=-1)
    found: Bools = np.asarray(at_end & (ended < starts_by), bool)
    return found


def rounded(grid: Floats, to: float) -> Floats:
    """Round to a multiple, half to even; 0: not at all."""
    clean: Any = np.round(grid, 6)
    return np.asarray(np.round(clean / to) * to if to else clean, float)
