"""Relapse by site and antigen, MRD relapse, and progression: ``graded["relapse"]``."""

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from dayzero.grading.courses import KINDS, courses, in_courses
from dayzero.grading.editions import Edition
from dayzero.grading.response.categories import REMISSIONS
from dayzero.grading.response.disease import SITES, with_disease
from dayzero.grading.response.matching import daily_mrd
from dayzero.history import History

RELAPSE: Final = {
    "patient": pl.Int64,
    "day": pl.Float64,
    "kind": pl.String,
    "site": pl.String,
    "isolated": pl.Boolean,
    "isolated_cns": pl.Boolean,
    "antigen": pl.String,
    "tested": pl.Boolean,
    "target": pl.String,
    "cd19": pl.String,
    "cd22": pl.String,
    "cd7": pl.String,
    "lineage_switch": pl.Boolean,
    "confirmed": pl.Boolean,
    "course_kind": pl.String,
    "course": pl.Int64,
    "since": pl.Float64,
    "mrd_status": pl.String,
    "scale": pl.String,
}
TARGETS: Final = ("cd19", "cd22", "cd7")
_REMISSION, _DISEASE = 1, -1


def relapses(history: History, found: pl.DataFrame, graded: pl.DataFrame, *, edition: Edition) -> pl.DataFrame:
    """Return each relapse, MRD relapse and progression.

    Parameters
    ----------
    history
        What happened; reported responses count as remissions where no assessment says otherwise.
    found, graded
        The assessments, and ``graded["response"]`` of them, in the same order.
    edition
        Of ``relapse``.

    Returns
    -------
    DataFrame
        ``day`` is that of the first abnormal sample; ``site`` the sites joined with ``+``; ``isolated``: one site, null
        where the marrow was not seen with another; ``antigen``: that of the first target of the last product,
        ``not_tested`` where nobody looked; ``confirmed``: disease at the next assessment, or a reported relapse.
    """
    table = edition.table
    seen = with_disease(found.with_columns(graded["category"], graded["response_reported"]), table)
    states = _states(history, seen)
    relapsed = _not_told_before(history, _relapsed(states), float(table["reported_within"]))
    progressed = _not_after(_progressed(states, table), relapsed)
    overt = pl.concat([relapsed, progressed]).sort("patient", "day", "kind")
    described = _described(_confirmed_by_reports(history, overt, float(table["reported_within"])))
    molecular = _mrd_relapses(history, states, float(table["mrd_from"]))
    both = pl.concat([described, molecular], how="diagonal")
    placed = _antigens(_after_course(history, both)).with_columns(pl.lit(edition.name).alias("scale"))
    return placed.select(pl.col(name).cast(kind) for name, kind in RELAPSE.items()).sort("patient", "day", "kind")


def _states(history: History, seen: pl.DataFrame) -> pl.DataFrame:
    """Return assessments and reported remissions in time, with the state before each and after it."""
    good = pl.col("category").is_in(REMISSIONS) & ~pl.col("diseased")
    state = pl.when("diseased").then(_DISEASE).when(good).then(_REMISSION)
    rows = seen.with_columns(state.alias("state"))
    told = _reported_remissions(history, rows)
    both = pl.concat([rows, told], how="diagonal_relaxed").sort("patient", "day", maintain_order=True)
    before = pl.col("state").forward_fill().shift(1).over("patient")
    after = pl.col("state").backward_fill().shift(-1).over("patient")
    good_day = pl.when(pl.col("state") == _REMISSION).then("day").forward_fill().shift(1).over("patient")
    return both.with_columns(before.alias("before"), after.alias("after"), good_day.alias("good_day"))


def _reported_remissions(history: History, rows: pl.DataFrame) -> pl.DataFrame:
    """Return reported remissions on days without an assessment that says more."""
    given = history.named("response", ("value",)).filter(pl.col("source") == "reported").drop_nulls("day")
    word = pl.col("value").str.strip_chars().str.to_lowercase()
    told = given.filter(word.is_in([name.lower() for name in REMISSIONS])).select("patient", "day")
    known = rows.filter(pl.col("state").is_not_null()).select("patient", "day")
    own = told.join(known, on=["patient", "day"], how="anti")
    return own.with_columns(pl.lit(_REMISSION).alias("state"))


def _relapsed(states: pl.DataFrame) -> pl.DataFrame:
    first = (pl.col("state") == _DISEASE) & (pl.col("before") == _REMISSION)
    return states.filter(first).with_columns(pl.lit("relapse").alias("kind"))


