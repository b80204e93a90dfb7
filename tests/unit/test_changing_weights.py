"""Weights that change with time: a table of them is the same as one split at every event, with one weight a row."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from dayzero.errors import InputError
from dayzero.estimate import Estimate
from dayzero.estimators.changing_weights import change_weights, place_rows, total_weight
from dayzero.estimators.comparisons.gray import gray
from dayzero.estimators.comparisons.logrank import logrank
from dayzero.estimators.cox.concordance import concordance
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.firth import fit_firth_cox
from dayzero.estimators.cox.fit import CoxFit, fit_cox
from dayzero.estimators.cox.proportional_hazards import proportional_hazards
from dayzero.estimators.cox.row_residuals import cox_score_residuals, deviance_residuals, martingale_residuals
from dayzero.estimators.cox.schoenfeld import schoenfeld_residuals
from dayzero.estimators.curves.aalen_johansen import (
    ROBUST,
    aalen_johansen,
    fit_aalen_johansen,
    probability_influence,
)
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.curves.milestones import milestone_differences
from dayzero.estimators.curves.number_at_risk import number_at_risk
from dayzero.estimators.curves.quantiles import median
from dayzero.estimators.curves.restricted_mean import Window, fit_rmst
from dayzero.estimators.curves.risk_sets import count_risk_sets
from dayzero.estimators.curves.rmst import rmst
from dayzero.estimators.fine_gray.fit import fine_gray
from dayzero.estimators.multistate.curves import transition_probabilities
from dayzero.estimators.multistate.hazards import estimate_hazards
from dayzero.estimators.multistate.transition_models import fit_transition_models
from dayzero.estimators.outcomes.logistic import logistic
from dayzero.estimators.outcomes.proportions import fisher, proportions
from dayzero.estimators.outcomes.roc import auc
from dayzero.estimators.resampling.pseudo import pseudo_probabilities
from dayzero.estimators.resampling.statistics import cox_statistic, curve_statistic, rmst_statistic
from dayzero.spells import Floats, Spells, StepFunction, make_spells, split
from split_weights import expand, weighted_cohort

SHAPES = [
    pytest.param({"curves": curves, "late": late}, id=f"{curves} curves, {'late' if late else 'no'} entry")
    for curves in (1, 2)
    for late in (False, True)
]
TIES = ("efron", "breslow")
ROBUST_CURVE = Curve(variance="robust")


def close(found: object, wanted: object, rtol: float = 1e-10) -> None:
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(wanted, float), rtol=rtol, atol=1e-12)


def constant(spells: Spells) -> Spells:
    return replace(spells, power=None, curve=None)


# Curves


@pytest.mark.parametrize("shape", SHAPES)
def test_risk_sets_count_each_row_at_its_weight_on_the_day(shape: dict[str, bool]) -> None:
    spells = weighted_cohort(**shape)
    arm = spells.columns["arm"].astype(int)
    sets = count_risk_sets(spells, groups=arm, n_groups=2)
    power = np.asarray(spells.power).reshape(len(spells), -1)
    for k in range(0, len(sets.times), 7):
        day = sets.times[k]
        weight = spells.weight * np.exp(power @ np.ravel(spells.curve.at(np.array([day]))))  # type: ignore[union-attr]
        here = (spells.start < day) & (day <= spells.stop)
        close(sets.at_risk[k], [weight[here & (arm == g)].sum() for g in (0, 1)], 1e-12)
        ended = spells.event() & (spells.stop == day)
        close(sets.events[k, :, 1], [weight[ended & (arm == g)].sum() for g in (0, 1)], 1e-12)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("states", [2, 3])
def test_curves_of_changing_weights_are_those_of_the_split_table(shape: dict[str, bool], states: int) -> None:
    spells = weighted_cohort(states=states, **shape)
    whole, pieces = (
        fit_aalen_johansen(spells, options=ROBUST_CURVE),
        fit_aalen_johansen(expand(spells), options=ROBUST_CURVE),
    )
    close(whole.probability, pieces.at(whole.times))
    close(whole.std_error, pieces.std_error_at(whole.times))
    assert np.all(np.asarray(whole.std_error)[len(whole.times) // 2] > 0.0)


@pytest.mark.parametrize("shape", SHAPES)
def test_restricted_means_of_changing_weights_are_those_of_the_split_table(shape: dict[str, bool]) -> None:
    spells, window = weighted_cohort(states=3, **shape), Window(35.0, 5.0, variance="robust")
    whole, pieces = fit_rmst(spells, window=window), fit_rmst(expand(spells), window=window)
    for name in ("mean", "std_error", "influence"):
        close(getattr(whole, name), getattr(pieces, name))


def test_a_table_with_several_states_and_a_late_first_entry() -> None:
    spells = weighted_cohort(states=3, late=True)
    state = (np.arange(len(spells)) % 3 == 0).astype(int)
    spells = replace(spells, state=state, start=np.maximum(spells.start, np.where(state, 1.0, 0.0)))
    whole = fit_aalen_johansen(spells, options=ROBUST_CURVE)
    pieces = fit_aalen_johansen(expand(spells), options=ROBUST_CURVE)
    close(whole.probability, pieces.at(whole.times))
    close(whole.std_error, pieces.std_error_at(whole.times))


def test_whoever_is_last_takes_the_curve_to_zero() -> None:
    spells = make_spells([5.0, 9.0, 9.0], [1, 1, 1])
    curve = StepFunction(np.arange(1.0, 9.0), np.cumsum(np.full(8, 0.3)))
    table = replace(spells, power=np.array([0.4, 1.7, 0.01]), curve=curve)
    fit = fit_aalen_johansen(table, options=ROBUST_CURVE)
    assert fit.probability[-1].tolist() == [0.0, pytest.approx(1.0, abs=1e-12)]
    assert np.all(fit.std_error[-1] < 1e-12)  # type: ignore[index]


def test_many_weightings_at_once_of_changing_weights() -> None:
    spells = weighted_cohort(late=True)
    weights = np.random.default_rng(5).poisson(1.0, (len(spells), 4)).astype(float)
    window, model = Window(30.0), CoxModel(("arm", "x"))
    curves, means, models = (
        fit_aalen_johansen(spells, weights),
        fit_rmst(spells, weights, window=window),
        fit_cox(spells, model, weights),
    )
    for k in range(4):
        alone = replace(spells, weight=spells.weight * weights[:, k])
        one = fit_aalen_johansen(alone)
        close(curves.at(one.times)[..., k], one.probability)
        close(means.mean[:, k], fit_rmst(alone, window=window).mean)
        close(models.coefficients[k], fit_cox(alone, model).coefficients)


# Cox models


def differ_by_covariates(whole: CoxFit, pieces: CoxFit) -> float:
    """The baselines belong to the means over the rows, which are others in the split table."""
    return float(np.exp((pieces.centre - whole.centre) @ whole.coefficients))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ties", TIES)
@pytest.mark.parametrize("strata", [(), ("centre",)])
def test_a_cox_model_of_changing_weights_is_that_of_the_split_table(
    shape: dict[str, bool], ties: str, strata: tuple[str, ...]
) -> None:
    spells = weighted_cohort(**shape)
    model = CoxModel(("arm", "x"), ties=ties, strata=strata)  # type: ignore[arg-type]
    whole, pieces = fit_cox(spells, model), fit_cox(expand(spells), model)
    assert whole.design.sets.scaled
    assert whole.is_robust
    assert whole.n == pieces.n
    for name in ("coefficients", "covariance", "robust", "log_likelihood", "score", "influence"):
        close(getattr(whole, name), getattr(pieces, name))
    close(whole.baseline.hazard * differ_by_covariates(whole, pieces), pieces.baseline.hazard)


@pytest.mark.parametrize("ties", TIES)
def test_residuals_of_changing_weights_are_those_of_the_split_table(ties: str) -> None:
    """Those of a patient: the pieces of a row have residuals of their own, which sum to the row's."""
    spells = weighted_cohort(late=True)
    model = CoxModel(("arm", "x"), ties=ties)  # type: ignore[arg-type]
    whole, pieces = fit_cox(spells, model), fit_cox(expand(spells), model)
    for residuals in (martingale_residuals, deviance_residuals, cox_score_residuals):
        close(residuals(whole), residuals(pieces))  # type: ignore[operator]
    close(np.sort(schoenfeld_residuals(whole).values, axis=0), np.sort(schoenfeld_residuals(pieces).values, axis=0))
    tests = [proportional_hazards(fit).rows["estimate"].to_numpy() for fit in (whole, pieces)]
    close(*tests)


