"""How deep responses are, and how they end: MRD with its denominators, change from baseline, relapses."""

from typing import Final

import numpy as np
import polars as pl

from dayzero.analyses.denominators import Denominator, share, tally
from dayzero.analyses.response_patients import ORDER, Responses, Window, mask
from dayzero.estimate import Estimate, concat
from dayzero.grading.courses import courses, in_courses
from dayzero.history import History
from dayzero.spells import Bools

BASELINE_DAYS: Final = 90
FEWEST_BLASTS: Final = 0.002
"""No blast among 500 cells counted by morphology: fewer than one of them (ICSH 2008 [P]; the choice is ours [D])."""
_NEGATIVE: Final = ("negative", "neg", "not detected", "undetectable")
_POSITIVE: Final = ("positive", "pos", "detected", "below_quantification")
_UNTESTED: Final = ("", "not_tested", "not tested", "unknown")


def mrd_known(history: History, window: Window, threshold: float) -> tuple[Bools, Bools, tuple[str, ...]]:
    """Return (patients,) who was MRD-negative in the window, who had a certain result in it, and the methods.

    One negative sample suffices. A number is negative below the threshold; ``indeterminate`` (negative, insufficient
    sensitivity) is no result; what is detected but not to be quantified is one, and not negative.
    """
    rows = window.within(history.named("mrd", ("value", "row", "method")), courses(history))
    text = pl.col("value").cast(pl.String).str.strip_chars().str.to_lowercase()
    number = text.cast(pl.Float64, strict=False)
    negative = (text.is_in(_NEGATIVE) | (number < threshold)).fill_null(value=False)
    positive = (text.is_in(_POSITIVE) | (number >= threshold)).fill_null(value=False)
    methods = rows["method"].drop_nulls().unique().sort().to_list() if "method" in rows.columns else []
    n = len(history)
    known = mask(n, rows.filter(negative | positive)["patient"])
    return mask(n, rows.filter(negative)["patient"]), known, tuple(methods)


def mrd_rates(
    negative: Bools, known: Bools, denominators: tuple[Denominator, ...], *, level: float, time: float
) -> Estimate:
    """Return MRD-negativity with every denominator twice: missing results as failures, and left out."""
    found = []
    for each in denominators:
        for words, among in (("", each.patients), (" with an MRD result", each.patients & known)):
            group = f"denominator={each.name}{words}"
            row = share(negative, among, level=level, term="mrd_negative", group=group, time=time, warning=each.warning)
            found.append(row)
    return concat(found)


def changes(history: History, responses: Responses, measure: str) -> tuple[str, pl.DataFrame]:
    """Return what is measured, and the change of each patient from baseline to the lowest value in the window.

    Parameters
    ----------
    history, responses
        What happened.
    measure
        ``mrd`` or ``blasts``; ``auto``: of more patients, MRD where they are as many; ``none``.

    Returns
    -------
    tuple
        The measure, and a row a patient: ``patient`` (label), ``baseline`` and ``best`` (fractions), ``log10_change``,
        ``at_limit`` (``yes``: below what the assay can tell, the fall is at least as large), ``response``.
    """
    names = {"auto": ("mrd", "blasts"), "none": ()}.get(measure, (measure,))
    values = {name: _mrd_values(history) if name == "mrd" else _blast_values(history) for name in names}
    found = {name: _change(history, responses, each) for name, each in values.items()}
    most = max(found, key=lambda name: found[name].height, default="")
    return (most, found[most]) if most and found[most].height else ("", pl.DataFrame())


def _mrd_values(history: History) -> pl.DataFrame:
    """Return fractions of MRD in the marrow; a negative sample stands at its limit of detection."""
    judged, table = history.graded.get("mrd"), history.tables.get("mrd")
    if judged is not None and {"status", "value", "lod", "specimen"} <= set(judged.columns):
        bound = pl.col("value_bound") == "<" if "value_bound" in judged.columns else pl.lit(value=False)
        rows, below = judged, pl.col("status").is_in(("negative", "indeterminate")) | bound
    elif table is not None:
        unseen = ~pl.col("detected").fill_null(value=True) & pl.col("value").is_null()
        rows, below = table, unseen | (pl.col("value") <= 0) | (pl.col("value_bound") == "<")
    else:
        return _NO_VALUES
    below = below.fill_null(value=False).alias("below")
    known = pl.when(pl.col("value") > 0).then(pl.col("value"))
    value = pl.when(below).then(pl.coalesce("lod", known)).otherwise(known).alias("value")
    marrow = rows.filter(pl.col("specimen").fill_null("bm") == "bm")
    return marrow.select("patient", "day", value, below).drop_nulls()


