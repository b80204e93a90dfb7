"""Kinetics on paper: cells over time on a logarithmic axis, and what was measured by grade of CRS."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import polars as pl

from dayzero.report.axis import time_axis
from dayzero.report.canvas import SIZE, WIDTH, Canvas, new_canvas, wrap
from dayzero.report.curve_names import CurveName, Place, names_width, write_names
from dayzero.report.decades import decades, logarithmic
from dayzero.report.formats import p_statement
from dayzero.report.kinetics_names import amount, analyte_name, quantity_name, series_name
from dayzero.report.labels import group_labels, origin_label
from dayzero.report.page import Section
from dayzero.report.palette import FAINT, INK, SOFT, Style, style_of
from dayzero.spells import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PLOT: Final = 3.35  # inches
_PANEL: Final = 1.75
_FEWEST: Final = 4  # patients of whom quartiles are drawn as a box
_WIDE: Final = 30.0  # values whose range is so many times the lowest stand on a logarithmic axis
_LEAST_DAYS: Final = 28.0
_MANY: Final = 150  # patients from which lines are fainter
_MOST: Final = 400  # patients, or points of a grade, that are drawn: every so many-th where there are more
_Table = pl.DataFrame


def draw_kinetics(section: Section, series: str, *, synthetic: bool = False) -> "Figure":
    """Draw cells over time: a thin line a patient, the geometric mean of each group thick, on a logarithmic axis.

    Parameters
    ----------
    section
        With samples in ``patients`` (none where the report is to identify nobody) and means in ``curves``.
    series
        ``assay,specimen``.
    synthetic
        Stamp the figure as simulated.
    """
    points = _of(section, "sample", series).filter(pl.col("value") > 0)
    means = section.curves.rows.filter(pl.col("term") == series)
    groups = [group for group in means["group"].unique(maintain_order=True) if group] or [None]
    styles: dict[str | None, Style] = {group: style_of(k) for k, group in enumerate(groups)}
    last = _last_day(points, means)
    low, high = decades([*points["value"].to_list(), *means["estimate"].to_list()])
    drawn = {
        group: means.filter(pl.col("group").eq_missing(pl.lit(group)) & (pl.col("time") <= last)) for group in groups
    }
    names = tuple(
        _name(group, drawn[group], styles[group], (low, high), section) for group in groups if drawn[group].height
    )
    heading = f"{series_name(series)}"
    right = max(names_width(names), 0.3) if names else 0.3
    with new_canvas(_PLOT + 1.3, heading, *(line for name in names for line in name.name)) as canvas:
        left, bottom = 0.75, 0.78
        axes = canvas.axes(left, bottom, WIDTH - left - right, _PLOT)
        _frame(axes, last, (low, high))
        _lines(axes, points, styles, last)
        for group, rows in drawn.items():
            axes.plot(
                rows["time"], rows["estimate"], color=styles[group].colour, linewidth=2.4, zorder=4, clip_on=False
            )
        _heading(canvas, heading)
        middle = left + (WIDTH - left - right) / 2
        unit = time_axis(last).unit.capitalize()
        canvas.text(middle, 0.4, f"{unit} from {origin_label(section.endpoint)}", ha="center")
        canvas.text(left, 0.12, _legend(points), color=SOFT)
        write_names(canvas, names, place=Place(left, WIDTH - right, bottom, _PLOT, last))
        if synthetic:
            canvas.stamp()
    return canvas.figure


def _of(section: Section, figure: str, term: str) -> _Table:
    if not section.patients.width:
        return pl.DataFrame(schema={"patient": pl.String, "group": pl.String, "time": pl.Float64, "value": pl.Float64,
                                    "bound": pl.String, "grade": pl.Float64})  # fmt: skip
    return section.patients.filter(pl.col("figure") == figure, pl.col("term") == term)


def _last_day(points: _Table, means: _Table) -> float:
    """Return the right end: the last day with a mean, four weeks at least."""
    days = means["time"] if means.height else points["time"]
    latest = days.max()
    return max(float(latest) if isinstance(latest, float) else 0.0, _LEAST_DAYS)


def _name(group: str | None, rows: _Table, style: Style, ends: tuple[float, float], section: Section) -> CurveName:
    label = group_labels([group], section.by)[group] if group else "Geometric mean"
    low, high = np.log10(ends)
    height = (np.log10(float(rows["estimate"][-1])) - low) / (high - low)
    return CurveName(tuple(wrap(label, 1.45, most=2)), (), Style(style.colour, ()), (float(rows["time"][-1]), height))


def _frame(axes: "Axes", last: float, ends: tuple[float, float]) -> None:
    axis = time_axis(last)
    axes.set_xlim(0, last)
    axes.set_xticks(axis.ticks, axis.labels)
    logarithmic(axes, ends)
    axes.spines["bottom"].set(visible=True, color=INK, linewidth=0.8)
    axes.tick_params(axis="x", length=3.5, width=0.8, color=INK, pad=3)


def _lines(axes: "Axes", points: _Table, styles: Mapping[str | None, Style], last: float) -> None:
    """Draw each patient's samples; those below quantification hollow, at the limit."""
    faint = 0.16 if points["patient"].n_unique() > _MANY else 0.34
    everybody = points["patient"].unique(maintain_order=True)
    drawn = points.filter(pl.col("patient").is_in(everybody.gather_every(_thinning(len(everybody))).implode()))
    for (_, group), rows in drawn.group_by("patient", "group", maintain_order=True):
        style = styles.get(str(group)) if group is not None else styles.get(None)
        colour = style.colour if style is not None else SOFT
        shown = rows.sort("time")
        axes.plot(shown["time"], shown["value"], color=colour, linewidth=0.7, alpha=faint, zorder=1)
        below = shown.filter((pl.col("bound") == "<") & (pl.col("time") <= last))
        axes.plot(below["time"], below["value"], linestyle="none", marker="o", markersize=3, markerfacecolor="none",
                  markeredgecolor=colour, markeredgewidth=0.6, alpha=0.6, zorder=2, clip_on=False)  # fmt: skip


