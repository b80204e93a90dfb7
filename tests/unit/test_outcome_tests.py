"""Proportions, Fisher's test, ROC areas, and tests within patients."""

from itertools import product
from math import comb

import numpy as np
import pytest

from dayzero.errors import InputError
from dayzero.estimators.outcomes.paired import mcnemar, signed_rank
from dayzero.estimators.outcomes.proportions import fisher, fisher_p, proportions, wilson_limits
from dayzero.estimators.outcomes.roc import auc, fit_auc
from dayzero.spells import make_spells


def outcome(yes, **columns):
    return make_spells(np.full(len(yes), 28.0), yes, **columns)


def test_the_area_is_the_share_of_pairs_in_order() -> None:
    rng = np.random.default_rng(3)
    values, yes = rng.integers(0, 12, 60).astype(float), rng.random(60) < 0.4
    pairs = [(a > b) + 0.5 * (a == b) for a, b in product(values[yes], values[~yes])]
    fit = fit_auc(outcome(yes, x=values), ["x"])
    assert fit.area[0] == pytest.approx(np.mean(pairs), rel=1e-13)
    wins = np.reshape(pairs, (yes.sum(), (~yes).sum()))
    variance = np.var(wins.mean(axis=1), ddof=1) / yes.sum() + np.var(wins.mean(axis=0), ddof=1) / (~yes).sum()
    assert fit.covariance[0, 0] == pytest.approx(variance, rel=1e-12)


def test_a_column_that_tells_perfectly_has_no_limits() -> None:
    row = auc(outcome([0, 0, 1, 1], x=[1.0, 2.0, 3.0, 4.0]), ["x"]).rows.row(0, named=True)
    assert (row["estimate"], row["lower"], row["std_error"]) == (1.0, None, None)
    assert "do not overlap" in row["warning"]


def test_areas_of_text_and_of_one_outcome_alone_are_refused() -> None:
    with pytest.raises(InputError, match="no number"):
        auc(outcome([0, 1], x=["a", "b"]), ["x"])
    with pytest.raises(InputError, match="without it"):
        auc(outcome([1, 1], x=[1.0, 2.0]), ["x"])
    with pytest.raises(InputError, match="no column"):
        auc(outcome([0, 1], x=[1.0, 2.0]), ["y"])


def test_missing_values_leave_the_area_of_the_others() -> None:
    rows = auc(outcome([0, 1, 0, 1, 1], x=[1.0, 2.0, 3.0, 4.0, np.nan], y=[1.0, 2.0, 3.0, 4.0, 5.0]), ["x", "y"]).rows
    assert rows["n"].to_list() == [4, 5, 4]


def test_fishers_p_is_the_sum_over_all_tables_no_more_likely() -> None:
    size, seen = (5, 4, 6), (4, 0, 3)
    ways = {
        t: comb(5, t[0]) * comb(4, t[1]) * comb(6, t[2])
        for t in product(range(6), range(5), range(7))
        if sum(t) == sum(seen)
    }
    expected = sum(w for w in ways.values() if w <= ways[seen]) / comb(15, 7)
    assert fisher_p(np.array(seen), np.array(size)) == pytest.approx(expected, rel=1e-12)


def test_fisher_leaves_out_those_without_a_group_and_gives_up_on_vast_tables() -> None:
    row = fisher(outcome([0, 1, 1, 0], arm=["a", "a", "b", None]), "arm").rows.row(0, named=True)
    assert (row["n"], row["n_events"], row["warning"]) == (3, 2, "1 patient without arm left out")
    many = np.full(10, 40)
    assert np.isnan(fisher_p(many // 2, many))
    assert fisher_p(np.array([3]), np.array([5])) == 1.0


def test_proportions_of_each_level_add_up_to_one() -> None:
    spells = make_spells(np.ones(6), [1, 2, 2, 3, 1, 1], arm=["a", "b"] * 3, states=("before", "0", "1", "2"))
    rows = proportions(spells, "arm").rows.filter(proportions(spells, "arm").rows["method"] == "Wilson")
    assert rows["term"].to_list() == ["0", "1", "2"] * 2
    assert [sum(rows["estimate"][:3]), sum(rows["estimate"][3:])] == pytest.approx([1.0, 1.0])


def test_wilson_limits_solve_their_equation() -> None:
    z = 1.959963984540054
    for end in wilson_limits(7, 31):
        assert abs(7 / 31 - end) == pytest.approx(z * np.sqrt(end * (1 - end) / 31), rel=1e-12)
    assert wilson_limits(0, 9)[0] == 0.0
    assert np.isnan(wilson_limits(0, 0)).all()


def test_the_signed_rank_distribution_is_that_of_all_signs() -> None:
    change = np.array([1.5, -2.0, 3.0, 4.0, -0.5, 6.0, 7.0])
    ranks = np.argsort(np.argsort(np.abs(change))) + 1
    seen = ranks[change > 0].sum()
    sums = np.array([np.dot(signs, ranks) for signs in product((0, 1), repeat=7)])
    expected = min(1.0, 2 * min(np.mean(sums <= seen), np.mean(sums >= seen)))
    row = signed_rank(np.zeros(7), change).where(statistic="signed_rank").rows.row(0, named=True)
    assert (row["estimate"], row["p_value"]) == (seen, pytest.approx(expected, rel=1e-13))


def test_fifty_pairs_are_exact_and_fifty_one_are_not() -> None:
    values = np.cumsum(np.linspace(0.1, 1.0, 51)) * np.where(np.arange(51) % 3, 1, -1)
    for n, method in ((50, "exact"), (51, "normal, continuity-corrected")):
        row = signed_rank(np.zeros(n), values[:n]).where(statistic="signed_rank").rows.row(0, named=True)
        assert row["method"] == method
        assert row["warning"] is None


def test_nothing_changed_is_a_p_of_one() -> None:
    same = signed_rank([1, 2, 3], [1, 2, 3]).where(statistic="signed_rank").rows.row(0, named=True)
    assert (same["p_value"], same["n_events"]) == (1.0, 0)
    rows = mcnemar([1, 0, 1], [1, 0, 1]).where(statistic="mcnemar").rows
    assert rows["p_value"].to_list() == [1.0, None]


def test_too_few_pairs_have_no_limits() -> None:
    row = signed_rank([1, 2, 3], [2, 4, 7]).where(statistic="pseudomedian").rows.row(0, named=True)
    assert row["lower"] is None
    assert "too few" in row["warning"]


def test_pairs_must_be_pairs() -> None:
    with pytest.raises(ValueError, match="different patients"):
        mcnemar([1, 0], [1])
    with pytest.raises(InputError, match="no patient"):
        signed_rank([], [])
