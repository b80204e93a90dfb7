"""The treatment as a state: moves, occupation, rates, and the hazard ratio that is the time-dependent one."""

from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.spells import Spells, make_spells, split
from dayzero.strategies.multi_state import multi_state
from dayzero.strategies.strategy import Strategy
from illness_death import SCENARIOS, simulate

NEVER = np.inf


def cohort(stop: list[float], event: list[int], treatment: list[float], **columns: Any) -> Spells:
    return replace(make_spells(stop, event, **columns), treatments={"hsct": np.array(treatment)})


def moves(table: Spells) -> list[tuple[str, str]]:
    return [(table.states[a], table.states[b] if b >= 0 else "") for a, b in zip(table.state, table.to, strict=True)]


def estimates(spells: Spells, **settings: Any) -> pl.DataFrame:
    return Strategy("multi_state", **settings)(spells).rows


def test_events_after_treatment_are_states_of_their_own() -> None:
    table = multi_state(cohort([10, 20, 30], [2, 1, 0], [NEVER, 5, 30]), "hsct")
    assert table.states == ("untreated", "event", "event 2", "treated", "event after hsct", "event 2 after hsct")
    assert moves(table) == [
        ("untreated", "event 2"),
        ("untreated", "treated"),
        ("treated", "event after hsct"),
        ("untreated", "treated"),  # censored on the day of the treatment, which comes before
    ]


def test_an_event_on_the_day_of_the_treatment_is_before_it_or_after_as_asked() -> None:
    spells = cohort([5], [1], [5])
    assert moves(multi_state(spells, "hsct")) == [("untreated", "event")]
    assert moves(multi_state(spells, "hsct", switch="at")) == [
        ("untreated", "treated"),
        ("treated", "event after hsct"),
    ]


def test_a_row_that_ends_on_the_day_of_the_treatment_moves() -> None:
    spells = split(cohort([20], [1], [5]), np.array([5.0]), name="mrd")
    assert moves(multi_state(spells, "hsct")) == [("untreated", "treated"), ("treated", "event after hsct")]


def test_treatments_before_entry_or_after_the_end_are_no_moves() -> None:
    spells = cohort([20, 20], [1, 1], [5, 25], start=[8, -np.inf])
    assert moves(multi_state(spells, "hsct")) == [("treated", "event after hsct"), ("untreated", "event")]


def test_a_table_with_states_is_refused() -> None:
    with pytest.raises(InputError, match="already"):
        multi_state(cohort([5, 9], [1, 1], [3, 3], state=[0, 1]), "hsct")


@pytest.mark.parametrize("scenario", ["fitness", "causes"])
@pytest.mark.parametrize("adjust", [(), ("x", "mrd")])
def test_the_hazard_ratio_is_the_time_dependent_one(scenario: str, adjust: tuple[str, ...]) -> None:
    spells = simulate(300, 2, SCENARIOS[scenario], whole_days=True)
    columns = ["kind", "group", "statistic", "estimate", "std_error", "n", "n_events"]
    ratios = pl.col("statistic").is_in(["log_hazard_ratio", "hazard_ratio"])
    found, same = (
        Strategy(method, adjust=adjust)(spells).rows.filter(ratios).select(columns)  # type: ignore[arg-type]
        for method in ("multi_state", "time_dependent")
    )
    assert found.equals(same)
    assert len(found) > 0


def test_everybody_is_somewhere() -> None:
    spells = simulate(300, 2, SCENARIOS["causes"], whole_days=True)
    rows = estimates(spells, grace=90.0, horizon=365.0).filter(pl.col("statistic") == "state_probability")
    sums = rows.group_by("time").agg(pl.col("estimate").sum(), pl.len())
    assert sums["estimate"].to_list() == pytest.approx([1.0, 1.0], rel=1e-12)
    assert sums["len"].to_list() == [6, 6]
    assert rows["group"].null_count() == len(rows)
    inside = rows.filter(pl.col("estimate") > 0)
    assert (inside["lower"] < inside["estimate"]).all()


def test_rates_have_exact_poisson_limits() -> None:
    """Ten events in 100 days: .1 (.04795-.18390); none in 40: 0 (0-.09222), as poisson.test has them."""
    spells = cohort([10.0] * 10 + [50.0], [1] * 10 + [0], [NEVER] * 10 + [10.0], start=[0.0] * 10 + [10.0])
    rows = estimates(spells).filter(pl.col("statistic") == "event_rate").select("group", "estimate", "lower", "upper")
    assert rows.row(0) == ("arm=treat", 0.0, 0.0, pytest.approx(0.0922220, abs=5e-8))
    assert rows.row(1) == (
        "arm=no_treat",
        pytest.approx(0.1),
        pytest.approx(0.0479539, abs=5e-8),
        pytest.approx(0.1839036, abs=5e-8),
    )


def test_without_anybody_treated_the_course_is_described_and_the_ratio_is_null() -> None:
    rows = estimates(cohort([5, 9, 12], [1, 0, 1], [NEVER] * 3), grace=6.0, horizon=10.0)
    ratio = rows.filter(pl.col("statistic") == "hazard_ratio")
    assert ratio["estimate"].item() is None
    assert ratio["warning"].item().startswith("nobody_treated")
    states = rows.filter(pl.col("statistic") == "state_probability", pl.col("time") == 10.0)
    assert dict(states.select("term", "estimate").iter_rows()) == pytest.approx(
        {"untreated": 2 / 3, "event": 1 / 3, "treated": 0.0, "event after hsct": 0.0}
    )
    rate = rows.filter(pl.col("statistic") == "event_rate", pl.col("group") == "arm=treat")
    assert rate["estimate"].item() is None
    assert rate["warning"].item() == "nobody is under observation"


def test_the_hypothetical_risk_censors_at_treatment() -> None:
    """Of four at risk one is treated on day 5; the two events of the others then come among three and two."""
    rows = estimates(cohort([20, 10, 12, 30], [1, 1, 1, 0], [5, NEVER, NEVER, NEVER]), horizon=15.0)
    row = rows.filter(pl.col("statistic") == "hypothetical_risk").row(0, named=True)
    assert row["estimate"] == pytest.approx(2 / 3)
    assert row["group"] == "arm=no_treat"
    assert row["lower"] < row["estimate"] < row["upper"]
    assert not len(estimates(cohort([20, 10], [1, 1], [5, NEVER])).filter(pl.col("statistic") == "hypothetical_risk"))


def test_competing_events_have_hypothetical_risks_and_rates_of_their_own() -> None:
    spells = simulate(300, 2, SCENARIOS["causes"], whole_days=True)
    rows = estimates(spells, horizon=365.0)
    for name in ("hypothetical_risk", "event_rate"):
        assert rows.filter(pl.col("statistic") == name)["term"].unique().sort().to_list() == ["hsct", "nrm"]
