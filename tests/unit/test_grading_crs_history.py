"""CRS of a history: vital signs in courses, events beside reported ones, episodes, and what a reader must know."""

from typing import Any

import numpy as np
import polars as pl
import pytest

import dayzero
from crs_histories import Row, event, given, history, support, vitals, well
from crs_tables import random_table
from dayzero.errors import Finding, InputError
from dayzero.grading.crs.grade import grade_table
from dayzero.grading.crs.history import derive_crs, grade_crs
from dayzero.grading.derived import RESULT
from dayzero.grading.editions import editions
from dayzero.history import History
from dayzero.protocol import Definitions

INFUSION = event("infusion", 0.0)
FEVER = {"temp_c": "38.5"}
NC4 = {"o2_device": "nasal_cannula", "o2_flow_l_min": "4", "fio2": None}
AFTER = {"antipyretic_or_anticytokine": "yes"}


def crs(known: History, scale: str = "", **more: Any) -> list[Row]:
    return grade_crs(known, scale, **more).graded["crs"].to_dicts()


def of_vitals(*rows: Row, **more: Any) -> Row:
    (result,) = crs(history(INFUSION, vitals=vitals(*rows)), **more)
    return result


def findings(known: History) -> dict[str, Finding]:
    return {found.code: found for found in derive_crs(known, Definitions()).findings}


def test_vectors_1_to_9_as_vital_signs() -> None:
    pressors = {"hypotension": "yes", "vasopressors": "1"}
    assert of_vitals({"temp_c": "38.0"})["grade"] == 1
    assert of_vitals({"temp_c": "37.9"})["grade"] == 0
    assert of_vitals(FEVER | NC4 | pressors | {"vasopressin": "yes"})["grade"] == 3
    treated = of_vitals(FEVER, AFTER | {"day": 0.5, "o2_device": "hfnc", "o2_flow_l_min": "40"})
    assert (treated["grade"], treated["day"], treated["onset"]) == (3, 0.5, 0.0)
    never = of_vitals({"hypotension": "yes"})
    assert (never["grade"], never["findings"]) == (0, ["hemodynamic_without_fever"])
    assert [of_vitals(FEVER | NC4 | {"o2_flow_l_min": flow})["grade"] for flow in ("6", "7")] == [2, 3]
    assert of_vitals(FEVER | pressors | {"vasopressors": "2"})["grade"] == 4
    assert of_vitals(*(FEVER | pressors | {"day": day} for day in (0.1, 0.2)))["grade"] == 3
    unknown = of_vitals(FEVER | NC4 | {"o2_flow_l_min": None})
    assert (unknown["grade"], unknown["lower"], unknown["upper"]) == (None, 2, 3)
    assert unknown["missing"] == ["o2_flow_l_min"]
    assert of_vitals(FEVER | {"o2_device": "imv", "intubation_reason": "seizure"})["grade"] == 1


def test_the_columns_of_the_result_come_first() -> None:
    graded = grade_crs(history(INFUSION, vitals=vitals(FEVER))).graded
    assert tuple(graded["crs"].columns[: len(RESULT)]) == tuple(RESULT)
    assert {name: graded["crs"].schema[name] for name in RESULT} == RESULT
    assert graded["crs_scales"]["scale"].to_list() == list(editions("crs"))


def test_each_row_belongs_to_the_latest_infusion_and_the_day_of_infusion_to_the_new_one() -> None:
    known = history(
        event("infusion", 0.0),
        event("infusion", 30.0),
        vitals=vitals({"day": 29.9} | FEVER, {"day": 30.0} | FEVER | NC4),
    )
    first, second = crs(known)
    assert [(row["course"], row["grade"], row["onset"]) for row in (first, second)] == [(1, 1, 29.9), (2, 2, 30.0)]
    assert second["days_to_onset"] == 0
    assert first["late_onset"]
    assert first["findings"] == ["late_onset"]
    assert findings(known)["crs-late-onset"].patient_rows == (2,)


def test_an_onset_on_day_14_is_not_late() -> None:
    assert not of_vitals({"day": 14.9} | FEVER)["late_onset"]
    assert of_vitals({"day": 15.0} | FEVER)["late_onset"]


def test_rows_before_any_infusion_belong_to_none() -> None:
    (result,) = crs(history(event("infusion", 5.0), vitals=vitals({"day": 4.5} | FEVER)))
    assert (result["lower"], result["upper"], result["missing"]) == (0, 5, ["vitals"])


def test_an_infusion_without_measurements_is_not_grade_0() -> None:
    known = history(event("infusion", 0.0), event("infusion", 0.0, patient=1), n=2, vitals=vitals(FEVER))
    _, result = crs(known)
    assert (result["grade"], result["lower"], result["upper"], result["evaluable"]) == (None, 0, 5, False)
    assert result["missing"] == ["vitals"]
    assert "crs-not-evaluable" in findings(known)
    scales = grade_crs(known).graded["crs_scales"].filter(patient=1)
    assert (scales.height, set(scales["lower"]), set(scales["upper"])) == (5, {0}, {5})
    assert grade_crs(known).events.filter(event="crs")["patient"].to_list() == [0]


