"""What a kind of analysis puts on the page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from dayzero.report.page import Section
from dayzero.report.tables import Table

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
    """

    sentences: Callable[[Section], tuple[str, ...]]
    drawings: Callable[[Section], tuple[Drawing, ...]]
    tables: Callable[[Section], tuple[Table | None, ...]]
    details: Callable[[Section], tuple[Table | None, ...]]
