"""What the name of a column gives away, and when agreement is more than chance."""

from math import comb

import pytest

from dayzero.checks.known_later import _agrees, _Square
from dayzero.checks.names import duration_unit, event_named


@pytest.mark.parametrize(
    ("column", "event"),
    [
        ("transplanted", "hsct"),
        ("HSCT", "hsct"),
        ("days_to_hsct", "hsct"),
        ("hsct-date", "hsct"),
        ("allo SCT (yes/no)", "hsct"),
        ("reinfused", "infusion"),
        ("os", "death"),
        ("os_months", "death"),
        ("died", "death"),
        ("status", "death"),
        ("best_response", "response"),
        ("max_crs_grade", "crs"),
        ("efs_event", "outcome"),
        ("follow_up_months", "last_contact"),
        ("prior_hsct", None),
        ("planned_hsct", None),
        ("hsct_before", None),
        ("donor_cmv", None),
        ("age_at_hsct", None),
        ("months_since_hsct", None),
        ("disease_status", None),
        ("relapse_risk", None),
        ("mrd", None),
        ("diagnosis", None),
        ("time_from_diagnosis", None),
        ("smoker", None),
        ("age", None),
        ("", None),
        ("___", None),
    ],
)
def test_what_a_column_is_named_after(column: str, event: str | None) -> None:
    assert event_named(column) == event


def test_an_event_of_the_data_gives_its_name_too() -> None:
    assert event_named("listing_2") is None
    assert event_named("days_to_bridge", frozenset({"bridge"})) == "bridge"


@pytest.mark.parametrize(
    ("column", "days"),
    [
        ("os_days", 1.0),
        ("fu_weeks", 7.0),
        ("survival_time_months", 30.4375),
        ("follow_up", 1.0),
        ("status", None),
        ("os_yrs", 365.25),
        ("death_date", None),
    ],
)
def test_the_unit_of_a_duration(column: str, days: float | None) -> None:
    assert duration_unit(column) == days


@pytest.mark.parametrize(
    "square", [_Square(20, 9, 10, 9), _Square(30, 12, 15, 7), _Square(8, 4, 4, 4), _Square(50, 5, 7, 0)]
)
def test_chance_is_the_hypergeometric_tail(square: _Square) -> None:
    top = min(square.answer, square.event)
    ways = sum(
        comb(square.event, k) * comb(square.n - square.event, square.answer - k)
        for k in range(square.both, top + 1)
        if square.answer - k <= square.n - square.event
    )
    assert square.chance == pytest.approx(ways / comb(square.n, square.answer), rel=1e-12)


def test_eight_and_eight_are_told_from_chance_seven_and_seven_are_not() -> None:
    """1 / C(14, 7) = 2.9e-4, 1 / C(16, 8) = 7.8e-5."""
    assert not _agrees(_Square(14, 7, 7, 7))
    assert _agrees(_Square(16, 8, 8, 8))


def test_two_rare_things_do_not_agree_by_their_absence() -> None:
    """97 % of 1,000 agree and chance does not explain it, but only 5 of 35 who have either have both."""
    rare = _Square(1000, 20, 20, 5)
    assert rare.agreeing / rare.n == 0.97
    assert rare.chance < 1e-4
    assert not _agrees(rare)
    assert _agrees(_Square(1000, 20, 20, 18))
