"""Estimates with their intervals, one a line, beside their numbers: odds ratios, proportions, areas, differences."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from dayzero.report.canvas import SIZE, Canvas, new_canvas, width_of, wrap
from dayzero.report.formats import NOT_ESTIMABLE, Number, interval
from dayzero.report.palette import FAINT, INK, SOFT, style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW: Final = 0.27  # inches
_TOP: Final = 0.78
_BELOW: Final = 0.62
_NUMBERS: Final = 1.9
_WIDEST: Final = 64.0  # a logarithmic axis goes no further from 1; longer intervals end in an arrow
_TICKS: Final = (1 / 64, 1 / 16, 1 / 4, 1 / 2, 1, 2, 4, 16, 64)


@dataclass(frozen=True)
class Line:
    """One estimate.

    Attributes
    ----------
    name
        Left of it.
    estimate, lower, upper
        Its number and its limits; None where there is none.
    hollow
        Drawn as an empty grey mark: a number that is not to be read as the others are.
    bold
        Its name stands out.
    absent
        What stands in the place of the number where there is none.
    """

    name: str
    estimate: Number
    lower: Number
    upper: Number
    hollow: bool = field(default=False, kw_only=True)
    bold: bool = field(default=False, kw_only=True)
    absent: str = field(default=NOT_ESTIMABLE, kw_only=True)


@dataclass(frozen=True)
class Intervals:
    """A figure of intervals.

    Attributes
    ----------
    title, unit
        The heading, and what the numbers are, for example ``OR (95 % CI)``.
    explained
        Below the axis: how to read it.
    lines
        From above.
    write
        How a number is written.
    null
        The value of no difference, at which a line is drawn; None where there is none.
    logarithmic
        For ratios.
    """

    title: str
    unit: str
    explained: str
    lines: tuple[Line, ...]
    write: Callable[[Number], str]
    null: float | None = None
    logarithmic: bool = False


def draw_intervals(shown: Intervals, *, synthetic: bool = False) -> "Figure":
    """Draw estimates with their intervals.

    Parameters
    ----------
    shown
        What to draw.
    synthetic
        Stamp the figure as simulated.
    """
    names = [wrap(line.name, 2.6, most=1)[0] for line in shown.lines]
    left = max(1.2, max((width_of(name) for name in names), default=0.0) + 0.35)
    tall = _ROW * len(names)
    with new_canvas(_TOP + tall + _BELOW, shown.title, *names) as canvas:
        axes = canvas.axes(left, _BELOW, canvas.width - left - _NUMBERS, tall)
        _frame(axes, shown)
        for k, (line, name) in enumerate(zip(shown.lines, names, strict=True)):
            height = len(names) - k - 0.5
            _interval(axes, line, height)
            base = _BELOW + _ROW * height - 0.04
            colour, weight = SOFT if line.hollow else INK, "bold" if line.bold else "normal"
            canvas.text(0.08, base, name, color=colour, fontweight=weight)
            canvas.text(canvas.width - 0.08, base, _number(line, shown.write), ha="right", color=colour)
        _headings(canvas, shown, left)
        if synthetic:
            canvas.stamp()
    return canvas.figure


def _number(line: Line, write: Callable[[Number], str]) -> str:
    if line.estimate is None:
        return line.absent
    ends = (line.estimate, line.lower, line.upper)
    if any(end is not None and end < 0 for end in ends):
        value, *limits = (write(end).replace("-", "−") for end in ends)
        return f"{value} ({' to '.join(limits)})"
    return f"{write(line.estimate)} ({interval(line.lower, line.upper, write)})"


def _frame(axes: "Axes", shown: Intervals) -> None:
    ends = [end for line in shown.lines for end in (line.estimate, line.lower, line.upper) if end is not None]
    axes.set_ylim(0, len(shown.lines))
    axes.set_yticks([])
    if shown.logarithmic:
        _logarithmic(axes, ends)
    else:
        _linear(axes, [*ends, *([shown.null] if shown.null is not None else [])])
    axes.spines["bottom"].set(visible=True, color=INK, linewidth=0.8)
    axes.tick_params(axis="x", length=3.5, width=0.8, color=INK)
    axes.vlines([tick for tick in axes.get_xticks() if tick != shown.null], 0, len(shown.lines),
                color=FAINT, linewidth=0.6, zorder=0)  # fmt: skip
    if shown.null is not None:
        axes.vlines([shown.null], 0, len(shown.lines), color=INK, linewidth=0.8, zorder=0)


def _logarithmic(axes: "Axes", ends: list[float]) -> None:
    logs = [abs(math.log(end)) for end in ends if 0 < end < math.inf]
    reach = min(_WIDEST, max(2.0, 1.08 * math.exp(min(max(logs, default=0.0), 10.0))))
    ticks = [tick for tick in _TICKS if 1 / reach <= tick * 1.0001 and tick <= reach * 1.0001]
    axes.set_xscale("log")
    axes.set_xlim(1 / reach, reach)
    axes.set_xticks(ticks, [f"{tick:g}" if tick >= 1 else f"1/{1 / tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)


def _linear(axes: "Axes", ends: list[float]) -> None:
    low, high = min(ends, default=0.0), max(ends, default=1.0)
    span = high - low or 1.0
    step = 10.0 ** math.floor(math.log10(span / 2.0))
    step *= next(factor for factor in (1, 2, 5, 10) if span / (step * factor) <= 6)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = [k * step for k in range(first, last + 1)]
    axes.set_xlim(ticks[0], ticks[-1])
    axes.set_xticks(ticks, [f"{tick:.6g}" for tick in ticks])


def _interval(axes: "Axes", line: Line, height: float) -> None:
    """Draw one estimate and its interval, an arrow where the interval leaves the axis."""
    low, high = axes.get_xlim()
    ink, colour = (SOFT, SOFT) if line.hollow else (INK, style_of(0).colour)
    if line.lower is not None and line.upper is not None:
        ends = [min(max(end, low), high) for end in (line.lower, line.upper)]
        axes.plot(ends, [height, height], color=ink, linewidth=1.1, solid_capstyle="butt", zorder=2)
        for end, mark, out in ((low, "<", line.lower < low), (high, ">", line.upper > high)):
            if out:
                axes.plot([end], [height], marker=mark, markersize=5, color=ink, clip_on=False)
    if line.estimate is not None and low <= line.estimate <= high:
        axes.plot([line.estimate], [height], marker="s", markersize=5.5, color=colour, linestyle="none", clip_on=False,
                  markerfacecolor="none" if line.hollow else colour, zorder=3)  # fmt: skip


def _headings(canvas: Canvas, shown: Intervals, left: float) -> None:
    canvas.text(0.08, canvas.height - 0.2, shown.title, fontweight="bold", fontsize=SIZE + 1)
    canvas.text(canvas.width - 0.08, canvas.height - _TOP + 0.1, shown.unit, ha="right", color=SOFT)
    middle = left + (canvas.width - _NUMBERS - left) / 2
    canvas.text(middle, 0.14, shown.explained, ha="center", color=SOFT)
