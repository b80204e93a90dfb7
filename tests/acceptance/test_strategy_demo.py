"""The comparisons of both demos, against R; and what the documentation says about them, against their reports."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from dayzero.cli import main
from dayzero.examples import Demo, write_demo
from strategy_studies import one, rows

ROOT = Path(__file__).parents[2]
R: dict[str, Any] = json.loads((ROOT / "tests/reference/strategies_report/expected.json").read_text(encoding="utf-8"))
PLAIN = {"kind": "strategy_unadjusted", "group": None}


def demo(folder: Path, study: Demo) -> dict[str, Any]:
    """Run a demo without its bootstrap, and without the analyses that are no comparisons."""
    write_demo(folder, study)
    text = (folder / "study.toml").read_text()
    head, *analyses = text.split("[[analysis]]\n")
    compared = [part for part in analyses if part.startswith('kind = "strategy"')]
    assert all("bootstrap = 200" in part for part in compared)
    study_text = "[[analysis]]\n".join([head, *compared]).replace("bootstrap = 200", "bootstrap = 0")
    (folder / "study.toml").write_text(study_text)
    assert main(["report", str(folder), "--out", str(folder / "report")]) == 0
    content: dict[str, Any] = json.loads((folder / "report/report.json").read_text())
    return content


@pytest.fixture(scope="module")
def bmt(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return demo(tmp_path_factory.mktemp("bmt"), "bmt")


@pytest.fixture(scope="module")
def heart(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return demo(tmp_path_factory.mktemp("heart"), "heart")


@pytest.mark.parametrize(
    ("study", "analysis", "name"), [("bmt", 0, "demo_dfs"), ("bmt", 1, "demo_os"), ("heart", 0, "demo_heart")]
)
def test_the_demos_are_those_of_r(request: pytest.FixtureRequest, study: str, analysis: int, name: str) -> None:
    report: dict[str, Any] = request.getfixturevalue(study)
    for kind, model in (("strategy", "adjusted"), ("strategy_unadjusted", "plain")):
        match = {"analysis": analysis, "kind": kind}
        for method in ("naive", "time_dependent"):
            same(one(report, "log_hazard_ratio", method=method, **match), R[name][method][model])
        for day, at in R[name]["landmarks"].items():
            same(one(report, "log_hazard_ratio", method="landmark", time=float(day), **match), at[model])
    immortal = one(report, "immortal_time", method="naive", analysis=analysis)
    assert (immortal["estimate"], immortal["n"]) == (R[name]["immortal"]["days"], R[name]["immortal"]["n"])


def same(row: dict[str, Any], expected: dict[str, float]) -> None:
    assert row["estimate"] == pytest.approx(expected["estimate"], rel=1e-8, abs=1e-10)
    assert row["std_error"] == pytest.approx(expected["se"], rel=1e-8)


def test_the_page_that_teaches_immortal_time_says_what_the_reports_say(
    bmt: dict[str, Any], heart: dict[str, Any]
) -> None:
    text = re.sub(r"\s+", " ", (ROOT / "docs/immortal-time.md").read_text())
    said = [
        f"the hazard ratio of death is {ratio(heart, 'naive')}.",
        f"the hazard ratio is {ratio(heart, 'time_dependent')} (95 % limits {limits(heart, 'time_dependent')})",
        f"But {one(heart, 'immortal_time')['n']} of them",
        f"had waited {one(heart, 'immortal_time')['estimate']:,.0f} patient-days",
        f"{one(heart, 'expected_events')['estimate']:.1f} deaths were expected",
        f"at a hazard ratio of {ratio(bmt, 'naive')} against",
        f"Its {one(bmt, 'immortal_time', analysis=0)['n']} patients",
        f"had {one(bmt, 'immortal_time', analysis=0)['estimate']:,.0f} patient-days",
        f"in which {one(bmt, 'expected_events', analysis=0)['estimate']:.1f} relapses or deaths",
        f"its hazard ratio is {ratio(bmt, 'time_dependent')} ({limits(bmt, 'time_dependent')})",
        f"{count(bmt, 'lost_before', None)} patients have relapsed or died",
        f"Of the other {count(bmt, 'arm_size', 'arm=treat') + count(bmt, 'arm_size', 'arm=no_treat')}",
        f"those {count(bmt, 'arm_size', 'arm=treat')} who have",
        f"worse: {ratio(bmt, 'landmark', time=100)} ({limits(bmt, 'landmark', time=100)})",
    ]
    assert [words for words in said if words not in text] == []


def unadjusted(report: dict[str, Any], method: str, **match: object) -> dict[str, Any]:
    (row, *_) = rows(report, statistic="hazard_ratio", method=method, **PLAIN, **match)
    return row


def ratio(report: dict[str, Any], method: str, **match: object) -> str:
    return f"{unadjusted(report, method, **match)['estimate']:.2f}"


def limits(report: dict[str, Any], method: str, **match: object) -> str:
    row = unadjusted(report, method, **match)
    return f"{row['lower']:.2f} to {row['upper']:.2f}"


def count(report: dict[str, Any], statistic: str, group: str | None) -> int:
    return int(one(report, statistic, method="landmark", time=100, group=group, analysis=0)["estimate"])


def test_the_demo_command_writes_the_study_that_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dayzero.cli.report", lambda study, out: int(not study.is_file()) + int(out.exists()))
    assert main(["demo", "--study", "heart", "--out", str(tmp_path / "heart")]) == 0
    assert main(["demo", "--out", str(tmp_path / "bmt")]) == 0
    assert "Stanford" in (tmp_path / "heart/study.toml").read_text()
    assert "leukaemia" in (tmp_path / "bmt/study.toml").read_text()


def test_an_unknown_demo_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--study", "lung", "--out", str(tmp_path / "lung")]) == 2
    said = capsys.readouterr().err.strip()
    assert "\n" not in said
    assert "heart" in said
    assert not (tmp_path / "lung").exists()
