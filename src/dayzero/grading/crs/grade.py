"""Grades of cytokine release syndrome under five scales, from one row a patient and time.

The scale travels with every grade: fluids for hypotension are grade 2 under ASTCT and grade 3 under Penn.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.grading.bounds import Bounds, first_peak, graded_if, highest, highest_by
from dayzero.grading.crs.criteria import CRITERIA, Signs
from dayzero.grading.crs.memory import Clock, clock_of, remembered
from dayzero.grading.crs.table import read_crs
from dayzero.grading.editions import Edition, edition, editions
from dayzero.grading.results import Graded
from dayzero.grading.table import Bedside
from dayzero.grading.truth import Bools, Truth

Ints = npt.NDArray[np.int64]
ALL: Final = "all"


@dataclass(frozen=True)
class Rule:
    """One line of an edition: the grade that a criterion means, and where it holds."""

    grade: int
    name: str
    truth: Truth


@dataclass(frozen=True)
class CrsRows:
    """Every row of a bedside table under one edition.

    Attributes
    ----------
    table
        The bedside table.
    edition
        The scale.
    """

    table: Bedside
    edition: Edition

    @cached_property
    def signs(self) -> Signs:
        """The signs of each row."""
        return Signs(self.table, self.edition.table["limits"])

    @cached_property
    def clock(self) -> Clock:
        """The order of the rows."""
        return clock_of(self.table)

    @cached_property
    def gate(self) -> Truth | None:
        """Where hypotension and hypoxia count; None where the scale asks for no fever."""
        return remembered(self.signs, self.clock) if self.edition.table["memory"] else None

    @cached_property
    def rules(self) -> tuple[Rule, ...]:
        """The edition's rules, with where they hold."""
        return tuple(
            Rule(rule["grade"], rule["when"], self._holds(rule["when"])) for rule in self.edition.table["rule"]
        )

    @cached_property
    def bounds(self) -> Bounds:
        """The grade of each row."""
        return highest(*(graded_if(rule.truth, rule.grade) for rule in self.rules))

    @cached_property
    def highest(self) -> Bounds:
        """The highest grade of each patient and course."""
        return highest_by(self.bounds, self.table.starts)

    def _holds(self, name: str) -> Truth:
        truth = CRITERIA[name].holds(self.signs)
        if name in {"death", "fever"}:
            return truth
        truth = truth & self.signs.unattributed
        return truth if self.gate is None else truth & self.gate


def grade_table(
    frame: pl.DataFrame, *, scale: str = "", file: str = "the table", rows: Ints | None = None
) -> list[Graded]:
    """Grade a bedside table: one result a patient and course, the highest.

    Parameters
    ----------
    frame
        (rows, columns) text: ``patient, time`` and the columns of ``crs_table.COLUMNS``; what is absent is unknown.
    scale
        ``astct-2019`` (where empty), ``lee-2014``, ``penn``, ``ctcae-4.03``, ``ctcae-5``, or ``all``.
    file, rows
        The file's name, and the row of each row in it, for messages.

    Raises
    ------
    InputError
        Where there is no such scale, or a cell cannot be read.

    Examples
    --------
    >>> bedside = {"patient": ["P1"], "temp_c": ["38.4"], "hypotension": ["no"], "vasopressors": ["0"]}
    >>> frame = pl.DataFrame(bedside | {"vasopressin": ["no"], "o2_device": ["nasal_cannula"]})
    >>> (result,) = grade_table(frame)
    >>> result.grade, result.lower, result.upper, result.missing
    (None, 2, 3, ('o2_flow_l_min',))
    """
    wanted = list(editions("crs").values()) if scale == ALL else [edition("crs", scale)]
    table = read_crs(frame, file=file, rows=rows)
    return [result for one in wanted for result in crs_results(CrsRows(table, one))]


def compare_scales(frame: pl.DataFrame, *, file: str = "the table", rows: Ints | None = None) -> pl.DataFrame:
    """Grade one table under every scale.

    Returns
    -------
    DataFrame
        One row a patient and course: ``patient``, ``course``, then a column a scale: the grade, or ``2-3`` where only
        bounds are known; ``differ``: whether two scales disagree for certain.
    """
    table = read_crs(frame, file=file, rows=rows)
    found = {name: CrsRows(table, one).highest for name, one in editions("crs").items()}
    words = {name: _words(bounds) for name, bounds in found.items()}
    lower = np.stack([bounds.lower for bounds in found.values()])
    upper = np.stack([bounds.upper for bounds in found.values()])
    differ = lower.max(axis=0, initial=0) > upper.min(axis=0, initial=9)
    head = {"patient": table.patients, "course": table.courses}
    return pl.DataFrame(head | words | {"differ": differ})


def _words(bounds: Bounds) -> list[str]:
    pairs = zip(bounds.lower.tolist(), bounds.upper.tolist(), strict=True)
    return [f"{low}" if low == high else f"{low}-{high}" for low, high in pairs]


