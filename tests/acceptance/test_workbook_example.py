"""The messy workbook of examples/workbook, from the proposed mapping to the report: every planted fault is found."""

import csv
import importlib
import json
import shutil
import sys
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dayzero.cli import main
from dayzero.doctor import examine
from dayzero.errors import Finding
from dayzero.io.files import read_grids
from dayzero.io.mapping import Mapped
from dayzero.study import check_study, read_study

FOLDER = Path(__file__).parents[2] / "examples/workbook"
sys.path.append(str(FOLDER))
COHORT, FAULTS, TYPED, MAKE = (importlib.import_module(name) for name in ("cohort", "faults", "typed", "make_workbook"))
DATE_FORMS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y")
WHOLE_ROWS = {"rows that are equal"}
ROWS_BESIDE = (8, 57)
"""The other rows of patients with a fault in the sheet Follow-up: no last contact, and the other date of death."""


@pytest.fixture(scope="module")
def findings() -> tuple[Finding, ...]:
    return tuple(check_study(read_study(FOLDER)))


@pytest.fixture(scope="module")
def mapped() -> Mapped:
    study = read_study(FOLDER)
    assert study.mapped is not None
    return study.mapped


@pytest.fixture(scope="module")
def places() -> dict[str, Any]:
    return dict(TYPED.places(TYPED.sheets(COHORT.cohort())))


def spoilt() -> set[tuple[str, str]]:
    return {(fault.patient, name) for fault in FAULTS.FAULTS for name in fault.spoils}


def content(path: Path) -> list[object]:
    """Return every cell as a reader sees it: bytes differ between versions of the writer."""
    grids = read_grids(path, name="cohort.xlsx")
    return [(grid.sheet, grid.first_row, grid.merged, grid.frame.rows(), grid.kinds.rows()) for grid in grids]


def test_the_workbook_is_what_its_script_writes(tmp_path: Path) -> None:
    MAKE.write_workbook(tmp_path / "cohort.xlsx")
    assert content(tmp_path / "cohort.xlsx") == content(FOLDER / "cohort.xlsx")


@pytest.mark.parametrize("fault", FAULTS.FAULTS, ids=lambda fault: fault.name)
def test_each_fault_changes_the_workbook(tmp_path: Path, fault: Any) -> None:
    MAKE.write_workbook(tmp_path / "clean.xlsx", ())
    MAKE.write_workbook(tmp_path / "faulty.xlsx", (fault,))
    assert content(tmp_path / "clean.xlsx") != content(tmp_path / "faulty.xlsx")


@pytest.mark.parametrize("fault", FAULTS.FAULTS, ids=lambda fault: fault.name)
def test_every_planted_fault_is_found_in_its_place(tmp_path: Path, fault: Any, findings: Any, places: Any) -> None:
    place = places[fault.name]
    seen = check_study(read_study(without(fault.mended_by, tmp_path))) if fault.mended_by else findings
    here = [f for f in seen if f.code == fault.found_as and f.table == f"cohort.xlsx, sheet {place.sheet}"]
    if fault.name not in WHOLE_ROWS:
        here = [f for f in here if f.column.split(" ")[0] in place.columns]
    assert any(set(place.rows) <= set(f.rows) for f in here), [(f.code, f.table, f.rows, f.column) for f in seen]


def test_the_page_of_the_example_lists_every_fault(places: Any) -> None:
    rows = [
        line.split(" | ") for line in (FOLDER / "README.md").read_text("utf-8").splitlines() if line.count("|") == 5
    ]
    listed = {cells[0].removeprefix("| "): cells[1:] for cells in rows[2:]}
    assert set(listed) == {fault.name for fault in FAULTS.FAULTS}
    for fault in FAULTS.FAULTS:
        where, what, found_as = listed[fault.name]
        place = places[fault.name]
        assert where.startswith(f"{place.sheet}, row")
        assert where.endswith(f"column {place.columns[0]}")
        assert {str(place.rows[0]), str(place.rows[-1])} <= set(where.replace(",", "").split())
        assert (what, found_as) == (fault.what, f"`{fault.found_as}` |")


