"""The status of MRD samples: rule book 4.6."""

from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_histories import history, table
from dayzero.errors import InputError
from dayzero.grading.derived import Derived
from dayzero.grading.editions import edition, editions
from dayzero.grading.mrd import derive_mrd, grade_mrd
from dayzero.grading.mrd.samples import BELOW_IS_UNDETECTED, CALL, QUANTIFIED, STATUSES, grade_samples
from dayzero.protocol import Definitions


def graded(*rows: dict[str, Any], threshold: float = 1e-4, methods: str = "") -> pl.DataFrame:
    return grade_samples(table(*rows), edition("mrd_methods", methods), threshold=threshold)


def status(threshold: float = 1e-4, methods: str = "", **row: Any) -> tuple[str | None, list[str]]:
    told = graded(row, threshold=threshold, methods=methods)
    return told["status"][0], told["possible"][0].to_list()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"value": 1e-4, "lod": 1e-5}, "positive"),  # value >= threshold, not above it
        ({"value": 9.9e-5, "lod": 1e-5}, "negative"),
        ({"value": 0.0, "lod": 1e-4}, "negative"),  # LOD <= threshold, not below it
        ({"value": 0.0, "lod": 1.1e-4}, "indeterminate"),
        ({"detected": False, "lod": 1e-3}, "indeterminate"),
        ({"detected": False, "lod": 1e-5}, "negative"),
        ({"value": 5e-5, "detected": True, "lod": 1e-5, "loq": 8e-5}, "below_quantification"),
        ({"value": 5e-5, "detected": True, "lod": 1e-5, "loq": 5e-5}, "negative"),
        ({"value": 5e-4, "lod": 1e-5, "loq": 1e-3}, "positive"),  # at the threshold, quantified or not
        ({"value": 2e-5, "lod": 5e-5, "loq": 1e-4}, "negative"),  # below the LOD: not detected
        ({"value": 5e-4, "lod": 1e-3}, "positive"),
    ],
)
def test_4_6_status_by_value_lod_and_loq(row: dict[str, Any], expected: str) -> None:
    assert status(**row) == (expected, [expected])


def test_4_6_not_detected_without_a_lod_is_unknown() -> None:
    told = graded({"detected": False})
    assert told["status"][0] is None
    assert told["possible"][0].to_list() == ["indeterminate", "negative"]
    assert told.select("lower", "upper").row(0) == (0, 1)
    assert told["missing"][0].to_list() == ["lod"]


def test_nothing_known_leaves_every_status_possible() -> None:
    assert status() == (None, list(STATUSES))


@pytest.mark.parametrize(
    ("method", "cells", "lod", "expected"),
    [
        ("ngs", 3e6, 1e-6, "negative"),  # rule book: 1e-6 needs 3e6 cell equivalents
        ("ngs", 2.9e4, 3 / 2.9e4, "indeterminate"),
        ("mfc", 2e5, 1e-4, "negative"),
        ("mfc", 1.9e5, 20 / 1.9e5, "indeterminate"),
    ],
)
def test_4_6_lod_from_cells(method: str, cells: float, lod: float, expected: str) -> None:
    told = graded({"method": method, "cells": cells, "detected": False})
    assert told["lod"][0] == pytest.approx(lod, rel=1e-12)
    assert told["lod_source"][0] == "cells"
    assert told["status"][0] == expected


def test_4_6_ngs_at_its_own_threshold_needs_three_million_cells() -> None:
    row = {"method": "ngs", "detected": False}
    assert status(methods="by-method", cells=3e6, **row)[0] == "negative"
    assert status(methods="by-method", cells=2e6, **row)[0] == "indeterminate"
    assert status(methods="by-method", **row) == (None, ["indeterminate", "negative"])
    assert status(methods="by-method", method="ngs", value=2e-6, lod=1e-6)[0] == "positive"
    assert status(methods="by-method", method="mfc", value=2e-6, lod=1e-6)[0] == "negative"


def test_flow_loq_from_cells_is_fifty_events() -> None:
    told = graded({"method": "mfc", "cells": 1e6, "value": 4e-5}, {"method": "mfc", "cells": 1e6, "value": 5e-5})
    assert told["status"].to_list() == ["below_quantification", "negative"]
    assert told["loq"].to_list() == pytest.approx([5e-5, 5e-5])


def test_the_standard_lod_is_a_named_assumption_and_never_says_insufficient() -> None:
    told = graded({"method": "mfc", "detected": False})
    assert told["status"][0] == "negative"
    assert told["assumptions"][0].to_list() == ["LOD: the method's standard"]
    assert status(threshold=1e-5, method="mfc", detected=False) == (None, ["indeterminate", "negative"])


