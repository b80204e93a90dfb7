"""The analysis kind adherence: its rows, its findings, its page, and what it must not say."""

import json
from pathlib import Path
from typing import Any

import pytest

from adherence_cohort import write_cohort
from dayzero.analyses.adherence import AdherenceSettings, run_adherence
from dayzero.analyses.context import Context
from dayzero.cli import main
from dayzero.errors import Finding, InputError
from dayzero.report.kinds import kind_of
from dayzero.report.page import Section
from dayzero.report.step_flow import FlowBox, draw_steps
from dayzero.study import read_study


def run(path: Path) -> Section:
    study = read_study(path)
    return run_adherence(AdherenceSettings(), Context(study.history, study.protocol))


@pytest.fixture(scope="module")
def section(tmp_path_factory: pytest.TempPathFactory) -> Section:
    return run(write_cohort(tmp_path_factory.mktemp("kind")))


def share(section: Section, term: str, group: str | None) -> tuple[int, int]:
    (row,) = section.estimates.where(statistic="proportion", term=term, group=group).records()
    return row["n_events"], row["n"]


def printed(section: Section) -> str:
    kind = kind_of(section)
    tables = [table for part in kind.parts(section) for table in part.tables if table]
    cells = [text for table in tables for text in (table.caption, *table.header, table.note)]
    cells += [cell for table in tables for row in table.rows for cell in (row.name, *row.cells)]
    return "\n".join([*cells, *kind.sentences(section), *kind.warnings(section), *section.notes])


@pytest.mark.parametrize(
    ("term", "rule", "counts"),
    [
        ("autologous transplant", "window", (3, 12)),  # of those who had it
        ("autologous transplant", "missing", (1, 13)),  # of those to whom it was due
        ("second infusion", "window", (2, 11)),
        ("second infusion", "order", (1, 12)),
        ("first infusion", "dose", (1, 16)),
        ("first infusion", "lymphodepletion", (1, 16)),
        ("CAR-T infusion", "not_planned", (1, 16)),
        ("any deviation", "any", (10, 16)),
    ],
)
def test_a_deviation_is_a_share_of_those_to_whom_the_rule_applies(
    section: Section, term: str, rule: str, counts: tuple[int, int]
) -> None:
    assert share(section, term, f"rule={rule}") == counts


def test_the_per_protocol_set_is_a_share_of_everybody_who_started_and_warns(section: Section) -> None:
    assert share(section, "per_protocol", None) == (6, 16)
    (row,) = section.estimates.where(statistic="proportion", term="per_protocol").records()
    assert row["warning"].startswith(
        "immortal_time: a completer cannot have died before the last planned course, 44 to"
    )
    (warning,) = kind_of(section).warnings(section)
    assert "44 to 58 days after the first as planned" in warning
    days = {row["statistic"]: row["estimate"] for row in section.estimates.where(term="immortal_time").records()}
    assert (days["minimum"], days["median"], days["maximum"]) == (44.0, 51.0, 58.0)


def test_visits_are_shares_of_those_due(section: Section) -> None:
    rows = section.estimates.where(statistic="proportion", group="visit=kept", term="MRD after first CAR-T infusion")
    assert [(row["time"] / 30.4375, row["n_events"], row["n"]) for row in rows.records()] == [(1, 12, 14), (3, 0, 1)]


def test_eligibility_has_every_status(section: Section) -> None:
    ages = [share(section, "age below 70 years", f"status={value}")[0] for value in ("met", "not met", "unknown")]
    assert ages == [16, 1, 1]
    assert [share(section, "eligible", f"eligible={value}") for value in ("yes", "no", "unknown")] == [
        (0, 18), (1, 18), (17, 18),
    ]  # fmt: skip
    some = "eligible by the criteria that can be checked"  # ECOG is unknown of everybody
    assert [share(section, some, f"eligible={value}")[0] for value in ("yes", "no", "unknown")] == [16, 1, 1]
    assert "Eligible by the criteria that can be checked\n16\n1\n1" in printed(section)


