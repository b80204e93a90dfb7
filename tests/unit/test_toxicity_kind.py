"""The analysis kind toxicity: denominators are the infused, scales are printed, uncertain grades are counted apart."""

import random
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cohorts import history
from dayzero.analyses import KINDS
from dayzero.analyses.context import Context
from dayzero.analyses.toxicity import ToxicitySettings, run_toxicity
from dayzero.analyses.toxicity_counts import count_grades
from dayzero.analyses.toxicity_grades import Toxicity, grades_of
from dayzero.errors import InputError
from dayzero.estimate import Estimate
from dayzero.history import History
from dayzero.protocol import Protocol, library
from dayzero.report.kinds import kind_of
from dayzero.report.page import Section

EVENTS = """
patient event day value scale origin
a infusion 0 - - donor
a crs 2 1 astct-2019
a crs 4 3 astct-2019
a infusion 100 - - donor
a crs 101 1 astct-2019
a agvhd 120 2 magic
b infusion 0 - - autologous
b crs 3 2 astct-2019
b icans 5 1 astct-2019
b hsct 60
b agvhd 80 3 magic
b last_contact 300
c infusion 0
c crs 1 2-3 astct-2019
c last_contact 300
d infusion 0
d last_contact 300
e infusion 0
e crs 6 - astct-2019
e death 9
"""


def run(cohort: History, **settings: object) -> Section:
    return run_toxicity(ToxicitySettings(**settings), Context(cohort, library()))  # type: ignore[arg-type]


def row(section: Section, term: str, group: str = "infusion=1", statistic: str = "proportion") -> dict[str, object]:
    found = section.estimates.where(statistic=statistic, term=term, group=group)
    assert len(found) == 1, (term, group)
    return next(found.records())


def numbers(section: Section, term: str, group: str = "infusion=1") -> tuple[object, object]:
    found = row(section, term, group)
    return found["n_events"], found["n"]


def printed(section: Section) -> str:
    parts = kind_of(section).parts(section)
    tables = [table for part in parts for table in part.tables if table]
    cells = [text for table in tables for text in (table.caption, *table.header, table.note)]
    cells += [cell for table in tables for line in table.rows for cell in (line.name, *line.cells)]
    said = [text for part in parts for text in (part.heading, *part.sentences)]
    return " | ".join([*said, *cells]).replace("\u00a0", " ")


def codes(section: Section) -> list[str]:
    return [finding.code for finding in section.findings]


@pytest.fixture
def cohort(tmp_path: Path) -> History:
    return history(tmp_path, EVENTS)


def test_the_denominator_is_the_infused_and_never_those_with_the_event(cohort: History) -> None:
    section = run(cohort)
    assert numbers(section, "crs") == (4, 5)
    assert numbers(section, "crs>=3") == (1, 5)
    assert numbers(section, "crs=2") == (1, 5)
    assert numbers(section, "icans") == (1, 5)
    assert numbers(section, "crs", "infusion=2") == (1, 1)
    assert numbers(section, "crs>=3", "infusion=2") == (0, 1)


def test_uncertain_grades_are_counted_apart_and_are_no_severe_grades(cohort: History) -> None:
    section = run(cohort)
    assert row(section, "crs between 2 and 3", statistic="count")["estimate"] == 1
    assert row(section, "crs between 1 and 5", statistic="count")["estimate"] == 1
    assert row(section, "crs>=3")["warning"] == "uncertain: of 2 more it is not known"
    exact = sum(int(str(numbers(section, f"crs={grade}")[0])) for grade in range(1, 6))
    assert exact + 2 == numbers(section, "crs")[0]


def test_onset_is_a_median_over_the_patients_with_it(cohort: History) -> None:
    found = row(run(cohort), "crs onset", statistic="median")
    assert (found["estimate"], found["n"]) == (2.5, 4)  # days 2, 3, 1 and 6; the patient without CRS has no onset


