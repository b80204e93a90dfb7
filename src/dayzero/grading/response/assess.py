"""Response at each assessment: ``graded["response"]``."""

from typing import Final

import polars as pl

from dayzero.grading.editions import Edition
from dayzero.grading.response import categories as cat
from dayzero.grading.response.cns import CLASSES
from dayzero.grading.response.matching import with_counts, with_mrd, with_support
from dayzero.grading.response.samples import assessments
from dayzero.history import History

CONFIRMED_AFTER: Final = 28.0
"""Days after which a remission that is found again is confirmed (ELIANA's maintenance; CIBMTR's four weeks)."""
MRD_LIMIT: Final = 0.01
ADULT_FROM: Final = 18.0
"""Years of age."""
RESPONSE: Final = (
    "patient", "day", "course_kind", "course", "since", "category", "possible", "evaluable", "marrow", "emd", "cns",
    "mrd_status", "scale", "drivers", "missing", "assumptions", "findings", "confirmed", "bm", "bm_bound", "pb", "mrd",
    "anc", "platelets", "cns_lower", "cns_upper", "response_reported", "row",
)  # fmt: skip
_ABSENT, _PRESENT, _DOUBTFUL = 0, 1, 2


def assess(history: History, edition: Edition, *, counts_within: float) -> pl.DataFrame:
    """Return each assessment with all that its category is made of.

    Parameters
    ----------
    history
        With ``tables["assessments"]``; ``labs``, ``support`` and ``graded["mrd"]`` where there are any.
    edition
        Of ``response``.
    counts_within
        Days between a marrow and its blood counts or its MRD, at most.
    """
    table = edition.table
    found = assessments(history, within=float(table["sites_within"]))
    found = with_counts(history, found, within=counts_within)
    found = with_support(history, found, days=float(table["transfusion_free_days"]))
    limit = float(table.get("mrd_fails_from", MRD_LIMIT))
    found = with_mrd(history, found, within=counts_within, limit=limit)
    return _with_chimerism(history, _with_memory(_with_baseline(_with_transfusions(found))))


def _with_chimerism(history: History, found: pl.DataFrame) -> pl.DataFrame:
    """Add ``chimerism_counts``: without a marrow, after a transplant, in a patient known to be a child."""
    ages = history.patients["age"] if "age" in history.patients.columns else pl.Series([], dtype=pl.String)
    known = ages.dtype.is_numeric()
    child = (ages < ADULT_FROM).fill_null(value=False) if known else pl.Series([False] * len(history))
    young = pl.DataFrame({"patient": range(len(history)), "child": child}, schema={"patient": pl.Int64, "child": bool})
    counts = pl.col("child") & ~pl.col("bm_done") & (pl.col("course_kind") == "hsct")
    joined = found.join(young, on="patient", how="left", maintain_order="left")
    return joined.with_columns(counts.fill_null(value=False).alias("chimerism_counts")).drop("child")


def _with_transfusions(found: pl.DataFrame) -> pl.DataFrame:
    """Return assessments with ``transfused``: the assessor's word counts before the table of support."""
    return found.with_columns(pl.coalesce(~pl.col("transfusion_independent"), "transfused").alias("transfused"))


def _with_baseline(found: pl.DataFrame) -> pl.DataFrame:
    """Add ``baseline``: the exact blasts of the last marrow up to the day of the course."""
    exact = found.filter(pl.col("bm").is_not_null() & (pl.col("bm_bound").fill_null("") == ""))
    before = exact.select("patient", "day", pl.col("bm").alias("baseline"), pl.col("day").alias("baseline_day"))
    keyed = found.with_row_index("at").sort("course_day", nulls_last=False)
    joined = keyed.join_asof(
        before.sort("day"), left_on="course_day", right_on="day", by="patient", check_sortedness=False
    )
    return joined.sort("at").drop("at", "day_right", strict=False)


def _with_memory(found: pl.DataFrame) -> pl.DataFrame:
    """Add ``emd_known`` and ``cns_known``: whether there is disease, from what was last seen where nothing was.

    Disease that was never recorded is taken for absent; disease that was not looked at again is unknown.
    """
    low, high = pl.col("cns_lower"), pl.col("cns_upper")
    cns = pl.when(low > 0).then(pl.lit(value=True)).when(high == 0).then(pl.lit(value=False))
    ready = found.sort("patient", "day", maintain_order=True).with_columns(
        pl.when("csf_done").then(cns).alias("cns_present")
    )
    remembered = [
        expression for name, done in (("emd", "emd_done"), ("cns", "csf_done")) for expression in _remember(name, done)
    ]
    return ready.with_columns(*remembered)


