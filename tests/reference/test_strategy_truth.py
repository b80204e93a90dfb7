"""Every strategy finds the truth of its own estimand, where nothing is hidden from it; and misses it where it must.

The truth (strategy_truth/expected.json, with the script beside it) comes from a million patients on whom the strategies
were imposed; the estimates from a cohort in which transplants were given as risk and MRD had it.
"""

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dayzero.spells import Spells
from dayzero.strategies.strategy import Strategy
from illness_death import SCENARIOS, null_study, simulate

EXPECTED = json.loads((Path(__file__).parent / "strategy_truth" / "expected.json").read_text())
HORIZON, GRACE, LANDMARK = (EXPECTED[name] for name in ("horizon", "grace", "landmark"))
PATIENTS = 40_000
CONDITIONAL = 0.5
WITHIN = 0.1  # a tenth of the truth
CONFOUNDED = ["fitness", "indication"]
Row = dict[str, Any]


def truth(scenario: str, name: str) -> float:
    return float(EXPECTED["truth"][scenario][name]["estimate"])


@cache
def cohort(scenario: str, patients: int = PATIENTS) -> Spells:
    return simulate(patients, 20, SCENARIOS[scenario], whole_days=True)


@cache
def found(scenario: str, method: str, patients: int = PATIENTS, **settings: Any) -> list[Row]:
    return list(Strategy(method, **settings)(cohort(scenario, patients)).records())  # type: ignore[arg-type]


def value(rows: list[Row], statistic: str, *, kind: str = "strategy", group: str | None = None) -> float:
    same = {"statistic": statistic, "kind": kind, "group": group}
    (row,) = [row for row in rows if all(row[k] == v for k, v in same.items())]
    return float(row["estimate"])


def clones(scenario: str, **settings: Any) -> list[Row]:
    chosen = {"adjust": ("x", "mrd"), "grace": GRACE, "horizon": HORIZON, **settings}
    return found(scenario, "clone_censor_weight", **chosen)


def near(estimate: float, true: float) -> bool:
    return abs(estimate / true - 1.0) <= WITHIN


def test_the_truth_is_what_the_script_makes() -> None:
    """A share of its patients gives the same numbers, but for chance: so the simulator has not changed since."""
    forever = replace(SCENARIOS["fitness"], follow_up=(2 * HORIZON, 2 * HORIZON))
    patients = 100_000
    for arm, impose in (("treat", ("by", GRACE)), ("no_treat", "never")):
        spells = simulate(patients, 77, forever, impose)
        share = np.count_nonzero(spells.event() & (spells.stop <= HORIZON)) / patients
        error = np.sqrt(share * (1.0 - share) / patients)
        assert abs(share - truth("fitness", f"risk {arm}")) < 4.0 * error


@pytest.mark.parametrize("scenario", CONFOUNDED)
def test_a_conditional_ratio_of_one_half_is_less_of_a_contrast_between_strategies(scenario: str) -> None:
    assert 0.58 < np.exp(truth(scenario, "log HR")) < 0.66
    assert not near(np.exp(truth(scenario, "log HR")), CONDITIONAL)


@pytest.mark.parametrize("scenario", CONFOUNDED)
def test_time_dependent_cox_finds_the_conditional_hazard_ratio(scenario: str) -> None:
    rows = found(scenario, "time_dependent", adjust=("x", "mrd"))
    assert near(value(rows, "hazard_ratio"), CONDITIONAL)
    assert not near(value(rows, "hazard_ratio", kind="strategy_unadjusted"), CONDITIONAL)


def test_time_dependent_cox_needs_the_mrd_of_the_day() -> None:
    """With x alone it is off in both directions, as transplant is for the MRD-negative, or for the MRD-positive."""
    ratios = [value(found(scenario, "time_dependent", adjust=("x",)), "hazard_ratio") for scenario in CONFOUNDED]
    assert ratios[0] < (1.0 - WITHIN) * CONDITIONAL
    assert ratios[1] > (1.0 + WITHIN) * CONDITIONAL


def test_naive_is_outside_thirty_percent_whatever_it_is_adjusted_for() -> None:
    for adjust in ((), ("x",), ("x", "mrd")):
        rows = found("fitness", "naive", adjust=adjust)
        assert value(rows, "hazard_ratio") < 0.7 * CONDITIONAL
    assert value(found("null", "naive", adjust=("x", "mrd")), "hazard_ratio") < 0.7


@pytest.mark.parametrize("scenario", CONFOUNDED)
def test_landmark_with_an_outcome_model(scenario: str) -> None:
    rows = found(scenario, "landmark", landmarks=(LANDMARK,), adjust=("x", "mrd"))
    assert near(value(rows, "hazard_ratio"), np.exp(truth(scenario, "landmark log HR")))
    assert not near(value(rows, "hazard_ratio", kind="strategy_unadjusted"), np.exp(truth(scenario, "landmark log HR")))


@pytest.mark.parametrize("scenario", CONFOUNDED)
def test_landmark_with_weights_of_treatment(scenario: str) -> None:
    settings = {"landmarks": (LANDMARK,), "horizon": HORIZON, "adjust": ("x", "mrd")}
    rows = found(scenario, "landmark", **settings, adjustment="weights")
    assert near(value(rows, "hazard_ratio"), np.exp(truth(scenario, "landmark log HR marginal")))
    for name in ("risk", "rmst"):
        assert near(value(rows, f"{name}_difference"), truth(scenario, f"landmark {name} difference"))
        crude = found(scenario, "landmark", **settings)
        assert not near(value(crude, f"{name}_difference"), truth(scenario, f"landmark {name} difference"))