def test_the_standard_lod_does_not_undo_a_measured_number() -> None:
    told = graded({"method": "mfc", "value": 5e-5})
    assert told["status"][0] == "negative"
    assert told["assumptions"][0].to_list() == [QUANTIFIED]
    assert status(method="qpcr_igtr", value=5e-5)[0] == "below_quantification"  # quantifiable from 1e-4


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"value": 1e-4, "value_bound": "<"}, ["negative"]),
        ({"value": 1e-3, "value_bound": "<"}, ["indeterminate"]),
        ({"value": 1e-4, "value_bound": "<", "lod": 1e-5}, ["negative"]),
        ({"value": 1e-4, "value_bound": "<", "detected": True}, ["below_quantification"]),
        ({"value": 1e-3, "value_bound": "<", "lod": 1e-5}, ["negative", "below_quantification", "positive"]),
        ({"value": None, "value_bound": "<", "lod": 1e-5}, ["negative"]),
        ({"value": None, "value_bound": "<"}, ["indeterminate", "negative"]),
        ({"value": 0.01, "value_bound": ">"}, ["positive"]),
        ({"value": None, "value_bound": ">"}, ["positive"]),
        ({"value": 1e-6, "value_bound": ">", "loq": 1e-6}, ["negative", "positive"]),
        ({"detected": False, "lod": 1e-4, "lod_bound": "<"}, ["negative"]),
        ({"detected": False, "lod": 1e-3, "lod_bound": "<"}, ["indeterminate", "negative"]),
        ({"detected": False, "lod": 1e-4, "lod_bound": ">"}, ["indeterminate"]),
        ({"detected": False, "method": "ngs", "cells": 3e4, "cells_bound": ">"}, ["negative"]),
        ({"detected": True}, ["negative", "below_quantification", "positive"]),
        ({"detected": True, "loq": 1e-4, "call": "below_quantification"}, ["below_quantification"]),
    ],
)
def test_censored_values_and_limits(row: dict[str, Any], expected: list[str]) -> None:
    assert status(**row)[1] == expected


def test_less_than_without_detection_is_a_named_assumption() -> None:
    told = graded({"value": 1e-4, "value_bound": "<"})
    assert told["assumptions"][0].to_list() == ["LOD: the reported limit", BELOW_IS_UNDETECTED]


@pytest.mark.parametrize("call", ["positive", "below_quantification", "indeterminate"])
def test_a_call_alone_counts_as_an_assumption(call: str) -> None:
    told = graded({"call": call})
    assert told["status"][0] == call
    assert CALL in told["assumptions"][0].to_list()


@pytest.mark.parametrize("row", [{"detected": False}, {"value": 0.0}, {"value_bound": "<"}])
def test_a_call_counts_only_where_nothing_else_is_known(row: dict[str, Any]) -> None:
    told = graded({**row, "lod": 1e-5, "call": "positive"})
    assert told["status"][0] == "negative"
    assert CALL not in told["assumptions"][0].to_list()


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({"value": 1e-2, "method": "qpcr_igtr"}, []),  # positive: no limit was needed
        ({"value": 0.0, "lod": 1e-5, "method": "qpcr_igtr"}, []),
        ({"value": 0.0, "method": "qpcr_igtr"}, ["LOD: the method's standard"]),
        ({"value": 5e-5, "method": "qpcr_igtr"}, ["LOQ: the method's standard"]),
        ({"value": 5e-5, "lod": 1e-6, "loq": 1e-5}, []),
        ({"value": 1e-4, "value_bound": "<", "detected": True}, ["LOQ: the reported limit"]),
        ({"value": 1e-4, "value_bound": "<", "detected": False}, ["LOD: the reported limit"]),
        ({"value_bound": ">"}, ["above the upper limit counts as positive"]),
        ({"value": 0.1, "value_bound": ">"}, []),
    ],
)
def test_only_what_was_assumed_is_named(row: dict[str, Any], expected: list[str]) -> None:
    assert graded(row)["assumptions"][0].to_list() == expected


def test_what_is_missing_is_named_only_where_it_decides() -> None:
    told = graded(
        {}, {"detected": True}, {"detected": False}, {"value": 1e-2}, {"value": 1e-3, "value_bound": "<", "lod": 1e-5}
    )
    missing = [names.to_list() for names in told["missing"]]
    assert missing[0] == ["value", "detected", "lod", "loq"]
    assert missing[1:4] == [["value", "loq"], ["lod"], []]
    assert missing[4][:2] == ["value", "detected"]


def test_above_a_limit_at_the_threshold_is_positive() -> None:
    assert status(value=1e-4, value_bound=">")[0] == "positive"


