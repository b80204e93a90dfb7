"""The day-zero page: what may be quoted comes first, the naive comparison last, marked, and never alone."""

import itertools
import re
from dataclasses import replace

import pytest

from dayzero.estimate import concat, make_estimate
from dayzero.protocol import Endpoint
from dayzero.report import Page, Section, render_html, write_report
from dayzero.report.kinds import kind_of
from dayzero.report.strategy_balance import draw_balance
from dayzero.report.strategy_curves import curve_start, curves_of, state_words, states_of
from dayzero.report.strategy_forest import draw_methods, forest_lines
from dayzero.report.strategy_rows import NAIVE, event_words, result_of, results_of, treatment_words
from dayzero.report.strategy_tables import cause_ratios, cause_risks, contrast, landmarks, methods
from dayzero.report.strategy_words import clones_told, immortal_time, mantel_byar, quotable, warned
from report_sections import (
    CLONES,
    cause_strategy_section,
    clone_rows,
    strategy_accounts,
    strategy_risks,
    strategy_rows,
    strategy_section,
)

HELD_BACK = "suppressed: fewer than 10 patients treated within the grace period"
NAIVE_RATIO = "0.42"


def plain(text):
    """Return text as it is read: without markup, every space one space."""
    return re.sub(r"\s+", " ", re.sub(r"<svg.*?</svg>|<style.*?</style>|<[^>]+>", " ", text, flags=re.DOTALL))


def page(*sections):
    return render_html(Page("A study", sections=sections))


def headings(section):
    return [part.heading for part in kind_of(section).parts(section)]


def quoted(**settings):
    return plain(" ".join(quotable(strategy_section(settings=settings))))


@pytest.mark.parametrize("layout", ["small", "registry"])
def test_the_naive_comparison_is_last_and_marked_whatever_the_order(layout):
    section = strategy_section(layout)
    assert results_of(section)[-1].method == NAIVE
    lines = forest_lines(section)
    assert [line.hollow for line in lines] == [False] * (len(lines) - 1) + [True]
    assert "biased" in lines[-1].name
    for table in (methods(section), cause_ratios(cause_strategy_section())):
        assert "biased: named by the future" in table.rows[-1].name
        assert all("Naive" not in row.name for row in table.rows[:-1])


@pytest.mark.parametrize("layout", ["small", "registry"])
def test_the_naive_number_comes_after_every_other_and_never_without_its_label(layout):
    text = plain(page(strategy_section(layout)))
    others = [text.index(number) for number in ("1.76", "1.02", "1.05", "0.92")]
    places = [found.start() for found in re.finditer(re.escape(NAIVE_RATIO), text)]
    assert places
    assert min(places) > max(others)
    assert all("biased" in text[max(0, place - 130) : place] for place in places)


def test_a_naive_comparison_alone_is_warned_of_and_its_number_left_out():
    section = strategy_section(rows=strategy_accounts(), settings={"primary": "time_dependent"})
    assert "Only the naive comparison" in warned(section)[0]
    assert forest_lines(section) == ()
    assert methods(section) is None
    text = plain(page(section))
    assert NAIVE_RATIO not in text
    assert "no number of this section may be quoted" in text


def test_a_naive_comparison_beside_methods_that_failed_is_left_out_too():
    rows = [*strategy_accounts(), *strategy_rows("time_dependent", warning="no_events: nobody has the event")]
    section = strategy_section(rows=rows)
    assert [row.name.split("\n")[0] for row in methods(section).rows] == ["Time-dependent"]
    text = plain(page(section))
    assert NAIVE_RATIO not in text
    assert "No events: nobody has the event" in text


def test_the_box_quotes_the_primary_method_and_nothing_else():
    text = quoted()
    assert text.startswith(
        "Among 113 patients event-free and followed on day 100 from transplantation, chronic GVHD by then was "
        "associated with a hazard ratio of relapse or death of 1.76 (95 % CI 0.86–3.60; 13 with, 100 without), "
        "adjusted for age and donor age."
    )
    assert "Risk of relapse or death by 2 years: 52.0 % with, 39.0 % without (difference 13.0 percentage points" in text
    assert "a risk ratio of at least 2.92 (the interval of the hazard ratio includes 1 already)" in text
    text = quoted(primary="time_dependent", adjust=[])
    assert "hazard ratio of relapse or death of 1.02 (95 % CI 0.59–1.76; 61 with chronic GVHD), without adjust" in text


