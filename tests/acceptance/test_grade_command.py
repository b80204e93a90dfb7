"""``dayzero grade`` as a user runs it."""

import json
from pathlib import Path

import pytest

from crs_tables import bedside
from dayzero.cli import main
from dayzero.grading import DISCLAIMER

ROWS = ({"temp_c": "39"}, {"patient": "P2", "temp_c": "38.4", "o2_device": "nasal_cannula", "o2_flow_l_min": None})
KEYS = set("patient course grade lower upper evaluable scale drivers missing findings".split())


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "vitals.csv"
    bedside(*ROWS).write_csv(path)
    return path


def test_json_has_what_the_contract_names(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", "crs", str(table), "--json"]) == 0
    out, err = capsys.readouterr()
    first, second = json.loads(out)
    assert set(first) >= KEYS
    assert (first["patient"], first["course"], first["grade"], first["drivers"]) == ("P1", 1, 1, ["fever"])
    assert (second["grade"], second["lower"], second["upper"], second["evaluable"]) == (None, 2, 3, False)
    assert (second["missing"], second["scale"]) == (["o2_flow_l_min"], "astct-2019")
    assert err.strip() == DISCLAIMER


def test_text_has_one_line_a_patient(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", "crs", str(table), "--scale", "penn"]) == 0
    head, first, second = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert dict(zip(head, first, strict=True))["grade"] == "1"
    assert dict(zip(head, second, strict=True)) | {"assumptions": ""} == {
        "patient": "P2",
        "course": "1",
        "scale": "penn",
        "grade": "3",
        "drivers": "hypoxia",
        "missing": "-",
        "findings": "-",
        "assumptions": "",
    }


def test_all_scales_of_one_file(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["grade", "crs", str(table), "--scale", "all", "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert [one["scale"] for one in results[::2]] == "astct-2019 lee-2014 penn ctcae-4.03 ctcae-5".split()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["crs", "absent.csv"], "absent.csv"),
        (["fever", "vitals.csv"], "no such grader"),
        (["crs", "vitals.csv", "--scale", "lee"], "no edition 'lee' of crs. There are astct-2019"),
        (["crs", "wrong.csv"], "wrong.csv, row 3, column temp_c: not a number"),
        (["crs", "bare.csv"], "no column 'patient'"),
    ],
)
def test_what_cannot_be_graded_is_one_line(
    table: Path, arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (table.parent / "wrong.csv").write_text("patient,time,temp_c\nP1,0,38\nP1,1,warm\n")
    (table.parent / "bare.csv").write_text("time,temp_c\n0,38\n")
    assert main(["grade", arguments[0], str(table.parent / arguments[1]), *arguments[2:]]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err
    assert "warm" not in err
