"""Weights of sequential trials: for controls that start treatment later, and for controls unlike the treated.

With H(t | x) the cumulative hazard of starting treatment among the untreated (one Cox model on the days from day zero,
:mod:`dayzero.strategies.start_weights`), an untreated patient of the trial of the interval [s, e) weighs

    exp(H(t- | x) - H(s | x)),

who starts on day s having no untreated time in the trial. x may change with time. To resemble the treated, they weigh
moreover, x being as it was at s,

    P(start in [s, e) | x) / P(not on s | x) = exp(H(s | x) - H(s- | x)) - exp(H(s | x) - H(e- | x)).
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dayzero.estimators.terms.covariates import code_covariates
from dayzero.spells import Floats, Ints, Spells, StepFunction, follow_until, hold
from dayzero.strategies.clones import stack
from dayzero.strategies.contrast import references
from dayzero.strategies.start_weights import StartHazard, fit_start_hazard, weigh_untreated
from dayzero.strategies.strategy import Strategy
from dayzero.strategies.trials import Trials, first_of_pair, pairs, stack_trials, starts_in
from dayzero.strategies.truncation import truncate_weights

ODDS: Final = "odds_of_starting"  # the column of the odds of being treated in the row's trial; 1 in rows of the treated


@dataclass(frozen=True)
class WeighedTrials:
    """The table of all trials with its weights, and what was remarkable.

    Attributes
    ----------
    spells
        As :func:`dayzero.strategies.sequential.sequential_trials` returns it.
    plain
        The same rows before they were weighted.
    notes
        Warnings.
    """

    spells: Spells
    plain: Spells
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Running:
    """Each row's log weight since day zero: ``log + power @ curve(t)``; and its relative hazard."""

    log: Floats
    power: Floats
    curve: StepFunction
    hazard: StartHazard

    def at(self, rows: Ints, days: Floats) -> Floats:
        """Return (rows,) the logarithms of the weights on a day of each."""
        return np.asarray(self.log[rows] + np.sum(self.power[rows] * self.curve.at(days), axis=1))


def weigh_trials(spells: Spells, strategy: Strategy, last: float | None) -> WeighedTrials:
    """Stack the trials and weigh their untreated.

    Parameters
    ----------
    spells
        The table.
    strategy
        Its ``treatment``, ``every``, ``adjust``, ``horizon`` (from an arm's origin), ``truncate``, ``stabilised``,
        ``ties`` and ``reference`` count here.
    last
        Last day on which a trial may start.
    """
    treatment = strategy.treatment_of(spells)
    day = np.asarray(spells.treatments[treatment], float)
    spells, notes = _complete(hold(spells, day), strategy)
    trials = stack_trials(spells, treatment, every=strategy.every, last=last)
    trials = trials if strategy.horizon is None else trials.until(strategy.horizon)
    if not strategy.adjust:
        return WeighedTrials(trials.spells, trials.spells, notes)
    running = _run(spells, day, strategy)
    weighed = _weigh(trials.where(~trials.treated), running, strategy.every)
    untreated = _truncate(weighed, treatment, strategy.truncate)
    treated = _unweighed(trials.where(trials.treated).spells, running.curve)
    return WeighedTrials(stack(treated, untreated), trials.spells, (*notes, *running.hazard.notes))


def _truncate(untreated: Spells, treatment: str, quantile: float) -> Spells:
    """Truncate by the weights with which each patient leaves each trial."""
    columns = {**untreated.columns, _PATIENT: untreated.patient}
    capped = truncate_weights(replace(untreated, patient=pairs(untreated, treatment), columns=columns), quantile)
    kept = {name: values for name, values in capped.columns.items() if name != _PATIENT}
    return replace(capped, patient=np.asarray(capped.columns[_PATIENT], np.int64), columns=kept)


_PATIENT: Final = "index of the patient"


def _complete(spells: Spells, strategy: Strategy) -> tuple[Spells, tuple[str, ...]]:
    if not strategy.adjust:
        return spells, ()
    coded = code_covariates(spells, strategy.adjust, references(spells, strategy))
    return spells.where(coded.keep), (f"dropped_missing: {coded.dropped} patients",) if coded.dropped else ()


def _run(spells: Spells, day: Floats, strategy: Strategy) -> _Running:
    """Fit the hazard of starting treatment; NaN in rows of the time after it."""
    untreated = spells.start < day[spells.patient]
    waiting = follow_until(spells, day)
    hazard = fit_start_hazard(waiting, starts_in(spells, day)[untreated], strategy)
    weighed = weigh_untreated(waiting, hazard, stabilised=strategy.stabilised)
    if weighed.power is None or weighed.curve is None:
        raise ValueError("weights of the untreated change with time")
    log, relative = np.full(len(spells), np.nan), np.full(len(spells), np.nan)
    power = np.full((len(spells), weighed.power.shape[1]), np.nan)
    log[untreated] = np.log(weighed.weight / waiting.weight)
    power[untreated], relative[untreated] = weighed.power, hazard.relative
    return _Running(log, power, weighed.curve, replace(hazard, relative=relative))


def _weigh(controls: Trials, running: _Running, every: float) -> Spells:
    rows, odds = controls.spells, _odds(running.hazard, controls, every)
    logs = running.log[controls.source] - _since(controls, running)
    columns = {**rows.columns, ODDS: odds}
    power = running.power[controls.source]
    return replace(rows, weight=rows.weight * np.exp(logs), power=power, curve=running.curve, columns=columns)


def _odds(hazard: StartHazard, controls: Trials, every: float) -> Floats:
    """Return (rows,) P(treated in [s, e) | x) / P(not treated on day s | x)."""
    days = (controls.start, np.nextafter(controls.start, np.inf), controls.start + every)
    before, after, end = (hazard.baseline.at(day)[:, 0] for day in days)
    risk = hazard.relative[controls.entry]
    return np.asarray(np.exp(risk * (after - before)) - np.exp(-risk * (end - after)))


def _since(controls: Trials, running: _Running) -> Floats:
    """Return (rows,) the logarithm of the weight that the row's patient has by the trial's start, its day included."""
    first = first_of_pair(controls.spells, controls.treatment)
    code = pairs(controls.spells, controls.treatment)
    by_pair = np.zeros(int(code.max(initial=-1)) + 1)
    by_pair[code[first]] = running.at(controls.source[first], np.nextafter(controls.start[first], np.inf))
    return np.asarray(by_pair[code])


def _unweighed(spells: Spells, curve: StepFunction) -> Spells:
    """Return the rows of the treated, whose weights do not change."""
    power = np.zeros((len(spells), curve.values.shape[1]))
    return replace(spells, power=power, curve=curve, columns={**spells.columns, ODDS: np.ones(len(spells))})
