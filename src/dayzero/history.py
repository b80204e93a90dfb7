"""Histories: what happened, as tables that are never overwritten.

``events`` is long: one row is one dated thing that happened to one patient. Derived rows are added beside reported
ones and told apart by their ``source``; a derived row counts in place of the reported rows that it supersedes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

EVENT_COLUMNS: Final = ("patient", "event", "day", "value", "number", "source", "row")


@dataclass(frozen=True)
class History:
    """Patients and their dated events.

    Attributes
    ----------
    patients
        One row a patient: the text column ``patient``, then baseline columns, Float64 or String, null where missing.
    patient_rows
        (patients,) row of each in the patients file, the header being row 1.
    events
        In the order of the file. ``patient``: Int64 index into ``patients``; ``event``: name; ``day``: Float64,
        null where undated; ``value``: text; ``number``: 1st, 2nd of its kind where the file says so; ``source``:
        "reported" or "derived"; ``row``: row in the events file; then attribute columns as text.
    end
        (patients,) last day of follow-up: death or last contact, at most the cutoff; NaN where there is none.
    calendar
        Whether days count from 1970-01-01 (the file has dates) or from a zero of the file's own.
    cutoff
        Day after which nothing is used, if any.
    dropped_after_cutoff
        How many events lie after it; they are not among ``events``.
    possible
        By row in the events file, the first and the last day that a partial date can mean; its event is undated.
    tables
        By name (``labs``, ``mrd``, ...), the further tables of the study: ``patient`` and ``day`` as in ``events``
        (fractions of a day where the file has times of day), ``row`` in the file, then typed columns in canonical
        units. A table that the study does not have is not there.
    graded
        By name (``crs``, ``response``, ...), what graders have derived: one row a result, with its bounds, scale,
        drivers and what is missing; an uncertain result stands here although it makes no event.
    superseded
        Rows in the events file in whose place derived rows count.
    """

    patients: pl.DataFrame
    patient_rows: Ints
    events: pl.DataFrame
    end: Floats
    calendar: bool = True
    cutoff: float | None = None
    dropped_after_cutoff: int = 0
    possible: Mapping[int, tuple[float, float]] = field(default_factory=dict)
    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    graded: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    superseded: frozenset[int] = frozenset()

    def __len__(self) -> int:
        """Return the number of patients."""
        return self.patients.height

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attribute columns of the events."""
        return tuple(name for name in self.events.columns if name not in EVENT_COLUMNS)

    def named(self, event: str, columns: Sequence[str] = ("value", "number", "source", "row")) -> pl.DataFrame:
        """Return the rows of one event name that count: reported rows that are superseded do not.

        Parameters
        ----------
        event
            The name.
        columns
            What to return of each row besides ``patient`` and ``day``; those that the events do not have are left out.
        """
        wanted = [name for name in dict.fromkeys(("patient", "day", "source", *columns)) if name in self.events.columns]
        named = self.events["event"] == event
        if self.superseded:
            named &= (self.events["source"] == "derived") | ~self.events["row"].is_in(list(self.superseded))
        return self.events.select(wanted).filter(named)


def add_derived(history: History, events: pl.DataFrame, *, superseded: Sequence[int] = ()) -> History:
    """Return the history with derived events beside the reported ones.

    Parameters
    ----------
    history
        What happened.
    events
        ``patient``, ``event``, ``day``, and optionally ``value``, ``number`` and attribute columns (text). Those after
        the cutoff are left out.
    superseded
        Rows in the events file that count no longer; ``NAME@reported`` still finds them.
    """
    known = history.events.schema
    fresh = events.with_columns(pl.lit("derived").alias("source"), pl.lit(0, pl.Int64).alias("row"))
    if history.cutoff is not None:
        fresh = fresh.filter(pl.col("day").is_null() | (pl.col("day") <= history.cutoff))
    new = pl.Schema({name: pl.String() for name in fresh.columns if name not in known})
    before = history.events.with_columns(pl.lit(None, kind).alias(name) for name, kind in new.items())
    columns = [
        (pl.col(name) if name in fresh.columns else pl.lit(None)).cast(kind, strict=True).alias(name)
        for name, kind in (*known.items(), *new.items())
    ]
    rows = frozenset(int(row) for row in superseded)
    both = pl.concat([before, fresh.select(columns)])
    return replace(history, events=both, superseded=history.superseded | rows)
