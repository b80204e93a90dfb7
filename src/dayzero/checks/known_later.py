"""Baseline columns that were known only after day zero: groups by the future, the source of immortal time.

A column is known later where it is named after an event that happens after day zero, or agrees with having such an
event. Yes and no in a column alone say nothing, and what happened before a patient's day zero is history.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from scipy.special import gammaln

from dayzero.checks.evidence import Bools, Evidence, Fault, Floats, Ints
from dayzero.checks.names import event_named
from dayzero.endpoints import first_day
from dayzero.history import History
from dayzero.protocol import Endpoint, Protocol, parse_term

AGREEMENT: Final = 0.95
CHANCE: Final = 1e-4
GLANCE: Final = 1000
"""Cells in which more levels than groups have are seen soon, where there are more."""
GROUPS: Final = 6
"""Levels that a column of groups has at most: CAR-T alone, with a transplant, twice, ..."""
ALWAYS_LATER: Final = frozenset({"outcome", "last_contact", "death"})
"""What is known only at the end, whatever the data hold."""


def columns_known_later(
    history: History, protocol: Protocol, endpoints: Sequence[Endpoint]
) -> tuple[tuple[str, str], ...]:
    """Return the baseline columns that an analysis of these endpoints may not use.

    Parameters
    ----------
    history, protocol
        The data, and whose day zero counts where no endpoint is given.
    endpoints
        Each looks from its own origin: a column about the transplant is known at a transplant.

    Returns
    -------
    tuple
        (column, why) in the order of the table, why being words that follow the column's name.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        return tuple(_found(Evidence(history, protocol, tuple(endpoints))))


def column_known_later(evidence: Evidence) -> Iterable[Fault]:
    """Report the columns that were known only after day zero."""
    return [
        Fault(
            f"The column {column!r} {why}: refused in analyses, for its groups look into the future.",
            header=True,
            column=column,
        )
        for column, why in _found(evidence)
    ]


@dataclass(frozen=True)
class _Future:
    """What lies after one day zero: (patients,) who has it, and by event who has such an event on a later day."""

    population: Bools
    events: Mapping[str, Bools]


def _found(evidence: Evidence) -> Iterator[tuple[str, str]]:
    endpoints = evidence.endpoints or (Endpoint(origin=evidence.protocol.definitions.day_zero, events=("death",)),)
    last = _last_days(evidence)
    origins = {e.origin: evidence.day_zeros[e.origin] for e in endpoints}
    futures = {
        term: _Future(np.isfinite(origin), {name: day > origin for name, day in last.items()})
        for term, origin in origins.items()
        if np.isfinite(origin).any()
    }
    for column in evidence.history.patients.drop("patient"):
        looking = dict.fromkeys(e.origin for e in endpoints if not _exempt(evidence, e, column.name))
        reasons = (_why(column, futures[origin]) for origin in looking if origin in futures)
        if why := next(filter(None, reasons), None):
            yield column.name, why


def _exempt(evidence: Evidence, endpoint: Endpoint, column: str) -> bool:
    """Return whether ``known_at`` names an event that is on or before day zero in every patient who has both."""
    if column not in endpoint.known_at:
        return False
    known = first_day(evidence.history, parse_term(endpoint.known_at[column]))
    origin = evidence.day_zeros[endpoint.origin]
    both = np.isfinite(known) & np.isfinite(origin)
    return bool(np.all(known[both] <= origin[both]))


def _last_days(evidence: Evidence) -> dict[str, Floats]:
    """Return, by event, (patients,) the day of the last one; -inf where there is none."""
    rows = {name: rows for name, rows in evidence.rows.items() if name != "last_contact"}
    rows["response=CR"] = evidence.remissions
    return {name: evidence.last(of) for name, of in rows.items()}


def _why(column: pl.Series, future: _Future) -> str | None:
    named = event_named(column.name, frozenset(future.events))
    if named is not None and _is_later(named, future):
        return f"is named after {named!r}, which is known only after day zero"
    for answer, known in _answers(column):
        asked = known & future.population
        for name, has in future.events.items():
            if _agrees(_Square.count(answer & asked, has & asked, int(np.count_nonzero(asked)))):
                return f"agrees with the event {name!r}, which happened after day zero"
    return None


def _is_later(named: str, future: _Future) -> bool:
    """Return whether the event comes after day zero in somebody, or stands only in this column."""
    if named in ALWAYS_LATER or named not in future.events:
        return True
    return bool(np.any(future.events[named] & future.population))


def _answers(column: pl.Series) -> Iterator[tuple[Bools, Bools]]:
    """Yield each yes-or-no question that a column answers: each of a few levels, and whether it has a value."""
    known = column.is_not_null().to_numpy()
    levels = column.drop_nulls().head(GLANCE).unique()
    if 0 < len(levels) <= GROUPS:
        levels = column.drop_nulls().unique().sort()
    if 2 <= len(levels) <= GROUPS:
        for level in levels[: 1 if len(levels) == 2 else GROUPS]:
            yield (column == level).fill_null(value=False).to_numpy(), known
    if len(levels) and not known.all():
        yield known, np.ones(len(known), bool)


@dataclass(frozen=True)
class _Square:
    """A table of two by two: the number of patients, of those with the answer, the event, and both."""

    n: int
    answer: int
    event: int
    both: int

    @classmethod
    def count(cls, answer: Bools, event: Bools, n: int) -> "_Square":
        """Count; where most patients disagree the other answer is meant."""
        counts = (int(np.count_nonzero(x)) for x in (answer, event, answer & event))
        square = cls(n, *counts)
        other = cls(n, n - square.answer, square.event, square.event - square.both)
        return square if square.agreeing >= other.agreeing else other

    @property
    def neither(self) -> int:
        """Patients with neither."""
        return self.n - self.answer - self.event + self.both

    @property
    def agreeing(self) -> int:
        """Patients with both or neither."""
        return self.both + self.neither

    @property
    def chance(self) -> float:
        """Probability of so many with both, given the margins (Fisher's exact test, upper hypergeometric tail)."""
        k = np.arange(self.both, min(self.answer, self.event) + 1)
        ways = _log_choose(self.event, k) + _log_choose(self.n - self.event, self.answer - k)
        return float(np.exp(ways - _log_choose(self.n, np.asarray(self.answer))).sum())


def _log_choose(n: int, k: Ints) -> Floats:
    return np.asarray(gammaln(n + 1.0) - gammaln(k + 1.0) - gammaln(n - k + 1.0))


def _agrees(square: _Square) -> bool:
    """Return whether a column and an event are the same thing.

    At least 95 % of the patients agree, those who agree on the rarer answer outnumber those who disagree (else two
    rare things would agree by their absence), and chance does not explain it.
    """
    enough = square.n > 0 and square.agreeing >= AGREEMENT * square.n
    told = min(square.both, square.neither) > square.n - square.agreeing
    return enough and told and square.chance < CHANCE
