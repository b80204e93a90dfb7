"""Lanes: one line a patient, labelled, in one column or three; what swimmer plots and strips are drawn on."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dayzero.report.axis import TimeAxis
from dayzero.report.canvas import SIZE, WIDTH, Canvas, width_of, wrap
from dayzero.report.palette import FAINT, INK, SOFT

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_ALONE: Final = 60  # patients in one column, from which there are three
_COLUMNS: Final = 3
_ROWS: Final = 50  # in each of three columns
MOST_SHEETS: Final = 8  # figures that are drawn: the first 1,200 patients; the rest stand in the table of rows
PAPER: Final = "#ffffff"  # behind a mark: no colour of the palette, so that it stays on a dark page
PEN: Final = "#000000"
ARROW: Final = "▸"  # drawn as a marker: not every font has it
KEY_LINE: Final = 0.2  # inches


@dataclass(frozen=True)
class Lane:
    """One line of a figure.

    Attributes
    ----------
    label
        Of the patient, or of the group.
    place
        Position of the patient among all; None for the heading of a group.
    """

    label: str
    place: int | None


@dataclass(frozen=True)
class Sheet:
    """The lanes of one figure.

    Attributes
    ----------
    columns
        The lanes of each column, from above.
    number, of
        Which figure it is, of how many.
    """

    columns: tuple[tuple[Lane, ...], ...]
    number: int
    of: int

    @property
    def compact(self) -> bool:
        """Whether the lanes stand in several columns, and marks are small."""
        return len(self.columns) > 1

    @property
    def pitch(self) -> float:
        """Inches from one lane to the next."""
        return 0.125 if self.compact else 0.19

    @property
    def height(self) -> float:
        """Inches of the tallest column."""
        return max(len(column) for column in self.columns) * self.pitch

    @property
    def patients(self) -> int:
        """How many patients it has."""
        return sum(lane.place is not None for column in self.columns for lane in column)


def lay_out(patients: Sequence[tuple[str, str | None]]) -> tuple[Sheet, ...]:
    """Lay patients out in figures: up to 60 in one column, more of them in three columns of up to 50 lines.

    Parameters
    ----------
    patients
        Label and group (None: no groups) of each, in order; each group begins with a heading.

    Examples
    --------
    >>> [sheet.patients for sheet in lay_out([(str(k), None) for k in range(300)])]
    [150, 150]
    """
    lanes = list(_lanes(patients))
    if len(lanes) <= MOST_ALONE:
        return (Sheet((tuple(lanes),), 1, 1),)
    sheets = -(-len(lanes) // (_COLUMNS * _ROWS))
    rows = -(-len(lanes) // (sheets * _COLUMNS))
    columns = list(_columns(lanes, max(rows, 2)))
    cut = [tuple(columns[start : start + _COLUMNS]) for start in range(0, len(columns), _COLUMNS)]
    return tuple(Sheet(_three(part), k, len(cut)) for k, part in enumerate(cut, start=1))


def _three(columns: tuple[tuple[Lane, ...], ...]) -> tuple[tuple[Lane, ...], ...]:
    return (*columns, *[()] * (_COLUMNS - len(columns)))


def _lanes(patients: Sequence[tuple[str, str | None]]) -> Iterator[Lane]:
    before: str | None = None
    for place, (label, group) in enumerate(patients):
        if group is not None and group != before:
            yield Lane(group, None)
        before = group
        yield Lane(label, place)


def _columns(lanes: Sequence[Lane], rows: int) -> Iterator[tuple[Lane, ...]]:
    """Yield columns; a heading never stands last in one."""
    start = 0
    while start < len(lanes):
        stop = min(start + rows, len(lanes))
        if stop < len(lanes) and lanes[stop - 1].place is None:
            stop -= 1
        yield tuple(lanes[start:stop])
        start = stop


@dataclass(frozen=True)
class Column:
    """A column as it is drawn: its axes, and the height of each patient's lane by their position."""

    axes: "Axes"
    heights: Mapping[int, float]


def draw_lanes(
    canvas: Canvas, sheet: Sheet, bottom: float, *, ends: tuple[float, float], axis: TimeAxis
) -> tuple[Column, ...]:
    """Draw labels, a faint line for every tick, and the time axis of each column; return what to draw on.

    Parameters
    ----------
    canvas, sheet, bottom
        Where the lanes are drawn, which, and how many inches above the lower edge they begin.
    ends
        Days at the left and the right.
    axis
        The ticks.
    """
    size = 6.0 if sheet.compact else SIZE - 1
    widest = 0.55 if sheet.compact else 1.3
    labels = [lane.label for column in sheet.columns for lane in column if lane.place is not None]
    room = min(max((width_of(label, size) for label in labels), default=0.2), widest) + 0.12
    gap = 0.16
    whole = (WIDTH - 0.1 - gap * len(sheet.columns)) / len(sheet.columns)
    drawn = []
    for k, lanes in enumerate(sheet.columns):
        left = 0.08 + k * (whole + gap)
        if lanes:
            base = bottom + sheet.height - len(lanes) * sheet.pitch
            axes = canvas.axes(left + room, base, whole - room, len(lanes) * sheet.pitch)
            _frame(axes, len(lanes), ends, axis=axis, compact=sheet.compact)
            drawn.append(Column(axes, _label(canvas, lanes, box=(left, room, base), pitch=sheet.pitch, size=size)))
    return tuple(drawn)


