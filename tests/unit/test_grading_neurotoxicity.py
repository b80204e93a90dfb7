"""Neurotoxicity by CTCAE 4.03: the highest term, bounds, and ``severe`` (rule book 2.4)."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.errors import InputError
from dayzero.grading import grade_table
from dayzero.grading.results import Graded

MOST = {
    "encephalopathy": 5,
    "seizure": 5,
    "depressed_consciousness": 5,
    "confusion": 4,
    "dysphasia": 3,
    "tremor": 3,
    "headache": 3,
}
WELL: dict[str, Any] = dict.fromkeys(MOST, 0)


def graded(*rows: dict[str, Any]) -> Graded:
    frame = pl.DataFrame([{"patient": "P1", "time": at} | row for at, row in enumerate(rows)], infer_schema_length=None)
    (result,) = grade_table("neurotoxicity", frame.with_columns(pl.all().cast(pl.String)))
    return result


def severe(*rows: dict[str, Any]) -> bool | None:
    return dict(graded(*rows).extra)["severe"]


@pytest.mark.parametrize("term", MOST)
def test_the_highest_term_is_the_grade(term: str) -> None:
    result = graded(WELL, WELL | {term: 3}, WELL | {"tremor": 1})
    assert (result.grade, result.drivers, result.time) == (3, (term,), "1")
    assert graded(WELL).grade == 0


def test_a_brief_seizure_is_below_3_under_ctcae_and_severe_by_the_other_definition() -> None:
    assert graded(WELL | {"seizure": 1}).grade == 1
    assert graded(WELL | {"seizure": 1}).findings == ()
    assert severe(WELL | {"seizure": 1}) is True
    assert severe(WELL | {"tremor": 2}) is False
    assert severe(WELL | {"dysphasia": 3}) is True


@pytest.mark.parametrize(("term", "most"), MOST.items())
def test_a_missing_term_may_have_any_of_its_grades(term: str, most: int) -> None:
    result = graded(WELL | {term: None})
    assert (result.lower, result.upper, result.grade, result.missing) == (0, most, None, (term,))
    assert severe(WELL | {term: None}) is None
    assert severe(WELL | {term: None, "encephalopathy": 4}) is True


@pytest.mark.parametrize(("term", "most"), MOST.items())
def test_a_grade_that_the_term_does_not_have_is_refused(term: str, most: int) -> None:
    assert graded(WELL | {term: most}).grade == most
    with pytest.raises(InputError, match=f"column {term}: not between 0 and {most}"):
        graded(WELL | {term: most + 1})


def test_what_has_another_cause_does_not_count() -> None:
    assert graded(WELL | {"headache": 3, "other_cause": "yes"}).grade == 0
    assert severe(WELL | {"seizure": 2, "other_cause": "yes"}) is False
    assert graded(WELL).assumptions == ("no_other_cause_where_empty",)


def test_an_empty_table_has_no_grades() -> None:
    assert grade_table("neurotoxicity", pl.DataFrame({"patient": ["A"]})[:0]) == []


COMPLETE = st.fixed_dictionaries({name: st.integers(0, most) for name, most in MOST.items()})


@settings(max_examples=100, deadline=None)
@given(COMPLETE, st.sets(st.sampled_from(list(MOST))), st.data())
def test_bounds_contain_every_completion_and_no_grade_falls(
    row: dict[str, int], gaps: set[str], data: st.DataObject
) -> None:
    full, partial = graded(row), graded({name: None if name in gaps else value for name, value in row.items()})
    assert full.grade is not None
    assert partial.lower <= full.grade <= partial.upper
    assert dict(partial.extra)["severe"] in {None, dict(full.extra)["severe"]}
    name = data.draw(st.sampled_from(list(MOST)))
    worse = graded(row | {name: data.draw(st.integers(row[name], MOST[name]))})
    assert worse.lower >= full.lower
