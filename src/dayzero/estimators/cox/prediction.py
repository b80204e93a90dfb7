"""Survival of a patient with given covariates, predicted by a Cox model.

S(t | z) = exp(-L(t) exp(b'z)) with Breslow's or Efron's baseline L, whichever the ties are. The variance of the
cumulative hazard at z is exp(2 b'z) (v + q'V q), q = L z - E, V being the covariance of the coefficients (Tsiatis 1981,
Ann Stat 9:93; Therneau and Grambsch 2000, 10.2): the second term is the part of the coefficients.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
import polars as pl

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.cox.baseline import Baseline, form_baselines
from dayzero.estimators.cox.fit import CoxFit
from dayzero.estimators.curves.confidence import Curve, limits
from dayzero.estimators.groups import as_text
from dayzero.estimators.terms.coding import code_again
from dayzero.estimators.terms.language import is_time
from dayzero.spells import Floats

Pattern = Mapping[str, str | float | bool]
DEFAULT = Curve()


@dataclass(frozen=True, eq=False)
class Prediction:
    """A predicted survival curve.

    Attributes
    ----------
    time
        (T,) days.
    survival, std_error
        (T,) NaN after the last day on which somebody was seen.
    """

    time: Floats
    survival: Floats
    std_error: Floats


def predict_survival(
    fit: CoxFit, patterns: Sequence[Pattern], times: Sequence[float] | None = None, *, options: Curve = DEFAULT
) -> Estimate:
    """Predict the survival of patients with given covariates.

    Parameters
    ----------
    fit
        A fitted model; the covariance is the robust one where the fit is robust.
    patterns
        One mapping of column to value a patient: every column of the terms and of the strata.
    times
        Days; by default 0 and all event times.
    options
        Scale and level of the limits.

    Returns
    -------
    Estimate
        ``survival`` rows; ``group`` is ``age=50, risk=high``; null after the last day on which somebody was seen.

    Raises
    ------
    InputError
        A pattern lacks a column, has a level or stratum that the data have not, or an effect changes with time.

    Notes
    -----
    Where events compete this is no probability: predict those from the hazards of all events.

    Examples
    --------
    >>> from dayzero.estimators.cox.fit import fit_cox
    >>> from dayzero.spells import make_spells
    >>> fit = fit_cox(make_spells([1, 2, 3, 4], [1, 1, 0, 1], tx=[0, 1, 1, 0]), ["tx"])
    >>> rows = predict_survival(fit, [{"tx": 1}], [2]).rows
    >>> rows["group"][0], round(rows["estimate"][0], 4)
    ('tx=1', 0.6065)
    """
    baselines = form_baselines(fit)
    found = []
    for pattern in patterns:
        frame = pl.DataFrame({name: [value] for name, value in pattern.items()})
        z = scaled_covariates(fit, frame)[0]
        baseline = baselines[_stratum(fit, pattern)]
        days = curve_days(fit, times)
        curve = predict_one(fit, baseline, z, days)
        group = ", ".join(f"{name}={text}" for name, text in _texts(pattern).items())
        found.append(curve_rows(fit, curve, group, options))
    return concat(found)


def predict_one(fit: CoxFit, baseline: Baseline, z: Floats, days: Floats) -> Prediction:
    """Return the curve of one patient, with scaled covariates z (p,), on (T,) days."""
    scaled = np.nan_to_num(fit.coefficients) * fit.design.scale
    risk = np.exp(scaled @ z)
    hazard = baseline.at(baseline.hazard, days)
    away = np.multiply.outer(z, hazard) - baseline.at(baseline.drift, days)
    covariance = np.nan_to_num(fit.robust if fit.is_robust else fit.covariance)
    covariance = covariance * np.multiply.outer(fit.design.scale, fit.design.scale)
    variance = baseline.at(baseline.variance, days) + np.einsum("pt,pq,qt->t", away, covariance, away)
    seen = days <= baseline.last
    survival = np.where(seen, np.exp(-hazard * risk), np.nan)
    return Prediction(days, survival, survival * risk * np.sqrt(np.maximum(variance, 0.0)))


def scaled_covariates(fit: CoxFit, frame: pl.DataFrame) -> Floats:
    """Return (rows, p) the design's scaled covariates of other patients, whose columns must be complete."""
    if any(is_time(part.column) for one in fit.design.coding for part in one.parts):
        mend = "Predict from a model without functions of time."
        raise InputError("an effect that changes with time has no one curve", mend=mend, column="terms")
    z = (code_again(fit.design.coding, frame) - fit.design.centre) / fit.design.scale
    if bool(np.isnan(z).any()):
        raise InputError("a patient to predict for lacks a value", mend="Give a value for every column of the model.")
    return np.asarray(z)


def curve_rows(fit: CoxFit, curve: Prediction, group: str, options: Curve, method: str = "") -> Estimate:
    """Return the ``survival`` rows of a curve."""
    lower, upper = limits(curve.survival, curve.std_error, options)
    rows = make_estimate(
        "survival", time=curve.time, estimate=curve.survival, std_error=curve.std_error, lower=lower, upper=upper,
        warning=why_none(curve.survival),
    )  # fmt: skip
    labels = {"kind": "cox", "endpoint": fit.design.endpoint, "method": f"{method or fit.ties}, {options.conf_type}"}
    return rows.label(**labels, group=group, n=fit.n, n_events=fit.n_events)


def why_none(values: Floats) -> list[str | None]:
    """Return for each day why there is no value, None where there is one."""
    return ["beyond the last observation" if missing else None for missing in np.isnan(values).tolist()]


def curve_days(fit: CoxFit, times: Sequence[float] | None) -> Floats:
    """Return the given days, or else 0 and all event times."""
    if times is not None:
        return np.asarray(times, float)
    return np.unique(np.concatenate([[0.0], fit.design.sets.time]))


def _texts(pattern: Pattern) -> dict[str, str]:
    return {name: str(as_text(pl.Series([value]))[0]) for name, value in pattern.items()}


def _stratum(fit: CoxFit, pattern: Pattern) -> int:
    """Return the code of the pattern's stratum; numbers may be written 1 or 1.0."""
    for column in fit.model.strata:
        if column not in pattern:
            raise InputError("a stratum is missing", mend="Give a value for every stratum.", column=column)
    for parts in product(*([f"{name}={text}" for text in _spellings(pattern[name])] for name in fit.model.strata)):
        if ", ".join(parts) in fit.design.strata:
            return fit.design.strata.index(", ".join(parts))
    mend = f"The strata are {'; '.join(fit.design.strata[:30])}."
    raise InputError("a stratum that the model does not know", mend=mend, column="strata")


def _spellings(value: str | float | bool) -> list[str]:
    numbers = [] if isinstance(value, str) else [str(float(value)), str(int(value))]
    return [str(value), *numbers]
