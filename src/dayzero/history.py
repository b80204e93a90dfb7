"""Histories: what happened, as tables that are never overwritten.

``events`` is long: one row is one dated thing that happened to one patient. Derived rows are added beside reported
ones and told apart by their ``source``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

CORE_EVENTS: Final = frozenset(
    """diagnosis enrolment apheresis bridging lymphodepletion infusion hsct dli boost response mrd relapse progression
    death last_contact crs icans agvhd cgvhd neutrophil_engraftment platelet_engraftment graft_failure infection
    second_cancer new_therapy""".split()
)
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
    """

    patients: pl.DataFrame
    patient_rows: Ints
    events: pl.DataFrame
    end: Floats
    calendar: bool = True
    cutoff: float | None = None
    dropped_after_cutoff: int = 0
    possible: Mapping[int, tuple[float, float]] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of patients."""
        return self.patients.height

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attribute columns of the events."""
        return tuple(name for name in self.events.columns if name not in EVENT_COLUMNS)

    def named(self, event: str, columns: Sequence[str] = ("value", "number", "source", "row")) -> pl.DataFrame:
        """Return the rows of one event name; derived rows replace reported ones patient by patient.

        Parameters
        ----------
        event
            The name.
        columns
            What to return of each row besides ``patient`` and ``day``; those that the events do not have are left out.
        """
        wanted = [name for name in dict.fromkeys(("patient", "day", "source", *columns)) if name in self.events.columns]
        rows = self.events.select(wanted).filter(self.events["event"] == event)
        derived = rows["patient"].filter(rows["source"] == "derived").unique()
        if derived.is_empty():
            return rows
        return rows.filter(~pl.col("patient").is_in(derived.implode()) | (pl.col("source") == "derived"))
