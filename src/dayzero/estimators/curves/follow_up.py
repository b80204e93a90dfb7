"""How long patients were followed: reverse Kaplan-Meier, and apart from it the observed range."""

from dataclasses import replace

import numpy as np

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.curves.aalen_johansen import DEFAULT
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.curves.quantiles import NOT_REACHED, median
from dayzero.estimators.curves.risk_sets import is_last, last_days
from dayzero.estimators.groups import group_rows
from dayzero.spells import CENSORED, Floats, Spells


def follow_up(spells: Spells, by: str | None = None, *, options: Curve = DEFAULT) -> Estimate:
    """Estimate the median follow-up by the reverse Kaplan-Meier method, and report the observed range.

    The end of follow-up is taken for the event, and death for censoring (Schemper and Smith 1996).

    Parameters
    ----------
    spells
        The table of an endpoint whose event is death.
    by
        Column of the groups.
    options
        Confidence scale and level of the median's limits.

    Returns
    -------
    Estimate
        Per group ``median_follow_up`` with its confidence limits (``n_events``: patients whose follow-up ended
        without the event), then ``follow_up_minimum`` and ``follow_up_maximum``: the shortest and longest observed
        times, deaths included. The range is no confidence interval and must not be printed as one.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> follow_up(make_spells([10, 20, 30], [1, 0, 0])).rows.select("statistic", "estimate").rows()
    [('median_follow_up', 25.0), ('follow_up_minimum', 10.0), ('follow_up_maximum', 30.0)]
    """
    middle = median(reverse(spells), by, options=options).label(statistic="median_follow_up")
    rows = middle.rows.with_columns(
        middle.rows["warning"].str.replace(NOT_REACHED, "the median follow-up was not reached")
    )
    groups = group_rows(spells, by)
    last = last_days(spells)
    parts = []
    for code, level in enumerate(groups.levels):
        days = last[np.unique(spells.patient[groups.codes == code])]
        observed = _range(days).label(group=groups.label(level), endpoint=spells.name or None, warning=groups.warning)
        parts += [replace(middle, rows=rows[code : code + 1]), observed]
    return concat(parts)


def _range(days: Floats) -> Estimate:
    shortest, longest = (float(days.min()), float(days.max())) if len(days) else (np.nan, np.nan)
    figures = {"follow_up_minimum": shortest, "follow_up_maximum": longest}
    return concat(
        make_estimate(name, method="observed range", estimate=day, n=len(days)) for name, day in figures.items()
    )


def reverse(spells: Spells) -> Spells:
    """Return the table with the end of follow-up for event and the absorbing events for censoring.

    Only a patient's last row can end the follow-up: a row that was cut in two, or a move between states, does not.
    """
    ended = (spells.to < 0) & is_last(spells)
    return replace(
        spells,
        state=np.zeros(len(spells), np.int64),
        to=np.where(ended, 1, CENSORED),
        states=("followed", "end of follow-up"),
    )
