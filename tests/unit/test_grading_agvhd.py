"""Overall grade of acute GVHD from organ stages: both scales, bounds, onset, courses."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.errors import InputError
from dayzero.grading import grade_table
from dayzero.grading.editions import editions
from dayzero.grading.gvhd.acute import agvhd_days, grade_agvhd
from dayzero.grading.results import Graded, to_row

ORGANS = ("skin", "liver", "upper_gi", "lower_gi")
HIGHEST = {"skin": 4, "liver": 4, "upper_gi": 1, "lower_gi": 4}
SCALES = ("magic", "glucksberg")
Stages = tuple[int | None, ...]

stage_rows = st.tuples(*(st.none() | st.integers(0, HIGHEST[organ]) for organ in ORGANS))
tables = st.lists(stage_rows, min_size=1, max_size=5)


def table(*rows: dict[str, object]) -> pl.DataFrame:
    """Return rows as a table of text."""
    names = dict.fromkeys(name for row in rows for name in row)
    text = {name: [None if row.get(name) is None else str(row[name]) for row in rows] for name in names}
    return pl.DataFrame(text, schema=dict.fromkeys(names, pl.String))


def of_stages(rows: Iterable[Stages]) -> pl.DataFrame:
    """Return one patient's stages, a day apart."""
    return table(*({"patient": "A", "day": day} | dict(zip(ORGANS, row, strict=True)) for day, row in enumerate(rows)))


def grade(*rows: dict[str, object], scale: str = "magic") -> Graded:
    (only,) = grade_agvhd(table(*({"patient": "A", "day": day} | row for day, row in enumerate(rows))), scale=scale)
    return only


def harris(skin: int, liver: int, upper_gi: int, lower_gi: int) -> int:
    """The table of Harris 2016 with its side conditions, as worded (rule book 3.2)."""
    if 4 in {skin, liver, lower_gi}:
        return 4
    if (liver in {2, 3} or lower_gi in {2, 3}) and skin <= 3 and upper_gi <= 1:
        return 3
    if skin == 3 or liver == 1 or upper_gi == 1 or lower_gi == 1:
        return 2
    return 1 if skin in {1, 2} else 0


def przepiorka(skin: int, liver: int, upper_gi: int, lower_gi: int) -> int:
    """The table of Przepiorka 1995, as worded (rule book 3.3)."""
    gut = max(upper_gi, lower_gi)
    if 4 in {skin, liver}:
        return 4
    if liver in {2, 3} or gut in {2, 3, 4}:
        return 3
    if skin == 3 or liver == 1 or gut == 1:
        return 2
    return 1 if skin in {1, 2} else 0


@pytest.mark.parametrize(("scale", "worded"), [("magic", harris), ("glucksberg", przepiorka)])
def test_every_combination_of_stages_is_graded_as_the_table_is_worded(scale: str, worded: object) -> None:
    combinations = list(product(range(5), range(5), range(2), range(5)))
    rows = ({"patient": n, "day": 1} | dict(zip(ORGANS, c, strict=True)) for n, c in enumerate(combinations))
    graded = grade_agvhd(table(*rows), scale=scale)
    assert [g.grade for g in graded] == [worded(*c) for c in combinations]  # type: ignore[operator]
    assert all(g.evaluable and not g.missing and g.scale == scale for g in graded)


@pytest.mark.parametrize(
    ("stages", "magic", "glucksberg"),
    [
        ((0, 0, 0, 0), 0, 0),
        ((2, 0, 0, 0), 1, 1),
        ((3, 0, 0, 0), 2, 2),  # not the highest stage
        ((0, 0, 1, 0), 2, 2),
        ((0, 0, 0, 2), 3, 3),
        ((3, 0, 1, 0), 2, 2),
        ((0, 3, 0, 0), 3, 3),
        ((4, 0, 0, 0), 4, 4),
        ((0, 0, 0, 4), 4, 3),  # the scales disagree: rule book 3.3
    ],
)
def test_grades_by_hand(stages: Stages, magic: int, glucksberg: int) -> None:
    frame = of_stages([stages])
    assert grade_agvhd(frame)[0].grade == magic
    assert grade_agvhd(frame, scale="glucksberg")[0].grade == glucksberg


