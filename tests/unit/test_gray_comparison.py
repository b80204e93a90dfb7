"""Gray's test: what it refuses, and laws that it obeys."""

import numpy as np
import pytest

from dayzero.estimators.comparisons.gray import ENTRY, NO_EVENTS, ONE_GROUP, fit_gray, gray
from dayzero.spells import Spells, make_spells


def table(seed: int = 0, n: int = 90) -> Spells:
    rng = np.random.default_rng(seed)
    return make_spells(
        rng.integers(1, 30, n),
        rng.integers(0, 3, n),
        arm=np.array(["a", "b", "c"])[np.arange(n) % 3],
        centre=rng.integers(0, 2, n),
        states=("remission", "relapse", "death"),
    )


def test_a_row_an_event() -> None:
    rows = gray(table(), "arm").rows
    assert rows["term"].to_list() == ["relapse", "death"]
    assert rows["group"].to_list() == [None, None]
    assert rows["statistic"].unique().to_list() == ["gray"]
    assert rows["df"].to_list() == [2.0, 2.0]
    assert rows["method"].unique().to_list() == ["Gray"]
    assert rows["p_value"].is_between(0, 1).all()


def test_the_scores_sum_to_zero_and_groups_may_be_renamed() -> None:
    spells = table(1)
    fit = fit_gray(spells, "arm")
    assert fit.score.sum() == pytest.approx(0.0, abs=1e-12)
    assert fit.variance.sum(axis=0) == pytest.approx(np.zeros(3), abs=1e-10)
    names = {"a": "z", "b": "y", "c": "x"}
    other = make_spells(
        spells.stop, np.maximum(spells.to, 0), arm=[names[arm] for arm in spells.columns["arm"]], states=spells.states
    )
    assert fit_gray(other, "arm").chi2 == pytest.approx(fit.chi2, rel=1e-10)


def test_row_order_does_not_matter() -> None:
    spells = table(2)
    mixed = spells.where(np.random.default_rng(1).permutation(len(spells)))  # type: ignore[arg-type]
    assert fit_gray(mixed, "arm", event=2).chi2 == pytest.approx(fit_gray(spells, "arm", event=2).chi2, rel=1e-12)


def test_the_score_is_the_log_ranks_where_nothing_competes_and_nobody_is_censored() -> None:
    from dayzero.estimators.comparisons.logrank import fit_logrank

    spells = make_spells(np.arange(1, 13), np.ones(12), arm=["a", "b", "b"] * 4)
    log_rank = fit_logrank(spells, "arm")
    assert fit_gray(spells, "arm").score == pytest.approx(log_rank.observed - log_rank.expected, rel=1e-12)


def test_delayed_entry_is_a_warning() -> None:
    spells = make_spells([2, 3, 4], [1, 2, 0], start=[0, 1, 0], arm=["a", "b", "b"])
    rows = gray(spells, "arm").rows
    assert rows["estimate"].to_list() == [None, None]
    assert rows["warning"].unique().to_list() == [ENTRY]


def test_one_group_and_no_events_are_warnings() -> None:
    assert gray(make_spells([1, 2], [1, 2], arm=["a", "a"]), "arm").rows["warning"].to_list() == [ONE_GROUP] * 2
    rows = gray(make_spells([1, 2, 3], [1, 0, 1], arm=["a", "b", "b"], states=("cr", "relapse", "death")), "arm").rows
    assert rows["warning"].to_list() == [None, NO_EVENTS]
    assert rows["p_value"][1] is None


def test_a_stratum_with_one_group_adds_nothing() -> None:
    spells = table(3)
    extra = make_spells(
        np.concatenate([spells.stop, [3.0, 4.0]]),
        np.concatenate([np.maximum(spells.to, 0), [1, 2]]),
        arm=[*spells.columns["arm"], "a", "a"],
        centre=[*spells.columns["centre"], 9, 9],
    )
    alone = fit_gray(spells, "arm", strata=["centre"])
    assert fit_gray(extra, "arm", strata=["centre"]).chi2 == pytest.approx(alone.chi2, rel=1e-10)


def test_the_method_names_the_weight_and_the_strata() -> None:
    row = gray(table(), "arm", rho=0.5, strata=["centre"]).rows
    assert row["method"].unique().to_list() == ["Gray (0.5), stratified by centre"]
