"""The exploratory layer: identities of the kinetics (simulation rule book 0.1: checks 6 to 8)."""

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from dayzero.errors import InputError
from dayzero.simulate.expansion import DOSE, Expansion, virtual_expansions
from dayzero.simulate.random import patient_keys
from dayzero.simulate.tumour import BLOOD_UL, Rates, extinct, extinction_probability, integrate, rates_of_change

START = np.array([[2200.0], [0.0], [16.46], [1e-9]])


def test_check_6_the_printed_identities_of_stein_2019() -> None:
    """The paper prints 220 days for the slow half-life; from its own beta it is 217."""
    typical = Expansion()
    fast, slow = typical.half_lives
    found = (typical.doubling_time, fast, slow, typical.start, typical.growth)
    printed = zip(found, (2, 1, 0, 2, 3), strict=True)
    assert [round(float(value), digits) for value, digits in printed] == [0.78, 4.3, 217.0, 6.15, 0.889]


def test_the_curve_rises_to_its_peak_and_falls() -> None:
    typical = Expansion()
    days = np.linspace(0, 60, 2_401)
    values = typical.at(days)
    assert float(days[values.argmax()]) == pytest.approx(9.3)
    assert values.max() == pytest.approx(24_000.0)
    assert typical.at(9.3 - 1e-9) == pytest.approx(typical.at(9.3))
    assert np.all(np.diff(values[days < 9.3]) > 0)
    assert np.all(np.diff(values[days > 9.3]) < 0)


def test_virtual_patients_scatter_as_named() -> None:
    keys = patient_keys(3, np.arange(40_000))
    burden, dose = np.full(40_000, 0.19), np.full(40_000, 3.1e6)
    for spread, sd in (("sd", 0.65), ("variance", np.sqrt(0.65))):
        logs = np.log(np.asarray(virtual_expansions(keys, burden=burden, dose_per_kg=dose, spread=spread).c_max))
        assert logs.std() == pytest.approx(sd, rel=0.02)
        assert logs.mean() == pytest.approx(np.log(24_000), abs=4 * sd / 200)
    tenfold = virtual_expansions(keys, burden=burden, dose_per_kg=10 * dose)
    ratio = np.asarray(tenfold.c_max) / np.asarray(virtual_expansions(keys, burden=burden, dose_per_kg=dose).c_max)
    assert ratio == pytest.approx(10**DOSE)


def peak(tumour: float, naive: float) -> float:
    """Return the log of the highest number of activated cells; the capacity is ten times that of the example."""
    start = np.array([[tumour], [0.0], [naive], [1e-300]])
    found = integrate(start, np.arange(0.25, 60.0, 0.25), Rates(capacity=29_391.0, expand_half=637.64))
    return float(np.log(found[:, 1, 0].max()))


def test_check_7_the_peak_follows_the_burden_and_not_the_dose() -> None:
    by_dose = (peak(2200.0, 164.0) - peak(2200.0, 1.6)) / np.log(164 / 1.6)
    by_burden = (peak(10_000.0, 16.46) - peak(500.0, 16.46)) / np.log(20)
    assert abs(by_dose) < 0.02
    assert by_burden == pytest.approx(0.66, abs=0.02)


def test_check_7_the_logarithmic_form_agrees_with_a_fine_reference() -> None:
    rates = Rates()
    days = np.array([7.0, 14.0, 28.0, 90.0])
    log_start = [np.log(2200.0), 0.0, 16.46, np.log(1e-9)]

    def change(_: float, state: np.ndarray) -> np.ndarray:
        return rates_of_change(state[:, None], rates)[:, 0]

    reference = solve_ivp(change, (0, 90), log_start, "LSODA", t_eval=days, rtol=1e-10, atol=1e-10).y.T
    assert np.max(np.abs(integrate(START, days, rates)[:, :, 0] - reference) / (1 + np.abs(reference))) < 1e-3


def test_check_8_a_birth_death_process_dies_out_as_often_as_it_should() -> None:
    rng = np.random.default_rng(5)
    birth, death, n = 0.3, 0.2, 20_000
    for cells in (1, 3):
        alive = np.full(n, cells)
        for _ in range(400):  # the jump chain; above 60 cells it dies out with probability 3e-11
            going = (alive > 0) & (alive < 60)
            alive[going] += np.where(rng.random(going.sum()) < birth / (birth + death), 1, -1)
        truth = float(extinction_probability(np.array([cells]), birth, death)[0])
        assert truth == pytest.approx((2 / 3) ** cells)
        assert np.mean(alive == 0) == pytest.approx(truth, abs=4 * np.sqrt(truth * (1 - truth) / n))


def test_a_nadir_below_one_cell_is_a_cure_and_a_high_one_is_not() -> None:
    logs = np.log(np.array([0.5, 1.5, 1e6]) / BLOOD_UL)
    assert extinct(logs, np.full(3, 0.99), birth=0.2, death=0.1).tolist() == [True, False, False]
    assert extinct(logs, np.full(3, 0.99), birth=0.1, death=0.2).tolist() == [True, True, True]


def test_a_negative_rate_is_refused() -> None:
    with pytest.raises(InputError):
        Rates(kill=-1.0)
