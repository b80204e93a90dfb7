"""Sums over the points that lie below and to the left of others: what concordance is counted with."""

from dataclasses import dataclass

import numpy as np

from dayzero.spells import Floats, Ints


@dataclass(frozen=True, eq=False)
class Points:
    """Weighted points.

    Attributes
    ----------
    position, rank
        (n,) coordinates, whole numbers from 0.
    weight
        (n,)
    """

    position: Ints
    rank: Ints
    weight: Floats


def sum_below(points: Points, position: Ints, rank: Ints) -> Floats:
    """Sum the weights of the points with a smaller position and a smaller rank than each of (m,) queries.

    The points are sorted by position, and merged by rank in blocks of 1, 2, 4, ... of them: the points before a query
    are at most one block of each size, and a sorted search finds the place in each. O((n + m) log n), without a loop
    over points.

    Examples
    --------
    >>> points = Points(np.array([0, 1, 1, 3]), np.array([2, 0, 1, 0]), np.ones(4))
    >>> sum_below(points, np.array([1, 2, 4]), np.array([3, 1, 2])).tolist()
    [1.0, 1.0, 3.0]
    """
    order = np.argsort(points.position, kind="stable")
    before = np.searchsorted(points.position[order], position, side="left")
    ranks, weights = points.rank[order], points.weight[order]
    span = int(max(ranks.max(initial=0), rank.max(initial=0))) + 1
    total = np.zeros(len(position))
    places = np.arange(len(order))
    for level in range(len(order).bit_length()):
        keys = (places >> level) * span + ranks
        merged = np.argsort(keys, kind="stable")  # two sorted runs a block: merged in linear time
        keys, ranks, weights = keys[merged], ranks[merged], weights[merged]
        asked = np.flatnonzero((before >> level) & 1)
        block = (before[asked] >> level) - 1
        running = np.concatenate([[0.0], np.cumsum(weights)])
        last = np.searchsorted(keys, block * span + rank[asked], side="left")
        total[asked] += running[last] - running[block << level]
    return total
