"""Fine and Gray's model: weights without row expansion, what is refused, and what else must hold."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import fit_cox
from dayzero.estimators.curves.aalen_johansen import fit_aalen_johansen
from dayzero.estimators.fine_gray.fit import FineGrayModel, fine_gray, fit_fine_gray
from dayzero.estimators.fine_gray.incidence import incidence_difference, predicted_incidence
from dayzero.estimators.fine_gray.weights import subdistribution
from dayzero.spells import CENSORED, make_spells, split
from fine_gray_oracles import brute_psi, cohort, expanded

PATIENTS: dict[str, Any] = {"low": {"age": -1.0, "arm": "a"}, "high": {"age": 1.0, "arm": "b"}}


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("strata", [(), ("sex",)])
def test_no_row_expansion_is_needed(late: bool, ties: Any, strata: tuple[str, ...]) -> None:
    spells = cohort(late=late)
    for censoring in ((), ("centre",)):
        model = FineGrayModel(("age", "arm"), ties=ties, strata=strata, censoring=censoring)
        fit = fit_fine_gray(spells, model)
        whole = expanded(fit.staying.table, model.cox)
        np.testing.assert_allclose(fit.coefficients, whole.coefficients, rtol=1e-11)
        np.testing.assert_allclose(fit.covariance, whole.robust, rtol=1e-10)
        np.testing.assert_allclose(fit.log_likelihood, whole.log_likelihood, rtol=1e-12)
        np.testing.assert_allclose(fit.cox.score, whole.score, rtol=1e-10)
        np.testing.assert_allclose(fit.cox.influence, whole.influence, rtol=1e-8, atol=1e-12)
        if not strata:
            np.testing.assert_allclose(np.diff(fit.cox.baseline.hazard), np.diff(whole.baseline.hazard) * np.exp(
                (fit.cox.centre - whole.centre) @ fit.coefficients), rtol=1e-10)  # fmt: skip


def test_the_influence_through_g_is_that_of_the_paper() -> None:
    """Psi of Fine and Gray (1999, section 4), by loops over patients and days."""
    spells = cohort(60)
    for how in ({}, {"censoring": ("sex",)}, {"strata": ("sex",)}):
        fit = fit_fine_gray(spells, FineGrayModel(("age", "arm"), ties="breslow", weights="crr", **how))
        np.testing.assert_allclose(fit.influence - fit.cox.influence, brute_psi(fit, grouped=bool(how)), atol=1e-13)


def test_without_competing_events_it_is_a_cox_model_with_robust_errors() -> None:
    spells = cohort()
    alone = replace(spells, to=np.where(spells.to == 2, CENSORED, spells.to))
    ours, theirs = fit_fine_gray(alone, ["age", "arm"]), fit_cox(alone, CoxModel(("age", "arm"), robust=True))
    np.testing.assert_allclose(ours.coefficients, theirs.coefficients, rtol=1e-13)
    np.testing.assert_allclose(ours.covariance, theirs.robust, rtol=1e-12)


def test_a_row_cut_in_two_changes_nothing() -> None:
    spells = cohort()
    cut = split(spells, np.full(150, 10.0), name="later")
    for weights, ties in (("finegray", "efron"), ("crr", "breslow")):
        model = FineGrayModel(("age", "arm"), ties=ties, weights=weights)  # type: ignore[arg-type]
        one, two = fit_fine_gray(spells, model), fit_fine_gray(cut, model)
        np.testing.assert_allclose(one.coefficients, two.coefficients, rtol=1e-12)
        np.testing.assert_allclose(one.covariance, two.covariance, rtol=1e-11)
        assert one.cox.n == two.cox.n == 150


def test_weights_count_in_g_and_batches_are_fits() -> None:
    spells = cohort()
    weights = np.random.default_rng(2).integers(0, 3, (150, 3)).astype(float)
    batch = fit_fine_gray(spells, ["age", "arm"], weights)
    assert batch.cox.coefficients.shape == (3, 2)
    for k in range(3):
        twice = spells.where(np.repeat(np.arange(150), weights[:, k].astype(int)))  # type: ignore[arg-type]
        again = replace(
            twice,
            patient=np.arange(len(twice)),
            patients=pl.DataFrame({"patient": [str(i) for i in range(len(twice))]}),
        )
        one = fit_fine_gray(spells, FineGrayModel(("age", "arm"), ties="breslow"), weights[:, k])
        np.testing.assert_allclose(
            one.coefficients,
            fit_fine_gray(again, FineGrayModel(("age", "arm"), ties="breslow")).coefficients,
            rtol=1e-10,
        )
        np.testing.assert_array_equal(
            batch.cox.coefficients[k], fit_fine_gray(spells, ["age", "arm"], weights[:, k]).coefficients
        )
    with pytest.raises(ValueError, match="batch"):
        predicted_incidence(batch, PATIENTS, [10.0])


def test_who_counts_in_g_where_a_term_is_missing() -> None:
    """All patients with finegray's weights, the complete ones with crr's, as these functions have it."""
    spells = cohort()
    age = spells.columns["age"].copy()
    age[::7] = np.nan
    some = replace(spells, columns={**spells.columns, "age": age})
    complete = some.where(~np.isnan(age))
    crr = FineGrayModel(("age",), ties="breslow", weights="crr")
    for model, alike in ((crr, True), (replace(crr, weights="finegray"), False)):
        whole, kept = fit_fine_gray(some, model), fit_fine_gray(complete, model)
        assert bool(np.isclose(whole.coefficients, kept.coefficients, rtol=1e-12).all()) is alike
        assert bool(np.isclose(whole.std_error, kept.std_error, rtol=1e-12).all()) is alike
        assert "dropped_missing: 22 patients" in str(whole.estimate().rows["warning"][0])


def test_errors_clustered_on_a_column_count_the_estimation_of_g_too() -> None:
    spells = cohort()
    fit = fit_fine_gray(spells, FineGrayModel(("age", "arm"), ties="breslow", weights="crr", cluster="centre"))
    sums = np.stack([fit.influence[spells.columns["centre"] == name].sum(axis=0) for name in "xyz"])
    np.testing.assert_allclose(fit.covariance, sums.T @ sums, rtol=1e-12)


def test_rows_of_the_contract() -> None:
    fit = fit_fine_gray(cohort(), ["age", "arm"])
    rows = fine_gray(cohort(), ["age", "arm"]).rows
    assert rows["statistic"].to_list() == ["log_hazard_ratio", "hazard_ratio"] * 2 + ["wald", "log_likelihood"]
    assert set(rows["kind"]) == {"fine_gray"}
    assert set(rows["method"]) == {"efron, finegray weights"}
    assert set(rows["endpoint"]) == {"relapse"}
    assert set(rows["n"]) == {150}
    assert set(rows["n_events"]) == {int(np.sum(cohort().event()))}
    logs = rows.filter(pl.col("statistic") == "log_hazard_ratio")
    np.testing.assert_allclose(logs["std_error"], np.sqrt(np.diag(fit.covariance)))
    ratios = rows.filter(pl.col("statistic") == "hazard_ratio")
    np.testing.assert_allclose(ratios["std_error"], np.exp(fit.coefficients) * fit.std_error)
    wald = rows.filter(pl.col("statistic") == "wald")
    assert wald["estimate"][0] == pytest.approx(fit.coefficients @ np.linalg.solve(fit.covariance, fit.coefficients))


def test_predicted_incidence_of_crr_is_that_of_refitted_weights() -> None:
    """The jackknife of crr counts G; the paper's 1 / Y for 1 / (Y - 1) leaves 1 part in 1,000."""
    rng = np.random.default_rng(3)
    spells = cohort(100)
    spells = replace(spells, stop=spells.stop + rng.uniform(0, 0.5, 100), patients=spells.patients)
    model, days = FineGrayModel(("age", "arm"), ties="breslow", weights="crr"), [5.0, 20.0, 40.0]

    def moved(by: float, k: int) -> np.ndarray:
        fit = fit_fine_gray(spells, model, np.where(np.arange(100) == k, 1 + by, 1.0))
        return predicted_incidence(fit, PATIENTS, days).rows["estimate"].to_numpy()

    slope = np.array([(moved(1e-4, k) - moved(-1e-4, k)) / 2e-4 for k in range(100)])
    fit = fit_fine_gray(spells, model)
    found = predicted_incidence(fit, PATIENTS, days).rows
    np.testing.assert_allclose(found["std_error"], np.sqrt(np.sum(slope**2, axis=0)), rtol=2e-3)
    fixed = predicted_incidence(fit_fine_gray(spells, replace(model, weights="finegray")), PATIENTS, days).rows
    assert not np.allclose(fixed["std_error"], np.sqrt(np.sum(slope**2, axis=0)), rtol=2e-3)


