"""Cox regression: laws, awkward tables, named warnings, and the rows of the output contract."""

import pickle
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import cox, cox_univariable, fit_cox
from dayzero.spells import Spells, make_spells, split


def cohort(n: int = 60, seed: int = 3, **more: object) -> Spells:
    """A made-up cohort with whole days, so with ties."""
    rng = np.random.default_rng(seed)
    age, arm = rng.normal(50, 10, n), rng.integers(0, 2, n)
    day = np.ceil(rng.exponential(40 * np.exp(-0.02 * (age - 50) - 0.4 * arm)))
    arms = np.where(arm == 1, "treated", "control")
    return make_spells(day, rng.integers(0, 4, n) > 0, age=age, arm=arms, centre=rng.integers(0, 5, n), **more)


def taken(spells: Spells, index: np.ndarray) -> Spells:
    """Rows by position, repeats being new patients."""
    rows = spells.where(index)
    names = [str(k) for k in range(len(index))]
    return replace(rows, patient=np.arange(len(index)), patients=pl.DataFrame({"patient": names}))


def brute_force(spells: Spells, beta: float, ties: str) -> float:
    """The log partial likelihood of one covariate, written out from its definition."""
    x, event, w = spells.columns["x"], spells.event(), spells.weight
    risk, total = w * np.exp(beta * x), 0.0
    for t in np.unique(spells.stop[event]):
        at_risk, dead = (spells.start < t) & (t <= spells.stop), event & (spells.stop == t)
        d = dead.sum()
        total += np.sum(w[dead] * beta * x[dead])
        for j in range(d):
            fraction = j / d if ties == "efron" else 0.0
            total -= w[dead].mean() * np.log(risk[at_risk].sum() - fraction * risk[dead].sum())
    return float(total)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_the_likelihood_is_its_definition_with_ties_entry_and_weights(ties: str) -> None:
    rng = np.random.default_rng(1)
    start = rng.integers(0, 6, 40)
    stop = start + rng.integers(1, 8, 40)
    weight = rng.uniform(0.5, 2, 40)
    spells = make_spells(stop, rng.integers(0, 2, 40), start=start, x=rng.normal(size=40), weight=weight)
    fit = fit_cox(spells, CoxModel(("x",), ties=ties))
    best = float(fit.coefficients[0])
    wanted = [brute_force(spells, beta, ties) for beta in (0.0, best, best - 1e-3, best + 1e-3)]
    np.testing.assert_allclose(fit.log_likelihood, wanted[:2], rtol=1e-13)
    assert max(wanted[2:]) < wanted[1]


def test_exact_ties_are_the_conditional_probability_of_who_had_the_event() -> None:
    """Four at risk, two events: e_2 of the four risks, written out."""
    x = np.array([1.0, 0.0, 2.0, 0.5])
    spells = make_spells([1, 1, 2, 3], [1, 1, 0, 0], x=x)
    fit = fit_cox(spells, CoxModel(("x",), ties="exact"))
    r = np.exp(fit.coefficients[0] * x)
    pairs = sum(r[i] * r[j] for i in range(4) for j in range(i))
    np.testing.assert_allclose(fit.log_likelihood, [np.log(1 / 6), np.log(r[0] * r[1] / pairs)], rtol=1e-12)


def test_order_of_rows_does_not_matter() -> None:
    spells = cohort()
    shuffled = np.random.default_rng(0).permutation(len(spells))
    a, b = fit_cox(spells, ["age", "arm"]), fit_cox(spells.where(shuffled), ["age", "arm"])
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-12)
    np.testing.assert_allclose(a.influence, b.influence, atol=1e-12)


def test_a_spell_cut_in_two_is_the_same_spell() -> None:
    spells = cohort()
    cut = split(spells, np.full(len(spells), 11.0), name="late")
    assert len(cut) > len(spells)
    a, b = fit_cox(spells, ["age", "arm"]), fit_cox(cut, ["age", "arm"])
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-11)
    np.testing.assert_allclose(a.robust, b.robust, rtol=1e-9)
    assert a.n == b.n == 60


