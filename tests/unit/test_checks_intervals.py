"""Checks of intervals, dates, repeats and baseline values: their bounds, and what they must not take for a fault."""

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest

from cohorts import history
from dayzero.checks import check_history
from dayzero.checks.evidence import Evidence
from dayzero.checks.intervals import days_before
from dayzero.errors import Finding
from dayzero.protocol import Protocol, library


def found(folder: Path, events: str, **more: object) -> list[Finding]:
    return list(check_history(history(folder, events, **more), library(), []))  # type: ignore[arg-type]


def codes(folder: Path, events: str, **more: object) -> list[str]:
    return [finding.code for finding in found(folder, events, **more)]


def iso(day: int) -> str:
    return (date(2020, 1, 4) + timedelta(days=day)).isoformat()


# --- intervals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("day", "n"), [(4, 1), (5, 0), (100, 0), (101, 1)])
def test_engraftment_is_5_to_100_days_after_the_last_transplant(tmp_path: Path, day: int, n: int) -> None:
    text = f"patient event day\na hsct -200\na hsct 0\na neutrophil_engraftment {day}\na last_contact 200"
    assert codes(tmp_path, text) == ["engraftment-window"] * n


@pytest.mark.parametrize(("event", "day", "n"), [("crs", 60, 0), ("crs", 61, 1), ("icans", 61, 1), ("crs", -1, 1)])
def test_crs_is_at_most_60_days_after_cells(tmp_path: Path, event: str, day: int, n: int) -> None:
    text = f"patient event day\na infusion 0\na {event} {day}\na last_contact 200"
    assert codes(tmp_path, text) == ["crs-window"] * n


def test_crs_after_a_transplant_counts_from_it(tmp_path: Path) -> None:
    assert codes(tmp_path, "patient event day\na infusion 0\na hsct 90\na crs 95\na last_contact 200") == []


def test_crs_in_data_without_the_cells_or_with_undated_ones_says_nothing(tmp_path: Path) -> None:
    assert codes(tmp_path, "patient event day\na crs 95\na last_contact 200") == []
    undated = "patient event day\na infusion 0\na infusion -\na crs 95\na last_contact 200"
    assert codes(tmp_path, undated) == []


def test_the_events_before_are_those_of_the_patient(tmp_path: Path) -> None:
    cohort = history(tmp_path, "patient event day\na hsct 1\na hsct 5\na crs 5\na crs 3\nb crs 9\nb hsct 10")
    evidence = Evidence(cohort, Protocol())
    before = days_before(evidence, evidence.of("crs"), evidence.of("hsct"))
    assert before.tolist() == [5.0, 1.0, -np.inf]
    assert days_before(evidence, evidence.of("crs"), evidence.of("dli")).tolist() == [-np.inf] * 3


def slipped(day: int, *, patients: int = 12) -> str:
    rows = [
        f"p{i} infusion 0\np{i} response {day if i == 0 else 28 + i}\np{i} last_contact 900" for i in range(patients)
    ]
    return "\n".join(["patient event day", *rows])


@pytest.mark.parametrize(("day", "n"), [(30 + 365, 1), (30 - 365, 1), (30 + 366, 1), (200, 0), (30 + 730, 0)])
def test_a_slip_is_of_one_year(tmp_path: Path, day: int, n: int) -> None:
    assert codes(tmp_path, slipped(day)) == ["year-slip"] * n


def test_what_is_usual_takes_ten_patients(tmp_path: Path) -> None:
    assert codes(tmp_path, slipped(395, patients=10)) == ["year-slip"]
    assert codes(tmp_path, slipped(395, patients=9)) == []


# --- dates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("day", ["1899-12-30", "1900-01-01", "1904-01-01", "1970-01-01"])
def test_a_default_of_software_is_no_date(tmp_path: Path, day: str) -> None:
    (finding,) = found(tmp_path, f"patient event date\na infection {day}\na last_contact 2020-01-01")
    assert (finding.code, finding.level, finding.rows) == ("default-date", "error", (2,))


def test_days_that_are_no_dates_have_no_defaults(tmp_path: Path) -> None:
    assert codes(tmp_path, "patient event day\na infection 0\na last_contact 9") == []


def test_a_day_on_which_everybody_was_asked_is_no_shared_date(tmp_path: Path) -> None:
    rows = [f"p{i} infusion {iso(i)}\np{i} last_contact {iso(400)}" for i in range(10)]
    assert codes(tmp_path, "\n".join(["patient event date", *rows])) == []


def test_one_event_in_five_on_one_date_is_shared(tmp_path: Path) -> None:
    def text(shared: int) -> str:
        rows = [f"p{i} infusion {iso(0 if i < shared else i)}\np{i} last_contact {iso(400 + i)}" for i in range(30)]
        return "\n".join(["patient event date", *rows])

    assert codes(tmp_path, text(6)) == ["shared-date"]
    assert codes(tmp_path, text(5)) == []


def test_chance_leaves_few_dates_on_the_first_of_january(tmp_path: Path) -> None:
    def text(n: int) -> str:
        rows = [
            f"p{i} diagnosis {f'{2000 + i}-01-01' if i < n else iso(50 + 3 * i)}\np{i} last_contact {iso(400 + i)}"
            for i in range(30)
        ]
        return "\n".join(["patient event date", *rows])

    (finding,) = found(tmp_path, text(5))
    assert finding.code == "dates-filled-in"
    assert "the 1st of January" in finding.message
    assert codes(tmp_path, text(4)) == []


