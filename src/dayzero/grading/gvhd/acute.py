"""Acute GVHD: the highest overall grade of each patient and course, its onset, and what set it.

Scales: ``magic`` (Harris 2016) and ``glucksberg`` (modified, Przepiorka 1995), editions in ``editions/agvhd``. Gut
stage 4 is grade IV in the first and III in the second; otherwise they agree.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.grading.bounds import Grades, first_peak, highest_by
from dayzero.grading.gvhd.days import MEASURED, ORGANS, PERFORMANCE, Days, Source, grade_days
from dayzero.grading.results import Graded
from dayzero.grading.table import Ints
from dayzero.grading.truth import Bools

ONSET_GRADES: Final = (1, 2, 3)
Flags = Mapping[str, Bools]


def grade_agvhd(
    frame: pl.DataFrame,
    *,
    scale: str = "",
    file: str = "the table",
    rows: npt.NDArray[np.int64] | None = None,
    as_of: float | None = None,
) -> list[Graded]:
    """Grade acute GVHD: one result a patient and course, the highest.

    Parameters
    ----------
    frame
        (rows, columns) text: ``patient``, ``day``, and organ stages ``skin``, ``liver``, ``upper_gi``, ``lower_gi``
        or the measurements that make them (``agvhd_days.MEASURED``); ``course`` is the number of the transplant.
        ``attribution`` (hsct, dli, car_t) is carried through.
    scale
        ``magic`` (the default) or ``glucksberg``.
    file, rows
        The file's name, and the row of each row in it, for messages.
    as_of
        Day after which rows are ignored.

    Returns
    -------
    list of Graded
        ``extra`` holds ``onset_1`` to ``onset_3``: the first day at that grade or above, None where it is not certain
        or never was; and ``onset_1_bounds`` to ``onset_3_bounds``: the first day on which it may, and on which it
        must, have been reached. ``stool_stages``, where the volume and the episodes of stool give different stages:
        the day, and the stage by each.

    Raises
    ------
    InputError
        Where a cell cannot be read, a bilirubin has no unit, or there is no such scale.

    Examples
    --------
    >>> table = pl.DataFrame({"patient": ["A"], "day": ["20"], "skin": ["1"], "liver": ["0"], "lower_gi": ["0"]})
    >>> found = grade_agvhd(table)[0]
    >>> found.grade, found.lower, found.upper, found.missing
    (None, 1, 2, ('upper_gi',))
    """
    days = grade_days(Source(frame, file, rows), scale=scale, as_of=as_of)
    bedside = days.bedside
    top = highest_by(days.overall, bedside.starts)
    drivers = _names(_drivers(days, top.lower), bedside.starts)
    missing = _names(_missing(days, top.lower), bedside.starts)
    findings = _names(days.findings, bedside.starts)
    times = bedside.time_of(first_peak(days.overall.lower, bedside.starts))
    extras = _extras(days)
    return [
        Graded(
            patient=patient,
            course=int(bedside.courses[i]),
            lower=int(top.lower[i]),
            upper=int(top.upper[i]),
            scale=days.scale.name,
            drivers=drivers[i],
            missing=missing[i],
            findings=findings[i] + _several_attributions(extras[i]),
            assumptions=_assumptions(days, drivers[i], int(top.lower[i])),
            time=times[i] if top.lower[i] else "",
            extra=tuple(extras[i].items()),
        )
        for i, patient in enumerate(bedside.patients)
    ]


def agvhd_days(
    frame: pl.DataFrame, *, scale: str = "", file: str = "the table", as_of: float | None = None
) -> pl.DataFrame:
    """Grade acute GVHD day by day.

    Parameters
    ----------
    frame, scale, file, as_of
        As for ``grade_agvhd``.

    Returns
    -------
    DataFrame
        One row a row of the table, by patient, course and day: ``grade`` (null where the bounds differ), ``lower``,
        ``upper``, and of each organ ``skin_lower``, ``skin_upper``, ... its stage.
    """
    days = grade_days(Source(frame, file), scale=scale, as_of=as_of)
    bedside, overall = days.bedside, days.overall
    columns: dict[str, Any] = {
        "patient": bedside.patients.gather(bedside.group),
        "course": bedside.courses[bedside.group],
        "day": days.day,
        "lower": overall.lower,
        "upper": overall.upper,
    }
    for organ, stage in days.stages.items():
        columns |= {f"{organ}_lower": stage.lower, f"{organ}_upper": stage.upper}
    grade = pl.when(pl.col("lower") == pl.col("upper")).then(pl.col("lower")).alias("grade")
    return pl.DataFrame(columns).with_columns(grade, pl.col("day").fill_nan(None))


def _drivers(days: Days, lower: Grades) -> Flags:
    """Return, by organ, the rows on which it gives the highest certain grade."""
    top = lower[days.bedside.group]
    reached = (top > 0) & (days.overall.lower == top)
    return {name: reached & (grade.lower == top) for name, grade in days.grades.items()}


def _missing(days: Days, lower: Grades) -> Flags:
    """Return, by column, the rows on which it is unknown and might raise the highest certain grade."""
    bedside, top = days.bedside, lower[days.bedside.group]
    found: dict[str, Bools] = {}
    for organ in ORGANS:
        grade = days.grades[organ]
        found |= _unknown(days, organ, (grade.upper > top) & (grade.upper > grade.lower))
    if PERFORMANCE in days.grades:
        found[PERFORMANCE] = (days.grades[PERFORMANCE].upper > top) & bedside.missing(PERFORMANCE)
    return found


def _unknown(days: Days, organ: str, opened: Bools) -> Flags:
    """Return what is unknown of an organ: its stage, or the measurements where the table has any of them."""
    bedside, columns = days.bedside, MEASURED[organ]
    if not any(name in bedside.cells for name in columns):
        return {organ: opened}
    asked = (*columns, *(name for name in ("mixed_urine",) if organ == "lower_gi" and name in bedside.cells))
    found = {name: opened & bedside.missing(name) for name in asked}
    if organ == "lower_gi":
        amounts = ("stool_ml", "stool_ml_kg", "episodes")
        found["stool_ml"] = np.logical_and.reduce([found.pop(name) for name in amounts])
    return found


def _names(flags: Flags, starts: Ints) -> list[tuple[str, ...]]:
    """Return, by patient and course, the names that are set on any of its rows."""
    if not len(starts):
        return []
    found = {name: np.logical_or.reduceat(rows, starts) for name, rows in flags.items()}
    return [tuple(name for name in found if found[name][i]) for i in range(len(starts))]


def _assumptions(days: Days, drivers: Iterable[str], lower: int) -> tuple[str, ...]:
    rules = days.scale.table
    named = tuple(rules.get("assumptions", {}).get(name, "") for name in drivers)
    unasked = "performance" in rules and PERFORMANCE not in days.grades and lower < rules["performance"]["grade"]
    return tuple(filter(None, named)) + (("no_extreme_performance_loss",) if unasked and lower else ())


def _extras(days: Days) -> list[dict[str, Any]]:
    overall = days.overall
    extras: list[dict[str, Any]] = [{} for _ in days.bedside.starts]
    for grade in ONSET_GRADES:
        may = _first_day(days, overall.upper >= grade, undated=-np.inf)
        must = _first_day(days, overall.lower >= grade, undated=np.inf)
        for extra, early, late in zip(extras, may, must, strict=True):
            extra[f"onset_{grade}"] = late if early == late else None
            extra[f"onset_{grade}_bounds"] = (early, late)
    for row in np.flatnonzero(days.gut.contradiction):
        group = int(days.bedside.group[row])
        extras[group]["stool_stages"] = (*extras[group].get("stool_stages", ()), _stool_stages(days, int(row)))
    if days.attribution is not None:
        words = pl.DataFrame({"group": days.bedside.group, "word": days.attribution}).drop_nulls()
        for group, word in words.unique(maintain_order=True).iter_rows():
            extras[group]["attribution"] = (*extras[group].get("attribution", ()), word)
    return extras


def _stool_stages(days: Days, row: int) -> dict[str, Any]:
    """Return the stages, as lower and upper, that the volume and the episodes of a row each give."""
    ends = {"by_volume": days.gut.volume, "by_episodes": days.gut.episodes}
    stages = {name: [int(stage.lower[row]), int(stage.upper[row])] for name, stage in ends.items()}
    return {"day": days.bedside.time_of(np.array([row]))[0]} | stages


def _first_day(days: Days, rows: Bools, *, undated: float) -> list[float | str | None]:
    """Return the first day of each patient and course on which a row is marked; None where there is none."""
    if not len(days.bedside):
        return []
    marked = np.where(rows, np.where(np.isnan(days.day), undated, days.day), np.inf)
    first = np.minimum.reduceat(marked, days.bedside.starts)
    return [_shown(value, dated=days.dated) if np.isfinite(value) else None for value in first]


def _shown(day: float, *, dated: bool) -> float | str:
    """Return a day as its table has it: a number, or an ISO date."""
    return str(np.datetime64(int(np.floor(day)), "D")) if dated else float(day)


def _several_attributions(extra: Mapping[str, Any]) -> tuple[str, ...]:
    return ("several_attributions",) if len(extra.get("attribution", ())) > 1 else ()
