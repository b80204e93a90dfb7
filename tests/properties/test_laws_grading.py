"""Laws of all graders at once: nothing looks ahead, and neither clock, order of rows nor order of patients matters."""

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

import numpy as np
import polars as pl
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from dayzero.grading import derive_all
from dayzero.grading.crs.placed import until
from dayzero.history import History
from dayzero.protocol import Definitions
from rich_history import rich_history, shuffled

COURSE = ["patient", "course_kind", "course"]
ROWS = ("mrd", "response", "relapse")  # a row a sample, an assessment, a relapse
SETTLED = 14
"""Days after which a row is settled: by then the counts that belong to a marrow, the second marrow that confirms, and
the transplant whose conditioning had begun are known."""
LATER = {"relapse": ["confirmed"], "response": ["confirmed"]}
"""Columns that say what came later, and are null or wider until it came."""
RETRACTED = {"agvhd", "icans", "icaht", "t_icaht", "crs"}
"""Events that stand only where the whole course is certain: a later row with gaps takes them back."""
DAYS = set(
    """day onset resolution onset_earliest onset_2 onset_2_earliest onset_2_latest onset_3 onset_3_earliest
    onset_3_latest below_again secondary_day nadir_day late_day course_day baseline_day last_aplastic_day loss_day
    competing_day t_nadir_day t_recovery_day nk_nadir_day nk_recovery_day due opens closes first_negative
    last_positive_before lost_day last_negative first_cr_day first_remission_day reported_day full_chimerism_day
    chimerism_day""".split()
)
"""Every column that is a day of the history's clock; whatever else is there does not depend on the clock."""
SEEDS = st.integers(0, 10_000)
# A smaller seed is no smaller cohort: nothing is shrunk.
FEW = settings(max_examples=max(2, settings.default.max_examples // 80), phases=[Phase.generate])


@lru_cache(8)
def graded(seed: int) -> History:
    return derive_all(rich_history(seed), Definitions())[0]


def results(history: History) -> dict[str, pl.DataFrame]:
    """Return every table of results, and the derived events, their rows in an order of their own."""
    derived = history.events.filter(pl.col("source") == "derived").with_columns(pl.col("event").cast(pl.String))
    return {name: in_order(frame) for name, frame in {**history.graded, "events": derived}.items()}


def in_order(frame: pl.DataFrame) -> pl.DataFrame:
    plain = [name for name, kind in frame.schema.items() if kind in {pl.Int64, pl.String, pl.Float64}]
    return frame.sort(plain, nulls_last=True)


def assert_same(found: Mapping[str, pl.DataFrame], expected: Mapping[str, pl.DataFrame]) -> None:
    assert found.keys() == expected.keys()
    for name, frame in expected.items():
        assert_frame_equal(found[name], frame, rel_tol=1e-9, abs_tol=1e-7)


def moved(frame: pl.DataFrame, days: int, names: set[str]) -> pl.DataFrame:
    return frame.with_columns(pl.col(name) + days for name in frame.columns if name in names)


def renumbered(frame: pl.DataFrame, order: list[int]) -> pl.DataFrame:
    place = {old: new for new, old in enumerate(order)}
    return frame.with_columns(pl.col("patient").replace_strict(place, return_dtype=pl.Int64))


@FEW
@given(seed=SEEDS)
def test_the_order_of_rows_changes_nothing(seed: int) -> None:
    assert_same(results(derive_all(shuffled(rich_history(seed), seed), Definitions())[0]), results(graded(seed)))


@FEW
@given(seed=SEEDS, days=st.integers(-2000, 20_000))
def test_another_zero_of_the_clock_moves_days_and_nothing_else(seed: int, days: int) -> None:
    told, own = rich_history(seed), {"day", "end_day"}
    tables = {name: moved(frame, days, own) for name, frame in told.tables.items()}
    later = replace(told, events=moved(told.events, days, own), end=told.end + days, tables=tables)
    expected = {name: in_order(moved(frame, days, DAYS)) for name, frame in results(graded(seed)).items()}
    assert_same(results(derive_all(later, Definitions())[0]), expected)


@FEW
@given(seed=SEEDS)
def test_the_order_of_patients_changes_only_their_order(seed: int) -> None:
    told = rich_history(seed)
    order = np.random.default_rng(seed).permutation(len(told)).tolist()
    other = replace(
        told,
        patients=told.patients[order],
        patient_rows=told.patient_rows[order],
        end=told.end[order],
        events=renumbered(told.events, order),
        tables={name: renumbered(frame, order) for name, frame in told.tables.items()},
    )
    expected = {name: in_order(renumbered(frame, order)) for name, frame in results(graded(seed)).items()}
    assert_same(results(derive_all(other, Definitions())[0]), expected)


def closed(history: History, day: float) -> pl.DataFrame:
    """Return the courses that nothing can add to: followed by an allogeneic transplant, or by the end of follow-up.

    A donor's cells close the courses of every grader; other cells close those of some.
    """
    events = history.events.filter(pl.col("event").is_in(["infusion", "hsct", "dli"]))
    own = events.with_columns(pl.col("day").rank("ordinal").over("patient", "event").cast(pl.Int64).alias("course"))
    allo = (pl.col("event") == "hsct") & (pl.col("kind") == "allo") & (pl.col("day") <= day - SETTLED)
    last = events.filter(allo).group_by("patient").agg(pl.col("day").max().alias("allo"))
    ends = pl.DataFrame({"patient": np.arange(len(history)), "end": history.end})
    known = own.join(last, on="patient", how="left").join(ends, on="patient")
    over = known.filter((pl.col("day") < pl.col("allo")) | (pl.col("end") <= day))
    return over.select("patient", pl.col("event").cast(pl.String).alias("course_kind"), "course")


@FEW
@given(seed=SEEDS, day=st.integers(40, 250))
def test_what_was_settled_by_a_day_is_the_same_whatever_came_later(seed: int, day: int) -> None:
    told, full = rich_history(seed), graded(seed)
    then = derive_all(until(told, day), Definitions())[0]
    over = closed(told, day)
    for name, frame in full.graded.items():
        seen = then.graded.get(name, frame.clear())
        if name in ROWS:
            parts = [one.filter(pl.col("day") <= day - SETTLED).drop(LATER.get(name, ())) for one in (seen, frame)]
        else:
            on = COURSE if "course" in frame.columns else ["patient"]
            parts = [one.join(over, on=on, how="semi") for one in (seen, frame)]
        assert_frame_equal(in_order(parts[0]), in_order(parts[1]))


@FEW
@given(seed=SEEDS, day=st.integers(40, 250))
def test_what_was_found_by_a_day_is_never_taken_back(seed: int, day: int) -> None:
    full, then = graded(seed), derive_all(until(rich_history(seed), day), Definitions())[0]
    for name in ("crs", "icans", "agvhd", "icaht", "t_icaht"):
        frame = full.graded[name]
        both = then.graded.get(name, frame.clear()).join(frame, on=COURSE, suffix="_full")
        assert (both["lower"] <= both["lower_full"]).all()
    key = ["patient", "event", "day"]
    seen, events = (results(one)["events"].select(key) for one in (then, full))
    assert (seen["day"] <= day).all()
    lasting = seen.filter(~pl.col("event").is_in(list(RETRACTED)))
    assert lasting.join(events, on=key, how="anti").is_empty()
    settled = events.filter(pl.col("event").is_in(["response", "relapse", "mrd"]) & (pl.col("day") <= day - SETTLED))
    assert settled.join(seen, on=key, how="anti").is_empty()
