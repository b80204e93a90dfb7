"""Bootstrap, jackknife and pseudo-observations: the laws between them, and what is said where there is no answer."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.estimate import Estimate
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import fit_cox
from dayzero.estimators.curves.aalen_johansen import aalen_johansen, fit_aalen_johansen
from dayzero.estimators.curves.restricted_mean import Window, fit_rmst
from dayzero.estimators.curves.rmst import rmst
from dayzero.estimators.outcomes.logistic import logistic
from dayzero.estimators.resampling.bootstrap import (
    Resampling,
    bootstrap,
    infinitesimal_jackknife,
    jackknife,
    leave_one_out,
)
from dayzero.estimators.resampling.intervals import (
    CONSTANT,
    EXTREME,
    FEW,
    NO_JACKKNIFE,
    ONE_SIDE,
    Interval,
    Sample,
    interval_limits,
)
from dayzero.estimators.resampling.pseudo import Method, PseudoValues, pseudo_means, pseudo_probabilities
from dayzero.estimators.resampling.statistics import (
    Batched,
    cox_statistic,
    curve_statistic,
    logistic_statistic,
    rmst_statistic,
)
from dayzero.estimators.resampling.weights import bootstrap_weights, find_units, resample
from dayzero.spells import Floats, Spells, make_spells, split
from multistate_data import random_walks


def cohort(seed: int = 3, patients: int = 40, events: int = 1, **columns: Any) -> Spells:
    """Patients on whole days, so that days tie."""
    random = np.random.default_rng(seed)
    return make_spells(
        random.integers(1, 30, patients), random.integers(0, events + 1, patients),
        arm=np.array(["a", "b"])[random.integers(0, 2, patients)], age=random.normal(50, 10, patients),
        centre=random.integers(0, 6, patients), **columns,
    )  # fmt: skip


def cut_in_two(spells: Spells) -> Spells:
    """The same patients with two rows each, those who are there long enough."""
    return split(spells, np.full(spells.patients.height, 8.0), name="late")


def mean_age(spells: Spells) -> Floats:
    return np.array([np.mean(spells.columns["age"])])


# Draws


def test_every_resample_has_as_many_patients_and_all_rows_of_each() -> None:
    spells = cut_in_two(cohort())
    weights = bootstrap_weights(spells, 30, seed=1)
    one_row_each = np.unique(spells.patient, return_index=True)[1]
    assert np.all(weights[one_row_each].sum(axis=0) == spells.n)
    np.testing.assert_array_equal(weights, weights[one_row_each][spells.patient])
    assert len(np.unique(weights, axis=1).T) == 30


def test_strata_keep_their_sizes_and_clusters_are_drawn_whole() -> None:
    spells = cohort()
    weights = bootstrap_weights(spells, 20, seed=2, strata=["arm", "centre"])
    for arm, centre in set(zip(spells.columns["arm"], spells.columns["centre"], strict=True)):
        inside = (spells.columns["arm"] == arm) & (spells.columns["centre"] == centre)
        assert np.all(weights[inside].sum(axis=0) == np.count_nonzero(inside))
    clustered = bootstrap_weights(spells, 20, seed=2, cluster="centre")
    for centre in np.unique(spells.columns["centre"]):
        inside = spells.columns["centre"] == centre
        assert np.all(clustered[inside] == clustered[inside][0])


def test_a_longer_run_begins_with_the_shorter_one() -> None:
    spells = cohort()
    np.testing.assert_array_equal(bootstrap_weights(spells, 50, seed=9)[:, :7], bootstrap_weights(spells, 7, seed=9))
    assert not np.array_equal(bootstrap_weights(spells, 7, seed=8), bootstrap_weights(spells, 7, seed=9))


def test_every_patient_is_drawn_once_on_average() -> None:
    weights = bootstrap_weights(cohort(patients=10), 4000, seed=1)
    np.testing.assert_allclose(weights.mean(axis=1), 1.0, atol=5 * np.sqrt(0.9 / 4000))
    np.testing.assert_allclose(weights.var(axis=1), 0.9, atol=0.12)


@pytest.mark.parametrize(
    ("columns", "choice", "fault"),
    [
        ({"site": ["x", None, "y"]}, {"cluster": "site"}, "a patient without a cluster"),
        ({"site": ["x", "y", "y"], "patient": [1, 1, 2]}, {"cluster": "site"}, "a patient is in two clusters"),
        ({"site": ["x", "y", "y"], "patient": [1, 1, 2]}, {"strata": ["site"]}, "lies in two strata"),
    ],
)
def test_units_that_cannot_be_drawn(columns: dict[str, Any], choice: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        find_units(make_spells([1.0, 2.0, 3.0], [1, 0, 1], **columns), **choice)


def test_copies_are_patients_of_their_own() -> None:
    spells = replace(cut_in_two(cohort(patients=6)), treatments={"hsct": np.arange(6.0)})
    drawn = resample(spells, find_units(spells), np.array([3.0, 0, 1, 1, 0, 1]))
    assert drawn.n == drawn.patients.height == 6
    assert drawn.patients["patient"].n_unique() == 6
    assert sorted(drawn.treatments["hsct"].tolist()) == [0, 0, 0, 2, 3, 5]
    assert len(drawn) == sum(np.count_nonzero(spells.patient == who) for who in (0, 0, 0, 2, 3, 5))


# The bootstrap


@pytest.mark.parametrize("table", [cohort(), cut_in_two(cohort()), cohort(patients=12)])
def test_weights_and_resampled_tables_give_the_same_replicates(table: Spells) -> None:
    """With Breslow's ties, under which a weight of 2 is a row twice."""
    model, window = CoxModel(("arm", "age"), ties="breslow"), Window(12.0)

    def ratios(spells: Spells) -> Estimate:
        fit = fit_cox(spells, model)
        rows = fit.estimate().rows
        known = rows if fit.converged else rows.with_columns(estimate=pl.lit(None, pl.Float64))
        return Estimate(known.filter(known["statistic"].str.contains("hazard_ratio")))

    pairs = (
        (cox_statistic(model), ratios),
        (curve_statistic([5.0, 20.0, 28.0], "arm"), lambda s: aalen_johansen(s, "arm", [5.0, 20.0, 28.0])),
        (rmst_statistic(window), lambda s: rmst(s, window=window)),
    )
    for batched, plain in pairs:
        one, other = (bootstrap(each, table, n=25, seed=4) for each in (batched, plain))
        assert one.found.rows.equals(other.found.rows)
        np.testing.assert_allclose(one.replicates, other.replicates, rtol=1e-7, atol=1e-9)
        assert one.failed == other.failed
        assert (
            one.estimate()
            .rows.drop("std_error", "lower", "upper")
            .equals(other.estimate().rows.drop("std_error", "lower", "upper"))
        )


