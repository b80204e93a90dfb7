"""E-values, and the accounting of immortal time."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.spells import Spells, make_spells
from dayzero.strategies.balance import standardised_differences
from dayzero.strategies.e_value import e_values, risk_ratio
from dayzero.strategies.immortal_time import immortal_time, naive_bias
from dayzero.strategies.strategy import Strategy


def ratio(estimate: float, lower: float | None = None, upper: float | None = None) -> Estimate:
    return make_estimate("hazard_ratio", estimate=estimate, lower=lower, upper=upper, method="landmark", time=60.0)


@pytest.mark.parametrize(
    ("given", "e_value", "limit"),
    [
        ((3.9, 1.8, 8.7), 7.26, 3.0),  # VanderWeele and Ding 2017: breastfeeding, and
        ((0.80, 0.71, 0.91), 1.81, 1.43),  # leukaemia
        ((1.2, 0.9, 1.6), 1.69, 1.0),
        ((0.8, 0.6, 1.1), 1.81, 1.0),
    ],
)
def test_e_values_of_rare_events(given: tuple[float, float, float], e_value: float, limit: float) -> None:
    row = e_values(ratio(*given), common=False).rows.row(0, named=True)
    assert round(row["estimate"], 2) == e_value
    assert round(row["lower"], 2) == limit
    assert row["upper"] is None


def test_e_values_of_common_events() -> None:
    """The example of R's EValue, evalues.HR(0.56, 0.46, 0.69, rare = FALSE): by its formula, digit by digit."""
    row = e_values(ratio(0.56, 0.46, 0.69), common=True).rows.row(0, named=True)
    for name, hazard in (("estimate", 0.56), ("lower", 0.69)):
        root = hazard**0.5
        inverse = (1 - 2 ** -(1 / root)) / (1 - 2**-root)
        assert row[name] == pytest.approx(inverse + (inverse * (inverse - 1)) ** 0.5, rel=1e-12)
    assert row["estimate"] < e_values(ratio(0.56), common=False).rows["estimate"].item()


def test_a_common_event_turned_round_has_the_inverse_risk_ratio() -> None:
    hazard = np.array([0.2, 0.9, 1.0, 3.0])
    assert risk_ratio(hazard) * risk_ratio(1 / hazard) == pytest.approx(1.0, rel=1e-12)


def test_an_e_value_knows_whose_it_is_and_needs_an_estimate() -> None:
    rows = e_values(
        concat([ratio(2.0), make_estimate("hazard_ratio"), make_estimate("log_hazard_ratio", estimate=1.0)]),
        common=False,
    ).rows
    assert rows.select("statistic", "method", "time", "lower").rows() == [("e_value", "landmark", 60.0, None)]


def with_days(spells: Spells, *days: float) -> Spells:
    return replace(spells, treatments={"hsct": np.array(days)})


def statistics(found: Estimate) -> dict[str, dict[str, Any]]:
    return {row["statistic"]: row for row in found.records()}


def test_only_who_is_treated_while_at_risk_was_immortal() -> None:
    """Of four: treated after the event, on its day, on the day of censoring, and entered late."""
    spells = make_spells([50, 60, 70, 90], [1, 1, 0, 1], start=[-np.inf, -np.inf, -np.inf, 10], name="lfs")
    rows = statistics(immortal_time(with_days(spells, 55, 60, 70, 30), "hsct"))
    assert rows["immortal_time"]["estimate"] == 70 + 20
    assert rows["immortal_time"]["n"] == 2
    assert rows["untreated_rate"]["n_events"] == 2
    assert rows["untreated_rate"]["estimate"] == pytest.approx(2 / (50 + 60 + 70 + 20))
    assert rows["expected_events"]["estimate"] == pytest.approx(90 * 2 / 200)
    assert {(row["method"], row["kind"], row["term"], row["endpoint"]) for row in rows.values()} == {
        ("naive", "strategy", "hsct", "lfs")
    }


def test_treated_before_day_zero_is_no_time() -> None:
    rows = statistics(immortal_time(with_days(make_spells([50, 50], [1, 1]), -5, np.inf), "hsct"))
    assert rows["immortal_time"]["estimate"] == 0.0
    assert rows["untreated_rate"]["estimate"] == pytest.approx(1 / 50)


def test_rows_cut_at_a_covariate_count_the_same_time() -> None:
    whole = with_days(make_spells([50, 80], [1, 1]), 30, np.inf)
    cut = make_spells([20, 50, 80], [0, 1, 1], start=[-np.inf, 20, -np.inf], patient=[0, 0, 1])
    assert immortal_time(with_days(cut, 30, np.inf), "hsct").rows.equals(immortal_time(whole, "hsct").rows)


def logs(estimate: float | None, kind: str = "strategy") -> Estimate:
    return make_estimate("log_hazard_ratio", estimate=estimate, kind=kind, term="hsct", endpoint="lfs")


def test_the_bias_of_the_naive_comparison_adds_up() -> None:
    naive = concat([logs(-0.9), logs(-1.0, "strategy_unadjusted")])
    timed = concat([logs(0.3), logs(0.1, "strategy_unadjusted")])
    rows = statistics(naive_bias(naive, timed, logs(0.25)))
    assert rows["bias_immortal"]["estimate"] == pytest.approx(-1.1)
    assert rows["bias_timing"]["estimate"] == pytest.approx(-0.15)
    assert rows["bias_timing"]["term"] == "hsct"
    assert statistics(naive_bias(naive, timed))["bias_timing"]["estimate"] is None
    assert statistics(naive_bias(naive, logs(None)))["bias_immortal"]["estimate"] is None


def test_balance_of_levels_and_of_a_constant() -> None:
    columns: dict[str, Any] = {"hsct": [1.0, 1.0, 0.0, 0.0], "kind": list("abba"), "same": [3.0] * 4}
    arms = with_days(make_spells([5, 6, 7, 8], [1, 1, 1, 1], **columns), 0, 0, np.inf, np.inf)
    strategy = Strategy("naive", adjust=["kind", "same"], reference={"kind": "b"})
    rows = standardised_differences(arms, strategy, weights=np.array([3.0, 1.0, 1.0, 1.0])).rows
    assert rows.select("term", "estimate", "group").rows() == [
        ("kind=a", pytest.approx(0.25 / 0.5), "weighting=after"),
        ("same", None, "weighting=after"),
    ]


def test_there_is_no_balance_with_nobody() -> None:
    arms = with_days(make_spells([5, 6], [1, 1], hsct=[1.0, 1.0], age=[1.0, 2.0]), 0, 0)
    assert len(standardised_differences(arms, Strategy("naive", adjust=["age"]))) == 0
