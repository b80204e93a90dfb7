"""ICAHT and T-ICAHT: every boundary of the tables, the published algorithm, bounds, clocks (rule book 2.6)."""

import itertools
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
from dayzero.grading.blood.icaht import derive_icaht, grade_icaht
from dayzero.grading.derived import RESULT
from dayzero.history import History
from dayzero.io.csv import Table
from dayzero.io.tables import DataSettings, make_history
from dayzero.protocol import Definitions

Days = Mapping[int, float]
LABS = {
    "patient": pl.Int64, "day": pl.Float64, "row": pl.Int64, "analyte": pl.String, "value": pl.Float64,
    "value_bound": pl.String, "uln": pl.Float64, "uln_bound": pl.String, "lln": pl.Float64, "lln_bound": pl.String,
}  # fmt: skip
INFUSED = {"event": "infusion", "day": "0"}
END = {"event": "last_contact", "day": "200"}


def text(rows: Sequence[Mapping[str, str]], name: str) -> Table:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    cells = [[row.get(column) for column in columns] for row in rows]
    frame = pl.DataFrame(cells, schema=dict.fromkeys(columns, pl.String), orient="row")
    return Table(frame=frame, name=name, rows=np.arange(2, frame.height + 2))


def history(
    days: Days,
    *events: Mapping[str, str],
    analyte: str = "anc",
    bound: Mapping[int, str] | None = None,
    also: Sequence[Mapping[str, Any]] = (),
) -> History:
    """Return a history of patient A with counts (per uL for neutrophils, else 1e9/L) by day."""
    rows = [{"patient": "A"} | dict(event) for event in (events or (INFUSED, END))]
    made, _ = make_history(text([{"patient": "A"}], "patients.csv"), text(rows, "events.csv"), DataSettings())
    factor = 1000 if analyte == "anc" else 1
    labs = [
        {"patient": 0, "day": float(day), "row": at + 2, "analyte": analyte, "value": value / factor,
         "value_bound": (bound or {}).get(day, "")}
        for at, (day, value) in enumerate(days.items())
    ]  # fmt: skip
    return replace(made, tables={"labs": pl.DataFrame([*labs, *also], schema=LABS)})


def result(days: Days, *events: Mapping[str, str], convention: Any = "longest_run", **more: Any) -> dict[str, Any]:
    made = derive_icaht(history(days, *events, **more), Definitions(icaht=convention))
    (row,) = made.results["icaht"].rows(named=True)
    return dict(row)


def platelets(days: Days, *events: Mapping[str, str]) -> dict[str, Any]:
    (row,) = (
        derive_icaht(history(days, *events, analyte="platelets"), Definitions()).results["t_icaht"].rows(named=True)
    )
    return dict(row)


def month(low: Sequence[int] = (), value: float = 400, other: float = 2000) -> dict[int, float]:
    """Return a value on each of days 0 to 30."""
    return {day: value if day in low else other for day in range(31)}


@pytest.mark.parametrize(
    ("n", "value", "grade"),
    [
        (0, 400, 0),
        (1, 500, 1), (6, 500, 1), (7, 500, 2), (13, 500, 2), (14, 500, 3), (26, 500, 3),
        (1, 100, 1), (6, 100, 1), (7, 100, 3), (13, 100, 3), (14, 100, 4), (7, 110, 2), (14, 110, 3),
        (14, 510, 0),
    ],
)  # fmt: skip
def test_early_table(n: int, value: float, grade: int) -> None:
    assert result(month(range(4, 4 + n), value))["grade"] == grade


def test_never_above_500_is_grade_4() -> None:
    found = result(month(range(31), 450))
    assert (found["grade"], found["override"], found["longest_run_500"], found["day"]) == (4, True, 31, 0.0)


@pytest.mark.parametrize(("start", "grade"), [(0, 4), (3, 4), (4, 3)])
def test_override_needs_a_run_from_day_3_at_the_latest(start: int, grade: int) -> None:
    found = result(month(range(start, 31)))
    assert (found["grade"], found["override"]) == (grade, grade == 4)


def test_override_of_an_early_death_and_of_a_loss() -> None:
    days = dict.fromkeys(range(17), 400.0)
    dead = result(days, INFUSED, {"event": "death", "day": "16"})
    lost = result(days, INFUSED, {"event": "last_contact", "day": "16"})
    assert (dead["grade"], lost["grade"]) == (4, 4)
    assert dead["closed_by"] == "death"
    assert "lost_without_recovery" in lost["assumptions"]


