"""Sentences and tables: every number in them comes from a row, in the words of a careful author."""

from dayzero.estimate import concat, make_estimate
from dayzero.protocol import Endpoint
from dayzero.report import Section
from dayzero.report.cox_table import hazard_ratios, model_tests
from dayzero.report.footnotes import footnotes
from dayzero.report.labels import event_label, group_labels
from dayzero.report.table_one import table_one
from dayzero.report.tables import at_risk, follow_up, group_tests, medians, rates
from dayzero.report.words import (
    describe_medians,
    describe_model,
    describe_rates,
    describe_tests,
    telling_time,
    warnings_of,
)
from report_sections import OS, cox_section, incidence_section, survival_section

NB = "\u00a0"


def plain(sentences):
    return [text.replace(NB, " ") for text in sentences]


def section_of(*rows, by="", endpoint=OS, kind="curve", **settings):
    return Section(kind, "Title", endpoint, concat(rows), settings={"by": by, **settings})


def test_a_rate_is_said_with_its_limits_and_the_number_at_risk():
    rows = [
        make_estimate("survival", time=365.0, estimate=0.58333, lower=0.496, upper=0.66),
        make_estimate("n_at_risk", time=365.0, estimate=80.0),
    ]
    assert plain(describe_rates(section_of(*rows))) == [
        "At 1 year, overall survival was 58.3 % (95 % CI 49.6–66.0; 80 at risk)."
    ]


def test_the_level_of_the_limits_is_said():
    row = make_estimate("survival", time=100.0, estimate=0.5, lower=0.4, upper=0.6)
    assert plain(describe_rates(section_of(row, level=0.9))) == [
        "At 100 days, overall survival was 50.0 % (90 % CI 40.0–60.0)."
    ]


def test_groups_are_named_in_one_sentence():
    assert plain(describe_rates(survival_section())) == [
        "At 1 year, overall survival was 58.3 % (95 % CI 49.6–66.0) in high and 48.3 % (49.6–66.0) in low."
    ]
    assert describe_rates(survival_section("abcde")) == ()


def test_the_sentence_is_of_the_last_time_with_five_at_risk_in_every_group():
    rates_, at_risk_ = [], []
    for group, left in (("arm=a", [30.0, 20.0, 9.0]), ("arm=b", [30.0, 5.0, 4.0])):
        rates_.append(make_estimate("survival", group=group, time=[100.0, 365.0, 730.0], estimate=[0.9, 0.8, 0.7]))
        at_risk_.append(make_estimate("n_at_risk", group=group, time=[100.0, 365.0, 730.0], estimate=left))
    section = section_of(*rates_, *at_risk_, by="arm")
    assert plain(describe_rates(section))[0].startswith("At 1 year, ")
    assert telling_time([], {}) is None
    few = [{"time": 30.0, "group": None, "estimate": 0.5}, {"time": 60.0, "group": None, "estimate": 0.4}]
    assert telling_time(few, {(None, 30.0): 4.0, (None, 60.0): 3.0}) == 30.0


def test_what_cannot_be_estimated_is_said_so():
    row = make_estimate("survival", time=3000.0, estimate=None, warning="beyond the last observation (day 2640)")
    section = section_of(row)
    assert plain(describe_rates(section)) == ["At 3000 days, overall survival was not estimable."]
    assert warnings_of(section) == ()
    table = rates(section)
    assert table is not None
    assert table.rows[0].cells[0] == "not estimableᵃ"
    assert table.note == "ᵃ Beyond the last observation (day 2640)."


def test_a_rate_without_limits():
    row = make_estimate("survival", time=100.0, estimate=1.0)
    assert plain(describe_rates(section_of(row))) == ["At 100 days, overall survival was 100.0 % (no limits)."]


def test_medians_reached_and_not():
    rows = [
        make_estimate("median", estimate=365.25, lower=182.625, upper=None),
        make_estimate("survival", time=365.0, estimate=0.5),
    ]
    assert plain(describe_medians(section_of(*rows))) == [
        "Median overall survival was 12.0 months (95 % CI 6.0–not reached)."
    ]
    none = make_estimate("median", estimate=None)
    assert describe_medians(section_of(none)) == ("Median overall survival was not reached (limits not reached).",)
    assert describe_medians(survival_section()) == ()