def test_of_several_landmarks_the_first_named_is_quoted():
    assert "day 60" in quoted(landmarks=[60.0, 100.0])
    assert "a hazard ratio of relapse or death of 1.20" in quoted(landmarks=[60.0, 100.0])


def test_clones_are_quoted_as_risks_first_and_the_ratio_with_what_it_averages():
    text = quoted(primary=CLONES)
    assert text.index("41.0 % with, 46.0 % without") < text.index("0.92")
    assert "averaged over a grace period in which the arms share patients, was 0.92, 95 % CI 0.55–1.61" in text
    assert "chronic GVHD within 90 days was, against no chronic GVHD, associated with" in text


def test_a_risk_that_is_not_adjusted_is_called_so():
    risks = [rows.label(warning="crude: not adjusted for age") for rows in strategy_risks("landmark", time=100.0)]
    section = strategy_section(rows=[*strategy_rows("landmark", (1.76, 0.86, 3.6), time=100.0), *risks])
    assert "by 2 years, not adjusted: 41.0" in plain(quotable(section)[1])
    assert "Crude: not adjusted for age" in landmarks(section).note


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"primary": ""}, "No method was pre-specified"),
        ({"primary": NAIVE}, "biased by construction"),
        ({"primary": "landmark_super"}, "landmark super, has no estimate"),
    ],
)
def test_where_nothing_may_be_quoted_the_box_says_so_without_a_number(settings, said):
    text = quoted(**settings)
    assert said in text
    assert text.endswith("no number of this section may be quoted as the study’s result.")
    assert not re.search(r"\d", text)


def test_a_primary_method_that_is_held_back_is_not_quoted():
    section = strategy_section(suppressed=HELD_BACK, settings={"primary": CLONES})
    (text,) = quotable(section)
    assert "clone-censor-weight, has no estimate (suppressed: fewer than 10 patients treated" in text


@pytest.mark.parametrize("primary", ["landmark", "time_dependent", CLONES, "sequential", "", NAIVE])
@pytest.mark.parametrize("layout", ["small", "registry"])
def test_the_page_claims_associations_alone_in_sentences_that_can_be_read(layout, primary):
    section = strategy_section(layout, settings={"primary": primary})
    text = plain(page(section)).lower()
    assert not re.search(r"reduc|improv|benefit|significan|protect|caused by|prevents", text)
    assert 0 < len(quotable(section)) <= 2
    assert max(map(len, quotable(section))) < 400


def test_small_cohorts_start_from_everybody_and_put_clones_into_an_appendix():
    found = headings(strategy_section())
    assert found[0] == "Where everybody is, from day zero on"
    assert found[1] == "Pre-specified: landmark"
    assert [name for name in found if name.startswith("Appendix")] == found[-3:-1]
    assert found[-1] == "Every method on one scale"


def test_registries_start_from_the_strategies_and_call_the_rest_sensitivity():
    found = headings(strategy_section("registry", settings={"primary": CLONES}))
    assert found[0] == "Pre-specified: clone-censor-weight"
    assert "Sensitivity: landmark" in found
    assert not any(name.startswith("Appendix") for name in found)
    section = strategy_section("registry")
    table = contrast(section, result_of(section, CLONES))
    assert [row.name.split("\n")[0][:4] for row in table.rows] == ["Risk", "Mean", "Haza"]
    assert "averaged over a grace period in which the arms share patients" in table.rows[-1].name


def test_clones_count_patients_and_have_no_p_value():
    rows = [row.label(p_value=0.04) for row in clone_rows()]
    section = strategy_section(rows=[*strategy_rows("landmark", (1.76, 0.86, 3.6), time=100.0), *rows])
    result = result_of(section, CLONES)
    (said,) = clones_told(section, result)
    assert said.startswith("137 patients, not 274: clones add no information. 12 had chronic GVHD")
    cells = [cell for row in (*contrast(section, result).rows, methods(section).rows[-1]) for cell in row.cells]
    assert not any("p\u00a0" in cell for cell in cells)
    text = plain(page(section))
    for shown in ("61.2", "8.31", "18.0 %", "Failed resamples: 3 of 500", "Censored artificially", "88"):
        assert shown in text