def test_dates_of_one_life_beyond_all_others(tmp_path: Path) -> None:
    def text(day: int) -> str:
        rows = [f"p{i} last_contact {iso(day if i == 3 else 100 + i)}" for i in range(12)]
        return "\n".join(["patient event date", *rows])

    (finding,) = found(tmp_path, text(111 + 366))
    assert (finding.code, finding.rows) == ("date-beyond-others", (5,))
    assert codes(tmp_path, text(111 + 365)) == []


def test_a_study_whose_dates_are_all_missing_has_no_habits(tmp_path: Path) -> None:
    assert codes(tmp_path, "patient event date\na infusion -\na last_contact -") == ["no-follow-up"]


def test_a_partial_date_says_how_precise_it_is(tmp_path: Path) -> None:
    from dayzero.io.csv import read_csv
    from dayzero.io.tables import DataSettings, make_history

    (tmp_path / "p.csv").write_text("patient\na\n")
    (tmp_path / "e.csv").write_text(
        "patient,event,date\na,crs, 2020-03\na,crs,2020-12-XX\na,crs,2020\na,last_contact,2021-01-01\n"
    )
    tables = [read_csv(tmp_path / name, name=name) for name in ("p.csv", "e.csv")]
    cohort, (finding,) = make_history(tables[0], tables[1], DataSettings())
    assert "a partial date (2 to the month, 1 to the year)" in finding.message
    assert cohort.events["day"].null_count() == 3
    bounds = {row: tuple(str(np.datetime64(int(day), "D")) for day in days) for row, days in cohort.possible.items()}
    assert bounds == {
        2: ("2020-03-01", "2020-03-31"),
        3: ("2020-12-01", "2020-12-31"),
        4: ("2020-01-01", "2020-12-31"),
    }


# --- what is told twice ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "n"),
    [
        ("a diagnosis 0\na diagnosis 9", 1),
        ("a diagnosis 0\na diagnosis 0", 0),  # duplicate-event says so
        ("a hsct 0\na hsct 1", 0),  # a graft in two parts
        ("a hsct 0\na hsct 14", 1),
        ("a hsct 0\na hsct 15", 0),
        ("a hsct 0\na platelet_engraftment 9\na platelet_engraftment 12", 1),
        ("a hsct 0\na platelet_engraftment 9\na boost 30\na platelet_engraftment 45", 0),
        ("a relapse 9\na relapse 30", 1),
        ("a relapse 9\na infusion 20\na relapse 30", 0),
    ],
)
def test_what_happens_once(tmp_path: Path, events: str, n: int) -> None:
    assert codes(tmp_path, f"patient event day\n{events}\na last_contact 99").count("repeated-event") == n


def test_assessments_of_one_day_may_differ_in_an_attribute(tmp_path: Path) -> None:
    text = "patient event day value tissue\na mrd 5 neg {}\na mrd 5 pos {}\na last_contact 9"
    assert codes(tmp_path, text.format("blood", "marrow")) == []
    assert codes(tmp_path, text.format("blood", "blood")) == ["duplicate-differs"]


def test_a_value_beside_an_empty_one_does_not_differ(tmp_path: Path) -> None:
    assert codes(tmp_path, "patient event day value\na mrd 5 neg\na mrd 5 -\na last_contact 9") == []


# --- baseline values -------------------------------------------------------------------------------------------------

LIFE = "patient event date\na diagnosis 2018-06-01\na last_contact 2020-06-01"


@pytest.mark.parametrize(
    ("column", "cell", "code"),
    [
        ("birth_date", "2018-06-02", "birth-after-event"),
        ("Date of birth", "2018-06-02", "birth-after-event"),
        ("birth_date", "2018-06-01", ""),
        ("donor_birth_date", "2030-01-01", ""),
        ("age", "111", "value-implausible"),
        ("age at infusion", "-1", "value-implausible"),
        ("donor_age", "111", ""),
        ("height (cm)", "1.75", "value-implausible"),
        ("weight", "300", "value-implausible"),
    ],
)
def test_a_baseline_value(tmp_path: Path, column: str, cell: str, code: str) -> None:
    (tmp_path / "p").mkdir()
    found_ = found(tmp_path, LIFE, patients=f"patient,{column}\na,{cell}\n")
    assert [(finding.code, finding.column) for finding in found_] == ([(code, column)] if code else [])


@pytest.mark.parametrize(("age", "n"), [("37", 1), ("38", 0), ("41", 0), ("42", 1)])
def test_an_age_fits_between_birth_and_events(tmp_path: Path, age: str, n: int) -> None:
    """Born on 1979-06-01: 39 on the first day, 41 on the last, and a year for rounding."""
    patients = f"patient,age,birth_date\na,{age},1979-06-02\n"
    assert codes(tmp_path, LIFE, patients=patients) == ["age-against-birth"] * n


def test_a_child_weighs_less_than_half_of_an_adult(tmp_path: Path) -> None:
    people = [f"p{i},{40 + i},{70 + i}" for i in range(12)]
    events = "\n".join(["patient event day", *(f"p{i} last_contact 9" for i in range(13))])

    def table(age: int, weight: int) -> str:
        return "\n".join(["patient,age,weight", *people, f"p12,{age},{weight}", ""])

    assert codes(tmp_path, events, patients=table(7, 22)) == []
    assert codes(tmp_path, events, patients=table(30, 22)) == ["value-implausible"]
    assert codes(tmp_path, events, patients=table(30, 160)) == ["value-implausible"]