def test_a_test_is_described_without_a_verdict():
    (sentence,) = plain(describe_tests(survival_section()))
    assert sentence == (
        "Log-rank test of the whole curves of the two groups: χ² = 8.90, 1 degree of freedom, p = 0.003."
    )
    relapse = plain(describe_tests(incidence_section()))[0]
    assert "Gray’s test" in relapse
    assert "p = 0.003" in relapse


def test_a_test_that_could_not_be_made():
    row = make_estimate("logrank", method="log-rank", estimate=None, warning="one group")
    (sentence,) = plain(describe_tests(section_of(row, by="arm")))
    assert sentence == "Overall survival could not be compared between the groups (log-rank test: one group)."


def test_no_sentence_speaks_of_significance_or_causes():
    sections = (survival_section(), incidence_section(), cox_section())
    said = " ".join(
        text.lower()
        for section in sections
        for describe in (describe_rates, describe_medians, describe_tests, describe_model)
        for text in describe(section)
    )
    assert said
    for word in ("significan", "effect", "improve", "reduce", "cause", "because", "benefit", "protect", "predict"):
        assert word not in said


def test_a_model_is_described_by_its_first_column_and_what_adjusts_it():
    assert plain(describe_model(cox_section())) == [
        (
            "In the proportional hazards model of overall survival (137 patients, 83 events), the hazard ratio was "
            "0.50 for low against high (95 % CI 0.30–0.90, p = 0.020), adjusted for age."
        )
    ]
    numeric = plain(describe_model(cox_section(((1.02, 0.99, 1.05),), ("donor_age",))))[0]
    assert "1.02 for each unit of donor age (95 % CI" in numeric
    assert "adjusted" not in numeric
    lost = plain(describe_model(cox_section(((None, None, None), (1.0, 0.5, 2.0)), ("risk=low", "age"))))[0]
    assert "no hazard ratio of risk could be estimated, adjusted for age" in lost


def test_singular_and_plural():
    rows = [make_estimate("hazard_ratio", term="age", estimate=1.0, lower=0.5, upper=2.0, p_value=1.0, n=1, n_events=1)]
    assert "(1 patient, 1 event)" in describe_model(section_of(*rows, kind="cox"))[0]


def test_warnings_are_said_once_with_all_their_places_and_a_median_not_reached_is_none():
    rows = [
        make_estimate("n_at_risk", group=f"arm={k}", time=30.0, warning="3 patients without arm left out") for k in "ab"
    ]
    rows.append(make_estimate("survival", group="arm=a", time=30.0, estimate=0.5, warning="nobody left"))
    rows.append(make_estimate("median", group="arm=a", warning="the median was not reached"))
    assert warnings_of(section_of(*rows)) == (
        "3 patients without arm left out (arm = a at 30 days and arm = b at 30 days).",
    )


def test_a_warning_stands_beside_its_number_and_below_its_table():
    test = make_estimate("logrank", method="log-rank", estimate=2.0, df=1.0, p_value=0.16, warning="one event in a")
    table = group_tests(section_of(test, by="arm"))
    assert table is not None
    assert table.rows[0].cells[-1] == "0.160ᵃ"
    assert table.note == "ᵃ One event in a."
    middle = make_estimate("median", estimate=None, warning="a median needs one event")
    table = medians(section_of(middle))
    assert table is not None
    assert table.rows[0].cells[-1].endswith("ᵃ")
    ratio = make_estimate("hazard_ratio", kind="cox", term="age", warning="did not converge", n=3, n_events=1)
    table = hazard_ratios(section_of(ratio, kind="cox"))
    assert table is not None
    assert table.rows[0].cells == ("not estimableᵃ", "–")
    assert table.note.startswith("ᵃ Did not converge.\n")
    many = footnotes([{"statistic": "survival", "warning": f"w{k}"} for k in range(20)])
    assert len(set(many.values())) == 20


def test_the_table_of_rates_of_everybody():
    table = rates(survival_section(by=""))
    assert table is not None
    assert table.header == ("Time from transplantation", f"% (95{NB}% CI)", "At risk", "Events so far")
    assert [(row.name, row.cells) for row in table.rows] == [(f"1 year (day{NB}365)", ("58.3 (49.6–66.0)", "80", "8"))]
    assert table.note == ""


