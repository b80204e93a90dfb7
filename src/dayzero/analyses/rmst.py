"""The analysis kind ``rmst``: restricted mean times, and differences of the curves on fixed days."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from dayzero.analyses.context import Context
from dayzero.analyses.curve import CurveSettings, run_curve
from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.curves.milestones import milestone_differences
from dayzero.estimators.curves.restricted_mean import Window
from dayzero.estimators.curves.rmst import by_reference, rmst
from dayzero.estimators.groups import group_rows
from dayzero.report.labels import in_sentence
from dayzero.report.page import Section
from dayzero.spells import Spells


@dataclass(frozen=True)
class RmstSettings:
    """Settings of restricted means.

    Attributes
    ----------
    endpoint
        Name of the endpoint; where something competes with its event the time lost to each event is estimated too.
    horizon
        Last day of the mean, which counts from day zero.
    window
        In place of the horizon: the day after which the mean begins, and its last day.
    by
        Baseline column whose levels are compared.
    milestones
        Days on which the curves themselves are compared.
    reference
        The level that the others are compared with; by default the first in sorted order.
    variance
        ``greenwood``, or ``robust``: the infinitesimal jackknife.
    level
        Confidence level.
    """

    endpoint: str
    horizon: float | None = None
    window: tuple[float, float] | None = None
    by: str = ""
    milestones: tuple[float, ...] = ()
    reference: str = ""
    variance: Literal["greenwood", "robust"] = "greenwood"
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse no end or two ends of the mean, days before day zero, and levels that are no probability."""
        if (self.horizon is None) == (self.window is None):
            raise InputError("a mean without its days", mend="Write horizon = 1095, or window = [365, 1095].")
        start, end = self.span
        if not 0.0 <= start < end < np.inf:
            key = "horizon" if self.window is None else "window"
            raise InputError("no day lies within", mend="Write days from 0 on, the earlier first.", column=key)
        if any(not 0.0 <= day < np.inf for day in self.milestones):
            raise InputError("a time before day zero", mend="Write times in days from 0 on.", column="milestones")
        if self.milestones and not self.by:
            raise InputError("milestones of one group", mend='Write by = "column".', column="milestones")
        if not 0 < self.level < 1:
            raise InputError("a level outside 0 to 1", mend="Write level = 0.95.", column="level")

    @property
    def span(self) -> tuple[float, float]:
        """The day after which the mean begins, and its last day."""
        return self.window or (0.0, self.horizon or 0.0)


def run_rmst(settings: RmstSettings, context: Context) -> Section:
    """Estimate restricted means of each group, their differences, and those of the curves at the milestones."""
    endpoint = context.endpoint(settings.endpoint)
    if settings.by:
        context.baseline(settings.by, "by", endpoint)
    spells, by = context.spells(endpoint), settings.by or None
    start, end = settings.span
    window = Window(end, start, settings.level, settings.variance, settings.reference)
    times = tuple(settings.milestones) or (end,)
    drawn = run_curve(CurveSettings(settings.endpoint, settings.by, times, level=settings.level), context)
    means = rmst(spells, by, window=window)
    rates = Estimate(drawn.estimates.rows.filter(drawn.estimates.rows["statistic"].is_in(_RATES)))
    found = [means, *([rates, _milestones(settings, spells)] if settings.milestones else [])]
    return replace(
        drawn,
        kind="rmst",
        title=f"Restricted mean time: {in_sentence(drawn.title)}",
        estimates=concat(found),
        notes=_notes(settings, spells),
        settings={**vars(settings)},
    )


_RATES = ("survival", "cumulative_incidence", "n_at_risk")


def _milestones(settings: RmstSettings, spells: Spells) -> Estimate:
    options = Curve(conf_type="plain", level=settings.level)
    return milestone_differences(
        spells, settings.by, settings.milestones, reference=settings.reference, options=options
    )


def _notes(settings: RmstSettings, spells: Spells) -> tuple[str, ...]:
    if not settings.by:
        return ()
    levels = group_rows(spells, settings.by).levels
    pairs = len(levels) * (len(levels) - 1) // 2
    first = levels[by_reference(levels, settings.reference)[0]]
    notes = [f"Differences are the second group less the first; {first} comes first."]
    return (*notes, *(["The p values are not adjusted for several pairs."] if pairs > 1 else []))