def crs_results(rows: CrsRows) -> list[Graded]:
    """Return one result a patient and course."""
    table, best = rows.table, rows.highest
    peaks = first_peak(rows.bounds.lower, table.starts)
    drivers = _collected(len(peaks), _drivers(rows, peaks))
    missing = _collected(len(peaks), _missing(rows))
    findings = _collected(len(peaks), _by_group(table, _findings(rows)))
    assumed = _collected(len(peaks), _by_group(table, _assumptions(rows)))
    silent = tuple(rows.edition.table.get("silent", ()))
    return [
        Graded(
            patient=patient,
            course=course,
            lower=lower,
            upper=upper,
            scale=rows.edition.name,
            drivers=drivers[i],
            missing=missing[i],
            findings=findings[i],
            assumptions=assumed[i] + silent if upper else (),
            time=time if lower else "",
        )
        for i, (patient, course, lower, upper, time) in enumerate(
            zip(
                table.patients.to_list(),
                table.courses.tolist(),
                best.lower.tolist(),
                best.upper.tolist(),
                table.time_of(peaks),
                strict=True,
            )
        )
    ]


Marks = Iterator[tuple[str, Bools]]


def _collected(n: int, marks: Marks) -> list[tuple[str, ...]]:
    """Return for each of ``n`` groups the names of its marks, each once, in the order of the marks."""
    found: list[dict[str, None]] = [{} for _ in range(n)]
    for name, where in marks:
        for i in np.flatnonzero(where):
            found[i][name] = None
    return [tuple(names) for names in found]


def _by_group(table: Bedside, marks: Marks) -> Marks:
    for name, where in marks:
        if where.any():
            yield name, np.logical_or.reduceat(where, table.starts)


def _drivers(rows: CrsRows, peaks: Ints) -> Marks:
    """Yield what gives the highest grade at the time of its first row; of several rows at that time, each counts."""
    together = rows.clock.last_at_once[peaks] - peaks + 1
    starts = np.cumsum(together) - together
    at = np.repeat(peaks - starts, together) + np.arange(together.sum())
    for rule in rows.rules:
        held = np.logical_or.reduceat(rule.truth.yes[at], starts) if len(peaks) else rule.truth.yes[at]
        yield CRITERIA[rule.name].driver, held & (rows.highest.lower == rule.grade)


def _missing(rows: CrsRows) -> Marks:
    """Yield the columns that could still raise a grade."""
    table = rows.table
    lower = np.repeat(rows.highest.lower, table.lengths)
    for rule in rows.rules:
        open_ = rule.truth.unknown & (lower < rule.grade)
        if not open_.any():
            continue
        yield from _by_group(table, _missing_of(rows, CRITERIA[rule.name].columns, open_))
        if rows.gate is not None and rule.name not in {"fever", "death"}:
            ungated = np.logical_or.reduceat(open_ & rows.gate.unknown, table.starts)
            for column in ("temp_c", "antipyretic_or_anticytokine", "time"):
                absent = np.isnan(table.time) if column == "time" else table.missing(column)
                absent = absent & (rows.clock.disordered if column == "time" else True)
                yield column, ungated & np.logical_or.reduceat(absent, table.starts)


def _missing_of(rows: CrsRows, columns: Sequence[str], open_: Bools) -> Marks:
    for column in columns:
        if column == "fio2_of_tube":
            yield "fio2", open_ & rows.signs.intubated_otherwise
        elif column == "o2_flow_l_min":
            cannula = rows.table.is_any("o2_device", "nasal_cannula").yes
            yield column, open_ & cannula & rows.table.missing(column)
        else:
            yield column, open_ & rows.table.missing(column)


def _findings(rows: CrsRows) -> Marks:
    """Yield what a reader must know of the rows."""
    signs, table = rows.signs, rows.table
    unwell = (signs.hypotension.yes | signs.oxygen.yes) & signs.unattributed.yes
    if rows.gate is not None:
        yield "hemodynamic_without_fever", unwell & rows.gate.no
    yield "other_cause", signs.unattributed.no
    yield "intubated_for_another_reason", signs.intubated_otherwise
    yield "pressor_without_hypotension", signs.any_pressor.yes & table.is_any("hypotension", "false").yes
    flow, limit = table.number("o2_flow_l_min"), rows.edition.table["limits"].get("low_flow", 0)
    yield "high_flow_device_at_low_flow", table.is_any("o2_device", "hfnc").yes & (flow <= limit)
    yield "oxygen_without_device", table.is_any("o2_device", "none").yes & ((flow > 0) | (table.number("fio2") > 0.21))
    yield "time_unknown", rows.clock.disordered & np.isnan(table.time)


def _assumptions(rows: CrsRows) -> Marks:
    """Yield what was assumed."""
    signs, table, names = rows.signs, rows.table, {rule.name for rule in rows.rules}
    yield "not_died_of_crs_where_empty", table.missing("died_of_crs")
    yield "no_other_cause_where_empty", table.missing("other_cause")
    tube = table.is_any("o2_device", "imv").yes
    yield "intubated_for_hypoxia_where_empty", tube & table.missing("intubation_reason")
    if "high_fio2" in names:
        yield "fio2_estimated_from_flow", signs.estimated
    if "two_pressors" in names:
        yield "vasopressin_alone_is_one_vasopressor", signs.vasopressin.yes & (table.number("vasopressors") == 0)
    if "high_dose" in names:
        yield "one_dose_limit_for_every_vasopressor", signs.any_pressor.yes & ~table.missing("pressor_nee")
    if rows.gate is not None:
        first = np.arange(len(table)) == rows.clock.first
        given = table.flag("antipyretic_or_anticytokine").yes & first & signs.fever.no
        yield "onset_before_the_table", given & ~rows.clock.disordered
