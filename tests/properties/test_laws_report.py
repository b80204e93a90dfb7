"""Laws of the whole run: from the files to the rows of the report."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from dayzero.endpoints import derive_spells
from dayzero.estimate import Estimate, concat
from dayzero.estimators.comparisons.gray import gray
from dayzero.estimators.comparisons.logrank import logrank
from dayzero.estimators.cox.fit import cox, fit_cox
from dayzero.estimators.curves.aalen_johansen import aalen_johansen
from dayzero.estimators.curves.follow_up import follow_up
from dayzero.estimators.curves.number_at_risk import number_at_risk
from dayzero.estimators.curves.quantiles import median
from dayzero.history import History
from dayzero.report.document import render_html, report_json
from dayzero.study import Results, run
from properties.strategies import COMPLETE, Cohort, Shape, cohorts
from properties.studies import ANALYSES, LATE, RELAPSE, RFS, STUDY, TERMS, calendar, files, same, with_transplant

NUMBERS = ("estimate", "std_error", "lower", "upper", "p_value", "df")
FEW = settings(max_examples=max(settings.default.max_examples // 20, 1))  # type: ignore[union-attr]
TIMES = [0.0, 4.0, 9.0]


def everything(history: History) -> Iterator[Estimate]:
    """Yield the estimates of one history, from every estimator."""
    for endpoint in (RELAPSE, LATE):
        spells = derive_spells(history, endpoint)
        yield aalen_johansen(spells, "risk", TIMES)
        yield number_at_risk(spells, "risk", times=TIMES)
        yield gray(spells, "risk") if endpoint is RELAPSE else logrank(spells, "risk")
    yield from (median(spells, "risk"), follow_up(spells, "risk"))
    yield cox(with_transplant(history), TERMS)


@given(cohort=cohorts())
def test_no_estimate_is_nan_and_every_null_says_why(cohort: Cohort, folder: Path) -> None:
    """A number is finite or null, never NaN; a null estimate has a warning; lower <= estimate <= upper."""
    rows = concat(everything(files(cohort).read(folder))).rows
    for column in NUMBERS:
        assert rows[column].drop_nulls().is_finite().all(), column
    silent = rows.filter(pl.col("estimate").is_null() & pl.col("warning").is_null())
    assert silent.is_empty(), silent
    held = rows.filter(pl.col("lower").is_not_null() & pl.col("upper").is_not_null() & pl.col("estimate").is_not_null())
    assert ((held["lower"] <= held["estimate"]) & (held["estimate"] <= held["upper"])).all()
    assert rows["p_value"].drop_nulls().is_between(0, 1).all()


@given(cohort=cohorts())
def test_n_counts_patients(cohort: Cohort, folder: Path) -> None:
    """n = patients of the group in the population, however many rows, relapses or spells they have."""
    whole = files(cohort)
    repeated = whole.events + tuple(event for event in whole.events if ",infusion," not in event)
    spells = with_transplant(replace(whole, events=repeated).read(folder))
    sizes = spells.patients["risk"].drop_nulls().value_counts().rows()
    curve = aalen_johansen(spells, "risk", TIMES).rows
    assert set(zip(curve["group"], curve["n"], strict=True)) == {(f"risk={level}", n) for level, n in sizes}
    known = spells.patients.filter(pl.all_horizontal(pl.col("risk", "age").is_not_null())).height
    assert fit_cox(spells, TERMS).n == known
    assert spells.n == derive_spells(whole.read(folder), RFS).n


def numbers(results: Results) -> tuple[list[tuple[Any, ...]], list[tuple[float, ...]]]:
    """Return the labels and the numbers of a report's rows, with NaN for null."""
    rows = results.estimates.rows
    labels = rows.select("analysis", "kind", "group", "term", "statistic", "time", "n", "n_events").rows()
    return labels, rows.select(pl.col(*NUMBERS).fill_null(float("nan"))).rows()


def is_runaway(results: Results) -> bool:
    """Return whether some coefficient runs to infinity, where it has no number to compare."""
    return results.estimates.rows["warning"].str.contains("separation").any()


@FEW
@given(cohort=cohorts(replace(COMPLETE, smallest=3)), shift=st.integers(-9000, 9000), data=st.data())
def test_a_study_written_otherwise_gives_the_same_report(
    cohort: Cohort, shift: int, data: st.DataObject, folder: Path
) -> None:
    """report(rows in any order, other names, other dates) = report: every number of it, by the door that users take."""
    study = f"[study]\ncutoff = {{}}\n{STUDY}{ANALYSES}"
    names = data.draw(st.permutations([f"{k}" for k in range(30)]))
    plain = files(cohort, written=calendar, clock="date")
    moved = files(cohort, ids=names[: len(cohort)], written=partial(calendar, shift=shift), clock="date")
    moved = replace(
        moved,
        patients=tuple(data.draw(st.permutations(moved.patients))),
        events=tuple(data.draw(st.permutations(moved.events))),
        study=study.format(calendar(14 + shift)),
    )
    one = run(replace(plain, study=study.format(calendar(14))).study_of(folder))
    other = run(moved.study_of(folder))
    assert numbers(one)[0] == numbers(other)[0]
    if not is_runaway(one):
        same(numbers(one)[1], numbers(other)[1], size=1.0)


@FEW
@given(cohort=cohorts(Shape(smallest=1)))
def test_any_cohort_has_a_report(cohort: Cohort, folder: Path) -> None:
    """A study with a patient at risk becomes a page: no law between its estimates is broken, and no NaN is written."""
    first = replace(cohort[0], zero=0, risk="low", age="50", days={"last_contact": 6, "enrolment": 2})
    late = '\n[[analysis]]\nkind = "curve"\nendpoint = "late"\n'
    results = run(replace(files((first, *cohort[1:])), study=STUDY + ANALYSES + late).study_of(folder))
    assert not [f.code for f in results.findings if f.code.startswith("identity") and f.level == "error"]
    assert "NaN" not in report_json(results.page, files=[])
    page = render_html(results.page)
    assert page.rstrip().endswith("</html>")
    assert not np.isin(["nan", "NaN"], page.replace(">", " ").replace("<", " ").split()).any()
