"""Logistic, penalised and proportional-odds regression: what they estimate, and what they warn of."""

import numpy as np
import pytest

from dayzero.errors import InputError
from dayzero.estimators.outcomes.design import OddsModel
from dayzero.estimators.outcomes.firth import firth_logistic, fit_firth_logistic
from dayzero.estimators.outcomes.firth_likelihood import Penalised, climb, evaluate_firth
from dayzero.estimators.outcomes.logistic import fit_logistic, fit_ordinal, logistic, ordinal
from dayzero.spells import Spells, make_spells

RNG = np.random.default_rng(20)
AGE = RNG.normal(40.0, 12.0, 120)
RISK = RNG.choice(["high", "low"], 120)
YES = (RNG.random(120) < 1 / (1 + np.exp(-(0.05 * (AGE - 40) + 0.8 * (RISK == "high"))))).astype(int)


def table(yes=YES, **columns) -> Spells:
    return make_spells(np.full(len(yes), 28.0), yes, **{"age": AGE, "risk": RISK, **columns})


def test_two_levels_of_proportional_odds_are_a_logistic_regression() -> None:
    binary = fit_logistic(table(), ["age", "risk"])
    levels = make_spells(np.ones(120), YES + 1, age=AGE, risk=RISK, states=("before", "no", "yes"))
    two = fit_ordinal(levels, ["age", "risk"])
    assert two.coefficients == pytest.approx(binary.coefficients, rel=1e-12)
    assert two.covariance == pytest.approx(binary.covariance, rel=1e-12)
    assert (two.method, binary.method) == ("maximum likelihood", "maximum likelihood")


def test_a_batch_of_weightings_is_as_many_fits() -> None:
    weights = RNG.poisson(1.0, (120, 3)).astype(float)
    batch = fit_logistic(table(), ["age", "risk"], weights)
    for k in range(3):
        again = fit_logistic(table(), ["age", "risk"], weights[:, k])
        assert batch.coefficients[k] == pytest.approx(again.coefficients, rel=1e-10)
        assert batch.covariance[k] == pytest.approx(again.covariance, rel=1e-10)


@pytest.mark.parametrize("fit", [fit_logistic, fit_firth_logistic])
def test_a_weight_of_two_is_a_patient_twice(fit) -> None:
    twice = np.r_[np.arange(120), 5, 7]
    weights = np.bincount(twice, minlength=120).astype(float)
    doubled = table(YES[twice], age=AGE[twice], risk=RISK[twice])
    assert fit(table(), ["age"], weights).coefficients == pytest.approx(fit(doubled, ["age"]).coefficients, rel=1e-3)
    exact = fit_logistic(table(), ["age"], weights).coefficients
    assert exact == pytest.approx(fit_logistic(doubled, ["age"]).coefficients, rel=1e-10)


@pytest.mark.parametrize("fit", [fit_logistic, fit_firth_logistic])
def test_the_unit_and_the_zero_of_a_covariate_do_not_matter(fit) -> None:
    years = fit(table(), ["age", "risk"])
    days = fit(table(age=AGE * 365.25 + 1e5), ["age", "risk"])
    assert days.coefficients[0] * 365.25 == pytest.approx(years.coefficients[0], rel=1e-8)
    assert days.coefficients[1] == pytest.approx(years.coefficients[1], rel=1e-8)


def test_reversing_an_ordinal_outcome_reverses_the_signs() -> None:
    level = 1 + YES + (RNG.random(120) < 0.4)
    up = make_spells(np.ones(120), level, age=AGE, risk=RISK, states=("before", "a", "b", "c"))
    down = make_spells(np.ones(120), 4 - level, age=AGE, risk=RISK, states=("before", "c", "b", "a"))
    first, second = fit_ordinal(up, ["age", "risk"]), fit_ordinal(down, ["age", "risk"])
    assert second.coefficients == pytest.approx(-first.coefficients, rel=1e-10)
    assert second.std_error == pytest.approx(first.std_error, rel=1e-10)
    assert second.thresholds == pytest.approx(-first.thresholds[::-1], rel=1e-9)
    assert ordinal(up, ["age"]).rows["method"].unique().to_list() == ["proportional odds"]


def test_levels_that_nobody_has_are_left_out() -> None:
    level = 1 + 2 * YES
    spells = make_spells(np.ones(120), level, age=AGE, states=("before", "0", "1", "2"))
    assert fit_ordinal(spells, ["age"]).design.levels == ("0", "2")


