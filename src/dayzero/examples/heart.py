"""103 patients accepted by the Stanford heart transplant programme (Crowley and Hu 1977; R's ``survival::jasa``)."""

from collections.abc import Iterable
from datetime import date
from math import isnan
from pathlib import Path
from typing import Any, Final

from dayzero.examples.tables import write_table

YES_NO: Final = {1: "yes", 0: "no"}
OPENED: Final = date(1967, 10, 1)  # day from which R's survival::heart counts the year of acceptance
YEAR: Final = 365.25


def write_tables(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write ``patients.csv`` and ``events.csv`` from the rows of ``survival::jasa``.

    The mismatch score compares the patient with a donor: who got no heart has none. It is known on the day of the
    transplant, and stands there, not among the columns of day zero.
    """
    write_table(folder / "patients.csv", ("patient", "age", "surgery", "year"), map(_patient, rows))
    events = (event for row in rows for event in _events(row))
    write_table(folder / "events.csv", ("patient", "event", "date", "mismatch"), events)


def _patient(row: dict[str, Any]) -> tuple[object, ...]:
    """Return what was known on acceptance: age in years, an earlier bypass, years since the programme opened."""
    accepted = date.fromisoformat(row["accept.dt"])
    year = (accepted - OPENED).days / YEAR
    return f"{row['rownames']:03}", round(row["age"], 2), YES_NO[row["surgery"]], round(year, 2)


def _events(row: dict[str, Any]) -> Iterable[tuple[object, ...]]:
    """Return the events of one patient, with their dates."""
    patient, end = f"{row['rownames']:03}", row["fu.date"]
    yield patient, "enrolment", row["accept.dt"], None
    if row["transplant"]:
        score = row["mscore"]
        yield patient, "transplant", row["tx.date"], None if isnan(score) else score
    yield patient, "death" if row["fustat"] else "last_contact", end, None
