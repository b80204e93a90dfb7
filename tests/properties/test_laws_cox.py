"""Laws of the Cox model, with treatments as functions of time."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dayzero.endpoints import derive_spells
from dayzero.estimators.cox.design import TIES, CoxModel
from dayzero.estimators.cox.fit import fit_cox
from dayzero.estimators.cox.likelihood import Ties
from dayzero.spells import split
from properties.strategies import COMPLETE, GROUPS, LATER, Cohort, Course, cohorts
from properties.studies import (
    RELAPSE,
    RFS,
    TERMS,
    breslow,
    cut,
    files,
    is_settled,
    same,
    same_cox,
    spells_of,
    with_transplant,
)


@given(cohort=cohorts(), factor=st.sampled_from([2, 10, 365]))
def test_scaling_a_covariate_scales_its_coefficient_inversely(cohort: Cohort, factor: int) -> None:
    """beta(c x) = beta(x) / c, se(c x) = se(x) / c, the others unchanged: only beta x enters the likelihood."""
    scaled = tuple(replace(c, age=str(factor * int(c.age)) if c.age else "") for c in cohort)
    one, other = (fit_cox(spells_of(c), TERMS) for c in (cohort, scaled))
    same_cox(one, other, sign=np.array([1 / factor if name == "age" else 1.0 for name in one.names]))


@given(cohort=cohorts(), shift=st.integers(-1000, 1000))
def test_shifting_a_covariate_changes_nothing(cohort: Cohort, shift: int) -> None:
    """beta(x + c) = beta(x): the baseline hazard takes the shift up."""
    shifted = tuple(replace(c, age=str(shift + int(c.age)) if c.age else "") for c in cohort)
    same_cox(*(fit_cox(spells_of(c), TERMS) for c in (cohort, shifted)))


@given(cohort=cohorts(replace(COMPLETE, groups=GROUPS[:2], smallest=2)))
def test_the_other_reference_level_flips_the_sign(cohort: Cohort) -> None:
    """beta(b against a) = -beta(a against b), with the same variance and likelihood."""
    both = (replace(cohort[0], risk=GROUPS[0]), replace(cohort[1], risk=GROUPS[1]), *cohort[2:])
    spells = spells_of(both)
    one, other = (fit_cox(spells, CoxModel(TERMS, reference={"risk": risk})) for risk in GROUPS[:2])
    assert (one.names[0], other.names[0]) == ("risk=low", "risk=high")
    same_cox(one, other, sign=np.array([-1.0, 1.0, 1.0]))


@given(cohort=cohorts(replace(COMPLETE, smallest=3)))
def test_contrasts_do_not_know_the_reference_level(cohort: Cohort) -> None:
    """beta_k(reference r) = beta_k - beta_r: the same model in other coordinates, with the same likelihood."""
    three = (*(replace(c, risk=risk) for c, risk in zip(cohort[:3], GROUPS, strict=True)), *cohort[3:])
    spells = spells_of(three)
    one, other = (fit_cox(spells, CoxModel(("risk",), reference={"risk": risk})) for risk in ("high", "mid"))
    if is_settled(one) and is_settled(other) and int(one.df) == int(other.df) == 2:
        low, mid = one.coefficients
        same(other.coefficients, [-mid, low - mid], size=float(one.std_error.max()))
        same(one.log_likelihood, other.log_likelihood)


@given(cohort=cohorts(), power=st.sampled_from([2, 3]), ties=st.sampled_from(TIES))
def test_only_the_order_of_the_times_matters(cohort: Cohort, power: int, ties: Ties) -> None:
    """beta(f(t)) = beta(t) for increasing f, treatments included: the likelihood sees risk sets alone."""
    bent = tuple(replace(c, days={e: d**power + d if d > 0 else d for e, d in c.days.items()}) for c in cohort)
    model = CoxModel(TERMS, ties=ties)
    same_cox(*(fit_cox(spells_of(c), model) for c in (cohort, bent)))


@given(cohort=cohorts(), cuts=st.lists(st.integers(-1, 12), min_size=30, max_size=30))
def test_cutting_spells_changes_no_model(cohort: Cohort, cuts: list[int]) -> None:
    """beta(spells cut at any day) = beta(spells), and so is the influence of each patient; n counts patients."""
    whole = spells_of(cohort)
    pieces = cut(whole, cuts)
    one, other = fit_cox(whole, TERMS), fit_cox(pieces, TERMS)
    same_cox(one, other)
    assert (one.n, one.n_events) == (other.n, other.n_events)
    if is_settled(one):
        same(one.influence, other.influence, size=float(np.nanmax(one.std_error, initial=1.0)))


@given(cohort=cohorts())
def test_a_cohort_twice_is_a_weight_of_two(cohort: Cohort) -> None:
    """beta' = beta, cov' = cov / 2, score chi2' = 2 chi2 (Breslow's ties), for the cohort twice and for weights of 2.

    With Efron's ties twice as many tied events are another, better approximation: there the law does not hold.
    """
    once, twice = spells_of(cohort), spells_of(cohort + cohort)
    fits = [fit_cox(s, breslow(*TERMS)) for s in (once, twice, replace(once, weight=2 * once.weight))]
    for other in fits[1:]:
        same_cox(fits[0], other, factor=0.5)
        same(2 * fits[0].score, other.score)
    assert (fits[1].n, fits[2].n) == (2 * fits[0].n, fits[0].n)


@given(cohort=cohorts())
def test_a_cohort_twice_clustered_on_the_patient_has_the_robust_errors_of_once(cohort: Cohort) -> None:
    """sandwich(cohort twice, clustered on the patient) = sandwich(cohort), with Breslow's ties (Lin and Wei 1989)."""
    once, twice = spells_of(cohort), spells_of(cohort + cohort)
    person = np.array([int(name[1:]) % len(cohort) for name in twice.patients["patient"]])[twice.patient]
    known = replace(twice, columns={**twice.columns, "person": person})
    one = fit_cox(once, replace(breslow(*TERMS), robust=True))
    two = fit_cox(known, replace(breslow(*TERMS), cluster="person"))
    if is_settled(one):
        error = np.nan_to_num(np.sqrt(np.diagonal(one.covariance)))
        same(one.robust, two.robust, size=np.multiply.outer(error, error))


