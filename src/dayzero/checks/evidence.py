"""What the checks look at: the reported, dated events of a history as arrays, and the days that follow from them."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.endpoints import derive_spells, first_day
from dayzero.history import History
from dayzero.protocol import Endpoint, Protocol, parse_term

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

NONE: Ints = np.empty(0, np.int64)


@dataclass(frozen=True)
class Fault:
    """What one check has found once.

    Attributes
    ----------
    message
        One sentence: what was found and what the analysis does about it; never a patient's value.
    events
        Positions in ``Evidence.events`` of the rows concerned.
    patients
        Indices of the patients concerned.
    header
        Whether the fault lies in a column of the patients file, and so in its first row.
    column
        Header of the column that it lies in; empty where it is the date of the events, or none in particular.
    """

    message: str
    events: Ints = field(default_factory=NONE.copy)
    patients: Ints = field(default_factory=NONE.copy)
    header: bool = False
    column: str = ""


@dataclass(frozen=True)
class Evidence:
    """A study's data as its checks see them.

    Attributes
    ----------
    history, protocol, endpoints
        As given to ``check_history``.
    """

    history: History
    protocol: Protocol
    endpoints: tuple[Endpoint, ...] = ()

    @cached_property
    def events(self) -> pl.DataFrame:
        """The dated events as reported, in the order of the file; grades that were derived are no data."""
        rows = self.history.events
        if rows["day"].null_count():
            rows = rows.filter(pl.col("day").is_not_null())
        return rows if rows["source"].eq("reported").all() else rows.filter(pl.col("source") == "reported")

    @cached_property
    def patient(self) -> Ints:
        """(events,) index of the patient."""
        return self.events["patient"].to_numpy()

    @cached_property
    def day(self) -> Floats:
        """(events,) day."""
        return self.events["day"].to_numpy()

    @cached_property
    def codes(self) -> npt.NDArray[np.uint32]:
        """(events,) the events' names as codes; ``names`` reads them."""
        return self._named.to_physical().to_numpy()

    @cached_property
    def names(self) -> dict[str, int]:
        """Code of every event name that occurs, in order of name."""
        unique = self._named.unique()
        return dict(sorted(zip(unique.cast(pl.String), unique.to_physical(), strict=True)))

    @cached_property
    def _named(self) -> pl.Series:
        return self.events["event"].cast(pl.Categorical)

    def key(self, positions: Ints) -> Floats:
        """Return (positions,) numbers that order events by patient and day, the same for those on one day."""
        day = self.day[positions]
        span = float(np.ptp(day)) + 1.0 if len(day) else 1.0
        return np.asarray(self.patient[positions] * span + (day - day.min(initial=np.inf)))

    @cached_property
    def death(self) -> Floats:
        """(patients,) day of the first death; +inf where there is none."""
        return self.first(self.of("death"))

    @cached_property
    def beyond(self) -> Ints:
        """Positions of the events that are later than the patient's first death, or else the end of follow-up."""
        last = np.where(np.isfinite(self.death), self.death, self.history.end)
        return np.flatnonzero(self.day > last[self.patient])

    @cached_property
    def remissions(self) -> Ints:
        """Positions of the responses that are complete remissions of any kind: CR, CRi, CRh, CR MRD-, ..."""
        rows = self.of("response")
        complete = self.events["value"].gather(rows).str.contains(r"^\s*[Cc][Rr]").fill_null(value=False)
        return np.asarray(rows[complete.to_numpy()])

    @cached_property
    def day_zeros(self) -> dict[str, Floats]:
        """(patients,) first day of the protocol's day zero and of every endpoint's origin, by term."""
        terms = (self.protocol.definitions.day_zero, *(endpoint.origin for endpoint in self.endpoints))
        return {term: first_day(self.history, parse_term(term)) for term in dict.fromkeys(terms)}

    @cached_property
    def outcomes(self) -> dict[str, Floats]:
        """(patients,) by endpoint the state in which each patient leaves, -1 where censored, NaN outside it."""
        table = self.history.patients.with_row_index(" row")  # names of columns are stripped: none begins with a blank
        history = replace(self.history, patients=table)
        found = {}
        for endpoint in self.endpoints:
            spells = derive_spells(history, endpoint)
            found[endpoint.name] = np.full(len(history), np.nan)
            found[endpoint.name][spells.patients[" row"].to_numpy()] = spells.to
        return found

    @cached_property
    def rows(self) -> dict[str, Ints]:
        """Positions of the events of each name."""
        return {name: np.flatnonzero(self.codes == code) for name, code in self.names.items()}

    def of(self, *names: str) -> Ints:
        """Return the positions of the events of these names."""
        found = [self.rows[name] for name in names if name in self.rows]
        return np.concatenate(found) if len(found) > 1 else found[0] if found else NONE

    def is_named(self, positions: Ints, name: str) -> Bools:
        """Return (positions,) whether the events there have the name."""
        return np.asarray(self.codes[positions] == self.names.get(name, -1))

    def first(self, positions: Ints) -> Floats:
        """Return (patients,) the day of the first of some events; +inf where there is none."""
        days = np.full(len(self.history), np.inf)
        np.minimum.at(days, self.patient[positions], self.day[positions])
        return days

    def last(self, positions: Ints) -> Floats:
        """Return (patients,) the day of the last of some events; -inf where there is none."""
        days = np.full(len(self.history), -np.inf)
        np.maximum.at(days, self.patient[positions], self.day[positions])
        return days

    def whose(self, patients: Bools, positions: Ints) -> Ints:
        """Return those of some events that belong to the chosen patients."""
        return positions[patients[self.patient[positions]]]

    def in_order(self, positions: Ints) -> Ints:
        """Return positions in the order of patient and day."""
        return positions[np.argsort(self.key(positions), kind="stable")]


def counted(n: int, noun: str) -> str:
    """Return a number with its noun.

    Examples
    --------
    >>> counted(1, "event"), counted(2000, "event")
    ('1 event', '2,000 events')
    """
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def events_fault(evidence: Evidence, positions: Ints, words: str) -> Iterable[Fault]:
    """Return one fault for some events, or none where there are none.

    Parameters
    ----------
    evidence
        The data.
    positions
        The events.
    words
        What is wrong; ``{n}`` becomes their number (1 event), ``{who}`` that of their patients (in 1 patient).
    """
    if not len(positions):
        return ()
    patients = np.unique(evidence.patient[positions])
    n, who = counted(len(positions), "event"), f"in {counted(len(patients), 'patient')}"
    return (Fault(words.format(n=n, who=who), events=positions, patients=patients),)


def patients_fault(patients: Ints, words: str, column: str = "") -> Iterable[Fault]:
    """Return one fault for some patients, or none where there are none; ``{n}`` becomes their number (1 patient)."""
    if not len(patients):
        return ()
    return (Fault(words.replace("{n}", counted(len(patients), "patient")), patients=patients, column=column),)
