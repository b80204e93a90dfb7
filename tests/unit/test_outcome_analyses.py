"""The analysis kinds rmst, outcome and paired: who is evaluable, what is counted, what is refused, what is printed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cohorts import history
from dayzero.analyses.context import Context
from dayzero.analyses.outcome import OutcomeSettings, run_outcome
from dayzero.analyses.outcome_windows import Observation, happened, highest, levels_of
from dayzero.analyses.paired import PairedSettings, run_paired
from dayzero.analyses.rmst import RmstSettings, run_rmst
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Endpoint, library, parse_term
from dayzero.report.formats import percent, ratio
from dayzero.report.intervals import Intervals, Line, draw_intervals
from dayzero.report.kinds import kind_of
from dayzero.report.page import Section

COURSES = """
patient event day value
a infusion 0
a crs 3 1
a crs 6 2
a response 25 CR
a infusion 100
a crs 100 1
a last_contact 400
b infusion 0
b crs 2 3
b infusion 90
b last_contact 300
c infusion 0
c last_contact 20
d infusion 0
d response 28 CR
d death 200
e infusion 0
e crs 4 1
e death 10
f infusion 0
f response 29 CR
f crs 1 0
f last_contact 300
"""
PATIENTS = "patient,arm,age\na,p,40\nb,p,50\nc,q,60\nd,q,35\ne,q,70\nf,p,45\n"


@pytest.fixture
def cohort(tmp_path: Path) -> History:
    return history(tmp_path, COURSES, patients=PATIENTS)


@pytest.fixture
def context(cohort: History) -> Context:
    os = Endpoint(origin="infusion:1", events=("death",), name="os", label="Overall survival")
    relapse = Endpoint(origin="infusion:1", events=("response=CR",), competing=("death",), name="cr", label="CR")
    return Context(cohort, replace(library(), endpoints={**library().endpoints, "os": os, "cr": relapse}))


def values(section: Section, statistic: str, column: str = "estimate", **match: object) -> list[object]:
    return section.estimates.where(statistic=statistic, **match).rows[column].to_list()  # type: ignore[arg-type]


def printed(section: Section) -> str:
    """Return every word of the section: sentences, tables; its figures are drawn on the way."""
    kind = kind_of(section)
    for drawing in kind.drawings(section):
        drawing.draw(synthetic=True)
    tables = [table for table in (*kind.tables(section), *kind.details(section)) if table]
    cells = [cell for table in tables for row in table.rows for cell in (row.name, *row.cells)]
    return " | ".join([*kind.sentences(section), *(table.caption for table in tables), *cells]).replace("\u00a0", " ")


def test_yes_no_and_nobody_can_say(cohort: History) -> None:
    origin = np.zeros(6)
    seen = happened(cohort, parse_term("response=CR"), Observation(origin, origin + 28))
    # c left on day 20; e died on day 10, and so never reached a remission; f reached it a day late
    assert dict(zip("abcdef", seen.tolist(), strict=True)) == {"a": 1, "b": 0, "c": -1, "d": 1, "e": 0, "f": 0}


def test_the_highest_value_counts_and_only_within_the_days(cohort: History) -> None:
    origin, term = np.zeros(6), parse_term("crs")
    levels = levels_of(cohort, term)
    assert levels == ("0", "1", "2", "3")
    assert highest(cohort, term, Observation(origin, origin + 28), levels).tolist() == [2, 3, -1, -1, 1, 0]
    assert highest(cohort, term, Observation(origin, origin + 3), levels).tolist() == [1, 3, -1, -1, -1, 0]


def test_an_outcome_counts_the_evaluable_and_says_who_is_not(context: Context) -> None:
    section = run_outcome(OutcomeSettings(event="response=CR", within=28.0, by="arm"), context)
    assert values(section, "proportion", method="Wilson", group=None) == [2 / 5]
    assert values(section, "proportion", "n", method="Wilson") == [5, 3, 2]
    assert section.notes[0].startswith("5 of 6 patients with the origin were evaluable; 1 were not")
    assert set(section.estimates.rows["warning"]) == {"not_evaluable: 1 of 6 patients"}
    assert values(section, "fisher", "p_value") == [1.0]
    assert "2 of 5 (40.0 %; 95 % CI 5.3–85.3)" in printed(section)


def test_ever_counts_every_follow_up_and_warns(context: Context) -> None:
    section = run_outcome(OutcomeSettings(event="response=CR"), context)
    assert values(section, "proportion", "n_events", method="Wilson") == [3]
    assert "followed for longer" in section.notes[1]


def test_an_ordinal_outcome_is_the_value_and_absence_only_where_it_is_said(context: Context) -> None:
    known = run_outcome(OutcomeSettings(event="crs", within=28.0, method="ordinal"), context)
    assert values(known, "proportion", "n_events", method="Wilson") == [1, 1, 1, 1]
    absent = run_outcome(OutcomeSettings(event="crs", within=28.0, method="ordinal", absent="0"), context)
    assert values(absent, "proportion", "n_events", method="Wilson") == [
        2,
        1,
        1,
        1,
    ]  # d; c was not seen for long enough
    assert "Patients seen throughout without one count as 0." in absent.definition
    model = run_outcome(OutcomeSettings(event="crs", method="ordinal", absent="0", terms=("age",)), context)
    assert values(model, "odds_ratio", "term") == ["age"]
    assert "Proportional odds" in " ".join(t.note for t in kind_of(model).tables(model) if t)


@pytest.mark.parametrize("method", ["logistic", "firth"])
def test_a_regression_names_its_reference_and_its_method(context: Context, method: str) -> None:
    settings = OutcomeSettings(event="response=CR", within=30.0, terms=("arm", "age"), method=method, roc=("age",))  # type: ignore[arg-type]
    section = run_outcome(settings, context)
    assert section.settings["reference"] == {"arm": "p"}
    assert values(section, "odds_ratio", "term") == ["arm=q", "age"]
    assert values(section, "auc", "n") == [5]
    text = printed(section)
    assert "Arm (reference: p)" in text
    assert "area under the ROC curve of age" in text


def test_ordered_words_need_an_order(context: Context) -> None:
    with pytest.raises(InputError, match="no numbers"):
        run_outcome(OutcomeSettings(event="response", method="ordinal"), context)
    with pytest.raises(InputError, match="no level"):
        run_outcome(OutcomeSettings(event="response", method="ordinal", levels=("PR",)), context)
    ordered = OutcomeSettings(event="response", within=30.0, method="ordinal", levels=("none", "CR"), absent="none")
    assert values(run_outcome(ordered, context), "proportion", "n_events", method="Wilson") == [2, 3]
    with pytest.raises(InputError, match="no level of the outcome"):
        run_outcome(replace(ordered, absent="PD"), context)


@pytest.mark.parametrize(
    ("settings", "column"),
    [
        ({"within": -1.0}, "within"),
        ({"terms": ("age", "age")}, "terms"),
        ({"level": 1.0}, "level"),
        ({"absent": "0"}, "absent"),
        ({"method": "ordinal", "roc": ("age",)}, "roc"),
    ],
)
def test_settings_without_a_use_are_refused(settings: Mapping[str, object], column: str) -> None:
    with pytest.raises(InputError) as refused:
        OutcomeSettings(event="response=CR", **settings)  # type: ignore[arg-type]
    assert refused.value.column == column


def test_unknown_columns_and_outcomes_of_nobody_are_refused(context: Context) -> None:
    with pytest.raises(InputError, match="no baseline column"):
        run_outcome(OutcomeSettings(event="response=CR", terms=("weight",)), context)
    with pytest.raises(InputError, match="nobody is evaluable"):
        run_outcome(OutcomeSettings(event="response=CR", origin="hsct"), context)


def test_pairs_are_the_patients_with_both_courses(context: Context) -> None:
    """The first course's time ends before the second: the event on the day of the second infusion belongs to it."""
    section = run_paired(PairedSettings(event="crs", test="signed_rank", within=28.0, absent="0"), context)
    assert values(section, "median_difference") == [-2.0]  # a: 2 to 1; b: 3 to 0
    assert values(section, "signed_rank", "p_value") == [0.5]
    assert section.notes == ("2 patients are compared with themselves. 4 had the first course alone.",)
    assert "Wilcoxon signed-rank, exact" in printed(section)