def test_a_duplicate_is_a_weight_of_two_with_breslow_ties() -> None:
    """Efron's fractions count tied events, so there a duplicate is one more of them, and a weight is not."""
    spells = cohort()
    weights = np.where(np.arange(60) % 3 == 0, 2.0, 1.0)
    double = taken(spells, np.repeat(np.arange(60), weights.astype(int)))
    model = CoxModel(("age", "arm"), ties="breslow")
    a, b = fit_cox(spells, model, weights), fit_cox(double, model)
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-11)
    np.testing.assert_allclose(a.log_likelihood, b.log_likelihood, rtol=1e-12)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_weight_zero_is_absence(ties: str) -> None:
    spells = cohort()
    weights = (np.arange(60) % 4 > 0).astype(float)
    model = CoxModel(("age", "arm"), ties=ties)
    a, b = fit_cox(spells, model, weights), fit_cox(taken(spells, np.flatnonzero(weights)), model)
    np.testing.assert_allclose(a.coefficients, b.coefficients, rtol=1e-12)
    assert a.n == b.n == 45
    assert a.n_events == b.n_events


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_a_batch_of_weights_is_as_many_fits(ties: str) -> None:
    spells = cohort()
    rng = np.random.default_rng(5)
    weights = rng.multinomial(60, np.ones(60) / 60, size=7).T.astype(float)
    model = CoxModel(("age", "arm"), ties=ties, strata=("centre",))
    batch = fit_cox(spells, model, weights)
    single = [fit_cox(spells, model, weights[:, b]) for b in range(7)]
    assert batch.coefficients.shape == (7, 2)
    assert batch.converged.all()
    np.testing.assert_allclose(batch.coefficients, [fit.coefficients for fit in single], rtol=1e-10)
    np.testing.assert_allclose(batch.covariance, [fit.covariance for fit in single], rtol=1e-8)
    np.testing.assert_allclose(batch.log_likelihood, [fit.log_likelihood for fit in single], rtol=1e-12)
    np.testing.assert_allclose(batch.score, [fit.score for fit in single], rtol=1e-8)
    with pytest.raises(ValueError, match="a batch of weightings has no residuals"):
        _ = batch.influence


def test_a_resample_without_a_level_has_no_coefficient_for_it_and_spoils_no_other() -> None:
    spells = cohort()
    nobody = np.where(spells.columns["arm"] == "treated", 0.0, 1.0)
    batch = fit_cox(spells, ["arm", "age"], np.column_stack([np.ones(60), nobody]))
    np.testing.assert_allclose(batch.coefficients[0], fit_cox(spells, ["arm", "age"]).coefficients, rtol=1e-10)
    assert np.isnan(batch.coefficients[1, 0])
    assert np.isfinite(batch.coefficients[1, 1])


def test_dfbeta_is_close_to_leaving_a_patient_out() -> None:
    spells = cohort()
    fit = fit_cox(spells, ["age"])
    without = 1.0 - np.eye(60)
    change = fit.coefficients - fit_cox(spells, ["age"], without).coefficients
    assert np.corrcoef(change[:, 0], fit.influence[:, 0])[0, 1] > 0.99
    np.testing.assert_allclose(fit.influence.sum(axis=0), 0.0, atol=1e-12)


def test_strata_have_their_own_risk_sets_and_baselines() -> None:
    spells = cohort()
    fit = fit_cox(spells, CoxModel(("age",), strata=("arm",)))
    parts = [spells.where(spells.columns["arm"] == arm) for arm in ("control", "treated")]
    zero = sum(fit_cox(part, ["age"]).log_likelihood[0] for part in parts)
    np.testing.assert_allclose(fit.log_likelihood[0], zero, rtol=1e-12)
    assert set(fit.baseline.stratum) == {"arm=control", "arm=treated"}
    first = np.array(fit.baseline.stratum) == "arm=control"
    for part in (first, ~first):
        assert np.all(np.diff(fit.baseline.hazard[part]) > 0)
        assert fit.baseline.hazard[part][0] < 0.2


