"""Peaks of cytokines and markers of inflammation after each infusion, censored values and tocilizumab in mind."""

from typing import Final

import polars as pl

from dayzero.errors import Finding
from dayzero.grading.derived import Derived, patient_rows
from dayzero.grading.editions import Edition, edition
from dayzero.grading.kinetics.samples import in_infusions, infusions
from dayzero.history import History

SCHEMA: Final = pl.Schema(
    {
        "patient": pl.Int64,
        "course_kind": pl.String,
        "course": pl.Int64,
        "day": pl.Float64,
        "analyte": pl.String,
        "n": pl.Int64,
        "peak": pl.Float64,
        "peak_bound": pl.String,
        "peak_day": pl.Float64,
        "baseline": pl.Float64,
        "baseline_bound": pl.String,
        "after_tocilizumab": pl.Boolean,
        "peak_before_tocilizumab": pl.Float64,
        "peak_before_tocilizumab_bound": pl.String,
        "scale": pl.String,
    }
)
_KEY: Final = ("patient", "course", "analyte")
_MIRROR: Final = {"<": ">", "": "", ">": "<"}
_RANK: Final = {"<": 0, "": 1, ">": 2}


def derive_cytokines(history: History) -> Derived:
    """Derive the peak of every analyte after every infusion; of fibrinogen the nadir.

    Parameters
    ----------
    history
        With the table ``labs``; doses of tocilizumab are in ``support``.

    Returns
    -------
    Derived
        ``cytokines``: the columns of :data:`SCHEMA`. ``day`` is that of the infusion; ``n`` counts values up to day
        28, the infusion's day included; ``peak_bound`` is ``>`` where a value lay above the range of its assay (the
        peak is then at least ``peak``), ``<`` where none lay within it; ``peak_day``: whole days from the infusion;
        ``baseline``: the last value of the 14 days up to the infusion. ``after_tocilizumab`` tells whether the sample
        of the peak was drawn after a dose, null where the study has no table ``support``; a sample of the day of the
        dose counts as after it unless both have a time of day.
    """
    rules = edition("cytokines")
    samples = cytokine_samples(history)
    shown = samples.filter(pl.col("since") <= rules.table["horizon"])
    peaks = _peaks(shown).join(_baselines(history, rules), on=_KEY, how="left", maintain_order="left")
    early = _peaks(shown.filter(~pl.col("after_tocilizumab")))
    before = early.select(*_KEY, *(pl.col(name).alias(f"{name}_before_tocilizumab") for name in ("peak", "peak_bound")))
    before = before.rename({"peak_bound_before_tocilizumab": "peak_before_tocilizumab_bound"})
    joined = peaks.join(before, on=_KEY, how="left", maintain_order="left")
    marked = joined.with_columns(
        pl.lit("infusion").alias("course_kind"),
        pl.col("course_day").alias("day"),
        pl.lit(rules.name).alias("scale"),
    )
    shaped = marked.select(list(SCHEMA)).sort(_KEY).cast(SCHEMA)
    return Derived(results={"cytokines": shaped}, findings=_findings(history, shaped, rules))


def cytokine_samples(history: History) -> pl.DataFrame:
    """Return the values of the edition's analytes after each infusion.

    Returns
    -------
    DataFrame
        ``patient, course, analyte, course_day, since`` (whole days), ``day, value, bound, falls`` (a nadir is looked
        for) and ``after_tocilizumab``.
    """
    rules = edition("cytokines")
    rows = in_infusions(_measured(history, rules), history)
    after = _after_drug(history, rows, rules)
    columns = (*_KEY, "course_day", "since", "day", "value", "bound", "falls", "after_tocilizumab")
    return rows.with_columns(after.alias("after_tocilizumab")).select(columns)


def _measured(history: History, rules: Edition) -> pl.DataFrame:
    """Return the dated values of the edition's analytes."""
    table, nadir = history.tables["labs"], rules.table["nadir"]
    bound = pl.col("value_bound").fill_null("") if "value_bound" in table.columns else pl.lit("")
    wanted = pl.col("analyte").is_in([*rules.table["peak"], *nadir])
    known = table.filter(wanted, pl.col("value").is_not_null(), pl.col("day").is_not_null())
    falls = pl.col("analyte").is_in(nadir).alias("falls")
    return known.select("patient", "day", "analyte", "value", bound.alias("bound"), falls)


