"""One track a patient for the swimmer plot: how long, in which states, and what happened on the way."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from dayzero.analyses.courses_states import BEFORE, disease_states, remissions
from dayzero.grading.courses import courses, in_courses
from dayzero.history import History
from dayzero.protocol import Definitions
from dayzero.spells import Floats

SEVERE: Final = r"(?i)^(?:grade|gr\.?)?\s*(?:>=|≥)?\s*(?:[345]|iii|iv|v|severe)(?:\.0+)?$"
"""Grade 3 and higher; ``2-3`` is not certainly so."""
_ALLOGENEIC: Final = ("allo", "haplo", "mud", "msd", "mmud", "sibling", "cord", "related", "unrelated")
_PLAIN: Final = {"dli": "dli", "boost": "boost", "second_cancer": "second cancer", "graft_failure": "graft failure",
                 "death": "death"}  # fmt: skip
_MARK: Final = {"patient": pl.Int64, "name": pl.String, "day": pl.Float64, "detail": pl.String}
_GONE: Final = r"^(?:cd\d+)?[\s_-]*neg|^cd\d+\s*[-−]$"
NEGATIVE_ANTIGEN: Final = "antigen-negative"


@dataclass(frozen=True)
class Tracks:
    """The tracks of all patients who have day zero.

    Attributes
    ----------
    bars
        A row a patient: ``patient`` (index), ``zero``, ``start`` and ``stop`` (days from day zero), ``end``: alive,
        died, died on an unknown day, follow-up unknown.
    segments
        ``patient``, ``start``, ``stop``, ``name`` (of the state), in order.
    marks
        ``patient``, ``start``, ``name``, ``detail``.
    undated
        By event, how many lie on no day and are left out.
    late
        How many marks lie after their patient's follow-up and are left out.
    """

    bars: pl.DataFrame
    segments: pl.DataFrame
    marks: pl.DataFrame
    undated: dict[str, int]
    late: int


def tracks(history: History, definitions: Definitions, *, origin: Floats, from_day: float) -> Tracks:
    """Return the tracks of the patients with day zero.

    Parameters
    ----------
    history, definitions
        What happened, and what counts as remission.
    origin
        (patients,) day zero; infinite or NaN where there is none.
    from_day
        Days from day zero at which a track begins at the earliest; it begins with the patient's first event.
    """
    states = disease_states(history, definitions, origin=origin)
    every, undated = _marks(history, definitions, states=states, origin=origin)
    bars = _bars(history, origin, from_day)
    placed = every.join(bars, on="patient").with_columns((pl.col("day") - pl.col("zero")).alias("at"))
    late = placed.filter(pl.col("at") > pl.col("stop")).height
    shown = placed.filter((pl.col("at") >= pl.col("start")) & (pl.col("at") <= pl.col("stop")))
    marks = shown.select("patient", pl.col("at").alias("start"), "name", "detail").sort("patient", "start", "name")
    return Tracks(bars, _segments(states, bars), marks, undated, late)


def _bars(history: History, origin: Floats, from_day: float) -> pl.DataFrame:
    died = pl.Series(np.isin(np.arange(len(history)), history.named("death", ())["patient"].to_numpy()))
    deaths = history.named("death", ()).drop_nulls("day").group_by("patient").agg(pl.col("day").min().alias("death"))
    seen = history.events.drop_nulls("day").group_by("patient").agg(
        pl.col("day").min().alias("first"), pl.col("day").max().alias("last")
    )  # fmt: skip
    rows = pl.DataFrame(
        {"patient": range(len(history)), "zero": origin, "until": history.end, "died": died},
        schema_overrides={"patient": pl.Int64, "zero": pl.Float64, "until": pl.Float64},
    ).filter(pl.col("zero").is_finite())
    joined = rows.with_columns(pl.col("until").fill_nan(None)).join(deaths, on="patient", how="left")
    joined = joined.join(seen, on="patient", how="left").sort("patient")
    end = (
        pl.when(pl.col("death").is_not_null()).then(pl.lit("died"))
        .when("died").then(pl.lit("died on an unknown day"))
        .when(pl.col("until").is_null()).then(pl.lit("follow-up unknown"))
        .otherwise(pl.lit("alive"))
    )  # fmt: skip
    stop = pl.max_horizontal(pl.coalesce("death", "until", "last") - pl.col("zero"), pl.lit(0.0))
    start = pl.min_horizontal(pl.max_horizontal(pl.col("first") - pl.col("zero"), pl.lit(from_day)), pl.lit(0.0))
    return joined.select("patient", "zero", start.alias("start"), stop.alias("stop"), end.alias("end"))


def _segments(states: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
    """Return the states of each bar: what holds at its start, and every change until its end."""
    first = bars.select("patient", pl.lit(-np.inf).alias("day"), pl.lit(BEFORE).alias("state"))
    daily = states.unique(["patient", "day"], keep="last", maintain_order=True).select("patient", "day", "state")
    rows = pl.concat([first, daily]).join(bars, on="patient").sort("patient", "day", maintain_order=True)
    start = (pl.col("day") - pl.col("zero")).clip(pl.col("start"), pl.col("stop"))
    placed = rows.select("patient", start.alias("start"), "state", pl.col("stop").alias("end"))
    changed = placed.unique(["patient", "start"], keep="last", maintain_order=True)
    changed = changed.filter((pl.col("state") != pl.col("state").shift(1).over("patient")).fill_null(value=True))
    stop = pl.col("start").shift(-1).over("patient").fill_null(pl.col("end"))
    told = changed.select("patient", "start", stop.alias("stop"), pl.col("state").alias("name"))
    return told.filter(pl.col("stop") > pl.col("start"))


def _marks(
    history: History, definitions: Definitions, *, states: pl.DataFrame, origin: Floats
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Return what happened, with a day, and how many events of each name have none (of patients with day zero)."""
    named = {
        "infusion": _infusions(history),
        "hsct": _transplants(history),
        **{name: _plain(history, event, name) for event, name in _PLAIN.items()},
        "relapse": _relapses(history),
        "GVHD": _severe_gvhd(history),
    }
    began = states.filter("began").select(
        "patient", pl.lit("response").alias("name"), "day", pl.lit("").alias("detail")
    )
    counted = {**named, "response": remissions(history, definitions)}
    has = np.flatnonzero(np.isfinite(origin)).tolist()
    lost = {
        name: frame.filter(pl.col("day").is_null() & pl.col("patient").is_in(has)).height
        for name, frame in counted.items()
    }
    after = began.join(_zero(origin), on="patient").filter(pl.col("day") > pl.col("zero")).drop("zero")
    rows = pl.concat([*(frame.drop_nulls("day") for frame in named.values()), after])
    return rows, {name: n for name, n in lost.items() if n}


