"""Predicted and adjusted survival: what must hold, and what is refused."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.estimators.cox.adjusted_survival import adjusted_survival, fit_adjusted_survival
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import fit_cox
from dayzero.estimators.cox.prediction import predict_survival
from dayzero.estimators.cox.time_effects import split_time_effects
from dayzero.estimators.curves.aalen_johansen import aalen_johansen
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.terms.coding import code_again
from dayzero.spells import Spells, make_spells, split


def cohort(n: int = 80) -> Spells:
    random = np.random.default_rng(5)
    stop = np.ceil(random.exponential(300.0, n))
    spells = make_spells(stop, random.random(n) < 0.7)
    patients = spells.patients.with_columns(
        age=pl.Series(random.normal(50, 9, n).round()),
        risk=pl.Series(random.choice(["high", "low"], n)),
        centre=pl.Series(random.integers(1, 4, n)),
    )
    return replace(spells, patients=patients)


PATIENT = {"age": 60, "risk": "high"}


def test_a_hazard_ratio_is_a_power_of_survival() -> None:
    fit = fit_cox(cohort(), ["age", "risk"])
    rows = predict_survival(fit, [PATIENT, {"age": 70, "risk": "high"}], [200]).rows["estimate"]
    assert np.log(rows[1]) / np.log(rows[0]) == pytest.approx(np.exp(10 * fit.coefficients[0]))


def test_where_nothing_matters_it_is_breslows_curve() -> None:
    """With a constant covariate the model has no coefficient, and exp(-L) is near Kaplan-Meier."""
    spells = cohort(300)
    spells = replace(spells, columns={"one": np.ones(len(spells))})
    fit = fit_cox(spells, CoxModel(("one",), ties="breslow"))
    ours = predict_survival(fit, [{"one": 1}], [100, 300]).rows
    km = aalen_johansen(spells, times=[100, 300]).rows
    np.testing.assert_allclose(ours["estimate"], km["estimate"], rtol=0.01)
    np.testing.assert_allclose(ours["std_error"], km["std_error"], rtol=0.01)


def test_rows_of_the_contract() -> None:
    fit = fit_cox(cohort(), ["age", "risk"])
    rows = predict_survival(fit, [PATIENT], [0, 100, 1e6], options=Curve(conf_type="log")).rows
    assert rows["group"].unique().to_list() == ["age=60, risk=high"]
    assert rows["method"].unique().to_list() == ["efron, log"]
    assert rows["estimate"].to_list()[0] == 1.0
    assert rows["lower"].to_list()[0] is None
    assert rows["estimate"].to_list()[2] is None
    assert rows["warning"].to_list() == [None, None, "beyond the last observation"]


def test_by_default_the_whole_curve_falls_from_day_0() -> None:
    rows = predict_survival(fit_cox(cohort(), ["age", "risk"]), [PATIENT]).rows
    assert rows["time"][0] == 0.0
    assert (np.diff(rows["estimate"].to_numpy()) < 0).all()


def test_products_and_splines_are_coded_again_as_they_were() -> None:
    spells = cohort()
    fit = fit_cox(spells, ["rcs(age,3)*risk"])
    row = int(fit.design.row[0])
    patient = {"age": float(spells.patients["age"][row]), "risk": spells.patients["risk"][row]}
    again = predict_survival(fit, [patient], [200]).rows["estimate"][0]
    centre = predict_survival(fit, [{"age": 50.0, "risk": "low"}], [200]).rows["estimate"][0]
    x = fit.design.x[:, 0] * fit.design.scale + fit.design.centre
    knots = fit.design.coding[0].parts[0].knots
    assert len(knots) == 3
    z = code_again(fit.design.coding, pl.DataFrame([{"age": 50.0, "risk": "low"}]))[0]
    assert np.log(again) / np.log(centre) == pytest.approx(np.exp((x - z) @ fit.coefficients))


@pytest.mark.parametrize("value", [2, 2.0, "2"])
def test_a_stratum_may_be_written_as_a_number_or_as_text(value: object) -> None:
    fit = fit_cox(cohort(), CoxModel(("age",), strata=("centre",)))
    rows = predict_survival(fit, [{"age": 50, "centre": value}], [200]).rows  # type: ignore[dict-item]
    assert rows["group"].to_list() == ["age=50, centre=2"]
    assert 0.0 < rows["estimate"][0] < 1.0


@pytest.mark.parametrize(("patient", "message"), [
    ({"age": 60}, "column risk: a column of the model is missing"),
    ({"age": 60, "risk": "hihg"}, "column risk: a level that the model does not know"),
    ({"age": "old", "risk": "high"}, "column age: text for a column of numbers"),
    ({"age": float("nan"), "risk": "high"}, "lacks a value"),
])  # fmt: skip
def test_patients_that_cannot_be_predicted_for(patient: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        predict_survival(fit_cox(cohort(), ["age", "risk"]), [patient], [100])  # type: ignore[list-item]


def test_strata_that_are_missing_or_unknown() -> None:
    fit = fit_cox(cohort(), CoxModel(("age",), strata=("centre",)))
    for patient, message in (({"age": 60}, "a stratum is missing"), ({"age": 60, "centre": 9}, "does not know")):
        with pytest.raises(InputError, match=message):
            predict_survival(fit, [patient], [100])


def test_an_effect_that_changes_with_time_has_no_one_curve() -> None:
    terms = ["age", "age:log(t)"]
    fit = fit_cox(split_time_effects(cohort(), terms), terms)
    with pytest.raises(InputError, match="has no one curve"):
        predict_survival(fit, [{"age": 50}], [100])


def test_adjusting_for_nothing_else_is_predicting() -> None:
    """The one variance is model-based, the other robust: near each other in a large cohort where the model is right."""
    spells = cohort(2000)
    fit = fit_cox(spells, ["risk"])
    adjusted = adjusted_survival(fit, spells, "risk", [100, 300]).where(statistic="survival").rows
    plain = predict_survival(fit, [{"risk": "high"}, {"risk": "low"}], [100, 300]).rows
    np.testing.assert_allclose(adjusted["estimate"], plain["estimate"], rtol=1e-12)
    np.testing.assert_allclose(adjusted["std_error"], plain["std_error"], rtol=0.05)


def test_differences_are_second_less_first_with_their_own_error() -> None:
    spells = cohort()
    fit = fit_cox(spells, ["risk", "age"])
    found = adjusted_survival(fit, spells, "risk", [200])
    high, low = found.where(statistic="survival").rows["estimate"]
    gap = next(found.where(statistic="survival_difference").records())
    assert gap["group"] == "risk=high|low"
    assert gap["estimate"] == pytest.approx(low - high)
    curves = fit_adjusted_survival(fit, spells, "risk", [200])
    square = curves.covariance[0, 0] + curves.covariance[1, 1] - 2 * curves.covariance[0, 1]
    assert gap["std_error"] == pytest.approx(float(np.sqrt(square[0])))


def test_a_stratum_can_be_the_group() -> None:
    spells = cohort()
    fit = fit_cox(spells, CoxModel(("age",), strata=("risk",)))
    curves = fit_adjusted_survival(fit, spells, "risk", [100])
    assert curves.levels == ("high", "low")
    assert (np.diagonal(curves.covariance[..., 0]) > 0).all()


def test_a_patient_without_a_term_is_in_no_average() -> None:
    spells = cohort()
    age = spells.patients["age"].to_list()
    age[4] = None
    less = replace(spells, patients=spells.patients.with_columns(age=pl.Series(age)))
    fit = fit_cox(less, ["risk", "age"])
    kept = less.where(less.patient != 4)
    first = fit_adjusted_survival(fit, less, "risk", [100])
    other = fit_adjusted_survival(fit_cox(kept, ["risk", "age"]), kept, "risk", [100])
    np.testing.assert_allclose(first.survival, other.survival)
    np.testing.assert_allclose(first.covariance, other.covariance)


def test_adjusted_curves_that_are_refused() -> None:
    spells = cohort()
    fit = fit_cox(spells, ["risk", "age"])
    with pytest.raises(InputError, match="not in the model"):
        adjusted_survival(fit, spells, "centre", [100])
    with pytest.raises(InputError, match="more than 20 groups"):
        adjusted_survival(fit, spells, "age", [100])
    late = split(spells, np.full(80, 50.0), name="tx")
    with pytest.raises(InputError, match="changes with time"):
        adjusted_survival(fit_cox(late, ["risk", "tx"]), late, "risk", [100])
    none = make_spells([1, 2], [0, 0], x=[0, 1])
    with pytest.raises(InputError, match="without events"):
        adjusted_survival(fit_cox(none, ["x"]), none, "x", [1])
