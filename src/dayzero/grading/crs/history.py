"""CRS of a history: from the vital signs and the support of each infusion to a grade beside the reported one."""

from typing import Final

import polars as pl

from dayzero.errors import Finding, Level
from dayzero.grading.crs.placed import Placed, ungraded, until
from dayzero.grading.crs.reported import differing, reported_crs
from dayzero.grading.crs.summary import CrsCourses
from dayzero.grading.derived import RESULT, Derived, patient_rows, with_derived
from dayzero.grading.editions import edition, editions
from dayzero.history import History
from dayzero.protocol import Definitions

NOTHING: Final = pl.lit([], pl.List(pl.String))
COURSE: Final = ("patient", "course_kind", "course")


def grade_crs(history: History, scale: str = "", *, as_of: float | None = None) -> History:
    """Return the history with CRS graded from its vital signs and support.

    Parameters
    ----------
    history
        What happened, with the tables ``vitals`` or ``support``.
    scale
        The edition by which events are derived; empty: the default.
    as_of
        Day (of the history's clock) after which nothing is used: the history comes back as it was known then, without
        what other graders derived.

    Returns
    -------
    History
        With ``graded["crs"]`` (a row an infusion), ``graded["crs_scales"]`` and ``graded["crs_episodes"]``, and an
        event ``crs`` at the onset of each CRS of a certain grade.

    Raises
    ------
    InputError
        Where there is no such scale, or a cell cannot be read.
    """
    name = edition("crs", scale).name
    known = ungraded(history if as_of is None else until(history, as_of))
    return with_derived(known, derive_crs(known, Definitions(crs=name)))


def derive_crs(history: History, definitions: Definitions) -> Derived:
    """Derive the grade of CRS after each infusion.

    Parameters
    ----------
    history
        What happened; without the tables ``vitals`` and ``support`` nothing is derived.
    definitions
        Its ``crs`` names the scale.
    """
    scale = edition("crs", definitions.crs)
    if not {"vitals", "support"} & set(history.tables):
        return Derived()
    graded = CrsCourses(Placed(history), scale)
    reported, scales = reported_crs(graded.placed), graded.scales
    crs = _crs(graded, reported)
    certain = crs.filter(pl.col("evaluable") & (pl.col("lower") > 0) & (pl.col("course_kind") == "infusion"))
    places = graded.placed.opened.select("group", "patient", pl.col("kind").alias("course_kind"), "course")
    superseded = reported.filter(pl.col("group").is_in(certain["group"].implode()))["row"]
    return Derived(
        results={
            "crs": crs.drop("group"),
            "crs_scales": _scales(scales, places),
            "crs_episodes": _placed(graded.episodes, places),
        },
        events=_events(certain),
        superseded=tuple(superseded.to_list()),
        findings=(
            *differing(history, reported, scales, scale.name),
            *_remarkable(history, crs),
        ),
    )