def test_predicted_curve() -> None:
    fit = fit_fine_gray(cohort(), FineGrayModel(("age", "arm"), strata=("sex",)))
    patients = {"one": {**PATIENTS["low"], "sex": "m"}, "two": {**PATIENTS["low"], "sex": "f"}}
    rows = predicted_incidence(fit, patients).rows.filter(pl.col("group") == "patient=one")
    assert rows["time"][0] == 0.0
    assert rows["estimate"][0] == 0.0
    assert rows["estimate"].is_sorted()
    assert set(rows["term"]) == {"relapse"}
    assert rows["n_events"][-1] == fit.cox.n_events
    inside = rows.filter(pl.col("lower").is_not_null())
    assert bool((inside["lower"] < inside["estimate"]).all())
    assert bool((inside["estimate"] < inside["upper"]).all())
    stratum = np.array(fit.cox.baseline.stratum) == "sex=m"
    away = np.array([-1.0, 0.0]) - fit.cox.centre
    hazard = fit.cox.baseline.hazard[stratum] * np.exp(away @ fit.coefficients)
    days = fit.cox.baseline.time[stratum]
    found = rows.filter(pl.col("time").is_in(days.tolist()))["estimate"]
    np.testing.assert_allclose(found, 1 - np.exp(-hazard), rtol=1e-12)