def test_another_transition_is_censoring() -> None:
    rng = np.random.default_rng(8)
    to, day, x = rng.integers(0, 3, 50), rng.integers(1, 30, 50), rng.normal(size=50)
    spells = make_spells(day, to, x=x, states=("cr", "relapse", "death"))
    for name, code in (("relapse", 1), ("death", 2)):
        fit = fit_cox(spells, CoxModel(("x",), event=name))
        alone = fit_cox(make_spells(day, to == code, x=x), ["x"])
        np.testing.assert_array_equal(fit.coefficients, alone.coefficients)
    assert fit_cox(spells, ["x"]).coefficients[0] == fit_cox(spells, CoxModel(("x",), event="relapse")).coefficients[0]
    with pytest.raises(InputError, match=r'into "deth".*Did you mean "death"'):
        fit_cox(spells, CoxModel(("x",), event="deth"))


def test_far_away_covariates_do_not_spoil_the_fit() -> None:
    spells = cohort()
    far = replace(spells, columns={**spells.columns, "age": spells.columns["age"] * 1e-6 + 2e3})
    a, b = fit_cox(spells, ["age"]), fit_cox(far, ["age"])
    np.testing.assert_allclose(b.coefficients, a.coefficients * 1e6, rtol=1e-5)  # 2000.00005 keeps 7 digits of age


# Awkward tables


def warned(spells: Spells, model: CoxModel | list[str]) -> str:
    return "; ".join(fit_cox(spells, model).warnings)


def test_one_patient() -> None:
    spells = make_spells([5], [1], age=[50.0])
    assert warned(spells, ["age"]).startswith("constant_term: age")
    rows = cox(spells, ["age"])
    assert rows.rows["estimate"].to_list() == [None] * 5
    assert rows.rows["n"].to_list() == [1] * 5


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_no_events(ties: str) -> None:
    spells = make_spells([5, 6, 7], [0, 0, 0], age=[50.0, 60.0, 70.0])
    fit = fit_cox(spells, CoxModel(("age",), ties=ties))
    assert fit.warnings[0].startswith("no_events")
    assert np.isnan(fit.coefficients).all()
    assert fit.n_events == 0
    assert len(fit.baseline.time) == 0
    assert fit.influence.tolist() == [[0.0]] * 3
    assert cox(spells, CoxModel(("age",), ties=ties)).rows["p_value"].to_list() == [None] * 5


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_all_at_one_time(ties: str) -> None:
    """With everybody dead at once the exact and Efron likelihoods know nothing of x; Breslow's is concave in it."""
    spells = make_spells([4, 4, 4, 4], [1, 1, 1, 0], x=[0.0, 1.0, 2.0, 1.5])
    fit = fit_cox(spells, CoxModel(("x",), ties=ties))
    assert fit.converged
    assert np.isfinite(fit.coefficients).all()
    everybody = make_spells([4, 4, 4], [1, 1, 1], x=[0.0, 1.0, 2.0])
    if ties == "exact":
        assert warned(everybody, CoxModel(("x",), ties=ties)).startswith("collinear: x")


@pytest.mark.parametrize("ties", ["efron", "breslow", "exact"])
def test_a_group_without_events_is_named_separation(ties: str) -> None:
    spells = make_spells([1, 2, 3, 4, 5, 6], [1, 1, 1, 0, 0, 0], arm=list("aabbab"), x=[1.0, 2, 0, 3, 1, 2])
    alone = replace(spells, to=np.where(spells.columns["arm"] == "b", -1, spells.to))
    fit = fit_cox(alone, CoxModel(("arm", "x"), ties=ties))
    assert [text.split(":")[0] for text in fit.warnings] == ["separation"]
    assert "arm=b" in fit.warnings[0]
    assert "Firth" in fit.warnings[0]
    assert fit.coefficients[0] < -10
    rows = fit.estimate()
    assert rows.where(term="arm=b", statistic="hazard_ratio").rows["upper"].to_list() == [None]
    assert rows.where(term="x").rows["warning"].to_list() == [None, None]
    finite = rows.rows.select(pl.selectors.float().is_infinite().any()).row(0)
    assert not any(finite)


def test_separation_by_a_continuous_covariate() -> None:
    spells = make_spells(np.arange(1.0, 41.0), np.ones(40, int), x=-np.arange(40.0))
    assert warned(spells, ["x"]).startswith("separation: the coefficient of x")


