"""What a product is directed against."""

from collections.abc import Sequence

import polars as pl


def aims_at(targets: Sequence[str]) -> pl.Expr:
    """Return whether the column ``targets`` (``CD19/CD22``) names one of them; null where it is empty.

    Examples
    --------
    >>> frame = pl.DataFrame({"targets": ["CD19/CD22", "cd7", "CD190", None]})
    >>> frame.select(aims_at(["CD19"]))["targets"].to_list()
    [True, False, False, None]
    """
    words = pl.col("targets").str.to_uppercase().str.extract_all(r"CD\d+[A-Z]?")
    unknown = words.list.len().fill_null(0) == 0
    named = words.list.eval(pl.element().is_in(list(targets))).list.any()
    return pl.when(~unknown).then(named).alias("targets")


def infusions(watched: pl.DataFrame) -> pl.DataFrame:
    """Return the infusions among the courses, with a column ``targets`` in any case."""
    has = "targets" in watched.columns
    return watched.filter(pl.col("course_kind") == "infusion").with_columns(
        (pl.col("targets") if has else pl.lit(None, pl.String)).alias("targets")
    )
