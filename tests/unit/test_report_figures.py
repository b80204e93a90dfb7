"""Figures: every label, every number of curves, numbers under the ticks, one and the same bytes."""

import itertools
import re
import subprocess
import sys
import warnings
from xml.etree import ElementTree as ET

import pytest

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.protocol import Endpoint
from dayzero.report import draw_cumulative_incidence, draw_forest, draw_survival, time_axis
from dayzero.report.canvas import width_of, wrap
from dayzero.report.curve_names import spread
from dayzero.report.palette import style_of
from dayzero.report.series import read_survival
from dayzero.report.svg import to_svg
from report_sections import DAYS, ODD, cox_section, incidence_section, survival_section


def svg_of(figure, key="k"):
    return to_svg(figure, key=key, title="title", description="description")


def texts_of(svg):
    root = ET.fromstring(svg)  # noqa: S314  # our own drawing
    return ["".join(element.itertext()) for element in root.iter("{http://www.w3.org/2000/svg}text")]


def test_a_figure_has_the_same_bytes_every_time():
    assert svg_of(draw_survival(survival_section())) == svg_of(draw_survival(survival_section()))


@pytest.mark.parametrize("count", range(1, 13))
def test_any_label_is_written_as_it_is(count):
    svg = svg_of(draw_survival(survival_section(ODD[:count], by="a, b=c")))
    written = texts_of(svg)
    assert "AML low risk" in written
    for label in ODD[:count]:
        if label.isprintable() and 0 < width_of(label) < 1.2:
            assert label in written
    if count >= 4:
        assert "$x_1$ and_more" in written


def test_characters_that_no_font_has_and_xml_forbids_give_no_warning():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        svg = svg_of(draw_survival(survival_section(("\U000f0000", "\x00a", "漢字"))))
    assert "漢字" in texts_of(svg)
    assert "\x00" not in svg


def test_the_svg_asks_for_nothing_and_has_nothing_that_a_strict_policy_forbids():
    svg = svg_of(draw_survival(survival_section(ODD)), key="one")
    assert not re.search(r"<style|<script|<image|<metadata|DOCTYPE| style=", re.sub(r">[^<]*<", "><", svg))
    assert set(re.findall(r"https?://[^\"]*", svg)) == {"http://www.w3.org/2000/svg"}
    assert all(name.startswith("one-") for name in re.findall(r' id="([^"]+)"', svg))
    ids = re.findall(r' id="([^"]+)"', svg)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(|href=")#([^)"]+)', svg)) <= set(ids)


def test_a_figure_is_read_aloud():
    root = ET.fromstring(svg_of(draw_survival(survival_section())))  # noqa: S314
    assert root.get("role") == "img"
    assert [root[k].text for k in (0, 1)] == ["title", "description"]
    assert root.get("aria-labelledby") == f"{root[0].get('id')} {root[1].get('id')}"


def test_numbers_at_risk_stand_right_under_their_ticks():
    figure = draw_survival(survival_section(("high",)))
    axes = figure.axes[0]
    ticks = time_axis(DAYS[-1]).ticks
    for k, tick in enumerate(ticks[:3]):
        (cell,) = [text for text in figure.texts if text.get_text() == f"{20 - k} ({k})"]
        tick_place = figure.transFigure.inverted().transform(axes.transData.transform((tick, 0)))[0]
        assert cell.get_position()[0] == pytest.approx(tick_place, abs=1e-9)
        assert cell.get_ha() == "center"


def test_events_of_each_cause_stand_beside_the_number_at_risk():
    written = texts_of(svg_of(draw_cumulative_incidence(incidence_section(), "death")))
    assert "Number at risk (death without relapse | relapse)" in written
    assert "11 (3 | 7)" in written


def test_the_test_is_named_with_its_p_and_belongs_to_the_event():
    assert "Log-rank test, p\u00a0=\u00a00.003" in texts_of(svg_of(draw_survival(survival_section())))
    assert "Gray’s test, p\u00a0=\u00a00.400" in texts_of(
        svg_of(draw_cumulative_incidence(incidence_section(), "death"))
    )
    assert not any("test" in text for text in texts_of(svg_of(draw_cumulative_incidence(incidence_section(by="")))))


