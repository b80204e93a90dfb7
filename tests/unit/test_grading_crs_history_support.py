"""The support table as bedside rows of CRS: vectors, concurrency, doses, blood pressure, doubt of dates."""

from typing import Any

import numpy as np
import polars as pl
import pytest

from crs_histories import SUPPORT, Row, event, given, history, support, vitals, well
from dayzero.errors import InputError
from dayzero.grading.crs.history import grade_crs

INFUSION = event("infusion", 0.0)
NOREPI, EPI, AVP = ({"agent": name} for name in ("Norepinephrine", "epinephrine", "vasopressin"))


def graded(*rows: Row, log: tuple[Row, ...] | None = None, **more: Any) -> Row:
    """Grade one patient who is watched over the days 1.1 to 2.1 but for these rows."""
    watched = well(1.1, 1.6, 2.1) if log is None else list(log)
    known = history(INFUSION, support=support(*watched, *rows), **more)
    return grade_crs(known).graded["crs"].to_dicts()[0]


def bounds(*rows: Row, **more: Any) -> tuple[int, int]:
    result = graded(*rows, **more)
    return result["lower"], result["upper"]


def temp(day: float, value: float = 38.5) -> Row:
    return given("temp", day, value=value)


def pressor(drug: Row, day: float | None, end: float | None = None) -> Row:
    return given("vasopressor", day, end) | drug


def o2(day: float, end: float | None = None, device: str = "nasal cannula", flow: float | None = None) -> Row:
    return given("o2", day, end, device=device, flow=flow)


FEVER = temp(1.2)


def test_vectors_1_2_and_5_fever_and_blood_pressure() -> None:
    assert bounds(temp(1.2, 38.0)) == (1, 1)
    assert bounds(temp(1.2, 37.9)) == (0, 0)
    result = graded(given("sbp", 1.2, value=80.0))
    assert (result["grade"], result["findings"]) == (0, ["hemodynamic_without_fever"])


def test_vector_3_one_pressor_with_vasopressin_and_low_flow() -> None:
    assert bounds(FEVER, pressor(NOREPI, 1.3, 1.9), pressor(AVP, 1.4, 1.8), o2(1.3, 1.9, flow=4.0)) == (3, 3)


def test_vector_4_afebrile_after_tocilizumab() -> None:
    high = o2(1.7, 1.9, device="HFNC", flow=40.0)
    assert bounds(FEVER, given("tocilizumab", 1.3), high) == (3, 3)
    assert bounds(FEVER, high) == (1, 3)  # no dose in the whole table: whether one was given is unknown
    result = graded(FEVER, high, given("tocilizumab", 9.0))
    assert (result["grade"], result["findings"]) == (1, ["hemodynamic_without_fever"])


@pytest.mark.parametrize(("flow", "grade"), [(6.0, (2, 2)), (7.0, (3, 3)), (None, (2, 3))])
def test_vectors_6_and_8_flow_through_a_cannula(flow: float | None, grade: tuple[int, int]) -> None:
    assert bounds(FEVER, o2(1.3, 1.5, flow=flow)) == grade


def test_vector_7_overlap_makes_two_pressors() -> None:
    assert bounds(FEVER, pressor(NOREPI, 1.3, 1.5), pressor(EPI, 1.4, 1.45)) == (4, 4)
    assert bounds(FEVER, pressor(NOREPI, 1.3, 1.5), pressor(EPI, 1.5, 1.55)) == (3, 3)
    assert bounds(FEVER, pressor(NOREPI, 1.3, 1.5), pressor({"agent": "noradrenaline"}, 1.4, 1.55)) == (3, 3)


def test_vector_9_a_tube_for_a_seizure() -> None:
    tube = given("ventilation", 1.3, 1.5, reason="seizure")
    assert bounds(FEVER, tube) == (1, 4)  # how much oxygen it gave is not in the table
    assert bounds(FEVER, tube | {"reason": None}) == (4, 4)
    assert "fio2" in graded(FEVER, tube)["missing"]