def test_what_is_held_back_is_shown_as_held_back():
    section = strategy_section(suppressed=HELD_BACK, settings={"primary": "landmark"})
    (line,) = [line for line in forest_lines(section) if line.name == "Clone-censor-weight"]
    assert (line.estimate, line.absent) == (None, "suppressed")
    (row,) = [row for row in methods(section).rows if row.name.startswith("Clone")]
    assert row.cells[2:] == ("suppressedᵃ",) * 3
    assert "Suppressed: fewer than 10 patients" in methods(section).note
    assert "28 patients, not 56" in clones_told(section, result_of(section, CLONES))[0]
    assert contrast(section, result_of(section, CLONES)) is None


def test_the_immortal_time_is_told_with_the_endpoints_own_event():
    first, second, third = map(plain, immortal_time(strategy_section()))
    assert first == (
        "Before treatment the 61 treated contributed 11,842 patient-days in which relapse or death was impossible; "
        "at the untreated rate 24.9 such events were expected."
    )
    assert "0.41: all of the naive effect (the biased naive ratio 0.42, time-dependent 1.02" in second
    assert third.endswith("by 0.58, from the 1.76 of the pre-specified method to the time-dependent 1.02.")


def test_little_immortal_time_is_told_as_little():
    rows = [row.label(estimate=-0.05) if row.rows["statistic"][0] == "bias_immortal" else row
            for row in strategy_accounts()]  # fmt: skip
    rows += strategy_rows("time_dependent", (0.44, 0.3, 0.7))
    said = plain(immortal_time(strategy_section(rows=rows))[1])
    assert "multiplies the hazard ratio by 0.95: little of the naive effect, 6 %" in said


def test_landmarks_count_who_is_compared_and_who_was_gone():
    table = landmarks(strategy_section())
    assert table.rows[0].cells[:3] == ("5†\n3 events", "100\n39 events", "24\n22 events")
    assert table.rows[1].name == "Day 100\npre-specified"
    assert "† Fewer than 10 treated." in table.note


def test_the_time_dependent_part_has_the_test_of_mantel_and_byar():
    section = strategy_section()
    text = plain(mantel_byar(section, result_of(section, "time_dependent")))
    assert text.endswith("χ² = 0.01, 1 degree of freedom, p = 0.940.")


def test_causes_stand_side_by_side():
    section = cause_strategy_section()
    table = cause_ratios(section)
    assert [name.split("\n")[0] for name in table.header] == ["Method", "Relapse", "Death without relapse"]
    assert table.rows[0].cells[0].startswith("0.80")
    assert table.rows[0].cells[1].startswith("1.40")
    table = cause_risks(section)
    assert [row.name for row in table.rows[:3]] == ["Clone-censor-weight", "chronic GVHD within 90\u00a0days",
                                                    "no chronic GVHD"]  # fmt: skip
    assert table.rows[1].cells == ("41.0 (31.0–51.0)", "20.0 (10.0–30.0)")
    assert not any("Naive" in row.name for row in table.rows)


def test_groups_are_words_and_the_treated_come_first():
    section = curves_of(strategy_section(), CLONES)
    groups = section.curves.rows["group"].unique(maintain_order=True).to_list()
    assert groups == ["strategy=chronic GVHD within 90\u00a0days", "strategy=no chronic GVHD"]
    section = curves_of(strategy_section(settings={"comparator": "within_grace"}), CLONES)
    assert section.curves.rows["group"][-1] == "strategy=not within 90\u00a0days"
    late = curves_of(strategy_section(settings={"landmarks": [60.0, 100.0]}), "landmark")
    assert curve_start(strategy_section(), "landmark") == 100.0
    assert late.curves.rows["group"][0] == "strategy=chronic GVHD by day\u00a0100"


