"""Exposure to CAR T cells: rule book 4.7, by hand and by law."""

import math
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.errors import InputError
from dayzero.grading.editions import edition
from dayzero.grading.kinetics import derive_exposure, derive_kinetics, grade_kinetics
from dayzero.grading.kinetics.trapezoids import areas, half_lives
from dayzero.protocol import Definitions
from kinetics_tables import cells, labs, make, support

FIRST = [(0, "infusion", 0.0)]


def exposure(samples: list[Any], events: Any = FIRST, **tables: Any) -> list[dict[str, Any]]:
    history = make(events, kinetics=samples, **tables)
    return derive_exposure(history).results["kinetics"].to_dicts()


def log_piece(days: float, first: float, second: float) -> float:
    return days * (first - second) / math.log(first / second)


def test_4_7_linear_up_logarithmic_down() -> None:
    (row,) = exposure(cells((0, "<10"), (7, 100.0), (14, 50.0), (28, 20.0)))
    assert row["auc_0_28"] == pytest.approx(350 + log_piece(7, 100, 50) + log_piece(14, 50, 20), rel=1e-13)
    assert (row["cmax"], row["tmax"], row["tlast"], row["clast"], row["n"]) == (100.0, 7.0, 28.0, 20.0, 4)
    assert row["auc_last"] == pytest.approx(row["auc_0_28"], rel=1e-13)
    assert (row["cmax_bound"], row["flags"]) == ("", ["steroids_unknown"])


def test_4_7_a_plateau_is_linear_and_so_is_a_fall_to_zero() -> None:
    (row,) = exposure(cells((0, 0.0), (10, 100.0), (20, 100.0), (28, 0.0), lloq=None))
    assert row["auc_0_28"] == 500 + 1000 + 400
    assert "zero_without_limit" in row["flags"]
    assert row["tlast"] == 20.0


def test_4_7_below_quantification_is_0_before_half_the_limit_once_and_then_missing() -> None:
    (row,) = exposure(cells((0, "<10"), (3, 4.0), (7, 100.0), (14, "<10"), (21, "<10"), (28, 0.0)))
    assert row["auc_0_28"] == pytest.approx(0.5 * 4 * 100 + log_piece(7, 100, 5), rel=1e-13)
    assert row["auc_last"] == 200.0
    assert "ends_before_day_28" in row["flags"]
    assert row["tlast"] == 7.0


def test_4_7_half_the_limit_again_after_cells_come_back() -> None:
    (row,) = exposure(cells((0, "<10"), (7, 100.0), (14, "<10"), (18, "<10"), (21, 40.0), (28, "<10")))
    expected = 350 + log_piece(7, 100, 5) + 7 * (5 + 40) / 2 + log_piece(7, 40, 5)
    assert row["auc_0_28"] == pytest.approx(expected, rel=1e-13)


def test_4_7_the_limit_of_a_sample_stands_before_the_limit_of_the_assay() -> None:
    (row,) = exposure(cells((0, "<10"), (7, 100.0), (21, "<50"), (28, "<50")))
    assert row["auc_0_28"] == pytest.approx(350 + log_piece(14, 100, 25), rel=1e-13)


@pytest.mark.parametrize(
    ("samples", "given"),
    [
        ([(0, 0.0), (7, 100.0), (14, 50.0), (20, 10.0)], False),  # none from day 21 on
        ([(7, 100.0), (28, 50.0)], False),  # two samples
        ([(7, 100.0), (14, 50.0), (21, 30.0)], True),
        ([(7, 100.0), (14, 50.0), (20, 40.0), (42, 30.0)], True),  # the area is read off between 20 and 42
    ],
)
def test_4_7_three_samples_one_of_them_from_day_21_on(samples: Any, given: bool) -> None:
    (row,) = exposure(cells(*samples))
    assert (row["auc_0_28"] is not None) is given
    assert ("few_samples" in row["flags"]) is not given
    assert row["auc_last"] is not None


