"""Episodes of CRS: onset, resolution, duration, reopening.

Onset is the first row that is certainly of grade 1 or more. Resolution is the first row on which fever, hypotension and
oxygen have certainly been absent for 24 hours. A fever within 48 hours of it reopens the episode; a later one is a new
episode. An episode without a resolution is open: its duration is censored at the last row, or at the death.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import polars as pl

from dayzero.grading.crs.grade import CrsRows
from dayzero.grading.crs.memory import Clock, resolved
from dayzero.grading.crs.table import read_crs
from dayzero.grading.editions import edition
from dayzero.grading.truth import Bools

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
    for row in np.flatnonzero((active | over) & ~clock.disordered).tolist():
        if episode is not None and clock.first[row] != clock.first[episode.onset]:
            yield episode
            episode = None
        if episode is None:
            episode = Episode(row) if active[row] else None
        elif over[row]:
            episode = replace(episode, end=row) if episode.end < 0 else episode
        elif episode.end >= 0:
            soon = fever[row] and clock.hours[row] - clock.hours[episode.end] <= REOPENS_WITHIN_HOURS
            if not soon:
                yield episode
            episode = Episode(episode.onset, reopened=episode.reopened + 1) if soon else Episode(row)
    if episode is not None:
        yield episode


def _described(rows: CrsRows) -> Iterator[tuple[object, ...]]:
    table, clock, signs, lower = rows.table, rows.clock, rows.signs, rows.bounds.lower
    over = resolved(signs.quiet.yes, clock) & (lower == 0)
    active = lower >= 1
    group, last = table.group, np.append(table.starts[1:], len(table)) - 1
    number, before = 0, -1
    for one in find_episodes(active, signs.fever.yes, over, clock):
        patient = int(group[one.onset])
        number, before = (number + 1 if patient == before else 1), patient
        end = one.end if one.end >= 0 else int(last[patient])
        peak = one.onset + int(np.argmax(lower[one.onset : end + 1]))
        died = bool(signs.death.yes[one.onset : end + 1].any())
        onset, resolution = table.time_of(np.array([one.onset, end]))
        hours = float(table.time[end] - table.time[one.onset])
        closed = one.end >= 0 and not died
        yield (
            *(table.patients[patient], int(table.courses[patient]), number, onset, resolution if closed else None),
            *(hours if closed else None, hours, int(lower[peak])),
            *(float(table.time[peak] - table.time[one.onset]), one.reopened),
            "death" if died else "resolved" if closed else "open",
        )