def _frame(axes: "Axes", rows: int, ends: tuple[float, float], *, axis: TimeAxis, compact: bool) -> None:
    every = 2 if compact and len(axis.ticks) > 5 else 1
    axes.set_xlim(*ends)
    axes.set_ylim(-0.5, rows - 0.5)
    axes.set_yticks([])
    axes.set_xticks(axis.ticks[::every], axis.labels[::every])
    axes.spines["bottom"].set(visible=True, color=INK, linewidth=0.8)
    axes.tick_params(axis="x", length=3, width=0.8, color=INK, pad=2, labelsize=SIZE - 2 if compact else SIZE)
    axes.vlines(axis.ticks[::every], -0.5, rows - 0.5, color=FAINT, linewidth=0.5, zorder=0)


def _label(
    canvas: Canvas, lanes: Sequence[Lane], *, box: tuple[float, float, float], pitch: float, size: float
) -> dict[int, float]:
    left, room, base = box
    heights = {}
    for k, lane in enumerate(lanes):
        row = len(lanes) - 1 - k
        middle = base + (row + 0.5) * pitch - size / 72 * 0.35
        if lane.place is None:
            canvas.text(left, middle, wrap(lane.label, 3.0, size=size, most=1)[0], fontsize=size, fontweight="bold")
            continue
        text = wrap(lane.label, room - 0.1, size=size, most=1)[0]
        canvas.text(left + room - 0.07, middle, text, fontsize=size, ha="right", color=SOFT)
        heights[lane.place] = float(row)
    return heights


def draw_ends(axes: "Axes", ends: Sequence[tuple[float, float, str]], *, compact: bool) -> None:
    """Write a sign behind the end of each lane: ``(day, height, sign)``."""
    low, high = axes.get_xlim()
    beyond = (high - low) * (0.02 if compact else 0.011)
    arrows = [(day + beyond, height) for day, height, sign in ends if sign == ARROW]
    axes.plot([day for day, _ in arrows], [height for _, height in arrows], linestyle="none", marker=">", color=INK,
              markersize=2.6 if compact else 4, markeredgewidth=0.4, clip_on=False)  # fmt: skip
    for day, height, sign in ends:
        if sign not in (ARROW, ""):
            axes.text(day + beyond, height, sign, ha="center", va="center_baseline", color=INK, clip_on=False,
                      fontsize=5.5 if compact else SIZE - 1)  # fmt: skip


@dataclass(frozen=True)
class KeyEntry:
    """A sign of the key: how its marker is drawn, what stands in it, and what it means."""

    style: Mapping[str, Any]
    words: str
    sign: str = ""


def key_lines(entries: Sequence[KeyEntry]) -> tuple[tuple[KeyEntry, ...], ...]:
    """Break the key into lines as wide as the figure."""
    lines: list[list[KeyEntry]] = [[]]
    used = 0.0
    for entry in entries:
        wide = 0.42 + width_of(entry.words)
        if lines[-1] and used + wide > WIDTH - 0.2:
            lines.append([])
            used = 0.0
        lines[-1].append(entry)
        used += wide
    return tuple(tuple(line) for line in lines if line)


def draw_key(canvas: Canvas, lines: Sequence[Sequence[KeyEntry]], top: float) -> None:
    """Draw the lines of a key downwards from a height."""
    for k, line in enumerate(lines):
        left, low = 0.16, top - k * KEY_LINE
        for entry in line:
            at = (left, low + 0.045)
            if entry.style:
                canvas.line(at, (at[0] + 1e-6, at[1]), **{"linestyle": "none", "markevery": [0], **entry.style})
            if entry.sign == ARROW:
                canvas.line(
                    at, (at[0] + 1e-6, at[1]), linestyle="none", markevery=[0], marker=">", markersize=4.5, color=INK
                )
            elif entry.sign:
                inside = {"fontsize": 6.5, "color": PEN} if entry.style else {"fontsize": SIZE - 0.5, "color": INK}
                canvas.text(left, low + (0.018 if entry.style else 0.0), entry.sign, ha="center", **inside)
            canvas.text(left + 0.12, low, entry.words)
            left += 0.42 + width_of(entry.words)
