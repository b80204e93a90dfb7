"""Vital signs and support in the courses to which they belong, as tables that the grader of CRS reads.

CRS belongs to the most recent infusion. What follows a later transplant is kept apart: CAR-T can expand again there,
and a fever is more often that of the neutropenia.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InputError
from dayzero.grading.courses import courses, in_courses
from dayzero.grading.crs.spans import plain, read_log, spellings, uncertain
from dayzero.grading.crs.support import TREATMENTS, Support, bedside_rows
from dayzero.grading.crs.table import COLUMNS, DEVICES
from dayzero.grading.editions import edition
from dayzero.history import History

Ints = npt.NDArray[np.int64]
KINDS: Final = ("infusion", "hsct")
GIVEN: Final = "antipyretic_or_anticytokine"
DIED_OF_CRS: Final = ("crs", "cytokine_release_syndrome", "cytokine_release")
BLOCK: Final = 500  # patients at once: it bounds the memory that hourly rows take
SLICE: Final = 500_000  # rows at once, for the same reason
_NO_ROWS: Final = pl.DataFrame(schema={"patient": pl.Int64, "day": pl.Float64, "row": pl.Int64})


@dataclass(frozen=True)
class Placed:
    """The tables of a study by course.

    Attributes
    ----------
    history
        What happened.
    """

    history: History

    @cached_property
    def opened(self) -> pl.DataFrame:
        """Courses as ``courses`` returns them, and ``group``: their row. Follow-up ends none: its last day counts."""
        found = courses(self.history, KINDS).with_row_index("group").with_columns(pl.col("group").cast(pl.Int64))
        stop = pl.when(pl.col("ended_by") != "follow_up").then("stop")
        treated = (pl.col("kind") == "infusion").cum_max().over("patient")
        return found.with_columns(stop.alias("stop"), treated.alias("treated"))

    @cached_property
    def vitals(self) -> pl.DataFrame:
        """The rows of the vital signs, with a row for each death of CRS that is reported."""
        table = self.history.tables.get("vitals", _NO_ROWS)
        own = table.select("patient", "day", "row", *(name for name in table.columns if name in COLUMNS))
        died = self._deaths()
        return pl.concat([own, died], how="diagonal") if died.height else own

    @cached_property
    def support(self) -> pl.DataFrame | None:
        """The support table, if there is one."""
        table = self.history.tables.get("support")
        return table if table is not None and table.height else None

    def _deaths(self) -> pl.DataFrame:
        if "cause" not in self.history.attributes:
            return _NO_ROWS
        deaths = self.history.named("death", ("cause",)).filter(plain("cause").is_in(DIED_OF_CRS))
        return deaths.select("patient", "day", pl.lit(0, pl.Int64).alias("row"), pl.lit("true").alias("died_of_crs"))

    @cached_property
    def least(self) -> pl.DataFrame:
        """Bedside rows with their ``group``, treatments running only where they certainly do; dated rows alone."""
        if self.support is None:
            return self._with_groups(self.vitals)
        apart = self.vitals["patient"].is_in(self.support["patient"].implode())
        others = self._with_groups(self.vitals.filter(~apart))
        return pl.concat([others, self._of_support(most=False)], how="diagonal_relaxed")

    @cached_property
    def most(self) -> pl.DataFrame:
        """Bedside rows of the courses that dates leave in doubt: treatments run wherever they may, as undated rows."""
        doubtful = self._doubtful
        if doubtful.is_empty():
            return self.least.clear()
        only = pl.col("patient").is_in(doubtful.implode())
        dated = self.least.filter(only)
        if self.support is not None and (affected := self.support.filter(only)["patient"].unique()).len():
            logged = self._of_support(most=True, only=affected)
            dated = pl.concat(
                [dated.filter(~pl.col("patient").is_in(affected.implode())), logged], how="diagonal_relaxed"
            )
        return pl.concat([dated, self._undated(doubtful)], how="diagonal_relaxed")

    @cached_property
    def _doubtful(self) -> pl.Series:
        found = [self.vitals.filter(pl.col("day").is_null())["patient"].unique()]
        if self.support is not None:
            names = edition("crs_support")
            vague = pl.col("day").is_null() | (pl.col("day") == pl.col("day").floor())
            undated = self.support.filter(
                (vague & pl.col("kind").is_in(TREATMENTS)) | (pl.col("day").is_null() & (pl.col("kind") == "temp"))
            )
            found += [uncertain(read_log(self.support, names), names), undated["patient"].unique()]
        return pl.concat(found).unique()

    def _undated(self, doubtful: pl.Series) -> pl.DataFrame:
        """Return the rows without a day in every course to which they may belong."""
        rows = self.vitals.filter(pl.col("day").is_null() & pl.col("patient").is_in(doubtful.implode()))
        if self.support is not None:
            temp = (pl.col("kind") == "temp") & pl.col("day").is_null()
            read = self.support.filter(temp).select(
                "patient", "day", "row", pl.col("value").cast(pl.String).alias("temp_c")
            )
            rows = pl.concat([rows, read], how="diagonal")
        return rows.join(self.opened.filter("treated").select("patient", "group"), on="patient")

    def _of_support(self, *, most: bool, only: pl.Series | None = None) -> pl.DataFrame:
        """Return the bedside rows of the patients of the support table, or of those named; some hundred at a time."""
        assert self.support is not None  # noqa: S101  - asked for only where there is one
        patients = (self.support["patient"] if only is None else only).unique().sort()
        blocks = [patients[start : start + BLOCK] for start in range(0, len(patients), BLOCK)]
        rows = [self._block(self.support, block, most=most) for block in blocks]
        return pl.concat(rows, how="diagonal_relaxed") if rows else self._with_groups(self.vitals.clear())

    def _block(self, support: pl.DataFrame, patients: pl.Series, *, most: bool) -> pl.DataFrame:
        kinds = frozenset(support["kind"].drop_nulls().unique().to_list())
        own = pl.col("patient").is_in(patients.implode())
        log, vitals = support.filter(own), self.vitals.filter(own)
        what = Support(log, vitals, self.history.patients, edition("crs_support"), kinds)
        rows = self._with_groups(bedside_rows(what, most=most))
        return self._treated(rows, most=most)

    def _with_groups(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows that lie in a course after an infusion, with the course's ``group``."""
        placed = self.place(rows.select("patient", "day"))
        at = placed["at"]
        whole = len(at) == rows.height
        kept = rows if whole else rows[at]
        return self._above_baseline(kept.with_columns(placed["group"]))

    def place(self, rows: pl.DataFrame, kinds: Sequence[str] = KINDS) -> pl.DataFrame:
        """Return which rows (``patient``, ``day``) lie in a course: ``at`` (their place), ``group`` and ``since``."""
        courses_ = self.opened.filter("treated").with_columns(pl.col("group").alias("course"))
        narrow = rows.select("patient", "day").with_row_index("at")
        found = [
            in_courses(part, courses_, kinds=kinds, first_day=0).select("at", pl.col("course").alias("group"), "since")
            for part in narrow.iter_slices(SLICE)
        ]
        return pl.concat(found) if found else in_courses(narrow, courses_).select("at", group="course", since="since")

    def _treated(self, rows: pl.DataFrame, *, most: bool) -> pl.DataFrame:
        """Fill in whether an antipyretic or anticytokine has been given since the fever, from the support table."""
        assert self.support is not None  # noqa: S101
        given = self.support.filter(pl.col("kind").is_in(TREATMENTS))
        if given.is_empty():
            return rows
        first = self._first_treated(rows, given, most=most)
        after = (pl.col("day") >= pl.col("given_from")).fill_null(value=False)
        text = pl.when(after).then(pl.lit("true")).otherwise(pl.lit("false"))
        if most:
            undated = given.filter(pl.col("day").is_null())["patient"].unique()
            text = pl.when(pl.col("patient").is_in(undated.implode())).then(pl.lit("true")).otherwise(text)
        joined = rows.join(first, on="group", how="left", maintain_order="left")
        return joined.with_columns(pl.coalesce(GIVEN, text).alias(GIVEN)).drop("given_from")

    def _first_treated(self, rows: pl.DataFrame, given: pl.DataFrame, *, most: bool) -> pl.DataFrame:
        """Return by group the first moment at or after its first fever at which a dose has been given.

        A dose that has a date only, among rows that have times of day, was given somewhere in that day.
        """
        hot = (pl.col("temp_c").cast(pl.Float64, strict=False) >= edition("crs").table["limits"]["fever"]) & pl.col(
            "day"
        ).is_not_null()
        fever = rows.filter(hot).group_by("group", "patient").agg(pl.col("day").min().alias("fever"))
        hourly = rows.filter(pl.col("day") != pl.col("day").floor())["patient"].unique()
        doses = given.drop_nulls("day").select("patient", pl.col("day").alias("early"))
        vague = (pl.col("early") == pl.col("early").floor()) & pl.col("patient").is_in(hourly.implode())
        doses = doses.with_columns((pl.col("early") + vague.cast(pl.Float64)).alias("late"))
        after, seen = ("late", "early") if most else ("early", "late")
        found = fever.join(doses, on="patient").filter(pl.col(after) >= pl.col("fever"))
        return found.group_by("group").agg(pl.col(seen).min().alias("given_from"))

    def _above_baseline(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Take oxygen at the level that the patient has at home (``patients.o2_baseline``) for none."""
        patients = self.history.patients
        if "o2_baseline" not in patients.columns or "o2_device" not in rows.columns:
            return rows
        names = spellings(edition("crs_support").table["devices"])
        rank = {word: place for place, word in enumerate(DEVICES)}
        home = patients.select(
            pl.int_range(pl.len()).cast(pl.Int64).alias("patient"),
            pl.col("o2_baseline").cast(pl.String),
        )
        home = home.with_columns(plain("o2_baseline").replace(names)).drop_nulls()
        for patient in home.filter(~pl.col("o2_baseline").is_in(DEVICES))["patient"].head(1):
            mend, row = f"Write one of {', '.join(DEVICES)}.", int(self.history.patient_rows[patient])
            raise InputError("not a device that is known", mend=mend, file="patients", row=row, column="o2_baseline")
        home = home.select("patient", pl.col("o2_baseline").replace_strict(rank, return_dtype=pl.Int64).alias("home"))
        level = plain("o2_device").replace(names).replace_strict(rank, default=None, return_dtype=pl.Int64)
        more = pl.col("o2_flow_l_min").cast(pl.Float64, strict=False) > edition("crs").table["limits"]["low_flow"]
        cannula = level == rank["nasal_cannula"]
        at_home = (level <= pl.col("home")) & ~(cannula & more.fill_null(value=False))
        joined = rows.join(home, on="patient", how="left", maintain_order="left")
        as_none = at_home.fill_null(value=False)
        return joined.with_columns(
            pl.when(as_none).then(pl.lit("none")).otherwise("o2_device").alias("o2_device"),
            pl.when(~as_none).then("o2_flow_l_min").alias("o2_flow_l_min"),
        ).drop("home")


def until(history: History, day: float) -> History:
    """Return the history as it was known at the end of a day: no later event or measurement, and nothing derived."""
    known = pl.col("day").is_null() | (pl.col("day").floor() <= day)
    tables = {name: _ended(rows.filter(known), day) for name, rows in history.tables.items()}
    events = history.events.filter(known & (pl.col("source") != "derived"))
    end = np.minimum(history.end, day)
    return replace(history, events=events, end=end, tables=tables, cutoff=day, graded={}, superseded=frozenset[int]())


def ungraded(history: History) -> History:
    """Return the history without what was derived of CRS before: another scale takes its place."""
    of_crs = pl.col("event") == "crs"
    reported = history.events.filter(of_crs & (pl.col("source") == "reported"))["row"].to_list()
    events = history.events.filter(~(of_crs & (pl.col("source") == "derived")))
    return replace(history, events=events, superseded=history.superseded - set(reported))


def _ended(rows: pl.DataFrame, day: float) -> pl.DataFrame:
    """Forget an end that lies in the future: what runs on a day may run on."""
    if "end_day" not in rows.columns:
        return rows
    return rows.with_columns(pl.when(pl.col("end_day").floor() <= day).then("end_day").alias("end_day"))
