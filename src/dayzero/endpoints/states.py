"""Multi-state models: from a History to Spells with several states, each entered at an event.

A patient is in the initial state from day zero on and moves at each event that leads into another state, where the
model allows that transition; other events are passed over. Order on one day: the states in the order of the model,
death last. Who makes two transitions on one day makes the second half a day later, for no stay lasts no time: both
transitions count, and their order stays.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.endpoints.derive import Exclusion, exclusions
from dayzero.endpoints.events import first_day, matching
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Endpoint, Term, parse_term
from dayzero.spells import CENSORED, Spells, snap

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

ARROW: Final = "->"
SECOND: Final = 0.5  # days by which the second of two transitions on one day comes later


@dataclass(frozen=True, kw_only=True)
class StateModel:
    """The states of a multi-state model, and the transitions between them.

    Attributes
    ----------
    origin
        The term whose first occurrence is day zero.
    states
        By name, the terms at whose events the state is entered; the order of the states is that of progress.
    name, label
        The key, and the words for people.
    initial
        Name of the state on day zero.
    transitions
        ``from -> to``; by default every state can be reached from every one before it.
    absorbing
        States that are never left; states without a transition out of them are so anyway.
    population, entry, censor_at, known_at
        As for an :class:`Endpoint`.
    """

    origin: str
    states: Mapping[str, tuple[str, ...]]
    name: str = "multistate"
    label: str = ""
    initial: str = "initial"
    transitions: tuple[str, ...] = ()
    absorbing: tuple[str, ...] = ()
    population: str = ""
    entry: str = ""
    censor_at: tuple[str, ...] = ()
    known_at: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse unknown states, states without an event, terms that cannot be read, and a model in which none ends."""
        if not self.states or not all(self.states.values()):
            raise InputError("a state without an event", mend='Write states = { dead = "death" }.', column="states")
        if self.initial in self.states:
            raise InputError(f"the initial state {self.initial!r} has events", mend="Rename one.", column="initial")
        for name in self.absorbing:
            self._known(name, "absorbing")
        if not bool(self.allowed.any()):
            raise InputError("no state can be left", mend="Correct the transitions.", column="transitions")
        self.endpoint.all_terms()

    @property
    def names(self) -> tuple[str, ...]:
        """(S,) names of the states, the initial one first."""
        return (self.initial, *self.states)

    @cached_property
    def allowed(self) -> Bools:
        """(S, S) whether a transition from, to counts."""
        size = len(self.names)
        allowed = np.zeros((size, size), bool) if self.transitions else np.triu(np.ones((size, size), bool), 1)
        for text in self.transitions:
            origin, arrow, target = (part.strip() for part in text.partition(ARROW))
            if not arrow:
                mend = f'Write "{self.initial} -> {next(iter(self.states))}".'
                raise InputError(f"{text!r} is not a transition", mend=mend, column="transitions")
            allowed[self._known(origin, "transitions"), self._known(target, "transitions")] = True
        allowed[[self.names.index(name) for name in self.absorbing]] = False
        np.fill_diagonal(allowed, val=False)
        allowed[:, 0] &= bool(self.transitions)
        return allowed

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint of reaching a state that is never left: it has the model's population, entry and censoring."""
        last = [name for name in self.states if not self.allowed[self.names.index(name)].any()] or list(self.states)
        terms = tuple(dict.fromkeys(term for name in last for term in self.states[name]))
        return Endpoint(
            origin=self.origin,
            events=terms,
            name=self.name,
            label=self.label,
            population=self.population,
            entry=self.entry,
            censor_at=self.censor_at,
            known_at=self.known_at,
        )

    def _known(self, name: str, key: str) -> int:
        if name not in self.names:
            mend = f"The states are {', '.join(self.names)}."
            raise InputError(f"no state {name!r}", mend=mend, column=key)
        return self.names.index(name)


@dataclass(frozen=True)
class _Events:
    """What leads into a state, sorted by patient, day and order on the day."""

    patient: Ints
    day: Floats
    state: Ints


