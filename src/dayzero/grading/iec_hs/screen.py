"""The screen for IEC-HS after each infusion, beside what clinicians reported."""

from typing import Any, Final

import polars as pl

from dayzero.errors import Finding
from dayzero.grading.blood.clock import infusion_clocks
from dayzero.grading.courses import courses
from dayzero.grading.derived import Derived, patient_rows, with_derived
from dayzero.grading.editions import Edition, edition
from dayzero.grading.iec_hs.criteria import MAIN, criteria
from dayzero.grading.reported import reported_in
from dayzero.history import History
from dayzero.protocol import Definitions

COURSE: Final = ("patient", "course_kind", "course")
ASSUMED: Final = ("haemophagocytosis_not_asked", "judged_on_values_measured")


def screen_iec_hs(history: History) -> History:
    """Return the history with a screen for IEC-HS after each infusion.

    Parameters
    ----------
    history
        With the table ``labs``; without ferritin in it nothing is screened.

    Returns
    -------
    History
        With ``graded["iec_hs"]``; there are no events: the diagnosis is the clinician's.
    """
    return with_derived(history, derive_iec_hs(history, Definitions()))


def derive_iec_hs(history: History, definitions: Definitions) -> Derived:  # noqa: ARG001 - there is one edition
    """Screen for IEC-HS from laboratory values.

    Parameters
    ----------
    history
        With the table ``labs``; where ``graded["crs"]`` has a ``resolution``, the screen is timed against it.
    definitions
        Unused: there is one edition.

    Returns
    -------
    Derived
        ``results["iec_hs"]``: a row an infusion: ``patient``, ``course_kind``, ``course``; ``day``: the first on which
        all that the screen needs had been met; ``screen_positive`` (null: unknown), ``criteria_met``,
        ``criteria_unknown``, ``supporting``; ``timing``: ``after_crs``, ``during_crs`` or null; ``ferritin_peak`` and
        ``ferritin_peak_bound``; ``carhlh_ferritin``: above the limit of carHLH, an older definition that is not this
        one; ``reported_grade`` and ``reported_day``: the clinician's; ``scale``, ``assumptions``.
    """
    if "labs" not in history.tables or not (history.tables["labs"]["analyte"] == "ferritin").any():
        return Derived()
    chosen = edition("iec_hs")
    clocks = infusion_clocks(history, stops=("death",))
    found = screened(criteria(history.tables["labs"], clocks, chosen.table), chosen)
    named = clocks.select("at", *COURSE, "course_day").join(found, on="at", maintain_order="left")
    results = _results(_with_reported(_timed(named, history), history), chosen)
    return Derived(results={"iec_hs": results}, findings=_unreported(history, results))


def screened(found: pl.DataFrame, chosen: Edition) -> pl.DataFrame:
    """Add the screen: ferritin, and as many of the other features as the edition asks for.

    Parameters
    ----------
    found
        As ``criteria`` returns it.
    chosen
        The edition.
    """
    needed, others = chosen.table["others_needed"], MAIN[1:]
    met = pl.sum_horizontal(pl.col(name).fill_null(value=False).cast(pl.Int64) for name in others)
    may = pl.sum_horizontal(pl.col(name).fill_null(value=True).cast(pl.Int64) for name in others)
    yes = pl.col("ferritin").fill_null(value=False) & (met >= needed)
    no = ~pl.col("ferritin").fill_null(value=True) | (may < needed)
    screen = pl.when(yes).then(pl.lit(value=True)).when(no).then(pl.lit(value=False))
    sorted_days = pl.concat_list(f"{name}_day" for name in others).list.sort(nulls_last=True)
    enough = pl.max_horizontal(sorted_days.list.get(needed - 1), pl.col("ferritin_day"))
    peak, limit = pl.col("peak_low"), chosen.table["carhlh_ferritin"]
    carhlh = pl.when(peak > limit).then(pl.lit(value=True)).when(pl.col("peak_high") <= limit).then(pl.lit(value=False))
    supporting = list(chosen.table["supporting"])
    return found.with_columns(
        screen.alias("screen_positive"),
        pl.when(yes).then(enough).alias("since"),
        carhlh.alias("carhlh_ferritin"),
        _names(MAIN, lambda name: pl.col(name).fill_null(value=False)).alias("criteria_met"),
        _names(MAIN, lambda name: pl.col(name).is_null()).alias("criteria_unknown"),
        _names(supporting, lambda name: pl.col(name).fill_null(value=False)).alias("supporting"),
        pl.when(pl.col("peak_high").is_infinite()).then(pl.lit(">")).otherwise(pl.lit("")).alias("peak_bound"),
    )