def test_gvhd_after_transplant_stands_apart_from_gvhd_after_a_donors_cells(cohort: History) -> None:
    section = run(cohort, events=("agvhd",))
    assert numbers(section, "agvhd>=3", "hsct=1") == (1, 1)
    assert numbers(section, "agvhd", "infusion=2") == (1, 1)
    assert numbers(section, "agvhd", "infusion=1") == (0, 1)  # the autologous product cannot bring it: no denominator
    assert "Acute GVHD, MAGIC" in printed(section)
    assert {table.header[1] for part in kind_of(section).parts(section) for table in part.tables if table} == {
        "First infusion",
        "First transplant",
    }


def test_an_autologous_transplant_brings_no_gvhd(tmp_path: Path) -> None:
    events = "patient event day value scale kind\na hsct 0 - - auto\na agvhd 9 1 magic\nb hsct 0 - - allo\nb death 50"
    section = run(history(tmp_path, events), events=("agvhd",))
    assert numbers(section, "agvhd", "hsct=1") == (0, 1)
    assert "toxicity-without-course" in codes(section)


def test_whose_cells_they_are_is_read_as_the_grader_of_gvhd_reads_it(tmp_path: Path) -> None:
    events = """
patient event day value scale origin donor
a infusion 0 - - donor-derived
a agvhd 20 2 magic
b infusion 0 - - Allo
b agvhd 20 3 magic
c infusion 0 - - autologous
c hsct 40 - - - autologous
d infusion 0 - - autologous
d hsct 40 - - autologous
e infusion 0 - - autologous
e hsct 40 - - - haplo
e last_contact 300
"""
    section = run(history(tmp_path, events), events=("agvhd",))
    assert numbers(section, "agvhd", "infusion=1") == (2, 2)
    assert numbers(section, "agvhd", "hsct=1") == (0, 1)
    assert codes(section) == []


def test_a_course_of_gvhd_without_its_kind_is_a_transplant_else_the_day_tells(tmp_path: Path) -> None:
    events = """
patient event day value scale course origin
a infusion 0
a hsct 60
a agvhd 80 3 magic 1
b infusion 0 - - - donor
b agvhd 20 2 magic 1
b last_contact 300
"""
    section = run(history(tmp_path, events), events=("agvhd",))
    assert numbers(section, "agvhd>=3", "hsct=1") == (1, 1)
    assert numbers(section, "agvhd", "infusion=1") == (1, 1)
    assert codes(section) == []


def test_a_transplant_of_years_before_day_zero_is_no_course_of_the_study(tmp_path: Path) -> None:
    events = """
patient event day value scale
a hsct -400
a agvhd -380 2 magic
a infusion 0
a hsct 60
a agvhd 80 3 magic
a death 200
b hsct -300
b infusion 0
b last_contact 400
"""
    section = run(history(tmp_path, events), events=("agvhd",))
    assert numbers(section, "agvhd>=3", "hsct=2") == (1, 1)
    assert not len(section.estimates.where(group="hsct=1"))
    assert "toxicity-without-course" in codes(section)


def test_without_infusion_numbers_each_patient_counts_once_with_the_highest_grade(cohort: History) -> None:
    section = run(cohort, by_infusion=False)
    assert numbers(section, "crs", "infusion=any") == (4, 5)
    assert numbers(section, "crs>=3", "infusion=any") == (1, 5)


def test_of_grades_without_a_scale_the_heading_says_so_unless_the_study_names_one(tmp_path: Path) -> None:
    cohort = history(tmp_path, "patient event day value\na infusion 0\na crs 2 3\nb infusion 0")
    section = run(cohort)
    assert codes(section) == []  # the checks ask for the scale
    assert "Cytokine release syndrome, scale not stated" in printed(section)
    named = run_toxicity(ToxicitySettings(), Context(cohort, Protocol(stated=frozenset({"crs"}))))
    assert "Cytokine release syndrome, ASTCT 2019" in printed(named)


