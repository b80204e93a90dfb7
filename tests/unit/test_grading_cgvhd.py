"""Severity of chronic GVHD, NIH 2014 (rule book 3.5 and its corrections)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.errors import InputError
from dayzero.grading import grade_table
from dayzero.grading.derived import RESULT
from dayzero.grading.gvhd.chronic import derive_cgvhd, grade_cgvhd
from dayzero.history import History
from dayzero.io.csv import Table
from dayzero.io.tables import DataSettings, make_history
from dayzero.protocol import Definitions

ORGANS = ("skin", "mouth", "eyes", "gi", "liver", "lungs", "joints", "genital")
GVHD = {
    "patient": pl.Int64, "day": pl.Float64, "row": pl.Int64, "kind": pl.String, "organ": pl.String, "stage": pl.Float64,
    "skin": pl.Float64, "liver": pl.Float64, "upper_gi": pl.Float64, "lower_gi": pl.Float64,
    "fev1_percent": pl.Float64, "other_cause": pl.String, "systemic_is": pl.Boolean, "biopsy": pl.String,
}  # fmt: skip
HSCT = {"event": "hsct", "day": "0"}
END = {"event": "last_contact", "day": "900"}
NONE = dict.fromkeys(ORGANS, 0.0)


def text(rows: Sequence[Mapping[str, str]], name: str) -> Table:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[row.get(column) for column in columns] for row in rows]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String), orient="row")
    return Table(frame=frame, name=name, rows=np.arange(2, frame.height + 2))


def history(rows: Sequence[Mapping[str, Any]], *events: Mapping[str, str]) -> History:
    listed = [{"patient": "A"} | dict(event) for event in (events or (HSCT, END))]
    made, _ = make_history(text([{"patient": "A"}], "patients.csv"), text(listed, "events.csv"), DataSettings())
    numbered = [
        {"patient": 0, "day": 200.0, "kind": "chronic", "row": at + 2} | dict(row) for at, row in enumerate(rows)
    ]
    return replace(made, tables={"gvhd": pl.DataFrame(numbered, schema=GVHD)})


def day(scores: Mapping[str, float | None], on: float = 200, **more: Any) -> list[dict[str, Any]]:
    return [{"organ": organ, "stage": stage, "day": on} | more for organ, stage in scores.items()]


def result(rows: Sequence[Mapping[str, Any]], *events: Mapping[str, str]) -> dict[str, Any]:
    (row,) = derive_cgvhd(history(rows, *events), Definitions()).results["cgvhd"].rows(named=True)
    return dict(row)


@pytest.mark.parametrize(
    ("scores", "severity"),
    [
        ({}, "none"),
        ({"skin": 1}, "mild"), ({"skin": 1, "mouth": 1}, "mild"),
        ({"skin": 1, "mouth": 1, "eyes": 1}, "moderate"), ({"skin": 2}, "moderate"), ({"genital": 2}, "moderate"),
        ({"lungs": 1}, "moderate"), ({"lungs": 2}, "severe"), ({"lungs": 3}, "severe"),
        ({"skin": 3}, "severe"), ({"joints": 3}, "severe"), (dict.fromkeys(ORGANS, 1), "moderate"),
    ],
)  # fmt: skip
def test_severity(scores: Mapping[str, float], severity: str) -> None:
    found = result(day(NONE | scores))
    assert (found["severity"], found["evaluable"]) == (severity, True)


@pytest.mark.parametrize(
    ("fev1", "score"), [(80, 0), (79.9, 1), (60, 1), (59.9, 2), (40, 2), (39.9, 3), (39, 3), (100, 0)]
)
def test_fev1_rules_the_lung(fev1: float, score: int) -> None:
    worse = [*day(NONE | {"lungs": 3}), {"organ": "lungs", "stage": 3, "fev1_percent": fev1}]
    assert result(worse)["lungs"] == score
    apart = [*day(NONE | {"lungs": 0}), {"fev1_percent": fev1}]
    assert result(apart)["lungs"] == score


def test_the_higher_of_the_skin_scores_counts() -> None:
    assert result([*day(NONE | {"skin": 1}), {"organ": "skin", "stage": 2}])["severity"] == "moderate"
    wide = [*day({o: 0 for o in ORGANS if o not in ("skin", "liver")}), {"skin": 1.0, "liver": 2.0}]
    assert (result(wide)["skin"], result(wide)["severity"]) == (1, "moderate")


@pytest.mark.parametrize(
    ("cause", "severity"), [("none", "severe"), ("partly", "severe"), ("entirely", "none"), (None, "severe")]
)
def test_only_an_organ_entirely_explained_otherwise_is_left_out(cause: str | None, severity: str) -> None:
    rows = [row | {"other_cause": cause if row["organ"] == "liver" else "none"} for row in day(NONE | {"liver": 3})]
    found = result(rows)
    assert found["severity"] == severity
    assert (found["assumptions"] == ["no_other_cause_where_empty"]) is (cause is None)


def test_another_cause_of_the_skin_does_not_excuse_the_lung() -> None:
    rows = [*day(NONE), {"organ": "skin", "stage": 3, "fev1_percent": 50, "other_cause": "entirely"}]
    found = result(rows)
    assert (found["skin"], found["lungs"], found["severity"]) == (0, 2, "severe")


def test_an_organ_that_was_not_scored_is_not_0() -> None:
    found = result(day({"skin": 1, "mouth": 0}))
    assert (found["grade"], found["lower"], found["upper"]) == (None, 1, 3)
    assert found["missing"] == ["eyes", "gi", "liver", "lungs", "joints", "genital"]
    empty = result(day(NONE | {"eyes": None}))
    assert (empty["lower"], empty["upper"], empty["missing"]) == (0, 3, ["eyes"])
    assert result(day({"skin": 3}))["severity"] == "severe"  # nothing can raise it


def test_a_score_stands_for_thirty_days() -> None:
    rows = [*day(NONE | {"lungs": 0}, on=170), *day(NONE | {"skin": 1}, on=200)]
    later = [row for row in rows if row["organ"] != "lungs" or row["day"] == 170]
    assert result(later)["severity"] == "mild"
    assert "score_carried_forward" in result(later)["assumptions"]
    late = [row | {"day": 169.0} if row["day"] == 170 else row for row in later]
    assert (result(late)["lower"], result(late)["upper"]) == (1, 3)


def test_events_on_each_rise_with_treatment_and_transplant() -> None:
    rows = [
        *day(NONE | {"skin": 1}, on=150, systemic_is=False),
        *day(NONE | {"skin": 1}, on=190),
        *day(NONE | {"skin": 2}, on=220, systemic_is=True),
        *day(NONE, on=300),
    ]
    reported = (
        {"event": "cgvhd", "day": "160", "value": "severe"},
        {"event": "cgvhd", "day": "180", "value": "extensive"},
    )
    made = derive_cgvhd(history(rows, HSCT, *reported, END), Definitions())
    assert made.events.select("day", "value", "systemic_is", "course", "course_kind").rows() == [
        (150.0, "mild", "no", "1", "hsct"),
        (220.0, "moderate", "yes", "1", "hsct"),
    ]
    assert made.superseded == (3,)  # extensive is of another vocabulary
    assert [(f.code, f.rows) for f in made.findings] == [("cgvhd-grade-differs", (3,))]
    (row,) = made.results["cgvhd"].rows(named=True)
    assert (row["day"], row["onset"], row["systemic_is"], row["drivers"]) == (220.0, 150.0, True, ["skin"])


def test_where_the_highest_is_uncertain_nothing_is_superseded() -> None:
    rows = [*day(NONE | {"skin": 1}, on=150), *day({"skin": 1}, on=400)]
    made = derive_cgvhd(history(rows, HSCT, {"event": "cgvhd", "day": "160", "value": "mild"}, END), Definitions())
    assert made.events["value"].to_list() == ["mild"]
    assert made.superseded == ()


def test_acute_rows_are_left_alone_and_rows_before_a_transplant_are_found() -> None:
    assert derive_cgvhd(history([{"kind": "acute", "organ": "skin", "stage": 3}]), Definitions()).results == {}
    made = derive_cgvhd(history([*day(NONE), {"organ": "skin", "stage": 1, "day": -5.0}]), Definitions())
    assert [(f.code, f.rows) for f in made.findings] == [("cgvhd-outside-transplant", (10,))]


def test_a_second_transplant_has_a_course_of_its_own_and_an_infusion_has_not() -> None:
    rows = [*day(NONE | {"skin": 2}, on=200), *day(NONE | {"skin": 1}, on=500)]
    again = derive_cgvhd(history(rows, HSCT, {"event": "hsct", "day": "400"}, END), Definitions()).results["cgvhd"]
    assert again.select("course", "severity").rows() == [(1, "moderate"), (2, "mild")]
    infused = derive_cgvhd(history(rows, HSCT, {"event": "infusion", "day": "400"}, END), Definitions()).results[
        "cgvhd"
    ]
    assert infused.select("course", "severity").rows() == [(1, "moderate")]


def test_frame_and_history() -> None:
    made = grade_cgvhd(history(day(NONE | {"skin": 2})))
    assert dict(list(made.graded["cgvhd"].schema.items())[: len(RESULT)]) == RESULT
    assert made.graded["cgvhd_days"].select("day", "grade").rows() == [(200.0, 2)]
    assert made.named("cgvhd", ("value",)).rows() == [(0, 200.0, "derived", "moderate")]


SCORES = st.fixed_dictionaries({organ: st.none() | st.integers(0, 3) for organ in ORGANS})


@settings(max_examples=30, deadline=None)
@given(SCORES, st.fixed_dictionaries({organ: st.integers(0, 3) for organ in ORGANS}))
def test_bounds_contain_every_completion(scores: dict[str, int | None], other: dict[str, int]) -> None:
    found = result(day(scores))
    whole = result(day({organ: other[organ] if score is None else score for organ, score in scores.items()}))
    assert found["lower"] <= whole["grade"] <= found["upper"]


@settings(max_examples=30, deadline=None)
@given(SCORES, st.sampled_from(ORGANS))
def test_a_worse_score_never_lowers_the_severity(scores: dict[str, int | None], organ: str) -> None:
    worse = scores | {organ: min((scores[organ] or 0) + 1, 3)}
    before, after = result(day(scores)), result(day(worse))
    assert after["lower"] >= before["lower"]
    assert scores[organ] is None or after["upper"] >= before["upper"]


def test_command_table() -> None:
    row = {"patient": "A", "time": "200"} | dict.fromkeys(ORGANS, "0")
    (found,) = grade_table(
        "cgvhd", pl.DataFrame([row | {"lungs": "0", "fev1_percent": "59", "lungs_other_cause": "partly"}])
    )
    assert (found.grade, found.drivers, found.time, found.assumptions) == (3, ("lungs",), "200", ())
    (open_,) = grade_table("cgvhd", pl.DataFrame([row | {"skin": "1"}]).drop("eyes"))
    assert (open_.grade, open_.lower, open_.upper, open_.missing) == (None, 1, 3, ("eyes",))
    assert open_.assumptions == ("no_other_cause_where_empty",)
    (out,) = grade_table("cgvhd", pl.DataFrame([row | {"skin": "3", "skin_other_cause": "entirely"}]))
    assert out.grade == 0
    with pytest.raises(InputError, match="row 2, column skin"):
        grade_table("cgvhd", pl.DataFrame([row | {"skin": "4"}]))
