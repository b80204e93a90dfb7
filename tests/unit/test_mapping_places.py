"""Findings about the mapped tables, told as findings about the sheets."""

import pytest

from dayzero.errors import Finding, InputError
from dayzero.io.mapping import Mapped, error_in_source, in_source
from sheets import mapped, sheet

TEXT = """
[[map.sheet]]
file = "cohort.xlsx"
sheet = "Patients"
patient = "ID"
columns = { age = "Age" }
[[map.sheet.events]]
event = "infusion"
date = "Infusion"
[[map.sheet.events]]
event = "relapse"
date = "Relapse"
[[map.sheet]]
file = "cohort.xlsx"
sheet = "Second"
patient = "No"
columns = { weight = "Weight" }
[[map.sheet.events]]
event = "death"
date = "Death"
"""


@pytest.fixture(scope="module")
def tables() -> Mapped:
    """Events, in rows 2 to 6: infusion and relapse of a, infusion of b (an era), death of b, death of a."""
    first = sheet([["ID", "Age", "Infusion", "Relapse"], ["a", 30, "2021-01-01", "2021-02-01"], ["b", 40, "R3.1.1"]])
    second = sheet([["No", "Weight", "Death"], ["b", 70, "2021-03-01"], ["a", 60, "2021-04-01"]], "Second", first_row=4)
    return mapped(TEXT, first, second)


def told(tables: Mapped, finding: Finding) -> list[tuple[str, str, tuple[int, ...], tuple[int, ...]]]:
    return [(f.table, f.column, f.rows, f.patient_rows) for f in in_source([finding], tables)]


PATIENTS, SECOND = "cohort.xlsx, sheet Patients", "cohort.xlsx, sheet Second"


def test_rows_of_events_become_cells_of_dates(tables: Mapped) -> None:
    finding = Finding("error", "event-after-death", "x", table="events.csv", rows=(2, 3, 5), patient_rows=(2, 3))
    assert told(tables, finding) == [
        (PATIENTS, "C (Infusion)", (2,), (2,)),
        (PATIENTS, "D (Relapse)", (2,), (2,)),
        (SECOND, "C (Death)", (5,), (3,)),
    ]
    assert [f.message for f in in_source([finding], tables)] == ["x Here 1 of 3."] * 3


def test_rows_come_in_the_order_of_the_sheet_with_their_patients(tables: Mapped) -> None:
    finding = Finding("error", "event-after-death", "x", table="events.csv", rows=(5, 6), patient_rows=(2, 3))
    assert told(tables, finding) == [(SECOND, "C (Death)", (5, 6), (3, 2))]
    assert [f.message for f in in_source([finding], tables)] == ["x"]


def test_rows_of_patients_become_the_rows_in_which_they_first_stand(tables: Mapped) -> None:
    finding = Finding("error", "no-follow-up", "x", table="patients.csv", rows=(3,), patient_rows=(3,))
    assert told(tables, finding) == [(PATIENTS, "A (ID)", (3,), (3,))]


def test_a_baseline_column_is_named_where_its_value_stands(tables: Mapped) -> None:
    finding = Finding("warning", "x", "x", table="patients.csv", rows=(2, 3), patient_rows=(2, 3), column="weight")
    assert told(tables, finding) == [(SECOND, "B (Weight)", (5, 6), (3, 2))]


def test_a_finding_of_the_header_names_the_column_or_the_study_file(tables: Mapped) -> None:
    finding = Finding("error", "x", "x", table="patients.csv", rows=(1,), column="weight")
    assert told(tables, finding) == [(SECOND, "B (Weight)", (), ())]
    assert told(tables, Finding("error", "x", "x", table="patients.csv", rows=(1,))) == [
        ("study.toml, [map]", "", (), ())
    ]


def test_a_date_that_the_mapping_has_named_is_not_named_again_as_missing(tables: Mapped) -> None:
    assert told(tables, Finding("error", "missing-date", "x", table="events.csv", rows=(4,))) == []
    assert len(told(tables, Finding("error", "partial-date", "x", table="events.csv", rows=(4,)))) == 1


def test_other_findings_stay_as_they_are(tables: Mapped) -> None:
    findings = (
        Finding("note", "a", "x"),
        Finding("note", "b", "x", table=PATIENTS, rows=(2,), patient_rows=(2,), column="A (ID)"),
    )
    assert in_source(findings, tables) == findings
    assert in_source(in_source(findings, tables), tables) == findings
    plain = (Finding("note", "c", "x", table="events.csv", rows=(2,)),)
    assert in_source(plain, None) == plain


def test_a_finding_without_a_table_keeps_its_patients(tables: Mapped) -> None:
    assert told(tables, Finding("note", "a", "x", patient_rows=(2, 3))) == [("", "", (), (2, 3))]


def test_errors_about_rows(tables: Mapped) -> None:
    error = InputError("not a number", mend="Mend it.", file="events.csv", row=6, column="day")
    assert str(error_in_source(error, tables)) == f"{SECOND}, row 6, column C (Death): not a number. Mend it."
    error = InputError("no column", mend="Mend it.", file="patients.csv", row=1)
    assert str(error_in_source(error, tables)) == "study.toml: no column. Mend it."
    other = InputError("x", mend="y", file="cohort.xlsx")
    assert error_in_source(other, tables) is other
