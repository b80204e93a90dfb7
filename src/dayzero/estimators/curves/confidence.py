"""Pointwise confidence limits of probabilities."""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import special

from dayzero.spells import Floats

ConfType = Literal["log-log", "log", "plain", "logit", "arcsine"]
Variance = Literal["greenwood", "aalen", "robust"]


@dataclass(frozen=True)
class Curve:
    """How a curve is estimated and its limits drawn.

    Attributes
    ----------
    conf_type
        The scale on which the limits are symmetric: ``log-log`` (Kalbfleisch and Prentice; the default), ``log``,
        ``plain``, ``logit`` or ``arcsine``.
    level
        Coverage, between 0 and 1.
    variance
        ``greenwood`` (the default); ``aalen`` (Aalen's and Tsiatis's, for survival curves only); or ``robust``, the
        infinitesimal jackknife by patient, for weights that are not numbers of patients.
    start_day
        Where given, the curve is conditional on being under observation after this day: earlier time is left out,
        and before the day the curve is what it is on that day.
        It is the way out where delayed entry empties an early risk set (convention 6).
    """

    conf_type: ConfType = "log-log"
    level: float = 0.95
    variance: Variance = "greenwood"
    start_day: float | None = None

    def __post_init__(self) -> None:
        """Refuse names and levels that do not exist."""
        if self.conf_type not in get_args(ConfType):
            raise ValueError(f"conf_type is one of {', '.join(get_args(ConfType))}")
        if self.variance not in get_args(Variance):
            raise ValueError(f"variance is one of {', '.join(get_args(Variance))}")
        if not 0 < self.level < 1:
            raise ValueError("level lies between 0 and 1")

    @property
    def method(self) -> str:
        """Return the name to print beside the numbers."""
        return f"{self.variance}, {self.conf_type}"


def limits(probability: Floats, std_error: Floats, curve: Curve) -> tuple[Floats, Floats]:
    """Return the lower and upper confidence limits of probabilities, of any one shape.

    On the scale g they are g^-1(g(p) ∓ z se g'(p)), with g = log(-log p), log p, p, log(p / (1 - p)) or
    asin(sqrt p), and are kept within [0, 1] (Kalbfleisch and Prentice 2002, 1.4; Borgan and Liestøl 1990).
    At p = 0 and p = 1 there are none: NaN, not [0, 0] (convention 5).

    Examples
    --------
    >>> low, high = limits(np.array([0.5]), np.array([0.1]), Curve())
    >>> print(f"{low[0]:.4f} {high[0]:.4f}")
    0.2952 0.6745
    """
    z = float(special.ndtri(0.5 + curve.level / 2.0))
    inside = (probability > 0.0) & (probability < 1.0) & np.isfinite(std_error)
    p = np.where(inside, probability, 0.5)
    with np.errstate(over="ignore"):  # a margin beyond the largest float: the limit is 0 or 1
        low, high = _scaled(p, z * np.where(inside, std_error, 0.0), curve.conf_type)
    return np.where(inside, low, np.nan), np.where(inside, high, np.nan)


def _scaled(p: Floats, margin: Floats, conf_type: ConfType) -> tuple[Floats, Floats]:
    if conf_type == "plain":
        return np.maximum(p - margin, 0.0), np.minimum(p + margin, 1.0)
    if conf_type == "log":
        return p * np.exp(-margin / p), np.minimum(p * np.exp(margin / p), 1.0)
    if conf_type == "log-log":
        scaled = margin / (p * np.log(p))  # negative: log(-log p) decreases
        return p ** np.exp(-scaled), p ** np.exp(scaled)
    if conf_type == "logit":
        scaled = margin / (p * (1.0 - p))
        return special.expit(special.logit(p) - scaled), special.expit(special.logit(p) + scaled)
    angle, scaled = np.arcsin(np.sqrt(p)), 0.5 * margin / np.sqrt(p * (1.0 - p))
    low, high = np.maximum(angle - scaled, 0.0), np.minimum(angle + scaled, np.pi / 2.0)
    return np.sin(low) ** 2, np.sin(high) ** 2
