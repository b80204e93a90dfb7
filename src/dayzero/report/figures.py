"""Curves on paper: survival and cumulative incidence, with the numbers at risk right below the ticks.

Nothing is estimated here; :mod:`dayzero.report.series` reads the curves from the rows, this module places them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from dayzero.report.at_risk import RiskTable, draw_risk_table, read_risk_table
from dayzero.report.axis import TimeAxis, time_axis
from dayzero.report.canvas import LINE, SIZE, WIDTH, Canvas, new_canvas
from dayzero.report.curve_names import CurveName, Place, names_width, read_names, write_names
from dayzero.report.formats import p_statement
from dayzero.report.labels import event_label, origin_label
from dayzero.report.page import Section
from dayzero.report.palette import FAINT, INK, SOFT, Style
from dayzero.report.series import Series, read_incidence, read_survival

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BANDS: Final = 3
_PLOT: Final = 3.35  # inches
_TOP: Final = 0.52
_BELOW: Final = 0.56
_MARK: Final = 0.013  # half the height of a censoring mark, as a probability
_MANY: Final = 100  # censoring marks on one curve


@dataclass(frozen=True)
class Plot:
    """Everything that a figure of curves shows, before it is placed."""

    heading: str
    remark: str
    curves: tuple[Series, ...]
    names: tuple[CurveName, ...]
    test: str
    rising: bool
    axis: TimeAxis
    risk: RiskTable
    origin: str

    @property
    def left(self) -> float:
        """Inches left of the axes: the names of the table's rows."""
        return max(0.75, self.risk.left)

    @property
    def right(self) -> float:
        """Inches right of the axes: the names of the curves."""
        return names_width(self.names)

    @property
    def last_day(self) -> float:
        """The right end of the time axis."""
        return max(max(curve.last_day for curve in self.curves) * 1.01, self.axis.ticks[-1], 1.0)


def draw_survival(section: Section, *, heading: str = "", synthetic: bool = False) -> "Figure":
    """Draw survival curves with confidence bands, censoring marks, the test, and the numbers at risk.

    Parameters
    ----------
    section
        With ``survival`` rows in ``curves``.
    heading
        What is drawn; by default the endpoint.
    synthetic
        Stamp the figure as simulated.

    Returns
    -------
    matplotlib.figure.Figure
        8 inches wide; curves are thin where fewer than five patients are at risk.
    """
    curves = read_survival(section)
    risk = read_risk_table(section, curves, ())
    return _draw(_plot(section, curves, risk, heading=heading or section.label), synthetic=synthetic)


def draw_cumulative_incidence(section: Section, term: str | None = None, *, synthetic: bool = False) -> "Figure":
    """Draw cumulative incidence curves: of one event by group, or of every event in one plot.

    Parameters
    ----------
    section
        With ``cumulative_incidence`` rows in ``curves``.
    term
        The event; None draws all.
    synthetic
        Stamp the figure as simulated.
    """
    curves = read_incidence(section, term)
    events = tuple(dict.fromkeys(read.term for read in read_incidence(section) if read.term is not None))
    ordered = sorted(events, key=lambda event: event != term)
    risk = read_risk_table(section, curves, ordered)
    what = f"Cumulative incidence of {event_label(term, section.endpoint) if term else 'each event'}"
    return _draw(_plot(section, curves, risk, heading=what, term=term), synthetic=synthetic)


def _plot(
    section: Section, curves: tuple[Series, ...], risk: RiskTable, *, heading: str, term: str | None = None
) -> Plot:
    remark = section.hypothetical
    axis = time_axis(max(curve.last_day for curve in curves))
    names = read_names(section, curves, axis)
    rising = term is not None or curves[0].term is not None
    return Plot(
        heading, remark, curves, names, _test(section, term), rising, axis, risk, origin_label(section.endpoint)
    )


def _test(section: Section, term: str | None) -> str:
    """Return the test as the figure names it, empty where there is none."""
    found = section.estimates.where(statistic="gray" if term else "logrank", term=term, group=None).rows
    if not found.height:
        return ""
    method = "Gray’s test" if term else _method(found["method"][0])
    warned = " (see the warning)" if found["warning"][0] else ""
    return f"{method}, {p_statement(found['p_value'][0])}{warned}"