def _zero(origin: Floats) -> pl.DataFrame:
    columns = {"patient": range(len(origin)), "zero": origin}
    return pl.DataFrame(columns, schema={"patient": pl.Int64, "zero": pl.Float64})


def _plain(history: History, event: str, name: str) -> pl.DataFrame:
    return _mark(history.named(event, ()), name, pl.lit(""))


def _mark(rows: pl.DataFrame, name: str, detail: pl.Expr) -> pl.DataFrame:
    told = rows.select("patient", pl.lit(name).alias("name"), pl.col("day").floor(), detail.alias("detail"))
    return told.unique(["patient", "day", "detail"], keep="first", maintain_order=True).cast(_MARK)  # type: ignore[arg-type]


def _infusions(history: History) -> pl.DataFrame:
    """Return the infusions, each with its number; an undated one has none."""
    dated = courses(history, ("infusion",))
    undated = history.named("infusion", ()).filter(pl.col("day").is_null())
    told = _mark(dated, "infusion", pl.col("course").cast(pl.String))
    return pl.concat([told, undated.select("patient", name=pl.lit("infusion"), day="day", detail=pl.lit(""))])


def _transplants(history: History) -> pl.DataFrame:
    """Return the transplants: autologous, allogeneic, or of an unknown kind."""
    rows = history.named("hsct", ("kind", "type", "donor", "value"))
    columns = [name for name in ("kind", "type", "donor", "value") if name in rows.columns]
    text = pl.concat_str([pl.col(name).cast(pl.String).fill_null("") for name in columns], separator=" ")
    low = text.str.to_lowercase()
    kind = (
        pl.when(low.str.contains(r"\bauto")).then(pl.lit("autologous"))
        .when(low.str.contains(r"\b(?:" + "|".join(_ALLOGENEIC) + ")")).then(pl.lit("allogeneic"))
        .otherwise(pl.lit("kind unknown"))
    )  # fmt: skip
    return _mark(rows, "hsct", kind)


def _relapses(history: History) -> pl.DataFrame:
    """Return relapses and progressions, one a day; the antigen where somebody has looked and it is gone."""
    rows = [history.named(name, ("antigen", "cd19", "row")) for name in ("relapse", "progression")]
    both = pl.concat(rows, how="diagonal_relaxed")
    columns = [name for name in ("antigen", "cd19") if name in both.columns]
    gone = [pl.col(name).str.strip_chars().str.to_lowercase().str.contains(_GONE) for name in columns]
    lost = pl.any_horizontal(gone).fill_null(value=False) if gone else pl.lit(value=False)
    detail = pl.when(lost).then(pl.lit(NEGATIVE_ANTIGEN)).otherwise(pl.lit(""))
    told = _mark(both, "relapse", detail)
    dated = told.drop_nulls("day").sort("patient", "day", "detail", descending=[False, False, True])
    return pl.concat([dated.unique(["patient", "day"], keep="first", maintain_order=True),
                      told.filter(pl.col("day").is_null())])  # fmt: skip


def _severe_gvhd(history: History) -> pl.DataFrame:
    """Return the first GVHD of grade 3 or higher (chronic: severe) after each infusion, transplant or DLI."""
    rows = pl.concat([
        _mark(history.named(name, ("value",)).filter(pl.col("value").str.strip_chars().str.contains(SEVERE)), "GVHD",
              pl.lit("chronic" if name == "cgvhd" else "acute"))
        for name in ("agvhd", "cgvhd")
    ])  # fmt: skip
    kinds = ("infusion", "hsct", "dli")
    placed = in_courses(rows, courses(history, kinds), kinds=kinds).sort("patient", "day")
    first = placed.unique(["patient", "detail", "course_kind", "course"], keep="first", maintain_order=True)
    return pl.concat([first.select(list(_MARK)), rows.filter(pl.col("day").is_null())])
