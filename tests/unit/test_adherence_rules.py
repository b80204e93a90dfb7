"""Decisions, products and visits held against a plan."""

from pathlib import Path

import polars as pl
import pytest

from adherence_plans import INFUSION, SANDWICH, found, named, planned
from cohorts import history
from dayzero.adherence import deviations, flow, hold_against
from dayzero.errors import InputError
from dayzero.protocol.plan import Course, Decision, Dose, Visit

DECIDED = (
    INFUSION,
    Course(name="transplant", event="hsct after infusion:1", after="infusion:1", decision="in remission"),
    Course(name="again", event="infusion:2", after="relapse after infusion:1", decision="at relapse"),
)
DECISIONS = (
    Decision(
        name="in remission",
        options=("transplant", "none"),
        at="response=CR after infusion:1",
        needs=("mrd=negative after infusion:1",),
        excludes=("relapse after infusion:1",),
    ),
    Decision(name="at relapse", options=("again", "none"), at="relapse after infusion:1"),
)


@pytest.mark.parametrize(
    ("between", "wrong"),
    [
        ("a response 28 CR\na mrd 28 negative", 0),
        ("a response 28 NR\na mrd 28 negative", 1),
        ("a response 28 CR\na mrd 28 negative\na mrd 60 positive", 1),
        ("a response 28 CR\na mrd 28 positive\na mrd 60 negative", 0),
        ("a response 28 CR\na mrd 28 negative\na relapse 55", 2),  # MRD-negative no more, and relapsed
        ("a response 28 CR", 0),  # nobody measured: unknown, not a deviation
    ],
)
def test_a_transplant_needs_an_mrd_negative_remission_on_its_day(tmp_path: Path, between: str, wrong: int) -> None:
    cohort = history(tmp_path, f"patient event day value\na infusion 0\n{between}\na hsct 63\na last_contact 400")
    protocol = planned(*DECIDED, decisions=DECISIONS)
    assert found(cohort, protocol) == [("a", "transplant", "decision")] * wrong


def test_what_nobody_measured_before_a_decision_is_unknown(tmp_path: Path) -> None:
    cohort = history(tmp_path, "patient event day value\na infusion 0\na response 28 CR\na hsct 63\na last_contact 400")
    held = hold_against(cohort, planned(*DECIDED, decisions=DECISIONS))
    unknown = [each.planned for each in held.judged if each.rule == "decision" and each.unknown.any()]
    assert unknown == ["MRD negative after first CAR-T infusion"]


def test_a_reinfusion_at_relapse_is_planned_and_one_in_remission_is_not(tmp_path: Path) -> None:
    events = """patient event day value
    a infusion 0
    a relapse 90
    a infusion 100
    a last_contact 400
    b infusion 0
    b infusion 100
    b last_contact 400"""
    rules = found(history(tmp_path, events), planned(*DECIDED, decisions=DECISIONS))
    assert rules == [("b", "again", "order"), ("b", "again", "decision")]


def test_options_stand_below_the_step_at_which_they_are_taken(tmp_path: Path) -> None:
    events = """patient event day value
    a infusion 0
    a response 28 CR
    a hsct 60
    a last_contact 400
    b infusion 0
    b response 28 NR
    b relapse 90
    b infusion 100
    b last_contact 400
    c infusion 0
    c death 5"""
    rows = flow(history(tmp_path, events), planned(*DECIDED, decisions=DECISIONS))
    steps = rows.filter(pl.col("reason").is_null() & (pl.col("depth") > 0)).select("step", "of", "n").rows()
    assert steps == [
        ("response assessed", "infusion", 2),
        ("complete remission", "response assessed", 1),
        ("transplant", "complete remission", 1),
        ("in remission: none of these", "complete remission", 0),
        ("relapse after first CAR-T infusion", "infusion", 1),
        ("again", "relapse after first CAR-T infusion", 1),
        ("at relapse: none of these", "relapse after first CAR-T infusion", 0),
    ]


def test_a_further_infusion_after_relapse_is_another_line_of_treatment(tmp_path: Path) -> None:
    events = "patient event day\na infusion 0\na relapse 90\na infusion 100\na dli 120\na last_contact 400"
    assert found(history(tmp_path, events), planned(INFUSION)) == []
    early = "patient event day\na infusion 0\na dli 80\na relapse 90\na last_contact 400"
    assert found(history(tmp_path, early), planned(INFUSION)) == [("a", "donor lymphocyte infusion", "not_planned")]


DOSED = Course(
    name="infusion",
    event="infusion:1",
    product="hCART19s: humanised",
    targets=("CD19", "CD22"),
    origin="autologous",
    dose=Dose(value=1e6, unit="cells/kg", lowest=8e5, highest=1.2e6, column="dose"),
)


