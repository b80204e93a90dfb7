"""Laws of the curves: Kaplan-Meier, cumulative incidence, state probabilities, medians, numbers at risk."""

from collections import Counter
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from dayzero.endpoints import derive_spells
from dayzero.estimators.curves.aalen_johansen import aalen_johansen, fit_aalen_johansen
from dayzero.estimators.curves.follow_up import follow_up
from dayzero.estimators.curves.number_at_risk import number_at_risk
from dayzero.estimators.curves.quantiles import median
from dayzero.spells import CENSORED
from properties.strategies import COMPLETE, LATER, Cohort, Course, cohorts
from properties.studies import (
    NRM,
    RELAPSE,
    RFS,
    cut,
    files,
    groups_of,
    same,
    same_curve,
    spells_of,
    with_transplant,
)

DAYS = [float(day) for day in range(16)]


@given(cohort=cohorts())
def test_the_probabilities_of_the_states_sum_to_one(cohort: Cohort) -> None:
    """sum_s P_s(t) = 1 and 0 <= P_s(t) <= 1: everybody is somewhere."""
    history = files(cohort).history()
    for endpoint in (RFS, RELAPSE, NRM):
        fit = fit_aalen_johansen(derive_spells(history, endpoint))
        same(fit.probability.sum(axis=1), np.ones(len(fit.times)))
        assert ((fit.probability >= 0) & (fit.probability <= 1 + 1e-12)).all()
        assert (np.diff(fit.probability[:, 0]) <= 0).all()
        assert (np.diff(fit.probability[:, 1:], axis=0) >= 0).all()


@given(cohort=cohorts())
def test_kaplan_meier_is_one_minus_the_incidence_where_nothing_competes(cohort: Cohort) -> None:
    """S(t) = 1 - F(t), with one standard error, where the competing event never happens."""
    history = files(cohort).history()
    never = replace(RFS, competing=("graft_failure",))
    alone, beside = (fit_aalen_johansen(derive_spells(history, endpoint)) for endpoint in (RFS, never))
    same(alone.probability[:, 0], 1 - beside.probability[:, 1])
    same(alone.std_error_at(alone.times)[:, 0] ** 2, beside.std_error_at(beside.times)[:, 1] ** 2)
    assert not beside.probability[:, 2].any()


@given(cohort=cohorts())
def test_relapse_free_survival_is_what_the_incidences_leave(cohort: Cohort) -> None:
    """RFS(t) = 1 - CIR(t) - NRM(t), three endpoints derived each on its own (clinical rule book 5.2)."""
    history = files(cohort).history()
    rfs, cir, nrm = (fit_aalen_johansen(derive_spells(history, e)) for e in (RFS, RELAPSE, NRM))
    days = np.asarray(DAYS)
    same(rfs.at(days)[:, 0], 1 - cir.at(days)[:, 1] - nrm.at(days)[:, 1])
    same(cir.at(days)[:, 1], nrm.at(days)[:, 2])


@given(cohort=cohorts(COMPLETE))
def test_without_censoring_a_curve_is_a_share(cohort: Cohort) -> None:
    """S(t) = #{T > t} / n, with the binomial standard error sqrt(S (1 - S) / n): Greenwood's formula telescopes."""
    dead = tuple(c.but(death=max(c.days.values(), default=0), last_contact=None) for c in cohort)
    spells = spells_of(dead)
    whole = derive_spells(files(dead).history(), RFS)
    fit = fit_aalen_johansen(whole)
    share = np.array([(whole.stop > day).mean() for day in fit.times])
    same(fit.probability[:, 0], share)
    same(fit.std_error_at(fit.times)[:, 0] ** 2, share * (1 - share) / len(dead))
    same_curve(fit, fit_aalen_johansen(spells))


@given(cohort=cohorts())
def test_a_group_is_estimated_from_its_own_patients(cohort: Cohort) -> None:
    """S_g(t) by group = S(t) of a table that holds the group alone; the rest of the cohort does not enter."""
    spells = derive_spells(files(cohort).history(), RELAPSE)
    for level, rows in groups_of(spells).items():
        alone = tuple(course for course in cohort if course.risk == level)
        same_curve(fit_aalen_johansen(rows), fit_aalen_johansen(derive_spells(files(alone).history(), RELAPSE)))


@given(cohort=cohorts(), quiet=st.lists(st.integers(0, 12), min_size=1, max_size=5))
def test_a_group_without_events_stays_at_one(cohort: Cohort, quiet: list[int]) -> None:
    """S(t) = 1 with standard error 0 and no limits (convention 5) where d(t) = 0, and the other groups stay."""
    calm = tuple(Course("calm", "50", 0, {"last_contact": day}) for day in quiet)
    spells = derive_spells(files(cohort + calm).history(), RFS)
    rows = aalen_johansen(spells, "risk", DAYS).where(group="risk=calm").rows
    assert set(rows["estimate"].drop_nulls()) <= {1.0}
    assert set(rows["std_error"].drop_nulls()) <= {0.0}
    assert rows["lower"].null_count() == rows["upper"].null_count() == len(DAYS)
    assert rows["estimate"].null_count() == sum(day > max(quiet) for day in DAYS)
    assert median(spells, "risk").where(group="risk=calm").rows["estimate"].to_list() == [None]
    before = derive_spells(files(cohort).history(), RFS)
    for level, group in groups_of(before).items():
        same_curve(fit_aalen_johansen(group), fit_aalen_johansen(groups_of(spells)[level]))


