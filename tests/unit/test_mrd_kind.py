"""The analysis kinds mrd and persistence: every denominator, missing twice, brackets, methods, what nobody knows."""

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cell_histories import history, labs, table
from dayzero.analyses import KINDS
from dayzero.analyses.context import Context
from dayzero.analyses.mrd import MrdSettings, run_mrd
from dayzero.analyses.persistence import PersistenceSettings, run_persistence
from dayzero.errors import InputError
from dayzero.grading.mrd import grade_mrd
from dayzero.grading.persistence import grade_aplasia
from dayzero.history import History
from dayzero.protocol import library
from dayzero.report.document import report_files
from dayzero.report.kinds import kind_of
from dayzero.report.page import Page, Section

Events = list[tuple[int, str, float, str]]
NEG = {"value": 0.0, "lod": 1e-5, "method": "mfc", "specimen": "bm"}
POS = {"value": 1e-2, "lod": 1e-5, "method": "mfc", "specimen": "bm"}
BELOW = {"value": 5e-5, "lod": 1e-5, "loq": 1e-4, "method": "mfc", "specimen": "bm"}
SHORT = {"value": 0.0, "lod": 1e-3, "method": "mfc", "specimen": "bm"}

COHORT: Events = [
    *((k, "infusion", 0.0, "") for k in range(8)),
    *((k, "response", 28.0, "CR") for k in (0, 1, 2, 3)),
    (4, "response", 28.0, "NR"),
    (5, "death", 14.0, ""),
    (6, "response", 20.0, "CR"),
    (6, "relapse", 28.0, ""),
]
ENDS = [400.0, 400.0, 400.0, 400.0, 400.0, 14.0, 400.0, 20.0]
SAMPLES = (
    {"patient": 0, "day": 30.0, **NEG},
    {"patient": 1, "day": 30.0, **POS},
    {"patient": 2, "day": 30.0, **SHORT},
    {"patient": 4, "day": 30.0, **NEG},
    {"patient": 6, "day": 25.0, **NEG},
)


def graded(events: Events, *rows: dict[str, Any], end: list[float]) -> History:
    return grade_mrd(history(events, mrd=table(*rows), end=end))


def run(cohort: History, **chosen: object) -> Section:
    return run_mrd(MrdSettings(**chosen), Context(cohort, library()))  # type: ignore[arg-type]


def rate(section: Section, denominator: str, month: int = 1) -> tuple[object, object]:
    rows = section.estimates.where(term=f"mrd_negative[month={month}]", group=f"denominator={denominator}")
    assert len(rows) == 1, denominator
    row = next(rows.records())
    return row["n_events"], row["n"]


def tallied(section: Section, term: str) -> tuple[object, object]:
    row = next(section.estimates.where(statistic="count", term=term).records())
    return row["n_events"], row["n"]


def middle(section: Section, term: str) -> object:
    return section.estimates.where(statistic="median", term=term).rows["estimate"].item()


def printed(section: Section) -> str:
    kind = kind_of(section)
    tables = [each for each in (*kind.tables(section), *kind.details(section)) if each]
    cells = [text for each in tables for text in (each.caption, *each.header, each.note)]
    cells += [cell for each in tables for line in each.rows for cell in (line.name, *line.cells)]
    return " | ".join([*kind.sentences(section), *cells]).replace("\u00a0", " ")


@pytest.fixture
def section() -> Section:
    return run(graded(COHORT, *SAMPLES, end=ENDS))


def test_each_rate_of_a_visit_has_its_denominator_and_missing_is_counted_twice(section: Section) -> None:
    assert rate(section, "evaluated") == (3, 4)  # insufficient sensitivity is no result
    assert rate(section, "in remission and alive") == (1, 4)  # one positive, one insufficient, one not looked at
    assert rate(section, "in remission and alive with an MRD result") == (1, 2)
    assert rate(section, "infused") == (3, 8)
    assert rate(section, "infused, visit reached") == (3, 7)  # one is alive and was not yet followed so long
    row = next(section.estimates.where(term="mrd_negative[month=1]", group="denominator=evaluated").records())
    assert row["lower"] == pytest.approx(0.19412044968324341, rel=1e-12)  # binom.test(3, 4) in R 4.2.2
    assert row["time"] == 30


