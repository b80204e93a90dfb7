"""Sequential trials: who enters which trial, in which arm, until when; and what the estimates do with it."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.estimators.resampling.bootstrap import bootstrap
from dayzero.spells import Spells, make_spells, split
from dayzero.strategies.sequential import sequential_trials
from dayzero.strategies.strategy import Strategy
from dayzero.strategies.truncation import weights_at_stop
from illness_death import FITNESS, SCENARIOS, simulate

NEVER = np.inf


def cohort(stop: list[float], event: list[int], treatment: list[float], **columns: Any) -> Spells:
    return replace(make_spells(stop, event, **columns), treatments={"hsct": np.array(treatment)})


def rows(table: Spells, *, treated: bool) -> list[tuple[int, float, float, float, int]]:
    """Patient, trial, start, stop and ending of the rows of one arm."""
    mine = table.columns["hsct"] == float(treated)
    columns = (table.patient, table.columns["trial"], table.start, table.stop, table.to)
    return sorted(zip(*(values[mine].tolist() for values in columns), strict=True))


def estimate(spells: Spells, statistic: str, *, group: str | None = None, **settings: Any) -> float:
    found = Strategy("sequential", **{"every": 1.0, "grace": NEVER, **settings})(spells)
    return float(found.where(kind="strategy", statistic=statistic, group=group).rows["estimate"].item())


def test_a_day_with_treatments_makes_a_trial_of_all_who_could_have_had_one() -> None:
    table = sequential_trials(cohort([9, 8, 3, 20], [1, 1, 1, 0], [2, 5, NEVER, NEVER]), "hsct", every=1)
    assert rows(table, treated=True) == [(0, 2, 2, 9, 1), (1, 5, 5, 8, 1)]
    assert rows(table, treated=False) == [(1, 2, 2, 5, -1), (2, 2, 2, 3, 1), (3, 2, 2, 20, -1), (3, 5, 5, 20, -1)]
    marked = table.columns["artificially_censored"]
    assert table.patient[marked].tolist() == [1]


def test_on_one_day_the_event_comes_before_the_treatment_and_censoring_after_it() -> None:
    """Patient 0 has the event on the day of the treatment: untreated. 1 is censored on it: nothing is seen after it."""
    spells = cohort([5, 5, 9, 9, 5], [1, 0, 1, 1, 1], [5, 5, 5, NEVER, NEVER])
    table = sequential_trials(spells, "hsct", every=1)
    assert rows(table, treated=True) == [(2, 5, 5, 9, 1)]
    assert rows(table, treated=False) == [(3, 5, 5, 9, 1)]
    weekly = sequential_trials(spells, "hsct", every=7)
    assert rows(weekly, treated=True) == [(2, 0, 5, 9, 1)]
    assert rows(weekly, treated=False) == [
        (0, 0, 0, 5, 1),
        (1, 0, 0, 5, -1),
        (2, 0, 0, 5, -1),
        (3, 0, 0, 9, 1),
        (4, 0, 0, 5, 1),
    ]
    assert weekly.patient[weekly.columns["artificially_censored"]].tolist() == [1, 2]


def test_an_interval_holds_its_first_day_and_not_the_next_ones() -> None:
    table = sequential_trials(cohort([50] * 4, [1] * 4, [7, 13.5, 14, NEVER]), "hsct", every=7)
    assert [(row[0], row[1]) for row in rows(table, treated=True)] == [(0, 7), (1, 7), (2, 14)]
    tenths = sequential_trials(cohort([50] * 3, [1] * 3, [0.3, 0.7, NEVER]), "hsct", every=0.1)
    assert np.unique(tenths.columns["trial"]) == pytest.approx([0.3, 0.7])
    assert tenths.n == 3


def test_nobody_is_immortal_within_an_interval() -> None:
    """However long the intervals, treated time begins at treatment, and untreated time is nobody's treated time."""
    spells = simulate(300, 3, FITNESS, whole_days=True)
    day = spells.treatments["hsct"]
    for every in (1.0, 30.0):
        table = sequential_trials(spells, "hsct", every=every)
        treated = table.columns["hsct"] == 1.0
        assert np.all(table.start[treated] >= day[table.patient[treated]])
        assert np.all(table.stop[~treated] <= day[table.patient[~treated]])


def test_who_was_treated_before_day_zero_or_enters_later_is_not_eligible() -> None:
    spells = cohort([50] * 4, [1] * 4, [-3, 10, NEVER, NEVER], start=[-np.inf, -np.inf, 10, 11])
    table = sequential_trials(spells, "hsct", every=1)
    assert sorted(table.patient.tolist()) == [1, 2]


def test_trials_end_with_the_last_day_that_is_given() -> None:
    spells = cohort([50] * 4, [1] * 4, [10, 20, 30, NEVER])
    assert np.unique(sequential_trials(spells, "hsct", every=1, last=20).columns["trial"]).tolist() == [10, 20]
    assert estimate(spells, "trials", grace=29.0) == 2


