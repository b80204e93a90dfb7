"""Groups that were known only later are refused where they would be taken for baseline groups."""

from pathlib import Path

import pytest

from dayzero.cli import main

STUDY = """
[endpoints.os]
origin = "infusion"
events = ["death"]
{known}
[[analysis]]
kind = "{kind}"
endpoint = "os"
{use}
"""


def write(folder: Path, *, kind: str, use: str, known: str = "") -> Path:
    """Write forty patients, half of them transplanted, with a column that says so."""
    treated = [i % 2 == 0 for i in range(40)]
    rows = [f"P{i},{'yes' if t else 'no'},{'ab'[i % 3 == 0]}" for i, t in enumerate(treated)]
    (folder / "patients.csv").write_text("patient,consolidated,arm\n" + "\n".join(rows) + "\n")
    events = [f"P{i},infusion,0\nP{i},death,{300 + 7 * i}\n" for i in range(40)]
    events += [f"P{i},hsct,{60 + i}\n" for i, t in enumerate(treated) if t]
    (folder / "events.csv").write_text("patient,event,day\n" + "".join(events))
    (folder / "study.toml").write_text(STUDY.format(kind=kind, use=use, known=known))
    return folder / "study.toml"


@pytest.mark.parametrize(
    ("kind", "use", "key"),
    [
        ("curve", 'by = "consolidated"', "by"),
        ("cox", 'terms = ["consolidated"]', "terms"),
        ("cox", 'terms = ["arm"]\nstrata = ["consolidated"]', "strata"),
    ],
)
def test_it_is_refused_with_the_words_why(
    tmp_path: Path, kind: str, use: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    study = write(tmp_path, kind=kind, use=use)
    assert main(["report", str(study), "--out", str(tmp_path / "out")]) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert f"analysis.0.{key}" in line
    assert "'consolidated'" in line
    assert "hsct" in line
    assert not (tmp_path / "out").exists()


def test_a_column_that_does_not_agree_is_used(tmp_path: Path) -> None:
    study = write(tmp_path, kind="curve", use='by = "arm"')
    assert main(["report", str(study), "--out", str(tmp_path / "out")]) == 1  # the other column is an error finding
    assert (tmp_path / "out/report.html").exists()


def test_a_column_known_at_day_zero_may_be_declared(tmp_path: Path) -> None:
    known = 'known_at = { consolidated = "infusion" }'
    study = write(tmp_path, kind="curve", use='by = "consolidated"', known=known)
    assert main(["report", str(study), "--out", str(tmp_path / "out")]) == 0


def test_a_population_of_such_patients_is_refused(tmp_path: Path) -> None:
    study = write(tmp_path, kind="curve", use="", known='population = "consolidated=yes"')
    assert main(["report", str(study), "--out", str(tmp_path / "out")]) == 2
