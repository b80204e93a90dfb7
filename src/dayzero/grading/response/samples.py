"""Assessments: what was found in marrow, blood, fluid and elsewhere within days of each other, in one row."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from dayzero.grading.courses import KINDS, courses, in_courses
from dayzero.grading.editions import edition
from dayzero.grading.response.cns import add_cns
from dayzero.grading.response.matching import nearest
from dayzero.history import History

NEVER: Final = -1e9
"""Stands for the day of the course of what lies in no course."""
_COURSE: Final = ("course_kind", "course", "course_day", "since")
_TARGETS: Final = ("cd19", "cd22", "cd7")
_ANY_ROW: Final = (
    "anc",
    "anc_bound",
    "platelets",
    "platelets_bound",
    "cellularity",
    "chimerism",
    "chimerism_bound",
    "response_reported",
)


def assessments(history: History, *, within: float) -> pl.DataFrame:
    """Return one row a patient and date of assessment.

    Parameters
    ----------
    history
        With ``tables["assessments"]``.
    within
        Days between a marrow and what was found at other sites that belongs to it, at most; the nearest marrow of the
        same course, the later of two.

    Returns
    -------
    DataFrame
        By patient and day: the course (an assessment on the day of an infusion is before it); ``bm``, ``pb``: blasts
        with ``_bound`` and ``_done``; ``cns_lower``, ``cns_upper`` and ``csf_done``; ``emd``, ``emd_present``,
        ``emd_done``, the sites ``testis``, ``cns_mass``, ``elsewhere``; counts; antigens; ``tests``: how many methods
        found 1 % blasts or more in the marrow; ``row``.
    """
    rows = _anchored(_placed(history), within)
    key = ("patient", "opened", "on")
    emd = edition("emd").table
    found = _with_cns(history, rows).with_columns(_present(emd), *_sites(emd))
    return (
        found.group_by(key, maintain_order=True)
        .agg(
            *(pl.col(name).first() for name in _COURSE),
            pl.col("row").min(),
            *_blasts("bm"),
            *_blasts("pb"),
            *_fluid(),
            *_extramedullary(),
            *(pl.col(name).drop_nulls().last() for name in _ANY_ROW),
            pl.col("transfusion_independent").min(),
            *(_antigen(name) for name in _TARGETS),
            pl.col("lineage_switch").max(),
            ((pl.col("site") == "bm") & (pl.col("blasts") >= 0.01) & (pl.col("blasts_bound").fill_null("") != "<"))
            .sum()
            .alias("tests"),
        )
        .rename({"on": "day"})
        .sort("patient", "day", maintain_order=True)
    )


def _placed(history: History) -> pl.DataFrame:
    """Return the dated rows with their course; null where they lie in none."""
    rows = history.tables["assessments"].drop_nulls("day").with_row_index("at")
    opened = courses(history)
    inside = in_courses(rows.select("at", "patient", "day"), opened, kinds=KINDS, first_day=1)
    placed = rows.join(inside.select("at", *_COURSE), on="at", how="left", maintain_order="left")
    return placed.with_columns(pl.col("day").floor().alias("on"), pl.col("course_day").fill_null(NEVER).alias("opened"))


def _anchored(rows: pl.DataFrame, within: float) -> pl.DataFrame:
    """Move what was found at other sites to the day of its marrow."""
    marrows = rows.filter(pl.col("site") == "bm").select("patient", "opened", "on").unique()
    anchors = marrows.with_columns(pl.col("on").alias("marrow"))
    found = nearest(rows, anchors, by=("patient", "opened"), within=within)
    moved = pl.when(pl.col("site") == "bm").then("on").otherwise(pl.coalesce("marrow", "on"))
    return found.with_columns(moved.alias("on")).sort("patient", "on", "day", "at").drop("marrow", "at")


def _with_cns(history: History, rows: pl.DataFrame) -> pl.DataFrame:
    """Add the class of each sample of the fluid, with the blood's cells within two days of it."""
    blasts = pl.coalesce("csf_blasts", (pl.col("blasts") > 0) & (pl.col("site") == "csf"))
    fluid = rows.with_columns(blasts.alias("csf_blasts"))
    for analyte in ("wbc", "rbc"):
        name = f"blood_{analyte}"
        labs = history.tables.get("labs")
        if labs is not None:
            own = labs.filter(pl.col("analyte") == analyte).drop_nulls(["day", "value"])
            exact = own.filter(pl.col("value_bound").fill_null("") == "")
            daily = exact.sort("day").select("patient", pl.col("day").floor().alias("on"), pl.col("value").alias(name))
            fluid = nearest(fluid, daily.unique(["patient", "on"], keep="last"), by=("patient",), within=2)
    return add_cns(fluid)


def _present(emd: Mapping[str, Any]) -> pl.Expr:
    """Return whether a row's extramedullary disease is there; null where it cannot be said."""
    status = pl.col("emd_status")
    doubtful = (status == emd["unconfirmed"]) & ~pl.col("imaging").is_in(emd["confirmed_by"]).fill_null(value=False)
    return pl.when(~doubtful).then(status.is_in(emd["present"])).alias("emd_present")


def _sites(emd: Mapping[str, Any]) -> tuple[pl.Expr, ...]:
    there = pl.col("emd_status").is_in(emd["present"]).fill_null(value=False)
    name = pl.col("emd_site").fill_null("")
    testis, cns = name.str.contains(str(emd["testis"])), name.str.contains(str(emd["cns"]))
    return (
        (there & testis).alias("testis"),
        (there & cns).alias("cns_mass"),
        (there & ~testis & ~cns).alias("elsewhere"),
    )


def _blasts(site: str) -> tuple[pl.Expr, ...]:
    """Return the most blasts that any method found at a site; a row of blood with counts alone says nothing of them."""
    here = pl.col("site") == site
    values = pl.col("blasts").filter(here)
    other = pl.any_horizontal(pl.col(name).is_not_null() for name in ("anc", "platelets", "chimerism"))
    looked = here & (pl.col("blasts").is_not_null() | ~other) if site == "pb" else here
    bound = pl.col("blasts_bound").filter(here).sort_by(values, nulls_last=False).last()
    return values.max().alias(site), bound.alias(f"{site}_bound"), looked.any().alias(f"{site}_done")


def _fluid() -> tuple[pl.Expr, ...]:
    """Return the worst class of the samples, and of signs wherever they are stated."""
    here = (pl.col("site") == "csf") | pl.col("cns_signs").fill_null(value=False)
    worst = [pl.col(name).filter(here).max() for name in ("cns_lower", "cns_upper")]
    return (*worst, here.any().alias("csf_done"))


def _extramedullary() -> tuple[pl.Expr, ...]:
    here = (pl.col("site") == "emd") | pl.col("emd_status").is_not_null()
    order = pl.Enum(["none", "cr", "cru", "pr", "sd", "pd"])
    present = pl.col("emd_present").filter(here).any(ignore_nulls=False)
    return (
        pl.col("emd_status").cast(order).max().cast(pl.String).alias("emd"),
        pl.when(here.any()).then(present).alias("emd_present"),
        here.any().alias("emd_done"),
        *(pl.col(name).any() for name in ("testis", "cns_mass", "elsewhere")),
    )


def _antigen(name: str) -> pl.Expr:
    """Return the status of an antigen; two that differ are mixed."""
    tested = pl.col(name).filter(pl.col(name) != "not_tested")
    both = pl.when(tested.n_unique() > 1).then(pl.lit("mixed")).otherwise(tested.first())
    return both.alias(name)