@pytest.mark.parametrize("events", [1, 2])
def test_curves_and_means_of_competing_events_and_of_weighted_patients(events: int) -> None:
    spells = cohort(events=events, weight=np.random.default_rng(1).integers(1, 4, 40) / 2)
    window = Window(15.0, 2.0)
    for batched, plain in (
        (curve_statistic([5.0, 20.0]), lambda s: aalen_johansen(s, times=[5.0, 20.0])),
        (rmst_statistic(window, "arm"), lambda s: rmst(s, "arm", window=window)),
    ):
        one, other = (bootstrap(each, spells, n=20, seed=4) for each in (batched, plain))
        np.testing.assert_allclose(one.replicates, other.replicates, rtol=1e-9, atol=1e-12)


def test_state_probabilities_from_several_states() -> None:
    spells, days = random_walks(5), [10.0, 30.0]
    one = bootstrap(curve_statistic(days), spells, n=15, seed=4)
    other = bootstrap(lambda s: aalen_johansen(s, times=days), spells, n=15, seed=4)
    np.testing.assert_allclose(one.replicates, other.replicates, rtol=1e-9, atol=1e-12)


def test_odds_ratios() -> None:
    spells = cohort(patients=60)
    one = bootstrap(logistic_statistic(["age", "arm"]), spells, n=15, seed=4)

    def ratios(table: Spells) -> Estimate:
        rows = logistic(table, ["age", "arm"]).rows
        return Estimate(rows.filter(rows["statistic"].str.contains("odds_ratio")))

    np.testing.assert_allclose(one.replicates, bootstrap(ratios, spells, n=15, seed=4).replicates, rtol=1e-7)
    assert one.found.rows["statistic"].to_list() == ["log_odds_ratio", "odds_ratio"] * 2