def test_detected_with_a_value_of_zero_may_be_any_detected_status() -> None:
    assert status(value=0.0, detected=True)[1] == ["negative", "below_quantification", "positive"]


def test_a_negative_call_alone_still_needs_a_lod() -> None:
    assert status(call="negative") == (None, ["indeterminate", "negative"])
    assert status(call="negative", lod=1e-3)[0] == "indeterminate"
    assert status(call="negative", method="mfc")[0] == "negative"


def test_4_6_above_five_percent_is_overt_and_still_positive() -> None:
    told = graded({"value": 0.656, "lod": 1e-4}, {"value": 0.05, "lod": 1e-4}, {"value": 0.05, "value_bound": ">"}, {})
    assert told["overt"].to_list() == [True, False, True, None]
    assert told["status"].to_list()[:3] == ["positive"] * 3


def test_a_contradiction_has_no_status() -> None:
    told = graded({"value": 1e-3, "detected": False, "lod": 1e-5}, {"value": 0.0, "detected": True})
    assert told["contradicted"].to_list() == [True, True]
    assert told["status"].to_list() == [None, None]


def test_an_unknown_method_is_refused_with_its_row_and_without_its_text() -> None:
    with pytest.raises(InputError, match="mrd, row 3, column method: no such method") as caught:
        graded({"method": "mfc"}, {"method": "secret-value"})
    assert "secret-value" not in str(caught.value)


def test_bad_settings_are_refused() -> None:
    empty = history([], mrd=table(), end=[10.0])
    with pytest.raises(InputError):
        grade_mrd(empty, threshold=0.0)
    with pytest.raises(InputError):
        grade_mrd(empty, methods="none")
    with pytest.raises(InputError):
        grade_mrd(empty, schedule="none")


def test_every_edition_says_where_it_comes_from() -> None:
    for scale in ("mrd_methods", "mrd_schedule", "b_cell_loss", "t_nk_aplasia"):
        assert all(one.source and one.label for one in editions(scale).values())


FRACTIONS = st.sampled_from([0.0, 1e-6, 1e-5, 5e-5, 1e-4, 5e-4, 1e-3, 0.1])
MAYBE = st.none() | FRACTIONS
LIMITS = st.none() | st.sampled_from([1e-6, 1e-5, 1e-4, 1e-3])
SAMPLES = st.fixed_dictionaries(
    {
        "value": MAYBE,
        "detected": st.sampled_from([None, True, False]),
        "lod": LIMITS,
        "loq": LIMITS,
        "cells": st.none() | st.sampled_from([1e4, 1e6]),
        "method": st.sampled_from([None, "mfc", "ngs", "qpcr_igtr"]),
    }
)


@settings(max_examples=100, deadline=None)
@given(SAMPLES, FRACTIONS, FRACTIONS)
def test_raising_a_value_never_turns_positive_into_negative(row: dict[str, Any], one: float, other: float) -> None:
    low, high = graded({**row, "value": min(one, other)}, {**row, "value": max(one, other)})["possible"].to_list()
    if low == ["positive"]:
        assert high == ["positive"]


@settings(max_examples=100, deadline=None)
@given(SAMPLES, st.sampled_from([1e-6, 1e-5, 1e-4, 1e-3]), st.sampled_from([1e-6, 1e-5, 1e-4, 1e-3]))
def test_lowering_the_lod_never_turns_negative_into_insufficient(row: dict[str, Any], one: float, other: float) -> None:
    high, low = graded({**row, "lod": max(one, other)}, {**row, "lod": min(one, other)})["possible"].to_list()
    if high == ["negative"]:
        assert "indeterminate" not in low


@settings(max_examples=60, deadline=None)
@given(SAMPLES)
def test_bounds_contain_every_completion_of_lod_loq_and_value(row: dict[str, Any]) -> None:
    # a LOD or LOQ by assumption is no missing value: methods and cells are left out here
    row = {**row, "method": None, "cells": None}
    if row["value"] is not None and row["detected"] is None and row["lod"] is None:
        row["detected"] = row["value"] > 0  # whether a number is a detection without a LOD is assumed too
    told = graded(row).row(0, named=True)
    if row["value"] is not None and row["loq"] is None:
        return  # a number counts as quantified: an assumption by name, tested above
    for value in [1e-6, 1e-4, 1e-3] if row["value"] is None else [row["value"]]:
        if row["value"] is None and row["detected"] is False:
            value = 0.0  # noqa: PLW2901  - what was not detected has no value
        for lod in [1e-6, 1e-3] if row["lod"] is None else [row["lod"]]:
            for loq in [1e-5, 1e-3] if row["loq"] is None else [row["loq"]]:
                whole = graded({**row, "value": value, "lod": lod, "loq": loq}).row(0, named=True)
                assert set(whole["possible"]) <= set(told["possible"])


