"""Acute GVHD on a history: clocks of their own, days on which the grade rises, both scales (rule book 3.1-3.4)."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bedside_histories import Rows, history, table
from dayzero.errors import InputError
from dayzero.grading.derived import RESULT, Derived
from dayzero.grading.gvhd.history import derive_agvhd, grade_agvhd
from dayzero.history import History
from dayzero.protocol import Definitions

ALLO = {"event": "hsct", "day": 0, "kind": "allo"}
END = {"event": "last_contact", "day": 400}


def stages(day: float, skin: Any = 0, liver: Any = 0, upper: Any = 0, lower: Any = 0, **more: Any) -> dict[str, Any]:
    """Return a wide row: a column an organ."""
    return {"day": day, "skin": skin, "liver": liver, "upper_gi": upper, "lower_gi": lower} | more


def organ(day: float, name: str, stage: float | None, **more: Any) -> dict[str, Any]:
    """Return a long row: a row an organ."""
    return {"day": day, "kind": "acute", "organ": name, "stage": stage} | more


def told(rows: Rows, events: Rows = (ALLO,)) -> History:
    return history([*events, END], {"gvhd": table("gvhd", rows)})


def derived(rows: Rows, events: Rows = (ALLO,), *, scale: str = "magic") -> Derived:
    return derive_agvhd(told(rows, events), Definitions(agvhd=scale))


def only(rows: Rows, events: Rows = (ALLO,), *, scale: str = "magic") -> dict[str, Any]:
    (row,) = derived(rows, events, scale=scale).results["agvhd"].rows(named=True)
    return dict(row)


def codes(found: Derived) -> list[str]:
    return [one.code for one in found.findings]


def test_the_highest_grade_its_day_and_the_days_of_onset() -> None:
    row = only([stages(15, skin=1), stages(20, skin=3), stages(27, skin=3, lower=2), stages(40)])
    assert (row["grade"], row["day"], row["since"], row["drivers"]) == (3, 27.0, 27.0, ["lower_gi"])
    assert (row["onset_2"], row["onset_3"], row["timing"]) == (20.0, 27.0, "classic")
    assert "classic_or_late_by_day_alone" in row["assumptions"]


def test_the_frame_begins_with_the_columns_of_every_result() -> None:
    frame = derived([stages(1)]).results["agvhd"]
    assert dict(list(frame.schema.items())[: len(RESULT)]) == RESULT


def test_an_event_stands_on_each_day_on_which_the_grade_rises() -> None:
    found = derived([stages(27, skin=3, lower=2), stages(15, skin=1), stages(20, skin=3), stages(30, skin=3)]).events
    assert found.select("event", "day", "value", "course_kind", "course", "scale").rows() == [
        ("agvhd", 15.0, "1", "hsct", "1", "magic"),
        ("agvhd", 20.0, "2", "hsct", "1", "magic"),
        ("agvhd", 27.0, "3", "hsct", "1", "magic"),
    ]


def test_long_and_wide_rows_give_the_same() -> None:
    wide = [stages(15, skin=1), stages(20, skin=3, upper=1)]
    long = [organ(row["day"], name, row[name]) for row in wide for name in ("skin", "liver", "upper_gi", "lower_gi")]
    assert derived(wide).results["agvhd"].equals(derived(long).results["agvhd"])


def test_an_organ_without_a_row_that_day_is_unknown() -> None:
    row = only([organ(20, "skin", 2)])
    assert (row["grade"], row["lower"], row["upper"]) == (None, 1, 4)
    assert row["missing"] == ["liver", "upper_gi", "lower_gi"]


def test_an_organ_recorded_on_another_day_may_be_taken_for_0_and_that_is_named() -> None:
    rows = [organ(20, "skin", 2), *(organ(30, name, 0) for name in ("skin", "liver", "upper_gi", "lower_gi"))]
    (row,) = grade_agvhd(told(rows), unrecorded="none").graded["agvhd"].rows(named=True)
    assert (row["grade"], "organ_not_recorded_that_day_is_0" in row["assumptions"]) == (1, True)
    (row,) = grade_agvhd(told(rows[:4]), unrecorded="none").graded["agvhd"].rows(named=True)
    assert (row["lower"], row["upper"], row["missing"]) == (1, 4, ["lower_gi"])  # its lower gut was never recorded


def test_an_empty_cell_is_unknown_and_makes_no_event() -> None:
    found = derived([stages(20, skin=3, liver=None)], [ALLO, {"event": "agvhd", "day": 20, "value": 2}])
    assert found.results["agvhd"].select("lower", "upper").row(0) == (2, 4)
    assert not found.events.height
    assert found.superseded == ()


def test_an_earlier_day_with_gaps_makes_the_onset_uncertain() -> None:
    row = only([stages(10, skin=1, upper=None), stages(20, skin=3)])
    assert (row["grade"], row["onset_2"], row["onset_2_earliest"], row["onset_2_latest"]) == (2, None, 10.0, 20.0)


def test_each_gift_of_donor_cells_has_a_clock_of_its_own() -> None:
    events = [
        ALLO,
        {"event": "dli", "day": 60},
        {"event": "infusion", "day": 120, "origin": "donor"},
        {"event": "hsct", "day": 200, "kind": "allo"},
    ]
    rows = [stages(30, skin=1), stages(70, liver=1), stages(130, lower=2), stages(310, skin=4)]
    found = derived(rows, events)
    frame = found.results["agvhd"].sort("day").select("course_kind", "course", "grade", "since", "timing")
    assert frame.rows() == [
        ("hsct", 1, 1, 30.0, "classic"),
        ("dli", 1, 2, 10.0, "classic"),
        ("infusion", 1, 3, 10.0, "classic"),
        ("hsct", 2, 4, 110.0, "late"),
    ]
    assert found.events.select("course_kind", "course").n_unique() == 4


def test_gvhd_on_the_day_of_the_next_donor_cells_belongs_to_those_before() -> None:
    found = derived([stages(60, liver=1)], [ALLO, {"event": "dli", "day": 60}]).results["agvhd"]
    assert found.drop_nulls("grade").select("course_kind", "grade").rows() == [("hsct", 2)]


def test_autologous_cells_do_not_end_the_clock_of_the_transplant() -> None:
    events = [ALLO, {"event": "infusion", "day": 60, "origin": "autologous"}, {"event": "infusion", "day": 90}]
    row = only([stages(95, liver=2)], events)
    assert (row["course_kind"], row["course"], row["since"], row["grade"]) == ("hsct", 1, 95.0, 3)


def test_a_transplant_of_which_nothing_is_said_is_taken_for_allogeneic() -> None:
    assert "transplant_taken_for_allogeneic" in only([stages(20, skin=1)], [{"event": "hsct", "day": 0}])["assumptions"]
    assert "transplant_taken_for_allogeneic" not in only([stages(20, skin=1)])["assumptions"]


@pytest.mark.parametrize("word", [{"kind": "auto"}, {"value": "autologous"}, {"donor": "self"}])
def test_gvhd_after_an_autologous_transplant_alone_is_found(word: dict[str, str]) -> None:
    found = derived([stages(20, skin=1)], [{"event": "hsct", "day": 0} | word])
    assert codes(found) == ["gvhd-after-autologous-only"]
    assert found.results["agvhd"].height == 0
    assert not found.events.height


def test_gvhd_without_donor_cells_is_found_and_stage_0_is_not() -> None:
    product = {"event": "infusion", "day": 0, "origin": "autologous"}
    assert codes(derived([stages(20, skin=1)], [product])) == ["gvhd-without-donor-cells"]
    assert codes(derived([stages(-5, skin=1)])) == ["gvhd-without-donor-cells"]
    assert codes(derived([stages(20)], [product])) == []
    assert codes(derived([stages(20)], [product, {"event": "agvhd", "day": 9, "value": 2}])) == [
        "gvhd-without-donor-cells"
    ]


def test_gut_stage_4_is_iv_in_magic_and_iii_in_glucksberg() -> None:
    row = only([stages(20, lower=4)])
    assert (row["grade"], row["magic_lower"], row["glucksberg_lower"], row["scales_differ"]) == (4, 4, 3, True)
    other = only([stages(20, lower=4)], scale="glucksberg")
    assert (other["grade"], other["scale"], other["magic_upper"]) == (3, "glucksberg", 4)
    assert "no_extreme_performance_loss" in other["assumptions"]
    assert "agvhd-scales-differ" in codes(derived([stages(20, lower=4)]))
    assert only([stages(20, lower=3)])["scales_differ"] is False
    assert only([stages(20, lower=None)])["scales_differ"] is None


def test_reported_grades_are_replaced_and_named_where_they_differ() -> None:
    events = [
        ALLO,
        {"event": "agvhd", "day": 16, "value": "I"},
        {"event": "agvhd", "day": 25, "value": "III"},
        {"event": "dli", "day": 100},
        {"event": "agvhd", "day": 110, "value": "II"},
    ]
    found = derived([stages(15, skin=1), stages(20, skin=3), stages(110, liver=1)], events)
    assert found.superseded == (3, 4, 6)
    (differ,) = [one for one in found.findings if one.code == "agvhd-grade-differs"]
    assert (differ.level, differ.rows, differ.patient_rows) == ("warning", (3, 4), (2,))


def test_a_reported_grade_is_held_against_its_own_scale() -> None:
    event = {"event": "agvhd", "day": 20, "value": 3, "scale": "glucksberg"}
    assert "agvhd-grade-differs" not in codes(derived([stages(20, lower=4)], [ALLO, event]))
    assert "agvhd-grade-differs" in codes(derived([stages(20, lower=4)], [ALLO, event | {"scale": "magic"}]))


def test_chronic_rows_are_left_out() -> None:
    rows = [
        stages(20, skin=1),
        organ(150, "skin", 3, kind="chronic"),
        organ(160, "skin", 3, kind=None),
        organ(160, "mouth", 1, kind=None),
    ]
    assert only(rows)["grade"] == 1


def test_another_cause_of_a_rash_is_0_but_bilirubin_is_not_staged_down() -> None:
    assert only([stages(20, skin=3, other_cause="entirely")])["grade"] == 0
    assert only([stages(20, skin=3, other_cause="partly")])["grade"] == 2
    assert only([stages(20, liver=3, other_cause="entirely")])["grade"] == 3


def test_a_course_without_rows_is_not_grade_0() -> None:
    row = only([], [ALLO])
    assert (row["grade"], row["lower"], row["upper"], row["missing"]) == (None, 0, 4, ["gvhd"])
    assert (row["magic_lower"], row["magic_upper"], row["glucksberg_upper"]) == (0, 4, 4)


def test_a_stage_that_is_none_is_refused_by_its_row() -> None:
    with pytest.raises(InputError) as error:
        derived([stages(20), organ(21, "upper_gi", 2)])
    assert (error.value.file, error.value.row, error.value.column) == ("gvhd", 3, "stage")
    with pytest.raises(InputError, match="no edition"):
        grade_agvhd(told([stages(1)]), scale="ibmtr")


def test_the_public_face_gives_a_history() -> None:
    graded = grade_agvhd(told([stages(20, skin=3)]))
    assert graded.named("agvhd").select("day", "value", "source").rows() == [(20.0, "2", "derived")]


STAGE = st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 1), st.integers(0, 4))


@settings(max_examples=30, deadline=None)
@given(st.lists(STAGE, min_size=1, max_size=4), st.data())
def test_bounds_contain_each_completion_and_no_grade_falls_when_a_stage_rises(
    days: list[tuple[int, int, int, int]], data: st.DataObject
) -> None:
    whole = [stages(at + 1, *row) for at, row in enumerate(days)]
    holes = [{n: None if n != "day" and data.draw(st.booleans()) else v for n, v in row.items()} for row in whole]
    certain, open_ = only(whole), only(holes)
    assert open_["lower"] <= certain["grade"] <= open_["upper"]
    worse = [row | {"liver": min(row["liver"] + 1, 4)} for row in whole]
    assert only(worse)["grade"] >= certain["grade"]