def _blast_values(history: History) -> pl.DataFrame:
    table = history.tables.get("assessments")
    if table is None:
        return _NO_VALUES
    marrow = table.filter(pl.col("site") == "bm")
    below = (pl.col("blasts") < FEWEST_BLASTS) | (pl.col("blasts_bound") == "<").fill_null(value=False)
    value = pl.max_horizontal(pl.col("blasts"), pl.lit(FEWEST_BLASTS))
    value = pl.when(pl.col("blasts").is_not_null()).then(value)
    return marrow.select(
        "patient", "day", value.alias("value"), below.fill_null(value=False).alias("below")
    ).drop_nulls()


_NO_VALUES: Final = pl.DataFrame(
    schema={"patient": pl.Int64, "day": pl.Float64, "value": pl.Float64, "below": pl.Boolean}
)


def _change(history: History, responses: Responses, values: pl.DataFrame) -> pl.DataFrame:
    window = responses.window
    infused = window.infused[values["patient"].to_numpy()]
    since = pl.Series(np.floor(values["day"].to_numpy()) - infused, dtype=pl.Float64)
    before = values.filter((since <= 0) & (since >= -BASELINE_DAYS)).sort("day", maintain_order=True)
    baseline = before.group_by("patient", maintain_order=True).last().filter(pl.col("value") > 0)
    after = window.within(values, courses(history)).sort("value", "below", maintain_order=True)
    best = after.group_by("patient", maintain_order=True).first()
    both = baseline.select("patient", pl.col("value").alias("baseline")).join(best, on="patient", maintain_order="left")
    rank = pl.col("value").replace_strict({word: k for k, word in enumerate(ORDER)}, default=len(ORDER))
    ranked = responses.rows.drop_nulls("value").sort(rank, "day", maintain_order=True)
    said = ranked.group_by("patient", maintain_order=True).agg(pl.col("value").first().alias("response"))
    both = both.join(said, on="patient", how="left", maintain_order="left")
    change = (pl.col("value") / pl.col("baseline")).log10().alias("log10_change")
    limit = pl.when("below").then(pl.lit("yes")).otherwise(pl.lit("no")).alias("at_limit")
    names = history.patients["patient"].gather(both["patient"])
    return both.select(
        names.alias("patient"),
        "baseline",
        pl.col("value").alias("best"),
        change,
        limit,
        pl.col("response").fill_null(""),
    ).sort("log10_change", "patient", descending=[True, False])


def relapses(history: History, responses: Responses, *, level: float) -> Estimate:
    """Count first relapses after the infusion by site, and by antigen among those that were tested."""
    found = _first_relapses(history, responses)
    n, total = found.height, int(responses.window.patients.sum())
    if not n:
        return concat(())
    rows = [tally(n, "relapse", of=total)]
    for column, words in (("site", "relapses"), ("antigen", "tested relapses")):
        known = found[column].drop_nulls()
        if not len(known):
            continue
        among = len(known) if column == "antigen" else n
        counted = known.value_counts(sort=True).sort("count", column, descending=[True, False])
        pairs = [
            *counted.iter_rows(),
            *([("not stated", n - len(known))] if column == "site" and n > len(known) else []),
        ]
        rows += [
            share(np.arange(among) < k, np.ones(among, bool), level=level, term=f"relapse[{column}={value}]",
                  group=f"denominator={words}")
            for value, k in pairs
        ]  # fmt: skip
    return concat(rows)


def _first_relapses(history: History, responses: Responses) -> pl.DataFrame:
    """Return the first relapse of each patient after the infusion and before the next one: its site and antigen."""
    rows = history.named("relapse", ("site", "antigen", "cd19"))
    opened = courses(history, ("infusion",))
    placed = in_courses(rows, opened, first_day=1)
    first = placed.filter(pl.col("course") == responses.window.number).sort("day", maintain_order=True)
    first = first.group_by("patient", maintain_order=True).first()
    return first.select(
        "patient", _words(first, ("site",)).alias("site"), _words(first, ("antigen", "cd19")).alias("antigen")
    )


def _words(rows: pl.DataFrame, columns: tuple[str, ...]) -> pl.Expr:
    """Return the first of the columns that is there, as words; null where it is empty or was not tested."""
    name = next((column for column in columns if column in rows.columns), None)
    if name is None:
        return pl.lit(None, pl.String)
    text = pl.col(name).cast(pl.String).str.strip_chars()
    text = text if name == columns[0] else pl.lit(f"{name} ") + text
    return pl.when(~text.str.to_lowercase().str.replace(r"^cd19 ", "").is_in(_UNTESTED)).then(text)
