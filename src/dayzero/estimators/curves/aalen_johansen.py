"""Aalen-Johansen: the probability of each state over time. Kaplan-Meier and cumulative incidence are cases of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.changing_weights import total_weight, weight_on
from dayzero.estimators.curves import occupancy
from dayzero.estimators.curves.confidence import Curve, limits
from dayzero.estimators.curves.influence import influence_on, robust_std_error
from dayzero.estimators.curves.risk_sets import RiskSets, count_risk_sets
from dayzero.estimators.groups import group_rows, join_warnings
from dayzero.spells import Bools, Floats, Spells, follow_from

DEFAULT: Final = Curve()
ROBUST: Final = "no limits: weights that change with time are no numbers of patients; use the variance robust"


@dataclass(frozen=True)
class AalenJohansenFit:
    """A fitted curve: step functions that jump at ``times`` and are continuous from the right.

    Attributes
    ----------
    states
        Names of the S states.
    times
        (T,) distinct times of events and of censoring, in days.
    initial
        (S,) probabilities before the first time; (S, B) where the weights were (rows, B).
    probability
        (T, S) probability of each state, or (T, S, B).
    std_error
        (T, S); None where the weights were (rows, B), and where weights change with time unless they are robust.
    n_at_risk
        (T, S) weighted number in each state just before each time, or (T, S, B).
    n_events
        (T, S, S) weighted number of transitions from, to, or (T, S, S, B).
    n_censored
        (T, S) weighted number censored in each state, or (T, S, B).
    last_time
        Day of the last observation; NaN where there is none.
    """

    states: tuple[str, ...]
    times: Floats
    initial: Floats
    probability: Floats
    std_error: Floats | None
    n_at_risk: Floats
    n_events: Floats
    n_censored: Floats
    last_time: float

    def at(self, times: Floats) -> Floats:
        """Return (times, S) or (times, S, B), the probabilities on the given days."""
        place = np.searchsorted(self.times, times, side="right")
        return np.asarray(np.concatenate([self.initial[None], self.probability])[place])

    def std_error_at(self, times: Floats) -> Floats:
        """Return (times, S), the standard errors on the given days; NaN where there are none."""
        if self.std_error is None:
            return np.full((len(times), len(self.states)), np.nan)
        place = np.searchsorted(self.times, times, side="right")
        return np.asarray(np.concatenate([np.zeros((1, len(self.states))), self.std_error])[place])

    @property
    def left(self) -> Bools:
        """Return (S,) which states somebody left or was censored in: the others are absorbing."""
        return np.asarray(self.n_at_risk.any(axis=(0, *range(2, self.n_at_risk.ndim))))


def fit_aalen_johansen(spells: Spells, weights: Floats | None = None, *, options: Curve = DEFAULT) -> AalenJohansenFit:
    """Fit the state occupation probabilities of any multi-state table.

    Parameters
    ----------
    spells
        The table: start-stop rows, delayed entry and weights, also such as change with time, are allowed. Weights
        count as numbers of patients, but for the variance ``robust``.
    weights
        (rows,), or (rows, B) for B fits at once without standard errors (a bootstrap), multiplied with the table's.
    options
        Its ``variance`` and ``start_day`` count here.

    Returns
    -------
    AalenJohansenFit
        The initial distribution is that of the states in which the rows that start first start.

    Raises
    ------
    InputError
        Where the variance ``aalen`` is asked for with more than one kind of event, or weights change too much.

    Examples
    --------
    Freireich's 6-MP patients (Kalbfleisch and Prentice 2002, table 1.1), the first six deaths or censorings:

    >>> from dayzero.spells import make_spells
    >>> fit = fit_aalen_johansen(make_spells([6, 6, 6, 6] + [40] * 17, [1, 1, 1, 0] + [0] * 17))
    >>> print(f"{fit.probability[0, 0]:.4f} {fit.std_error[0, 0]:.5f}")
    0.8571 0.07636
    """
    if options.start_day is not None:
        kept = spells.stop > options.start_day
        weights = None if weights is None else weights[kept]
        spells = follow_from(spells, options.start_day)
    sets = count_risk_sets(spells, weights)
    weight = total_weight(spells, weights)
    initial = _initial(spells, weight)
    alone = _only_first_left(spells)
    probability = occupancy.competing_probability(sets) if alone else occupancy.multi_state_probability(sets, initial)
    if weight.ndim == 2 or (spells.power is not None and options.variance != "robust"):
        std_error = None
    elif options.variance == "robust":
        std_error = robust_std_error(spells, weight, sets=sets, path=np.concatenate([initial[None], probability]))
    else:
        std_error = _std_error(sets, probability, initial, options=options)
    last = float(spells.stop.max(initial=-np.inf))
    return AalenJohansenFit(
        spells.states, sets.times, initial, probability, std_error,
        sets.at_risk, sets.events, sets.censored, last if np.isfinite(last) else np.nan,
    )  # fmt: skip


def probability_influence(spells: Spells, fit: AalenJohansenFit, days: Floats) -> Floats:
    """Return (patients, days, S) by how much each patient moves the probabilities on the given days.

    Parameters
    ----------
    spells, fit
        The table, and what was fitted to it without further weights.
    days
        Days.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([1, 2, 3, 4], [1, 1, 1, 1])
    >>> probability_influence(spells, fit_aalen_johansen(spells), np.array([2.0]))[:, 0, 0].tolist()
    [-0.125, -0.125, 0.125, 0.125]
    """
    sets = RiskSets(fit.times, fit.n_at_risk, fit.n_events, fit.n_censored)
    path = np.concatenate([fit.initial[None], fit.probability])
    return influence_on(spells, spells.weight, days, sets=sets, path=path)


def aalen_johansen(
    spells: Spells, by: str | None = None, times: Sequence[float] | None = None, *, options: Curve = DEFAULT
) -> Estimate:
    """Estimate survival, cumulative incidences or state probabilities, with pointwise confidence limits.

    Parameters
    ----------
    spells
        The table.
    by
        Column of the groups; patients without a value are left out, with a warning.
    times
        Days at which to read the curves; by default the whole curves: day 0 (or the start day) and every time of an
        event or of censoring.
    options
        Confidence scale, level, variance, start day.

    Returns
    -------
    Estimate
        Per group ``survival`` where there is one event (Kaplan-Meier); ``cumulative_incidence``, a term each event,
        where several compete; ``state_probability``, a term each state, where another state than the first can be
        left. ``n`` counts the group's patients, ``n_events`` the events up to that day (the transitions into the
        term's state). Beyond the last observation the estimate is null, unless the curve has come to rest.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> aalen_johansen(make_spells([1, 2, 3, 4], [1, 1, 0, 1]), times=[2]).rows["estimate"].to_list()
    [0.5]
    """
    spells = spells if options.start_day is None else follow_from(spells, options.start_day)
    groups = group_rows(spells, by)
    statistic, terms = curve_terms(spells)
    parts = []
    for code, level in enumerate(groups.levels):
        rows = spells if by is None else spells.where(groups.codes == code)
        fit = fit_aalen_johansen(rows, options=options)
        days = np.union1d([options.start_day or 0.0], fit.times) if times is None else np.asarray(times, float)
        parts += [
            _curve(rows, fit, days, state=state, options=options).label(
                statistic=statistic, group=groups.label(level), term=None if statistic == "survival" else term
            )
            for state, term in terms
        ]
    curves = concat(parts)
    return replace(curves, rows=join_warnings(curves.rows, groups.warning))


def curve_terms(spells: Spells) -> tuple[str, list[tuple[int, str]]]:
    """Return the statistic that a table calls for, and the states that it is reported for."""
    states = list(enumerate(spells.states))
    if not _only_first_left(spells):
        return "state_probability", states
    return ("survival", states[:1]) if len(states) == 2 else ("cumulative_incidence", states[1:])


def _curve(spells: Spells, fit: AalenJohansenFit, days: Floats, *, state: int, options: Curve) -> Estimate:
    probability, std_error = fit.at(days)[:, state], fit.std_error_at(days)[:, state]
    beyond = _beyond(fit, days)
    low, high = limits(probability, std_error, options)
    known = [np.where(beyond, np.nan, values) for values in (probability, std_error, low, high)]
    ended = spells.to >= 0 if state == 0 and len(fit.states) == 2 else spells.to == state
    text = f"beyond the last observation (day {fit.last_time:.10g})" if len(fit.times) else "nobody is at risk"
    told = [emptied(fit), ROBUST if fit.std_error is None else None]
    about = "; ".join(filter(None, told)) or None
    return make_estimate(
        "survival", endpoint=spells.name or None, method=options.method, time=days,
        estimate=known[0], std_error=known[1], lower=known[2], upper=known[3], n=spells.n,
        n_events=np.searchsorted(np.sort(spells.stop[ended]), days, side="right"),
        warning=[text if late else about for late in beyond.tolist()],
    )  # fmt: skip


def _beyond(fit: AalenJohansenFit, days: Floats) -> Bools:
    """Return whether each day lies behind the last observation while somebody may still move."""
    if not len(fit.times):
        return np.ones(len(days), bool)
    at_rest = not fit.probability[-1][fit.left].any()
    return np.zeros(len(days), bool) if at_rest else np.asarray(days > fit.last_time)


def emptied(fit: AalenJohansenFit) -> str | None:
    """Return the warning of convention 6: everybody at risk had the event before others entered."""
    gone = np.flatnonzero(~fit.probability[:, fit.left].any(axis=1))
    if not len(gone) or not fit.n_at_risk[gone[0] + 1 :].any():
        return None
    day = fit.times[gone[0]]
    return f"the risk set was emptied on day {day:.10g}, before later entries; give a start day from which to condition"


def _only_first_left(spells: Spells) -> bool:
    return not bool(spells.state.any())


def _initial(spells: Spells, weights: Floats) -> Floats:
    """Return (S,) or (S, B), the distribution over the states of the rows that start first."""
    indicator = np.zeros((len(spells.states), *weights.shape[1:]))
    if _only_first_left(spells):
        indicator[0] = 1.0
        return indicator
    start = float(spells.start.min())
    first = np.flatnonzero(spells.start == start)
    np.add.at(indicator, spells.state[first], weight_on(spells, weights, first, start))
    total = indicator.sum(axis=0)
    np.divide(indicator, total, out=indicator, where=total > 0)
    return indicator


def _std_error(sets: RiskSets, probability: Floats, initial: Floats, *, options: Curve) -> Floats:
    only_first = initial[0] == 1.0 and not sets.at_risk[:, 1:].any()
    if options.variance == "aalen":
        if not only_first or len(initial) != 2:
            raise InputError(
                "Aalen's variance is defined here for one kind of event only", mend="Use the variance greenwood."
            )
        return occupancy.aalen_std_error(sets, probability)
    if only_first:
        return occupancy.competing_std_error(sets, probability)
    return occupancy.multi_state_std_error(sets, probability, initial)
