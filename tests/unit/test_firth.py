"""Firth's penalty in Cox models: what must hold, and what is refused."""

import numpy as np
import pytest

from dayzero.errors import InputError
from dayzero.estimators.cox.concordance import fit_concordance
from dayzero.estimators.cox.design import CoxModel, design_cox
from dayzero.estimators.cox.firth import firth_cox, firth_cox_univariable, fit_firth_cox
from dayzero.estimators.cox.firth_likelihood import climb, evaluate_firth, form_problem
from dayzero.estimators.cox.fit import fit_cox
from dayzero.spells import Spells, make_spells


def cohort(n: int = 300, seed: int = 3) -> Spells:
    random = np.random.default_rng(seed)
    a, b = random.normal(size=(2, n))
    days = np.ceil(100 * random.exponential(size=n) * np.exp(-a))
    start = np.where(random.random(n) < 0.3, np.floor(days * random.random(n)), -np.inf)
    columns = {"a": a, "b": b, "c": b + random.normal(size=n) > 0, "d": random.choice(["x", "y"], n)}
    return make_spells(days, random.random(n) < 0.5, start=start, centre=random.integers(0, 2, n), **columns)


def toy() -> Spells:
    return make_spells(range(1, 9), [1] * 4 + [0] * 4, x=[1] * 4 + [0] * 4)


MODELS = [
    CoxModel(("a", "b"), ties="breslow"),
    CoxModel(("a", "b")),
    CoxModel(("a", "d"), strata=("centre",)),
]


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_score_is_the_slope_of_the_penalised_likelihood(model: CoxModel, weighted: bool) -> None:
    spells = cohort(60)
    problem = form_problem(design_cox(spells, model, np.arange(1, 61) % 4 + 0.5 if weighted else None))
    beta = np.array([[0.3, -0.4], [0.0, 0.1]])
    slopes = []
    for j in range(2):
        step = 1e-5 * np.eye(2)[j]
        ends = [evaluate_firth(problem, beta + sign * step).log_likelihood for sign in (1, -1)]
        slopes.append((ends[0] - ends[1]) / 2e-5)
    np.testing.assert_allclose(evaluate_firth(problem, beta).score, np.array(slopes).T, rtol=1e-6, atol=1e-6)


def test_at_a_limit_the_profile_has_fallen_by_half_of_chi_squared() -> None:
    fit = fit_firth_cox(cohort(80), ["a", "b", "d"])
    problem = form_problem(fit.cox.design)
    for limits in (fit.lower, fit.upper):
        for j in range(3):
            base = (fit.coefficients * fit.cox.design.scale)[None, :].copy()
            base[0, j] = limits[j] * fit.cox.design.scale[j]
            reached = climb(problem, base, np.arange(3)[None, :] == j).reached.log_likelihood[0]
            fallen = 2.0 * (fit.cox.log_likelihood[1] - reached)
            assert fallen == pytest.approx(1.959963984540054**2, rel=1e-8)


def test_the_limits_and_the_p_value_agree() -> None:
    """A limit lies at 0 where p = 0.05: they are one test."""
    fit = fit_firth_cox(cohort(80), ["a", "b", "c", "d"])
    outside = (fit.lower > 0) | (fit.upper < 0)
    assert (outside == (fit.p_value < 0.05)).all()


def test_the_unit_of_a_covariate_does_not_matter() -> None:
    spells = cohort(80)
    other = make_spells(
        spells.stop, spells.event(), start=spells.start, a=5 - 1000 * spells.columns["a"], b=spells.columns["b"]
    )
    first, second = (fit_firth_cox(table, ["a", "b"]) for table in (spells, other))
    np.testing.assert_allclose(second.coefficients * [-1000, 1], first.coefficients, rtol=1e-7)
    np.testing.assert_allclose(second.upper[0] * -1000, first.lower[0], rtol=1e-7)
    np.testing.assert_allclose(second.chi_squared, first.chi_squared, rtol=1e-7)


