"""ICANS by ASTCT 2019: the rule book's rules by their section, and the laws that bounds obey."""

import itertools
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.errors import InputError
from dayzero.grading import grade_table
from dayzero.grading.neuro.domains import ASSUMED_NO, COLUMNS
from dayzero.grading.results import Graded, to_row

WELL = {
    "age": 40,
    "ice": 10,
    "consciousness": "alert",
    "seizure": "none",
    "motor_weakness": "false",
    "cerebral_oedema": "none",
}
CHILD = WELL | {"age": 6, "ice": None, "capd": 0}


def table(*rows: dict[str, Any]) -> pl.DataFrame:
    """Return rows as a table of text; the patient is P1 and times count up where none is given."""
    full = [{"patient": "P1", "time": at} | row for at, row in enumerate(rows)]
    names = list(dict.fromkeys(itertools.chain(*full)))
    texts = {name: [None if row.get(name) is None else str(row[name]) for row in full] for name in names}
    return pl.DataFrame(texts, schema=dict.fromkeys(names, pl.String))


def graded(*rows: dict[str, Any]) -> Graded:
    (result,) = grade_table("icans", table(*rows))
    return result


def bounds(*rows: dict[str, Any]) -> tuple[int, int]:
    result = graded(*rows)
    return result.lower, result.upper


@pytest.mark.parametrize(("ice", "grade"), list(enumerate([3, 3, 3, 2, 2, 2, 2, 1, 1, 1, 0])))
def test_ice_while_alert(ice: int, grade: int) -> None:
    result = graded(WELL | {"ice": ice})
    assert result.grade == grade
    assert result.drivers == (("ice",) if grade else ())


@pytest.mark.parametrize(
    ("change", "grade"),
    [
        ({"consciousness": "spontaneous"}, 1),
        ({"consciousness": "voice"}, 2),
        ({"consciousness": "tactile"}, 3),
        ({"consciousness": "unrousable"}, 4),
        ({"seizure": "brief"}, 3),
        ({"seizure": "prolonged"}, 4),
        ({"motor_weakness": "true"}, 4),
        ({"cerebral_oedema": "focal"}, 3),
        ({"cerebral_oedema": "diffuse"}, 4),
        ({"cerebral_oedema": "papilloedema"}, 4),
        ({"cerebral_oedema": "posturing"}, 4),
        ({"cerebral_oedema": "VI palsy"}, 4),
        ({"cerebral_oedema": "Cushing's triad"}, 4),
        ({"died_of_icans": "true"}, 5),
    ],
)
def test_each_domain_grades_by_itself(change: dict[str, str], grade: int) -> None:
    for well in (WELL, CHILD):
        result = graded(well | change)
        assert result.grade == grade
        assert result.drivers == tuple(change)


def test_ice_0_awake_is_3_and_because_unrousable_4() -> None:
    assert graded(WELL | {"ice": 0}).grade == 3
    assert graded(WELL | {"ice": 0, "consciousness": "unrousable"}).grade == 4
    assert graded(WELL | {"ice": None, "consciousness": "unrousable"}).grade == 4
    unsure = graded(WELL | {"ice": 0, "consciousness": None})
    assert (unsure.lower, unsure.upper, unsure.grade, unsure.missing) == (3, 4, None, ("consciousness",))


@pytest.mark.parametrize(
    ("capd", "consciousness", "grade"),
    [
        (0, "alert", 0),
        (1, "alert", 1),
        (8, "spontaneous", 1),
        (8, "voice", 2),
        (5, "tactile", 3),
        (9, "alert", 3),
        (32, "voice", 3),
        (None, "unrousable", 4),
    ],
)
def test_under_12_capd_replaces_ice(capd: int | None, consciousness: str, grade: int) -> None:
    child = CHILD | {"capd": capd, "consciousness": consciousness, "ice": 0}
    assert graded(child).grade == grade
    assert graded(child | {"age": 11.99}).grade == grade
    assert graded(child | {"age": 30, "developmental_delay": "yes"}).grade == grade


def test_from_12_years_capd_does_not_count() -> None:
    assert graded(WELL | {"age": 12, "ice": 10, "capd": 30}).grade == 0


