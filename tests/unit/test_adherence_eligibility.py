"""Eligibility in three values: what is missing is unknown, and never met."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cohorts import history
from dayzero.adherence import eligibility
from dayzero.history import History
from dayzero.protocol import Protocol
from dayzero.protocol.plan import Course, Criterion

EVENTS = """patient event day value
a infusion 0
b infusion 0
c infusion 0
a last_contact 99
b last_contact 99
c last_contact 99"""


def planned(*criteria: Criterion) -> Protocol:
    return Protocol(courses=(Course(name="infusion", event="infusion:1"),), eligibility=criteria)


def criterion(**settings: Any) -> Criterion:
    return Criterion(criterion=settings.pop("criterion", "it"), **settings)


def status(cohort: History, *criteria: Criterion) -> list[str]:
    rows = eligibility(cohort, planned(*criteria))
    return rows.filter(pl.col("criterion") == criteria[0].criterion)["status"].to_list()


def overall(cohort: History, *criteria: Criterion) -> list[str]:
    return eligibility(cohort, planned(*criteria)).unique("patient", maintain_order=True)["eligible"].to_list()


def cohort(folder: Path, columns: str, *cells: str, events: str = EVENTS) -> History:
    lines = [f"patient,{columns}", *(f"{name},{cell}" for name, cell in zip("abc", cells, strict=True))]
    return history(folder, events, patients="\n".join(lines) + "\n")


@pytest.mark.parametrize(
    ("bounds", "expected"),
    [
        ({"below": 70}, ["met", "not met", "unknown"]),
        ({"at_most": 70}, ["met", "met", "unknown"]),
        ({"at_least": 70}, ["not met", "met", "unknown"]),
        ({"above": 70}, ["not met", "not met", "unknown"]),
        ({"at_least": 18, "below": 70}, ["met", "not met", "unknown"]),
    ],
)
def test_bounds_of_a_column(tmp_path: Path, bounds: dict[str, float], expected: list[str]) -> None:
    assert status(cohort(tmp_path, "age", "69.9", "70", ""), criterion(column="age", **bounds)) == expected


def test_values_of_a_column_whatever_their_case(tmp_path: Path) -> None:
    found = cohort(tmp_path, "cd19", "Positive", "negative", "")
    assert status(found, criterion(column="cd19", values=("positive",))) == ["met", "not met", "unknown"]


def test_values_that_are_numbers(tmp_path: Path) -> None:
    found = cohort(tmp_path, "ecog", "0", "2", "")
    assert status(found, criterion(column="ecog", values=("0", "1"))) == ["met", "not met", "unknown"]


def test_a_column_that_there_is_not_is_unknown_of_everybody(tmp_path: Path) -> None:
    found = cohort(tmp_path, "age", "30", "30", "30")
    assert status(found, criterion(column="ecog", below=2)) == ["unknown"] * 3
    assert overall(found, criterion(column="ecog", below=2)) == ["unknown"] * 3


def test_a_column_of_texts_has_no_bounds(tmp_path: Path) -> None:
    assert status(cohort(tmp_path, "age", "30", "old", "40"), criterion(column="age", below=70)) == ["unknown"] * 3


def test_words_alone_are_unknown(tmp_path: Path) -> None:
    assert status(cohort(tmp_path, "age", "1", "1", "1"), criterion()) == ["unknown"] * 3


PRIOR = """patient event day value
a hsct -200
a infusion 0
b infusion 0
b hsct 60
c hsct -
c infusion 0
a last_contact 99
b last_contact 99
c last_contact 99"""


def test_an_event_counts_up_to_the_one_that_it_comes_before(tmp_path: Path) -> None:
    found = history(tmp_path, PRIOR)
    had = criterion(event="hsct", before="infusion:1")
    assert status(found, had) == ["met", "not met", "unknown"]
    assert status(found, criterion(event="hsct", before="infusion:1", absent=True)) == ["not met", "met", "unknown"]


def test_without_before_an_event_counts_up_to_the_start_of_the_plan(tmp_path: Path) -> None:
    assert status(history(tmp_path, PRIOR), criterion(event="hsct")) == ["met", "not met", "unknown"]


def test_an_event_that_nobody_records_is_unknown_and_not_absent(tmp_path: Path) -> None:
    assert status(history(tmp_path, EVENTS), criterion(event="dli", absent=True)) == ["unknown"] * 3


def test_an_event_with_an_attribute_that_there_is_not_is_unknown(tmp_path: Path) -> None:
    assert status(history(tmp_path, PRIOR), criterion(event="hsct[donor=sibling]")) == ["unknown"] * 3


def test_a_patient_who_meets_an_exclusion_is_not_eligible(tmp_path: Path) -> None:
    found = history(tmp_path, PRIOR)
    exclusion = criterion(kind="exclusion", event="hsct", before="infusion:1")
    assert status(found, exclusion) == ["met", "not met", "unknown"]
    assert overall(found, exclusion) == ["no", "yes", "unknown"]


def test_one_criterion_that_fails_decides_whatever_else_is_unknown(tmp_path: Path) -> None:
    found = cohort(tmp_path, "age", "71", "30", "30")
    assert overall(found, criterion(column="age", below=70), criterion(criterion="consent")) == ["no"] + ["unknown"] * 2


def test_a_protocol_without_criteria_has_no_rows(tmp_path: Path) -> None:
    assert eligibility(history(tmp_path, EVENTS), planned()).height == 0
