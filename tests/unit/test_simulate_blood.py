"""Kinetics of virtual cohorts: what feeds the model, and what a laboratory would have measured."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.simulate import read_simulation, simulate_cohort, write_cohort
from dayzero.simulate.blood import Kinetics, blood_samples, draw_blood, names_of
from dayzero.simulate.random import patient_keys
from dayzero.study import read_study

ASSUMED = Kinetics(burden="burden", source="assumed", tumour=True)


def test_more_tumour_makes_more_cells_and_more_interleukin() -> None:
    keys = patient_keys(1, np.arange(4_000))
    plain = Kinetics(burden="burden", source="assumed")
    low, high = (draw_blood(plain, np.full(4_000, each), keys).values for each in (1.0, 80.0))
    assert high["log_cmax"] - low["log_cmax"] == pytest.approx(0.22 * np.log(80))
    assert high["log_il6"] - low["log_il6"] == pytest.approx(0.8 * 0.22 * np.log(80))
    assert np.corrcoef(low["log_cmax"], low["log_il6"])[0, 1] > 0.3


def test_the_tumour_falls_below_one_cell_in_many_and_the_rule_ends_it() -> None:
    """A deterministic nadir lies far below one cell (rule book 0.2): who is below is cured, by the extinction rule."""
    values = draw_blood(ASSUMED, np.full(200, 40.0), patient_keys(2, np.arange(200))).values
    below = values["log_nadir"] < 0
    assert 0.2 < below.mean() < 1
    assert np.all(values["extinct"][below] == 1)
    assert np.all(np.isfinite(values["log_nadir"]))
    assert names_of(ASSUMED) == ("log_cmax", "log_il6", "log_nadir", "extinct")


def test_samples_are_what_the_assay_can_see() -> None:
    keys = patient_keys(3, np.arange(300))
    blood = draw_blood(ASSUMED, np.full(300, 20.0), keys)
    samples = blood_samples(ASSUMED, blood, keys)
    assert samples.height == 300 * len(ASSUMED.days)
    assert samples["value"].drop_nulls().min() >= ASSUMED.lloq  # type: ignore[operator]
    assert samples.filter(pl.col("day") == 10)["value"].null_count() < 30
    highest = samples.group_by("patient", maintain_order=True).agg(pl.col("value").max())["value"]
    assert np.corrcoef(np.log(highest.fill_null(25.0)), blood.values["log_cmax"])[0, 1] > 0.6


def test_the_first_patients_are_the_same_whatever_the_size() -> None:
    few, many = (draw_blood(ASSUMED, np.full(n, 30.0), patient_keys(5, np.arange(n))) for n in (10, 40))
    for name, values in few.values.items():
        assert np.array_equal(values, many.values[name][:10])


@pytest.mark.parametrize(
    "wrong", [{"source": " "}, {"dose_per_kg": 0.0}, {"days": ()}, {"days": (-1.0,)}, {"noise": -1.0}]
)
def test_kinetics_that_cannot_be_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InputError):
        Kinetics(**{"burden": "burden", "source": "assumed", **wrong})  # type: ignore[arg-type]


FILE = """
[simulation]
title = "Cells that drive relapse"
horizon = 700
start = 2015-01-01
source = "assumed"
[[covariates]]
name = "burden"
distribution = "lognormal"
median = 20
sd = 1
highest = 98
source = "assumed"
[kinetics]
burden = "burden"
source = "assumed"
[[states]]
name = "infused"
events = [{ event = "infusion", number = 1 }]
[[states]]
name = "relapsed"
events = [{ event = "relapse" }]
[[ways]]
from = "infused"
to = "relapsed"
hazard = { kind = "constant", rate_per_year = 1 }
log_ratio = { log_cmax = -1.5 }
source = "assumed"
"""


def test_the_kinetics_drive_the_model_and_are_written_as_a_table(tmp_path: Path) -> None:
    file = tmp_path / "cells.simulation.toml"
    file.write_text(FILE)
    cohort = simulate_cohort(read_simulation(file), 3_000, seed=1)
    assert cohort.kinetics is not None
    highest = cohort.kinetics.with_columns(pl.col("value").cast(pl.Float64, strict=False).fill_null(25.0))
    peaks = highest.group_by("patient").agg(pl.col("value").max().alias("peak"))
    early = cohort.events.filter(pl.col("event") == "relapse").select("patient", relapsed=pl.lit(value=True))
    joined = peaks.join(early, on="patient", how="left").with_columns(pl.col("relapsed").fill_null(value=False))
    low = joined.filter(pl.col("peak") < joined["peak"].median())["relapsed"].mean()
    high = joined.filter(pl.col("peak") >= joined["peak"].median())["relapsed"].mean()
    assert low > high + 0.1  # type: ignore[operator]
    write_cohort(cohort, tmp_path / "study")
    study = read_study(tmp_path / "study")
    assert set(study.history.graded["kinetics"]["assay"]) == {"copies_per_ug"}
    assert study.history.graded["kinetics"]["cmax"].drop_nulls().len() > 2_500


def test_a_burden_that_is_no_covariate_is_refused_by_name(tmp_path: Path) -> None:
    file = tmp_path / "cells.simulation.toml"
    file.write_text(FILE.replace('burden = "burden"', 'burden = "burdn"'))
    with pytest.raises(InputError, match="burdn"):
        read_simulation(file)
