"""Neurotoxicity after immune effector cells (ICANS): the highest grade of each patient and course, with its reasons.

Source: Lee DW et al. 2019 (ASTCT), Biol Blood Marrow Transplant 25:625-638.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.grading.bounds import Bounds, Ints, first_peak, highest_by
from dayzero.grading.editions import Edition, edition
from dayzero.grading.neuro.domains import ASSUMED_NO, COLUMNS, Assessment, assess, recorded
from dayzero.grading.results import Graded
from dayzero.grading.table import Bedside, read_bedside
from dayzero.grading.truth import Bools

SEIZURE_BELOW_3: Final = "SEIZURE_ICANS3"
REPORTED_BELOW: Final = "reported_below_findings"
REPORTED_ABOVE: Final = "reported_above_findings"
SEDATED: Final = "sedated"


def grade_table(
    frame: pl.DataFrame, *, scale: str = "", file: str = "the table", rows: npt.NDArray[np.int64] | None = None
) -> list[Graded]:
    """Grade a bedside table: the highest ICANS of each patient and course.

    Parameters
    ----------
    frame
        (rows, columns) text: ``patient``, ``time``, optionally ``course``, and those of ``icans_domains.COLUMNS``.
    scale
        The edition; empty: ``astct-2019``.
    file, rows
        The file's name, and the row of each row in it, for messages.

    Raises
    ------
    InputError
        Where there is no such edition, or a cell cannot be read.

    Examples
    --------
    >>> row = {"patient": "P1", "time": "30", "age": "41", "ice": "0", "consciousness": "alert", "seizure": "none"}
    >>> row |= {"motor_weakness": "false", "cerebral_oedema": "none"}
    >>> [(r.grade, r.drivers) for r in grade_table(pl.DataFrame([row]))]
    [(3, ('ice',))]
    """
    chosen = edition("icans", scale)
    table = read_bedside(frame, COLUMNS, file=file, rows=rows)
    return list(_results(table, chosen, assess(table, chosen)))


def _results(table: Bedside, edition: Edition, found: Assessment) -> Iterator[Graded]:
    peak = highest_by(found.rows, table.starts)
    drivers = names_by_group(drivers_of(table, found, peak), table)
    missing = names_by_group(missing_of(table, found, peak), table)
    findings = names_by_group(remarks_of(table, edition, found, peak), table)
    times = table.time_of(first_peak(found.rows.lower, table.starts))
    assumptions = names_by_group({words: table.missing(name) for name, words in ASSUMED_NO.items()}, table)
    for at, patient in enumerate(table.patients):
        lower = int(peak.lower[at])
        yield Graded(
            patient=patient,
            course=int(table.courses[at]),
            lower=lower,
            upper=int(peak.upper[at]),
            scale=edition.name,
            drivers=drivers[at],
            missing=missing[at],
            findings=findings[at],
            assumptions=assumptions[at],
            time=times[at] if lower else "",
        )


def drivers_of(table: Bedside, found: Assessment, peak: Bounds) -> dict[str, Bools]:
    """Return, by column, the rows on which it gives the group's lower bound."""
    lower = peak.lower[table.group]
    there = (found.rows.lower == lower) & (lower > 0)
    return {name: there & d.drives & (d.bounds.lower == lower) for name, d in found.domains.items()}


def missing_of(table: Bedside, found: Assessment, peak: Bounds) -> dict[str, Bools]:
    """Return, by column, the rows on which what is missing could raise the group's grade."""
    lower = peak.lower[table.group]
    return {name: found.counts & d.unknown & (d.bounds.upper > lower) for name, d in found.domains.items()}


def remarks_of(table: Bedside, edition: Edition, found: Assessment, peak: Bounds) -> dict[str, Bools]:
    """Return, by code, the rows that a reader must know of."""
    group = table.group
    reported = _highest_reported(table)[group]
    seizure = table.is_any("seizure", "brief", "prolonged").yes & found.counts
    return {
        SEIZURE_BELOW_3: seizure & (reported < edition.table["seizure_at_least"]),
        REPORTED_BELOW: reported < peak.lower[group],
        REPORTED_ABOVE: reported > peak.upper[group],
        SEDATED: recorded(table, "sedated") & found.counts,
    }


def _highest_reported(table: Bedside) -> npt.NDArray[np.float64]:
    """Return the highest reported grade of each group; NaN where none is reported."""
    reported = table.number("reported_grade")
    return np.fmax.reduceat(reported, table.starts) if len(table) else reported


def names_by_group(where: dict[str, Bools], table: Bedside) -> list[tuple[str, ...]]:
    """Return, by patient and course, the names that hold on any of its rows."""
    starts: Ints = table.starts
    if not len(starts):
        return []
    names = list(where)
    held = np.logical_or.reduceat(np.stack([where[name] for name in names]), starts, axis=1)
    return [tuple(name for name, holds in zip(names, group, strict=True) if holds) for group in held.T]
