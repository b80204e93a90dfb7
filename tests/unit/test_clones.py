"""Clones: who is censored when."""

from typing import Any

import numpy as np
import pytest

from clone_cohort import NEVER, cohort, table
from dayzero.spells import Spells, split
from dayzero.strategies.clones import ARTIFICIAL, clone

Ends = list[tuple[int, float, bool, bool]]


def ends(spells: Spells, code: float, **options: Any) -> Ends:
    """Return for each row of an arm: patient, stop, whether in the event, whether artificially."""
    both = clone(spells, "hsct", **{"grace": 90.0, **options})
    mine = both.where(both.columns["hsct"] == code)
    marks = mine.columns[ARTIFICIAL].tolist()
    return list(zip(mine.patient.tolist(), mine.stop.tolist(), mine.event().tolist(), marks, strict=True))


def test_clones_leave_when_they_deviate() -> None:
    spells = table([300, 320, 40, 200], [1, 1, 1, 0], [61, 220, NEVER, NEVER])
    assert ends(spells, 1.0) == [
        (0, 300, True, False),
        (1, 90, False, True),
        (2, 40, True, False),
        (3, 90, False, True),
    ]
    assert ends(spells, 0.0) == [
        (0, 61, False, True),
        (1, 220, False, True),
        (2, 40, True, False),
        (3, 200, False, False),
    ]
    within = ends(spells, 0.0, comparator="within_grace")
    assert within[:2] == [(0, 61, False, True), (1, 320, True, False)]


def test_on_one_day_events_come_before_treatments_and_these_before_censorings() -> None:
    spells = table([50, 50, 90, 90], [1, 0, 1, 0], [50, 50, NEVER, NEVER])
    assert ends(spells, 0.0)[:2] == [(0, 50, True, False), (1, 50, False, True)]
    assert ends(spells, 1.0) == [
        (0, 50, True, False),
        (1, 50, False, False),
        (2, 90, True, False),
        (3, 90, False, False),
    ]


def test_treatment_on_the_last_day_of_grace_is_in_time() -> None:
    spells = table([200, 200], [1, 1], [90, 91])
    assert ends(spells, 1.0) == [(0, 200, True, False), (1, 90, False, True)]


def test_treatment_on_day_zero_leaves_the_other_arm_at_once() -> None:
    assert ends(table([200], [1], [0]), 0.0) == [(0, 0, False, True)]


def test_late_entry_after_treatment_or_after_grace() -> None:
    spells = table([200, 200, 200], [1, 1, 1], [10, NEVER, 150], start=[30, 100, 100])
    assert ends(spells, 1.0) == [(0, 200, True, False)]
    assert ends(spells, 0.0) == [(1, 200, True, False), (2, 150, False, True)]


def test_rows_split_where_a_column_changes_are_the_same_clones() -> None:
    whole = cohort(60)
    for day in (90.0, 50.0, 200.0):
        parts = split(whole, np.full(60, day), name="later")
        for code in (0.0, 1.0):
            cut = {(p, s, e, a) for p, s, e, a in ends(parts, code) if e or a or s != day}
            assert {row for row in ends(whole, code) if row[1] != day or row[2] or row[3]} == cut


def test_competing_events_comply_with_both() -> None:
    spells = table([40, 300], [2, 2], [NEVER, 60], states=("alive", "relapse", "nrm"))
    both = clone(spells, "hsct", grace=90.0)
    assert both.to.tolist() == [2, 2, 2, -1]


def test_an_undated_treatment_is_refused() -> None:
    with pytest.raises(ValueError, match="undated"):
        clone(table([300], [1], [np.nan]), "hsct", grace=90.0)