def test_separation_with_late_entry_is_named_although_rounding_eats_the_sums() -> None:
    """Every event is the highest x at risk, and high ones enter after low ones have gone.

    The climb ends where differences of running sums have lost 7 digits, so its likelihood is not yet the limit, 0.
    """
    x = np.array([0.0, 0.5, 9.0, 8.0, 7.5])
    spells = make_spells([3, 2, 5, 6, 7], [0, 1, 1, 1, 1], start=[0, 0, 3, 3, 3], x=x)
    fit = fit_cox(spells, ["x"])
    assert fit.warnings[0].startswith("separation")
    assert not fit.converged
    assert fit.log_likelihood[0] + 1 < fit.log_likelihood[1] < 0
    assert np.isfinite(fit.log_likelihood[1])


def test_a_term_with_one_level_has_no_coefficient_and_says_so() -> None:
    spells = cohort()
    one = replace(spells, columns={**spells.columns, "site": np.array(["bonn"] * 60)})
    fit = fit_cox(one, ["age", "site"])
    assert fit.names == ("age",)
    assert fit.warnings == ("constant_term: site has one value only",)
    assert cox(one, ["site"]).rows["statistic"].to_list() == ["likelihood_ratio", "score", "wald"]


def test_fewer_clusters_than_coefficients_have_no_wald_test() -> None:
    spells = cohort()
    two = replace(spells, columns={**spells.columns, "half": np.arange(60) % 2, "z": np.arange(60.0) % 7})
    rows = fit_cox(two, CoxModel(("age", "arm", "z"), cluster="half")).estimate()
    assert rows.where(statistic="wald").rows["p_value"].to_list() == [None]
    assert rows.where(statistic="score").rows["p_value"][0] is not None


def test_an_early_step_too_far_is_halved() -> None:
    """One covariate value far from the others: the first Newton step from 0 overshoots."""
    spells = make_spells([1, 2, 3, 4, 5, 6], [1, 1, 1, 1, 0, 1], x=[30.0, 0, 1, -1, 0.5, 40.0])
    fit = fit_cox(spells, ["x"])
    beta = float(fit.coefficients[0])
    assert fit.converged
    assert fit.log_likelihood[1] > brute_force(spells, beta + 1e-3, "efron")
    assert fit.log_likelihood[1] > brute_force(spells, beta - 1e-3, "efron")


def test_many_strata_of_pairs_are_a_conditional_logistic_regression() -> None:
    """Of each pair one has the event first: the likelihood is the product of 1 / (1 + exp(-b (x1 - x0)))."""
    rng = np.random.default_rng(6)
    x = rng.normal(size=(500, 2))
    first = (rng.uniform(size=500) < 1 / (1 + np.exp(-(x[:, 1] - x[:, 0])))).astype(int)
    day = np.where(np.arange(2) == first[:, None], 1.0, 2.0)
    spells = make_spells(day.ravel(), day.ravel() == 1, x=x.ravel(), pair=np.repeat(np.arange(500), 2))
    fit = fit_cox(spells, CoxModel(("x",), strata=("pair",)))
    ahead = np.where(first == 1, 1, -1) * (x[:, 1] - x[:, 0])
    p = 1 / (1 + np.exp(-fit.coefficients[0] * ahead))
    assert np.sum((1 - p) * ahead) == pytest.approx(0.0, abs=1e-9)
    assert fit.log_likelihood[1] == pytest.approx(np.sum(np.log(p)), rel=1e-12)
    assert fit.covariance[0, 0] == pytest.approx(1 / np.sum(p * (1 - p) * ahead**2), rel=1e-10)


def test_collinear_and_constant_terms_have_no_number_and_spoil_no_other() -> None:
    spells = cohort()
    age = spells.columns["age"]
    more = replace(spells, columns={**spells.columns, "months": 12.0 * age + 3.0, "one": np.ones(60)})
    fit, alone = fit_cox(more, ["age", "months", "one", "arm"]), fit_cox(spells, ["age", "arm"])
    np.testing.assert_allclose(fit.coefficients[[0, 3]], alone.coefficients, rtol=1e-9)
    np.testing.assert_allclose(fit.std_error[[0, 3]], alone.std_error, rtol=1e-9)
    assert np.isnan(fit.coefficients[[1, 2]]).all()
    assert [text.split(":")[0] for text in fit.warnings] == ["collinear", "constant_term"]
    tests = {row["statistic"]: row for row in fit.estimate().records() if row["df"] is not None}
    assert tests["wald"]["df"] == 2
    assert tests["score"]["estimate"] == pytest.approx(float(alone.score), rel=1e-9)
    assert np.isnan(fit.robust[1]).all()


