"""The forest of a strategy: every method on one scale, the naive comparison last, hollow and named as biased."""

from typing import TYPE_CHECKING

from dayzero.report.formats import ratio
from dayzero.report.intervals import Intervals, Line, draw_intervals
from dayzero.report.page import Section
from dayzero.report.strategy_rows import NAIVE, Result, absent, event_words, is_primary, only_naive, results_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def forest_lines(section: Section) -> tuple[Line, ...]:
    """Return a line a method; none where the naive comparison would stand alone."""
    found = [result for result in results_of(section) if result.row("hazard_ratio")]
    if only_naive(section) or not any(result.has_contrast for result in found):
        return ()
    return tuple(_line(section, result) for result in found)


def _line(section: Section, result: Result) -> Line:
    row = result.row("hazard_ratio") or {}
    primary, naive = is_primary(section, result), result.method == NAIVE
    name = f"{result.name}, pre-specified" if primary else result.label
    numbers = (row["estimate"], row["lower"], row["upper"])
    return Line(name, *numbers, hollow=naive, bold=primary and not naive, absent=absent(row))


def draw_methods(section: Section, *, synthetic: bool = False) -> "Figure":
    """Draw the hazard ratio of every method.

    Parameters
    ----------
    section
        With ``hazard_ratio`` rows of strategies.
    synthetic
        Stamp the figure as simulated.
    """
    shown = Intervals(
        title=f"{section.label}: every method on one scale",
        unit=f"HR ({section.confidence})",
        explained=f"hazard ratio: left of 1 {event_words(section)} later, right of 1 sooner",
        lines=forest_lines(section),
        write=ratio,
        null=1.0,
        logarithmic=True,
    )
    return draw_intervals(shown, synthetic=synthetic)