def test_a_data_cut_off_is_no_loss() -> None:
    made = history(dict.fromkeys(range(17), 400.0), INFUSED, {"event": "last_contact", "day": "16"})
    (row,) = derive_icaht(replace(made, cutoff=16.0), Definitions()).results["icaht"].rows(named=True)
    assert (row["grade"], row["lower"], row["upper"], row["override"]) == (None, 3, 4, None)


def test_a_value_at_the_last_day_above_500_ends_the_run() -> None:
    assert result(month(range(30)))["override"] is False


@pytest.mark.parametrize(("recovery", "run"), [(1, 9), (2, 10), (3, 4)])
def test_runs_join_over_less_than_three_days_of_recovery(recovery: int, run: int) -> None:
    low = [*range(5, 9), *range(9 + recovery, 13 + recovery)]
    found = result(month(low))
    assert found["longest_run_500"] == run
    assert found["cumulative_500"] == (run if recovery < 3 else 8)


def test_conventions_differ_and_both_are_told() -> None:
    days = month([*range(4, 9), *range(15, 20)])
    by_run, by_sum = (result(days, convention=name) for name in ("longest_run", "cumulative"))
    assert (by_run["grade"], by_sum["grade"]) == (1, 2)
    assert [(r["longest_run_500"], r["cumulative_500"]) for r in (by_run, by_sum)] == [(5, 10), (5, 10)]
    assert (by_run["convention"], by_sum["convention"]) == ("longest_run", "cumulative")


def test_gaps_of_seven_days_are_interpolated() -> None:
    found = result({0: 2000, 4: 400, 12: 400, 13: 2000, 20: 2000, 28: 2000})
    assert (found["longest_run_500"], found["days_unknown"], found["grade"]) == (9, 0, 2)
    assert "days_between_values_filled" in found["assumptions"]


def test_gaps_of_eight_days_stay_unknown_and_open_the_bounds() -> None:
    found = result({0: 2000, 4: 400, 13: 400, 14: 2000, 20: 2000, 28: 2000})
    assert (found["longest_run_500"], found["longest_run_500_upper"], found["days_unknown"]) == (1, 10, 8)
    assert (found["grade"], found["lower"], found["upper"], found["missing"]) == (None, 1, 3, ["anc"])


def test_ends_are_carried_over_seven_days_as_published() -> None:
    assert result({7: 400, 12: 2000, 23: 2000, 18: 2000})["longest_run_500"] == 8
    assert result({8: 400, 12: 2000, 18: 2000, 23: 2000})["days_unknown"] == 8


def test_the_lowest_value_of_a_day_counts_and_is_rounded_to_ten() -> None:
    days = month()
    extra = {"patient": 0, "day": 9.5, "row": 99, "analyte": "anc", "value": 0.505, "value_bound": ""}
    assert result(days, also=[extra])["longest_run_500"] == 1  # 505 is rounded to 500, half to even
    assert result(days, also=[extra | {"value": 0.506}])["longest_run_500"] == 0
    assert result(days, also=[extra | {"value": 0.9}])["nadir"] == pytest.approx(0.9)


def test_no_value_is_no_grade_0() -> None:
    found = result({40: 3000})
    assert (found["grade"], found["lower"], found["upper"], found["missing"]) == (None, 0, 4, ["anc"])


def test_one_value_is_not_carried() -> None:
    found = result({10: 400})
    assert (found["lower"], found["upper"], found["longest_run_500"]) == (1, 4, 1)


def test_censored_values_open_the_bounds() -> None:
    days = month(range(4, 12), 500)
    found = result(days, bound=dict.fromkeys(range(4, 12), "<"))
    assert (found["lower"], found["upper"], found["longest_run_500"]) == (2, 3, 8)
    above = result(month([4], 400), bound={4: ">"})
    assert (above["lower"], above["upper"]) == (0, 1)


@pytest.mark.parametrize(
    ("event", "closed"),
    [("progression", "progression"), ("relapse", "relapse"), ("new_therapy", "new_therapy"), ("hsct", "course")],
)
def test_the_clock_stops(event: str, closed: str) -> None:
    days = month(range(20, 31)) | dict.fromkeys(range(31, 60), 50.0)
    found = result(days, INFUSED, {"event": event, "day": "15"}, END)
    assert (found["grade"], found["closed_by"], found["late_grade"]) == (0, closed, None)
    assert found["last_day"] == (14 if event == "hsct" else 15)


def test_conditioning_stops_the_clock() -> None:
    events = ({"event": "lymphodepletion", "day": "20"}, {"event": "hsct", "day": "26"})
    assert result(month(range(22, 31)), INFUSED, *events, END)["last_day"] == 19


