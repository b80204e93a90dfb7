"""Milestones: how far two groups' survival, or cumulative incidence, lie apart on given days."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, Final

import numpy as np
from scipy import special

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.curves.aalen_johansen import (
    DEFAULT,
    aalen_johansen,
    curve_terms,
    fit_aalen_johansen,
    probability_influence,
)
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.curves.rmst import by_reference, normal_p
from dayzero.estimators.groups import Groups, group_rows, join_warnings
from dayzero.spells import Floats, Spells, follow_from

NOTHING: Final = 1e-12  # a standard error below it is the rounding error of 0
CERTAIN: Final = "no limits: a group is at 0 or 100 %, where its standard error says nothing"


def milestone_differences(
    spells: Spells, by: str, times: Sequence[float], *, reference: str = "", options: Curve = DEFAULT
) -> Estimate:
    """Estimate the difference of two curves on given days, for every pair of groups.

    Limits are d ∓ z se and the p is the normal one, on the plain scale (Klein, Logan, Harhoff and Andersen 2007, Stat
    Med 26:4505). Estimates are taken as independent, se^2 = se_a^2 + se_b^2, but with the variance ``robust``, which
    knows that a patient may be in both groups.

    Parameters
    ----------
    spells
        The table.
    by
        Column of the groups.
    times
        Days.
    reference
        The level that the others are compared with first; by default the first in sorted order.
    options
        Its ``level``, ``variance`` and ``start_day`` count here; the scale is always the plain one.

    Returns
    -------
    Estimate
        A pair ``column=a|b`` and a day: ``survival_difference``, or ``cumulative_incidence_difference``, a term each
        event; b less a, p-values not adjusted. Null, with a warning, behind the last observation of either group.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([1, 2, 3, 4], [1, 0, 1, 0], arm=["a", "a", "b", "b"])
    >>> milestone_differences(spells, "arm", [2]).rows["estimate"].to_list()
    [0.5]
    """
    groups = group_rows(spells, by)
    curves = aalen_johansen(spells, by, times, options=replace(options, conf_type="plain"))
    levels = [groups.levels[code] for code in by_reference(groups.levels, reference)]
    rows = {level: curves.where(group=groups.label(level)).rows.to_dicts() for level in levels}
    z = float(special.ndtri(0.5 + options.level / 2.0))
    moved = _influences(spells, groups, times, options) if options.variance == "robust" else {}
    found = []
    for a, b in combinations(levels, 2):
        errors = _robust_errors(moved[a], moved[b]) if moved else _independent_errors(rows[a], rows[b])
        found += [_difference(first, second, (z, error)).label(group=f"{by}={a}|{b}")
                  for first, second, error in zip(rows[a], rows[b], errors, strict=True)]  # fmt: skip
    label = {"endpoint": spells.name or None, "method": f"{options.variance}, plain"}
    differences = concat(found).label(**label)
    return replace(differences, rows=join_warnings(differences.rows, groups.warning))


def _influences(spells: Spells, groups: Groups, times: Sequence[float], options: Curve) -> dict[str, Floats]:
    """Return for each group (patients, rows) by how much each patient moves each of its rows."""
    found, day = {}, options.start_day
    states = [state for state, _ in curve_terms(spells if day is None else follow_from(spells, day))[1]]
    for code, level in enumerate(groups.levels):
        rows = spells.where(groups.codes == code)
        rows = rows if day is None else follow_from(rows, day)
        moved = probability_influence(rows, fit_aalen_johansen(rows), np.asarray(times, float))
        found[level] = np.concatenate([moved[:, :, state] for state in states], axis=1)
    return found


def _robust_errors(first: Floats, second: Floats) -> list[float]:
    """Return the standard errors of differences of groups that may share patients."""
    errors: list[float] = np.sqrt(np.sum((second - first) ** 2, axis=0)).tolist()
    return errors


def _independent_errors(first: Sequence[dict[str, Any]], second: Sequence[dict[str, Any]]) -> list[float]:
    errors = np.array([[row["std_error"] for row in rows] for rows in (first, second)], float)
    together: list[float] = np.sqrt(np.sum(errors**2, axis=0)).tolist()
    return together


def _difference(first: dict[str, Any], second: dict[str, Any], spread: tuple[float, float]) -> Estimate:
    z, error = spread
    warnings = [row["warning"] for row in (first, second) if row["warning"]]
    known = first["estimate"] is not None and second["estimate"] is not None
    gap = second["estimate"] - first["estimate"] if known else np.nan
    own = [row["std_error"] for row in (first, second)]
    if known and None not in own and min(own) <= NOTHING:
        warnings.append(CERTAIN)
    error = error if known and None not in own and min(own) > NOTHING else np.nan
    return make_estimate(
        f"{first['statistic']}_difference", term=first["term"], time=first["time"], estimate=gap, std_error=error,
        lower=gap - z * error, upper=gap + z * error, p_value=normal_p(gap, error), n=first["n"] + second["n"],
        n_events=first["n_events"] + second["n_events"], warning="; ".join(dict.fromkeys(warnings)) or None,
    )  # fmt: skip
