"""Planned visits: due and kept, due and missed, still open, or due no more.

The rules are those of the schedule of MRD (rule book 4.6): a month is 30.4375 days, the due day is rounded; both ends
of a window are inside it. A day belongs to one visit, the nearest whose window holds it (the earlier of two); a visit
takes its nearest day (the later of two).
"""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from dayzero.adherence.courses import ENDS, Followed
from dayzero.adherence.given import Floats
from dayzero.adherence.judged import Judged, unchecked
from dayzero.endpoints import first_day
from dayzero.grading.truth import Truth
from dayzero.history import History
from dayzero.protocol import Protocol, parse_term, term_words
from dayzero.protocol.plan import MONTH, Visit

EVENTS_OF: Final = {"assessments": "response", "mrd": "mrd"}
"""Where a study has no such table, the events that stand for it."""
SCHEMA: Final = {
    "patient": pl.Int64,
    "visit": pl.String,
    "after": pl.String,
    "month": pl.Float64,
    "due": pl.Float64,
    "opens": pl.Float64,
    "closes": pl.Float64,
    "day": pl.Float64,
    "state": pl.String,
}


def visits(history: History, protocol: Protocol, followed: tuple[Followed, ...]) -> pl.DataFrame:
    """Return every planned visit of every patient whose window is planned, and of whose table anything is known.

    Returns
    -------
    DataFrame
        With the columns of :data:`SCHEMA`; ``state``: done; missed: the whole window passed under observation;
        pending: follow-up ended inside it; not_due: death, relapse, progression, the next course or the end of
        follow-up came before; unknown: a date is.
    """
    frames = [
        _series(history, visit, after, followed)
        for visit in protocol.visits
        if visit.windows and assessed(history, visit) is not None
        for after in visit.after
    ]
    return pl.concat([pl.DataFrame(schema=SCHEMA), *frames])


def judge_visits(history: History, protocol: Protocol, planned: pl.DataFrame) -> Iterator[Judged]:
    """Yield ``visit`` for each month of each series: those to whom it was due, and whether they came."""
    for visit in protocol.visits:
        why = _not_checkable(history, visit)
        if why:
            yield unchecked(history, "visit", visit.name, planned=f"months {_months(visit)}", why=why)
    for name, after, month in planned.select("visit", "after", "month").unique(maintain_order=True).iter_rows():
        rows = planned.filter((pl.col("visit") == name) & (pl.col("after") == after) & (pl.col("month") == month))
        yield _month(history, rows, name=f"{name} after {term_words(after)}", month=month)


def assessed(history: History, visit: Visit) -> pl.DataFrame | None:
    """Return ``patient`` and ``day`` of the assessments of a visit's table, or of its events; None without any."""
    found = _assessments(history, visit)
    days = found.select("patient", pl.col("day").floor()).drop_nulls().unique(maintain_order=True)
    return days if found.height else None


def _assessments(history: History, visit: Visit) -> pl.DataFrame:
    name = visit.table or visit.name
    if name in history.tables:
        return history.tables[name].select("patient", "day")
    return history.named(EVENTS_OF.get(name, name), ()).select("patient", "day")


def _undated(history: History, visit: Visit) -> list[int]:
    """Return the patients with an assessment of unknown day: it may have been at any visit."""
    rows = _assessments(history, visit)
    return rows.filter(pl.col("day").is_null())["patient"].unique().to_list()


def _months(visit: Visit) -> str:
    return ", ".join(f"{month:g}" for month in visit.months)


def _not_checkable(history: History, visit: Visit) -> str:
    if not visit.windows:
        return "the protocol gives no windows of visits"
    name = visit.table or visit.name
    return "" if assessed(history, visit) is not None else f"the study has no table and no events {name!r}"


