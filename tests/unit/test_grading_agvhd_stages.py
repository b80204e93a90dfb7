"""Organ stages of acute GVHD from measurements: the table of the rule book (3.1) with its notes."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.errors import InputError
from dayzero.grading.gvhd.acute import agvhd_days, grade_agvhd

NO_FOUR = {"severe_pain": "no", "bloody_stool": "no"}
ADULT = {"weight": 70} | NO_FOUR
CHILD = {"weight": 20} | NO_FOUR
Row = dict[str, object]

amounts = {
    "skin_bsa": st.sampled_from([0, 1, 24.9, 25, 50, 50.1, 90]),
    "bullae": st.booleans(),
    "bilirubin": st.sampled_from([0.5, 1.9, 2, 3, 3.1, 6, 6.1, 15, 15.1]),
    "upper_gi_symptoms": st.sampled_from(["none", "intermittent", "persistent"]),
    "stool_ml": st.sampled_from([0, 150, 300, 499, 500, 999, 1000, 1500, 1501, 3000]),
    "episodes": st.integers(0, 12),
    "weight": st.sampled_from([3, 4.4, 30, 50, 50.1, 51, 70, 120]),
    "mixed_urine": st.booleans(),
    "severe_pain": st.booleans(),
    "bloody_stool": st.booleans(),
}
measured_rows = st.fixed_dictionaries(amounts)


def frame(*rows: Row) -> pl.DataFrame:
    """Return one patient's measurements as a table of text, a day apart."""
    unit: Row = {"bilirubin_unit": "mg/dL"}
    full = [{"patient": "A", "day": n} | unit | row for n, row in enumerate(rows)]
    names = dict.fromkeys(name for row in full for name in row)
    text = {name: [None if row.get(name) is None else str(row[name]) for row in full] for name in names}
    return pl.DataFrame(text, schema=dict.fromkeys(names, pl.String))


def stage(organ: str, row: Row) -> tuple[int, int]:
    """Return the bounds of an organ's stage."""
    return agvhd_days(frame(row)).select(f"{organ}_lower", f"{organ}_upper").row(0)


def total(row: Row, scale: str = "magic") -> tuple[int, int]:
    (found,) = grade_agvhd(frame(row), scale=scale)
    return found.lower, found.upper


@pytest.mark.parametrize(
    ("bsa", "bullae", "expected"),
    [
        (0, "no", 0), (0.1, "no", 1), (24.9, "no", 1), (25, "no", 2), (50, "no", 2), (50.1, "no", 3), (100, "no", 3),
        (50, "yes", 2), (50.1, "yes", 4),
    ],
)  # fmt: skip
def test_skin(bsa: float, bullae: str, expected: int) -> None:
    assert stage("skin", {"skin_bsa": bsa, "bullae": bullae}) == (expected, expected)


@pytest.mark.parametrize(
    ("bsa", "bullae", "expected"), [(50, None, (2, 2)), (60, None, (3, 4)), (None, "no", (0, 3)), (None, "yes", (0, 4))]
)
def test_skin_where_something_is_missing(bsa: float | None, bullae: str | None, expected: tuple[int, int]) -> None:
    assert stage("skin", {"skin_bsa": bsa, "bullae": bullae}) == expected


@pytest.mark.parametrize(
    ("mg", "expected"),
    [(0, 0), (1.99, 0), (2, 1), (3, 1), (3.05, 2), (3.1, 2), (6, 2), (6.1, 3), (15, 3), (15.1, 4)],
)
def test_liver(mg: float, expected: int) -> None:
    assert stage("liver", {"bilirubin": mg}) == (expected, expected)


@pytest.mark.parametrize("mg", [1.99, 2, 3, 3.1, 6, 6.1, 15, 15.1])
def test_liver_in_either_unit(mg: float) -> None:
    umol = {"bilirubin": mg * 17.1, "bilirubin_unit": "umol/L"}
    assert stage("liver", umol) == stage("liver", {"bilirubin": mg})
    assert stage("liver", umol | {"bilirubin_unit": "µmol/L"}) == stage("liver", umol)


def test_printed_micromoles_that_are_rounded_down_lie_below_two_milligrams() -> None:
    """Tables print "34-50 umol/L" for stage 1; 34 umol/L is 1.988 mg/dL, and the scale's own unit is mg/dL."""
    assert stage("liver", {"bilirubin": 34, "bilirubin_unit": "umol/L"}) == (0, 0)
    assert stage("liver", {"bilirubin": 34.2, "bilirubin_unit": "umol/L"}) == (1, 1)


@pytest.mark.parametrize(
    ("symptoms", "expected"),
    [("none", (0, 0)), ("intermittent", (0, 0)), ("persistent", (1, 1)), (None, (0, 1))],
)
def test_upper_gut(symptoms: str | None, expected: tuple[int, int]) -> None:
    assert stage("upper_gi", {"upper_gi_symptoms": symptoms}) == expected