def test_magic_is_the_default_and_both_editions_say_whether_they_were_read() -> None:
    assert tuple(editions("agvhd")) == SCALES
    assert [edition.read for edition in editions("agvhd").values()] == [False, False]
    assert all(edition.source for edition in editions("agvhd").values())


@pytest.mark.parametrize("scale", SCALES)
def test_no_stage_gives_less_than_the_stage_below(scale: str) -> None:
    grades = editions("agvhd")[scale].table["grades"]
    assert {organ: len(column) - 1 for organ, column in grades.items()} == HIGHEST
    assert all(column == sorted(column) for column in grades.values())


def test_a_missing_organ_is_never_taken_for_zero() -> None:
    found = grade({"skin": 1, "liver": 0, "lower_gi": 0})
    assert (found.grade, found.lower, found.upper, found.evaluable) == (None, 1, 2, False)
    assert found.missing == ("upper_gi",)


def test_an_empty_row_is_anything() -> None:
    found = grade({"skin": None})
    assert (found.grade, found.lower, found.upper, found.drivers) == (None, 0, 4, ())
    assert found.missing == ORGANS


def test_what_is_missing_does_not_matter_where_it_cannot_raise_the_grade() -> None:
    found = grade({"skin": 4})
    assert (found.grade, found.missing, found.drivers) == (4, (), ("skin",))


def test_a_gap_on_one_day_matters_only_if_it_could_exceed_another_day() -> None:
    gap = {"skin": 0, "liver": 0, "upper_gi": None, "lower_gi": 0}
    assert grade(gap, {"skin": 1, "liver": 1, "upper_gi": 0, "lower_gi": 0}).grade == 2
    assert grade(gap, {"skin": 1, "liver": 0, "upper_gi": 0, "lower_gi": 0}).upper == 2


def test_the_highest_day_counts_and_names_its_organs() -> None:
    found = grade(
        {"skin": 1, "liver": 0, "upper_gi": 0, "lower_gi": 0},
        {"skin": 3, "liver": 2, "upper_gi": 1, "lower_gi": 2},
        {"skin": 1, "liver": 3, "upper_gi": 0, "lower_gi": 0},
    )
    assert (found.grade, found.drivers, found.time) == (3, ("liver", "lower_gi"), "1")


def test_onset_is_the_first_day_at_each_grade() -> None:
    full = {"liver": 0, "upper_gi": 0, "lower_gi": 0}
    found = to_row(grade({"skin": 0} | full, {"skin": 1} | full, {"skin": 3} | full, {"skin": 0} | full))
    assert [found[f"onset_{g}"] for g in (1, 2, 3)] == [1.0, 2.0, None]
    assert [found[f"onset_{g}_bounds"] for g in (1, 2, 3)] == [(1.0, 1.0), (2.0, 2.0), (None, None)]


def test_an_onset_that_may_have_been_earlier_is_not_dated() -> None:
    found = to_row(grade({"skin": 1, "liver": 0, "lower_gi": 0}, {"skin": 3, "liver": 0, "upper_gi": 0, "lower_gi": 0}))
    assert (found["onset_1"], found["onset_2"], found["onset_2_bounds"]) == (0.0, None, (0.0, 1.0))


def test_a_row_without_a_day_counts_but_dates_nothing() -> None:
    full = {"liver": 0, "upper_gi": 0, "lower_gi": 0}
    found = to_row(grade({"skin": 3, "day": None} | full, {"skin": 3} | full))
    assert (found["grade"], found["onset_2"], found["onset_2_bounds"]) == (2, None, (None, 1.0))


def test_onset_is_a_date_where_the_table_has_dates() -> None:
    found = to_row(grade({"day": "2021-03-25", "skin": 4}))
    assert (found["onset_1"], found["time"]) == ("2021-03-25", "2021-03-25")