def test_without_an_age_both_readings_bound_the_grade() -> None:
    both = graded(WELL | {"age": None, "ice": 8, "capd": 12})
    assert (both.lower, both.upper, both.missing) == (1, 3, ("age",))
    assert graded(WELL | {"age": None, "ice": 8, "capd": 3}).grade == 1
    only_ice = graded(WELL | {"age": None, "ice": 8})
    assert (only_ice.lower, only_ice.upper) == (0, 3)
    assert set(only_ice.missing) == {"age", "capd"}


def test_missing_is_never_normal() -> None:
    for name, upper in {"ice": 3, "consciousness": 4, "seizure": 4, "motor_weakness": 4, "cerebral_oedema": 4}.items():
        result = graded(WELL | {name: None})
        assert (result.lower, result.upper, result.missing) == (0, upper, (name,))
        absent = graded({key: value for key, value in WELL.items() if key != name})
        assert (absent.lower, absent.upper, absent.missing) == (0, upper, (name,))


def test_what_cannot_raise_the_grade_is_not_missing() -> None:
    result = graded(WELL | {"ice": None, "seizure": "brief", "consciousness": None})
    assert (result.lower, result.upper, result.missing) == (3, 4, ("consciousness",))
    untested = graded(WELL | {"age": None, "ice": None})
    assert untested.missing == ("ice", "capd")
    explained = graded(WELL | {"ice": None, "other_cause": "true"}, WELL | {"seizure": None})
    assert explained.missing == ("seizure",)


def test_a_sedated_patient_has_a_lower_bound_from_seizures_and_imaging() -> None:
    sedated = WELL | {"sedated": "true", "ice": 0, "consciousness": "unrousable"}
    assert bounds(sedated) == (0, 4)
    assert bounds(WELL | {"sedated": "true"}) == (0, 4)
    result = graded(sedated | {"seizure": "brief"})
    assert (result.lower, result.upper, result.drivers, result.findings) == (3, 4, ("seizure",), ("sedated",))
    assert graded(sedated | {"cerebral_oedema": "diffuse"}).grade == 4


def test_what_has_another_cause_does_not_count() -> None:
    epilepsy = WELL | {"seizure": "prolonged", "other_cause": "true"}
    assert graded(epilepsy).grade == 0
    assert graded(epilepsy).missing == ()
    assert graded(epilepsy | {"other_cause": None}).grade == 4
    unknown = epilepsy | {"ice": None}
    assert bounds(unknown, WELL | {"seizure": "brief"}) == (3, 3)
    assert graded(epilepsy | {"died_of_icans": "true"}).grade == 5


def test_what_is_kept_by_exception_is_assumed_no_and_the_assumption_named() -> None:
    names = {
        "died_of_icans": "not_died_of_icans_where_empty",
        "sedated": "not_sedated_where_empty",
        "other_cause": "no_other_cause_where_empty",
        "developmental_delay": "no_developmental_delay_where_empty",
    }
    assert set(graded(WELL).assumptions) == set(names.values())
    for column, words in names.items():
        empty = graded(WELL | {column: "no"}, WELL | {column: None})
        assert (empty.grade, words in empty.assumptions) == (0, True)
        assert words not in graded(WELL | {column: "no"}).assumptions


def test_a_seizure_with_a_reported_grade_below_3_is_found() -> None:
    result = graded(WELL | {"reported_grade": 2}, WELL | {"seizure": "brief"})
    assert result.grade == 3
    assert result.findings == ("SEIZURE_ICANS3", "reported_below_findings")
    assert graded(WELL | {"seizure": "brief", "reported_grade": 3}).findings == ()
    assert graded(WELL | {"seizure": "brief"}).findings == ()
    assert graded(WELL | {"reported_grade": 1}).findings == ("reported_above_findings",)
    focal = graded(WELL | {"cerebral_oedema": "focal", "reported_grade": 1})
    assert focal.findings == ("reported_below_findings",)


