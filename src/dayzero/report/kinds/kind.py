"""What a kind of analysis puts on the page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dayzero.report.page import Section
from dayzero.report.tables import Table
from dayzero.report.words import warnings_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Draw(Protocol):
    """Draws a figure, stamped where the data are simulated."""

    def __call__(self, *, synthetic: bool = False) -> "Figure":
        """Make the figure."""


@dataclass(frozen=True)
class Drawing:
    """A figure that is not drawn yet.

    Attributes
    ----------
    name
        For the file, for example ``survival``.
    title
        Below the figure, and read aloud.
    description
        What the figure shows, for those who cannot see it.
    draw
        Makes the figure.
    """

    name: str
    title: str
    description: str
    draw: Draw


@dataclass(frozen=True)
class Part:
    """A part of a section under a heading of its own, where one answer has several views in an order that matters.

    Attributes
    ----------
    heading
        Of the part.
    sentences
        What must be known to read it, or what it found.
    drawings, tables
        Its figures, then its tables.
    details
        Tables that stand folded under the figures.
    """

    heading: str
    sentences: tuple[str, ...] = ()
    drawings: tuple[Drawing, ...] = ()
    tables: tuple[Table | None, ...] = ()
    details: tuple[Table | None, ...] = ()


def _undivided(_: Section) -> tuple[Part, ...]:
    return ()


@dataclass(frozen=True)
class Kind:
    """How one kind of analysis is printed: functions of its section.

    Attributes
    ----------
    sentences
        The results in words.
    drawings
        The figures.
    tables
        The tables, in order.
    details
        Tables that stand folded under the figure.
    parts
        What follows under headings of its own; none by default.
    warnings
        What stands above everything as a warning: by default what the rows warn of.
    box
        The heading of a box around the sentences, empty where they need none.
    """

    sentences: Callable[[Section], tuple[str, ...]]
    drawings: Callable[[Section], tuple[Drawing, ...]]
    tables: Callable[[Section], tuple[Table | None, ...]]
    details: Callable[[Section], tuple[Table | None, ...]]
    parts: Callable[[Section], tuple[Part, ...]] = _undivided
    warnings: Callable[[Section], tuple[str, ...]] = warnings_of
    box: str = ""