def _thinning(size: int) -> int:
    """Return 1, or which multiple is drawn where there are too many.

    Examples
    --------
    >>> _thinning(0), _thinning(400), _thinning(401)
    (1, 1, 2)
    """
    return max(1, -(-size // _MOST))


def _legend(points: _Table) -> str:
    if not points.height:
        return "Geometric means of days with three patients or more."
    n = points["patient"].n_unique()
    below = " Hollow: below quantification, at its limit." if bool((points["bound"] == "<").any()) else ""
    every = _thinning(n)
    shown = f"{n} patients" if every == 1 else f"One in {every} of {n} patients"
    return f"{shown}; means of days with three or more.{below}"


def draw_peaks(section: Section, analytes: Sequence[str], *, synthetic: bool = False) -> "Figure":
    """Draw the peaks of each analyte by grade of CRS, a panel an analyte.

    Parameters
    ----------
    section
        With peaks in ``patients`` and their quartiles by grade among the estimates.
    analytes
        Which.
    synthetic
        Stamp the figure as simulated.
    """
    across = min(3, max(len(analytes), 2))
    deep = -(-len(analytes) // across)
    tall = _PANEL + 0.82
    with new_canvas(deep * tall + 0.72, *map(analyte_name, analytes)) as canvas:
        step = (WIDTH - 0.1) / across
        for k, analyte in enumerate(analytes):
            left = 0.1 + (k % across) * step
            bottom = 0.62 + (deep - 1 - k // across) * tall
            axes = canvas.axes(left + 0.55, bottom, step - 0.72, _PANEL)
            _panel(axes, section, analyte, figure="peak")
            canvas.text(left + 0.02, bottom + _PANEL + 0.32, analyte_name(analyte), fontweight="bold")
            canvas.text(left + 0.02, bottom + _PANEL + 0.16, _rank(section, analyte), color=SOFT, fontsize=SIZE - 1)
        _heading(canvas, "Peaks by grade of CRS")
        canvas.text(WIDTH / 2, 0.12, "Grade of CRS. Triangles: out of the range of the assay.", ha="center", color=SOFT)
        if synthetic:
            canvas.stamp()
    return canvas.figure


def draw_by_grade(section: Section, term: str, *, synthetic: bool = False) -> "Figure":
    """Draw a quantity, such as tumour burden or dose, by grade of CRS.

    Parameters
    ----------
    section
        With its values in ``patients`` and its quartiles by grade among the estimates.
    term
        The quantity.
    synthetic
        Stamp the figure as simulated.
    """
    name = quantity_name(term)
    with new_canvas(_PLOT + 1.2, name) as canvas:
        axes = canvas.axes(0.85, 0.55, WIDTH - 1.2, _PLOT)
        _panel(axes, section, term, figure="severity")
        _heading(canvas, f"{name[:1].upper()}{name[1:]} by grade of CRS")
        canvas.text(0.08, canvas.height - 0.38, f"{_rank(section, term)}; unadjusted", color=SOFT)
        canvas.text(0.85 + (WIDTH - 1.2) / 2, 0.12, "Grade of CRS", ha="center")
        if synthetic:
            canvas.stamp()
    return canvas.figure


def _panel(axes: "Axes", section: Section, term: str, *, figure: str) -> None:
    """Draw points and boxes by grade."""
    rows = section.estimates.rows.filter(pl.col("term") == term, pl.col("group").str.starts_with("crs="))
    boxes = _boxes(rows)
    points = _of(section, figure, term).filter(pl.col("grade").is_not_null(), pl.col("value").is_not_null())
    values = [*points["value"].to_list(), *(v for box in boxes.values() for v in box.values() if v is not None)]
    axes.set_xlim(-0.6, len(boxes) - 0.4)
    axes.set_xticks(range(len(boxes)), [f"{grade:g}" for grade in boxes])
    _measure(axes, values)
    axes.spines["bottom"].set(visible=True, color=INK, linewidth=0.8)
    for place, (grade, box) in enumerate(boxes.items()):
        _box(axes, place, box)
        _dots(axes, place, points.filter(pl.col("grade") == grade))


def _boxes(rows: _Table) -> dict[float, dict[str, Any]]:
    """Return by grade, in order, the quartiles and how many patients they are of."""
    found: dict[float, dict[str, Any]] = {}
    for row in rows.filter(pl.col("statistic").is_in(["median", "lower_quartile", "upper_quartile"])).to_dicts():
        grade = float(row["group"].removeprefix("crs="))
        known = row["estimate"] if row["n"] >= _FEWEST else None
        found.setdefault(grade, {})[row["statistic"]] = known
    return dict(sorted(found.items()))


def _measure(axes: "Axes", values: Sequence[float]) -> None:
    """Choose the axis: logarithmic for values above 0 that span a wide range."""
    known = [value for value in values if np.isfinite(value)]
    if known and min(known) > 0 and max(known) / min(known) > _WIDE:
        logarithmic(axes, decades(known))
        return
    low, high = min([0.0, *known]), max(known, default=1.0) or 1.0
    axes.set_ylim(low, high * 1.05)
    axes.locator_params(axis="y", nbins=5)
    ticks = [tick for tick in axes.get_yticks() if low <= tick <= high * 1.05]
    axes.set_yticks(ticks, [amount(tick) for tick in ticks])
    axes.hlines(ticks, *axes.get_xlim(), color=FAINT, linewidth=0.6, zorder=0)


def _box(axes: "Axes", place: int, box: Mapping[str, Any]) -> None:
    from matplotlib.patches import Rectangle

    low, high, middle = box.get("lower_quartile"), box.get("upper_quartile"), box.get("median")
    if low is not None and high is not None:
        axes.add_patch(Rectangle((place - 0.3, low), 0.6, high - low, facecolor="none", edgecolor=INK, linewidth=0.9,
                                 zorder=3))  # fmt: skip
    if middle is not None:
        axes.hlines([middle], place - 0.3, place + 0.3, color=INK, linewidth=2.0, zorder=3)


def _dots(axes: "Axes", place: int, rows: _Table) -> None:
    """Draw one grade's patients, moved apart sideways by rank so that equal values do not hide each other."""
    shown = rows.sort("value", "patient").gather_every(_thinning(rows.height))
    across = place + _aside(shown.height)
    value, bound = shown["value"].to_numpy(), shown["bound"].to_numpy()
    for sign, shape in (("", "o"), (">", "^"), ("<", "v")):
        of = bound == sign
        axes.plot(across[of], value[of], linestyle="none", marker=shape, markersize=3.4, color=style_of(0).colour,
                  markerfacecolor=style_of(0).colour if not sign else "none", alpha=0.65, markeredgewidth=0.7,
                  clip_on=False, zorder=2)  # fmt: skip


def _aside(size: int) -> Floats:
    """Return sideways places within a box: golden-ratio steps, which never line up."""
    return np.asarray((np.arange(size) * 0.6180339887 % 1.0 - 0.5) * 0.5)


def _rank(section: Section, term: str) -> str:
    rows = section.estimates.where(statistic="spearman", term=term).rows
    if not rows.height or rows["estimate"][0] is None:
        return ""
    row = rows.row(0, named=True)
    return f"ρ = {row['estimate']:.2f}, {p_statement(row['p_value'])}, n = {row['n']}".replace("-", "−")


def _heading(canvas: Canvas, text: str) -> None:
    canvas.text(0.08, canvas.height - 0.2, text, fontweight="bold", fontsize=SIZE + 1)
