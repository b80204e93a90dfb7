from pathlib import Path

import pytest

from cohorts import history
from dayzero.errors import Finding, InputError
from dayzero.history import History
from dayzero.io.csv import read_csv
from dayzero.io.tables import DataSettings, day_of, make_history


def read(folder: Path, patients: str, events: str, **data: object) -> tuple[History, tuple[Finding, ...]]:
    (folder / "patients.csv").write_text(patients)
    (folder / "events.csv").write_text(events)
    tables = [read_csv(folder / name, name=name) for name in ("patients.csv", "events.csv")]
    return make_history(*tables, DataSettings(**data))  # type: ignore[arg-type]


ONE = "patient,event,day\na,last_contact,5\n"


def test_values_stay_as_written_and_numbers_become_numbers(tmp_path: Path) -> None:
    patients = "patient,a,b,c,d\n007,yes,1,NA,1e1\nNA,no,,2,2\n"
    frame = read(tmp_path, patients, "patient,event,day\n007,death,1\nNA,death,2\n")[0].patients
    assert frame["patient"].to_list() == ["007", "NA"]
    assert frame["a"].to_list() == ["yes", "no"]
    assert frame["b"].to_list() == [1.0, None]
    assert frame["c"].to_list() == ["NA", "2"]
    assert frame["d"].to_list() == [10.0, 2.0]


def test_missing_texts_and_categorical_columns(tmp_path: Path) -> None:
    patients = "patient,a,centre\na,-,1\n"
    frame = read(tmp_path, patients, ONE, missing=("-",), categorical=("centre",))[0].patients
    assert frame["a"].to_list() == [None]
    assert frame["centre"].to_list() == ["1"]


@pytest.mark.parametrize(("unit", "days"), [("days", 2), ("weeks", 14), ("months", 60.875), ("years", 730.5)])
def test_units_of_time(tmp_path: Path, unit: str, days: float) -> None:
    got = read(tmp_path, "patient\na\n", "patient,event,day\na,death,2\n", time_unit=unit)[0]
    assert got.end.tolist() == [days]


def test_dates_are_days_since_1970() -> None:
    assert day_of("1970-01-11") == 10


@pytest.mark.parametrize(
    ("patients", "events", "code", "rows"),
    [
        ("patient,x\na,1\na,1\n", ONE, "duplicate-patient", (2, 3)),
        ("patient\na\n", ONE + "b,death,1\n", "event-of-unknown-patient", (3,)),
        ("patient\na\n", ONE + "a,hsct,\n", "missing-date", (3,)),
        ("patient\na\n", "patient,event,date\na,death,2021-03\n", "partial-date", (2,)),
        ("patient\na\n", "patient,event,date\na,death,2021\n", "partial-date", (2,)),
        ("patient\na\n", "patient,event,date\na,death,2021-02-30\n", "impossible-date", (2,)),
    ],
)
def test_what_is_wrong_is_found_by_row(
    tmp_path: Path, patients: str, events: str, code: str, rows: tuple[int, ...]
) -> None:
    findings = read(tmp_path, patients, events)[1]
    assert [(f.code, f.rows, f.level) for f in findings] == [(code, rows, "error")]


def test_equal_duplicates_count_once_and_others_are_left_out(tmp_path: Path) -> None:
    patients = "patient,x\na,1\na,1\nb,1\nb,2\nc,3\n"
    events = "patient,event,day\na,death,1\nc,death,2\n"
    assert read(tmp_path, patients, events)[0].patients["patient"].to_list() == ["a", "c"]


@pytest.mark.parametrize(
    ("events", "row", "column"),
    [
        ("patient,event,date\na,death,yesterday\n", 2, "date"),
        ("patient,event,day\na,last_contact,5\na,death,x\n", 3, "day"),
        ("patient,event,day\na,death,nan\n", 2, "day"),
        ("patient,event,day\na,deth,1\n", 2, "event"),
        ("patient,event,day\na,,1\n", 2, "event"),
        ("patient,event,day,number\na,death,1,0\n", 2, "number"),
        ("patient,event\na,death\n", 1, None),
        ("patient,event,day,date\na,death,1,2021-01-01\n", 1, None),
    ],
)
def test_what_has_no_meaning_is_refused(tmp_path: Path, events: str, row: int, column: str | None) -> None:
    with pytest.raises(InputError) as error:
        read(tmp_path, "patient\na\n", events)
    assert (error.value.file, error.value.row, error.value.column) == ("events.csv", row, column)


def test_the_nearest_event_name_is_offered(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="'death'"):
        read(tmp_path, "patient\na\n", "patient,event,day\na,deaht,1\n")


def test_declared_events_are_accepted(tmp_path: Path) -> None:
    got = read(tmp_path, "patient\na\n", ONE + "a,listing,1\n", other_events=("listing",))[0]
    assert got.events.height == 2


def test_an_undated_death_leaves_no_follow_up(tmp_path: Path) -> None:
    got = read(tmp_path, "patient\na\n", ONE + "a,death,\n")[0]
    assert got.end.tolist() != got.end.tolist()  # NaN


def test_a_cutoff_needs_dates(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cutoff"):
        history(tmp_path, "patient event day\na death 1", cutoff=3.0)


def test_events_after_the_cutoff_are_dropped_and_counted(tmp_path: Path) -> None:
    text = "patient event date\na hsct 2020-01-01\na relapse 2020-02-01\na death 2020-03-01"
    got = history(tmp_path, text, cutoff=day_of("2020-02-15"))
    assert (got.events.height, got.dropped_after_cutoff) == (2, 1)
    assert got.end.tolist() == [day_of("2020-02-15")]


def test_attributes_are_kept_as_text(tmp_path: Path) -> None:
    got = read(tmp_path, "patient\na\n", "patient,event,day,cause\na,death,1,disease\n")[0]
    assert got.attributes == ("cause",)
    assert got.named("death", ("cause",))["cause"].to_list() == ["disease"]


def test_a_number_beyond_all_bounds_is_no_day(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a number"):
        read(tmp_path, "patient\na\n", "patient,event,day\na,death,1e999\n")


def test_a_column_with_a_number_beyond_all_bounds_stays_text(tmp_path: Path) -> None:
    assert read(tmp_path, "patient,x\na,1e999\n", ONE)[0].patients["x"].to_list() == ["1e999"]
