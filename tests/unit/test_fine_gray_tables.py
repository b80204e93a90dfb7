"""Tables with weights that change with time: what Fine and Gray's model makes, and what is refused."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from dayzero.errors import InputError
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import fit_cox
from dayzero.estimators.fine_gray.fit import FineGrayModel, fit_fine_gray
from dayzero.estimators.fine_gray.weights import subdistribution
from dayzero.spells import CENSORED, StepFunction, make_spells, split
from fine_gray_oracles import cohort


def test_an_early_gap_in_the_risk_set_is_refused_only_where_somebody_needs_it() -> None:
    start, stop = [0, 0, 5, 5, 6, 6, 6.5], [1, 2, 8, 9, 10, 7, 11]
    spells = make_spells(stop, [0, 1, 2, 1, 1, 1, 0], start=start, x=[1, 0, 1, 0, 1, 0, 0])
    fit = fit_fine_gray(spells, ["x"])
    later = fit_fine_gray(spells.where(spells.start >= 5), ["x"])
    np.testing.assert_allclose(fit.coefficients, later.coefficients, rtol=1e-12)  # on day 2 there was nobody else
    early = replace(spells, to=np.array([2, 1, 2, 1, 1, 1, CENSORED]))
    with pytest.raises(InputError, match="nobody is under observation"):
        fit_fine_gray(early, ["x"])


def test_nobody_left_in_a_group_weighs_nothing() -> None:
    """In group a the last patient is censored on day 3: who had a competing event there counts no more afterwards."""
    spells = make_spells([1, 2, 3, 2, 4, 5, 6], [2, 1, 0, 0, 1, 2, 1], x=[1, 0, 1, 0, 1, 0, 1], g=list("aaabbbb"))
    fit = fit_fine_gray(spells, FineGrayModel(("x",), censoring=("g",)))
    assert fit.staying.table.curve is not None
    assert fit.staying.table.curve.at(np.array([3.0, 4.0]))[:, 0].tolist() == [0.0, -np.inf]
    assert bool(np.isfinite(fit.coefficients).all())


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"ties": "exact"}, "exact ties take no weights"),
        ({"weights": "crr"}, "Breslow's ties only"),
        ({"weights": "other", "ties": "breslow"}, "no weights"),
        ({"event": "relaps"}, "no transition into"),
        ({"terms": ("ages",)}, "unknown column"),
        ({"censoring": ("sexes",)}, "unknown column"),
    ],
)
def test_models_that_cannot_be_fitted(change: dict[str, Any], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        fit_fine_gray(cohort(20), FineGrayModel(**{"terms": ("age",), **change}))


def test_tables_that_have_no_subdistribution() -> None:
    spells = cohort(20)
    with pytest.raises(InputError, match="competing risks"):
        subdistribution(replace(spells, state=np.ones(20, np.int64)))
    with pytest.raises(InputError, match="weights that change with time"):
        subdistribution(subdistribution(spells))
    with pytest.raises(InputError, match="at risk after an event"):
        subdistribution(make_spells([1, 2], [1, 0], start=[0, 1], patient=[0, 0]))
    with pytest.raises(InputError, match="no delayed entry"):
        subdistribution(cohort(20, late=True), weights="crr")
    with pytest.raises(InputError, match="weight is negative"):
        subdistribution(replace(spells, weight=-spells.weight))


def test_weights_that_change_with_time_in_the_table() -> None:
    curve = StepFunction(np.array([1.0, 2.0]), np.array([[0.5, 0.0], [0.25, -1.0]]))
    assert curve.at(np.array([1.0, 1.5, 2.0, 3.0])).tolist() == [[0, 0], [0.5, 0], [0.5, 0], [0.25, -1]]
    spells = make_spells([3, 4], [1, 0])
    power = np.array([[0.0, 0.0], [0.0, 1.0]])
    table = replace(spells, power=power, curve=curve)
    assert table.where(np.array([False, True])).power.tolist() == [[0.0, 1.0]]  # type: ignore[union-attr]
    assert split(table, np.array([2.0, 2.0]), name="later").power.tolist() == np.repeat(power, 2, axis=0).tolist()  # type: ignore[union-attr]
    for wrong in ({"power": power}, {"curve": curve}, {"power": power[:, 0], "curve": curve},
                  {"power": power * np.nan, "curve": curve}, {"power": power[:1], "curve": curve}):  # fmt: skip
        with pytest.raises(ValueError, match="power"):
            replace(spells, **wrong)
    with pytest.raises(ValueError, match="increase"):
        StepFunction(np.array([2.0, 1.0]), np.zeros(2))
    with pytest.raises(ValueError, match="one value"):
        StepFunction(np.array([2.0, 3.0]), np.zeros(3))


def test_exact_ties_take_no_weights_that_change_with_time() -> None:
    spells = make_spells([3, 4, 5], [1, 0, 1], x=[0, 1, 1])
    table = replace(spells, power=np.zeros(3), curve=StepFunction(np.array([1.0]), np.array([-0.5])))
    with pytest.raises(InputError, match="exact ties take no weights"):
        fit_cox(table, CoxModel(("x",), ties="exact"))
