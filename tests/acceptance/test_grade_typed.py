"""``dayzero grade`` of tables with units, each on its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from dayzero.cli import main

KEYS = set("patient course grade lower upper evaluable scale drivers missing findings".split())
MRD = """patient,date,specimen,method,value,lod,cells
A,2021-03-01,bm,mfc,0.02%,0.001%,1000000
A,2021-04-01,bm,mfc,<LOD,0.001%,1000000
B,2021-04-01,bm,mfc,<LOD,0.1%,
"""
MARROWS = """patient,day,site,blasts,method,anc,platelets,transfusion_independent
A,28,bm,1%,morphology,1.5,150,yes
B,28,bm,1%,morphology,,,
"""
KINETICS = """patient,course,day,assay,value,lloq
A,1,7,copies_per_ug,1000,10
A,1,14,copies_per_ug,500,10
A,2,3,copies_per_ug,20,10
"""
LABS = """patient,course,day,analyte,value,unit
A,1,10,anc,400,/uL
A,1,14,anc,600,/uL
A,1,15,anc,0.7,1e9/L
A,1,16,anc,900,/uL
A,2,3,anc,100,/uL
A,1,10,plt,8,1e9/L
A,1,20,plt,25,1e9/L
A,1,22,plt,30,1e9/L
A,1,24,plt,40,1e9/L
"""
SUPPORT = "patient,course,day,kind\nA,1,5,transfusion_platelets\n"


def graded(folder: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, *more: str) -> list[dict[str, Any]]:
    (folder / "table.csv").write_text(text)
    assert main(["grade", name, str(folder / "table.csv"), "--json", *more]) == 0
    rows: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    assert all(set(row) >= KEYS for row in rows)
    return rows


def test_samples_of_mrd(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, third = graded(tmp_path, capsys, "mrd", MRD)
    assert (first["grade"], first["day"], first["value"]) == ("positive", "2021-03-01", 2e-4)
    assert (second["grade"], second["evaluable"]) == ("negative", True)
    assert (third["patient"], third["grade"], third["evaluable"]) == ("B", None, False)
    assert (third["lower"], third["upper"]) == ("negative", "positive")
    assert {row["scale"] for row in graded(tmp_path, capsys, "mrd", MRD, "--scale", "by-method")} == {"by-method"}


def test_assessments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = graded(tmp_path, capsys, "response", MARROWS)
    assert (first["grade"], first["scale"], first["day"]) == ("CR", "eln-2024", 28.0)
    assert (second["grade"], second["lower"], second["upper"]) == (None, "CR", "MLFS")
    assert {"anc", "platelets"} <= set(second["missing"])
    other = graded(tmp_path, capsys, "response", MARROWS, "--scale", "cr-regardless-of-counts")
    assert [row["grade"] for row in other] == ["CR", "CR"]


def test_exposure_of_each_course(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = graded(tmp_path, capsys, "kinetics", KINETICS)
    assert [(row["patient"], row["course"], row["cmax"], row["tmax"]) for row in (first, second)] == [
        ("A", 1, 1000.0, 7.0),
        ("A", 2, 20.0, 3.0),
    ]


def test_engraftment_needs_transfusions_for_platelets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "support.csv").write_text(SUPPORT)
    for more, platelets in ((), None), (("--support", str(tmp_path / "support.csv")), "recovered"):
        rows = {(row["course"], row["recovery"]): row for row in graded(tmp_path, capsys, "engraftment", LABS, *more)}
        assert (rows[1, "neutrophil_engraftment"]["grade"], rows[1, "neutrophil_engraftment"]["day"]) == (
            "recovered",
            14.0,
        )
        assert rows[2, "neutrophil_engraftment"]["grade"] == "not_recovered"
        one = rows[1, "platelet_engraftment"]
        assert (one["grade"], one["evaluable"]) == (platelets, platelets is not None)


def test_text_has_one_line_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "table.csv").write_text(MRD)
    assert main(["grade", "mrd", str(tmp_path / "table.csv")]) == 0
    head, first, *_ = (line.split("\t") for line in capsys.readouterr().out.splitlines())
    assert dict(zip(head, first, strict=True))["grade"] == "positive"


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("mrd", "patient,date,value\nA,2021-03-01,0.02\n", "row 2, column value: neither a fraction nor percent"),
        ("kinetics", "patient,date,assay,value\nA,2021-03-01,copies_per_ug,5\n", "dates without a day 0"),
        ("engraftment", "patient,course,day,analyte,value,unit\nA,x,1,anc,5,/uL\n", "not the number of a course"),
        ("response", "patient,day,site,blasts\nA,1,marow,1%\n", "row 2, column site"),
        ("mrd", "patient,value\nA,1%\n", "table.csv"),
    ],
)
def test_what_cannot_be_read_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, text: str, words: str
) -> None:
    (tmp_path / "table.csv").write_text(text)
    assert main(["grade", name, str(tmp_path / "table.csv")]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert words in err
