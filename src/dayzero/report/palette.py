"""Colours and dashes of the curves: apart for the colour-blind, apart in grey print, legible on white and on black.

The hues follow Okabe and Ito (2008), darkened so that each reaches a contrast of 4.5 on white; each has a lighter twin
for a dark page, which the page's style sheet puts in its place.
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
    "#0a5ea8": "#62b0f4",
    "#b84a0e": "#f59a5f",
    "#157a5c": "#4fcaa2",
    "#83398f": "#d597e0",
    "#7a6200": "#d9bd4a",
    "#454d55": "#c3cbd2",
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
