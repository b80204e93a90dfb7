"""The five built-in protocols: readable, complete, and true to what their documents print."""

import math
import re

import pytest

from dayzero.analyses import KINDS
from dayzero.protocol import Protocol, builtin_names, parse_term, protocol_file, read_protocol
from dayzero.record import Record, read_records
from dayzero.report.protocol_page import render_protocol
from dayzero.report.protocol_text import protocol_text
from dayzero.report.protocol_timeline import span_of, timeline_of
from dayzero.report.protocol_view import read_view
from dayzero.settings import parse_settings, read_toml

NAMES = ("bicistronic-cd19-cd22", "cd7-second-hsct", "hcart19s", "low-dose-cd19", "sandwich")
EACH = pytest.mark.parametrize("name", NAMES)


def plan(name: str) -> Protocol:
    return read_protocol(protocol_file(name))


def records(name: str) -> dict[str, Record]:
    return {record.id: record for record in read_records(read_toml(protocol_file(name)))}


def test_the_names_of_the_contract() -> None:
    assert builtin_names() == NAMES
    assert sorted(plan(name).seed for name in NAMES) == ["000", "001", "002", "003", "004"]


@EACH
def test_a_protocol_says_where_it_comes_from(name: str) -> None:
    read = plan(name)
    assert read.name == name
    assert all((read.title, read.source, read.status, read.disease, read.population, read.not_stated))
    assert read.courses
    assert read.eligibility
    assert read.comparisons


@EACH
def test_its_planned_comparisons_are_analyses_of_a_study(name: str) -> None:
    toml = read_toml(protocol_file(name))
    for comparison in plan(name).comparisons:
        settings: type[object] = KINDS[comparison.kind].settings
        assert parse_settings(settings, dict(comparison.settings), toml=toml)


@EACH
def test_what_the_document_does_not_say_is_marked(name: str) -> None:
    read = plan(name)
    marked = (*read.courses, *read.decisions, *read.eligibility, *read.visits, *read.wordings)
    assert [item for item in marked if not item.quote and not item.source] == []
    assert [visit for visit in read.visits if visit.windows and not visit.windows_source] == []
    ranged = [course.dose for course in read.courses if course.dose and course.dose.lowest is not None]
    assert all(dose.range_source for dose in ranged)


@EACH
def test_every_figure_stands_in_its_quote(name: str) -> None:
    for record in records(name).values():
        for text in filter(None, (record.figure, record.lower, record.upper, record.p)):
            assert text in record.quote, record.id


@EACH
def test_a_derived_proportion_agrees_with_its_counts_or_says_so(name: str) -> None:
    for record in records(name).values():
        if record.kind != "proportion" or record.n is None or record.count is None or record.value is None:
            continue
        unit = 10.0**-record.decimals
        near = math.isclose(record.value, 100 * record.count / record.n, abs_tol=unit / 2 + 1e-9)
        assert near or record.note, record.id


@pytest.mark.parametrize(
    ("name", "figures"),
    [
        ("sandwich", {"93", "6-8"}),
        ("low-dose-cd19", {"51", "42", "36", "nine", "1 × 10^5"}),
        ("cd7-second-hsct", {"16", "100", "75", "58.5", "51.4"}),
        ("bicistronic-cd19-cd22", {"300", "99.1", "75.5", "93.5", "51", "292"}),
        (
            "hcart19s",
            {"28", "92.6", "74.7", "0.015", "482", "236", "35", "70.0", "57.1", "36.4", "80.0", "28.6", "33.3",
             "0.0063", "0.0893", "0.0018", "0.0183", "0.2327", "0.1818", "58.3", "66.7", "189", "149", "5.59",
             "0.064", "6.055", "0.250", "7.905", "0.139", "0.977", "2.6", "93.3", "15.5", "1,240", "63",
             "26.67", "43.75"},
        ),
    ],
)  # fmt: skip
def test_the_figures_of_each_document_are_there(name: str, figures: set[str]) -> None:
    assert figures <= {record.figure for record in records(name).values()}


def test_contradictions_are_kept_both() -> None:
    found = records("hcart19s")
    assert (found["abstract-follow-up"].interval, found["results-follow-up"].interval) == ("range", "confidence")
    assert (found["results-severe-crs"].count, found["discussion-severe-crs"].count) == (8, 7)
    assert (found["abstract-os-p"].figure, found["results-os-p-hsct-cart2"].figure) == ("0.006", "0.0893")
    assert found["results-lfs-1y-cart-hsct"].value == 80.0
    assert found["results-os-1y-cart-hsct"].value == 70.0
    assert "74.1" in found["abstract-mrd"].note


def test_seed_000_has_neither_n_nor_survival() -> None:
    found = records("sandwich").values()
    assert {record.n for record in found} == {None}
    assert not [record for record in found if record.kind == "km_rate"]
    assert "number of patients" in plan("sandwich").not_stated


def test_groups_that_are_known_later_are_no_baseline() -> None:
    for name in NAMES:
        for comparison in plan(name).comparisons:
            assert comparison.settings.get("by", "") == "", name


def test_the_sandwich_is_due_when_it_is_due() -> None:
    read = plan("sandwich")
    spans = {course.name: span_of(course.event, read.courses) for course in read.courses}
    assert spans == {"first infusion": (0, 0), "autologous transplant": (42, 56), "second infusion": (44, 58)}


def test_mrd_visits_of_seed_004() -> None:
    (visit,) = plan("hcart19s").visits
    assert visit.months == (1, 2, 3, 6, 12, 18, 24, 36, 48)
    assert [visit.allowance(month) for month in (3, 6, 48)] == [7, 14, 30]


def test_seed_004_defines_remission_regardless_of_counts() -> None:
    definitions = plan("hcart19s").definitions
    assert (definitions.response, definitions.relapse) == ("cr-regardless-of-counts", "seed-004")
    assert {"CR", "CRh", "CRi"} == set(parse_term(definitions.cr.split(" after")[0]).conditions[0].values)


@EACH
def test_its_page_is_one_file_that_asks_for_nothing(name: str) -> None:
    page = render_protocol(read_view(name))
    assert "<script" not in page
    assert not re.search(r'(?:src|href)="(?!#|data:,)', page)
    assert ' style="' not in page
    assert page.count("<svg viewBox") == 1
    for course in plan(name).courses:
        assert f">{course.name}</text>" in page


@EACH
def test_its_text_fits_a_terminal(name: str) -> None:
    text = protocol_text(read_view(name))
    assert max(map(len, text.splitlines())) <= 100
    for course in plan(name).courses:
        assert course.name in text
    assert f"{len(records(name))} figures" in text


def test_a_long_axis_bends_and_a_short_one_does_not() -> None:
    assert timeline_of(plan("hcart19s")).is_bent
    assert not timeline_of(plan("sandwich")).is_bent