def test_a_boost_does_not_stop_the_clock() -> None:
    assert result(month(), INFUSED, {"event": "boost", "day": "15"}, END)["closed_by"] == "follow_up"


@pytest.mark.parametrize(("day", "evaluable"), [(1, False), (14, False), (15, True)])
def test_an_infusion_in_the_nadir_of_a_transplant_is_not_evaluable(day: int, evaluable: bool) -> None:
    hsct, infusion = {"event": "hsct", "day": "0"}, {"event": "infusion", "day": str(day)}
    days = {day + at: value for at, value in month(range(4, 12)).items()}
    made = history(days, hsct, infusion, END)
    found = derive_icaht(made, Definitions())
    (row,) = found.results["icaht"].rows(named=True)
    assert row["evaluable"] is evaluable
    assert (row["findings"] == ["within_transplant_nadir"]) is not evaluable
    assert found.events.height == int(evaluable)
    assert ("icaht-within-transplant-nadir" in [f.code for f in found.findings]) is not evaluable


@pytest.mark.parametrize(
    ("lowest", "second", "grade"),
    [
        (1501, 1501, 0), (1500, 1500, 1), (1001, 1500, 1), (1000, 1500, 2), (501, 1500, 2), (500, 1500, 3),
        (101, 1500, 3), (100, 1500, 4), (100, 1501, 0), (100, None, 4), (1600, None, 0),
    ],
)  # fmt: skip
def test_late_table(lowest: float, second: float | None, grade: int) -> None:
    late = {31: lowest} | ({} if second is None else {100: second})
    found = result(month() | late)
    assert (found["late_grade"], found["late_values"]) == (grade, len(late))


def test_late_needs_a_value_and_a_clock_that_reaches_it() -> None:
    none = result(month())
    assert (none["late_grade"], none["late_lower"], none["late_upper"]) == (None, 0, 4)
    dead = result(month(), INFUSED, {"event": "death", "day": "30"})
    assert (dead["late_grade"], dead["late_lower"], dead["late_upper"]) == (None, None, None)
    assert result(month() | {30: 50, 101: 50, 60: 2000})["late_grade"] == 0


@pytest.mark.parametrize(
    ("n", "value", "grade"),
    [(0, 30, 0), (1, 49, 1), (6, 49, 1), (7, 49, 2), (20, 20, 2), (1, 19, 3), (13, 19, 3), (14, 19, 4), (9, 50, 0)],
)
def test_platelets_early_table(n: int, value: float, grade: int) -> None:
    assert platelets(month(range(4, 4 + n), value, 150))["grade"] == grade


@pytest.mark.parametrize(
    ("days", "grade"),
    [
        ({31: 100, 60: 100}, 0), ({31: 99, 60: 99}, 1), ({31: 99, 60: 100}, 0), ({31: 49, 60: 49}, 2),
        ({31: 20, 60: 20}, 2), ({31: 19, 43: 19, 44: 200}, 3), ({31: 19, 44: 19, 45: 200}, 4),
    ],
)  # fmt: skip
def test_platelets_late_table(days: Days, grade: int) -> None:
    assert platelets(month(other=150) | dict(days))["late_grade"] == grade


def test_platelets_count_all_days_and_one_late_value_is_too_few() -> None:
    found = platelets(month([*range(4, 9), *range(15, 20)], 40, 150) | {50: 10})
    assert (found["grade"], found["convention"]) == (2, "cumulative")
    assert (found["late_grade"], found["late_lower"], found["late_upper"]) == (None, 0, 4)


def test_events_are_added_and_supersede_what_was_reported_of_the_same_period() -> None:
    reported = [{"event": "icaht", "day": "9", "value": "2"}, {"event": "icaht", "day": "70", "value": "3"}]
    made = history(month(range(4, 12)) | {40: 2000, 60: 2000}, INFUSED, *reported, END)
    found = derive_icaht(made, Definitions())
    assert found.events.rows(named=True) == [
        {"patient": 0, "event": "icaht", "day": 4.0, "value": "2", "course": "1", "course_kind": "infusion",
         "period": "early", "scale": "rejeski-2023"}
    ]  # fmt: skip
    assert found.superseded == (3,)
    (finding,) = found.findings
    assert (finding.code, finding.rows, finding.patient_rows) == ("icaht-grade-differs", (4,), (2,))