def _method(method: str | None) -> str:
    return f"{method[:1].upper()}{method[1:]} test" if method else "Log-rank test"


def _draw(plot: Plot, *, synthetic: bool) -> "Figure":
    bottom = plot.risk.height + _BELOW
    height = bottom + _PLOT + _TOP
    texts = [line for lines in (*(name.name for name in plot.names), *plot.risk.names) for line in lines]
    with new_canvas(height, plot.heading, plot.remark, *texts) as canvas:
        width = WIDTH - plot.left - plot.right
        axes = canvas.axes(plot.left, bottom, width, _PLOT)
        _frame(axes, plot)
        for curve, name in zip(plot.curves, plot.names, strict=True):
            _curve(axes, curve, name.style, band=len(plot.curves) <= MOST_BANDS)
        _headings(canvas, plot)
        write_names(canvas, plot.names, place=_place(plot, bottom))
        _write_test(axes, plot)
        draw_risk_table(canvas, plot.risk, axis=plot.axis, left=plot.left, scale=width / plot.last_day)
        if synthetic:
            canvas.stamp()
    return canvas.figure


def _frame(axes: "Axes", plot: Plot) -> None:
    axes.set_xlim(0, plot.last_day)
    axes.set_ylim(0, 1)
    axes.set_xticks(plot.axis.ticks, plot.axis.labels)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    axes.spines["bottom"].set(visible=True, color=INK, linewidth=0.8)
    axes.tick_params(axis="x", length=3.5, width=0.8, color=INK, pad=3)
    axes.tick_params(axis="y", pad=4)
    axes.hlines([0.25, 0.5, 0.75, 1], 0, plot.last_day, color=FAINT, linewidth=0.6, zorder=0)


def _curve(axes: "Axes", curve: Series, style: Style, *, band: bool) -> None:
    """Draw one curve: its band, its steps (thin where few are left), its censoring marks."""
    if band and bool(np.isfinite(curve.lower).any()):
        axes.fill_between(curve.time, curve.lower, curve.upper, step="post", color=style.colour, alpha=0.1, linewidth=0)
    firm = curve.time <= curve.sparse_from
    time, height = curve.time[firm], curve.estimate[firm]
    if not bool(firm.all()):
        edge = min(curve.sparse_from, curve.last_day)
        time, height = np.append(time, edge), np.append(height, height[-1])
        thin = np.append(edge, curve.time[~firm]), np.append(height[-1], curve.estimate[~firm])
        axes.step(*thin, where="post", color=style.colour, linewidth=0.7, alpha=0.75, clip_on=False)
    (line,) = axes.step(time, height, where="post", color=style.colour, linewidth=1.8, clip_on=False)
    if style.dashes:
        line.set_dashes(style.dashes)
    _marks(axes, curve, style)


def _marks(axes: "Axes", curve: Series, style: Style) -> None:
    """Draw the censoring marks; many are finer, so that the curve stays visible among them."""
    many = len(curve.censored) > _MANY
    half = _MARK / 2 if many else _MARK
    gap = np.full(len(curve.censored), np.nan)
    across = np.column_stack((curve.censored, curve.censored, gap)).ravel()
    along = np.column_stack((curve.height - half, curve.height + half, gap)).ravel()
    axes.plot(across, along, color=style.colour, linewidth=0.4 if many else 0.8, clip_on=False)


def _place(plot: Plot, bottom: float) -> Place:
    return Place(left=plot.left, right=WIDTH - plot.right, bottom=bottom, height=_PLOT, last_day=plot.last_day)


def _headings(canvas: Canvas, plot: Plot) -> None:
    top = canvas.height - 0.2
    canvas.text(0.08, top, plot.heading, fontweight="bold", fontsize=SIZE + 1)
    if plot.remark:
        canvas.text(0.08, top - LINE, plot.remark, color=SOFT)
    middle = plot.left + (canvas.width - plot.left - plot.right) / 2
    canvas.text(middle, plot.risk.height + 0.16, f"{plot.axis.unit.capitalize()} from {plot.origin}", ha="center")


def _write_test(axes: "Axes", plot: Plot) -> None:
    if not plot.test:
        return
    top = 0.93 if plot.rising else 0.045
    axes.text(0.02 * plot.last_day, top, plot.test, fontsize=SIZE, color=INK, va="baseline")