def test_nearly_collinear_terms_converge() -> None:
    spells = cohort()
    noise = np.random.default_rng(4).normal(size=60)
    more = replace(spells, columns={**spells.columns, "twin": spells.columns["age"] + 1e-3 * noise})
    fit = fit_cox(more, ["age", "twin"])
    assert fit.warnings == ()
    assert fit.converged


def test_left_truncation_with_an_emptied_risk_set() -> None:
    """Nobody is at risk between days 2 and 3; the events before count as sets of their own."""
    spells = make_spells([2, 2, 7, 8, 9], [1, 0, 1, 1, 0], start=[0, 1, 3, 3, 4], x=[1.0, 0, 0.5, 2, 1])
    fit = fit_cox(spells, ["x"])
    parts = [fit_cox(spells.where(spells.stop < 3), ["x"]), fit_cox(spells.where(spells.stop > 3), ["x"])]
    np.testing.assert_allclose(fit.log_likelihood[0], sum(p.log_likelihood[0] for p in parts), rtol=1e-13)
    np.testing.assert_allclose(fit.log_likelihood[0], -np.log(2) - np.log(3) - np.log(2), rtol=1e-13)


def test_an_event_on_day_0_counts_where_the_spell_starts_at_minus_infinity() -> None:
    spells = make_spells([0, 3, 5], [1, 1, 0], x=[1.0, 0.5, 0.0])
    fit = fit_cox(spells, ["x"])
    assert fit.n_events == 2
    assert fit.baseline.time.tolist() == [0.0, 3.0]
    np.testing.assert_allclose(fit.log_likelihood[0], -np.log(3) - np.log(2), rtol=1e-13)


def test_convention_2_entry_at_the_time_of_an_event_is_too_late_for_it() -> None:
    spells = make_spells([4, 6, 9], [1, 1, 0], start=[0, 0, 4], x=[1.0, 0.5, 0.0])
    np.testing.assert_allclose(fit_cox(spells, ["x"]).log_likelihood[0], -np.log(2) - np.log(2), rtol=1e-13)


def test_missing_terms_strata_and_clusters_drop_patients_and_say_so() -> None:
    spells = cohort()
    age, centre = spells.columns["age"].copy(), spells.columns["centre"].astype(float)
    age[:3], centre[3:5] = np.nan, np.nan
    gaps = replace(spells, columns={**spells.columns, "age": age, "centre": centre})
    fit = fit_cox(gaps, CoxModel(("age",), strata=("centre",)))
    same = fit_cox(spells.where(np.arange(60) > 4), CoxModel(("age",), strata=("centre",)))
    assert fit.warnings == ("dropped_missing: 5 patients",)
    assert fit.n == 55
    np.testing.assert_allclose(fit.coefficients, same.coefficients, rtol=1e-12)
    np.testing.assert_allclose(fit.influence, same.influence, atol=1e-13)
    assert set(fit.estimate().rows["warning"]) == {"dropped_missing: 5 patients"}


def test_no_rows_are_left_when_everybody_lacks_a_term() -> None:
    fit = fit_cox(make_spells([1, 2], [1, 1], x=[np.nan, np.nan]), ["x"])
    assert fit.n == 0
    assert fit.warnings == ("no_events: no coefficient can be estimated", "dropped_missing: 2 patients")


# Inputs that cannot be used