@pytest.mark.parametrize("drug", ["milrinone", "Dobutamine"])
def test_inotropes_are_no_vasopressors(drug: str) -> None:
    assert bounds(FEVER, pressor({"agent": drug}, 1.3, 1.5)) == (1, 1)


def test_vasopressin_alone_is_one_vasopressor() -> None:
    result = graded(FEVER, pressor(AVP, 1.3, 1.5))
    assert result["grade"] == 3
    assert "vasopressin_alone_is_one_vasopressor" in result["assumptions"]


def test_switching_on_one_day_leaves_doubt_where_only_days_are_known() -> None:
    """Norepinephrine on days 1 to 3, epinephrine on days 3 to 5: together on day 3, or one after the other."""
    log = (*well(1.0, 2.0, 3.0, 4.0, 5.0), temp(1.0), temp(2.0), temp(3.0), temp(4.0))
    switched = (pressor(NOREPI, 1.0, 3.0), pressor(EPI, 3.0, 5.0))
    result = graded(*switched, log=log)
    assert (result["lower"], result["upper"], result["missing"]) == (3, 4, ["time"])
    assert bounds(pressor(NOREPI, 1.0, 3.0), pressor(EPI, 2.0, 5.0), log=log) == (4, 4)
    assert bounds(pressor(NOREPI, 1.0, 2.0), pressor(EPI, 3.0, 5.0), log=log) == (3, 3)
    assert bounds(pressor(NOREPI, 3.0, 3.0), log=log) == (3, 3)


def test_an_end_that_is_not_written_leaves_doubt() -> None:
    hot = (temp(1.2), temp(1.55), temp(1.7))
    assert bounds(*hot, pressor(NOREPI, 1.3), pressor(EPI, 1.6, 1.65)) == (3, 4)
    assert bounds(*hot, pressor(NOREPI, 1.3)) == (3, 3)


def test_a_treatment_without_a_day_may_have_been_given_at_any_time() -> None:
    result = graded(FEVER, pressor(NOREPI, None))
    assert (result["lower"], result["upper"], result["missing"]) == (1, 3, ["time"])


def test_what_the_table_never_holds_is_unknown_and_not_0() -> None:
    result = graded(log=(temp(1.2),))
    assert (result["lower"], result["upper"]) == (1, 4)
    assert result["missing"] == ["hypotension", "vasopressors", "vasopressin", "o2_device"]
    assert bounds(log=(given("sbp", 1.2, value=80.0),)) == (0, 4)


def test_a_log_of_another_patient_says_that_it_is_kept() -> None:
    rows = support(*well(1.1), FEVER, {"patient": 1} | FEVER, given("sbp", 1.2, value=120.0, patient=1))
    known = history(INFUSION, event("infusion", 0.0, patient=1), n=2, support=rows)
    assert grade_crs(known).graded["crs"]["grade"].to_list() == [1, 1]


def test_a_measurement_holds_for_a_day() -> None:
    assert bounds(temp(1.2), pressor(NOREPI, 2.15, 2.19), log=tuple(well(1.1))) == (3, 3)
    assert bounds(temp(1.2), pressor(NOREPI, 2.25, 2.29), log=tuple(well(1.1))) == (1, 3)


def test_a_dose_before_the_fever_is_no_treatment_of_it() -> None:
    low = given("sbp", 1.9, value=80.0)
    cool = temp(1.85, 37.0)
    assert bounds(given("antipyretic", 0.5), FEVER, cool, low) == (1, 1)
    assert bounds(given("antipyretic", 0.5), FEVER, given("antipyretic", 1.25), cool, low) == (2, 2)


def test_a_dose_with_a_date_alone_was_given_somewhere_in_that_day() -> None:
    low, cool = given("sbp", 1.9, value=80.0), temp(1.85, 37.0)
    assert bounds(FEVER, given("steroid", 1.0), cool, low) == (1, 2)
    later = given("sbp", 2.05, value=80.0)
    assert bounds(FEVER, given("steroid", 1.0), cool, later) == (1, 2)  # or before the fever


