"""An endpoint as data: from when, to what, competing with what, and what censors it."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal

from dayzero.errors import InputError
from dayzero.protocol.term import Term, parse_term

NonResponse = Literal["", "day0", "assessment", "window_end"]
Censor = Literal["last_contact", "last_assessment"]


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """What is counted, from which day zero, in whom.

    Attributes
    ----------
    origin
        The term whose first occurrence is day zero; patients without it are not in the population.
    events
        Terms; the first of them on or after day zero is the event.
    name, label
        The key in the study file, and the words for people.
    competing
        Terms that end the risk of the event.
    censor_at
        Terms at which follow-up is cut: a hypothetical estimand, printed beside every number.
    population
        A baseline column with its values (``risk=high``) or an event known on or before day zero; empty: everybody
        with the origin.
    non_response
        When a patient who never responds has the event: on ``day0``, at the ``assessment`` that says so, or at the
        end of the window (``window_end``); empty: non-response is no event.
    response
        The term that counts as response, for ``non_response``.
    assessed_by
        Days from day zero within which a response must have been reached.
    censor
        Patients without an event leave at their ``last_contact``, or at their ``last_assessment`` of the disease.
    entry
        Left truncation: at risk only from this event on.
    known_at
        Baseline columns that became known at an event, and the term of that event: they are usable only where it is
        on or before day zero.
    """

    origin: str
    events: tuple[str, ...]
    name: str = "endpoint"
    label: str = ""
    competing: tuple[str, ...] = ()
    censor_at: tuple[str, ...] = ()
    population: str = ""
    non_response: NonResponse = ""
    response: str = "response=CR|CRh|CRi"
    assessed_by: float = 90.0
    censor: Censor = "last_contact"
    entry: str = ""
    known_at: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse terms that cannot be read, no event, and an event that competes with itself."""
        if not self.events:
            raise InputError("an endpoint needs at least one event", mend='Add events = ["death"].', column="events")
        for term in self.all_terms():
            parse_term(term)
        both = set(self.events) & set(self.competing)
        if both:
            fault = f"{min(both)!r} is an event and competes with itself"
            raise InputError(fault, mend="Keep it in one list.", column="competing")
        if not self.assessed_by > 0:
            fault = "assessed_by is not a positive number of days"
            raise InputError(fault, mend="Write assessed_by = 28.", column="assessed_by")

    def all_terms(self) -> tuple[str, ...]:
        """Every term of the endpoint, as written."""
        optional = (self.entry, self.population, *self.known_at.values())
        response = (self.response,) if self.non_response else ()
        return (self.origin, *self.events, *self.competing, *self.censor_at, *response, *filter(None, optional))

    @property
    def title(self) -> str:
        """The words for people: the label, or else the name."""
        return self.label or self.name

    @property
    def event_state(self) -> str:
        """Name of the event's state: the term, or the endpoint's name where several events are joined."""
        joined = len(self.events) > 1 or self.non_response
        return self.name if joined else self.events[0]

    @property
    def states(self) -> tuple[str, ...]:
        """Names of the states of its spells: event-free, the event, then each competing event."""
        return ("event-free", self.event_state, *self.competing)

    def terms(self, key: Literal["events", "competing", "censor_at"]) -> tuple[Term, ...]:
        """Return the parsed terms of one key."""
        return tuple(parse_term(text) for text in getattr(self, key))


def substitute(endpoint: Endpoint, definitions: Mapping[str, str]) -> Endpoint:
    """Replace ``{day_zero}`` and ``{cr}`` in the endpoint's terms by a protocol's definitions.

    A competing term that a definition makes day zero itself is left out: ``infusion:2`` where day zero is the second
    infusion.
    """
    changed: dict[str, object] = {}
    for item in fields(endpoint):
        value = getattr(endpoint, item.name)
        if isinstance(value, str):
            changed[item.name] = _filled(value, definitions)
        elif isinstance(value, tuple):
            changed[item.name] = tuple(_filled(text, definitions) for text in value)
        elif isinstance(value, Mapping):
            changed[item.name] = {column: _filled(text, definitions) for column, text in value.items()}
    filled: Endpoint = replace(endpoint, **changed)  # type: ignore[arg-type]
    if filled.origin == endpoint.origin:
        return filled
    return replace(filled, competing=tuple(term for term in filled.competing if term != filled.origin))


def _filled(text: str, definitions: Mapping[str, str]) -> str:
    for name, term in definitions.items():
        text = text.replace("{" + name + "}", term)
    return text
