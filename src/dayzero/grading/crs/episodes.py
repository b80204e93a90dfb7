"""Episodes of CRS: onset, resolution, duration, reopening.

Onset is the first row that is certainly of grade 1 or more. Resolution is the first row on which fever, hypotension and
oxygen have certainly been absent for 24 hours. A fever within 48 hours of it reopens the episode; a later one is a new
episode. An episode without a resolution is open: its duration is censored at the last row, or at the death.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.grading.crs.grade import CrsRows
from dayzero.grading.crs.memory import Clock, resolved
from dayzero.grading.crs.table import read_crs
from dayzero.grading.editions import edition
from dayzero.grading.truth import Bools

Ints = npt.NDArray[np.int64]
REOPENS_WITHIN_HOURS: Final = 48.0


@dataclass(frozen=True)
class Episode:
    """Rows of one episode.

    Attributes
    ----------
    onset
        Its first row.
    end
        The row of its resolution; -1 while it is open.
    reopened
        How often a fever reopened it.
    """

    onset: int
    end: int = -1
    reopened: int = 0


def crs_episodes(frame: pl.DataFrame, *, scale: str = "", file: str = "the table") -> pl.DataFrame:
    """Find the episodes of CRS in a bedside table.

    Parameters
    ----------
    frame
        As for ``grade_table``.
    scale
        The edition; empty: the default.
    file
        The file's name in messages.

    Returns
    -------
    DataFrame
        One row an episode: ``patient``, ``course``, ``episode`` (1, 2, ...), ``onset`` and ``resolution`` as written,
        ``hours`` (null while open), ``followed_hours`` (to the resolution or the last row), ``grade`` (the highest that
        is certain), ``hours_to_highest``, ``reopened``, ``ended`` (``resolved``, ``death`` or ``open``). Patients
        whose rows have no time are left out.
    """
    rows = CrsRows(read_crs(frame, file=file), edition("crs", scale))
    return pl.DataFrame(list(_described(rows)), schema=_SCHEMA, orient="row")


_SCHEMA: Final = {
    "patient": pl.String,
    "course": pl.Int64,
    "episode": pl.Int64,
    "onset": pl.String,
    "resolution": pl.String,
    "hours": pl.Float64,
    "followed_hours": pl.Float64,
    "grade": pl.Int64,
    "hours_to_highest": pl.Float64,
    "reopened": pl.Int64,
    "ended": pl.String,
}


def find_episodes(active: Bools, fever: Bools, over: Bools, clock: Clock) -> Iterator[Episode]:
    """Yield the episodes in the order of the rows.

    Parameters
    ----------
    active, fever, over
        (rows,) where the grade is 1 or more, where there is fever, and where nothing has been there for 24 hours.
    clock
        The order of the rows.
    """
    episode: Episode | None = None
    for row in _turns(active, over, clock).tolist():
        if episode is not None and clock.first[row] != clock.first[episode.onset]:
            yield episode
            episode = None
        if episode is None:
            episode = Episode(row) if active[row] else None
        elif over[row]:
            episode = replace(episode, end=row) if episode.end < 0 else episode
        elif episode.end >= 0:
            hot = fever[row : clock.last_at_once[row] + 1].any()
            soon = hot and clock.hours[row] - clock.hours[episode.end] <= REOPENS_WITHIN_HOURS
            if not soon:
                yield episode
            episode = Episode(episode.onset, reopened=episode.reopened + 1) if soon else Episode(row)
    if episode is not None:
        yield episode


def _turns(active: Bools, over: Bools, clock: Clock) -> Ints:
    """Return the rows that can begin or end an episode: the first of each run of active, or of quiet, rows."""
    rows = np.flatnonzero((active | over) & ~clock.disordered)
    turns = np.ones(len(rows), bool)
    turns[1:] = (np.diff(active[rows].astype(np.int8)) != 0) | (np.diff(clock.first[rows]) != 0)
    return rows[turns]


@dataclass(frozen=True)
class Course:
    """An episode in its place.

    Attributes
    ----------
    group, number
        Which patient and course of the table, and its how-manieth episode.
    episode
        Its rows.
    last, peak
        The row of its resolution or else the last of the course, and the first with its highest grade.
    died
        Whether it ended with a death of CRS.
    """

    group: int
    number: int
    episode: Episode
    last: int
    peak: int
    died: bool

    @property
    def closed(self) -> bool:
        """Return whether it was resolved."""
        return self.episode.end >= 0 and not self.died

    @property
    def ended(self) -> str:
        """Return how it ended."""
        return "death" if self.died else "resolved" if self.closed else "open"


def episodes_of(rows: CrsRows) -> Iterator[Course]:
    """Yield the episodes of every patient and course of a graded table."""
    table, clock, signs, lower = rows.table, rows.clock, rows.signs, rows.bounds.lower
    over = resolved(signs.quiet.yes, clock) & (lower == 0)
    last = np.append(table.starts[1:], len(table)) - 1
    number, before = 0, -1
    for one in find_episodes(lower >= 1, signs.fever.yes, over, clock):
        patient = int(np.searchsorted(table.starts, one.onset, side="right")) - 1
        number, before = (number + 1 if patient == before else 1), patient
        end = one.end if one.end >= 0 else int(last[patient])
        peak = one.onset + int(np.argmax(lower[one.onset : end + 1]))
        yield Course(patient, number, one, end, peak, bool(signs.death.yes[one.onset : end + 1].any()))


def _described(rows: CrsRows) -> Iterator[tuple[object, ...]]:
    table = rows.table
    for one in episodes_of(rows):
        start = one.episode.onset
        onset, resolution = table.time_of(np.array([start, one.last]))
        hours = float(table.time[one.last] - table.time[start])
        yield (
            *(table.patients[one.group], int(table.courses[one.group]), one.number),
            *(onset, resolution if one.closed else None, hours if one.closed else None, hours),
            int(rows.bounds.lower[one.peak]),
            *(float(table.time[one.peak] - table.time[start]), one.episode.reopened, one.ended),
        )
