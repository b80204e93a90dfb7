"""Areas under curves of concentration: linear where they rise, logarithmic where they fall."""

import numpy as np

from dayzero.history import Floats, Ints


def areas(series: Ints, time: Floats, value: Floats, until: Floats) -> Floats:
    """Return the area under each curve from its first point to its ``until``, or to its last point if that is earlier.

    Between two points a rise, and a fall to 0, is a straight line: (c1 + c2) dt / 2; any other fall is exponential:
    (c1 - c2) dt / log(c1 / c2), and so is the value at ``until`` where it lies between two points (the linear-up
    log-down rule of noncompartmental analysis).

    Parameters
    ----------
    series
        (points,) which curve, from 0; the points of a curve stand together.
    time, value
        (points,) increasing in each curve, days; and at least 0.
    until
        (curves,) days; NaN leaves the area NaN.

    Returns
    -------
    Floats
        (curves,) value times days; 0 where a curve has one point, NaN where it has none.

    Examples
    --------
    >>> rise_and_fall = np.array([0.0, 10.0, 10.0 / np.e])
    >>> float(areas(np.zeros(3, int), np.array([0.0, 10.0, 20.0]), rise_and_fall, np.array([28.0]))[0].round(6))
    113.212056
    """
    empty = np.bincount(series, minlength=len(until)) == 0
    same = series[1:] == series[:-1]
    of, begin, end, first, second = (each[same] for each in (series[1:], time[:-1], time[1:], value[:-1], value[1:]))
    stop = np.clip(until[of], begin, end)
    length = stop - begin
    pieces = _pieces(first, _at(first, second, length / (end - begin)), length)
    total = np.bincount(of, weights=pieces, minlength=len(until))
    return np.where(empty, np.nan, total)


def _falls(first: Floats, second: Floats) -> Floats:
    """Return second / first where the curve falls to a number above 0, and 1 elsewhere."""
    falling = (second < first) & (second > 0)
    return np.where(falling, second / np.where(falling, first, 1.0), 1.0)


def _at(first: Floats, second: Floats, share: Floats) -> Floats:
    """Return the value at a share of the way between two points."""
    left = _falls(first, second)
    exact = np.where(share >= 1.0, second, first + share * (second - first))
    return np.where((left < 1.0) & (share < 1.0), first * left**share, exact)


def _pieces(first: Floats, second: Floats, length: Floats) -> Floats:
    drop = _falls(first, second) - 1.0
    curved = drop < 0
    exponential = first * drop / np.log1p(np.where(curved, drop, 1.0))
    return np.asarray(length * np.where(curved, exponential, (first + second) / 2.0))


def half_lives(series: Ints, time: Floats, value: Floats, size: int, *, fewest: int) -> Floats:
    """Return log 2 over the slope of log value on time, by least squares, of each curve.

    Parameters
    ----------
    series, time, value
        (points,) which curve; days; above 0.
    size
        Number of curves.
    fewest
        Points that a slope needs.

    Returns
    -------
    Floats
        (curves,) days; NaN where there are too few points, or the curve does not fall.
    """
    n = np.bincount(series, minlength=size)
    logs = np.log(value)

    def mean(what: Floats) -> Floats:
        return np.bincount(series, weights=what, minlength=size) / np.maximum(n, 1)

    along, up = time - mean(time)[series], logs - mean(logs)[series]
    spread = mean(along**2)
    slope = mean(along * up) / np.where(spread > 0, spread, np.nan)
    return np.where((n >= fewest) & (slope < 0), -np.log(2.0) / np.where(slope < 0, slope, np.nan), np.nan)
