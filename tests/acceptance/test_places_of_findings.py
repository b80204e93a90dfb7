"""Findings name the files of the study, whatever these are called: those of reading, grading, checking, analysing."""

import shutil
from pathlib import Path

import pytest

from dayzero.errors import Finding
from dayzero.study import read_study, run

CLINIC = Path(__file__).parents[2] / "examples/clinic"
FILES = {
    "patients": "people.csv", "events": "happened.csv", "labs": "measured.csv", "gvhd": "skin.csv",
    "mrd": "residual.csv", "assessments": "marrows.csv", "support": "drugs.csv", "vitals": "bedside.csv",
    "neuro": "ice.csv", "kinetics": "copies.csv",
}  # fmt: skip
STUDY = """
[study]
title = "T"
protocol = "hcart19s"

[data]
missing = ["NA"]
{files}

[[analysis]]
kind = "adherence"

[[analysis]]
kind = "response"
sets = {{ "CR/CRi" = "response=CR|CRi" }}

[[analysis]]
kind = "toxicity"

[[analysis]]
kind = "mrd"

[[analysis]]
kind = "curve"
endpoint = "agvhd_2_4"

[[analysis]]
kind = "curve"
endpoint = "b_cell_recovery"
"""


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> tuple[Finding, ...]:
    folder = tmp_path_factory.mktemp("renamed")
    for table, file in FILES.items():
        shutil.copy(CLINIC / f"{table}.csv", folder / file)
    files = "\n".join(f'{table} = "{file}"' for table, file in FILES.items())
    (folder / "study.toml").write_text(STUDY.format(files=files))
    return run(read_study(folder)).findings


def test_no_finding_names_a_table_by_another_name_than_its_file(findings: tuple[Finding, ...]) -> None:
    assert {found.table for found in findings} <= {"", *FILES.values()}


@pytest.mark.parametrize(
    ("code", "table"),
    [
        ("protocol-deviation", "happened.csv"),
        ("agvhd-grade-differs", "happened.csv"),
        ("gvhd-of-autologous", "happened.csv"),
        ("b-cells-not-targeted", "happened.csv"),
        ("undated-row", "measured.csv"),
        ("agvhd-scales-differ", "skin.csv"),
        ("icaht-within-transplant-nadir", "people.csv"),
    ],
)
def test_findings_of_every_origin_name_their_file(findings: tuple[Finding, ...], code: str, table: str) -> None:
    assert table in {found.table for found in findings if found.code == code}


def test_rows_are_rows_of_that_file(findings: tuple[Finding, ...]) -> None:
    lines = {file: (CLINIC / f"{table}.csv").read_text().count("\n") for table, file in FILES.items()}
    for found in findings:
        assert bool(found.table) or not found.rows, found.code
        assert all(1 <= row <= lines[found.table] for row in found.rows), found.code


def test_words_are_of_their_own_finding(findings: tuple[Finding, ...]) -> None:
    (differ,) = [found for found in findings if found.code == "agvhd-scales-differ"]
    assert differ.message.startswith("MAGIC and modified Glucksberg give different grades")
