"""ICANS on a history: a row an infusion, the age rule, the seizure guard, what was reported (rule book 2.1-2.3)."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside_histories import Rows, history, table
from dayzero.errors import InputError
from dayzero.grading.derived import RESULT, Derived
from dayzero.grading.neuro.domains import COLUMNS
from dayzero.grading.neuro.history import derive_icans, grade_icans
from dayzero.history import History
from dayzero.protocol import Definitions

WELL = {"ice": "10", "consciousness": "alert", "seizure": "none", "motor_weakness": "false", "cerebral_oedema": "none"}
INFUSED = {"event": "infusion", "day": 0}
END = {"event": "last_contact", "day": 200}


def told(events: Rows, neuro: Rows | None, *, age: str = "41") -> History:
    tables = {} if neuro is None else {"neuro": table("neuro", neuro, tuple(COLUMNS))}
    return history([*events, END], tables, [{"patient": "A", "age": age}])


def derived(events: Rows, neuro: Rows | None, *, age: str = "41") -> Derived:
    return derive_icans(told(events, neuro, age=age), Definitions())


def only(neuro: Rows, events: Rows = (INFUSED,), *, age: str = "41") -> dict[str, Any]:
    (row,) = derived(events, neuro, age=age).results["icans"].rows(named=True)
    return dict(row)


def day(at: float, **shown: str) -> Mapping[str, Any]:
    return {"day": at} | WELL | shown


def codes(found: Derived) -> list[str]:
    return [one.code for one in found.findings]


def test_an_episode_has_grade_onset_resolution_and_duration() -> None:
    row = only([day(2.0), day(5.25, ice="8"), day(6.0, ice="1"), day(7.5, ice="5"), day(9.25)])
    assert (row["grade"], row["day"], row["drivers"]) == (3, 6.0, ["ice"])
    assert (row["onset"], row["resolution"], row["duration_days"], row["days_to_onset"]) == (5.25, 9.25, 4.0, 5.0)
    assert (row["onset_earliest"], row["episodes"]) == (5.25, 1)


def test_the_frame_begins_with_the_columns_of_every_result() -> None:
    frame = derived([INFUSED], [day(1)]).results["icans"]
    assert dict(list(frame.schema.items())[: len(RESULT)]) == RESULT


def test_an_event_carries_course_and_scale_and_stands_on_the_whole_day_of_onset() -> None:
    found = derived([INFUSED], [day(5.25, ice="8"), day(6.0, ice="1")]).events
    assert found.rows(named=True) == [
        {"patient": 0, "event": "icans", "day": 5.0, "value": "3", "course": "1", "course_kind": "infusion",
         "scale": "astct-2019"}
    ]  # fmt: skip


def test_a_certain_zero_is_no_event() -> None:
    found = derived([INFUSED], [day(1), day(2)])
    assert found.results["icans"]["grade"].to_list() == [0]
    assert not found.events.height


def test_an_open_grade_makes_no_event_and_replaces_nothing() -> None:
    events = [INFUSED, {"event": "icans", "day": 3, "value": 2}]
    found = derived(events, [{"day": 3.0, "ice": "5"}])
    (row,) = found.results["icans"].rows(named=True)
    assert (row["grade"], row["lower"], row["upper"], row["evaluable"]) == (None, 2, 4, False)
    assert row["missing"] == ["consciousness", "seizure", "motor_weakness", "cerebral_oedema"]
    assert not found.events.height
    assert found.superseded == ()


def test_an_infusion_without_rows_is_not_grade_0() -> None:
    found = derived([INFUSED, {"event": "infusion", "day": 100}], [day(2, ice="8")]).results["icans"]
    first, second = found.rows(named=True)
    assert (first["course"], first["grade"]) == (1, 1)
    assert (second["course"], second["lower"], second["upper"], second["missing"]) == (2, 0, 5, ["neuro"])


def test_an_unresolved_episode_is_open() -> None:
    row = only([day(3, ice="8"), day(4, ice="7")])
    assert (row["onset"], row["resolution"], row["duration_days"]) == (3.0, None, None)


def test_an_earlier_row_with_gaps_makes_the_onset_uncertain() -> None:
    row = only([{"day": 2.0, "ice": "10", "consciousness": "alert", "seizure": "none"}, day(5, ice="8")])
    assert (row["onset_earliest"], row["onset"]) == (2.0, 5.0)


@pytest.mark.parametrize(("age", "grade", "driver"), [("11", 3, "capd"), ("12", 1, "ice"), ("41", 1, "ice")])
def test_children_under_12_by_the_patients_table_use_capd(age: str, grade: int, driver: str) -> None:
    row = only([day(3, ice="8", capd="9")], age=age)
    assert (row["grade"], row["drivers"]) == (grade, [driver])
    assert "age_from_patients" in row["assumptions"]


def test_the_age_of_the_bedside_table_stands_before_the_patients() -> None:
    row = only([day(3, ice="8", capd="9", age="9")], age="41")
    assert (row["grade"], row["drivers"]) == (3, ["capd"])
    assert "age_from_patients" not in row["assumptions"]


def test_without_an_age_ice_and_capd_bound_the_grade_together() -> None:
    row = only([day(3, ice="10", capd="9")], age="")
    assert (row["lower"], row["upper"], row["missing"]) == (0, 3, ["age"])


def test_each_infusion_has_its_own_grade_and_rows_after_a_transplant_have_none() -> None:
    events = [INFUSED, {"event": "hsct", "day": 50}, {"event": "infusion", "day": 52}]
    found = derived(events, [day(2, ice="8"), day(51, ice="0"), day(55, ice="4")])
    assert found.results["icans"]["grade"].to_list() == [1, 2]
    (left,) = [one for one in found.findings if one.code == "neuro-outside-infusion"]
    assert (left.level, left.rows, left.table) == ("note", (3,), "neuro")


def test_reported_grades_are_replaced_where_certain_and_named_where_they_differ() -> None:
    events = [INFUSED, {"event": "icans", "day": 3, "value": 1}, {"event": "icans", "day": 90, "value": "2"}]
    found = derived([*events, {"event": "infusion", "day": 80}], [day(3, ice="5"), day(90, ice="5")])
    assert found.superseded == (3, 4)
    (differ,) = [one for one in found.findings if one.code == "icans-grade-differs"]
    assert (differ.level, differ.rows, differ.patient_rows) == ("warning", (3,), (2,))


def test_a_course_that_is_named_stands_before_the_date() -> None:
    event = {"event": "icans", "day": 3, "value": 1, "course": 2}
    found = derived([INFUSED, {"event": "infusion", "day": 80}, event], [day(3, ice="5"), day(90, ice="8")])
    assert found.superseded == (4,)
    assert "icans-grade-differs" not in codes(found)


def test_events_that_say_their_kind_of_course_are_read() -> None:
    event = {"event": "icans", "day": 3, "value": 1, "course": 1, "course_kind": "infusion", "scale": "ASTCT-2019"}
    found = derived([INFUSED, event], [day(3, ice="5")])
    assert found.superseded == (3,)
    assert "icans-grade-differs" in codes(found)


def test_a_row_on_the_day_of_death_still_counts() -> None:
    rows = [day(3, ice="8"), day(9, consciousness="unrousable", died_of_icans="true")]
    tables = {"neuro": table("neuro", rows, tuple(COLUMNS))}
    made = history([INFUSED, {"event": "death", "day": 9}], tables, [{"patient": "A", "age": 41}])
    (row,) = derive_icans(made, Definitions()).results["icans"].rows(named=True)
    assert (row["grade"], row["onset"], row["resolution"]) == (5, 3.0, None)


def test_a_grade_of_another_scale_is_not_compared() -> None:
    event = {"event": "icans", "day": 3, "value": 1, "scale": "ctcae-4.03"}
    assert "icans-grade-differs" not in codes(derived([INFUSED, event], [day(3, ice="5")]))


SEIZURES: tuple[Mapping[str, Any], ...] = (
    {"event": "neurotoxicity", "day": 5, "value": "convulsion"},
    {"event": "neurotoxicity", "day": 5, "value": 2, "term": "Seizure"},
    {"event": "neurotoxicity", "day": 5, "value": 1, "symptom": "epilepsy treated with dexamethasone"},
    {"event": "seizure", "day": 5},
)


@pytest.mark.parametrize("seizure", SEIZURES)
def test_guard_seizure_icans3_on_reported_events_alone(seizure: Mapping[str, Any]) -> None:
    """Guard SEIZURE_ICANS3: seed 004 prints no ICANS of grade 3 or more beside a patient with convulsions."""
    (found,) = derived([INFUSED, {"event": "icans", "day": 4, "value": 2}, seizure], None).findings
    assert (found.level, found.code, found.rows, found.patient_rows) == ("error", "seizure-below-grade-3", (3,), (2,))


def test_guard_seizure_icans3_on_the_bedside_table() -> None:
    events = [INFUSED, {"event": "icans", "day": 4, "value": 1}]
    assert "seizure-below-grade-3" in codes(derived(events, [day(4, seizure="brief")]))
    assert "seizure-below-grade-3" in codes(derived([INFUSED], [day(4, seizure="brief", reported_grade="2")]))
    assert "seizure-below-grade-3" not in codes(derived(events, [day(4, seizure="brief", other_cause="true")]))


@pytest.mark.parametrize(
    "events",
    [
        [{"event": "icans", "day": 4, "value": 3}, SEIZURES[0]],
        [{"event": "icans", "day": 4, "value": 2}, {"event": "icans", "day": 6, "value": 3}, SEIZURES[0]],
        [{"event": "icans", "day": 4, "value": 2, "scale": "ctcae-4.03"}, SEIZURES[0]],
        [{"event": "icans", "day": 4, "value": 2}, {"event": "neurotoxicity", "day": 5, "value": "no seizure"}],
        [{"event": "icans", "day": 4, "value": 2, "treatment": "seizure prophylaxis, antiepileptics"}],
        [{"event": "icans", "day": 4, "value": 2}, {"event": "infusion", "day": 60}, SEIZURES[0] | {"day": 65}],
    ],
)
def test_the_guard_is_silent_where_no_rule_is_broken(events: Rows) -> None:
    assert "seizure-below-grade-3" not in codes(derived([INFUSED, *events], None))


def test_a_cell_that_cannot_be_read_is_refused_by_its_row() -> None:
    with pytest.raises(InputError) as error:
        derived([INFUSED], [day(1), day(2, consciousness="sleepy")])
    assert (error.value.file, error.value.row, error.value.column) == ("neuro", 3, "consciousness")


def test_the_public_face_gives_a_history() -> None:
    graded = grade_icans(told([INFUSED], [day(5, ice="8")]))
    assert graded.named("icans").select("day", "value", "source").rows() == [(5.0, "1", "derived")]
    assert graded.graded["icans"].height == 1
    with pytest.raises(InputError, match="no edition"):
        grade_icans(told([INFUSED], [day(5)]), scale="astct-2018")


def test_a_history_without_infusions_has_an_empty_frame() -> None:
    found = derived([], [day(5, ice="8")])
    assert found.results["icans"].height == 0
    assert codes(found) == ["neuro-outside-infusion"]


def test_findings_never_carry_a_value() -> None:
    events = [INFUSED, {"event": "icans", "day": 4, "value": 1}, SEIZURES[2]]
    for one in derived(events, [day(4, ice="0")]).findings:
        assert "dexamethasone" not in one.message


CHOICES = {
    "ice": ["0", "2", "5", "8", "10"],
    "consciousness": ["alert", "spontaneous", "voice", "tactile", "unrousable"],
    "seizure": ["none", "brief", "prolonged"],
    "motor_weakness": ["false", "true"],
    "cerebral_oedema": ["none", "focal", "diffuse"],
}


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_bounds_contain_the_grade_of_each_completion(data: st.DataObject) -> None:
    whole = [{name: data.draw(st.sampled_from(words)) for name, words in CHOICES.items()} for _ in range(3)]
    holes = [{name: None if data.draw(st.booleans()) else word for name, word in row.items()} for row in whole]
    certain = only([{"day": float(at)} | row for at, row in enumerate(whole)])
    bounds = only([{"day": float(at)} | row for at, row in enumerate(holes)])
    assert certain["grade"] is not None
    assert bounds["lower"] <= certain["grade"] <= bounds["upper"]


def test_rows_of_many_patients_stay_apart() -> None:
    """The same three rows, given to every second of 400 patients: nobody else has a grade."""
    people = [{"patient": f"P{at}", "age": 30} for at in range(400)]
    events = [{"patient": f"P{at}", "event": "infusion", "day": 0} for at in range(400)]
    rows = [
        dict(day(d, ice=i), patient=at) for at in range(0, 400, 2) for d, i in ((1.0, "10"), (2.0, "4"), (3.0, "8"))
    ]
    made = replace(history(events, {}, people), tables={"neuro": table("neuro", rows, tuple(COLUMNS))})
    found = derive_icans(made, Definitions()).results["icans"]
    assert found.filter(pl.col("patient") % 2 == 0)["grade"].to_list() == [2] * 200
    assert found.filter(pl.col("patient") % 2 == 1)["missing"].to_list() == [["neuro"]] * 200
