"""Time-varying columns and exposures: what was known of a patient on a day."""

from pathlib import Path

import numpy as np
import pytest

from cohorts import history
from dayzero.endpoints import derive_spells, exposure_at
from dayzero.errors import InputError
from dayzero.estimators.cox.fit import fit_cox
from dayzero.history import History
from dayzero.protocol import Endpoint
from dayzero.spells import CENSORED, Spells

OS = Endpoint(name="os", origin="infusion", events=("death",))
INF, NAN = np.inf, np.nan

EVENTS = """patient event day value
a infusion 10 -
a mrd 0 pos
a mrd 40 neg
a mrd 70 neg
a mrd 100 pos
a relapse 110 marrow
a death 120 -
b infusion 5 -
b death 60 -
c infusion 0 -
c mrd 30 neg
c last_contact 30 -"""


@pytest.fixture
def read(tmp_path: Path) -> History:
    return history(tmp_path, EVENTS)


def rows(spells: Spells, column: str) -> list[tuple[object, ...]]:
    names = spells.patients["patient"].gather(spells.patient).to_list()
    values = spells.columns[column].tolist()
    return list(zip(names, spells.start.tolist(), spells.stop.tolist(), spells.to.tolist(), values, strict=True))


def test_the_last_value_holds_from_after_its_day(read: History) -> None:
    assert rows(derive_spells(read, OS, time_varying=["mrd"]), "mrd") == [
        ("a", -INF, 30, -1, "pos"),  # known on day zero: from the start; the same value again splits nothing
        ("a", 30, 90, -1, "neg"),
        ("a", 90, 110, 1, "pos"),
        ("b", -INF, 55, 1, "not measured"),
        ("c", -INF, 30, -1, "not measured"),  # measured on the last day: after it
    ]


def test_a_condition_is_met_or_not(read: History) -> None:
    spells = derive_spells(read, OS, time_varying=["mrd=neg"])
    assert [(row[0], *row[2:]) for row in rows(spells, "mrd=neg")] == [
        ("a", 30, -1, 0.0),
        ("a", 90, -1, 1.0),
        ("a", 110, 1, 0.0),
        ("b", 55, 1, 0.0),
        ("c", 30, -1, 0.0),
    ]


def test_what_happens_is_no_measurement_though_its_site_is_written_down(read: History) -> None:
    spells = derive_spells(read, OS, time_varying=["relapse"])
    assert spells.columns["relapse"].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert spells.start.tolist()[1] == 100


def test_several_columns_split_once_at_the_union_of_their_days(read: History) -> None:
    spells = derive_spells(read, OS, treatments=["hsct"], time_varying=["mrd", "relapse", "mrd=neg"])
    assert spells.stop.tolist() == [30, 90, 100, 110, 55, 30]
    assert spells.start.tolist() == [-INF, 30, 90, 100, -INF, -INF]
    assert spells.to.tolist() == [-1, -1, -1, 1, 1, -1]
    assert spells.columns["relapse"].tolist() == [0, 0, 0, 1, 0, 0]
    assert spells.treatments["hsct"].tolist() == [INF, INF, INF]


def test_numbers_stay_numbers_and_are_missing_before_the_first(tmp_path: Path) -> None:
    events = """patient event day value
a infusion 0 -
a anc 5 0.5
a anc 9 -
a anc 9 1e3
a death 20 -
b infusion 0 -
b death 20 -"""
    read = history(tmp_path, events, other_events=("anc",))
    spells = derive_spells(read, OS, time_varying=["anc"])
    np.testing.assert_array_equal(spells.columns["anc"], [NAN, 0.5, 1000.0, NAN])
    assert spells.stop.tolist() == [5, 9, 20, 20]


def test_one_text_makes_every_value_text(tmp_path: Path) -> None:
    events = "patient event day value\na infusion 0 -\na anc 5 0.5\na anc 9 <0.1\na death 20 -"
    spells = derive_spells(history(tmp_path, events, other_events=("anc",)), OS, time_varying=["anc"])
    assert spells.columns["anc"].tolist() == ["not measured", "0.5", "<0.1"]


def test_events_of_their_own_name_without_values_happen(tmp_path: Path) -> None:
    events = "patient event day\na infusion 10\na listing 0\na death 20\nb infusion 0\nb listing 5\nb death 20"
    read = history(tmp_path, events, other_events=("listing",))
    assert rows(derive_spells(read, OS, time_varying=["listing"]), "listing") == [
        ("a", -INF, 10, 1, 1.0),  # history included
        ("b", -INF, 5, CENSORED, 0.0),
        ("b", 5, 20, 1, 1.0),
    ]


def test_an_occurrence_and_what_comes_after_another(tmp_path: Path) -> None:
    events = """patient event day value
a mrd -5 neg
a infusion 0 1e6
a mrd 7 pos
a infusion 12 2e6
a death 20 -"""
    read = history(tmp_path, events)
    spells = derive_spells(read, OS, time_varying=["infusion:2", "mrd after infusion"])
    assert spells.columns["infusion:2"].tolist() == [0, 0, 1]
    assert spells.columns["mrd after infusion"].tolist() == ["not measured", "pos", "pos"]


def test_delayed_entry_begins_with_what_is_known_by_then(tmp_path: Path) -> None:
    late = Endpoint(name="os", origin="infusion", events=("death",), entry="enrolment")
    events = (
        "patient event day value\na infusion 0 -\na mrd 5 pos\na enrolment 8 -\na mrd 10 neg\na mrd 8 neg\na death 20 -"
    )
    spells = derive_spells(history(tmp_path, events), late, time_varying=["mrd"])
    assert rows(spells, "mrd") == [("a", 8, 20, 1, "neg")]


