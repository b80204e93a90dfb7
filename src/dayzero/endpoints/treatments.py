"""Treatments given after day zero: the first that counts, in the state in which it counts."""

import numpy as np
import numpy.typing as npt

from dayzero.endpoints.events import first_dated, first_day, occurrences
from dayzero.endpoints.tracks import follow_state, known_event
from dayzero.history import History
from dayzero.protocol import Treatment, as_treatment

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def treatment_days(history: History, treatment: str | Treatment, origin: Floats) -> Floats:
    """Return the day of the first treatment on or after day zero that counts, patient by patient.

    Parameters
    ----------
    history
        What happened.
    treatment
        A term, or one with the state in which it counts. Later treatments are looked at where the first does not
        count. On one day events of the disease come before the treatment: relapse on the day of the transplant is
        before it, a remission on that day holds. ``while`` looks at everything on or before the day, day zero's past
        included; with ``response`` or ``mrd`` and values, a relapse or progression after the last result ends the
        state. ``before`` looks at day zero to the treatment's day: what came earlier is history.
    origin
        (patients,) day zero.

    Returns
    -------
    numpy.ndarray
        (patients,) the day; +inf where there is none, NaN where it cannot be known for want of a date: the
        treatment's own, or, where there is a treatment that may count, that of an event of the state.

    Raises
    ------
    InputError
        Where a term names no event, asks for a column that the events do not have, or a number of what is not one.
    """
    treatment = as_treatment(treatment)
    term = known_event(history, treatment.event, key="treatment")
    if treatment.is_plain:
        return first_day(history, term, origin)
    given = occurrences(history, term)
    barred, unsure = _barred_from(history, treatment, origin)
    with np.errstate(invalid="ignore"):
        may = (given.day >= origin[given.patient]) & (given.day < barred[given.patient])
    patient, day = given.patient[may], given.day[may]
    candidate = np.zeros(len(history), bool)
    candidate[patient] = True
    if treatment.while_:
        state = follow_state(history, known_event(history, treatment.while_, key="treatment"))
        unsure = unsure | state.undated
        holds = state.at(patient, day) == 1.0
        patient, day = patient[holds], day[holds]
    first = np.full(len(history), np.inf)
    np.minimum.at(first, patient, day)
    return np.where(given.undated | (candidate & unsure), np.nan, first)


def _barred_from(history: History, treatment: Treatment, origin: Floats) -> tuple[Floats, Bools]:
    """Return (patients,) the first day of an event of ``before``, +inf where there is none, and if one is undated."""
    barred, unsure = np.full(len(history), np.inf), np.zeros(len(history), bool)
    for text in treatment.before:
        day, undated = first_dated(history, known_event(history, text, key="treatment"), origin)
        barred, unsure = np.minimum(barred, day), unsure | undated
    return barred, unsure