def test_an_unknown_scale_is_an_input_error() -> None:
    with pytest.raises(InputError, match="astct-2019"):
        grade_crs(history(INFUSION, vitals=vitals(FEVER)), "astct-2020")


def test_a_cell_that_cannot_be_read_names_its_row() -> None:
    with pytest.raises(InputError, match="row 3, column temp_c: not a number") as caught:
        of_vitals(FEVER, {"temp_c": "hot"})
    assert "hot" not in str(caught.value).split("column")[1]


def test_the_scales_disagree_about_a_cannula() -> None:
    known = history(INFUSION, vitals=vitals(FEVER | NC4 | {"o2_flow_l_min": "2"}))
    scales = grade_crs(known).graded["crs_scales"]
    assert dict(zip(scales["scale"], scales["lower"], strict=True)) == {
        "astct-2019": 2,
        "lee-2014": 2,
        "penn": 3,
        "ctcae-4.03": 2,
        "ctcae-5": 2,
    }
    assert scales["lower"].equals(scales["upper"], check_dtypes=False)
    assert scales["differ"].all()


def test_grades_are_those_of_the_table_alone() -> None:
    """Ten patients, one infusion each: the same bounds as the bedside table gives, under every scale."""
    frame = random_table(np.random.default_rng(3), patients=40)
    rows = frame.with_columns(
        pl.col("patient").str.slice(1).cast(pl.Int64),
        (pl.col("time").cast(pl.Float64) / 24).alias("day"),
        pl.int_range(2, pl.len() + 2).alias("row"),
    ).drop("time")
    known = history(*(event("infusion", 0.0, patient=i) for i in range(40)), n=40, vitals=rows)
    for scale in editions("crs"):
        expected = grade_table(frame, scale=scale)
        found = crs(known, scale)
        assert [(row["lower"], row["upper"]) for row in found] == [(one.lower, one.upper) for one in expected]
        assert [tuple(row["drivers"]) for row in found] == [one.drivers for one in expected]
        assert [tuple(row["findings"])[: len(one.findings)] for row, one in zip(found, expected, strict=True)] == [
            one.findings for one in expected
        ]


def test_episodes_reopen_within_48_hours_and_begin_anew_after_it() -> None:
    def days(second: float) -> pl.DataFrame:
        quiet = [{"day": day} for day in (1.0, 2.0)]
        return vitals(FEVER, *quiet, {"day": second} | FEVER, {"day": second + 1}, {"day": second + 2})

    again = grade_crs(history(INFUSION, vitals=days(3.5))).graded
    (episode,) = again["crs_episodes"].to_dicts()
    assert (episode["onset"], episode["resolution"], episode["reopened"], episode["ended"]) == (0.0, 5.5, 1, "resolved")
    (course,) = again["crs"].to_dicts()
    assert (course["episodes"], course["duration_days"], course["unresolved"]) == (1, 5.5, False)
    anew = grade_crs(history(INFUSION, vitals=days(4.5))).graded["crs"].to_dicts()[0]
    assert (anew["episodes"], anew["onset"], anew["resolution"], anew["duration_days"]) == (2, 0.0, 6.5, 4.0)


def test_an_open_episode_has_no_duration() -> None:
    result = of_vitals(FEVER, {"day": 0.5})
    assert (result["unresolved"], result["duration_days"], result["resolution"]) == (True, None, None)
    assert (result["onset"], result["episodes"]) == (0.0, 1)


def test_hours_at_each_grade_end_with_the_next_row_and_after_a_day() -> None:
    rows = [FEVER, {"day": 0.25} | FEVER | NC4, {"day": 0.75} | FEVER, {"day": 9.0}]
    result = of_vitals(*rows)
    assert [result[f"h{grade}"] for grade in (1, 2, 3, 4)] == [6.0 + 24.0, 12.0, 0.0, 0.0]


def test_a_death_of_crs_is_grade_5_where_it_is_reported_as_such() -> None:
    died = event("death", 4.0, cause="CRS")
    known = history(INFUSION, died, vitals=vitals({"day": 1.0} | FEVER))
    (result,) = crs(known)
    assert (result["grade"], result["day"], result["onset"], result["unresolved"]) == (5, 4.0, 1.0, True)
    (other,) = crs(history(INFUSION, died | {"cause": "relapse"}, vitals=vitals({"day": 1.0} | FEVER)))
    assert other["grade"] == 1


def test_the_last_day_of_follow_up_counts() -> None:
    known = history(INFUSION, vitals=vitals({"day": 200.4} | FEVER))
    assert crs(known)[0]["grade"] == 1


SANDWICH = (event("hsct", 0.0, kind="auto"), event("infusion", 2.0))


