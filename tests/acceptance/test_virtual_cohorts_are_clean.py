"""Virtual cohorts are complete and consistent: findings that fire on them would be false alarms on real data, too."""

from pathlib import Path

import polars as pl
import pytest

from dayzero.adherence import eligibility
from dayzero.simulate import read_simulation, simulate_cohort, write_cohort
from dayzero.study import check_study, read_study


@pytest.mark.parametrize(("name", "seed"), [("hcart19s", 1), ("hcart19s", 4), ("cd7-second-hsct", 3)])
def test_a_late_relapse_is_no_slip_of_the_year(name: str, seed: int, tmp_path: Path) -> None:
    write_cohort(simulate_cohort(read_simulation(name), 28, seed=seed), tmp_path / "study")
    codes = {finding.code for finding in check_study(read_study(tmp_path / "study"))}
    assert "year-slip" not in codes


def test_nobody_who_was_never_infused_is_ineligible_for_what_came_later(tmp_path: Path) -> None:
    write_cohort(simulate_cohort(read_simulation("sandwich"), 200, seed=1), tmp_path / "study")
    study = read_study(tmp_path / "study")
    infused = set(study.history.named("infusion")["patient"])
    relapsed = set(study.history.named("relapse")["patient"])
    later = relapsed - infused
    assert later
    rows = eligibility(study.history, study.protocol)
    said = rows.filter(pl.col("patient").is_in(list(later)) & pl.col("criterion").str.contains("relapse"))
    assert set(said["status"]) == {"unknown"}
