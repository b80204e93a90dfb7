"""Splines, and the language of model terms: products, functions of time, what is read and what is refused."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import cox_univariable, fit_cox
from dayzero.estimators.cox.time_effects import split_time_effects
from dayzero.estimators.terms.covariates import code_covariates
from dayzero.estimators.terms.language import columns_of, main_terms, parse_terms
from dayzero.estimators.terms.splines import natural_cubic, place_knots
from dayzero.spells import Spells, make_spells


def texts(*terms: str, columns: tuple[str, ...] = ()) -> list[str]:
    return [term.text for term in parse_terms(terms, columns)]


def cohort() -> Spells:
    random = np.random.default_rng(4)
    days = np.ceil(random.exponential(100.0, 60))
    group = random.choice(["a", "b", "c"], 60)
    return make_spells(
        days, random.random(60) < 0.8, age=random.normal(50, 10, 60), group=group, tx=random.integers(0, 2, 60)
    )


def test_a_natural_spline_is_a_straight_line_beyond_the_outer_knots() -> None:
    for x in (np.array([-30.0, -20.0, -10.0]), np.array([110.0, 120.0, 130.0])):
        np.testing.assert_allclose(np.diff(natural_cubic(x, (0.0, 20.0, 50.0, 100.0)), 2, axis=1), 0.0, atol=1e-9)


def test_it_has_two_continuous_derivatives_at_the_knots() -> None:
    """With jumps in the third derivative alone, second differences around a knot stay close."""
    h = 1e-3
    for knot in (20.0, 50.0):
        values = natural_cubic(knot + h * np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), (0.0, 20.0, 50.0, 100.0))
        bends = np.diff(values, 2, axis=1) / h**2
        np.testing.assert_allclose(bends - bends[:, :1], 0.0, atol=1e-4)


def test_nan_stays_nan() -> None:
    assert np.isnan(natural_cubic(np.array([np.nan]), (0.0, 1.0, 2.0))).all()


@pytest.mark.parametrize("number", range(3, 8))
def test_knots_lie_at_harrells_quantiles(number: int) -> None:
    knots = place_knots(np.arange(1001.0), number, "age")
    assert len(knots) == number
    assert knots[0] == pytest.approx(1000.0 - knots[-1])


def test_knots_that_cannot_be_placed() -> None:
    with pytest.raises(InputError, match="3 to 7 knots"):
        place_knots(np.arange(10.0), 2, "age")
    with pytest.raises(InputError, match="increase"):
        place_knots(np.array([0.0, 1.0] * 20), 4, "tx")


def test_what_is_written_out() -> None:
    assert texts("a*b") == ["a", "b", "a:b"]
    assert texts("a*b*c") == ["a", "b", "c", "a:b", "a:c", "b:c", "a:b:c"]
    assert texts("a * rcs(age, 4)", "a") == ["a", "rcs(age, 4)", "a:rcs(age, 4)"]
    assert texts("tx:log(t+1)", "tx:after(90)") == ["tx:log(t+1)", "tx:after(90)"]


def test_events_and_columns_keep_their_colons() -> None:
    assert texts("infusion:2") == ["infusion:2"]
    assert texts("infusion:2*age") == ["infusion:2", "age", "infusion:2:age"]
    assert texts("response=CR|CRi after infusion:1") == ["response=CR|CRi after infusion:1"]
    assert texts("ratio a:b", columns=("ratio a:b",)) == ["ratio a:b"]
    assert texts("t*x", columns=("t*x",)) == ["t*x"]


def test_columns_and_main_terms() -> None:
    terms = ["hsct*rcs(age,4)", "risk:log(t)", "hsct"]
    assert columns_of(terms) == ("hsct", "age", "risk")
    assert main_terms(terms) == ("hsct", "rcs(age,4)", "risk")
    assert columns_of(["t"], ["t"]) == ("t",)


@pytest.mark.parametrize(
    "term", ["a:", "*b", "rcs(age)", "rcs(age,4,5)", "rcs(age,3.5)", "ns(age,1-2)", "ns(age,1..2,3,4)"]
)
def test_terms_that_cannot_be_read(term: str) -> None:
    with pytest.raises(InputError):
        parse_terms([term])


def test_products_of_levels_and_numbers() -> None:
    coded = code_covariates(cohort(), ["group*age", "tx:group"], {"group": "b"})
    assert coded.names == ("group=a", "group=c", "age", "group=a:age", "group=c:age", "tx:group=a", "tx:group=c")
    assert coded.terms == ("group", "age", "group:age", "tx:group")
    assert coded.term.tolist() == [0, 0, 1, 2, 2, 3, 3]
    np.testing.assert_allclose(coded.matrix[:, 3], coded.matrix[:, 0] * coded.matrix[:, 2])


def test_a_spline_has_its_knots_from_patients_not_rows() -> None:
    spells = make_spells([1, 2, 3, 3], [0, 0, 0, 1], start=[0, 1, 2, 0], patient=["a", "a", "a", "b"])
    spells = replace(spells, patients=spells.patients.with_columns(age=pl.Series([40.0, 60.0])))
    coded = code_covariates(spells, ["rcs(age,3)"])
    assert coded.coding[0].parts[0].knots == (42.0, 50.0, 58.0)


def test_a_missing_value_in_a_spline_or_a_product_drops_the_patient() -> None:
    spells = cohort()
    age = spells.columns["age"].copy()
    age[7] = np.nan
    spells = replace(spells, columns={**spells.columns, "age": age})
    assert code_covariates(spells, ["rcs(age,4)"]).dropped == 1
    assert code_covariates(spells, ["tx:age"]).dropped == 1


@pytest.mark.parametrize(("terms", "message"), [
    (["rcs(group,4)"], "column group: a spline of a column of text"),
    (["rcs(tx,4)"], "column tx: the knots"),
    (["ns(age,50,40,60)"], "increase"),
    (["tx:log(t)"], r"no column \"log\(t\)\", a function of time"),
    (["tx:ages"], 'Did you mean "age"'),
])  # fmt: skip
def test_terms_that_the_table_has_not(terms: list[str], message: str) -> None:
    with pytest.raises(InputError, match=message):
        code_covariates(cohort(), terms)


def test_univariable_models_are_those_of_the_factors() -> None:
    rows = cox_univariable(cohort(), CoxModel(("group*age", "rcs(age,3)"), reference={"group": "b"}))
    assert rows.where(statistic="wald").rows["term"].to_list() == ["group", "age", "rcs(age,3)"]
    assert "group=b" not in rows.rows["term"].to_list()


def test_univariable_models_of_split_rows_have_no_function_of_time() -> None:
    split = split_time_effects(cohort(), ["age", "age:log(t)"])
    rows = cox_univariable(split, ["age", "age:log(t)"])
    assert rows.where(statistic="wald").rows["term"].to_list() == ["age"]


def test_splitting_changes_nothing_but_the_rows() -> None:
    spells = cohort()
    split = split_time_effects(spells, ["age:t", "age:after(30)"])
    assert len(split) > len(spells)
    assert split.event().sum() == spells.event().sum()
    first, second = (fit_cox(table, ["age", "group"]) for table in (spells, split))
    np.testing.assert_allclose(second.coefficients, first.coefficients, rtol=1e-9)
    assert second.n == first.n


def test_a_step_after_a_day_leaves_the_day_itself_before_it() -> None:
    split = split_time_effects(make_spells([30, 31], [1, 1], tx=[1, 1]), ["tx", "tx:after(30)"])
    assert split.stop.tolist() == [30.0, 30.0, 31.0]
    assert split.columns["after(30)"].tolist() == [0.0, 0.0, 1.0]


def test_a_step_is_an_effect_before_and_another_after() -> None:
    terms = ["tx", "tx:after(50)"]
    fit = fit_cox(split_time_effects(cohort(), terms), terms)
    spells = cohort()
    early = make_spells(np.minimum(spells.stop, 50), spells.event() & (spells.stop <= 50), tx=spells.columns["tx"])
    assert fit.coefficients[0] == pytest.approx(fit_cox(early, ["tx"]).coefficients[0])


def test_terms_without_time_split_nothing() -> None:
    spells = cohort()
    assert split_time_effects(spells, ["age", "group"]) is spells
    none = make_spells([1, 2], [0, 0], tx=[0, 1])
    assert split_time_effects(none, ["tx:t"]) is none


def test_an_event_on_day_0_has_no_logarithm() -> None:
    with pytest.raises(InputError, match=r"Write log\(t\+1\)"):
        split_time_effects(make_spells([0, 5], [1, 1], tx=[0, 1]), ["tx:log(t)"])


def test_too_many_rows_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dayzero.estimators.cox.time_effects.MOST_ROWS", 100)
    with pytest.raises(InputError, match="a step instead"):
        split_time_effects(cohort(), ["age:t"])