@pytest.mark.parametrize("statistic", [cox_statistic(["age", "arm"]), lambda s: np.array([np.mean(s.columns["age"])])])
def test_chunks_processes_and_progress_change_no_number(statistic: Any) -> None:
    spells, told = cohort(), []
    whole = bootstrap(statistic, spells, n=41, seed=7)
    options = Resampling(jobs=2, chunk=8, progress=lambda done, total: told.append((done, total)))
    parts = bootstrap(statistic, spells, n=41, seed=7, options=options)
    np.testing.assert_allclose(parts.replicates, whole.replicates, rtol=1e-9)
    assert told == [(8, 41), (16, 41), (24, 41), (32, 41), (40, 41), (41, 41)]


def test_standard_error_of_a_mean() -> None:
    """The bootstrap's is sqrt((n - 1) / n) s / sqrt n in expectation, the jackknife's s / sqrt n exactly."""
    spells = cohort()
    ages = spells.columns["age"]
    error = float(np.std(ages, ddof=1) / np.sqrt(len(ages)))
    fit = bootstrap(mean_age, spells, n=2000, seed=1)
    assert fit.found.rows["statistic"].item() == "value"
    found = fit.estimate("normal").rows
    assert found["std_error"].item() == pytest.approx(error * np.sqrt(39 / 40), rel=0.06)
    assert found["lower"].item() < ages.mean() < found["upper"].item()
    left_out = jackknife(mean_age, spells).rows
    assert left_out["std_error"].item() == pytest.approx(error, rel=1e-10)
    assert left_out["method"].item() == "jackknife"


@pytest.mark.parametrize("interval", ["percentile", "basic", "bca", "normal"])
def test_limits_cover_the_truth_about_as_often_as_they_say(interval: Interval) -> None:
    """Survival at the median of 40 exponential times; 120 cohorts, so that 95 % is 108 to 120 of them."""
    covered = 0
    for seed in range(120):
        random = np.random.default_rng(seed)
        spells = make_spells(random.exponential(1.0, 40), np.ones(40))
        rows = bootstrap(curve_statistic([np.log(2.0)]), spells, n=200, seed=seed).estimate(interval).rows
        covered += rows["lower"].item() <= 0.5 <= rows["upper"].item()
    assert 106 <= covered <= 120


def test_resamples_without_an_answer_are_left_out_and_counted() -> None:
    spells = make_spells([1.0, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 0], arm=["a"] * 5 + ["b"])
    fit = bootstrap(lambda s: aalen_johansen(s, "arm", [2.0]), spells, n=100, seed=1)
    drawn = bootstrap_weights(spells, 100, seed=1)[5]
    assert fit.failed[1] == np.count_nonzero(drawn == 0) > 0
    rows = fit.estimate().rows
    assert f"{fit.failed[1]} of 100 resamples without an estimate left out" in rows["warning"][1]
    assert CONSTANT in rows["warning"][1]
    assert rows["lower"][0] < rows["estimate"][0] < rows["upper"][0]


def test_a_statistic_that_fails_in_every_resample_has_no_limits() -> None:
    calls = []

    def once(spells: Spells) -> Floats:
        calls.append(len(spells))
        if len(calls) > 1:
            raise InputError("no", mend="None.")
        return mean_age(spells)

    rows = bootstrap(once, cohort(), n=10, seed=1).estimate().rows
    assert rows.select("std_error", "lower", "upper").row(0) == (None, None, None)
    assert rows["warning"].item() == f"{FEW}; 10 of 10 resamples without an estimate left out"


