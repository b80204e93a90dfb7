"""Restricted means: what they are, whom they compare, and when they are refused."""

import numpy as np
import pytest

from dayzero.errors import InputError
from dayzero.estimators.curves.milestones import milestone_differences
from dayzero.estimators.curves.restricted_mean import Window, fit_rmst
from dayzero.estimators.curves.rmst import rmst
from dayzero.spells import Spells, make_spells

TIMES = np.array([3.0, 5.0, 5.0, 8.0, 10.0, 12.0, 15.0, 15.0, 20.0, 22.0])
EVENT = np.array([1, 2, 1, 0, 1, 2, 0, 1, 2, 0])


def competing(**columns: object) -> Spells:
    return make_spells(TIMES, EVENT, **columns)


def late() -> Spells:
    return competing(start=np.array([-np.inf, 1, 2, -np.inf, 4, -np.inf, 6, 3, -np.inf, 9]))


@pytest.mark.parametrize("window", [Window(20), Window(18, start=5), Window(9.5, start=4.5)])
@pytest.mark.parametrize("make", [competing, late])
def test_times_in_all_states_add_up_to_the_window(make, window: Window) -> None:
    fit = fit_rmst(make(), window=window)
    assert fit.mean.sum() == pytest.approx(window.days, rel=1e-12)
    assert fit.influence is not None
    assert fit.influence.sum(axis=1) == pytest.approx(np.zeros(10), abs=1e-12)


@pytest.mark.parametrize("window", [Window(20), Window(18, start=5), Window(9.5, start=4.5)])
@pytest.mark.parametrize("make", [competing, late])
def test_influence_is_the_derivative_with_respect_to_a_patients_weight(make, window: Window) -> None:
    spells, step = make(), 1e-6
    fit = fit_rmst(spells, window=window)
    weights = np.ones((10, 20))
    weights[:, :10] += step * np.eye(10)
    weights[:, 10:] -= step * np.eye(10)
    moved = fit_rmst(spells, weights, window=window).mean
    assert fit.influence == pytest.approx(((moved[:, :10] - moved[:, 10:]) / (2 * step)).T, abs=1e-7)


def test_a_split_row_and_a_weight_of_two_change_nothing_or_count_twice() -> None:
    fit = fit_rmst(late(), window=Window(20))
    rows = late()
    halves = make_spells(
        np.append(TIMES, 11.0),
        np.append(EVENT, 0),
        start=np.append(np.where(np.arange(10) == 8, 11.0, rows.start), -np.inf),
        patient=[*range(10), 8],
    )
    split = fit_rmst(halves, window=Window(20))
    assert split.mean == pytest.approx(fit.mean, rel=1e-12)
    assert split.influence == pytest.approx(fit.influence, abs=1e-12)
    twice = make_spells(np.append(TIMES, TIMES[3]), np.append(EVENT, EVENT[3]))
    weighted = fit_rmst(competing(weight=1.0 + (np.arange(10) == 3)), window=Window(20))
    assert weighted.mean == pytest.approx(fit_rmst(twice, window=Window(20)).mean, rel=1e-12)
    assert weighted.std_error == pytest.approx(fit_rmst(twice, window=Window(20)).std_error, rel=1e-12)


def test_a_window_is_the_difference_of_two_horizons() -> None:
    spells = competing()
    whole, early = fit_rmst(spells, window=Window(20)), fit_rmst(spells, window=Window(9))
    late_part = fit_rmst(spells, window=Window(20, start=9))
    assert late_part.mean == pytest.approx(whole.mean - early.mean, rel=1e-12)
    assert late_part.influence == pytest.approx(whole.influence - early.influence, abs=1e-12)


def test_a_window_before_the_first_event_is_lived_in_full_and_has_no_limits() -> None:
    row = rmst(competing(), window=Window(2)).where(statistic="rmst").rows.row(0, named=True)
    assert (row["estimate"], row["std_error"], row["lower"]) == (2.0, None, None)
    assert "no limits" in row["warning"]