@pytest.mark.parametrize(
    ("cells", "rules"),
    [
        ("800000 hCART19s CD19|CD22 auto", []),
        ("1.2e6 hCART19s CD22+CD19 autologous", []),
        ("799999 hCART19s CD19|CD22 auto", ["dose"]),
        ("1e6 tisagenlecleucel CD19|CD22 auto", ["product"]),
        ("1e6 hCART19s CD19 allogeneic", ["product", "product"]),
        ("- - - -", []),
    ],
)
def test_dose_product_targets_and_origin(tmp_path: Path, cells: str, rules: list[str]) -> None:
    events = f"patient event day dose product targets origin\na infusion 0 {cells}\na last_contact 400"
    assert [rule for _, _, rule in found(history(tmp_path, events), planned(DOSED))] == rules


def test_a_rule_without_its_column_is_not_checked_and_says_so(tmp_path: Path) -> None:
    held = hold_against(history(tmp_path, "patient event day\na infusion 0\na last_contact 9"), planned(DOSED))
    assert [each.unchecked for each in held.judged] == [
        f"the events have no column '{name}'" for name in ("dose", "product", "targets", "origin")
    ]


def test_a_dose_that_is_no_number_names_its_row_and_not_its_value(tmp_path: Path) -> None:
    cohort = history(tmp_path, "patient event day dose\na infusion 0 lots\na last_contact 9")
    with pytest.raises(InputError) as caught:
        deviations(cohort, planned(DOSED))
    assert str(caught.value) == "events, row 2, column dose: a dose that is not a number. Write it as 1000000 or 1e6."


@pytest.mark.parametrize(
    ("months", "states"),
    [
        ("a mrd 23", ["done", "missed", "missed"]),
        ("a mrd 22", ["missed", "missed", "missed"]),
        ("a mrd 37\na mrd 98\na mrd 169", ["done", "done", "done"]),
        ("a mrd 30\na relapse 60", ["done", "not_due", "not_due"]),
        ("a relapse 98", ["missed", "not_due", "not_due"]),
        ("a relapse 99", ["missed", "missed", "not_due"]),
    ],
)
def test_visits_are_kept_within_their_windows(tmp_path: Path, months: str, states: list[str]) -> None:
    visit = Visit(name="MRD", table="mrd", after=("infusion:1",), months=(1, 3, 6), windows=((3, 7), (6, 14)))
    other = "b infusion 0\nb mrd 30\nb last_contact 30"
    cohort = history(tmp_path, f"patient event day\na infusion 0\n{months}\na last_contact 400\n{other}")
    rows = named(cohort, hold_against(cohort, planned(INFUSION, visits=(visit,))).visits)
    assert rows.filter(pl.col("patient") == "a")["state"].to_list() == states


def test_a_visit_at_the_end_of_follow_up_is_pending(tmp_path: Path) -> None:
    visit = Visit(name="MRD", table="mrd", after=("infusion:1",), months=(1, 3), windows=((3, 7),))
    cohort = history(tmp_path, "patient event day\na infusion 0\na mrd 30\na last_contact 90")
    assert hold_against(cohort, planned(INFUSION, visits=(visit,))).visits["state"].to_list() == ["done", "pending"]


def test_visits_without_windows_are_not_checked(tmp_path: Path) -> None:
    visit = Visit(name="MRD", table="mrd", after=("infusion:1",), months=(1,))
    held = hold_against(
        history(tmp_path, "patient event day\na infusion 0\na last_contact 90"), planned(INFUSION, visits=(visit,))
    )
    assert [each.unchecked for each in held.judged] == ["the protocol gives no windows of visits"]


@pytest.mark.parametrize(("day", "wrong"), [(-15, True), (-14, False), (0, False), (1, True)])
def test_lymphodepletion_is_in_the_fourteen_days_before(tmp_path: Path, day: int, wrong: bool) -> None:
    course = Course(name="infusion", event="infusion:1", lymphodepletion="fludarabine, cyclophosphamide")
    events = f"patient event day\na infusion 0\na lymphodepletion {day}\na last_contact 400"
    assert bool(found(history(tmp_path, events), planned(course))) is wrong


def test_without_any_lymphodepletion_on_record_nobody_is_judged(tmp_path: Path) -> None:
    course = Course(name="infusion", event="infusion:1", lymphodepletion="fludarabine, cyclophosphamide")
    held = hold_against(history(tmp_path, "patient event day\na infusion 0\na last_contact 9"), planned(course))
    assert [each.unchecked for each in held.judged] == ["the events have no lymphodepletion"]


def test_a_visit_takes_its_nearest_day_the_later_of_two(tmp_path: Path) -> None:
    visit = Visit(name="MRD", table="mrd", after=("infusion:1",), months=(1,), windows=((1, 7),))
    cohort = history(tmp_path, "patient event day\na infusion 0\na mrd 27\na mrd 33\na mrd 36\na last_contact 400")
    assert hold_against(cohort, planned(INFUSION, visits=(visit,))).visits["day"].to_list() == [33.0]


def test_a_course_without_what_it_comes_after_is_no_step_of_the_flow(tmp_path: Path) -> None:
    cohort = history(tmp_path, "patient event day\na infusion 0\na infusion 20\na last_contact 400")
    rows = flow(cohort, planned(*SANDWICH)).filter(pl.col("reason").is_null())
    assert rows["n"].to_list() == [1, 1, 0, 0]