def test_no_estimate_no_limits() -> None:
    spells = make_spells([1.0, 2.0, 3.0], [0, 0, 0], x=[1.0, 2.0, 4.0])
    rows = bootstrap(cox_statistic(["x"]), spells, n=10, seed=1).estimate().rows
    assert rows["estimate"].null_count() == rows["lower"].null_count() == 2
    assert all("no_events" in text for text in rows["warning"])


def test_wrong_calls() -> None:
    with pytest.raises(InputError, match="fewer than two resamples"):
        bootstrap(mean_age, cohort(), n=1, seed=1)
    with pytest.raises(ValueError, match="interval is one of"):
        bootstrap(mean_age, cohort(), n=2, seed=1).estimate("studentised")  # type: ignore[arg-type]


def test_errors_that_are_no_fault_of_the_data_are_not_swallowed() -> None:
    def broken(spells: Spells) -> Floats:
        return np.array([1.0 / (spells.n - 40)])

    with pytest.raises(ZeroDivisionError):
        bootstrap(broken, cohort(), n=5, seed=1)


def sample(replicates: list[float], estimate: float = 0.5, left_out: tuple[float, ...] = (0.4, 0.6)) -> Sample:
    return Sample(estimate, np.sort(np.array(replicates)), lambda: np.array(left_out))


@pytest.mark.parametrize(
    ("drawn", "interval", "warning"),
    [
        (sample([0.3]), "percentile", FEW),
        (sample([0.3, 0.3, 0.3]), "basic", CONSTANT),
        (sample([0.6, 0.7, 0.8]), "bca", ONE_SIDE),
        (sample([0.1, 0.2, 0.8], left_out=(0.4, float("nan"))), "bca", NO_JACKKNIFE),
        (sample([0.1, 0.2, 0.8], estimate=float("nan")), "percentile", None),
    ],
)
def test_why_there_are_no_limits(drawn: Sample, interval: Interval, warning: str | None) -> None:
    found = interval_limits(drawn, interval, 0.95)
    assert np.isnan([found.lower, found.upper]).all()
    assert found.warning == warning


def test_too_few_resamples_for_the_level() -> None:
    found = interval_limits(sample([0.1, 0.4, 0.5, 0.9]), "percentile", 0.95)
    assert (found.lower, found.upper, found.warning) == (0.1, 0.9, EXTREME)
    assert interval_limits(sample([0.1, 0.4, 0.5, 0.9]), "percentile", 0.5).warning is None


def test_bca_is_the_percentile_interval_without_bias_and_skewness() -> None:
    drawn = sample([float(k) for k in range(1, 100)], estimate=50.2, left_out=(49.0, 50.0, 51.0))
    drawn = replace(drawn, replicates=np.append(drawn.replicates, 101.0))
    one, other = (interval_limits(drawn, interval, 0.9) for interval in ("bca", "percentile"))
    assert (one.lower, one.upper) == pytest.approx((other.lower, other.upper))


# The jackknife


def test_jackknife_by_weights_and_by_tables() -> None:
    spells = cut_in_two(cohort())
    one = leave_one_out(curve_statistic([5.0, 20.0], "arm"), spells)
    other = leave_one_out(lambda s: aalen_johansen(s, "arm", [5.0, 20.0]), spells)
    np.testing.assert_allclose(one, other, atol=1e-12)


def test_jackknife_of_clusters_and_of_missing_values() -> None:
    spells = make_spells([1.0, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 0], arm=["a"] * 5 + ["b"], site=[1, 1, 2, 2, 3, 3])
    assert len(leave_one_out(mean_time, spells, options=Resampling(cluster="site"))) == 3
    rows = jackknife(curve_statistic([2.0], "arm"), spells).rows
    assert rows["warning"][0] is None
    assert rows["warning"][1] == (
        "no limits: the statistic does not change when a patient is left out; "
        "1 of 6 resamples without an estimate left out"
    )
    assert rows["lower"][1] is None