def _names(names: Any, holds: Any) -> pl.Expr:
    return pl.concat_list(pl.when(holds(name)).then(pl.lit(name)) for name in names).list.drop_nulls()


def _timed(named: pl.DataFrame, history: History) -> pl.DataFrame:
    """Add the day, and whether CRS had resolved by then."""
    dated = named.with_columns((pl.col("course_day").floor() + pl.col("since")).alias("day"))
    crs = history.graded.get("crs")
    if crs is None or "resolution" not in crs.columns:
        return dated.with_columns(pl.lit(None, pl.String).alias("timing"))
    ends = crs.select(*COURSE, pl.col("resolution").cast(pl.Float64).floor()).unique(list(COURSE))
    joined = dated.join(ends, on=list(COURSE), how="left", maintain_order="left")
    after = pl.col("day") >= pl.col("resolution")
    word = pl.when(after).then(pl.lit("after_crs")).when(~after).then(pl.lit("during_crs"))
    return joined.with_columns(word.alias("timing"))


def _with_reported(dated: pl.DataFrame, history: History) -> pl.DataFrame:
    """Add the highest grade that a clinician reported, and the first day; ``was_reported`` with or without a grade."""
    rows = reported_in(history, "iec_hs", courses(history), kinds=("infusion",))
    highest = rows.group_by(COURSE).agg(
        pl.col("grade").max().alias("reported_grade"),
        pl.col("day").min().alias("reported_day"),
        pl.lit(value=True).alias("was_reported"),
    )
    joined = dated.join(highest, on=list(COURSE), how="left", maintain_order="left")
    return joined.with_columns(pl.col("was_reported").fill_null(value=False))


def _results(found: pl.DataFrame, chosen: Edition) -> pl.DataFrame:
    peak = pl.when(pl.col("peak_low").is_not_null()).then("peak_low").alias("ferritin_peak")
    return found.select(
        *COURSE,
        "day",
        "screen_positive",
        "criteria_met",
        "criteria_unknown",
        "supporting",
        "timing",
        peak,
        pl.when(pl.col("peak_low").is_not_null()).then("peak_bound").alias("ferritin_peak_bound"),
        "carhlh_ferritin",
        "was_reported",
        "reported_grade",
        "reported_day",
        pl.lit(chosen.name).alias("scale"),
        pl.lit(list(ASSUMED)).alias("assumptions"),
    )


def _unreported(history: History, results: pl.DataFrame) -> tuple[Finding, ...]:
    """Find infusions whose screen is positive although nobody reported IEC-HS."""
    found = results.filter(pl.col("screen_positive") & ~pl.col("was_reported"))
    if not found.height:
        return ()
    n = found["patient"].n_unique()
    finding = Finding(
        "note",
        "iec-hs-screen-positive",
        f"Laboratory values of {'1 patient' if n == 1 else f'{n} patients'} fit IEC-HS, and none was reported.",
        mend="Look at the charts: infection, progression and CRS alone can explain them. The grade is the clinician's.",
        table="labs",
        patient_rows=patient_rows(history, found["patient"]),
    )
    return (finding,)
