"""The numbers of clone-censor-weight without their standard errors: what a resample of a bootstrap needs."""

from collections.abc import Iterator

import numpy as np

from dayzero.estimate import Estimate, concat
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import fit_cox
from dayzero.estimators.curves.aalen_johansen import fit_aalen_johansen
from dayzero.estimators.curves.restricted_mean import Window, fit_rmst
from dayzero.spells import Floats, Spells
from dayzero.strategies.clone_censor_weight import describe_clones, weigh_clones
from dayzero.strategies.contrast import ARMS
from dayzero.strategies.records import from_records
from dayzero.strategies.strategy import Strategy

Record = dict[str, object]


def clone_points(spells: Spells, strategy: Strategy) -> Estimate:
    """Return the estimates of :func:`estimate_clone_censor_weight`, without their errors, counts and warnings."""
    clones = weigh_clones(spells, strategy)
    about = {"kind": "strategy", "method": strategy.method, "endpoint": spells.name or None, "time": strategy.horizon,
             "term": strategy.treatment_of(spells)}  # fmt: skip
    records = [*_ratios(clones.arms, strategy), *_risks(clones.arms, strategy)]
    if strategy.adjust:
        main = _ratios(clones.crude, strategy, causes=False)
        records += [{**record, "kind": "strategy_unadjusted"} for record in main]
    return concat([from_records([{**about, **record} for record in records]), *describe_clones(clones, strategy)])


def _ratios(spells: Spells, strategy: Strategy, *, causes: bool = True) -> Iterator[Record]:
    """Yield the hazard ratio of the endpoint's event, and of those that compete with it."""
    for state in spells.states[1:] if causes else spells.states[1:2]:
        model = CoxModel(
            (strategy.treatment_of(spells),), ties=strategy.ties, strata=tuple(strategy.strata), event=state
        )
        fit = fit_cox(spells, model)
        value = float(fit.coefficients[0]) if bool(fit.converged) else np.nan
        first = state == spells.states[1]
        about = {} if first else {"kind": "strategy_cause", "group": f"event={state}"}
        yield {**about, "statistic": "log_hazard_ratio", "estimate": value}
        yield {**about, "statistic": "hazard_ratio", "estimate": float(np.exp(value))}


def _risks(spells: Spells, strategy: Strategy) -> Iterator[Record]:
    """Yield risks, restricted means and their differences at the horizon, if there is one."""
    if strategy.horizon is None:
        return
    treated = spells.columns[strategy.treatment_of(spells)]
    arms = [_arm(spells.where(treated == code), strategy.horizon) for _, code in ARMS]
    for (group, _), found in zip(ARMS, arms, strict=True):
        yield {"statistic": "risk", "group": group, "estimate": found[1]}
        yield {"statistic": "rmst", "group": group, "estimate": found[0]}
        for state, value in zip(spells.states[2:], found[2:], strict=True):
            yield {"statistic": "cumulative_incidence", "group": group, "term": state, "estimate": value}
    yield {"statistic": "risk_difference", "estimate": arms[0][1] - arms[1][1]}
    yield {"statistic": "rmst_difference", "estimate": arms[0][0] - arms[1][0]}


def _arm(spells: Spells, horizon: float) -> list[float]:
    """Return the restricted mean, and the risk of each event, of one arm; NaN where they cannot be known."""
    one: Floats = np.ones((len(spells), 1))
    curve = fit_aalen_johansen(spells, one)
    risks = curve.at(np.array([horizon]))[0, 1:, 0]
    if curve.last_time >= horizon:
        mean = float(fit_rmst(spells, one, window=Window(horizon)).mean[0, 0])
        return [mean, *risks.tolist()]
    moving = bool(curve.probability[-1][curve.left].any()) if len(curve.times) else True
    return [np.nan, *(np.full(len(risks), np.nan) if moving else risks).tolist()]
