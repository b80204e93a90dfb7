"""The analysis kind courses: states by the day, marks, sequences, what is left out, and figures of any size."""

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cohorts import history
from dayzero.analyses import KINDS
from dayzero.analyses.context import Context
from dayzero.analyses.courses import CoursesSettings, run_courses
from dayzero.analyses.courses_states import STATES, disease_states, state_at
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Definitions, library
from dayzero.report.document import report_files
from dayzero.report.kinds import kind_of
from dayzero.report.lanes import lay_out
from dayzero.report.page import Page, Section

EVENTS = """
patient event day value antigen kind product
a relapse 80 - - - -
a infusion 100 - - - A
a mrd 126 negative - - -
a response 128 CR - - -
a hsct 190 - - allogeneic -
a agvhd 215 2 - - -
a agvhd 220 3 - - -
a agvhd 230 4 - - -
a mrd 280 positive - - -
a relapse 400 - negative - -
a infusion 420 - - - B
a response 450 CRi - - -
a last_contact 700 - - - -
b infusion 0 - - - A
b response 28 NR - - -
b death 60 - - - -
c infusion 10 - - - B
c response 40 CR - - -
c relapse 90 - positive - -
c hsct 130 - - autologous -
c graft_failure 170 - - - -
c second_cancer 300 - - - -
c last_contact 310 - - - -
d diagnosis 5 - - - -
d last_contact 50 - - - -
"""


def run(cohort: History, **chosen: object) -> Section:
    return run_courses(CoursesSettings(**chosen), Context(cohort, library()))  # type: ignore[arg-type]


def tallied(section: Section, term: str) -> tuple[object, object]:
    row = next(section.estimates.where(statistic="count", term=term).records())
    return row["n_events"], row["n"]


def items(section: Section, patient: str, item: str) -> list[tuple[object, ...]]:
    rows = section.patients.filter((pl.col("patient") == patient) & (pl.col("item") == item))
    return (
        rows.select("name", "start", "stop").rows() if item != "mark" else rows.select("name", "start", "detail").rows()
    )


def printed(section: Section) -> str:
    kind = kind_of(section)
    tables = [table for table in (*kind.tables(section), *kind.details(section)) if table]
    cells = [text for table in tables for text in (table.caption, *table.header, table.note)]
    cells += [cell for table in tables for line in table.rows for cell in (line.name, *line.cells)]
    return " | ".join([*kind.sentences(section), *cells]).replace("\u00a0", " ")


@pytest.fixture
def cohort(tmp_path: Path) -> History:
    return history(tmp_path, EVENTS)


def test_states_of_a_bar_and_relapse_before_day_zero_is_before_response(cohort: History) -> None:
    assert items(run(cohort), "a", "state") == [
        ("before response", 0, 28),
        ("MRD-negative remission", 28, 180),  # the sample of day 26 was negative already
        ("in remission", 180, 300),
        ("relapsed", 300, 350),
        ("in remission", 350, 600),  # MRD after the relapse is not known
    ]
    assert items(run(cohort), "b", "state") == [("before response", 0, 60)]


def test_marks_are_the_first_severe_gvhd_of_a_course_and_every_course(cohort: History) -> None:
    section = run(cohort)
    assert items(section, "a", "mark") == [
        ("infusion", 0, "1"), ("response", 28, ""), ("hsct", 90, "allogeneic"), ("GVHD", 120, "acute"),
        ("relapse", 300, "antigen-negative"), ("infusion", 320, "2"), ("response", 350, ""),
    ]  # fmt: skip
    names = [(name, detail) for name, _, detail in items(section, "c", "mark")]
    assert ("hsct", "autologous") in names
    assert ("relapse", "") in names
    assert {"graft failure", "second cancer"} <= {name for name, _ in names}
    assert ("death", 60, "") in items(section, "b", "mark")


def test_bars_say_how_they_end_and_who_has_no_day_zero_is_counted(cohort: History) -> None:
    section = run(cohort)
    ends = {row["patient"]: row["name"] for row in section.patients.filter(pl.col("item") == "bar").to_dicts()}
    assert ends == {"a": "alive", "b": "died", "c": "alive"}
    assert tallied(section, "patients") == (3, 4)
    assert tallied(section, "without day zero") == (1, 4)
    assert (
        "3 patients followed from day zero: 2 alive at last contact and 1 died. 1 patient without day zero"
        in printed(section)
    )