def test_a_patient_who_relapsed_before_the_visit_is_not_in_remission_at_it(section: Section) -> None:
    later = [(k, name, 35.0 if (k, name) == (6, "relapse") else day, value) for k, name, day, value in COHORT]
    moved = run(graded(later, *SAMPLES, end=ENDS))
    assert rate(moved, "in remission and alive") == (2, 5)
    assert rate(moved, "evaluated") == rate(section, "evaluated")


def test_a_patient_transplanted_before_the_visit_is_a_failure_of_the_infused_alone(section: Section) -> None:
    moved = run(graded([*COHORT, (3, "hsct", 25.0, "")], *SAMPLES, end=ENDS))
    assert rate(moved, "in remission and alive") == (1, 3)
    assert rate(moved, "infused") == rate(section, "infused")


def test_adherence_is_done_of_done_and_missed(section: Section) -> None:
    row = next(section.estimates.where(term="adherence[month=1]").records())
    assert (row["n_events"], row["n"]) == (5, 6)
    found = {name: tallied(section, f"{name}[month=1]")[0] for name in ("done", "missed", "pending", "not_due")}
    assert found == {"done": 5, "missed": 1, "pending": 0, "not_due": 2}
    assert tallied(section, "insufficient[month=1]") == (1, 8)


def test_method_and_threshold_stand_in_every_heading(section: Section) -> None:
    captions = [each.caption for each in kind_of(section).tables(section) if each]
    assert captions[0].endswith("MRD by flow cytometry (MFC), positive from 0.01\u00a0% of cells")
    text = printed(section)
    assert "At month 1, 3 of 4 with a result were negative" in text
    assert "In remission and alive (missing is failure)" in text.replace("\n", " ")
    assert "3 of 8 (37.5 %)" in text
    for figure in report_files(Page(title="t", sections=(section,))).items():
        if figure[0].endswith(".svg"):
            assert "flow cytometry (MFC)" in figure[1]


def test_the_table_of_visits_has_three_denominators_and_the_others_stand_folded(section: Section) -> None:
    """Five columns of rates with their limits are wider than the page."""
    rates, further = kind_of(section).tables(section)[0], kind_of(section).details(section)[0]
    assert rates is not None
    assert further is not None
    assert [head.partition("\n")[0] for head in rates.header] == [
        "Visit", "Of those with a result", "Of all infused", "In remission and alive",
    ]  # fmt: skip
    assert further.header[-1] == "In remission and alive\n(missing left out)"
    assert len(further.rows) == len(rates.rows)
    reached = "Of infused who reached the visit\n(missing is failure)"
    lost = run(graded(COHORT, *SAMPLES, end=[40.0] * 4 + [400.0] * 4))
    shown = kind_of(lost).details(lost)[0]
    assert shown is not None
    assert reached in shown.header  # some were not followed so long


def test_courses_are_named_in_one_way(section: Section) -> None:
    assert section.title == "MRD after the first infusion"
    assert "patients who had the first infusion" in section.definition
    with pytest.raises(InputError, match="nobody has a dated third transplant"):
        run(graded(COHORT, *SAMPLES, end=ENDS), course="hsct", number=3)


def test_below_quantification_is_detected_and_not_negative() -> None:
    events: Events = [(0, "infusion", 0.0, ""), (1, "infusion", 0.0, "")]
    found = run(graded(events, {"day": 30.0, **BELOW}, {"patient": 1, "day": 30.0, **NEG}, end=[400.0] * 2))
    assert rate(found, "evaluated") == (1, 2)
    assert tallied(found, "below_quantification[month=1]") == (1, 2)


