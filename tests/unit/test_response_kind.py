"""The analysis kind response: the set in every row, every denominator, the marrow apart, seed 004's numbers."""

from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cohorts import history
from dayzero.analyses import KINDS
from dayzero.analyses.context import Context
from dayzero.analyses.response import ResponseSettings, run_response
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import library
from dayzero.report.formats import percent
from dayzero.report.kinds import kind_of
from dayzero.report.page import Section
from dayzero.report.waterfall import Bar, draw_waterfall

SET = "response=CR|CRh|CRi after infusion:1"


def run(cohort: History, **settings: object) -> Section:
    return run_response(ResponseSettings(**settings), Context(cohort, library()))  # type: ignore[arg-type]


def row(section: Section, term: str, denominator: str) -> dict[str, object]:
    found = section.estimates.where(statistic="proportion", term=term, group=f"denominator={denominator}")
    assert len(found) == 1, (term, denominator)
    return next(found.records())


def numbers(section: Section, term: str, denominator: str) -> tuple[object, object]:
    found = row(section, term, denominator)
    return found["n_events"], found["n"]


def tallied(section: Section, term: str) -> float:
    return float(section.estimates.where(statistic="count", term=term).rows["estimate"].item())


def denominators_of(section: Section, term: str = SET) -> list[str]:
    groups = section.estimates.where(statistic="proportion", term=term).rows["group"].to_list()
    return [str(group).removeprefix("denominator=") for group in groups]


def limits(section: Section, term: str, denominator: str) -> tuple[str, str, str]:
    found = row(section, term, denominator)
    return tuple(percent(found[key]) for key in ("estimate", "lower", "upper"))  # type: ignore[arg-type, return-value]


def printed(section: Section) -> str:
    kind = kind_of(section)
    tables = [table for table in kind.tables(section) if table]
    cells = [text for table in tables for text in (table.caption, *table.header, table.note)]
    cells += [cell for table in tables for line in table.rows for cell in (line.name, *line.cells)]
    for drawing in kind.drawings(section):
        drawing.draw(synthetic=True)
    return " | ".join([*kind.sentences(section), *cells]).replace("\u00a0", " ")


def codes(section: Section) -> list[str]:
    return [finding.code for finding in section.findings]


def cohort_of(folder: Path, n: int, responders: int, *, more: str = "", early: int = 0) -> History:
    """Return n infused patients: the first respond, the last die before an assessment, the others are failures."""
    lines = []
    for k in range(n):
        name = f"p{k:03d}"
        lines.append(f"{name} infusion 0")
        if k >= n - early:
            lines.append(f"{name} death 14")
            continue
        lines += [f"{name} response 28 {'CR' if k < responders else 'failure'} eln-2024", f"{name} last_contact 400"]
    return history(folder, "patient event day value scale\n" + "\n".join(lines) + "\n" + more)


@pytest.fixture
def seed_004(tmp_path: Path) -> History:
    """28 infused, one of whom died on day 14; 27 evaluable, 25 in CR, 20 of them MRD-negative."""
    mrd = "".join(f"p{k:03d} mrd 28 {'negative' if k < 20 else 'positive'}\n" for k in range(25))
    return cohort_of(tmp_path, 28, 25, more=mrd, early=1)


def test_seed_004_has_three_mrd_negative_rates_each_with_its_denominator(seed_004: History) -> None:
    section = run(seed_004)
    assert numbers(section, "mrd_negative", "evaluable") == (20, 27)
    assert numbers(section, "mrd_negative", "responders") == (20, 25)
    assert numbers(section, "mrd_negative", "infused") == (20, 28)
    shares = [limits(section, "mrd_negative", name)[0] for name in ("evaluable", "responders", "infused")]
    assert shares == ["74.1", "80.0", "71.4"]


def test_seed_004_an_early_death_is_a_non_responder_among_the_infused_and_not_evaluable(seed_004: History) -> None:
    section = run(seed_004)
    assert numbers(section, SET, "infused") == (25, 28)
    assert numbers(section, SET, "evaluable") == (25, 27)
    assert limits(section, SET, "evaluable")[0] == "92.6"
    assert tallied(section, "died before assessment") == 1
    assert numbers(section, "best response=died before assessment", "infused") == (1, 28)
    assert any(note.startswith("1 patient died before an assessment: non-responders") for note in section.notes)
    assert "CR/CRh/CRi by day 90: 25/28 (89.3 %; 95 % CI 71.8–97.7) of the infused; 25/27" in printed(section)