def _series(history: History, visit: Visit, after: str, followed: tuple[Followed, ...]) -> pl.DataFrame:
    planned = _planned(history, visit, after, followed)
    days = assessed(history, visit)
    kept = planned if days is None else _kept(planned, days)
    ended = pl.col("stop") <= pl.col("closes")
    state = (
        pl.when(pl.col("day").is_not_null())
        .then(pl.lit("done"))
        .when(pl.col("stop").is_null() | pl.col("end").is_null())
        .then(pl.lit("unknown"))
        .when(ended | (pl.col("end") < pl.col("opens")))
        .then(pl.lit("not_due"))
        .when(pl.col("patient").is_in(_undated(history, visit)))
        .then(pl.lit("unknown"))
        .when(pl.col("end") >= pl.col("closes"))
        .then(pl.lit("missed"))
        .otherwise(pl.lit("pending"))
    )
    words = (pl.lit(visit.name).alias("visit"), pl.lit(after).alias("after"))
    return kept.with_columns(state.alias("state"), *words).select(pl.col(name).cast(SCHEMA[name]) for name in SCHEMA)


def _planned(history: History, visit: Visit, after: str, followed: tuple[Followed, ...]) -> pl.DataFrame:
    origin = next((e.given.day for e in followed if e.course.event == after), first_day(history, parse_term(after)))
    stop = _stop(history, origin, followed)
    who = np.flatnonzero(np.isfinite(origin))
    patients = pl.DataFrame(
        {"patient": who, "origin": origin[who], "stop": stop[who], "end": history.end[who]},
        schema={"patient": pl.Int64, "origin": pl.Float64, "stop": pl.Float64, "end": pl.Float64},
    ).with_columns(pl.col("stop", "end").fill_nan(None))
    widths = [float(visit.allowance(month) or 0.0) for month in visit.months]
    months = pl.DataFrame({"month": [float(month) for month in visit.months], "width": widths})
    due = pl.col("origin") + (pl.col("month") * MONTH).round()
    crossed = patients.join(months, how="cross", maintain_order="left_right").with_columns(due.alias("due"))
    return crossed.with_columns(
        (pl.col("due") - pl.col("width")).alias("opens"), (pl.col("due") + pl.col("width")).alias("closes")
    )


def _stop(history: History, origin: Floats, followed: tuple[Followed, ...]) -> Floats:
    """Return (patients,) the day that ends a series: death, relapse, progression, or the next planned course."""
    later = np.nextafter(origin, np.inf)
    days = [first_day(history, parse_term(name), later) for name in ("death", *ENDS)]
    for each in followed:
        with np.errstate(invalid="ignore"):
            days.append(np.where(each.given.day <= origin, np.inf, each.given.day))
    return np.asarray(np.minimum.reduce(days))


def _kept(planned: pl.DataFrame, days: pl.DataFrame) -> pl.DataFrame:
    windows = planned.select("patient", "month", "due", "opens", "closes", "stop")
    before = pl.col("stop").is_null() | (pl.col("day") <= pl.col("stop"))
    inside = pl.col("day").is_between("opens", "closes") & before
    off = (pl.col("day") - pl.col("due")).abs().alias("off")
    near = days.join(windows, on="patient").filter(inside).with_columns(off)
    once = near.sort("off", "month").unique(("patient", "day"), keep="first", maintain_order=True)
    first = once.sort("off", "day", descending=[False, True]).unique(("patient", "month"), keep="first")
    return planned.join(
        first.select("patient", "month", "day"), on=("patient", "month"), how="left", maintain_order="left"
    )


def _month(history: History, rows: pl.DataFrame, *, name: str, month: float) -> Judged:
    def of(*states: str) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        found = np.zeros(len(history), bool)
        found[rows.filter(pl.col("state").is_in(states))["patient"].to_numpy()] = True
        return found

    nothing = np.full(len(history), np.nan)
    width = float((rows["closes"] - rows["due"]).max() or 0.0)  # type: ignore[arg-type]
    planned = f"within {width:g} days of month {month:g}"
    return Judged(
        "visit", f"{name}, month {month:g}", planned, of("done", "missed", "unknown"),
        Truth(of("done"), of("missed")), lambda _: "missed", nothing, np.zeros(len(history), np.int64),
    )  # fmt: skip
