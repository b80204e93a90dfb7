"""Causes of death: relapse, or not, by a hierarchy; the immediate cause decides only within non-relapse mortality.

Whoever relapsed or progressed after day zero, or was never in remission, dies of the disease whatever the immediate
cause. All other deaths are non-relapse mortality; a death before the first assessment, too, and that is said.
"""

from typing import Any, Final

import polars as pl

from dayzero.errors import Finding
from dayzero.grading.courses import courses
from dayzero.grading.derived import Derived, patient_rows, with_derived
from dayzero.grading.editions import Edition, edition
from dayzero.history import History
from dayzero.protocol import Definitions
from dayzero.protocol.term import parse_term

RELAPSES: Final = ("relapse", "progression")
ASSESSED: Final = ("assessments", "mrd")
"""Tables whose rows, beside responses and MRD results, are assessments of the disease."""
COLUMNS: Final = ("patient", "day", "category", "sub_cause", "reported", "after_relapse", "basis", "scale")


def grade_deaths(history: History, *, day_zero: str = "infusion:1") -> History:
    """Return the history with a category of each death in ``graded["deaths"]``.

    Parameters
    ----------
    history
        What happened.
    day_zero
        The term from which relapses count; what came before is history. Of a term with conditions only the name and the
        number are read; patients without it count from their first infusion or transplant.
    """
    return with_derived(history, derive_deaths(history, Definitions(day_zero=day_zero)))


def derive_deaths(history: History, definitions: Definitions) -> Derived:
    """Derive the category of each death; no event is added, and none replaced.

    Parameters
    ----------
    history
        Events ``death`` (its attribute ``cause``, else its value, is the reported cause; ``related`` says whether it
        was related to the treatment), ``relapse``, ``progression``, ``response``.
    definitions
        ``day_zero`` is the term from which relapses and responses count.

    Returns
    -------
    Derived
        ``results["deaths"]``, a row a dead patient: ``day``; ``category``: relapse, nrm, unknown; ``sub_cause`` of
        non-relapse mortality (gvhd, infection, organ, crs, icans, haemorrhage, second_cancer, other, unknown), else
        null; ``reported``: the same of the reported cause, also relapse and treatment; ``after_relapse``, null where a
        relapse has no day; ``basis``: why. Only who had day zero can have died before the first assessment after it.
    """
    chosen = edition("death_causes")
    deaths = _deaths(history, chosen)
    if not deaths.height:
        return Derived()
    zero = _day_zero(history, definitions.day_zero, deaths["patient"])
    known = deaths.join(zero, on="patient", how="left").with_columns(pl.col("zero").fill_null(float("-inf")))
    known = known.with_columns(pl.col("begun").fill_null(value=False))
    facts = _assessed(history, _responses(history, _relapses(history, known), chosen))
    results = _categories(facts)
    shown = results.with_columns(pl.lit(chosen.name).alias("scale")).select(COLUMNS).sort("patient")
    return Derived(results={"deaths": shown}, findings=_findings(history, results, chosen))


def _deaths(history: History, chosen: Edition) -> pl.DataFrame:
    """Return patient, day, reported cause, and whether it is said to be related to treatment; one row a patient."""
    rows = history.named("death", ("value", "cause", "related", "row")).sort("day", nulls_last=True)
    first = rows.unique("patient", keep="first", maintain_order=True)
    nothing = pl.lit(None, pl.String)
    cause = pl.col("cause") if "cause" in first.columns else nothing
    related = pl.col("related") if "related" in first.columns else nothing
    text = pl.coalesce(cause, "value").fill_null("").str.strip_chars().str.to_lowercase()
    named = [pl.when(text.str.contains(rule["pattern"])).then(pl.lit(rule["name"])) for rule in chosen.table["causes"]]
    said = related.fill_null("").str.strip_chars().str.to_lowercase()
    is_related = said.str.contains(r"^(yes|true|1)$|treatment|transplant|\bcar\b|product") & ~said.str.contains(
        r"^(un|not|no\b)"
    )
    return first.select(
        "patient", "day", "row", pl.coalesce(*named, pl.lit("other")).alias("reported"), is_related.alias("related")
    )


def _day_zero(history: History, text: str, dead: pl.Series) -> pl.DataFrame:
    """Return ``patient``, ``zero`` and ``begun``: the day of the term's event; of the dead without it the first course.

    ``begun`` says that it is the term's.
    """
    term = parse_term(text)
    rows = history.named(term.name, ("number",)).drop_nulls("day").sort("patient", "day", maintain_order=True)
    place = pl.int_range(1, pl.len() + 1).over("patient")
    wanted = rows.filter(pl.col("number").fill_null(place) == (term.number or 1))
    own = wanted.group_by("patient").agg(pl.col("day").min().alias("zero"), pl.lit(value=True).alias("begun"))
    if dead.is_in(own["patient"].implode()).all():
        return own
    first = (
        courses(history).group_by("patient").agg(pl.col("day").min().alias("zero"), pl.lit(value=False).alias("begun"))
    )
    return pl.concat([own, first.join(own, on="patient", how="anti")])