@pytest.mark.parametrize(
    ("responders", "n", "expected"),
    [(36, 42, ("85.7", "71.5", "94.6")), (9, 9, ("100.0", "66.4", "100.0")), (340, 343, ("99.1", "97.5", "99.8"))],
)
def test_exact_limits_of_the_seeds(tmp_path: Path, responders: int, n: int, expected: tuple[str, ...]) -> None:
    assert limits(run(cohort_of(tmp_path, n, responders)), SET, "infused") == expected


def test_every_denominator_that_exists_is_printed(tmp_path: Path) -> None:
    more = "".join(f"p{k:03d} apheresis -{20 + k}\n" for k in range(4))
    more += "x1 apheresis -30\nx2 apheresis -30\nx2 death -5\nx3 enrolment -40\np000 hsct 60\n"
    section = run(cohort_of(tmp_path, 4, 3, more=more))
    assert denominators_of(section) == ["apheresed", "enrolled", "infused", "evaluable", "transplanted"]
    assert numbers(section, SET, "apheresed") == (3, 6)
    assert numbers(section, SET, "enrolled") == (3, 5)
    assert numbers(section, SET, "transplanted") == (1, 1)
    assert "known_later" in str(row(section, SET, "transplanted")["warning"])
    assert tallied(section, "apheresed, never infused") == 2
    assert tallied(section, "never infused: died before") == 1
    assert tallied(section, "never infused: reason not stated") == 1
    assert "denominators-missing" not in codes(section)
    text = printed(section)
    for words in ("of the apheresed", "of the enrolled", "of the transplanted later", "Never infused: died before"):
        assert words in text


def test_manufacturing_failures_are_named_where_their_reason_is(tmp_path: Path) -> None:
    events = """
    patient event day value scale reason
    a apheresis -30
    a infusion 0
    a response 28 CR eln-2024
    b apheresis -30 - - manufacturing_failure
    c apheresis -30 - - manufacturing_failure
    d apheresis -30 - - progression
    """
    section = run(history(tmp_path, events))
    assert tallied(section, "never infused: manufacturing_failure") == 2
    assert tallied(section, "never infused: progression") == 1
    assert numbers(section, SET, "apheresed") == (1, 4)


def test_vein_to_vein_counts_from_the_last_apheresis_before_the_infusion(tmp_path: Path) -> None:
    first = "a apheresis -90\na apheresis -30\na infusion 0\n"
    events = f"patient event day value\n{first}b apheresis -20\nb infusion 0\nb apheresis 50"
    rows = run(history(tmp_path, events)).estimates.where(term="vein_to_vein")
    found = {record["statistic"]: record["estimate"] for record in rows.records()}
    assert (found["median"], found["minimum"], found["maximum"]) == (25, 20, 30)


def test_denominator_table_a_study_of_the_infused_alone_is_told_so(seed_004: History) -> None:
    found = [finding for finding in run(seed_004).findings if finding.code == "denominators-missing"]
    assert [finding.level for finding in found] == ["note"]


IN_CR = """
patient event day value scale
a response -40 CR eln-2024
a lymphodepletion -5
a infusion 0
a response 28 CR eln-2024
b response -400 CR eln-2024
b relapse -60
b infusion 0
b response 28 CR eln-2024
c response 0 CR eln-2024
c infusion 0
c response 28 CR eln-2024
d infusion 0
d response 28 PR eln-2024
"""


def test_patients_in_remission_before_are_not_evaluable_and_no_responders(tmp_path: Path) -> None:
    section = run(history(tmp_path, IN_CR))
    assert denominators_of(section) == ["infused", "infused, not in remission before", "evaluable"]
    assert numbers(section, SET, "infused") == (1, 4)
    assert numbers(section, SET, "infused, not in remission before") == (1, 2)
    assert numbers(section, SET, "evaluable") == (1, 2)
    assert tallied(section, "in remission before") == 2  # an assessment on the day of the infusion is before it
    assert numbers(section, "best response=in remission before", "infused") == (2, 4)


def test_best_responses_of_the_infused_add_up(tmp_path: Path) -> None:
    section = run(history(tmp_path, IN_CR))
    best = section.estimates.rows.filter(pl.col("term").str.starts_with("best response="))
    assert best["n_events"].sum() == 4
    assert best["term"].to_list()[:2] == ["best response=CR", "best response=PR"]