def test_negativity_lies_in_brackets_and_medians_are_of_its_upper_ends() -> None:
    events: Events = [(0, "infusion", 0.0, ""), (1, "infusion", 0.0, ""), (1, "relapse", 200.0, "")]
    days = [(30.0, POS), (61.0, NEG), (91.0, NEG), (183.0, POS)]
    rows = [{"day": day, **what} for day, what in days] + [{"patient": 1, "day": 33.0, **NEG}]
    found = run(graded(events, *rows, end=[400.0, 400.0]))
    assert middle(found, "first shown negative") == 47  # days 61 and 33
    assert middle(found, "not yet shown negative") == 15  # day 30, and the day of the infusion
    assert (middle(found, "duration at least"), middle(found, "duration at most")) == (30, 153)
    assert tallied(found, "lost") == (1, 2)
    assert tallied(found, "ended by relapse") == (1, 2)
    assert "first shown on day 47 (33–61; n = 2)" in printed(found)
    assert not len(found.curves)


def test_who_was_negative_before_cannot_become_so() -> None:
    events: Events = [(0, "infusion", 0.0, ""), (1, "infusion", 0.0, "")]
    rows = [{"day": -3.0, **NEG}, {"day": 30.0, **NEG}, {"patient": 1, "day": 40.0, **NEG}]
    found = run(graded(events, *rows, end=[400.0] * 2))
    assert tallied(found, "negative before") == (1, 2)
    assert middle(found, "first shown negative") == 40
    assert tallied(found, "ever negative") == (2, 2)


def reported(attributes: dict[str, list[str | None]] | None = None) -> History:
    words = {0: "negative", 1: "positive", 4: "NEG", 6: "0.00001"}
    days = {6: 25.0}
    events = [*COHORT, *((k, "mrd", days.get(k, 30.0), word) for k, word in words.items())]
    return history(events, end=ENDS, attributes=attributes)


def test_reported_words_give_the_same_rates_where_there_is_no_table(section: Section) -> None:
    found = run(reported())
    for name in ("evaluated", "in remission and alive with an MRD result", "infused", "infused, visit reached"):
        assert rate(found, name) == rate(section, name)
    codes = [finding.code for finding in found.findings]
    assert codes == ["mrd-without-sensitivity"]
    assert found.findings[0].rows == tuple(range(len(COHORT) + 2, len(COHORT) + 6))
    assert "as reported" in printed(found)


def test_a_result_known_from_an_event_alone_is_no_missed_visit_beside_a_table() -> None:
    events: Events = [(0, "infusion", 0.0, ""), (1, "infusion", 0.0, ""), (1, "mrd", 31.0, "positive")]
    found = run(graded(events, {"day": 30.0, **NEG}, end=[400.0] * 2))
    assert rate(found, "evaluated") == (1, 2)
    assert tallied(found, "missed[month=1]") == (0, 2)


def test_methods_are_not_one_and_can_be_chosen() -> None:
    events: Events = [(k, "infusion", 0.0, "") for k in range(2)]
    rows = ({"day": 30.0, **NEG}, {"patient": 1, "day": 30.0, **NEG, "method": "ngs"})
    cohort = graded(events, *rows, end=[400.0] * 2)
    assert [finding.code for finding in run(cohort).findings] == ["mrd-methods-mixed"]
    only = run(cohort, method="ngs")
    assert rate(only, "infused") == (1, 2)
    assert tallied(only, "missed[month=1]") == (1, 2)
    assert only.findings == ()
    assert "by NGS" in only.definition
    with pytest.raises(InputError, match="no sample by the method 'pcr'"):
        run(cohort, method="pcr")


def test_the_clock_of_a_transplant_is_its_own() -> None:
    events: Events = [(0, "infusion", 0.0, ""), (0, "hsct", 100.0, ""), (1, "infusion", 0.0, "")]
    rows = [{"day": 130.0, **NEG}, {"patient": 1, "day": 30.0, **POS}]
    cohort = graded(events, *rows, end=[900.0] * 2)
    after = run(cohort, course="hsct")
    assert rate(after, "infused") == (1, 1)
    assert middle(after, "first shown negative") == 30
    assert rate(run(cohort), "infused") == (0, 2)


