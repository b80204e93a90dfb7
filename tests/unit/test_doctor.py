"""The doctor: what a finding would change, by hand; how histories are rewritten; where to look."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from cohorts import history
from dayzero import doctor
from dayzero.doctor import examine
from dayzero.doctor.changes import _size
from dayzero.doctor.doubts import possible_days
from dayzero.doctor.questions import Number, questions_of
from dayzero.doctor.rewritten import as_reported, dated, followed, without
from dayzero.history import History, add_derived
from dayzero.report.doctor_page import DoctorPage, Item, Place, render_doctor, rows_words
from dayzero.study import Study, read_study

OS = '\n[[analysis]]\nkind = "curve"\nendpoint = "os"\ntimes = [100]\n'


def study(folder: Path, events: str, *, patients: str = "", analyses: str = OS, head: str = "") -> Study:
    """Write and read a study whose events are a text table."""
    lines = [line.split() for line in events.strip().splitlines()]
    ids = sorted({line[0] for line in lines[1:]})
    (folder / "patients.csv").write_text(patients or "patient\n" + "\n".join(ids) + "\n")
    rows = [[*line, *[""] * (len(lines[0]) - len(line))] for line in lines]
    (folder / "events.csv").write_text("\n".join(",".join("" if c == "-" else c for c in row) for row in rows) + "\n")
    (folder / "study.toml").write_text(f'[study]\ntitle = "Small"\n{head}{analyses}')
    return read_study(folder)


def item(page: DoctorPage, code: str, about: str = "") -> Item:
    (found,) = [each for each in page.items if each.code == code and about in each.heading]
    return found


# --- the numbers -----------------------------------------------------------------------------------------------------

TEN = "\n".join(
    [
        "patient event date",
        *(f"p{i} infusion 2020-01-01" if i < 4 else f"p{i} infusion 2020-01-{i:02}" for i in range(10)),
    ]
)


def ten(*more: str, left_out: tuple[int, ...] = ()) -> str:
    """Return ten patients, infused in January 2020, the first two dead on day 50; some without follow-up."""
    ends = [
        f"p{i} {'death 2020-02-20' if i < 2 else 'last_contact 2020-12-31'}" for i in range(10) if i not in left_out
    ]
    return "\n".join([TEN, *ends, *more])


def test_the_numbers_are_those_of_the_report(tmp_path: Path) -> None:
    page = examine(study(tmp_path, ten()))
    assert page.items == ()
    assert page.numbers == (("100-day os".replace("os", "overall survival"), "80.0\u00a0%"),)


def test_a_partial_death_is_bounded_by_its_month(tmp_path: Path) -> None:
    """100 days after 2020-01-04 are 2020-04-13: a death in April is before or after it. 1 - 2/9, 7/10 and 8/10."""
    text = ten("p4 death 2020-04", left_out=(4,))
    found = item(examine(study(tmp_path, text)), "partial-date")
    assert found.heading == "Partial date: death"
    moved, left_out = found.changes
    assert moved == (
        "With the first and with the last possible day: 100-day overall survival "
        "77.8\u00a0%\u00a0→\u00a070.0\u00a0% and 80.0\u00a0%."
    )
    assert left_out == "This patient is left out of overall survival."
    assert found.places == (Place("events.csv", "date", (21,)),)


def test_a_finding_about_a_patient_is_held_against_the_others(tmp_path: Path) -> None:
    """p0 dies on day 50: without p0 it is 1 - 1/9."""
    found = item(examine(study(tmp_path, ten("p0 infection 2020-03-01"))), "event-after-death")
    assert found.changes == ("Without this patient: 100-day overall survival 80.0\u00a0%\u00a0→\u00a088.9\u00a0%.",)


def test_no_follow_up_is_bounded_by_the_last_event_and_the_last_day(tmp_path: Path) -> None:
    """p4 is seen on day 0 only, or to the end: 2 of 9 or of 10 die. A death on day 50 leaves p4 out of the nine."""
    found = item(examine(study(tmp_path, ten(left_out=(4,)))), "no-follow-up")
    assert found.changes[0] == (
        "Followed to the last event, and to the last day of the data: 100-day overall survival "
        "77.8\u00a0%\u00a0→\u00a077.8\u00a0% and 80.0\u00a0%."
    )
    assert found.changes[1] == "This patient is left out of overall survival."


def test_what_no_analysis_asks_for_changes_nothing(tmp_path: Path) -> None:
    ages = "patient,age\n" + "".join(f"p{i},{200 if i == 0 else 40 + i}\n" for i in range(10))
    page = examine(study(tmp_path, ten("p3 crs -"), patients=ages))
    assert item(page, "value-implausible").changes == ("Nothing: no analysis asks for the column.",)
    assert item(page, "missing-date").changes == ("Nothing that is printed.",)
    assert not any(each.moves for each in page.items)


def test_a_column_that_an_analysis_asks_for_counts(tmp_path: Path) -> None:
    ages = "patient,age\n" + "".join(f"p{i},{200 if i == 0 else 40 + i * 7 % 11}\n" for i in range(10))
    cox = OS + '\n[[analysis]]\nkind = "cox"\nendpoint = "os"\nterms = ["age"]\n'
    found = item(examine(study(tmp_path, ten(), patients=ages, analyses=cox)), "value-implausible")
    assert "hazard ratio for overall survival, age" in found.changes[0]


def test_a_slip_of_the_year_is_one_year_earlier_or_later(tmp_path: Path) -> None:
    days = ["patient event date"]
    for i in range(12):
        days += [f"p{i} infusion 2020-01-{i + 1:02}", f"p{i} relapse {'2021' if i == 5 else '2020'}-02-{i + 1:02}"]
        days += [f"p{i} last_contact 2021-06-{i + 1:02}"]
    curve = '\n[endpoints.r]\norigin = "infusion:1"\nevents = ["relapse"]\n' + OS.replace('"os"', '"r"')
    found = item(examine(study(tmp_path, "\n".join(days), analyses=curve)), "year-slip")
    assert "8.3\u00a0%\u00a0→\u00a00.0\u00a0% and 8.3\u00a0%" in found.changes[0]


def test_dates_filled_in_lie_in_their_month_or_year() -> None:
    import polars as pl

    events = pl.DataFrame({"row": [2, 3, 4], "day": [14.0, 181.0, 31.0]})  # 15 January, 1 July, 1 February 1970
    assert possible_days("dates-filled-in", events) == {2: (0.0, 30.0), 3: (0.0, 364.0), 4: (31.0, 58.0)}
    assert possible_days("default-date", events) == {}


def test_a_gap_is_held_against_the_other_censoring(tmp_path: Path) -> None:
    days = ["patient event date value"]
    for i in range(1, 9):
        days += [f"p{i} infusion 2020-01-0{i} -", f"p{i} response 2020-02-0{i} CR", f"p{i} last_contact 2021-06-0{i} -"]
    days += [
        "p9 infusion 2020-01-01 -",
        "p9 response 2020-02-01 CR",
        "p9 relapse 2020-05-01 -",
        "p9 death 2020-09-01 -",
    ]
    days += ["p1 mrd 2020-12-24 neg"]
    curve = '\n[[analysis]]\nkind = "curve"\nendpoint = "rfs"\ntimes = [200]\n'
    found = item(examine(study(tmp_path, "\n".join(days), analyses=curve)), "censoring-gap")
    assert "88.9\u00a0%\u00a0→\u00a050.0\u00a0%" in found.changes[0]


# --- the order, and the bounds ---------------------------------------------------------------------------------------


def test_what_moves_most_comes_first_and_what_changes_nothing_last(tmp_path: Path) -> None:
    text = ten("p4 death 2020-04", "p0 infection 2020-03-01", "p3 crs -", "p9 infusion -", left_out=(4,))
    codes = [each.heading for each in examine(study(tmp_path, text)).items]
    assert codes[0] in {"Partial date: death", "Event after death"}
    assert set(codes[-2:]) == {"Missing date: CRS", "Missing date: infusion"}  # infusion:1 is the dated one


def test_runs_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "MOST_RUNS", 2)
    page = examine(study(tmp_path, ten("p0 infection 2020-03-01", "p1 infection 2020-03-01", "p3 crs -")))
    told = [text for each in page.items for text in each.changes]
    assert sum(text.startswith("Not computed") for text in told) == 1
    assert sum("→" in text for text in told) <= 1


def test_a_hazard_ratio_moves_a_survival_by_at_most_its_log_over_e() -> None:
    times = np.linspace(0.001, 1, 2001)
    for ratio in (1.02, 1.3):
        moved = 100 * np.abs(times - times**ratio).max()
        size = _size(Number("ratio", ""), 1.0, ratio)
        assert moved <= size
        assert moved == pytest.approx(size, rel=0.2)


def test_a_number_that_cannot_be_estimated_any_more_comes_before_all() -> None:
    assert _size(Number("rate", ""), 0.5, None) == _size(Number("ratio", ""), 0.0, 2.0) == 100.0


def test_a_study_that_names_unknown_columns_is_examined_all_the_same(tmp_path: Path) -> None:
    by = OS.replace("times", 'by = "arm"\ntimes')
    assert questions_of(study(tmp_path, ten(), analyses=by)) == ()
    assert examine(study(tmp_path, ten("p0 infection 2020-03-01"), analyses=by)).items[0].moves is False


def test_an_endpoint_of_another_kind_is_asked_for_its_rate(tmp_path: Path) -> None:
    rmst = '\n[[analysis]]\nkind = "rmst"\nendpoint = "os"\nhorizon = 300\n'
    (question,) = questions_of(study(tmp_path, ten(), analyses=rmst))
    assert (question.endpoint, question.by) == ("os", "")  # type: ignore[union-attr]


# --- rewritten histories ---------------------------------------------------------------------------------------------


def small(folder: Path, events: str, **more: object) -> History:
    return history(folder, events, **more)  # type: ignore[arg-type]


def test_without_a_patient_nothing_ends(tmp_path: Path) -> None:
    cohort = small(tmp_path, "patient event day\na last_contact 9\nb death 5")
    assert np.isnan(without(cohort, np.array([True, False])).end).tolist() == [True, False]


def test_a_reported_event_counts_in_place_of_the_derived_one_nearest_to_it(tmp_path: Path) -> None:
    base = history(tmp_path, "patient event day value\na infusion 0\na response 28 CR\na response 90 CR")
    derived = pl.DataFrame({"patient": [0, 0], "event": ["response"] * 2, "day": [30.0, 88.0], "value": ["PR", "CR"]})
    rows = base.named("response")["row"].to_list()
    graded = add_derived(base, derived, superseded=rows)
    assert graded.named("response").sort("day")["value"].to_list() == ["PR", "CR"]
    found = as_reported(graded, rows[:1]).named("response").sort("day")
    assert found.select("day", "value", "source").rows() == [(28.0, "CR", "reported"), (88.0, "CR", "derived")]


def test_an_undated_event_lies_between_the_first_event_and_the_end(tmp_path: Path) -> None:
    cohort = small(tmp_path, "patient event day\na infusion 2\na relapse -\na last_contact 9")
    days = [dated(cohort, [3], bound, {}).events["day"][1] for bound in ("earliest", "latest")]
    assert days == [2.0, 9.0]


def test_an_undated_death_lies_after_the_last_event_and_ends_follow_up(tmp_path: Path) -> None:
    cohort = small(tmp_path, "patient event day\na infusion 2\na relapse 7\na death -\nb last_contact 30")
    assert np.isnan(cohort.end[0])
    assert [dated(cohort, [4], bound, {}).end[0] for bound in ("earliest", "latest")] == [7.0, 30.0]


def test_a_date_that_is_not_believed_bounds_nothing(tmp_path: Path) -> None:
    cohort = small(tmp_path, "patient event day\na infusion -900\na response 2\na last_contact 9")
    days = [dated(cohort, [2], bound, {}).events["day"][0] for bound in ("earliest", "latest")]
    assert days == [2.0, 9.0]


def test_a_date_after_the_cutoff_is_not_used(tmp_path: Path) -> None:
    cutoff = float(np.datetime64("2020-06-30").astype(int))
    text = "patient event date\na infusion 2020-01-01\na relapse 2020\na last_contact 2020-03-01"
    cohort = small(tmp_path, text, cutoff=cutoff)
    assert cohort.possible == {3: (18262.0, 18627.0)}
    late = dated(cohort, [3], "latest", cohort.possible)
    assert late.events["event"].cast(str).to_list() == ["infusion", "last_contact"]


def test_follow_up_goes_to_the_last_event_or_the_last_day(tmp_path: Path) -> None:
    cohort = small(tmp_path, "patient event day\na infusion 2\nb last_contact 30")
    chosen = np.array([True, False])
    assert [followed(cohort, chosen, bound).end.tolist() for bound in ("earliest", "latest")] == [[2, 30], [30, 30]]


def test_a_patient_without_any_event_is_followed_nowhere(tmp_path: Path) -> None:
    cohort = small(tmp_path, "patient event day\nb last_contact 30", patients="patient\na\nb\n")
    assert np.isnan(followed(cohort, np.array([True, False]), "latest").end[0])


# --- the page --------------------------------------------------------------------------------------------------------


def page_of(*items: Item) -> DoctorPage:
    return DoctorPage("A <study>", items, (("1-year overall survival", "80.0 %"),), {"Data": "a.xlsx"})


ITEM = Item("error", "missing-date", "Missing date", "No date.", "Look it up.", ("Much.",), moves=True)


def test_the_page_escapes_and_has_a_box_a_row() -> None:
    text = render_doctor(page_of(replace(ITEM, places=(Place("a.xlsx, sheet <S>", "H (A & B)", (4, 9, 70)),))))
    assert "A &lt;study&gt;" in text
    assert "a.xlsx, sheet &lt;S&gt;, column H (A &amp; B)" in text
    assert text.count('class="box"') == 3
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")


def test_a_page_of_nothing_says_so() -> None:
    assert "nothing to look up" in render_doctor(page_of())


def test_a_place_without_rows_is_the_whole_sheet() -> None:
    assert rows_words([Place("a.csv"), Place("b.csv", rows=(3,))]) == "a.csv\nb.csv, row 3"


def test_most_patients_are_not_left_out(tmp_path: Path) -> None:
    ages = "patient,age\n" + "".join(f"p{i},{200 if i < 6 else 40}\n" for i in range(10))
    cox = OS.replace("times", 'by = "age"\ntimes')
    found = item(examine(study(tmp_path, ten(), patients=ages, analyses=cox)), "value-implausible")
    assert found.changes == ("Not computed: it concerns 6 of 10 patients.",)
