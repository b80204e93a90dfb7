"""Episodes of ICANS: onset, resolution, duration, and what stays open."""

from typing import Any

import polars as pl

from dayzero.grading.editions import edition
from dayzero.grading.neuro.domains import COLUMNS, assess
from dayzero.grading.neuro.episodes import icans_episodes
from dayzero.grading.table import read_bedside

WELL = {"age": 40, "consciousness": "alert", "seizure": "none", "motor_weakness": "false", "cerebral_oedema": "none"}


def episodes(*rows: tuple[str, str | None, int | None], **more: list[Any]) -> pl.DataFrame:
    """Return the episodes of rows (patient, time, ICE)."""
    patients, times, ice = zip(*rows, strict=True)
    frame = pl.DataFrame({"patient": patients, "time": times, "ice": ice} | more).with_columns(
        pl.lit(value).alias(name) for name, value in WELL.items() if name not in more
    )
    table = read_bedside(frame, COLUMNS)
    return icans_episodes(table, assess(table, edition("icans")).rows)


def test_onset_resolution_and_duration() -> None:
    found = episodes(("A", "0", 10), ("A", "24", 8), ("A", "36", 3), ("A", "50", 10), ("A", "60", 10))
    assert found.rows() == [("A", 1, 1, 24.0, 50.0, 26.0, 2, 2)]


def test_a_later_episode_is_another_one() -> None:
    found = episodes(("A", "0", 8), ("A", "12", 10), ("A", "240", 5), ("A", "250", 10))
    assert found.select("episode", "onset", "resolution", "lower").rows() == [(1, 0.0, 12.0, 1), (2, 240.0, 250.0, 2)]


def test_what_is_unknown_neither_begins_nor_ends_an_episode() -> None:
    found = episodes(("A", "0", None), ("A", "12", 8), ("A", "24", None), ("A", "36", 10), ("A", "48", None))
    assert found.rows() == [("A", 1, 1, 12.0, 36.0, 24.0, 1, 3)]


def test_an_open_episode_is_censored() -> None:
    found = episodes(("A", "0", 8), ("A", "12", 5), ("B", "0", 10), ("B", "9", 10), ("C", "1", 10), ("C", "2", 9))
    assert found.rows() == [("A", 1, 1, 0.0, None, None, 2, 2), ("C", 1, 1, 2.0, None, None, 1, 1)]


def test_death_does_not_resolve_an_episode() -> None:
    dead = ["false", "true", "false"]
    found = episodes(("A", "0", 2), ("A", "12", 0), ("A", "13", 10), died_of_icans=dead)
    assert found.rows() == [("A", 1, 1, 0.0, None, None, 5, 5)]


def test_rows_without_a_time_are_left_out_and_dates_become_hours() -> None:
    found = episodes(("A", "2021-03-01T06:00", 8), ("A", None, 2), ("A", "2021-03-02T18:30", 10))
    assert found["duration"].to_list() == [36.5]
    assert found["lower"].to_list() == [1]


def test_courses_have_episodes_of_their_own() -> None:
    found = episodes(("A", "0", 8), ("A", "12", 10), ("A", "0", 8), ("A", "6", 10), course=[1, 1, 2, 2])
    assert found.select("course", "episode", "duration").rows() == [(1, 1, 12.0), (2, 1, 6.0)]


def test_nothing_is_carried_from_one_patient_to_the_next() -> None:
    found = episodes(("A", "0", 8), ("B", "0", 3), ("B", "5", 10), ("C", "0", 8), ("D", "0", None), ("D", "1", 9))
    assert found.select("patient", "episode", "onset", "resolution").rows() == [
        ("A", 1, 0.0, None),
        ("B", 1, 0.0, 5.0),
        ("C", 1, 0.0, None),
        ("D", 1, 1.0, None),
    ]
