"""Checks: the registry, follow-up, repeats, endpoints, the table: what they must not take for a fault."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cohorts import history
from dayzero.checks import CHECKS, check_history, findings_table
from dayzero.checks.evidence import Evidence
from dayzero.errors import Finding
from dayzero.history import History
from dayzero.protocol import Endpoint, Protocol, library

OS = Endpoint(name="os", origin="infusion:1", events=("death",))


def codes(folder: Path, events: str, *endpoints: Endpoint, **more: object) -> list[str]:
    return [finding.code for finding in check_history(history(folder, events, **more), Protocol(), endpoints)]  # type: ignore[arg-type]


# --- the registry ----------------------------------------------------------------------------------------------------


def test_every_check_has_a_code_of_its_own() -> None:
    assert len({check.code for check in CHECKS}) == len(CHECKS) == 42


def test_every_check_of_level_error_says_how_to_mend() -> None:
    assert all(check.mend for check in CHECKS if check.level != "note")


def test_a_study_without_events_has_nothing_but_missing_follow_up(tmp_path: Path) -> None:
    empty = history(tmp_path, "patient event day", patients="patient,age\na,1\nb,2\n")
    (finding,) = check_history(empty, library(), [library().endpoint("os"), library().endpoint("lfs")])
    assert (finding.code, finding.rows, finding.patient_rows) == ("no-follow-up", (2, 3), (2, 3))


def test_the_order_of_rows_does_not_matter(tmp_path: Path) -> None:
    lines = """a infusion 0