def test_an_uncertain_grade_makes_no_event_and_supersedes_nothing() -> None:
    made = history({10: 400}, INFUSED, {"event": "icaht", "day": "9", "value": "2"}, END)
    found = derive_icaht(made, Definitions())
    assert (found.events.height, found.superseded, found.findings) == (0, (), ())


def test_frame_begins_with_the_columns_of_every_result() -> None:
    made = grade_icaht(history(month(range(4, 12)) | {40: 900, 50: 900}))
    frame = made.graded["icaht"]
    assert dict(list(frame.schema.items())[: len(RESULT)]) == RESULT
    assert made.named("icaht", ("value", "period")).rows() == [
        (0, 4.0, "derived", "2", "early"),
        (0, 40.0, "derived", "2", "late"),
    ]


def test_two_infusions_have_clocks_of_their_own() -> None:
    days = month(range(4, 12)) | {60 + day: value for day, value in month(range(4, 6)).items()}
    found = derive_icaht(history(days, INFUSED, {"event": "infusion", "day": "60"}, END), Definitions())
    assert found.results["icaht"]["grade"].to_list() == [2, 1]
    assert found.results["icaht"]["course"].to_list() == [1, 2]


def test_grading_again_changes_nothing() -> None:
    """The events that the first grading adds are not taken for reported ones, nor their attributes for courses'."""
    once = grade_icaht(
        history(month(range(4, 12)) | {40: 900, 50: 900}, INFUSED, {"event": "icaht", "day": "9", "value": "1"}, END)
    )
    again = derive_icaht(once, Definitions())
    assert again.results["icaht"].equals(once.graded["icaht"])
    assert (again.superseded, [f.rows for f in again.findings]) == ((3,), [(3,)])


def test_nothing_without_labs_or_infusions() -> None:
    bare = history(month(), {"event": "enrolment", "day": "0"}, END)
    assert derive_icaht(bare, Definitions()).results["icaht"].height == 0
    assert derive_icaht(replace(bare, tables={}), Definitions()).results == {}
    assert set(derive_icaht(history(month(other=90), analyte="platelets"), Definitions()).results) == {"t_icaht"}


def test_an_additional_low_value_can_lower_a_grade_by_interpolation() -> None:
    """Not monotone in what is measured: 400 between 100 and 100 shortens the run that interpolation drew at 100."""
    sparse = month() | dict.fromkeys(range(5, 12), 100.0)
    del sparse[8]
    assert result(sparse)["grade"] == 3
    assert result(sparse | {8: 400.0, 9: 400.0, 10: 400.0})["grade"] == 2


VALUES = st.sampled_from([50.0, 100.0, 110.0, 300.0, 500.0, 510.0, 900.0, 2000.0])
SERIES = st.dictionaries(st.integers(0, 40), VALUES, min_size=1, max_size=25)
CONVENTIONS = st.sampled_from(["longest_run", "cumulative"])


@settings(max_examples=30, deadline=None)
@given(SERIES, st.data(), CONVENTIONS)
def test_a_lower_value_never_lowers_a_grade(days: dict[int, float], data: Any, convention: str) -> None:
    day = data.draw(st.sampled_from(sorted(days)))
    worse = days | {
        day: data.draw(st.sampled_from([50.0, 100.0, 400.0]).filter(lambda v: v <= days[day]) | st.just(0.0))
    }
    before, after = result(days, convention=convention), result(worse, convention=convention)
    assert after["lower"] >= before["lower"]
    assert after["upper"] >= before["upper"]
    assert before["late_upper"] is None or days.keys() != worse.keys() or after["late_upper"] >= before["late_upper"]


@settings(max_examples=30, deadline=None)
@given(SERIES, SERIES, CONVENTIONS)
def test_bounds_contain_completions_of_unknown_days(
    days: dict[int, float], more: dict[int, float], convention: str
) -> None:
    """A completion gives values to days that are unknown, not to those that the algorithm fills."""
    found = result(days, convention=convention)
    span = np.full(31, True)
    inside = sorted(day for day in days if day <= 30)
    known = set(inside)
    if len(inside) >= 2:
        edges = [-1, *inside, 31]
        known |= {d for a, b in itertools.pairwise(edges) if b - a - 1 <= 7 for d in range(a + 1, b)}
    span[sorted(d for d in known if 0 <= d <= 30)] = False
    full = days | {day: more.get(day, 2000.0) for day in np.flatnonzero(span).tolist()}
    filled = result(full | dict(days.items()), convention=convention)
    assert span.sum() == found["days_unknown"]
    assert found["lower"] <= filled["lower"] <= filled["upper"] <= found["upper"]