def _not_told_before(history: History, rows: pl.DataFrame, within: float) -> pl.DataFrame:
    """Leave out disease that a reported relapse, after the last remission and long before, already stands for."""
    told = history.named("relapse").filter(pl.col("source") == "reported").drop_nulls("day")
    days = told.select("patient", pl.col("day").alias("told")).unique().sort("told")
    until = rows.with_columns((pl.col("day") - within - 1).alias("until")).sort("until")
    both = until.join_asof(days, left_on="until", right_on="told", by="patient", check_sortedness=False)
    fresh = pl.col("told").is_null() | (pl.col("told") <= pl.col("good_day"))
    return both.filter(fresh).drop("told", "until")


def _progressed(states: pl.DataFrame, table: Mapping[str, Any]) -> pl.DataFrame:
    """Return the first growth, or new site, after a course that was followed by no remission."""
    earlier = pl.col("bm").forward_fill().shift(1).over("patient")
    grown = (pl.col("bm") >= earlier * (1 + float(table["growth"]))) & (earlier > 0) & pl.col("at_bm")
    new = (pl.col("emd") == "pd") | grown
    refractory = (pl.col("state") == _DISEASE) & (pl.col("before") == _DISEASE).fill_null(value=True)
    marked = states.with_columns(new.fill_null(value=False).alias("grown"))
    rows = marked.filter(refractory & pl.col("grown") & pl.col("course").is_not_null()).drop("grown")
    first = rows.unique(["patient", "course_kind", "course"], keep="first", maintain_order=True)
    return first.with_columns(pl.lit("progression").alias("kind"))


def _not_after(progressed: pl.DataFrame, relapsed: pl.DataFrame) -> pl.DataFrame:
    """Leave out what grew after a relapse of the same course: it is that relapse."""
    key = ["patient", "course_kind", "course"]
    first = relapsed.group_by(key).agg(pl.col("day").min().alias("relapsed"))
    both = progressed.join(first, on=key, how="left", maintain_order="left")
    return both.filter(pl.col("relapsed").is_null() | (pl.col("day") < pl.col("relapsed"))).drop("relapsed")


def _confirmed_by_reports(history: History, rows: pl.DataFrame, within: float) -> pl.DataFrame:
    told = history.named("relapse").filter(pl.col("source") == "reported")
    days = told.drop_nulls("day").select("patient", pl.col("day").alias("told"))
    keyed = rows.with_row_index("at")
    pairs = keyed.select("at", "patient", "day").join(days, on="patient")
    near = pairs.filter((pl.col("told") - pl.col("day")).abs() <= within)["at"].unique().implode()
    again = (
        pl.when(pl.col("after") == _DISEASE)
        .then(pl.lit(value=True))
        .when(pl.col("after") == _REMISSION)
        .then(pl.lit(value=False))
    )
    return keyed.with_columns(
        pl.when(pl.col("at").is_in(near)).then(pl.lit(value=True)).otherwise(again).alias("confirmed")
    ).drop("at")


def _described(rows: pl.DataFrame) -> pl.DataFrame:
    names = pl.concat_list(pl.when(f"at_{site}").then(pl.lit(site)) for site in SITES).list.drop_nulls()
    one = names.list.len() == 1
    marrow = pl.col("at_bm")
    elsewhere = pl.when(one & ~marrow & pl.col("marrow_clear")).then(pl.lit(value=True))
    looked = pl.col("csf_done") & pl.col("emd_done")
    alone = pl.when(marrow & looked).then(pl.lit(value=True)).otherwise(elsewhere)
    isolated = pl.when(~one).then(pl.lit(value=False)).otherwise(alone)
    only_cns = pl.when(pl.col("at_cns")).then(isolated).otherwise(pl.lit(value=False))
    return rows.with_columns(
        names.list.join("+").alias("site"), isolated.alias("isolated"), only_cns.alias("isolated_cns")
    )


def _mrd_relapses(history: History, states: pl.DataFrame, limit: float) -> pl.DataFrame:
    """Return losses of MRD negativity in remission; confirmed where the next sample is positive, too, or overt disease.

    The marrow counts where it was sampled on the same day as blood.
    """
    samples = history.graded.get("mrd")
    if samples is None:
        return pl.DataFrame(schema={"patient": pl.Int64, "day": pl.Float64, "kind": pl.String})
    daily = (
        daily_mrd(samples, limit=limit)
        .sort("patient", "on", "marrow")
        .unique(["patient", "on"], keep="last", maintain_order=True)
    )
    unmeasured = (pl.col("mrd_status") == "positive") & pl.col("mrd").is_null()
    positive = pl.col("mrd_high").fill_null(value=False) | unmeasured
    state = pl.when(positive).then(1).when(pl.col("mrd_status") == "negative").then(0)
    marked = daily.with_columns(state.alias("positive"))
    before = pl.col("positive").forward_fill().shift(1).over("patient")
    after = pl.col("positive").backward_fill().shift(-1).over("patient")
    sampled = pl.when(state.is_not_null()).then("on").backward_fill().shift(-1).over("patient")
    cleared = pl.when(state == 0).then("on").forward_fill().shift(1).over("patient")
    marked = marked.with_columns(
        before.alias("was"), after.alias("next"), sampled.alias("next_on"), cleared.alias("cleared")
    )
    lost = marked.filter((pl.col("positive") == 1) & (pl.col("was") == 0)).rename({"on": "day"})
    calm = _then_overt(_cleared_since_disease(_in_remission(lost, states), states), states)
    again = pl.when("overt").then(pl.lit(value=True)).otherwise(pl.col("next") == 1)
    return calm.select(
        "patient",
        "day",
        pl.lit("mrd_relapse").alias("kind"),
        pl.lit("mrd").alias("site"),
        again.alias("confirmed"),
        "mrd_status",
    )