def _placed(rows: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    joined = rows.join(places, on="group", maintain_order="left")
    return joined.select(*COURSE, *(name for name in rows.columns if name != "group"))


def _scales(scales: pl.DataFrame, places: pl.DataFrame) -> pl.DataFrame:
    """Return the bounds of every course under every scale, and whether two scales certainly disagree."""
    names = pl.DataFrame({"scale": list(editions("crs"))})
    every = places.join(names, how="cross", maintain_order="left_right")
    joined = every.join(scales, on=["group", "scale"], how="left", maintain_order="left")
    rows = joined.filter((pl.col("course_kind") == "infusion") | pl.col("lower").is_not_null())
    filled = rows.with_columns(pl.col("lower").fill_null(0), pl.col("upper").fill_null(5))
    differ = (pl.col("lower").max() > pl.col("upper").min()).over(COURSE)
    return filled.select(*COURSE, "scale", "lower", "upper", differ.alias("differ"))


def _crs(graded: CrsCourses, reported: pl.DataFrame) -> pl.DataFrame:
    """Return one row an infusion, and one a later transplant that has measurements."""
    opened = graded.placed.opened.select("group", "patient", pl.col("kind").alias("course_kind"), "course", "day")
    opened = opened.rename({"day": "course_day"})
    joined = opened.join(graded.results, on="group", how="left", maintain_order="left")
    joined = joined.filter((pl.col("course_kind") == "infusion") | pl.col("lower").is_not_null())
    stated = reported.drop_nulls("group").group_by("group").agg(pl.col("value").max().alias("reported"))
    for more in (stated, _courses_of(graded), graded.hours, _sensitivity(graded), _doses(graded)):
        joined = joined.join(more, on="group", how="left", maintain_order="left")
    assumed = _with(pl.col("assumptions"), _assumed(graded.placed))
    return _worded(joined.with_columns(pl.lit(graded.scale.name).alias("scale"), assumed.alias("assumptions")))


def _assumed(placed: Placed) -> dict[str, pl.Expr]:
    """Return what was assumed in reading the support table, and at which patients."""
    marks: dict[str, pl.Expr] = {}
    if placed.support is not None:
        logged = pl.col("patient").is_in(placed.support["patient"].unique().implode())
        marks = {"not_given_where_not_logged": logged, "measurements_hold_for_a_day": logged}
        if "age" not in placed.history.patients.columns:
            pressure = placed.support.filter(pl.col("kind").is_in(["sbp", "map"]))["patient"].unique()
            marks["adult_where_age_is_not_there"] = pl.col("patient").is_in(pressure.implode())
    if "o2_baseline" in placed.history.patients.columns:
        home = placed.history.patients["o2_baseline"].is_not_null().arg_true().cast(pl.Int64)
        marks["oxygen_at_home_is_none"] = pl.col("patient").is_in(home.implode())
    return marks


def _late_after() -> int:
    return int(edition("crs_support").table["course"]["late_after_days"])


def _worded(rows: pl.DataFrame) -> pl.DataFrame:
    """Fill in what was not measured, and name what a reader must know."""
    graded = pl.col("lower").is_not_null()
    lower, upper = pl.col("lower").fill_null(0), pl.col("upper").fill_null(5)
    missing = pl.when(graded).then("missing").otherwise(pl.lit(["vitals"], pl.List(pl.String)))
    days_to_onset = (pl.col("onset").floor() - pl.col("course_day")).alias("days_to_onset")
    late = (days_to_onset > _late_after()).fill_null(value=False)
    ambiguous = pl.col("lower_sensitivity").is_not_null()
    after_hsct = pl.when(pl.col("course_kind") == "hsct").then(pl.lit("after_hsct"))
    attribution = after_hsct.when(ambiguous).then(pl.lit("ambiguous")).otherwise(pl.lit("infusion"))
    stands = ~graded & pl.col("reported").is_not_null()
    findings = _with(pl.col("findings").fill_null(NOTHING), {"late_onset": late, "reported_grade_stands": stands})
    assumed = _with(pl.col("assumptions").fill_null(NOTHING), {"neutropenic_fever_counts": ambiguous})
    certain = lower == upper
    return rows.with_columns(
        pl.when(certain).then(lower).alias("grade"),
        lower.alias("lower"),
        upper.alias("upper"),
        certain.alias("evaluable"),
        pl.col("drivers").fill_null(NOTHING),
        missing.alias("missing"),
        findings.alias("findings"),
        assumed.alias("assumptions"),
        days_to_onset,
        late.alias("late_onset"),
        attribution.alias("attribution"),
        pl.coalesce("lower_sensitivity", lower).alias("lower_sensitivity"),
        pl.coalesce("upper_sensitivity", upper).alias("upper_sensitivity"),
    ).select(
        *RESULT,
        *("onset", "resolution", "episodes", "duration_days", "unresolved", "days_to_onset", "late_onset"),
        *("h1", "h2", "h3", "h4", "tocilizumab_doses", "steroid_doses"),
        *("attribution", "lower_sensitivity", "upper_sensitivity", "reported", "group"),
    )


def _with(names: pl.Expr, marks: dict[str, pl.Expr]) -> pl.Expr:
    """Return lists of names with further ones where they hold."""
    for name, holds in marks.items():
        names = pl.when(holds).then(names.list.concat(pl.lit([name], pl.List(pl.String)))).otherwise(names)
    return names


def _courses_of(graded: CrsCourses) -> pl.DataFrame:
    """Return by course its onset, its last resolution, and how long its episodes lasted; null while one is open."""
    open_ = (pl.col("ended") != "resolved").any()
    return graded.episodes.group_by("group", maintain_order=True).agg(
        pl.col("onset").first(),
        pl.when(~open_).then(pl.col("resolution").last()).alias("resolution"),
        pl.len().cast(pl.Int64).alias("episodes"),
        pl.when(~open_).then(pl.col("duration_days").sum()).alias("duration_days"),
        open_.alias("unresolved"),
    )


def _sensitivity(graded: CrsCourses) -> pl.DataFrame:
    return graded.sensitivity.rename({"lower": "lower_sensitivity", "upper": "upper_sensitivity"})


def _doses(graded: CrsCourses) -> pl.DataFrame:
    """Return by course how many doses of tocilizumab and of steroids the support table holds; null without one."""
    support, names = graded.placed.support, ("tocilizumab", "steroid")
    if support is None:
        empty = {f"{name}_doses": pl.Int64 for name in names}
        return pl.DataFrame(schema={"group": pl.Int64, **empty})
    kinds = set(support["kind"].drop_nulls().unique().to_list())
    given = support.filter(pl.col("kind").is_in(names))
    placed = graded.placed.place(given.select("patient", "day"))
    at = placed.with_columns(given["kind"][placed["at"]])
    counts = at.group_by("group").agg(
        (pl.col("kind") == name).sum().cast(pl.Int64).alias(f"{name}_doses") for name in names
    )
    every = graded.placed.opened.select("group").join(counts, on="group", how="left")
    return every.select(
        "group",
        *(
            (pl.col(f"{name}_doses").fill_null(0) if name in kinds else pl.lit(None, pl.Int64)).alias(f"{name}_doses")
            for name in names
        ),
    )


def _events(certain: pl.DataFrame) -> pl.DataFrame:
    """Return an event at the onset of each CRS of a certain grade."""
    return certain.select(
        "patient",
        pl.lit("crs").alias("event"),
        pl.coalesce("onset", "day").floor().alias("day"),
        pl.col("lower").cast(pl.String).alias("value"),
        pl.col("course").cast(pl.String),
        "course_kind",
        "scale",
    )


def _remarkable(history: History, crs: pl.DataFrame) -> tuple[Finding, ...]:
    """Return what the courses show that a reader must know."""
    present = pl.col("lower") > 0
    cases: tuple[tuple[Level, str, pl.Expr, str, str], ...] = (
        (
            *("warning", "crs-late-onset", pl.col("late_onset") & (pl.col("course_kind") == "infusion")),
            f"CRS began later than {_late_after()} days after the infusion",
            "Look for another cause; it is counted.",
        ),
        (
            *("warning", "crs-after-hsct", present & (pl.col("attribution") == "after_hsct")),
            "What would be CRS stands after a transplant that followed an infusion; it makes no event",
            "CAR-T can expand again after a transplant: report it as an event crs if it was.",
        ),
        (
            *("warning", "crs-neutropenic-fever", present & (pl.col("attribution") == "ambiguous")),
            "What is graded as CRS has a fever within days 2 to 14 after an autologous transplant; it is counted",
            "The bounds without it stand in lower_sensitivity and upper_sensitivity.",
        ),
        (
            *("note", "crs-not-evaluable", ~pl.col("evaluable")),
            "The grade of CRS is not certain from the tables; a reported grade stands",
            "Fill in what is not known: the column missing of the results names it.",
        ),
    )
    found = [(level, code, crs.filter(where)["patient"], text, mend) for level, code, where, text, mend in cases]
    return tuple(
        Finding(level, code, f"{text}: {_courses(len(who))}.", mend, patient_rows=patient_rows(history, who))
        for level, code, who, text, mend in found
        if len(who)
    )


def _courses(n: int) -> str:
    return f"{n} course" if n == 1 else f"{n} courses"
