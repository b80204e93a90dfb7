"""MRD over a course: visits of the schedule, time to and duration of negativity (rule book 4.6)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from cell_histories import history, table
from clinical_files import read_tables, small_history
from dayzero.grading.mrd import adherence, derive_mrd
from dayzero.protocol import Definitions

Events = list[tuple[int, str, float, str]]
INFUSED: Events = [(0, "infusion", 0.0, "")]
NEG = {"value": 0.0, "lod": 1e-5}
POS = {"value": 1e-2, "lod": 1e-5}
SHORT = {"value": 0.0, "lod": 1e-3}
UNKNOWN = {"detected": False}


def results(events: Events, *rows: dict[str, Any], end: float = 2000.0) -> dict[str, pl.DataFrame]:
    mrd = table(*({"specimen": "bm", **row} for row in rows))
    n = 1 + max([event[0] for event in events])
    return dict(derive_mrd(history(events, mrd=mrd, end=[end] * n), Definitions()).results)


def states(events: Events, *rows: dict[str, Any], end: float = 2000.0, kind: str = "infusion") -> dict[int, str | None]:
    visits = results(events, *rows, end=end)["mrd_visits"].filter(pl.col("course_kind") == kind)
    return dict(zip(visits["month"].to_list(), visits["state"].to_list(), strict=True))


def test_4_6_the_schedule_of_seed_004_and_its_windows() -> None:
    visits = results(INFUSED)["mrd_visits"]
    assert visits["month"].to_list() == [1, 2, 3, 6, 12, 18, 24, 36, 48]
    assert visits["due"].to_list() == [30, 61, 91, 183, 365, 548, 730, 1096, 1461]
    assert (visits["closes"] - visits["due"]).to_list() == [7, 7, 7, 14, 14, 30, 30, 30, 30]
    assert (visits["due"] - visits["opens"]).to_list() == [7, 7, 7, 14, 14, 30, 30, 30, 30]


def test_4_6_both_ends_of_a_window_are_inside() -> None:
    told = states(INFUSED, {"day": 23.0, **NEG}, {"day": 68.9, **NEG}, {"day": 99.0, **NEG})
    assert [told[month] for month in (1, 2, 3)] == ["done", "done", "missed"]


def test_missed_pending_and_not_due_at_the_end_of_follow_up() -> None:
    told = states(INFUSED, {"day": 30.0, **NEG}, end=185.0)
    assert told == {1: "done", 2: "missed", 3: "missed", 6: "pending", **dict.fromkeys((12, 18, 24, 36, 48), "not_due")}


def test_an_unknown_end_of_follow_up_leaves_the_state_unknown() -> None:
    told = states(INFUSED, {"day": 30.0, **NEG}, end=float("nan"))
    assert told[1] == "done"
    assert {told[month] for month in (2, 3, 6, 12)} == {None}


@pytest.mark.parametrize("ending", ["relapse", "progression", "hsct", "death"])
def test_visits_are_due_only_before_relapse_death_and_the_next_course(ending: str) -> None:
    told = states([*INFUSED, (0, ending, 64.0, "")], end=64.0 if ending == "death" else 2000.0)
    assert told[1] == "missed"
    assert told[2] == "not_due"  # its window was still open
    assert told[3] == "not_due"


def test_a_relapse_before_the_infusion_ends_nothing() -> None:
    assert states([(0, "relapse", -5.0, ""), *INFUSED])[1] == "missed"
    assert states([(0, "relapse", 0.0, ""), *INFUSED])[1] == "missed"  # on its day: before it


def test_each_course_has_a_clock_of_its_own() -> None:
    events: Events = [*INFUSED, (0, "hsct", 63.0, "")]
    rows: list[dict[str, Any]] = [{"day": 28.0, **NEG}, {"day": 93.0, **NEG}]
    assert states(events, *rows)[1] == "done"
    assert states(events, *rows)[3] == "not_due"
    assert states(events, *rows, kind="hsct")[1] == "done"
    assert states(events, *rows, kind="hsct")[2] == "missed"


def test_the_clock_stops_with_the_conditioning_of_the_next_course() -> None:
    told = states([*INFUSED, (0, "lymphodepletion", 60.0, ""), (0, "hsct", 70.0, "")])
    assert told[2] == "not_due"
    assert told[1] == "missed"


def test_a_visit_takes_the_nearest_day_and_of_two_the_later() -> None:
    visits = results(INFUSED, {"day": 28.0, **POS}, {"day": 32.0, **NEG}, {"day": 37.0, **POS})["mrd_visits"]
    assert visits.row(0, named=True)["day"] == 32.0
    assert visits.row(0, named=True)["status"] == "negative"


def test_lymphocytes_of_the_donor_start_no_clock() -> None:
    told = results([*INFUSED, (0, "hsct", 63.0, ""), (0, "dli", 80.0, "")], {"day": 93.0, **NEG})
    assert told["mrd"].select("course_kind", "since").rows() == [("hsct", 30.0)]
    assert told["mrd_visits"]["course_kind"].unique().sort().to_list() == ["hsct", "infusion"]


def test_samples_without_any_course_are_graded() -> None:
    told = results([(0, "diagnosis", 0.0, "")], {"day": 30.0, **NEG})
    assert told["mrd"]["status"].to_list() == ["negative"]
    assert (told["mrd_visits"].height, told["mrd_negativity"].height) == (0, 0)


def test_a_table_as_the_reader_reads_it(tmp_path: Path) -> None:
    mrd = "patient,date,specimen,method,value,lod,cells\n"
    rows = ["a,2021-01-31,bm,mfc,<0.01%,,2000000", "a,2021-03-02,bm,mfc,0.02%,0.001%,", "b,2021-01-29,bm,ngs,0%,,10000"]
    told = read_tables(tmp_path, {"mrd": mrd + "\n".join(rows) + "\n"}).tables
    found = derive_mrd(replace(small_history(tmp_path), tables=told), Definitions())
    assert found.results["mrd"]["status"].to_list() == ["negative", "positive", "indeterminate"]
    assert found.results["mrd_visits"].filter(pl.col("state") == "done").select("patient", "month").rows() == [
        (0, 1),
        (0, 2),
        (1, 1),
    ]


def test_cerebrospinal_fluid_keeps_no_visit() -> None:
    assert states(INFUSED, {"day": 30.0, **NEG, "specimen": "csf"})[1] == "missed"


def test_adherence_is_done_of_those_due() -> None:
    events: Events = [(i, "infusion", 0.0, "") for i in range(4)] + [(3, "relapse", 20.0, "")]
    visits = results(events, {"patient": 0, "day": 30.0, **NEG}, {"patient": 1, "day": 25.0, **NEG})["mrd_visits"]
    first = adherence(visits).row(0, named=True)
    assert (first["done"], first["missed"]) == (2, 1)
    assert first["adherence"] == pytest.approx(2 / 3)
    none = adherence(visits.with_columns(state=pl.lit("not_due")))
    assert none["adherence"].null_count() == none.height


def test_of_one_day_the_most_severe_sample_counts() -> None:
    both = [{"day": 30.0, **NEG, "method": "mfc"}, {"day": 30.2, **POS, "method": "ngs"}]
    visit = results(INFUSED, *both)["mrd_visits"].row(0, named=True)
    assert (visit["status"], visit["method"]) == ("positive", "mfc+ngs")
    kept = results(INFUSED, {"day": 30.0, **NEG}, {"day": 30.0, **SHORT})["mrd_visits"]
    assert kept["status"][0] == "negative"
    open_ = results(INFUSED, {"day": 30.0, **NEG}, {"day": 30.0, "detected": True})["mrd_visits"]
    assert open_["status"][0] is None


def negativity(events: Events, *rows: dict[str, Any], end: float = 2000.0) -> dict[str, Any]:
    return results(events, *rows, end=end)["mrd_negativity"].row(0, named=True)


def test_4_6_negativity_is_a_bracket() -> None:
    told = negativity(
        INFUSED,
        {"day": -40.0, **NEG},
        {"day": -3.0, **POS},
        {"day": 14.0, **POS},
        {"day": 28.0, **NEG},
        {"day": 60.0, **NEG},
        {"day": 90.0, **SHORT},
        {"day": 120.0, **POS},
        {"day": 150.0, **NEG},
    )
    assert (told["baseline"], told["baseline_day"]) == ("positive", -3.0)
    assert (told["last_positive_before"], told["first_negative"]) == (14.0, 28.0)
    assert (told["last_negative"], told["lost_day"]) == (60.0, 120.0)
    assert (told["duration_lower"], told["duration_upper"]) == (32.0, 106.0)
    assert told["samples"] == 5
    assert told["evaluable"]


def test_without_a_positive_day_the_bracket_opens_with_the_course() -> None:
    told = negativity(INFUSED, {"day": 28.0, **NEG}, {"day": 60.0, **POS})
    assert told["last_positive_before"] is None
    assert told["duration_upper"] == 60.0


def test_below_quantification_is_no_loss_and_no_negativity() -> None:
    low = {"value": 5e-5, "lod": 1e-6, "loq": 1e-4}
    told = negativity(INFUSED, {"day": 14.0, **low}, {"day": 28.0, **NEG}, {"day": 60.0, **low})
    assert (told["last_positive_before"], told["first_negative"], told["lost_day"]) == (14.0, 28.0, None)
    assert told["last_negative"] == 28.0


def test_an_insufficient_sample_is_never_a_negative_one() -> None:
    told = negativity(INFUSED, {"day": 28.0, **SHORT})
    assert (told["first_negative"], told["evaluable"], told["negative_by_28"]) == (None, False, None)


@pytest.mark.parametrize(
    ("rows", "events", "expected"),
    [
        ([{"day": 28.0, **NEG}], [], (True, True)),
        ([{"day": 35.0, **NEG}], [], (True, True)),
        ([{"day": 36.0, **NEG}], [], (None, True)),
        ([{"day": 28.0, **POS}], [], (False, None)),
        ([{"day": 28.0, "value": 5e-5, "lod": 1e-6, "loq": 1e-4}], [], (False, None)),
        ([{"day": 13.0, **POS}], [], (None, None)),  # too early to say no
        ([{"day": 28.0, **POS}, {"day": 90.0, **POS}], [], (False, False)),
        ([{"day": 14.0, **POS}, {"day": 28.0, **SHORT}], [], (None, None)),
        ([{"day": 14.0, **POS}, {"day": 28.0, **UNKNOWN}], [], (None, None)),
        ([], [(0, "relapse", 20.0, "")], (False, False)),
        ([], [(0, "death", 20.0, "")], (None, None)),  # missing as failure is the report's choice
        ([], [], (None, None)),
    ],
)
def test_4_6_negative_by_days_28_and_90(
    rows: list[dict[str, Any]], events: Events, expected: tuple[bool | None, bool | None]
) -> None:
    told = negativity([*INFUSED, *events], *rows)
    assert (told["negative_by_28"], told["negative_by_90"]) == expected


@pytest.mark.parametrize("ending", ["relapse", "progression", "death", "hsct", "infusion"])
def test_what_competes_with_negativity(ending: str) -> None:
    told = negativity([*INFUSED, (0, ending, 50.0, "")], {"day": 28.0, **NEG}, {"day": 60.0, **POS})
    assert (told["competing"], told["competing_day"]) == (ending, 50.0)
    assert told["lost_day"] is None  # the sample lies after the end of the watch


def test_on_one_day_relapse_comes_before_death() -> None:
    told = negativity([*INFUSED, (0, "death", 50.0, ""), (0, "relapse", 50.0, "")])
    assert told["competing"] == "relapse"


def test_a_history_without_the_table_derives_nothing() -> None:
    assert derive_mrd(history(INFUSED, end=[10.0]), Definitions()).results == {}


def test_seed_004_rates_have_three_denominators() -> None:
    """20 negative of 27 with a sample, of 25 in remission, of 28 infused: the columns leave the choice open."""
    events: Events = [(i, "infusion", 0.0, "") for i in range(28)]
    rows = [{"patient": i, "day": 28.0, **(NEG if i < 20 else POS)} for i in range(27)]
    told = results(events, *rows)["mrd_negativity"]
    negative = int(told["negative_by_28"].sum())
    assert (negative, told["negative_by_28"].drop_nulls().len(), told.height) == (20, 27, 28)


DAYS = st.lists(st.tuples(st.integers(-10, 800), st.sampled_from([NEG, POS, SHORT, UNKNOWN])), max_size=12)
ENDS = st.sampled_from(["relapse", "death", "hsct", "dli"])


@settings(max_examples=25, deadline=None)
@given(DAYS, st.integers(1, 700), ENDS)
def test_a_sample_keeps_at_most_one_visit(days: list[tuple[int, dict[str, Any]]], at: int, ending: str) -> None:
    rows = [{"day": float(day), **what} for day, what in days]
    visits = results([*INFUSED, (0, ending, float(at), "")], *rows)["mrd_visits"]
    kept = visits["day"].drop_nulls()
    assert kept.is_unique().all()
    assert set(visits["state"]) <= {"done", "missed", "not_due", "pending"}
    assert ((visits["state"] == "done") == visits["day"].is_not_null()).all()


@settings(max_examples=12, deadline=None)
@given(DAYS, st.integers(1, 700), ENDS, st.integers(-3000, 3000))
def test_a_shift_of_all_dates_shifts_the_days_alone(
    days: list[tuple[int, dict[str, Any]]], at: int, ending: str, shift: int
) -> None:
    def told(by: float) -> dict[str, pl.DataFrame]:
        rows = [{"day": day + by, **what} for day, what in days]
        return results([(0, "infusion", by, ""), (0, ending, at + by, "")], *rows, end=2000 + by)

    moving = ("day", "due", "opens", "closes", "course_day", "baseline_day", "first_negative", "last_positive_before")
    moving = (*moving, "lost_day", "last_negative", "competing_day")
    for name, frame in told(0.0).items():
        shifted = frame.with_columns(pl.col(column) + shift for column in moving if column in frame.columns)
        assert_frame_equal(shifted, told(float(shift))[name])
