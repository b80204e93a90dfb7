"""The rows of a fitted Cox model in the output contract: hazard ratios, and the three tests of the whole model."""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
from scipy.special import chdtrc, erfc

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.spells import Floats

Z: Final = 1.959963984540054  # 97.5 % point of the standard normal distribution
SINGULAR: Final = 1e-12  # smallest eigenvalue of a correlation matrix that can be inverted

NO_TEST: Final = "no test: no coefficient can be estimated"
SINGULAR_TEST: Final = "no test: the covariance of the coefficients is singular"


def ratio_rows(names: Sequence[str], log_ratio: Floats, error: Floats, warnings: Sequence[str | None]) -> Estimate:
    """Return for each term its log hazard ratio, then its hazard ratio, with 95 % Wald limits.

    The hazard ratio's standard error is on its own scale, HR times that of its logarithm (delta method); its limits
    are the exponentials of the logarithm's. A number beyond the largest float (separation) is null.
    """
    lower, upper = log_ratio - Z * error, log_ratio + Z * error
    with np.errstate(divide="ignore", invalid="ignore"):  # a robust error of 0: one cluster, or one event
        p_value = erfc(np.abs(log_ratio / error) / np.sqrt(2.0))
    logs = make_estimate(
        "log_hazard_ratio",
        **_columns(names, log_ratio, error, lower, upper),
        p_value=p_value,
        warning=list(warnings),
    )
    return with_ratios(logs)


def with_ratios(logs: Estimate) -> Estimate:
    """Return each ``log_hazard_ratio`` row, and after it the ``hazard_ratio`` row that follows from it."""
    log_ratio, error, lower, upper = (
        logs.rows[name].cast(float).fill_null(np.nan).to_numpy() for name in ("estimate", "std_error", "lower", "upper")
    )
    with np.errstate(over="ignore", invalid="ignore"):
        ratio = np.exp(log_ratio)
        own_scale = [_finite(values) for values in (ratio, ratio * error, np.exp(lower), np.exp(upper))]
    names, same = logs.rows["term"].to_list(), {name: logs.rows[name].to_list() for name in ("p_value", "warning")}
    ratios = make_estimate("hazard_ratio", **_columns(names, *own_scale), **same)
    pairs = np.arange(2 * len(names)).reshape(2, -1).T.ravel()
    return Estimate(concat([logs, ratios]).rows[pairs.tolist()])


def whole_rows(chi_squared: Mapping[str, float], df: int, warning: str | None) -> Estimate:
    """Return one row a test that all coefficients are 0; null, with a reason, where there is nothing to test."""
    values = np.array([value if df else np.nan for value in chi_squared.values()])
    p_values = [float(chdtrc(df, value)) if df else np.nan for value in values]
    reasons = ["" if np.isfinite(value) else SINGULAR_TEST if df else NO_TEST for value in values]
    texts = ["; ".join(filter(None, (warning, reason))) or None for reason in reasons]
    return concat(
        make_estimate(name, estimate=value, p_value=p, df=float(df), warning=text)
        for name, value, p, text in zip(chi_squared, values, p_values, texts, strict=True)
    )


def wald_statistic(coefficients: Floats, covariance: Floats) -> float:
    """Return b' V^-1 b over the coefficients (p,) that are not NaN; NaN where V is singular (fewer clusters than p)."""
    free = ~np.isnan(coefficients)
    with np.errstate(divide="ignore", invalid="ignore"):
        error = np.sqrt(np.diagonal(covariance)[free])
        correlation = covariance[np.ix_(free, free)] / np.multiply.outer(error, error)
    if not bool(np.all(np.isfinite(correlation))) or np.linalg.eigvalsh(correlation)[0] < SINGULAR:
        return float("nan")
    z = coefficients[free] / error
    return float(z @ np.linalg.solve(correlation, z))


def _columns(names: Sequence[str], estimate: Floats, error: Floats, lower: Floats, upper: Floats) -> dict[str, object]:
    return {"term": list(names), "estimate": estimate, "std_error": error, "lower": lower, "upper": upper}


def _finite(values: Floats) -> Floats:
    return np.where(np.isfinite(values), values, np.nan)
