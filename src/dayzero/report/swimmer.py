"""The swimmer plot: a bar a patient from day zero, in its states, with a mark for everything that happened."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from dayzero.report.axis import TimeAxis, time_axis
from dayzero.report.canvas import SIZE, WIDTH, new_canvas
from dayzero.report.labels import group_labels
from dayzero.report.lanes import (
    ARROW,
    KEY_LINE,
    PAPER,
    PEN,
    Column,
    KeyEntry,
    Sheet,
    draw_ends,
    draw_key,
    draw_lanes,
    key_lines,
    lay_out,
)
from dayzero.report.page import Section
from dayzero.report.palette import INK, SOFT, style_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_BLUE, _ORANGE, _GREEN, _PURPLE, _BROWN = (style_of(k).colour for k in range(5))
_STATES: Final[Mapping[str, tuple[str, float, float]]] = {  # colour, how opaque, how tall
    "before response": (SOFT, 0.45, 0.22),
    "in remission": (_BLUE, 0.32, 0.6),
    "MRD-negative remission": (_BLUE, 0.8, 0.6),
    "relapsed": (_ORANGE, 0.6, 0.36),
}
_DISC: Final = {"marker": "o", "markerfacecolor": PAPER, "markeredgecolor": PEN}
_MARKS: Final[Mapping[tuple[str, str], tuple[dict[str, Any], str]]] = {
    ("infusion", ""): (_DISC, "infusion, its number"),
    ("hsct", "allogeneic"): ({"marker": "D", "markerfacecolor": _GREEN, "markeredgecolor": PAPER}, "allogeneic HSCT"),
    ("hsct", "autologous"): ({"marker": "D", "markerfacecolor": PAPER, "markeredgecolor": _GREEN}, "autologous HSCT"),
    ("hsct", "kind unknown"): (
        {"marker": "d", "markerfacecolor": _GREEN, "markeredgecolor": PAPER}, "HSCT, kind unknown"),
    ("dli", ""): ({"marker": "p", "markerfacecolor": PAPER, "markeredgecolor": _GREEN}, "DLI"),
    ("boost", ""): ({"marker": "h", "markerfacecolor": PAPER, "markeredgecolor": _GREEN}, "boost"),
    ("response", ""): ({"marker": "^", "markerfacecolor": _BLUE, "markeredgecolor": PAPER}, "remission"),
    ("relapse", ""): ({"marker": "v", "markerfacecolor": _ORANGE, "markeredgecolor": PAPER}, "relapse, progression"),
    ("relapse", "antigen-negative"): (
        {"marker": "v", "markerfacecolor": PAPER, "markeredgecolor": _ORANGE}, "antigen-negative relapse"),
    ("GVHD", "acute"): ({"marker": "s", "markerfacecolor": _PURPLE, "markeredgecolor": PAPER}, "acute GVHD ≥ 3"),
    ("GVHD", "chronic"): ({"marker": "s", "markerfacecolor": PAPER, "markeredgecolor": _PURPLE}, "severe chronic GVHD"),
    ("graft failure", ""): ({"marker": "P", "markerfacecolor": _BROWN, "markeredgecolor": PAPER}, "graft failure"),
    ("second cancer", ""): ({"marker": "*", "markerfacecolor": _BROWN, "markeredgecolor": PAPER}, "second cancer"),
    ("death", ""): ({"marker": "X", "markerfacecolor": INK, "markeredgecolor": PAPER}, "death"),
}  # fmt: skip
_END: Final[Mapping[str, tuple[str, str]]] = {  # the sign, the words
    "alive": (ARROW, "alive at last contact"),
    "follow-up unknown": ("?", "follow-up unknown"),
    "died on an unknown day": ("?", "follow-up, or the day of death, unknown"),
}
_BIG: Final = frozenset({"infusion"})
_LARGE: Final = {"*": 1.5, "X": 1.25, "P": 1.2}  # markers that look small at the size of the others
_QUIET: Final = frozenset({"response"})  # left out where lanes are narrow: the colour says it


def sheets_of(section: Section) -> tuple[Sheet, ...]:
    """Return the figures into which the patients of a section are laid out."""
    bars = section.patients.filter(pl.col("item") == "bar").sort("place")
    names = group_labels(bars["group"].drop_nulls().unique(maintain_order=True).to_list())
    by = section.by
    labels = {level: f"{by.replace('_', ' ')}: {name}" for level, name in names.items()}
    return lay_out([(str(label), labels.get(group)) for label, group in bars.select("patient", "group").iter_rows()])


def draw_swimmer(section: Section, sheet: Sheet, *, synthetic: bool = False) -> "Figure":
    """Draw the bars of one sheet.

    Parameters
    ----------
    section
        With bars, states and marks in ``patients``.
    sheet
        Which patients, and where they stand.
    synthetic
        Stamp the figure as simulated.
    """
    places = [lane.place for column in sheet.columns for lane in column if lane.place is not None]
    rows = section.patients.filter(pl.col("place").is_in(places))
    ends, axis = _axis(section)
    shown = rows.filter((pl.col("start") <= ends[1]) & (pl.col("start") >= ends[0]))
    key = key_lines(_key(shown, ends[1], compact=sheet.compact))
    heading = "The course of each patient" + (f" ({sheet.number} of {sheet.of})" if sheet.of > 1 else "")
    below = 0.62 + len(key) * KEY_LINE
    labels = [lane.label for column in sheet.columns for lane in column]
    with new_canvas(below + sheet.height + 0.42, heading, *labels) as canvas:
        columns = draw_lanes(canvas, sheet, below, ends=_with_room(ends, compact=sheet.compact), axis=axis)
        for column in columns:
            _draw(column, shown, ends[1], compact=sheet.compact)
        canvas.text(0.08, canvas.height - 0.2, heading, fontweight="bold", fontsize=SIZE + 1)
        canvas.text(WIDTH / 2, below - 0.36, f"{axis.unit.capitalize()} from day zero", ha="center")
        draw_key(canvas, key, below - 0.6)
        if synthetic:
            canvas.stamp()
    return canvas.figure


def _axis(section: Section) -> tuple[tuple[float, float], TimeAxis]:
    """Return the days at both ends, the same in all figures of a section, and the ticks."""
    last, begin = section.patients["stop"].max(), section.patients["start"].min()
    to_day = section.settings.get("to_day")
    end = float(to_day) if isinstance(to_day, int | float) else last if isinstance(last, float) else 1.0
    first = begin if isinstance(begin, float) else 0.0
    return (min(first, 0.0), max(end, 1.0)), _with_days_before(time_axis(max(end, 1.0)), first)


def _with_days_before(axis: TimeAxis, first: float) -> TimeAxis:
    """Return the axis with ticks before day zero, as far as the figure goes.

    Examples
    --------
    >>> _with_days_before(TimeAxis((0.0, 10.0), ("0", "10"), "days"), -25.0).labels
    ('−20', '−10', '0', '10')
    """
    step = axis.ticks[1] - axis.ticks[0] if len(axis.ticks) > 1 else 0.0
    before = range(int(-first // step), 0, -1) if step else range(0)
    labels = tuple(f"−{float(axis.labels[1]) * k:g}" for k in before)
    return TimeAxis((*(-k * step for k in before), *axis.ticks), (*labels, *axis.labels), axis.unit)


def _with_room(ends: tuple[float, float], *, compact: bool) -> tuple[float, float]:
    """Leave room for a mark on day zero, and for the arrow at the end."""
    length = ends[1] - ends[0]
    return ends[0] - length * (0.03 if compact else 0.015), ends[1] + length * (0.05 if compact else 0.025)


def _draw(column: Column, rows: pl.DataFrame, last: float, *, compact: bool) -> None:
    mine = rows.filter(pl.col("place").is_in(list(column.heights)))
    height = pl.col("place").replace_strict(dict(column.heights), return_dtype=pl.Float64).alias("height")
    placed = mine.with_columns(height, pl.min_horizontal("stop", pl.lit(last)).alias("until"))
    for name, (colour, alpha, tall) in _STATES.items():
        here = placed.filter((pl.col("item") == "state") & (pl.col("name") == name))
        column.axes.barh(here["height"], here["until"] - here["start"], tall, here["start"], color=colour, alpha=alpha,
                         linewidth=0, zorder=1)  # fmt: skip
    bars = placed.filter((pl.col("item") == "bar") & (pl.col("stop") <= last))
    ends = [
        (day, row, _END.get(name, ("", ""))[0]) for day, row, name in bars.select("stop", "height", "name").iter_rows()
    ]
    draw_ends(column.axes, ends, compact=compact)
    _marks(column.axes, placed.filter(pl.col("item") == "mark"), compact=compact)


def _marks(axes: "Axes", marks: pl.DataFrame, *, compact: bool) -> None:
    low, high = axes.get_xlim()
    near = (high - low) * (0.022 if compact else 0.011)
    shown = _apart(marks.filter(~(pl.col("name").is_in(list(_QUIET)) & compact)), near)
    for name, detail in _kinds(shown):
        style, _ = _MARKS[name, detail]
        here = shown.filter(pl.col("name") == name)
        here = here if name in _BIG else here.filter(pl.col("detail") == detail)
        size = (5.2 if name in _BIG else 3.6) if compact else (8.6 if name in _BIG else 6.2)
        size *= _LARGE.get(style["marker"], 1.0)
        axes.plot(here["start"], here["height"], linestyle="none", markersize=size, clip_on=False, zorder=3,
                  **{"markeredgewidth": _edge(style, compact=compact), **style})  # fmt: skip
        if name in _BIG:
            for at, row, number in here.select("start", "height", "detail").iter_rows():
                axes.text(at, row, number, ha="center", va="center_baseline", fontsize=4.4 if compact else 6.5,
                          color=PEN, zorder=4)  # fmt: skip


def _apart(marks: pl.DataFrame, near: float) -> pl.DataFrame:
    """Move marks of one lane that would lie on each other, such as a transplant and an infusion on it, up and down."""
    gap = pl.col("start").diff().over("place") < near
    close = gap.fill_null(value=False) | gap.shift(-1).over("place").fill_null(value=False)
    side = pl.when(pl.int_range(pl.len()).over("place") % 2 == 0).then(0.24).otherwise(-0.24)
    moved = pl.col("height") + pl.when(close).then(side).otherwise(0.0)
    return marks.sort("place", "start", maintain_order=True).with_columns(moved.alias("height"))


def _edge(style: Mapping[str, Any], *, compact: bool) -> float:
    """Return the width of a marker's edge: thin where it sets a filled marker off, thicker where it is the sign."""
    thin = style["markeredgecolor"] == PAPER or style["marker"] == "o"
    return (0.4 if compact else 0.6) if thin else (0.9 if compact else 1.5)


