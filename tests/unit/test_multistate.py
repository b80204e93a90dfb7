"""Multi-state models: from events to states, laws of the estimates, and what cannot be used."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from cohorts import history
from dayzero.endpoints import StateModel, derive_states, state_exclusions
from dayzero.errors import InputError
from dayzero.estimators.curves.aalen_johansen import fit_aalen_johansen
from dayzero.estimators.multistate.counts import number_in_state, transition_counts
from dayzero.estimators.multistate.curves import (
    Start,
    length_of_stay,
    predicted_probabilities,
    transition_probabilities,
)
from dayzero.estimators.multistate.hazards import NelsonAalen, estimate_hazards
from dayzero.estimators.multistate.landmark import landmark_subset
from dayzero.estimators.multistate.length_of_stay import fit_length_of_stay, integrate_stay
from dayzero.estimators.multistate.markov import markov
from dayzero.estimators.multistate.prediction import patient_hazards
from dayzero.estimators.multistate.probabilities import fit_transition_probabilities, integrate_hazards
from dayzero.estimators.multistate.transition_models import TransitionModel, fit_transition_models
from dayzero.spells import Spells, make_spells
from multistate_data import random_walks

PATH = StateModel(
    origin="infusion",
    initial="infused",
    states={"cr": ("response=CR",), "hsct": ("hsct",), "relapse": ("relapse",), "dead": ("death",)},
    transitions=("infused -> cr", "infused -> dead", "cr -> hsct", "cr -> relapse", "cr -> dead", "hsct -> relapse",
                 "hsct -> dead", "relapse -> dead"),
)  # fmt: skip
SEEDS = range(6)


def stays(folder: Path, events: str, model: StateModel = PATH) -> list[tuple[str, float, float, str, str]]:
    """Return the rows of the table in words."""
    spells = derive_states(history(folder, events), model)
    names = (*spells.states, "-")
    who = spells.patients["patient"].gather(spells.patient)
    rows = zip(who, spells.start.tolist(), spells.stop.tolist(), spells.state, spells.to, strict=True)
    return [(p, start, stop, names[state], names[to]) for p, start, stop, state, to in rows]


def test_a_patient_walks_from_state_to_state(tmp_path: Path) -> None:
    events = """patient event day value