def test_one_plot_of_all_events_where_there_are_no_groups():
    written = texts_of(svg_of(draw_cumulative_incidence(incidence_section(by=""))))
    assert {"relapse", "death without relapse"} <= set(written)


def test_simulated_data_are_stamped():
    for draw, section in (
        (draw_survival, survival_section()),
        (draw_cumulative_incidence, incidence_section()),
        (draw_forest, cox_section()),
    ):
        assert "SIMULATED DATA" in texts_of(svg_of(draw(section, synthetic=True)))
        assert "SIMULATED DATA" not in texts_of(svg_of(draw(section)))


def test_a_curve_censored_at_a_treatment_is_called_hypothetical():
    cut = Endpoint(name="os", label="Overall survival", origin="infusion", events=("death",), censor_at=("hsct",))
    written = texts_of(svg_of(draw_survival(survival_section(endpoint=cut))))
    assert "hypothetical: censored at transplantation" in written


def test_a_curve_is_thin_after_the_last_day_with_five_at_risk():
    section = survival_section(few_from=300.0, at_risk=concat(()))
    (curve, _) = read_survival(section)
    assert curve.sparse_from == 100.0
    widths = {line.get_linewidth() for line in draw_survival(section).axes[0].lines}
    assert widths == {0.7, 1.8, 0.8}
    assert 0.7 not in {line.get_linewidth() for line in draw_survival(survival_section()).axes[0].lines}


def test_bands_are_drawn_for_at_most_three_curves():
    bands = [
        len([c for c in draw_survival(survival_section(ODD[:k])).axes[0].collections if c.get_alpha() == 0.1])
        for k in (1, 3, 4)
    ]
    assert bands == [1, 3, 0]


def test_curves_keep_their_values_where_steps_are_dropped():
    (curve, _) = read_survival(survival_section())
    assert list(curve.time) == list(DAYS)
    assert list(curve.estimate) == [1.0, 0.9, 0.7, 0.6]


def test_twelve_figures_of_three_arms_stay_small():
    days = [float(day) for day in range(100)]
    curves = [
        make_estimate(
            "survival",
            group=f"arm={k}",
            time=days,
            estimate=[1 - day / 1000 for day in days],
            lower=[0.9 - day / 1000 for day in days],
            upper=[min(1.0, 1.1 - day / 1000) for day in days],
            n=100,
        )
        for k in range(3)
    ]
    assert 12 * len(svg_of(draw_survival(survival_section(curves=concat(curves))))) < 400_000


def test_an_arm_without_events_and_a_patient_alone():
    flat = make_estimate("survival", group="arm=a", time=[0.0], estimate=[1.0], n=1)
    section = survival_section(curves=flat, at_risk=concat(()), estimates=concat(()))
    assert {"a", "n = 1"} <= set(texts_of(svg_of(draw_survival(section))))


def test_settings_of_matplotlib_are_left_alone():
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    svg_of(draw_survival(survival_section()))
    assert dict(mpl.rcParams) == before


def test_importing_the_report_imports_neither_matplotlib_nor_jinja2():
    code = "import sys, dayzero.report; print(sorted({'matplotlib', 'jinja2'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_a_forest_clips_what_has_no_end_and_says_what_cannot_be_estimated():
    section = cox_section(
        ((0.5, 0.3, 0.9), (None, None, None), (1e12, 2.0, None), (3.0, 1e-9, 1e9)), ("a", "b", "c", "d=x")
    )
    figure = draw_forest(section)
    low, high = figure.axes[0].get_xlim()
    assert high <= 64.0
    assert low >= 1 / 64.0 - 1e-12
    assert "not estimable" in texts_of(svg_of(figure))
    assert {"<", ">"} <= {line.get_marker() for line in figure.axes[0].lines}


