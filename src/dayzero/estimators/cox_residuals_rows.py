"""Residuals of a fitted Cox model, one a row of the table or one a patient: whom does it not fit, who moves it?

The martingale residual of a row is what happened less what was expected, d - r Lambda(start, stop] (Barlow and
Prentice 1988, Biometrika 75:65); all others are made from it (Therneau and Grambsch 2000, chapters 4 and 7). Residuals
are not multiplied by the weights, except for dfbeta, as R's ``residuals.coxph`` has them.
"""

from typing import Literal

import numpy as np

from dayzero.errors import InputError
from dayzero.estimators.cox import CoxFit
from dayzero.estimators.cox_likelihood import expected_events, hazard_terms, relative_risks
from dayzero.estimators.cox_residuals import score_residuals
from dayzero.spells import Floats, Ints

Per = Literal["row", "patient"]


def martingale_residuals(fit: CoxFit, per: Per = "patient") -> Floats:
    """Return (rows,) or (patients,) events less expected events; NaN where not in the model.

    Examples
    --------
    >>> from dayzero.estimators.cox import fit_cox
    >>> from dayzero.spells import make_spells
    >>> fit = fit_cox(make_spells([1, 2, 3, 4], [1, 1, 0, 1], tx=[0, 1, 1, 0]), ["tx"])
    >>> residuals = martingale_residuals(fit)
    >>> print(len(residuals), f"{abs(residuals.sum()):.6f}")
    4 0.000000
    """
    return _spread(fit, _martingale(fit)[:, None], per)[..., 0]


def deviance_residuals(fit: CoxFit, per: Per = "patient") -> Floats:
    """Return (rows,) or (patients,) sign(M) sqrt(-2 (M + d log(d - M))): the martingale residual M made symmetric.

    A patient's is made of the sums of M and of events d over the rows.
    """
    residual = martingale_residuals(fit, per)
    happened = _spread(fit, np.zeros((len(fit.design.row), 1)), per)[..., 0]
    seen, kept = fit.design.seen, np.flatnonzero(fit.design.kept)
    codes = kept if per == "row" else fit.design.patient_of_row[kept]
    np.add.at(happened, codes, seen.event.astype(float))
    with np.errstate(divide="ignore", invalid="ignore"):
        logs = np.where(happened > 0, happened * np.log(happened - residual), 0.0)
    return np.asarray(np.sign(residual) * np.sqrt(np.maximum(-2.0 * (residual + logs), 0.0)))
