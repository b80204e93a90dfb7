"""Weights: the same meaning in every estimator, and sums of those that change with time.

Weights given to an estimator multiply the table's own. A row whose power is p weighs w exp(p'c(t)) at t, c being the
table's curves (see :class:`dayzero.spells.Spells`). A sum of such weights over a risk set is no running sum, but nearly
so: as a function of p the exponential is a polynomial, but for less than a double's rounding error,

    exp(p'c(t)) = sum_j L_j(p) exp(q_j'c(t)),

of low degree where p'c(t) varies little among the rows. The q_j are the distinct powers where these are few, and else
Chebyshev's points of their range; the L_j are Lagrange's polynomials (Berrut and Trefethen 2004, SIAM Review 46:501).
So rows with similar powers are put together, and a sum over them is a few running sums, each times a function of time.
"""

from dataclasses import dataclass
from math import factorial
from typing import Final

import numpy as np
import numpy.typing as npt

from dayzero.errors import InputError
from dayzero.spells import Bools, Floats, Ints, Spells

WIDTH: Final = 2.0  # most that p'c(t) varies between rows that are put together, in each of the curves
ERROR: Final = 1e-17  # of the polynomial, relative to the smallest weight of the rows that are put together
LARGEST: Final = 600.0  # logarithm of the largest change of a weight that is computed with
ELEMENTS: Final = 4_000_000  # of a matrix that is made at a time: 32 MB


