"""``dayzero protocols`` as a user runs it, and a study that names a built-in protocol."""

import json
from pathlib import Path

import pytest

from dayzero.cli import main
from dayzero.examples import write_template
from dayzero.study import read_study, save_mapped

NAMES = {"sandwich", "low-dose-cd19", "cd7-second-hsct", "bicistronic-cd19-cd22", "hcart19s"}


def test_the_list_names_all_five(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protocols"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in NAMES)


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protocols", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {item["name"] for item in found} == NAMES
    keys = {"name", "title", "seed", "status", "source", "disease", "population", "courses", "figures", "not_stated"}
    assert all(set(item) >= keys for item in found)


def test_a_page_in_the_terminal_has_its_timeline(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protocols", "show", "sandwich"]) == 0
    lines = capsys.readouterr().out.splitlines()
    axis = next(line for line in lines if "day 0" in line)
    bar = next(line for line in lines if line.startswith("autologous transplant "))
    second = next(line for line in lines if line.startswith("second infusion "))
    assert bar.index("=") == axis.index("42")
    assert second.index("=") > bar.index("=")


def test_a_page_as_a_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "pages" / "page.html"
    assert main(["protocols", "show", "hcart19s", "--out", str(out)]) == 0
    assert str(out) in capsys.readouterr().out
    assert "Content-Security-Policy" in out.read_text(encoding="utf-8")


def test_a_page_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("x")
    assert main(["protocols", "show", "sandwich", "--out", str(tmp_path / "file" / "page.html")]) == 2
    assert "the page cannot be written there" in capsys.readouterr().err


def test_an_unknown_name_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["protocols", "show", "hcart19"]) == 2
    err = capsys.readouterr().err
    assert "Did you mean 'hcart19s'?" in err
    assert err.count("\n") == 1


def test_a_file_of_ones_own_is_shown_and_what_is_in_it_does_no_harm(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "own.toml"
    path.write_text(
        '[protocol]\ntitle = "<b>Ours</b> \\u001b[31m"\n'
        '[[courses]]\nname = "<i>"\nevent = "lymphodepletion"\nafter = "infusion:1"\nwindow = [-5, -3]\n'
    )
    assert main(["protocols", "show", str(path), "--out", str(tmp_path / "own.html")]) == 0
    assert "\x1b" not in capsys.readouterr().out
    page = (tmp_path / "own.html").read_text(encoding="utf-8")
    assert "&lt;b&gt;Ours" in page
    assert "<b>" not in page
    assert "<i>" not in page


def study_with(folder: Path, protocol: str) -> Path:
    write_template(folder)
    path = folder / "study.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[study]\n", f'[study]\nprotocol = "{protocol}"\n', 1), encoding="utf-8")
    return path


def test_a_study_names_a_built_in_protocol(tmp_path: Path) -> None:
    study = read_study(study_with(tmp_path / "study", "hcart19s"))
    assert study.protocol.name == "hcart19s"
    assert len(study.protocol.courses) == 3
    assert "lfs_as_printed" in study.protocol.endpoints


def test_a_study_that_names_an_unknown_protocol_says_where(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = study_with(tmp_path / "study", "hcart")
    assert main(["check", str(path)]) == 2
    err = capsys.readouterr().err
    assert err.startswith("study.toml, row ")
    assert "column study.protocol: no protocol 'hcart'. Did you mean 'hcart19s'?" in err


def test_a_study_with_a_protocol_file_beside_it(tmp_path: Path) -> None:
    path = study_with(tmp_path / "study", "plan.toml")
    (path.parent / "plan.toml").write_text(
        '[protocol]\ntitle = "Ours"\n[[courses]]\nname = "a"\nevent = "infusion:1"\n'
    )
    assert read_study(path).protocol.courses[0].event == "infusion:1"


MAPPED = """
[study]
protocol = "sandwich"
[map]
[[map.sheet]]
file = "sheet.csv"
patient = "ID"
[[map.sheet.events]]
event = "infusion"
date = "Infused"
[[map.sheet.events]]
event = "last_contact"
date = "Seen"
"""


def test_mapped_tables_keep_a_built_in_protocol_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(MAPPED, encoding="utf-8")
    (tmp_path / "sheet.csv").write_text("ID,Infused,Seen\n1,2020-01-01,2021-01-01\n", encoding="utf-8")
    written = save_mapped(read_study(tmp_path), tmp_path / "saved")
    assert {path.name for path in written} == {"study.toml", "patients.csv", "events.csv"}
    assert read_study(tmp_path / "saved").protocol.name == "sandwich"