def test_each_transplant_is_graded_by_itself_and_attribution_is_carried_through() -> None:
    full = {"liver": 0, "upper_gi": 0, "lower_gi": 0}
    rows = [
        {"patient": "A", "course": 1, "day": 20, "skin": 1, "attribution": "hsct"} | full,
        {"patient": "A", "course": 2, "day": 210, "skin": 4, "attribution": "car_t"} | full,
        {"patient": "A", "course": 2, "day": 260, "skin": 1, "attribution": "dli"} | full,
    ]
    first, second = (to_row(g) for g in grade_agvhd(table(*rows)))
    assert (first["course"], first["grade"], first["attribution"], first["findings"]) == (1, 1, ("hsct",), [])
    assert (second["course"], second["grade"], second["attribution"]) == (2, 4, ("car_t", "dli"))
    assert second["findings"] == ["several_attributions"]


def test_upper_gut_under_glucksberg_rests_on_a_biopsy() -> None:
    rows = {"skin": 0, "liver": 0, "upper_gi": 1, "lower_gi": 0}
    assert "upper_gi_biopsy_positive" in grade(rows, scale="glucksberg").assumptions
    assert grade(rows).assumptions == ()


@pytest.mark.parametrize(
    ("loss", "skin", "bounds"), [("yes", 1, (4, 4)), ("no", 1, (1, 1)), (None, 1, (1, 4)), ("yes", 0, (0, 0))]
)
def test_performance_is_asked_where_glucksberg_has_it(loss: str | None, skin: int, bounds: tuple[int, int]) -> None:
    row = {"skin": skin, "liver": 0, "upper_gi": 0, "lower_gi": 0, "extreme_performance_loss": loss}
    found = grade(row, scale="glucksberg")
    assert (found.lower, found.upper) == bounds
    assert "no_extreme_performance_loss" not in found.assumptions
    assert grade(row).upper < 4


def test_lost_performance_counts_where_an_organ_may_be_involved() -> None:
    found = grade({"skin": 0, "liver": 0, "lower_gi": 0, "extreme_performance_loss": "yes"}, scale="glucksberg")
    assert (found.lower, found.upper) == (0, 4)


@pytest.mark.parametrize("skin", [0, 4])
def test_no_performance_is_assumed_where_it_would_change_nothing(skin: int) -> None:
    found = grade({"skin": skin, "liver": 0, "upper_gi": 0, "lower_gi": 0}, scale="glucksberg")
    assert (found.grade, found.assumptions, found.time) == (skin, (), "0" if skin else "")


def test_an_assumed_performance_is_named() -> None:
    assert grade({"skin": 1, "liver": 0, "upper_gi": 0, "lower_gi": 0}, scale="glucksberg").assumptions == (
        "no_extreme_performance_loss",
    )


@pytest.mark.parametrize(
    ("column", "value", "fault"),
    [
        ("skin", "5", "not between 0 and 4"),
        ("upper_gi", "2", "not between 0 and 1"),
        ("liver", "1.5", "not a whole number"),
        ("lower_gi", "severe", "not a number"),
    ],
)
def test_a_stage_that_is_none_stops_with_its_row(column: str, value: str, fault: str) -> None:
    frame = table({"patient": "A", "day": 1, column: 0}, {"patient": "A", "day": 2, column: value})
    with pytest.raises(InputError) as caught:
        grade_agvhd(frame, file="gvhd.csv")
    assert (caught.value.row, caught.value.column, caught.value.fault) == (3, column, fault)
    assert "severe" not in str(caught.value)


def test_an_unknown_scale_is_refused() -> None:
    with pytest.raises(InputError, match="magic, glucksberg"):
        grade_table("agvhd", of_stages([(0, 0, 0, 0)]), scale="ibmtr")


def test_the_registry_has_it() -> None:
    assert grade_table("agvhd", of_stages([(0, 0, 0, 4)]), scale="glucksberg")[0].grade == 3


def test_a_table_without_rows_has_no_results() -> None:
    assert grade_agvhd(table({"patient": "A", "day": 1, "skin": 1}).clear()) == []


def test_a_last_day_needs_days() -> None:
    with pytest.raises(InputError, match=r"row 3, column day: no day\."):
        grade_agvhd(table({"patient": "A", "day": 1}, {"patient": "A", "day": None}), as_of=5, file="gvhd.csv")


