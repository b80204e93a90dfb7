"""What every analysis needs: the history, the protocol, and how to look things up in them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

import polars as pl

from dayzero.endpoints import derive_spells
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Endpoint, Protocol, parse_term
from dayzero.protocol.naming import is_event_free_survival, of_responders_only
from dayzero.spells import Spells


def _silent(_: str) -> None:
    return None


@dataclass(frozen=True)
class Context:
    """The study as an analysis sees it.

    Attributes
    ----------
    history, protocol
        What happened and what was planned.
    refused
        By endpoint, the baseline columns that were known only after its day zero, and why.
    tell
        Called with the words for each step of a long computation.
    """

    history: History
    protocol: Protocol
    refused: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    tell: Callable[[str], None] = field(default=_silent)

    def endpoint(self, name: str) -> Endpoint:
        """Return an endpoint, or raise InputError: naming the nearest, or because its name is another endpoint's."""
        if name not in self.protocol.endpoints:
            fault = f"no endpoint {name!r}"
            raise InputError(fault, mend=_mend(name, self.protocol.endpoints, "The endpoints are"), column="endpoint")
        endpoint = self.protocol.endpoint(name)
        if is_event_free_survival(endpoint) and of_responders_only(endpoint):
            fault = f"{name!r} is called event-free survival, and only responders are in it"
            mend = "Name it relapse-free survival or duration of response, or begin it at day zero."
            raise InputError(fault, mend=mend, column="endpoint")
        return endpoint

    def baseline(self, column: str, key: str, endpoint: Endpoint) -> pl.Series:
        """Return a baseline column, or raise InputError: unknown, or known only after the endpoint's day zero."""
        columns = [name for name in self.history.patients.columns if name != "patient"]
        if column not in columns:
            raise InputError(f"no baseline column {column!r}", mend=_mend(column, columns, "There are"), column=key)
        for name, why in self.refused.get(endpoint.name, ()):
            if name == column:
                fault = f"the column {column!r} is no baseline column of {endpoint.name!r}: it {why}"
                mend = "Name the event among the terms, as a function of time, or declare the column in known_at."
                raise InputError(fault, mend=mend, column=key)
        return self.history.patients[column]

    def spells(self, endpoint: Endpoint, treatments: tuple[str, ...] = ()) -> Spells:
        """Derive the spells of an endpoint; nobody in its population is an InputError."""
        population = parse_term(endpoint.population).name if endpoint.population else ""
        if population in self.history.patients.columns:
            self.baseline(population, "endpoint", endpoint)
        spells = derive_spells(self.history, endpoint, treatments=treatments)
        if spells.n == 0:
            fault = f"no patient has the origin of {endpoint.name!r}, {endpoint.origin}, and a follow-up after it"
            raise InputError(fault, mend="Correct the endpoint's origin, or the events.", column="endpoint")
        return spells


def _mend(name: str, known: Iterable[str], introduction: str) -> str:
    names = sorted(known)
    near = get_close_matches(name, names, 1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    return f"{hint}{introduction} {', '.join(names[:30])}."
