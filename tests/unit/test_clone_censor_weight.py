"""Clone-censor-weight: its rows, its refits, and what it finds where the truth is known."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from clone_cohort import NEVER, cohort, strategy, table
from dayzero.estimate import Estimate
from dayzero.estimators.resampling.bootstrap import KEY, Resampling, bootstrap
from dayzero.spells import split
from dayzero.strategies.clone_censor_weight import estimate_clone_censor_weight, failed_resamples
from dayzero.strategies.clone_points import clone_points
from dayzero.strategies.strategy import NO_TREAT, TREAT


def value(found: Estimate, statistic: str, **columns: Any) -> dict[str, Any]:
    row = found.where(statistic=statistic, **{"kind": "strategy", **columns}).rows
    assert row.height == 1
    return row.row(0, named=True)


def test_rows_of_the_contract() -> None:
    found = estimate_clone_censor_weight(cohort(states=3), strategy())
    rows = found.rows
    assert set(rows["method"]) == {"clone_censor_weight"}
    assert value(found, "hazard_ratio")["n"] == 300
    assert value(found, "hazard_ratio")["time"] == 600.0
    assert value(found, "hazard_ratio", kind="strategy_cause", group="event=nrm")["std_error"] > 0.0
    assert value(found, "hazard_ratio", kind="strategy_unadjusted")["estimate"] is not None
    for arm in (TREAT, NO_TREAT):
        shares = [value(found, "risk", group=arm), value(found, "cumulative_incidence", group=arm, term="nrm")]
        assert 0.0 < sum(row["estimate"] for row in shares) < 1.0
        assert [row["std_error"] for row in shares] == [None, None]
        counts = [value(found, name, group=arm)["estimate"] for name in ("artificially_censored", "naturally_censored")]
        size, n = value(found, "effective_sample_size", group=arm), 300
        assert size["n"] == n - counts[0]
        assert size["estimate"] <= size["n"]
        assert (
            value(found, "largest_weight", group=arm)["estimate"] >= value(found, "mean_weight", group=arm)["estimate"]
        )
        assert 3.0 / size["n"] <= value(found, "share_of_three_heaviest", group=arm)["estimate"] < 1.0
    before, after = (
        rows.filter(group=f"weighting={when}", statistic="standardised_difference")["estimate"].abs()
        for when in ("before", "after")
    )
    assert len(before) == 2
    assert (after < before).all()


def test_no_horizon_no_risks() -> None:
    found = estimate_clone_censor_weight(cohort(), strategy(horizon=None, adjust=()))
    assert value(found, "hazard_ratio")["time"] is None
    assert not set(found.rows["statistic"]) & {"risk", "rmst", "standardised_difference"}
    assert set(found.rows["kind"]) == {"strategy"}


def test_treated_in_grace_counts_those_seen_to_start() -> None:
    spells = table([300, 50, 60, 200, 400], [1, 1, 0, 1, 0], [20, 50, 60, 90, 91])
    found = value(estimate_clone_censor_weight(spells, strategy(adjust=(), horizon=300.0)), "treated_in_grace")
    assert (found["estimate"], found["n_events"], found["n"]) == (3.0, 2, 5)


@pytest.mark.parametrize("states", [2, 3])
@pytest.mark.parametrize("adjust", [(), ("x", "risk")])
@pytest.mark.parametrize("horizon", [None, 600.0, 2000.0])
def test_refits_give_the_same_numbers(states: int, adjust: tuple[str, ...], horizon: float | None) -> None:
    spells, asked = cohort(states=states), strategy(adjust=adjust, horizon=horizon)
    full, lean = (found.rows.sort(KEY) for found in (asked(spells), clone_points(spells, asked)))
    assert full.select(KEY).equals(lean.select(KEY))
    known = full["estimate"].is_not_null()
    assert lean["estimate"].is_not_null().equals(known)
    assert lean["estimate"].drop_nulls().to_numpy() == pytest.approx(full["estimate"].drop_nulls().to_numpy(), rel=1e-9)
    assert (horizon == 2000.0) != bool(known.all())


def test_bootstrap_refits_the_weights_and_counts_failures() -> None:
    spells = cohort(40, seed=3)
    asked, done = strategy(adjust=("x",)), []
    day = np.where(np.arange(40) < 38, NEVER, 30.0)
    few = replace(spells, treatments={"hsct": np.where(spells.stop > 95.0, day, NEVER)})
    assert int(np.isfinite(few.treatments["hsct"]).sum()) == 2
    fit = bootstrap(asked, few, n=40, seed=1, options=Resampling(progress=lambda k, n: done.append((k, n))))
    failed = failed_resamples(fit).rows.row(0, named=True)
    nobody = int(np.isnan(fit.replicates).all(axis=1).sum())
    assert 0 < nobody <= failed["estimate"] < 40
    assert (failed["statistic"], failed["n"]) == ("failed_resamples", 40)
    assert done[-1] == (40, 40)
    risk = value(fit.estimate().label(method="clone_censor_weight"), "risk", group=TREAT)
    assert risk["lower"] < risk["estimate"] < risk["upper"]
    assert "left out" in risk["warning"]


def test_bootstrap_is_the_same_in_two_processes() -> None:
    spells, asked = cohort(60), strategy(adjust=("x",))
    one, two = (bootstrap(asked, spells, n=6, seed=1, options=Resampling(jobs=jobs)).replicates for jobs in (1, 2))
    assert np.array_equal(one, two, equal_nan=True)


def test_null_effect_under_confounding_is_found() -> None:
    """The crude ratio is off, the weighted one is 1; the risk is E[1 - exp(-rate t)] in both arms."""
    found = estimate_clone_censor_weight(cohort(4000, seed=5), strategy(horizon=365.0))
    assert value(found, "log_hazard_ratio")["estimate"] == pytest.approx(0.0, abs=0.05)
    assert value(found, "log_hazard_ratio", kind="strategy_unadjusted")["estimate"] < -0.12
    risks = [value(found, "risk", group=arm)["estimate"] for arm in (TREAT, NO_TREAT)]
    assert risks == pytest.approx([0.664, 0.664], abs=0.02)


def test_an_effect_is_found() -> None:
    found = estimate_clone_censor_weight(cohort(3000, seed=6, effect=-0.7), strategy())
    assert value(found, "hazard_ratio")["upper"] < 0.85
    assert value(found, "risk_difference")["estimate"] < -0.05
    assert value(found, "rmst_difference")["estimate"] > 0.0


def test_row_order_changes_nothing() -> None:
    spells, asked = split(cohort(150), np.full(150, 40.0), name="later"), strategy(adjust=("x", "later"))
    shuffled = spells.where(np.random.default_rng(1).permutation(len(spells)))  # type: ignore[arg-type]
    found = [asked(each).rows for each in (spells, shuffled)]
    assert (
        found[0]
        .drop("estimate", "std_error", "lower", "upper", "p_value")
        .equals(found[1].drop("estimate", "std_error", "lower", "upper", "p_value"))
    )
    numbers = [rows.select(pl.col("estimate", "std_error")).fill_null(0.0).to_numpy() for rows in found]
    assert numbers[1] == pytest.approx(numbers[0], rel=1e-8)