@given(cohort=cohorts(COMPLETE), day=st.integers(0, 12))
def test_all_events_at_one_time(cohort: Cohort, day: int) -> None:
    """S falls to 0 on that day at once; each cumulative incidence is the share of its event."""
    names = ("relapse", "death", "death")
    at_once = tuple(replace(c, days={names[k % 3]: day, "last_contact": day + 1}) for k, c in enumerate(cohort))
    fit = fit_aalen_johansen(derive_spells(files(at_once).history(), RELAPSE))
    relapsed = len(range(0, len(cohort), 3)) / len(cohort)
    assert fit.times.tolist() == [day]
    same(fit.probability[0], [0, relapsed, 1 - relapsed])
    same(fit.std_error_at(fit.times)[0] ** 2, [0, *[relapsed * (1 - relapsed) / len(cohort)] * 2])


@given(course=cohorts(LATER).map(lambda cohort: cohort[0]))
def test_one_patient_is_a_step(course: Course) -> None:
    """S(t) = 1{t < T} for one patient with an event, 1 for one without."""
    spells = derive_spells(files((course,)).history(), RFS)
    fit = fit_aalen_johansen(spells)
    died = bool(spells.event().any())
    assert fit.at(np.asarray(DAYS))[:, 0].tolist() == [float(not (died and day >= spells.stop[0])) for day in DAYS]
    assert fit.times.tolist() == spells.stop.tolist()


@given(cohort=cohorts())
def test_a_cohort_twice_halves_the_variance(cohort: Cohort) -> None:
    """S and F of a cohort twice are the same, var / 2; a weight of 2 is a patient twice."""
    double = files(cohort + cohort).history()
    history = files(cohort).history()
    for endpoint in (RFS, RELAPSE):
        once, twice = derive_spells(history, endpoint), derive_spells(double, endpoint)
        heavy = replace(once, weight=2 * once.weight)
        same_curve(fit_aalen_johansen(once), fit_aalen_johansen(twice), variance=0.5)
        same_curve(fit_aalen_johansen(heavy), fit_aalen_johansen(twice))
        assert twice.n == 2 * once.n


@given(cohort=cohorts(), cuts=st.lists(st.integers(-1, 12), min_size=30, max_size=30))
def test_cutting_spells_changes_no_curve(cohort: Cohort, cuts: list[int]) -> None:
    """estimates(spells cut at any day) = estimates(spells): (a, c] is (a, b] and (b, c], the cut is no censoring."""
    history = files(cohort).history()
    for endpoint in (RFS, RELAPSE):
        whole = derive_spells(history, endpoint)
        pieces = cut(whole, cuts)
        assert pieces.n == whole.n
        same_curve(fit_aalen_johansen(whole), fit_aalen_johansen(pieces))
        for estimator in (lambda s: number_at_risk(s, times=DAYS), median, follow_up):
            assert estimator(whole).rows.equals(estimator(pieces).rows, null_equal=True)


@given(cohort=cohorts(LATER), extra=st.integers(1, 10))
def test_patients_censored_before_the_first_event_change_nothing(cohort: Cohort, extra: int) -> None:
    """S and F with patients added who are never at risk at an event time are the same; only n grows."""
    gone = tuple(Course("low", "50", 0, {"last_contact": 0}) for _ in range(extra))
    for endpoint in (RFS, RELAPSE):
        one, other = (derive_spells(files(c).history(), endpoint) for c in (cohort, cohort + gone))
        same_curve(fit_aalen_johansen(one), fit_aalen_johansen(other))
        assert other.n == one.n + extra


@given(cohort=cohorts())
def test_numbers_at_risk_are_counts(cohort: Cohort) -> None:
    """at risk(t) + those with an event before t + those censored before t = n, on every day but the first."""
    spells = derive_spells(files(cohort).history(), RELAPSE)
    table = number_at_risk(with_transplant(files(cohort).history(), RELAPSE), times=DAYS)
    left = Counter(spells.stop.tolist())
    gone = np.cumsum([0, *(left[day] for day in DAYS[:-1])])
    at_risk = table.where(statistic="n_at_risk").rows["estimate"].to_numpy()
    np.testing.assert_array_equal(at_risk + gone, spells.n)
    ended = sum(_column(table.where(statistic="n_events", term=state).rows["estimate"]) for state in spells.states[1:])
    censored = _column(table.where(statistic="n_censored").rows["estimate"])
    np.testing.assert_array_equal(ended + censored, np.cumsum([left[day] for day in DAYS]))


def _column(values: object) -> npt.NDArray[np.float64]:
    return np.asarray(values, float)


@given(cohort=cohorts(COMPLETE))
def test_the_median_is_where_the_curve_crosses_one_half(cohort: Cohort) -> None:
    """S(m-) >= 1/2 >= S(m): the definition, also of the midpoint of a stretch at one half (convention 4)."""
    spells = derive_spells(files(cohort).history(), RFS)
    fit = fit_aalen_johansen(spells)
    middle = median(spells).rows["estimate"].item()
    if middle is None:
        assert (fit.probability[:, 0] > 0.5).all()
    else:
        before, after = fit.at(np.array([np.nextafter(middle, -np.inf), middle]))[:, 0]
        assert before >= 0.5 - 1e-12
        assert after <= 0.5 + 1e-12


@given(cohort=cohorts())
def test_reverse_kaplan_meier_follows_those_who_are_censored(cohort: Cohort) -> None:
    """n_events of the median follow-up = number censored, and the range is that of the observed times."""
    spells = derive_spells(files(cohort).history(), RFS)
    table = {row["statistic"]: row for row in follow_up(spells).records()}
    assert table["median_follow_up"]["n_events"] == int(np.count_nonzero(spells.to == CENSORED))
    if len(spells):
        assert table["follow_up_minimum"]["estimate"] == spells.stop.min()
        assert table["follow_up_maximum"]["estimate"] == spells.stop.max()
