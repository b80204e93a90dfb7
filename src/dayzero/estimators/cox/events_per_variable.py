"""Events per variable: a model of many coefficients and few events finds what is not there.

Below 10 events a coefficient the estimates of a Cox model are biased and its limits too narrow (Peduzzi et al. 1995,
J Clin Epidemiol 48:1503); the number is a rule of thumb, and the warning says so by naming it.
"""

from typing import Final

import polars as pl

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.groups import join_warnings

FEWEST: Final = 10.0


def events_per_variable(rows: Estimate) -> Estimate:
    """Return an ``events_per_variable`` row for each model, that is for each ``likelihood_ratio`` row.

    Parameters
    ----------
    rows
        Of one or several fitted models; the ``df`` of the likelihood ratio test is the number of coefficients.

    Returns
    -------
    Estimate
        The ratio in ``estimate``, ``df``, and the warning ``few_events_per_variable`` where it is below 10.

    Examples
    --------
    >>> test = make_estimate("likelihood_ratio", estimate=4.2, df=4.0, n=60, n_events=25)
    >>> next(events_per_variable(test).records())["warning"]
    'few_events_per_variable: 6.2 events a coefficient, fewer than 10'
    """
    found = []
    for row in rows.where(statistic="likelihood_ratio").records():
        if not row["df"]:
            continue
        ratio = row["n_events"] / row["df"]
        one = make_estimate("events_per_variable", estimate=ratio, df=row["df"], warning=_warning(ratio))
        labels = ("kind", "endpoint", "method", "term", "n", "n_events")
        found.append(one.label(**{name: row[name] for name in labels}))
    return concat(found)


def warn_of_few_events(rows: Estimate) -> Estimate:
    """Return the rows of one model with the warning, where its events are few, on each hazard ratio.

    The model's ``likelihood_ratio`` row has no ``term``.
    """
    warning = next((row["warning"] for row in events_per_variable(rows.where(term=None)).records()), None)
    if warning is None:
        return rows
    is_ratio = pl.col("statistic").is_in(["log_hazard_ratio", "hazard_ratio"])
    marked = join_warnings(rows.rows, warning).get_column("warning")
    chosen = pl.when(is_ratio).then(marked).otherwise(pl.col("warning"))
    return Estimate(rows.rows.with_columns(chosen.alias("warning")))


def _warning(ratio: float) -> str | None:
    if ratio >= FEWEST:
        return None
    return f"few_events_per_variable: {ratio:.1f} events a coefficient, fewer than {FEWEST:.0f}"
