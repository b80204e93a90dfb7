"""Survival by group, adjusted for the other covariates of a Cox model: the g-formula.

For each level g of a column all patients of the model are given this level, whatever they had, and their predicted
curves are averaged (Makuch 1982, J Chronic Dis 35:437):

    S_g(t) = sum_i exp(-L(t) exp(b'z_i(g))) / n.

Its variance is the infinitesimal jackknife's: the derivative of S_g(t) with respect to each patient's weight, through
the average, the coefficients and the baseline, squared and summed (Ozenne et al. 2020, Biometrical J 62:751; here with
Efron's ties as well). It is what would be seen had everybody been in group g, where the model is right and no
confounder is missing from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import polars as pl
from scipy.special import erfc

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.cox.baseline import Baseline, HazardInfluence, form_baselines, form_hazard_influence
from dayzero.estimators.cox.fit import CoxFit
from dayzero.estimators.cox.prediction import (
    DEFAULT,
    Prediction,
    curve_days,
    curve_rows,
    scaled_covariates,
    why_none,
)
from dayzero.estimators.cox.rows import Z
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.groups import as_text
from dayzero.spells import Floats, Ints, Spells

MOST_LEVELS: Final = 20


@dataclass(frozen=True, eq=False)
class AdjustedCurves:
    """Adjusted curves of every level.

    Attributes
    ----------
    by, levels
        The column and its levels, as text.
    time
        (T,) days.
    survival
        (levels, T) NaN after the last day on which somebody was seen.
    covariance
        (levels, levels, T) of the curves on each day.
    """

    by: str
    levels: tuple[str, ...]
    time: Floats
    survival: Floats
    covariance: Floats


@dataclass(frozen=True, eq=False)
class _World:
    """Everybody given one level: scaled covariates (m, p), relative risks (m,), and codes of the strata (m,)."""

    z: Floats
    risk: Floats
    stratum: Ints


@dataclass(frozen=True, eq=False)
class _Parts:
    """What the influence of the patients on any curve is made of; ``members`` (m,) are their numbers."""

    fit: CoxFit
    members: Ints
    baselines: tuple[Baseline, ...]
    hazard: HazardInfluence
    coefficients: Floats


def fit_adjusted_survival(fit: CoxFit, spells: Spells, by: str, times: Sequence[float] | None = None) -> AdjustedCurves:
    """Average the predicted curves of all patients of the model under each level of a column.

    Parameters
    ----------
    fit
        A fitted model with events.
    spells
        The table that it was fitted to.
    by
        A column of its terms or of its strata.
    times
        Days; by default 0 and all event times.

    Raises
    ------
    InputError
        ``by`` is not in the model or has more than 20 values, or a column of the model changes with time.
    """
    if not fit.n_events:
        raise InputError("a model without events has no curves", mend="Choose another endpoint.", column=by)
    frame, members = _everybody(fit, spells, by)
    values = frame[by].drop_nulls().unique().sort()
    if len(values) > MOST_LEVELS:
        raise InputError(f"more than {MOST_LEVELS} groups", mend="Name a column of few values.", column=by)
    worlds = [_world(fit, frame.with_columns(pl.lit(v, dtype=frame[by].dtype).alias(by))) for v in values.to_list()]
    parts = _Parts(fit, members, form_baselines(fit), form_hazard_influence(fit), fit.influence * fit.design.scale)
    days = curve_days(fit, times)
    survival = np.empty((len(worlds), len(days)))
    covariance = np.empty((len(worlds), len(worlds), len(days)))
    for k, day in enumerate(days):
        found = [_on_day(parts, world, float(day)) for world in worlds]
        survival[:, k] = [value for value, _ in found]
        influence = np.array([change for _, change in found])
        covariance[..., k] = influence @ influence.T
    return AdjustedCurves(by, tuple(as_text(values).to_list()), days, survival, covariance)


def adjusted_survival(
    fit: CoxFit, spells: Spells, by: str, times: Sequence[float] | None = None, *, options: Curve = DEFAULT
) -> Estimate:
    """Return the adjusted curves as ``survival`` rows, and with given times their differences, b less a.

    The differences are ``survival_difference`` rows with ``group`` ``column=a|b``, plain limits and the normal p.

    Examples
    --------
    >>> from dayzero.estimators.cox.fit import fit_cox
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 0], tx=[0, 1, 1, 0, 0, 1], age=[5, 3, 4, 2, 3, 3])
    >>> fit = fit_cox(spells, ["tx", "age"])
    >>> [(row["group"], round(row["estimate"], 3)) for row in adjusted_survival(fit, spells, "tx", [3]).records()]
    [('tx=0', 0.502), ('tx=1', 0.795), ('tx=0|1', 0.293)]
    """
    curves = fit_adjusted_survival(fit, spells, by, times)
    found = []
    for k, level in enumerate(curves.levels):
        error = np.sqrt(curves.covariance[k, k])
        curve = Prediction(curves.time, curves.survival[k], error)
        found.append(curve_rows(fit, curve, f"{by}={level}", options, method="g-formula"))
    return concat([*found, *(_differences(fit, curves) if times is not None else [])])


def _differences(fit: CoxFit, curves: AdjustedCurves) -> list[Estimate]:
    found = []
    for a, b in combinations(range(len(curves.levels)), 2):
        gap = curves.survival[b] - curves.survival[a]
        square = curves.covariance[a, a] + curves.covariance[b, b] - 2.0 * curves.covariance[a, b]
        error = np.sqrt(np.maximum(square, 0.0))
        with np.errstate(divide="ignore", invalid="ignore"):
            p = erfc(np.abs(gap / error) / np.sqrt(2.0))
        rows = make_estimate(
            "survival_difference", time=curves.time, estimate=gap, std_error=error, lower=gap - Z * error,
            upper=gap + Z * error, p_value=p, group=f"{curves.by}={curves.levels[a]}|{curves.levels[b]}",
            warning=why_none(gap),
        )  # fmt: skip
        labels = {"kind": "cox", "endpoint": fit.design.endpoint, "method": "g-formula"}
        found.append(rows.label(**labels, n=fit.n, n_events=fit.n_events))
    return found


def _everybody(fit: CoxFit, spells: Spells, by: str) -> tuple[pl.DataFrame, Ints]:
    """Return the columns of the model for each of its patients, and their numbers."""
    used = list(dict.fromkeys([part.column for one in fit.design.coding for part in one.parts]))
    used += [column for column in fit.model.strata if column not in used]
    if by not in used:
        mend = f"Name one of {', '.join(used)}."
        raise InputError("curves adjusted by a column that is not in the model", mend=mend, column=by)
    members, first = np.unique(fit.design.owner, return_index=True)
    varying = [column for column in used if column in spells.columns]
    if varying and len(members) < len(fit.design.owner):
        mend = "Leave it out, or compare strategies instead."
        raise InputError("adjusted curves of a column that changes with time", mend=mend, column=varying[0])
    rows = np.flatnonzero(fit.design.kept)[first]
    return pl.DataFrame([spells.of(column).gather(rows).alias(column) for column in used]), members


def _world(fit: CoxFit, frame: pl.DataFrame) -> _World:
    z = scaled_covariates(fit, frame)
    risk = np.exp(z @ (np.nan_to_num(fit.coefficients) * fit.design.scale))
    stratum = np.zeros(frame.height, np.int64)
    if fit.model.strata:
        code = {name: place for place, name in enumerate(fit.design.strata)}
        texts = [[f"{column}={value}" for value in frame[column].to_list()] for column in fit.model.strata]
        stratum = np.array([code[", ".join(each)] for each in zip(*texts, strict=True)], np.int64)
    return _World(z, risk, stratum)


def _on_day(parts: _Parts, world: _World, day: float) -> tuple[float, Floats]:
    """Return the mean survival on a day, NaN where nobody was seen so long, and its change by each patient."""
    here = np.array([day])
    hazard = np.array([each.at(each.hazard, here)[0] for each in parts.baselines])[world.stratum]
    drift = np.array([each.at(each.drift, here)[:, 0] for each in parts.baselines])[world.stratum]
    last = np.array([each.last for each in parts.baselines])[world.stratum]
    survival = np.where(day <= last, np.exp(-hazard * world.risk), np.nan)
    mean, m = float(survival.mean()), len(survival)
    slope = survival * world.risk / m
    change = -parts.coefficients @ (slope @ (hazard[:, None] * world.z - drift))
    change[parts.members] += (survival - mean) / m
    design = parts.fit.design
    for code in np.unique(world.stratum):
        rows = parts.hazard.on(parts.fit, parts.baselines[code], day)
        by_patient = np.bincount(design.patient, weights=rows, minlength=design.patients)
        change -= float(slope[world.stratum == code].sum()) * by_patient
    return mean, change