def test_convention_15_the_smallest_of_the_groups_last_times_is_the_latest_end() -> None:
    arms = competing(arm=["b"] * 6 + ["a"] * 4)
    assert len(rmst(arms, "arm", window=Window(12))) == 10
    with pytest.raises(InputError) as refused:
        rmst(arms, "arm", window=Window(12.5))
    assert "arm=b" in str(refused.value)
    assert "day 12 " in str(refused.value)
    with pytest.raises(InputError, match="after the last observation"):
        fit_rmst(arms, window=Window(30))


def test_the_second_group_less_the_first_and_the_reference_first() -> None:
    arms = competing(arm=["a", "b", "c"] * 3 + ["a"])
    found = rmst(arms, "arm", window=Window(12)).where(statistic="rmst_difference")
    assert found.rows["group"].to_list() == ["arm=a|b", "arm=a|c", "arm=b|c"]
    means = {r["group"]: r["estimate"] for r in rmst(arms, "arm", window=Window(12)).where(statistic="rmst").records()}
    assert found.rows["estimate"][0] == pytest.approx(means["arm=b"] - means["arm=a"], rel=1e-12)
    turned = rmst(arms, "arm", window=Window(12, reference="c")).where(statistic="rmst_difference")
    assert turned.rows["group"].to_list() == ["arm=c|a", "arm=c|b", "arm=a|b"]
    assert turned.rows["estimate"][0] == pytest.approx(-found.rows["estimate"][1], rel=1e-12)
    with pytest.raises(InputError, match="no level 'd'"):
        rmst(arms, "arm", window=Window(12, reference="d"))


def test_a_robust_difference_knows_that_a_patient_is_in_both_groups() -> None:
    """Two copies of everybody: the groups are the same, and so is their mean, without doubt."""
    copies = make_spells(
        np.tile(TIMES, 2), np.tile(EVENT > 0, 2), patient=np.tile(np.arange(10), 2), arm=np.repeat(["a", "b"], 10)
    )
    robust = rmst(copies, "arm", window=Window(20, variance="robust")).where(statistic="rmst_difference")
    apart = rmst(copies, "arm", window=Window(20)).where(statistic="rmst_difference")
    assert robust.rows["std_error"].item() == pytest.approx(0.0, abs=1e-12)
    assert apart.rows["std_error"].item() > 1.0
    assert robust.rows["n"].item() == 20


def test_tables_with_several_states_are_refused() -> None:
    spells = make_spells([5, 9], [2, 0], start=[-np.inf, 5], state=[0, 1], patient=[1, 1])
    with pytest.raises(InputError, match="several states"):
        fit_rmst(spells, window=Window(5))


def test_patients_without_a_group_are_left_out_and_counted() -> None:
    arms = competing(arm=["a", None, "b", "b", "a", "a", "b", "b", "b", "a"])
    rows = rmst(arms, "arm", window=Window(12)).rows
    assert all(warning.endswith("1 patient without arm left out") for warning in rows["warning"])
    assert rows.filter(rows["statistic"] == "rmst")["n"].to_list() == [4, 5]


def test_windows_without_days_are_refused() -> None:
    for window in ((5.0, 5.0), (5.0, -1.0), (np.inf, 0.0)):
        with pytest.raises(InputError, match="without days"):
            Window(*window)
    for wrong in ({"level": 1.0}, {"variance": "bootstrap"}):
        with pytest.raises(ValueError, match=r"level|variance"):
            Window(5.0, **wrong)


def test_milestones_behind_the_last_observation_are_null() -> None:
    arms = make_spells(TIMES, EVENT > 0, arm=["a", "b"] * 5)
    rows = milestone_differences(arms, "arm", [2, 12, 23]).rows
    assert rows["estimate"].to_list()[0] == 0.0
    assert rows["estimate"].to_list()[2] is None
    assert rows["std_error"].is_null().to_list() == [True, False, True]
    assert "0 or 100 %" in rows["warning"][0]
    assert "beyond the last observation" in rows["warning"][2]
