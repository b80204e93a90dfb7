"""The public names are asserted: adding or losing one is a decision."""

import subprocess
import sys

import pytest

import dayzero

PUBLIC = """
CoxModel Curve DayzeroError Endpoint Estimate Finding FineGrayModel History InputError InternalError LogRank
OddsModel Protocol Spells StateModel StepFunction Study TransitionModel Window __version__ aalen_johansen auc cox
cox_univariable derive_spells derive_states describe exclusions fine_gray firth_logistic fisher fit_aalen_johansen
fit_cox fit_fine_gray fit_logistic fit_rmst fit_transition_models follow_up gray incidence_difference length_of_stay
library logistic logrank logrank_pairwise make_spells markov mcnemar median milestone_differences number_at_risk
ordinal patient_hazards predicted_incidence proportions read_study rmst run signed_rank split subdistribution
transition_probabilities verify
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
