"""The MRD strip: a line a patient, a sign a sample, its colour the status and its shape the method."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from dayzero.report.axis import DAYS_PER, TimeAxis
from dayzero.report.canvas import SIZE, WIDTH, new_canvas
from dayzero.report.lanes import (
    ARROW,
    KEY_LINE,
    PAPER,
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
from dayzero.report.palette import FAINT, SOFT, style_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_BLUE, _ORANGE, _GREEN, _PURPLE, _ = (style_of(k).colour for k in range(5))
_METHODS: Final[Mapping[str, tuple[str, str]]] = {  # the shape, the words
    "mfc": ("o", "flow cytometry (MFC)"),
    "ngs": ("s", "NGS"),
    "qpcr_igtr": ("^", "qPCR of Ig/TR"),
    "qpcr_fusion": ("v", "qPCR of the fusion gene"),
    "ddpcr": ("D", "ddPCR"),
    "": ("p", "a method not stated"),
}
_OTHER: Final = "h"
_STATUSES: Final[Mapping[str, tuple[str, str, str]]] = {  # filled with, its edge, the words
    "negative": (_BLUE, PAPER, "negative"),
    "indeterminate": (PAPER, _BLUE, "negative, insufficient sensitivity"),
    "below_quantification": (PAPER, _ORANGE, "below quantification"),
    "positive": (_ORANGE, PAPER, "positive"),
    "uncertain": (FAINT, SOFT, "status not certain"),
}
_MISSED: Final[Mapping[str, Any]] = {"marker": "o", "markerfacecolor": PAPER, "markeredgecolor": SOFT}
_END: Final[Mapping[str, tuple[str, str]]] = {  # the sign, the words
    "relapse": ("R", "relapse or progression"),
    "hsct": ("T", "transplant"),
    "infusion": ("I", "next infusion"),
    "death": ("†", "death"),
    "follow_up": (ARROW, "last contact"),
    "unknown": ("?", "follow-up unknown"),
    "other": ("E", "another course"),
}
_MONTHS: Final = (0, 1, 3, 6, 12, 24, 36, 48, 72, 120, 180)
_ROOT: Final = 200.0  # days of follow-up from which the axis is that of the square root: early visits lie close


def method_name(method: str) -> str:
    """Name a method.

    Examples
    --------
    >>> method_name("mfc"), method_name("")
    ('flow cytometry (MFC)', 'a method not stated')
    """
    return _METHODS[method][1] if method in _METHODS else method.replace("_", " ")


def strip_sheets(section: Section) -> tuple[Sheet, ...]:
    """Return the figures into which the patients are laid out."""
    lanes = section.patients.filter(pl.col("item") == "lane").sort("place")
    return lay_out([(str(label), None) for label in lanes["patient"]])


def draw_mrd_strip(section: Section, sheet: Sheet, *, synthetic: bool = False) -> "Figure":
    """Draw the samples of one sheet.

    Parameters
    ----------
    section
        With lanes, samples and missed visits in ``patients``.
    sheet
        Which patients, and where they stand.
    synthetic
        Stamp the figure as simulated.
    """
    places = [lane.place for column in sheet.columns for lane in column if lane.place is not None]
    rows = section.patients.filter(pl.col("place").is_in(places))
    last = section.patients["time"].max()
    end = max(float(last) if isinstance(last, int | float) else 1.0, 30.0)
    root = end > _ROOT
    key = key_lines(_key(rows))
    heading = section.title + (f" ({sheet.number} of {sheet.of})" if sheet.of > 1 else "")
    below = 0.62 + len(key) * KEY_LINE
    scale = " (square-root scale)" if root else ""
    labels = [lane.label for column in sheet.columns for lane in column]
    with new_canvas(below + sheet.height + 0.62, heading, *labels) as canvas:
        right = _place(end, root=root)
        ends = (-0.015 * right, right * (1.07 if sheet.compact else 1.035))
        for column in draw_lanes(canvas, sheet, below, ends=ends, axis=_axis(end, root=root)):
            _draw(column, rows, root=root, compact=sheet.compact)
        canvas.text(0.08, canvas.height - 0.2, heading, fontweight="bold", fontsize=SIZE + 1)
        canvas.text(0.08, canvas.height - 0.4, str(section.settings.get("assay", "")), color=SOFT)
        unit = "Months" if root else "Days"
        canvas.text(WIDTH / 2, below - 0.36, f"{unit} from {_origin(section)}{scale}", ha="center")
        draw_key(canvas, key, below - 0.6)
        if synthetic:
            canvas.stamp()
    return canvas.figure


def _origin(section: Section) -> str:
    return section.title.removeprefix("MRD after the ")


def _place(day: float, *, root: bool) -> float:
    return math.copysign(math.sqrt(abs(day)), day) if root else day


def _axis(end: float, *, root: bool) -> TimeAxis:
    """Return ticks at the months of the schedule, or every fortnight where follow-up is short."""
    if not root:
        days = tuple(float(day) for day in range(0, int(end) + 1, 14 if end < 120 else 28))
        return TimeAxis(days, tuple(f"{day:g}" for day in days), "days")
    months = [month for month in _MONTHS if month * DAYS_PER["months"] <= end]
    places = tuple(_place(month * DAYS_PER["months"], root=True) for month in months)
    return TimeAxis(places, tuple(str(month) for month in months), "months")


def _draw(column: Column, rows: pl.DataFrame, *, root: bool, compact: bool) -> None:
    mine = rows.filter(pl.col("place").is_in(list(column.heights)))
    height = pl.col("place").replace_strict(dict(column.heights), return_dtype=pl.Float64).alias("height")
    at = pl.col("time").sqrt() if root else pl.col("time")
    placed = mine.with_columns(height, at.cast(pl.Float64).alias("at"))
    axes, size = column.axes, 3.6 if compact else 6.0
    lanes = placed.filter(pl.col("item") == "lane")
    axes.hlines(lanes["height"], 0.0, lanes["at"], color=FAINT, linewidth=1.2 if compact else 2.0, zorder=1)
    ended = lanes.select("at", "height", _ending().alias("ending")).iter_rows()
    draw_ends(axes, [(day, row, _END[name][0]) for day, row, name in ended], compact=compact)
    missed = placed.filter(pl.col("item") == "missed")
    axes.plot(missed["at"], missed["height"], linestyle="none", markersize=size * 0.55, markeredgewidth=0.8,
              clip_on=False, zorder=2, **_MISSED)  # fmt: skip
    for (status, method), here in placed.filter(pl.col("item") == "sample").group_by(
        "status", "method", maintain_order=True
    ):
        style = _sample(str(status), str(method))
        filled = style["markeredgecolor"] == PAPER
        axes.plot(here["at"], here["height"], linestyle="none", markersize=size * (1.0 if filled else 0.88),
                  markeredgewidth=0.5 if filled else 0.9, clip_on=False, zorder=3, **style)  # fmt: skip


def _ending() -> pl.Expr:
    """Return the sign of what ends a lane."""
    named = pl.col("status").replace({"progression": "relapse"})
    return pl.when(named.is_in(list(_END))).then(named).otherwise(pl.lit("other"))


def _sample(status: str, method: str) -> dict[str, Any]:
    fill, edge, _ = _STATUSES[status]
    marker = _METHODS[method][0] if method in _METHODS else _OTHER
    return {"marker": marker, "markerfacecolor": fill, "markeredgecolor": edge}


def _key(rows: pl.DataFrame) -> list[KeyEntry]:
    """Return the statuses, then the methods where there are several, then the other signs: those that there are."""
    samples = rows.filter(pl.col("item") == "sample")
    statuses, methods = set(samples["status"].to_list()), samples["method"].unique().sort().to_list()
    only = methods[0] if len(methods) == 1 else "mfc"
    entries = [
        KeyEntry({**_sample(status, only), "markersize": 6.5, "markeredgewidth": 0.5 if edge == PAPER else 1.2}, words)
        for status, (_, edge, words) in _STATUSES.items()
        if status in statuses
    ]
    if len(methods) > 1:
        grey = {"markerfacecolor": SOFT, "markeredgecolor": SOFT, "markersize": 5.5, "markeredgewidth": 0.5}
        entries += [
            KeyEntry({**grey, "marker": _METHODS.get(name, (_OTHER, ""))[0]}, method_name(name)) for name in methods
        ]
    if (rows["item"] == "missed").any():
        entries.append(KeyEntry({**_MISSED, "markersize": 3.6, "markeredgewidth": 0.8}, "visit missed"))
    ended = set(rows.filter(pl.col("item") == "lane").select(_ending().alias("ending"))["ending"].to_list())
    entries += [KeyEntry({}, words, sign) for name, (sign, words) in _END.items() if name in ended]
    return entries