def test_firths_penalty_with_changing_weights() -> None:
    spells = weighted_cohort(30)
    whole, pieces = fit_firth_cox(spells, ["arm", "x"]), fit_firth_cox(expand(spells), ["arm", "x"])
    close(whole.coefficients, pieces.coefficients, 1e-8)


def test_powers_of_fine_and_gray_are_the_same_by_either_way() -> None:
    """A factor that rows without an event share is not normalised; with one more power in the table it is."""
    spells = weighted_cohort()
    power = ((spells.to < 0) & (spells.columns["x"] > 0)).astype(float)
    shared = replace(spells, power=power)
    general = replace(spells, power=np.where(spells.columns["arm"] * np.arange(len(spells)) == 81, 1e-15, power))
    own = [fit_cox(each, ["x"]).design.weighting.weight for each in (shared, general)]
    assert np.max(np.abs(own[0] - own[1])) > 0.1
    close(fit_cox(shared, ["arm", "x"]).robust, fit_cox(general, ["arm", "x"]).robust)
    close(fit_cox(shared, ["arm", "x"]).robust, fit_cox(expand(shared), ["arm", "x"]).robust)


def test_few_distinct_powers_need_as_few_functions_of_time() -> None:
    spells = weighted_cohort()
    discrete = replace(spells, power=np.round(np.asarray(spells.power)))
    parts = fit_cox(discrete, ["x"]).design.sets.scaled
    kinds = np.unique(np.asarray(discrete.power))
    assert sum(len(part.change.basis) for part in parts) == np.count_nonzero(kinds)
    close(fit_cox(discrete, ["arm"]).robust, fit_cox(expand(discrete), ["arm"]).robust)


