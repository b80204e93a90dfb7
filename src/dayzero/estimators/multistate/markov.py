"""Tests of the Markov property: given the state and the day, the past has no influence on what comes next."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.chi_squared import p_value
from dayzero.estimators.comparisons.logrank import fit_logrank
from dayzero.estimators.cox.fit import fit_cox
from dayzero.estimators.multistate.hazards import Pair, find_transitions, transition_name
from dayzero.estimators.multistate.stacking import stack, state_entry
from dayzero.spells import CENSORED, Spells, follow_from

ENTRY: Final = "day of entry"
EARLIER: Final = "state at the landmark"
SCORE: Final = "score test of the day of entry"
LOGRANK: Final = "log-rank test of the state at the landmark"


def markov(spells: Spells, landmarks: Sequence[float] = ()) -> Estimate:
    """Test the Markov property of every transition.

    Two tests. With the clock forward, a Cox model of the transition has the day on which its state was entered as
    covariate, and its score is tested (Kay 1986, Biometrics 42:855; the state arrival model of Putter, Fiocco and
    Geskus 2007): a test against a monotone influence, over all of follow-up. And at each landmark s the patients who
    are in the state later on are compared by the state that they were in on day s, by a log-rank test after s (Titman
    and Putter 2022, Biostatistics 23:380), chi-squared at each s; several landmarks are not adjusted for each other.

    Parameters
    ----------
    spells
        The table.
    landmarks
        Days s.

    Returns
    -------
    Estimate
        ``markov``: ``term`` the transition, ``time`` the landmark (null for the score test), ``estimate`` the
        chi-squared statistic with ``df`` and ``p_value``; ``n`` the patients compared. Transitions whose state
        everybody enters on one day, or from one state, have no row.
    """
    rows = [_score_test(spells, pair) for pair in find_transitions(spells)]
    rows += [_logrank_test(spells, pair, day) for day in landmarks for pair in find_transitions(spells)]
    return concat(row for row in rows if row is not None).label(endpoint=spells.name or None)


def _score_test(spells: Spells, pair: Pair) -> Estimate | None:
    stacked = stack(spells, [pair], baselines=[0], clock="forward")
    entry = state_entry(spells)[stacked.row]
    if not np.ptp(entry):
        return None
    table = replace(stacked.spells, columns={ENTRY: entry})
    fit = fit_cox(table, [ENTRY])
    if not int(fit.df):
        return None
    name = transition_name(spells.states, pair)
    return _row(name, SCORE, float(fit.score), int(fit.df)).label(n=fit.n, n_events=fit.n_events)


def _logrank_test(spells: Spells, pair: Pair, day: float) -> Estimate | None:
    there = (spells.start <= day) & (spells.stop > day)
    earlier = np.full(spells.patients.height, -1)
    earlier[spells.patient[there]] = spells.state[there]
    known = spells.where(earlier[spells.patient] >= 0)
    at_risk = follow_from(known.where(known.state == pair[0]), day)
    group = earlier[at_risk.patient].astype(float)
    if not len(at_risk) or not np.ptp(group):
        return None
    table = replace(
        at_risk,
        state=np.zeros(len(at_risk), np.int64),
        to=np.where(at_risk.to == pair[1], 1, CENSORED),
        states=("at risk", "moved"),
        columns={EARLIER: group},
    )
    fit = fit_logrank(table, EARLIER)
    if not fit.df:
        return None
    events = int(np.count_nonzero(table.to >= 0))
    name = transition_name(spells.states, pair)
    return _row(name, LOGRANK, fit.chi2, fit.df).label(time=day, n=table.n, n_events=events)


def _row(name: str, method: str, chi2: float, df: int) -> Estimate:
    return make_estimate(
        "markov", term=name, method=method, estimate=chi2, df=float(df), p_value=p_value(chi2, float(df))
    )