a infusion 10
a response 40 CR
a hsct 100
a relapse 200
a death 300
b infusion 0
b last_contact 50"""
    assert stays(tmp_path, events) == [
        ("a", -np.inf, 30, "infused", "cr"),
        ("a", 30, 90, "cr", "hsct"),
        ("a", 90, 190, "hsct", "relapse"),
        ("a", 190, 290, "relapse", "dead"),
        ("b", -np.inf, 50, "infused", "-"),
    ]


def test_an_event_without_an_allowed_transition_is_passed_over(tmp_path: Path) -> None:
    before_remission = (
        "patient event day value\na infusion 0\na hsct 20\na response 40 CR\na hsct 60\na last_contact 90"
    )
    assert stays(tmp_path, before_remission) == [
        ("a", -np.inf, 40, "infused", "cr"), ("a", 40, 60, "cr", "hsct"), ("a", 60, 90, "hsct", "-"),
    ]  # fmt: skip


def test_without_named_transitions_states_are_entered_in_their_order_only(tmp_path: Path) -> None:
    again = "patient event day value\na infusion 0\na response 30 CR\na hsct 60\na response 90 CR\na last_contact 99"
    forward = replace(PATH, transitions=())
    assert [row[3:] for row in stays(tmp_path, again, forward)] == [("infused", "cr"), ("cr", "hsct"), ("hsct", "-")]


def test_of_two_transitions_on_one_day_the_second_comes_half_a_day_later_and_death_last(tmp_path: Path) -> None:
    same = "patient event day value\na infusion 0\na death 40\na response 40 CR"
    assert stays(tmp_path, same) == [("a", -np.inf, 40, "infused", "cr"), ("a", 40, 40.5, "cr", "dead")]


def test_relapse_and_death_on_one_day_is_relapse_where_relapse_is_never_left(tmp_path: Path) -> None:
    same = "patient event day\na infusion 0\na death 40\na relapse 40"
    competing = StateModel(origin="infusion", states={"dead": ("death",), "relapse": ("relapse",)},
                           absorbing=("dead", "relapse"))  # fmt: skip
    assert stays(tmp_path, same, competing) == [("a", -np.inf, 40, "initial", "relapse")]


def test_a_transition_on_day_zero_counts_at_time_zero(tmp_path: Path) -> None:
    at_once = "patient event day value\na infusion 5\na response 5 CR\na last_contact 15"
    assert stays(tmp_path, at_once) == [("a", -np.inf, 0, "infused", "cr"), ("a", 0, 10, "cr", "-")]


def test_who_enters_a_state_on_the_last_day_has_no_stay_in_it(tmp_path: Path) -> None:
    last = "patient event day value\na infusion 0\na response 15 CR\na last_contact 15"
    assert stays(tmp_path, last) == [("a", -np.inf, 15, "infused", "cr")]


def test_delayed_entry_cuts_the_stay_and_keeps_the_state(tmp_path: Path) -> None:
    late = "patient event day value\na infusion 0\na response 10 CR\na enrolment 25\na relapse 60\na last_contact 80"
    assert stays(tmp_path, late, replace(PATH, entry="enrolment")) == [
        ("a", 25, 60, "cr", "relapse"), ("a", 60, 80, "relapse", "-"),
    ]  # fmt: skip


def test_follow_up_is_cut_where_the_model_says_so(tmp_path: Path) -> None:
    cut = "patient event day value\na infusion 0\na response 10 CR\na new_therapy 25\na relapse 60\na last_contact 80"
    assert stays(tmp_path, cut, replace(PATH, censor_at=("new_therapy",)))[-1] == ("a", 10, 25, "cr", "-")


def test_an_undated_event_of_the_model_leaves_its_patient_out(tmp_path: Path) -> None:
    undated = "patient event day value\na infusion 0\na response - CR\na last_contact 80\nb infusion 0\nb death 8"
    table = history(tmp_path, undated)
    assert derive_states(table, PATH).patients["patient"].to_list() == ["b"]
    assert {each.code: each.n for each in state_exclusions(table, PATH) if each.n} == {"undated_state": 1}


@pytest.mark.parametrize(("changes", "column"), [
    ({"transitions": ("infused -> nowhere",)}, "transitions"),
    ({"transitions": ("infused to cr",)}, "transitions"),
    ({"absorbing": ("crr",)}, "absorbing"),
    ({"initial": "cr"}, "initial"),
    ({"states": {"cr": ()}}, "states"),
    ({"states": {"cr": ("response=CR",)}, "absorbing": ("infused",), "transitions": ()}, "transitions"),
])  # fmt: skip
def test_models_that_cannot_be_are_refused(changes: dict[str, Any], column: str) -> None:
    with pytest.raises(InputError) as error:
        replace(PATH, **changes)
    assert error.value.column == column


@pytest.mark.parametrize("seed", SEEDS)
def test_rows_of_p_sum_to_one_and_those_of_its_covariance_to_zero(seed: int) -> None:
    for start in (-np.inf, 12.0):
        fit = fit_transition_probabilities(random_walks(seed), start_day=start)
        assert fit.covariance is not None
        assert fit.probability.sum(axis=2) == pytest.approx(1.0, abs=1e-13)
        assert fit.covariance.sum(axis=3) == pytest.approx(0.0, abs=1e-15)
        assert fit.probability.min() > -1e-15


@pytest.mark.parametrize("seed", SEEDS)
def test_p_of_s_to_t_is_the_product_over_a_day_between(seed: int) -> None:
    spells = random_walks(seed)
    day = np.array([40.0])
    first = fit_transition_probabilities(spells, start_day=5).at(np.array([20.0]))[0]
    second = fit_transition_probabilities(spells, start_day=20).at(day)[0]
    assert first @ second == pytest.approx(fit_transition_probabilities(spells, start_day=5).at(day)[0], abs=1e-14)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_first_row_is_the_occupation_probability_where_all_start_in_the_first_state(seed: int) -> None:
    spells = random_walks(seed)
    occupied = fit_aalen_johansen(spells)
    fit = fit_transition_probabilities(spells)
    assert fit.at(occupied.times)[:, 0] == pytest.approx(occupied.probability, abs=1e-14)
    assert occupied.std_error is not None
    assert fit.std_error_at(occupied.times)[:, 0] ** 2 == pytest.approx(occupied.std_error**2, abs=1e-16)


def test_weight_two_is_a_patient_twice() -> None:
    spells = random_walks(1)
    n = spells.patients.height
    twice = replace(
        spells,
        **{k: np.tile(getattr(spells, k), 2) for k in ("start", "stop", "state", "to", "weight")},
        patient=np.concatenate([spells.patient, spells.patient + n]),
        patients=pl.DataFrame({"patient": [str(k) for k in range(2 * n)]}),
    )
    doubled = fit_transition_probabilities(spells, np.full(len(spells), 2.0))
    both = fit_transition_probabilities(twice)
    assert doubled.probability == pytest.approx(both.probability, abs=1e-14)
    assert doubled.covariance == pytest.approx(both.covariance, abs=1e-15)


def test_the_exponential_stays_within_zero_and_one_and_is_near_the_product_without_ties() -> None:
    random = np.random.default_rng(3)
    spells = make_spells(random.random(4000), random.integers(0, 3, 4000))
    hazards = estimate_hazards(spells)
    day = np.array([0.8])
    product, exponential = (
        integrate_hazards(hazards, integral=name).at(day)[0, 0] for name in ("product", "exponential")
    )
    assert exponential == pytest.approx(product, abs=2e-3)
    assert not np.array_equal(exponential, product)


def test_lengths_of_stay_sum_to_the_time_between_start_and_horizon() -> None:
    for start in (-np.inf, 10.0):
        stay = fit_length_of_stay(random_walks(2), 60.0, start_day=start)
        assert stay.days.sum(axis=1) == pytest.approx(60.0 - max(start, 0.0), abs=1e-12)
        assert stay.covariance.sum(axis=2) == pytest.approx(0.0, abs=1e-11)
    with pytest.raises(InputError, match="horizon"):
        fit_length_of_stay(random_walks(2), 10.0, start_day=10.0)


def test_the_standard_error_of_a_length_of_stay_is_that_of_the_bootstrap() -> None:
    spells = random_walks(4, patients=300, states=3)
    stay = fit_length_of_stay(spells, 40.0)
    random = np.random.default_rng(5)
    draws = random.multinomial(300, np.full(300, 1 / 300), size=300)
    again = [integrate_stay(estimate_hazards(spells, d[spells.patient].astype(float)), 40.0).days[0] for d in draws]
    assert np.std(again, axis=0, ddof=1) == pytest.approx(stay.std_error[0], rel=0.15)


def test_a_landmark_keeps_those_who_are_in_the_state_on_the_day() -> None:
    start, stop, state = [-np.inf, 5.0, -np.inf, 8.0, -np.inf], [5.0, 20.0, 8.0, 9.0, 30.0], [0, 1, 0, 1, 0]
    spells = make_spells(stop, [1, 0, 1, 2, 0], start=start, state=state, to=[1, -1, 1, 2, -1],
                         patient=["a", "a", "b", "b", "c"], states=("well", "ill", "dead"))  # fmt: skip
    assert set(landmark_subset(spells, "ill", 8.0).patient.tolist()) == {0, 1}
    assert set(landmark_subset(spells, "ill", 9.0).patient.tolist()) == {0}
    for state_name, day, fault in (("ill", 25.0, "nobody"), ("sick", 8.0, "no state")):
        with pytest.raises(InputError, match=fault):
            landmark_subset(spells, state_name, day)


def test_a_markov_process_passes_and_a_remembering_one_fails() -> None:
    random = np.random.default_rng(8)
    n = 1500
    ill = random.exponential(1.0, n)
    for remembers, low, high in ((False, 0.01, 1.0), (True, 0.0, 1e-6)):
        stay = random.exponential(1.0 / np.where(ill > 0.7, 4.0, 1.0)) if remembers else random.exponential(1.0, n)
        spells = Spells(
            np.tile(np.arange(n), 2), np.concatenate([np.full(n, -np.inf), ill]), np.concatenate([ill, ill + stay]),
            np.repeat([0, 1], n), np.repeat([1, 2], n), np.ones(2 * n), ("well", "ill", "dead"),
            pl.DataFrame({"patient": [str(k) for k in range(n)]}),
        )  # fmt: skip
        p_values = markov(spells, [0.7]).rows["p_value"]
        assert len(p_values) == 2
        assert all(low <= p <= high for p in p_values)


def test_terms_of_one_transition_only() -> None:
    spells = random_walks(0, patients=200, states=3)
    columns = {"x": np.random.default_rng(1).normal(size=len(spells))}
    model = TransitionModel(("x",), only={"b -> c": ()})
    fit = fit_transition_models(replace(spells, columns=columns), model)
    assert [(each.term, each.transition) for each in fit.coefficients] == [("x", 0), ("x", 1)]
    assert fit.names == ("a -> b", "a -> c", "b -> c")


@pytest.mark.parametrize(("changes", "fault"), [
    ({"only": {"b -> a": ("x",)}}, "no transition"),
    ({"proportional": ("a",)}, "nobody enters"),
    ({"terms": ()}, "no terms"),
    ({"common": ("x",)}, "common and specific"),
    ({"clock": "stopped"}, "no clock"),
])  # fmt: skip
def test_transition_models_that_cannot_be_are_refused(changes: dict[str, Any], fault: str) -> None:
    spells = random_walks(0, patients=50, states=3)
    spells = replace(spells, columns={"x": np.arange(float(len(spells)))})
    with pytest.raises(InputError, match=fault):
        fit_transition_models(spells, TransitionModel(**{"terms": ("x",), **changes}))


def test_a_prediction_needs_every_value_a_known_level_and_a_clock_that_runs_on() -> None:
    spells = random_walks(0, patients=80, states=3)
    risk = np.random.default_rng(1).choice(["high", "low"], len(spells))
    spells = replace(spells, columns={"x": np.arange(float(len(spells))) % 7, "risk": risk})
    fit = fit_transition_models(spells, ["x", "risk"])
    for patient, fault in (({"x": 1.0}, "without a value"), ({"x": "1", "risk": "low"}, "is text"),
                           ({"x": 1.0, "risk": "lo"}, "none of its levels")):  # fmt: skip
        with pytest.raises(InputError, match=fault):
            patient_hazards(fit, patient)
    low, high = (patient_hazards(fit, {"x": 1.0, "risk": level}).increments for level in ("low", "high"))
    place = fit.cox.names.index("risk=low, a -> b")
    moving = high[:, 0] > 0
    assert np.log(low[moving, 0] / high[moving, 0]) == pytest.approx(fit.cox.coefficients[place], abs=1e-12)
    reset = fit_transition_models(spells, TransitionModel(("x",), clock="reset"))
    with pytest.raises(InputError, match="clock is reset"):
        patient_hazards(reset, {"x": 1.0})
    with pytest.raises(InputError, match="no landmark"):
        predicted_probabilities(patient_hazards(fit, {"x": 1.0, "risk": "low"}), [5.0], start=Start("b", 3.0, True))


def test_a_missing_term_drops_the_patient_with_a_warning() -> None:
    spells = random_walks(0, patients=50, states=3)
    x = np.where(spells.patient == 7, np.nan, np.arange(float(len(spells))) % 5)
    rows = fit_transition_models(replace(spells, columns={"x": x}), ["x"]).estimate().rows
    assert all("dropped_missing: 1 patients" in warning for warning in rows["warning"])
    assert rows["n"].max() == 49


def test_rows_of_the_contract_name_their_start_group_and_state() -> None:
    spells = random_walks(3, patients=120, states=3)
    arm = [("x", "y")[k % 2] for k in range(120)]
    spells = replace(spells, patients=spells.patients.with_columns(pl.Series("arm", arm)), name="model")
    rows = transition_probabilities(spells, "arm", [10.0, 500.0], start=Start("b", 8.0, landmark=True)).rows
    assert set(rows["method"]) == {"greenwood, log-log, landmark from b on day 8"}
    assert set(rows["group"]) == {"arm=x", "arm=y"}
    assert rows["term"].unique(maintain_order=True).to_list() == ["a", "b", "c"]
    sums = rows.filter(pl.col("time") == 10.0).group_by("group").agg(pl.col("estimate").sum())["estimate"]
    assert sums.to_list() == pytest.approx([1.0, 1.0])
    plain = transition_probabilities(spells, times=[10.0]).rows
    assert set(plain["method"]) == {"greenwood, log-log"}
    assert set(plain["endpoint"]) == {"model"}
    assert length_of_stay(spells, 30.0, "arm").rows["estimate"].sum() == pytest.approx(60.0)
    for bad in (Start("z", 1.0), Start("b", 1e6, landmark=True)):
        with pytest.raises(InputError):
            transition_probabilities(spells, start=bad)
    with pytest.raises(InputError, match="landmark"):
        Start("b", landmark=True)


def test_beyond_the_last_observation_there_is_no_probability() -> None:
    spells = make_spells([3, 5, 8], [1, 0, 0])
    rows = transition_probabilities(spells, times=[8.0, 9.0]).where(term="event").rows
    assert rows["estimate"].to_list() == [pytest.approx(1 / 3), None]
    assert rows["warning"].to_list() == [None, "beyond the last observation (day 8)"]


def test_patients_are_counted_once_in_a_state() -> None:
    spells = random_walks(5)
    counts = transition_counts(spells).rows
    seen = counts.filter(pl.col("statistic") == "n_last_seen")["estimate"].sum()
    assert seen == spells.n
    inside = number_in_state(spells, times=[30.0]).rows["estimate"].sum()
    assert inside == np.count_nonzero((spells.start < 30) & (spells.stop >= 30))


def test_greenwood_has_no_form_with_ties_one_after_the_other() -> None:
    with pytest.raises(InputError, match="Efron"):
        NelsonAalen("greenwood", "efron")
    one_by_one = estimate_hazards(make_spells([1, 1, 2], [1, 1, 0]), options=NelsonAalen("aalen", "efron"))
    assert one_by_one.increments.tolist() == [[pytest.approx(1 / 3 + 1 / 2)]]
    assert one_by_one.covariance.tolist() == [[[pytest.approx(1 / 9 + 1 / 4)]]]
