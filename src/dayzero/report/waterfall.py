"""A waterfall: one bar a patient, from the largest rise to the deepest fall."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dayzero.report.canvas import SIZE, Canvas, new_canvas, width_of
from dayzero.report.palette import FAINT, INK, SOFT, style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_LEFT: Final = 0.75  # inches
_BELOW: Final = 0.62
_TALL: Final = 2.9
_TOP: Final = 0.5
_MOST_BARS: Final = 300  # more of them are lines, without marks at their ends
_RESPONSES: Final = 5  # colours; further responses share the last


@dataclass(frozen=True)
class Bar:
    """One patient.

    Attributes
    ----------
    change
        log10 of the best value over the baseline.
    response
        The word for the response, empty where it is unknown.
    at_limit
        The best value is below what the assay can tell: the fall is at least as large.
    """

    change: float
    response: str
    at_limit: bool


def draw_waterfall(title: str, unit: str, bars: tuple[Bar, ...], *, synthetic: bool = False) -> "Figure":
    """Draw the bars in their order.

    Parameters
    ----------
    title, unit
        The heading, and what the height is.
    bars
        One a patient, from the left.
    synthetic
        Stamp the figure as simulated.
    """
    words = list(dict.fromkeys(bar.response for bar in reversed(bars)))
    colours = {word: style_of(min(k, _RESPONSES)).colour if word else SOFT for k, word in enumerate(words)}
    with new_canvas(_TOP + _TALL + _BELOW, title, unit, *words) as canvas:
        axes = canvas.axes(_LEFT, _BELOW, canvas.width - _LEFT - 0.2, _TALL)
        _frame(axes, bars)
        _bars(axes, bars, colours)
        canvas.text(0.08, canvas.height - 0.2, title, fontweight="bold", fontsize=SIZE + 1)
        canvas.text(0.08, canvas.height - 0.4, unit, color=SOFT)
        _key(canvas, colours, limits=len(bars) <= _MOST_BARS and any(bar.at_limit for bar in bars))
        if synthetic:
            canvas.stamp()
    return canvas.figure


def _frame(axes: "Axes", bars: tuple[Bar, ...]) -> None:
    heights = [0.0, *(bar.change for bar in bars)]
    low, high = math.floor(min(heights)), math.ceil(max(heights))
    low, high = min(low, -1), max(high, 0)
    axes.set_xlim(-0.7, max(len(bars), 8) - 0.3)
    axes.set_ylim(low - 0.12, high + 0.12)
    ticks = list(range(low, high + 1))
    axes.set_yticks(ticks, [f"{tick:+d}".replace("-", "−") if tick else "0" for tick in ticks])
    axes.set_xticks([])
    axes.hlines([tick for tick in ticks if tick], -0.7, max(len(bars), 8) - 0.3, color=FAINT, linewidth=0.6, zorder=0)
    axes.axhline(0.0, color=INK, linewidth=0.8, zorder=3)


def _bars(axes: "Axes", bars: tuple[Bar, ...], colours: dict[str, str]) -> None:
    """Draw filled bars; those that end at a limit are hollow, with an arrow at their end."""
    edges = [colours[bar.response] for bar in bars]
    fills = ["none" if bar.at_limit else edge for bar, edge in zip(bars, edges, strict=True)]
    heights = [bar.change for bar in bars]
    if len(bars) > _MOST_BARS:
        axes.vlines(range(len(bars)), 0.0, heights, colors=edges, linewidth=0.5, zorder=2)
        return
    axes.bar(range(len(bars)), heights, width=0.76, color=fills, edgecolor=edges, linewidth=1.1, zorder=2)
    for colour in dict.fromkeys(edges):
        limits = [place for place, bar in enumerate(bars) if bar.at_limit and edges[place] == colour]
        ends = [heights[place] for place in limits]
        axes.plot(limits, ends, marker="v", markersize=4.5, color=colour, linestyle="none", zorder=4)


def _key(canvas: Canvas, colours: dict[str, str], *, limits: bool) -> None:
    """Name the colours, and say what an arrow is."""
    left = _LEFT
    for word, colour in list(colours.items())[: _RESPONSES + 1]:
        name = word or "response not known"
        canvas.text(left, 0.34, "■", color=colour)
        canvas.text(left + 0.16, 0.34, name)
        left += 0.42 + width_of(name)
    if limits:
        text = "Hollow, with an arrow: below what the assay can tell; the fall is at least as large."
        canvas.text(_LEFT, 0.12, text, color=SOFT)
