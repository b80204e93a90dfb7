"""E-values: how strong unmeasured confounding would have to be to explain an association away."""

from typing import Final

import numpy as np
import polars as pl

from dayzero.estimate import Estimate
from dayzero.spells import Floats

COMMON: Final = 0.15  # risk by the end of follow-up above which a hazard ratio is no risk ratio


def e_values(found: Estimate, *, common: bool) -> Estimate:
    """Return an E-value for each hazard ratio, and for the limit of its interval that is nearer to 1.

    The E-value is the smallest risk ratio that a confounder would need with both treatment and event, beyond the
    measured covariates, to move the estimate to 1: E = RR + sqrt(RR (RR - 1)) for RR >= 1, and that of 1 / RR below 1
    (VanderWeele and Ding 2017, Ann Intern Med 167:268). Where the event is common, that is befalls more than 15 % by
    the end of follow-up, RR = (1 - .5^sqrt(HR)) / (1 - .5^sqrt(1 / HR)); where it is rare RR = HR.

    Parameters
    ----------
    found
        Rows of which those named ``hazard_ratio`` count.
    common
        Whether more than 15 % have the event by the end of follow-up: see :data:`COMMON`.

    Returns
    -------
    Estimate
        ``e_value``, in place of each ``hazard_ratio`` with an estimate: ``lower`` is that of the limit nearer to 1, and
        1.0 where the interval covers 1. ``upper`` and the rest are null; who, when and by which method stay.

    Examples
    --------
    >>> from dayzero.estimate import make_estimate
    >>> rows = e_values(make_estimate("hazard_ratio", estimate=3.9, lower=1.8, upper=8.7), common=False).rows
    >>> f"{rows['estimate'].item():.2f} {rows['lower'].item():.2f}"
    '7.26 3.00'
    """
    rows = found.rows.filter((pl.col("statistic") == "hazard_ratio") & pl.col("estimate").is_not_null())
    ratio, low, high = (rows[name].fill_null(np.nan).to_numpy() for name in ("estimate", "lower", "upper"))
    nearer = np.where(ratio >= 1.0, np.maximum(low, 1.0), np.minimum(high, 1.0))
    values = [e_value(risk_ratio(each) if common else each) for each in (ratio, nearer)]
    columns = {
        name: pl.Series(name, each, pl.Float64).fill_nan(None)
        for name, each in zip(("estimate", "lower"), values, strict=True)
    }
    empty = Estimate(rows.with_columns(**columns)).label(std_error=None, upper=None, p_value=None, df=None)
    return empty.label(statistic="e_value")


def e_value(risk_ratio: Floats) -> Floats:
    """Return the E-value of risk ratios.

    Examples
    --------
    >>> e_value(np.array([2.0, 0.5, 1.0])).round(4).tolist()
    [3.4142, 3.4142, 1.0]
    """
    above = np.where(risk_ratio >= 1.0, risk_ratio, 1.0 / risk_ratio)
    return np.asarray(above + np.sqrt(above * (above - 1.0)))


def risk_ratio(hazard_ratio: Floats) -> Floats:
    """Return the risk ratios that stand behind hazard ratios of common events (VanderWeele 2020, Biometrics 76:746).

    Examples
    --------
    >>> risk_ratio(np.array([0.56, 1.0])).round(4).tolist()
    [0.6701, 1.0]
    """
    return np.asarray((1.0 - 0.5 ** np.sqrt(hazard_ratio)) / (1.0 - 0.5 ** np.sqrt(1.0 / hazard_ratio)))
