from pathlib import Path

import numpy as np
import pytest

from cohorts import history
from dayzero.analyses.cox import with_treatments
from dayzero.endpoints import derive_spells, exclusions, first_day
from dayzero.errors import InputError
from dayzero.protocol import Endpoint, parse_term
from dayzero.spells import split

DFS = Endpoint(name="dfs", origin="hsct", events=("relapse", "death"))
RELAPSE = Endpoint(name="relapse", origin="hsct", events=("relapse",), competing=("death",))
NRM = Endpoint(name="nrm", origin="hsct", events=("death",), competing=("relapse",))


def outcome(folder: Path, endpoint: Endpoint, events: str, **data: object) -> dict[str, tuple[float, int]]:
    """Return time and state by patient."""
    spells = derive_spells(history(folder, events, **data), endpoint)  # type: ignore[arg-type]
    rows = zip(spells.patients["patient"], spells.stop.tolist(), spells.to.tolist(), strict=True)
    return {patient: (stop, to) for patient, stop, to in rows}


THREE = """patient event day
a hsct 0
a relapse 10
a death 20
b hsct 5
b death 25
c hsct 0
c last_contact 30"""


def test_the_first_event_on_or_after_the_origin_ends_the_spell(tmp_path: Path) -> None:
    assert outcome(tmp_path, DFS, THREE) == {"a": (10, 1), "b": (20, 1), "c": (30, -1)}


def test_competing_events_have_states_of_their_own(tmp_path: Path) -> None:
    assert outcome(tmp_path, RELAPSE, THREE) == {"a": (10, 1), "b": (20, 2), "c": (30, -1)}
    assert outcome(tmp_path, NRM, THREE) == {"a": (10, 2), "b": (20, 1), "c": (30, -1)}


def test_relapse_and_death_on_one_day_is_relapse_for_both_endpoints(tmp_path: Path) -> None:
    same = "patient event day\na hsct 0\na death 10\na relapse 10"
    assert outcome(tmp_path, RELAPSE, same) == {"a": (10, 1)}
    assert outcome(tmp_path, NRM, same) == {"a": (10, 2)}


def test_an_event_before_the_origin_is_history(tmp_path: Path) -> None:
    earlier = "patient event day\na relapse -100\na hsct 0\na relapse 40\na last_contact 50"
    assert outcome(tmp_path, RELAPSE, earlier) == {"a": (40, 1)}


def test_an_event_on_day_zero_counts_at_time_zero(tmp_path: Path) -> None:
    spells = derive_spells(history(tmp_path, "patient event day\na hsct 3\na death 3"), DFS)
    assert spells.start.tolist() == [-np.inf]
    assert (spells.stop.tolist(), spells.to.tolist()) == ([0.0], [1])


def test_an_event_on_the_day_of_censoring_counts(tmp_path: Path) -> None:
    cut = Endpoint(name="x", origin="infusion", events=("relapse",), censor_at=("hsct",))
    events = """patient event day
a infusion 0
a hsct 10
a relapse 10
a last_contact 20
b infusion 0
b hsct 10
b relapse 11
b last_contact 20"""
    assert outcome(tmp_path, cut, events) == {"a": (10, 1), "b": (10, -1)}


def test_follow_up_ends_at_death_even_before_a_later_contact(tmp_path: Path) -> None:
    assert outcome(tmp_path, DFS, "patient event day\na hsct 0\na death 7\na last_contact 9") == {"a": (7, 1)}


def test_nothing_after_the_cutoff_is_used_and_the_dead_are_censored_there(tmp_path: Path) -> None:
    text = "patient event date\na hsct 2020-01-01\na death 2020-03-01\nb hsct 2020-01-01\nb last_contact 2020-06-01"
    spells = derive_spells(history(tmp_path, text, cutoff=18262 + 30), DFS)
    assert spells.stop.tolist() == [30, 30]
    assert spells.to.tolist() == [-1, -1]


