"""Follow-up."""

import numpy as np

from dayzero.estimators.curves.follow_up import follow_up, reverse
from dayzero.spells import make_spells, split


def test_the_end_of_follow_up_is_the_event() -> None:
    rows = follow_up(make_spells([1, 2, 3, 4], [1, 0, 0, 1])).rows
    assert rows["statistic"].to_list() == ["median_follow_up", "follow_up_minimum", "follow_up_maximum"]
    assert rows["estimate"].to_list() == [3.0, 1.0, 4.0]
    assert rows["n_events"][0] == 2


def test_the_range_is_not_a_confidence_interval() -> None:
    rows = follow_up(make_spells([1, 2, 3], [0, 0, 0])).rows
    observed = rows.filter(rows["statistic"] != "median_follow_up")
    assert observed["lower"].null_count() == observed["upper"].null_count() == 2
    assert observed["method"].unique().to_list() == ["observed range"]


def test_a_row_cut_in_two_does_not_end_the_follow_up() -> None:
    spells = make_spells([10, 20, 30, 40], [1, 0, 0, 0])
    cut = split(spells, np.array([5.0, 5.0, np.inf, 20.0]), name="treated")
    assert follow_up(cut).rows.equals(follow_up(spells).rows)
    assert np.count_nonzero(reverse(cut).to == 1) == 3


def test_illness_does_not_end_the_follow_up() -> None:
    spells = make_spells([5, 10, 8], [1, 0, 2], start=[-np.inf, 5, -np.inf], patient=[1, 1, 2], state=[0, 1, 0])
    assert follow_up(spells).rows["estimate"].to_list() == [10.0, 8.0, 10.0]


def test_groups_and_the_missing() -> None:
    spells = make_spells([1, 2, 3], [0, 0, 0], arm=["b", "a", None])
    rows = follow_up(spells, "arm").rows
    assert rows["group"].to_list() == ["arm=a"] * 3 + ["arm=b"] * 3
    assert rows["warning"].unique().to_list() == ["1 patient without arm left out"]
    assert rows["n"].to_list() == [1] * 6


def test_everybody_dead_has_no_median_follow_up() -> None:
    row = follow_up(make_spells([1, 2], [1, 1])).where(statistic="median_follow_up").rows
    assert row.select("estimate", "warning").row(0) == (None, "the median follow-up was not reached")


def test_nobody() -> None:
    assert follow_up(make_spells([], [])).rows["estimate"].to_list() == [None, None, None]
