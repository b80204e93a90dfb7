"""Rows of a risk set whose weights change with time, and the sums over them."""

from dataclasses import dataclass

import numpy as np

from dayzero.estimators.changing_weights import Changing
from dayzero.estimators.cox.blocks import Blocks
from dayzero.spells import Floats, Ints


@dataclass(frozen=True)
class Tail:
    """Some rows in the order of an event time, so that the sum over those behind any event time is a running sum.

    Attributes
    ----------
    chosen
        (r,) the rows.
    blocks
        Their strata.
    place
        (times,) the first of them behind each event time; r where there is none in its stratum.
    """

    chosen: Ints
    blocks: Blocks
    place: Ints

    def sum(self, values: Floats) -> Floats:
        """Sum (..., r) values over the rows behind each event time: (..., times)."""
        sums = self.blocks.from_on(values)
        return np.concatenate((sums, np.zeros((*values.shape[:-1], 1))), axis=-1)[..., self.place]


@dataclass(frozen=True)
class Scaled:
    """Rows whose weights change with time, and where they stand.

    Attributes
    ----------
    change
        Positions among the sorted rows, and the change of their weights.
    leaving, entering
        These rows by the last event time at which they are at risk; those that enter late (positions among
        ``change.rows``) by the last event time before.
    entries
        Positions among ``RiskSets.entries`` of those that enter late.
    """

    change: Changing
    leaving: Tail
    entering: Tail
    entries: Ints

    def sum(self, values: Floats) -> Floats:
        """Sum (..., n) values of all rows over those of these that are in each risk set: (..., times)."""
        own, late = values[..., self.change.rows], self.entering.chosen
        total = np.zeros((*values.shape[:-1], len(self.leaving.place)))
        for some in self.change.pieces(own.size + total.size):
            shares = own[..., None, :] * self.change.basis[some]
            sums = self.leaving.sum(shares)
            if len(late):
                sums -= self.entering.sum(shares[..., late])
            total += np.einsum("...mt,mt->...t", sums, self.change.factor[some])
        return total