def test_a_response_after_the_next_course_began_or_too_late_is_none_of_the_infusions(tmp_path: Path) -> None:
    events = """
    patient event day value scale
    a infusion 0
    a hsct 40
    a response 60 CR eln-2024
    b infusion 0
    b response 95 CR eln-2024
    c infusion 0
    c response 90 CR eln-2024
    d infusion 0
    d hsct 30
    d response 30 CR eln-2024
    """
    section = run(history(tmp_path, events))
    assert numbers(section, SET, "infused") == (2, 4)  # the marrow on the day of the transplant was before it
    assert numbers(run(history(tmp_path, events), by_day=100), SET, "infused") == (3, 4)
    assert row(section, SET, "infused")["time"] == 90.0


def test_second_infusions_have_no_denominator_before_the_infusion(tmp_path: Path) -> None:
    events = """
    patient event day value scale
    a apheresis -30
    a infusion 0
    a infusion 100
    a response 130 CR eln-2024
    b infusion 0
    """
    section = run(history(tmp_path, events), infusion=2)
    term = "response=CR|CRh|CRi after infusion:2"
    assert denominators_of(section, term) == ["infused", "evaluable"]
    assert numbers(section, term, "infused") == (1, 1)
    assert codes(section) == []
    with pytest.raises(InputError, match="third infusion"):
        run(history(tmp_path, events), infusion=3)


def test_cr_set_label_a_label_that_names_another_set_is_refused() -> None:
    for label in ("CR", "CR/CRi/MLFS", "ORR (CR, CRi, PR)"):
        with pytest.raises(InputError) as caught:
            ResponseSettings(sets={label: "response=CR|CRi"})
        assert caught.value.column == "sets"
    for label in ("CR/CRi", "CR or CRi", "regardless of counts"):
        ResponseSettings(sets={label: "response=CR|CRi"})
    for text in ("relapse", "response"):
        with pytest.raises(InputError, match="no set of responses"):
            ResponseSettings(sets={"x": text})


def test_cr_set_label_every_row_has_its_own_set(seed_004: History) -> None:
    section = run(seed_004, sets={"CR": "response=CR", "Any": "response=CR|CRi|MLFS"})
    assert numbers(section, "response=CR after infusion:1", "infused") == (25, 28)
    assert numbers(section, "response=CR|CRi|MLFS after infusion:1", "infused") == (25, 28)
    text = printed(section)
    assert "CR by day 90" in text
    assert "Any by day 90" in text
    assert "Any (CR, CRi, MLFS)" in section.definition
    assert section.definition.endswith("Criteria: ELN 2024.")


def test_cr_set_label_responses_without_criteria_of_several_and_of_mixed_categories(tmp_path: Path) -> None:
    events = """
    patient event day value scale
    a infusion 0
    a response 28 CRi eln-2024
    b infusion 0
    b response 28 CRh nccn-crh
    c infusion 0
    c response 28 CR
    c apheresis -9
    """
    section = run(history(tmp_path, events))
    assert codes(section) == ["response-criteria-not-stated", "response-criteria-mixed", "response-set-mixed"]
    assert section.findings[0].rows == (7,)
    assert codes(run(history(tmp_path, events), sets={"CR": "response=CR"})) == ["response-criteria-not-stated"]


SITES = """
patient event day value scale site
a infusion 0
a apheresis -9
a response 28 CR eln-2024 bm
a response 28 PR eln-2024 overall
a response 28 PR eln-2024 emd
b infusion 0
b response 28 CR eln-2024 bm
b response 28 CR eln-2024 overall
c infusion 0
c response 28 CR eln-2024 bm
"""


def test_seed_002_a_marrow_response_is_no_response_of_the_patient(tmp_path: Path) -> None:
    section = run(history(tmp_path, SITES))
    assert numbers(section, f"marrow: {SET}", "evaluable in the marrow") == (3, 3)
    assert numbers(section, f"overall: {SET}", "evaluable in the marrow") == (1, 3)
    assert numbers(section, f"marrow: {SET}", "extramedullary disease") == (1, 1)
    assert numbers(section, f"overall: {SET}", "extramedullary disease") == (0, 1)
    assert numbers(section, SET, "infused") == (1, 3)
    assert codes(section) == ["response-marrow-only"]
    assert section.findings[0].rows == (11,)
    assert "Response of the marrow and of the whole patient" in printed(section)


def test_mrd_results_that_miss_or_say_nothing_are_failures_or_left_out(tmp_path: Path) -> None:
    more = "p000 mrd 28 negative\np001 mrd 28 1e-5\np002 mrd 28 0.002\np003 mrd 28 indeterminate\n"
    section = run(cohort_of(tmp_path, 6, 5, more=more))
    assert numbers(section, "mrd_negative", "responders") == (2, 5)
    assert numbers(section, "mrd_negative", "responders with an MRD result") == (2, 3)
    text = printed(section)
    assert "Missing results count as failures" in text
    assert "Missing results left out" in text


