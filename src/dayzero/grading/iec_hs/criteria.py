"""The laboratory criteria of IEC-HS, three-valued, for every infusion."""

from typing import Any, Final

import polars as pl

from dayzero.grading.iec_hs.values import above, any_of, either, values_of

MAIN: Final = ("ferritin", "transaminases", "fibrinogen", "cytopenia")


def criteria(labs: pl.DataFrame, clocks: pl.DataFrame, rules: Any) -> pl.DataFrame:
    """Return whether each criterion is met after each infusion, and since when.

    Parameters
    ----------
    labs
        The table.
    clocks
        As ``infusion_clocks`` returns them.
    rules
        The edition's table.

    Returns
    -------
    DataFrame
        A row an infusion, in the order of the clocks: ``at``; of each main and supporting criterion its truth and
        ``_day``; ``peak_low`` and ``peak_high``: bounds of the highest ferritin.
    """
    everyone = clocks.select("at")
    ferritin = values_of(labs, clocks, "ferritin", rules)
    peak = ferritin.group_by("at").agg(pl.col("low").max().alias("peak_low"), pl.col("high").max().alias("peak_high"))
    frames = [
        _ferritin(ferritin, rules),
        either(_transaminases(labs, clocks, rules), "transaminases"),  # of one that was not measured nothing is asked
        _fibrinogen(values_of(labs, clocks, "fibrinogen", rules), rules),
        either([_filled(everyone, f, "cytopenia") for f in _cytopenia(labs, clocks, rules)], "cytopenia"),
        *(_supporting(labs, clocks, name, rules) for name in rules["supporting"]),
        peak,
    ]
    found = everyone
    for frame in frames:
        found = found.join(frame, on="at", how="left", maintain_order="left")
    return found


def _filled(everyone: pl.DataFrame, found: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return a row for every infusion, unknown where there is no value."""
    return everyone.join(found, on="at", how="left").select("at", name, f"{name}_day")


def _ferritin(values: pl.DataFrame, rules: Any) -> pl.DataFrame:
    """Above a multiple of the upper limit, or of the baseline, or rising rapidly."""
    own = rules["ferritin"]
    rise = _rising(values, own["rise_days"])
    over_normal, over_base = above(own["fold"], "uln"), above(own["fold"], "base")
    rises = (pl.col("low") > own["rise_fold"] * pl.col("earlier_high")).fill_null(value=False)
    flat = (pl.col("high") <= own["rise_fold"] * pl.col("earlier_low")).fill_null(value=True)
    return any_of(rise, over_normal[0] | over_base[0] | rises, over_normal[1] & over_base[1] & flat, "ferritin")


def _rising(values: pl.DataFrame, days: int) -> pl.DataFrame:
    """Add the lowest value of the days before each, the baseline on day 0 included."""
    base = values.select("at", pl.lit(0, pl.Int64).alias("since"), "base_low", "base_high").unique().drop_nulls()
    start = base.select("at", "since", pl.col("base_low").alias("low"), pl.col("base_high").alias("high"))
    earlier = pl.concat([values.select("at", "since", "low", "high"), start]).rename(
        {"since": "before", "low": "earlier_low", "high": "earlier_high"}
    )
    pairs = values.select("at", "since").unique().join(earlier, on="at")
    near = pairs.filter((pl.col("before") < pl.col("since")) & (pl.col("since") - pl.col("before") <= days))
    lowest = near.group_by("at", "since").agg(pl.col("earlier_low").min(), pl.col("earlier_high").min())
    return values.join(lowest, on=["at", "since"], how="left")


def _transaminases(labs: pl.DataFrame, clocks: pl.DataFrame, rules: Any) -> list[pl.DataFrame]:
    """Above a multiple of the upper limit where the baseline is normal, else of the baseline.

    The highest of those measured counts, each against its own limit: one that is not measured in a course takes no
    part, so that the criterion is unknown only where neither was.
    """
    fold = rules["transaminases"]["fold"]
    normal_yes, normal_no = above(fold, "uln")
    base_yes, base_no = above(fold, "base")
    was_high = (pl.col("base_low") > pl.col("uln_high")).fill_null(value=False)
    was_normal = (pl.col("base_high") <= pl.col("uln_low")).fill_null(value=False)
    yes = (was_normal & normal_yes) | (was_high & base_yes) | (normal_yes & base_yes)
    no = normal_no | (was_high & base_no)
    analytes = rules["transaminases"]["analytes"]
    return [any_of(values_of(labs, clocks, name, rules), yes, no, "transaminases") for name in analytes]


def _fibrinogen(values: pl.DataFrame, rules: Any) -> pl.DataFrame:
    below = rules["fibrinogen"]["below"]
    yes = (pl.col("high") < below) | (pl.col("high") < pl.col("lln_low")).fill_null(value=False)
    no = (pl.col("low") >= below) & (pl.col("low") >= pl.col("lln_high")).fill_null(value=False)
    return any_of(values, yes, no, "fibrinogen")


def _cytopenia(labs: pl.DataFrame, clocks: pl.DataFrame, rules: Any) -> list[pl.DataFrame]:
    return [
        any_of(values_of(labs, clocks, name, rules), pl.col("high") < limit, pl.col("low") >= limit, "cytopenia")
        for name, limit in rules["cytopenia"].items()
    ]


def _supporting(labs: pl.DataFrame, clocks: pl.DataFrame, name: str, rules: Any) -> pl.DataFrame:
    own, values = rules["supporting"][name], values_of(labs, clocks, name, rules)
    if "above" in own:
        return any_of(values, pl.col("low") > own["above"], pl.col("high") <= own["above"], name)
    return any_of(values, *above(1.0, "uln"), name)