def test_separation_is_a_warning_that_names_firth() -> None:
    x = np.arange(20.0)
    found = fit_logistic(table((x > 9).astype(int), age=x, risk=["a", "b"] * 10), ["age", "risk"])
    assert found.notes["age"] == ("separation: the coefficient of age runs to infinity; use Firth's penalty",)
    penalised = fit_firth_logistic(table((x > 9).astype(int), age=x, risk=["a", "b"] * 10), ["age", "risk"])
    assert penalised.warnings == ()
    assert 0 < penalised.lower[0] < penalised.coefficients[0] < penalised.upper[0] < 50


def test_firth_limits_lie_where_the_test_rejects() -> None:
    """At each limit the penalised likelihood ratio is the quantile of chi-squared: the limits and p values agree."""
    spells = table()
    for level in (0.8, 0.95):
        fit = fit_firth_logistic(spells, OddsModel(("age", "risk"), level=level))
        p = firth_logistic(spells, OddsModel(("age", "risk"), level=level)).where(statistic="log_odds_ratio").rows
        for low, high, value in zip(fit.lower, fit.upper, p["p_value"], strict=True):
            assert (value < 1 - level) == (low > 0 or high < 0)


def test_the_penalised_score_and_hessian_are_derivatives() -> None:
    rng = np.random.default_rng(4)
    x = np.column_stack([np.ones(30), rng.normal(size=(30, 2))])
    problem = Penalised(x, (rng.random(30) < 0.4) * 1.0, rng.poisson(2, 30) * 1.0, np.ones(3), np.ones(3, bool))
    beta, step = np.array([0.3, -0.8, 1.1]), 1e-5
    here = evaluate_firth(problem, beta)
    for j in range(3):
        ahead, behind = (evaluate_firth(problem, beta + sign * step * np.eye(3)[j]) for sign in (1, -1))
        assert here.score[j] == pytest.approx((ahead.likelihood - behind.likelihood) / (2 * step), rel=1e-7)
        assert -here.hessian[j] == pytest.approx((ahead.score - behind.score) / (2 * step), rel=1e-6)


def test_complete_separation_has_finite_penalised_limits_at_the_quantile() -> None:
    x = np.arange(20.0)
    fit = fit_firth_logistic(table((x > 9).astype(int), age=x, risk=["a", "b"] * 10), ["age"])
    problem = Penalised(
        np.column_stack([np.ones(20), x - 9.5]), (x > 9) * 1.0, np.ones(20), np.ones(2), np.ones(2, bool)
    )
    top = climb(problem, np.zeros(2), np.zeros(2, bool))
    for end in (fit.lower[0], fit.upper[0]):
        profile = climb(problem, np.array([0.0, end]), np.array([False, True]))
        assert profile.converged
        assert 2 * (top.likelihood - profile.likelihood) == pytest.approx(3.841458820694124, rel=1e-8)


def test_firth_tends_to_maximum_likelihood_with_more_patients() -> None:
    many = np.full(120, 1e6)
    penalised, plain = fit_firth_logistic(table(), ["age", "risk"], many), fit_logistic(table(), ["age", "risk"], many)
    assert penalised.coefficients == pytest.approx(plain.coefficients, rel=1e-5)


@pytest.mark.parametrize("run", [logistic, firth_logistic])
def test_terms_without_a_coefficient_are_null_and_named(run) -> None:
    rows = run(table(one=np.ones(120), again=2 * AGE), ["age", "one", "again"]).where(statistic="odds_ratio").rows
    assert rows["estimate"].is_null().to_list() == [False, True, True]
    assert [str(w).split(":")[0] for w in rows["warning"]] == ["None", "constant_term", "collinear"]


@pytest.mark.parametrize("run", [logistic, firth_logistic])
def test_one_outcome_for_all_gives_nulls_and_says_so(run) -> None:
    rows = run(table(np.ones(120, int)), ["age"]).rows
    assert rows["estimate"].is_null().all()
    assert rows["warning"].str.starts_with("no_events: everybody has the same outcome").all()


@pytest.mark.parametrize("run", [logistic, firth_logistic])
def test_patients_without_a_term_are_dropped_and_counted(run) -> None:
    age = np.where(np.arange(120) < 4, np.nan, AGE)
    rows = run(table(age=age), ["age", "risk"]).rows
    assert rows["n"].unique().to_list() == [116]
    assert "dropped_missing: 4 patients" in rows["warning"][0]


def test_several_rows_a_patient_and_missing_levels_are_refused() -> None:
    with pytest.raises(InputError, match="several rows"):
        fit_logistic(make_spells([1, 2], [0, 1], start=[0, 1], patient=[1, 1], age=[1, 2]), ["age"])
    with pytest.raises(InputError, match="without a level"):
        fit_ordinal(table(), ["age"])
    with pytest.raises(InputError, match="one twice"):
        OddsModel(("age", "age"))
    with pytest.raises(InputError, match="one weighting"):
        fit_firth_logistic(table(), ["age"], np.ones((120, 2)))
