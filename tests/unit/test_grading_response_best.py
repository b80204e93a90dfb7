"""Best response to each infusion, and its denominators: rule book 4.2."""

import polars as pl
import pytest

from response_study import graded, marrow, study

FULL = {"anc": 1.5, "platelets": 150.0}
CR = {"blasts": 0.01, **FULL}
LOW = {"blasts": 0.01, "anc": 0.2, "platelets": 10.0}


def bm(day, kind, patient=0):
    return {"patient": patient, **marrow(day, **kind)}


def best(rows, events=({"event": "infusion", "day": 0.0},), **more):
    return graded(study(events, assessments=rows, **more)).graded["best_response"]


def test_the_best_category_and_the_first_remission():
    row = best([bm(14.0, LOW), bm(28.0, CR), bm(60.0, LOW)]).row(0, named=True)
    assert (row["category"], row["day"], row["first_cr_day"], row["first_remission_day"]) == ("CR", 28.0, 28.0, 14.0)
    assert (row["evaluable"], row["reason"], row["responder"], row["assessments"]) == (True, None, True, 3)


@pytest.mark.parametrize(
    ("day", "category"), [(0.0, "not_assessed"), (1.0, "CR"), (90.0, "CR"), (91.0, "not_assessed")]
)
def test_from_day_1_to_day_90(day, category):
    assert best([bm(day, CR)])["category"].to_list() == [category]


def test_a_course_stops_where_the_next_begins():
    events = [{"event": "infusion", "day": 0.0}, {"event": "infusion", "day": 50.0}]
    found = best([bm(28.0, {"blasts": 0.5}), bm(78.0, CR)], events)
    assert found["category"].to_list() == ["failure", "CR"]
    assert found["responder"].to_list() == [False, True]


def test_a_death_before_the_first_assessment_is_no_response():
    events = [{"event": "infusion", "day": 0.0}, {"event": "death", "day": 14.0}]
    row = best([], events, end=14.0).row(0, named=True)
    assert (row["category"], row["reason"]) == ("not_assessed", "died_before_assessment")
    assert (row["responder"], row["evaluable"]) == (False, False)


def test_no_assessment_is_unknown_not_a_failure():
    row = best([]).row(0, named=True)
    assert (row["reason"], row["responder"]) == ("no_assessment", None)


def test_a_late_death_says_nothing_about_a_missed_assessment():
    events = [{"event": "infusion", "day": 0.0}, {"event": "death", "day": 400.0}]
    assert best([], events, end=400.0)["reason"].to_list() == ["no_assessment"]


@pytest.mark.parametrize(
    ("rows", "extra", "before"),
    [
        ([bm(-3.0, CR)], [], True),
        ([bm(0.0, CR)], [], True),  # on the day of the infusion: before it
        ([bm(-3.0, LOW)], [], True),
        ([bm(-3.0, {"blasts": 0.4})], [], False),
        ([bm(-9.0, CR), bm(-3.0, {"blasts": 0.4})], [], False),
        ([bm(-9.0, CR)], [{"event": "relapse", "day": -4.0}], False),
        ([bm(-9.0, CR)], [{"event": "relapse", "day": -40.0}], True),
        ([bm(-3.0, {"blasts": 0.1, **FULL})], [], False),  # PR or failure: no remission either way
        ([bm(-9.0, {"blasts": None})], [], None),
        ([], [], None),
    ],
)
def test_who_was_in_remission_before_is_not_evaluable(rows, extra, before):
    found = best([*rows, bm(28.0, CR)], [{"event": "infusion", "day": 0.0}, *extra]).row(0, named=True)
    assert found["in_cr_before"] is before
    assert (found["evaluable"], found["reason"]) == ((False, "in_cr_before") if before else (True, None))


def test_an_uncertain_best_response_keeps_its_bound():
    row = best([bm(28.0, {"blasts": None, **FULL})]).row(0, named=True)
    assert (row["category"], row["possible"], row["responder"], row["reason"]) == ("unknown", "CR", None, "uncertain")
    row = best([bm(28.0, {"blasts": 0.01})]).row(0, named=True)
    assert (row["category"], row["responder"], row["reason"]) == ("CR_ANY", None, None)


def test_pr_or_failure_is_certainly_no_response():
    row = best([bm(28.0, {"blasts": 0.1, **FULL})]).row(0, named=True)
    assert (row["category"], row["possible"], row["responder"], row["reason"]) == ("unknown", "PR", False, None)


@pytest.mark.parametrize(
    ("status", "value", "negative"),
    [("negative", None, True), ("positive", 0.001, False), ("indeterminate", None, None), (None, None, None)],
)
def test_mrd_negative_remission(status, value, negative):
    mrd = [{"day": 28.0, "status": status, "value": value, "lod": 1e-3}]
    row = best([bm(28.0, CR)], mrd=mrd).row(0, named=True)
    assert row["mrd_negative_cr"] is (None if status is None else negative)


def test_seed_004_counts():
    """28 infused, one died on day 14, 25 of 27 in CR regardless of counts, 20 of them MRD-negative."""
    events = [{"patient": i, "event": "infusion", "day": 0.0} for i in range(28)]
    events.append({"patient": 27, "event": "death", "day": 14.0})
    rows = [bm(28.0, LOW if i < 25 else {"blasts": 0.4}, i) for i in range(27)]
    negative = {"status": "negative", "value": None}
    positive = {"status": "positive", "value": 1e-3}
    mrd = [{"patient": i, "day": 28.0, **(negative if i < 20 else positive)} for i in range(25)]
    history = graded(study(events, assessments=rows, mrd=mrd, n=28), response="cr-regardless-of-counts")
    found = history.graded["best_response"]
    assert (found.height, found["evaluable"].sum(), found["responder"].sum()) == (28, 27, 25)
    assert found["mrd_negative_cr"].sum() == 20
    assert found.filter(pl.col("reason") == "died_before_assessment")["responder"].to_list() == [False]
    under_eln = graded(study(events, assessments=rows, mrd=mrd, n=28)).graded["best_response"]
    assert under_eln["responder"].sum() == 0  # the same marrows are MLFS: two response sets
