"""CRS: the rule book's test vectors by their number, its rules, and the errors that other tools make."""

import polars as pl
import pytest

from crs_tables import DEVICES, bedside
from dayzero.errors import InputError
from dayzero.grading.crs.grade import compare_scales, grade_table
from dayzero.grading.editions import editions
from dayzero.grading.results import Graded

ASTCT, LEE, PENN, CTCAE4, CTCAE5 = editions("crs")


def one(*rows: dict[str, str | None], scale: str = "", without: tuple[str, ...] = ()) -> Graded:
    """Grade one patient."""
    (result,) = grade_table(bedside(*rows).drop(without), scale=scale)
    return result


def grade(*rows: dict[str, str | None], scale: str = "") -> int | None:
    return one(*rows, scale=scale).grade


FEVER = {"temp_c": "38.5"}
NC4 = {"o2_device": "nasal_cannula", "o2_flow_l_min": "4", "fio2": None}
AFTER = {"time": "12", "antipyretic_or_anticytokine": "yes"}


def test_vector_1_fever_alone_is_grade_1() -> None:
    result = one({"temp_c": "38.0"})
    assert (result.grade, result.drivers, result.scale, result.time) == (1, ("fever",), "astct-2019", "0")


def test_vector_2_below_the_limit_is_grade_0() -> None:
    assert grade({"temp_c": "37.9"}) == 0


def test_vector_3_one_pressor_with_vasopressin_and_low_flow_is_grade_3() -> None:
    assert grade({"temp_c": "39", "hypotension": "yes", "vasopressors": "1", "vasopressin": "yes"} | NC4) == 3


def test_vector_4_treated_fever_is_remembered() -> None:
    hfnc = AFTER | {"o2_device": "hfnc", "o2_flow_l_min": "40"}
    result = one({"temp_c": "39"}, hfnc)
    assert (result.grade, result.drivers, result.time) == (3, ("hypoxia",), "12")
    alone = one(hfnc)
    assert (alone.grade, "onset_before_the_table" in alone.assumptions) == (3, True)


def test_vector_5_hypotension_without_fever_is_grade_0_and_a_finding() -> None:
    result = one({"hypotension": "yes"})
    assert (result.grade, result.findings, result.drivers) == (0, ("hemodynamic_without_fever",), ())


@pytest.mark.parametrize(("flow", "expected"), [("6", 2), ("6.1", 3), ("7", 3)])
def test_vector_6_six_litres_are_low_flow(flow: str, expected: int) -> None:
    assert grade(FEVER | {"o2_device": "nasal_cannula", "o2_flow_l_min": flow}) == expected


def test_vector_7_two_pressors_at_once_are_grade_4_and_one_after_the_other_grade_3() -> None:
    assert grade(FEVER | {"hypotension": "yes", "vasopressors": "2"}) == 4
    assert grade(*(FEVER | {"time": hour, "hypotension": "yes", "vasopressors": "1"} for hour in "12")) == 3


def test_vector_8_a_cannula_without_flow_is_between_2_and_3() -> None:
    result = one(FEVER | {"o2_device": "Nasal cannula", "o2_flow_l_min": None})
    assert (result.grade, result.lower, result.upper, result.evaluable) == (None, 2, 3, False)
    assert result.missing == ("o2_flow_l_min",)


def test_vector_9_a_tube_for_a_seizure_changes_nothing() -> None:
    tube = FEVER | {"o2_device": "imv", "intubation_reason": "Seizure"}
    for scale in editions("crs"):
        assert grade(tube, scale=scale) == 1
    assert one(tube).findings == ("intubated_for_another_reason",)
    needs = one(tube | {"fio2": "0.5"})
    assert (needs.lower, needs.upper, needs.missing) == (1, 4, ("fio2",))
    assert grade(tube | {"intubation_reason": None}) == 4


@pytest.mark.parametrize(
    ("device", "expected"),
    list(zip(DEVICES, (1, 2, 2, 3, 3, 3, 3, 4, 4, 4), strict=True)),
)
def test_every_device(device: str, expected: int) -> None:
    assert grade(FEVER | {"o2_device": device, "o2_flow_l_min": "4"}) == expected


