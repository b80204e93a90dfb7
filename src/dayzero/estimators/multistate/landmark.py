"""Landmark Aalen-Johansen: transition probabilities without the Markov property."""

import numpy as np

from dayzero.errors import InputError
from dayzero.estimators.multistate.hazards import DEFAULT, NelsonAalen
from dayzero.estimators.multistate.probabilities import TransitionProbabilities, fit_transition_probabilities
from dayzero.spells import Spells, follow_from


def landmark_subset(spells: Spells, state: str, day: float) -> Spells:
    """Return what happens after a day to the patients who are under observation in a state on that day.

    Parameters
    ----------
    spells
        The table.
    state
        Its name. A transition on the day itself has happened: who entered the state on the day belongs to it.
    day
        The landmark.

    Raises
    ------
    InputError
        An unknown state, or nobody in it on the day.
    """
    if state not in spells.states:
        raise InputError(f"no state {state!r}", mend=f"The states are {', '.join(spells.states)}.", column="from")
    there = (spells.state == spells.states.index(state)) & (spells.start <= day) & (spells.stop > day)
    patients = np.unique(spells.patient[there])
    if not len(patients):
        fault = f"nobody is under observation in {state!r} on day {day:g}"
        raise InputError(fault, mend="Choose another day.", column="from")
    return follow_from(spells.where(np.isin(spells.patient, patients)), day)


def fit_landmark_aalen_johansen(
    spells: Spells, state: str, day: float, *, options: NelsonAalen = DEFAULT
) -> TransitionProbabilities:
    """Fit P(s, t) from one state by the Aalen-Johansen estimator of those who are in it on day s.

    The Aalen-Johansen estimator of occupation probabilities needs no Markov property (Datta and Satten 2001); among
    those in state g on day s they are the probabilities of the transitions from g (Putter and Spitoni 2018, Stat
    Methods Med Res 27:2081). Only the row of g is meaningful.

    Parameters
    ----------
    spells
        The table.
    state
        Name of g.
    day
        s.
    options
        Variance and ties.

    Returns
    -------
    TransitionProbabilities
        On the table of :func:`landmark_subset`.
    """
    subset = landmark_subset(spells, state, day)
    return fit_transition_probabilities(subset, start_day=day, options=options)
