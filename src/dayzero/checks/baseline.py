"""Checks of baseline values against the dates, and against what a body can be."""

import re
from collections.abc import Iterable
from typing import Final

import numpy as np
import polars as pl

from dayzero.checks.evidence import Evidence, Fault, Floats, patients_fault

BIRTH: Final = frozenset(
    "birth birthday birthdate birth_date date_of_birth birth_dt dob born date_birth day_of_birth".split()
)
BOUNDS: Final = {"age": (0.0, 110.0), "weight": (0.5, 250.0), "height": (40.0, 220.0)}
"""What is possible: years, kilograms, centimetres."""
FILLERS: Final = frozenset("at in kg cm years year infusion diagnosis enrolment hsct".split())
BODY: Final = ("weight", "height")
SLIP: Final = 2.0
"""A weight or a height that is so many times the median of adults, or less than its inverse, is looked at."""
ADULT: Final = 18.0
LEAST: Final = 10
YEAR: Final = 365.25
_DATE: Final = r"^\s*([0-9]{4}-[0-9]{2}-[0-9]{2})"


def birth_after_event(evidence: Evidence) -> Iterable[Fault]:
    """Find patients born after their first event."""
    first = evidence.first(np.arange(len(evidence.day)))
    words = "{n} born, by the column %r, after their first event."
    return [
        fault
        for name, born in _births(evidence).items()
        for fault in patients_fault(np.flatnonzero(born > first), words % name, column=name)
    ]


def age_against_birth(evidence: Evidence) -> Iterable[Fault]:
    """Find ages that the patient had neither on the day of the first event nor of the last, nor between them."""
    ages = [name for name in evidence.history.patients.columns if _about(name) == "age"]
    return [
        fault
        for born in _births(evidence).values()
        for name in ages
        for fault in _age(evidence, name, born)
    ]  # fmt: skip


def _age(evidence: Evidence, name: str, born: Floats) -> Iterable[Fault]:
    every = np.arange(len(evidence.day))
    age = _numbers(evidence.history.patients[name])
    youngest = (evidence.first(every) - born) / YEAR - 1
    oldest = (evidence.last(every) - born) / YEAR + 1
    wrong = (born <= evidence.first(every)) & ((age < youngest) | (age > oldest))
    words = f"{{n}} whose {name!r} does not fit between birth and events."
    return patients_fault(np.flatnonzero(wrong), words, column=name)


def value_implausible(evidence: Evidence) -> Iterable[Fault]:
    """Find ages, weights and heights that nobody has, or that differ from all others as two units do."""
    table = evidence.history.patients
    known = {name: about for name in table.columns if (about := _about(name)) and table[name].dtype == pl.Float64}
    ages = [name for name, about in known.items() if about == "age"]
    adult = _numbers(table[ages[0]]) >= ADULT if ages else np.ones(table.height, bool)
    for name, about in known.items():
        values, (low, high) = _numbers(table[name]), BOUNDS[about]
        wrong = (values < low) | (values > high)
        if about in BODY and np.isfinite(values[adult]).sum() >= LEAST:
            ratio = values / np.nanmedian(values[adult])
            wrong |= adult & ((ratio > SLIP) | (ratio < 1 / SLIP))
        words = f"{{n}} with a {name!r} that is hardly possible: a slip of the unit, of a digit or of the column."
        yield from patients_fault(np.flatnonzero(wrong), words, column=name)


def _about(name: str) -> str:
    """Return which quantity a column's name means; empty where none: an age of the donor is another's."""
    words = re.findall(r"[a-z]+", name.casefold())
    rest = [word for word in words if word not in FILLERS]
    return rest[0] if len(rest) == 1 and rest[0] in BOUNDS else ""


def _births(evidence: Evidence) -> dict[str, Floats]:
    """Return (patients,) the day of birth by each column that has it; NaN where it is no date."""
    if not evidence.history.calendar:
        return {}
    table = evidence.history.patients
    names = [name for name in table.columns if "_".join(re.findall(r"[a-z]+", name.casefold())) in BIRTH]
    return {name: _days(table[name]) for name in names if table[name].dtype == pl.String}


def _days(texts: pl.Series) -> Floats:
    dates = texts.str.extract(_DATE).str.to_date("%Y-%m-%d", strict=False)
    return dates.cast(pl.Int64).cast(pl.Float64).fill_null(np.nan).to_numpy()


def _numbers(column: pl.Series) -> Floats:
    return column.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