def test_styles_differ_in_colour_or_dash():
    assert len({style_of(k) for k in range(12)}) == 12
    assert len({style_of(k).dashes for k in range(6)}) == 6


def test_labels_move_apart_and_stay_inside():
    tops = spread([1.0, 1.0, 0.95, 0.1], [0.2, 0.2, 0.3, 0.2], low=0.0, high=1.0)
    ordered = sorted(zip(tops, [0.2, 0.2, 0.3, 0.2], strict=True), reverse=True)
    assert all(upper - height >= lower - 1e-12 for (upper, height), (lower, _) in itertools.pairwise(ordered))
    assert max(tops) <= 1.0
    assert min(tops) >= 0.2


@pytest.mark.parametrize("label", [label for label in ODD if label])
def test_wrapped_lines_fit(label):
    lines = wrap(label, 1.2, most=9)
    assert all(width_of(line) <= 1.2 for line in lines)
    assert "".join(lines).replace(" ", "") == label.replace(" ", "").replace("\x00", "\ufffd").replace("\x1b", "\ufffd")


@pytest.mark.parametrize("last_day", [0.0, 0.5, 1, 28, 99, 101, 365, 1095, 1101, 2640, 5000, 10_000, 40_000])
def test_ticks_are_few_start_at_zero_and_stay_inside(last_day):
    axis = time_axis(last_day)
    assert axis.ticks[0] == 0.0
    assert len(axis.ticks) == len(axis.labels) <= 9
    assert axis.ticks[-1] <= max(last_day, 1.0) + 1e-9
    assert list(axis.ticks) == sorted(set(axis.ticks))


def test_seven_years_have_a_tick_a_year():
    assert time_axis(2640).labels == tuple("01234567")


def test_wide_cells_stand_under_every_second_tick_and_never_touch():
    groups = [f"disease={k}" for k in range(5)]
    ticks = list(time_axis(2640).ticks)
    curves = [make_estimate("cumulative_incidence", group=g, term=t, time=[0.0, 2640.0], estimate=[0.0, 0.3], n=2345)
              for g in groups for t in ("relapse", "death")]  # fmt: skip
    counts = [make_estimate(name, group=g, term=term, time=ticks, estimate=[1234.0] * len(ticks)) for g in groups
              for name, term in (("n_at_risk", None), ("n_events", "relapse"), ("n_events", "death"))]  # fmt: skip
    section = incidence_section(by="disease", curves=concat(curves), at_risk=concat(counts))
    figure = draw_cumulative_incidence(section, "relapse")
    cells = [text for text in figure.texts if text.get_text() == "1234 (1234 | 1234)"]
    places = sorted({text.get_position()[0] * 8 for text in cells})
    assert len(places) == 4
    assert len(cells) == 20
    size = cells[0].get_fontsize()
    assert size >= 7.5
    assert min(b - a for a, b in itertools.pairwise(places)) > width_of(cells[0].get_text(), size) + 0.1


def test_many_censoring_marks_are_finer():
    days = [float(day) for day in range(1, 202)]
    marks = make_estimate("censored", group="risk=high", time=days, estimate=0.9)
    section = survival_section(("high",))
    axes = draw_survival(survival_section(("high",), curves=concat([section.curves, marks]))).axes[0]
    assert min(line.get_linewidth() for line in axes.lines) == 0.4


def test_a_test_with_a_warning_says_so_in_the_figure():
    warned = make_estimate("logrank", method="log-rank", estimate=1.0, df=1.0, p_value=0.3, warning="few events")
    written = texts_of(svg_of(draw_survival(survival_section(estimates=warned))))
    assert "Log-rank test, p\u00a0=\u00a00.300 (see the warning)" in written


def test_rows_of_an_estimate_are_not_changed_by_drawing():
    section = survival_section()
    before = section.curves.rows.clone()
    draw_survival(section)
    assert isinstance(section.curves, Estimate)
    assert section.curves.rows.equals(before)
