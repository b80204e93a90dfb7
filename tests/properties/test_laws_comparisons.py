"""Laws of the tests between groups: log-rank and Gray."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dayzero.endpoints import derive_spells
from dayzero.estimators.comparisons.gray import fit_gray
from dayzero.estimators.comparisons.logrank import fit_logrank
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import fit_cox
from dayzero.spells import Spells
from properties.strategies import COMPLETE, GROUPS, LATER, Cohort, Course, cohorts
from properties.studies import RELAPSE, RFS, cut, files, same, same_tests

NAMES = ("10", "9", "a b", "Z", "ä")


def both(cohort: Cohort) -> tuple[Spells, Spells]:
    """Return the tables of an endpoint with one event, and of one with two."""
    history = files(cohort).history()
    return derive_spells(history, RFS), derive_spells(history, RELAPSE)


@given(cohort=cohorts(), names=st.permutations(NAMES))
def test_the_names_of_the_groups_do_not_matter(cohort: Cohort, names: list[str]) -> None:
    """chi2(groups renamed) = chi2(groups): the quadratic form does not know their order."""
    new = dict(zip(GROUPS, names, strict=False))
    renamed = tuple(replace(course, risk=new.get(course.risk, "")) for course in cohort)
    for one, other in zip(both(cohort), both(renamed), strict=True):
        same_tests(one, other)


@given(cohort=cohorts(), power=st.sampled_from([2, 3]))
def test_only_the_order_of_the_times_matters(cohort: Cohort, power: int) -> None:
    """chi2(f(t)) = chi2(t) for increasing f: both are rank tests."""
    bent = tuple(replace(c, days={e: d**power + d if d > 0 else d for e, d in c.days.items()}) for c in cohort)
    for one, other in zip(both(cohort), both(bent), strict=True):
        same_tests(one, other)


@given(cohort=cohorts(LATER), extra=st.integers(1, 10))
def test_patients_censored_before_the_first_event_do_not_matter(cohort: Cohort, extra: int) -> None:
    """chi2 with patients who are never at risk at an event time is the same."""
    gone = tuple(Course(GROUPS[k % 2], "50", 0, {"last_contact": 0}) for k in range(extra))
    for one, other in zip(both(cohort), both(cohort + gone), strict=True):
        same_tests(one, other)


@given(cohort=cohorts(), cuts=st.lists(st.integers(-1, 12), min_size=30, max_size=30))
def test_cutting_spells_does_not_matter_to_the_logrank_test(cohort: Cohort, cuts: list[int]) -> None:
    """chi2(spells cut at any day) = chi2(spells): the risk sets are the same."""
    whole, _ = both(cohort)
    same_tests(whole, cut(whole, cuts))


@given(cohort=cohorts())
def test_a_cohort_twice_doubles_the_observed_and_the_expected(cohort: Cohort) -> None:
    """O' = 2 O, E' = 2 E, and 2 chi2 <= chi2' <= 3 chi2: a weight of 2 is a patient twice.

    The variance does not quite double: with d of Y tied its factor (Y - d) / (Y - 1) becomes (2Y - 2d) / (2Y - 1), that
    is 2 (2Y - 2) / (2Y - 1) times the variance in place of 2, which lies between 4/3 (Y = 2) and 2.
    """
    once, twice = both(cohort)[0], both(cohort + cohort)[0]
    one, two = fit_logrank(once, "risk"), fit_logrank(twice, "risk")
    heavy = fit_logrank(replace(once, weight=2 * once.weight), "risk")
    same(2 * one.observed, two.observed)
    same(2 * one.expected, two.expected)
    assert one.df == two.df
    assert 2 * one.chi2 <= two.chi2 * (1 + 1e-9) + 1e-12
    assert two.chi2 <= 3 * one.chi2 * (1 + 1e-9) + 1e-12
    same(heavy.variance, two.variance)
    same(heavy.chi2, two.chi2)


@given(cohort=cohorts())
def test_observed_less_expected_sums_to_zero(cohort: Cohort) -> None:
    """sum_g (O_g - E_g) = 0, for the log-rank test and for Gray's: what one group gains another loses."""
    one, several = both(cohort)
    fit = fit_logrank(one, "risk")
    same(fit.observed.sum(), fit.expected.sum())
    assert fit.observed.sum() == sum(1 for k in np.flatnonzero(one.event()) if one.patients["risk"][int(k)])
    for event in (1, 2):
        same(fit_gray(several, "risk", event=event).score.sum(), 0)


@given(cohort=cohorts(COMPLETE), risk=st.sampled_from(GROUPS))
def test_one_group_is_no_comparison(cohort: Cohort, risk: str) -> None:
    """df = 0 where everybody is in one group."""
    alone = tuple(replace(course, risk=risk) for course in cohort)
    one, several = both(alone)
    assert fit_logrank(one, "risk").df == 0
    assert fit_gray(several, "risk").df == 0


@given(cohort=cohorts(COMPLETE))
def test_equal_groups_do_not_differ(cohort: Cohort) -> None:
    """chi2 = 0 where each group has the same patients."""
    mirrored = tuple(replace(course, risk=risk) for course in cohort for risk in GROUPS)
    one, several = both(mirrored)
    same(fit_logrank(one, "risk").chi2, 0)
    same(fit_gray(several, "risk", event=1).chi2, 0)
    same(fit_gray(several, "risk", event=2).chi2, 0)


@given(cohort=cohorts(COMPLETE))
def test_the_score_test_of_cox_is_the_logrank_test(cohort: Cohort) -> None:
    """U' I^-1 U of the discrete Cox model = the log-rank chi2, ties or none: both are hypergeometric (Cox 1972)."""
    spells, _ = both(cohort)
    test, fit = fit_logrank(spells, "risk"), fit_cox(spells, CoxModel(("risk",), ties="exact"))
    assert int(fit.df) == test.df
    same(fit.score, test.chi2)


@given(cohort=cohorts())
def test_where_nothing_competes_the_score_of_gray_is_that_of_the_logrank_test(cohort: Cohort) -> None:
    """z = O - E: with S_r = 1 - F_r the risk set of the subdistribution is the risk set (Gray 1988)."""
    spells, _ = both(cohort)
    test = fit_logrank(spells, "risk")
    same(fit_gray(spells, "risk").score, test.observed - test.expected)
