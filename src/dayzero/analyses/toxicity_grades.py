"""The highest grade of each patient and course, from what was derived, else from what was reported."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.grading.courses import courses
from dayzero.grading.gvhd.donors import given_cells
from dayzero.history import History

Floats = npt.NDArray[np.float64]
GRADED: Final = ("crs", "icans", "neurotoxicity", "iec_hs", "icaht", "t_icaht", "agvhd", "cgvhd", "sos", "infection")
"""Toxicities by default, in the order of the page; those of which the study knows nothing are left out."""
HIGHEST: Final = {"icaht": 4, "t_icaht": 4, "agvhd": 4, "cgvhd": 3}
GVHD: Final = ("agvhd", "cgvhd")
_WORDS: Final = {
    "none": 0, "no": 0, "absent": 0, "mild": 1, "moderate": 2, "severe": 3,
    "i": 1, "ii": 2, "iii": 3, "iv": 4, "v": 5,
}  # fmt: skip
_NUMBER: Final = r"^(?:grade|gr\.?)?\s*(>=|≥)?\s*([0-5])(?:\.0+)?(?:\s*(?:-|–|to|/)\s*([0-5]))?$"
_ATTRIBUTES: Final = ("scale", "course", "course_kind", "duration_days")
_KEYS: Final = ["patient", "kind", "course"]
_DERIVED: Final = {
    "lower": pl.Int64, "upper": pl.Int64, "scale": pl.String, "days_to_onset": pl.Float64,
    "duration_days": pl.Float64, "unresolved": pl.Boolean,
}  # fmt: skip


@dataclass(frozen=True)
class Toxicity:
    """The grades of one toxicity.

    Attributes
    ----------
    name
        The event.
    rows
        A row a patient and course that can have it: ``patient``; ``kind`` of the course (infusion, hsct, dli) and
        ``course``, its number; ``lower`` and ``upper``, which are equal where the grade is certain; ``scale``, null
        where nobody states it, and ``from_table``, whether the grade is derived; ``onset`` and ``duration`` in days,
        null where they are unknown; ``unresolved``: the duration is that of what was seen.
    unattributed
        Rows in the events file of reported events that lie in no course.
    derived
        Whether grades were derived from tables: then silence is unknown, else it is no toxicity.
    unseen
        Kinds of courses after which nobody was looked at, and how many patients had them: they have no rows.
    """

    name: str
    rows: pl.DataFrame
    unattributed: tuple[int, ...] = ()
    derived: bool = False
    unseen: tuple[tuple[str, int], ...] = ()

    @property
    def highest(self) -> int:
        """The highest grade that there is."""
        return HIGHEST.get(self.name, 5)


def known_toxicities(history: History) -> tuple[str, ...]:
    """Return the toxicities of which the study has events or derived grades."""
    names = set(history.events["event"].unique().to_list()) | set(history.graded)
    return tuple(name for name in GRADED if name in names)


def grades_of(history: History, name: str, *, since: Floats | None = None) -> Toxicity:
    """Return the grades of one toxicity, a row a patient and course.

    Parameters
    ----------
    history, name
        What happened, and the toxicity.
    since
        (patients,) each patient's day zero: transplants of years before it are history, not courses of the study.

    Notes
    -----
    A certain derived grade counts; else what was reported (also beside a derived grade of 0, which supersedes
    nothing); else the bounds of the derived grade. A course without any of them has no toxicity where the study has
    reports alone, and an unknown one where its grades are derived from tables.
    """
    opened = at_risk(history, name)
    if since is not None:
        zero = since[opened["patient"].to_numpy()]
        opened = opened.filter(pl.Series(~(opened["day"].to_numpy() < zero) | ~np.isfinite(zero), dtype=pl.Boolean))
    events = _graded_events(history, name)
    placed = _placed(events, opened, name)
    derived = _derived(history, name)
    silent = 0 if derived is None else HIGHEST.get(name, 5)
    table = _NOTHING if derived is None else derived
    found = opened.join(_by_course(placed), on=_KEYS, how="left", maintain_order="left")
    found = found.join(table, on=_KEYS, how="left", maintain_order="left")
    lost = events.filter(~pl.col("row").is_in(placed["row"].to_list()) & (pl.col("row") > 0))
    rows = _combined(found, silent)
    seen, unseen = _looked_at(rows, name) if name in GVHD and derived is not None else (rows, ())
    return Toxicity(name, seen, tuple(lost["row"].to_list()), derived is not None, unseen)


def _looked_at(rows: pl.DataFrame, name: str) -> tuple[pl.DataFrame, tuple[tuple[str, int], ...]]:
    """Return the rows of kinds of courses after which anybody was looked at, and the patients of the other kinds.

    Acute GVHD is graded after every donor's cells, chronic GVHD after transplants alone.
    """
    unknown = (pl.col("lower") == 0) & (pl.col("upper") == HIGHEST[name])
    blank = rows.group_by("kind", maintain_order=True).agg(unknown.all().alias("blank"), pl.col("patient").n_unique())
    kinds = blank.filter("blank").select("kind", "patient")
    if kinds.height == blank.height:
        return rows, ()
    return rows.filter(~pl.col("kind").is_in(kinds["kind"].to_list())), tuple(kinds.iter_rows())


def at_risk(history: History, name: str) -> pl.DataFrame:
    """Return the courses that can bring a toxicity: ``patient``, ``kind``, ``course``, ``day``.

    GVHD comes of transplants that are not stated to be autologous, of donor lymphocytes, and of infusions that are
    stated to be a donor's; every other toxicity of infusions.
    """
    if name in GVHD:
        return given_cells(history).filter("from_donor").select(*_KEYS, "day")
    return courses(history, ("infusion",)).select(*_KEYS, "day")


def _graded_events(history: History, name: str) -> pl.DataFrame:
    """Return the events with their grade as bounds: an event without a legible grade has one of 1 or higher."""
    rows = history.named(name, ("value", "row", *_ATTRIBUTES))
    missing = [pl.lit(None, pl.String).alias(column) for column in _ATTRIBUTES if column not in rows.columns]
    text = pl.col("value").cast(pl.String).str.strip_chars().str.to_lowercase()
    first, last = text.str.extract(_NUMBER, 2).cast(pl.Int64), text.str.extract(_NUMBER, 3).cast(pl.Int64)
    word = text.replace_strict(_WORDS, default=None, return_dtype=pl.Int64)
    highest = HIGHEST.get(name, 5)
    open_ended = text.str.extract(_NUMBER, 1).is_not_null()
    lower = pl.coalesce(first, word, pl.lit(1)).clip(0, highest)
    upper = pl.when(open_ended).then(highest).otherwise(pl.coalesce(last, first, word, pl.lit(highest)))
    scale = pl.col("scale").str.strip_chars().str.to_lowercase().str.replace_all(r"[\s_]+", "-").replace({"": None})
    graded = rows.with_columns(missing).with_columns(
        lower.alias("lower"), upper.clip(0, highest).alias("upper"), scale.alias("scale")
    )
    return graded.with_columns(pl.max_horizontal("lower", "upper").alias("upper"))


def _placed(events: pl.DataFrame, opened: pl.DataFrame, name: str) -> pl.DataFrame:
    """Return the events that belong to a course: as they say themselves, else to the latest one on or before them.

    A course without its kind is an infusion, of GVHD a transplant; where there is none of that number, the day tells.
    """
    number, bare = pl.col("course").cast(pl.Int64, strict=False), pl.col("course_kind").is_null()
    kind = pl.col("course_kind").fill_null("hsct" if name in GVHD else "infusion").alias("kind")
    said = events.filter(number.is_not_null()).with_columns(number.alias("course"), kind)
    said = said.join(opened.rename({"day": "opened"}), on=_KEYS, maintain_order="left")
    lone = bare & ~pl.col("row").is_in(said["row"].implode()) & (name in GVHD)
    rest = events.filter((number.is_null() | lone) & pl.col("day").is_not_null()).drop("course")
    latest = opened.with_columns(pl.col("day").alias("opened")).sort("day")
    dated = rest.with_columns(pl.col("day").floor()).sort("day", maintain_order=True)
    found = dated.join_asof(latest, on="day", by="patient", check_sortedness=False).filter(pl.col("kind").is_not_null())
    columns = [*_KEYS, "opened", "day", "row", "lower", "upper", "scale", "duration_days"]
    return pl.concat([said.select(columns), found.select(columns)])


def _by_course(placed: pl.DataFrame) -> pl.DataFrame:
    """Return the highest grade that was reported in each course, its scale, and the first day of any grade."""
    has = pl.col("lower") > 0
    first = (pl.col("day").floor() - pl.col("opened")).filter(has).min()
    ordered = placed.sort("lower", "upper", descending=True, maintain_order=True)
    return ordered.group_by(_KEYS, maintain_order=True).agg(
        pl.col("lower").max().alias("said_lower"),
        pl.col("upper").max().alias("said_upper"),
        pl.col("scale").first().alias("said_scale"),
        first.alias("said_onset"),
        pl.col("duration_days").cast(pl.Float64, strict=False).filter(has).max().alias("said_duration"),
    )


def _derived(history: History, name: str) -> pl.DataFrame | None:
    """Return what graders derived, a row a course; None where there is no such table."""
    frame = history.graded.get(name)
    if frame is None or "lower" not in frame.columns:
        return None
    kind = pl.col("course_kind") if "course_kind" in frame.columns else pl.lit("infusion")
    columns = [pl.col(key) if key in frame.columns else pl.lit(None).alias(key) for key in _DERIVED]
    typed = [column.cast(kind_of) for column, kind_of in zip(columns, _DERIVED.values(), strict=True)]
    keyed = frame.select("patient", kind.alias("kind"), "course", *typed)
    return keyed.unique(_KEYS, keep="first", maintain_order=True)


_NOTHING: Final = pl.DataFrame(schema={"patient": pl.Int64, "kind": pl.String, "course": pl.Int64, **_DERIVED})


def _combined(found: pl.DataFrame, silent: int) -> pl.DataFrame:
    """Choose between what was derived and what was reported, and fill what nobody says."""
    certain = (pl.col("lower") == pl.col("upper")).fill_null(value=False)
    reported = pl.col("said_lower").is_not_null()
    said = reported & (~certain | ((pl.col("upper") == 0) & (pl.col("said_lower") > 0)))
    table = pl.col("lower").is_not_null() & ~said

    def either(said_name: str, derived: str) -> pl.Expr:
        return pl.when(said).then(pl.col(said_name)).otherwise(pl.col(derived))

    onset = pl.when(table).then(pl.coalesce("days_to_onset", "said_onset")).otherwise(pl.col("said_onset"))
    lasted = pl.when(table).then(pl.coalesce("duration_days", "said_duration")).otherwise(pl.col("said_duration"))
    chosen = found.select(
        *_KEYS,
        either("said_lower", "lower").fill_null(0).alias("lower"),
        either("said_upper", "upper").fill_null(silent).alias("upper"),
        either("said_scale", "scale").alias("scale"),
        table.alias("from_table"),
        onset.alias("onset"),
        lasted.alias("duration"),
        pl.col("unresolved").fill_null(value=False).alias("unresolved"),
    )
    has = pl.col("lower") > 0
    return chosen.with_columns(pl.when(has).then(pl.col(name)).alias(name) for name in ("onset", "duration"))
