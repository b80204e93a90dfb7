"""Multi-state models on paper: the states with the numbers of transitions, and the probabilities stacked over time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl

from dayzero.report.at_risk import RiskTable, draw_risk_table
from dayzero.report.axis import TimeAxis, time_axis
from dayzero.report.canvas import LINE, SIZE, WIDTH, Canvas, new_canvas, width_of, wrap
from dayzero.report.curve_names import CurveName, Place, names_width, write_names
from dayzero.report.formats import count
from dayzero.report.labels import column_label, origin_label
from dayzero.report.page import Section
from dayzero.report.palette import FAINT, INK, SOFT, Style, style_of
from dayzero.spells import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

ARROW: Final = " -> "
_PLOT: Final = 3.35  # inches
_STEPS: Final = 800  # days at which a band is drawn: more cannot be seen
_BOX: Final = (1.5, 0.62)  # inches
_BETWEEN: Final = (0.95, 0.45)
_ASIDE: Final = 0.36  # inches by which every second column stands higher, so that an arrow can pass below


@dataclass(frozen=True)
class Bands:
    """The probabilities of all states over time.

    Attributes
    ----------
    states
        Their names, from the lowest band up.
    days
        (steps,) increasing.
    edges
        (states + 1, steps) lower edge of each band, and 1.
    """

    states: tuple[str, ...]
    days: Floats
    edges: Floats


def read_bands(section: Section, group: str | None) -> Bands:
    """Read the state probabilities of one group from the section's curves."""
    rows = section.curves.rows.filter(
        pl.col("statistic") == "state_probability",
        pl.col("group").eq_missing(pl.lit(group)),
        pl.col("estimate").is_not_null(),
    )
    states = tuple(rows["term"].unique(maintain_order=True))
    last = float(rows["time"].max())  # type: ignore[arg-type]
    days = np.linspace(0.0, last, _STEPS)
    heights = [_at(rows.filter(pl.col("term") == state), days) for state in states]
    return Bands(states, days, np.concatenate([np.zeros((1, len(days))), np.cumsum(heights, axis=0)]))


def _at(rows: pl.DataFrame, days: Floats) -> Floats:
    """Evaluate a step function; before its first time it is what it is then."""
    time, value = rows["time"].to_numpy(), rows["estimate"].to_numpy()
    return np.asarray(value[np.maximum(np.searchsorted(time, days, side="right") - 1, 0)])


def draw_states(section: Section, group: str | None = None, *, synthetic: bool = False) -> "Figure":
    """Draw the probability of each state over time as bands that stand on each other and fill the whole.

    Parameters
    ----------
    section
        With ``state_probability`` rows in ``curves``.
    group
        The group; None is everybody.
    synthetic
        Stamp the figure as simulated.
    """
    bands = read_bands(section, group)
    axis = time_axis(float(bands.days[-1]))
    last = max(float(bands.days[-1]), axis.ticks[-1], 1.0)
    names = tuple(_band_name(bands, k) for k in range(len(bands.states)))
    risk = _numbers(section, bands.states, group)
    left, right, bottom = max(0.75, risk.left), names_width(names), risk.height + 0.56
    heading = f"{section.label}: {group.replace('=', ' ')}" if group else section.label
    with new_canvas(bottom + _PLOT + 0.52, heading, *(line for name in names for line in name.name)) as canvas:
        width = WIDTH - left - right
        axes = canvas.axes(left, bottom, width, _PLOT)
        _frame(axes, axis, last)
        _fill(axes, bands, [name.style for name in names])
        canvas.text(0.08, canvas.height - 0.2, heading, fontweight="bold", fontsize=SIZE + 1)
        origin = f"{axis.unit.capitalize()} from {origin_label(section.endpoint)}"
        canvas.text(left + width / 2, risk.height + 0.16, origin, ha="center")
        write_names(canvas, names, place=Place(left, WIDTH - right, bottom, _PLOT, last))
        draw_risk_table(canvas, risk, axis=axis, left=left, scale=width / last)
        if synthetic:
            canvas.stamp()
    return canvas.figure


def _band_name(bands: Bands, place: int) -> CurveName:
    middle = float(bands.edges[place : place + 2, -1].mean())
    return CurveName(
        tuple(wrap(column_label(bands.states[place]), 1.45, most=2)),
        (),
        Style(style_of(place).colour, ()),
        (float(bands.days[-1]), middle),
    )


def _frame(axes: "Axes", axis: TimeAxis, last: float) -> None:
    axes.set_xlim(0, last)
    axes.set_ylim(0, 1)
    axes.set_xticks(axis.ticks, axis.labels)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "25", "50", "75", "100 %"])
    axes.spines["bottom"].set(visible=True, color=INK, linewidth=0.8)
    axes.tick_params(axis="x", length=3.5, width=0.8, color=INK, pad=3)
    axes.tick_params(axis="y", pad=4)


def _fill(axes: "Axes", bands: Bands, styles: Sequence[Style]) -> None:
    for k, style in enumerate(styles):
        low, high = bands.edges[k], bands.edges[k + 1]
        axes.fill_between(bands.days, low, high, step="post", color=style.colour, alpha=0.35, linewidth=0)
        axes.step(bands.days, high, where="post", color=style.colour, linewidth=1.2, clip_on=False)
    axes.hlines([0.25, 0.5, 0.75], 0, bands.days[-1], color=FAINT, linewidth=0.6)