def test_4_7_the_area_ends_on_day_28_between_two_samples() -> None:
    (row,) = exposure(cells((0, "<10"), (14, 100.0), (21, 80.0), (35, 20.0)))
    middle = 80 * (20 / 80) ** (7 / 14)
    expected = 700 + log_piece(7, 100, 80) + log_piece(7, 80, middle)
    assert row["auc_0_28"] == pytest.approx(expected, rel=1e-13)
    assert row["auc_last"] == pytest.approx(700 + log_piece(7, 100, 80) + log_piece(14, 80, 20), rel=1e-13)


def test_a_rise_across_day_28_is_read_off_its_line() -> None:
    (row,) = exposure(cells((0, "<10"), (7, 50.0), (14, 50.0), (42, 190.0)))
    assert row["auc_0_28"] == pytest.approx(175 + 350 + 14 * (50 + 120) / 2, rel=1e-13)


def test_4_7_assays_and_specimens_are_never_pooled() -> None:
    samples = cells((7, 100.0), (14, 50.0)) + cells((7, 20.0), (14, 3.0), assay="percent_of_cd3", lloq=0.1)
    marrow = [(0, 7.0, 0, "copies_per_ug", "bm", 900.0, "", 10.0), (0, 7.0, 0, "copies_per_ug", None, 700.0, "", 10.0)]
    rows = exposure(samples + marrow)
    assert {(row["assay"], row["specimen"]): row["cmax"] for row in rows} == {
        ("copies_per_ug", "pb"): 100.0,
        ("copies_per_ug", "bm"): 900.0,
        ("copies_per_ug", "unstated"): 700.0,
        ("percent_of_cd3", "pb"): 20.0,
    }


@pytest.mark.parametrize(
    ("events", "flag"),
    [
        ([(0, "infusion", 20.0)], "truncated_by_infusion"),
        ([(0, "hsct", 20.0)], "truncated_by_hsct"),
        ([(0, "lymphodepletion", 20.0), (0, "hsct", 26.0)], "truncated_by_conditioning"),
        ([(0, "hsct", 60.0)], None),
    ],
)
def test_4_7_the_window_ends_at_the_next_infusion_transplant_or_conditioning(events: Any, flag: str | None) -> None:
    samples = cells((0, "<10"), (7, 100.0), (14, 50.0), (22, 900.0), (28, 800.0))
    row = exposure(samples, [*FIRST, *events])[0]
    assert row["cmax"] == (100.0 if flag else 900.0)
    assert [word for word in row["flags"] if word.startswith("truncated")] == ([flag] if flag else [])
    assert (row["auc_0_28"] is None) is bool(flag)


def test_the_second_infusion_has_a_curve_of_its_own() -> None:
    samples = cells((7, 100.0), (30, "<10"), (60, "<10"), (67, 400.0), (81, 30.0), (88, 20.0))
    first, second = exposure(samples, [*FIRST, (0, "infusion", 60.0)])
    assert (first["cmax"], second["cmax"], second["tmax"], second["course"], second["day"]) == (
        100.0,
        400.0,
        7.0,
        2,
        60.0,
    )
    assert second["auc_0_28"] == pytest.approx(1400 + log_piece(14, 400, 30) + log_piece(7, 30, 20), rel=1e-13)


def test_cells_left_from_the_infusion_before_are_not_taken_for_0() -> None:
    samples = cells((7, 100.0), (30, 60.0), (67, 400.0), (81, 30.0), (88, 20.0))
    _, second = exposure(samples, [*FIRST, (0, "infusion", 60.0)])
    assert (second["auc_0_28"], second["auc_last"], second["cmax"]) == (None, None, 400.0)
    assert "residual_unknown" in second["flags"]


def test_what_was_drawn_on_the_day_of_infusion_begins_the_curve_and_is_no_peak() -> None:
    _, second = exposure(cells((7, 100.0), (60, 90.0), (67, 40.0), (88, 20.0)), [*FIRST, (0, "infusion", 60.0)])
    assert (second["cmax"], second["tmax"]) == (40.0, 7.0)
    assert second["auc_0_28"] == pytest.approx(log_piece(7, 90, 40) + log_piece(21, 40, 20), rel=1e-13)
    (row,) = exposure(cells((0.25, 90.0), (7, 40.0)))
    assert (row["cmax"], row["tmax"]) == (90.0, 0.25)