def test_relapses_by_site_and_antigen_over_the_tested(tmp_path: Path) -> None:
    events = """
    patient event day value scale site antigen
    a infusion 0
    a relapse 100 - - bm negative
    a relapse 300 - - cns positive
    b infusion 0
    b relapse 90 - - bm not_tested
    c infusion 0
    c relapse 95 - - cns positive
    d infusion 0
    d infusion 50
    d relapse 99 - - bm negative
    """
    section = run(history(tmp_path, events))
    assert tallied(section, "relapse") == 3
    assert numbers(section, "relapse[site=bm]", "relapses") == (2, 3)
    assert numbers(section, "relapse[antigen=negative]", "tested relapses") == (1, 2)
    assert "Antigen, of the relapses that were tested" in printed(section)


def tables(folder: Path) -> History:
    base = history(
        folder, "patient event day value scale\na infusion 0\na response 28 CR x\nb infusion 0\nc infusion 0"
    )
    mrd = pl.DataFrame(
        {
            "patient": [0, 0, 0, 1, 1, 2],
            "day": [-5.0, 28.0, 60.0, -3.0, 30.0, 30.0],
            "specimen": ["bm", "bm", "bm", None, "bm", "bm"],
            "value": [0.1, 0.001, None, 0.01, 0.02, 0.5],
            "value_bound": ["", "", None, "", "", ""],
            "detected": [True, True, False, True, True, True],
            "lod": [1e-5, 1e-5, 1e-5, None, None, None],
        }
    )
    blasts = pl.DataFrame(
        {"patient": [2, 2], "day": [-4.0, 20.0], "site": ["bm", "bm"], "blasts": [0.2, 0.0], "blasts_bound": ["", ""]}
    )
    return replace(base, tables={"mrd": mrd, "assessments": blasts})


def test_the_waterfall_goes_from_the_last_baseline_to_the_lowest_value_or_the_limit_of_detection(
    tmp_path: Path,
) -> None:
    section = run(tables(tmp_path))
    assert section.settings["waterfall"] == "mrd"
    assert section.patients.columns == ["patient", "baseline", "best", "log10_change", "at_limit", "response"]
    found = {record["patient"]: record for record in section.patients.to_dicts()}
    assert sorted(found) == ["a", "b"]  # the third has no baseline
    assert found["a"]["log10_change"] == pytest.approx(-4.0)
    assert found["a"]["at_limit"] == "yes"
    assert found["b"]["log10_change"] == pytest.approx(0.30103, abs=1e-5)
    assert "b" not in printed(section).split()
    blasts = run(tables(tmp_path), waterfall="blasts").patients.to_dicts()
    assert [(record["patient"], record["best"], record["at_limit"]) for record in blasts] == [("c", 0.002, "yes")]
    assert run(tables(tmp_path), waterfall="none").patients.height == 0


def test_the_waterfall_names_the_best_response_not_the_last(tmp_path: Path) -> None:
    base = tables(tmp_path)
    said = base.events.filter(pl.col("event") == "response")
    first = said.filter(pl.col("patient") == 0).head(1)
    later = first.with_columns(pl.lit("PD").alias("value"), (pl.col("day") + 30).alias("day"))
    section = run(replace(base, events=pl.concat([base.events, later])))
    assert [row["response"] for row in section.patients.to_dicts() if row["patient"] == "a"] == first["value"].to_list()


def test_the_waterfall_is_of_what_more_patients_have(tmp_path: Path) -> None:
    base = tables(tmp_path)
    one = base.tables["mrd"].filter(pl.col("patient") == 0)
    blasts = base.tables["assessments"]
    two = pl.concat([blasts, blasts.with_columns(pl.lit(1, pl.Int64).alias("patient"))])
    section = run(replace(base, tables={"mrd": one, "assessments": two}))
    assert section.settings["waterfall"] == "blasts"
    assert run(replace(base, tables={"mrd": one, "assessments": blasts})).settings["waterfall"] == "mrd"


def test_the_waterfall_draws_every_bar_in_its_order() -> None:
    bars = (Bar(0.3, "", False), Bar(-0.001, "PR", False), Bar(-4.0, "CR", True))
    figure = draw_waterfall("Change", "log10", bars, synthetic=True)
    heights = [patch.get_height() for patch in figure.axes[0].patches]  # type: ignore[attr-defined]
    assert heights == [0.3, -0.001, -4.0]
    words = " ".join(text.get_text() for text in figure.texts)
    assert "SIMULATED DATA" in words
    assert "response not known" in words


