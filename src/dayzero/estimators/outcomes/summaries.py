"""Summaries of values that are skewed, or censored: geometric means, and quartiles of what may lie out of range."""

import numpy as np
import numpy.typing as npt
from scipy import special

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.descriptive import QUARTILES


def geometric(values: npt.ArrayLike, *, level: float = 0.95) -> Estimate:
    """Summarise values above 0 by their geometric mean and geometric coefficient of variation.

    With m and s the mean and standard deviation (n - 1) of the logarithms: exp(m), with the limits exp(m -+ t s /
    sqrt n) of Student's t; and sqrt(exp(s^2) - 1).

    Parameters
    ----------
    values
        (n,) numbers; NaN are left out; 0 and less are left out and warned of, for they have no logarithm.
    level
        Coverage of the limits.

    Returns
    -------
    Estimate
        ``geometric_mean`` and ``geometric_cv`` (a fraction); null where nothing, or one value, is left.

    Examples
    --------
    >>> geometric([10.0, 1000.0]).rows["estimate"].round(6).to_list()
    [100.0, 200.714941]
    """
    numbers = np.asarray(values, float)
    known = numbers[~np.isnan(numbers)]
    logs = np.log(known[known > 0])
    n, zero = len(logs), int(np.sum(known <= 0))
    noun = "patient" if zero == 1 else "patients"
    warning = f"{zero} {noun} with 0 left out: a geometric mean knows no 0" if zero else None
    mean = float(logs.mean()) if n else np.nan
    spread = float(logs.std(ddof=1)) if n > 1 else np.nan
    reach = float(special.stdtrit(n - 1, (1.0 + level) / 2.0)) * spread / np.sqrt(n) if n > 1 else np.nan
    about = {"n": n, "warning": warning}
    return concat([
        make_estimate("geometric_mean", method="Student’s t on logarithms", estimate=np.exp(mean),
                      lower=np.exp(mean - reach), upper=np.exp(mean + reach), **about),
        make_estimate("geometric_cv", estimate=np.sqrt(np.expm1(spread**2)), **about),
    ])  # fmt: skip


def quartiles(values: npt.ArrayLike) -> Estimate:
    """Summarise values by median, quartiles and range; values out of range are infinite.

    Parameters
    ----------
    values
        (n,) numbers; -inf and +inf: below and above what an assay can tell. NaN are left out.

    Returns
    -------
    Estimate
        ``median``, ``lower_quartile``, ``upper_quartile``, ``minimum``, ``maximum`` (type 7 of Hyndman and Fan 1996).
        One that is out of range, or would lie between a number and one out of range, is null with a warning.

    Examples
    --------
    >>> quartiles([1.0, 2.0, np.inf]).rows.select("statistic", "estimate").rows()[:3]
    [('median', 2.0), ('lower_quartile', 1.5), ('upper_quartile', None)]
    """
    numbers = np.asarray(values, float)
    known = np.sort(numbers[~np.isnan(numbers)])
    return concat(_quantile(known, name, share) for name, share in QUARTILES)


def _quantile(known: npt.NDArray[np.float64], name: str, share: float) -> Estimate:
    n = len(known)
    if not n:
        return make_estimate(name, method="type 7 quantiles", n=0)
    place = share * (n - 1)
    below, part = int(place), place - int(place)
    low, high = known[below], known[below + 1 if part > 0 else below]
    sides = [word for word, end in (("below", -np.inf), ("above", np.inf)) if end in (low, high)]
    warning = f"{' and '.join(sides)}_range: it lies {' or '.join(sides)} the range of the assay" if sides else None
    figure = None if sides else float(low + part * (high - low))
    return make_estimate(name, method="type 7 quantiles", estimate=figure, n=n, warning=warning)
