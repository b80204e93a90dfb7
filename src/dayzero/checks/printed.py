"""Printed figures held against each other: a printed number is every number that is printed so.

Guards HR_CI_COHERENT, VAR_NOT_SE and FOLLOWUP_POSSIBLE of the clinical rule book, after the evidence rule book 2. A
verdict names the first reading of the printed digits under which the figures agree: ``nearest`` (rounded),
``truncated`` (digits cut off), ``one_unit`` (off by one in the last place), or ``none``. It says that figures cannot be
reproduced under a named assumption, never that they are wrong: another method may have made them.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal

from scipy.special import ndtr, ndtri

from dayzero.errors import InputError

Reading = Literal["nearest", "truncated", "one_unit"]
Verdict = Literal["nearest", "truncated", "one_unit", "none"]
READINGS: Final[tuple[Reading, ...]] = ("nearest", "truncated", "one_unit")
Point = tuple[float, float]

NARROW: Final = 0.5  # limits nearer than this share of the nearest that n patients can give are too narrow
VARIANCE: Final = 1.5
"""Limits within this many times those that 1.96 variances give look like them."""
_LEAST: Final = 1e-300
_WIDE: Final = 60.0  # of a log ratio, and of its standard error: e^60 is no ratio
_EPSILON: Final = 1e-12
_SIGNS: Final = {"<": "<", "≤": "<", ">": ">", "≥": ">"}


@dataclass(frozen=True)
class Printed:
    """A printed number.

    Attributes
    ----------
    digits
        As printed, without sign of comparison, unit and thousands' commas.
    sign
        ``<`` or ``>`` where the number is a bound, else ``=``.
    """

    digits: str
    sign: str = "="

    @property
    def value(self) -> float:
        """The number itself."""
        return float(self.digits)

    @property
    def unit(self) -> float:
        """One unit in the last place."""
        return 10.0 ** -len(self.digits.partition(".")[2])

    def interval(self, reading: Reading = "nearest") -> tuple[float, float]:
        """Return the least and the greatest number that is printed so.

        Examples
        --------
        >>> [printed("0.5").interval(reading) for reading in READINGS]
        [(0.45, 0.55), (0.5, 0.6), (0.4, 0.6)]
        """
        if self.sign == "<":
            return 0.0, self.value
        if self.sign == ">":
            return self.value, math.inf
        value, unit = Decimal(self.digits), Decimal(1).scaleb(-len(self.digits.partition(".")[2]))
        below = {"nearest": unit / 2, "truncated": Decimal(0), "one_unit": unit}[reading]
        above = unit / 2 if reading == "nearest" else unit
        return float(value - below), float(value + above)


def printed(text: str) -> Printed:
    """Read a printed number: ``6.055``, ``.036``, ``<0.001``, ``48.1 %``, ``1,770``.

    Raises
    ------
    InputError
        Where it is none.

    Examples
    --------
    >>> printed("<.001"), printed("1,770").value
    (Printed(digits='.001', sign='<'), 1770.0)
    """
    plain = text.strip().replace(",", "").replace("−", "-").replace("·", ".").rstrip("% ")
    sign = _SIGNS.get(plain[:1], "=")
    digits = plain.lstrip("<>≤≥= ")
    if not digits.replace(".", "", 1).removeprefix("-").isdecimal():
        raise InputError(f"{text[:40]!r} is no printed number", mend="Write the digits as printed, as text.")
    return Printed(digits, sign)


@dataclass(frozen=True)
class Ratio:
    """A printed ratio with its limits, and the p value printed beside it where there is one."""

    estimate: Printed
    lower: Printed
    upper: Printed
    p: Printed | None = None
    level: float = 0.95

    @property
    def centre(self) -> float | None:
        """The geometric centre of the limits; None where a limit is not above 0."""
        product = self.lower.value * self.upper.value
        return math.sqrt(product) if self.lower.value > 0 else None


@dataclass(frozen=True)
class RatioVerdict:
    """Under which reading the parts of a printed ratio agree.

    Attributes
    ----------
    ordered
        Whether the ratio lies between its limits.
    limits
        The ratio with its limits, which a Wald interval has at equal distances on the logarithmic scale.
    p_value
        The p value of ratio and limits together with the printed one; ``nearest`` where none is printed.
    p_range
        The p values that the limits alone allow.
    """

    ordered: bool
    limits: Verdict
    p_value: Verdict
    p_range: tuple[float, float]

    @property
    def worst(self) -> Verdict:
        """The worse of the two."""
        order: tuple[Verdict, ...] = (*READINGS, "none")
        return max(self.limits, self.p_value, key=order.index)


def check_ratio(ratio: Ratio) -> RatioVerdict:
    """Hold a ratio, its limits and its p value against each other.

    With beta = ln(ratio) and its standard error s, a Wald interval prints exp(beta), exp(beta - z s), exp(beta + z s),
    and p = 2 (1 - Phi(|beta| / s)). Each printed number confines (beta, s) to a strip; together they are a polygon,
    empty where no (beta, s) prints all of them. The extremes of p lie at its corners, for |beta| / s is monotone along
    every line of constant sign.

    Examples
    --------
    >>> check_ratio(Ratio(printed(".250"), printed(".068"), printed(".915"), printed(".036"))).worst
    'nearest'
    >>> check_ratio(Ratio(printed("6.055"), printed("1.624"), printed("18.933"), printed(".004"))).worst
    'none'
    """
    z = float(ndtri(0.5 + ratio.level / 2))
    three = ((ratio.estimate, 0.0), (ratio.lower, -z), (ratio.upper, z))
    limits = _first(lambda reading: bool(_polygon(three, reading)))
    together = _first(lambda reading: _holds(ratio.p, _polygon(three, reading), reading)) if ratio.p else "nearest"
    alone = _p_range(_polygon(three[1:], "nearest"))
    ordered = ratio.lower.value <= ratio.estimate.value <= ratio.upper.value
    return RatioVerdict(ordered, limits, together, alone)


def _first(holds: Callable[[Reading], bool]) -> Verdict:
    return next((reading for reading in READINGS if holds(reading)), "none")


def _polygon(figures: Sequence[tuple[Printed, float]], reading: Reading) -> list[Point]:
    """Return the corners of the (beta, s) for which beta + factor s is printed as each figure says."""
    corners: list[Point] = [(-_WIDE, 0.0), (_WIDE, 0.0), (_WIDE, _WIDE), (-_WIDE, _WIDE)]
    for figure, factor in figures:
        low, high = figure.interval(reading)
        corners = _clip(corners, (1.0, factor), _log(high))
        corners = _clip(corners, (-1.0, -factor), -_log(low))
    return corners


def _log(number: float) -> float:
    return min(math.log(max(number, _LEAST)), _WIDE) if number > 0 else -_WIDE


def _clip(corners: list[Point], normal: Point, bound: float) -> list[Point]:
    """Keep the part of a polygon in which normal . point <= bound (Sutherland and Hodgman 1974)."""
    kept: list[Point] = []
    for k, here in enumerate(corners):
        then = corners[(k + 1) % len(corners)]
        at, to = (normal[0] * x + normal[1] * y - bound for x, y in (here, then))
        if at <= _EPSILON:
            kept.append(here)
        if min(at, to) < -_EPSILON and max(at, to) > _EPSILON:
            share = at / (at - to)
            kept.append((here[0] + share * (then[0] - here[0]), here[1] + share * (then[1] - here[1])))
    return kept


def _p_range(corners: list[Point]) -> tuple[float, float]:
    """Return the least and the greatest p of a polygon; (nan, nan) where it is empty."""
    if not corners:
        return math.nan, math.nan
    scores = [abs(beta) / s if s > 0 else math.inf for beta, s in corners]
    crosses = min(beta for beta, _ in corners) <= 0 <= max(beta for beta, _ in corners)
    greatest = 1.0 if crosses else 2 * float(ndtr(-min(scores)))
    return 2 * float(ndtr(-max(scores))), greatest


def _holds(p: Printed | None, corners: list[Point], reading: Reading) -> bool:
    if p is None or not corners:
        return False
    (least, greatest), (low, high) = _p_range(corners), p.interval(reading)
    return least <= high and greatest >= low


@dataclass(frozen=True)
class Width:
    """How wide printed limits of a proportion or rate are, and how wide they can be.

    Attributes
    ----------
    printed
        The larger distance of estimate and limits, each as far as its digits allow.
    least
        The smallest such distance that n patients give: of the Wald, the Wilson and the arcsine interval.
    variance
        What z times the variance gives in place of z times the standard error.
    """

    printed: float
    least: float
    variance: float

    @property
    def too_narrow(self) -> bool:
        """Whether the limits are nearer than half of what n patients can give."""
        return self.printed < NARROW * self.least

    @property
    def like_variance(self) -> bool:
        """Whether they are what the variance gives where the standard error belongs."""
        return self.variance / VARIANCE <= self.printed <= VARIANCE * self.variance


def check_width(estimate: Printed, lower: Printed, upper: Printed, *, n: int, level: float = 0.95) -> Width:
    """Hold the width of limits in per cent against the number of patients.

    With everybody followed a proportion p of n patients has the variance p (1 - p) / n; censoring makes that of a
    Kaplan-Meier or an Aalen-Johansen estimate larger, never smaller. ``cmprsk::cuminc`` returns variances, and
    1.96 times a variance is the usual slip (clinical rule book 5.2).

    Parameters
    ----------
    estimate, lower, upper
        As printed, in per cent.
    n
        Patients.
    level
        Of the limits.

    Examples
    --------
    >>> width = check_width(printed("48.1"), printed("46.1"), printed("50.1"), n=27)
    >>> width.too_narrow, width.like_variance, round(width.least, 1)
    (True, True, 17.9)
    """
    z = float(ndtri(0.5 + level / 2))
    half = (estimate.unit + max(lower.unit, upper.unit)) / 2
    seen = max(upper.value - estimate.value, estimate.value - lower.value) + half
    p = min(max(estimate.value / 100, 0.0), 1.0)
    wilson, arcsine = _wilson(p, n, z), _arcsine(p, n, z)
    wald = [z * math.sqrt(p * (1 - p) / n)] if 0 < p < 1 else []
    return Width(seen, 100 * min([wilson, arcsine, *wald]), 100 * z * p * (1 - p) / n)


def _wilson(p: float, n: int, z: float) -> float:
    """Return the larger distance of a proportion to its score limits (Wilson 1927)."""
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(centre + half - p, p - centre + half)


def _arcsine(p: float, n: int, z: float) -> float:
    """Return the larger distance of a proportion and its limits on the scale arcsin(sqrt(p))."""
    angle, half = math.asin(math.sqrt(p)), z / (2 * math.sqrt(n))
    upper = math.sin(min(math.pi / 2, angle + half)) ** 2
    lower = math.sin(max(0.0, angle - half)) ** 2
    return max(upper - p, p - lower)


def follow_up_possible(longest: Printed, *, days_per: float, possible: float) -> bool:
    """Return whether a printed follow-up fits between the first patient's first day and the cutoff.

    ``days_per`` is the days in the unit of the printed follow-up, ``possible`` those between the two dates.

    Examples
    --------
    >>> follow_up_possible(printed("1,770"), days_per=1.0, possible=1706.0)
    False
    """
    return longest.interval("one_unit")[0] * days_per <= possible