def test_sequences_and_courses_are_counted_and_said_never_to_be_compared(cohort: History) -> None:
    section = run(cohort)
    sequences = section.estimates.rows.filter(pl.col("term").str.starts_with("sequence="))
    assert dict(sequences.select("term", "n_events").rows()) == {
        "sequence=infusion": 1,
        "sequence=infusion > hsct > relapse > infusion": 1,
        "sequence=infusion > relapse > hsct": 1,
    }
    assert sequences["n_events"].sum() == 3
    assert sequences["warning"].str.starts_with("known_later").all()
    assert tallied(section, "hsct:1") == (2, 3)
    days = section.estimates.where(term="hsct:1").rows.filter(pl.col("statistic") != "count")
    assert dict(days.select("statistic", "estimate").rows())["median"] == 105  # days 90 and 120
    assert tallied(section, "infusion:1[product=A]") == (2, 3)
    assert tallied(section, "hsct:1[kind=allogeneic]") == (1, 2)
    assert any("never compared" in note for note in section.notes)
    assert "Infusion → relapse → transplant | 1 | 33.3" in printed(section)
    assert not set(section.estimates.rows["statistic"]) & {"logrank", "fisher", "hazard_ratio", "gray"}


def test_undated_events_are_left_out_and_counted(tmp_path: Path) -> None:
    events = "patient event day value\na infusion 0 -\na relapse - -\na hsct - -\na last_contact 300 -\n"
    events += "b infusion 0 -\nb death - -\nb last_contact 90 -\n"
    section = run(history(tmp_path, events))
    assert tallied(section, "undated relapse") == (1, 1)
    assert tallied(section, "undated hsct") == (1, 1)
    note = next(note for note in section.notes if note.startswith("Events without a date"))
    assert "relapse (1)" in note
    assert "death (1)" in note
    ends = {row["patient"]: row["name"] for row in section.patients.filter(pl.col("item") == "bar").to_dicts()}
    assert ends["b"] == "died on an unknown day"  # never an arrow behind somebody who is known to be dead


def test_an_undated_origin_is_no_day_zero(tmp_path: Path) -> None:
    events = "patient event day\na infusion 0\na last_contact 30\nb infusion -\nb last_contact 30"
    assert tallied(run(history(tmp_path, events)), "without day zero") == (1, 2)


def test_derived_rows_count_in_place_of_reported_ones(cohort: History) -> None:
    from dayzero.history import add_derived

    reported = cohort.events.filter((pl.col("event") == "relapse") & (pl.col("day") == 90.0))["row"].to_list()
    fresh = pl.DataFrame({"patient": [2], "event": ["relapse"], "day": [100.0], "antigen": ["cd19-neg"]})
    section = run(add_derived(cohort, fresh, superseded=reported))
    assert [row for row in items(section, "c", "mark") if row[0] == "relapse"] == [("relapse", 90, "antigen-negative")]
    assert [row[2] for row in items(section, "c", "state")][1] == 90


def test_another_origin_and_days_before_it(cohort: History) -> None:
    section = run(cohort, origin="hsct", from_day=-50.0, to_day=100.0)
    bars = section.patients.filter(pl.col("item") == "bar")
    assert dict(bars.select("patient", "start").rows()) == {"a": -50, "c": -50}
    assert any("The figure ends on day 100; 2 of 2 patients" in note for note in section.notes)
    assert ("relapse", -40, "") in items(section, "c", "mark")
    assert items(section, "c", "state") == [("in remission", -50, -40), ("before response", -40, 180)]


@pytest.mark.parametrize(("sort", "expected"), [("follow_up", ["a", "c", "b"]), ("first_infusion", ["b", "c", "a"])])
def test_bars_are_sorted(cohort: History, sort: str, expected: list[str]) -> None:
    bars = run(cohort, sort=sort).patients.filter(pl.col("item") == "bar").sort("place")
    assert bars["patient"].to_list() == expected


PATIENTS = "patient,risk,had_hsct\na,low,yes\nb,high,no\nc,high,yes\nd,low,no\n"


def test_groups_stand_in_blocks(tmp_path: Path) -> None:
    section = run(history(tmp_path, EVENTS, patients=PATIENTS), by="risk", sort="group")
    bars = section.patients.filter(pl.col("item") == "bar").sort("place")
    assert bars.select("group", "patient").rows() == [("high", "c"), ("high", "b"), ("low", "a")]
    files = report_files(Page(title="t", sections=(section,)))
    assert "risk: high" in files["figures/01-courses-swimmer.svg"]


def test_groups_formed_after_day_zero_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no baseline column"):
        run(history(tmp_path, EVENTS, patients=PATIENTS), by="had_hsct")


@pytest.mark.parametrize(
    ("chosen", "column"),
    [
        ({"sort": "group"}, "sort"),
        ({"from_day": 5.0}, "from_day"),
        ({"to_day": 0.0}, "to_day"),
        ({"origin": "infusion:3"}, "origin"),
        ({"by": "absent"}, "by"),
    ],
)
def test_refusals_name_the_setting(cohort: History, chosen: dict[str, object], column: str) -> None:
    with pytest.raises(InputError) as caught:
        run(cohort, **chosen)
    assert caught.value.column == column
    assert caught.value.mend


def test_the_kind_is_registered() -> None:
    assert KINDS["courses"].settings is CoursesSettings


def figures(section: Section) -> dict[str, str]:
    files = report_files(Page(title="t", sections=(section,), synthetic=True))
    return {name: text for name, text in files.items() if name.endswith(".svg")}