def test_never_quantifiable_is_below_the_limit_and_not_0() -> None:
    (row,) = exposure(cells((0, "<10"), (7, "<10"), (14, "<20"), (28, "<10")))
    assert (row["cmax"], row["cmax_bound"], row["tmax"], row["auc_0_28"]) == (20.0, "<", None, None)
    assert "never_quantifiable" in row["flags"]


def test_above_the_range_cmax_and_areas_are_lower_bounds() -> None:
    (row,) = exposure(cells((0, "<10"), (7, ">500"), (14, 50.0), (28, 20.0)))
    assert (row["cmax"], row["cmax_bound"], row["auc_bound"]) == (500.0, ">", ">")
    assert "above_range" in row["flags"]


def test_4_7_steroids_are_flagged_and_nothing_is_cut() -> None:
    samples = cells((0, "<10"), (7, 100.0), (14, 50.0), (28, 20.0))
    flagged = [
        exposure(samples, support=support("steroid", given))[0]["flags"] for given in (9, (-3, 2), 28, (-9, -2), 29)
    ]
    assert ["steroid_rescue" in flags for flags in flagged] == [True, True, True, False, False]
    assert exposure(samples, support=support("gcsf", 9))[0]["flags"] == []
    assert exposure(samples)[0]["flags"] == ["steroids_unknown"]


def test_the_half_life_is_that_of_the_samples_after_the_highest() -> None:
    falling = [(7 + 7 * k, 100.0 * 0.5**k) for k in range(4)]
    (row,) = exposure(cells((0, "<10"), *falling))
    assert row["half_life"] == pytest.approx(7.0, rel=1e-12)
    (few,) = exposure(cells((0, "<10"), *falling[:3]))
    assert few["half_life"] is None


def test_of_two_samples_of_one_time_the_higher_counts_once() -> None:
    (row,) = exposure(cells((7, 100.0), (7, 80.0), (14, 50.0), (21, "<10"), (21, 20.0)))
    assert (row["n"], row["clast"]) == (3, 20.0)


def test_undated_and_empty_samples_are_left_out_and_no_row_is_made_of_them() -> None:
    samples = cells((7, 100.0), (14, None))
    undated = [(0, None, 0, "copies_per_ug", "pb", 900.0, "", 10.0)]
    (row,) = exposure(samples + undated)
    assert (row["cmax"], row["n"]) == (100.0, 1)
    assert exposure([]) == []


def test_findings_name_rows_and_never_a_value() -> None:
    samples = [*cells((7, ">54321")), *cells((7, 54321.0), patient=1), *cells((9, 3.0), assay="percent_of_cd3")]
    history = make([*FIRST, (1, "death", 90.0)], kinetics=samples)
    found = {finding.code: finding for finding in derive_exposure(history).findings}
    assert set(found) == {
        "kinetics-without-infusion", "kinetics-few-samples", "kinetics-several-assays", "kinetics-above-range",
    }  # fmt: skip
    assert found["kinetics-without-infusion"].rows == (3,)
    assert found["kinetics-without-infusion"].patient_rows == (3,)
    assert not any("54321" in finding.message + finding.mend for finding in found.values())


def test_each_table_stands_alone_and_no_event_is_made() -> None:
    history = make(FIRST, kinetics=cells((7, 100.0)))
    derived = derive_kinetics(history, Definitions())
    assert (list(derived.results), derived.events.height, derived.superseded) == (["kinetics"], 0, ())
    graded = grade_kinetics(make(FIRST, labs=labs("il6", (3, 40.0)))).graded
    assert list(graded) == ["cytokines"]
    assert list(grade_kinetics(make(FIRST)).graded) == []


def test_the_edition_is_named_and_another_is_refused() -> None:
    assert exposure(cells((7, 100.0)))[0]["scale"] == "days-0-28"
    with pytest.raises(InputError, match="no edition"):
        edition("kinetics", "days-0-90")


