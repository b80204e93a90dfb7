"""The area under the ROC curve, with the limits of DeLong, DeLong and Clarke-Pearson (1988, Biometrics 44:837).

The area is the chance that a patient with the event has a higher value than one without, ties counting one half. With
V_i the share of the patients without that patient i with the event beats, and W_j the share of those with by whom
patient j is beaten, var = s^2(V) / m + s^2(W) / n; V and W come from midranks (Sun and Xu 2014, IEEE SPL 21:1389).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import polars as pl
from scipy import special

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.changing_weights import refuse_changing
from dayzero.spells import Bools, Floats, Spells

PERFECT: Final = "no limits: the two groups do not overlap, and the standard error is 0"


@dataclass(frozen=True, eq=False)
class AucFit:
    """Areas under the curves of several columns in the same patients.

    Attributes
    ----------
    names
        (k,) the columns.
    area
        (k,)
    covariance
        (k, k)
    n, n_events
        Patients with a value of every column, and those of them with the event.
    """

    names: tuple[str, ...]
    area: Floats
    covariance: Floats
    n: int
    n_events: int


def fit_auc(spells: Spells, columns: Sequence[str]) -> AucFit:
    """Fit the areas under the ROC curves of numeric columns for the endpoint's event.

    Parameters
    ----------
    spells
        The table, one row a patient; the outcome is whether the row ends in the endpoint's event.
    columns
        Numeric columns; higher values are read as signs of the event, so that an area may lie below one half.
        Patients without a value of one of them are left out.

    Raises
    ------
    InputError
        A column is no number, or nobody is left with the event, or without it.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> fit_auc(make_spells([28] * 4, [0, 0, 1, 1], ferritin=[1, 3, 2, 4]), ["ferritin"]).area.tolist()
    [0.75]
    """
    refuse_changing(spells, "ROC curves")
    values = np.column_stack([_numbers(spells, column) for column in columns])
    known = np.isfinite(values).all(axis=1)
    event = spells.event()[known]
    with_, without = values[known][event], values[known][~event]
    if not len(with_) or not len(without):
        fault = "a ROC curve needs patients with the event and patients without it"
        raise InputError(fault, mend="Choose another outcome, or columns with fewer missing values.", column="roc")
    wins = np.column_stack([_wins(values[known][:, k], event) for k in range(len(columns))])
    covariance = _covariance(wins[event]) + _covariance(wins[~event])
    return AucFit(tuple(columns), wins[event].mean(axis=0), covariance, len(event), int(event.sum()))


def auc(spells: Spells, columns: Sequence[str], *, level: float = 0.95) -> Estimate:
    """Estimate areas under ROC curves; see :func:`fit_auc`.

    Returns
    -------
    Estimate
        A column: ``auc``, each in the patients who have its value, with plain limits kept within 0 and 1 and the p of
        an area of one half. A pair ``term`` ``a|b``: ``auc_difference``, b less a, in the patients who have both.
    """
    z = float(special.ndtri(0.5 + level / 2.0))
    rows = []
    for column in columns:
        fit = fit_auc(spells, [column])
        rows.append(_row("auc", fit, column, (float(fit.area[0]), float(fit.covariance[0, 0]), 0.5), z))
    for pair in combinations(columns, 2):
        fit = fit_auc(spells, pair)
        variance = float(fit.covariance[0, 0] + fit.covariance[1, 1] - 2.0 * fit.covariance[0, 1])
        gap = float(fit.area[1] - fit.area[0])
        rows.append(_row("auc_difference", fit, "|".join(pair), (gap, variance, 0.0), z))
    return concat(rows).label(method="delong", endpoint=spells.name or None)


def _row(statistic: str, fit: AucFit, term: str, found: tuple[float, float, float], z: float) -> Estimate:
    value, variance, null = found
    error = float(np.sqrt(variance)) if variance > 1e-18 else float("nan")
    low, high = (0.0, 1.0) if statistic == "auc" else (-1.0, 1.0)
    p = special.erfc(abs(value - null) / error / np.sqrt(2.0))
    return make_estimate(
        statistic, term=term, estimate=value, std_error=error, lower=np.maximum(value - z * error, low),
        upper=np.minimum(value + z * error, high), p_value=p, n=fit.n, n_events=fit.n_events,
        warning=None if error > 0 else PERFECT,
    )  # fmt: skip


def _numbers(spells: Spells, column: str) -> Floats:
    if column not in spells.columns and column not in spells.patients.columns:
        raise InputError(f"there is no column {column}", mend="Name a column of the patients table.", column="roc")
    series = spells.of(column)
    if not series.dtype.is_numeric():
        raise InputError(f"the column {column} is no number", mend="Name a numeric column.", column="roc")
    return series.cast(pl.Float64).fill_null(np.nan).to_numpy()


def _wins(values: Floats, event: Bools) -> Floats:
    """Return (n,) the share of the other group over which, or under which, each patient stands on the right side."""
    m, n = int(event.sum()), int((~event).sum())
    everyone, inside = _midranks(values), np.empty(len(values))
    inside[event], inside[~event] = _midranks(values[event]), _midranks(values[~event])
    return np.where(event, (everyone - inside) / n, 1.0 - (everyone - inside) / m)


def _midranks(values: Floats) -> Floats:
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(count) - (count - 1) / 2.0)[place])


def _covariance(wins: Floats) -> Floats:
    """Return the covariance (k, k) of the mean; infinite from one patient alone."""
    centred = wins - wins.mean(axis=0)
    if len(wins) < 2:
        return np.full((wins.shape[1],) * 2, np.nan)
    return np.asarray(centred.T @ centred / (len(wins) - 1) / len(wins))
