"""Milestones: how far two groups' survival, or cumulative incidence, lie apart on given days."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, Final

import numpy as np
from scipy import special

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.curves.aalen_johansen import DEFAULT, aalen_johansen
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.curves.rmst import by_reference, normal_p
from dayzero.estimators.groups import group_rows, join_warnings
from dayzero.spells import Spells

CERTAIN: Final = "no limits: a group is at 0 or 100 %, where its standard error says nothing"


def milestone_differences(
    spells: Spells, by: str, times: Sequence[float], *, reference: str = "", options: Curve = DEFAULT
) -> Estimate:
    """Estimate the difference of two curves on given days, for every pair of groups.

    The difference is that of two independent estimates: limits d ∓ z sqrt(se_a^2 + se_b^2) and the normal p of Klein,
    Logan, Harhoff and Andersen (2007, Stat Med 26:4505), on the plain scale.

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
    found = [
        _difference(first, second, z).label(group=f"{by}={a}|{b}")
        for a, b in combinations(levels, 2)
        for first, second in zip(rows[a], rows[b], strict=True)
    ]
    label = {"endpoint": spells.name or None, "method": f"{options.variance}, plain"}
    differences = concat(found).label(**label)
    return replace(differences, rows=join_warnings(differences.rows, groups.warning))


def _difference(first: dict[str, Any], second: dict[str, Any], z: float) -> Estimate:
    warnings = [row["warning"] for row in (first, second) if row["warning"]]
    known = first["estimate"] is not None and second["estimate"] is not None
    gap = second["estimate"] - first["estimate"] if known else np.nan
    errors = [np.nan if row["std_error"] is None else float(row["std_error"]) for row in (first, second)]
    if known and 0.0 in errors:
        warnings.append(CERTAIN)
        errors = [np.nan, np.nan]
    error = float(np.hypot(errors[0], errors[1]))
    return make_estimate(
        f"{first['statistic']}_difference", term=first["term"], time=first["time"], estimate=gap, std_error=error,
        lower=gap - z * error, upper=gap + z * error, p_value=normal_p(gap, error), n=first["n"] + second["n"],
        n_events=first["n_events"] + second["n_events"], warning="; ".join(dict.fromkeys(warnings)) or None,
    )  # fmt: skip