@pytest.mark.parametrize(
    ("ml", "expected"), [(0, 0), (499, 0), (499.9, 0), (500, 1), (999.9, 1), (1000, 2), (1500, 2), (1500.1, 3)]
)
def test_adult_volume(ml: float, expected: int) -> None:
    assert stage("lower_gi", ADULT | {"stool_ml": ml}) == (expected, expected)
    assert stage("lower_gi", ADULT | {"stool_ml_kg": ml / 70}) == (expected, expected)
    assert stage("lower_gi", ADULT | {"stool_ml": 2 * ml, "mixed_urine": "yes"}) == (expected, expected)


@pytest.mark.parametrize(("ml_kg", "expected"), [(0, 0), (9.9, 0), (10, 1), (19.9, 1), (20, 2), (30, 2), (30.1, 3)])
def test_child_volume(ml_kg: float, expected: int) -> None:
    assert stage("lower_gi", CHILD | {"stool_ml_kg": ml_kg}) == (expected, expected)
    assert stage("lower_gi", CHILD | {"stool_ml": ml_kg * 20}) == (expected, expected)
    assert stage("lower_gi", CHILD | {"stool_ml_kg": 2 * ml_kg, "mixed_urine": "yes"}) == (expected, expected)


@pytest.mark.parametrize(
    ("episodes", "adult", "child"),
    [(2, 0, 0), (3, 1, 0), (4, 1, 1), (5, 2, 1), (6, 2, 1), (7, 2, 2), (8, 3, 2), (10, 3, 2), (11, 3, 3)],
)  # fmt: skip
def test_episodes(episodes: int, adult: int, child: int) -> None:
    assert stage("lower_gi", ADULT | {"episodes": episodes}) == (adult, adult)
    assert stage("lower_gi", CHILD | {"episodes": episodes}) == (child, child)
    assert stage("lower_gi", NO_FOUR | {"episodes": episodes}) == (min(adult, child), max(adult, child))


def test_fifty_kilograms_are_a_child_s() -> None:
    row = NO_FOUR | {"stool_ml": 600}
    assert stage("lower_gi", row | {"weight": 50}) == (1, 1)  # 12 mL/kg
    assert stage("lower_gi", row | {"weight": 50, "stool_ml": 499}) == (0, 0)  # 9.98 mL/kg
    assert stage("lower_gi", row | {"weight": 50, "stool_ml": 1000}) == (2, 2)  # 20 mL/kg
    assert stage("lower_gi", row | {"weight": 50.1, "stool_ml": 1501}) == (3, 3)


@pytest.mark.parametrize(
    ("volume", "expected"),
    [
        ({"stool_ml": 0}, (0, 0)),
        ({"stool_ml": 499}, (0, 3)),  # 9.98 mL/kg at 50 kg, more in a smaller child
        ({"stool_ml": 1600}, (3, 3)),  # above 30 mL/kg at 50 kg or less, and above 1500 mL
        ({"stool_ml_kg": 5}, (0, 3)),  # 250 mL at 50 kg, more in a heavier adult
        ({"stool_ml_kg": 31}, (3, 3)),  # above 1550 mL in every adult
    ],
)
def test_volume_without_a_weight(volume: Row, expected: tuple[int, int]) -> None:
    assert stage("lower_gi", NO_FOUR | volume) == expected


@pytest.mark.parametrize("sign", ["severe_pain", "bloody_stool"])
def test_pain_or_blood_is_stage_four_whatever_the_volume(sign: str) -> None:
    assert stage("lower_gi", ADULT | {"stool_ml": 0, sign: "yes"}) == (4, 4)
    assert stage("lower_gi", {sign: "yes"}) == (4, 4)
    assert stage("lower_gi", ADULT | {"stool_ml": 0, sign: None}) == (0, 4)


def test_a_volume_below_the_threshold_is_stage_zero_whatever_a_biopsy_shows() -> None:
    assert stage("lower_gi", ADULT | {"stool_ml": 499, "biopsy": "positive"}) == (0, 0)


def test_mixed_with_urine_or_not_is_bounded_where_the_cell_is_empty() -> None:
    assert stage("lower_gi", ADULT | {"stool_ml": 1800, "mixed_urine": None}) == (1, 3)


def test_the_volume_counts_and_contradicting_episodes_are_found() -> None:
    row = ADULT | {"stool_ml": 700, "episodes": 8}
    assert stage("lower_gi", row) == (1, 1)
    assert grade_agvhd(frame(row))[0].findings == ("stool_volume_and_episodes_differ",)
    assert grade_agvhd(frame(row | {"episodes": 4}))[0].findings == ()
    assert grade_agvhd(frame(row | {"stool_ml": None}))[0].findings == ()


