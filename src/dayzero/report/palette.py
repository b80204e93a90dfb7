"""Colours and dashes of the curves: apart for the colour-blind, apart in grey print, legible on white and on black.

The hues follow Okabe and Ito (2008), darkened so that each reaches a contrast of 4.5 on white, for names are written in
them; the first three are far apart in lightness, for a print in grey. Each has a lighter twin for a dark page, put in
its place by the page's style sheet.
"""

from dataclasses import dataclass
from typing import Final

INK: Final = "#1b2127"
SOFT: Final = "#5b6670"
FAINT: Final = "#d5dbe0"
STAMP: Final = "#b3261e"
DARK: Final = {  # colour on a light page -> on a dark page
    INK: "#e8ecef",
    SOFT: "#a4aeb7",
    FAINT: "#3b444c",
    STAMP: "#ff8a80",
    "#0d3d80": "#5b9ff2",
    "#bb560e": "#f78f3f",
    "#176b4e": "#8af2cb",
    "#94399c": "#cf8fd8",
    "#4d3a02": "#f7e58a",
    "#55606b": "#aab4c0",
}
_COLOURS: Final = tuple(DARK)[4:]
_DASHES: Final[tuple[tuple[float, ...], ...]] = (
    (),
    (5, 1.6),
    (8, 1.6, 1.6, 1.6),
    (1.6, 1.4),
    (12, 2),
    (5, 1.4, 1.4, 1.4, 1.4, 1.4),
)


@dataclass(frozen=True)
class Style:
    """How one curve is drawn.

    Attributes
    ----------
    colour
        Hexadecimal.
    dashes
        Lengths of ink and gap in points, empty for a solid line.
    """

    colour: str
    dashes: tuple[float, ...]


def style_of(index: int) -> Style:
    """Return the style of the curve at a position; the first 36 differ.

    Examples
    --------
    >>> len({style_of(k) for k in range(36)})
    36
    """
    turn, place = divmod(index, len(_COLOURS))
    return Style(_COLOURS[place], _DASHES[(place + turn) % len(_DASHES)])