def _remember(name: str, done: str) -> tuple[pl.Expr, pl.Expr]:
    present = pl.col(f"{name}_present")
    code = pl.when(present).then(_PRESENT).when(~present).then(_ABSENT).otherwise(_DOUBTFUL)
    last = pl.when(done).then(code).forward_fill().over("patient")
    carried = pl.when(last.is_null() | (last == _ABSENT)).then(pl.lit(value=False))
    known = pl.when(done).then(present).otherwise(carried)
    return known.alias(f"{name}_known"), last.is_null().alias(f"{name}_never")


def response(found: pl.DataFrame, edition: Edition) -> pl.DataFrame:
    """Return ``graded["response"]``: a row an assessment.

    Parameters
    ----------
    found
        As :func:`assess` returns it.
    edition
        Of ``response``.
    """
    remission = list(edition.table["remission"])
    criteria = cat.criteria(found, edition)
    can = cat.possible(criteria)
    chosen = cat.category(can, remission)
    marrow = cat.category(cat.possible(criteria, marrow_alone=True), remission)
    uncertain = chosen.is_in([cat.ANY, cat.UNKNOWN])
    names = pl.Series("names", CLASSES, pl.String)
    certain = pl.col("cns_lower") == pl.col("cns_upper")
    graded = found.with_columns(
        chosen.alias("category"),
        cat.possible_names(can).alias("possible"),
        (~uncertain).alias("evaluable"),
        marrow.alias("marrow"),
        pl.when(certain).then(pl.col("cns_lower").replace_strict(range(len(CLASSES)), names)).alias("cns"),
        pl.lit(edition.name).alias("scale"),
        cat.drivers(criteria, chosen).alias("drivers"),
        cat.missing(criteria, uncertain).alias("missing"),
        pl.col("course").cast(pl.Int64),
    )
    noted = graded.with_columns(
        cat.notes(graded, _assumptions(edition)).alias("assumptions"), cat.notes(graded, _FINDINGS).alias("findings")
    )
    return _confirmed(noted, remission).select(RESPONSE)


def _assumptions(edition: Edition) -> dict[str, pl.Expr]:
    asked = {"assessed": pl.col("category") != cat.UNKNOWN}
    free = bool(edition.table["transfusion_free_days"])
    return {
        "no_emd_where_never_recorded": asked["assessed"] & pl.col("emd_never"),
        "no_emd_as_last_assessed": asked["assessed"] & ~pl.col("emd_done") & ~pl.col("emd_never"),
        "no_cns_disease_where_never_recorded": asked["assessed"] & pl.col("cns_never"),
        "cns_as_last_assessed": asked["assessed"] & ~pl.col("csf_done") & ~pl.col("cns_never"),
        "no_blasts_in_blood_where_not_recorded": asked["assessed"] & ~pl.col("pb_done"),
        "chimerism_instead_of_marrow": asked["assessed"]
        & pl.col("chimerism_counts")
        & pl.lit("chimerism_from" in edition.table),
        "mrd_not_measured": ~pl.col("mrd_measured") & pl.lit("mrd_fails_from" in edition.table),
        "transfusion_independent_where_not_recorded": pl.col("transfused").is_null() & pl.lit(free),
    }


_FINDINGS: Final = {
    "marrow_remission_only": pl.col("marrow").is_in(cat.REMISSIONS)
    & pl.col("category").is_in([cat.FAILURE, cat.UNKNOWN]),
    "gcsf_within_7_days": pl.col("gcsf"),
    "aplastic_marrow": pl.col("cellularity") == "aplastic",
}


def _confirmed(graded: pl.DataFrame, remission: list[str]) -> pl.DataFrame:
    """Add ``confirmed``: found again after 28 days or more in the same course, and not lost before."""
    good = pl.col("category").is_in([*remission, cat.ANY])
    key = ["patient", "course_kind", "course"]
    keyed = graded.with_row_index("at").with_columns((pl.col("day") + CONFIRMED_AFTER).alias("from"))
    again = keyed.filter(good).select(*key, pl.col("day").alias("again")).sort("again")
    lost = keyed.filter(cat.no_remission()).select(*key, pl.col("day").alias("lost"))
    joined = keyed.sort("from").join_asof(
        again, left_on="from", right_on="again", by=key, strategy="forward", check_sortedness=False
    )
    later = joined.with_columns((pl.col("day") + 0.5).alias("after")).sort("after")
    both = later.join_asof(
        lost.sort("lost"), left_on="after", right_on="lost", by=key, strategy="forward", check_sortedness=False
    )
    kept = pl.col("again").is_not_null() & (pl.col("lost").is_null() | (pl.col("again") < pl.col("lost")))
    answer = (
        pl.when(good & kept)
        .then(pl.lit(value=True))
        .when(good & pl.col("lost").is_not_null())
        .then(pl.lit(value=False))
    )
    return both.with_columns(answer.alias("confirmed")).sort("at")