def test_the_highest_of_each_patient_and_course() -> None:
    rows = [
        WELL | {"patient": "B", "time": 5, "course": 1, "ice": 8},
        WELL | {"patient": "A", "time": 9, "course": 2},
        WELL | {"patient": "B", "time": 3, "course": 1, "ice": 4},
        WELL | {"patient": "A", "time": 1, "course": 1, "seizure": "brief"},
        WELL | {"patient": "B", "time": 4, "course": 1, "ice": 5},
    ]
    found = {(r.patient, r.course): (r.grade, r.time, r.drivers) for r in grade_table("icans", table(*rows))}
    assert found == {
        ("B", 1): (2, "3", ("ice",)),
        ("A", 1): (3, "1", ("seizure",)),
        ("A", 2): (0, "", ()),
    }


def test_the_output_names_its_scale() -> None:
    row = to_row(graded(WELL))
    assert row["scale"] == "astct-2019"
    assert (row["grade"], row["lower"], row["upper"], row["evaluable"]) == (0, 0, 0, True)


def test_an_empty_table_has_no_grades() -> None:
    assert grade_table("icans", table(WELL)[:0]) == []


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ice", "11"),
        ("ice", "7.5"),
        ("ice", "ten"),
        ("capd", "33"),
        ("consciousness", "drowsy"),
        ("age", "-1"),
        ("seizure", "focal"),
        ("motor_weakness", "mild"),
        ("cerebral_oedema", "large"),
        ("reported_grade", "6"),
    ],
)
def test_what_cannot_be_read_is_refused_without_the_value(column: str, value: str) -> None:
    with pytest.raises(InputError) as caught:
        grade_table("icans", table(WELL, WELL | {column: value}), file="neuro.csv")
    message = str(caught.value)
    assert f"neuro.csv, row 3, column {column}:" in message
    assert value not in message.split(":", 1)[1]


def test_an_unknown_edition_is_refused() -> None:
    with pytest.raises(InputError, match="astct-2019"):
        grade_table("icans", table(WELL), scale="cartox")


VALUES: dict[str, list[Any]] = {
    "ice": list(range(10, -1, -1)),
    "capd": [0, 1, 5, 8, 9, 20, 32],
    "consciousness": ["alert", "spontaneous", "voice", "tactile", "unrousable"],
    "seizure": ["none", "brief", "prolonged"],
    "motor_weakness": ["false", "true"],
    "cerebral_oedema": ["none", "focal", "diffuse"],
    "died_of_icans": ["false", "true"],
}  # from well to ill
OTHERS: dict[str, list[Any]] = {
    "age": [3, 11.5, 12, 60],
    "developmental_delay": ["false", "true"],
    "sedated": ["false", "true"],
    "other_cause": ["false", "true"],
}
COMPLETE = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in (VALUES | OTHERS).items()})
RECORD = st.lists(COMPLETE, min_size=1, max_size=3)


@settings(max_examples=150, deadline=None)
@given(RECORD, st.data())
def test_bounds_contain_the_grade_of_every_completion(record: list[dict[str, Any]], data: st.DataObject) -> None:
    can_lack = [name for name in COLUMNS if name not in {*ASSUMED_NO, "reported_grade"}]
    gaps = [data.draw(st.sets(st.sampled_from(can_lack))) for _ in record]
    holes = [{name: None if name in gap else row[name] for name in row} for row, gap in zip(record, gaps, strict=True)]
    full, partial = graded(*record), graded(*holes)
    assert partial.lower <= full.lower <= full.upper <= partial.upper
    assert partial.evaluable or partial.missing


@settings(max_examples=150, deadline=None)
@given(RECORD, st.data())
def test_a_grade_never_falls_when_an_input_worsens(record: list[dict[str, Any]], data: st.DataObject) -> None:
    row = data.draw(st.integers(0, len(record) - 1))
    name = data.draw(st.sampled_from(list(VALUES)))
    worse = data.draw(st.sampled_from(VALUES[name][VALUES[name].index(record[row][name]) :]))
    before, after = graded(*record), graded(*record[:row], record[row] | {name: worse}, *record[row + 1 :])
    assert after.lower >= before.lower
    assert after.upper >= before.upper


@settings(max_examples=50, deadline=None)
@given(RECORD, st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(record: list[dict[str, Any]], random: Any) -> None:
    timed = [row | {"time": at} for at, row in enumerate(record)]
    mixed = timed.copy()
    random.shuffle(mixed)
    assert graded(*mixed) == graded(*timed)