def test_doses_are_counted_by_course() -> None:
    doses = [given("tocilizumab", day) for day in (1.3, 1.6, 31.0)]
    known = history(INFUSION, event("infusion", 30.0), support=support(*well(1.1), FEVER, *doses))
    found = grade_crs(known).graded["crs"]
    assert found["tocilizumab_doses"].to_list() == [2, 1]
    assert found["steroid_doses"].to_list() == [None, None]


ADULT = {"age": [40.0]}


@pytest.mark.parametrize(
    ("kind", "value", "age", "grade"),
    [
        ("sbp", 89.0, 40.0, 2),
        ("sbp", 90.0, 40.0, 1),
        ("map", 64.0, 40.0, 2),
        ("map", 65.0, 40.0, 1),
        ("sbp", 69.0, 0.5, 2),
        ("sbp", 70.0, 0.5, 1),
        ("sbp", 71.0, 1.0, 2),
        ("sbp", 72.0, 1.0, 1),
        ("sbp", 79.0, 5.9, 2),
        ("sbp", 80.0, 5.9, 1),
        ("sbp", 89.0, 10.0, 2),
        ("sbp", 90.0, 17.0, 1),
    ],
)
def test_hypotension_by_age(kind: str, value: float, age: float, grade: int) -> None:
    log = (given("temp", 1.2, value=38.5), given(kind, 1.2, value=value), *well(1.2)[2:])
    assert bounds(log=log, patients={"age": [age]}) == (grade, grade)


def test_what_is_assumed_of_a_log_is_named() -> None:
    kept = {"not_given_where_not_logged", "measurements_hold_for_a_day"}
    assert kept | {"adult_where_age_is_not_there"} <= set(graded(FEVER)["assumptions"])
    assert "adult_where_age_is_not_there" not in graded(FEVER, patients=ADULT)["assumptions"]
    alone = grade_crs(history(INFUSION, vitals=vitals({"temp_c": "39"}))).graded["crs"]["assumptions"].to_list()[0]
    assert not kept & set(alone)


def test_the_mean_pressure_of_a_child_says_nothing() -> None:
    log = (given("temp", 1.2, value=38.5), given("map", 1.2, value=50.0), *well(1.2)[2:])
    assert bounds(log=log, patients={"age": [5.0]}) == (1, 2)


@pytest.mark.parametrize(("value", "expected"), [(69.0, (2, 2)), (75.0, (1, 2)), (90.0, (1, 1))])
def test_an_age_that_is_not_known_leaves_doubt_between_the_limits(value: float, expected: tuple[int, int]) -> None:
    log = (given("temp", 1.2, value=38.5), given("sbp", 1.2, value=value), *well(1.2)[2:])
    assert bounds(log=log, patients={"age": [None]}) == expected


def test_oxygen_without_an_end_runs_until_the_next() -> None:
    hot = [temp(day) for day in (1.3, 1.5, 1.8)]
    result = graded(*hot, o2(1.3, flow=2.0), o2(1.5, device="hfnc", flow=30.0), o2(1.7, device="room air"))
    assert result["grade"] == 3
    assert result["h3"] == pytest.approx(24 * 0.1, abs=1e-3)  # the fever of 1.5 is gone at 1.6


def test_the_higher_of_two_devices_counts() -> None:
    assert bounds(FEVER, o2(1.3, 2.0, flow=2.0), given("ventilation", 1.4, 1.6)) == (4, 4)


def test_vital_signs_and_support_are_read_together() -> None:
    rows = vitals({"day": 1.2, "temp_c": "39"}, {"day": 1.7}).with_columns(
        pl.lit(None, pl.String).alias(name) for name in ("vasopressors", "vasopressin")
    )
    known = history(INFUSION, vitals=rows, support=support(pressor(NOREPI, 1.3, 1.5)))
    (result,) = grade_crs(known).graded["crs"].to_dicts()
    assert (result["grade"], result["day"]) == (3, 1.3)
    alone = history(INFUSION, vitals=rows)
    assert grade_crs(alone).graded["crs"]["upper"].to_list() == [4]