@pytest.mark.parametrize(("chosen", "column"), [({"number": 2}, "number"), ({"course": "hsct"}, "number")])
def test_a_course_that_nobody_had_is_refused(chosen: dict[str, object], column: str) -> None:
    with pytest.raises(InputError) as caught:
        run(graded(COHORT, *SAMPLES, end=ENDS), **chosen)
    assert caught.value.column == column


def test_without_any_sample_there_is_no_page() -> None:
    with pytest.raises(InputError, match="nobody has an MRD sample"):
        run(history(COHORT, end=ENDS))


def test_only_the_infused_stand_in_the_strip_and_every_sample_does(section: Section) -> None:
    lanes = section.patients.filter(pl.col("item") == "lane")
    assert sorted(lanes["patient"]) == [str(k) for k in range(8)]
    samples = section.patients.filter(pl.col("item") == "sample")
    assert sorted(samples.select("patient", "status").rows()) == [
        ("0", "negative"), ("1", "positive"), ("2", "indeterminate"), ("4", "negative"), ("6", "negative"),
    ]  # fmt: skip
    missed = section.patients.filter((pl.col("item") == "missed") & (pl.col("time") == 30))
    assert missed["patient"].to_list() == ["3"]
    files = report_files(Page(title="t", sections=(section,), synthetic=True))
    assert "insufficient sensitivity" in files["figures/01-mrd-strip.svg"]
    assert "SIMULATED DATA" in files["figures/01-mrd-strip.svg"]
    without = report_files(Page(title="t", sections=(replace(section, patients=pl.DataFrame()),)))
    assert not any(name.endswith(".svg") for name in without)


RESULTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(1, 1200), st.sampled_from([NEG, POS, BELOW, SHORT])),
    min_size=1,
    max_size=25,
)
THINGS = st.lists(
    st.tuples(st.integers(0, 5), st.sampled_from(["response", "relapse", "hsct", "death"]), st.integers(1, 1200)),
    max_size=8,
)


@settings(max_examples=40, deadline=None)
@given(results=RESULTS, things=THINGS, end=st.integers(1, 1500))
def test_patients_of_a_visit_add_up_and_excluding_never_lowers_a_rate(results: Any, things: Any, end: int) -> None:
    events: Events = [(k, "infusion", 0.0, "") for k in range(6)]
    events += [(k, name, float(day), "CR" if name == "response" else "") for k, name, day in things]
    rows = [{"patient": k, "day": float(day), **what} for k, day, what in results]
    cohort = graded(events, *rows, end=[float(end)] * 6)
    try:
        found = run(cohort)
    except InputError:
        return  # every sample lies after a relapse or a further course
    for month in {int(term.split("=")[1][:-1]) for term in found.estimates.rows["term"] if "done[month" in term}:
        states = [
            tallied(found, f"{name}[month={month}]")[0] for name in ("done", "missed", "pending", "not_due", "unknown")
        ]
        assert sum(states) == 6  # type: ignore[arg-type]
        kinds = ("positive", "below_quantification", "insufficient", "uncertain")
        others = sum(tallied(found, f"{name}[month={month}]")[0] for name in kinds)  # type: ignore[misc]
        negative, evaluated = rate(found, "evaluated", month)
        assert negative + others == states[0]  # type: ignore[operator]
        assert rate(found, "infused", month)[0] == negative
        both = (rate(found, f"in remission and alive{words}", month) for words in ("", " with an MRD result"))
        (failed, everyone), (left_in, known) = both
        assert failed == left_in
        assert known <= everyone <= 6  # type: ignore[operator]
        assert left_in <= negative <= evaluated  # type: ignore[operator]
        assert known <= evaluated  # type: ignore[operator]


def cells(patient: int, *rows: tuple[float, float]) -> list[pl.DataFrame]:
    return [
        labs((day, "b_cells", value)).with_columns(pl.lit(patient, pl.Int64).alias("patient")) for day, value in rows
    ]