def test_memory_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    spells = weighted_cohort(late=True)
    whole, mean = fit_cox(spells, ["arm", "x"]), fit_rmst(spells, window=Window(30.0))
    monkeypatch.setattr("dayzero.estimators.changing_weights.ELEMENTS", 1)
    close(fit_cox(spells, ["arm", "x"]).robust, whole.robust)
    close(fit_rmst(spells, window=Window(30.0)).influence, mean.influence)


@pytest.mark.parametrize("spread", [0.01, 1.0, 30.0])
def test_the_polynomials_are_exponentials(spread: float) -> None:
    rng = np.random.default_rng(4)
    power, values = rng.uniform(-spread, spread, (300, 1)), np.cumsum(rng.uniform(0, 0.1, (50, 1)), axis=0)
    begin = rng.integers(0, 25, 300)
    end = begin + rng.integers(1, 25, 300)
    seen = np.zeros(300, bool)
    for part in change_weights(power, values, begin, end):
        seen[part.rows] = True
        wanted = np.exp(power[part.rows] * (values[:, 0] - values[end[part.rows] - 1]))
        at_risk = (begin[part.rows, None] <= np.arange(50)) & (np.arange(50) < end[part.rows, None])
        np.testing.assert_allclose((part.basis.T @ part.factor)[at_risk], wanted[at_risk], rtol=1e-12)
    assert seen.all()


# One meaning of weights


def test_weights_multiply_those_of_the_table_everywhere() -> None:
    spells = constant(weighted_cohort(states=3))
    factor = np.random.default_rng(6).uniform(0.5, 2.0, len(spells))
    both = replace(spells, weight=spells.weight * factor)
    close(total_weight(spells, factor), both.weight)
    close(fit_aalen_johansen(spells, factor).probability, fit_aalen_johansen(both).probability)
    close(fit_aalen_johansen(spells, factor).std_error, fit_aalen_johansen(both).std_error)
    for variance in ("greenwood", "robust"):
        window = Window(30.0, variance=variance)  # type: ignore[arg-type]
        close(fit_rmst(spells, factor, window=window).std_error, fit_rmst(both, window=window).std_error)
    close(estimate_hazards(spells, factor).covariance, estimate_hazards(both).covariance)
    close(fit_cox(spells, ["x"], factor).robust, fit_cox(both, ["x"]).robust)
    with pytest.raises(ValueError, match="one entry a row"):
        fit_aalen_johansen(spells, factor[1:])


@pytest.mark.parametrize(
    "statistic",
    [cox_statistic(["arm"]), curve_statistic([10.0, 30.0], "arm"), rmst_statistic(Window(30.0), "arm")],
)
def test_batched_statistics_are_those_of_the_weighted_table(statistic: object) -> None:
    spells = weighted_cohort()
    weights = np.random.default_rng(7).poisson(1.0, (spells.patients.height, 3)).astype(float)[spells.patient]
    values = statistic.values(spells, weights)  # type: ignore[attr-defined]
    for k in range(3):
        alone = replace(spells, weight=spells.weight * weights[:, k])
        close(values[k], statistic.estimate(alone).rows["estimate"].to_numpy())  # type: ignore[attr-defined]


# Patients in both groups, and what is said about limits


def test_greenwoods_limits_are_not_given_where_weights_change() -> None:
    spells = weighted_cohort()
    plain, robust = (
        aalen_johansen(spells, times=[20.0]).rows,
        aalen_johansen(spells, times=[20.0], options=ROBUST_CURVE).rows,
    )
    assert plain["estimate"].item() == robust["estimate"].item()
    assert plain.select("std_error", "lower", "upper").null_count().row(0) == (1, 1, 1)
    assert (plain["warning"].item(), robust["warning"].item()) == (ROBUST, None)
    assert robust["lower"].item() < robust["estimate"].item() < robust["upper"].item()
    assert median(spells).rows["warning"].item() == ROBUST
    means = {
        variance: rmst(spells, window=Window(30.0, variance=variance)).rows for variance in ("greenwood", "robust")
    }
    assert means["greenwood"]["std_error"].item() is None
    assert means["greenwood"]["warning"].item() == ROBUST
    assert means["robust"]["warning"].item() is None