def _kinds(marks: pl.DataFrame) -> list[tuple[str, str]]:
    """Return the kinds of marks that there are, in the order of the key."""
    found = {(name, "" if name in _BIG else detail) for name, detail in marks.select("name", "detail").iter_rows()}
    return [kind for kind in _MARKS if kind in found]


def _key(rows: pl.DataFrame, last: float, *, compact: bool) -> Sequence[KeyEntry]:
    """Return what the figure has, and nothing else."""
    states = set(rows.filter(pl.col("item") == "state")["name"].to_list())
    entries = [
        KeyEntry(
            {"marker": "s", "markersize": 9 * tall + 2, "color": colour, "alpha": alpha, "markeredgewidth": 0}, name
        )
        for name, (colour, alpha, tall) in _STATES.items()
        if name in states
    ]
    marks = rows.filter((pl.col("item") == "mark") & ~(pl.col("name").is_in(list(_QUIET)) & compact))
    for kind in _kinds(marks):
        style, words = _MARKS[kind]
        big = kind[0] in _BIG
        edge = {
            "markeredgewidth": _edge(style, compact=False),
            "markersize": (8.6 if big else 6.2) * _LARGE.get(style["marker"], 1.0),
        }
        entries.append(KeyEntry({**edge, **style}, words, "1" if big else ""))
    ends = set(rows.filter((pl.col("item") == "bar") & (pl.col("stop") <= last))["name"].to_list())
    if "died on an unknown day" in ends:
        ends -= {"follow-up unknown"}
    entries += [KeyEntry({}, words, sign) for name, (sign, words) in _END.items() if name in ends]
    return entries
