"""Concordance: counted pair by pair, and what cannot be counted."""

import numpy as np
import pytest

from dayzero.errors import InputError
from dayzero.estimators.cox.concordance import (
    concordance,
    fit_concordance,
    fit_uno_concordance,
    linear_predictor,
    uno_concordance,
)
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.dominance import Points, sum_below
from dayzero.estimators.cox.fit import fit_cox
from dayzero.spells import Spells, make_spells


def cohort(n: int = 60, *, late: bool = False, seed: int = 2) -> Spells:
    random = np.random.default_rng(seed)
    x = random.integers(0, 4, n).astype(float)
    stop = np.ceil(random.exponential(20.0, n)) + 1.0
    start = (
        np.where(random.random(n) < 0.4, np.floor(stop * random.random(n)), -np.inf) if late else np.full(n, -np.inf)
    )
    return make_spells(stop, random.random(n) < 0.6, start=start, x=x, z=random.normal(size=n).round(1))


def by_hand(spells: Spells, score: np.ndarray) -> tuple[float, float, float]:
    """Look at every pair."""
    event, counts = spells.event(), np.zeros(3)
    for i in np.flatnonzero(event):
        for j in range(len(spells)):
            later = spells.stop[j] > spells.stop[i] or (spells.stop[j] == spells.stop[i] and not event[j])
            if j != i and later and spells.start[j] < spells.stop[i]:
                counts[0 if score[j] < score[i] else 1 if score[j] > score[i] else 2] += 1
    return tuple(counts)


@pytest.mark.parametrize("late", [False, True])
@pytest.mark.parametrize("terms", [["x"], ["x", "z"]])
def test_pairs_counted_one_by_one(late: bool, terms: list[str]) -> None:
    spells = cohort(late=late)
    fit = fit_cox(spells, terms)
    found = fit_concordance(fit)
    score = np.column_stack([spells.columns[t] for t in terms]) @ fit.coefficients
    expected = by_hand(spells, score.round(10))
    assert (found.concordant, found.discordant, found.tied) == expected
    assert found.value == pytest.approx((expected[0] + expected[2] / 2) / sum(expected))


def test_strata_are_compared_within() -> None:
    spells = cohort()
    centre = np.arange(len(spells)) % 2
    both = make_spells(spells.stop, spells.event(), x=spells.columns["x"], centre=centre)
    fit = fit_cox(both, CoxModel(("x",), strata=("centre",)))
    score = spells.columns["x"] * fit.coefficients[0]
    parts = [by_hand(both.where(centre == k), score[centre == k]) for k in (0, 1)]
    found = fit_concordance(fit)
    assert (found.concordant, found.discordant, found.tied) == tuple(np.sum(parts, axis=0))


def test_the_influence_is_the_slope_in_each_weight() -> None:
    spells = cohort(30)
    fit = fit_cox(spells, ["x"])
    found = fit_concordance(fit)
    assert abs(found.influence.sum()) < 1e-12
    assert found.std_error == pytest.approx(np.sqrt((found.influence**2).sum()))


def test_without_censoring_unos_is_harrells() -> None:
    spells = cohort()
    whole = make_spells(spells.stop, np.ones(len(spells)), x=spells.columns["x"])
    fit = fit_cox(whole, ["x"])
    assert fit_uno_concordance(fit).value == pytest.approx(fit_concordance(fit).value, rel=1e-12)


def test_a_prediction_that_says_nothing_is_one_half() -> None:
    fit = fit_cox(make_spells([1, 2, 3, 4], [1, 1, 1, 1], x=[1, 1, 1, 1]), ["x"])
    assert fit_concordance(fit).value == 0.5
    assert fit_concordance(fit).std_error == 0.0


def test_without_comparable_pairs_there_is_none() -> None:
    fit = fit_cox(make_spells([1, 2, 3], [0, 0, 1], x=[1, 2, 3]), ["x"])
    row = next(concordance(fit).records())
    assert (row["estimate"], row["std_error"], row["lower"]) == (None, None, None)


def test_rows_of_the_contract() -> None:
    fit = fit_cox(cohort(), ["x", "z"])
    row = next(concordance(fit).records())
    assert (row["statistic"], row["method"], row["n"], row["kind"]) == ("concordance", "harrell", 60, "cox")
    assert 0.0 <= row["lower"] < row["estimate"] < row["upper"] <= 1.0
    row = next(uno_concordance(fit, 20.0).records())
    assert (row["method"], row["time"]) == ("uno", 20.0)


def test_uno_is_refused_with_delayed_entry() -> None:
    with pytest.raises(InputError, match="not defined with delayed entry"):
        uno_concordance(fit_cox(cohort(late=True), ["x"]), 20.0)


def test_a_batch_has_no_one_prediction() -> None:
    spells = cohort()
    with pytest.raises(ValueError, match="one weighting"):
        linear_predictor(fit_cox(spells, ["x"], np.ones((len(spells), 2))))


def test_sums_below_agree_with_a_double_loop() -> None:
    random = np.random.default_rng(0)
    for n in (1, 2, 7, 64, 100):
        points = Points(random.integers(0, 9, n), random.integers(0, 9, n), random.random(n))
        position, rank = random.integers(0, 11, 20), random.integers(0, 11, 20)
        expected = [
            points.weight[(points.position < p) & (points.rank < r)].sum() for p, r in zip(position, rank, strict=True)
        ]
        np.testing.assert_allclose(sum_below(points, position, rank), expected, atol=1e-12)