def test_a_stage_that_is_given_stands_and_contradicting_measurements_are_found() -> None:
    row: Row = {"liver": 1, "bilirubin": 7}
    assert stage("liver", row) == (1, 1)
    assert grade_agvhd(frame(row))[0].findings == ("stage_contradicts_measurement",)
    assert grade_agvhd(frame({"liver": None, "bilirubin": 7}))[0].findings == ()


def test_what_is_missing_is_named_as_it_was_to_be_measured() -> None:
    row: Row = {"skin_bsa": 60, "liver": 0, "upper_gi": 0, "stool_ml": 100, "severe_pain": "no"}
    assert grade_agvhd(frame(row))[0].missing == ("bullae", "weight", "bloody_stool")
    nothing: Row = {"skin": 0, "liver": 0, "upper_gi": 0, "severe_pain": "no"}
    assert grade_agvhd(frame(nothing))[0].missing == ("weight", "bloody_stool", "stool_ml")
    assert grade_agvhd(frame(nothing | {"episodes": 2, "mixed_urine": None}))[0].missing == (
        "weight",
        "bloody_stool",
        "mixed_urine",
    )


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        ("skin_bsa", "101", "not between 0 and 100"),
        ("bilirubin", "-1", "not between 0 and inf"),
        ("bilirubin", "yellow", "not a number"),
        ("upper_gi_symptoms", "much", "not a word that is known"),
        ("bullae", "maybe", "not a word that is known"),
        ("weight", "0", "not between 0.3 and 400"),
    ],
)
def test_a_measurement_that_cannot_be_read_stops_with_its_row(column: str, value: str, fault: str) -> None:
    with pytest.raises(InputError) as caught:
        grade_agvhd(frame({column: None}, {column: value}), file="gvhd.csv")
    assert (caught.value.row, caught.value.column, caught.value.fault) == (3, column, fault)


@pytest.mark.parametrize("unit", [None, ""])
def test_a_bilirubin_without_a_unit_is_refused(unit: str | None) -> None:
    with pytest.raises(InputError) as caught:
        grade_agvhd(frame({"bilirubin": 2}, {"bilirubin": 34, "bilirubin_unit": unit}), file="gvhd.csv")
    assert (
        str(caught.value) == "gvhd.csv, row 3, column bilirubin: no unit. Add a column bilirubin_unit: mg/dL or umol/L."
    )


@settings(max_examples=150, deadline=None)
@given(
    row=measured_rows, gone=st.sets(st.sampled_from(sorted(amounts))), scale=st.sampled_from(["magic", "glucksberg"])
)
def test_bounds_contain_what_was_there(row: Row, gone: set[str], scale: str) -> None:
    """Episodes stand in for a volume by rule, so a volume may be missing only where they are, too."""
    gone = gone if "episodes" in gone else gone - {"stool_ml"}
    whole = total(row, scale)
    lower, upper = total(row | dict.fromkeys(gone), scale)
    assert whole[0] == whole[1]
    assert lower <= whole[0] <= upper


@settings(max_examples=150, deadline=None)
@given(row=measured_rows, gone=st.sets(st.sampled_from(sorted(amounts))), data=st.data())
def test_a_grade_never_falls_when_a_measurement_worsens(row: Row, gone: set[str], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["skin_bsa", "bullae", "bilirubin", "stool_ml", "episodes", "severe_pain"]))
    row |= dict.fromkeys(gone - {name})
    worse = data.draw(amounts[name])
    mild, bad = sorted([float(row[name]), float(worse)])  # type: ignore[arg-type]
    flag = name in {"bullae", "severe_pain"}
    a, b = (total(row | {name: int(value) if flag else value}) for value in (mild, bad))
    assert a[0] <= b[0]
    assert a[1] <= b[1]


@pytest.mark.parametrize(
    ("volume", "weight", "expected"), [({"stool_ml_kg": 500 / 51}, 51, 1), ({"stool_ml": 30 * 4.4}, 4.4, 2)]
)
def test_a_volume_at_a_threshold_stays_there_when_it_is_converted(volume: Row, weight: float, expected: int) -> None:
    """500 / 51 * 51 is a little less than 500 in binary numbers, 30 * 4.4 / 4.4 a little more than 30."""
    assert stage("lower_gi", NO_FOUR | volume | {"weight": weight}) == (expected, expected)


@settings(max_examples=100, deadline=None)
@given(row=measured_rows)
def test_units_do_not_change_a_grade(row: Row) -> None:
    ml, weight, bilirubin = (float(str(row[name])) for name in ("stool_ml", "weight", "bilirubin"))
    other = {"stool_ml": None, "stool_ml_kg": ml / weight, "bilirubin": bilirubin * 17.1, "bilirubin_unit": "umol/L"}
    assert total(row) == total(row | other)
