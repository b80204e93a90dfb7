"""The forest plot: hazard ratios on a logarithmic axis, with their numbers beside them."""

import math
from typing import TYPE_CHECKING, Any, Final

from dayzero.report.canvas import SIZE, Canvas, new_canvas, width_of, wrap
from dayzero.report.cox_table import UNIVARIABLE, reference_level, term_parts
from dayzero.report.formats import interval, p_value, ratio, sentence_case
from dayzero.report.page import Section
from dayzero.report.palette import FAINT, INK, SOFT, style_of
from dayzero.report.tables import rows_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_ROW: Final = 0.27
_TOP: Final = 0.78
_BELOW: Final = 0.62
_NUMBERS: Final = 2.1  # inches for the columns of numbers
_WIDEST: Final = 64.0  # the axis goes no further; longer intervals end in an arrow
_TICKS: Final = (1 / 64, 1 / 16, 1 / 4, 1 / 2, 1, 2, 4, 16, 64)


def draw_forest(section: Section, *, synthetic: bool = False) -> "Figure":
    """Draw the hazard ratios of a model with their confidence intervals.

    Parameters
    ----------
    section
        With ``hazard_ratio`` rows in ``estimates``; terms alone in their model are left to the table.
    synthetic
        Stamp the figure as simulated.
    """
    rows = [row for row in rows_of(section, "hazard_ratio") if row["kind"] != UNIVARIABLE]
    rows = rows or rows_of(section, "hazard_ratio")
    names = [wrap(_name(section, row["term"]), 2.6, most=1)[0] for row in rows]
    left = max(1.2, max((width_of(name) for name in names), default=0.0) + 0.35)
    height = _TOP + _ROW * len(rows) + _BELOW
    with new_canvas(height, section.label, *names) as canvas:
        axes = canvas.axes(left, _BELOW, canvas.width - left - _NUMBERS, _ROW * len(rows))
        _frame(axes, rows)
        for k, (row, name) in enumerate(zip(rows, names, strict=True)):
            level = len(rows) - k - 0.5
            _interval(axes, row, level)
            _numbers(canvas, row, name, _BELOW + _ROW * level - 0.04)
        _headings(canvas, section, left)
        if synthetic:
            canvas.stamp()
    return canvas.figure


def _name(section: Section, term: str) -> str:
    column, level = term_parts(term)
    reference = reference_level(section, column) if level else ""
    return ": ".join(filter(None, (sentence_case(column), f"{level} v {reference}" if reference else level)))


def _reach(rows: list[dict[str, Any]]) -> float:
    """Return how far from 1 the axis goes, as a ratio, on both sides."""
    ends = [row[end] for row in rows for end in ("lower", "upper", "estimate")]
    logs = [abs(math.log(end)) for end in ends if end is not None and 0 < end < math.inf]
    return min(_WIDEST, max(2.0, 1.08 * math.exp(min(max(logs, default=0.0), 10.0))))


def _frame(axes: "Axes", rows: list[dict[str, Any]]) -> None:
    reach = _reach(rows)
    ticks = [tick for tick in _TICKS if 1 / reach <= tick * 1.0001 and tick <= reach * 1.0001]
    axes.set_xscale("log")
    axes.set_xlim(1 / reach, reach)
    axes.set_ylim(0, len(rows))
    axes.set_xticks(ticks, [f"{tick:g}" if tick >= 1 else f"1/{1 / tick:g}" for tick in ticks])
    axes.set_xticks([], minor=True)
    axes.set_yticks([])
    axes.spines["bottom"].set(visible=True, color=INK, linewidth=0.8)
    axes.tick_params(axis="x", length=3.5, width=0.8, color=INK)
    axes.vlines([tick for tick in ticks if tick != 1], 0, len(rows), color=FAINT, linewidth=0.6, zorder=0)
    axes.vlines([1], 0, len(rows), color=INK, linewidth=0.8, zorder=0)


def _interval(axes: "Axes", row: dict[str, Any], level: float) -> None:
    """Draw one estimate and its interval, an arrow where the interval leaves the axis."""
    low, high = axes.get_xlim()
    if row["estimate"] is None:
        return
    if row["lower"] is not None and row["upper"] is not None:
        ends = [min(max(row[end], low), high) for end in ("lower", "upper")]
        axes.plot(ends, [level, level], color=INK, linewidth=1.1, solid_capstyle="butt")
        outside = [(end, mark) for end, mark, out in
                   ((low, "<", row["lower"] < low), (high, ">", row["upper"] > high)) if out]  # fmt: skip
        for end, mark in outside:
            axes.plot([end], [level], marker=mark, markersize=5, color=INK, clip_on=False)
    if low <= row["estimate"] <= high:
        axes.plot([row["estimate"]], [level], marker="s", markersize=5.5, color=style_of(0).colour, linestyle="none")


def _numbers(canvas: Canvas, row: dict[str, Any], name: str, base: float) -> None:
    canvas.text(0.08, base, name)
    known = row["estimate"] is not None
    text = f"{ratio(row['estimate'])} ({interval(row['lower'], row['upper'], ratio)})" if known else "not estimable"
    canvas.text(canvas.width - 0.78, base, text, ha="right")
    canvas.text(canvas.width - 0.08, base, p_value(row["p_value"]), ha="right")


def _headings(canvas: Canvas, section: Section, left: float) -> None:
    top = canvas.height - 0.2
    canvas.text(0.08, top, section.label, fontweight="bold", fontsize=SIZE + 1)
    canvas.text(0.08, top - 0.165, section.hypothetical, color=SOFT)
    base = canvas.height - _TOP + 0.1
    canvas.text(canvas.width - 0.78, base, f"HR ({section.confidence})", ha="right", color=SOFT)
    canvas.text(canvas.width - 0.08, base, "p", ha="right", color=SOFT)
    middle = left + (canvas.width - _NUMBERS - left) / 2
    canvas.text(middle, 0.14, "hazard ratio: left of 1 later events, right of 1 sooner", ha="center", color=SOFT)
