"""Three-valued statements about rows: yes, no, or unknown where what decides is missing."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Truth:
    """A statement about each row (Kleene's strong logic).

    Attributes
    ----------
    yes, no
        (rows,) where it holds, and where it does not; where neither, it is unknown. Never both.

    Examples
    --------
    >>> fever = at_least(np.array([38.0, 37.9, np.nan]), 38.0)
    >>> fever.yes.tolist(), fever.no.tolist(), fever.unknown.tolist()
    ([True, False, False], [False, True, False], [False, False, True])
    >>> (fever | ~fever).yes.tolist()
    [True, True, False]
    """

    yes: Bools
    no: Bools

    @property
    def unknown(self) -> Bools:
        """Return where it is neither."""
        return ~(self.yes | self.no)

    @property
    def possible(self) -> Bools:
        """Return where it holds or may hold."""
        return ~self.no

    def __and__(self, other: "Truth") -> "Truth":
        return Truth(self.yes & other.yes, self.no | other.no)

    def __or__(self, other: "Truth") -> "Truth":
        return Truth(self.yes | other.yes, self.no & other.no)

    def __invert__(self) -> "Truth":
        return Truth(self.no, self.yes)

    def __getitem__(self, rows: npt.NDArray[np.int64]) -> "Truth":
        return Truth(self.yes[rows], self.no[rows])


def known(yes: Bools) -> Truth:
    """Return a statement that is yes or no on every row."""
    return Truth(yes, ~yes)


def unknown(n: int) -> Truth:
    """Return a statement that is unknown on each of ``n`` rows."""
    return Truth(np.zeros(n, bool), np.zeros(n, bool))


def assumed_no(truth: Truth) -> Truth:
    """Take what is unknown for no: an assumption, to be named with the result."""
    return known(truth.yes)


def at_least(values: Floats, limit: float) -> Truth:
    """Return whether each value is >= the limit; NaN is unknown."""
    return Truth(values >= limit, values < limit)


def above(values: Floats, limit: float) -> Truth:
    """Return whether each value is > the limit; NaN is unknown."""
    return Truth(values > limit, values <= limit)


def at_most(values: Floats, limit: float) -> Truth:
    """Return whether each value is <= the limit; NaN is unknown."""
    return Truth(values <= limit, values > limit)


def below(values: Floats, limit: float) -> Truth:
    """Return whether each value is < the limit; NaN is unknown."""
    return Truth(values < limit, values >= limit)


COMPARISONS: dict[str, Callable[[Floats, float], Truth]] = {">=": at_least, ">": above, "<=": at_most, "<": below}