@pytest.mark.parametrize("scenario", CONFOUNDED)
@pytest.mark.parametrize(("comparator", "end"), [("never", ""), ("within_grace", " within_grace")])
def test_clone_censor_weight_finds_the_contrast_of_the_strategies(scenario: str, comparator: str, end: str) -> None:
    rows = clones(scenario, comparator=comparator)
    assert near(value(rows, "hazard_ratio"), np.exp(truth(scenario, f"log HR{end}")))
    for name in ("risk", "rmst"):
        assert near(value(rows, f"{name}_difference"), truth(scenario, f"{name} difference{end}"))
        for arm in ("treat", "no_treat"):
            assert near(value(rows, name, group=f"arm={arm}"), truth(scenario, f"{name} {arm}{end}"))


@pytest.mark.parametrize("scenario", CONFOUNDED)
def test_clones_without_weights_are_confounded(scenario: str) -> None:
    rows = clones(scenario, adjust=())
    for name in ("risk", "rmst"):
        assert not near(value(rows, f"{name}_difference"), truth(scenario, f"{name} difference"))


def test_clones_need_no_covariates_where_transplants_come_at_random() -> None:
    """The hazard ratio too: weights without covariates keep the arms as large as if no clone had been censored."""
    rows = clones("random", adjust=())
    for name in ("risk", "rmst"):
        assert near(value(rows, f"{name}_difference"), truth("random", f"{name} difference"))
    for found_rows in (rows, clones("random")):
        assert near(value(found_rows, "hazard_ratio"), np.exp(truth("random", "log HR")))


def test_stabilised_weights_leave_the_risks_and_move_the_hazard_ratio() -> None:
    """Cox's ratio averages over time by the numbers at risk, which stabilised weights let fall as clones are censored:
    early days, on which the arms share patients, count for more."""
    plain, stabilised = clones("fitness"), clones("fitness", stabilised=True)
    for name in ("risk", "rmst"):
        assert near(value(stabilised, f"{name}_difference"), truth("fitness", f"{name} difference"))
    assert value(stabilised, "hazard_ratio") > 1.05 * value(plain, "hazard_ratio")


def test_clone_censor_weight_finds_nothing_where_nothing_is() -> None:
    rows = clones("null")
    assert 0.95 < value(rows, "hazard_ratio") < 1.05
    assert abs(value(rows, "risk_difference")) < 0.02


@pytest.mark.parametrize("scenario", CONFOUNDED)
def test_sequential_trials_find_the_effect_in_those_who_start(scenario: str) -> None:
    settings = {"every": EXPECTED["every"], "adjust": ("x", "mrd"), "horizon": HORIZON}
    rows = found(scenario, "sequential", patients=12_000, **settings)
    assert near(value(rows, "hazard_ratio"), np.exp(truth(scenario, "sequential log HR")))
    assert not near(
        value(rows, "hazard_ratio", kind="strategy_unadjusted"), np.exp(truth(scenario, "sequential log HR"))
    )
    for arm in ("treat", "no_treat"):
        assert near(value(rows, "risk", group=f"arm={arm}"), truth(scenario, f"sequential risk {arm}"))
    assert near(value(rows, "risk_difference"), truth(scenario, "sequential risk difference"))


def test_events_that_compete_have_their_own_truth() -> None:
    """A transplant with less relapse and more death without it, in one table."""
    rows = clones("causes")
    assert near(value(rows, "risk_difference"), truth("causes", "risk difference"))
    assert near(value(rows, "hazard_ratio"), np.exp(truth("causes", "log HR")))
    death = value(rows, "hazard_ratio", kind="strategy_cause", group="event=nrm")
    assert near(death, np.exp(truth("causes", "log HR of nrm")))
    for arm in ("treat", "no_treat"):
        nrm = value(rows, "cumulative_incidence", group=f"arm={arm}")
        assert near(nrm, truth("causes", f"risk of nrm {arm}"))


def test_time_dependent_cox_finds_the_ratio_of_each_cause() -> None:
    rows = found("causes", "time_dependent", adjust=("x", "mrd"))
    assert near(value(rows, "hazard_ratio"), 0.4)
    assert near(value(rows, "hazard_ratio", kind="strategy_cause", group="event=nrm"), 1.8)


def p_values(study: Spells, method: str) -> dict[str, float | None]:
    rows = Strategy(method, landmarks=(90,))(study).records()  # type: ignore[arg-type]
    names = {"log_hazard_ratio": method, "mantel_byar": "mantel_byar"}
    return {names[row["statistic"]]: row["p_value"] for row in rows if row["statistic"] in names}


def test_type_one_error_where_the_treatment_does_nothing() -> None:
    """Up to 500 studies of 100 patients; the Monte-Carlo standard error of .05 is then .010."""
    studies = [null_study(100, seed) for seed in range(500)]
    found: dict[str, list[bool]] = {}
    for method, count in {"naive": 100, "landmark": 500, "time_dependent": 500}.items():
        for study in studies[:count]:
            for name, p in p_values(study, method).items():
                found.setdefault(name, []).append(p is not None and p < 0.05)
    share = {name: float(np.mean(significant)) for name, significant in found.items()}
    assert share["naive"] > 0.5
    assert all(0.03 <= share[name] <= 0.08 for name in ("landmark", "time_dependent", "mantel_byar")), share
