"""Time-varying columns and exposures: what was known of a patient on a day, never what was learned later."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from dayzero.endpoints.tracks import Track, follow_term, known_event
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.spells import CENSORED, Spells

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def find_tracks(history: History, terms: Sequence[str], taken: Sequence[str]) -> dict[str, Track]:
    """Return the track of each time-varying column, by the term as written.

    Raises
    ------
    InputError
        Where a term names no event, or a column that is there already: of the patients, or in ``taken``.
    """
    for text in terms:
        if text in {*history.patients.columns, *taken}:
            mend = "Rename the baseline column, or take the term out of the treatments."
            raise InputError(f"{text!r} is the name of another column too", mend=mend, column="time_varying")
    return {text: _column(history, text) for text in terms}


def _column(history: History, text: str) -> Track:
    """Return the track of a column; a condition is not met (0.0) before there is anything to meet it."""
    term = known_event(history, text, key="time_varying")
    track = follow_term(history, term)
    return replace(track, before=0.0) if term.conditions else track


def split_at_changes(spells: Spells, tracks: Mapping[str, Track]) -> Spells:
    """Split a table of one row a patient where a column changes, and add the columns.

    Parameters
    ----------
    spells
        One row a patient, in their order.
    tracks
        By column's name, the values of each patient in days from the origin. A change on day d counts from after
        its day, as a treatment does (convention 3); what is known on day zero or before holds from the start.

    Returns
    -------
    Spells
        Rows by patient and time.
    """
    if not tracks:
        return spells
    patient, day = _cuts(spells, list(tracks.values()))
    owner = np.concatenate((np.arange(len(spells)), patient))
    start = np.concatenate((spells.start, day))
    order = np.lexsort((start, owner))
    owner, start = owner[order], start[order]
    last = np.ones(len(owner), bool)
    last[:-1] = owner[1:] != owner[:-1]
    taken = spells.where(owner)  # type: ignore[arg-type]
    stop = np.where(last, taken.stop, np.concatenate((start[1:], start[:1])))
    known = np.maximum(start, 0.0)
    columns = {name: track.at(owner, known) for name, track in tracks.items()}
    to = np.where(last, taken.to, CENSORED)
    return replace(taken, start=start, stop=stop, to=to, columns={**taken.columns, **columns})


def _cuts(spells: Spells, tracks: Sequence[Track]) -> tuple[Ints, Floats]:
    """Return patient and day of the changes inside each patient's row, each once."""
    found = [track.changes() for track in tracks]
    patient = np.concatenate([patients for patients, _ in found])
    day = np.concatenate([days for _, days in found])
    inside = (day > np.maximum(spells.start[patient], 0.0)) & (day < spells.stop[patient])
    patient, day = patient[inside], day[inside]
    order = np.lexsort((day, patient))
    patient, day = patient[order], day[order]
    new = np.ones(len(order), bool)
    new[1:] = (patient[1:] != patient[:-1]) | (day[1:] != day[:-1])
    return patient[new], day[new]
