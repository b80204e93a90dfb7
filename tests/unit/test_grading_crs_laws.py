"""Laws of CRS grades, on tables at random: they never fall when an input worsens, and bounds hold what is missing."""

import numpy as np
import polars as pl
import pytest

from crs_tables import DEVICES, bedside, random_table
from dayzero.grading.bounds import Bounds
from dayzero.grading.crs.grade import CrsRows, crs_results, grade_table
from dayzero.grading.crs.memory import clock_of, remembered
from dayzero.grading.crs.table import read_crs
from dayzero.grading.editions import edition, editions

SCALES = tuple(editions("crs"))
WORSE = {
    "temp_c": ["36.8", "37.9", "38.0", "39.5"],
    "hypotension": ["no", "yes"],
    "vasopressors": ["0", "1", "2"],
    "vasopressin": ["no", "yes"],
    "o2_device": DEVICES,
    "o2_flow_l_min": ["1", "4", "6", "7", "30"],
    "antipyretic_or_anticytokine": ["no", "yes"],
    "died_of_crs": ["no", "yes"],
    "fio2": ["0.21", "0.3", "0.4", "0.8"],
    "pressor_nee": ["2", "12", "25"],
    "pressor_hours": ["1", "3", "9"],
    "fluids": ["no", "yes"],
    "organ_grade": list("01234"),
    "transaminase_grade": list("01234"),
    "hospitalised": ["no", "yes"],
}
ASSUMED = {"died_of_crs", "other_cause", "intubation_reason"}  # empty means no, no, and hypoxia: assumptions, named


def graded(frame: pl.DataFrame, scale: str) -> Bounds:
    return CrsRows(read_crs(frame), edition("crs", scale)).highest


def random_cells(rng: np.random.Generator, frame: pl.DataFrame, share: float) -> dict[str, np.ndarray]:
    return {name: rng.random(frame.height) < share for name in WORSE if name not in ASSUMED}


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("column", WORSE)
def test_a_grade_never_falls_when_an_input_worsens(column: str, scale: str) -> None:
    rng, levels = np.random.default_rng(7), WORSE[column]
    frame = random_table(rng, patients=300).with_columns(intubation_reason=pl.lit("hypoxia"))
    where = rng.random(frame.height) < 0.3
    code = np.array([levels.index(value) for value in frame[column]])
    worse = np.where(where, np.minimum(code + 1, len(levels) - 1), code)
    before = graded(frame, scale)
    after = graded(frame.with_columns(pl.Series(column, [levels[i] for i in worse])), scale)
    assert np.array_equal(before.lower, before.upper)
    assert np.all(after.lower >= before.lower)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("share", [0.05, 0.3, 0.8])
def test_bounds_hold_the_grade_of_every_completion(scale: str, share: float) -> None:
    rng = np.random.default_rng(11)
    frame = random_table(rng, patients=400)
    empty = random_cells(rng, frame, share)
    # on a patient's first row, "given since onset" states an onset before the table; what is empty states none
    first = frame["patient"].is_first_distinct().to_numpy()
    empty["antipyretic_or_anticytokine"] &= ~first
    # FiO2 that is not known is estimated from a known flow through a cannula: an assumption, named
    cannula = (frame["o2_device"] == "nasal_cannula").to_numpy() & ~empty["o2_device"] & ~empty["o2_flow_l_min"]
    empty["fio2"] &= ~cannula
    bounds = graded(
        frame.with_columns(pl.when(~pl.Series(v)).then(pl.col(k)).alias(k) for k, v in empty.items()), scale
    )
    assert np.any(bounds.lower < bounds.upper)
    for _ in range(20):
        other = random_table(rng, patients=400)
        filled = frame.with_columns(
            pl.when(pl.Series(v)).then(other[k]).otherwise(pl.col(k)).alias(k) for k, v in empty.items()
        )
        full = graded(filled, scale)
        assert np.all((bounds.lower <= full.lower) & (full.upper <= bounds.upper))


@pytest.mark.parametrize("scale", SCALES)
def test_bounds_hold_the_grade_of_every_order_in_time(scale: str) -> None:
    rng = np.random.default_rng(3)
    frame = random_table(rng, patients=400)
    full = graded(frame, scale)
    lost = pl.Series(rng.random(frame.height) < 0.2)
    bounds = graded(frame.with_columns(pl.when(~lost).then(pl.col("time")).alias("time")), scale)
    assert np.all((bounds.lower <= full.lower) & (full.upper <= bounds.upper))