def test_a_treatment_with_a_state_is_short_in_names_and_whole_in_the_box():
    words = "transplantation (while in CR; no relapse before)"
    section = strategy_section(settings={"treatment": words})
    assert treatment_words(section) == "transplantation"
    assert f"{words} by then was associated" in quotable(section)[0]


def test_states_are_named_by_the_endpoints_event():
    section = strategy_section()
    named = [state_words(section, state) for state in ("untreated", "treated", "dfs", "dfs after cgvhd")]
    assert named == ["event-free, no chronic GVHD", "event-free after chronic GVHD",
                     "relapse or death, no chronic GVHD", "relapse or death after chronic GVHD"]  # fmt: skip
    late = Endpoint(name="x", origin="infusion", events=("relapse after hsct",), competing=("death",))
    odd = Section("strategy", "x", late, settings={"treatment": "dli"})
    assert state_words(odd, "relapse after hsct").endswith(", no donor lymphocyte infusion")
    assert state_words(odd, "relapse after hsct after dli").endswith("after donor lymphocyte infusion")
    assert event_words(odd) == "relapse after transplantation"
    order = states_of(section).curves.rows["term"].unique(maintain_order=True).to_list()
    assert order == named


@pytest.mark.parametrize("layout", ["small", "registry"])
def test_the_design_is_beside_the_target_trial(layout):
    section = strategy_section(layout)
    (table,) = [table for part in kind_of(section).parts(section) for table in part.tables
                if table and table.header[:2] == ("Item", "Target trial")]  # fmt: skip
    assert [row.cells for row in table.rows] == [item[1:] for item in section.design]
    assert table.prose


def test_an_analysis_without_rows_is_a_page_too():
    section = Section("strategy", "Nothing", strategy_section().endpoint, concat(()))
    assert headings(section) == []
    assert "No method was pre-specified" in page(section)


def test_a_warning_of_a_row_that_no_table_has_stands_above():
    row = make_estimate("mantel_byar", method="time_dependent", warning="few_events: the test has little to go by")
    section = strategy_section(rows=[row, *strategy_rows("time_dependent", (1.0, 0.5, 2.0), warning="beside")])
    assert warned(section) == ("Few events: the test has little to go by (time dependent).",)


def test_the_report_has_every_figure_as_a_file_and_every_name_once(tmp_path):
    sections = (strategy_section(), strategy_section("registry"), cause_strategy_section())
    files = write_report(Page("A study", sections=sections), tmp_path / "out")
    figures = [path.name for path in files if path.suffix == ".svg"]
    assert sum(name.endswith("-methods.svg") for name in figures) == 3
    assert any("clone-censor-weight-balance" in name for name in figures)
    html = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    levels = [int(level) for level in re.findall(r"<h([1-6])", html)]
    assert all(after - before <= 1 for before, after in itertools.pairwise(levels))
    assert all(text.endswith("The tables below have the numbers.") for text in re.findall(r"<desc[^>]*>([^<]*)<", html))


def overlaps(figure):
    """Return the pairs of texts of a figure that touch."""
    figure.canvas.draw()
    boxes = [(text.get_text(), text.get_window_extent()) for text in figure.texts if text.get_text()]
    return [(one, other) for (one, a), (other, b) in itertools.combinations(boxes, 2) if a.overlaps(b)]


def test_no_text_of_the_figures_touches_another():
    section = strategy_section()
    assert overlaps(draw_methods(section)) == []
    assert overlaps(draw_balance(result_of(section, CLONES))) == []


@pytest.mark.parametrize(("patients", "told"), [(60, True), (137, False)])
def test_small_cohorts_are_told_how_often_the_limits_of_clones_err(patients: int, told: bool) -> None:
    row = make_estimate("hazard_ratio", method=CLONES, kind="strategy", estimate=0.9, lower=0.5, upper=1.6, n=patients)
    section = replace(strategy_section(), estimates=row)
    (said,) = clones_told(section, result_of(section, CLONES))
    assert said.startswith(f"{patients} patients, not {2 * patients}")
    assert ("leave 1 out in 8 to 9 of 100 studies" in said) == told