def test_without_a_level_for_absence_a_course_without_the_event_is_not_known(context: Context) -> None:
    section = run_paired(PairedSettings(event="crs", test="signed_rank"), context)
    assert values(section, "signed_rank", "n") == [1]
    assert section.notes[0].endswith("1 had both, but what followed one of them is not known.")
    assert set(section.estimates.rows["warning"].drop_nulls()) >= {"not_evaluable: 1 of 2 patients"}


def test_mcnemar_between_two_courses(context: Context) -> None:
    section = run_paired(PairedSettings(event="crs>=2", within=28.0), context)
    assert values(section, "mcnemar", "n_events") == [2, 2]
    assert values(section, "mcnemar", "p_value", method="exact") == [0.5]
    assert "After the second course | 0 of 2" in printed(section)
    with pytest.raises(InputError, match="no patient has"):
        run_paired(PairedSettings(event="crs>=2", second="hsct"), context)
    with pytest.raises(InputError, match="no use for this"):
        PairedSettings(event="crs", absent="0")


def test_restricted_means_of_an_endpoint(context: Context) -> None:
    section = run_rmst(RmstSettings("os", horizon=200.0, by="arm", milestones=(100.0,), reference="q"), context)
    assert values(section, "rmst", "group") == ["arm=q", "arm=p"]
    assert values(section, "rmst_difference", "group") == ["arm=q|p"]
    assert values(section, "survival_difference", "time") == [100.0]
    assert len(values(section, "survival")) == 2
    assert section.notes == ("Differences are the second group less the first; q comes first.",)
    assert "p less q" in printed(section)
    assert "6.6 months (no limits) in p" in printed(section)


