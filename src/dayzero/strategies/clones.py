"""Clones: every patient follows both strategies until the data show that they follow one of them no longer.

Of "start the treatment within the grace period" a clone is censored, artificially, at the end of that period if it is
untreated then; of "do not start" on the day of the treatment (Hernan and Robins 2016, Am J Epidemiol 183:758; Maringe
et al. 2020, Int J Epidemiol 49:1719). Who dies untreated within the period complies with both.
"""

from dataclasses import replace
from typing import Any, Final, Literal

import numpy as np

from dayzero.spells import CENSORED, Bools, Floats, Spells, follow_until

Comparator = Literal["never", "within_grace"]

ARTIFICIAL: Final = "artificially_censored"  # the column that says which rows end because their clone deviates


def clone(spells: Spells, treatment: str, *, grace: float, comparator: Comparator = "never") -> Spells:
    """Give every patient a clone in each arm, censored when it deviates from its strategy; weights are left alone.

    Parameters
    ----------
    spells
        The table.
    treatment
        A key of ``spells.treatments``; NaN in a patient with rows is a ValueError.
    grace
        Last day on which the strategy "treat" may start the treatment.
    comparator
        The other strategy: ``never`` start, or do not start ``within_grace`` and then do as one likes.

    Returns
    -------
    Spells
        The rows of the arm "treat" and then those of the other, of the same patients, with two more columns: the
        treatment's name (1.0 in the arm "treat", else 0.0), and ``artificially_censored``. An event on the day of a
        deviation comes before it, a censoring after it. Who is treated before their first row starts, or by then has
        not started within a grace period that is over, has no clone in the arm that they could not have followed.

    Examples
    --------
    A is operated on on day 61 and dies on day 300, F on 220 and 320; K dies untreated on day 40 (Maringe et al. 2020):

    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([300, 320, 40], [1, 1, 1], patient=["A", "F", "K"])
    >>> spells = replace(spells, treatments={"surgery": np.array([61.0, 220.0, np.inf])})
    >>> both = clone(spells, "surgery", grace=182.62)
    >>> both.stop.tolist(), both.event().tolist()
    ([300.0, 182.62, 40.0, 61.0, 220.0, 40.0], [True, False, True, False, False, True])
    """
    day = np.asarray(spells.treatments[treatment], float)
    if bool(np.isnan(day[spells.patient]).any()):
        raise ValueError("a patient's treatment is undated: leave its rows out first")
    in_time = day <= grace
    treat = np.where(in_time, np.inf, grace)
    none = day if comparator == "never" else np.where(in_time, day, np.inf)
    ends = _ends_untreated(spells, day) & (none < np.inf)[spells.patient]
    arms = [
        _arm(spells, treat, deviates=_at_risk_after(spells, treat), marks={treatment: 1.0}),
        _arm(spells, none, deviates=ends, marks={treatment: 0.0}),
    ]
    return stack(arms[0], arms[1])


def stack(first: Spells, second: Spells) -> Spells:
    """Return the rows of two tables of the same patients and columns, one below the other."""
    names = ("patient", "start", "stop", "state", "to", "weight")
    rows: dict[str, Any] = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    columns = {name: np.concatenate([first.columns[name], second.columns[name]]) for name in first.columns}
    power = None
    if first.power is not None and second.power is not None:
        power = np.concatenate([first.power, second.power])
    return replace(first, columns=columns, power=power, **rows)


def _arm(spells: Spells, last: Floats, *, deviates: Bools, marks: dict[str, float]) -> Spells:
    """Follow each patient until their last day; (rows,) deviates says which rows end with a deviation."""
    kept = spells.start < last[spells.patient]
    rows = follow_until(spells, last)
    constant = {name: np.full(len(rows), value) for name, value in marks.items()}
    return replace(rows, columns={**rows.columns, **constant, ARTIFICIAL: deviates[kept]})


def _at_risk_after(spells: Spells, day: Floats) -> Bools:
    """Return (rows,) whether the row holds its patient's day, and the patient is still at risk after it."""
    mine = day[spells.patient]
    follows = np.zeros(spells.patients.height, bool)
    follows[spells.patient[(spells.start <= mine) & (mine < spells.stop)]] = True
    return np.asarray((spells.start < mine) & (mine <= spells.stop) & follows[spells.patient])


def _ends_untreated(spells: Spells, day: Floats) -> Bools:
    """Return (rows,) whether the treatment starts in the row, before anything else ends it."""
    mine = day[spells.patient]
    inside = (spells.start < mine) & (mine <= spells.stop)
    return np.asarray(inside & ((mine < spells.stop) | (spells.to == CENSORED)))