@given(cohort=cohorts(LATER), extra=st.integers(1, 10))
def test_patients_censored_before_the_first_event_change_only_n(cohort: Cohort, extra: int) -> None:
    """beta with patients who are never at risk at an event time is the same; n grows by their number."""
    gone = tuple(Course(GROUPS[k % 2], "50", 0, {"last_contact": 0}) for k in range(extra))
    more = cohort + gone
    levels = {course.risk for course in cohort}
    terms = TERMS if {"high", "low"} <= levels else ("age", "hsct")
    one, other = (fit_cox(spells_of(c), terms) for c in (cohort, more))
    same_cox(one, other)
    assert other.n == one.n + extra


@given(cohort=cohorts())
def test_a_treatment_at_its_day_is_one_after_the_day_before(cohort: Cohort) -> None:
    """beta(switch "at", day d) = beta(switch "after", day d - 1), for whole days: no event time lies between."""
    history = files(cohort).history()
    at = with_transplant(history, RFS, switch="at")
    whole = derive_spells(history, RFS, treatments=("hsct",))
    after = split(whole, whole.treatments["hsct"] - 1, name="hsct")
    same_cox(fit_cox(at, TERMS), fit_cox(after, TERMS))


@given(cohort=cohorts(COMPLETE))
def test_an_event_on_the_day_of_treatment(cohort: Cohort) -> None:
    """x(d) = 0 with "after" and 1 with "at" for an event on the treatment's day d (convention 3)."""
    tied = tuple(c.moved("hsct", c.days.get("death", c.days.get("last_contact", 0))) for c in cohort)
    history = files(tied).history()
    for switch, value in (("after", 0.0), ("at", 1.0)):
        spells = with_transplant(history, RFS, switch=switch)
        on_the_day = spells.event() & (spells.stop == spells.treatments["hsct"][spells.patient])
        assert set(spells.columns["hsct"][on_the_day]) <= {value}
        assert int(on_the_day.sum()) == sum(ends_on_treatment(course) for course in tied)


def ends_on_treatment(course: Course) -> bool:
    """Return whether relapse or death comes first on the transplant's day, which is the last."""
    day, relapse = course.days["hsct"], course.days.get("relapse")
    return relapse == day or ("death" in course.days and (relapse is None or relapse > day))


@given(cohort=cohorts())
def test_a_competing_event_is_censoring_for_the_hazard(cohort: Cohort) -> None:
    """The cause-specific model of relapse = the model of a table where death is a last contact."""
    spells = spells_of(cohort, RELAPSE)
    censored = replace(spells, to=np.where(spells.to == 2, -1, spells.to))
    same_cox(fit_cox(spells, TERMS), fit_cox(censored, TERMS))


@given(cohort=cohorts())
def test_one_stratum_is_no_stratum(cohort: Cohort) -> None:
    """beta(strata with one level) = beta, and strata that repeat a term leave it no coefficient."""
    spells = spells_of(cohort)
    one = replace(spells, columns={**spells.columns, "all": np.ones(len(spells))})
    same_cox(fit_cox(spells, TERMS), fit_cox(one, CoxModel(TERMS, strata=("all",))))
    fit = fit_cox(spells, CoxModel(("risk",), strata=("risk",)))
    assert np.isnan(fit.coefficients).all()


@given(cohort=cohorts())
def test_the_likelihood_has_its_highest_point_at_the_estimate(cohort: Cohort) -> None:
    """l(beta) >= l(0), the score residuals sum to 0 at beta, and df counts the coefficients with a number."""
    fit = fit_cox(spells_of(cohort), TERMS)
    assert fit.log_likelihood[1] >= fit.log_likelihood[0] - 1e-9
    assert int(fit.df) == int(np.isfinite(fit.coefficients).sum())
    if is_settled(fit):
        error = np.nan_to_num(np.sqrt(np.diagonal(fit.covariance)))
        same(fit.influence.sum(axis=0), np.zeros(len(error)), size=error)
