"""The flow of patients: a box a step from the top down, what is counted beside the main line further to the right."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from dayzero.report.canvas import LINE, SIZE, WIDTH, Canvas, new_canvas, wrap
from dayzero.report.formats import count, sentence_case
from dayzero.report.palette import INK, SOFT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TOP: Final = 0.5  # inches
_LEFT: Final = 0.15
_STEP: Final = 0.55  # from one depth to the next
_BOX: Final = 3.1
_GAP: Final = 0.24  # between boxes
_PAD: Final = 0.11
_BEND: Final = 0.22  # from a box's left edge to the line that leaves it
_MOST_REASONS: Final = 7


@dataclass(frozen=True)
class FlowBox:
    """One box.

    Attributes
    ----------
    name
        Of the step.
    n
        Patients who reached it.
    of
        The step from which it is reached; empty for the first.
    depth
        0 on the main line.
    lost
        Why patients of that step are not in this one, and how many.
    """

    name: str
    n: float
    of: str = ""
    depth: int = 0
    lost: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True)
class _Placed:
    """A box with its place, in inches from the upper left corner, and its lines of text."""

    box: FlowBox
    left: float
    top: float
    height: float
    lines: tuple[str, ...]
    reasons: tuple[str, ...]

    @property
    def middle(self) -> float:
        """Half its height."""
        return self.top + self.height / 2


def draw_steps(title: str, boxes: tuple[FlowBox, ...], *, synthetic: bool = False) -> "Figure":
    """Draw the boxes in their order; beside each, who did not reach it, and why.

    Parameters
    ----------
    title
        The heading.
    boxes
        The first is everybody; ``of`` names a box before.
    synthetic
        Stamp the figure as simulated.
    """
    placed = _place(boxes)
    height = placed[-1].top + placed[-1].height + 0.15
    texts = [text for each in placed for text in (*each.lines, *each.reasons)]
    with new_canvas(height, title, *texts) as canvas:
        canvas.text(0.08, height - 0.2, title, fontweight="bold", fontsize=SIZE + 1)
        for each in placed:
            _box(canvas, each)
        for each in placed:
            _line(canvas, each, placed)
        if synthetic:
            canvas.stamp()
    return canvas.figure


def _place(boxes: tuple[FlowBox, ...]) -> tuple[_Placed, ...]:
    placed: list[_Placed] = []
    top = _TOP
    for box in boxes:
        left = _LEFT + box.depth * _STEP
        lines = wrap(sentence_case(box.name), _BOX - 2 * _PAD - 0.5)
        reasons = _reasons(box, WIDTH - left - _BOX - 0.35)
        inner = max(len(lines), len(reasons), 1) * LINE if reasons else len(lines) * LINE
        height = inner + 2 * _PAD
        placed.append(_Placed(box, left, top, height, tuple(lines), reasons))
        top += height + _GAP
    return tuple(placed)


def _reasons(box: FlowBox, width: float) -> tuple[str, ...]:
    """Return a line a reason; of many the rest as one number."""
    shown, rest = box.lost[:_MOST_REASONS], box.lost[_MOST_REASONS:]
    told = [f"− {count(n)}  {words}" for words, n in shown]
    told += [f"− {count(sum(n for _, n in rest))}  for other reasons"] if rest else []
    return tuple(line for text in told for line in wrap(text, width, most=2))


def _box(canvas: Canvas, each: _Placed) -> None:
    right, bottom = each.left + _BOX, canvas.height - each.top - each.height
    upper = canvas.height - each.top
    corners = ((each.left, bottom), (right, bottom), (right, upper), (each.left, upper))
    edge = INK if each.box.depth == 0 else SOFT
    for start, end in zip(corners, (*corners[1:], corners[0]), strict=True):
        canvas.line(start, end, color=edge, linewidth=1.1 if each.box.depth == 0 else 0.8)
    middle = canvas.height - each.middle
    first = middle + (len(each.lines) - 1) * LINE / 2 - 0.045
    for k, text in enumerate(each.lines):
        canvas.text(each.left + _PAD, first - k * LINE, text)
    canvas.text(right - _PAD, middle - 0.05, count(each.box.n), ha="right", fontweight="bold", fontsize=SIZE + 1)
    first = middle + (len(each.reasons) - 1) * LINE / 2 - 0.045
    for k, text in enumerate(each.reasons):
        canvas.text(right + 0.15, first - k * LINE, text, color=SOFT)


def _line(canvas: Canvas, each: _Placed, placed: tuple[_Placed, ...]) -> None:
    """Join a box with the one it comes from: straight down, or down and to the right."""
    parent = next((other for other in placed if other.box.name == each.box.of), None)
    if parent is None:
        return
    style = {"color": SOFT, "linewidth": 1.0}
    across = parent.left + _BEND
    start = (across, canvas.height - parent.top - parent.height)
    if each.box.depth == parent.box.depth:
        end = (across, canvas.height - each.top)
        canvas.line(start, end, **style)
        _arrow(canvas, end, (0.0, 1.0))
        return
    turn, end = (across, canvas.height - each.middle), (each.left, canvas.height - each.middle)
    canvas.line(start, turn, **style)
    canvas.line(turn, end, **style)
    _arrow(canvas, end, (-1.0, 0.0))


def _arrow(canvas: Canvas, tip: tuple[float, float], back: tuple[float, float]) -> None:
    """Draw the head of an arrow: two strokes from its tip."""
    for side in (-0.04, 0.04):
        end = (tip[0] + 0.06 * back[0] + side * back[1], tip[1] + 0.06 * back[1] + side * back[0])
        canvas.line(tip, end, color=SOFT, linewidth=1.0)