def test_vasopressin_alone_is_grade_3_and_an_assumption() -> None:
    result = one(FEVER | {"hypotension": "yes", "vasopressin": "yes"})
    assert result.grade == 3
    assert "vasopressin_alone_is_one_vasopressor" in result.assumptions


def test_errors_of_other_tools() -> None:
    dose = {"hypotension": "yes", "vasopressors": "1", "pressor_nee": "80", "pressor_hours": "9"}
    assert grade(FEVER | dose) == 3  # the number of vasopressors counts, never their dose
    assert grade(FEVER | {"o2_device": "nasal_cannula", "o2_flow_l_min": "6"}) == 2  # not >= 6
    assert grade(FEVER | {"organ_grade": "4", "transaminase_grade": "4"}) == 1  # organs never count under ASTCT


def test_memory_needs_a_fever_and_its_treatment() -> None:
    hypotension = {"time": "12", "hypotension": "yes"}
    assert grade(FEVER, hypotension) == 1  # treated by nobody: no fever, no CRS on that row
    assert grade(FEVER, hypotension | AFTER) == 2
    assert grade({"time": "0"}, hypotension | AFTER) == 0  # never febrile


def test_memory_ends_with_the_episode() -> None:
    """Fever, treated, nothing for 24 hours, then hypotension without fever: another episode, and not CRS."""
    quiet = [{"time": hour} | {"antipyretic_or_anticytokine": "yes"} for hour in ("12", "36")]
    late = AFTER | {"time": "60", "hypotension": "yes"}
    result = one(FEVER | {"time": "0"}, *quiet, late)
    assert (result.grade, result.findings) == (1, ("hemodynamic_without_fever",))
    assert grade(FEVER | {"time": "0"}, quiet[0], late) == 2  # seen quiet for a moment only


def test_courses_do_not_remember_each_other() -> None:
    frame = bedside(FEVER | {"course": "1"}, AFTER | {"course": "2", "time": "900", "hypotension": "yes"})
    first, second = grade_table(frame.with_columns(antipyretic_or_anticytokine=pl.lit("no")))
    assert [(first.course, first.grade), (second.course, second.grade)] == [(1, 1), (2, 0)]


def test_another_cause_takes_its_rows_out() -> None:
    result = one(FEVER | {"other_cause": "yes", "hypotension": "yes"})
    assert (result.grade, result.findings) == (0, ("other_cause",))


def test_death_of_crs_is_grade_5_under_every_scale() -> None:
    for scale in editions("crs"):
        result = one(FEVER, {"time": "9", "died_of_crs": "yes"}, scale=scale)
        assert (result.grade, result.drivers) == (5, ("death",))


def test_what_is_missing_is_never_grade_0() -> None:
    (result,) = grade_table(pl.DataFrame({"patient": ["P1"]}))
    assert (result.lower, result.upper) == (0, 4)
    assert set(result.missing) >= {"temp_c", "hypotension", "vasopressors", "o2_device"}


def test_rows_without_a_time_are_in_no_order() -> None:
    result = one(FEVER | {"time": None}, {"time": None, "hypotension": "yes", "antipyretic_or_anticytokine": "yes"})
    assert (result.lower, result.upper, result.missing, result.findings) == (1, 2, ("time",), ("time_unknown",))


ROWS = {
    "fluids alone": ({"hypotension": "yes", "fluids": "yes"}, (2, 2, 3, 2, 2)),
    "two litres": ({"o2_device": "nasal_cannula", "o2_flow_l_min": "2", "fio2": None}, (2, 2, 3, 2, 2)),
    "five litres": ({"o2_device": "nasal_cannula", "o2_flow_l_min": "5", "fio2": None}, (2, 3, 3, 2, 3)),
    "CPAP at 40 %": ({"o2_device": "cpap", "fio2": "40"}, (4, 3, 3, 2, 3)),
    "ventilated": ({"o2_device": "imv", "fio2": "0.4"}, (4, 4, 4, 4, 4)),
    "one at a low dose": ({"vasopressors": "1", "pressor_nee": "5", "pressor_hours": "9"}, (3, 2, 3, 4, 3)),
    "one at a high dose": ({"vasopressors": "1", "pressor_nee": "20", "pressor_hours": "3"}, (3, 3, 4, 4, 3)),
    "for two hours": ({"vasopressors": "1", "pressor_nee": "20", "pressor_hours": "2"}, (3, 2, 3, 4, 3)),
    "with vasopressin": (
        {"vasopressors": "1", "vasopressin": "yes", "pressor_nee": "10", "pressor_hours": "3"},
        (3, 3, 4, 4, 4),
    ),
    "liver 3": ({"transaminase_grade": "3"}, (1, 3, 2, 1, 1)),
    "liver 4": ({"transaminase_grade": "4"}, (1, 3, 3, 1, 1)),
    "kidney 2": ({"organ_grade": "2"}, (1, 2, 2, 1, 1)),
    "kidney 2 in hospital": ({"organ_grade": "2", "hospitalised": "yes"}, (1, 2, 2, 3, 1)),
    "kidney 4": ({"organ_grade": "4"}, (1, 4, 3, 1, 1)),
    "in hospital": ({"hospitalised": "yes"}, (1, 1, 2, 1, 1)),
    "paracetamol": ({"antipyretic_or_anticytokine": "yes"}, (1, 1, 1, 2, 1)),
}


