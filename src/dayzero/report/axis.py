"""The time axis of a figure: days, months or years, with ticks that a clinician would choose."""

from dataclasses import dataclass
from typing import Final

DAYS_PER: Final = {"days": 1.0, "months": 30.4375, "years": 365.25}
MOST_INTERVALS: Final = 8
_STEPS: Final = {
    "days": (1, 2, 5, 7, 10, 14, 20),
    "months": (1, 2, 3, 6),
    "years": (1, 2, 5, 10, 20, 50, 100),
}


@dataclass(frozen=True)
class TimeAxis:
    """Where the ticks of a time axis stand and how they are written.

    Attributes
    ----------
    ticks
        Days from the origin, the first being 0.
    labels
        The same times in ``unit``, one label a tick.
    unit
        ``days``, ``months`` (30.4375 days) or ``years`` (365.25 days).
    """

    ticks: tuple[float, ...]
    labels: tuple[str, ...]
    unit: str


def time_axis(last_day: float) -> TimeAxis:
    """Choose the ticks for curves that end on a day: days up to 100 days, months up to 3 years, then years.

    Parameters
    ----------
    last_day
        The last time of any curve, in days; whoever counts patients at risk counts them at the ticks returned.

    Examples
    --------
    >>> time_axis(28).labels
    ('0', '5', '10', '15', '20', '25')
    >>> time_axis(1000).labels, time_axis(1000).unit
    (('0', '6', '12', '18', '24', '30'), 'months')
    >>> time_axis(2640).labels, time_axis(2640).unit
    (('0', '1', '2', '3', '4', '5', '6', '7'), 'years')
    """
    unit = "days" if last_day <= 100 else "months" if last_day <= 1100 else "years"
    length = max(last_day, 1.0) / DAYS_PER[unit]
    step = next((s for s in _STEPS[unit] if length // s <= MOST_INTERVALS), _STEPS[unit][-1])
    numbers = range(0, int(length + 1e-9) + 1, step)
    return TimeAxis(tuple(n * DAYS_PER[unit] for n in numbers), tuple(str(n) for n in numbers), unit)
