"""The public names are asserted: adding or losing one is a decision."""

import subprocess
import sys

import pytest

import dayzero

PUBLIC = """
CoxModel Curve DayzeroError Endpoint Estimate Finding FineGrayModel History InputError InternalError LogRank OddsModel
Protocol Resampling Spells StateModel StepFunction Strategy Study TransitionModel Treatment Window aalen_johansen auc
bootstrap clone_censor_weight cox cox_univariable derive_spells derive_states describe e_values exclusions exposure_at
fine_gray firth_logistic fisher fit_aalen_johansen fit_cox fit_fine_gray fit_logistic fit_rmst fit_transition_models
follow_from follow_until follow_up gray hold immortal_time incidence_difference landmark length_of_stay library
logistic logrank logrank_pairwise make_spells markov mcnemar median milestone_differences multi_state naive
number_at_risk ordinal patient_hazards predicted_incidence proportions read_study rmst run sequential_trials
signed_rank simon_makuch split subdistribution super_landmark time_dependent transition_probabilities treatment_days
verify __version__ read_protocol read_simulation simulate_cohort grade_crs grade_kinetics
grade_icaht screen_iec_hs grade_cgvhd grade_mrd grade_icans grade_agvhd
grade_engraftment grade_deaths grade_response
""".split()


def test_the_public_names() -> None:
    assert sorted(dayzero.__all__) == sorted(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_every_public_name_is_there_and_says_what_it_is(name: str) -> None:
    assert getattr(dayzero, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'kaplan'"):
        dayzero.kaplan  # noqa: B018


@pytest.mark.parametrize("module", ["dayzero", "dayzero.cli", "dayzero.study"])
def test_importing_does_not_load_what_is_slow(module: str) -> None:
    code = (
        f"import {module}, sys; print(sorted({{'matplotlib', 'jinja2', 'pandas', 'scipy.stats'}} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
