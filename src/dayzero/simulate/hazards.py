"""Hazards of transitions: cumulative, and inverted to draw times.

A time is drawn as the inverse of the cumulative hazard at a standard exponential number divided by the hazard ratio;
given that nothing happened by ``elapsed``, as the inverse at the cumulative hazard there plus that number.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from dayzero.errors import InputError
from dayzero.simulate.random import Floats


class Hazard(Protocol):
    """A hazard as a function of days on its clock."""

    def cumulative(self, time: Floats) -> Floats:
        """Return the cumulative hazard by each day."""

    def inverse(self, hazard: Floats) -> Floats:
        """Return the first day at which the cumulative hazard reaches each value; +inf where it never does."""


def _require(condition: bool, fault: str, mend: str) -> None:
    if not condition:
        raise InputError(fault, mend=mend)


@dataclass(frozen=True)
class Weibull:
    """Cumulative hazard ``(t / scale) ** shape``; shape 1 is a constant hazard of ``1 / scale`` a day."""

    shape: float
    scale: float

    def __post_init__(self) -> None:
        """Refuse what is no Weibull hazard."""
        _require(0 < self.shape < np.inf and 0 < self.scale < np.inf, "no Weibull hazard", "Give two positive numbers.")

    def cumulative(self, time: Floats) -> Floats:
        """Return the cumulative hazard by each day."""
        return np.power(np.maximum(time, 0.0) / self.scale, self.shape)

    def inverse(self, hazard: Floats) -> Floats:
        """Return the day of each cumulative hazard."""
        if self.shape == 1:
            return hazard * self.scale
        days = np.log(hazard)
        days /= self.shape
        np.exp(days, out=days)
        days *= self.scale
        return days


@dataclass(frozen=True)
class Piecewise:
    """Constant hazards between cuts.

    Attributes
    ----------
    cuts
        (k,) days at which each rate begins; the first is 0.
    rates
        (k,) hazards a day; the last holds for ever.
    """

    cuts: tuple[float, ...]
    rates: tuple[float, ...]

    def __post_init__(self) -> None:
        """Refuse cuts that do not increase from 0, and rates that are no hazards."""
        steps = np.diff(self.cuts)
        sound = len(self.cuts) == len(self.rates) > 0 and self.cuts[0] == 0 and bool(np.all(steps > 0))
        rates = all(0 <= rate < np.inf for rate in self.rates)
        _require(sound, "no piecewise hazard", "Give cuts that increase from 0, and a rate for each.")
        _require(rates, "a rate below 0", "Write rates from 0.")

    def _knots(self) -> Floats:
        """Return (k,) the cumulative hazard at each cut."""
        return np.concatenate(([0.0], np.cumsum(np.diff(self.cuts) * np.array(self.rates[:-1]))))

    def cumulative(self, time: Floats) -> Floats:
        """Return the cumulative hazard by each day."""
        at = np.searchsorted(self.cuts, time, side="right") - 1
        at = np.maximum(at, 0)
        beyond: Floats = np.maximum(time - np.array(self.cuts)[at], 0.0) * np.array(self.rates)[at]
        return self._knots()[at] + beyond

    def inverse(self, hazard: Floats) -> Floats:
        """Return the day of each cumulative hazard."""
        knots = self._knots()
        at = np.maximum(np.searchsorted(knots, hazard, side="left") - 1, 0)
        with np.errstate(divide="ignore", invalid="ignore"):
            beyond = (hazard - knots[at]) / np.array(self.rates)[at]
        return np.array(self.cuts)[at] + np.where(hazard > knots[at], beyond, 0.0)


@dataclass(frozen=True)
class Cure:
    """A share that never has the event: survival ``cured + (1 - cured) * S(t)``, S of the others.

    Source: Berkson and Gage 1952 (the mixture cure model); a hazard ratio multiplies the hazard of the mixture.
    """

    cured: float
    others: Hazard

    def __post_init__(self) -> None:
        """Refuse a share outside 0 to 1."""
        _require(0 <= self.cured < 1, "no share of cured patients", "Write it between 0 and 1.")

    def cumulative(self, time: Floats) -> Floats:
        """Return the cumulative hazard of the mixture by each day."""
        return -np.log(self.cured + (1 - self.cured) * np.exp(-self.others.cumulative(time)))

    def inverse(self, hazard: Floats) -> Floats:
        """Return the day of each cumulative hazard; +inf beyond that of the cured share."""
        left = (np.exp(-hazard) - self.cured) / (1 - self.cured)
        found = left > 0
        days = np.full(len(hazard), np.inf)
        days[found] = self.others.inverse(-np.log(left[found]))
        return days


@dataclass(frozen=True)
class LogNormal:
    """A delay whose logarithm is normal: median ``median`` days, standard deviation ``sd`` of the logarithm."""

    median: float
    sd: float

    def __post_init__(self) -> None:
        """Refuse what is no delay."""
        _require(0 < self.median < np.inf and 0 < self.sd < np.inf, "no log-normal delay", "Give two positive numbers.")

    def cumulative(self, time: Floats) -> Floats:
        """Return minus the logarithm of the share that waits longer."""
        from scipy.special import log_ndtr

        with np.errstate(divide="ignore"):
            standard = (np.log(np.maximum(time, 0.0)) - np.log(self.median)) / self.sd
        return np.asarray(-log_ndtr(-standard))

    def inverse(self, hazard: Floats) -> Floats:
        """Return the day of each cumulative hazard."""
        from scipy.special import ndtri_exp

        with np.errstate(over="ignore"):
            return np.asarray(self.median * np.exp(-self.sd * ndtri_exp(-hazard)))


@dataclass(frozen=True)
class Fixed:
    """A day that is planned: everybody who is still there on it moves then."""

    day: float

    def __post_init__(self) -> None:
        """Refuse a day before the clock starts."""
        _require(0 <= self.day < np.inf, "no planned day", "Write a number of days from 0.")

    def cumulative(self, time: Floats) -> Floats:
        """Return 0: nothing is known before the day."""
        return np.zeros(len(time))

    def inverse(self, hazard: Floats) -> Floats:
        """Return the day."""
        return np.full(len(hazard), self.day)
