"""What CRS was in each course: its bounds under every scale, its episodes, the hours at each grade."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.grading.bounds import first_peak
from dayzero.grading.crs.episodes import episodes_of
from dayzero.grading.crs.grade import CrsRows, crs_results
from dayzero.grading.crs.placed import Placed
from dayzero.grading.crs.table import COLUMNS, read_crs
from dayzero.grading.editions import Edition, edition, editions
from dayzero.grading.gvhd.donors import given_cells
from dayzero.grading.table import Bedside
from dayzero.grading.truth import Bools, Floats

Ints = npt.NDArray[np.int64]
HIGHEST: Final = 5
EPISODES: Final = {
    "group": pl.Int64,
    "episode": pl.Int64,
    "onset": pl.Float64,
    "resolution": pl.Float64,
    "duration_days": pl.Float64,
    "followed_days": pl.Float64,
    "grade": pl.Int64,
    "days_to_highest": pl.Float64,
    "reopened": pl.Int64,
    "ended": pl.String,
}
BOUNDS: Final = pl.Schema({"group": pl.Int64, "lower": pl.Int64, "upper": pl.Int64})


@dataclass(frozen=True)
class CrsCourses:
    """The graded courses of a study.

    Attributes
    ----------
    placed
        The tables, by course.
    scale
        The edition by which events are derived.
    """

    placed: Placed
    scale: Edition

    @cached_property
    def table(self) -> Bedside:
        """The bedside rows that are certain."""
        return bedside(self.placed.least)

    @cached_property
    def days(self) -> Floats:
        """(rows,) the day of each row of the table."""
        return self.placed.least["day"].to_numpy()[self.table.order]

    @cached_property
    def doubtful(self) -> Bedside:
        """The bedside rows of the courses that dates leave in doubt."""
        return bedside(self.placed.most)

    @cached_property
    def rows(self) -> CrsRows:
        """The rows under the study's scale."""
        return CrsRows(self.table, self.scale)

    @cached_property
    def groups(self) -> Ints:
        """(graded courses,) the group of each in the order of the table."""
        return self.table.patients.cast(pl.Int64).to_numpy()

    @cached_property
    def scales(self) -> pl.DataFrame:
        """``group, scale, lower, upper`` of every course under every scale."""
        known = editions("crs")
        last = sorted(known, key=lambda name: name == self.scale.name)  # whose rows are kept: memory
        frames = {name: self._bounds(self.rows_under(known[name]), known[name]) for name in last}
        return pl.concat([frames[name].select(pl.lit(name).alias("scale"), *BOUNDS.names()) for name in known])

    def rows_under(self, scale: Edition) -> CrsRows:
        """Return the rows under a scale; those of the study's own are kept."""
        return self.rows if scale.name == self.scale.name else CrsRows(self.table, scale)

    def _bounds(self, rows: CrsRows, scale: Edition) -> pl.DataFrame:
        """Return the bounds of each course, the upper one where treatments ran wherever they may have."""
        certain = bounds_of(rows)
        if not len(self.doubtful):
            return certain
        most = bounds_of(CrsRows(self.doubtful, scale)).select("group", pl.col("upper").alias("most"))
        joined = certain.join(most, on="group", how="full", coalesce=True)
        return joined.select(
            "group",
            pl.col("lower").fill_null(0),
            pl.max_horizontal(pl.when(pl.col("lower").is_null()).then(HIGHEST).otherwise("upper"), "most").alias(
                "upper"
            ),
        )

    @cached_property
    def results(self) -> pl.DataFrame:
        """One row a course with measurements: bounds, reasons, and the ``day`` of the highest grade."""
        found = crs_results(self.rows)
        peaks = first_peak(self.rows.bounds.lower, self.table.starts)
        names = ("drivers", "missing", "findings", "assumptions")
        lists = {
            name: pl.Series(name, [list(getattr(one, name)) for one in found], pl.List(pl.String)) for name in names
        }
        day = np.where(self.rows.highest.lower > 0, self.days[peaks], np.nan)
        head = pl.DataFrame({"group": self.groups, "day": day, "certain": self.rows.highest.upper} | lists)
        joined = self._bounds(self.rows, self.scale).join(head, on="group", how="left", maintain_order="left")
        wider = pl.col("certain").is_null() | (pl.col("upper") > pl.col("certain"))
        nothing = pl.lit([], pl.List(pl.String))
        whole = joined.with_columns(pl.col(names).fill_null(nothing), pl.col("day").fill_nan(None))
        missing = pl.when(wider).then(
            pl.col("missing").list.concat(pl.lit(["time"], pl.List(pl.String))).list.unique(maintain_order=True)
        )
        return whole.with_columns(missing.otherwise("missing").alias("missing")).drop("certain")

    @cached_property
    def episodes(self) -> pl.DataFrame:
        """One row an episode; times are days of the history's clock."""
        return pl.DataFrame(list(self._episodes()), schema=EPISODES, orient="row")

    def _episodes(self) -> Iterator[tuple[object, ...]]:
        days, lower = self.days, self.rows.bounds.lower
        for one in episodes_of(self.rows):
            onset, last = float(days[one.episode.onset]), float(days[one.last])
            closed = one.closed
            yield (
                *(int(self.groups[one.group]), one.number, onset, last if closed else None),
                *(last - onset if closed else None, last - onset, int(lower[one.peak])),
                *(float(days[one.peak]) - onset, one.episode.reopened, one.ended),
            )

    @cached_property
    def hours(self) -> pl.DataFrame:
        """``group, h1, h2, h3, h4``: how long each grade was certain; it holds until the next row, a day at most.

        Of several rows at one time the highest grade holds.
        """
        table = self.table
        begins = np.flatnonzero(np.diff(self.rows.clock.last_at_once, prepend=-1))
        lower = np.maximum.reduceat(self.rows.bounds.lower, begins) if len(table) else self.rows.bounds.lower
        group = table.group[begins]
        step = np.diff(table.time[begins], append=np.nan)
        step[np.flatnonzero(np.diff(group))] = np.nan
        step = np.minimum(np.nan_to_num(step), 24 * edition("crs_support").table["holds_days"])
        n = len(table.starts)
        found = {
            f"h{grade}": np.bincount(group[at := lower == grade], weights=step[at], minlength=n)
            for grade in range(1, 5)
        }
        return pl.DataFrame({"group": self.groups} | found).with_columns(pl.exclude("group").cast(pl.Float64))

    @cached_property
    def sensitivity(self) -> pl.DataFrame:
        """Bounds of the courses with fever in the neutropenia of an autologous transplant, that fever not counted."""
        fever = self._neutropenic_fever
        groups = np.unique(self.table.group[fever])
        rows = np.isin(self.table.group, groups)
        frame = self.placed.least[self.table.order[rows]]
        own = pl.col("other_cause") if "other_cause" in frame.columns else pl.lit(None, pl.String)
        cause = pl.when(pl.Series(fever[rows])).then(pl.lit("true")).otherwise(own).alias("other_cause")
        return bounds_of(CrsRows(bedside(frame.with_columns(cause)), self.scale))

    @property
    def _neutropenic_fever(self) -> Bools:
        """(rows,) fever within days of an autologous transplant, or of one whose kind is not said."""
        fever = self.rows.signs.fever.yes
        at = np.flatnonzero(fever)
        transplants = _autologous(self.placed)
        group = self.groups[self.table.group[at]]
        patient = self.placed.opened["patient"].to_numpy()[group] if len(at) else group
        hot = pl.DataFrame({"at": at, "patient": patient, "day": np.floor(self.days[at])}).sort("day")
        last = hot.join_asof(
            transplants.sort("hsct"), left_on="day", right_on="hsct", by="patient", check_sortedness=False
        )
        since = pl.col("day") - pl.col("hsct")
        limits = edition("crs_support").table["course"]
        within = last.filter(since.is_between(limits["neutropenia_from"], limits["neutropenia_to"]))
        marked = np.zeros(len(fever), bool)
        marked[within["at"].to_numpy()] = True
        return marked


