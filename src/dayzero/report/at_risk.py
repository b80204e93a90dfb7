"""The table under a figure: patients at risk and events, right under the ticks of the time axis."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from dayzero.report.axis import TimeAxis
from dayzero.report.canvas import LINE, SIZE, Canvas, width_of, wrap
from dayzero.report.formats import NONE, count
from dayzero.report.labels import event_label, group_labels
from dayzero.report.page import Section
from dayzero.report.palette import INK, Style, style_of
from dayzero.report.series import Series

_GAP: Final = 0.05
_HEAD: Final = 0.26
_APART: Final = 0.17  # inches between two cells
_SMALLEST: Final = 7.5  # points


@dataclass(frozen=True)
class RiskTable:
    """Numbers at risk, ready to be written.

    Attributes
    ----------
    heading
        What the cells hold.
    names
        The lines of each row's name.
    cells
        Time (days) to text, one mapping a row.
    styles
        Of the curve that a row belongs to, None where it belongs to all.
    """

    heading: str
    names: tuple[tuple[str, ...], ...]
    cells: tuple[dict[float, str], ...]
    styles: tuple[Style | None, ...]

    @property
    def height(self) -> float:
        """Inches that the table takes below the axis."""
        return _HEAD + sum(_row_height(lines) for lines in self.names) + 0.08 if self.names else 0.1

    @property
    def left(self) -> float:
        """Inches from the left edge to day 0: the longest name and half of the first cell, not touching."""
        widest = max((width_of(line) for lines in self.names for line in lines), default=0.0)
        first = max((width_of(next(iter(cells.values()), "")) for cells in self.cells), default=0.0)
        return 0.08 + widest + 0.18 + first / 2


def _row_height(lines: Sequence[str]) -> float:
    return LINE * len(lines) + _GAP


def read_risk_table(section: Section, curves: Sequence[Series], events: Sequence[str]) -> RiskTable:
    """Read the table of a figure from the section's ``at_risk`` rows.

    Parameters
    ----------
    section
        The analysis.
    curves
        Of the figure: they give the groups their order and colours.
    events
        The events to count beside the patients, in this order; empty: the only one.
    """
    groups = list(dict.fromkeys(curve.group for curve in curves))
    rows = section.at_risk.rows.filter(pl.col("group").is_in([g for g in groups if g]) | pl.col("group").is_null())
    if not rows.height:
        return RiskTable("", (), (), ())
    labels = group_labels(groups, section.by)
    coloured = len({curve.term for curve in curves}) <= 1
    what = " | ".join(event_label(event, section.endpoint) for event in events) or "events"
    return RiskTable(
        heading=f"Number at risk ({what})",
        names=tuple(tuple(wrap(labels[group], 1.25, most=2)) for group in groups),
        cells=tuple(_cells(rows, group, events) for group in groups),
        styles=tuple(style_of(k) if coloured else None for k in range(len(groups))),
    )


def _cells(rows: pl.DataFrame, group: str | None, events: Sequence[str]) -> dict[float, str]:
    mine = rows.filter(pl.col("group").eq_missing(pl.lit(group)))
    at_risk = _by_time(mine, "n_at_risk")
    happened = [_by_time(mine, "n_events", event) for event in events] or [_by_time(mine, "n_events")]
    return {time: f"{count(n)} ({_happened(happened, time)})" for time, n in at_risk.items()}


def _happened(happened: Sequence[dict[float, float]], time: float) -> str:
    return " | ".join(count(known[time]) if time in known else NONE for known in happened)


def _by_time(rows: pl.DataFrame, statistic: str, term: str | None = None) -> dict[float, float]:
    rows = rows.filter(pl.col("statistic") == statistic)
    rows = rows if term is None else rows.filter(pl.col("term") == term)
    return dict(rows.select("time", "estimate").drop_nulls().rows())


def _cell_size(table: RiskTable, axis: TimeAxis, scale: float) -> tuple[float, int]:
    """Return the size of type, in points, and under which ticks cells stand so that neighbours keep apart.

    Where the widest cell does not fit under every tick in a size that can be read, it stands under every second, or
    third; the numbers left out are in the table beside the figure.
    """
    widest = max((width_of(text) for cells in table.cells for text in cells.values()), default=0.01)
    room = (axis.ticks[1] - axis.ticks[0]) * scale if len(axis.ticks) > 1 else widest + 1
    every = next(k for k in range(1, 100) if k * room - _APART >= widest * _SMALLEST / SIZE)
    return min(SIZE, SIZE * (every * room - _APART) / widest), every


def draw_risk_table(canvas: Canvas, table: RiskTable, *, axis: TimeAxis, left: float, scale: float) -> None:
    """Write the table at the foot of the canvas, each cell centred under its tick.

    Parameters
    ----------
    canvas
        The figure.
    table
        What to write.
    axis
        The ticks.
    left
        Inches from the left edge to day 0.
    scale
        Inches a day.
    """
    bottom = table.height - _HEAD
    size, every = _cell_size(table, axis, scale)
    if table.names:
        canvas.text(0.08, bottom + 0.1, table.heading, fontweight="bold")
    for lines, cells, style in zip(table.names, table.cells, table.styles, strict=True):
        base = bottom - LINE
        colour = style.colour if style else INK
        for k, line in enumerate(lines):
            canvas.text(0.08, base - k * LINE, line, color=colour)
        for tick in axis.ticks[::every]:
            text = cells.get(tick, "")
            canvas.text(left + tick * scale, base, text, ha="center", fontsize=size)
        bottom -= _row_height(lines)
