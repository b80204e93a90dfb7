"""Curves as a figure needs them, read from the rows of a section."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from dayzero.report.labels import event_label, group_labels
from dayzero.report.page import Section
from dayzero.spells import Floats

FEW: Final = 5  # below this number at risk a curve says little (Pocock, Clayton, Altman 2002); it is drawn thin
_COLUMNS: Final = 1000  # steps closer than this part of the axis fall on one pixel
_OTHERS: Final = ("survival", "cumulative_incidence")


@dataclass(frozen=True)
class Series:
    """One curve.

    Attributes
    ----------
    label
        The group's name, or the event's.
    group, term
        As in the rows.
    n
        Number of patients.
    time, estimate, lower, upper
        (steps,) days and probabilities; the curve holds each value from its time on; NaN where there is no limit.
    censored, height
        (marks,) days of censoring and the curve's height there.
    sparse_from
        The day after which fewer than five patients are known to be at risk, +inf where there are always more.
    """

    label: str
    group: str | None
    term: str | None
    n: int
    time: Floats
    estimate: Floats
    lower: Floats
    upper: Floats
    censored: Floats
    height: Floats
    sparse_from: float

    @property
    def last_day(self) -> float:
        """The day on which the curve ends."""
        return float(self.time[-1])


def read_survival(section: Section) -> tuple[Series, ...]:
    """Return one curve a group, in the order of the rows."""
    return _read(section, "survival", None)


def read_incidence(section: Section, term: str | None = None) -> tuple[Series, ...]:
    """Return one curve a group of one event, or of every event where ``term`` is None."""
    return _read(section, "cumulative_incidence", term)


def terms_of(section: Section) -> tuple[str, ...]:
    """Return the events whose cumulative incidence the section has, in the order of the rows."""
    rows = section.curves.rows.filter(pl.col("statistic") == "cumulative_incidence")
    return tuple(rows["term"].drop_nulls().unique(maintain_order=True))


def _read(section: Section, statistic: str, term: str | None) -> tuple[Series, ...]:
    rows = section.curves.rows.filter(pl.col("statistic") == statistic)
    rows = rows if term is None else rows.filter(pl.col("term") == term)
    labels = group_labels(rows["group"].unique(maintain_order=True), section.by)
    keys = rows.select("group", "term").unique(maintain_order=True).rows()
    several = len({key[1] for key in keys}) > 1
    start = 1.0 if statistic == "survival" else 0.0
    return tuple(_series(section, rows, key, name=_name(section, labels, key, several), start=start) for key in keys)


def _name(section: Section, labels: Mapping[str | None, str], key: tuple[str | None, str | None], several: bool) -> str:
    if not several:
        return labels[key[0]]
    event = event_label(key[1], section.endpoint)
    return event if key[0] is None else f"{labels[key[0]]}, {event}"


def _series(
    section: Section, rows: pl.DataFrame, key: tuple[str | None, str | None], *, name: str, start: float
) -> Series:
    group, term = key
    mine = _same(rows, group, term).sort("time", maintain_order=True)
    steps = _visible(_started(mine.select("time", "estimate", "lower", "upper"), start))
    marks = _same(section.curves.rows.filter(pl.col("statistic") == "censored"), group, term, shared=True)
    n = mine["n"].drop_nulls()
    return Series(
        label=name,
        group=group,
        term=term,
        n=int(n[0]) if len(n) else 0,
        time=steps["time"].to_numpy(),
        estimate=steps["estimate"].to_numpy(),
        lower=steps["lower"].fill_null(np.nan).to_numpy(),
        upper=steps["upper"].fill_null(np.nan).to_numpy(),
        censored=marks["time"].to_numpy(),
        height=marks["estimate"].to_numpy(),
        sparse_from=_sparse_from(section, group),
    )


def _same(rows: pl.DataFrame, group: str | None, term: str | None, *, shared: bool = False) -> pl.DataFrame:
    """Rows of one group and term; with ``shared`` also those without a term, which belong to each."""
    right = pl.col("term").eq_missing(pl.lit(term))
    right = right | pl.col("term").is_null() if shared else right
    return rows.filter(pl.col("group").eq_missing(pl.lit(group)), right, pl.col("estimate").is_not_null())


def _started(steps: pl.DataFrame, start: float) -> pl.DataFrame:
    """Let the curve begin on day 0, where everybody is free of the event."""
    if steps.height and steps["time"][0] <= 0:
        return steps
    first = pl.DataFrame({"time": [0.0], "estimate": [start]})
    return pl.concat([first, steps], how="diagonal")


def _visible(steps: pl.DataFrame) -> pl.DataFrame:
    """Drop the steps that cannot be seen: no change, or the same pixel column as a later one; the ends stay."""
    values = steps.select("estimate", "lower", "upper").fill_null(-1.0).to_numpy()
    moved = np.concatenate(([True], np.any(values[1:] != values[:-1], axis=1)))
    time = steps["time"].to_numpy()
    pixel = np.floor(time / max(float(time[-1]), 1e-9) * _COLUMNS)
    last_of_pixel = np.concatenate((pixel[1:] != pixel[:-1], [True]))
    if int(moved.sum()) > _COLUMNS:
        moved = last_of_pixel
    moved[[0, -1]] = True
    return steps.filter(pl.Series(moved))


def _sparse_from(section: Section, group: str | None) -> float:
    counts = pl.concat([section.curves.rows, section.at_risk.rows])
    counts = counts.filter(pl.col("statistic") == "n_at_risk", pl.col("group").eq_missing(pl.lit(group)))
    known = counts.select("time", "estimate").drop_nulls().sort("time").to_numpy()
    enough = known[known[:, 1] >= FEW, 0]  # risk sets may grow first: late entry, a treatment given later
    if not len(known) or bool(known[-1, 1] >= FEW):
        return np.inf
    return float(enough[-1]) if len(enough) else 0.0