def test_a_device_that_is_not_known_and_an_end_before_the_start_are_input_errors() -> None:
    with pytest.raises(InputError, match=r"support table, row 10, column device") as caught:
        graded(o2(1.3, device="magic"))
    assert "magic" not in str(caught.value)
    with pytest.raises(InputError, match=r"row 10, column end_date"):
        graded(pressor(NOREPI, 1.5, 1.3))


def test_the_columns_are_those_of_the_contract() -> None:
    assert support().schema == SUPPORT


DRUGS = ("norepinephrine", "epinephrine", "phenylephrine", "vasopressin", "milrinone")


def random_log(seed: int, patients: int = 40) -> pl.DataFrame:
    """Return logs with an end and a time of day for everything."""
    rng, rows = np.random.default_rng(seed), []
    for patient in range(patients):
        who = {"patient": patient}
        days = 1 + np.arange(8) / 4 + 0.01
        for day in days:
            rows += [
                temp(day, rng.choice([37.0, 38.5])) | who,
                given("sbp", day, value=rng.choice([80.0, 120.0])) | who,
            ]
        for _ in range(3):
            begin = rng.uniform(1, 3)
            rows.append(pressor({"agent": rng.choice(DRUGS)}, begin, begin + rng.uniform(0.05, 1)) | who)
        begin = rng.uniform(1, 3)
        device, flow = rng.choice(["nc", "hfnc", "cpap", "facemask"]), rng.choice([2.0, 8.0])
        rows += [o2(begin, begin + 0.5, device=device, flow=flow) | who, given("tocilizumab", rng.uniform(1, 3)) | who]
    return support(*rows)


def log_bounds(log: pl.DataFrame, patients: int = 40) -> tuple[np.ndarray, np.ndarray]:
    events = [event("infusion", 0.0, patient=i) for i in range(patients)]
    found = grade_crs(history(*events, n=patients, support=log)).graded["crs"]
    return found["lower"].to_numpy(), found["upper"].to_numpy()


@pytest.mark.parametrize("seed", range(3))
def test_bounds_without_ends_hold_what_the_ends_give(seed: int) -> None:
    log, rng = random_log(seed), np.random.default_rng(seed + 50)
    lower, upper = log_bounds(log)
    hidden = pl.Series(rng.random(log.height) < 0.5) & (log["kind"] == "vasopressor")
    least, most = log_bounds(log.with_columns(pl.when(~hidden).then("end_day").alias("end_day")))
    assert np.all(least <= lower)
    assert np.all(upper <= most)
    assert np.any(most > upper)


@pytest.mark.parametrize("seed", range(3))
def test_another_vasopressor_never_lowers_a_grade(seed: int) -> None:
    log = random_log(seed)
    more = support(*({"patient": i} | pressor({"agent": "metaraminol"}, 1.5, 2.5) for i in range(40)))
    before, after = log_bounds(log), log_bounds(pl.concat([log, more]))
    assert np.all(after[0] >= before[0])
    assert np.any(after[0] > before[0])


@pytest.mark.parametrize("seed", range(3))
def test_dates_without_times_hold_every_time_that_they_may_mean(seed: int) -> None:
    """Treatments as dates alone: the bounds hold the grade that they have with the times of day."""
    log = random_log(seed)
    lower, upper = log_bounds(log)
    whole = [
        pl.when(pl.col("kind").is_in(["vasopressor", "o2", "tocilizumab"]))
        .then(pl.col(name).floor())
        .otherwise(name)
        .alias(name)
        for name in ("day", "end_day")
    ]
    least, most = log_bounds(log.with_columns(whole))
    assert np.all(upper <= most)
    assert np.all(least <= lower)
