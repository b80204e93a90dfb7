"""B-cell aplasia, and T- and NK-cell aplasia after CD7 products (rule book 4.7; issue point 6)."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from cell_histories import history, labs
from clinical_files import read_tables, small_history
from dayzero.errors import InputError
from dayzero.grading.derived import Derived
from dayzero.grading.persistence import derive_aplasia, grade_aplasia
from dayzero.history import History
from dayzero.protocol import Definitions

Events = list[tuple[int, str, float, str]]
Lab = tuple[float, str, float] | tuple[float, str, float, str]


def study(
    *rows: Lab,
    events: Events | None = None,
    targets: str | None = "CD19",
    end: float = 1000.0,
    **tables: pl.DataFrame,
) -> History:
    all_events: Events = [(0, "infusion", 0.0, ""), *(events or [])]
    named = {"targets": [targets if name == "infusion" else None for _, name, _, _ in all_events]}
    return history(all_events, end=[end], attributes=named, labs=labs(*rows), **tables)


def b_cells(*rows: Lab, rule: str = "", **what: Any) -> dict[str, Any]:
    graded = grade_aplasia(study(*rows, **what), b_cell_loss=rule).graded["b_cell_aplasia"]
    return graded.row(0, named=True)


def t_nk(*rows: Lab, **what: Any) -> dict[str, Any]:
    graded = grade_aplasia(study(*rows, targets="CD7", **what)).graded["t_nk_aplasia"]
    return graded.row(0, named=True)


def derived(history: History) -> Derived:
    return derive_aplasia(history, Definitions())


EMPTY: Lab = (28.0, "b_cells", 0.0)


@pytest.mark.parametrize(
    ("rows", "status"),
    [
        ([(60.0, "b_cells", 50.0)], "recovered"),  # >= 50, not above it
        ([(60.0, "b_cells", 49.9), (60.0, "b_cells_percent", 9.9)], "in_aplasia"),
        ([(60.0, "b_cells", 0.0), (60.0, "b_cells_percent", 10.0)], "recovered"),
        ([(60.0, "b_cells_percent", 10.0)], "recovered"),
        ([(60.0, "b_cells_percent", 5.0)], "unknown"),  # of 2000 lymphocytes that is 100 per uL
        ([(60.0, "b_cells_percent", 5.0), (60.0, "lymphocytes", 2.0)], "recovered"),
        ([(60.0, "b_cells_percent", 5.0), (60.0, "lymphocytes", 0.5)], "in_aplasia"),
        ([(60.0, "b_cells", 30.0), (60.0, "lymphocytes", 0.2)], "recovered"),  # 15 % of 200
        ([(60.0, "b_cells", 30.0), (60.0, "lymphocytes", 1.0)], "in_aplasia"),
        ([(60.0, "b_cells", 5.0, "<")], "in_aplasia"),
        ([(60.0, "b_cells", 50.0, "<")], "in_aplasia"),
        ([(60.0, "b_cells", 100.0, "<")], "unknown"),
        ([(60.0, "b_cells", 50.0, ">")], "recovered"),
        ([(60.0, "b_cells", 20.0, ">")], "unknown"),
        ([(60.0, "b_cells", 50.0, "<"), (60.2, "b_cells", 50.0)], "unknown"),  # two values of one day
        ([(60.0, "b_cells", 49.0), (60.2, "b_cells", 51.0)], "unknown"),
        ([], "unknown"),
    ],
)
def test_4_7_loss_by_count_or_percent(rows: list[Lab], status: str) -> None:
    assert b_cells(*rows)["status"] == status


def test_aplasia_by_the_count_alone_is_a_named_assumption() -> None:
    assert b_cells((60.0, "b_cells", 0.0))["assumptions"] == ["one value alone says aplasia: the other is missing"]
    assert b_cells((60.0, "b_cells", 0.0), (60.0, "lymphocytes", 1.0))["assumptions"] == []
    assert b_cells((60.0, "b_cells", 80.0))["assumptions"] == []


@pytest.mark.parametrize(
    ("rule", "row", "status"),
    [
        ("percent-1", (60.0, "b_cells_percent", 1.0), "recovered"),
        ("percent-1", (60.0, "b_cells_percent", 0.9), "in_aplasia"),
        ("percent-1", (60.0, "b_cells", 90.0), "unknown"),
        ("percent-3", (60.0, "b_cells_percent", 2.9), "in_aplasia"),
        ("percent-3", (60.0, "b_cells_percent", 3.0), "recovered"),
        ("count-20", (60.0, "b_cells", 20.0), "recovered"),
        ("count-20", (60.0, "b_cells", 19.0), "in_aplasia"),
        ("cincinnati-2022", (60.0, "b_cells_percent", 1.0), "in_aplasia"),  # above 1 %, not from it
        ("cincinnati-2022", (60.0, "b_cells_percent", 1.1), "recovered"),
        ("cincinnati-2022", (60.0, "b_cells", 100.0), "recovered"),
    ],
)
def test_4_7_other_definitions(rule: str, row: Lab, status: str) -> None:
    assert b_cells(row, rule=rule)["status"] == status


def test_4_7_the_loss_is_a_bracket_between_samples() -> None:
    told = b_cells((-2.0, "b_cells", 120.0), EMPTY, (90.0, "b_cells", 3.0), (181.0, "b_cells", 60.0))
    assert (told["last_aplastic_day"], told["loss_day"]) == (90.0, 181.0)
    assert (told["baseline"], told["baseline_day"], told["baseline_aplastic"]) == (120.0, -2.0, False)
    assert told["in_aplasia"] is False
    assert told["in_aplasia_28"] is True
    assert told["recovered_by_182"] is True


@pytest.mark.parametrize(
    ("days", "expected"),
    [
        ([(28.0, 0.0), (182.0, 60.0)], True),
        ([(28.0, 0.0), (182.0, 0.0), (200.0, 60.0)], False),
        ([(28.0, 0.0), (200.0, 60.0)], None),  # somewhere between
        ([(28.0, 0.0), (90.0, 0.0)], None),
        ([(28.0, 0.0), (365.0, 0.0)], False),
        ([], None),
    ],
)
def test_4_7_early_recovery_is_within_six_months(days: list[tuple[float, float]], expected: bool | None) -> None:
    assert b_cells(*((day, "b_cells", value) for day, value in days))["recovered_by_182"] is expected


def test_the_first_loss_counts_and_the_day_of_the_infusion_is_before_it() -> None:
    told = b_cells(
        (0.5, "b_cells", 7.0), EMPTY, (90.0, "b_cells", 60.0), (120.0, "b_cells", 0.0), (150.0, "b_cells", 70.0)
    )
    assert (told["baseline"], told["baseline_day"]) == (7.0, 0.0)
    assert (told["last_aplastic_day"], told["loss_day"], told["samples"]) == (28.0, 90.0, 4)


def test_a_loss_counts_from_day_21() -> None:
    assert b_cells((21.0, "b_cells", 60.0))["loss_day"] == 21.0
    assert b_cells((20.0, "b_cells", 60.0))["loss_day"] is None


def test_one_assumed_sample_is_enough_to_name_the_assumption() -> None:
    told = b_cells(EMPTY, (60.0, "b_cells", 0.0), (60.0, "b_cells_percent", 0.0))
    assert len(told["assumptions"]) == 1


def test_the_sample_nearest_to_day_28_tells_of_the_early_aplasia() -> None:
    assert b_cells((22.0, "b_cells", 0.0), (30.0, "b_cells", 60.0))["in_aplasia_28"] is False
    assert b_cells((27.0, "b_cells", 0.0), (35.0, "b_cells", 60.0))["in_aplasia_28"] is True
    assert b_cells((20.0, "b_cells", 0.0), (36.0, "b_cells", 0.0))["in_aplasia_28"] is None


def test_b_cells_before_aplasia_is_established_are_no_loss() -> None:
    told = b_cells((3.0, "b_cells", 200.0), EMPTY)
    assert (told["loss_day"], told["status"]) == (None, "in_aplasia")


@pytest.mark.parametrize("targets", ["CD19", "cd19/CD22", "CD20", "anti-CD22", "CD19,CD7"])
def test_4_7_products_against_b_cells_have_a_row(targets: str) -> None:
    assert b_cells(EMPTY, targets=targets)["evaluable"] is True


def test_6_cd7_products_have_no_b_cell_row_and_others_no_t_cell_row() -> None:
    cd7 = grade_aplasia(study(EMPTY, targets="CD7")).graded
    assert (cd7["b_cell_aplasia"].height, cd7["t_nk_aplasia"].height) == (0, 1)
    cd19 = grade_aplasia(study(EMPTY, targets="CD19")).graded
    assert (cd19["b_cell_aplasia"].height, cd19["t_nk_aplasia"].height) == (1, 0)


@pytest.mark.parametrize("targets", [None, "unknown product"])
def test_unknown_targets_are_not_evaluable_and_found(targets: str | None) -> None:
    found = derived(study(EMPTY, (60.0, "b_cells", 90.0), targets=targets))
    row = found.results["b_cell_aplasia"].row(0, named=True)
    assert (row["evaluable"], row["status"], row["loss_day"], row["missing"]) == (
        False,
        "not_evaluable",
        None,
        ["targets"],
    )
    assert row["in_aplasia"] is None
    assert found.events.height == 0
    assert [(f.code, f.patient_rows) for f in found.findings] == [("targets-unknown", (2,))]


def test_a_history_without_the_attribute_is_not_evaluable() -> None:
    found = derived(history([(0, "infusion", 0.0, "")], end=[100.0], labs=labs(EMPTY)))
    assert found.results["b_cell_aplasia"]["evaluable"].to_list() == [False]


@pytest.mark.parametrize(
    ("event", "value", "counts"),
    [
        ("relapse", "", False),
        ("hsct", "", False),
        ("new_therapy", "Rituximab weekly", False),
        ("new_therapy", "inotuzumab ozogamicin", False),
        ("new_therapy", "blinatumomab", False),
        ("new_therapy", "", False),  # nobody knows which
        ("new_therapy", "ponatinib", True),
        ("infection", "", True),
    ],
)
def test_4_7_what_ends_the_interpretation(event: str, value: str, counts: bool) -> None:
    told = b_cells(EMPTY, (90.0, "b_cells", 90.0), events=[(0, event, 50.0, value)])
    assert told["loss_day"] == (90.0 if counts else None)
    assert told["competing"] == (None if counts else event)
    assert told["status"] == ("recovered" if counts else "in_aplasia")


def test_the_agent_may_stand_in_an_attribute() -> None:
    events: Events = [(0, "infusion", 0.0, ""), (0, "new_therapy", 50.0, "salvage")]
    attributes = {"targets": ["CD19", None], "agent": [None, "Blinatumomab"]}
    told = history(events, end=[500.0], attributes=attributes, labs=labs(EMPTY, (90.0, "b_cells", 90.0)))
    assert derived(told).results["b_cell_aplasia"]["competing"].to_list() == ["new_therapy"]


def test_a_sample_on_the_day_of_the_transplant_is_before_it() -> None:
    told = b_cells(EMPTY, (90.0, "b_cells", 90.0), events=[(0, "hsct", 90.0, "")])
    assert told["loss_day"] == 90.0


def test_each_infusion_has_a_row_of_its_own() -> None:
    told = grade_aplasia(
        study(EMPTY, (90.0, "b_cells", 90.0), (130.0, "b_cells", 0.0), events=[(0, "infusion", 100.0, "")])
    )
    rows = told.graded["b_cell_aplasia"].select("course", "status", "loss_day", "baseline").rows()
    assert rows == [(1, "recovered", 90.0, None), (2, "in_aplasia", None, 90.0)]


def test_events_carry_the_course_and_supersede_what_was_reported() -> None:
    told = study(EMPTY, (90.0, "b_cells", 90.0), events=[(0, "b_cell_recovery", 120.0, "")])
    found = derived(told)
    assert found.events.select("event", "day", "course_kind", "course", "scale").rows() == [
        ("b_cell_recovery", 90.0, "infusion", "1", "nct04225676")
    ]
    assert found.superseded == (3,)
    assert [(f.code, f.rows) for f in found.findings] == [("b-cell-recovery-differs", (3,))]


def test_a_reported_recovery_inside_the_bracket_agrees() -> None:
    found = derived(study(EMPTY, (90.0, "b_cells", 90.0), events=[(0, "b_cell_recovery", 60.0, "")]))
    assert found.superseded == (3,)
    assert found.findings == ()


def test_a_reported_recovery_stays_where_nothing_is_derived() -> None:
    found = derived(study(EMPTY, events=[(0, "b_cell_recovery", 60.0, "")]))
    assert (found.superseded, found.findings) == ((), ())


def test_a_reported_course_outranks_the_dates() -> None:
    events: Events = [(0, "infusion", 0.0, ""), (0, "infusion", 100.0, ""), (0, "b_cell_recovery", 150.0, "")]
    attributes = {"targets": ["CD19", "CD19", None], "course": [None, None, "1"]}
    told = history(events, end=[500.0], attributes=attributes, labs=labs(EMPTY, (90.0, "b_cells", 90.0)))
    assert derived(told).superseded == (4,)


def test_a_report_on_the_day_of_the_second_infusion_is_of_the_first() -> None:
    events: Events = [(0, "infusion", 0.0, ""), (0, "infusion", 100.0, ""), (0, "b_cell_recovery", 100.0, "")]
    attributes = {"targets": ["CD19", "CD19", None]}
    told = history(events, end=[500.0], attributes=attributes, labs=labs(EMPTY, (150.0, "b_cells", 90.0)))
    assert derived(told).superseded == ()


def test_immunoglobulin_is_evidence_beside() -> None:
    support = pl.DataFrame(
        {"patient": [0, 0, 0], "day": [40.0, 70.0, 300.0], "kind": ["ivig", "ivig", "steroid"], "row": [2, 3, 4]}
    )
    told = b_cells(EMPTY, (50.0, "igg", 4.2), (80.0, "igg", 3.1), support=support)
    assert (told["ivig_doses"], told["igg_lowest"]) == (2, 3.1)
    assert b_cells(EMPTY)["ivig_doses"] is None
    assert b_cells(EMPTY, support=support.clear())["ivig_doses"] == 0


def test_an_unknown_definition_is_refused() -> None:
    with pytest.raises(InputError):
        grade_aplasia(study(EMPTY), b_cell_loss="none")


def test_labs_as_the_reader_reads_them(tmp_path: Path) -> None:
    text = "patient,date,analyte,value,unit\na,2021-01-29,b_cells,<5,/uL\na,2021-04-01,b_cells_percent,12,%\n"
    tables = read_tables(tmp_path, {"labs": text}).tables
    whole = small_history(tmp_path)
    aimed = whole.events.with_columns(targets=pl.when(pl.col("event") == "infusion").then(pl.lit("CD19")))
    rows = derived(replace(whole, events=aimed, tables=tables)).results["b_cell_aplasia"]
    assert rows["status"].to_list() == ["recovered", "unknown"]
    assert (rows["loss_day"] - rows["course_day"]).to_list() == [90.0, None]


def test_no_infusion_has_no_row() -> None:
    rows = derived(history([(0, "diagnosis", 0.0, "")], end=[10.0], labs=labs(EMPTY))).results
    assert {name: frame.height for name, frame in rows.items()} == {"b_cell_aplasia": 0, "t_nk_aplasia": 0}


def test_no_labs_derive_nothing() -> None:
    assert derived(history([(0, "infusion", 0.0, "")], end=[10.0])).results == {}


def test_6_t_and_nk_cells_nadir_aplasia_and_recovery() -> None:
    told = t_nk(
        (14.0, "t_cells", 60.0),
        (20.0, "t_cells", 10.0),
        (40.0, "t_cells", 49.0),
        (70.0, "t_cells", 50.0),
        (20.0, "nk_cells", 80.0),
        (40.0, "nk_cells", 90.0),
    )
    assert (told["t_nadir"], told["t_nadir_day"], told["t_aplasia"], told["t_recovery_day"]) == (10.0, 20.0, True, 70.0)
    assert (told["nk_nadir"], told["nk_aplasia"], told["nk_recovery_day"]) == (80.0, False, None)


def test_of_two_recoveries_the_first_counts() -> None:
    told = t_nk((20.0, "t_cells", 10.0), (70.0, "t_cells", 50.0), (90.0, "t_cells", 60.0), (95.0, "t_cells", 1.0))
    assert (told["t_recovery_day"], told["t_nadir_day"]) == (70.0, 95.0)


def test_unknown_targets_have_no_t_cell_row() -> None:
    assert grade_aplasia(study((20.0, "t_cells", 10.0), targets=None)).graded["t_nk_aplasia"].height == 0


def test_a_censored_part_leaves_the_recovery_open() -> None:
    rows: list[Lab] = [(20.0, "t_cells", 5.0), (70.0, "t_cells", 65.0), (70.0, "cd7_positive_t_cells", 30.0)]
    assert t_nk(*rows, (70.0, "cd7_negative_t_cells", 30.0, "<"))["cd7_negative_recovery"] is None
    assert t_nk(*rows, (70.0, "cd7_negative_t_cells", 20.0, "<"))["cd7_negative_recovery"] is False


def test_without_counts_t_cell_aplasia_is_unknown() -> None:
    told = t_nk((28.0, "t_cells", 100.0, "<"))
    assert told["t_aplasia"] is None
    assert told["nk_aplasia"] is None
    assert told["missing"] == ["t_cells", "nk_cells", "cytopenia"]


@pytest.mark.parametrize(
    ("negative", "positive", "expected"),
    [(60.0, 5.0, True), (5.0, 60.0, False), (None, 60.0, None), (30.0, 30.0, True), (0.0, 0.0, None)],
)
def test_6_recovery_by_cd7_negative_cells(negative: float | None, positive: float, expected: bool | None) -> None:
    rows: list[Lab] = [(20.0, "t_cells", 5.0), (70.0, "t_cells", 65.0), (70.0, "cd7_positive_t_cells", positive)]
    rows += [(70.0, "cd7_negative_t_cells", negative)] if negative is not None else []
    assert t_nk(*rows)["cd7_negative_recovery"] is expected


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([(31.0, "anc", 0.4), (31.0, "platelets", 50.0)], True),
        ([(31.0, "anc", 0.5), (31.0, "platelets", 20.0)], False),
        ([(31.0, "anc", 0.9)], None),
        ([(31.0, "platelets", 19.0)], True),
        ([(31.0, "platelets", 20.0, "<")], True),
        ([(31.0, "anc", 0.6, "<"), (31.0, "platelets", 50.0)], None),
        ([(29.0, "anc", 0.1), (29.0, "platelets", 5.0)], None),
        ([(91.0, "anc", 0.1), (91.0, "platelets", 5.0)], None),
    ],
)
def test_6_prolonged_cytopenia_is_from_day_30_to_90(rows: list[Lab], expected: bool | None) -> None:
    assert t_nk(*rows)["prolonged_cytopenia"] is expected


def test_6_the_last_donor_chimerism() -> None:
    marrow = pl.DataFrame(
        {"patient": [0] * 3, "day": [28.0, 60.4, 90.0], "row": [2, 3, 4], "chimerism": [0.8, 0.99, None]},
        schema_overrides={"chimerism": pl.Float64},
    )
    told = t_nk((28.0, "t_cells", 1.0), assessments=marrow)
    assert (told["chimerism"], told["chimerism_day"]) == (0.99, 60.0)
    assert t_nk((28.0, "t_cells", 1.0))["chimerism"] is None


SAMPLES = st.lists(st.tuples(st.integers(-5, 600), st.sampled_from([0.0, 30.0, 49.0, 50.0, 200.0])), max_size=8)


@settings(max_examples=15, deadline=None)
@given(SAMPLES, st.integers(1, 500), st.integers(-3000, 3000))
def test_a_shift_of_all_dates_shifts_the_days_alone(samples: list[tuple[int, float]], at: int, shift: int) -> None:
    def told(by: float) -> pl.DataFrame:
        rows = [(day + by, "b_cells", value) for day, value in samples]
        events: Events = [(0, "infusion", by, ""), (0, "hsct", at + by, "")]
        whole = history(events, end=[600 + by], attributes={"targets": ["CD19", None]}, labs=labs(*rows))
        return derived(whole).results["b_cell_aplasia"]

    moving = ("course_day", "baseline_day", "last_aplastic_day", "loss_day", "competing_day")
    assert_frame_equal(told(0.0).with_columns(pl.col(name) + shift for name in moving), told(float(shift)))


@settings(max_examples=15, deadline=None)
@given(SAMPLES, st.floats(0, 300))
def test_more_b_cells_never_delay_the_loss(samples: list[tuple[int, float]], more: float) -> None:
    few = b_cells(*((float(day), "b_cells", value) for day, value in samples))["loss_day"]
    many = b_cells(*((float(day), "b_cells", value + more) for day, value in samples))["loss_day"]
    assert few is None or (many is not None and many <= few)


@settings(max_examples=15, deadline=None)
@given(st.floats(0, 200), st.floats(0, 30), st.booleans())
def test_a_missing_value_never_contradicts_its_completion(count: float, percent: float, keep_count: bool) -> None:
    whole = b_cells((60.0, "b_cells", count), (60.0, "b_cells_percent", percent))["status"]
    part = b_cells((60.0, "b_cells", count) if keep_count else (60.0, "b_cells_percent", percent))
    if not part["assumptions"]:
        assert part["status"] in (whole, "unknown")