def test_a_few_groups_stand_side_by_side_and_many_below_each_other():
    table = rates(survival_section())
    assert table is not None
    assert table.header[1:] == (f"high\n% (95{NB}% CI)", f"low\n% (95{NB}% CI)")
    assert [(row.name, row.cells) for row in table.rows] == [
        (f"1 year (day{NB}365)", ("58.3 (49.6–66.0)\n80 at risk, 8 events", "48.3 (49.6–66.0)\n79 at risk, 8 events"))
    ]
    table = rates(survival_section("abcde"))
    assert table is not None
    assert [row.name for row in table.rows[:4]] == ["a", f"1 year (day{NB}365)", "b", f"1 year (day{NB}365)"]


def test_a_rate_of_few_patients_is_marked():
    rows = [
        make_estimate("survival", time=365.0, estimate=0.5, lower=0.1, upper=0.9),
        make_estimate("n_at_risk", time=365.0, estimate=4.0),
        make_estimate("survival", time=30.0, estimate=1.0),
    ]
    table = rates(section_of(*rows))
    assert table is not None
    assert table.rows[0].cells[0] == "50.0 (10.0–90.0)†"
    assert table.rows[1].cells[0] == "100.0 (–)"
    assert table.note.split("\n") == [
        "– There are no limits where the estimate is 0 or 100 %.",
        "† Fewer than 5 patients at risk, or than 10 % of them.",
    ]


def test_the_events_of_a_table_of_incidences_come_one_after_the_other():
    rows = [
        make_estimate(
            "cumulative_incidence", group=f"arm={arm}", term=term, time=100.0, estimate=0.1, lower=0.05, upper=0.2
        )
        for arm in "ab"
        for term in ("relapse", "death")
    ]
    table = rates(section_of(*rows, by="arm", endpoint=None))
    assert table is not None
    assert [(row.name, len(row.cells)) for row in table.rows] == [
        ("Relapse", 0), ("100 days", 2), ("Death", 0), ("100 days", 2)
    ]  # fmt: skip


def test_the_table_of_medians():
    table = medians(survival_section())
    assert table is not None
    assert table.rows[0].cells == ("20", "8", "not reached (9.9–not reached)")


def test_the_tables_of_tests():
    pair = make_estimate("logrank", group="risk=high|low", method="log-rank", estimate=8.9, df=1.0, p_value=0.0004)
    table = group_tests(survival_section(estimates=pair))
    assert table is not None
    assert table.rows[0].cells == ("high v low", "8.90", "1", "<0.001")


def test_numbers_below_the_figure_as_a_table():
    table = at_risk(incidence_section())
    assert table is not None
    assert table.rows[1].cells[0] == "30"
    assert len(table.header) == 5


def test_follow_up_keeps_the_range_apart_from_the_limits():
    rows = [
        make_estimate("median_follow_up", estimate=730.5, lower=365.25, upper=None, n=28),
        make_estimate("follow_up_minimum", estimate=30.4375),
        make_estimate("follow_up_maximum", estimate=1461.0),
    ]
    table = follow_up([section_of(*rows), section_of(*rows)])
    assert table is not None
    assert [row.cells for row in table.rows] == [("28", "24.0 (12.0–not reached)", "1.0–48.0")]
    other = make_estimate("median_follow_up", group="arm=a", estimate=365.25, n=9)
    table = follow_up([section_of(*rows), section_of(other, by="arm"), section_of(*rows, endpoint=None)])
    assert table is not None
    assert [(row.name, row.level) for row in table.rows] == [
        ("Overall survival and title", 0), ("All patients", 1), ("Overall survival", 0), ("a", 1)
    ]  # fmt: skip


def test_hazard_ratios_alone_and_together_stand_side_by_side():
    alone = make_estimate(
        "hazard_ratio",
        kind="cox_univariable",
        term="age",
        estimate=2.0,
        lower=1.0,
        upper=4.0,
        p_value=0.0499,
        n=137,
        n_events=83,
    )
    section = cox_section()
    table = hazard_ratios(Section("cox", "t", OS, concat([section.estimates, alone]), settings=section.settings))
    assert table is not None
    assert table.header[1:] == (f"Alone: HR (95{NB}% CI)", "Alone: p", f"Together: HR (95{NB}% CI)", "Together: p")
    cells = {row.name: row.cells for row in table.rows}
    assert cells["Age"] == ("2.00 (1.00–4.00)", "0.050", "1.02 (0.99–1.05)", "0.020")
    assert cells["low"][:2] == ("–", "–")
    assert cells["Risk (reference: high)"] == ()
    assert "137 patients, 83 events" in table.note


