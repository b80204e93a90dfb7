"""What the checks look at: the reported, dated events of a history as arrays, and the days that follow from them."""

from collections.abc import Iterable, Sequence
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
    """

    message: str
    events: Ints = field(default_factory=NONE.copy)
    patients: Ints = field(default_factory=NONE.copy)
    header: bool = False


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

    @cached_property
    def key(self) -> Floats:
        """(events,) a number that orders the events by patient and day, the same for those on one day."""
        span = float(np.ptp(self.day)) + 1.0 if len(self.day) else 1.0
        return np.asarray(self.patient * span + (self.day - self.day.min(initial=np.inf)))

    @cached_property
    def beyond(self) -> Ints:
        """Positions of the events that are later than the patient's first death, or else the end of follow-up."""
        death = self.first("death")
        last = np.where(np.isfinite(death), death, self.history.end)
        return np.flatnonzero(self.day > last[self.patient])

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

    def of(self, *names: str) -> Ints:
        """Return the positions of the events of these names."""
        found = np.zeros(len(self.codes), bool)
        for name in names:
            if name in self.names:
                found |= self.codes == self.names[name]
        return np.flatnonzero(found)

    def is_named(self, positions: Ints, name: str) -> Bools:
        """Return (positions,) whether the events there have the name."""
        return np.asarray(self.codes[positions] == self.names.get(name, -1))

    def first(self, *names: str) -> Floats:
        """Return (patients,) the day of the first event of these names; +inf where there is none."""
        return self.first_at(self.of(*names))

    def first_at(self, positions: Ints) -> Floats:
        """Return (patients,) the first day among some events; +inf where there is none."""
        days = np.full(len(self.history), np.inf)
        np.minimum.at(days, self.patient[positions], self.day[positions])
        return days

    def last(self, *names: str) -> Floats:
        """Return (patients,) the day of the last event of these names; -inf where there is none."""
        positions = self.of(*names)
        days = np.full(len(self.history), -np.inf)
        np.maximum.at(days, self.patient[positions], self.day[positions])
        return days

    def in_order(self, positions: Ints) -> Ints:
        """Return positions in the order of patient and day."""
        return positions[np.argsort(self.key[positions], kind="stable")]


def remission_rows(evidence: Evidence) -> Ints:
    """Return the positions of the responses that are complete remissions of any kind: CR, CRi, CRh, CR MRD-, ..."""
    rows = evidence.of("response")
    value = evidence.events["value"].gather(rows).str.strip_chars().str.to_lowercase()
    return np.asarray(rows[value.str.starts_with("cr").fill_null(value=False).to_numpy()])


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


def patients_fault(patients: Ints, words: str) -> Sequence[Fault]:
    """Return one fault for some patients, or none where there are none; ``{n}`` becomes their number (1 patient)."""
    return (Fault(words.format(n=counted(len(patients), "patient")), patients=patients),) if len(patients) else ()