@dataclass(frozen=True, eq=False)
class Changing:
    """Rows whose weights change: that of ``rows[i]`` at time k is its own times ``basis[:, i] @ factor[:, k]``.

    Attributes
    ----------
    rows
        (r,) positions.
    basis
        (m, r)
    factor
        (m, times); 0 where none of the rows is at risk.
    """

    rows: Ints
    basis: Floats
    factor: Floats

    def pieces(self, others: int) -> list[slice]:
        """Cut the m functions into runs for which ``others`` numbers each fit into memory."""
        step = max(1, ELEMENTS // max(others, 1))
        return [slice(first, first + step) for first in range(0, len(self.basis), step)]


@dataclass(frozen=True, eq=False)
class Presence:
    """When the rows of a table are at risk, and how much they count.

    Attributes
    ----------
    begin, end
        (rows,) at risk at the times begin <= k < end.
    weight
        (rows,) or (rows, B) at the last of these times.
    changing
        The rows whose weight at the other times is not that.
    """

    begin: Ints
    end: Ints
    weight: Floats
    changing: tuple[Changing, ...]

    @property
    def constant(self) -> Bools:
        """(rows,) whether the weight is the same at all times."""
        constant = np.ones(len(self.begin), bool)
        for part in self.changing:
            constant[part.rows] = False
        return constant

    def over_rows(self, increments: Floats) -> Floats:
        """Sum (..., times) increments over the times at which each row is at risk, its last weight being 1."""
        running = _running(increments)
        sums = np.asarray(running[..., self.end] - running[..., self.begin])
        for part in self.changing:
            rows, total = part.rows, np.zeros((*increments.shape[:-1], len(part.rows)))
            for some in part.pieces(increments.size):
                running = _running(increments[..., None, :] * part.factor[some])
                change = running[..., self.end[rows]] - running[..., self.begin[rows]]
                total += np.einsum("...mr,mr->...r", change, part.basis[some])
            sums[..., rows] = total
        return sums


def place_rows(spells: Spells, weights: Floats | None, times: Floats) -> Presence:
    """Find the times at which each row is at risk: those in (start, stop].

    Parameters
    ----------
    spells
        The table.
    weights
        As for :func:`total_weight`.
    times
        (times,) days, increasing.
    """
    begin = np.searchsorted(times, spells.start, side="right").astype(np.int64)
    end = np.maximum(np.searchsorted(times, spells.stop, side="right").astype(np.int64), begin)
    weight = total_weight(spells, weights)
    if spells.power is None or spells.curve is None or not len(times):
        return Presence(begin, end, weight, ())
    power, values = spells.power.reshape(len(spells), -1), spells.curve.at(times).reshape(len(times), -1)
    changing = change_weights(power, values, begin, end)
    grown = last_factor(power, values, end)
    return Presence(begin, end, weight * grown.reshape(-1, *[1] * (weight.ndim - 1)), changing)


def total_weight(spells: Spells, weights: npt.ArrayLike | None = None) -> Floats:
    """Return the table's weights, times those given as (rows,) or (rows, B)."""
    if weights is None:
        return spells.weight
    given = np.asarray(weights, float)
    if given.shape[0] != len(spells):
        raise ValueError("weights must have one entry a row of the table")
    if bool(np.all(spells.weight == 1.0)):
        return given
    return given * spells.weight.reshape(-1, *[1] * (given.ndim - 1))


def weight_on(spells: Spells, weight: Floats, rows: npt.NDArray[np.intp], day: float) -> Floats:
    """Return the weights of some rows on a day; without the powers those of all are (rows,) or (rows, B)."""
    if spells.power is None or spells.curve is None:
        return np.asarray(weight[rows])
    power, value = spells.power[rows], spells.curve.at(np.array([day]))[0]
    factor = np.exp(power * value if power.ndim == 1 else power @ value)
    return np.asarray(weight[rows] * factor.reshape(-1, *[1] * (weight.ndim - 1)))


def refuse_changing(spells: Spells, what: str) -> None:
    """Raise InputError where the table's weights change with time.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> refuse_changing(make_spells([1, 2], [1, 0]), "a log-rank test")
    """
    if spells.power is not None:
        fault = f"weights that change with time are not defined for {what}"
        raise InputError(fault, mend="Use a curve, a restricted mean or a Cox model.", column="power")


def last_factor(power: Floats, values: Floats, end: Ints) -> Floats:
    """Return (rows,) exp(p'c) at the last time at which each row is at risk; 1 where the power is 0."""
    total = np.zeros(len(power))
    for column, curve in zip(power.T, values.T, strict=True):
        moving = column != 0.0
        total[moving] += column[moving] * curve[end[moving] - 1]
    _check(bool(np.all(np.abs(total) <= LARGEST)))
    return np.exp(total)


def _check(usable: bool) -> None:
    if not usable:
        raise InputError("weights change by too large a factor, or to 0", mend="Truncate them.", column="power")


def change_weights(power: Floats, values: Floats, begin: Ints, end: Ints) -> tuple[Changing, ...]:
    """Write the change of the weights of rows as few products of functions of the row and of time.

    Parameters
    ----------
    power
        (rows, K)
    values
        (times, K) the curves.
    begin, end
        (rows,) at risk at the times begin <= k < end; a row's own weight is that at the last of them.

    Raises
    ------
    InputError
        Weights change by a factor of more than e^600.

    Examples
    --------
    A row that counts 1 on the second of two days counts e^(-0.7) on the first:

    >>> part, = change_weights(np.array([[0.7]]), np.array([[0.0], [1.0]]), np.array([0]), np.array([2]))
    >>> bool(np.allclose(part.basis.T @ part.factor, np.exp([-0.7, 0.0])))
    True
    """
    rows = np.flatnonzero(power.any(axis=1) & (begin < end))
    if not len(rows):
        return ()
    used = values[int(begin[rows].min()) : int(end[rows].max())]
    _check(bool(np.all(np.isfinite(used))))
    codes = np.zeros(len(rows), np.int64)
    for column, curve in zip(power[rows].T, used.T, strict=True):
        bins = _bins(column, curve)
        codes = np.unique(codes * (bins.max() + 1) + bins, return_inverse=True)[1]
    return tuple(_part(rows[codes == code], power, values, (begin, end)) for code in range(int(codes.max()) + 1))


def _bins(power: Floats, curve: Floats) -> Ints:
    """Return the bin of each power: within one, power times curve varies by no more than WIDTH."""
    low, width = float(power.min()), float(np.ptp(power))
    spread = width * float(np.ptp(curve))
    if spread > WIDTH * len(power):  # nothing to gain
        return np.asarray(np.unique(power, return_inverse=True)[1], np.int64)
    bins = max(1, int(np.ceil(spread / WIDTH)))
    return np.minimum((power - low) * (bins / (width or 1.0)), bins - 1).astype(np.int64)


def _part(rows: Ints, power: Floats, values: Floats, spans: tuple[Ints, Ints]) -> Changing:
    powers, begin, end = power[rows], spans[0][rows], spans[1][rows]
    span = slice(int(begin.min()), int(end.max()))
    used = values[span]
    centre = (used.min(axis=0) + used.max(axis=0)) / 2.0
    half = np.ptp(used, axis=0) / 2.0
    points, basis = np.zeros((1, 0)), np.ones((1, len(rows)))
    for column, reach in zip(powers.T, half, strict=True):
        found, shares = _interpolate(column, float(reach))
        points = np.column_stack([np.repeat(points, len(found), axis=0), np.tile(found, len(points))])
        basis = (basis[:, None] * shares).reshape(-1, len(rows))
    _check(bool(np.all(np.abs(points) @ half <= LARGEST)))
    factor = np.zeros((len(points), len(values)))
    factor[:, span] = np.exp(points @ (used - centre).T)
    return Changing(rows, basis * np.exp(-np.sum(powers * (values[end - 1] - centre), axis=1)), factor)


def _interpolate(power: Floats, reach: float) -> tuple[Floats, Floats]:
    """Return points (m,) and polynomials (m, rows) for exp(power x), |x| <= reach."""
    half = float(np.ptp(power)) / 2.0
    degree = _degree(half * reach)
    distinct = np.unique(power)
    if len(distinct) <= degree:
        return distinct, (power == distinct[:, None]).astype(float)
    angle = (np.arange(degree) + 0.5) * np.pi / degree
    points = power.min() + half * (1.0 + np.cos(angle))
    away = power - points[:, None]
    exact = away == 0.0
    shares = (np.sin(angle) * (-1.0) ** np.arange(degree))[:, None] / np.where(exact, 1.0, away)
    shares /= shares.sum(axis=0)
    return points, np.where(exact.any(axis=0), exact, shares)


def _degree(half: float) -> int:
    """Return how many points give exp(x), |x| <= half, by the bound of the interpolation error."""
    m = 1
    while 2.0 * np.exp(2.0 * half) * (half / 2.0) ** m / factorial(m) > ERROR:
        m += 1
    return m


def _running(values: Floats) -> Floats:
    """Return the sums (..., T + 1) of the first 0, 1, ... T values."""
    return np.concatenate((np.zeros((*values.shape[:-1], 1)), np.cumsum(values, axis=-1)), axis=-1)
