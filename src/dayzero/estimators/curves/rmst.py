"""Restricted mean survival times and restricted mean times lost, alone and compared between groups."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Final

import numpy as np
from scipy import special

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.curves.aalen_johansen import ROBUST, emptied, fit_aalen_johansen
from dayzero.estimators.curves.restricted_mean import RmstFit, Window, check_horizon, fit_rmst
from dayzero.estimators.groups import group_rows, join_warnings
from dayzero.spells import Spells

NAMES: Final = {True: "rmst", False: "rmtl"}  # of the first state, and of an event
CERTAIN: Final = "no limits: a group has no such event within the window, and its standard error is 0"


def rmst(spells: Spells, by: str | None = None, *, window: Window) -> Estimate:
    """Estimate restricted mean times, and compare those of every two groups.

    Parameters
    ----------
    spells
        The table, with one event or with competing ones.
    by
        Column of the groups; patients without a value are left out, with a warning.
    window
        The days, the level, the variance, the reference.

    Returns
    -------
    Estimate
        A group: ``rmst``, and where events compete ``rmtl``, a term each event. A pair ``column=a|b``:
        ``rmst_difference`` and ``rmtl_difference``, b less a, and ``rmst_ratio``, b to a, with limits that are
        symmetric on the log scale; p-values by the normal distribution, not adjusted for several pairs.
        ``time`` is the end of the window; ``n_events`` counts the events until then.

    Raises
    ------
    InputError
        Where the window ends after the last observation of a group.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([1, 2, 3, 4], [1, 1, 0, 1], arm=["a", "b", "a", "b"])
    >>> rmst(spells, "arm", window=Window(3)).where(statistic="rmst_difference").rows["estimate"].to_list()
    [0.5]
    """
    groups = group_rows(spells, by)
    order = by_reference(groups.levels, window.reference)
    rows = [spells if by is None else spells.where(groups.codes == code) for code in order]
    names = [groups.levels[code] for code in order]
    _check_groups(rows, [groups.label(name) for name in names], window)
    fits = [fit_rmst(each, window=window) for each in rows]
    alone = [_means(each, fit, window).label(group=groups.label(name))
             for each, fit, name in zip(rows, fits, names, strict=True)]  # fmt: skip
    pairs = [
        _comparison((fits[a], fits[b]), (alone[a], alone[b]), window).label(group=f"{by}={names[a]}|{names[b]}")
        for a, b in combinations(range(len(names)), 2)
    ]
    found = concat([*alone, *pairs]).label(endpoint=spells.name or None, method=window.method, time=window.horizon)
    return replace(found, rows=join_warnings(found.rows, groups.warning))


def by_reference(levels: Sequence[str], reference: str) -> list[int]:
    """Return the order of the levels with the reference first; InputError where there is no such level."""
    if reference and reference not in levels:
        raise InputError(
            f"no level {reference!r} to compare with", mend=f"The levels are {', '.join(levels)}.", column="reference"
        )
    return sorted(range(len(levels)), key=lambda code: (levels[code] != reference, code))


def normal_p(difference: float, error: float) -> float:
    """Return the two-sided p of a normal deviate; NaN where the error is 0 or unknown.

    Examples
    --------
    >>> print(f"{normal_p(1.959964, 1.0):.4f}")
    0.0500
    """
    return float(special.erfc(abs(difference) / error / np.sqrt(2.0))) if error > 0 else float("nan")


def _check_groups(groups: Sequence[Spells], names: Sequence[str | None], window: Window) -> None:
    """Refuse a window that ends after the smallest of the groups' last times (convention 15)."""
    if not groups:
        return
    lasts = [(float(rows.stop.max(initial=-np.inf)), name) for rows, name in zip(groups, names, strict=True)]
    last, name = min(lasts, key=lambda pair: pair[0])
    check_horizon(window, last, f" in {name}" if name else "")


def _means(spells: Spells, fit: RmstFit, window: Window) -> Estimate:
    gap = emptied(fit_aalen_johansen(spells))
    changing = spells.power is not None and window.variance == "greenwood"
    rows = []
    for state in _reported(fit):
        mean, error = float(fit.mean[state]), _std_error(fit, state)
        ended = (spells.to >= 0 if state == 0 else spells.to == state) & (spells.stop <= window.horizon)
        rows.append(make_estimate(
            NAMES[state == 0], term=fit.states[state] if state else None, estimate=mean, std_error=error,
            lower=mean - window.z * error, upper=mean + window.z * error, n=spells.n,
            n_events=len(np.unique(spells.patient[ended])),
            warning=_joined(gap, None if error > 0 else ROBUST if changing else CERTAIN),
        ))  # fmt: skip
    return concat(rows)


def _comparison(fits: tuple[RmstFit, RmstFit], alone: tuple[Estimate, Estimate], window: Window) -> Estimate:
    """Compare the second group with the first."""
    rows = []
    for place, state in enumerate(_reported(fits[0])):
        first, second = (float(fit.mean[state]) for fit in fits)
        counted = [each.rows.row(place, named=True) for each in alone]
        about = {
            "term": counted[0]["term"], "n": counted[0]["n"] + counted[1]["n"],
            "n_events": counted[0]["n_events"] + counted[1]["n_events"],
            "warning": _joined(*(each["warning"] for each in counted)),
        }  # fmt: skip
        gap, error = second - first, _error(fits, state, (1.0, 1.0), window)
        rows.append(make_estimate(
            f"{NAMES[state == 0]}_difference", estimate=gap, std_error=error, lower=gap - window.z * error,
            upper=gap + window.z * error, p_value=normal_p(gap, error), **about,
        ))  # fmt: skip
        if state == 0 and first > 0 and second > 0:
            ratio, log_error = second / first, _error(fits, state, (1.0 / first, 1.0 / second), window)
            reach = np.exp(window.z * log_error)
            rows.append(make_estimate(
                "rmst_ratio", estimate=ratio, std_error=ratio * log_error, lower=ratio / reach, upper=ratio * reach,
                p_value=normal_p(np.log(ratio), log_error), **about,
            ))  # fmt: skip
    return concat(rows)


def _error(fits: tuple[RmstFit, RmstFit], state: int, scale: tuple[float, float], window: Window) -> float:
    """Return the standard error of a scaled difference; robust ones know that a patient may be in both groups."""
    errors = [_std_error(fit, state) for fit in fits]
    first, second = (fit.influence for fit in fits)
    if window.variance == "greenwood" or first is None or second is None or np.isnan(errors).any():
        return float(np.hypot(scale[0] * errors[0], scale[1] * errors[1]))
    return float(np.sqrt(np.sum((scale[1] * second[:, state] - scale[0] * first[:, state]) ** 2)))


def _std_error(fit: RmstFit, state: int) -> float:
    """Return the standard error of a mean; NaN where it is 0, for nothing is as sure as that."""
    error = 0.0 if fit.std_error is None else float(fit.std_error[state])
    return error if error > 0 else float("nan")


def _joined(*warnings: str | None) -> str | None:
    return "; ".join(dict.fromkeys(warning for warning in warnings if warning)) or None


def _reported(fit: RmstFit) -> list[int]:
    """Return the states with a row: one event alone loses what survival keeps."""
    return [0] if len(fit.states) == 2 else list(range(len(fit.states)))