def derive_states(history: History, model: StateModel) -> Spells:
    """Derive who was in which state, from when to when.

    Parameters
    ----------
    history
        What happened.
    model
        The states.

    Returns
    -------
    Spells
        One row a stay; states ``model.names``; time in days from the origin. Days before ``model.entry`` are cut off.

    Raises
    ------
    InputError
        Where a term asks for a column that the events do not have, or a number of what is not one.
    """
    left_out = np.any([each.patients for each in state_exclusions(history, model)], axis=0)
    origin = first_day(history, parse_term(model.origin))
    end = _end(history, model, origin) - origin
    events = _events(history, model, origin)
    patient, start, stop, state, to = _walk(events, np.where(left_out, np.nan, end), model.allowed)
    with np.errstate(invalid="ignore"):  # patients without either day are left out
        entry = first_day(history, parse_term(model.entry)) - origin if model.entry else np.full(len(end), -np.inf)
    start = np.maximum(start, np.where(entry > 0, entry, -np.inf)[patient])
    start, stop = snap(start, stop)
    kept = start < stop
    place = np.cumsum(~left_out) - 1
    order = np.flatnonzero(kept)[np.lexsort((stop[kept], patient[kept]))]
    return Spells(
        patient=place[patient[order]],
        start=start[order],
        stop=stop[order],
        state=state[order],
        to=to[order],
        weight=np.ones(len(order)),
        states=model.names,
        patients=history.patients.filter(pl.Series(~left_out)),
        name=model.name,
    )


def state_exclusions(history: History, model: StateModel) -> tuple[Exclusion, ...]:
    """Return who is not in the population and why; the last reason is an undated event of a state that can be left."""
    found = exclusions(history, model.endpoint)
    taken = np.any([each.patients for each in found], axis=0)
    undated = np.zeros(len(history), bool)
    for term in _terms(model):
        rows = matching(history, term)
        undated[rows.filter(pl.col("day").is_null())["patient"].to_numpy()] = True
    return (*found, Exclusion("undated_state", "with an undated event of the model", undated & ~taken))


def _terms(model: StateModel) -> list[Term]:
    return [parse_term(text) for terms in model.states.values() for text in terms]


def _end(history: History, model: StateModel, origin: Floats) -> Floats:
    cuts = [first_day(history, parse_term(text), origin) for text in model.censor_at]
    return np.asarray(np.minimum.reduce([history.end, *cuts]))


def _events(history: History, model: StateModel, origin: Floats) -> _Events:
    """Return every event that leads into a state, on or after the origin, in days from it."""
    codes = [code for code, terms in enumerate(model.states.values(), start=1) for _ in terms]
    found = [_days(history, term, origin) for term in _terms(model)]
    patient = np.concatenate([patients for patients, _ in found])
    day = np.concatenate([days for _, days in found])
    lengths = [len(days) for _, days in found]
    state = np.repeat(codes, lengths)
    death = np.repeat([term.name == "death" for term in _terms(model)], lengths)
    order = np.lexsort((state, death, day, patient))
    return _Events(patient[order], day[order], state[order])


def _days(history: History, term: Term, origin: Floats) -> tuple[Ints, Floats]:
    bound = origin if term.after is None else np.fmax(origin, first_day(history, term.after, origin))
    rows = matching(history, term).drop_nulls("day")
    patient = rows["patient"].to_numpy()
    day = rows["day"].to_numpy()
    with np.errstate(invalid="ignore"):
        on_time = np.asarray(day >= bound[patient])
    return patient[on_time], (day - origin[patient])[on_time]


def _walk(events: _Events, end: Floats, allowed: Bools) -> tuple[Ints, Floats, Floats, Ints, Ints]:
    """Lead every patient from event to event up to the end of follow-up (NaN: not at all)."""
    known = ~np.isnan(end)
    state, entered = np.zeros(len(end), np.int64), np.full(len(end), -np.inf)
    parts = []
    for rows in _by_rank(events.patient):
        patient, target, day = events.patient[rows], events.state[rows], events.day[rows]
        moves = allowed[state[patient], target] & (day <= np.where(known, end, -np.inf)[patient])
        patient, target, day = patient[moves], target[moves], day[moves]
        day = np.where(day > entered[patient], day, entered[patient] + SECOND)
        parts.append((patient, entered[patient], day, state[patient], target))
        state[patient], entered[patient] = target, day
    with np.errstate(invalid="ignore"):
        stays = np.flatnonzero(known & allowed[state].any(axis=1) & (entered < end))
    parts.append((stays, entered[stays], end[stays], state[stays], np.full(len(stays), CENSORED)))
    patient, start, stop, origin, to = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return patient, start, stop, origin, to


def _by_rank(patient: Ints) -> list[Ints]:
    """Return the rows that are the first of their patient, the second, ..."""
    if not len(patient):
        return []
    new = np.concatenate(([True], patient[1:] != patient[:-1]))
    rank = np.arange(len(patient)) - np.flatnonzero(new)[np.cumsum(new) - 1]
    order = np.argsort(rank, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(rank[order])) + 1)