@pytest.mark.parametrize("scale", SCALES)
def test_the_order_of_rows_in_the_file_changes_nothing(scale: str) -> None:
    rng = np.random.default_rng(5)
    frame = random_table(rng).with_columns(time=pl.Series(rng.choice(["0", "12", "30", "60"], 300)))
    results = {one.patient: one for one in grade_table(frame, scale=scale)}
    for seed in range(5):
        for one in grade_table(frame.sample(fraction=1, shuffle=True, seed=seed), scale=scale):
            assert (one.lower, one.upper) == (results[one.patient].lower, results[one.patient].upper)
            assert one.findings == results[one.patient].findings


@pytest.mark.parametrize("scale", SCALES)
def test_later_rows_change_no_earlier_grade(scale: str) -> None:
    frame = random_table(np.random.default_rng(13), patients=200).with_columns(number=pl.int_range(pl.len()) % 5)
    whole = CrsRows(read_crs(frame.drop("number")), edition("crs", scale)).bounds
    for rows in range(1, 5):
        kept = frame["number"].to_numpy() < rows
        cut = CrsRows(read_crs(frame.filter(kept).drop("number")), edition("crs", scale)).bounds
        assert np.array_equal(cut.lower, whole.lower[kept])
        assert np.array_equal(cut.upper, whole.upper[kept])


def test_units_and_spellings_change_nothing() -> None:
    frame = random_table(np.random.default_rng(17))
    other = frame.with_columns(
        (pl.col("fio2").cast(float) * 100).cast(pl.String),
        pl.col("hypotension").replace({"yes": " TRUE", "no": "0"}),
        pl.col("o2_device").str.replace("_", " ").str.to_uppercase(),
        time=pl.lit("2021-03-01").str.to_datetime().dt.offset_by(pl.col("time") + "h").dt.to_string("%Y-%m-%dT%H:%M"),
    )
    typed = frame.with_columns(
        pl.col("temp_c", "time", "vasopressors").cast(pl.Float64), pl.col("hypotension") == "yes"
    )
    for scale in SCALES:
        expected = graded(frame, scale)
        for same in (other, typed):
            assert np.array_equal(graded(same, scale).lower, expected.lower)


def test_the_memory_agrees_with_its_definition_row_by_row() -> None:
    """An oracle in plain loops: fever now, or a fever and then its treatment within the same episode."""
    frame = random_table(np.random.default_rng(19), patients=300, rows=8)
    table = read_crs(frame)
    signs = CrsRows(table, edition("crs")).signs
    found = remembered(signs, clock_of(table))
    fever, given, quiet = signs.fever.yes, table.flag("antipyretic_or_anticytokine").yes, signs.quiet.yes
    for start, n in zip(table.starts, table.lengths, strict=True):
        onset = masked = over = False
        since = None
        for row in range(start, start + n):
            if over and not quiet[row]:
                onset = masked = False
            onset |= bool(fever[row] or (row == start and given[row] and signs.unattributed.yes[row]))
            masked |= bool(onset and given[row])
            since = (table.time[row] if since is None else since) if quiet[row] else None
            over = since is not None and table.time[row] - since >= 24
            assert found.yes[row] == (fever[row] or masked)
    assert np.array_equal(found.yes, ~found.no)


def test_one_result_a_patient_and_course_with_reasons() -> None:
    frame = random_table(np.random.default_rng(23), patients=200)
    frame = frame.with_columns(pl.when(pl.col("temp_c") != "37.9").then(pl.col("temp_c")))
    table = CrsRows(read_crs(frame), edition("crs"))
    results = crs_results(table)
    assert [one.patient for one in results] == frame["patient"].unique(maintain_order=True).to_list()
    for one in results:
        assert bool(one.drivers) == bool(one.time) == (one.lower > 0)
        assert bool(one.missing) == (not one.evaluable)


def test_an_empty_table_has_no_results() -> None:
    for scale in SCALES:
        assert grade_table(bedside({}).head(0), scale=scale) == []