def many(folder: Path, n: int) -> History:
    lines = ["patient event day value"]
    for k in range(n):
        lines += [f"p{k:04d} infusion {k}", f"p{k:04d} response {k + 28} CR", f"p{k:04d} last_contact {k + 100 + k}"]
    return history(folder, "\n".join(lines))


@pytest.mark.parametrize(("n", "sheets"), [(1, 1), (40, 1), (60, 1), (61, 1), (300, 2)])
def test_every_patient_stands_in_exactly_one_figure(tmp_path: Path, n: int, sheets: int) -> None:
    drawn = figures(run(many(tmp_path, n)))
    assert len(drawn) == sheets
    texts = [element.text for svg in drawn.values() for element in ET.fromstring(svg).iter() if element.text]  # noqa: S314
    labels = [text for text in texts if text.startswith("p0")]
    assert sorted(labels) == [f"p{k:04d}" for k in range(n)]
    assert all("SIMULATED DATA" in svg for svg in drawn.values())


def test_without_rows_of_patients_there_is_no_figure(cohort: History) -> None:
    from dataclasses import replace

    assert figures(replace(run(cohort), patients=pl.DataFrame())) == {}


@given(st.lists(st.sampled_from("xyz"), min_size=1, max_size=400))
def test_lanes_hold_everybody_once_and_no_heading_stands_last(groups: list[str]) -> None:
    groups = sorted(groups)
    sheets = lay_out([(str(k), group) for k, group in enumerate(groups)])
    columns = [column for sheet in sheets for column in sheet.columns if column]
    assert [lane.place for column in columns for lane in column if lane.place is not None] == list(range(len(groups)))
    assert all(column[-1].place is not None for column in columns)
    assert all(len(column) <= 60 for column in columns)


def swept(events: list[tuple[int, str]], zero: int, day: int) -> str:
    """Say the state on a day by reading the events one by one."""
    order = {"CR": 0, "negative": 1, "positive": 2, "relapse": 3}
    disease, negative = 0, False
    for at, name in sorted(events, key=lambda event: (event[0], order[event[1]])):
        if at > day:
            break
        if name == "CR":
            disease = 1
        elif name == "relapse":
            disease, negative = (-1 if at > zero else 0), False
        else:
            negative = name == "negative"
    return {-1: STATES[3], 0: STATES[0], 1: STATES[2] if negative else STATES[1]}[disease]


HAPPENED = st.lists(
    st.tuples(st.integers(1, 12), st.sampled_from(["CR", "negative", "positive", "relapse"])), min_size=1, max_size=10
)
LAW = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@LAW
@given(events=HAPPENED, zero=st.integers(1, 6))
def test_states_are_those_of_reading_events_one_by_one(
    tmp_path: Path, events: list[tuple[int, str]], zero: int
) -> None:
    words = {"CR": "response {} CR", "relapse": "relapse {} -"}
    lines = [f"a {words.get(name, 'mrd {} ' + name).format(day)}" for day, name in events]
    table = "patient event day value\n" + "\n".join([*lines, f"a infusion {zero} -", "a last_contact 12 -"])
    states = disease_states(history(tmp_path, table), Definitions(), origin=np.array([float(zero)]))
    asked = pl.DataFrame(
        {"patient": [0] * 14, "day": [float(day) for day in range(14)]}, schema_overrides={"patient": pl.Int64}
    )
    assert state_at(states, asked, "day").to_list() == [swept(events, zero, day) for day in range(14)]


@LAW
@given(events=HAPPENED, zero=st.integers(1, 6))
def test_segments_fill_each_bar_without_a_gap(tmp_path: Path, events: list[tuple[int, str]], zero: int) -> None:
    lines = [
        f"a {'response' if name == 'CR' else 'relapse' if name == 'relapse' else 'mrd'} {day} {name}"
        for day, name in events
    ]
    table = "patient event day value\n" + "\n".join([*lines, f"a infusion {zero} -", "a last_contact 20 -"])
    rows = run(history(tmp_path, table)).patients
    segments = rows.filter(pl.col("item") == "state").sort("start")
    assert segments["start"][0] == 0
    assert segments["stop"][-1] == 20 - zero
    assert segments["start"][1:].to_list() == segments["stop"][:-1].to_list()
    assert (segments["name"] != segments["name"].shift(1)).drop_nulls().all()


def test_a_transplant_and_an_infusion_close_to_it_do_not_lie_on_each_other(tmp_path: Path) -> None:
    lines = ["patient event day value", "a infusion 0", "a hsct 100", "a infusion 102", "a last_contact 1500"]
    svg = figures(run(history(tmp_path, "\n".join(lines))))["figures/01-courses-swimmer.svg"]
    digits = [element for element in ET.fromstring(svg).iter() if (element.text or "").strip() in ("1", "2")]  # noqa: S314
    heights = {
        str(element.text): float(str(element.get("y"))) for element in digits if element.get("text-anchor") == "middle"
    }
    assert abs(heights["2"] - heights["1"]) > 2  # points: the second infusion has moved off its transplant