@settings(max_examples=15, deadline=None)
@given(SERIES, st.integers(0, 45))
def test_rows_after_the_clock_change_nothing(days: dict[int, float], stop: int) -> None:
    events = (INFUSED, {"event": "death", "day": str(stop)})
    early = {day: value for day, value in days.items() if day <= stop}
    if early:
        assert result(days, *events) == result(early, *events)


def table(days: Days, **more: str) -> pl.DataFrame:
    rows = [{"patient": "A", "day": str(day), "anc": str(value), "unit": "/uL"} | more for day, value in days.items()]
    return pl.DataFrame(rows)


def test_command_table() -> None:
    (found,) = grade_table("icaht", table(month(range(4, 12)) | {40: 900, 50: 900}))
    assert (found.grade, found.scale, dict(found.extra)["late_grade"]) == (2, "rejeski-2023", 2)
    stopped = grade_table("icaht", table(dict.fromkeys(range(17), 400.0), stop_day="16"))[0]
    assert (stopped.grade, stopped.drivers) == (4, ("anc_500", "never_recovered"))
    open_ = grade_table("icaht", table(dict.fromkeys(range(17), 400.0)))[0]
    assert (open_.grade, open_.lower, open_.upper) == (None, 3, 4)


def test_command_table_of_platelets_and_units() -> None:
    rows = table(month(range(4, 12))).with_columns(pl.lit("30000").alias("platelets"))
    both = grade_table("icaht", rows)
    assert [(one.scale, one.grade) for one in both] == [("rejeski-2023", 2), ("rejeski-2025", 2)]
    in_litres = rows.with_columns(
        (pl.col("anc").cast(pl.Float64) / 1000).cast(pl.String), pl.lit("1e9/L").alias("unit")
    )
    assert grade_table("icaht", in_litres, scale="rejeski-2023")[0] == both[0]


@pytest.mark.parametrize(
    ("frame", "scale", "words"),
    [
        (table(month()).with_columns(pl.lit(None, pl.String).alias("unit")), "", "table, row 2, column unit: no unit"),
        (table(month()).with_columns(pl.lit(None, pl.String).alias("day")), "", "table, row 2, column day: no day"),
        (table(month()).drop("anc"), "", "no column anc or platelets"),
        (table(month()), "rejeski-2025", "no column platelets"),
        (table(month()), "other", "no edition 'other' of icaht"),
    ],
)
def test_command_table_faults(frame: pl.DataFrame, scale: str, words: str) -> None:
    with pytest.raises(InputError) as caught:
        grade_table("icaht", frame, scale=scale)
    assert words in str(caught.value)


def by_hand(days: Days) -> tuple[int, int, int]:
    """Return the grade and the longest runs of one patient followed past day 30, as the published text tells it."""
    grid: list[float | None] = [days.get(day) for day in range(31)]
    known = [day for day in range(31) if grid[day] is not None]
    edges = [-1, *known, 31] if len(known) > 1 else []
    for left, right in itertools.pairwise(edges):
        for day in range(left + 1, right) if right - left - 1 <= 7 else ():
            low, high = days.get(left, days.get(right)), days.get(right, days.get(left))
            assert low is not None
            assert high is not None
            grid[day] = low + (high - low) * (day - left) / (right - left)
    values = [None if value is None else round(round(value, 6) / 10) * 10 for value in grid]
    longest, never = {}, False
    for limit in (500, 100):
        found: list[list[int]] = []
        for day in [day for day, value in enumerate(values) if value is not None and value <= limit]:
            if found and day - found[-1][1] <= 3:
                found[-1][1] = day
            else:
                found.append([day, day])
        longest[limit] = max((end - start + 1 for start, end in found), default=0)
        never |= limit == 500 and any(start <= 3 and end == 30 for start, end in found)
    severe, profound = longest[500], longest[100]
    steps = [(severe >= 1, 1), (severe >= 7, 2), (severe >= 14 or profound >= 7, 3), (never or profound >= 14, 4)]
    return max((grade for holds, grade in steps if holds), default=0), severe, profound


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.integers(0, 30), VALUES, min_size=6, max_size=31))
def test_the_grid_agrees_with_the_algorithm_by_hand(days: dict[int, float]) -> None:
    found, (grade, severe, profound) = result(days), by_hand(days)
    assert (found["longest_run_500"], found["longest_run_100"]) == (severe, profound)
    assert found["days_unknown"] > 0 or found["grade"] == grade
    assert found["lower"] <= grade <= found["upper"]
