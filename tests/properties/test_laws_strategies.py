"""Laws of the strategies: what must not change a comparison, and what must turn it round."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayzero.errors import InputError
from dayzero.estimate import Estimate
from dayzero.spells import Spells, make_spells, split
from dayzero.strategies.landmark import landmark
from dayzero.strategies.strategy import Strategy
from dayzero.strategies.time_dependent import time_dependent

METHODS: tuple[Any, ...] = ("naive", "landmark", "landmark_super", "time_dependent")
LANDMARKS = (4.0, 8.0)
HORIZON = 15.0

methods = st.sampled_from(METHODS)
seeds = st.integers(0, 2**32 - 1)


def cohort(seed: int, *, shift: float = 0.0) -> Spells:
    """Draw patients on few days, with ties, treatments on event days and on day zero, late entries, two causes."""
    draw = np.random.default_rng(seed)
    n = int(draw.integers(8, 40))
    stop = draw.integers(1, 25, n).astype(float)
    late = (draw.random(n) < 0.3) & (stop > 3.0)
    start = np.where(late, np.floor(stop / 3.0), -np.inf)
    day = np.where(draw.random(n) < 0.6, draw.integers(0, 20, n), np.inf)
    columns = {"age": draw.normal(size=n), "arm_of_trial": draw.choice(list("ab"), n)}
    spells = make_spells(stop + shift, draw.integers(0, 3, n), start=start + shift, **columns)
    return replace(spells, treatments={"hsct": day + shift})


def estimate(method: Any, spells: Spells, *, shift: float = 0.0, **settings: Any) -> Estimate | None:
    """Return the rows; None where there is no comparison."""
    days = [day + shift for day in LANDMARKS]
    try:
        return Strategy(method, landmarks=days, ties="breslow", horizon=HORIZON + shift, **settings)(spells)
    except InputError as refused:
        if refused.column != "treatment":
            raise
        return None


def is_certain(found: Estimate) -> pl.Series:
    """Return whether a probability is 0 or 1 but for rounding, where it has no limits or has itself for them."""
    values = found.rows["estimate"].fill_null(0.5)
    return (values < 1e-9) | (values > 1.0 - 1e-9)


def same(one: Estimate | None, other: Estimate | None, *, less: float = 0.0) -> None:
    """Assert that two sets of rows are equal, but for rounding, and for ``less`` taken from the times of the second."""
    if one is None or other is None:
        assert one is other
        return
    texts = ["kind", "method", "group", "term", "statistic", "n", "n_events"]
    assert one.rows.select(texts).equals(other.rows.select(texts))
    settled = one.rows["warning"].fill_null("").str.contains("convergence|collinear").not_()
    certain = one.rows["statistic"].is_in(["risk", "cumulative_incidence"]) & is_certain(one)
    for name in ("time", "estimate", "std_error", "lower", "upper"):
        among = settled & certain.not_() if name in {"lower", "upper"} else settled
        values = [each.rows.filter(among)[name].to_numpy() for each in (one, other)]
        values[1] = values[1] - less if name == "time" else values[1]
        np.testing.assert_allclose(values[0], values[1], rtol=1e-6, atol=1e-8, err_msg=name)


@given(seed=seeds, method=methods, weights=st.booleans())
def test_the_order_of_the_rows_does_not_matter(seed: int, method: Any, weights: bool) -> None:
    spells = cohort(seed)
    mixed = spells.where(np.random.default_rng(seed).permutation(len(spells)))  # type: ignore[arg-type]
    settings = {"adjust": ["age"], "adjustment": "weights" if weights else "outcome"}
    same(estimate(method, spells, **settings), estimate(method, mixed, **settings))


@given(seed=seeds, method=st.sampled_from(["landmark", "landmark_super", "time_dependent", "naive"]))
def test_a_later_day_zero_moves_only_the_times(seed: int, method: Any) -> None:
    """All days moved by 100, the hazard ratios stay; restricted means count from day zero and may not."""
    moved, before = (estimate(method, cohort(seed, shift=by), shift=by) for by in (100.0, 0.0))
    if moved is not None and before is not None:
        pair = [each.rows.filter(each.rows["statistic"].str.contains("rmst").not_()) for each in (before, moved)]
        same(Estimate(pair[0]), Estimate(pair[1]), less=100.0)


@given(seed=seeds, method=methods, cut=st.integers(0, 24))
def test_rows_cut_at_a_covariate_give_the_same(seed: int, method: Any, cut: int) -> None:
    spells = cohort(seed)
    days = np.full(spells.patients.height, float(cut))
    same(estimate(method, spells, adjust=["age"]), estimate(method, split(spells, days, name="mrd"), adjust=["age"]))


@given(seed=seeds, method=methods)
def test_an_open_start_is_a_start_before_day_zero(seed: int, method: str) -> None:
    spells = cohort(seed)
    open_ = replace(spells, start=np.where(np.isinf(spells.start), -1.0, spells.start))
    same(estimate(method, spells), estimate(method, open_))


@given(seed=seeds)
def test_the_time_of_the_arms_is_the_time_of_the_patients(seed: int) -> None:
    """Splitting at the treatment moves time between the arms and loses none of it, nor an event."""
    spells = cohort(seed)
    spells = replace(spells, start=np.maximum(spells.start, 0.0))
    arms = time_dependent(spells, "hsct")
    assert np.sum(arms.stop - arms.start) == pytest.approx(np.sum(spells.stop - spells.start))
    assert np.array_equal(np.sort(arms.stop[arms.event()]), np.sort(spells.stop[spells.event()]))


@given(seed=seeds, day=st.integers(0, 24))
def test_an_event_on_the_landmark_is_before_it(seed: int, day: int) -> None:
    spells = cohort(seed)
    arms = landmark(spells, "hsct", float(day))
    assert not np.isin(arms.patient, spells.patient[spells.stop <= day]).any()
    assert (arms.stop > day).all()
    assert np.array_equal(arms.columns["hsct"] == 1.0, spells.treatments["hsct"][arms.patient] <= day)
    at_risk = (spells.start <= day) & (day < spells.stop)
    assert arms.n == spells.where(at_risk).n


@given(seed=seeds)
def test_treatment_on_day_zero_makes_all_methods_one(seed: int) -> None:
    """Where treatment is given on day zero or never there is no immortal time: naive, timed and landmark 0 agree."""
    spells = cohort(seed)
    spells = replace(spells, start=np.where(np.isinf(spells.start), 0.0, spells.start))
    day = np.where(np.arange(spells.patients.height) % 2 == 0, 0.0, np.inf)
    spells = replace(spells, treatments={"hsct": day}).where(spells.start <= 0.0)
    if not len(spells) or not np.isinf(day[spells.patient]).any():
        return
    found = [Strategy(name, landmarks=[0])(spells) for name in ("naive", "time_dependent", "landmark")]
    logs = [each.where(kind="strategy", statistic="log_hazard_ratio").rows for each in found]
    for name in ("estimate", "std_error", "p_value"):
        values = [each[name].to_numpy() for each in logs]
        np.testing.assert_allclose(values[0], values[1], rtol=1e-9)
        np.testing.assert_allclose(values[0], values[2], rtol=1e-9)
