"""Comparisons that cannot be made, and those that can hardly: refused in one line, or said to be what they are.

What is wrong in the study file itself is among ``broken_studies.CASES``.
"""

import re
from pathlib import Path
from typing import Any

import pytest

from strategy_studies import MADE_UP, one, rows, run, strategy, write, write_made_up

HSCT = 'treatment = "hsct"'


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_made_up(tmp_path, 60, 1)


def small(folder: Path, treated: list[float], ends: list[float]) -> Path:
    """Write patients in remission from day 0 who all relapse at their end; a treatment on day infinity is none."""
    pairs = list(enumerate(zip(treated, ends, strict=True)))
    write(folder / "patients.csv", ["patient", "age"], [[i, 30 + i] for i, _ in pairs])
    events: list[list[object]] = []
    for i, (day, end) in pairs:
        given = [[i, "hsct", day, ""]] if day < float("inf") else []
        begin: list[list[object]] = [[i, "infusion", 0, ""], [i, "response", 0, "CR"]]
        events += [*begin, *given, [i, "relapse", end, ""], [i, "death", end + 50, ""]]
    write(folder / "events.csv", ["patient", "event", "day", "value"], events)
    return folder


def test_a_registry_entered_at_transplant_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "patients.csv", ["patient"], [[i] for i in range(20)])
    entered = [[i, event, day] for i in range(20) for event, day in (("hsct", 0), ("death", 100 + i))]
    write(tmp_path / "events.csv", ["patient", "event", "day"], entered)
    run(tmp_path, '[definitions]\nday_zero = "hsct"\n' + strategy("os", HSCT), code=2)
    said = capsys.readouterr().err
    assert "nobody untreated can be observed after day zero" in said
    assert said.count("\n") == 1


def test_everybody_treated_at_once_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(small(tmp_path, [0.0] * 12, [50.0 + i for i in range(12)]), MADE_UP + strategy("lfs", HSCT), code=2)
    assert "nobody untreated can be observed" in capsys.readouterr().err


ALL = (
    'methods = ["naive", "sequential", "clone_censor_weight", "time_dependent", "landmark_super", "landmark"]',
    "landmarks = [30]",
    "horizon = 200",
)


def contrasts(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [row for row in rows(report) if row["statistic"] in {"hazard_ratio", "log_hazard_ratio"}]


def test_nobody_treated_is_null_and_said(tmp_path: Path) -> None:
    days = [float("inf")] * 11 + [900.0]  # one after the end of his risk: the word is known, and nobody is at risk
    small(tmp_path, days, [40.0 + 9 * i for i in range(12)])
    report = run(tmp_path, MADE_UP + strategy("lfs", HSCT, *ALL), code=1)
    found = [row for row in contrasts(report) if row["method"] != "naive"]
    assert {row["method"] for row in found} >= {"landmark", "time_dependent", "clone_censor_weight", "sequential"}
    assert all(row["estimate"] is None and row["warning"] for row in found)


def test_one_patient_is_null_and_said(tmp_path: Path) -> None:
    report = run(small(tmp_path, [60.0], [150.0]), MADE_UP + strategy("lfs", HSCT, *ALL))
    found = contrasts(report)
    assert found
    assert all(row["estimate"] is None and row["warning"] for row in found)
    page = (tmp_path / "report/report.html").read_text()
    assert "1 patients" not in page
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)


def test_a_horizon_beyond_follow_up_is_null_and_said(folder: Path) -> None:
    report = run(folder, MADE_UP + strategy("lfs", HSCT, 'methods = ["landmark", "naive"]', "landmarks = [60]",
                                            "horizon = 5000"))  # fmt: skip
    found = rows(report, statistic="risk_difference")
    assert found
    assert all(row["estimate"] is None and row["warning"] for row in found)
    assert one(report, "hazard_ratio", method="landmark")["estimate"] is not None


def test_a_landmark_after_everybody_is_gone(folder: Path) -> None:
    report = run(folder, MADE_UP + strategy("lfs", HSCT, 'methods = ["landmark", "naive"]', "landmarks = [4000]"))
    row = one(report, "hazard_ratio", method="landmark", time=4000)
    assert row["estimate"] is None
    assert row["warning"]
    assert one(report, "lost_before", method="landmark")["estimate"] == 60
    assert (folder / "report/report.html").is_file()


def test_an_undated_treatment_is_left_out_and_said(folder: Path) -> None:
    path = folder / "events.csv"
    lines = path.read_text().splitlines()
    place = next(i for i, line in enumerate(lines) if ",hsct," in line)
    lines[place] = re.sub(r"hsct,[^,]*,", "hsct,,", lines[place])
    path.write_text("\n".join(lines) + "\n")
    report = run(folder, MADE_UP + strategy("lfs", HSCT, 'methods = ["time_dependent", "naive"]'), code=1)
    assert one(report, "hazard_ratio", method="time_dependent")["n"] == 59
    page = (folder / "report/report.html").read_text()
    assert "treatment-undated" in page
    assert "1 patient left out" in page


def test_too_little_to_stand_on_is_a_finding(folder: Path) -> None:
    lines = (folder / "patients.csv").read_text().splitlines()
    high = {line.split(",")[0] for line in lines if line.endswith(",high")}
    events = (folder / "events.csv").read_text().splitlines()
    kept = [line for line in events if not (",hsct," in line and line.split(",")[0] in high)]
    (folder / "events.csv").write_text("\n".join(kept) + "\n")
    keys = ('methods = ["landmark", "time_dependent", "naive"]', "landmarks = [30]", 'adjust = ["risk"]')
    report = run(folder, MADE_UP + strategy("lfs", HSCT, *keys))
    found = {finding["code"]: finding["message"] for finding in report["findings"]}
    assert "On day 30 none of" in found["landmark-few-treated"]
    assert f"Nobody among {len(high)} patients with risk=high" in found["positivity"]


def test_a_registry_shows_what_hangs_on_the_grace_period_and_a_small_cohort_does_not(tmp_path: Path) -> None:
    for n, expected in ((240, ["grace=120", "grace=60"]), (150, [])):
        folder = tmp_path / str(n)
        folder.mkdir()
        days = [20.0 + (i * 37) % 200 if i % 2 else float("inf") for i in range(n)]
        small(folder, days, [230.0 + (i * 53) % 700 for i in range(n)])
        report = run(folder, MADE_UP + strategy("lfs", HSCT, 'methods = ["clone_censor_weight"]', "horizon = 600"))
        found = {row["group"] for row in rows(report) if row["kind"] == "strategy_grace"}
        assert sorted(found) == expected
