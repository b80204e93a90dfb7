"""`dayzero map`: from files as a hospital keeps them to a study that reports, with what is open said."""

import re
import tomllib
from pathlib import Path

import pytest

from dayzero.cli import main
from dayzero.errors import InputError
from dayzero.io.mapping.declared import read_settings
from dayzero.settings import Toml

WORKBOOK = Path(__file__).parents[2] / "examples/workbook/cohort.xlsx"
TABLE = """Registry of cell therapy;;;;;;
;;;;;;
Patient;Geschlecht;CAR-T;CAR-T;Rezidiv;Ausgang;Ausgang
ID;(m/w);Infusionsdatum;Dosis (x10^6/kg);Datum;Letzter Kontakt;Todesdatum
"""


def cohort(n: int = 12) -> str:
    """A text table as a German hospital keeps one: two header rows, a title, dates with points, decimal commas."""
    rows = [
        f"QX{7000 + k};{'mw'[k % 2]};{13 + k}.03.2021;{k % 3 + 1},5;{f'{13 + k}.09.2021' if k % 4 == 0 else ''};"
        f"{13 + k}.11.2022;{f'{13 + k}.11.2022' if k % 3 == 0 else ''}"
        for k in range(n)
    ]
    return TABLE + "\n".join(rows) + "\n"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "kohorte.csv"
    path.write_text(cohort(), encoding="utf-8")
    return path


def test_a_table_becomes_a_study_that_reports_at_once(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study.toml"
    assert main(["map", str(table), "--out", str(study)]) == 0
    assert "Nothing is open" in capsys.readouterr().out
    assert main(["map", "--check", "--out", str(study)]) == 0
    assert main(["report", str(study), "--out", str(tmp_path / "report")]) == 0
    (sheet,) = tomllib.loads(study.read_text(encoding="utf-8"))["map"]["sheet"]
    assert [event["event"] for event in sheet["events"]] == ["infusion", "relapse", "last_contact", "death"]
    report = (tmp_path / "report/report.html").read_text(encoding="utf-8")
    assert "Overall survival" in report


def test_no_identifier_and_no_date_leaves_the_table(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study.toml"
    main(["map", str(table), "--out", str(study)])
    said = capsys.readouterr().out + study.read_text(encoding="utf-8").replace("# cutoff = 2024-12-31", "")
    assert not re.search(r"QX7|\d\d\.\d\d\.\d{4}|\d{4}-\d\d-\d\d", said)


def test_run_again_it_adds_what_is_new_and_changes_nothing(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    study = tmp_path / "study.toml"
    main(["map", str(table), "--out", str(study)])
    edited = study.read_bytes().replace(b"[study]", b"# ours\r\n[study]").replace(b"# synthetic", b"synthetic")
    study.write_bytes(edited)
    assert main(["map", str(table), "--out", str(study)]) == 0
    assert study.read_bytes() == edited
    rows = cohort().split("\n")
    more = [
        *(f"{row};" for row in rows[:2]),
        f"{rows[2]};CRS",
        f"{rows[3]};Datum",
        *(f"{r};20.03.2021" for r in rows[4:-1]),
    ]
    table.write_text("\n".join(more) + "\n", encoding="utf-8")
    assert main(["map", str(table), "--out", str(study)]) == 0
    assert "1 column, 0 sheets" in capsys.readouterr().out
    lines = iter(study.read_bytes().split(b"\n"))
    assert all(line in lines for line in edited.split(b"\n"))
    assert tomllib.loads(study.read_text(encoding="utf-8"))["map"]["sheet"][0]["events"][-1]["event"] == "crs"


def test_what_is_open_is_said_until_it_is_answered(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, study = tmp_path / "a.csv", tmp_path / "study.toml"
    rows = "".join(f"P{k},{k % 2 + 1},{k % 9 + 1}/{k % 7 + 1}/2021,{k % 9 + 1}/5/2022\n" for k in range(12))
    table.write_text(f"ID,Sex,Infusion date,Date of death\n{rows}", encoding="utf-8")
    assert main(["map", str(table), "--out", str(study)]) == 0
    assert main(["map", "--check", "--out", str(study)]) == 1
    said = capsys.readouterr().out
    assert "date_order" in said
    assert "sex" in said
    text = study.read_text(encoding="utf-8").replace('date_order = "?"', 'date_order = "mdy"')
    study.write_text(text.replace('"1" = "?", "2" = "?"', '"1" = "male", "2" = "female"'), encoding="utf-8")
    assert main(["map", "--check", "--out", str(study)]) == 0
    assert main(["report", str(study), "--out", str(tmp_path / "report")]) in {0, 1}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "no file is named"),
        (["nowhere.xlsx"], "there is no such file"),
        (["--check", "--out", "nowhere.toml"], "there is no such file"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    arguments: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["map", *arguments]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_study_file_that_is_no_toml_is_left_as_it_is(table: Path, tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    study.write_text("[study\n", encoding="utf-8")
    assert main(["map", str(table), "--out", str(study)]) == 2
    assert study.read_text(encoding="utf-8") == "[study\n"


@pytest.mark.skipif(not WORKBOOK.exists(), reason="the example workbook is not there")
def test_the_example_workbook_is_proposed_as_a_person_left_it(tmp_path: Path) -> None:
    study = tmp_path / "study.toml"
    assert main(["map", str(WORKBOOK), "--out", str(study)]) == 0
    text = study.read_text(encoding="utf-8")
    mine = tomllib.loads((WORKBOOK.parent / "study.toml").read_text(encoding="utf-8"))["map"]
    theirs = tomllib.loads(text)["map"]
    assert [events_of(sheet) for sheet in theirs["sheet"]] == [events_of(sheet) for sheet in mine["sheet"]]
    for proposed, edited in zip(theirs["sheet"], mine["sheet"], strict=True):
        for key in ("sheet", "header_row", "header", "patient"):
            assert proposed.get(key) == edited.get(key)
        assert set(proposed["columns"]) == set(edited.get("columns", {}))
    assert (theirs["date_order"], theirs["decimal"]) == (mine["date_order"], mine["decimal"])
    with pytest.raises(InputError, match="open question"):
        read_settings(theirs, Toml("study.toml", text, tomllib.loads(text)))
    answered = text.replace('"?"', '"male"')  # any answer
    table = tomllib.loads(answered)
    assert read_settings(table["map"], Toml("study.toml", answered, table))
    look = [line for line in text.split("\n") if line.startswith("# LOOK:")]
    assert any("a date of death in column" in line and "says alive" in line for line in look)


def events_of(sheet: dict[str, list[dict[str, object]]]) -> list[tuple[object, object]]:
    return [(event["event"], event["date"]) for event in sheet["events"]]
