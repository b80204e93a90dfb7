"""A figure with places in inches, text by the line, and no global settings: what all figures are drawn on."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from dayzero.report.formats import printable
from dayzero.report.palette import INK, STAMP

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH: Final = 8.0  # inches
SIZE: Final = 9.0  # points
LINE: Final = 0.165  # inches from one line of text to the next
_FALLBACKS: Final = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC", "PingFang SC", "Hiragino Sans", "Microsoft YaHei",
    "SimHei", "WenQuanYi Zen Hei", "Arial Unicode MS", "Droid Sans Fallback",
)  # fmt: skip


@dataclass(frozen=True)
class Canvas:
    """A matplotlib figure, measured in inches from its lower left corner."""

    figure: "Figure"
    width: float
    height: float

    def axes(self, left: float, bottom: float, width: float, height: float) -> "Axes":
        """Add axes without a frame."""
        box = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        axes: Axes = self.figure.add_axes(box)
        axes.patch.set_visible(False)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0, labelsize=SIZE, labelcolor=INK)
        return axes

    def text(self, left: float, bottom: float, text: str, **style: Any) -> None:
        """Write one line whose baseline starts, or with ``ha`` ends or is centred, at a place."""
        style = {"fontsize": SIZE, "color": INK, "va": "baseline", **style}
        self.figure.text(left / self.width, bottom / self.height, printable(text), **style)

    def line(self, start: tuple[float, float], end: tuple[float, float], **style: Any) -> None:
        """Draw a straight line between two places."""
        from matplotlib.lines import Line2D

        across = [start[0] / self.width, end[0] / self.width]
        along = [start[1] / self.height, end[1] / self.height]
        self.figure.add_artist(Line2D(across, along, **style))

    def stamp(self) -> None:
        """Write across the top that the data are simulated."""
        top = self.height - 0.16
        self.text(self.width - 0.08, top, "SIMULATED DATA", ha="right", color=STAMP, fontweight="bold")


@contextmanager
def new_canvas(height: float, *texts: str) -> Iterator[Canvas]:
    """Open a canvas; settings that text and lines take on when they are made hold inside the context alone.

    Parameters
    ----------
    height
        In inches.
    *texts
        Every label of the figure: fonts are added where the usual one has not all of their characters.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    settings: Any = {"text.parse_math": False, "font.family": _families(texts), "axes.unicode_minus": False,
                "text.usetex": False, "text.color": INK, "path.simplify": True}  # fmt: skip
    with mpl.rc_context(settings):
        figure = Figure(figsize=(WIDTH, height), facecolor="none")
        yield Canvas(figure, WIDTH, height)


def _families(texts: tuple[str, ...]) -> list[str]:
    if all(ord(char) < 0x2500 for text in texts for char in text):
        return ["DejaVu Sans"]
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    return ["DejaVu Sans", *(name for name in _FALLBACKS if name in installed)]


def width_of(text: str, size: float = SIZE) -> float:
    """Return the approximate width of a line in inches: the browser chooses the font, so no exact one exists.

    Examples
    --------
    >>> width_of("急性") > width_of("ab")
    True
    """
    ems = sum(1.05 if unicodedata.east_asian_width(char) in "WF" else _EMS.get(char, 0.6) for char in text)
    return ems * size / 72


_EMS: Final = {
    **dict.fromkeys("iljI.,:;'|! ", 0.33),
    **dict.fromkeys("frt()[]-", 0.42),
    **dict.fromkeys("mwMW%@", 0.92),
}


def wrap(text: str, width: float, *, size: float = SIZE, most: int = 3) -> list[str]:
    """Break text into at most ``most`` lines of a width in inches, at spaces where there are any.

    Examples
    --------
    >>> wrap("AML high risk, second remission", 1.2)
    ['AML high risk,', 'second remission']
    """
    lines: list[str] = [""]
    for piece in _pieces(printable(text).replace("\n", " "), width, size):
        longer = f"{lines[-1]} {piece}" if lines[-1] and not piece.startswith("\u200b") else lines[-1] + piece
        longer = longer.replace("\u200b", "")
        if width_of(longer, size) <= width or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(piece.replace("\u200b", ""))
    return lines if len(lines) <= most else [*lines[: most - 1], f"{lines[most - 1][:-1].rstrip()}…"]


def _pieces(text: str, width: float, size: float) -> Iterator[str]:
    """Yield words, and the parts of a word wider than a line; a part that continues a word starts with U+200B."""
    for word in text.split(" "):
        part = ""
        begun = ""
        for char in word:
            if part and width_of(part + char, size) > width:
                yield begun + part
                part, begun = "", "\u200b"
            part += char
        if part or not begun:
            yield begun + part
