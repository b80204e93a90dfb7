"""Grades of low blood counts by their depth and duration, early and late, under an edition of ICAHT or T-ICAHT."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from dayzero.grading.blood.daily import Ints, Runs, filled, lowest_by_day, rounded, runs, still_low
from dayzero.grading.bounds import Bounds
from dayzero.grading.editions import Edition
from dayzero.grading.truth import Bools, Floats

BEYOND = 1e9
"""What stands for a value above an upper limit of quantification: above every threshold."""


@dataclass(frozen=True)
class Counts:
    """Values of one analyte on the clocks of courses.

    Attributes
    ----------
    at, since, value
        (values,) the course, whole days from its infusion, and the value in the unit of the edition.
    bound
        (values,) ``""``, ``<`` or ``>``.
    last
        (courses,) last day of each clock; large where it is unknown.
    unseen_after
        (courses,) whether the counts went on after that day, unseen.
    lost
        (courses,) of those, where the patient was lost to follow-up rather than cut off.
    """

    at: Ints
    since: Ints
    value: Floats
    bound: Any
    last: Ints
    unseen_after: Bools
    lost: Bools

    def __len__(self) -> int:
        return len(self.last)


@dataclass(frozen=True)
class Span:
    """A grid of days under both readings of what is not known exactly.

    Attributes
    ----------
    mild, grave
        (courses, days) values as high, and as low, as they can be; NaN where unknown.
    unknown
        (courses, days) days that count but are not known.
    """

    mild: Floats
    grave: Floats
    unknown: Bools

    def low(self, sign: str, limit: float) -> tuple[Bools, Bools]:
        """Return the days that certainly are low, and those that may be."""
        below = np.less_equal if sign == "<=" else np.less
        return below(self.mild, limit), below(self.grave, limit) | self.unknown


@dataclass(frozen=True)
class Early:
    """The early grade of each course.

    Attributes
    ----------
    bounds
        (courses,) grades.
    by_limit
        Of each limit, the runs that are certain and those that may be.
    override
        (courses,) 1 where it never recovered, 0 where it did, -1 where unknown.
    span
        The grid.
    """

    bounds: Bounds
    by_limit: Mapping[float, tuple[Runs, Runs]]
    override: Ints
    span: Span


@dataclass(frozen=True)
class Late:
    """The late grade of each course.

    Attributes
    ----------
    bounds
        (courses,) grades; 0 to 4 where there are too few values.
    values
        (courses,) days with a value.
    nadir_day
        (courses,) first day of the lowest value; -1 where there is none.
    """

    bounds: Bounds
    values: Ints
    nadir_day: Ints


def grid_of(counts: Counts, part: Mapping[str, Any], *, round_to: float, horizon: Ints) -> Span:
    """Return the days ``first`` to ``last`` of an edition's part, gaps filled and rounded."""
    first, days = part["first"], part["last"] - part["first"] + 1
    chosen = (counts.since >= first) & (counts.since <= part["last"])
    last = np.minimum(counts.last, part["last"]) - first
    shape = (len(counts), days)
    at, day, value, bound = (x[chosen] for x in (counts.at, counts.since - first, counts.value, counts.bound))
    readings = (np.where(bound == ">", BEYOND, value), np.where(bound == "<", 0.0, value))
    mild, grave = (
        rounded(
            filled(
                lowest_by_day(at, day, reading, shape), last, max_gap=part["max_gap"], carry_ends=part["carry_ends"]
            ),
            round_to,
        )
        for reading in readings
    )
    within = np.arange(days) <= (horizon - first)[:, None]
    return Span(mild, grave, within & np.isnan(mild))


def grade_early(counts: Counts, edition: Edition, convention: str) -> Early:
    """Grade the days from the infusion to ``early.last``.

    Parameters
    ----------
    counts
        Values and clocks.
    edition
        Of ICAHT or T-ICAHT.
    convention
        ``longest_run`` or ``cumulative``: which days are counted.
    """
    part = edition.table["early"]
    horizon = np.where(counts.unseen_after, part["last"], np.minimum(counts.last, part["last"]))
    span = grid_of(counts, part, round_to=edition.table["round_to"], horizon=horizon)
    sign, recovery = edition.table["sign"], part["recovery"]
    low = {float(limit): span.low(sign, limit) for _, limit, _ in part["rules"]}
    by_limit = {limit: (runs(sure, recovery), runs(may, recovery)) for limit, (sure, may) in low.items()}
    ends = [np.zeros(len(counts), np.int8) for _ in range(2)]
    for grade, limit, least in part["rules"]:
        for end, found in zip(ends, by_limit[float(limit)], strict=True):
            days = found.longest if convention == "longest_run" else found.cumulative
            end[days >= least] = np.maximum(end[days >= least], grade)
    override = np.zeros(len(counts), np.int64)
    if "override" in part:
        override = _override(counts, span, part, low[float(part["override"]["limit"])])
        ends[0] = np.where(override == 1, np.maximum(ends[0], part["override"]["grade"]), ends[0]).astype(np.int8)
        ends[1] = np.where(override != 0, np.maximum(ends[1], part["override"]["grade"]), ends[1]).astype(np.int8)
    return Early(Bounds(ends[0], ends[1]), by_limit, override, span)