def test_restricted_means_where_events_compete(context: Context) -> None:
    section = run_rmst(RmstSettings("cr", window=(10.0, 100.0)), context)
    assert values(section, "rmtl", "term") == ["response=CR", "death"]
    total = values(section, "rmst") + values(section, "rmtl")
    assert np.sum(total) == pytest.approx(90.0)  # type: ignore[arg-type]
    assert "between 10 days and 100 days" in printed(section)


@pytest.mark.parametrize(
    ("settings", "column"),
    [
        ({}, None),
        ({"horizon": 100.0, "window": (1.0, 2.0)}, None),
        ({"horizon": 0.0}, "horizon"),
        ({"window": (30.0, 20.0)}, "window"),
        ({"horizon": 10.0, "milestones": (5.0,)}, "milestones"),
        ({"horizon": 10.0, "by": "arm", "milestones": (-5.0,)}, "milestones"),
        ({"horizon": 10.0, "level": 0.0}, "level"),
    ],
)
def test_means_without_their_days_are_refused(settings: Mapping[str, object], column: str | None) -> None:
    with pytest.raises(InputError) as refused:
        RmstSettings("os", **settings)  # type: ignore[arg-type]
    assert refused.value.column == column


def lines(figure) -> int:
    return sum(len(axes.get_lines()) for axes in figure.axes)


def test_intervals_beyond_the_axis_end_in_an_arrow() -> None:
    wide = Line("a", 3.0, 0.5, 900.0)
    shown = Intervals(
        "Odds ratios", "OR", "", (wide, Line("b", 2.0, 1.0, 4.0), Line("c", None, None, None)), ratio, 1.0, True
    )
    assert lines(draw_intervals(shown)) == 2 + 2 + 1
    texts = [text.get_text() for text in draw_intervals(shown, synthetic=True).texts]
    assert {"3.00 (0.50–900.00)", "not estimable", "SIMULATED DATA"} <= set(texts)


def test_differences_have_signs_and_a_linear_axis() -> None:
    shown = Intervals("Differences", "%", "", (Line("a", -0.07, -0.13, 0.01),), percent, 0.0)
    figure = draw_intervals(shown)
    assert "−7.0 (−13.0 to 1.0)" in [text.get_text() for text in figure.texts]
    low, high = figure.axes[0].get_xlim()
    assert low <= -0.13
    assert high >= 0.01
