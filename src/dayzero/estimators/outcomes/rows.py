"""The rows of a regression of odds in the output contract."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.chi_squared import p_value
from dayzero.spells import Floats

NOT_TESTED: Final = "no test: there is no coefficient to test"


@dataclass(frozen=True, eq=False)
class Odds:
    """Coefficients as found: each (p,), on the log scale."""

    names: tuple[str, ...]
    log_ratio: Floats
    std_error: Floats
    lower: Floats
    upper: Floats
    p_value: Floats


def odds_rows(found: Odds, notes: Mapping[str, tuple[str, ...]]) -> Estimate:
    """Return for each term its log odds ratio, then its odds ratio.

    The odds ratio's standard error is on its own scale, the ratio times that of its logarithm (delta method); its
    limits are the exponentials of the logarithm's. A number beyond the largest float (separation) is null.
    """
    rows = []
    whole = notes.get("", ())
    for j, name in enumerate(found.names):
        log, error, low, high = (
            _finite(float(a[j])) for a in (found.log_ratio, found.std_error, found.lower, found.upper)
        )
        p = float(found.p_value[j])
        text = "; ".join((*whole, *notes.get(name, ()))) or None
        with np.errstate(over="ignore"):
            ratio, *ends = (_finite(np.exp(value)) for value in (log, low, high))
        rows += [
            make_estimate("log_odds_ratio", term=name, estimate=log, std_error=error, lower=low, upper=high,
                          p_value=p, warning=text),
            make_estimate("odds_ratio", term=name, estimate=ratio, std_error=_finite(ratio * error), lower=ends[0],
                          upper=ends[1], p_value=p, warning=text),
        ]  # fmt: skip
    return concat(rows)


def ratio_test(term: str | None, chi_squared: float, df: int, warning: str | None = None) -> Estimate:
    """Return the row of a likelihood ratio test, of a term or (None) of the whole model; null without a df."""
    known = df > 0 and bool(np.isfinite(chi_squared))
    chi_squared = max(chi_squared, 0.0) if known else float("nan")
    p = p_value(chi_squared, df) if known else None
    warning = warning if known else "; ".join(filter(None, (warning, NOT_TESTED)))
    return make_estimate("likelihood_ratio", term=term, estimate=chi_squared, p_value=p, df=float(df), warning=warning)


def _finite(value: float) -> float:
    return float(value) if np.isfinite(value) else float("nan")
