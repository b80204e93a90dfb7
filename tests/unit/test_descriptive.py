"""Table 1."""

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.estimators.descriptive import describe, proportion_limits

PATIENTS = pl.DataFrame(
    {
        "patient": ["1", "2", "3", "4", "5"],
        "age": [10.0, 20.0, 30.0, None, float("nan")],
        "sex": ["m", "f", None, "f", "f"],
        "arm": ["a", "a", "b", "b", None],
    }
)


def test_numeric_columns() -> None:
    rows = describe(PATIENTS, ["age"]).rows
    assert dict(zip(rows["statistic"], rows["estimate"], strict=True)) == {
        "median": 20.0, "lower_quartile": 15.0, "upper_quartile": 25.0, "minimum": 10.0, "maximum": 30.0,
        "missing": 2.0,
    }  # fmt: skip
    assert rows["n"].unique().to_list() == [3]
    assert rows["term"].unique().to_list() == ["age"]


def test_text_columns() -> None:
    table = describe(PATIENTS, ["sex"])
    counts = table.where(statistic="count").rows
    assert counts.select("term", "estimate", "n").rows() == [("sex=f", 3.0, 4), ("sex=m", 1.0, 4)]
    assert table.where(statistic="proportion").rows["estimate"].to_list() == [0.75, 0.25]
    assert table.where(statistic="missing").rows["estimate"].item() == 1.0


def test_overall_comes_first_and_counts_everybody() -> None:
    table = describe(PATIENTS, ["sex"], by="arm")
    assert table.rows["group"].unique(maintain_order=True).to_list() == [None, "arm=a", "arm=b"]
    assert table.where(statistic="proportion", group="arm=b", term="sex=m").rows["estimate"].item() == 0.0
    assert table.where(statistic="proportion", group="arm=b", term="sex=m").rows["n"].item() == 1


def test_a_column_without_values_is_null() -> None:
    empty = pl.DataFrame(
        {"age": pl.Series([None, None], dtype=pl.Float64), "sex": pl.Series([None, None], dtype=pl.String)}
    )
    rows = describe(empty, ["age", "sex"]).rows
    assert rows.filter(statistic="median")["estimate"].item() is None
    assert rows.filter(statistic="missing")["estimate"].to_list() == [2.0, 2.0]


def test_a_group_in_which_a_text_column_is_unknown_has_no_proportion() -> None:
    patients = pl.DataFrame({"sex": ["f", None], "arm": ["a", "b"]})
    row = describe(patients, ["sex"], by="arm").where(statistic="proportion", group="arm=b").rows
    assert row.select("estimate", "lower", "upper", "n").row(0) == (None, None, None, 0)


def test_exact_limits() -> None:
    """binom.test(7, 20) in R prints 0.1539092 and 0.5921885."""
    assert proportion_limits(7, 20) == pytest.approx((0.1539092, 0.5921885), abs=5e-8)
    assert proportion_limits(0, 10) == pytest.approx((0.0, 1 - 0.025**0.1))
    assert proportion_limits(10, 10) == pytest.approx((0.025**0.1, 1.0))
    assert np.isnan(proportion_limits(0, 0)).all()


def test_an_unknown_column_is_an_input_error() -> None:
    with pytest.raises(InputError, match="there is no column weight"):
        describe(PATIENTS, ["weight"])
    with pytest.raises(InputError, match="there is no column centre"):
        describe(PATIENTS, ["age"], by="centre")
