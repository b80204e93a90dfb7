"""Medians."""

import numpy as np
import pytest

from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.curves.quantiles import COMPETING, NOT_REACHED, crossing, median
from dayzero.spells import make_spells


def test_convention_4_the_midpoint_where_the_curve_is_exactly_one_half() -> None:
    assert median(make_spells([1, 2, 3, 4], [1, 1, 1, 1])).rows["estimate"].item() == 2.5


def test_rounding_does_not_hide_a_curve_of_exactly_one_half() -> None:
    """20 deaths without censoring: the product 19/20 x 18/19 x ... x 10/11 is one half but for rounding."""
    assert median(make_spells(np.arange(1, 21), np.ones(20))).rows["estimate"].item() == 10.5


def test_a_median_that_is_not_reached_is_null_with_a_warning() -> None:
    row = median(make_spells([1, 2, 3, 4], [1, 0, 0, 0])).rows
    assert row.select("estimate", "lower", "upper", "n", "n_events").row(0)[0] is None
    assert row["warning"].item() == NOT_REACHED
    assert row.select("n", "n_events").row(0) == (4, 1)


def test_there_is_no_median_where_events_compete() -> None:
    row = median(make_spells([1, 2], [1, 2])).rows
    assert row.select("estimate", "warning").row(0) == (None, COMPETING)


def test_groups() -> None:
    spells = make_spells([1, 2, 3, 10, 20, 30], [1] * 6, arm=["a"] * 3 + ["b"] * 3)
    rows = median(spells, "arm").rows
    assert rows["group"].to_list() == ["arm=a", "arm=b"]
    assert rows["estimate"].to_list() == [2.0, 20.0]


def test_the_limits_are_where_the_curves_limits_cross() -> None:
    spells = make_spells(np.arange(1, 41), np.ones(40))
    wide = median(spells, options=Curve(level=0.99)).rows
    usual = median(spells).rows
    assert wide["lower"].item() < usual["lower"].item() < usual["estimate"].item()
    assert usual["estimate"].item() < usual["upper"].item() < wide["upper"].item()


def test_crossing_ignores_steps_without_a_value() -> None:
    assert crossing(np.array([1.0, 2.0, 3.0]), np.array([0.9, np.nan, 0.3])) == 3.0
    assert np.isnan(crossing(np.array([1.0]), np.array([np.nan])))
    assert crossing(np.array([1.0, 2.0]), np.array([0.7, 0.2]), height=0.75) == pytest.approx(1.0)
