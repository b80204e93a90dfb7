"""The treatment as a state: where everybody is over time, and how often the event comes before and after treatment.

Nobody is put into an arm, so nothing of the future is used: the table of a time-dependent treatment, its rows after the
treatment standing in a state of their own. Small cohorts can be described by it where no contrast can be estimated.
"""

from dataclasses import replace
from typing import Final, Literal

import numpy as np
import polars as pl
from scipy import special

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.curves.aalen_johansen import aalen_johansen
from dayzero.estimators.multistate.curves import transition_probabilities
from dayzero.spells import CENSORED, Bools, Spells, follow_until, hold, split
from dayzero.strategies.contrast import ARMS, arm_sizes, hazard_ratios, label, require_untreated
from dayzero.strategies.strategy import NO_TREAT, Strategy
from dayzero.strategies.time_dependent import time_dependent

UNTREATED: Final = "untreated"
TREATED: Final = "treated"


def multi_state(spells: Spells, treatment: str, *, switch: Literal["after", "at"] = "after") -> Spells:
    """Make the treatment a state, and the events after it states of their own.

    Parameters
    ----------
    spells
        A table of one event or of competing ones: all its rows are in the first state.
    treatment
        A key of ``Spells.treatments``. Treatments before a patient's entry let the patient start treated; those after
        the last day under observation are not seen. Of what falls on one day the event comes first, then the treatment,
        then censoring: who is censored on the day of the treatment ends treated.
    switch
        As in :func:`dayzero.spells.split`.

    Returns
    -------
    Spells
        States ``untreated``, the events, ``treated``, and ``<event> after <treatment>`` for each event, in this order.
        The column of the treatment is as after :func:`dayzero.spells.split`.

    Raises
    ------
    InputError
        Where rows start in another state than the first: it already is a multi-state table.
    ValueError
        Where the treatment of a patient with rows is undated.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = replace(make_spells([10, 20], [1, 1]), treatments={"hsct": np.array([np.inf, 5.0])})
    >>> moves = multi_state(spells, "hsct")
    >>> [(moves.states[a], moves.states[b]) for a, b in zip(moves.state, moves.to)]
    [('untreated', 'event'), ('untreated', 'treated'), ('treated', 'event after hsct')]
    """
    if bool(spells.state.any()):
        fault = "the table has states that are left for others already"
        raise InputError(fault, mend="Name an endpoint without intermediate states.", column="endpoint")
    days = np.asarray(spells.treatments[treatment], float)
    cut = split(spells, days, name=treatment, switch=switch)
    edge = (days if switch == "after" else np.nextafter(days, -np.inf))[cut.patient]
    events = len(spells.states) - 1
    after = np.asarray(cut.columns[treatment]) == 1.0
    moving = ~after & (cut.stop == edge) & (cut.to == CENSORED)
    to = np.where(moving, events + 1, np.where(after & (cut.to != CENSORED), cut.to + events + 1, cut.to))
    names = (UNTREATED, *spells.states[1:], TREATED, *(f"{state} after {treatment}" for state in spells.states[1:]))
    return replace(cut, state=np.where(after, events + 1, 0), to=to, states=names)


def estimate_multi_state(spells: Spells, strategy: Strategy) -> Estimate:
    """Describe the course from day zero for everybody, and the hazards of its transitions.

    Returns
    -------
    Estimate
        ``state_probability`` (term: the state; everybody, Aalen-Johansen) at the end of the grace period and at the
        horizon; ``event_rate`` (group: the arm; term: the treatment for the endpoint's event, the state for one that
        competes) in events per patient-day before and after treatment, with exact Poisson limits; their hazard ratio,
        which is the time-dependent Cox model's; ``hypothetical_risk`` by the horizon had nobody been treated, by
        censoring at treatment: only where who is treated says nothing about the course without treatment.
    """
    treatment = strategy.treatment_of(spells)
    require_untreated(spells, treatment)
    arms = time_dependent(hold(spells, spells.treatments[treatment]), treatment, strategy.switch)
    ratios = hazard_ratios(arms, strategy, adjust=strategy.adjust)
    described = [occupation(spells, strategy), event_rates(arms, strategy), hypothetical_risks(spells, strategy)]
    return concat([ratios, arm_sizes(arms, strategy), *described])