def _numbers(section: Section, states: Sequence[str], group: str | None) -> RiskTable:
    rows = section.at_risk.rows.filter(pl.col("group").eq_missing(pl.lit(group)))
    present = [state for state in states if state in rows["term"].unique().to_list()]
    cells = [
        {time: count(n) for time, n in rows.filter(pl.col("term") == state).select("time", "estimate").rows()}
        for state in present
    ]
    return RiskTable(
        heading="Patients in each state",
        names=tuple(tuple(wrap(column_label(state), 1.25, most=2)) for state in present),
        cells=tuple(cells),
        styles=tuple(Style(style_of(states.index(state)).colour, ()) for state in present),
    )


def draw_transitions(section: Section, *, synthetic: bool = False) -> "Figure":
    """Draw the states as boxes, with how many entered each and were last seen there, and arrows with the transitions.

    Parameters
    ----------
    section
        With the rows of :func:`dayzero.estimators.multistate.counts.transition_counts`.
    synthetic
        Stamp the figure as simulated.
    """
    rows = section.estimates.rows
    entered = dict(rows.filter(pl.col("statistic") == "n_entered").select("term", "estimate").rows())
    seen = dict(rows.filter(pl.col("statistic") == "n_last_seen").select("term", "estimate").rows())
    moves = dict(rows.filter(pl.col("statistic") == "n_transitions").select("term", "estimate").rows())
    pairs = [(*name.split(ARROW, 1), made) for name, made in moves.items()]
    places = _places(list(entered), [(origin, target) for origin, target, _ in pairs])
    deep = max(y for _, y in places.values()) + 1
    height = deep * (_BOX[1] + _BETWEEN[1]) + 2 * _ASIDE + 0.2
    with new_canvas(height, *entered) as canvas:
        axes = canvas.axes(0, 0, WIDTH, height)
        axes.set(xlim=(0, WIDTH), ylim=(0, height), xticks=[], yticks=[])
        centres = _centres(places, height)
        for origin, target, made in pairs:
            _arrow(axes, centres[origin], centres[target], count(made))
        for state, centre in centres.items():
            _box(canvas, axes, centre, (state, f"entered {count(entered[state])}", f"last seen {count(seen[state])}"))
        if synthetic:
            canvas.stamp()
    return canvas.figure


def _places(states: Sequence[str], pairs: Sequence[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """Return the column of each state, the most steps that lead to it, and its place in the column."""
    column = dict.fromkeys(states, 0)
    for _ in states:
        for origin, target in pairs:
            if states.index(target) > states.index(origin):
                column[target] = max(column[target], column[origin] + 1)
    never = {state for state in states[1:] if all(target != state for _, target in pairs)}
    column |= dict.fromkeys(never, max(column.values()))
    taken: dict[int, int] = {}
    places = {}
    for state in states:
        places[state] = (column[state], taken.get(column[state], 0))
        taken[column[state]] = places[state][1] + 1
    return places


def _centres(places: Mapping[str, tuple[int, int]], height: float) -> dict[str, tuple[float, float]]:
    """Return the middle of each box; columns stand side by side, every second one a little higher."""
    columns = max(x for x, _ in places.values()) + 1
    step = min(_BOX[0] + _BETWEEN[0], (WIDTH - _BOX[0] - 0.2) / max(columns - 1, 1))
    sizes = [sum(x == k for x, _ in places.values()) for k in range(columns)]
    room = _BOX[1] + _BETWEEN[1]
    return {
        state: (
            0.1 + _BOX[0] / 2 + x * step,
            (height - 0.2) / 2 + (sizes[x] - 1) * room / 2 - y * room + (_ASIDE if x % 2 else -_ASIDE * (columns > 2)),
        )
        for state, (x, y) in places.items()
    }


def _box(canvas: Canvas, axes: "Axes", centre: tuple[float, float], lines: tuple[str, str, str]) -> None:
    from matplotlib.patches import Rectangle

    left, low = centre[0] - _BOX[0] / 2, centre[1] - _BOX[1] / 2
    axes.add_patch(Rectangle((left, low), *_BOX, facecolor="none", edgecolor=INK, linewidth=1.0, zorder=3))
    name = wrap(column_label(lines[0]), _BOX[0] - 0.1, most=1)[0]
    for k, text in enumerate((name, *lines[1:])):
        weight, colour = ("bold", INK) if k == 0 else ("normal", SOFT)
        canvas.text(centre[0], centre[1] + 0.14 - k * LINE, text, ha="center", fontweight=weight, color=colour)


def _arrow(axes: "Axes", start: tuple[float, float], end: tuple[float, float], text: str) -> None:
    """Draw an arrow between the edges of two boxes, with a number near its start."""
    first, last = _edge(start, end), _edge(end, start)
    axes.annotate("", last, first, arrowprops={"arrowstyle": "-|>", "color": SOFT, "linewidth": 1.0, "shrinkA": 0,
                                               "shrinkB": 0})  # fmt: skip
    share = min(0.4, 0.4 / max(float(np.hypot(last[0] - first[0], last[1] - first[1])), 0.1))  # before the next column
    across, along = (first[k] + share * (last[k] - first[k]) for k in (0, 1))
    room = width_of(text) / 2 + 0.06
    above = abs(last[0] - first[0]) > abs(last[1] - first[1])
    axes.text(across if above else across + room, along + 0.05 if above else along, text, ha="center", va="bottom",
              fontsize=SIZE, color=INK)  # fmt: skip


def _edge(centre: tuple[float, float], towards: tuple[float, float]) -> tuple[float, float]:
    """Return where the line from the middle of a box to another place leaves the box."""
    away = towards[0] - centre[0], towards[1] - centre[1]
    share = min(
        (_BOX[k] / 2 + 0.03) / abs(away[k]) if away[k] else np.inf  # inches that the arrow keeps off the box
        for k in (0, 1)
    )
    return centre[0] + share * away[0], centre[1] + share * away[1]