def test_timestamps_are_floored_to_days(tmp_path: Path) -> None:
    text = "patient event date\na hsct 2020-01-01T23:30\na death 2020-01-02T01:00:00"
    assert outcome(tmp_path, DFS, text) == {"a": (1, 1)}


def test_every_patient_left_out_has_one_reason(tmp_path: Path) -> None:
    events = """patient event day
a hsct 0
b last_contact 9
c hsct -
c last_contact 9
d hsct 10
d last_contact 9
e hsct 0
e relapse -
e last_contact 9
f hsct 0
f last_contact 9"""
    read = history(tmp_path, events)
    reasons = {e.code: e.n for e in exclusions(read, DFS) if e.n}
    assert reasons == {
        "no_follow_up": 1,
        "no_origin": 1,
        "undated_origin": 1,
        "origin_after_end": 1,
        "undated_event": 1,
    }
    assert derive_spells(read, DFS).patients["patient"].to_list() == ["f"]


def test_left_truncation_starts_the_risk_at_entry(tmp_path: Path) -> None:
    late = Endpoint(name="x", origin="diagnosis", events=("death",), entry="enrolment")
    events = """patient event day
a diagnosis 0
a enrolment 5
a death 9
b diagnosis 0
b enrolment 9
b death 9
c diagnosis 3
c enrolment 3
c last_contact 8
d diagnosis 0
d last_contact 4"""
    read = history(tmp_path, events)
    spells = derive_spells(read, late)
    assert spells.patients["patient"].to_list() == ["a", "c"]
    assert spells.start.tolist() == [5, -np.inf]
    assert {e.code: e.n for e in exclusions(read, late) if e.n} == {"never_at_risk": 2}


RESPONSES = """patient event day value
cr infusion 0
cr response 28 CR
cr relapse 200
cr last_contact 300
nr infusion 0
nr response 14 NR
nr response 30 PR
nr last_contact 300
early infusion 0
early death 14
unseen infusion 0
unseen last_contact 300
late infusion 0
late response 30 NR
late response 120 CR
late death 150
open infusion 0
open response 14 NR
open last_contact 20"""


@pytest.mark.parametrize(
    ("convention", "expected"),
    [
        ("day0", {"nr": (0, 1), "early": (0, 1), "unseen": (0, -1), "late": (0, 1), "open": (20, -1)}),
        ("assessment", {"nr": (30, 1), "early": (14, 1), "unseen": (300, -1), "late": (30, 1), "open": (20, -1)}),
        ("window_end", {"nr": (90, 1), "early": (14, 1), "unseen": (90, 1), "late": (90, 1), "open": (20, -1)}),
    ],
)
def test_the_three_conventions_of_non_response(
    tmp_path: Path, convention: str, expected: dict[str, tuple[float, int]]
) -> None:
    efs = Endpoint(
        name="efs",
        origin="infusion:1",
        events=("relapse", "death"),
        non_response=convention,  # type: ignore[arg-type]
        response="response=CR|CRi",
        assessed_by=90,
    )
    assert outcome(tmp_path, efs, RESPONSES) == {"cr": (200, 1), **expected}


def test_last_assessment_censors_but_an_event_still_counts(tmp_path: Path) -> None:
    strict = Endpoint(name="rfs", origin="infusion", events=("relapse", "death"), censor="last_assessment")
    events = """patient event day value
a infusion 0
a response 28 CR
a mrd 100 neg
a last_contact 500
b infusion 0
b response 28 CR
b death 400"""
    assert outcome(tmp_path, strict, events) == {"a": (100, -1), "b": (400, 1)}


def test_occurrences_are_numbered_where_the_file_does_not(tmp_path: Path) -> None:
    read = history(tmp_path, "patient event day\na infusion 0\na infusion 60\na infusion 90\na death 99")
    assert first_day(read, parse_term("infusion:2")).tolist() == [60]
    assert first_day(read, parse_term("infusion:4")).tolist() == [np.inf]


def test_numbers_given_in_the_file_count(tmp_path: Path) -> None:
    read = history(tmp_path, "patient event day number\na infusion 60 2\na death 99")
    assert first_day(read, parse_term("infusion:1")).tolist() == [np.inf]
    assert first_day(read, parse_term("infusion:2")).tolist() == [60]