def test_grades_of_two_scales_are_never_pooled(tmp_path: Path) -> None:
    rows = "a infusion 0 - -\na crs 2 3 astct-2019\nb infusion 0 - -\nb crs 2 3 astct-2019\nc infusion 0 - -\n"
    section = run(history(tmp_path, f"patient event day value scale\n{rows}c crs 2 3 penn\n"))
    assert codes(section) == ["scales-mixed"]
    assert numbers(section, "crs") == (3, 3)
    assert numbers(section, "crs>=3") == (2, 3)
    assert row(section, "crs under another or no stated scale", statistic="count")["estimate"] == 1


def test_an_event_before_every_infusion_belongs_to_none(tmp_path: Path) -> None:
    section = run(history(tmp_path, "patient event day value scale\na crs -3 2 penn\na infusion 0\nb infusion 0"))
    assert codes(section) == ["toxicity-without-course"]
    assert section.findings[0].rows == (2,)
    assert numbers(section, "crs") == (0, 2)


def test_crs_after_a_transplant_is_that_of_the_infusion_before_it(tmp_path: Path) -> None:
    events = "patient event day value scale\na infusion 0\na hsct 30\na crs 40 2 penn\nb infusion 0"
    assert numbers(run(history(tmp_path, events)), "crs") == (1, 2)


@pytest.mark.parametrize(
    ("value", "bounds"),
    [("3", (3, 3)), ("Grade_3", (1, 5)), ("III", (3, 3)), ("2-3", (2, 3)), (">=3", (3, 5)), ("0", (0, 0)),
     ("severe", (3, 3)), ("-", (1, 5)), ("yes", (1, 5)), ("2.0", (2, 2)), ("7", (1, 5))],
)  # fmt: skip
def test_reported_grades_are_read_as_bounds(tmp_path: Path, value: str, bounds: tuple[int, int]) -> None:
    cohort = history(tmp_path, f"patient event day value\na infusion 0\na crs 2 {value}")
    found = grades_of(cohort, "crs").rows
    assert (found["lower"].item(), found["upper"].item()) == bounds


GRADES = pl.DataFrame(
    {
        "patient": [0, 1, 2, 3, 4],
        "course_kind": ["infusion"] * 5,
        "course": [1] * 5,
        "lower": [3, 0, 0, 0, 2],
        "upper": [3, 0, 5, 5, 4],
        "scale": ["astct-2019"] * 5,
        "days_to_onset": [1.5, None, None, None, 2.0],
        "duration_days": [4.0, None, None, None, 3.0],
        "unresolved": [False, None, None, None, True],
    }
)


def graded(tmp_path: Path) -> History:
    rows = "\n".join(f"{name} infusion 0 - -\n{name} last_contact 99 - -" for name in "abcde")
    base = history(tmp_path, f"patient event day value scale\n{rows}\nd crs 3 2 astct-2019\nb crs 2 1 astct-2019")
    scales = pl.DataFrame(
        {"patient": [0, 0, 1, 1, 2, 2], "course": [1] * 6, "scale": ["astct-2019", "penn"] * 3,
         "lower": [2, 3, 1, 1, 0, 2], "upper": [2, 3, 1, 1, 3, 3]}
    )  # fmt: skip
    support = pl.DataFrame(
        {"patient": [0, 0, 1, 4], "day": [1.0, 2.0, 45.0, 3.5], "kind": ["tocilizumab"] * 3 + ["steroid"]}
    )
    return replace(base, graded={"crs": GRADES, "crs_scales": scales}, tables={"support": support})