def test_no_error_is_found_where_none_was_planted(findings: Any, places: Any) -> None:
    planted = {(place.sheet, row) for place in places.values() for row in place.rows}
    planted |= {("Patients", row) for row in ROWS_BESIDE}
    errors = [
        (f.table.removeprefix("cohort.xlsx, sheet "), row) for f in findings if f.level == "error" for row in f.rows
    ]
    assert errors
    assert set(errors) <= planted


def test_the_doctor_lists_every_fault_and_first_what_moves_the_results(places: Any) -> None:
    items = examine(read_study(FOLDER)).items
    for fault in FAULTS.FAULTS:
        if fault.name not in WHOLE_ROWS and not fault.mended_by:
            sheet, rows = f"cohort.xlsx, sheet {places[fault.name].sheet}", set(places[fault.name].rows)
            listed = [place for item in items if item.code == fault.found_as for place in item.places]
            assert any(place.sheet == sheet and rows <= set(place.rows) for place in listed), fault.name
    moves = [item.moves for item in items]
    assert any(moves)
    assert moves == sorted(moves, reverse=True)


def test_nothing_of_a_patient_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["map", str(FOLDER / "cohort.xlsx"), "--out", str(tmp_path / "study.toml")])
    assert main(["check", str(FOLDER)]) == 1
    assert main(["doctor", str(FOLDER), "--out", str(tmp_path / "doctor.html")]) == 1
    printed = "".join(capsys.readouterr())
    printed += "".join((tmp_path / name).read_text("utf-8") for name in ("study.toml", "doctor.html"))
    days = {event.day for person in COHORT.cohort() for event in person.events}
    days |= {person.birth for person in COHORT.cohort()}
    assert not [day for day in days for form in DATE_FORMS if f"{day:{form}}" in printed]
    assert not [person.lot for person in COHORT.cohort() if person.lot in printed]


def without(line: str, folder: Path) -> Path:
    """Return a copy of the study without the line that begins so."""
    lines = (FOLDER / "study.toml").read_text("utf-8").splitlines(keepends=True)
    kept = [text for text in lines if not text.startswith(line)]
    assert len(kept) == len(lines) - 1
    (folder / "study.toml").write_text("".join(kept), encoding="utf-8")
    shutil.copy(FOLDER / "cohort.xlsx", folder)
    return folder


