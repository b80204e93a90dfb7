"""Kinetics of virtual cohorts: what feeds the model, and what a laboratory would have measured."""

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.simulate.blood import Kinetics, blood_samples, draw_blood, names_of
from dayzero.simulate.random import patient_keys

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
