"""ICAHT and T-ICAHT of a table that stands alone: a row a patient and day, counted from the infusion."""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InputError
from dayzero.grading.blood.counts import Counts, Early, Late, grade_early, grade_late
from dayzero.grading.blood.icaht import LONG, durations, names_of
from dayzero.grading.editions import Edition, edition, editions
from dayzero.grading.results import Graded
from dayzero.grading.table import Bedside, Column, read_bedside
from dayzero.grading.truth import Bools

UNITS: Final = {"1e9/l": 1.0, "/ul": 1e-3}
_SPELLINGS: Final = {
    "1e9/l": "10^9/l x10^9/l 10e9/l k/ul k/µl 10^3/ul 10*9/l",
    "/ul": "cells/ul /µl /μl /mm3 cells/mm3",
}
_ALSO: Final = {other: unit for unit, names in _SPELLINGS.items() for other in names.split()}
COLUMNS: Final = {
    "day": Column("number"),
    "anc": Column("number", lowest=0),
    "platelets": Column("number", lowest=0),
    "unit": Column("choice", tuple(UNITS), also=_ALSO),
    "stop_day": Column("number", lowest=0),
}
SCALES: Final = ("icaht", "t_icaht")


def grade_table(
    frame: pl.DataFrame, *, scale: str = "", file: str = "the table", rows: npt.NDArray[np.int64] | None = None
) -> list[Graded]:
    """Grade a table: early ICAHT of a patient and course, and T-ICAHT.

    Parameters
    ----------
    frame
        (rows, columns) text: ``patient``, ``course``; ``day`` from the infusion; ``anc`` and ``platelets`` with their
        ``unit`` (1e9/L, /uL; of a row); ``stop_day``: the day of death, progression or next therapy, on any row.
    scale
        ``rejeski-2023`` (neutrophils) or ``rejeski-2025`` (platelets); empty: every one whose column is there.
    file, rows
        The file's name, and the row of each row in it, for messages.

    Returns
    -------
    list of Graded
        ``extra`` holds the durations, ``late_grade`` (null where it is not certain), ``late_lower`` and ``late_upper``.

    Raises
    ------
    InputError
        Where a cell cannot be read, a value has no day or no unit, or there is no such scale.

    Examples
    --------
    >>> table = pl.DataFrame({"patient": ["A"] * 31, "day": [str(day) for day in range(31)], "unit": ["/uL"] * 31})
    >>> low = [str(400 if 2 <= day < 9 else 2000) for day in range(31)]
    >>> [(r.grade, r.scale, r.drivers) for r in grade_table(table.with_columns(pl.Series("anc", low)))]
    [(2, 'rejeski-2023', ('anc_500',))]
    """
    known = {name: found for folder in SCALES for name, found in editions(folder).items()}
    if scale and scale not in known:
        raise InputError(f"no edition {scale!r} of icaht", mend=f"There are {', '.join(known)}.")
    wanted = [known[scale]] if scale else [edition(folder) for folder in SCALES]
    there = [one for one in wanted if one.table["analyte"] in frame.columns]
    if not there:
        needed = " or ".join(one.table["analyte"] for one in wanted)
        raise InputError(f"no column {needed}", mend="Add it.", file=file, row=1)
    bedside = read_bedside(frame, COLUMNS, file=file, rows=rows, time="")
    return [result for one in there for result in _graded(bedside, one, (file, rows))]


def _graded(bedside: Bedside, chosen: Edition, place: tuple[str, npt.NDArray[np.int64] | None]) -> list[Graded]:
    counts = _counts(bedside, chosen, place)
    early, late = grade_early(counts, chosen, chosen.table["default"]), grade_late(counts, chosen)
    names = names_of(early, counts, chosen, early.bounds, np.zeros(len(counts), bool))
    extras = _extras(early, late, counts, chosen)
    return [
        Graded(
            patient=patient,
            course=int(bedside.courses[at]),
            lower=int(early.bounds.lower[at]),
            upper=int(early.bounds.upper[at]),
            scale=chosen.name,
            extra=tuple(extras[at].items()),
            drivers=_at(names["drivers"], at),
            missing=_at(names["missing"], at),
            assumptions=_at(names["assumptions"], at),
        )
        for at, patient in enumerate(bedside.patients)
    ]


def _at(found: Mapping[str, Bools], at: int) -> tuple[str, ...]:
    return tuple(name for name, held in found.items() if held[at])


def _counts(bedside: Bedside, chosen: Edition, place: tuple[str, npt.NDArray[np.int64] | None]) -> Counts:
    """Return the values of one analyte from day 0 to the last of the late days."""
    analyte = chosen.table["analyte"]
    value, day = bedside.number(analyte), bedside.number("day")
    measured = ~np.isnan(value)
    for column in ("day", "unit"):
        _demand(bedside.order[measured & bedside.missing(column)], column, place)
    factor = np.select([bedside.is_any("unit", unit).yes for unit in UNITS], list(UNITS.values()), np.nan)
    stop = np.where(np.isnan(bedside.number("stop_day")), np.inf, np.floor(bedside.number("stop_day")))
    last = np.minimum.reduceat(stop, bedside.starts) if len(bedside) else stop
    used = measured & (day >= 0) & (day < chosen.table["late"]["last"] + 1)
    used[used] = np.floor(day[used]) <= last[bedside.group[used]]
    return Counts(
        at=bedside.group[used],
        since=np.floor(day[used]).astype(np.int64),
        value=np.round(value[used] * factor[used], 9) * chosen.table["per_canonical"],
        bound=np.full(int(used.sum()), ""),
        last=np.where(np.isinf(last), LONG, last).astype(np.int64),
        unseen_after=np.isinf(last),
        lost=np.zeros(len(last), bool),
    )


def _demand(lacking: npt.NDArray[np.int64], column: str, place: tuple[str, npt.NDArray[np.int64] | None]) -> None:
    """Refuse rows that lack what cannot be guessed."""
    if len(lacking):
        at, (file, rows) = int(lacking.min()), place
        mend = "Write days from the infusion." if column == "day" else "Write 1e9/L or /uL."
        raise InputError(
            f"no {column}", mend=mend, file=file, row=at + 2 if rows is None else int(rows[at]), column=column
        )


def _extras(early: Early, late: Late, counts: Counts, chosen: Edition) -> list[dict[str, Any]]:
    """Return what is printed beside each grade."""
    reached = counts.last >= chosen.table["late"]["first"]
    lower, upper = late.bounds.lower.astype(int), late.bounds.upper.astype(int)
    frame = pl.DataFrame(durations(early, chosen.table["default"])).with_columns(
        pl.Series("late_grade", lower).set(pl.Series(~reached | (lower != upper)), None),
        pl.Series("late_lower", lower).set(pl.Series(~reached), None),
        pl.Series("late_upper", upper).set(pl.Series(~reached), None),
    )
    return frame.to_dicts()
