"""Exposures: a state of the patient looked at on a day, such as MRD on day 28."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from dayzero.endpoints.derive import exclusions
from dayzero.endpoints.events import first_day
from dayzero.endpoints.tracks import follow_term, known_event
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Endpoint, parse_term
from dayzero.spells import snap

Floats = npt.NDArray[np.float64]


def exposure_at(history: History, endpoint: Endpoint, term: str, day: float) -> Floats:
    """Return who was exposed on a day, by what was known then.

    Parameters
    ----------
    history
        What happened.
    endpoint
        Its population and day zero.
    term
        With conditions: exposed where the last event of the name, on or before the day, meets them; events before
        day zero count. Without: where it has happened by then.
    day
        Days from the endpoint's origin; what happens on the day itself is known.

    Returns
    -------
    numpy.ndarray
        (population,) in the order of ``derive_spells(...).patients``: 1.0 exposed, 0.0 not, NaN not known: never
        measured by then, or with an event of the name that is undated (unless it has happened on a known day, too).

    Raises
    ------
    InputError
        Where the term names no event, asks for a column that the events do not have, or a number of what is not one;
        or where it has no condition although its events carry values, of which none is the exposure.
    """
    parsed = known_event(history, term, key="exposure")
    track = follow_term(history, parsed)
    if not parsed.conditions and track.before != 0.0:
        mend = f"Write {parsed}=VALUE, or {parsed}>=NUMBER."
        raise InputError(f"the values of {term!r} are no exposure", mend=mend, column="exposure")
    included = ~np.any([each.patients for each in exclusions(history, endpoint)], axis=0)
    track = track.among(included, first_day(history, parse_term(endpoint.origin)))
    days, at = snap(track.day, np.full(int(included.sum()), float(day)))
    known = replace(track, day=days).at(np.arange(len(at)), at)
    unsure = track.undated & (known != 1.0) if not parsed.conditions else track.undated
    return np.where(unsure, np.nan, known)