def _after_drug(history: History, rows: pl.DataFrame, rules: Edition) -> pl.Series:
    """Return for each row whether a dose came before it; null where nobody knows of doses."""
    if "support" not in history.tables:
        return pl.Series([None] * rows.height, dtype=pl.Boolean)
    drug = rules.table["treated"]
    given = history.tables["support"].filter(pl.col("kind") == drug["drug"])
    doses = given.select("patient", pl.col("day").alias("dose")).drop_nulls()
    placed = rows.with_row_index("at").join(doses, on="patient")
    timed = (pl.col("day") % 1 > 0) & (pl.col("dose") % 1 > 0)
    earlier = pl.when(timed).then(pl.col("dose") < pl.col("day")).otherwise(pl.col("dose").floor() <= pl.col("day"))
    recent = pl.col("dose") >= pl.col("course_day") - drug["looks_back"]
    hit = placed.filter(earlier & recent)["at"].unique()
    return pl.Series(range(rows.height), dtype=pl.UInt32).is_in(hit.implode())


def _peaks(samples: pl.DataFrame) -> pl.DataFrame:
    """Return the extreme of each infusion and analyte: the highest, or for a nadir the lowest."""
    sign = pl.when("falls").then(-1.0).otherwise(1.0)
    turned = pl.when("falls").then(pl.col("bound").replace_strict(_MIRROR)).otherwise(pl.col("bound"))
    rank = turned.replace_strict(_RANK, return_dtype=pl.Int8).alias("rank")
    ordered = samples.with_columns((sign * pl.col("value")).alias("height"), turned.alias("turned"), rank)
    ordered = ordered.sort(*_KEY, "height", "rank", pl.col("day") * -1, maintain_order=True)
    censored = (pl.col("turned") == ">").any()
    top = pl.when(censored).then(pl.lit(">")).otherwise(pl.col("turned").last())
    found = ordered.group_by(_KEY, maintain_order=True).agg(
        pl.len().alias("n"),
        pl.col("course_day", "falls", "after_tocilizumab", "value").last(),
        top.alias("turned"),
        pl.col("since").last().alias("peak_day"),
    )
    back = pl.when("falls").then(pl.col("turned").replace_strict(_MIRROR)).otherwise(pl.col("turned"))
    return found.with_columns(pl.col("value").alias("peak"), back.alias("peak_bound")).drop("turned", "falls", "value")


def _baselines(history: History, rules: Edition) -> pl.DataFrame:
    """Return the last value of the days up to each infusion, its own day included where the time is not given."""
    rows = _measured(history, rules)
    both = infusions(history).select("patient", "course", "course_day").join(rows, on="patient")
    since = pl.col("day") - pl.col("course_day")
    known = both.filter(since <= 0, since >= -rules.table["baseline"]).sort(*_KEY, "day", maintain_order=True)
    last = known.group_by(_KEY, maintain_order=True).last()
    return last.select(*_KEY, pl.col("value").alias("baseline"), pl.col("bound").alias("baseline_bound"))


def _findings(history: History, result: pl.DataFrame, rules: Edition) -> tuple[Finding, ...]:
    disturbed = result.filter(pl.col("analyte").is_in(rules.table["treated"]["disturbs"]), pl.col("after_tocilizumab"))
    upward = pl.when(pl.col("analyte").is_in(rules.table["nadir"])).then(pl.lit("<")).otherwise(pl.lit(">"))
    censored = result.filter(pl.col("peak_bound") == upward)
    found = []
    if disturbed.height:
        found.append(Finding(
            "warning", "il6-after-tocilizumab",
            "The highest IL-6 was drawn after tocilizumab, which raises IL-6 in serum by itself: the highest value "
            "before it is given beside.",
            mend="Compare the values before tocilizumab.", patient_rows=patient_rows(history, disturbed["patient"]),
        ))  # fmt: skip
    if censored.height:
        found.append(Finding(
            "note", "cytokine-above-range",
            "A peak lies above the range of its assay: it counts as at least that, and ranks are compared.",
            patient_rows=patient_rows(history, censored["patient"]),
        ))  # fmt: skip
    return tuple(found)
