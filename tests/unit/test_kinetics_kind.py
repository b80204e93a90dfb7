"""The analysis kind kinetics: what is estimated, compared, refused, printed and drawn."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cohorts import history
from dayzero.analyses import KINDS
from dayzero.analyses.context import Context
from dayzero.analyses.kinetics import KineticsSettings, Severity, run_kinetics
from dayzero.errors import InputError
from dayzero.estimators.outcomes.ranks import jonckheere, spearman
from dayzero.grading.kinetics import grade_kinetics
from dayzero.history import History
from dayzero.protocol import library
from dayzero.report.document import report_files
from dayzero.report.kinds import kind_of
from dayzero.report.kinetics_figures import draw_by_grade, draw_kinetics, draw_peaks
from dayzero.report.page import Page, Section
from kinetics_tables import cells, labs, make, support

N = 12
GRADES = [0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 4, 4]
BURDEN = [0.02, 0.4, 0.1, 0.3, 0.05, 0.6, 0.2, 0.5, 0.9, 0.35, 0.7, 0.8]
DOSE = [1.0, 2.0, 3.0, 1.5, 2.5, 3.5, 1.2, 2.2, 3.2, 1.7, 2.7, 3.7]
PEAKS = [100.0 * (k + 1) for k in range(N)]


def study(folder: Path) -> History:
    patients = "patient,risk,blasts,note\n" + "".join(
        f"P{k:02d},{'high' if k % 2 else 'low'},{BURDEN[k]},text\n" for k in range(N)
    )
    events = ["patient event day value dose_per_kg"]
    for k in range(N):
        events += [f"P{k:02d} infusion 0 - {DOSE[k]}", f"P{k:02d} last_contact 400"]
        events += [f"P{k:02d} crs 3 {GRADES[k]}"] if GRADES[k] else []
    plain = history(folder, "\n".join(events), patients=patients)
    rows = [row for k in range(N - 1) for row in cells(
        (0, "<10"), (7, PEAKS[k]), (14, PEAKS[k] / 2), (28, PEAKS[k] / 8), patient=k)]  # fmt: skip
    rows += cells((0, "<10"), (7, "<10"), (14, "<10"), (28, "<10"), patient=N - 1)
    rows += [row for k in range(3) for row in cells((7, 5.0), (21, 2.0), patient=k, assay="percent_of_cd3", lloq=0.1)]
    blood = [row for k in range(N) for row in labs(
        "il6", (3, 20.0 * (k + 1)), (6, ">5000" if k > 9 else 30.0 * (k + 1)), patient=k)]  # fmt: skip
    blood += [row for k in range(N) for row in labs("fibrinogen", (5, 300.0 - 10 * k), patient=k)]
    given = support("tocilizumab", 4, patient=8) + support("tocilizumab", 4, patient=11)
    tables = make([(N - 1, "infusion", 0.0)], kinetics=rows, labs=blood, support=given).tables
    return grade_kinetics(replace(plain, tables=tables))


@pytest.fixture
def context(tmp_path: Path) -> Context:
    return Context(study(tmp_path), library())


SEVERITY = Severity(burden="blasts", dose="dose_per_kg")


def section(context: Context, **settings: Any) -> Section:
    return run_kinetics(KineticsSettings(**settings), context)


def one(found: Section, statistic: str, term: str, group: str | None = None) -> Mapping[str, Any]:
    return found.estimates.where(statistic=statistic, term=term, group=group).rows.row(0, named=True)


def printed(found: Section) -> str:
    kind = kind_of(found)
    tables = [table for table in (*kind.tables(found), *kind.details(found)) if table]
    said = [text for table in tables for row in table.rows for text in (row.name, *row.cells)]
    said += [text for table in tables for text in (table.caption, table.note, *table.header)]
    return " | ".join([*kind.sentences(found), *kind.warnings(found), *said]).replace("\u00a0", " ")


def test_exposure_is_summarised_by_assay(context: Context) -> None:
    found = section(context)
    cmax = one(found, "geometric_mean", "cmax[copies_per_ug,pb]")
    assert cmax["estimate"] == pytest.approx(np.exp(np.mean(np.log(PEAKS[:-1]))), rel=1e-12)
    assert cmax["n"] == 11
    assert one(found, "count", "never_quantifiable[copies_per_ug,pb]")["estimate"] == 1.0
    assert one(found, "count", "never_quantifiable[copies_per_ug,pb]")["n"] == 12
    assert one(found, "median", "tmax[copies_per_ug,pb]")["estimate"] == 7.0
    assert one(found, "geometric_mean", "cmax[percent_of_cd3,pb]")["n"] == 3
    assert one(found, "geometric_mean", "auc_0_28[percent_of_cd3,pb]")["n"] == 0
    assert one(found, "count", "few_samples[percent_of_cd3,pb]")["estimate"] == 3.0
    assert found.estimates.rows.filter(pl.col("term").str.contains("percent"))["n"].max() == 3


def test_groups_stand_beside_everybody_and_are_compared(context: Context) -> None:
    found = section(context, by="risk", assay="copies_per_ug", cytokines=("il6",))
    sizes = {row["group"]: row["n"] for row in found.estimates.where(term="cmax[copies_per_ug,pb]",
             statistic="geometric_mean").records()}  # fmt: skip
    assert sizes == {None: 11, "risk=high": 5, "risk=low": 6}
    assert one(found, "kruskal_wallis", "cmax[copies_per_ug,pb]")["n"] == 12  # never quantifiable: the lowest rank
    assert one(found, "kruskal_wallis", "auc_0_28[copies_per_ug,pb]")["n"] == 11
    assert not any("fibrinogen" in str(term) or "percent" in str(term) for term in found.estimates.rows["term"])


def test_peaks_out_of_range_and_after_tocilizumab_are_counted(context: Context) -> None:
    found = section(context)
    assert one(found, "count", "il6_above_range")["estimate"] == 2.0
    assert one(found, "count", "il6_after_tocilizumab")["estimate"] == 2.0
    assert one(found, "median", "il6")["estimate"] == pytest.approx((30 * 6 + 30 * 7) / 2)
    assert one(found, "maximum", "il6")["estimate"] is None
    assert one(found, "median", "il6_before_tocilizumab")["n"] == 12
    assert "2 above" in printed(found)


def test_crs_is_compared_by_ranks_with_burden_dose_and_cytokines(context: Context) -> None:
    found = section(context, severity=SEVERITY)
    for name, values in (("blasts", BURDEN), ("dose_per_kg", DOSE)):
        row, trend = one(found, "spearman", name), one(found, "jonckheere", name)
        expected = spearman(GRADES, values).rows.row(0, named=True)
        assert (row["estimate"], row["p_value"], row["n"]) == (expected["estimate"], expected["p_value"], 12)
        assert (row["lower"], row["upper"]) == (expected["lower"], expected["upper"])
        assert trend["p_value"] == jonckheere(GRADES, values).rows["p_value"].item()
    assert one(found, "median", "blasts", "crs=2")["estimate"] == 0.5
    peaks = [30.0 * (k + 1) for k in range(10)] + [np.inf, np.inf]
    assert one(found, "spearman", "il6")["estimate"] == spearman(GRADES, peaks).rows["estimate"].item()
    before = [30.0 * (k + 1) if k not in (8, 11) else 20.0 * (k + 1) for k in range(12)]
    before[10] = np.inf
    early = one(found, "spearman", "il6_before_tocilizumab")["estimate"]
    assert early == pytest.approx(spearman(GRADES, before).rows["estimate"].item())
    assert one(found, "spearman", "fibrinogen")["estimate"] < 0
    assert any("without adjustment" in note for note in found.notes)
    assert "unadjusted" in printed(found)


def test_an_uncertain_grade_is_left_out_and_a_derived_one_counts(context: Context) -> None:
    graded = pl.DataFrame({
        "patient": [0, 1], "course_kind": ["infusion"] * 2, "course": [1, 1], "lower": [4, 1], "upper": [4, 3],
        "scale": ["astct-2019"] * 2,
    })  # fmt: skip
    known = replace(context.history, graded={**context.history.graded, "crs": graded})
    found = section(replace(context, history=known), severity=SEVERITY)
    values = spearman([4, *GRADES[2:]], [BURDEN[0], *BURDEN[2:]]).rows["estimate"].item()
    assert one(found, "spearman", "blasts")["n"] == 11
    assert "1 of 12 patients have no certain grade of CRS: they are not compared." in found.notes
    assert one(found, "spearman", "blasts")["estimate"] == pytest.approx(values)


def test_points_are_carried_beside_the_numbers(context: Context) -> None:
    found = section(context, severity=SEVERITY, by="risk")
    points = found.patients
    assert points.columns == ["patient", "figure", "term", "group", "time", "value", "bound", "grade"]
    assert points.filter(pl.col("figure") == "sample").height == 12 * 4 + 3 * 2
    assert points.filter(pl.col("figure") == "severity", pl.col("term") == "blasts")["value"].to_list() == BURDEN
    assert set(points["group"]) == {"risk=high", "risk=low"}
    curve = found.curves.where(term="copies_per_ug,pb", group=None, time=7.0).rows
    assert curve["estimate"].item() == pytest.approx(np.exp(np.mean(np.log([*PEAKS[:-1], 5.0]))))


def test_the_page_is_made_and_a_release_identifies_nobody(context: Context) -> None:
    found = section(context, severity=SEVERITY)
    files = report_files(Page("Kinetics", synthetic=True, sections=(found,)))
    drawn = [name for name in files if name.endswith(".svg")]
    assert len(drawn) == 5  # two assays, the peaks, burden, dose
    assert "P03" in "".join(text for name, text in files.items() if name.endswith("patients.csv"))
    released = report_files(Page("Kinetics", sections=(replace(found, patients=pl.DataFrame()),)))
    assert len([name for name in released if name.endswith(".svg")]) == 5  # of means, medians and quartiles alone
    assert "P03" not in "".join(released.values())


def test_what_the_page_says(context: Context) -> None:
    text = printed(section(context, severity=SEVERITY, by="risk"))
    for words in ("CRS rose with blasts: Spearman", "1 never quantifiable", "IL-6, pg/mL", "Fibrinogen (lowest), mg/dL",
                  "CRS | Patients | Median (quartiles)", "Grade 4 | 2",
                  "Kruskal–Wallis tests between groups of risk", "IL-6 before tocilizumab, pg/mL",
                  "copies/µg DNA (blood)", "CRS and dose per kg did not clearly move together"):  # fmt: skip
        assert words in text


def test_figures_stand_without_patients_and_with_the_stamp(context: Context) -> None:
    found = replace(section(context, severity=SEVERITY, by="risk"), patients=pl.DataFrame())
    for figure in (
        draw_kinetics(found, "copies_per_ug,pb", synthetic=True),
        draw_peaks(found, ("il6",), synthetic=True),
        draw_by_grade(found, "blasts", synthetic=True),
    ):
        assert any(text.get_text() == "SIMULATED DATA" for text in figure.texts)


@pytest.mark.parametrize(
    ("settings", "column", "words"),
    [
        ({"infusion": 2}, "infusion", "nobody has a dated infusion"),
        ({"assay": "copies_per_ul"}, "assay", "no assay"),
        ({"cytokines": ("il10",)}, "cytokines", "no analyte"),
        ({"by": "rsk"}, "by", "no baseline column"),
        ({"severity": Severity(burden="blast")}, "burden", "no baseline column"),
        ({"severity": Severity(burden="risk")}, "burden", "no number"),
        ({"severity": Severity(dose="dose")}, "dose", "no column"),
    ],
)
def test_bad_settings_are_refused_by_name(context: Context, settings: Any, column: str, words: str) -> None:
    with pytest.raises(InputError, match=words) as caught:
        section(context, **settings)
    assert caught.value.column == column


@pytest.mark.parametrize(
    ("settings", "column"),
    [({"infusion": 0}, "infusion"), ({"cytokines": ("il6", "il6")}, "cytokines"), ({"level": 1.0}, "level")],
)
def test_impossible_settings_are_refused_at_the_door(settings: Any, column: str) -> None:
    with pytest.raises(InputError) as caught:
        KineticsSettings(**settings)
    assert caught.value.column == column


def test_without_crs_or_without_tables(tmp_path: Path) -> None:
    plain = history(tmp_path, "patient event day\na infusion 0\na last_contact 90\n", patients="patient,age\na,40\n")
    context = Context(plain, library())
    with pytest.raises(InputError, match="nothing was measured"):
        section(context)
    with pytest.raises(InputError, match="severity needs grades"):
        section(context, severity=Severity(burden="age"))
    with pytest.raises(InputError, match=r"There are age|no baseline"):
        section(context, by="risk")
    tables = make([(0, "infusion", 0.0)], labs=labs("il6", (3, 40.0))).tables
    alone = section(replace(context, history=grade_kinetics(replace(plain, tables=tables))))
    assert one(alone, "median", "il6")["estimate"] == 40.0
    assert one(alone, "count", "il6_after_tocilizumab")["estimate"] is None
    assert "not known" in printed(alone)
    assert any("no table support" in note for note in alone.notes)


def test_of_very_many_patients_some_are_drawn(context: Context) -> None:
    found = section(context, severity=SEVERITY)
    copies = [found.patients.with_columns(pl.concat_str(pl.col("patient"), pl.lit(f"-{k}"))) for k in range(100)]
    many = replace(found, patients=pl.concat(copies))
    figure = draw_kinetics(many, "copies_per_ug,pb")
    assert any(text.get_text().startswith("One in 3 of 1200 patients") for text in figure.texts)
    assert sum(len(line.get_xdata()) == 4 for line in figure.axes[0].lines) <= 401
    dots = draw_by_grade(many, "blasts").axes[0].lines
    assert sum(len(line.get_xdata()) for line in dots) == 1200


def test_it_is_registered() -> None:
    assert KINDS["kinetics"].run is run_kinetics
    assert kind_of(Section("kinetics", "x")).tables(Section("kinetics", "x")) == (None, None, None)