def test_fever_in_the_neutropenia_of_an_autologous_transplant_is_ambiguous() -> None:
    known = history(*SANDWICH, vitals=vitals({"day": 4.0} | FEVER))
    (result,) = crs(known)
    assert (result["grade"], result["attribution"]) == (1, "ambiguous")
    assert "neutropenic_fever_counts" in result["assumptions"]
    assert (result["lower_sensitivity"], result["upper_sensitivity"]) == (0, 0)
    assert "crs-neutropenic-fever" in findings(known)
    (late,) = crs(history(*SANDWICH, vitals=vitals({"day": 15.0} | FEVER)))
    assert (late["attribution"], late["lower_sensitivity"]) == ("infusion", 1)


@pytest.mark.parametrize("kind", ["allo", "allogeneic", "Allogeneic", "haplo"])
def test_after_an_allogeneic_transplant_fever_is_not_ambiguous_by_this_rule(kind: str) -> None:
    events = (event("hsct", 0.0, kind=kind), event("infusion", 2.0))
    (result,) = crs(history(*events, vitals=vitals({"day": 4.0} | FEVER)))
    assert result["attribution"] == "infusion"


def test_crs_after_a_later_transplant_is_reported_and_makes_no_event() -> None:
    known = history(INFUSION, event("hsct", 60.0, kind="allo"), vitals=vitals(FEVER, {"day": 70.0} | FEVER | NC4))
    infusion, transplant = crs(known)
    assert (infusion["grade"], transplant["grade"]) == (1, 2)
    assert (transplant["course_kind"], transplant["attribution"]) == ("hsct", "after_hsct")
    assert "crs-after-hsct" in findings(known)
    assert grade_crs(known).events.filter(event="crs")["course_kind"].to_list() == ["infusion"]
    alone = history(event("hsct", 0.0), event("infusion", 90.0), vitals=vitals({"day": 5.0} | FEVER))
    assert [row["course_kind"] for row in crs(alone)] == ["infusion"]


@pytest.mark.parametrize(("home", "grade"), [("nasal cannula", 1), ("CPAP", 1), (None, 2), ("none", 2)])
def test_oxygen_that_the_patient_has_at_home_does_not_count(home: str | None, grade: int) -> None:
    known = history(INFUSION, patients={"o2_baseline": [home]}, vitals=vitals(FEVER | NC4))
    assert crs(known)[0]["grade"] == grade
    assert ("oxygen_at_home_is_none" in crs(known)[0]["assumptions"]) == (home is not None)


def test_more_than_the_oxygen_at_home_counts_in_full() -> None:
    home = {"o2_baseline": ["nasal_cannula"]}
    for device, flow, grade in (("nasal_cannula", "7", 3), ("hfnc", "40", 3), ("cpap", None, 4)):
        rows = vitals(FEVER | {"o2_device": device, "o2_flow_l_min": flow})
        assert crs(history(INFUSION, patients=home, vitals=rows))[0]["grade"] == grade


def test_undated_rows_widen_the_bounds_and_never_lower_them() -> None:
    result = of_vitals(FEVER, FEVER | NC4 | {"day": None})
    assert (result["lower"], result["upper"], result["missing"]) == (1, 2, ["time"])
    only = of_vitals({"day": None} | FEVER)
    assert (only["lower"], only["upper"]) == (0, 5)


def test_as_of_never_looks_ahead() -> None:
    rows = vitals(*({"day": day} | FEVER for day in (1.0, 2.5)), {"day": 3.5} | FEVER | NC4)
    log = support(*well(1.0), given("vasopressor", 3.2, 3.9, agent="norepinephrine"))
    events = (INFUSION, event("crs", 2.0, "1"), event("lymphodepletion", 2.0), event("infusion", 4.0))
    whole = history(*events, vitals=rows, support=log)
    cut = history(*events[:3], vitals=rows.filter(pl.col("day") < 3), support=log.filter(pl.col("day") < 3))
    early, by_hand = grade_crs(whole, as_of=2.0), grade_crs(cut)
    for name, frame in by_hand.graded.items():
        assert early.graded[name].equals(frame), name
    assert early.graded["crs"]["grade"].to_list() == [1]
    assert grade_crs(whole).graded["crs"].height == 2


def test_no_patients_and_no_rows_are_no_results() -> None:
    empty = grade_crs(history(n=0, vitals=vitals({}).clear()))
    assert {name: frame.height for name, frame in empty.graded.items()} == {
        "crs": 0,
        "crs_scales": 0,
        "crs_episodes": 0,
    }


def test_the_order_of_rows_does_not_matter() -> None:
    rows = vitals(FEVER, {"day": 1.5} | AFTER | NC4, {"day": 3.0})
    one, other = (grade_crs(history(INFUSION, vitals=frame)).graded for frame in (rows, rows.reverse()))
    for name, frame in one.items():
        assert frame.equals(other[name]), name


def test_the_public_face() -> None:
    assert dayzero.grade_crs is grade_crs


def test_a_baseline_that_is_no_device_is_an_input_error() -> None:
    with pytest.raises(InputError, match="patients, row 2, column o2_baseline"):
        crs(history(INFUSION, patients={"o2_baseline": ["yes"]}, vitals=vitals(FEVER | NC4)))
