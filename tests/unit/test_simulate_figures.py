"""The five built-in cohorts against the figures that their documents print (issue: within the limits implied by n)."""

import pytest

from dayzero.protocol.builtin import builtin_names
from dayzero.simulate import built_in, read_simulation, simulate_cohort
from virtual_figures import figure, implied


def test_every_built_in_protocol_can_be_simulated() -> None:
    assert built_in() == builtin_names()
    assert all(read_simulation(name).header.protocol == name for name in built_in())


@pytest.mark.parametrize("name", [name for name in built_in() if name != "sandwich"])
def test_published_figures_lie_within_the_limits_implied_by_their_n(name: str) -> None:
    simulation = read_simulation(name)
    cohort = simulate_cohort(simulation, 20_000, seed=1)
    assert simulation.targets
    for target in simulation.targets:
        low, high = implied(target.value, target.n)
        assert low <= figure(cohort, target) <= high, (target.figure, target.group, target.day)


def test_a_wrong_hazard_is_seen_in_the_figures() -> None:
    """Seed 003 has 343 patients: a survival of 85 % would leave its limits."""
    targets = {t.figure: t for t in read_simulation("bicistronic-cd19-cd22").targets}
    low, high = implied(targets["os"].value, targets["os"].n)
    assert not low <= 0.85 <= high


def test_the_document_without_patients_and_survival_is_held_against_nothing() -> None:
    simulation = read_simulation("sandwich")
    assert not simulation.targets
    assert "no number of patients and no overall survival" in simulation.header.note


def test_severe_crs_goes_with_burden_in_seed_003() -> None:
    cohort = simulate_cohort(read_simulation("bicistronic-cd19-cd22"), 20_000, seed=2)
    severe = cohort.events.filter((cohort.events["event"] == "crs") & cohort.events["value"].is_in(["3", "4"]))
    high = cohort.patients["burden"] >= cohort.patients["burden"].median()
    has = cohort.patients["patient"].is_in(severe["patient"].implode())
    assert has.filter(high).mean() > has.filter(~high).mean() + 0.15
    assert has.mean() == pytest.approx(0.47, abs=0.06)  # "nearly half"
