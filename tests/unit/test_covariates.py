"""Coding covariates: levels, references, missing terms, and errors that name the nearest column."""

import numpy as np
import polars as pl
import pytest

from dayzero.errors import InputError
from dayzero.estimators.terms.covariates import code_covariates, code_levels
from dayzero.spells import Spells, make_spells


def table(**patients: list[object]) -> Spells:
    """Three patients, the second of whom has two rows."""
    spells = make_spells([5, 3, 9, 7], [1, 0, 1, 0], start=[0, 0, 3, 0], patient=["a", "b", "b", "c"])
    frame = spells.patients.with_columns(**{k: pl.Series(v) for k, v in patients.items()})
    return Spells(
        **{k: getattr(spells, k) for k in ("patient", "start", "stop", "state", "to", "weight", "states")},
        patients=frame,
        columns={"tx": np.array([0.0, 0.0, 1.0, 0.0])},
    )


def test_a_numeric_column_is_one_column_spread_over_the_rows() -> None:
    coded = code_covariates(table(age=[30, 40, 50]), ["age", "tx"])
    assert coded.names == ("age", "tx")
    assert coded.matrix.tolist() == [[30, 0], [40, 0], [40, 1], [50, 0]]
    assert coded.keep.all()
    assert coded.dropped == 0


def test_text_has_one_column_a_level_other_than_the_first_by_code_point() -> None:
    coded = code_covariates(table(risk=["low", "High", "élevé"]), ["risk"])
    assert coded.names == ("risk=low", "risk=élevé")
    assert coded.matrix.tolist() == [[1, 0], [0, 0], [0, 0], [0, 1]]


def test_a_named_reference_level_is_left_out() -> None:
    coded = code_covariates(table(risk=["low", "high", "low"]), ["risk"], {"risk": "low"})
    assert coded.names == ("risk=high",)
    assert coded.matrix.ravel().tolist() == [0, 1, 1, 0]


def test_truth_values_are_numbers() -> None:
    assert code_covariates(table(cr=[True, False, True]), ["cr"]).matrix.ravel().tolist() == [1, 0, 0, 1]


def test_a_time_varying_column_hides_the_baseline_column_of_its_name() -> None:
    assert code_covariates(table(tx=[9, 9, 9]), ["tx"]).matrix.ravel().tolist() == [0, 0, 1, 0]


@pytest.mark.parametrize("values", [["x", None, "y"], [1.0, None, 2.0], [1.0, np.nan, 2.0]])
def test_a_patient_with_a_missing_term_is_dropped_with_all_rows(values: list[object]) -> None:
    coded = code_covariates(table(v=values), ["v"])
    assert coded.keep.tolist() == [True, False, False, True]
    assert coded.dropped == 1
    assert len(coded.matrix) == 2


def test_a_time_varying_term_missing_in_one_row_drops_the_patient() -> None:
    spells = make_spells([1, 2, 3], [1, 0, 1], start=[0, 1, 0], patient=[1, 1, 2], x=[1.0, np.nan, 3.0])
    coded = code_covariates(spells, ["x"])
    assert coded.keep.tolist() == [False, False, True]
    assert coded.dropped == 1


def test_an_unknown_column_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r'unknown column "agee".*Did you mean "age"'):
        code_covariates(table(age=[1, 2, 3]), ["agee"])


def test_an_unknown_reference_level_names_the_nearest() -> None:
    with pytest.raises(InputError, match=r'column risk: unknown reference level "lo".*Did you mean "low"'):
        code_covariates(table(risk=["low", "high", "low"]), ["risk"], {"risk": "lo"})


def test_a_reference_for_no_term_and_for_numbers_is_refused() -> None:
    with pytest.raises(InputError, match='not a term "risk"'):
        code_covariates(table(age=[1, 2, 3]), ["age"], {"risk": "low"})
    with pytest.raises(InputError, match="numeric column has no reference"):
        code_covariates(table(age=[1, 2, 3]), ["age"], {"age": "1"})


def test_infinite_values_and_dates_are_refused_without_showing_them() -> None:
    with pytest.raises(InputError, match="a value is infinite"):
        code_covariates(table(v=[1.0, np.inf, 2.0]), ["v"])
    with pytest.raises(InputError, match="neither numbers nor text"):
        code_covariates(table(v=pl.Series(["2021-03-25"] * 3).str.to_date().to_list()), ["v"])


def test_a_text_column_that_is_all_missing_drops_everybody() -> None:
    coded = code_covariates(table(v=pl.Series([None] * 3, dtype=pl.String)), ["v"])
    assert coded.names == ()
    assert coded.dropped == 3


def test_levels_of_numbers_and_text_are_coded_in_order_with_minus_one_for_missing() -> None:
    codes, names = code_levels(table(centre=["z", None, "b"]), "centre")
    assert codes.tolist() == [1, -1, -1, 0]
    assert names == ("b", "z")
    spells = make_spells([1, 2, 3], [1, 0, 1], ecog=[2.0, np.nan, 0.0])
    assert code_levels(spells, "ecog")[0].tolist() == [1, -1, 0]
