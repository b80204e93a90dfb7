"""The figures of a strategy: every method on one scale, the curves of one, where everybody is, the balance."""

from functools import partial
from typing import Final

import polars as pl

from dayzero.report.figures import draw_cumulative_incidence, draw_survival
from dayzero.report.kinds.kind import Draw, Drawing
from dayzero.report.labels import event_label, in_sentence
from dayzero.report.page import Section
from dayzero.report.series import read_survival, terms_of
from dayzero.report.state_figures import draw_states
from dayzero.report.strategy_balance import draw_balance, read_balance
from dayzero.report.strategy_curves import curves_of, states_of
from dayzero.report.strategy_forest import draw_methods, forest_lines
from dayzero.report.strategy_rows import Result

_NUMBERS: Final = "The tables below have the numbers."
_FEW: Final = 2  # covariates: one is said by its numbers


def _drawing(name: str, title: str, draw: Draw) -> Drawing:
    return Drawing(name, title, f"{title} {_NUMBERS}", draw)


def curves(section: Section, method: str, *, title: str, reading: str) -> tuple[Drawing, ...]:
    """Return the figures of a method's curves: survival, or one a cause of cumulative incidence.

    Parameters
    ----------
    section
        The strategy's.
    method
        Whose curves.
    title
        What they are, for example ``Simon–Makuch curves``.
    reading
        What must be known to read them.
    """
    mine = curves_of(section, method)
    if read_survival(mine):
        draw = partial(draw_survival, mine, heading=f"{section.label}: {_lower(title)}")
        return (_drawing(f"{method}-survival", f"{title}, {in_sentence(section.label)}. {reading}", draw),)
    return tuple(_incidence(mine, method, term, f"{title}, {reading}") for term in terms_of(mine))


def _lower(title: str) -> str:
    return title if title.startswith("Simon") else in_sentence(title)


def _incidence(section: Section, method: str, term: str, said: str) -> Drawing:
    title, reading = said.split(", ", 1)
    what = in_sentence(event_label(term, section.endpoint))
    caption = f"{title}, cumulative incidence of {what}. {reading}"
    return _drawing(f"{method}-incidence-{term}", caption, partial(draw_cumulative_incidence, section, term))


def states(section: Section) -> tuple[Drawing, ...]:
    """Return the figure of where everybody is over time."""
    mine = states_of(section)
    if not mine.curves.rows.filter(pl.col("statistic") == "state_probability").height:
        return ()
    title = "Where everybody is from day zero on. The height of a band is the probability of its state."
    return (_drawing("states", title, partial(draw_states, mine)),)


def forest(section: Section) -> tuple[Drawing, ...]:
    """Return the figure of every method, the naive comparison last."""
    if not forest_lines(section):
        return ()
    title = (
        f"Hazard ratios of {in_sentence(section.label)} by every method, with their limits. "
        "Hollow and grey: the naive comparison, biased because its groups are named by the future."
    )
    return (_drawing("methods", title, partial(draw_methods, section)),)


def balance(result: Result) -> tuple[Drawing, ...]:
    """Return the figure of the balance before and after weighting."""
    known = read_balance(result)
    if len(known) < _FEW or all(each.after is None for each in known):
        return ()
    title = f"Balance of the arms before and after weighting, {in_sentence(result.name)}."
    return (
        _drawing(
            f"{result.method}-balance",
            title,
            partial(draw_balance, result),
        ),
    )
