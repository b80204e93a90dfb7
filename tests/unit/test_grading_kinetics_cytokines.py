"""Peaks of cytokines: rule book 4.7, censored values, tocilizumab, nadirs and baselines."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.grading.kinetics import derive_cytokines
from kinetics_tables import labs, make, support

FIRST = [(0, "infusion", 0.0)]


def peaks(rows: list[Any], events: Any = FIRST, **tables: Any) -> list[dict[str, Any]]:
    return derive_cytokines(make(events, labs=rows, **tables)).results["cytokines"].to_dicts()


def test_4_7_the_peak_lies_within_28_days() -> None:
    (row,) = peaks(labs("ferritin", (-1, 900.0), (0, 300.0), (5, 800.0), (28, 850.0), (29, 9000.0)))
    assert (row["peak"], row["peak_bound"], row["peak_day"], row["n"]) == (850.0, "", 28.0, 3)


def test_the_peak_of_equal_values_is_the_first() -> None:
    (row,) = peaks(labs("crp", (3, 20.0), (5, 20.0), (9, 20.0)))
    assert row["peak_day"] == 3.0


def test_4_7_above_the_upper_limit_is_censored() -> None:
    (row,) = peaks(labs("il6", (2, 40.0), (4, ">5000"), (6, 300.0)))
    assert (row["peak"], row["peak_bound"], row["peak_day"]) == (5000.0, ">", 4.0)
    (other,) = peaks(labs("il6", (4, ">5000"), (6, 8000.0)))  # diluted later: at least that
    assert (other["peak"], other["peak_bound"]) == (8000.0, ">")
    (below,) = peaks(labs("il6", (2, "<5"), (4, "<7")))
    assert (below["peak"], below["peak_bound"]) == (7.0, "<")
    (equal,) = peaks(labs("il6", (2, "<7"), (4, 7.0)))
    assert (equal["peak"], equal["peak_bound"]) == (7.0, "")


def test_4_7_of_fibrinogen_the_lowest() -> None:
    (row,) = peaks(labs("fibrinogen", (-2, 250.0), (2, 180.0), (6, 90.0), (9, 140.0)))
    assert (row["peak"], row["peak_bound"], row["peak_day"], row["baseline"]) == (90.0, "", 6.0, 250.0)
    (low,) = peaks(labs("fibrinogen", (2, 180.0), (6, "<50"), (9, 40.0)))
    assert (low["peak"], low["peak_bound"]) == (40.0, "<")
    (high,) = peaks(labs("fibrinogen", (2, ">900"), (6, ">800")))
    assert (high["peak"], high["peak_bound"]) == (800.0, ">")


def test_4_7_a_peak_after_tocilizumab_is_flagged_and_the_one_before_stands_beside() -> None:
    given = {"support": support("tocilizumab", 4)}
    (row,) = peaks(labs("il6", (2, 200.0), (3, 400.0), (5, 9000.0)), **given)
    assert (row["after_tocilizumab"], row["peak_before_tocilizumab"]) == (True, 400.0)
    (early,) = peaks(labs("il6", (3, 9000.0), (5, 400.0)), **given)
    assert (early["after_tocilizumab"], early["peak_before_tocilizumab"]) == (False, 9000.0)
    (only,) = peaks(labs("il6", (5, 400.0)), **given)
    assert (only["after_tocilizumab"], only["peak_before_tocilizumab"]) == (True, None)
    (censored,) = peaks(labs("il6", (3, ">500"), (5, 9000.0)), **given)
    assert (censored["peak_before_tocilizumab"], censored["peak_before_tocilizumab_bound"]) == (500.0, ">")


@pytest.mark.parametrize(
    ("sample", "dose", "after"),
    [
        (4.0, 4.0, True),  # one day, no times: nobody can say that it was before
        (4.25, 4.5, False),
        (4.5, 4.25, True),
        (4.5, 4.0, True),
        (4.0, 4.5, True),
        (3.0, 4.0, False),
        (9.0, -20.0, True),
        (9.0, -29.0, False),
    ],
)
def test_what_after_means(sample: float, dose: float, after: bool) -> None:
    (row,) = peaks(labs("il6", (sample, 400.0)), support=support("tocilizumab", dose))
    assert row["after_tocilizumab"] is after


def test_without_the_table_of_support_nobody_knows() -> None:
    (row,) = peaks(labs("il6", (5, 400.0)))
    assert (row["after_tocilizumab"], row["peak_before_tocilizumab"]) == (None, None)
    (known,) = peaks(labs("il6", (5, 400.0)), support=support("steroid", 3))
    assert known["after_tocilizumab"] is False
    (other,) = peaks(
        labs("il6", (5, 400.0)), [*FIRST, (1, "infusion", 0.0)], support=support("tocilizumab", 3, patient=1)
    )
    assert other["after_tocilizumab"] is False


def test_the_baseline_is_the_last_value_of_two_weeks_up_to_the_infusion() -> None:
    (row,) = peaks(labs("crp", (-15, 9.0), (-14, 3.0), (-2, "<1"), (0.5, 7.0), (3, 20.0)))
    assert (row["baseline"], row["baseline_bound"]) == (1.0, "<")
    (day,) = peaks(labs("crp", (-2, 2.0), (0, 4.0), (3, 20.0)))
    assert day["baseline"] == 4.0
    (none,) = peaks(labs("crp", (-15, 9.0), (3, 20.0)))
    assert none["baseline"] is None


def test_each_infusion_has_its_own_peak_and_transplants_end_it() -> None:
    events = [*FIRST, (0, "infusion", 20.0), (0, "lymphodepletion", 30.0), (0, "hsct", 36.0)]
    rows = peaks(labs("il6", (5, 50.0), (21, 900.0), (31, 7000.0)), events)
    assert [(row["course"], row["peak"], row["peak_day"]) for row in rows] == [(1, 50.0, 5.0), (2, 900.0, 1.0)]


def test_other_analytes_and_empty_values_are_left_alone() -> None:
    assert peaks(labs("anc", (5, 0.4)) + labs("il6", (5, None))) == []


def test_findings_say_who_and_never_how_much() -> None:
    rows = labs("il6", (3, 40.0), (5, ">54321")) + labs("ferritin", (3, 900.0), (6, 54321.0), patient=1)
    events = [*FIRST, (1, "infusion", 0.0)]
    history = make(events, labs=rows, support=support("tocilizumab", 4) + support("tocilizumab", 4, patient=1))
    found = {finding.code: finding for finding in derive_cytokines(history).findings}
    assert {code: finding.patient_rows for code, finding in found.items()} == {
        "il6-after-tocilizumab": (2,),
        "cytokine-above-range": (2,),
    }
    assert not any("54321" in finding.message + finding.mend for finding in found.values())


@settings(max_examples=15, deadline=None)
@given(st.lists(st.floats(1.0, 1e5), min_size=2, max_size=5), st.floats(1.0, 100.0), st.data())
def test_a_peak_never_falls_and_lies_within_its_bound(values: list[float], factor: float, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(values) - 1))
    higher = [value * factor if k == place else value for k, value in enumerate(values)]
    censored = [f">{value!r}" if k == place else value for k, value in enumerate(values)]
    series = [labs("il6", *enumerate(each, start=1), patient=k) for k, each in enumerate((values, higher, censored))]
    events = [(k, "infusion", 0.0) for k in range(3)]
    low, high, bound = peaks([row for rows in series for row in rows], events)
    assert high["peak"] >= low["peak"]
    assert bound["peak_bound"] == ">"
    assert high["peak"] >= bound["peak"]