def test_responses_judged_from_tables_add_the_assessed_and_the_marrow(tmp_path: Path) -> None:
    base = history(tmp_path, "patient event day value scale\na infusion 0\nb infusion 0\nc infusion 0\nc death 50")
    response = pl.DataFrame(
        {"patient": [0, 1], "day": [28.0, 28.0], "category": ["unknown", "failure"], "marrow": ["CR", "CR"],
         "emd": ["none", "pr"], "cns": ["CNS1", None]}
    )  # fmt: skip
    best = pl.DataFrame({"patient": [0, 1, 2], "course": [1, 1, 1], "in_cr_before": [False, False, None]})
    section = run(replace(base, graded={"response": response, "best_response": best}))
    assert numbers(section, SET, "evaluable") == (0, 2)
    assert numbers(section, "best response=assessed, category not certain", "infused") == (2, 3)
    assert numbers(section, f"marrow: {SET}", "extramedullary disease") == (1, 1)


def test_settings_that_make_no_sense_are_refused() -> None:
    for column, value in (("infusion", 0), ("by_day", 0.0), ("by_day", float("inf")), ("level", 0.0)):
        with pytest.raises(InputError) as caught:
            ResponseSettings(**{column: value})  # type: ignore[arg-type]
        assert caught.value.column == column
    assert KINDS["response"].run is run_response


def test_the_marrow_never_responds_less_often_than_the_patient(tmp_path: Path) -> None:
    section = run(history(tmp_path, SITES.replace("b response 28 CR eln-2024 bm\n", "")))
    assert numbers(section, f"marrow: {SET}", "evaluable in the marrow") == (3, 3)


@given(
    st.lists(
        st.tuples(st.sampled_from(["CR", "CRi", "PR", "failure", "-"]), st.integers(1, 120)), min_size=1, max_size=12
    )
)
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_wider_denominators_have_lower_rates_and_best_responses_add_up(
    tmp_path: Path, outcomes: list[tuple[str, int]]
) -> None:
    lines = [
        f"p{k} infusion 0\np{k} {'death ' + str(day) if word == '-' else f'response {day} {word} x'}"
        for k, (word, day) in enumerate(outcomes)
    ]
    section = run(history(tmp_path, "patient event day value scale\nz apheresis -9\n" + "\n".join(lines)))
    found = [row(section, SET, name) for name in denominators_of(section)]
    sizes = [int(str(record["n"])) for record in found]
    assert sizes == sorted(sizes, reverse=True)
    assert len({record["n_events"] for record in found}) == 1
    best = section.estimates.rows.filter(pl.col("term").str.starts_with("best response="))
    assert best["n_events"].sum() == len(outcomes)


def test_judged_mrd_is_drawn_at_its_limit_of_detection_and_its_method_is_named(tmp_path: Path) -> None:
    base = history(
        tmp_path, "patient event day value scale method\na infusion 0\na response 28 CR x\na mrd 28 negative - mfc"
    )
    judged = pl.DataFrame(
        {"patient": [0, 0], "day": [-5.0, 28.0], "specimen": ["bm", "bm"], "status": ["positive", "negative"],
         "value": [0.1, None], "value_bound": ["", None], "lod": [1e-4, 1e-5]}
    )  # fmt: skip
    section = run(replace(base, graded={"mrd": judged}))
    assert section.patients["log10_change"].to_list() == pytest.approx([-4.0])
    assert any(note.startswith("MRD by flow cytometry (MFC)") for note in section.notes)


def test_a_judged_sample_below_quantification_is_a_result_that_is_not_negative(tmp_path: Path) -> None:
    """Left out, MRD negativity would be 1 of 1 here."""
    trace = "p001 mrd 28 below_quantification\np002 mrd 28 below_quantification\n"
    section = run(cohort_of(tmp_path, 4, 4, more=f"p000 mrd 28 negative\n{trace}"))
    assert numbers(section, "mrd_negative", "responders with an MRD result") == (1, 3)
    assert numbers(section, "mrd_negative", "responders") == (1, 4)


def test_a_waterfall_of_very_many_patients_is_made_of_lines() -> None:
    figure = draw_waterfall("Change", "log10", tuple(Bar(-k / 400, "CR", True) for k in range(400)))
    axes = figure.axes[0]
    assert not axes.patches
    assert max(len(lines.get_segments()) for lines in axes.collections) == 400  # type: ignore[attr-defined]
