"""Confidence limits from resamples (Davison and Hinkley, Bootstrap Methods and their Application, 1997, chapter 5).

With t the estimate, t*_(a) the quantile of B resamples, b and v their bias and variance:

    percentile  t*_(a), t*_(1 - a)                          normal  t - b -/+ z sqrt v
    basic       2 t - t*_(1 - a), 2 t - t*_(a)              BCa     t*_(Phi(z0 + (z0 + z) / (1 - a0 (z0 + z))))

z0 = Phi^-1(#{t* < t} / B) corrects the median's bias and a0 = sum l^3 / (6 (sum l^2)^1.5), l_i = mean - t_(-i) from the
jackknife, the skewness (Efron 1987, JASA 82:171). Quantiles lie at (B + 1) a, between order statistics interpolated on
the normal scale (their equation 5.8).
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
from scipy import special

from dayzero.spells import Floats

Interval = Literal["percentile", "basic", "bca", "normal"]

CONSTANT: Final = "no limits: the statistic is the same in every resample"
FEW: Final = "no limits: fewer than two resamples have the statistic"
ONE_SIDE: Final = "no BCa limits: all resamples lie on one side of the estimate"
NO_JACKKNIFE: Final = "no BCa limits: the statistic is missing when a patient is left out"
EXTREME: Final = "a limit is the most extreme resample: use more resamples"


@dataclass(frozen=True, eq=False)
class Sample:
    """One statistic, resampled.

    Attributes
    ----------
    estimate
        In the data.
    replicates
        (B,) in the resamples that have it, sorted.
    left_out
        Gives (units,) the statistic without each unit; called for BCa limits alone.
    """

    estimate: float
    replicates: Floats
    left_out: Callable[[], Floats]


@dataclass(frozen=True)
class Limits:
    """Lower and upper limit, NaN where there are none, and a warning."""

    lower: float = float("nan")
    upper: float = float("nan")
    warning: str | None = None


def interval_limits(sample: Sample, interval: Interval, level: float) -> Limits:
    """Return the named limits.

    Examples
    --------
    >>> sample = Sample(5.0, np.arange(1.0, 40.0), lambda: np.arange(3.0))
    >>> found = interval_limits(sample, "percentile", 0.95)
    >>> print(f"{found.lower:.4f} {found.upper:.4f}")
    1.0000 39.0000
    """
    replicates = sample.replicates
    if np.isnan(sample.estimate):
        return Limits()
    if len(replicates) < 2:
        return Limits(warning=FEW)
    if np.ptp(replicates) <= 1e-14 * np.max(np.abs(replicates)):
        return Limits(warning=CONSTANT)
    tail = np.array([0.5 - level / 2.0, 0.5 + level / 2.0])
    if interval == "normal":
        middle = 2.0 * sample.estimate - float(np.mean(replicates))
        low, high = middle + special.ndtri(tail) * np.std(replicates, ddof=1)
        return Limits(float(low), float(high))
    if interval == "bca":
        return _bca(sample, special.ndtri(tail))
    (low, high), warning = _quantiles(replicates, tail)
    if interval == "basic":
        low, high = 2.0 * sample.estimate - high, 2.0 * sample.estimate - low
    return Limits(float(low), float(high), warning)


def acceleration(left_out: Floats) -> float:
    """Return the acceleration from (units,) the statistic without each unit.

    Examples
    --------
    >>> print(f"{acceleration(np.array([0.0, 0.0, 3.0])):.4f}")
    -0.0680
    """
    moved = np.mean(left_out) - left_out
    spread = float(np.sum(moved**2))
    return float(np.sum(moved**3)) / (6.0 * spread**1.5) if spread > 0 else 0.0


def _bca(sample: Sample, z: Floats) -> Limits:
    below = float(np.mean(sample.replicates < sample.estimate))
    if not 0.0 < below < 1.0:
        return Limits(warning=ONE_SIDE)
    left_out = sample.left_out()
    if not bool(np.all(np.isfinite(left_out))):
        return Limits(warning=NO_JACKKNIFE)
    bias = float(special.ndtri(below))
    level = special.ndtr(bias + (bias + z) / (1.0 - acceleration(left_out) * (bias + z)))
    (low, high), warning = _quantiles(sample.replicates, np.asarray(level))
    return Limits(float(low), float(high), warning)


def _quantiles(replicates: Floats, level: Floats) -> tuple[Floats, str | None]:
    """Return the quantiles of sorted replicates at each level, and a warning where one is the most extreme."""
    number = len(replicates)
    place = np.round(level * (number + 1), 9)  # a whole number is hit whatever rounding leaves
    below = np.clip(np.floor(place).astype(np.int64), 1, number - 1)
    ends = special.ndtri(below / (number + 1)), special.ndtri((below + 1) / (number + 1))
    share = np.clip((special.ndtri(place / (number + 1)) - ends[0]) / (ends[1] - ends[0]), 0.0, 1.0)
    values = replicates[below - 1] + share * (replicates[below] - replicates[below - 1])
    outside = bool(np.any((place < 1) | (place > number)))
    return values, EXTREME if outside else None