def _override(counts: Counts, span: Span, part: Mapping[str, Any], low: tuple[Bools, Bools]) -> Ints:
    """Return 1 where a run from the first days still runs at the last value, 0 where none does, -1 where unknown."""
    rule, days = part["override"], np.arange(span.mild.shape[1])
    known = ~np.isnan(span.mild)
    last_known = np.where(known, days, -1).max(axis=1, initial=-1)
    seen_to = np.minimum(counts.last, part["last"])
    sure, may = (
        still_low(found, end, recovery=part["recovery"], starts_by=rule["starts_by"])
        for found, end in zip(
            low, (last_known, np.where(span.unknown, days, last_known[:, None]).max(axis=1)), strict=True
        )
    )
    closed = (last_known >= seen_to) & (~counts.unseen_after | counts.lost | (seen_to >= part["last"]))
    return np.where(sure & closed, 1, np.where(may | sure, -1, 0))


def grade_late(counts: Counts, edition: Edition) -> Late:
    """Grade the days after the early ones, by the values there are.

    Parameters
    ----------
    counts
        Values and clocks.
    edition
        Of ICAHT or T-ICAHT.
    """
    part = edition.table["late"]
    days = part["last"] - part["first"] + 1
    chosen = (counts.since >= part["first"]) & (counts.since <= part["last"])
    at, day = counts.at[chosen], counts.since[chosen] - part["first"]
    value, bound = counts.value[chosen], counts.bound[chosen]
    ends, shape = [], (len(counts), days)
    for reading in (np.where(bound == ">", BEYOND, value), np.where(bound == "<", 0.0, value)):
        grid = lowest_by_day(at, day, np.asarray(np.round(reading, 6), float), shape)
        ends.append(_by_nadir(grid, part) if "nadir" in part else _by_days(grid, part, edition, counts))
    values = (~np.isnan(grid)).sum(axis=1)
    few = values < part["least_values"]
    lower, upper = np.where(few, 0, ends[0]).astype(np.int8), np.where(few, 4, ends[1]).astype(np.int8)
    lowest = np.where(values > 0, np.where(np.isnan(grid), np.inf, grid).argmin(axis=1), -1)
    nadir_day = np.where(lowest >= 0, lowest + part["first"], -1)
    return Late(Bounds(lower, upper), values, nadir_day)


def _by_nadir(grid: Floats, part: Mapping[str, Any]) -> Ints:
    """Return the grade of the lowest value, 0 where the second lowest lies above its limit."""
    two = np.sort(grid, axis=1)[:, :2]
    lasts = ~(two[:, 1] > part["second"])
    grades = [np.where(lasts & (two[:, 0] <= limit), grade, 0) for grade, limit in part["nadir"]]
    return np.asarray(np.max(grades, axis=0), np.int64)


def _by_days(grid: Floats, part: Mapping[str, Any], edition: Edition, counts: Counts) -> Ints:
    """Return the grade by the number of low values, and by low days with the gaps between values filled."""
    below = np.less_equal if edition.table["sign"] == "<=" else np.less
    grades = [np.where(below(grid, limit).sum(axis=1) >= 2, grade, 0) for grade, limit in part["counted"]]
    last = np.minimum(counts.last, part["last"]) - part["first"]
    daily = filled(grid, last, max_gap=part["max_gap"], carry_ends=part["carry_ends"])
    for grade, limit, least in part["rules"]:
        found = runs(below(daily, limit), part["recovery"])
        days = found.longest if edition.table["default"] == "longest_run" else found.cumulative
        grades.append(np.where(days >= least, grade, 0))
    return np.asarray(np.max(grades, axis=0), np.int64)