def mean_time(spells: Spells) -> Floats:
    return np.array([spells.stop.mean()])


def test_the_infinitesimal_jackknife_is_the_robust_standard_error() -> None:
    spells = cut_in_two(cohort())
    fit = fit_cox(spells, CoxModel(("age", "arm"), cluster="centre"))
    logs = fit.estimate().where(statistic="log_hazard_ratio")
    centre = pl.Series(spells.columns["centre"])[np.unique(spells.patient, return_index=True)[1].tolist()]
    rows = infinitesimal_jackknife(logs, fit.influence, cluster=centre.to_list()).rows
    np.testing.assert_allclose(rows["std_error"], logs.rows["std_error"], rtol=1e-12)
    np.testing.assert_allclose(rows["upper"], logs.rows["upper"], rtol=1e-12)
    window = Window(12.0, variance="robust")
    means = rmst(spells, window=window)
    influence = fit_rmst(spells, window=window).influence
    assert influence is not None
    found = infinitesimal_jackknife(means, influence[:, :1]).rows
    np.testing.assert_allclose(found["std_error"], means.rows["std_error"], rtol=1e-12)
    assert found["method"].item() == "infinitesimal jackknife"


def test_bca_limits_of_a_fit_use_its_jackknife() -> None:
    spells = cohort()
    fit = bootstrap(curve_statistic([10.0]), spells, n=200, seed=5)
    known = Sample(fit.found.rows["estimate"].item(), np.sort(fit.replicates[:, 0]), lambda: fit.left_out[:, 0])
    limits = interval_limits(known, "bca", 0.9)
    rows = fit.estimate("bca", level=0.9).rows
    assert rows.select("lower", "upper", "method").row(0) == (limits.lower, limits.upper, "bootstrap, BCa")


def test_a_batched_statistic_is_called_with_the_table_and_with_counts() -> None:
    """Weights that are given multiply the table's own, which stay in it."""
    spells, seen = cohort(weight=np.linspace(0.5, 2.0, 40)), []

    def values(table: Spells, weights: Floats) -> Floats:
        seen.append((table.weight, weights))
        return weights.sum(axis=0)[:, None]

    total = Batched(lambda s: aalen_johansen(s, times=[3.0]), values)
    fit = bootstrap(total, spells, n=5, seed=1)
    assert np.array_equal(seen[0][0], spells.weight)
    expected = bootstrap_weights(spells, 5, seed=1)
    np.testing.assert_allclose(fit.replicates[:, 0], expected.sum(axis=0))


# Pseudo-observations


def walks_from_one_early_starter() -> Spells:
    """Illness and death; one patient is under observation before all others."""
    return make_spells(
        [4.0, 9, 6, 8, 10, 12], [True] * 5 + [False], start=[0.0, 4, 2, 3, 3, 5], patient=[0, 0, 1, 2, 3, 4],
        state=[0, 1, 0, 0, 0, 0], to=[1, 2, 2, 1, 2, -1], states=("well", "ill", "dead"),
    )  # fmt: skip


TABLES = {
    "one event": cohort(),
    "two events": cohort(events=2),
    "two rows a patient": cut_in_two(cohort(events=2)),
    "delayed entry": cohort(start=np.where(np.arange(40) % 3, -np.inf, 0.5)),
    "several states": random_walks(5),
    "one who starts first": walks_from_one_early_starter(),
}