def test_columns_keep_the_value_from_before_the_trial() -> None:
    spells = cohort([50, 50], [1, 1], [10, NEVER])
    for turn, value in ((9.0, 1.0), (10.0, 0.0), (11.0, 0.0)):  # what changes on the day holds from after it
        cut = split(spells, np.full(2, turn), name="mrd")
        assert set(sequential_trials(cut, "hsct", every=1).columns["mrd"]) == {value}


@pytest.mark.parametrize(("treatment", "settings", "fault"), [
    ([NEVER, NEVER], {"every": 1.0}, "nobody starts"),
    ([-1.0, NEVER], {"every": 1.0}, "nobody starts"),
    ([60.0, NEVER], {"every": 1.0}, "nobody starts"),
    ([5.0, NEVER], {"every": 0.0}, "interval"),
    ([5.0, NEVER], {"every": 1.0, "last": 4.0}, "nobody starts"),
])  # fmt: skip
def test_what_makes_no_trial_is_refused(treatment: list[float], settings: dict[str, float], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        sequential_trials(cohort([50, 50], [1, 1], treatment), "hsct", **settings)  # type: ignore[arg-type]


def test_undated_treatments_are_a_mistake_of_the_caller() -> None:
    with pytest.raises(ValueError, match="undated"):
        sequential_trials(cohort([5, 6], [1, 1], [np.nan, 1.0]), "hsct", every=1)


def test_everybody_treated_on_day_zero_is_refused() -> None:
    with pytest.raises(InputError, match="nobody untreated"):
        Strategy("sequential")(cohort([5, 6], [1, 1], [0, 0]))


CONFOUNDED = {"adjust": ("x", "mrd"), "horizon": 365.0}


def study(patients: int = 250, *, scenario: str = "fitness") -> Spells:
    return simulate(patients, 11, SCENARIOS[scenario], whole_days=True)


def test_weights_are_one_when_a_trial_starts_and_grow_with_the_chance_of_treatment() -> None:
    table = sequential_trials(study(), "hsct", every=1, last=60, adjust=["x", "mrd"], truncate=1.0)
    power, curve = table.power, table.curve
    assert power is not None
    assert curve is not None
    enters = table.start == table.columns["trial"]
    now = np.sum(power * curve.at(np.nextafter(table.start, np.inf)), axis=1)
    assert table.weight[enters] * np.exp(now[enters]) == pytest.approx(1.0, rel=1e-12)
    weight, treated = weights_at_stop(table), table.columns["hsct"] == 1.0
    assert np.all(weight[treated] == 1.0)
    assert np.all(weight[~treated] >= 1.0 - 1e-12)
    assert weight.max() > 2.0


def test_without_covariates_there_are_no_weights() -> None:
    table = sequential_trials(study(), "hsct", every=7)
    assert table.power is None
    assert np.all(table.weight == 1.0)


def test_truncation_caps_the_weights_with_which_patients_leave() -> None:
    free, capped = (
        sequential_trials(study(), "hsct", every=7, adjust=["x", "mrd"], truncate=quantile) for quantile in (1.0, 0.9)
    )
    assert weights_at_stop(capped).max() < weights_at_stop(free).max()
    last = weights_at_stop(free)[free.columns["hsct"] == 0.0]
    assert weights_at_stop(capped).max() <= np.quantile(last, 0.99)


def shuffled(spells: Spells) -> Spells:
    order = np.random.default_rng(5).permutation(len(spells))
    return spells.where(order)  # type: ignore[arg-type]


def halved(spells: Spells) -> Spells:
    cut = split(spells, np.full(spells.patients.height, 33.3), name="nothing")
    return replace(cut, columns={"mrd": cut.columns["mrd"]})


def shifted(spells: Spells) -> Spells:
    """Everything four weeks later, and entry late."""
    day = spells.treatments["hsct"] + 28.0
    return replace(
        spells, start=np.maximum(spells.start, 0.0) + 28.0, stop=spells.stop + 28.0, treatments={"hsct": day}
    )


@pytest.mark.parametrize("change", [shuffled, halved, shifted])
def test_order_cuts_and_dates_change_nothing(change: Any) -> None:
    spells = study()
    spells = spells.where((spells.stop > 0.0) & (spells.treatments["hsct"] > 0.0)[spells.patient])
    settings = {**CONFOUNDED, "grace": NEVER, "every": 7.0}
    numbers = pl.col("estimate", "std_error")
    found, other = (Strategy("sequential", **settings)(each).rows.select(numbers) for each in (spells, change(spells)))
    assert other.to_numpy() == pytest.approx(found.to_numpy(), rel=1e-8, abs=1e-10, nan_ok=True)


def test_patients_without_a_covariate_are_left_out_and_counted() -> None:
    spells = study()
    missing = spells.patients.with_columns(pl.when(pl.int_range(pl.len()) < 3).then(None).otherwise("x").alias("x"))
    found = Strategy("sequential", **CONFOUNDED)(replace(spells, patients=missing))
    row = found.where(kind="strategy", statistic="log_hazard_ratio").rows
    assert "dropped_missing: 3 patients" in row["warning"].item()
    assert row["n"].item() <= spells.n - 3


def test_after_weighting_the_untreated_are_like_the_treated() -> None:
    spells = study(800)
    for term in ("x", "mrd"):
        rows = Strategy("sequential", every=7.0, **CONFOUNDED)(spells).where(
            statistic="standardised_difference", term=term
        )
        before, after = (rows.where(group=f"weighting={when}").rows["estimate"].item() for when in ("before", "after"))
        assert abs(before) > 0.15
        assert abs(after) < 0.05


def test_the_length_of_the_intervals_hardly_matters() -> None:
    spells = study(500)
    daily, monthly = (
        estimate(spells, "risk_difference", every=every, grace=90.0, **CONFOUNDED) for every in (1.0, 30.0)
    )
    assert daily == pytest.approx(monthly, abs=0.03)
    assert daily < -0.1


def test_weights_and_outcome_model_agree_and_the_crude_ratio_does_not() -> None:
    found = [
        Strategy("sequential", every=7.0, adjustment=adjustment, **CONFOUNDED)(study(800))  # type: ignore[arg-type]
        for adjustment in ("outcome", "weights")
    ]
    model, weights = (each.where(kind="strategy", statistic="hazard_ratio").rows["estimate"].item() for each in found)
    crude = found[0].where(kind="strategy_unadjusted", statistic="hazard_ratio").rows["estimate"].item()
    assert weights == pytest.approx(model, abs=0.06)
    assert crude < min(model, weights) - 0.04


def test_a_horizon_beyond_the_follow_up_has_no_risk_and_says_why() -> None:
    spells = cohort([30, 40, 50, 20], [0, 1, 0, 1], [5, 6, NEVER, NEVER])
    rows = Strategy("sequential", every=1.0, horizon=100.0)(spells).where(statistic="risk", group="arm=no_treat").rows
    assert rows["estimate"].item() is None
    assert "beyond the last observation" in rows["warning"].item()


def test_competing_events_and_the_risk_add_up() -> None:
    spells = study(800, scenario="causes")
    found = Strategy("sequential", every=7.0, **CONFOUNDED)(spells)
    for arm in ("arm=treat", "arm=no_treat"):
        risk, nrm = (
            found.where(statistic=name, group=arm).rows["estimate"].item() for name in ("risk", "cumulative_incidence")
        )
        assert 0.0 < nrm < 1.0 - risk
        alone = replace(spells, to=np.where(spells.to > 0, 1, -1), states=spells.states[:2])
    either = estimate(alone, "risk", group="arm=treat", every=7.0, grace=90.0, **CONFOUNDED)
    risk, nrm = (
        found.where(statistic=name, group="arm=treat").rows["estimate"].item()
        for name in ("risk", "cumulative_incidence")
    )
    assert either == pytest.approx(risk + nrm, rel=1e-12)
    assert len(found.where(kind="strategy_cause", group="event=nrm")) == 2


def test_patients_are_counted_not_rows() -> None:
    found = Strategy("sequential", every=7.0, **CONFOUNDED)(study())
    assert found.rows["n"].max() <= 250
    entries = found.where(statistic="trial_entries", group="arm=no_treat").rows["estimate"].item()
    assert entries > 250


def test_the_bootstrap_brings_limits_to_risks() -> None:
    strategy = Strategy("sequential", every=30.0, horizon=365.0)
    rows = bootstrap(strategy, study(), n=20, seed=1).estimate().where(statistic="risk_difference").rows
    assert rows["lower"].item() < rows["estimate"].item() < rows["upper"].item()


@pytest.mark.parametrize("scenario", ["fitness", "causes"])
@pytest.mark.parametrize("changes", [{}, {"adjustment": "weights"}, {"adjust": ()}])
def test_a_resample_is_estimated_as_the_data_are(scenario: str, changes: dict[str, Any]) -> None:
    spells = study(scenario=scenario)
    strategy = Strategy("sequential", **{"every": 14.0, **CONFOUNDED, **changes})
    key = ["kind", "statistic", "group", "term", "time", "method"]
    rows, same = (found.rows.select(*key, "estimate").sort(key) for found in (strategy(spells), strategy.refit(spells)))
    assert same.select(key).equals(rows.select(key))
    assert same["estimate"].to_list() == pytest.approx(rows["estimate"].to_list(), rel=1e-12)
