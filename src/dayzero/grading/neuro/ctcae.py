"""Neurotoxicity by CTCAE: the highest grade of the nervous system's terms.

The grade of each term is the clinician's. Source: NCI CTCAE 4.03. It is not ICANS: a brief seizure can be grade 1 here,
and is grade 3 there. ``severe`` adds the definition that some trials print: grade >= 3, or a seizure of any grade.
"""

from collections.abc import Mapping
from functools import reduce
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.grading.bounds import Bounds, first_peak, highest, highest_by
from dayzero.grading.editions import edition
from dayzero.grading.neuro.icans import names_by_group
from dayzero.grading.results import Graded
from dayzero.grading.table import Bedside, Column, read_bedside
from dayzero.grading.truth import Truth, assumed_no, at_least

OTHER_CAUSE: Final = "no_other_cause_where_empty"


def grade_table(
    frame: pl.DataFrame, *, scale: str = "", file: str = "the table", rows: npt.NDArray[np.int64] | None = None
) -> list[Graded]:
    """Grade a table of CTCAE terms: the highest of each patient and course.

    Parameters
    ----------
    frame
        (rows, columns) text: ``patient``, ``time``, optionally ``course`` and ``other_cause``; a column a term.
    scale
        The edition; empty: ``ctcae-4.03``.
    file, rows
        The file's name, and the row of each row in it, for messages.

    Returns
    -------
    list
        ``extra`` holds ``severe``: grade >= 3, or a seizure of any grade; None where that is open.

    Raises
    ------
    InputError
        Where there is no such edition, or a cell cannot be read: a grade that the term does not have, too.

    Examples
    --------
    >>> row = dict.fromkeys("encephalopathy depressed_consciousness confusion dysphasia tremor headache".split(), "0")
    >>> (result,) = grade_table(pl.DataFrame([{"patient": "P1", "seizure": "1"} | row]))
    >>> result.grade, result.drivers, dict(result.extra)
    (1, ('seizure',), {'severe': True})
    """
    chosen = edition("neurotoxicity", scale)
    terms: Mapping[str, int] = chosen.table["terms"]
    columns = {name: Column("number", lowest=0, highest=most, whole=True) for name, most in terms.items()}
    table = read_bedside(frame, columns | {"other_cause": Column("flag")}, file=file, rows=rows)
    counts = ~assumed_no(table.flag("other_cause")).yes
    graded = {name: _bounds(table, name, most, counts) for name, most in terms.items()}
    severe = _severe(table, graded, chosen.table["severe_from"])
    return _results(table, chosen.name, graded, severe)


def _bounds(table: Bedside, name: str, most: int, counts: npt.NDArray[np.bool_]) -> Bounds:
    grades = table.number(name)
    lower, upper = np.where(np.isnan(grades), 0, grades), np.where(np.isnan(grades), most, grades)
    return Bounds((lower * counts).astype(np.int8), (upper * counts).astype(np.int8))


def _severe(table: Bedside, graded: Mapping[str, Bounds], limit: int) -> list[bool | None]:
    """Return, by patient and course, whether it was severe."""
    limits = {name: 1 if name == "seizure" else limit for name in graded}
    peaks = {name: highest_by(bounds, table.starts) for name, bounds in graded.items()}
    reached = [
        Truth(at_least(peaks[name].lower.astype(float), at).yes, at_least(peaks[name].upper.astype(float), at).no)
        for name, at in limits.items()
    ]
    severe = reduce(Truth.__or__, reached)
    return [True if yes else False if no else None for yes, no in zip(severe.yes, severe.no, strict=True)]


def _results(table: Bedside, scale: str, graded: Mapping[str, Bounds], severe: list[bool | None]) -> list[Graded]:
    rows = highest(*graded.values())
    peak = highest_by(rows, table.starts)
    lower = peak.lower[table.group]
    drivers = names_by_group({name: (b.lower == lower) & (lower > 0) for name, b in graded.items()}, table)
    open_ = {name: (b.lower < b.upper) & (b.upper > lower) for name, b in graded.items()}
    missing = names_by_group(open_, table)
    assumptions = names_by_group({OTHER_CAUSE: table.missing("other_cause")}, table)
    times = table.time_of(first_peak(rows.lower, table.starts))
    fields: list[dict[str, Any]] = [
        {"patient": patient, "course": int(course), "lower": int(low), "upper": int(high)}
        for patient, course, low, high in zip(table.patients, table.courses, peak.lower, peak.upper, strict=True)
    ]
    return [
        Graded(
            **field,
            scale=scale,
            drivers=drivers[at],
            missing=missing[at],
            assumptions=assumptions[at],
            time=times[at] if field["lower"] else "",
            extra=(("severe", severe[at]),),
        )
        for at, field in enumerate(fields)
    ]