def test_derived_grades_count_and_reported_ones_where_nothing_certain_was_derived(tmp_path: Path) -> None:
    section = run(graded(tmp_path))
    # a derived 3; b derived 0 beside a reported 1, which stays; c unknown; d unknown but reported 2; e between 2 and 4
    assert numbers(section, "crs") == (4, 5)
    assert numbers(section, "crs>=3") == (1, 5)
    assert row(section, "crs not evaluable", statistic="count")["estimate"] == 1
    assert row(section, "crs between 2 and 4", statistic="count")["estimate"] == 1
    assert row(section, "crs duration", statistic="median")["n"] == 2
    assert row(section, "crs unresolved", statistic="count")["estimate"] == 1


def test_silence_is_unknown_where_grades_are_derived(tmp_path: Path) -> None:
    cohort = graded(tmp_path)
    without = replace(cohort, graded={"crs": GRADES.filter(pl.col("patient") == 0)})
    found = grades_of(without, "crs").rows.filter(pl.col("patient") == 2)
    assert (found["lower"].item(), found["upper"].item()) == (0, 5)


def test_the_same_patients_stand_under_every_scale_with_how_many_differ(tmp_path: Path) -> None:
    section = run(graded(tmp_path))
    assert numbers(section, "crs>=3[scale=astct-2019]") == (0, 3)
    assert numbers(section, "crs>=3[scale=penn]") == (1, 3)
    assert row(section, "crs>=3[scale=penn]")["warning"] == "uncertain: of 1 more it is not known"
    # 2 and 3 differ for certain; 0 to 3 and 2 to 3 may be the same
    assert row(section, "crs differs between scales", statistic="count")["estimate"] == 1
    assert "the grade of 1 of 3 differs for certain between two of the scales" in printed(section)
    assert "penn" not in printed(run(graded(tmp_path), scales=("astct-2019",)))


def test_medication_is_counted_among_the_infused_within_thirty_days(tmp_path: Path) -> None:
    section = run(graded(tmp_path))
    assert numbers(section, "tocilizumab") == (1, 5)  # the second patient had it on day 45
    assert numbers(section, "steroid") == (1, 5)


def test_settings_that_make_no_sense_are_refused(cohort: History) -> None:
    for wrong in ({"events": ("crs", "crs")}, {"level": 1.0}):
        with pytest.raises(InputError):
            ToxicitySettings(**wrong)  # type: ignore[arg-type]
    for column, wrong in (("events", {"events": ("fever",)}), ("scales", {"scales": ("penn",)})):
        with pytest.raises(InputError) as caught:
            run(cohort, **wrong)
        assert caught.value.column == column


def test_a_study_without_toxicities_or_without_infusions_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no toxicities"):
        run(history(tmp_path, "patient event day\na infusion 0"))
    with pytest.raises(InputError, match="nobody can have"):
        run(history(tmp_path, "patient event day value\na crs 0 2"))


def test_the_page_says_what_the_days_are_over_and_that_it_is_no_device(cohort: History) -> None:
    section = run(cohort)
    assert "not a medical device" in " ".join(section.notes)
    assert "not over all" in " ".join(section.notes)
    assert "After the first infusion, 4 of 5 (80.0 %; 95 % CI 28.4–99.5) had it in any grade" in printed(section)
    assert KINDS["toxicity"].run is run_toxicity


def test_findings_never_hold_a_patients_value(cohort: History) -> None:
    for finding in run(cohort).findings:
        assert not any(name in finding.message.split() for name in "abcde")


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12), st.randoms())
@settings(max_examples=30, deadline=None)
def test_whatever_is_missing_turns_out_to_be_the_shares_stay_between_their_bounds(
    pairs: list[tuple[int, int]], chance: random.Random
) -> None:
    bounds = pl.DataFrame([sorted(pair) for pair in pairs], schema=["lower", "upper"], orient="row")
    truth = [chance.randint(low, high) for low, high in bounds.iter_rows()]
    found, full = (count(frame) for frame in (bounds, pl.DataFrame({"lower": truth, "upper": truth})))
    for term in ("crs", "crs>=3"):
        low = next(found.where(term=term).records())
        more = int(re.findall(r"of (\d+) more", str(low["warning"] or "of 0 more"))[0])
        exact = next(full.where(term=term).records())["n_events"]
        assert low["n_events"] <= exact <= low["n_events"] + more
    counted = found.rows.filter(
        pl.col("term").str.contains(r"=\d$|between|not evaluable") & ~pl.col("term").str.contains(">=")
    )
    none = bounds.filter((pl.col("lower") == 0) & (pl.col("upper") == 0)).height
    assert counted["n_events"].sum() + none == len(pairs)
    assert count(bounds.reverse()).rows.equals(found.rows)