def of(section: Section, code: str) -> list[Finding]:
    return [finding for finding in section.findings if finding.code == code]


def test_findings_name_rows_and_levels_and_no_values(section: Section) -> None:
    window = next(f for f in of(section, "protocol-deviation") if "outside the window, day 42" in f.message)
    assert (window.level, window.table, len(window.rows), len(window.patient_rows)) == ("note", "events", 3, 3)
    (one,) = of(section, "not-eligible")
    assert (one.level, one.patient_rows) == ("warning", (2,))
    nobody, some = of(section, "eligibility-unknown")
    assert "the patients file has no column 'ecog'" in nobody.message
    assert some.patient_rows == (3,)
    for finding in section.findings:
        assert not any(value in finding.message for value in ("1.3e6", "1300000", "T63", "day 63", "71"))


def test_a_missing_column_is_said_once(section: Section) -> None:
    assert sum("ecog" in finding.message for finding in section.findings) == 1


def test_the_page_has_rules_with_their_plan_and_what_is_not_checked(section: Section) -> None:
    text = printed(section)
    assert "Outside the window\nplanned: day 42 to 56 after first CAR-T infusion" in text
    assert "the events have no column 'targets'" in text
    assert "10 of 16 patients (62.5\u00a0%" in text
    assert 'treatment = "infusion:2"' in text


def test_patients_are_listed_with_their_days_from_the_first_course(section: Section) -> None:
    late = [row for row in section.patients.iter_rows(named=True) if row["patient"] == "T63"]
    assert (late[0]["rule"], late[0]["day_since_first_course"]) == ("window", 63.0)


def test_the_flow_draws_every_step(section: Section) -> None:
    (drawing,) = kind_of(section).drawings(section)
    texts = [text.get_text() for text in drawing.draw().texts]
    assert {"Autologous transplant", "12", "− 1  died before"} <= set(texts)


def test_many_reasons_end_in_one_number() -> None:
    lost = tuple((f"reason {k}", 1.0) for k in range(10))
    figure = draw_steps("Flow", (FlowBox("all", 20.0), FlowBox("some", 10.0, of="all", lost=lost)), synthetic=True)
    texts = [text.get_text() for text in figure.texts]
    assert "− 3  for other reasons" in texts
    assert "SIMULATED DATA" in texts


def test_one_planned_course_has_no_per_protocol_set(tmp_path: Path) -> None:
    found = run(write_cohort(tmp_path, protocol="hcart19s"))
    assert len(found.estimates.where(term="per_protocol")) == 0
    assert any("there is no such set" in note for note in found.notes)


def test_a_study_without_a_plan_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write_cohort(tmp_path)
    path.write_text(path.read_text().replace('protocol = "protocol.toml"\n', ""))
    assert main(["report", str(path), "--out", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert "plans no course for everybody" in error
    assert "Traceback" not in error


@pytest.mark.parametrize("level", [0.0, 1.0, float("nan")])
def test_a_level_is_a_probability(level: float) -> None:
    with pytest.raises(InputError, match="level"):
        AdherenceSettings(level=level)


def test_the_report_has_it_all(tmp_path: Path) -> None:
    path = write_cohort(tmp_path / "study")
    assert main(["report", str(path), "--out", str(tmp_path / "out")]) == 0
    report: dict[str, Any] = json.loads((tmp_path / "out/report.json").read_text())
    row = next(r for r in report["estimates"] if (r["term"], r["group"]) == ("autologous transplant", "rule=window"))
    assert (row["kind"], row["statistic"], row["n_events"], row["n"]) == ("adherence", "proportion", 3, 12)
    codes = {finding["code"] for finding in report["findings"]}
    assert {"protocol-deviation", "not-eligible", "eligibility-unknown"} <= codes
    page = (tmp_path / "out/report.html").read_text()
    assert "Immortal time: a completer cannot have died before the last planned course" in page
    assert (tmp_path / "out/figures/01-adherence-flow.svg").exists()
    listing = (tmp_path / "out/tables/01-adherence-patients.csv").read_text()
    assert "T63,autologous transplant,window,63.0" in listing
