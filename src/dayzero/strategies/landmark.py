"""Landmarks: groups named on a fixed day, by what has happened until then (Anderson, Cain and Gelber 1983)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.curves.risk_sets import last_days
from dayzero.spells import Floats, Spells, follow_from, follow_until, hold
from dayzero.strategies.adjustment import compare_arms, is_adjusted_by_weights, weigh_arms
from dayzero.strategies.contrast import arm_sizes, hazard_ratios, label, require_untreated, treatment_days, with_warning
from dayzero.strategies.strategy import Strategy


def landmark(spells: Spells, treatment: str, day: float) -> Spells:
    """Follow those who are at risk and under observation on a day, sorted by whether they were treated until then.

    Parameters
    ----------
    spells
        The table.
    treatment
        A key of its treatments.
    day
        The landmark. An event on it lies before it, a treatment on it counts.

    Returns
    -------
    Spells
        The time after the landmark, still in days from the origin, with a column named as the treatment. Who enters
        later is left out. Time-varying columns keep the value that they had on the landmark: later ones may be effects
        of the treatment.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = replace(make_spells([30, 40, 50], [1, 1, 0]), treatments={"hsct": np.array([10.0, 20.0, 45.0])})
    >>> arms = landmark(spells, "hsct", 30)
    >>> arms.stop.tolist(), arms.columns["hsct"].tolist()
    ([40.0, 50.0], [1.0, 0.0])
    """
    treated = (treatment_days(spells, treatment) <= day).astype(float)
    marked = replace(spells, columns={**hold(spells, day).columns, treatment: treated})
    present = np.zeros(spells.patients.height, bool)
    present[spells.patient[(spells.start <= day) & (day < spells.stop)]] = True
    return follow_from(marked.where(present[spells.patient]), day)


def super_landmark(spells: Spells, treatment: str, days: Sequence[float], horizon: float | None = None) -> Spells:
    """Stack the tables of several landmarks, for one model over all of them (van Houwelingen 2007).

    Parameters
    ----------
    spells, treatment
        As in :func:`landmark`.
    days
        The landmarks.
    horizon
        Day on which everybody's follow-up ends; by default it is used whole.

    Returns
    -------
    Spells
        With the column ``landmark``, its day, to stratify by; a patient has rows at every landmark that finds them at
        risk, so that standard errors must be robust by patient.
    """
    return stack([landmark(spells, treatment, day) for day in sorted(set(days))], sorted(set(days)), horizon)


def stack(tables: Sequence[Spells], days: Sequence[float], horizon: float | None = None) -> Spells:
    """Put tables of the same patients under each other, each with its day in the column ``landmark``."""
    rows = ("patient", "start", "stop", "state", "to", "weight")
    arrays: dict[str, Any] = {name: np.concatenate([getattr(table, name) for table in tables]) for name in rows}
    columns = {name: np.concatenate([table.columns[name] for table in tables]) for name in tables[0].columns}
    columns["landmark"] = np.repeat(np.asarray(days, float), [len(table) for table in tables])
    whole = replace(tables[0], columns=columns, power=None, curve=None, **arrays)
    return whole if horizon is None else follow_until(whole, horizon)


def estimate_landmark(spells: Spells, strategy: Strategy) -> Estimate:
    """Compare, at each landmark, those treated by then with those not yet treated.

    Returns
    -------
    Estimate
        For each landmark, its day being ``time``: ``arm_size`` by arm; ``lost_before``, the patients whose time ended
        on the landmark or before it; ``entered_after`` where somebody came under observation later; hazard ratios;
        risks and restricted means from the landmark to the horizon.
    """
    treatment = strategy.treatment_of(spells)
    require_untreated(spells, treatment)
    return concat(_at(spells, strategy, treatment, day).label(time=day) for day in strategy.landmarks)


def estimate_super_landmark(spells: Spells, strategy: Strategy) -> Estimate:
    """Fit one Cox model over all landmarks, stratified by landmark, with standard errors robust by patient."""
    treatment = strategy.treatment_of(spells)
    require_untreated(spells, treatment)
    days = sorted(set(strategy.landmarks))
    tables = [landmark(spells, treatment, day) for day in days]
    plain = stack(tables, days, strategy.horizon)
    sizes = arm_sizes(plain, strategy)
    if not is_adjusted_by_weights(strategy):
        adjusted = hazard_ratios(plain, strategy, adjust=strategy.adjust, strata=("landmark",), robust=True)
        return concat([sizes, adjusted])
    weighed = [weigh_arms(table, strategy) for table in tables]
    warning = "; ".join(dict.fromkeys(each.warning for each in weighed if each.warning)) or None
    arms = stack([each.arms for each in weighed], days, strategy.horizon)
    ratios = hazard_ratios(arms, strategy, adjust=(), strata=("landmark",), robust=True)
    crude = hazard_ratios(plain, strategy, adjust=(), strata=("landmark",), robust=True).where(kind="strategy")
    return concat([sizes, with_warning(ratios, warning), crude.label(kind="strategy_unadjusted")])


def _at(spells: Spells, strategy: Strategy, treatment: str, day: float) -> Estimate:
    arms = landmark(spells, treatment, day)
    before = label(_left_out(spells, day), spells, strategy)
    return concat([arm_sizes(arms, strategy), before, compare_arms(arms, strategy, start=day)])


def _left_out(spells: Spells, day: float) -> Estimate:
    """Count those whose time has ended on a day, with their events, and those who come under observation later."""
    last, first = last_days(spells), _first_days(spells)
    some = np.isfinite(last)
    gone, late = some & (last <= day), some & (first > day)
    events = np.zeros(len(last), bool)
    events[spells.patient[spells.event()]] = True
    counts = {"lost_before": gone, "entered_after": late}
    return concat(
        make_estimate(name, estimate=float(who.sum()), n=int(who.sum()), n_events=int((who & events).sum()))
        for name, who in counts.items()
        if name == "lost_before" or bool(who.any())
    )


def _first_days(spells: Spells) -> Floats:
    first = np.full(spells.patients.height, np.inf)
    np.minimum.at(first, spells.patient, spells.start)
    return first