def count(bounds: pl.DataFrame) -> Estimate:
    empty = {"scale": pl.lit("s"), "onset": pl.lit(None, pl.Float64), "duration": pl.lit(None, pl.Float64)}
    rows = bounds.cast(pl.Int64).with_columns(
        pl.int_range(pl.len()).alias("patient"), pl.lit("infusion").alias("kind"), pl.lit(1, pl.Int64).alias("course"),
        pl.lit(value=False).alias("unresolved"), **empty,
    )  # fmt: skip
    return count_grades(Toxicity("crs", rows), by_number=True, level=0.95)


def test_medication_stands_in_a_table_and_undated_infusions_are_counted(tmp_path: Path) -> None:
    base = graded(tmp_path)
    undated = base.events.filter(pl.col("event") == "infusion").head(1).with_columns(day=pl.lit(None, pl.Float64))
    section = run(replace(base, events=pl.concat([base.events, undated])))
    assert "Infusions without a date are not counted: 1." in section.notes
    assert "Medication | First infusion | Patients who had it at least once within 30 days" in printed(section)
    assert "Tocilizumab | 1 (20.0 %)" in printed(section)


def test_scales_are_one_however_they_are_spelled(tmp_path: Path) -> None:
    rows = "a infusion 0\na crs 2 3 ASTCT-2019\nb infusion 0\nb crs 2 3 astct_2019\n"
    assert codes(run(history(tmp_path, f"patient event day value scale\n{rows}"))) == []


def test_chronic_gvhd_is_mild_moderate_or_severe(tmp_path: Path) -> None:
    rows = "a hsct 0\na cgvhd 200 moderate nih-2014\nb hsct 0\nb cgvhd 200 severe nih-2014\nb cgvhd 300 mild nih-2014\n"
    section = run(history(tmp_path, f"patient event day value scale\n{rows}"))
    assert numbers(section, "cgvhd>=3", "hsct=1") == (1, 2)
    text = printed(section)
    assert "Chronic GVHD, NIH 2014" in text
    assert "Moderate | 1 (50.0 %)" in text
    assert text.count("| Severe |") == 1


def test_gvhd_that_was_graded_after_transplants_alone_has_no_table_of_other_cells(tmp_path: Path) -> None:
    base = history(tmp_path, "patient event day value origin\na infusion 0 . donor\na hsct 50 . .\nb hsct 0 . .")
    graded = {
        "patient": [0, 1], "course_kind": ["hsct"] * 2, "course": [1, 1], "lower": [1, 0], "upper": [1, 0],
        "scale": ["nih-2014"] * 2,
    }  # fmt: skip
    section = run(replace(base, graded={"cgvhd": pl.DataFrame(graded)}), events=("cgvhd",))
    assert numbers(section, "cgvhd", "hsct=1") == (1, 2)
    assert "Chronic GVHD was not graded after a donor’s CAR-T: 1 patient." in section.notes
    assert "infusion=1" not in section.estimates.rows["group"].to_list()


def test_a_toxicity_list_has_no_comma_within_a_name(tmp_path: Path) -> None:
    rows = "a infusion 0 .\na icaht 3 2\na crs 2 1"
    section = run(history(tmp_path, f"patient event day value\n{rows}"))
    assert kind_of(section).sentences(section) == ("Toxicities: cytokine release syndrome and neutropenia (ICAHT).",)