def test_a_separated_term_is_shown_as_a_bound():
    table = hazard_ratios(cox_section(((1e12, 0.0, None),), ("arm=x",)))
    assert table is not None
    assert table.rows[0].name == "Arm (reference: its first level by name)"
    assert table.rows[1].cells[0] == ">999 (0.00–no limit)"


def test_the_tests_of_a_model():
    table = model_tests(cox_section())
    assert table is not None
    assert table.rows[0].cells == ("12.35", "2", "<0.001") or table.rows[0].cells == ("12.34", "2", "<0.001")
    assert [row.name for row in table.rows] == ["Likelihood ratio", "Score", "Wald"]


def test_table_one():
    age = {
        "median": 28.0,
        "lower_quartile": 21.5,
        "upper_quartile": 35.0,
        "minimum": 7.0,
        "maximum": 52.0,
        "missing": 2.0,
    }
    rows = [
        *(make_estimate(name, term="age", estimate=value, n=9) for name, value in age.items()),
        make_estimate("count", term="sex=f", estimate=4.0), make_estimate("proportion", term="sex=f", estimate=4 / 9),
        make_estimate("count", term="sex=f", group="arm=a", estimate=1.0),
        make_estimate("proportion", term="sex=f", group="arm=a", estimate=0.5),
        make_estimate("missing", term="sex", group="arm=a", estimate=0.0, n=2),
    ]  # fmt: skip
    table = table_one(concat(rows))
    assert table is not None
    assert table.caption == "Patients at baseline, by arm"
    assert table.header == ("", "All patients\nn = 11", "a\nn = 2")
    lines = {row.name: row.cells for row in table.rows}
    assert lines["Age, median (quartiles)\nrange"] == ("28 (21.5–35)\n7–52", "–")
    assert lines["missing"] == ("2", "–")
    assert lines["Sex, n (%)"] == ()
    assert lines["f"] == ("4 (44.4)", "1 (50.0)")
    assert table.note == (
        "Percentages are of the patients with a value. 9 patients without a value of arm: in the first column only."
    )


def test_nothing_makes_no_table():
    empty = Section("curve", "t")
    assert [make(empty) for make in (rates, medians, group_tests, at_risk, hazard_ratios, model_tests)] == [None] * 6
    assert follow_up([empty]) is None
    assert table_one(concat(())) is None


def test_groups_whose_values_say_nothing_carry_their_column():
    assert list(group_labels(["transplanted=yes", "transplanted=no"]).values()) == [
        "transplanted: yes",
        "transplanted: no",
    ]
    assert list(group_labels(["a=b=c"], by="a=b").values()) == ["c"]
    assert list(group_labels(["risk="]).values()) == ["(no name)"]


def test_a_death_that_competes_is_named_by_what_did_not_come_before_it():
    relapse = Endpoint(name="relapse", label="Relapse", origin="hsct", events=("relapse",), competing=("death",))
    gvhd = Endpoint(name="agvhd", label="Acute GVHD", origin="hsct", events=("agvhd",), competing=("relapse", "death"))
    assert event_label("death", relapse) == "death without relapse"
    assert event_label("death", gvhd) == "death without acute GVHD or relapse"
    assert event_label("relapse", gvhd) == "relapse"
    long = Endpoint(name="x", label="A name that fills a whole line of its own", origin="hsct", events=("agvhd",),
                    competing=("death",))  # fmt: skip
    assert event_label("death", long) == "death"


def test_the_table_below_a_survival_curve_counts_events_and_not_survivals() -> None:
    below = at_risk(survival_section())
    assert below is not None
    assert below.header == ("Day", "At risk", "Events", "Censored")
    competing = at_risk(incidence_section())
    assert competing is not None
    assert "Events" not in competing.header
    assert len(competing.header) > 4