@pytest.mark.parametrize("states", [2, 3])
def test_a_difference_of_groups_that_share_patients(states: int) -> None:
    spells, days = weighted_cohort(states=states), [10.0, 30.0]
    rows = milestone_differences(spells, "arm", days, options=ROBUST_CURVE).rows
    arms = [spells.where(spells.columns["arm"] == arm) for arm in (0.0, 1.0)]
    moved = [probability_influence(each, fit_aalen_johansen(each), np.array(days)) for each in arms]
    reported = [0] if states == 2 else [1, 2]
    wanted = np.sqrt(np.sum((moved[1] - moved[0]) ** 2, axis=0))[:, reported].T.ravel()
    close(rows["std_error"], wanted)
    own = [np.sqrt(np.sum(each**2, axis=0))[:, reported].T.ravel() for each in moved]
    assert not np.allclose(wanted, np.hypot(*own), rtol=1e-3)


def test_the_robust_variance_is_greenwoods_without_weights_and_late_entry() -> None:
    """For one event, and for competing ones (Andersen et al. 1993, IV.4.1.3)."""
    cohort = constant(weighted_cohort(states=3))
    alone = replace(cohort, weight=np.ones(len(cohort)), patient=np.arange(len(cohort)))
    alone = replace(alone, patients=alone.patients[np.zeros(len(cohort), int)]).where(~np.isfinite(cohort.start))
    greenwood, robust = fit_aalen_johansen(alone), fit_aalen_johansen(alone, options=ROBUST_CURVE)
    close(robust.std_error, greenwood.std_error)


def test_numbers_at_risk_are_of_patients() -> None:
    spells = weighted_cohort(late=True)
    close(
        number_at_risk(spells, "arm", times=[0, 5, 30]).rows["estimate"],
        number_at_risk(constant(replace(spells, weight=np.ones(len(spells)))), "arm", times=[0, 5, 30]).rows[
            "estimate"
        ],
    )


# What is refused

REFUSED: list[tuple[str, Callable[[Spells], object]]] = [
    ("a log-rank test", lambda s: logrank(s, "arm")),
    ("Gray's test", lambda s: gray(s, "arm")),
    ("the hazards of transitions", transition_probabilities),
    ("models of transitions", lambda s: fit_transition_models(s, ["x"])),
    ("a regression of odds", lambda s: logistic(s, ["x"])),
    ("proportions", proportions),
    ("Fisher's test", lambda s: fisher(s, "arm")),
    ("ROC curves", lambda s: auc(s, ["x"])),
    ("Fine and Gray's model", lambda s: fine_gray(s, ["x"])),
    ("pseudo-observations", lambda s: pseudo_probabilities(s, [3.0])),
    ("concordance", lambda s: concordance(fit_cox(s, ["x"]))),
]


@pytest.mark.parametrize(("what", "estimator"), REFUSED, ids=[what for what, _ in REFUSED])
def test_everything_else_refuses_such_a_table(what: str, estimator: Callable[[Spells], Estimate]) -> None:
    spells = make_spells([1, 2, 3, 4], [1, 0, 1, 1], arm=["a", "b", "a", "b"], x=[1.0, 2.0, 0.0, 1.5])
    table = replace(spells, power=np.array([0.0, 0.5, 0.2, 0.0]), curve=StepFunction(np.array([1.0]), np.array([1.0])))
    with pytest.raises(InputError, match=f"weights that change with time are not defined for {what}"):
        estimator(table)


@pytest.mark.parametrize("values", [[0.0, 1e4], [0.0, -np.inf], [-np.inf, -np.inf]])
def test_weights_that_change_too_much(values: Floats) -> None:
    spells = make_spells([3, 4, 5], [1, 1, 1], x=[0.0, 1.0, 3.0])
    table = replace(spells, power=np.array([0.5, 1.0, 2.0]), curve=StepFunction(np.array([2.0, 3.0]), np.array(values)))
    for fit in (lambda s: fit_cox(s, ["x"]), fit_aalen_johansen):
        with pytest.raises(InputError, match="too large a factor"):
            fit(table)


def test_an_empty_table_has_no_weights_to_change() -> None:
    nobody = weighted_cohort().where(np.zeros(len(weighted_cohort()), bool))
    assert not len(count_risk_sets(nobody).times)
    assert not place_rows(nobody, None, np.zeros(0)).changing
    cut = split(weighted_cohort(), np.full(80, 12.0), name="later")
    close(fit_aalen_johansen(cut).at(np.array([30.0])), fit_aalen_johansen(weighted_cohort()).at(np.array([30.0])))
