"""Derived CRS beside reported CRS: which events count, where the two differ, and scales that are not said."""

from crs_histories import event, history, vitals
from dayzero.errors import Finding
from dayzero.grading.crs.history import derive_crs, grade_crs
from dayzero.history import History
from dayzero.protocol import Definitions

INFUSION = event("infusion", 0.0)
FEVER = {"temp_c": "38.5"}
NC4 = {"o2_device": "nasal_cannula", "o2_flow_l_min": "4", "fio2": None}


def findings(known: History) -> dict[str, Finding]:
    return {found.code: found for found in derive_crs(known, Definitions()).findings}


def test_a_certain_grade_makes_an_event_and_replaces_the_reported_one() -> None:
    known = history(INFUSION, event("crs", 3.0, "3", scale="astct-2019"), vitals=vitals({"day": 1.6} | FEVER))
    graded = grade_crs(known)
    (derived,) = graded.named("crs", ("value", "course", "course_kind", "scale", "source")).to_dicts()
    assert (derived["day"], derived["value"], derived["course"]) == (1.0, "1", "1")
    assert (derived["course_kind"], derived["scale"], derived["source"]) == ("infusion", "astct-2019", "derived")
    assert graded.superseded == {3}
    assert graded.graded["crs"]["reported"].to_list() == [3]
    found = findings(known)["crs-grade-differs"]
    assert (found.level, found.rows, found.patient_rows) == ("warning", (3,), (2,))


def test_an_uncertain_grade_replaces_nothing() -> None:
    known = history(INFUSION, event("crs", 3.0, "2"), vitals=vitals(FEVER | NC4 | {"o2_flow_l_min": None}))
    graded = grade_crs(known)
    assert graded.superseded == frozenset()
    assert graded.named("crs")["source"].to_list() == ["reported"]
    assert "crs-grade-differs" not in findings(known)


def test_a_certain_grade_0_leaves_the_reported_one_and_says_so() -> None:
    known = history(INFUSION, event("crs", 3.0, "1"), vitals=vitals({}))
    graded = grade_crs(known)
    assert graded.named("crs")["source"].to_list() == ["reported"]
    assert graded.superseded == frozenset()
    assert "crs-grade-differs" in findings(known)


def test_a_reported_grade_stands_where_nothing_was_measured() -> None:
    known = history(
        *(event("infusion", 0.0, patient=i) for i in (0, 1)),
        event("crs", 3.0, "2", patient=1),
        n=2,
        vitals=vitals(FEVER),
    )
    result = grade_crs(known).graded["crs"].to_dicts()[1]
    assert (result["grade"], result["reported"], result["findings"]) == (None, 2, ["reported_grade_stands"])


def test_a_reported_grade_is_compared_on_its_own_scale() -> None:
    """A cannula at 2 L/min: ASTCT 2, Penn 3."""
    rows = vitals(FEVER | NC4 | {"o2_flow_l_min": "2"})
    said = {scale: history(INFUSION, event("crs", 0.0, "3", scale=scale), vitals=rows) for scale in ("penn", "other")}
    for known in said.values():
        assert "crs-grade-differs" not in findings(known)
    assert "crs-grade-differs" in findings(history(INFUSION, event("crs", 0.0, "3"), vitals=rows))


def test_a_reported_course_counts_before_its_date_and_a_number_only_without_one() -> None:
    """``number`` is the 1st, 2nd of its kind: the first CRS of a patient may be that of the second infusion."""
    rows = vitals({"day": 2.0} | FEVER)
    infusions = (event("infusion", 0.0), event("infusion", 30.0))
    assert grade_crs(history(*infusions, event("crs", 31.0, "1", course="1"), vitals=rows)).superseded == {4}
    assert grade_crs(history(*infusions, event("crs", 31.0, "1", number=1), vitals=rows)).superseded == frozenset()
    assert grade_crs(history(*infusions, event("crs", 31.0, "1"), vitals=rows)).superseded == frozenset()


def test_grading_again_replaces_what_was_derived() -> None:
    """A cannula: certain under ASTCT, and without FiO2 and organ grades uncertain under Lee."""
    rows = vitals(FEVER | NC4).drop("organ_grade")
    known = history(INFUSION, event("crs", 0.0, "2"), vitals=rows)
    once = grade_crs(known)
    assert grade_crs(once).named("crs", ("value",))["value"].to_list() == ["2"]
    assert grade_crs(once).events.height == once.events.height
    again = grade_crs(once, "lee-2014")
    assert again.superseded == frozenset()
    assert again.named("crs", ("source",))["source"].to_list() == ["reported"]
