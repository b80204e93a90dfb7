"""Treatments from the support table as spans of time: when each certainly runs, and when it may.

Where a date has no time of day, or an end is not written, the truth lies between two readings: the *least*, in which
a treatment runs only where it certainly does, and the *most*, in which it runs wherever it may. CRS never falls when
more is given, so the grades under the two readings are bounds.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InputError
from dayzero.grading.editions import Edition
from dayzero.grading.truth import Bools, Floats

Ints = npt.NDArray[np.int64]
OXYGEN: Final = ("o2", "ventilation")
STAYS: Final = ("hospital", "icu")
KINDS: Final = ("vasopressor", *OXYGEN, "fluids", *STAYS)
INSTANT: Final = 1e-5  # days: about a second
_EVER: Final = 1e5  # days: 273 years, from 1970 on either side


@dataclass(frozen=True)
class Moments:
    """Patients' moments in one order, so that spans can be counted at all of them at once.

    Attributes
    ----------
    patient, day
        (moments,) whose, and when (days).
    """

    patient: Ints
    day: Floats

    def count(self, spans: pl.DataFrame) -> Ints:
        """Return how many spans (``patient``, ``begin``, ``end``) run at each moment: begin <= moment < end."""
        begun = self._before(spans, "begin")
        return begun - self._before(spans, "end")

    def at_start(self, spans: pl.DataFrame) -> Bools:
        """Return the moments at which a span starts (``starts``)."""
        return np.asarray(np.isin(self._keys(), _key(spans["patient"].to_numpy(), _days(spans, "starts"))))

    def runs(self, spans: pl.DataFrame) -> Bools:
        """Return the moments at which a span runs, or starts."""
        return (self.count(spans) > 0) | self.at_start(spans)

    def _keys(self) -> Floats:
        return _key(self.patient, self.day)

    def _before(self, spans: pl.DataFrame, column: str) -> Ints:
        edges = np.sort(_key(spans["patient"].to_numpy(), _days(spans, column)))
        return np.asarray(np.searchsorted(edges, self._keys(), side="right"), np.int64)


def _days(spans: pl.DataFrame, column: str) -> Floats:
    return spans[column].fill_null(_EVER).to_numpy()


def _key(patient: Ints, day: Floats) -> Floats:
    """Return one number a patient and day, in order; to a twentieth of a second for 10,000 patients."""
    return np.asarray(patient * (4 * _EVER) + np.clip(day, -_EVER, _EVER), np.float64)


def plain(column: str) -> pl.Expr:
    """Return words as the bedside table writes them: lower case, blanks and hyphens as ``_``; null where empty."""
    words = pl.col(column).str.strip_chars().str.to_lowercase().str.replace_all(r"[\s-]+", "_")
    return pl.when(words != "").then(words)


def spellings(words: Mapping[str, Sequence[str]]) -> dict[str, str]:
    """Return what each spelling means."""
    return {other: word for word, also in words.items() for other in (word, *also)}


def read_log(support: pl.DataFrame, names: Edition) -> pl.DataFrame:
    """Return the treatments of a support table, their words as the edition names them.

    Raises
    ------
    InputError
        Where a device is not known, or a treatment ends before it starts.
    """
    drugs, devices = spellings(names.table["vasopressors"]), spellings(names.table["devices"])
    kind = pl.col("kind")
    log = support.filter(kind.is_in(KINDS)).with_columns(
        plain("device").replace(devices).alias("device"), plain("agent").replace(drugs).alias("agent")
    )
    tube = (kind == "ventilation") & pl.col("device").is_null()
    log = log.with_columns(pl.when(tube).then(pl.lit("imv")).otherwise("device").alias("device"))
    strange = kind.is_in(OXYGEN) & pl.col("device").is_not_null() & ~pl.col("device").is_in(list(devices.values()))
    _refuse(log.filter(strange), "not a device that is known", f"Write one of {', '.join(devices)}.", "device")
    _refuse(log.filter(pl.col("end_day") < pl.col("day")), "an end before its start", "Correct the dates.", "end_date")
    return log


def _refuse(rows: pl.DataFrame, fault: str, mend: str, column: str) -> None:
    if rows.height:
        raise InputError(fault, mend=mend, file="the support table", row=int(rows["row"][0]), column=column)


def as_spans(log: pl.DataFrame, names: Edition, *, most: bool) -> pl.DataFrame:
    """Return what runs from when to when, under one reading.

    Parameters
    ----------
    log
        As :func:`read_log` returns it.
    names
        The edition that says which drugs are none.
    most
        Whether what may run runs.

    Returns
    -------
    DataFrame
        The rows of the log with ``begin``, ``end`` (end excluded; empty spans have them equal) and ``starts``: a
        moment at which it certainly runs; null where that is unknown, or contained in the span.
    """
    return _running(log, names).with_columns(*(_most() if most else _least()))


def _running(log: pl.DataFrame, names: Edition) -> pl.DataFrame:
    """Return the treatments that are any, with the day ``stop`` on which each ended."""
    given = ~pl.col("agent").is_in(names.table["apart"]["inotropes"]).fill_null(value=False)
    on = pl.when(pl.col("kind") == "vasopressor").then(given).otherwise(pl.col("device").fill_null("?") != "none")
    return _charted(log).filter(on)


def _charted(log: pl.DataFrame) -> pl.DataFrame:
    """Let oxygen without an end run until the next oxygen of that patient, and a bolus for a day."""
    ordered = log.sort("patient", "day", maintain_order=True)
    group = pl.col("kind").replace("ventilation", "o2")
    later = pl.col("day").shift(-1).over("patient", group)
    chart = (pl.col("kind") == "o2") & pl.col("end_day").is_null() & later.is_not_null()
    bolus = (pl.col("kind") == "fluids") & pl.col("end_day").is_null()
    end = pl.when(chart).then(later).when(bolus).then(pl.col("day") + 1).otherwise("end_day")
    whole = (pl.col("day") == pl.col("day").floor()) & (pl.col("end_day") == pl.col("end_day").floor())
    return ordered.with_columns(end.alias("stop"), whole.fill_null(value=False).alias("whole"))


def _most() -> tuple[pl.Expr, ...]:
    day = pl.when(pl.col("whole")).then(pl.col("stop") + 1).otherwise("stop")
    return (
        pl.col("day").fill_null(-_EVER).alias("begin"),
        day.fill_null(_EVER).alias("end"),
        pl.col("day").alias("starts"),
    )


def _least() -> tuple[pl.Expr, ...]:
    begin = pl.when(pl.col("whole")).then(pl.col("day") + 1).otherwise("day").fill_null(_EVER)
    end = pl.when(pl.col("whole")).then(pl.col("stop") + INSTANT).otherwise("stop")
    return (
        begin.alias("begin"),
        pl.when(end > begin).then(end).otherwise(begin).alias("end"),
        pl.col("day").alias("starts"),
    )


def uncertain(log: pl.DataFrame, names: Edition) -> pl.Series:
    """Return the patients whose two readings may differ."""
    found = _running(log, names).filter(pl.col("whole") | pl.col("day").is_null() | pl.col("stop").is_null())
    return found["patient"].unique()
