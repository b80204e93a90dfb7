"""Running sums that start afresh in every stratum, however many strata there are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dayzero.spells import Floats, Ints


@dataclass(frozen=True)
class Blocks:
    """Neighbouring blocks of an axis: the strata.

    Attributes
    ----------
    starts
        (blocks,) where each starts.
    size
        Length of the axis.
    tables
        Positions of the blocks' members, one block a row, blocks of similar length in one table (padded with ``size``):
        a running sum over all blocks is one over the rows of each of these few tables.
    """

    starts: Ints
    size: int
    tables: tuple[Ints, ...]

    def spread(self, values: Floats) -> Floats:
        """Repeat (..., blocks) values over the members of each block: (..., size)."""
        return values if len(self.starts) == 1 else np.repeat(values, run_lengths(self.starts, self.size), axis=-1)

    def up_to(self, values: Floats) -> Floats:
        """Sum (..., size) values from the start of the block to each member."""
        if len(self.starts) == 1:
            return np.cumsum(values, axis=-1)
        return self._running(values, np.s_[:, :])

    def from_on(self, values: Floats) -> Floats:
        """Sum (..., size) values from each member to the end of the block."""
        if len(self.starts) == 1:
            return np.cumsum(values[..., ::-1], axis=-1)[..., ::-1]
        return self._running(values, np.s_[:, ::-1])

    def _running(self, values: Floats, direction: tuple[slice, slice]) -> Floats:
        padded = np.concatenate((values, np.zeros((*values.shape[:-1], 1))), axis=-1)
        sums = np.empty_like(padded)
        for table in self.tables:
            members = table[direction]
            sums[..., members] = np.cumsum(padded[..., members], axis=-1)
        return sums[..., :-1]


def form_blocks(codes: npt.NDArray[Any]) -> Blocks:
    """Find the runs of equal neighbours.

    >>> blocks = form_blocks(np.array([4, 4, 7, 7, 7]))
    >>> blocks.up_to(np.ones(5)).tolist(), blocks.from_on(np.ones(5)).tolist()
    ([1.0, 2.0, 1.0, 2.0, 3.0], [2.0, 1.0, 3.0, 2.0, 1.0])
    """
    starts, size = run_starts(codes), len(codes)
    if len(starts) < 2:
        return Blocks(starts, size, ())
    lengths = run_lengths(starts, size)
    classes = np.ceil(np.log2(lengths)).astype(np.int64)
    return Blocks(starts, size, tuple(_table(starts[classes == k], lengths[classes == k], size) for k in set(classes)))


def _table(starts: Ints, lengths: Ints, size: int) -> Ints:
    steps = np.arange(lengths.max())
    return np.where(steps < lengths[:, None], starts[:, None] + steps, size)


def run_starts(codes: npt.NDArray[Any]) -> Ints:
    """Return where each run of equal neighbours starts."""
    if not len(codes):
        return np.zeros(0, np.int64)
    return np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1])))


def run_lengths(starts: Ints, total: int) -> Ints:
    """Return the lengths of runs from where they start.

    >>> run_lengths(np.array([0, 2, 3]), 7).tolist()
    [2, 1, 4]
    """
    return np.diff(starts, append=total)
