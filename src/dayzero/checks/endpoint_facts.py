"""Checks of the endpoints analysed: what a reader must know before comparing or believing them."""

from collections.abc import Iterable
from itertools import product
from typing import Final

import numpy as np

from dayzero.checks.evidence import Evidence, Fault, Floats, Ints, patients_fault
from dayzero.endpoints import ASSESSMENTS, first_day
from dayzero.history import History
from dayzero.protocol import Endpoint, listed
from dayzero.spells import CENSORED

GAP: Final = 6 * 30.4375
"""Days between the last assessment of the disease and the last contact that are worth a word."""

COUNTS: Final = {
    "last_contact": "last contact, which counts them as free of relapse until then",
    "last_assessment": "last assessment, which leaves out the time after it",
}
"""What an endpoint's ``censor`` does to those patients."""


def os_event_missed(evidence: Evidence) -> Iterable[Fault]:
    """Find deaths of overall survival that are no event of an endpoint that counts death (clinical rule book 5.2)."""
    pairs = [(a, b) for a, b in product(evidence.endpoints, repeat=2) if _is_survival(a) and _has_death(b)]
    return [fault for a, b in pairs for fault in _missed(a, b, evidence.outcomes)]


def _is_survival(endpoint: Endpoint) -> bool:
    return endpoint.events == ("death",) and not endpoint.competing


def _has_death(endpoint: Endpoint) -> bool:
    names = [term.name for term in endpoint.terms("events")]
    return len(names) > 1 and "death" in names and not endpoint.competing


def _missed(survival: Endpoint, other: Endpoint, states: dict[str, Floats]) -> Iterable[Fault]:
    lost = np.flatnonzero((states[survival.name] == 1) & (states[other.name] == CENSORED))
    cut = f", which is cut at {listed(other.censor_at)}" if other.censor_at else ""
    words = f"{{n}} in both populations whose death is an event of {survival.name}, but not of {other.name}{cut}."
    return patients_fault(lost, words)


def censoring_gap(evidence: Evidence) -> Iterable[Fault]:
    """Find patients who were last seen long after their disease was last assessed."""
    if not {"response", "mrd"} & set(evidence.names):
        return ()
    assessed = evidence.last(evidence.of(*ASSESSMENTS))
    alike: dict[tuple[str, tuple[int, ...]], list[str]] = {}
    for endpoint in filter(has_relapse, evidence.endpoints):
        late = tuple(_late(evidence, endpoint, assessed).tolist())
        alike.setdefault((endpoint.censor, late), []).append(endpoint.name)
    words = "{n} last seen more than 6 months after the last assessment of the disease, censored in "
    return [
        fault
        for (censor, late), names in alike.items()
        for fault in patients_fault(np.array(late, np.int64), f"{words}{listed(names)} at the {COUNTS[censor]}.")
    ]


def has_relapse(endpoint: Endpoint) -> bool:
    """Return whether an endpoint counts relapse or progression."""
    return any(term.name in {"relapse", "progression"} for term in endpoint.terms("events"))


def _late(evidence: Evidence, endpoint: Endpoint, assessed: Floats) -> Ints:
    origin = evidence.day_zeros[endpoint.origin]
    end = _end(evidence.history, endpoint, origin)
    wide = end - np.fmax(np.minimum(assessed, end), origin) > GAP
    return np.flatnonzero(wide & (evidence.outcomes[endpoint.name] == CENSORED))


def _end(history: History, endpoint: Endpoint, origin: Floats) -> Floats:
    cuts = [first_day(history, term, origin) for term in endpoint.terms("censor_at")]
    return np.asarray(np.minimum.reduce([history.end, *cuts]))
