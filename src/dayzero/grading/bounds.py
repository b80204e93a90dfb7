"""Grades between a lower and an upper bound, so that they contain the grade of every completion of what is missing.

Write criteria nested (what is grade 3 is also grade 2): then the bounds are as narrow as they can be.
"""

from dataclasses import dataclass
from functools import reduce

import numpy as np
import numpy.typing as npt

from dayzero.grading.truth import Truth

Grades = npt.NDArray[np.int8]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bounds:
    """The least and the greatest grade of each row.

    Attributes
    ----------
    lower, upper
        (rows,) grades; equal where the grade is certain.
    """

    lower: Grades
    upper: Grades

    def __getitem__(self, rows: Ints) -> "Bounds":
        return Bounds(self.lower[rows], self.upper[rows])


def graded_if(truth: Truth, grade: int) -> Bounds:
    """Return the grade where the statement holds and 0 where it does not; unknown is between the two.

    Examples
    --------
    >>> b = graded_if(Truth(np.array([True, False, False]), np.array([False, True, False])), 3)
    >>> b.lower.tolist(), b.upper.tolist()
    ([3, 0, 0], [3, 0, 3])
    """
    return Bounds(truth.yes * np.int8(grade), truth.possible * np.int8(grade))


def highest(*bounds: Bounds) -> Bounds:
    """Return the maximum at both ends, row by row."""
    return reduce(lambda a, b: Bounds(np.maximum(a.lower, b.lower), np.maximum(a.upper, b.upper)), bounds)


def highest_by(bounds: Bounds, starts: Ints) -> Bounds:
    """Return the maximum of both ends over each run of rows.

    Parameters
    ----------
    bounds
        Of the rows, those of one patient and course together.
    starts
        (groups,) the first row of each run.
    """
    if not len(starts):
        return bounds
    return Bounds(np.maximum.reduceat(bounds.lower, starts), np.maximum.reduceat(bounds.upper, starts))


def first_peak(grades: Grades, starts: Ints) -> Ints:
    """Return, by run of rows, the first row that has the run's highest grade.

    Examples
    --------
    >>> first_peak(np.array([1, 3, 3, 0, 0], np.int8), np.array([0, 3])).tolist()
    [1, 3]
    """
    if not len(starts):
        return starts
    lengths = np.diff(np.append(starts, len(grades)))
    peak = np.repeat(np.maximum.reduceat(grades, starts), lengths)
    at = np.flatnonzero(grades == peak)
    return at[np.searchsorted(at, starts)]
