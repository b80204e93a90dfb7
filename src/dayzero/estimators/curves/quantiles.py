"""Median survival, with the limits of Brookmeyer and Crowley (1982)."""

from dataclasses import replace
from typing import Final

import numpy as np

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.curves.aalen_johansen import DEFAULT, ROBUST, fit_aalen_johansen
from dayzero.estimators.curves.confidence import Curve, limits
from dayzero.estimators.groups import group_rows, join_warnings
from dayzero.spells import TIE_TOLERANCE, Floats, Spells

COMPETING: Final = "no median: it is defined for a survival curve, and here events compete"
NOT_REACHED: Final = "the median was not reached"


def median(spells: Spells, by: str | None = None, *, options: Curve = DEFAULT) -> Estimate:
    """Estimate the median time to the event from the Kaplan-Meier curve.

    The limits are the days on which the curve's own pointwise limits cross one half: the set of times that a test of
    S(t) = 1/2 does not reject (Brookmeyer and Crowley 1982), on the confidence scale of ``options``.

    Parameters
    ----------
    spells
        The table, with one kind of event.
    by
        Column of the groups.
    options
        Confidence scale, level, variance, start day.

    Returns
    -------
    Estimate
        One row a group, statistic ``median``; null, with a warning, where the curve does not come down to one half
        or where events compete. A limit that is not reached is null.

    Examples
    --------
    The curve is one half from day 2 to day 3, and the median is the midpoint (convention 4):

    >>> from dayzero.spells import make_spells
    >>> median(make_spells([1, 2, 3, 4], [1, 1, 1, 1])).rows["estimate"].item()
    2.5
    """
    groups = group_rows(spells, by)
    parts = []
    for code, level in enumerate(groups.levels):
        rows = spells if by is None else spells.where(groups.codes == code)
        parts.append(_median(rows, options).label(group=groups.label(level)))
    medians = concat(parts)
    return replace(medians, rows=join_warnings(medians.rows, groups.warning))


def crossing(times: Floats, curve: Floats, height: float = 0.5) -> float:
    """Return the day on which a falling step function comes down to a height; NaN where it does not.

    Where it runs along the height exactly (to within sqrt(eps)) the midpoint of that stretch is taken, which ends at
    the last time where the curve does not fall further (convention 4). NaN steps count as not reached.

    Parameters
    ----------
    times, curve
        (T,) days and the curve's value from each day on.
    height
        Between 0 and 1.

    Examples
    --------
    >>> crossing(np.array([1.0, 2.0, 3.0]), np.array([0.8, 0.4, 0.1]))
    2.0
    """
    reached = np.flatnonzero(curve <= height + TIE_TOLERANCE)
    if not len(reached):
        return float("nan")
    below = np.flatnonzero(curve < height - TIE_TOLERANCE)
    end = times[below[0]] if len(below) else times[-1]
    return float(times[reached[0]] + end) / 2.0


def _median(spells: Spells, options: Curve) -> Estimate:
    count = {"n": spells.n, "n_events": int(np.count_nonzero(spells.to >= 0)), "endpoint": spells.name or None}
    if len(spells.states) != 2 or bool(spells.state.any()):
        return make_estimate("median", method=options.method, warning=COMPETING, **count)
    fit = fit_aalen_johansen(spells, options=options)
    survival = fit.probability[:, 0]
    low, high = limits(survival, fit.std_error_at(fit.times)[:, 0], options)
    middle = crossing(fit.times, survival)
    return make_estimate(
        "median", method=options.method, estimate=middle,
        lower=crossing(fit.times, low), upper=crossing(fit.times, high),
        warning=NOT_REACHED if np.isnan(middle) else ROBUST if fit.std_error is None else None, **count,
    )  # fmt: skip