def test_after_means_on_or_after_its_first_occurrence(tmp_path: Path) -> None:
    text = "patient event day value\na response -900 CR\na infusion 0\na response 28 CR\na death 99"
    read = history(tmp_path, text)
    assert first_day(read, parse_term("response=CR")).tolist() == [-900]
    assert first_day(read, parse_term("response=CR after infusion:1")).tolist() == [28]


def test_attributes_and_thresholds(tmp_path: Path) -> None:
    text = """patient event day value cause
a hsct 0
a agvhd 10 2
a agvhd 20 3
a death 30 - disease
b hsct 0
b death 40 - infection"""
    read = history(tmp_path, text)
    assert first_day(read, parse_term("agvhd>=3")).tolist() == [20, np.inf]
    assert first_day(read, parse_term("death[cause=disease]")).tolist() == [30, np.inf]


def test_a_grade_that_is_no_number_is_refused_without_showing_it(tmp_path: Path) -> None:
    read = history(tmp_path, "patient event day value\na hsct 0\na agvhd 10 III\na death 30")
    with pytest.raises(InputError) as error:
        first_day(read, parse_term("agvhd>=3"))
    assert "row 3" in str(error.value)
    assert "III" not in str(error.value)


def test_a_column_that_the_events_lack_is_named(tmp_path: Path) -> None:
    read = history(tmp_path, "patient event day\na hsct 0\na death 30")
    with pytest.raises(InputError, match="cause"):
        first_day(read, parse_term("death[cause=disease]"))


def test_population_by_column_and_by_event_known_on_day_zero(tmp_path: Path) -> None:
    events = """patient event day value
a infusion 0
a crs 3 2
a death 9
b infusion 0
b death 8
b crs -3 2"""
    read = history(tmp_path, events, patients="patient,risk\na,high\nb,low\n")
    high = Endpoint(name="x", origin="infusion", events=("death",), population="risk=high")
    assert derive_spells(read, high).patients["patient"].to_list() == ["a"]
    known = Endpoint(name="x", origin="infusion", events=("death",), population="crs>=2")
    assert derive_spells(read, known).patients["patient"].to_list() == ["b"]


def test_treatments_are_days_from_the_origin(tmp_path: Path) -> None:
    text = "patient event day\na hsct -800\na infusion 0\na hsct 63\na death 90\nb infusion 0\nb death 40"
    spells = derive_spells(history(tmp_path, text), Endpoint(origin="infusion", events=("death",)), treatments=["hsct"])
    assert spells.treatments["hsct"].tolist() == [63, np.inf]


def test_an_undated_treatment_is_neither_given_nor_withheld(tmp_path: Path) -> None:
    text = "patient event day\na infusion 0\na hsct -\na death 90\nb infusion 0\nb death 40"
    spells = derive_spells(history(tmp_path, text), Endpoint(origin="infusion", events=("death",)), treatments=["hsct"])
    assert spells.treatments["hsct"].tolist()[1] == np.inf
    assert np.isnan(spells.treatments["hsct"][0])
    assert with_treatments(spells, ("hsct",), switch="after").n == 1
    with pytest.raises(ValueError, match="undated"):
        split(spells, spells.treatments["hsct"], name="hsct")


def test_entry_before_day_zero_is_no_truncation(tmp_path: Path) -> None:
    late = Endpoint(name="x", origin="infusion", events=("death",), entry="enrolment")
    read = history(tmp_path, "patient event day\na enrolment -20\na infusion 0\na death 9")
    assert derive_spells(read, late).start.tolist() == [-np.inf]


def test_a_cutoff_gives_no_follow_up_to_whom_has_none(tmp_path: Path) -> None:
    read = history(tmp_path, "patient event date\na hsct 2020-01-01", cutoff=20000.0)
    assert {e.code: e.n for e in exclusions(read, DFS) if e.n} == {"no_follow_up": 1}
