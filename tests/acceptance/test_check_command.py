"""Made-up studies, checked the way a user checks them: each finding fires in its study, and in no near miss."""

import csv
import re
from pathlib import Path

import pytest

from acceptance.findings.cases import CASES, Case, names
from acceptance.findings.made_up import sound
from dayzero.checks import CHECKS, check_history
from dayzero.cli import main
from dayzero.errors import Finding
from dayzero.study import read_study

ROOT = Path(__file__).parents[2]
READING = set(re.findall(r'"([a-z]+(?:-[a-z]+)+)"', (ROOT / "src/dayzero/io/tables.py").read_text()))


def found(path: Path) -> tuple[Finding, ...]:
    study = read_study(path)
    endpoints = [study.protocol.endpoint(name) for name in ("os", "lfs")]
    return (*study.findings, *check_history(study.history, study.protocol, endpoints))


def patients_of(finding: Finding, folder: Path) -> list[str]:
    """Return the identifiers in the rows that a finding names."""
    with (folder / finding.table).open() as stream:
        rows = list(csv.reader(stream))
    return sorted(rows[row - 1][0] for row in finding.rows if row > 1)


def test_nothing_is_found_in_a_sound_study(tmp_path: Path) -> None:
    assert found(sound().write(tmp_path)) == ()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_a_finding_fires_where_it_should(tmp_path: Path, case: Case) -> None:
    findings = found(case.fires(sound()).write(tmp_path))
    (finding,) = [f for f in findings if f.code == case.code]
    assert (finding.level, finding.table) == (case.level, case.table)
    assert {f.code for f in findings} == {case.code, *case.also}
    if finding.table:
        assert patients_of(finding, tmp_path) == sorted(names(case))
    assert finding.message.endswith(".")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_a_near_miss_is_left_alone(tmp_path: Path, case: Case) -> None:
    assert case.code not in {f.code for f in found(case.near_miss(sound()).write(tmp_path))}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_no_message_carries_a_value_of_the_tables(tmp_path: Path, case: Case) -> None:
    values = re.compile(r"\b(P\d\d|p04|\d{4}-\d\d(-\d\d)?|NA|NR|negative|female|1820|99)\b")
    for finding in found(case.fires(sound()).write(tmp_path)):
        assert not values.search(finding.message), finding.message


def test_every_finding_has_a_study() -> None:
    assert sorted(case.code for case in CASES) == sorted([*READING, *(check.code for check in CHECKS)])


def test_every_finding_is_explained() -> None:
    sources = "".join(file.read_text() for file in (ROOT / "src").rglob("*.py"))
    clinical = (ROOT / "docs/findings-clinical.md").read_text()
    headings = set(re.findall(r"^### ([a-z0-9-]+)$", (ROOT / "docs/findings.md").read_text(), flags=re.MULTILINE))
    headings |= set(re.findall(r"^\| `([a-z0-9-]+)` \|", clinical, flags=re.MULTILINE))
    literal = set(re.findall(r'Finding\(\s*"(?:error|warning|note)",\s*"([a-z]+(?:-[a-z]+)+)"', sources))
    assert READING | literal | {check.code for check in CHECKS} <= headings
    stale = {code for code in headings if not any(f'"{name}"' in sources for name in forms(code))}
    assert stale == set()


def forms(code: str) -> tuple[str, ...]:
    """Return how a code may stand in the source: whole, or joined to the prefix of its family."""
    rest = code.partition("-")[2]
    return code, rest, rest.replace("-", "_")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_each_explanation_says_everything(case: Case) -> None:
    pages = (ROOT / "docs/findings.md").read_text()
    (section,) = re.findall(rf"^### {case.code}\n(.*?)(?=^##|\Z)", pages, flags=re.MULTILINE | re.DOTALL)
    assert section.startswith(f"\n*{case.level}*")
    for part in ("**Why it matters.**", "**What the analysis does.**", "**How to mend it.**", "```"):
        assert part in section


def test_the_command_says_that_nothing_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(sound().write(tmp_path))]) == 0
    assert "Nothing found" in capsys.readouterr().out


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_the_command_prints_a_table(tmp_path: Path, case: Case, capsys: pytest.CaptureFixture[str]) -> None:
    path = case.fires(sound()).write(tmp_path)
    errors = any(f.level == "error" for f in found(path))
    assert main(["check", str(path)]) == (1 if errors else 0)
    out = capsys.readouterr().out
    assert case.code in out
    assert case.level in out
    assert max(map(len, out.splitlines())) <= 80
