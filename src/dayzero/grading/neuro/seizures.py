"""The seizure rule of ICANS: whoever has a seizure has grade 3 at least, so a lower reported grade is a fault.

It holds under ASTCT alone (clinical rule book 2.2, guard SEIZURE_ICANS3): a brief seizure can be grade 1 under CTCAE.
"""

from typing import Final

import polars as pl

from dayzero.errors import Finding
from dayzero.grading.courses import courses, in_courses
from dayzero.grading.derived import patient_rows
from dayzero.grading.editions import edition
from dayzero.grading.frames import COURSE, to_the_end
from dayzero.grading.reported import reported_in
from dayzero.history import History

CODE: Final = "seizure-below-grade-3"
WORDS: Final = r"(?i)seizure|convuls|epilep|status epilepticus"
PREVENTED: Final = r"(?i)anti-?(epilep|convuls)\w*|(seizure|convulsion|epilepsy) prophyla\w*"
NAMES: Final = ("icans", "neurotoxicity", "seizure", "seizures", "convulsion", "convulsions", "epilepsy")
_NO: Final = r"(?i)^\s*(no|none|never|absent|0|false|without)\b"


def seizures_below(history: History, scale: str) -> tuple[Finding, ...]:
    """Find seizures in courses whose highest reported ICANS is below the grade that a seizure alone gives.

    Parameters
    ----------
    history
        Seizures stand in the table ``neuro`` (rows without another cause), or are named by a reported event of
        neurotoxicity: its name, its value or an attribute.
    scale
        The edition of ICANS; reported grades of another scale are not looked at.

    Returns
    -------
    tuple
        One error, or none.
    """
    chosen = edition("icans", scale)
    if "neuro" not in history.tables and not history.events["event"].is_in(NAMES).any():
        return ()
    opened = to_the_end(courses(history))
    kinds = opened["kind"].unique().sort().to_list() or ["infusion"]
    kinds = sorted(kinds, key=lambda kind: kind != "infusion")
    seized = pl.concat([_named(history, opened, kinds), _observed(history, opened, kinds)]).unique()
    graded = pl.concat([_events(history, opened, kinds, scale), _bedside(history, opened, kinds)])
    highest = graded.with_columns(pl.col("grade").max().over(COURSE).alias("most"))
    low = highest.filter(pl.col("most") < chosen.table["seizure_at_least"])
    wrong = low.join(seized, on=list(COURSE), how="semi", nulls_equal=True)
    return (_finding(history, wrong),) if wrong.height else ()


def _finding(history: History, wrong: pl.DataFrame) -> Finding:
    n = wrong["patient"].n_unique()
    who = "1 patient" if n == 1 else f"{n} patients"
    return Finding(
        "error",
        CODE,
        f"{who} with a seizure and a reported ICANS below grade 3: under ASTCT any seizure is grade 3 at least.",
        mend="Correct the grade, or name the scale in which it was given.",
        table="events",
        rows=tuple(wrong["row"].drop_nulls().unique().sort().to_list()),
        patient_rows=patient_rows(history, wrong["patient"]),
    )


def _named(history: History, opened: pl.DataFrame, kinds: list[str]) -> pl.DataFrame:
    """Return the courses in which a reported event names a seizure."""
    texts = ["value", *(name for name in history.attributes if name not in ("scale", "course", "course_kind"))]
    says = pl.any_horizontal(_says(pl.col(name)) for name in texts)
    event = pl.col("event").cast(pl.String)
    named = event.str.contains(WORDS) & ~pl.col("value").fill_null("").str.contains(_NO)
    own = history.events.filter((pl.col("source") == "reported") & event.is_in(NAMES))
    wanted = own.filter(says | named)
    present = sorted(wanted["event"].cast(pl.String).unique())
    frames = [reported_in(history, name, opened, kinds=kinds) for name in present]
    keys = [frame.filter(pl.col("row").is_in(wanted["row"].implode())).select(COURSE) for frame in frames]
    return pl.concat([opened.select("patient", pl.col("kind").alias("course_kind"), "course").clear(), *keys])


def _says(text: pl.Expr) -> pl.Expr:
    """Return whether a text names a seizure, and does not begin with a denial."""
    plain = text.str.replace_all(PREVENTED, "")
    return (plain.str.contains(WORDS) & ~plain.str.contains(_NO)).fill_null(value=False)


def _observed(history: History, opened: pl.DataFrame, kinds: list[str]) -> pl.DataFrame:
    """Return the courses in which the table ``neuro`` has a seizure without another cause."""
    table = history.tables.get("neuro")
    if table is None or "seizure" not in table.columns:
        return opened.select("patient", pl.col("kind").alias("course_kind"), "course").clear()
    word = pl.col("seizure").str.strip_chars().str.to_lowercase()
    there = table.filter(word.is_in(["brief", "prolonged"]) & ~_set(table, "other_cause"))
    return _placed(there, opened, kinds).select(COURSE)


def _set(table: pl.DataFrame, name: str) -> pl.Expr:
    if name not in table.columns:
        return pl.lit(value=False)
    return pl.col(name).str.strip_chars().str.to_lowercase().is_in(["true", "yes", "1"]).fill_null(value=False)


def _events(history: History, opened: pl.DataFrame, kinds: list[str], scale: str) -> pl.DataFrame:
    """Return the reported grades of ICANS; of neurotoxicity those that are said to be on ICANS's scale."""
    icans = reported_in(history, "icans", opened, kinds=kinds).filter(pl.col("scale").fill_null(scale) == scale)
    other = reported_in(history, "neurotoxicity", opened, kinds=kinds).filter(pl.col("scale") == scale)
    return pl.concat([icans, other]).drop_nulls("grade").select(*COURSE, "grade", "row")


def _bedside(history: History, opened: pl.DataFrame, kinds: list[str]) -> pl.DataFrame:
    """Return the grades that the table ``neuro`` reports; their rows stand in another file, and are left null."""
    table = history.tables.get("neuro")
    if table is None or "reported_grade" not in table.columns:
        return pl.DataFrame(schema={**_KEYS, "grade": pl.Int64, "row": pl.Int64})
    grade = pl.col("reported_grade").cast(pl.Float64, strict=False).cast(pl.Int64)
    rows = table.select("patient", "day", grade.alias("grade")).drop_nulls("grade")
    return _placed(rows, opened, kinds).select(*COURSE, "grade", pl.lit(None, pl.Int64).alias("row"))


_KEYS: Final = {"patient": pl.Int64, "course_kind": pl.String, "course": pl.Int64}


def _placed(rows: pl.DataFrame, opened: pl.DataFrame, kinds: list[str]) -> pl.DataFrame:
    """Return rows with their course, null where they lie in none."""
    at = rows.drop(["course", "course_kind"], strict=False).with_row_index("at")
    inside = in_courses(at.select("at", "patient", "day"), opened, kinds=kinds).select("at", "course_kind", "course")
    return at.join(inside, on="at", how="left", maintain_order="left")
