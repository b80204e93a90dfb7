"""Causes of death by the hierarchy (rule book 3.7 and the correction on deaths before the first assessment)."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest

from bedside_histories import history
from dayzero.grading import derive_all
from dayzero.grading.derived import Derived
from dayzero.grading.mortality import derive_deaths, grade_deaths
from dayzero.protocol import Definitions

INFUSED = {"event": "infusion", "day": 0}
CR = {"event": "response", "day": 28, "value": "CR"}
RELAPSE = {"event": "relapse", "day": 100}


def dead(day: float = 200, **more: Any) -> dict[str, Any]:
    return {"event": "death", "day": day} | more


def derived(*events: dict[str, Any], day_zero: str = "infusion:1") -> Derived:
    return derive_deaths(history([INFUSED, *events]), Definitions(day_zero=day_zero))


def only(*events: dict[str, Any], day_zero: str = "infusion:1") -> dict[str, Any]:
    (row,) = derived(*events, day_zero=day_zero).results["deaths"].rows(named=True)
    return dict(row)


def codes(found: Derived) -> list[str]:
    return [one.code for one in found.findings]


@pytest.mark.parametrize("cause", ["infection", "GVHD", "relapse", None])
def test_a_death_after_relapse_is_a_relapse_death_whatever_its_immediate_cause(cause: str | None) -> None:
    row = only(CR, RELAPSE, dead(cause=cause))
    assert (row["category"], row["sub_cause"], row["after_relapse"]) == ("relapse", None, True)
    assert row["basis"] == "relapse_before_death"


def test_relapse_and_death_on_one_day_is_relapse() -> None:
    assert only(CR, RELAPSE, dead(100, cause="sepsis"))["category"] == "relapse"


def test_progression_counts_as_relapse_and_a_relapse_before_day_zero_is_history() -> None:
    assert only(CR, {"event": "progression", "day": 60}, dead())["category"] == "relapse"
    assert only({"event": "relapse", "day": -20}, CR, dead())["category"] == "nrm"
    again = [RELAPSE, {"event": "infusion", "day": 120}, CR | {"day": 150}, dead()]
    assert only(CR, *again)["category"] == "relapse"
    assert only(CR, *again, day_zero="infusion:2")["category"] == "nrm"


@pytest.mark.parametrize(
    ("cause", "sub"),
    [
        ("GVHD", "gvhd"),
        ("acute graft versus host disease", "gvhd"),
        ("Sepsis", "infection"),
        ("fungal pneumonia", "infection"),
        ("multi-organ failure", "organ"),
        ("veno-occlusive disease", "organ"),
        ("CRS", "crs"),
        ("cytokine release syndrome grade 5", "crs"),
        ("ICANS", "icans"),
        ("intracranial haemorrhage", "haemorrhage"),
        ("GI bleeding", "haemorrhage"),
        ("secondary malignancy", "second_cancer"),
        ("second_cancer", "second_cancer"),
        ("traffic accident", "other"),
        ("other", "other"),
        ("unknown", "unknown"),
        (None, "unknown"),
        ("TRM", "unknown"),
        ("non-relapse mortality", "unknown"),
    ],
)
def test_the_sub_cause_of_non_relapse_mortality(cause: str | None, sub: str) -> None:
    row = only(CR, dead(cause=cause, related=None))
    assert (row["category"], row["sub_cause"], row["after_relapse"]) == ("nrm", sub, False)


def test_the_value_of_the_death_is_its_cause_where_there_is_no_attribute() -> None:
    assert only(CR, dead(value="infection"))["sub_cause"] == "infection"


def test_a_death_before_the_first_assessment_is_nrm_and_said_so() -> None:
    """The early deaths of seed 004, on day 14 and day 24, were never assessed."""
    other = [{"patient": "B"} | INFUSED, {"patient": "B"} | CR, {"patient": "B"} | dead()]
    people = [{"patient": "A"}, {"patient": "B"}]
    found = derive_deaths(history([INFUSED, dead(14, cause="CRS"), *other], patients=people), Definitions())
    assert found.results["deaths"].select("category", "sub_cause", "basis").rows() == [
        ("nrm", "crs", "died_before_first_assessment"),
        ("nrm", "unknown", "no_relapse_before_death"),
    ]
    (note,) = found.findings
    assert (note.level, note.code, note.rows, note.patient_rows) == (
        "note",
        "death-before-first-assessment",
        (3,),
        (2,),
    )


def test_who_never_had_day_zero_did_not_die_before_the_first_assessment_after_it() -> None:
    """Never infused, or transplanted only: the assessment that a death comes before is one after day zero."""
    people = [{"patient": name} for name in "ABCD"]
    assessed = [{"patient": "B"} | INFUSED, {"patient": "B"} | CR]
    others = [{"patient": "C", "event": "hsct", "day": 0}, {"patient": "C"} | dead(14), {"patient": "D"} | INFUSED]
    found = derive_deaths(
        history([dead(14), *assessed, *others, {"patient": "D"} | dead(14)], patients=people), Definitions()
    )
    assert found.results["deaths"].select("patient", "basis").rows() == [
        (0, "no_relapse_before_death"),
        (2, "no_relapse_before_death"),
        (3, "died_before_first_assessment"),
    ]
    (note,) = found.findings
    assert note.patient_rows == (5,)


def test_mrd_and_rows_of_assessments_are_assessments() -> None:
    """A patient with a marrow, or an MRD result, was assessed although no response follows from it."""
    people = [{"patient": "A"}, {"patient": "B"}]
    mrd = {"event": "mrd", "day": 21, "value": "negative"}
    events = [INFUSED, dead(40), {"patient": "B"} | INFUSED, {"patient": "B"} | dead(50)]
    assert codes(derive_deaths(history(events, patients=people), Definitions())) == []
    only_mrd = derive_deaths(history([*events, mrd], patients=people), Definitions())
    assert only_mrd.findings[0].patient_rows == (3,)
    table = pl.DataFrame({"patient": [0, 1], "day": [21.0, 60.0]}, schema={"patient": pl.Int64, "day": pl.Float64})
    for name in ("assessments", "mrd"):
        known = replace(history(events, patients=people), tables={name: table})
        assert derive_deaths(known, Definitions()).findings[0].patient_rows == (3,)


def test_where_a_study_has_no_responses_nobody_died_before_an_assessment() -> None:
    assert only(dead(14))["basis"] == "no_relapse_before_death"


def test_who_was_never_in_remission_dies_of_the_disease() -> None:
    row = only({"event": "response", "day": 28, "value": "NR"}, dead(cause="infection"))
    assert (row["category"], row["basis"], row["after_relapse"]) == ("relapse", "never_in_remission", False)
    late = only({"event": "response", "day": 28, "value": "NR"}, CR | {"day": 60}, dead(cause="infection"))
    assert late["category"] == "nrm"


def test_a_relapse_without_a_day_leaves_the_category_unknown() -> None:
    row = only(CR, {"event": "relapse", "day": None}, dead(cause="infection"))
    assert (row["category"], row["sub_cause"], row["after_relapse"]) == ("unknown", None, None)


def test_a_cause_that_contradicts_the_hierarchy_is_a_note() -> None:
    for more in ({"cause": "transplant-related"}, {"cause": "GVHD"}, {"cause": "infection", "related": "yes"}):
        found = derived(CR, RELAPSE, dead(**more))
        assert codes(found) == ["death-cause-contradicts-relapse"]
        assert (found.findings[0].level, found.findings[0].rows) == ("note", (5,))
    assert codes(derived(CR, RELAPSE, dead(cause="infection", related="unrelated"))) == []


def test_a_disease_death_without_a_relapse_counts_as_relapse_and_is_a_note() -> None:
    found = derived(CR, dead(cause="disease progression"))
    assert found.results["deaths"]["category"].to_list() == ["relapse"]
    assert codes(found) == ["relapse-death-without-relapse"]


def test_no_event_is_added_and_none_replaced() -> None:
    found = derived(CR, RELAPSE, dead())
    assert not found.events.height
    assert found.superseded == ()


def test_a_history_without_deaths_has_no_frame_and_the_public_face_a_frame() -> None:
    assert derived(CR, {"event": "last_contact", "day": 300}).results == {}
    graded = grade_deaths(history([INFUSED, CR, RELAPSE, dead()])).graded["deaths"]
    assert graded.schema["after_relapse"] == pl.Boolean
    assert graded["scale"].to_list() == ["hierarchy"]


def test_findings_never_carry_a_value() -> None:
    for one in derived(CR, RELAPSE, dead(cause="transplant-related")).findings:
        assert "transplant-related" not in one.message


def test_deaths_are_derived_of_every_study_and_need_no_table() -> None:
    graded, findings = derive_all(history([INFUSED, CR, RELAPSE, dead(cause="TRM")]), Definitions())
    assert graded.graded["deaths"]["category"].to_list() == ["relapse"]
    assert [one.code for one in findings] == ["death-cause-contradicts-relapse"]


def test_the_seizure_guard_runs_without_a_bedside_table() -> None:
    events = [
        INFUSED,
        {"event": "icans", "day": 4, "value": 1},
        {"event": "neurotoxicity", "day": 5, "value": "seizure"},
    ]
    _, findings = derive_all(history([*events, {"event": "last_contact", "day": 90}]), Definitions())
    assert [one.code for one in findings] == ["seizure-below-grade-3"]
