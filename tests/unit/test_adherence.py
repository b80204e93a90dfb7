"""Deviations, the per-protocol set and the flow of a made-up sandwich, day by day."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from adherence_cohort import OTHERS, SECONDS, TRANSPLANTS, write_cohort
from adherence_plans import INFUSION, SANDWICH, found, named, planned
from cohorts import history
from dayzero.adherence import deviations, flow, hold_against, per_protocol
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Protocol, library
from dayzero.study import read_study


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


def test_a_protocol_without_courses_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="plans no course"):
        deviations(history(tmp_path, "patient event day\na infusion 0\na last_contact 9"), library())


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