def aplastic(targets: list[str | None], *tables: pl.DataFrame, events: Events | None = None) -> History:
    infused: Events = [(k, "infusion", 0.0, "") for k in range(len(targets))]
    every = [*infused, *(events or [])]
    names = {"targets": [*targets, *[None] * len(events or [])]}
    return grade_aplasia(history(every, end=[1000.0] * len(targets), attributes=names, labs=pl.concat(tables)))


def persistence(cohort: History, **chosen: object) -> Section:
    return run_persistence(PersistenceSettings(**chosen), Context(cohort, library()))  # type: ignore[arg-type]


def share(section: Section, term: str) -> tuple[object, object]:
    row = next(section.estimates.where(statistic="proportion", term=term).records())
    return row["n_events"], row["n"]


def test_b_cell_aplasia_is_counted_among_those_of_whom_it_is_known() -> None:
    parts = [
        *cells(0, (28, 0), (90, 0), (200, 0)),  # in aplasia throughout
        *cells(1, (28, 0), (60, 120)),  # lost by day 60
        *cells(2, (28, 0), (150, 120)),  # on day 90 nobody knows
        *cells(3, (28, 0)),  # relapse on day 40
        *cells(4, (28, 0)),  # targets unknown
    ]
    found = persistence(aplastic(["CD19", "CD19", "CD19", "CD19", None], *parts, events=[(3, "relapse", 40.0, "")]))
    assert tallied(found, "b_cells: evaluable") == (4, 5)
    assert share(found, "b_cells: in aplasia[day=28]") == (4, 4)
    assert share(found, "b_cells: in aplasia[day=90]") == (1, 2)
    assert tallied(found, "b_cells: lost by[day=90]") == (1, 4)
    assert tallied(found, "b_cells: ended before[day=90]") == (1, 4)
    assert tallied(found, "b_cells: not known[day=90]") == (1, 4)
    assert share(found, "b_cells: in aplasia[day=180]") == (1, 3)
    assert share(found, "b_cells: recovered early") == (2, 3)
    assert middle(found, "b_cells: first shown lost") == 105
    assert "b_cell_recovery" in " ".join(found.notes)
    assert "in B-cell aplasia on day 90, 1 of 2 (50.0 %" in printed(found)
    assert "Loss of aplasia: B cells ≥ 50/µL or ≥ 10 % of lymphocytes (NCT04225676)." in printed(found)
    assert found.title == "Persistence after the first infusion"


def test_days_of_the_loss_count_from_the_infusion() -> None:
    shifted: Events = [(0, "infusion", 500.0, "")]
    parts = cells(0, (528, 0), (560, 120))
    cohort = history(shifted, end=[1000.0], attributes={"targets": ["CD19"]}, labs=pl.concat(parts))
    assert middle(persistence(grade_aplasia(cohort)), "b_cells: first shown lost") == 60


def test_t_and_nk_cells_after_cd7_products_have_no_b_cell_rows() -> None:
    rows = labs((14, "t_cells", 5.0), (14, "nk_cells", 200.0), (60, "t_cells", 300.0))
    found = persistence(aplastic(["CD7"], rows))
    assert share(found, "t: aplasia") == (1, 1)
    assert share(found, "t: recovered") == (1, 1)
    assert middle(found, "t: recovery") == 60
    assert share(found, "nk: aplasia") == (0, 1)
    assert not any(str(term).startswith("b_cells") for term in found.estimates.rows["term"])
    text = printed(found)
    assert "T-cell aplasia" in text
    assert "B-cell" not in text


def test_persistence_needs_counts_and_an_infusion() -> None:
    with pytest.raises(InputError, match="no B-cell"):
        persistence(history(COHORT, end=ENDS))
    with pytest.raises(InputError) as caught:
        persistence(aplastic(["CD19"], *cells(0, (28, 0))), infusion=2)
    assert caught.value.column == "infusion"
    with pytest.raises(InputError):
        PersistenceSettings(days=(0.0,))


def test_the_kinds_are_registered() -> None:
    assert (KINDS["mrd"].settings, KINDS["persistence"].settings) == (MrdSettings, PersistenceSettings)