@pytest.mark.parametrize(
    ("make", "fault"),
    [
        (lambda: CoxModel(()), "no terms"),
        (lambda: CoxModel(("age",), ties="effron"), 'unknown ties "effron"'),
        (lambda: CoxModel(("age",), ties="exact", cluster="centre"), "exact ties have no robust"),
        (lambda: fit_cox(cohort(), ["agee"]), 'Did you mean "age"'),
        (lambda: fit_cox(cohort(), CoxModel(("age",), strata=("center",))), 'Did you mean "centre"'),
        (lambda: fit_cox(cohort(), ["age"], np.full(60, -1.0)), "a weight is negative"),
        (lambda: fit_cox(cohort(), CoxModel(("age",), ties="exact"), np.full(60, 2.0)), "exact ties take no weights"),
        (lambda: fit_cox(replace(cohort(), states=("alive",)), ["age"]), "the table has no event"),
        (lambda: fit_cox(cohort(), CoxModel(("age",), ties="exact")).influence, "exact ties have no residuals"),
    ],
)
def test_what_cannot_be_used_is_refused_with_a_mend(make: object, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        make()  # type: ignore[operator]


def test_weights_of_another_length_are_a_programming_error() -> None:
    with pytest.raises(ValueError, match="one entry a row"):
        fit_cox(cohort(), ["age"], np.ones(3))


# The output contract


def test_rows_of_the_contract() -> None:
    spells = replace(cohort(), name="lfs")
    fit = fit_cox(spells, ["age", "arm"])
    rows = list(cox(spells, ["age", "arm"]).records())
    assert [(row["term"], row["statistic"]) for row in rows] == [
        ("age", "log_hazard_ratio"),
        ("age", "hazard_ratio"),
        ("arm=treated", "log_hazard_ratio"),
        ("arm=treated", "hazard_ratio"),
        (None, "likelihood_ratio"),
        (None, "score"),
        (None, "wald"),
    ]
    assert {(r["kind"], r["endpoint"], r["method"], r["n"]) for r in rows} == {("cox", "lfs", "efron", 60)}
    log, ratio, wald = rows[2], rows[3], rows[6]
    b, se = fit.coefficients[1], np.sqrt(fit.covariance[1, 1])
    assert (log["estimate"], log["std_error"]) == (b, se)
    assert ratio["estimate"] == pytest.approx(np.exp(b), rel=1e-14)
    assert ratio["std_error"] == pytest.approx(np.exp(b) * se, rel=1e-14)
    assert ratio["upper"] == pytest.approx(np.exp(b + 1.959963984540054 * se), rel=1e-13)
    assert log["p_value"] == ratio["p_value"]
    assert wald["estimate"] == pytest.approx(fit.coefficients @ np.linalg.solve(fit.covariance, fit.coefficients))
    assert wald["df"] == 2
    assert rows[0]["n_events"] == int(spells.event().sum())


def test_errors_are_robust_with_a_cluster_weights_or_on_demand_only() -> None:
    spells = cohort()
    plain = fit_cox(spells, ["age"])
    assert not plain.is_robust
    assert plain.std_error[0] == np.sqrt(plain.covariance[0, 0])
    asked = fit_cox(spells, CoxModel(("age",), robust=True))
    assert asked.std_error[0] == np.sqrt(plain.robust[0, 0])
    assert asked.std_error[0] == pytest.approx(np.sqrt(np.sum(plain.influence**2)), rel=1e-12)
    clustered = fit_cox(spells, CoxModel(("age",), cluster="centre"))
    by_centre = [plain.influence[spells.columns["centre"] == c].sum() for c in range(5)]
    assert clustered.std_error[0] == pytest.approx(np.sqrt(np.sum(np.square(by_centre))), rel=1e-12)
    assert fit_cox(spells, ["age"], np.full(60, 2.0)).is_robust


def test_univariable_models_are_one_a_term() -> None:
    spells = cohort()
    model = CoxModel(("age", "arm"), reference={"arm": "treated"})
    rows = cox_univariable(spells, model)
    assert set(rows.rows["kind"]) == {"cox_univariable"}
    assert rows.rows["term"].to_list() == ["age"] * 5 + ["arm=control"] * 2 + ["arm"] * 3
    alone = fit_cox(spells, CoxModel(("arm",), reference={"arm": "treated"}))
    assert rows.where(term="arm=control", statistic="log_hazard_ratio").rows["estimate"][0] == alone.coefficients[0]


def test_a_fit_can_be_pickled() -> None:
    fit = fit_cox(cohort(), ["age"])
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(fit)).robust, fit.robust)  # noqa: S301
