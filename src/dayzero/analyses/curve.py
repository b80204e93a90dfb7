"""The analysis kind ``curve``: Kaplan-Meier where nothing competes, Aalen-Johansen where something does."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from dayzero.analyses.context import Context
from dayzero.checks import few_at_risk, not_competing
from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat
from dayzero.estimators.comparisons.gray import gray
from dayzero.estimators.comparisons.logrank import LogRank, logrank, logrank_pairwise
from dayzero.estimators.curves.aalen_johansen import aalen_johansen
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.curves.follow_up import follow_up
from dayzero.estimators.curves.number_at_risk import number_at_risk
from dayzero.estimators.curves.quantiles import median
from dayzero.protocol import Endpoint, definition
from dayzero.report.axis import time_axis
from dayzero.report.labels import column_label
from dayzero.report.page import Section
from dayzero.spells import Spells


@dataclass(frozen=True)
class CurveSettings:
    """Settings of a curve.

    Attributes
    ----------
    endpoint
        Name of the endpoint.
    by
        Baseline column whose levels are compared; empty: everybody is one group.
    times
        Days at which the curve is tabulated; empty: 1, 2, 3 and 5 years, as far as follow-up goes.
    conf_type
        Scale on which the confidence limits are symmetric.
    level
        Confidence level.
    strata
        Baseline columns within whose levels the groups are compared.
    pairwise
        Whether every pair of groups is compared as well, with Holm's adjustment (log-rank only).
    until
        Day to which the figure is drawn; tables and tests use all of follow-up.
    """

    endpoint: str
    by: str = ""
    times: tuple[float, ...] = ()
    conf_type: Literal["log-log", "log", "plain", "logit", "arcsine"] = "log-log"
    level: float = 0.95
    strata: tuple[str, ...] = ()
    pairwise: bool = False
    until: float | None = None

    def __post_init__(self) -> None:
        """Refuse times before day zero and levels that are no probability."""
        if self.until is not None and not self.until > 0:
            raise InputError("a figure that ends on day zero", mend="Write until = 100.", column="until")
        if any(not (np.isfinite(time) and time >= 0) for time in self.times):
            raise InputError("a time before day zero", mend="Write times in days from 0 on.", column="times")
        if not 0 < self.level < 1:
            raise InputError("a level outside 0 to 1", mend="Write level = 0.95.", column="level")


def run_curve(curve: CurveSettings, context: Context) -> Section:
    """Estimate a curve, its rates at fixed times, median, follow-up, and the comparison of its groups."""
    endpoint = context.endpoint(curve.endpoint)
    for key, columns in (("by", (curve.by,) if curve.by else ()), ("strata", curve.strata)):
        for column in columns:
            context.baseline(column, key, endpoint)
    spells = context.spells(endpoint)
    by = curve.by or None
    options = Curve(conf_type=curve.conf_type, level=curve.level)
    last = float(spells.stop.max())
    times = list(curve.times) or [day for day in (365.0, 730.0, 1095.0, 1826.0) if day <= last]
    estimates = [
        aalen_johansen(spells, by, times, options=options),
        number_at_risk(spells, by, times=times).where(statistic="n_at_risk"),
        *_median(spells, by, options),
        _follow_up(context, endpoint, by),
        *(_comparison(spells, curve) if by else ()),
    ]
    found = concat(estimates)
    end = last if curve.until is None else min(last, curve.until)
    ticks = [tick for tick in time_axis(end).ticks if tick <= end or tick == 0]
    return Section(
        kind="curve",
        title=_title(endpoint, curve.by),
        endpoint=endpoint,
        estimates=found,
        curves=_curves(spells, by, options, end=end),
        at_risk=number_at_risk(spells, by, times=ticks),
        definition=definition(endpoint),
        findings=(
            *not_competing(context.history, endpoint),
            *few_at_risk(found, name=endpoint.name, asked=curve.times),
        ),
        settings={key: value for key, value in {**vars(curve), "times": times}.items() if value is not False},
    )


def _title(endpoint: Endpoint, by: str) -> str:
    return f"{endpoint.title} by {column_label(by)}" if by else endpoint.title


def _curves(spells: Spells, by: str | None, options: Curve, *, end: float) -> Estimate:
    """Return the curves to a day, the number at risk along them, and their heights where somebody is censored."""
    curves = aalen_johansen(spells, by, options=options)
    days = np.unique(curves.rows["time"].drop_nulls().to_numpy())
    if end < days.max(initial=end):
        days = np.append(days[days < end], end)
        drawn = aalen_johansen(spells, by, days.tolist(), options=options)
        curves = Estimate(drawn.rows.drop_nulls("estimate"))
    counts = number_at_risk(spells, by, times=days.tolist())
    censored = counts.where(statistic="n_censored").rows
    more = pl.col("estimate").diff().fill_null(pl.col("estimate")).over("group") > 0
    marks = censored.filter(more).select("group", "time")
    heights = curves.rows.join(marks, on=["group", "time"], how="semi", nulls_equal=True, maintain_order="left")
    return concat([curves, counts.where(statistic="n_at_risk"), Estimate(heights).label(statistic="censored")])


def _median(spells: Spells, by: str | None, options: Curve) -> list[Estimate]:
    """Medians are those of survival; a cumulative incidence below one has none."""
    return [median(spells, by, options=options)] if len(spells.states) == 2 else []


def _follow_up(context: Context, endpoint: Endpoint, by: str | None) -> Estimate:
    """Follow-up is that of the endpoint's patients for death, whatever the endpoint counts."""
    death = replace(endpoint, events=("death",), competing=(), censor_at=(), non_response="", censor="last_contact")
    return follow_up(context.spells(death), by)


def _comparison(spells: Spells, curve: CurveSettings) -> list[Estimate]:
    if len(spells.states) > 2:
        return [gray(spells, curve.by, strata=curve.strata)]
    model = LogRank(strata=curve.strata)
    pairs = [logrank_pairwise(spells, curve.by, model=model)] if curve.pairwise else []
    return [logrank(spells, curve.by, model=model), *pairs]
