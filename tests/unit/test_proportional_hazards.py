"""The test of proportional hazards and the residuals: what holds for any data."""

from dataclasses import replace

import numpy as np
import pytest

from dayzero.errors import InputError
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import CoxFit, fit_cox
from dayzero.estimators.cox.proportional_hazards import proportional_hazards
from dayzero.estimators.cox.row_residuals import (
    cox_score_residuals,
    deviance_residuals,
    dfbeta,
    martingale_residuals,
)
from dayzero.estimators.cox.schoenfeld import scaled_schoenfeld_residuals, schoenfeld_residuals
from dayzero.estimators.cox.time_effects import split_time_effects
from dayzero.spells import Spells, make_spells


def cohort(n: int = 120, seed: int = 1) -> Spells:
    random = np.random.default_rng(seed)
    age, group = random.normal(50.0, 10.0, n), random.choice(["a", "b", "c"], n)
    days = np.ceil(random.exponential(200.0, n) * np.exp(-0.03 * (age - 50.0)))
    return make_spells(days, random.random(n) < 0.7, age=age, group=group, centre=random.integers(0, 3, n))


def model(**options: object) -> CoxModel:
    return CoxModel(("age", "group"), **options)  # type: ignore[arg-type]


def test_a_factor_has_all_its_degrees_of_freedom_and_global_has_them_all() -> None:
    rows = proportional_hazards(fit_cox(cohort(), model())).rows
    assert rows["term"].to_list() == ["age", "group", "GLOBAL"]
    assert rows["df"].to_list() == [1.0, 2.0, 3.0]
    assert rows["method"].unique().to_list() == ["km"]


def test_it_is_the_score_test_of_the_product_with_the_function_of_time() -> None:
    """One Newton step from the fit without the product: the likelihood ratio is near, and nearer the smaller it is."""
    spells = cohort()
    plain = fit_cox(spells, ["age"])
    found = next(proportional_hazards(plain, "identity").records())
    split = split_time_effects(spells, ["age:t"])
    ratio = 2.0 * (fit_cox(split, ["age", "age:t"]).log_likelihood[1] - plain.log_likelihood[1])
    assert found["estimate"] == pytest.approx(ratio, rel=0.2)


def test_the_unit_and_the_origin_of_a_covariate_do_not_matter() -> None:
    spells = cohort()
    other = replace(spells, columns={**spells.columns, "age": 3.0 - 0.01 * spells.columns["age"]})
    first, second = (proportional_hazards(fit_cox(table, model())).rows["estimate"] for table in (spells, other))
    np.testing.assert_allclose(first, second, rtol=1e-8)


def test_collinear_and_runaway_terms_take_no_degree_of_freedom() -> None:
    spells = cohort()
    doubled = replace(spells, columns={**spells.columns, "again": 2.0 * spells.columns["age"]})
    rows = proportional_hazards(fit_cox(doubled, ["age", "again"])).rows
    assert rows["term"].to_list() == ["age", "GLOBAL"]
    toy = make_spells(range(1, 9), [1] * 4 + [0] * 4, x=[1] * 4 + [0] * 4)
    rows = proportional_hazards(fit_cox(toy, ["x"])).rows
    assert (rows["term"].to_list(), rows["df"].to_list(), rows["p_value"].to_list()) == (["GLOBAL"], [0.0], [None])


def test_without_events_there_is_no_test() -> None:
    fit = fit_cox(make_spells([1, 2, 3], [0, 0, 0], x=[1, 2, 3]), ["x"])
    assert proportional_hazards(fit).rows["estimate"].to_list() == [None]
    assert martingale_residuals(fit).tolist() == [0.0, 0.0, 0.0]
    assert schoenfeld_residuals(fit).values.shape == (0, 1)


def test_unknown_transforms_exact_ties_and_day_0_are_refused() -> None:
    fit = fit_cox(cohort(), model())
    with pytest.raises(InputError, match='unknown transform "cubic"'):
        proportional_hazards(fit, "cubic")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="exact ties have no test"):
        proportional_hazards(fit_cox(cohort(), model(ties="exact")))
    early = make_spells([0, 1, 2, 3], [1, 1, 0, 1], x=[1, 0, 1, 0])
    with pytest.raises(InputError, match="day 0 has no logarithm"):
        proportional_hazards(fit_cox(early, ["x"]), "log")


FITS = [model(), model(ties="breslow"), model(strata=("centre",))]


@pytest.mark.parametrize("chosen", FITS)
def test_residuals_sum_to_what_the_score_equations_say(chosen: CoxModel) -> None:
    fit = fit_cox(cohort(), chosen)
    assert abs(martingale_residuals(fit).sum()) < 1e-9
    np.testing.assert_allclose(cox_score_residuals(fit).sum(axis=0), 0.0, atol=1e-6)
    np.testing.assert_allclose(schoenfeld_residuals(fit).values.sum(axis=0), 0.0, atol=1e-6)
    scaled = scaled_schoenfeld_residuals(fit).values
    np.testing.assert_allclose(scaled.mean(axis=0), fit.coefficients, atol=1e-8)


def test_a_patients_residual_is_the_sum_over_the_rows() -> None:
    spells = split_time_effects(cohort(), ["age:t"])
    fit, whole = (fit_cox(table, model()) for table in (spells, cohort()))
    by_row = martingale_residuals(fit, "row")
    sums = np.bincount(spells.patient, weights=by_row)
    np.testing.assert_allclose(sums, martingale_residuals(fit), atol=1e-12)
    np.testing.assert_allclose(martingale_residuals(fit), martingale_residuals(whole), atol=1e-9)
    np.testing.assert_allclose(deviance_residuals(fit), deviance_residuals(whole), atol=1e-8)


def test_patients_left_out_have_no_residual() -> None:
    spells = cohort()
    age = spells.columns["age"].copy()
    age[[3, 7]] = np.nan
    fit = fit_cox(replace(spells, columns={**spells.columns, "age": age}), model())
    for values in (martingale_residuals(fit), dfbeta(fit)[:, 0], deviance_residuals(fit, "row")):
        assert np.flatnonzero(np.isnan(values)).tolist() == [3, 7]


def test_dfbeta_is_the_change_of_the_coefficients_by_a_weight() -> None:
    spells = cohort(40)
    fit: CoxFit = fit_cox(spells, model())
    more, less = (np.ones(40) for _ in range(2))
    more[5], less[5] = 1.0 + 1e-4, 1.0 - 1e-4
    slope = (fit_cox(spells, model(), more).coefficients - fit_cox(spells, model(), less).coefficients) / 2e-4
    np.testing.assert_allclose(dfbeta(fit)[5], slope, rtol=1e-5)


def test_exact_ties_and_batches_have_no_residuals() -> None:
    spells = cohort(40)
    with pytest.raises(InputError, match="exact ties have no residuals"):
        martingale_residuals(fit_cox(spells, model(ties="exact")))
    with pytest.raises(ValueError, match="one weighting"):
        martingale_residuals(fit_cox(spells, model(), np.ones((40, 2))))