def _cleared_since_disease(lost: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Return the rows whose negative sample came after the last disease: each remission has its own."""
    sick = states.filter(pl.col("state") == _DISEASE).select("patient", pl.col("day").alias("sick")).sort("sick")
    joined = (
        lost.drop("seen")
        .sort("day")
        .join_asof(sick, left_on="day", right_on="sick", by="patient", check_sortedness=False)
    )
    later = pl.col("sick").is_null() | (pl.col("cleared") > pl.col("sick"))
    return joined.filter(later).drop("sick", "cleared").sort("patient", "day")


def _then_overt(lost: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Add ``overt``: whether the next finding after the loss is disease, before another sample was tested."""
    later = states.drop_nulls("state").select("patient", pl.col("day").alias("found"), pl.col("state").alias("then"))
    keyed = lost.with_columns((pl.col("day") + 0.5).alias("from")).sort("from")
    joined = keyed.join_asof(
        later.sort("found"), left_on="from", right_on="found", by="patient", strategy="forward", check_sortedness=False
    )
    first = pl.col("next_on").is_null() | (pl.col("found") <= pl.col("next_on"))
    overt = ((pl.col("then") == _DISEASE) & first).fill_null(value=False)
    return joined.with_columns(overt.alias("overt")).drop("state", "until").sort("patient", "day")


def _in_remission(lost: pl.DataFrame, states: pl.DataFrame) -> pl.DataFrame:
    """Return the rows on whose day the last assessment found no disease, nor one within a week after."""
    informed = states.drop_nulls("state").select("patient", pl.col("day").alias("seen"), "state").sort("seen")
    late = lost.with_columns((pl.col("day") + 7).alias("until")).sort("until")
    joined = late.join_asof(informed, left_on="until", right_on="seen", by="patient", check_sortedness=False)
    return joined.filter(pl.col("state") == _REMISSION).sort("patient", "day")


def _after_course(history: History, rows: pl.DataFrame) -> pl.DataFrame:
    """Add the latest course before each row, whatever began since, and the targets of the last product."""
    opened = courses(history).with_columns(pl.lit(None, pl.Float64).alias("stop"))
    keyed = rows.drop("course_kind", "course", "course_day", "since", strict=False).with_row_index("at")
    slim = keyed.select("at", "patient", "day")
    inside = in_courses(slim, opened, kinds=KINDS, first_day=1)
    placed = keyed.join(inside.drop("patient", "day"), on="at", how="left", maintain_order="left")
    if "targets" not in opened.columns:
        return placed.with_columns(pl.lit("cd19").alias("target")).drop("at")
    infusions = opened.filter(pl.col("kind") == "infusion")
    aims = in_courses(slim, infusions.drop("targets"), first_day=1)
    named = aims.join(infusions.select("patient", "course", "targets"), on=["patient", "course"], how="left")
    target = pl.col("targets").str.to_lowercase().str.extract("(cd19|cd22|cd7)").fill_null("cd19").alias("target")
    found = named.select("at", target).unique("at")
    joined = placed.join(found, on="at", how="left", maintain_order="left")
    return joined.with_columns(pl.col("target").fill_null("cd19")).drop("at")


def _antigens(rows: pl.DataFrame) -> pl.DataFrame:
    """Add the antigen of the target: of overt relapses only."""
    ready = rows.with_columns(
        pl.lit(None, kind).alias(name)
        for name, kind in (*((name, pl.String) for name in TARGETS), ("lineage_switch", pl.Boolean))
        if name not in rows.columns
    )
    own = pl.coalesce(pl.when(pl.col("target") == name).then(name) for name in TARGETS)
    switched = pl.col("lineage_switch").fill_null(value=False)
    antigen = pl.when(switched).then(pl.lit("lineage_switch")).otherwise(own.fill_null("not_tested"))
    overt = pl.col("kind") != "mrd_relapse"
    return ready.with_columns(pl.when(overt).then(antigen).alias("antigen")).with_columns(
        pl.when(overt).then(pl.col("antigen") != "not_tested").alias("tested")
    )
