"""The names of curves, written beside their ends instead of in a legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dayzero.report.axis import TimeAxis
from dayzero.report.canvas import LINE, Canvas, width_of, wrap
from dayzero.report.formats import duration
from dayzero.report.page import Section
from dayzero.report.palette import SOFT, Style, style_of
from dayzero.report.series import Series

_MOST_LEADERS: Final = 4
_MOST_FACTS: Final = 6
_SAMPLE: Final = (0.1, 0.36)  # inches right of the axes: where the sample of a curve's line starts and ends
_TEXT: Final = 0.44
_ASCENT: Final = 0.11  # inches from the upper edge of a line of text to its baseline
_MIDDLE: Final = 0.035  # and from the baseline to the middle of its letters
_BOLD: Final = 1.12  # how much wider bold type is


@dataclass(frozen=True)
class CurveName:
    """What stands beside the end of a curve.

    Attributes
    ----------
    name
        Lines of the name; none where the figure has one curve of everybody.
    facts
        Lines below it: number of patients, median.
    style
        The curve's.
    end
        Day and probability where the curve ends.
    """

    name: tuple[str, ...]
    facts: tuple[str, ...]
    style: Style
    end: tuple[float, float]

    @property
    def height(self) -> float:
        """Inches that it takes."""
        return LINE * (len(self.name) + len(self.facts)) + 0.05


@dataclass(frozen=True)
class Place:
    """Where the axes stand: inches from the lower left corner, and the day at their right edge."""

    left: float
    right: float
    bottom: float
    height: float
    last_day: float

    def of(self, day: float, probability: float) -> tuple[float, float]:
        """Return where a point of the plot stands."""
        across = self.left + day * (self.right - self.left) / self.last_day
        return across, self.bottom + probability * self.height


def read_names(section: Section, curves: Sequence[Series], axis: TimeAxis) -> tuple[CurveName, ...]:
    """Return the name of each curve, with its size and median where there is room."""
    alone = len(curves) == 1 and curves[0].group is None and curves[0].term is None
    names = []
    for k, curve in enumerate(curves):
        lines = () if alone else tuple(wrap(curve.label, 1.45, most=2))
        end = curve.last_day, float(curve.estimate[-1])
        names.append(CurveName(lines, _facts(section, curve, axis, len(curves)), style_of(k), end))
    return tuple(names)


def _facts(section: Section, curve: Series, axis: TimeAxis, curves: int) -> tuple[str, ...]:
    if curves > _MOST_FACTS or not curve.n or (curve.group is None and curve.term is not None):
        return ()
    medians = section.estimates.where(statistic="median", group=curve.group).rows
    if curve.term is not None or not medians.height:
        return (f"n = {curve.n}",)
    unit = "days" if axis.unit == "days" else "months"
    days = medians["estimate"][0]
    return f"n = {curve.n}", f"median {duration(days, unit)}" + (f" {unit}" if days is not None else "")


def names_width(names: Sequence[CurveName]) -> float:
    """Return the inches that the names take right of the axes."""
    widest = max((_BOLD * width_of(line) for name in names for line in (*name.name, *name.facts)), default=0.0)
    return widest + _TEXT + 0.16


def write_names(canvas: Canvas, names: Sequence[CurveName], *, place: Place) -> None:
    """Write the names beside the curves' ends, with a sample of each line; names that would touch move apart."""
    ends = [place.of(*name.end) for name in names]
    wanted = [end[1] + 0.5 * LINE for end in ends]
    low, high = place.bottom - 0.3, place.bottom + place.height + 0.2
    tops = spread(wanted, [name.height for name in names], low=low, high=high)
    for name, top, end in zip(names, tops, ends, strict=True):
        base = top - _ASCENT
        level = base + _MIDDLE
        if len(names) <= _MOST_LEADERS:
            canvas.line(end, (place.right + 0.07, level), color=SOFT, linewidth=0.4)
        if name.name:
            dashes = (0, name.style.dashes) if name.style.dashes else "solid"
            ends_of_sample = [(place.right + edge, level) for edge in _SAMPLE]
            canvas.line(*ends_of_sample, color=name.style.colour, linewidth=1.8, linestyle=dashes)
        _write(canvas, name, place.right + _TEXT, base)


def _write(canvas: Canvas, name: CurveName, left: float, base: float) -> None:
    for k, line in enumerate(name.name):
        canvas.text(left, base - k * LINE, line, color=name.style.colour, fontweight="bold")
    for k, line in enumerate(name.facts, start=len(name.name)):
        canvas.text(left, base - k * LINE, line, color=SOFT)


def spread(tops: Sequence[float], heights: Sequence[float], *, low: float, high: float) -> list[float]:
    """Move labels apart until none overlaps, as little as that takes, between two bounds.

    Parameters
    ----------
    tops
        Where the upper edges would like to be.
    heights
        Of the labels.
    low, high
        The bounds; the lower one yields where there is not room for all.

    Examples
    --------
    >>> [round(top, 2) for top in spread([1.0, 1.0], [0.2, 0.2], low=0, high=2)]
    [1.0, 0.8]
    """
    order = sorted(range(len(tops)), key=lambda k: -tops[k])
    placed = _down(tops, heights, order, high)
    floor = low
    for k in reversed(order):
        placed[k] = floor = max(placed[k], floor + heights[k])
    return _down(placed, heights, order, high)


def _down(tops: Sequence[float], heights: Sequence[float], order: Sequence[int], high: float) -> list[float]:
    """Push labels down, the upmost first, until none is above the bound or in another."""
    placed = list(tops)
    for k in order:
        placed[k] = min(placed[k], high)
        high = placed[k] - heights[k]
    return placed