@settings(max_examples=100, deadline=None)
@given(rows=tables, scale=st.sampled_from(SCALES), data=st.data())
def test_bounds_contain_every_completion(rows: list[Stages], scale: str, data: st.DataObject) -> None:
    filled = [
        tuple(
            data.draw(st.integers(0, HIGHEST[organ])) if stage is None else stage
            for organ, stage in zip(ORGANS, row, strict=True)
        )
        for row in rows
    ]
    (open_,), (closed,) = grade_agvhd(of_stages(rows), scale=scale), grade_agvhd(of_stages(filled), scale=scale)
    assert closed.grade is not None
    assert open_.lower <= closed.grade <= open_.upper
    before, after = to_row(open_), to_row(closed)
    for g in (1, 2, 3):
        early, late = before[f"onset_{g}_bounds"]
        day = after[f"onset_{g}"]
        assert (day is None) if early is None else (day is None or early <= day)
        assert late is None or (day is not None and day <= late)


@settings(max_examples=100, deadline=None)
@given(rows=tables, scale=st.sampled_from(SCALES))
def test_bounds_are_reached(rows: list[Stages], scale: str) -> None:
    for end, pick in (("lower", dict.fromkeys(ORGANS, 0)), ("upper", HIGHEST)):
        filled = [tuple(pick[o] if s is None else s for o, s in zip(ORGANS, row, strict=True)) for row in rows]
        reached = grade_agvhd(of_stages(filled), scale=scale)[0].grade
        assert getattr(grade_agvhd(of_stages(rows), scale=scale)[0], end) == reached


@settings(max_examples=100, deadline=None)
@given(rows=tables, scale=st.sampled_from(SCALES), data=st.data())
def test_a_grade_never_falls_when_a_stage_rises(rows: list[Stages], scale: str, data: st.DataObject) -> None:
    at, organ = data.draw(st.integers(0, len(rows) - 1)), data.draw(st.integers(0, 3))
    worse = [list(row) for row in rows]
    stage = worse[at][organ]
    worse[at][organ] = None if stage is None else min(stage + 1, HIGHEST[ORGANS[organ]])
    (a,), (b,) = grade_agvhd(of_stages(rows), scale=scale), grade_agvhd(of_stages(map(tuple, worse)), scale=scale)
    assert a.lower <= b.lower
    assert a.upper <= b.upper


@settings(max_examples=60, deadline=None)
@given(rows=tables, as_of=st.integers(-1, 5))
def test_a_last_day_never_looks_ahead(rows: list[Stages], as_of: int) -> None:
    frame = of_stages(rows)
    assert grade_agvhd(frame, as_of=as_of) == grade_agvhd(frame.filter(pl.col("day").cast(pl.Int64) <= as_of))


def test_a_last_day_holds_in_dates_and_keeps_row_numbers() -> None:
    rows = [{"patient": "A", "day": f"2021-03-{day}", "skin": day - 24, "bilirubin": None} for day in (25, 28)]
    (found,) = grade_agvhd(table(*rows), as_of=18_711)  # 2021-03-25
    assert found.lower == 1
    late = table(rows[1], rows[0] | {"bilirubin": 3})
    with pytest.raises(InputError, match="row 3, column bilirubin"):
        grade_agvhd(late, as_of=18_711)


@settings(max_examples=60, deadline=None)
@given(rows=tables, order=st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter(rows: list[Stages], order: object) -> None:
    frame = of_stages(rows)
    mixed = list(range(len(rows)))
    order.shuffle(mixed)  # type: ignore[attr-defined]
    assert grade_agvhd(frame) == grade_agvhd(frame[mixed])


def test_days_are_graded_one_by_one() -> None:
    days = agvhd_days(of_stages([(1, 0, 0, 0), (3, 0, None, 2), (None, 0, 0, 0)]))
    assert days.select("day", "grade", "lower", "upper").rows() == [(0, 1, 1, 1), (1, 3, 3, 3), (2, None, 0, 4)]
    assert days.select("skin_lower", "skin_upper").rows() == [(1, 1), (3, 3), (0, 4)]


def test_the_page_prints_every_edition() -> None:
    page = (Path(__file__).parents[2] / "docs/grading/agvhd.md").read_text(encoding="utf-8")
    for folder in ("agvhd", "agvhd_stages"):
        for edition in editions(folder).values():
            assert edition.source in page
