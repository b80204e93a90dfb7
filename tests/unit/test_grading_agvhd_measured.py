"""Acute GVHD on a history from what was measured: stool by weight, volume beside episodes, stages beside both."""

from pathlib import Path
from typing import Any

import polars as pl
import pytest

from bedside_histories import Rows, history, table
from clinical_files import one_table
from dayzero.grading.derived import Derived
from dayzero.grading.gvhd.acute import grade_agvhd
from dayzero.grading.gvhd.history import derive_agvhd
from dayzero.protocol import Definitions

ALLO = {"event": "hsct", "day": 0, "kind": "allo"}
END = {"event": "last_contact", "day": 400}
CALM = {"severe_pain": False, "bloody_stool": False}
OTHERS = {"day": 20, "skin": 0, "liver": 0, "upper_gi": 0}


def derived(rows: Rows, weight: Any = 70) -> Derived:
    told = history([ALLO, END], {"gvhd": table("gvhd", rows)}, [{"patient": "A", "weight": weight}])
    return derive_agvhd(told, Definitions())


def only(rows: Rows, weight: Any = 70) -> dict[str, Any]:
    (row,) = derived(rows, weight).results["agvhd"].rows(named=True)
    return dict(row)


@pytest.mark.parametrize(
    ("measured", "grade"),
    [
        ({"stool_ml": 499}, 0),
        ({"stool_ml": 500}, 2),
        ({"stool_ml": 1000}, 3),
        ({"episodes": 3}, 2),
        ({"stool_ml": 1200, "mixed_urine": True}, 2),
    ],
)
def test_the_lower_gut_is_staged_by_what_was_measured(measured: dict[str, Any], grade: int) -> None:
    row = only([OTHERS | CALM | measured])
    assert (row["grade"], row["lower"], row["upper"]) == (grade, grade, grade)


@pytest.mark.parametrize(
    ("weight", "own", "grade"),
    [
        (50, None, (3, 3)),  # 20 mL/kg of a child: stage 2; an adult's 1000 mL are stage 2, too
        (51, None, (2, 2)),
        (25, None, (3, 3)),
        (25, 60, (2, 2)),
        (None, None, (2, 3)),
    ],
)
def test_the_patients_weight_decides_between_adult_and_child(
    weight: int | None, own: int | None, grade: tuple[int, int]
) -> None:
    volume = {"stool_ml": 1000} if weight == 50 else {"stool_ml": 600}
    row = only([OTHERS | CALM | volume | {"weight": own}], weight)
    assert (row["lower"], row["upper"]) == grade


def test_without_a_word_on_pain_and_blood_the_lower_gut_may_be_stage_4() -> None:
    row = only([OTHERS | {"stool_ml": 600}])
    assert (row["lower"], row["upper"], row["missing"]) == (2, 4, ["lower_gi"])


def test_volume_and_episodes_that_disagree_are_both_reported() -> None:
    found = derived([OTHERS | CALM | {"stool_ml": 600, "episodes": 8}, {**OTHERS, "day": 30, "lower_gi": 0}])
    (row,) = found.results["agvhd"].rows(named=True)
    assert (row["grade"], row["findings"]) == (2, ["stool_volume_and_episodes_differ"])
    assert found.results["agvhd_stool"].rows() == [(0, "hsct", 1, 20.0, 1, 1, 3, 3)]
    assert [one.code for one in found.findings] == ["agvhd-stool-measures-differ"]
    assert derived([OTHERS | CALM | {"stool_ml": 600, "episodes": 3}]).results["agvhd_stool"].is_empty()


def test_the_text_command_reports_both_stages_too() -> None:
    cells = {"day": "20", "weight": "70", "stool_ml": "600", "episodes": "8", "severe_pain": "no", "bloody_stool": "no"}
    (result,) = grade_agvhd(pl.DataFrame({"patient": ["P1"]} | {name: [text] for name, text in cells.items()}))
    assert dict(result.extra)["stool_stages"] == ({"day": "20", "by_volume": [1, 1], "by_episodes": [3, 3]},)


def test_a_stage_that_is_given_stands_and_its_contradiction_is_found() -> None:
    found = derived([OTHERS | CALM | {"lower_gi": 0, "stool_ml": 1200}])
    (row,) = found.results["agvhd"].rows(named=True)
    assert (row["grade"], row["findings"]) == (0, ["stage_contradicts_measurement"])
    assert [one.code for one in found.findings] == ["agvhd-stage-contradicted"]


def test_rash_and_bilirubin_stage_skin_and_liver_but_other_causes_only_the_skin() -> None:
    calm = {"day": 20, "upper_gi_symptoms": "none", "lower_gi": 0}
    assert only([calm | {"skin_bsa": 51, "bullae": False, "bilirubin": 1.9}])["drivers"] == ["skin"]
    assert only([calm | {"skin_bsa": 10, "bullae": True, "bilirubin": 3.1}])["drivers"] == ["liver"]
    row = only([calm | {"skin_bsa": 60, "bullae": False, "bilirubin": 3.1, "other_cause": "entirely"}])
    assert (row["grade"], row["drivers"]) == (3, ["liver"])


def test_units_are_converted_at_the_door(tmp_path: Path) -> None:
    text = "patient,date,bilirubin,bilirubin_unit,skin_bsa\na,2021-02-01,51.3,umol/L,30\na,2021-02-02,3,mg/dL,30%\n"
    read, found = one_table(tmp_path, "gvhd", text)
    assert read["bilirubin"].to_list() == pytest.approx([3.0, 3.0], rel=1e-15)
    assert read["skin_bsa"].to_list() == [30.0, 30.0]
    assert not found
