"""Comparisons of values that may be censored, and statements that come from columns."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from dayzero.grading.truth import Truth

_STRICT = {"<": "<", "<=": "<=", ">": "<=", ">=": "<"}


def compare(frame: pl.DataFrame, name: str, rule: Sequence[str | float], *, factor: float = 1.0) -> Truth:
    """Return whether a column fulfils a rule; what is missing, or censored on the wrong side, is unknown.

    Parameters
    ----------
    frame
        With the column, and ``<name>_bound`` beside it: ``<`` where the true value is less than what is written,
        ``>`` where it is more.
    rule
        A comparison and a limit, for example ``["<", 0.05]``.
    factor
        Of the limit.

    Examples
    --------
    >>> frame = pl.DataFrame({"anc": [1.2, 1.0, 0.5, None], "anc_bound": ["", "", "<", None]})
    >>> over = compare(frame, "anc", [">", 1.0])
    >>> over.yes.tolist(), over.no.tolist()
    ([True, False, False, False], [False, True, True, False])
    """
    values = frame[name].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    bound = frame[f"{name}_bound"].fill_null("") if f"{name}_bound" in frame.columns else pl.Series([""] * len(values))
    less, more = (bound == "<").to_numpy(), (bound == ">").to_numpy()
    word, limit = str(rule[0]), float(rule[1]) * factor
    under = values < limit if _STRICT[word] == "<" else values <= limit
    known = ~np.isnan(values)
    low = np.where(less, values <= limit, under & ~more)
    high = known & np.where(more, values >= limit, ~under & ~less)
    return Truth(low, high) if word in ("<", "<=") else Truth(high, low)


def stated(column: pl.Series) -> Truth:
    """Return what a column of flags states; null is unknown.

    Examples
    --------
    >>> stated(pl.Series([True, False, None])).unknown.tolist()
    [False, False, True]
    """
    flags = column.cast(pl.Boolean)
    return Truth(flags.fill_null(value=False).to_numpy(), (~flags).fill_null(value=False).to_numpy())


def flags(truth: Truth) -> pl.Series:
    """Return a statement as a column of flags; unknown is null."""
    known = pl.Series(~truth.unknown)
    return pl.select(pl.when(known).then(pl.Series(truth.yes))).to_series()


def where(condition: pl.Series, then: Truth, otherwise: Truth) -> Truth:
    """Return one statement where a condition holds and another elsewhere."""
    chosen = condition.fill_null(value=False).to_numpy()
    return Truth(np.where(chosen, then.yes, otherwise.yes), np.where(chosen, then.no, otherwise.no))