def _autologous(placed: Placed) -> pl.DataFrame:
    own = pl.col("autologous") | pl.col("assumed")
    found = given_cells(placed.history).filter((pl.col("kind") == "hsct") & own)
    return found.select("patient", pl.col("day").alias("hsct"))


def bounds_of(rows: CrsRows) -> pl.DataFrame:
    """Return ``group, lower, upper`` of a table whose patients are groups."""
    best = rows.highest
    found = {"group": rows.table.patients.cast(pl.Int64), "lower": best.lower, "upper": best.upper}
    return pl.DataFrame(found).cast(BOUNDS)


def _hours(day: pl.Expr) -> pl.Expr:
    """Return hours in steps of 2**-12 (.9 s), so that what is 24 hours apart is so exactly."""
    return (day * (24 * 4096)).round() / 4096


def bedside(frame: pl.DataFrame) -> Bedside:
    """Type rows of text, each course a patient.

    Raises
    ------
    InputError
        Where a cell cannot be read.
    """
    columns = [name for name in COLUMNS if name in frame.columns]
    group, hours = pl.col("group").alias("patient"), _hours(pl.col("day")).alias("time")
    rows = frame["row"].fill_null(0).to_numpy()
    return read_crs(frame.select(group, hours, *columns), file="the vitals table", rows=rows)