def test_an_event_on_day_zero_stays_one_row(tmp_path: Path) -> None:
    events = "patient event day value\na infusion 0 -\na mrd 0 pos\na death 0 -"
    assert rows(derive_spells(history(tmp_path, events), OS, time_varying=["mrd"]), "mrd") == [("a", -INF, 0, 1, "pos")]


def test_of_two_values_on_one_day_the_later_row_counts_and_the_undated_are_passed_over(tmp_path: Path) -> None:
    events = "patient event day value\na infusion 0 -\na mrd 5 neg\na mrd 5 pos\na mrd - neg\na death 20 -"
    assert derive_spells(history(tmp_path, events), OS, time_varying=["mrd"]).columns["mrd"].tolist() == [
        "not measured",
        "pos",
    ]


def test_days_written_in_months_tie_with_themselves(tmp_path: Path) -> None:
    """Convention 1: a change and a death that differ by the rounding of a division are on one day."""
    events = f"patient event day value\na infusion 0.1 -\na mrd {0.1 + 0.2!r} neg\na death {0.3!r} -"
    read = history(tmp_path, events, time_unit="months")
    spells = derive_spells(read, OS, time_varying=["mrd"])
    assert spells.columns["mrd"].tolist() == ["not measured"]
    assert exposure_at(read, OS, "mrd=neg", 0.2 * 30.4375).tolist() == [1.0]


def test_a_column_that_is_there_already_is_refused(tmp_path: Path) -> None:
    read = history(tmp_path, EVENTS, patients="patient,mrd\na,pos\nb,neg\nc,neg\n")
    with pytest.raises(InputError, match="another column too") as error:
        derive_spells(read, OS, time_varying=["mrd"])
    assert error.value.column == "time_varying"
    with pytest.raises(InputError, match="another column too"):
        derive_spells(read, OS, treatments=["hsct"], time_varying=["hsct"])


def test_a_name_that_no_event_has_is_refused(read: History) -> None:
    with pytest.raises(InputError, match="names no event") as error:
        derive_spells(read, OS, time_varying=["mdr"])
    assert "'mrd'" in error.value.mend


def test_a_cox_model_of_columns_that_change(tmp_path: Path) -> None:
    """By hand: each event's risk set is told by the last value before its day; log(2) with one of each a set."""
    events = """patient event day value
a infusion 0 -
a mrd 3 pos
a death 10 -
b infusion 0 -
b mrd 5 pos
b mrd 15 neg
b death 20 -
c infusion 0 -
c mrd 2 neg
c mrd 18 pos
c last_contact 30 -
d infusion 0 -
d mrd 2 neg
d last_contact 12 -"""
    spells = derive_spells(history(tmp_path, events), OS, time_varying=["mrd=pos"])
    # Day 10: a and b positive, c and d negative, a dies; day 20: b negative, c positive, b dies.
    b = fit_cox(spells, ["mrd=pos"]).coefficients[0]
    x = np.exp(b)
    assert 1 - 2 * x / (2 * x + 2) - x / (x + 1) == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize(
    ("term", "day", "expected"),
    [
        ("mrd=neg", 0, [0.0, NAN, NAN]),  # a's value from before day zero
        ("mrd=neg", 29, [0.0, NAN, NAN]),
        ("mrd=neg", 30, [1.0, NAN, 1.0]),  # what happens on the day is known
        ("mrd=neg", 90, [0.0, NAN, 1.0]),
        ("mrd=pos|neg", 90, [1.0, NAN, 1.0]),
        ("relapse", 99, [0.0, 0.0, 0.0]),
        ("relapse", 100, [1.0, 0.0, 0.0]),
        ("infusion", 0, [1.0, 1.0, 1.0]),
    ],
)
def test_an_exposure_is_what_was_known_on_the_day(read: History, term: str, day: float, expected: list[float]) -> None:
    np.testing.assert_array_equal(exposure_at(read, OS, term, day), expected)


def test_an_undated_measurement_leaves_the_exposure_unknown(tmp_path: Path) -> None:
    events = """patient event day value
a infusion 0 -
a mrd 5 neg
a mrd - pos
a relapse - -
a last_contact 50 -
b infusion 0 -
b relapse 5 -
b relapse - -
b mrd 5 neg
b last_contact 50 -"""
    read = history(tmp_path, events)
    np.testing.assert_array_equal(exposure_at(read, OS, "mrd=neg", 28), [NAN, 1.0])
    np.testing.assert_array_equal(exposure_at(read, OS, "relapse", 28), [NAN, 1.0])
    np.testing.assert_array_equal(exposure_at(read, OS, "relapse", 4), [NAN, NAN])


def test_the_exposed_are_in_the_order_of_the_spells(tmp_path: Path) -> None:
    events = """patient event day value
b infusion 0 -
b mrd 5 neg
b death 9 -
a last_contact 9 -
a mrd 5 pos
c infusion 0 -
c death 9 -
c mrd 5 pos"""
    read = history(tmp_path, events)
    assert derive_spells(read, OS).patients["patient"].to_list() == ["b", "c"]
    assert exposure_at(read, OS, "mrd=neg", 8).tolist() == [1.0, 0.0]


def test_values_alone_are_no_exposure(read: History) -> None:
    with pytest.raises(InputError, match="no exposure") as error:
        exposure_at(read, OS, "mrd", 28)
    assert (error.value.column, error.value.mend) == ("exposure", "Write mrd=VALUE, or mrd>=NUMBER.")
