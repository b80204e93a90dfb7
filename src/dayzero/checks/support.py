"""Checks of what a comparison rests on: treated and untreated patients, on every landmark, among every kind."""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import polars as pl

from dayzero.checks.evidence import Bools, counted
from dayzero.errors import Finding
from dayzero.spells import CENSORED, Spells

FEW_TREATED: Final = 10
FEW_PATIENTS: Final = 10


def landmark_few_treated(spells: Spells, treatment: str, landmarks: Sequence[float]) -> tuple[Finding, ...]:
    """Find landmarks with fewer than 10 treated patients under observation.

    Parameters
    ----------
    spells
        The table.
    treatment
        A key of ``Spells.treatments``; patients without a known day do not count.
    landmarks
        Days from the origin.
    """
    return tuple(finding for day in landmarks for finding in _few_treated(spells, treatment, day))


def _few_treated(spells: Spells, treatment: str, landmark: float) -> tuple[Finding, ...]:
    seen = np.unique(spells.patient[(spells.start <= landmark) & (landmark < spells.stop)])
    day = spells.treatments[treatment][seen]
    treated, known = int(np.count_nonzero(day <= landmark)), int(np.count_nonzero(~np.isnan(day)))
    if treated >= FEW_TREATED:
        return ()
    people = counted(known, "patient") + (" at risk" if known == len(seen) else " at risk of whom it is known")
    how_many = f"only {treated}" if treated else "none"
    message = (
        f"On day {landmark:g} {how_many} of {people} had {treatment}: the landmark analysis is estimated as asked, but "
        "says little."
    )
    return (Finding("warning", "landmark-few-treated", message, mend="Take a later landmark, planned beforehand."),)


def positivity(
    spells: Spells, treatment: str, columns: Sequence[str], *, within: float = np.inf
) -> tuple[Finding, ...]:
    """Find kinds of patients of whom nobody, or everybody, starts the treatment while at risk.

    Parameters
    ----------
    spells
        The table; rows after the treatment are not looked at.
    treatment
        A key of ``Spells.treatments``; patients without a known day do not count.
    columns
        The columns adjusted for, time-varying ones included. A kind is a level of a text column or of a numeric one
        with two values, else the lower or upper half of a numeric one; a patient who changes is of several kinds.
    within
        Days within which the treatment must start: the grace period.

    Returns
    -------
    tuple of Finding
        ``positivity`` for every kind with at least 10 patients; nothing where nobody at all is treated.
    """
    day = spells.treatments[treatment][spells.patient]
    with np.errstate(invalid="ignore"):
        may = (spells.start < np.minimum(day, within)) & ~np.isnan(day)
        before = (day < spells.stop) | ((day == spells.stop) & (spells.to == CENSORED))
        starts = may & before & (day <= within)
    if not starts.any():
        return ()
    known = [name for name in columns if name in spells.columns or name in spells.patients.columns]
    kinds = [kind for name in known for kind in _kinds(spells, name, may)]
    return tuple(
        finding
        for words, rows in kinds
        for finding in _one_sided(_patients(spells, may & rows), _patients(spells, starts & rows), words, treatment)
    )


def _patients(spells: Spells, rows: Bools) -> int:
    return len(np.unique(spells.patient[rows]))


def _one_sided(n: int, treated: int, words: str, treatment: str) -> tuple[Finding, ...]:
    if n < FEW_PATIENTS or 0 < treated < n:
        return ()
    who, other = ("Nobody", "with") if treated == 0 else ("Everybody", "without")
    message = (
        f"{who} among {n:,} patients with {words} started {treatment} while at risk: nothing can be compared among "
        f"them, and what they would be {other} it is extrapolated."
    )
    mend = "Restrict the population, or join this kind with another; leave the column out only if it is no confounder."
    return (Finding("warning", "positivity", message, mend=mend),)


def _kinds(spells: Spells, name: str, may: Bools) -> Iterator[tuple[str, Bools]]:
    """Yield each kind of patient that a column tells apart, in words and as (rows,); halves are of patients."""
    column = spells.of(name)
    if column.dtype.is_numeric():
        column = column.cast(pl.Float64).fill_nan(None)
    levels = column.filter(pl.Series(may)).drop_nulls().unique().sort().to_list()
    if column.dtype.is_numeric() and len(levels) > 2:
        firsts = np.flatnonzero(may)[np.unique(spells.patient[may], return_index=True)[1]]
        values = column.fill_null(np.nan).to_numpy()
        middle = float(np.nanmedian(values[firsts]))
        yield f"{name} in the lower half", np.asarray(values <= middle)
        yield f"{name} in the upper half", np.asarray(values > middle)
        return
    for level in levels:
        words = f"{level:g}" if isinstance(level, float) else str(level)
        yield f"{name}={words}", (column == level).fill_null(value=False).to_numpy()