def test_the_proposal_is_right_and_asks_one_question(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(FOLDER / "cohort.xlsx", tmp_path)
    proposal = tmp_path / "study.toml"
    assert main(["map", str(tmp_path / "cohort.xlsx"), "--out", str(proposal)]) == 0
    assert main(["map", "--check", "--out", str(proposal)]) == 1
    assert "1 question" in capsys.readouterr().out
    proposed, edited = (tomllib.loads(path.read_text("utf-8"))["map"] for path in (proposal, FOLDER / "study.toml"))
    assert set(proposed["sheet"][0]["columns"]["sex"]["codes"].values()) == {"?"}
    proposed["sheet"][0]["columns"]["sex"] = edited["sheet"][0]["columns"]["sex"]
    assert proposed == edited


def test_the_proposal_says_what_contradicts(tmp_path: Path, places: Any, capsys: pytest.CaptureFixture[str]) -> None:
    main(["map", str(FOLDER / "cohort.xlsx"), "--out", str(tmp_path / "study.toml")])
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Look:")]
    for place in (places["death of the living"], places["no, with a date"]):
        assert any(f"sheet Patients, row {place.rows[0]}" in line and place.columns[0] in line for line in lines)


def test_run_again_the_proposal_keeps_the_edits(tmp_path: Path) -> None:
    for name in ("cohort.xlsx", "study.toml"):
        shutil.copy(FOLDER / name, tmp_path)
    assert main(["map", str(tmp_path / "cohort.xlsx"), "--out", str(tmp_path / "study.toml")]) == 0
    assert (tmp_path / "study.toml").read_bytes() == (FOLDER / "study.toml").read_bytes()
    assert main(["map", "--check", "--out", str(tmp_path / "study.toml")]) == 0


def known(text: str | None) -> str | float | None:
    """Return a number where the text is one: 71 kg is 71.0 kg."""
    return float(text) if text and text.replace(".", "", 1).isdigit() else text or None


def test_right_baseline_values_arrive_right(mapped: Mapped) -> None:
    lost = spoilt()
    rows = {row["patient"]: row for row in mapped.patients.frame.to_dicts()}
    truth = COHORT.tidy_patients(COHORT.cohort())
    assert set(rows) == {row["patient"] for row in truth}
    for true in truth:
        for name in ("sex", "age", "weight", "risk"):
            if (true["patient"], name) not in lost:
                assert known(rows[true["patient"]][name]) == known(str(true[name])), (true["patient"], name)


def test_right_events_arrive_right(mapped: Mapped) -> None:
    lost = spoilt()
    names = ["patient", "event", "date", "value", "number"]
    arrived = mapped.events.frame.select(pl.col(names).fill_null("")).rows()
    truth = [tuple(str(row[name]) for name in names) for row in COHORT.tidy_events(COHORT.cohort())]
    assert Counter(row for row in arrived if row[:2] not in lost) == Counter(
        row for row in truth if row[:2] not in lost
    )
    assert len([row for row in truth if row[:2] in lost]) < 0.04 * len(truth)


def test_right_attributes_arrive_right(mapped: Mapped) -> None:
    lost = spoilt()
    frame = mapped.events.frame
    given = frame.filter((pl.col("event") == "infusion") & (pl.col("number") == "1"))
    doses, lots = (dict(given.select("patient", name).rows()) for name in ("dose", "lot"))
    grafts = {row["patient"]: row for row in frame.filter(pl.col("event") == "hsct").to_dicts()}
    percents = Counter(frame.filter(pl.col("event") == "mrd").select("patient", "percent").drop_nulls().rows())
    for person in COHORT.cohort():
        if (person.patient, "sex") in lost and person.patient not in doses:
            continue
        assert float(doses[person.patient]) == person.dose
        assert lots[person.patient] == person.lot or (person.patient, "lot") in lost
        if person.weight_lb and (person.patient, "weight_lb") not in lost:
            assert float(grafts[person.patient]["weight"]) == pytest.approx(person.weight_lb * COHORT.KG_PER_LB)
            assert grafts[person.patient]["donor"] == person.donor
        if (person.patient, "mrd") not in lost:
            seen = Counter((person.patient, str(test.percent)) for test in person.mrd if test.percent is not None)
            assert {key: n for key, n in percents.items() if key[0] == person.patient} == seen


def estimates(study: Path, out: Path, *, code: int) -> list[dict[str, Any]]:
    assert main(["report", str(study), "--out", str(out)]) == code
    return list(json.loads((out / "report.json").read_text())["estimates"])


def test_the_report_runs_without_those_who_cannot_be_counted(tmp_path: Path) -> None:
    rows = estimates(FOLDER, tmp_path / "report", code=1)
    lost = {patient for patient, name in spoilt() if name in {"infusion", "last_contact", "death"}}
    (row,) = [r for r in rows if (r["endpoint"], r["statistic"], r["time"]) == ("os", "survival", 365)]
    assert row["n"] == COHORT.PATIENTS - len(lost)


def test_without_faults_the_workbook_reports_as_the_tidy_tables_do(tmp_path: Path) -> None:
    text = (FOLDER / "study.toml").read_text(encoding="utf-8")
    clean, tidy = tmp_path / "clean", tmp_path / "tidy"
    for folder, study in ((clean, text), (tidy, text[: text.index("[map]")] + text[text.index("[[analysis]]") :])):
        folder.mkdir()
        (folder / "study.toml").write_text(study, encoding="utf-8")
    MAKE.write_workbook(clean / "cohort.xlsx", ())
    tables = {"patients": COHORT.tidy_patients(COHORT.cohort()), "events": COHORT.tidy_events(COHORT.cohort())}
    for name, rows in tables.items():
        with (tidy / f"{name}.csv").open("w", newline="", encoding="utf-8") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    mapped, truth = (estimates(folder, tmp_path / f"{folder.name}-report", code=0) for folder in (clean, tidy))
    assert mapped == truth
    assert {row["kind"] for row in truth} >= {"curve", "cox", "strategy"}
