"""Ranks and summaries: exact distributions by enumeration, infinite values, and what cannot be said."""

from itertools import permutations

import numpy as np
import pytest

from dayzero.errors import InputError
from dayzero.estimators.outcomes.ranks import jonckheere, kruskal_wallis, spearman
from dayzero.estimators.outcomes.summaries import geometric, quartiles


def row(estimate):
    return estimate.rows.row(0, named=True)


def test_spearmans_p_counts_every_permutation() -> None:
    second = [2.0, 1.0, 4.0, 3.0, 6.0, 5.0]
    products = np.array([np.dot(range(1, 7), p) for p in permutations(range(1, 7))])
    seen = np.dot(range(1, 7), second)
    expected = 2 * min(np.mean(products >= seen), np.mean(products <= seen))
    found = row(spearman(range(6), second))
    assert (found["p_value"], found["method"]) == (pytest.approx(expected, rel=1e-12), "exact")


def test_jonckheeres_p_counts_every_arrangement_and_falls_as_it_rises() -> None:
    groups, values = np.array([0, 0, 1, 1, 1, 2, 2]), np.array([1.0, 4.0, 2.0, 6.0, 5.0, 3.0, 7.0])

    def statistic(order) -> float:
        codes = np.asarray(order)
        return sum(codes[i] < codes[j] for i in range(7) for j in range(i + 1, 7))

    arrangements = set(permutations(groups.tolist()))
    all_of = np.array([statistic(p) for p in arrangements])
    seen = statistic(groups[np.argsort(values)])
    found = row(jonckheere(groups, values))
    assert found["estimate"] == seen
    assert found["p_value"] == pytest.approx(2 * min(np.mean(all_of >= seen), np.mean(all_of <= seen)), rel=1e-12)
    assert row(jonckheere(groups, -values))["p_value"] == pytest.approx(found["p_value"], rel=1e-12)


def test_exact_and_normal_agree_in_many_patients() -> None:
    rng = np.random.default_rng(1)
    groups, values = np.repeat([0, 1, 2], [16, 17, 17]), rng.normal(size=50)
    exact = row(jonckheere(groups, values))
    more = row(jonckheere(np.append(groups, [1]), np.append(values, [0.0])))
    assert (exact["method"], more["method"], more["warning"]) == ("exact", "normal", None)
    assert exact["p_value"] == pytest.approx(more["p_value"], abs=0.05)


def test_values_out_of_range_are_the_highest_and_tied() -> None:
    high = [0, 1, 2, 3, 3, 3], [1.0, 2.0, 3.0, np.inf, np.inf, np.inf]
    finite = high[0], [1.0, 2.0, 3.0, 9.0, 9.0, 9.0]
    for test in (spearman, jonckheere, kruskal_wallis):
        assert row(test(*high)) == row(test(*finite))
    assert row(spearman([1, 2, 3], [-np.inf, 0.0, np.inf]))["estimate"] == 1.0
    assert row(spearman([1, 2, 3, 4], [-np.inf, -np.inf, np.inf, np.inf]))["n"] == 4


def test_rounding_alone_makes_no_order() -> None:
    assert row(spearman([1, 2, 3, 4], [0.1 + 0.2, 0.3, 1.0, 2.0]))["method"] == "Student’s t"
    tiny = row(spearman([1, 2, 3, 4], [1e-12, 2e-12, 3e-12, 4e-12]))
    assert (tiny["estimate"], tiny["method"]) == (1.0, "exact")


def test_what_cannot_be_said_is_null_with_its_reason() -> None:
    assert row(spearman([1, 1, 1, 1], [1, 2, 3, 4]))["estimate"] is None
    assert "does not vary" in row(spearman([1, 1, 1, 1], [1, 2, 3, 4]))["warning"]
    assert "fewer than 3" in row(spearman([1, 2], [1, 2]))["warning"]
    assert "fewer than two" in row(jonckheere([1, 1], [1, 2]))["warning"]
    assert "all values are equal" in row(jonckheere([1, 1, 2], [5, 5, 5]))["warning"]
    assert "fewer than two" in row(kruskal_wallis([1, 1], [1, 2]))["warning"]
    assert "all values are equal" in row(kruskal_wallis([1, 1, 2], [5, 5, 5]))["warning"]
    with pytest.raises(InputError, match="both values"):
        spearman([np.nan], [1.0])
    with pytest.raises(ValueError, match="different patients"):
        jonckheere([1, 2], [1.0])
    perfect = row(spearman(range(20), range(20)))
    assert (perfect["estimate"], perfect["lower"], perfect["p_value"]) == (1.0, None, 0.0)


def test_missing_values_leave_the_others() -> None:
    assert row(spearman([1, 2, 3, 4, np.nan], [2, 1, 4, 3, 5]))["n"] == 4
    assert row(kruskal_wallis([0, 0, 1, 1, 1], [1, 2, 3, 4, np.nan]))["n"] == 4


def test_a_geometric_mean_leaves_out_zeros_and_says_so() -> None:
    mean, _variation = geometric([0.0, 10.0, 1000.0, np.nan]).rows.to_dicts()
    assert (mean["estimate"], mean["n"]) == (pytest.approx(100.0), 2)
    assert mean["warning"].startswith("1 patient with 0 left out")
    alone = geometric([5.0]).rows.to_dicts()
    assert (alone[0]["estimate"], alone[0]["lower"], alone[1]["estimate"]) == (pytest.approx(5.0), None, None)
    assert geometric([]).rows["estimate"].to_list() == [None, None]


def test_quartiles_out_of_range_are_null() -> None:
    rows = {r["statistic"]: r for r in quartiles([-np.inf, 2.0, 3.0, 4.0, np.inf]).rows.to_dicts()}
    assert [rows[name]["estimate"] for name in ("minimum", "lower_quartile", "median", "upper_quartile")] == [
        None,
        2,
        3,
        4,
    ]
    assert rows["maximum"]["warning"].startswith("above_range")
    both = quartiles([-np.inf, np.inf]).rows.row(0, named=True)
    assert both["warning"].startswith("below and above_range")
    assert quartiles([]).rows["n"].to_list() == [0] * 5
