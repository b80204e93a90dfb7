"""dayzero simulate as a user runs it; what it writes takes the path of real data."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dayzero.cli import main
from dayzero.simulate import built_in, read_simulation


@pytest.mark.parametrize("name", built_in())
def test_a_simulated_study_is_reported(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "study"
    assert main(["simulate", name, "--patients", "60", "--seed", "3", "--out", str(folder)]) == 0
    assert "dayzero report" in capsys.readouterr().out
    study = (folder / "study.toml").read_text(encoding="utf-8")
    (folder / "study.toml").write_text(study.replace("bootstrap = 100", "bootstrap = 2"), encoding="utf-8")
    assert main(["report", str(folder), "--out", str(tmp_path / "report")]) == 0
    report = json.loads((tmp_path / "report/report.json").read_text(encoding="utf-8"))
    assert report["study"]["synthetic"] is True
    kinds = {row["kind"] for row in report["estimates"]}
    assert {"curve", "toxicity"} <= kinds
    assert ("strategy" in kinds) == ('kind = "strategy"' in study)
    assert not [f for f in report["findings"] if f["level"] == "error"]
    lacking = {"censoring-gap", "denominators-missing", "relapse-without-remission"}  # what a good registry has
    assert not lacking & {f["code"] for f in report["findings"]}


def test_the_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    for out, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        assert main(["simulate", "hcart19s", "--patients", "40", "--seed", seed, "--out", str(tmp_path / out)]) == 0
    for name in ("patients.csv", "events.csv", "mrd.csv", "study.toml"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a/events.csv").read_bytes() != (tmp_path / "c/events.csv").read_bytes()


def test_the_same_seed_writes_the_same_bytes_whatever_the_threads(tmp_path: Path) -> None:
    for threads in ("1", "4"):
        command = [sys.executable, "-m", "dayzero.cli", "simulate", "hcart19s", "--patients", "2000"]
        environment = {**os.environ, "POLARS_MAX_THREADS": threads, "OMP_NUM_THREADS": threads}
        subprocess.run([*command, "--out", str(tmp_path / threads)], env=environment, check=True, capture_output=True)
    for name in ("patients.csv", "events.csv", "mrd.csv", "study.toml", "README.md"):
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "4" / name).read_bytes()


@pytest.mark.parametrize(
    ("name", "impose"), [("hcart19s", "reinfusion_instead"), ("sandwich", "nobody"), ("cd7-second-hsct", "nobody")]
)
def test_the_report_of_an_imposed_study_says_what_was_imposed(name: str, impose: str, tmp_path: Path) -> None:
    arguments = ["simulate", name, "--patients", "60", "--seed", "5", "--impose", impose]
    assert main([*arguments, "--out", str(tmp_path / "a")]) == 0
    assert main(["report", str(tmp_path / "a"), "--out", str(tmp_path / "report")]) == 0
    label = read_simulation(name).strategies[impose].label
    report = json.loads((tmp_path / "report/report.json").read_text(encoding="utf-8"))
    assert report["study"]["title"].endswith(f"(virtual cohort; imposed: {label})")
    assert f"Imposed: {label}." in (tmp_path / "a/README.md").read_text(encoding="utf-8")
    assert f"imposed: {label}" in (tmp_path / "report/report.html").read_text(encoding="utf-8")


def test_a_strategy_is_imposed(tmp_path: Path) -> None:
    arguments = ["simulate", "hcart19s", "--patients", "40", "--seed", "5", "--impose", "nobody"]
    assert main([*arguments, "--out", str(tmp_path / "a")]) == 0
    assert ",hsct," not in (tmp_path / "a/events.csv").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["hcart"], "no simulation 'hcart'"),
        (["hcart19s", "--impose", "x"], "no strategy 'x'. The strategies of hcart19s are everybody_by_90"),
        (["hcart19s", "--patients", "0"], "--patients"),
        (["hcart19s", "--seed", "x"], "--seed"),
    ],
)
def test_what_cannot_be_simulated_is_one_line(
    arguments: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["simulate", *arguments, "--out", str(tmp_path / "a")]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "a").exists()


def test_a_folder_with_files_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert main(["simulate", "sandwich", "--patients", "5", "--out", str(tmp_path)]) == 2
    assert "exists and is not empty" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
