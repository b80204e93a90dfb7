"""Deviations, the per-protocol set and the flow of a made-up sandwich, day by day."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from adherence_cohort import OTHERS, SECONDS, TRANSPLANTS, write_cohort
from cohorts import history
from dayzero.adherence import deviations, flow, hold_against, per_protocol
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Protocol, library
from dayzero.protocol.plan import Course, Decision, Dose, Visit
from dayzero.study import read_study

INFUSION = Course(name="infusion", event="infusion:1")
ASCT = Course(name="ASCT", event="hsct", after="infusion:1", window=(42.0, 56.0))
SECOND = Course(name="second", event="infusion:2", after="hsct", window=(2.0, 2.0))
SANDWICH = (INFUSION, ASCT, SECOND)


def planned(*courses: Course, **more: object) -> Protocol:
    return Protocol(definitions=library().definitions, courses=courses, **more)  # type: ignore[arg-type]


def named(cohort: History, frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(cohort.patients["patient"].gather(frame["patient"]).alias("patient"))


def found(cohort: History, protocol: Protocol, rule: str = "") -> list[tuple[str, str, str]]:
    rows = named(cohort, deviations(cohort, protocol)).filter(pl.col("rule").is_in([rule] if rule else RULES))
    return [(str(a), str(b), str(c)) for a, b, c in rows.select("patient", "course", "rule").iter_rows()]


RULES = ("window", "order", "missing", "dose", "product", "lymphodepletion", "decision", "not_planned")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> tuple[History, Protocol]:
    study = read_study(write_cohort(tmp_path_factory.mktemp("sandwich")))
    return study.history, study.protocol


def test_every_deviation_of_the_cohort_and_nothing_else(cohort: tuple[History, Protocol]) -> None:
    assert found(*cohort) == [
        ("T41", "autologous transplant", "window"),
        ("T57", "autologous transplant", "window"),
        ("T63", "autologous transplant", "window"),
        ("S1", "second infusion", "window"),
        ("S3", "second infusion", "window"),
        ("NOASCT", "autologous transplant", "missing"),
        ("HIGH", "first infusion", "dose"),
        ("NOLD", "first infusion", "lymphodepletion"),
        ("EARLY2", "second infusion", "order"),
        ("THIRD", "CAR-T infusion", "not_planned"),
    ]


def test_a_deviation_names_what_was_planned_and_what_happened(cohort: tuple[History, Protocol]) -> None:
    rows = named(cohort[0], deviations(*cohort))
    late = rows.row(by_predicate=(pl.col("patient") == "T63") & (pl.col("rule") == "window"), named=True)
    assert late["planned"] == "day 42 to 56 after first CAR-T infusion"
    assert (late["observed"], late["day"]) == ("day 63 after first CAR-T infusion", 63.0)
    dose = rows.row(by_predicate=pl.col("rule") == "dose", named=True)
    assert (dose["planned"], dose["observed"]) == ("8e5 to 1.2e6 cells/kg", "1.3e6 cells/kg")
    third = rows.row(by_predicate=(pl.col("patient") == "S3") & (pl.col("rule") == "window"), named=True)
    assert (third["planned"], third["observed"]) == ("day 2 after transplantation", "day 3 after transplantation")
    missing = rows.row(by_predicate=pl.col("rule") == "missing", named=True)
    assert (missing["day"], missing["row"]) == (None, None)


@pytest.mark.parametrize(("day", "late"), [(41, True), (42, False), (56, False), (57, True), (63, True)])
def test_both_ends_of_a_window_are_inside_it(tmp_path: Path, day: int, late: bool) -> None:
    events = f"patient event day\na infusion 0\na hsct {day}\na infusion {day + 2}\na last_contact 400"
    assert bool(found(history(tmp_path, events), planned(*SANDWICH))) is late


@pytest.mark.parametrize(("gap", "late"), [(1, True), (2, False), (3, True)])
def test_the_second_infusion_is_on_day_two(tmp_path: Path, gap: int, late: bool) -> None:
    events = f"patient event day\na infusion 0\na hsct 49\na infusion {49 + gap}\na last_contact 400"
    rules = [rule for _, _, rule in found(history(tmp_path, events), planned(*SANDWICH))]
    assert rules == (["window"] if late else [])


@pytest.mark.parametrize(
    ("end", "state"),
    [
        ("death 56", "not_due"),
        ("death 57", "missed"),
        ("relapse 56", "not_due"),
        ("progression 20", "not_due"),
        ("last_contact 55", "pending"),
        ("last_contact 56", "missed"),
    ],
)
def test_a_course_is_missed_where_its_whole_window_passed_under_observation(
    tmp_path: Path, end: str, state: str
) -> None:
    more = "" if end.startswith(("death", "last")) else "a last_contact 400"
    cohort = history(tmp_path, f"patient event day\na infusion 0\na {end}\n{more}")
    held = hold_against(cohort, planned(*SANDWICH))
    assert held.courses[1].state.tolist() == [state]
    assert held.courses[2].state.tolist() == ["not_due"]
    assert found(cohort, planned(*SANDWICH)) == ([("a", "ASCT", "missing")] if state == "missed" else [])


def test_a_transplant_after_relapse_is_another_line_of_treatment(tmp_path: Path) -> None:
    cohort = history(tmp_path, "patient event day\na infusion 0\na relapse 30\na hsct 50\na last_contact 400")
    assert found(cohort, planned(*SANDWICH)) == []
    assert hold_against(cohort, planned(*SANDWICH)).courses[1].why.tolist() == ["relapse or progression before"]


def test_a_transplant_of_years_ago_is_not_the_planned_one(tmp_path: Path) -> None:
    cohort = history(tmp_path, "patient event day\na hsct -900\na infusion 0\na hsct 50\na infusion 52\na death 99")
    assert found(cohort, planned(*SANDWICH)) == []
    assert hold_against(cohort, planned(*SANDWICH)).courses[1].given.day.tolist() == [50.0]


def test_an_undated_course_is_neither_kept_nor_a_deviation(tmp_path: Path) -> None:
    events = "patient event day\na infusion 0\na hsct -\na infusion 52\na last_contact 400"
    held = hold_against(history(tmp_path, events), planned(*SANDWICH))
    window = next(each for each in held.judged if (each.rule, each.course) == ("window", "ASCT"))
    assert (window.unknown.tolist(), window.wrong.tolist()) == ([True], [False])
    assert not any(each.wrong.any() for each in held.judged)
    assert held.completers.completed.unknown.tolist() == [True]


def test_a_second_infusion_without_the_transplant_is_out_of_order(tmp_path: Path) -> None:
    cohort = history(tmp_path, "patient event day\na infusion 0\na infusion 20\na last_contact 30")
    assert found(cohort, planned(*SANDWICH)) == [("a", "second", "order")]


def test_completers_are_so_from_their_last_course_on(cohort: tuple[History, Protocol]) -> None:
    rows = named(cohort[0], per_protocol(*cohort))
    done = rows.filter(pl.col("completed") == "yes").select("patient", "day", "immortal_days").rows()
    assert done == [
        ("T42", 44.0, 44.0), ("T56", 58.0, 58.0), ("S2", 51.0, 51.0), ("HIGH", 51.0, 51.0), ("NOLD", 51.0, 51.0),
        ("THIRD", 51.0, 51.0),
    ]  # fmt: skip
    assert rows.filter(pl.col("completed") == "unknown")["patient"].to_list() == ["SHORT"]
    assert rows.height == len([*TRANSPLANTS, *SECONDS, *OTHERS]) - 2  # two never had the first infusion


def test_the_planned_immortal_time_of_the_sandwich_is_44_to_58_days(cohort: tuple[History, Protocol]) -> None:
    completers = hold_against(*cohort).completers
    assert completers.planned == (44.0, 58.0)
    assert np.nanmin(completers.immortal) >= 44.0
    assert np.isposinf(completers.day[~completers.complete]).all()


def test_nobody_who_died_early_is_a_completer_and_everybody_is_in_the_denominator(
    cohort: tuple[History, Protocol],
) -> None:
    rows = named(cohort[0], per_protocol(*cohort))
    died = rows.row(by_predicate=pl.col("patient") == "DIED20", named=True)
    assert (died["completed"], died["day"], died["why"]) == ("no", None, "autologous transplant: died before")


def test_the_flow_loses_nobody_without_a_reason(cohort: tuple[History, Protocol]) -> None:
    rows = flow(*cohort)
    steps = dict(rows.filter(pl.col("reason").is_null()).select("step", "n").iter_rows())
    assert list(steps.values()) == [18, 18, 17, 16, 16, 12, 12]
    lost = rows.filter(pl.col("reason").is_not_null())
    for step, of, depth in rows.filter(pl.col("reason").is_null()).select("step", "of", "depth").iter_rows():
        if of and depth == 0:
            assert steps[of] - steps[step] == lost.filter(pl.col("step") == step)["n"].sum()
    reasons = lost.filter(pl.col("step") == "autologous transplant").select("reason", "n").rows()
    assert reasons == [
        ("died before", 1), ("relapse or progression before", 1), ("follow-up ended before", 1),
        ("not given, though it was due", 1),
    ]  # fmt: skip


def test_a_stated_reason_stands_in_the_flow(tmp_path: Path) -> None:
    events = "patient event day value reason\na apheresis 0 - failed\na last_contact 9\nb infusion 0\nb death 3"
    rows = flow(history(tmp_path, events), planned(INFUSION))
    assert rows.filter(pl.col("step") == "infusion").select("reason", "n").rows() == [(None, 1), ("failed", 1)]


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


def test_a_protocol_without_courses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="plans no course"):
        deviations(history(tmp_path, "patient event day\na infusion 0\na last_contact 9"), library())


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


def test_the_order_of_the_rows_does_not_matter(cohort: tuple[History, Protocol], tmp_path: Path) -> None:
    path = write_cohort(tmp_path)
    header, *rows = (tmp_path / "events.csv").read_text().splitlines()
    (tmp_path / "events.csv").write_text("\n".join([header, *reversed(rows)]) + "\n")
    again = read_study(path)
    assert found(again.history, again.protocol) == found(*cohort)


@pytest.mark.parametrize("name", ["sandwich", "low-dose-cd19", "cd7-second-hsct", "bicistronic-cd19-cd22", "hcart19s"])
def test_every_built_in_protocol_can_be_held_against_a_history(name: str, tmp_path: Path) -> None:
    study = read_study(write_cohort(tmp_path, protocol=name))
    held = hold_against(study.history, study.protocol)
    assert held.courses[0].given.dated.sum() == 16
    assert len(held.criteria) == len(study.protocol.eligibility)


def keys(frame: pl.DataFrame) -> set[tuple[object, ...]]:
    return set(frame.select("patient", "course", "rule").iter_rows())


def test_a_date_that_gets_lost_makes_no_deviation(cohort: tuple[History, Protocol]) -> None:
    whole, protocol = cohort
    before = keys(deviations(whole, protocol))
    rows = whole.events["row"].to_list()
    for row in rows:
        day = pl.when(pl.col("row") == row).then(None).otherwise("day")
        events = whole.events.with_columns(day.alias("day"))
        event = whole.events.row(by_predicate=pl.col("row") == row, named=True)
        end = whole.end.copy()
        if event["event"] in ("death", "last_contact"):
            end[event["patient"]] = np.nan
        fewer = deviations(replace(whole, events=events, end=end), protocol)
        assert keys(fewer) <= before, event


@pytest.mark.parametrize("shift", [-3000.5, 18000.0])
def test_another_zero_of_the_days_changes_nothing(cohort: tuple[History, Protocol], shift: float) -> None:
    whole, protocol = cohort
    moved = replace(whole, events=whole.events.with_columns(pl.col("day") + shift), end=whole.end + shift)
    assert keys(deviations(moved, protocol)) == keys(deviations(whole, protocol))
    assert flow(moved, protocol).equals(flow(whole, protocol))
