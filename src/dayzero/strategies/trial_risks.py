"""Risks of sequential trials: what the treated's risk was, and what it had been without the treatment.

The untreated are followed from the starts of their trials and the treated from their treatments, and all trials are
pooled: a trial has too few treated for a curve of its own. The untreated of a trial weigh together as much as its
treated, so both arms are made of the same trials: the contrast is the effect in the treated. Among the untreated those
weigh more who are like the treated: by their odds of being treated then. Who is censored, for another reason than a
treatment, may depend on the arm only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.changing_weights import change_weights, last_factor
from dayzero.estimators.curves.occupancy import competing_probability
from dayzero.estimators.curves.risk_sets import RiskSets
from dayzero.spells import Bools, Floats, Ints, Spells, StepFunction
from dayzero.strategies.contrast import label, with_warning
from dayzero.strategies.strategy import NO_TREAT, TREAT, Strategy
from dayzero.strategies.trial_weights import ODDS
from dayzero.strategies.trials import TRIAL, first_of_pair, origins
from dayzero.strategies.truncation import weights_at_stop

SAME_DAY: Final = 1e-9  # relative: a day plus a horizon less the day may not be the horizon


@dataclass(frozen=True)
class _Arm:
    """The curve of one arm on the time from a trial's start.

    Attributes
    ----------
    times
        (T,) days with an event.
    probability
        (T, states)
    last
        The last day on which somebody is under observation.
    spells
        Its rows.
    """

    times: Floats
    probability: Floats
    last: float
    spells: Spells

    def beyond(self, horizon: float) -> bool:
        """Return whether the horizon is after the last observation, and somebody may still have an event."""
        gone = bool(len(self.times)) and float(self.probability[-1, 0]) == 0.0
        return self.last < horizon * (1.0 - SAME_DAY) and not gone

    def mean(self, horizon: float) -> float:
        """Return the mean days without an event until the horizon."""
        edges = np.concatenate(([0.0], np.minimum(self.times, horizon), [horizon]))
        return float(np.diff(edges) @ np.concatenate(([1.0], self.probability[:, 0])))


def trial_risks(spells: Spells, strategy: Strategy) -> Estimate:
    """Estimate risks and restricted means at the horizon, so many days after an arm's origin.

    Parameters
    ----------
    spells
        A table of trials, as :func:`dayzero.strategies.sequential.sequential_trials` has it, followed to the horizon.
    strategy
        Its treatment and horizon count here.

    Returns
    -------
    Estimate
        ``risk`` and ``rmst`` by arm; ``risk_difference`` and ``rmst_difference``, the treated less the untreated; where
        events compete ``cumulative_incidence`` by arm, a term each. ``time`` is the horizon; no rows without one.
        Without standard errors, for the arms share patients: limits come from a bootstrap. Null, with a warning,
        where the follow-up of an arm ends before the horizon.
    """
    if strategy.horizon is None:
        return concat([])
    weighed, note = standardise_trials(spells, strategy.treatment_of(spells))
    treated = weighed.of(strategy.treatment_of(spells)).to_numpy() == 1.0
    arms = [_arm(weighed.where(inside), strategy.treatment_of(spells)) for inside in (treated, ~treated)]
    parts = [_rows(arm, strategy.horizon).label(group=group)
             for arm, group in zip(arms, (TREAT, NO_TREAT), strict=True)]  # fmt: skip
    gaps = [_gap(parts, name, spells) for name in ("risk", "rmst")]
    found = concat([*parts, *gaps])
    named = label(found, spells, strategy).label(time=strategy.horizon)
    terms = found.rows["term"].fill_null(strategy.treatment_of(spells))
    return with_warning(Estimate(named.rows.with_columns(terms)), note)


def standardise_trials(spells: Spells, treatment: str) -> tuple[Spells, str | None]:
    """Let the untreated of each trial weigh together as much as its treated, each by the own odds of being treated.

    Parameters
    ----------
    spells
        A table of trials.
    treatment
        The treatment's column.

    Returns
    -------
    tuple
        The table, without trials in which nobody is treated or nobody is not, and a warning that counts these.
    """
    treated = np.asarray(spells.columns[treatment]) == 1.0
    days, trial = np.unique(np.asarray(spells.columns[TRIAL], float), return_inverse=True)
    odds = np.asarray(spells.columns[ODDS], float) if ODDS in spells.columns else np.ones(len(spells))
    first = at_start(replace(spells, weight=spells.weight * odds), treatment)
    mine = np.asarray(first.columns[treatment]) == 1.0
    place = np.searchsorted(days, np.asarray(first.columns[TRIAL], float))
    sums = [np.bincount(place[rows], first.weight[rows], minlength=len(days)) for rows in (mine, ~mine)]
    usable = (sums[0] > 0.0) & (sums[1] > 0.0)
    share = np.divide(sums[0], sums[1], out=np.zeros(len(days)), where=usable)
    factor = np.where(treated, 1.0, odds * share[trial])
    kept = usable[trial]
    left_out = int(np.count_nonzero(~usable))
    note = f"{left_out} of {len(days)} trials have nobody to compare with and are left out" if left_out else None
    return replace(spells, weight=spells.weight * factor).where(kept), note


def at_start(spells: Spells, treatment: str) -> Spells:
    """Return one row a patient in an arm of a trial, with its weight when that begins."""
    rows = spells.where(first_of_pair(spells, treatment))
    if rows.power is None or rows.curve is None:
        return rows
    change = np.sum(rows.power * rows.curve.at(np.nextafter(rows.start, np.inf)), axis=1)
    return replace(rows, weight=rows.weight * np.exp(change), power=None, curve=None)


def _arm(spells: Spells, treatment: str) -> _Arm:
    first = origins(spells, treatment)
    begin, end = spells.start - first, spells.stop - first
    happens = spells.to > 0
    times, at = np.unique(end[happens], return_inverse=True)
    events = np.zeros((len(times), len(spells.states)))
    np.add.at(events, (at, spells.to[happens]), weights_at_stop(spells)[happens])
    at_risk = _at_risk(spells, times, begin, end)
    sets = RiskSets(times, at_risk[:, None], events[:, None], np.zeros((len(times), 1)))
    return _Arm(times, competing_probability(sets), float(end.max(initial=0.0)), spells)


def _at_risk(spells: Spells, times: Floats, begin: Floats, end: Floats) -> Floats:
    """Return (times,) the sum of the weights at risk so many days after the starts of the trials."""
    spans = np.searchsorted(times, begin, side="right"), np.searchsorted(times, end, side="right")
    inside = spans[0] < spans[1]
    if spells.power is None or spells.curve is None:
        return _present(spans, inside, spells.weight, len(times))
    changing = inside & spells.power.any(axis=1)
    total = _present(spans, inside & ~changing, spells.weight, len(times))
    first = np.asarray(spells.columns[TRIAL], float)
    for day in np.unique(first[changing]):
        rows = changing & (first == day)
        total += _changing(spells.where(rows), (spans[0][rows], spans[1][rows]), spells.curve, day + times)
    return total


def _changing(spells: Spells, spans: tuple[Ints, Ints], curve: StepFunction, days: Floats) -> Floats:
    """Return (days,) the sum of weights that change with time, in one trial."""
    power, values = np.asarray(spells.power), curve.at(days)
    weight = spells.weight * last_factor(power, values, spans[1])
    total = np.zeros(len(days))
    for part in change_weights(power, values, *spans):
        own = spans[0][part.rows], spans[1][part.rows]
        every = np.ones(len(part.rows), bool)
        for share, factor in zip(part.basis, part.factor, strict=True):
            total += factor * _present(own, every, weight[part.rows] * share, len(days))
    return total


def _present(spans: Sequence[Ints], which: Bools, weight: Floats, times: int) -> Floats:
    begin, end = spans
    enter = np.bincount(begin[which], weight[which], minlength=times + 1)
    leave = np.bincount(end[which], weight[which], minlength=times + 1)
    return np.asarray(np.cumsum(enter - leave)[:times], float)


def _rows(arm: _Arm, horizon: float) -> Estimate:
    states = arm.spells.states
    final = arm.probability[-1] if len(arm.times) else np.eye(1, len(states))[0]
    values = {"risk": (None, float(final[1])), "rmst": (None, arm.mean(horizon))}
    about = {"n": arm.spells.n, "n_events": _having(arm.spells, 1)}
    fault = None
    if not len(arm.spells):
        fault = "nobody is at risk in this arm"
    elif arm.beyond(horizon):
        fault = f"beyond the last observation (day {arm.last:.10g} of a trial)"
    rows = [make_estimate(name, term=term, estimate=np.nan if fault else value, warning=fault, **about)
            for name, (term, value) in values.items()]  # fmt: skip
    for code, state in enumerate(states[2:], start=2):
        value = np.nan if fault else float(final[code])
        counts = {**about, "n_events": _having(arm.spells, code)}
        rows.append(make_estimate("cumulative_incidence", term=state, estimate=value, warning=fault, **counts))
    return concat(rows)


def _having(spells: Spells, code: int) -> int:
    return len(np.unique(spells.patient[spells.to == code]))


def _gap(arms: Sequence[Estimate], statistic: str, spells: Spells) -> Estimate:
    treated, untreated = (part.where(statistic=statistic).rows.row(0, named=True) for part in arms)
    values = [np.nan if row["estimate"] is None else float(row["estimate"]) for row in (treated, untreated)]
    warnings = dict.fromkeys(row["warning"] for row in (treated, untreated) if row["warning"])
    return make_estimate(
        f"{statistic}_difference", estimate=values[0] - values[1], n=spells.n,
        n_events=_having(spells, 1), warning="; ".join(warnings) or None,
    )  # fmt: skip
