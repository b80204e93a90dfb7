"""Treatment as a function of time: patients are untreated until their treatment, and treated after it."""

from typing import Literal

from dayzero.estimate import Estimate, concat
from dayzero.estimators.comparisons.logrank import LogRank, logrank
from dayzero.spells import Spells, hold, split
from dayzero.strategies.contrast import arm_sizes, hazard_ratios, label, require_untreated, with_warning
from dayzero.strategies.risks import arm_curves
from dayzero.strategies.strategy import Strategy

OUTCOME_MODEL = "outcome_model: weights are for treatments known at the start; here the covariates are in the model"


def time_dependent(spells: Spells, treatment: str, switch: Literal["after", "at"] = "after") -> Spells:
    """Split the rows at the treatment's day.

    Parameters
    ----------
    spells
        The table.
    treatment
        A key of its treatments.
    switch
        As in :func:`dayzero.spells.split`: an event on the treatment's day belongs to the time before it, or after.

    Returns
    -------
    Spells
        With a column named as the treatment: 0.0 before it and 1.0 after it.
    """
    return split(spells, spells.treatments[treatment], name=treatment, switch=switch)


def simon_makuch(spells: Spells, treatment: str, *, start_day: float | None = None) -> Estimate:
    """Estimate curves of the untreated and of the treated, patients going over at their treatment.

    The Kaplan-Meier curves of the counting process by treatment status (Simon and Makuch 1984, Stat Med 3:35), or the
    Aalen-Johansen curves where events compete. They are no risks of a strategy: nobody is always treated.

    Parameters
    ----------
    spells
        The table.
    treatment
        A key of its treatments.
    start_day
        Day from which on the curves are conditional, a landmark. By default they begin on day zero, where nobody may
        be treated yet: the first treated are few, and if they all have the event before others are treated their curve
        is 0 for ever, which a warning then says.

    Returns
    -------
    Estimate
        As :func:`dayzero.strategies.risks.arm_curves` has it.
    """
    return arm_curves(time_dependent(spells, treatment), treatment, start_day=start_day)


def estimate_time_dependent(spells: Spells, strategy: Strategy) -> Estimate:
    """Estimate the hazard ratio of being treated, and test it.

    Time-varying covariates stay what they were when treatment began: what comes later may be its effect.

    Returns
    -------
    Estimate
        ``arm_size``: patients at risk after treatment, and those at risk without it; hazard ratios with model-based
        standard errors (robust ones with a cluster); ``mantel_byar``: the log-rank test of the rows by treatment
        status, in the strategy's strata and without covariates (Mantel and Byar 1974, JASA 69:81). Its variance is
        the hypergeometric one: the score test of the Cox model with exact ties. There is no risk: a hazard ratio of
        treatment status is that of no strategy.
    """
    treatment = strategy.treatment_of(spells)
    require_untreated(spells, treatment)
    arms = time_dependent(hold(spells, spells.treatments[treatment]), treatment, strategy.switch)
    ratios = hazard_ratios(arms, strategy, adjust=strategy.adjust)
    if strategy.adjust and strategy.adjustment == "weights":
        ratios = with_warning(ratios, OUTCOME_MODEL)
    test = logrank(arms, treatment, model=LogRank(strata=tuple(strategy.strata)))
    return concat([arm_sizes(arms, strategy), ratios, label(test.label(statistic="mantel_byar"), arms, strategy)])
