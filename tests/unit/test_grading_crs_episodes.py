"""Episodes of CRS: onset, resolution after 24 hours without any sign, reopening within 48, death."""

import polars as pl

from crs_tables import bedside
from dayzero.grading.crs.episodes import crs_episodes

Row = dict[str, str | None]


def at(hour: float, **signs: str | None) -> Row:
    return {"time": str(hour)} | signs


def hot(hour: float, **signs: str | None) -> Row:
    return at(hour, temp_c="39", **signs)


def episodes(*rows: Row, scale: str = "") -> list[dict[str, object]]:
    return crs_episodes(bedside(*rows), scale=scale).to_dicts()


def test_an_episode_ends_when_nothing_has_been_there_for_24_hours() -> None:
    rows = [at(0), hot(6), hot(12, hypotension="yes"), at(18), at(30), at(42), at(60)]
    (one,) = episodes(*rows)
    assert (one["onset"], one["resolution"], one["hours"]) == ("6", "42", 36)
    assert (one["grade"], one["hours_to_highest"], one["ended"], one["reopened"]) == (2, 6, "resolved", 0)


def test_a_fever_within_48_hours_reopens_it_and_a_later_one_is_another() -> None:
    before = [hot(0), at(6), at(30)]  # resolved at 30
    after = [at(100), at(126)]
    (one,) = episodes(*before, hot(78), *after)
    assert (one["reopened"], one["hours"], one["resolution"]) == (1, 126, "126")
    first, second = episodes(*before, hot(78.1), *after)
    assert (first["resolution"], second["onset"], second["episode"]) == ("30", "78.1", 2)


def test_without_a_resolution_it_is_open_and_followed_to_the_last_row() -> None:
    (one,) = episodes(hot(0), at(6), at(20))
    assert (one["ended"], one["hours"], one["followed_hours"], one["resolution"]) == ("open", None, 20, None)


def test_death_leaves_it_unresolved() -> None:
    (one,) = episodes(hot(0), at(9, died_of_crs="yes"))
    assert (one["ended"], one["grade"], one["hours"], one["followed_hours"]) == ("death", 5, None, 9)


def test_a_missing_sign_is_no_proof_of_resolution() -> None:
    (one,) = episodes(hot(0), at(6), at(18, o2_device=None), at(30), at(53))
    assert one["ended"] == "open"


def test_patients_and_courses_are_apart() -> None:
    rows = [hot(0, course="1"), hot(900, course="2"), hot(3, patient="P2", course="1")]
    found = crs_episodes(bedside(*({"course": "1"} | row for row in rows)))
    assert found.select("patient", "course", "episode").rows() == [("P1", 1, 1), ("P1", 2, 1), ("P2", 1, 1)]


def test_dates_give_hours_and_rows_without_a_time_no_episode() -> None:
    (one,) = episodes(*(hot(0) | {"time": time} for time in ("2021-03-25 14:00", "2021-03-26T02:30")))
    assert (one["followed_hours"], one["onset"]) == (12.5, "2021-03-25 14:00")
    assert episodes(hot(0) | {"time": None}, hot(1)) == []
    assert crs_episodes(bedside({}).head(0)).schema["hours"] == pl.Float64
