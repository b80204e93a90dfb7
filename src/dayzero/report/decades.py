"""A logarithmic axis with a tick a decade."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from dayzero.report.palette import FAINT

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def decades(values: Sequence[float]) -> tuple[float, float]:
    """Return the powers of ten that enclose the values above 0.

    Examples
    --------
    >>> decades([0.0, 3.0, 250.0])
    (1.0, 1000.0)
    """
    known = [value for value in values if value > 0] or [1.0]
    low, high = np.floor(np.log10(min(known))), np.ceil(np.log10(max(known)))
    return float(10.0**low), float(10.0 ** max(high, low + 1))


def logarithmic(axes: "Axes", ends: tuple[float, float]) -> None:
    """Set a logarithmic axis with a tick a decade, at most six."""
    low, high = (round(float(np.log10(end))) for end in ends)
    step = -(-(high - low) // 6)
    ticks = [10.0**k for k in range(low, high + 1, step)]
    axes.set_yscale("log")
    axes.set_ylim(*ends)
    axes.set_yticks(ticks, [_power(tick) for tick in ticks])
    axes.set_yticks([], minor=True)
    axes.hlines(ticks, *axes.get_xlim(), color=FAINT, linewidth=0.6, zorder=0)


def _power(tick: float) -> str:
    """Write a power of ten: whole up to 100,000, as a power beyond.

    Examples
    --------
    >>> _power(1000.0), _power(1e7), _power(0.01)
    ('1,000', '10⁷', '0.01')
    """
    exponent = round(float(np.log10(tick)))
    if -3 <= exponent <= 5:
        return f"{tick:,.0f}" if exponent >= 0 else f"{tick:.{-exponent}f}"
    return "10" + str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
