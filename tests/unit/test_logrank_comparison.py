"""Log-rank tests: what cannot be compared, weights, strata, pairs."""

from typing import Any

import numpy as np
import pytest

from dayzero.errors import InputError
from dayzero.estimators.chi_squared import holm, p_value, quadratic_form
from dayzero.estimators.comparisons.logrank import (
    NO_EVENTS,
    ONE_GROUP,
    SEVERAL_STATES,
    LogRank,
    fit_logrank,
    logrank,
    logrank_pairwise,
)
from dayzero.spells import Spells, make_spells, split


def table(seed: int = 0, n: int = 60) -> Spells:
    rng = np.random.default_rng(seed)
    return make_spells(
        rng.integers(1, 30, n),
        rng.integers(0, 2, n),
        arm=np.array(["a", "b", "c"])[np.arange(n) % 3],
        centre=rng.integers(0, 2, n),
    )


def test_one_group_is_a_warning() -> None:
    row = logrank(make_spells([1, 2], [1, 1], arm=["a", "a"]), "arm").rows
    assert row.select("estimate", "df", "p_value", "warning").row(0) == (None, None, None, ONE_GROUP)


def test_no_events_is_a_warning() -> None:
    row = logrank(make_spells([1, 2], [0, 0], arm=["a", "b"]), "arm").rows
    assert row.select("estimate", "warning").row(0) == (None, NO_EVENTS)


def test_several_states_that_can_be_left_are_a_warning() -> None:
    spells = make_spells(
        [1, 3, 2], [1, 2, 1], start=[-np.inf, 1, -np.inf], state=[0, 1, 0], patient=[1, 1, 2], arm=["a", "a", "b"]
    )
    assert logrank(spells, "arm").rows.select("estimate", "warning").row(0) == (None, SEVERAL_STATES)


def test_nobody_is_a_warning() -> None:
    assert logrank(make_spells([], [], arm=[]), "arm").rows["warning"].item() == ONE_GROUP


def test_a_group_never_at_risk_at_an_event_takes_no_degree_of_freedom() -> None:
    spells = make_spells([1, 3, 4, 5, 6, 7], [0, 1, 1, 1, 1, 0], arm=["z", "a", "b", "a", "b", "b"])
    with_z = fit_logrank(spells, "arm")
    without = fit_logrank(spells.where(spells.columns["arm"] != "z"), "arm")
    assert (with_z.df, without.df) == (1, 1)
    assert with_z.chi2 == pytest.approx(without.chi2, rel=1e-12)


def test_observed_and_expected_add_up() -> None:
    fit = fit_logrank(table(), "arm")
    assert fit.observed.sum() == pytest.approx(fit.expected.sum())
    assert fit.variance.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-12)
    assert fit.df == 2


def test_weights_count_as_numbers_of_patients() -> None:
    spells = table(1)
    copies = 1 + np.arange(len(spells)) % 2
    weighted = make_spells(spells.stop, spells.event(), weight=copies, **spells.columns)
    repeated = spells.where(np.repeat(np.arange(len(spells)), copies))  # type: ignore[arg-type]
    for model in (LogRank(), LogRank(rho=0.5, gamma=1), LogRank(strata=("centre",))):
        assert fit_logrank(weighted, "arm", model=model).chi2 == pytest.approx(
            fit_logrank(repeated, "arm", model=model).chi2, rel=1e-10
        )


def test_cutting_rows_changes_nothing() -> None:
    spells = table(2)
    cut = split(spells, np.full(len(spells), 7.5), name="late")
    assert fit_logrank(cut, "arm").chi2 == pytest.approx(fit_logrank(spells, "arm").chi2, rel=1e-12)
    assert logrank(cut, "arm").rows["n"].item() == 60


def test_competing_events_count_as_censoring() -> None:
    competing = make_spells([1, 2, 3, 4], [1, 2, 1, 2], arm=["a", "b", "b", "a"])
    censored = make_spells([1, 2, 3, 4], [1, 0, 1, 0], arm=["a", "b", "b", "a"])
    assert fit_logrank(competing, "arm").chi2 == fit_logrank(censored, "arm").chi2


def test_one_stratum_a_patient_has_nothing_to_compare() -> None:
    spells = make_spells([1, 2], [1, 1], arm=["a", "b"], centre=[1, 2])
    row = logrank(spells, "arm", model=LogRank(strata=("centre",))).rows
    assert row["warning"].item() == NO_EVENTS
    assert row["method"].item() == "log-rank, stratified by centre"


def test_patients_without_a_group_or_stratum_are_counted() -> None:
    spells = make_spells([1, 2, 3, 4], [1, 1, 1, 1], arm=["a", None, "b", "a"], centre=["x", "x", None, "x"])
    row = logrank(spells, "arm", model=LogRank(strata=("centre",))).rows
    assert "1 patient without arm left out; 1 patient without centre left out" in row["warning"].item()
    assert row["n"].item() == 2


@pytest.mark.parametrize(
    ("model", "name"),
    [
        (LogRank(), "log-rank"),
        (LogRank(rho=1), "Fleming-Harrington (1, 0)"),
        (LogRank(gamma=0.5), "Fleming-Harrington (0, 0.5)"),
    ],
)
def test_the_method_is_named(model: LogRank, name: str) -> None:
    assert logrank(table(), "arm", model=model).rows["method"].item() == name


def test_late_weights_see_late_differences() -> None:
    late = make_spells([1, 2, 3, 4, 11, 12, 13, 14, 1, 2, 3, 4, 30, 31, 32, 33], [1] * 16, arm=["a"] * 8 + ["b"] * 8)
    chi2 = {gamma: fit_logrank(late, "arm", model=LogRank(gamma=gamma)).chi2 for gamma in (0.0, 1.0)}
    assert chi2[1.0] > chi2[0.0]


def test_pairs_are_those_two_groups_alone_and_holm_orders_them() -> None:
    spells = table(3)
    rows = logrank_pairwise(spells, "arm").rows
    assert rows["group"].to_list() == ["arm=a|b", "arm=a|c", "arm=b|c"]
    only = spells.where(spells.columns["arm"] != "c")
    assert rows["estimate"][0] == pytest.approx(fit_logrank(only, "arm").chi2)
    assert rows["n"][0] == 40
    raw = [p_value(chi2, 1.0) for chi2 in rows["estimate"]]
    assert rows["p_value"].to_list() == holm(raw)
    assert rows["method"].unique().to_list() == ["log-rank; Holm"]


def test_one_group_has_no_pairs() -> None:
    assert len(logrank_pairwise(make_spells([1], [1], arm=["a"]), "arm")) == 0


def test_an_unknown_column_is_an_input_error() -> None:
    with pytest.raises(InputError):
        logrank(table(), "sex")


@pytest.mark.parametrize(
    ("raw", "adjusted"),
    [([0.01, 0.02, 0.03], [0.03, 0.04, 0.04]), ([0.5, 0.9], [1.0, 1.0]), ([None, 0.2], [None, 0.2])],
)
def test_holm(raw: list[Any], adjusted: list[Any]) -> None:
    assert holm(raw) == pytest.approx(adjusted)


def test_a_quadratic_form_without_groups() -> None:
    assert quadratic_form(np.zeros(0), np.zeros((0, 0))) == (0.0, 0)