def derived(events: list[tuple[int, str, float, str]], *rows: dict[str, Any], end: float = 2000.0) -> Derived:
    patients = 1 + max(row.get("patient", 0) for row in rows)
    return derive_mrd(history(events, mrd=table(*rows), end=[end] * patients), Definitions())


def test_events_are_certain_and_carry_method_specimen_and_course() -> None:
    found = derived(
        [(0, "infusion", 0.0, "")],
        {"day": 28.4, "value": 0.0, "lod": 1e-5, "method": "mfc", "specimen": "bm"},
        {"day": 60.0, "value": 1e-2, "lod": 1e-5, "method": "ngs", "specimen": "pb"},
        {"day": 70.0, "detected": False},
        {"day": 80.0, "value": 1e-2, "lod": 1e-5, "specimen": "csf"},
    )
    rows = found.events.select("day", "value", "method", "specimen", "course_kind", "course").rows()
    assert rows == [
        (28.0, "negative", "mfc", "bm", "infusion", "1"),
        (60.0, "positive", "ngs", "pb", "infusion", "1"),
    ]
    assert found.results["mrd"].height == 4


def test_reported_events_of_the_same_day_or_the_next_are_superseded() -> None:
    found = derived(
        [
            (0, "infusion", 0.0, ""),
            (0, "mrd", 29.0, "positive"),
            (0, "mrd", 30.0, "positive"),
            (0, "mrd", 60.0, "negative"),
        ],
        {"day": 28.0, "value": 0.0, "lod": 1e-5},
        {"day": 60.0, "detected": False},  # uncertain: what was reported stays
    )
    assert found.superseded == (3,)
    assert [f.code for f in found.findings] == ["mrd-status-unknown", "mrd-status-differs"]
    assert found.findings[1].rows == (3,)


def test_a_sample_below_quantification_stands_in_the_place_of_a_reported_negative() -> None:
    mrd = table({"day": 28.0, "value": 5e-5, "detected": True, "lod": 1e-5, "loq": 8e-5})
    after = grade_mrd(history([(0, "infusion", 0.0, ""), (0, "mrd", 28.0, "negative")], mrd=mrd, end=[100.0]))
    assert after.named("mrd")["value"].to_list() == ["below_quantification"]


def test_superseded_counts_and_reported_stays_in_the_history() -> None:
    mrd = table({"day": 28.0, "value": 0.0, "lod": 1e-5})
    after = grade_mrd(history([(0, "infusion", 0.0, ""), (0, "mrd", 28.0, "positive")], mrd=mrd, end=[100.0]))
    assert after.named("mrd")["value"].to_list() == ["negative"]
    assert after.events.filter(pl.col("event") == "mrd").height == 2


def test_findings_name_rows_and_no_value() -> None:
    found = derived(
        [(0, "infusion", 0.0, "")],
        {"day": 28.0, "value": 0.0, "lod": 1e-3, "call": "negative"},
        {"day": 30.0, "value": 0.3, "lod": 1e-5},  # overt: told by the reader of the table
        {"day": 31.0, "value": 0.0, "lod": 1e-6, "cells": 1e5, "method": "ngs"},
        {"day": 32.0, "value": 1e-3, "detected": False, "lod": 1e-6},
        {"day": 33.0, "value": 5e-5, "lod": 1e-6, "loq": 1e-4, "call": "positive"},
    )
    codes = {f.code: f.rows for f in found.findings}
    assert codes == {
        "mrd-call-differs": (2,),
        "mrd-contradicts-itself": (5,),
        "mrd-lod-beyond-cells": (4,),
        "mrd-status-unknown": (5,),
    }


def test_a_sample_on_the_day_of_an_infusion_is_before_it() -> None:
    found = derived(
        [(0, "infusion", 0.0, ""), (0, "hsct", 60.0, "")],
        {"day": 0.0, "value": 0.1, "lod": 1e-5},
        {"day": 60.5, "value": 0.0, "lod": 1e-5},
        {"day": 61.0, "value": 0.0, "lod": 1e-5},
    )
    rows = found.results["mrd"].select("course_kind", "course", "since").rows()
    assert rows == [(None, None, None), ("infusion", 1, 60.0), ("hsct", 1, 1.0)]


def test_undated_samples_are_graded_and_make_no_event() -> None:
    found = derived([(0, "infusion", 0.0, "")], {"day": None, "value": 0.0, "lod": 1e-5})
    assert found.results["mrd"]["status"].to_list() == ["negative"]
    assert found.events.height == 0