@pytest.mark.parametrize("number", [int, float])
def test_strata_that_are_numbers(number: Any) -> None:
    spells = cohort()
    code = (spells.columns["sex"] == "m").astype(number)
    numbered = replace(spells, columns={**spells.columns, "sex": code})
    found = []
    for table, sex in ((spells, "m"), (numbered, 1)):
        fit = fit_fine_gray(table, FineGrayModel(("age", "arm"), strata=("sex",)))
        found.append(predicted_incidence(fit, {"one": {**PATIENTS["low"], "sex": sex}}, [20.0]).rows)
    assert found[0].equals(found[1])
    with pytest.raises(InputError, match="stratum that there is not"):
        predicted_incidence(fit, {"one": {**PATIENTS["low"], "sex": 2}}, [20.0])


def test_predictions_end_with_the_observation() -> None:
    last = float(cohort().stop.max())
    rows = predicted_incidence(fit_fine_gray(cohort(), ["age", "arm"]), PATIENTS, [last, last + 1]).rows
    assert rows["estimate"].is_null().to_list() == [False, True, False, True]
    assert rows["warning"][1] == f"beyond the last observation (day {last:g})"
    gap = incidence_difference(fit_fine_gray(cohort(), ["age", "arm"]), PATIENTS, [last, last + 1]).rows
    assert gap["group"].to_list() == ["patient=low|high"] * 2
    assert gap["estimate"].is_null().to_list() == [False, True]
    assert gap["estimate"][0] == rows["estimate"][2] - rows["estimate"][0]
    assert gap["lower"][0] < gap["estimate"][0] < gap["upper"][0]
    alike = incidence_difference(
        fit_fine_gray(cohort(), ["age", "arm"]), {"a": PATIENTS["low"], "b": PATIENTS["low"]}, [9.0]
    )
    assert alike.rows.select("estimate", "std_error", "p_value").row(0) == (0.0, 0.0, None)


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"age": 1.0}, "without a value of 'arm'"),
        ({"age": "old", "arm": "a"}, "'age' is text"),
        ({"age": 1.0, "arm": "c"}, "'arm' is none of its levels"),
    ],
)
def test_patients_that_cannot_be_predicted(values: Any, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        predicted_incidence(fit_fine_gray(cohort(), ["age", "arm"]), {"one": values}, [10.0])


def test_without_events() -> None:
    spells = make_spells([3, 4, 5], [0, 2, 0], states=("initial", "relapse", "death"), x=[0, 1, 1])
    rows = fine_gray(spells, ["x"]).rows
    assert rows["estimate"][:3].is_null().all()
    assert rows["warning"].str.starts_with("no_events").all()


def test_a_table_of_subdistribution_weights_makes_no_curve() -> None:
    weighted = subdistribution(make_spells([1, 2, 3, 4], [1, 2, 0, 1]))
    with pytest.raises(InputError, match="at risk for ever"):
        fit_aalen_johansen(weighted)
