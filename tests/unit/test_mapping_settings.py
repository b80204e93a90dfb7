"""The mapping's settings and what is written about them."""

import re
import tomllib
from pathlib import Path

import pytest

from dayzero.errors import InputError
from dayzero.io.mapping import Column, MapSettings, read_settings
from dayzero.io.mapping.faults import FAULTS
from dayzero.settings import Toml, read_toml
from sheets import mapped, one_sheet, sheet

DOCS = Path(__file__).parents[2] / "docs"


def settings(text: str) -> MapSettings:
    toml = Toml("study.toml", text, tomllib.loads(text))
    return read_settings(toml.table["map"], toml)


def test_the_example_of_the_documentation_is_a_mapping() -> None:
    page = (DOCS / "study-file/map.md").read_text(encoding="utf-8")
    (text,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    read = settings(text)
    assert [sheet.sheet for sheet in read.sheet] == ["Patients", "MRD"]
    assert read.sheet[0].columns["weight"] == Column("Weight", unit="lb", to="kg")
    assert len(read.sheet[0].events) == 4


@pytest.mark.parametrize("code", FAULTS)
def test_every_finding_of_the_mapping_is_explained(code: str) -> None:
    page = (DOCS / "findings.md").read_text(encoding="utf-8")
    name = "event-on-two-dates" if code == "happens-once" else code
    (section,) = re.findall(rf"^### {name}\n(.*?)(?=^##|\Z)", page, flags=re.MULTILINE | re.DOTALL)
    if code != "happens-once":
        assert section.startswith(f"\n*{FAULTS[code].level}*")
    for part in ("**Why it matters.**", "**What the analysis does.**", "**How to mend it.**", "```"):
        assert part in section


@pytest.mark.parametrize(
    ("right", "wrong", "fault"),
    [
        ('patient = "ID"', 'patient = ""', "row 5, column map.sheet.0.patient: an empty text"),
        ('patient = "ID"', 'patient = "ID"\nheader = 0', "row 6, column map.sheet.0.header: less than 1"),
        ('patient = "ID"', 'patient = "ID"\nskip = -1', "row 6, column map.sheet.0.skip: less than 0"),
        ('patient = "ID"', 'patiant = "ID"', "Did you mean 'patient'?"),
        ("[map]", '[map]\ndate_order = "dym"', "column map.date_order: 'dym' is not one of the choices."),
        ("[map]", "[map]\ncentury = 2100", "column map.century: 2100 is not one of the choices."),
    ],
)
def test_settings_that_cannot_be_used(right: str, wrong: str, fault: str) -> None:
    text = f"[map]\n{one_sheet()}"
    assert right in text
    with pytest.raises(InputError) as refused:
        settings(text.replace(right, wrong))
    assert fault in str(refused.value)


def test_a_sheet_that_is_mapped_twice_tells_its_faults_once() -> None:
    grid = sheet([["ID", "Date"], ["a", "2021-03-05"], [None, "2021-03-05"]])
    result = mapped(one_sheet() + one_sheet(events='event = "hsct"\ndate = "Date"'), grid, grid)
    assert [finding.code for finding in result.findings] == ["row-without-patient"]
    assert result.counts() == {"hsct": 1, "infusion": 1}


def test_an_open_question_is_refused_and_not_taken_for_a_value(tmp_path: Path) -> None:
    text = '[map]\nmissing = ["?"]\n[[map.sheet]]\nfile = "a.csv"\npatient = "ID"\n[map.sheet.columns]\n'
    path = tmp_path / "study.toml"
    path.write_text(text + 'sex = { column = "Sex", codes = { "1" = "?" } }\n')
    toml = read_toml(path)
    with pytest.raises(InputError, match="open question") as caught:
        read_settings(toml.table["map"], toml)
    assert (caught.value.row, caught.value.column) == (7, "map.sheet.0.columns.sex.codes.1")