def _relapses(history: History, known: pl.DataFrame) -> pl.DataFrame:
    """Add whether a relapse lies between day zero and death (that day included), and whether one has no day."""
    frames = [history.named(name, ()).select("patient", pl.col("day").alias("at")) for name in RELAPSES]
    rows = pl.concat(frames).join(known.select("patient", "day", "zero"), on="patient")
    before = pl.col("day").is_null() | (pl.col("at") <= pl.col("day"))
    each = rows.group_by("patient").agg(
        ((pl.col("at") > pl.col("zero")) & before).any().alias("relapsed"),
        pl.col("at").is_null().any().alias("undated"),
    )
    joined = known.join(each, on="patient", how="left")
    return joined.with_columns(pl.col("relapsed", "undated").fill_null(value=False))


def _responses(history: History, known: pl.DataFrame, chosen: Edition) -> pl.DataFrame:
    """Add whether the disease persisted in a response from day zero to death, and whether it ever remitted."""
    value = pl.col("value").fill_null("").str.strip_chars().str.to_lowercase()
    rows = history.named("response", ("value",)).select("patient", pl.col("day").alias("at"), value.alias("value"))
    own = rows.join(known.select("patient", "day", "zero"), on="patient")
    each = (
        own.filter(_IN_TIME)
        .group_by("patient")
        .agg(
            pl.col("value").is_in(chosen.table["no_remission"]).any().alias("persisted"),
            pl.col("value").is_in(chosen.table["remission"]).any().alias("remitted"),
        )
    )
    joined = known.join(each, on="patient", how="left")
    return joined.with_columns(pl.col("persisted", "remitted").fill_null(value=False))


_IN_TIME: Final = (pl.col("at") > pl.col("zero")) & (pl.col("day").is_null() | (pl.col("at") <= pl.col("day")))


def _assessed(history: History, known: pl.DataFrame) -> pl.DataFrame:
    """Add whether the disease was assessed from day zero to death, and whether the study assesses it at all."""
    frames = [history.named(name, ()) for name in ("response", "mrd")]
    frames += [history.tables[name] for name in ASSESSED if name in history.tables]
    rows = pl.concat([frame.select("patient", pl.col("day").alias("at")) for frame in frames])
    own = known.select("patient", "day", "zero").join(rows, on="patient").filter(_IN_TIME)
    assessed = pl.col("patient").is_in(own["patient"].unique().implode()).alias("assessed")
    return known.with_columns(assessed, pl.lit(value=rows.height > 0).alias("study_assesses"))


def _categories(facts: pl.DataFrame) -> pl.DataFrame:
    never = pl.col("persisted") & ~pl.col("remitted")
    early = pl.col("begun") & pl.col("study_assesses") & ~pl.col("assessed")
    basis = (
        pl.when("relapsed").then(pl.lit("relapse_before_death"))
        .when(never).then(pl.lit("never_in_remission"))
        .when(pl.col("reported") == "relapse").then(pl.lit("reported_cause_alone"))
        .when("undated").then(pl.lit("relapse_without_a_day"))
        .when(early).then(pl.lit("died_before_first_assessment"))
        .otherwise(pl.lit("no_relapse_before_death"))
    )  # fmt: skip
    by_basis = {
        "relapse_before_death": "relapse",
        "never_in_remission": "relapse",
        "reported_cause_alone": "relapse",
        "relapse_without_a_day": "unknown",
        "died_before_first_assessment": "nrm",
        "no_relapse_before_death": "nrm",
    }
    named = facts.with_columns(basis.alias("basis")).with_columns(
        pl.col("basis").replace_strict(by_basis).alias("category")
    )
    within = pl.when(pl.col("reported") == "treatment").then(pl.lit("unknown")).otherwise("reported")
    after = pl.when("relapsed").then(pl.lit(value=True)).when(~pl.col("undated")).then(pl.lit(value=False))
    return named.with_columns(
        pl.when(pl.col("category") == "nrm").then(within).alias("sub_cause"), after.alias("after_relapse")
    )


def _findings(history: History, results: pl.DataFrame, chosen: Edition) -> tuple[Finding, ...]:
    treated = pl.col("reported").is_in(chosen.table["of_treatment"]) | pl.col("related")
    early, alone = (pl.col("basis") == name for name in ("died_before_first_assessment", "reported_cause_alone"))
    told: tuple[tuple[str, Any, str, str], ...] = (
        (
            "death-cause-contradicts-relapse",
            pl.col("relapsed") & treated,
            "Deaths after relapse whose cause is coded as related to treatment: {n}; they count as relapse deaths.",
            "Correct the cause, or the relapse.",
        ),
        (
            "relapse-death-without-relapse",
            alone,
            "Deaths coded as of the disease, without a relapse or progression: {n}; relapse deaths in this table.",
            "Add the relapse or progression with its date.",
        ),
        (
            "death-before-first-assessment",
            early,
            "Deaths before the first assessment after day zero, without progression: {n}; non-relapse mortality.",
            "Add the assessment where one was made; else there is nothing to mend.",
        ),
    )
    found = []
    for code, which, words, mend in told:
        rows = results.filter(which)
        if rows.height:
            message, lines = words.format(n=rows.height), tuple(rows["row"].sort().to_list())
            found.append(
                Finding("note", code, message, mend=mend, table="events", rows=lines,
                        patient_rows=patient_rows(history, rows["patient"]))
            )  # fmt: skip
    return tuple(found)