a lymphodepletion 5
a death 20
a death 30
a relapse 25
b infusion 0
b mrd 9
b mrd 9
b last_contact 8
b lymphodepletion -20""".splitlines()
    found = []
    for order in (lines, lines[::-1], sorted(lines)):
        cohort = history(tmp_path, "\n".join(["patient event day", *order]))
        found.append([(f.code, f.message, f.patient_rows) for f in check_history(cohort, Protocol(), [OS])])
    assert found[0] == found[1] == found[2]
    assert {code for code, _, _ in found[0]} == {
        "event-after-death",
        "event-after-last-contact",
        "repeated-death",
        "duplicate-event",
        "lymphodepletion-after-infusion",
        "lymphodepletion-window",
        "relapse-without-remission",
    } - {"relapse-without-remission"}  # no response anywhere: nothing is known of remissions


def test_derived_grades_are_not_taken_for_data(tmp_path: Path) -> None:
    cohort = history(tmp_path, "patient event day\na infusion 0\na last_contact 9\na crs 20")
    derived = cohort.events.with_columns(
        source=pl.when(pl.col("event") == "crs").then(pl.lit("derived")).otherwise("source")
    )
    assert [f.code for f in check_history(cohort, Protocol(), [])] == ["event-after-last-contact"]
    assert check_history(replace(cohort, events=derived), Protocol(), []) == ()


def test_findings_name_the_files_of_the_study(tmp_path: Path) -> None:
    cohort = history(tmp_path, "patient event day\na death 1\na relapse 2\nb relapse 1")
    found = check_history(cohort, Protocol(), [], files=("people.csv", "dates.csv"))
    assert [(f.code, f.table, f.rows, f.patient_rows) for f in found] == [
        ("no-follow-up", "people.csv", (3,), (3,)),
        ("event-after-death", "dates.csv", (3,), (2,)),
    ]


# --- follow-up and repeats -------------------------------------------------------------------------------------------


def test_an_undated_death_is_no_follow_up_even_with_a_last_contact(tmp_path: Path) -> None:
    assert codes(tmp_path, "patient event day\na death -\na last_contact 9") == ["no-follow-up"]


def test_a_last_contact_after_death_is_after_death(tmp_path: Path) -> None:
    assert codes(tmp_path, "patient event day\na death 5\na last_contact 9") == ["event-after-death"]


def test_the_latest_of_several_last_contacts_counts(tmp_path: Path) -> None:
    assert codes(tmp_path, "patient event day\na last_contact 5\na relapse 7\na last_contact 9") == []


def test_a_death_after_the_cutoff_makes_nothing_an_event_after_death(tmp_path: Path) -> None:
    text = "patient event date\na infusion 2020-01-01\na relapse 2020-05-01\na death 2021-01-01"
    cutoff = float(np.datetime64("2020-06-30").astype(int))
    assert codes(tmp_path, text, cutoff=cutoff) == ["event-after-cutoff", "follow-up-beyond-cutoff"]


def test_a_last_contact_on_the_cutoff_is_not_beyond_it(tmp_path: Path) -> None:
    cutoff = float(np.datetime64("2020-06-30").astype(int))
    assert codes(tmp_path, "patient event date\na last_contact 2020-06-30", cutoff=cutoff) == []


def test_events_that_differ_in_an_attribute_are_no_duplicates(tmp_path: Path) -> None:
    two = "patient event day value product\na infusion 0 - {}\na infusion 0 - {}\na last_contact 9"
    assert codes(tmp_path, two.format("CD19", "CD22")) == []
    assert codes(tmp_path, two.format("CD19", "CD19")) == ["duplicate-event"]


def test_the_same_event_on_one_day_of_two_patients_is_no_duplicate(tmp_path: Path) -> None:
    assert codes(tmp_path, "patient event day\na last_contact 9\nb last_contact 9") == []


def test_one_number_on_two_days_is_out_of_order(tmp_path: Path) -> None:
    text = "patient event day value number\na infusion 0 - 1\na infusion {} - 1\na last_contact 9"
    assert codes(tmp_path, text.format(5)) == ["number-out-of-order"]
    assert codes(tmp_path, text.format(0)) == ["duplicate-event"]


# --- endpoints -------------------------------------------------------------------------------------------------------


def test_a_death_that_an_endpoint_with_death_does_not_see(tmp_path: Path) -> None:
    text = "patient event day\na infusion 0\na hsct 5\na death 9\nb infusion 0\nb death 9"
    lfs = Endpoint(name="lfs", origin="infusion:1", events=("relapse", "death"))
    cut = replace(lfs, censor_at=("hsct",))
    missed, alone = check_history(history(tmp_path, text), Protocol(), [OS, cut])
    assert alone.code == "hsct-censored-alone"
    assert (missed.code, missed.patient_rows) == ("os-event-missed", (2,))
    assert missed.message.endswith("is an event of os, but not of lfs, which is cut at hsct.")
    for other in (lfs, replace(lfs, name="relapse", events=("relapse",), competing=("death",))):
        assert check_history(history(tmp_path, text), Protocol(), [OS, other]) == ()


GAP = "patient event day value\na infusion 0 -\na response {} CR\na last_contact 400"


@pytest.mark.parametrize(("day", "n"), [(217, 1), (218, 0)])
def test_a_gap_is_more_than_six_months(tmp_path: Path, day: int, n: int) -> None:
    """6 x 30.4375 = 182.625 days."""
    relapse = Endpoint(name="relapse", origin="infusion:1", events=("relapse",), competing=("death",))
    assert codes(tmp_path, GAP.format(day), relapse) == ["censoring-gap"] * n
    assert codes(tmp_path, GAP.format(day), OS) == []


def test_endpoints_with_the_same_gap_share_a_finding(tmp_path: Path) -> None:
    one = Endpoint(name="one", origin="infusion:1", events=("relapse",))
    two, assessed = replace(one, name="two"), replace(one, name="three", censor="last_assessment")
    found = check_history(history(tmp_path, GAP.format(28)), Protocol(), [one, two, assessed])
    assert [finding.message.partition("censored in ")[2] for finding in found] == [
        "one and two at the last contact, which counts them as free of relapse until then.",
        "three at the last assessment, which leaves out the time after it.",
    ]


def test_a_gap_before_day_zero_counts_from_day_zero(tmp_path: Path) -> None:
    late = Endpoint(name="late", origin="hsct", events=("relapse",))
    assert codes(tmp_path, GAP.format(28) + "\na hsct 300 -", late) == []
    assert codes(tmp_path, GAP.format(28) + "\na hsct 200 -", late) == ["censoring-gap"]


def test_a_gap_ends_where_follow_up_is_cut(tmp_path: Path) -> None:
    cut = Endpoint(name="x", origin="infusion:1", events=("relapse",), censor_at=("hsct",))
    assert codes(tmp_path, GAP.format(28) + "\na hsct 200 -", cut) == ["hsct-censored-alone"]


def test_names_with_braces_are_names(tmp_path: Path) -> None:
    text = "patient event date\na infusion 2020-01-01\na last_contact 2020-02-01"
    patients = "patient,{x} follow-up days,status\na,99,9\n"
    cohort = history(tmp_path, text, patients=patients, cutoff=float(np.datetime64("2020-02-01").astype(int)))
    messages = {f.code: f.message for f in check_history(cohort, Protocol(), [replace(OS, name="{os}")])}
    assert "potential-follow-up" not in messages  # its name is not understood
    cohort = replace(cohort, patients=cohort.patients.rename({"{x} follow-up days": "{} follow-up days"}))
    messages = {f.code: f.message for f in check_history(cohort, Protocol(), [OS])}
    assert messages["potential-follow-up"].startswith("1 patient whose follow-up in the column '{} follow-up days' is")


# --- the table -------------------------------------------------------------------------------------------------------


def test_the_table_puts_errors_first_and_keeps_the_order_otherwise() -> None:
    findings = [
        Finding(level, code, "m") for level, code in (("note", "a"), ("error", "b"), ("warning", "c"), ("error", "d"))
    ]  # type: ignore[arg-type]
    assert [row[1] for row in findings_table(findings)] == ["b", "d", "c", "a"]


@pytest.mark.parametrize(
    ("rows", "where"),
    [
        ((), "events.csv"),
        ((4,), "events.csv, row 4"),
        ((4, 9), "events.csv, rows 4, 9"),
        (tuple(range(2, 2002)), "events.csv, rows 2, 3, 4, 5, 6 and 1,995 more"),
    ],
)
def test_the_table_says_where(rows: tuple[int, ...], where: str) -> None:
    assert findings_table([Finding("error", "code", "m", table="events.csv", rows=rows)])[0][2] == where


def test_evidence_passes_over_undated_events(tmp_path: Path) -> None:
    cohort: History = history(tmp_path, "patient event day\na relapse -\na death 9\nb last_contact 3")
    evidence = Evidence(cohort, Protocol())
    assert evidence.day.tolist() == [9, 3]
    assert list(evidence.names) == ["death", "last_contact"]
    assert evidence.first(evidence.of("relapse")).tolist() == [np.inf, np.inf]
    assert evidence.last(evidence.of("death", "last_contact")).tolist() == [9, 3]
