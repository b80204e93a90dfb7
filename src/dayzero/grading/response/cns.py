"""Status of the central nervous system, from a sample of the cerebrospinal fluid.

Sources: ``editions/cns``.
"""

from typing import Final

import numpy as np
import polars as pl

from dayzero.grading.editions import edition
from dayzero.grading.response.limits import compare, stated
from dayzero.grading.truth import Floats, Truth, assumed_no, at_least

CLASSES: Final = ("CNS1", "CNS2a", "CNS2b", "CNS2c", "CNS3a", "CNS3b", "CNS3c")
CNS3: Final = 4
"""The place of the first class that is CNS3."""


def add_cns(rows: pl.DataFrame, *, name: str = "") -> pl.DataFrame:
    """Return samples with the classes that each can be.

    Parameters
    ----------
    rows
        ``csf_wbc``, ``csf_rbc`` (per uL, with their bounds), ``csf_blasts``, ``cns_signs``; ``blood_wbc`` (1e9/L) and
        ``blood_rbc`` (1e12/L) of the same time where known.
    name
        The edition; empty: the default.

    Returns
    -------
    DataFrame
        With ``cns_lower`` and ``cns_upper``: places in ``CLASSES``, equal where the class is certain.

    Notes
    -----
    The ratio is (CSF WBC / CSF RBC) / (blood WBC / blood RBC). Where the blood's red cells are unknown it is bounded by
    what a living patient can have. Signs that are not stated are taken for absent.
    """
    table = edition("cns", name).table
    signs, blasts = assumed_no(stated(rows["cns_signs"])), stated(rows["csf_blasts"])
    many = compare(rows, "csf_wbc", [">=", table["wbc_from"]])
    bloody = compare(rows, "csf_rbc", [">=", table["rbc_from"]])
    high = _ratio(rows, table["blood_rbc"], table["ratio_from"])
    there = ~signs & blasts
    classes = (
        ~signs & ~blasts,
        there & ~many & ~bloody,
        there & ~many & bloody,
        there & many & bloody & ~high,
        there & many & ~bloody,
        there & many & bloody & high,
        signs,
    )
    can = np.column_stack([each.possible for each in classes])
    lower, upper = can.argmax(axis=1), len(CLASSES) - 1 - can[:, ::-1].argmax(axis=1)
    return rows.with_columns(pl.Series("cns_lower", lower, pl.Int64), pl.Series("cns_upper", upper, pl.Int64))


def _ratio(rows: pl.DataFrame, span: tuple[float, float], limit: float) -> Truth:
    """Return whether the fluid has so many more white cells for its red ones than the blood has."""
    red = _numbers(rows, "blood_rbc")
    least, most = (np.where(np.isnan(red), end, red) * 1e6 for end in span)
    white, own = _numbers(rows, "blood_wbc") * 1e3, _numbers(rows, "csf_wbc")
    with np.errstate(divide="ignore", invalid="ignore"):
        base = own / _numbers(rows, "csf_rbc") / white
    return Truth(at_least(base * least, limit).yes, at_least(base * most, limit).no)


def _numbers(rows: pl.DataFrame, name: str) -> Floats:
    """Return a column; NaN where it is missing or censored, or not there."""
    if name not in rows.columns:
        return np.full(rows.height, np.nan)
    bound = f"{name}_bound"
    exact = rows[bound].fill_null("") == "" if bound in rows.columns else pl.Series([True] * rows.height)
    return np.where(exact, rows[name].cast(pl.Float64).fill_null(float("nan")).to_numpy(), np.nan)