def test_a_separated_coefficient_is_finite_and_maximum_likelihood_says_so() -> None:
    plain, fit = fit_cox(toy(), ["x"]), fit_firth_cox(toy(), ["x"])
    assert any("separation" in text and "Firth" in text for text in plain.warnings)
    assert fit.warnings == ()
    assert np.isfinite([fit.coefficients[0], fit.lower[0], fit.upper[0]]).all()


def test_with_many_events_it_is_near_maximum_likelihood() -> None:
    spells = cohort(2000)
    plain, fit = fit_cox(spells, CoxModel(("a", "b"), ties="breslow")), fit_firth_cox(spells, ["a", "b"])
    np.testing.assert_allclose(fit.coefficients, plain.coefficients, atol=0.01)


def test_collinear_and_constant_terms_have_no_coefficient() -> None:
    spells = cohort(80)
    more = make_spells(
        spells.stop, spells.event(), start=spells.start,
        a=spells.columns["a"], twice=2 * spells.columns["a"], one=np.ones(80),
    )  # fmt: skip
    fit = fit_firth_cox(more, ["a", "twice", "one"])
    assert np.isnan(fit.coefficients).tolist() == [False, True, True]
    assert fit.cox.df == 1
    assert any("collinear: twice" in text for text in fit.warnings)
    assert any("constant_term: one" in text for text in fit.warnings)
    alone = make_spells(spells.stop, spells.event(), start=spells.start, a=spells.columns["a"])
    assert fit.coefficients[0] == pytest.approx(fit_firth_cox(alone, ["a"]).coefficients[0])


def test_without_events_or_without_terms_that_vary_there_is_nothing() -> None:
    none = fit_firth_cox(make_spells([1, 2, 3], [0, 0, 0], x=[1, 2, 3]), ["x"])
    assert none.warnings[0].startswith("no_events")
    assert none.estimate().rows["estimate"].to_list() == [None, None, None]
    constant = fit_firth_cox(make_spells([1, 2, 3], [1, 0, 1], x=[1, 1, 1]), ["x"])
    assert constant.warnings == ("constant_term: x has one value only",)


def test_patients_without_a_term_are_counted() -> None:
    fit = fit_firth_cox(make_spells([1, 2, 3, 4], [1, 1, 1, 0], x=[1.0, np.nan, 0.0, 1.0]), ["x"])
    assert fit.warnings == ("dropped_missing: 1 patients",)


def test_rows_of_the_contract() -> None:
    spells = cohort(80)
    rows = firth_cox(spells, ["a", "d"])
    assert rows.rows["method"].unique().to_list() == ["firth"]
    assert firth_cox(spells, CoxModel(("a",))).rows["method"].unique().to_list() == ["firth, efron"]
    logs, ratios = (rows.where(statistic=name).rows for name in ("log_hazard_ratio", "hazard_ratio"))
    np.testing.assert_allclose(np.exp(logs["lower"].to_numpy()), ratios["lower"].to_numpy())
    assert rows.where(statistic="likelihood_ratio").rows["df"].to_list() == [2.0]
    alone = firth_cox_univariable(spells, ["a*d"])
    assert alone.where(statistic="likelihood_ratio").rows["term"].to_list() == ["a", "d"]
    assert alone.rows["kind"].unique().to_list() == ["cox_univariable"]


@pytest.mark.parametrize(("model", "message"), [
    (CoxModel(("a",), ties="exact"), "exact ties"),
    (CoxModel(("a",), cluster="centre"), "robust"),
    (CoxModel(("a",), robust=True), "robust"),
])  # fmt: skip
def test_what_has_no_penalised_likelihood_is_refused(model: CoxModel, message: str) -> None:
    with pytest.raises(InputError, match=message):
        fit_firth_cox(cohort(40), model)


def test_a_batch_of_weightings_is_refused() -> None:
    with pytest.raises(InputError, match="several weightings"):
        fit_firth_cox(cohort(40), ["a"], np.ones((40, 3)))


def test_its_predictions_have_a_concordance() -> None:
    spells = cohort(80)
    assert fit_concordance(fit_firth_cox(spells, ["a"]).cox).value == fit_concordance(fit_cox(spells, ["a"])).value