@pytest.mark.parametrize("name", ROWS)
def test_scales_side_by_side(name: str) -> None:
    row, expected = ROWS[name]
    (found,) = compare_scales(bedside(FEVER | row)).rows(named=True)
    assert tuple(found[scale] for scale in editions("crs")) == tuple(map(str, expected))
    assert found["differ"] == (len(set(expected)) > 1)


def test_what_the_scales_do_not_know_is_in_their_bounds() -> None:
    row = FEVER | {"vasopressors": "1", "pressor_nee": None, "pressor_hours": None, "organ_grade": None}
    (found,) = compare_scales(bedside(row)).rows(named=True)
    assert (found[ASTCT], found[LEE], found[PENN], found[CTCAE4], found["differ"]) == ("3", "2-4", "3-4", "4", True)
    assert one(row, scale=LEE).missing == ("pressor_nee", "pressor_hours", "organ_grade")


def test_estimated_oxygen_is_an_assumption() -> None:
    assert "fio2_estimated_from_flow" in one(FEVER | NC4, scale=LEE).assumptions
    assert "fio2_estimated_from_flow" not in one(FEVER | NC4).assumptions


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        ("o2_device", "six litres", "not a word that is known"),
        ("hypotension", "maybe", "not a word that is known"),
        ("intubation_reason", "because", "not a word that is known"),
        ("temp_c", "hot", "not a number"),
        ("temp_c", "101.3", "not between 20 and 50"),
        ("vasopressors", "1.5", "not a whole number"),
        ("o2_flow_l_min", "-1", "not between"),
        ("fio2", "5", "neither a fraction nor percent"),
        ("time", "yesterday", "not a time"),
        ("course", "second", "not a number"),
        ("patient", None, "no identifier"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_place(column: str, value: str | None, fault: str) -> None:
    frame = bedside({"course": "1"}, {"course": "1", "time": "1"} | {column: value})
    with pytest.raises(InputError, match=fault) as caught:
        grade_table(frame, file="vitals.csv")
    assert (caught.value.file, caught.value.row, caught.value.column) == ("vitals.csv", 3, column)
    assert value is None or value not in str(caught.value)


def test_a_column_that_is_nearly_known_is_not_left_out_in_silence() -> None:
    with pytest.raises(InputError, match="'temp_c'"):
        grade_table(bedside({}).rename({"temp_c": "temp_C "}))


def test_an_unknown_scale_is_refused() -> None:
    with pytest.raises(InputError, match="lee-2014"):
        grade_table(bedside({}), scale="lee")


def test_every_edition_names_its_source_and_whether_it_was_read() -> None:
    assert list(editions("crs")) == "astct-2019 lee-2014 penn ctcae-4.03 ctcae-5".split()
    assert all(edition.source for edition in editions("crs").values())
    assert [name for name, edition in editions("crs").items() if not edition.read] == [CTCAE5]


def test_findings_of_rows_that_contradict_themselves() -> None:
    assert one(FEVER | {"vasopressors": "1"}).findings == ("pressor_without_hypotension",)
    assert one(FEVER | {"o2_flow_l_min": "3"}).findings == ("oxygen_without_device",)
    assert one(FEVER | {"o2_device": "hfnc", "o2_flow_l_min": "5"}).findings == ("high_flow_device_at_low_flow",)