def occupation(spells: Spells, strategy: Strategy) -> Estimate:
    """Return the ``state_probability`` of each state at the end of the grace period and at the horizon.

    Whole curves: :func:`transition_probabilities` of :func:`multi_state`. Limits are log-log.
    """
    treatment = strategy.treatment_of(spells)
    moves = multi_state(spells, treatment, switch=strategy.switch)
    days = sorted({day for day in (strategy.grace, strategy.horizon) if day is not None and np.isfinite(day)})
    found = transition_probabilities(moves, times=days)
    return found.label(kind="strategy", method=strategy.method)


def event_rates(arms: Spells, strategy: Strategy) -> Estimate:
    """Return the events per patient-day, untreated and treated, with exact Poisson limits; days count from day zero.

    Parameters
    ----------
    arms
        The table with the treatment's column.
    strategy
        Its treatment.

    Notes
    -----
    With d events in T days the 95 % limits are gamma quantiles, those of chi-squared(2 d) / 2 T and of
    chi-squared(2 d + 2) / 2 T (Garwood 1936, Biometrika 28:437); std_error is sqrt(d) / T.
    """
    treated = arms.of(strategy.treatment_of(arms)).to_numpy()
    rows = [
        _rate(arms, state, treated == value).label(group=arm, term=state if place else strategy.treatment_of(arms))
        for place, state in enumerate(arms.states[1:])
        for arm, value in ARMS
    ]
    terms = concat(rows).rows["term"]
    found = label(concat(rows), arms, strategy)
    return Estimate(found.rows.with_columns(terms))


def hypothetical_risks(spells: Spells, strategy: Strategy) -> Estimate:
    """Return the risk by the horizon had nobody been treated: Aalen-Johansen, censored at treatment.

    ``hypothetical_risk``: of the endpoint's event (term: the treatment), and of each competing one (term: the state).
    Rows only where there is a horizon.
    """
    if strategy.horizon is None:
        return concat([])
    treatment = strategy.treatment_of(spells)
    days = np.asarray(spells.treatments[treatment], float)
    edge = days if strategy.switch == "after" else np.nextafter(days, -np.inf)
    found = aalen_johansen(follow_until(spells, edge), times=[strategy.horizon])
    rows = found.rows if len(spells.states) > 2 else _complement(found)
    terms = pl.Series("term", [treatment, *spells.states[2:]], pl.String)
    named = label(Estimate(rows).label(statistic="hypothetical_risk", group=NO_TREAT), spells, strategy)
    return Estimate(named.rows.with_columns(terms))


def _complement(survival: Estimate) -> pl.DataFrame:
    """Return one minus the rows of a survival curve."""
    one = pl.lit(1.0)
    columns = {"estimate": one - pl.col("estimate"), "lower": one - pl.col("upper"), "upper": one - pl.col("lower")}
    return survival.rows.with_columns(**columns)


def _rate(arms: Spells, state: str, inside: Bools) -> Estimate:
    rows = arms.where(inside)
    events = int(np.count_nonzero(rows.event(state)))
    days = float(np.sum(np.maximum(rows.stop, 0.0) - np.maximum(rows.start, 0.0)))
    about = {"n": rows.n, "n_events": events}
    if days <= 0.0:
        return make_estimate("event_rate", **about, warning="nobody is under observation")
    low = float(special.gammaincinv(events, 0.025)) / days if events else 0.0
    high = float(special.gammaincinv(events + 1, 0.975)) / days
    point, error = events / days, float(np.sqrt(events)) / days
    return make_estimate("event_rate", **about, estimate=point, std_error=error, lower=low, upper=high)
