"""A study whose tables come from a workbook, through the command line as a user runs it."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from dayzero.cli import main
from dayzero.study import check_study, read_study, save_mapped
from dayzero.study.save_mapped import without_map

STUDY = """
[study]
title = "From a workbook"
synthetic = true

[map]  # as the data manager said
date_order = "dmy"
missing = ["不明"]

[[map.sheet]]
file = "cohort.xlsx"
sheet = "患者"
header = 2
header_row = 2
patient = "ID"
columns = { age = "Age", sex = { column = "Sex", codes = { "1" = "male", "2" = "female" } } }

[[map.sheet.events]]
event = "infusion"
date = "CAR-T | 回输日期"
attributes = { dose = "CAR-T | Dose" }

[[map.sheet.events]]
event = "hsct"
date = "HSCT | 移植日"

[[map.sheet]]
file = "cohort.xlsx"
sheet = "Follow-up"
patient = "No."
digits = 3

[[map.sheet.events]]
event = { column = "Status", codes = { "生存" = "last_contact", "死亡" = "death" } }
date = "Last seen"

# What is asked.
[[analysis]]
kind = "curve"
endpoint = "os"
by = "sex"
times = [100, 365]

[[analysis]]
kind = "cox"
endpoint = "os"
terms = ["age", "hsct"]
"""
N = 24
BAD_DATE, NO_CODE, AFTER_DEATH = 5, 9, 12  # patients


def write_workbook(path: Path) -> None:
    book = xlsxwriter.Workbook(path)
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    patients, follow_up = book.add_worksheet("患者"), book.add_worksheet("Follow-up")
    patients.write_row(0, 0, ["A made-up cohort"])
    patients.merge_range(1, 3, 1, 4, "CAR-T")
    for column, text in ((0, "ID"), (1, "Age"), (2, "Sex"), (5, "HSCT")):
        patients.write(1, column, text)
    patients.write_row(2, 3, ["回输日期", "Dose", "移植日"])
    follow_up.write_row(0, 0, ["No.", "Status", "Last seen"])
    for i in range(1, N + 1):
        row = i + 2
        patients.write_string(row, 0, f"{i:03d}")
        patients.write_number(row, 1, 20 + (7 * i) % 40)
        patients.write_number(row, 2, 3 if i == NO_CODE else 1 + i % 2)
        infused = date(2020, 1 + i % 12, 1 + i)
        if i == BAD_DATE:
            patients.write_string(row, 3, "令和2年6月6日")
        else:
            patients.write_datetime(row, 3, infused, day)  # type: ignore[arg-type]
        patients.write_number(row, 4, 1.5)
        if i % 3 == 0:
            late = date(2024, 1, 5) if i == AFTER_DEATH else date(2021, 1 + i % 5, 3)
            patients.write_string(row, 5, late.strftime("%d.%m.%Y"))
        follow_up.write_number(i, 0, i)
        follow_up.write_string(i, 1, "死亡" if i % 4 == 0 else "生存")
        follow_up.write_datetime(i, 2, date(2021 + i % 2, 6 + i % 6, 1 + i), day)  # type: ignore[arg-type]
    patients.write_row(N + 3, 0, ["合計", 99])
    book.close()


@pytest.fixture
def study(tmp_path: Path) -> Path:
    write_workbook(tmp_path / "cohort.xlsx")
    path = tmp_path / "study.toml"
    path.write_text(STUDY, encoding="utf-8")
    return path


def report(study: Path, out: Path) -> dict[str, Any]:
    """Report a study that has errors, and return its report.json."""
    assert main(["report", str(study), "--out", str(out)]) == 1
    content: dict[str, Any] = json.loads((out / "report.json").read_text(encoding="utf-8"))
    return content


def test_the_tables_are_those_of_the_workbook(study: Path) -> None:
    read = read_study(study)
    assert len(read.history) == N
    assert read.mapped is not None
    assert read.mapped.counts() == {"infusion": N, "last_contact": 18, "hsct": 8, "death": 6}
    first = read.history.patients.row(0, named=True)
    assert first == {"patient": "001", "age": 27.0, "sex": "female"}
    infusion = read.history.events.row(0, named=True)
    assert infusion["day"] == (date(2020, 2, 2) - date(1970, 1, 1)).days
    assert infusion["dose"] == "1.5"
    assert list(read.inputs) == ["study.toml", "cohort.xlsx"]


def test_every_finding_names_sheet_row_and_column(study: Path) -> None:
    content = report(study, study.parent / "report")
    found = {
        finding["code"]: (finding["table"], finding["rows"], finding["column"], finding["patient_row"])
        for finding in content["findings"]
        if finding["level"] != "note"
    }
    sheet = "cohort.xlsx, sheet 患者"
    assert found["japanese-era"] == (sheet, [BAD_DATE + 3], "D (CAR-T | 回输日期)", None)
    assert found["value-not-coded"] == (sheet, [NO_CODE + 3], "C (Sex)", None)
    assert found["event-after-death"] == (sheet, [AFTER_DEATH + 3], "F (HSCT | 移植日)", AFTER_DEATH + 3)
    assert found["row-of-totals"] == (sheet, [N + 4], "A (ID)", None)
    assert "missing-date" not in found  # the era says it already
    assert not any("events.csv" in finding["table"] for finding in content["findings"])
    page = (study.parent / "report/report.html").read_text(encoding="utf-8")
    assert f"row {AFTER_DEATH + 3}, column F (HSCT | 移植日)" in page


def test_check_says_how_large_the_tables_are(study: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(study)]) == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "Mapped: 24 patients, 56 events: infusion 24, last_contact 18, hsct 8, death 6." in out
    assert "japanese-era" in out


def test_the_saved_tables_give_the_same_estimates(study: Path, tmp_path: Path) -> None:
    saved, out = tmp_path / "saved", tmp_path / "report"
    assert main(["report", str(study), "--out", str(out), "--save-mapped", str(saved)]) == 1
    assert sorted(path.name for path in saved.iterdir()) == ["events.csv", "patients.csv", "study.toml"]
    ours = json.loads((out / "report.json").read_text(encoding="utf-8"))
    theirs = report(saved, tmp_path / "again")
    assert len(ours["estimates"]) > 20
    assert theirs["estimates"] == ours["estimates"]
    text = (saved / "study.toml").read_text(encoding="utf-8")
    assert "# What is asked." in text
    assert "[map]" not in text


def test_a_protocol_goes_with_the_saved_tables(study: Path, tmp_path: Path) -> None:
    (study.parent / "protocol.toml").write_text('[protocol]\ntitle = "Ours"\n')
    study.write_text(STUDY.replace("synthetic", 'protocol = "protocol.toml"\nsynthetic'), encoding="utf-8")
    save_mapped(read_study(study), tmp_path / "saved")
    assert read_study(tmp_path / "saved").protocol.title == "Ours"


def test_a_mapping_at_the_end_or_written_otherwise_is_taken_out(study: Path) -> None:
    head, _, rest = STUDY.partition("[map]")
    body, _, tail = rest.partition("# What is asked.")
    study.write_text(f"{head}{tail}\n[map]{body}", encoding="utf-8")
    assert without_map(read_study(study).toml).split() == f"{head}{tail}".split()


def test_a_finding_about_a_column_names_where_it_comes_from(study: Path) -> None:
    study.write_text(STUDY.replace("columns = { age", 'columns = { hsct = "HSCT | 移植日", age'), encoding="utf-8")
    (later,) = (f for f in check_study(read_study(study)) if f.code == "column-known-later")
    assert (later.table, later.rows, later.level) == ("cohort.xlsx, sheet 患者", (), "error")
    assert later.column == "F (HSCT | 移植日)"


def test_a_fault_of_the_history_names_the_sheet_or_the_study_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "days.csv").write_text("ID,Day\n1,3\n\n2,1e999\n")
    text = """[map]
    [[map.sheet]]
    file = "days.csv"
    patient = "ID"
    [[map.sheet.events]]
    event = "infusion"
    day = "Day"
    """
    (tmp_path / "study.toml").write_text(text)
    assert main(["check", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("days.csv, row 4, column B (Day): not a number.")
    (tmp_path / "study.toml").write_text(f'[data]\ncategorical = ["sex"]\n{text}')
    assert main(["check", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith("study.toml: no column 'sex'.")


@pytest.mark.parametrize("where", ["study", "file", "outside", "no map"])
def test_what_cannot_be_saved(study: Path, tmp_path: Path, where: str, capsys: pytest.CaptureFixture[str]) -> None:
    target = tmp_path / "saved"
    if where == "study":
        target = study.parent
    elif where == "file":
        target.write_text("x")
    elif where == "outside":
        study.write_text(STUDY + '\n[data]\npatients = "../patients.csv"\n', encoding="utf-8")
    else:
        study = tmp_path / "plain"
        assert main(["new", str(study)]) == 0
    before = sorted(path.name for path in tmp_path.iterdir())
    assert main(["report", str(study), "--out", str(tmp_path / "r"), "--save-mapped", str(target)]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("right", "wrong", "line"),
    [
        ('"HSCT | 移植日"', '"HSCT | 移植"', "study.toml, row 25, column map.sheet.0.events.1.date: "),
        ('sheet = "Follow-up"', 'sheet = "Followup"', "has no sheet 'Followup'. Did you mean 'Follow-up'?"),
        ('sheet = "Follow-up"\n', "", "cohort.xlsx has 2 sheets. Name one: sheet = '患者', 'Follow-up'."),
        ('"cohort.xlsx"', '"cohrt.xlsx"', "cohrt.xlsx: there is no such file."),
        ("header_row = 2", "header_row = 2000", "no header on row 2000"),
        ("[map]", "[mapp]", "Did you mean 'map'?"),
        ('"死亡" = "death"', '"死亡" = "dead"', "'dead' is not an event name that is known. Did you mean 'death'?"),
    ],
)
def test_one_line_says_what_is_wrong_with_the_mapping(
    study: Path, right: str, wrong: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert right in STUDY
    study.write_text(STUDY.replace(right, wrong), encoding="utf-8")
    assert main(["check", str(study)]) == 2
    err = capsys.readouterr().err
    assert len(err.splitlines()) == 1
    assert line in err
