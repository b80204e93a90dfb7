"""Simulated paths against closed forms (simulation rule book 0.1: checks 1 to 3, 10 and 11)."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

from dayzero.errors import InputError
from dayzero.simulate.hazards import Cure, Fixed, LogNormal, Piecewise, Weibull
from dayzero.simulate.model import Linear, Model, Way
from dayzero.simulate.paths import CHUNK, simulate_paths, state_at
from dayzero.simulate.random import patient_keys, uniforms

EBMT4 = Path(__file__).parents[3] / "shared/data/ebmt4_weibull.csv"


def rate(value: float) -> Weibull:
    return Weibull(1.0, 1 / value)


def z(share: np.ndarray | float, truth: np.ndarray | float, n: int) -> float:
    truth = np.asarray(truth)
    error = np.sqrt(np.maximum(truth * (1 - truth), 1e-12) / n)
    return float(np.max(np.abs(np.asarray(share) - truth) / error))


def test_check_1_competing_exponential_risks_have_their_cumulative_incidences() -> None:
    rates, n = np.array([0.3, 0.1, 0.05]), 1_000_000
    model = Model(tuple("abcd"), (tuple(Way((k + 1,), rate(r)) for k, r in enumerate(rates)), (), (), ()))
    shares = state_at(simulate_paths(model, n, seed=11, horizon=5.0), 5.0, 4)
    total = rates.sum()
    assert z(shares[1:], rates / total * (1 - np.exp(-5 * total)), n) < 4


def test_check_2_a_reversible_markov_model_follows_its_matrix_exponential() -> None:
    q = np.array([[-0.5, 0.3, 0.0, 0.2], [0.25, -0.6, 0.2, 0.15], [0.0, 0.1, -0.4, 0.3], [0.0, 0.0, 0.0, 0.0]])
    ways = tuple(tuple(Way((j,), rate(q[i, j])) for j in range(4) if i != j and q[i, j]) for i in range(4))
    paths = simulate_paths(Model(tuple("abcd"), ways), 300_000, seed=5, horizon=6.0)
    for time in (1.0, 3.0, 5.9):
        assert z(state_at(paths, time, 4)[:3], expm(q * time)[0][:3], 300_000) < 4


def test_check_3_an_illness_death_model_on_a_clock_that_goes_on() -> None:
    """Death on the clock of the start: P(alive) = exp(-(t / 9) ** 1.7) whatever the illness, by construction."""
    death = Weibull(1.7, 9.0)
    ways = ((Way((1,), Piecewise((0.0, 2.0), (0.4, 0.1))), Way((2,), death, clock=0)), (Way((2,), death, clock=0),), ())
    n = 400_000
    paths = simulate_paths(Model(tuple("abc"), ways, ("start",)), n, seed=3, horizon=20.0)
    for time in (1.0, 5.0, 12.0):
        well = np.exp(-((time / 9) ** 1.7) - (0.4 * min(time, 2) + 0.1 * max(time - 2, 0)))
        assert z(state_at(paths, time, 3)[:2], np.array([well, np.exp(-((time / 9) ** 1.7)) - well]), n) < 4


def test_a_clock_that_a_state_starts_runs_on_in_the_next() -> None:
    """Relapse on the clock of remission, whatever course lies between: survival from remission is Weibull."""
    relapse = Weibull(0.6, 200.0)
    ways = (
        (Way((1,), Fixed(28.0)),),
        (Way((2,), LogNormal(63.0, 0.3), clock=0, uptake=Linear(0.5)), Way((3,), relapse, clock=1)),
        (Way((3,), relapse, clock=1),),
        (),
    )
    model = Model(("active", "cr", "hsct", "relapse"), ways, ("infusion", "remission"), ((0,), (1,), (), ()))
    n = 200_000
    paths = simulate_paths(model, n, seed=4, horizon=2_000.0)
    for day in (40.0, 63.0, 300.0, 900.0):
        assert z(state_at(paths, day, 4)[3], 1 - np.exp(-(((day - 28) / 200) ** 0.6)), n) < 4


def test_shares_and_ratios_follow_their_covariates() -> None:
    n = 200_000
    burden = np.repeat([0.0, 1.0], n // 2)
    share = Way((1, 2), Fixed(1.0), shares=(Linear(), Linear(-1.0, {"burden": 2.0})))
    die = Way((3,), rate(0.2), log_ratio=Linear(0.0, {"burden": np.log(3.0)}))
    paths = simulate_paths(
        Model(tuple("abcd"), ((share,), (die,), (), ())), n, seed=8, horizon=4.0, covariates={"burden": burden}
    )
    first = paths.to[paths.state == 0]
    for value in (0.0, 1.0):
        one = burden == value
        assert z(np.mean(first[one] == 2), 1 / (1 + np.exp(1 - 2 * value)), n // 2) < 4
        there = (paths.state == 1) & (burden[paths.patient] == value)
        dead = paths.to[there] == 3
        assert z(dead.mean(), 1 - np.exp(-0.2 * 3**value * 3), int(there.sum())) < 4


@pytest.mark.skipif(not EBMT4.exists(), reason="the shared data are not beside the checkout")
def test_check_11_the_six_state_model_agrees_with_hesim_and_mssample() -> None:
    ways: list[list[Way]] = [[] for _ in range(6)]
    with EBMT4.open() as file:
        for row in csv.DictReader(file):
            hazard = Weibull(float(row["shape"]), float(row["scale"]))
            ways[int(row["from"]) - 1].append(Way((int(row["to"]) - 1,), hazard))
    paths = simulate_paths(Model(tuple("abcdef"), tuple(map(tuple, ways))), 1_000_000, seed=1, horizon=10.0)
    published = np.array([0.2516, 0.2088, 0.1645, 0.1689, 0.0727, 0.1336])
    # the published shares were simulated with a million patients, too: two errors of sampling, and four digits
    assert z(state_at(paths, 1.0, 6), published, 500_000) < 4.5


def test_check_10_a_cohort_is_the_same_whatever_its_size_and_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    q = Model(tuple("abc"), ((Way((1,), rate(0.5)), Way((2,), rate(0.2))), (Way((0,), rate(0.9)),), ()))
    whole = simulate_paths(q, 3 * CHUNK // 2, seed=7, horizon=9.0)
    few = simulate_paths(q, 1_000, seed=7, horizon=9.0)
    monkeypatch.setattr("dayzero.simulate.paths.CHUNK", 77)
    small = simulate_paths(q, 1_000, seed=7, horizon=9.0)
    for name in ("patient", "state", "enter", "leave", "to"):
        kept = getattr(whole, name)[whole.patient < 1_000]
        assert np.array_equal(kept, getattr(few, name))
        assert np.array_equal(kept, getattr(small, name))
    assert not np.array_equal(few.leave, simulate_paths(q, 1_000, seed=8, horizon=9.0).leave[: len(few)])


def test_the_rows_of_a_patient_join() -> None:
    q = Model(tuple("abc"), ((Way((1,), rate(0.5)), Way((2,), rate(0.2))), (Way((0,), rate(0.9)),), ()))
    paths = simulate_paths(q, 5_000, seed=2, horizon=9.0)
    same = paths.patient[1:] == paths.patient[:-1]
    assert np.all(paths.leave[:-1][same] == paths.enter[1:][same])
    assert np.all(paths.to[:-1][same] == paths.state[1:][same])
    assert np.all(paths.enter[np.append(True, ~same)] == 0)
    assert np.all((paths.to < 0) == (paths.leave == 9.0))


def test_a_circle_without_time_is_refused() -> None:
    from dayzero.errors import InputError

    model = Model(("a", "b"), ((Way((1,), Fixed(0.0)),), (Way((0,), Fixed(0.0)),)))
    with pytest.raises(InputError, match="a circle: a patient enters"):
        simulate_paths(model, 3, seed=1, horizon=5.0)


HAZARDS = st.one_of(
    st.builds(Weibull, st.floats(0.3, 3), st.floats(0.5, 500)),
    st.builds(
        lambda gaps, rates: Piecewise((0.0, *np.cumsum(gaps)), tuple(rates)),
        st.tuples(st.floats(1, 50), st.floats(1, 50)),
        st.tuples(st.floats(1e-3, 1), st.floats(0, 1), st.floats(1e-3, 1)),
    ),
    st.builds(LogNormal, st.floats(1, 200), st.floats(0.1, 1.5)),
)


@settings(max_examples=100, deadline=None)
@given(HAZARDS, st.lists(st.floats(1e-3, 8), min_size=1, max_size=20))
def test_a_hazard_inverted_gives_back_the_cumulative_hazard(hazard: Weibull, values: list[float]) -> None:
    wanted = np.array(values)
    assert hazard.cumulative(hazard.inverse(wanted)) == pytest.approx(wanted, rel=1e-7)


@settings(max_examples=50, deadline=None)
@given(HAZARDS, st.floats(0, 0.95), st.floats(1e-3, 4))
def test_a_cured_share_never_has_the_event(hazard: Weibull, cured: float, value: float) -> None:
    cure = Cure(cured, hazard)
    limit = -np.log(cured) if cured else np.inf
    day = cure.inverse(np.array([value]))
    assert np.isinf(day[0]) == (np.exp(-value) <= cured)
    if value < 0.99 * limit:
        assert cure.cumulative(day) == pytest.approx([value], rel=1e-6)


def test_uniform_numbers_are_uniform_and_independent() -> None:
    keys = patient_keys(1, np.arange(200_000))
    one, two = uniforms(keys, 0), uniforms(keys, 1)
    assert z(np.histogram(one, np.linspace(0, 1, 101))[0] / len(one), np.full(100, 0.01), len(one)) < 4.5
    assert abs(np.corrcoef(one, two)[0, 1]) < 4 / np.sqrt(len(one))
    assert abs(np.corrcoef(one[1:], one[:-1])[0, 1]) < 4 / np.sqrt(len(one))
    assert one.min() > 0
    assert one.max() < 1


@pytest.mark.parametrize(
    "make",
    [
        lambda: Weibull(0.0, 1.0),
        lambda: Piecewise((1.0,), (0.1,)),
        lambda: Piecewise((0.0, 0.0), (0.1, 0.1)),
        lambda: Cure(1.0, Weibull(1.0, 1.0)),
        lambda: LogNormal(-1.0, 1.0),
        lambda: Fixed(-1.0),
        lambda: Way((0, 1), Fixed(1.0)),
        lambda: Model(("a",), ((Way((1,), Fixed(1.0)),),)),
    ],
)
def test_what_is_no_model_is_refused(make) -> None:
    with pytest.raises(InputError):
        make()
