"""Where leukaemia is found at each assessment, by the definition of relapse that is asked for.

Sources: ``editions/relapse``.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import polars as pl

from dayzero.grading.response.cns import CNS3
from dayzero.grading.response.limits import compare, flags

SITES: Final = ("bm", "cns", "emd", "testis")


def with_disease(found: pl.DataFrame, table: Mapping[str, Any]) -> pl.DataFrame:
    """Return assessments with the sites of disease, certain ones only.

    Parameters
    ----------
    found
        As :func:`dayzero.grading.response.assess.assess` returns it, by patient and day.
    table
        An edition of ``relapse``.

    Returns
    -------
    DataFrame
        ``at_bm``, ``at_cns``, ``at_emd``, ``at_testis``; ``diseased``: at any; ``marrow_clear``: blasts below the
        threshold, null where the marrow was not seen.
    """
    seen = found.with_columns(flags(compare(found, "bm", table["marrow"])).alias("marrow_high"))
    blood = flags(compare(found, "pb", [">", 0.0])).fill_null(value=False) & bool(table["blood"])
    marrow = _by_tests(table, table["pattern"]) if "pattern" in table else _by_threshold(table)
    placed = seen.with_columns(blood.alias("in_blood")).with_columns(
        (marrow | pl.col("in_blood")).alias("at_bm"),
        (_cns(int(table["cns2_samples"])) | pl.col("cns_mass")).alias("at_cns"),
        pl.col("elsewhere").alias("at_emd"),
        pl.col("testis").alias("at_testis"),
        (~pl.col("marrow_high")).alias("marrow_clear"),
    )
    return placed.with_columns(pl.any_horizontal(f"at_{site}" for site in SITES).alias("diseased"))


def _by_threshold(table: Mapping[str, Any]) -> pl.Expr:
    """Return whether the marrow's blasts reach the threshold, or came back after none, where that is asked for."""
    earlier = pl.col("bm").forward_fill().shift(1).over("patient")
    back = (earlier == 0) & (pl.col("bm") > 0) & (pl.col("bm_bound").fill_null("") != "<")
    high = pl.col("marrow_high") | back if table.get("after_none") else pl.col("marrow_high")
    return high.fill_null(value=False)


def _cns(samples: int) -> pl.Expr:
    """Return CNS3, or blasts in so many samples in a row: the first of them counts."""
    blasts = pl.when("csf_done").then(pl.col("cns_lower") > 0)
    following = blasts.backward_fill().shift(-1).over("patient")
    again = following.fill_null(value=False) if samples > 1 else pl.lit(value=True)
    return ((pl.col("cns_lower") >= CNS3) | ((pl.col("cns_lower") > 0) & again)).fill_null(value=False)


def _by_tests(table: Mapping[str, Any], patterns: Sequence[Mapping[str, float]]) -> pl.Expr:
    """Return whether a marrow is a relapse by MRD together with other tests, of itself or of the next marrow.

    Without MRD the threshold of the edition counts.
    """
    tests = (pl.col("tests").fill_null(0) + pl.col("mrd_tests").fill_null(0)).cast(pl.Int64)
    others = tests - 1
    again = pl.when("bm_done").then("day").backward_fill().shift(-1).over("patient")
    soon = (again - pl.col("day") <= float(table["second_within"])).fill_null(value=False)
    following = pl.when("bm_done").then(tests).backward_fill().shift(-1).over("patient")
    second = pl.when(soon).then(following).otherwise(0)
    mrd = pl.col("mrd")
    held = [(mrd >= rule["mrd"]) & (others >= rule["others"]) & (second >= rule["second"]) for rule in patterns]
    plain = pl.col("marrow_high")
    return pl.when(mrd.is_not_null()).then(pl.any_horizontal(held)).otherwise(plain).fill_null(value=False)