def test_pieces_nearly_flat_keep_their_digits() -> None:
    value = np.array([1.0, 1.0 - 1e-12])
    assert areas(np.zeros(2, int), np.array([0.0, 1.0]), value, np.array([1.0]))[0] == pytest.approx(1.0, rel=1e-11)
    assert math.isnan(areas(np.zeros(0, int), np.zeros(0), np.zeros(0), np.array([1.0]))[0])
    assert math.isnan(half_lives(np.zeros(3, int), np.zeros(3), np.ones(3), 1, fewest=3)[0])


VALUES = st.lists(st.floats(20.0, 1e6), min_size=4, max_size=4)


@settings(max_examples=15, deadline=None)
@given(VALUES, st.integers(0, 3), st.floats(1.0, 50.0))
def test_more_cells_never_make_less_exposure(values: list[float], place: int, factor: float) -> None:
    higher = [value * (factor if k == place else 1.0) for k, value in enumerate(values)]
    before, after = (
        exposure(cells((0, "<10"), *zip((7, 14, 21, 28), each, strict=True)))[0] for each in (values, higher)
    )
    for name in ("cmax", "auc_0_28", "auc_last"):
        assert after[name] >= before[name] * (1 - 1e-12)


@settings(max_examples=15, deadline=None)
@given(VALUES, st.floats(1e-3, 1e3))
def test_another_unit_is_another_unit_in_the_result(values: list[float], factor: float) -> None:
    rows = []
    for by in (1.0, factor):
        samples = cells((0, f"<{10 * by}"), *zip((7, 14, 21, 28), [v * by for v in values], strict=True), lloq=10 * by)
        rows.append(exposure(samples)[0])
    for name in ("cmax", "auc_0_28", "auc_last", "clast"):
        assert rows[1][name] == pytest.approx(rows[0][name] * factor, rel=1e-9)
    assert (rows[0]["flags"], rows[0]["tmax"], rows[0]["tlast"]) == (
        rows[1]["flags"],
        rows[1]["tmax"],
        rows[1]["tlast"],
    )


@settings(max_examples=15, deadline=None)
@given(VALUES, st.integers(0, 3), st.floats(1.0, 100.0))
def test_every_value_above_the_range_lies_within_the_bounds(values: list[float], place: int, factor: float) -> None:
    def written(value: Any) -> list[Any]:
        days = zip((7, 14, 21, 28), values, strict=True)
        return cells((0, "<10"), *((day, value if k == place else v) for k, (day, v) in enumerate(days)))

    bound = exposure(written(f">{values[place]!r}"))[0]
    known = exposure(written(values[place] * factor))[0]
    assert bound["auc_bound"] == ">"
    for name in ("cmax", "auc_0_28", "auc_last"):
        assert known[name] >= bound[name] * (1 - 1e-12)


def test_the_order_of_rows_and_the_zero_of_the_clock_do_not_matter() -> None:
    samples = cells((0, "<10"), (7, 100.0), (14, 50.0), (28, 20.0)) + cells((7, 9.0), (21, 3.0), assay="cells_per_ul")
    late = [(row[0], row[1] + 18000.0, *row[2:]) for row in reversed(samples)]
    moved = exposure(late, [(0, "infusion", 18000.0)], end=20000.0)
    plain = exposure(samples)
    drop = ("day",)
    same = [{k: v for k, v in row.items() if k not in drop} for row in plain]
    assert sorted(map(str, ({k: v for k, v in row.items() if k not in drop} for row in moved))) == sorted(
        map(str, same)
    )


def test_many_patients_are_one_pass() -> None:
    n = 3000
    days = np.array([0.0, 7, 10, 14, 21, 28, 42, 60])
    rng = np.random.default_rng(2)
    frame = pl.DataFrame({
        "patient": np.repeat(np.arange(n), len(days)), "day": np.tile(days, n),
        "value": rng.lognormal(6, 2, n * len(days)),
    }).with_columns(pl.lit("pb").alias("specimen"), pl.lit("copies_per_ug").alias("assay"), pl.lit(50.0).alias("lloq"),
                    pl.lit("").alias("value_bound"), pl.lit(0, pl.Int64).alias("row"))  # fmt: skip
    history = make([(k, "infusion", 0.0) for k in range(n)], kinetics=[])
    history.tables["kinetics"] = frame  # type: ignore[index]
    assert derive_exposure(history).results["kinetics"].height == n
