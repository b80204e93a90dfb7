"""CAR-HEMATOTOX: the rule book's vectors (2.7), units, bounds and the class, and the warning in B-ALL."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.errors import InputError
from dayzero.grading import grade_table
from dayzero.grading.results import Graded, to_row

NAMES = ("platelets", "anc", "hb", "crp", "ferritin")
UNITS = {"platelets": "1e9/L", "anc": "1e9/L", "hb": "g/dL", "crp": "mg/dL", "ferritin": "ng/mL"}
OTHER_UNITS = {"platelets": ("/uL", 1000), "anc": ("/uL", 1000), "hb": ("g/L", 10), "crp": ("mg/L", 10)}
VECTORS = [
    ((220, 3.4, 12.4, 0.8, 180), 0),
    ((130, 1.8, 10.5, 1.4, 320), 1),
    ((110, 0.95, 10.1, 4.2, 540), 3),
    ((60, 0.7, 8.5, 2.4, 1400), 5),
    ((40, 0.4, 7.8, 9.5, 3200), 7),
]
LOW = dict(zip(NAMES, VECTORS[0][0], strict=True))


def scored(values: dict[str, Any], **more: Any) -> Graded:
    row = {"patient": "P1"} | {f"{name}_unit": unit for name, unit in UNITS.items()} | values | more
    texts = {name: [None if value is None else str(value)] for name, value in row.items()}
    (result,) = grade_table("hematotox", pl.DataFrame(texts, schema=dict.fromkeys(texts, pl.String)))
    return result


@pytest.mark.parametrize(("values", "points"), VECTORS)
def test_the_five_vectors(values: tuple[float, ...], points: int) -> None:
    result = scored(dict(zip(NAMES, values, strict=True)))
    assert result.grade == points
    assert dict(result.extra) == {"class": "high" if points >= 2 else "low", "class_certain": True}


@pytest.mark.parametrize(("values", "points"), VECTORS)
def test_other_units_give_the_same_points(values: tuple[float, ...], points: int) -> None:
    row: dict[str, Any] = dict(zip(NAMES, values, strict=True))
    for name, (unit, factor) in OTHER_UNITS.items():
        row |= {name: round(row[name] * factor, 6), f"{name}_unit": unit}
    assert scored(row).grade == points


@pytest.mark.parametrize(
    ("name", "value", "points"),
    [
        ("platelets", 175.1, 0),
        ("platelets", 175, 1),
        ("platelets", 75, 1),
        ("platelets", 74.9, 2),
        ("anc", 1.2, 0),
        ("anc", 1.19, 1),
        ("hb", 9.0, 0),
        ("hb", 8.9, 1),
        ("crp", 2.9, 0),
        ("crp", 3.0, 1),
        ("ferritin", 649, 0),
        ("ferritin", 650, 1),
        ("ferritin", 2000, 1),
        ("ferritin", 2001, 2),
    ],
)
def test_values_at_the_thresholds(name: str, value: float, points: int) -> None:
    result = scored(LOW | {name: value})
    assert result.grade == points
    assert result.drivers == ((name,) if points else ())


@pytest.mark.parametrize(
    ("name", "value", "unit", "points"),
    [
        ("anc", 1200, "/mm3", 0),
        ("anc", 1199, "cells/µL", 1),
        ("hb", 90, "g/L", 0),
        ("hb", 5.58, "mmol/L", 1),
        ("hb", 5.59, "mmol/L", 0),
        ("crp", 30, "mg/L", 1),
        ("crp", 29, "mg/L", 0),
        ("ferritin", 1461, "pmol/L", 1),
        ("ferritin", 1460, "pmol/L", 0),
        ("ferritin", 650, "µg/L", 1),
        ("platelets", 74, "K/uL", 2),
    ],
)
def test_units(name: str, value: float, unit: str, points: int) -> None:
    assert scored(LOW | {name: value}, **{f"{name}_unit": unit}).grade == points


def test_a_missing_value_leaves_bounds_and_perhaps_the_class() -> None:
    open_ = scored(LOW | {"ferritin": None}, disease="LBCL")
    assert open_.findings == ()
    assert (open_.grade, open_.lower, open_.upper, open_.missing) == (None, 0, 2, ("ferritin",))
    assert dict(open_.extra) == {"class": None, "class_certain": False}
    low = scored(LOW | {"crp": None})
    assert (low.lower, low.upper, dict(low.extra)["class"]) == (0, 1, "low")
    high = scored(dict(zip(NAMES, VECTORS[2][0], strict=True)) | {"ferritin": None})
    assert (high.lower, high.upper, dict(high.extra)["class"]) == (3, 5, "high")


def test_crp_without_a_unit_is_read_both_ways() -> None:
    result = scored(LOW | {"crp": 12}, crp_unit=None)
    assert (result.lower, result.upper, result.missing) == (0, 1, ("crp_unit",))
    assert scored(LOW | {"crp": 2}, crp_unit=None).grade == 0
    assert scored(LOW | {"crp": 40}, crp_unit=None).grade == 1


def test_other_values_without_a_unit_are_in_that_of_the_thresholds_and_this_is_said() -> None:
    result = scored(LOW, hb_unit=None)
    assert (result.grade, result.assumptions) == (0, ("hb_unit_where_empty",))
    assert scored(LOW).assumptions == ()


def test_an_implausible_value_is_unknown_and_found() -> None:
    result = scored(LOW | {"platelets": 130000})
    assert (result.lower, result.upper, result.missing) == (0, 2, ("platelets",))
    assert "platelets_implausible" in result.findings


@pytest.mark.parametrize(
    ("disease", "code"),
    [
        ("B-ALL", "hematotox_does_not_discriminate_in_b_all"),
        ("ALL", "hematotox_does_not_discriminate_in_b_all"),
        ("LBCL", None),
        (None, "hematotox_validated_in_lbcl_only"),
        ("other", "hematotox_validated_in_lbcl_only"),
    ],
)
def test_the_score_says_where_it_was_derived(disease: str | None, code: str | None) -> None:
    assert scored(LOW, disease=disease).findings == ((code,) if code else ())


def test_several_rows_of_one_patient_are_refused() -> None:
    frame = pl.DataFrame({"patient": ["A", "B", "A"], "hb": ["9", "8", "7"]})
    with pytest.raises(InputError, match=r"score\.csv, row 4, column patient: another row"):
        grade_table("hematotox", frame, file="score.csv")
    courses = frame.with_columns(course=pl.Series(["1", "1", "2"]))
    assert [(r.patient, r.course) for r in grade_table("hematotox", courses)] == [("A", 1), ("A", 2), ("B", 1)]
    assert grade_table("hematotox", frame[:0]) == []


def test_an_unknown_unit_is_refused() -> None:
    with pytest.raises(InputError, match="row 2, column crp_unit"):
        scored(LOW, crp_unit="mmol/L")


def test_the_output_has_the_class() -> None:
    row = to_row(scored(LOW))
    assert (row["grade"], row["class"], row["class_certain"], row["scale"]) == (0, "low", True, "rejeski-2021")


VALUES = {
    "platelets": [300, 175, 120, 75, 20],
    "anc": [4, 1.2, 0.8, 0],
    "hb": [13, 9, 8.9, 6],
    "crp": [0.1, 2.9, 3, 20],
    "ferritin": [90, 650, 2000, 2001, 9000],
}  # from well to ill
COMPLETE = st.fixed_dictionaries({name: st.sampled_from(values) for name, values in VALUES.items()})


@settings(max_examples=100, deadline=None)
@given(COMPLETE, st.sets(st.sampled_from(NAMES)))
def test_bounds_contain_the_score_of_every_completion(values: dict[str, Any], gaps: set[str]) -> None:
    full, partial = scored(values), scored({n: None if n in gaps else v for n, v in values.items()})
    assert full.grade is not None
    assert partial.lower <= full.grade <= partial.upper
    assert set(partial.missing) == gaps


@settings(max_examples=100, deadline=None)
@given(COMPLETE, st.data())
def test_the_score_never_falls_when_a_value_worsens(values: dict[str, Any], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(NAMES))
    worse = data.draw(st.sampled_from(VALUES[name][VALUES[name].index(values[name]) :]))
    assert scored(values | {name: worse}).lower >= scored(values).lower