@pytest.mark.parametrize("name", TABLES)
def test_leave_one_out_is_what_it_says(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    spells, days = TABLES[name], np.array([0.5, 5.0, 8.0])
    monkeypatch.setattr("dayzero.estimators.resampling.pseudo.LARGEST", 3000)  # in several chunks
    found = pseudo_probabilities(spells, days)
    whole = fit_aalen_johansen(spells).at(days)
    np.testing.assert_array_equal(found.whole, whole)
    for place, patient in enumerate(found.patient):
        without = fit_aalen_johansen(spells.where(spells.patient != patient)).at(days)
        np.testing.assert_allclose(found.values[place], spells.n * whole - (spells.n - 1) * without, atol=1e-11)


@pytest.mark.parametrize("name", TABLES)
def test_the_infinitesimal_ones_are_derivatives(name: str) -> None:
    """theta + n times the slope of theta in the weight of the patient, by a symmetric difference."""
    spells, days, step = TABLES[name], np.array([0.5, 5.0, 8.0]), 1e-5
    found = pseudo_probabilities(spells, days, method="infinitesimal")
    for place, patient in enumerate(found.patient[:8]):
        moved = np.where(spells.patient == patient, step, 0.0)
        up, down = (fit_aalen_johansen(spells, 1.0 + sign * moved).at(days) for sign in (1, -1))
        slope = (up - down) / (2 * step)
        np.testing.assert_allclose(found.values[place], found.whole + spells.n * slope, atol=1e-7)
    np.testing.assert_allclose(found.values.mean(axis=0), found.whole, atol=1e-12)
    np.testing.assert_allclose(found.values.sum(axis=2), 1.0, atol=1e-12)


@pytest.mark.parametrize("events", [1, 2])
def test_means_are_areas_under_the_pseudo_curves(events: int) -> None:
    spells, methods = cohort(events=events), ("leave-one-out", "infinitesimal")
    days = np.arange(0.0, 20.0)
    for method in methods:
        curves = pseudo_probabilities(spells, days.tolist(), method=method).values
        means = pseudo_means(spells, [5.0, 20.0], method=method)
        np.testing.assert_allclose(means.values[:, 1], curves.sum(axis=1), atol=1e-9)
        np.testing.assert_allclose(means.values[:, 0], curves[:, :5].sum(axis=1), atol=1e-9)


def test_patients_without_a_row_have_no_pseudo_observation() -> None:
    spells = cohort()
    kept = spells.where(spells.patient % 2 == 0)
    found = pseudo_probabilities(kept, [5.0])
    assert found.patient.tolist() == list(range(0, 40, 2))
    assert found.values.shape == (20, 1, 2)
    assert pseudo_means(kept, [5.0], method="infinitesimal").values.shape == (20, 1, 2)


def test_the_curve_at_rest_has_pseudo_observations_for_ever() -> None:
    spells = make_spells([1.0, 2.0, 3.0], [1, 1, 1])
    assert pseudo_probabilities(spells, [50.0]).values[:, 0, 0].tolist() == [0.0, 0.0, 0.0]


def every_kind(spells: Spells, day: float, method: Method) -> list[PseudoValues]:
    return [pseudo_probabilities(spells, [day], method=method), pseudo_means(spells, [day], method=method)]


@pytest.mark.parametrize("method", ["leave-one-out", "infinitesimal"])
def test_what_has_no_pseudo_observations(method: Method) -> None:
    with pytest.raises(InputError, match="last observation"):
        every_kind(make_spells([1.0, 2.0], [1, 0]), 3.0, method)
    with pytest.raises(InputError, match="weighted patients"):
        every_kind(make_spells([1.0, 2.0], [1, 0], weight=[1.0, 2.0]), 1.0, method)
    with pytest.raises(InputError, match="several states"):
        pseudo_means(random_walks(1), [3.0], method=method)
    with pytest.raises(ValueError, match="method is one of"):
        pseudo_probabilities(make_spells([1.0, 2.0], [1, 0]), [1.0], method="jackknife")  # type: ignore[arg-type]


def test_no_days_no_pseudo_observations() -> None:
    for method in ("leave-one-out", "infinitesimal"):
        assert pseudo_probabilities(cohort(), [], method=method).values.shape == (40, 0, 2)
        assert pseudo_means(cohort(), [], method=method).values.shape == (40, 0, 2)
