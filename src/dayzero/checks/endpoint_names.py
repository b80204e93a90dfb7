"""Checks of what endpoints are called, and of transplants that cut them, against what they count."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

import numpy as np

from dayzero.checks.evidence import Bools, Evidence, Fault, counted
from dayzero.endpoints import first_day
from dayzero.protocol import Endpoint, parse_term
from dayzero.protocol.naming import (
    counts_non_response,
    is_event_free_survival,
    is_free_survival,
    of_responders_only,
)
from dayzero.spells import CENSORED

TRANSPLANT: Final = "hsct"


def efs_of_responders(evidence: Evidence) -> Iterable[Fault]:
    """Find event-free survival that leaves out the patients who never responded (clinical rule book 5.3, D)."""
    return [
        Fault(
            f"{e.name} is called event-free survival, but only responders are in it: the failures are left out, and "
            "the endpoint is refused under this name."
        )
        for e in evidence.endpoints
        if is_event_free_survival(e) and of_responders_only(e)
    ]


def efs_without_non_response(evidence: Evidence) -> Iterable[Fault]:
    """Find event-free survival in which non-response is no event; after a transplant in remission nobody asks for it.

    A finding although everybody responded: the definition must say what would have counted.
    """
    return [
        Fault(
            f"{e.name} is called event-free survival, but does not say when non-response is an event: "
            f"{counted(_without(evidence, e), 'patient')} without {e.response} within {e.assessed_by:g} days count as "
            "free of events until relapse, death or the end of follow-up."
        )
        for e in evidence.endpoints
        if is_event_free_survival(e) and not of_responders_only(e) and not counts_non_response(e)
        if parse_term(e.origin).name != TRANSPLANT
    ]


def _without(evidence: Evidence, endpoint: Endpoint) -> int:
    """Return how many patients of an endpoint have no response within its window."""
    origin = evidence.day_zeros[endpoint.origin]
    response = first_day(evidence.history, parse_term(endpoint.response), origin)
    inside = ~np.isnan(evidence.outcomes[endpoint.name])
    return int(np.count_nonzero(inside & ~(response <= origin + endpoint.assessed_by)))


def survival_without_death(evidence: Evidence) -> Iterable[Fault]:
    """Find leukaemia-free and other survivals in which not every death is an event: they can exceed survival."""
    return [
        Fault(
            f"{e.name} is called a survival, but death from any cause is no event of it: "
            f"{counted(_deaths(evidence, e), 'patient')} died without its event, and the curve can lie above overall "
            "survival."
        )
        for e in evidence.endpoints
        if is_free_survival(e) and "death" not in e.events
    ]


def _deaths(evidence: Evidence, endpoint: Endpoint) -> int:
    """Return how many patients of an endpoint are censored in it, or leave it by another event, and died."""
    state = evidence.outcomes[endpoint.name]
    return int(np.count_nonzero(~np.isnan(state) & (state != 1) & np.isfinite(evidence.death)))


def hsct_censored_alone(evidence: Evidence) -> Iterable[Fault]:
    """Find endpoints that end at a transplant, without the same endpoint that follows patients beyond it."""
    kept = {_essence(e) for e in evidence.endpoints if not _is_cut(e)}
    for endpoint in filter(_is_cut, evidence.endpoints):
        n = int(np.count_nonzero(_cut(evidence, endpoint)))
        if n and _essence(endpoint) not in kept:
            yield Fault(
                f"{endpoint.name} is censored at transplantation ({counted(n, 'patient')}), and the same endpoint "
                "without this censoring is not shown: whoever is transplanted is in remission and fit, so that the "
                "censoring is informative."
            )


def _is_cut(endpoint: Endpoint) -> bool:
    return TRANSPLANT in {term.name for term in endpoint.terms("censor_at")}


def _essence(endpoint: Endpoint) -> str:
    """Return what makes an endpoint, but for its names and for what it is censored at."""
    rest = tuple(text for text in endpoint.censor_at if parse_term(text).name != TRANSPLANT)
    plain = replace(endpoint, name="", label="", censor_at=rest)
    if plain.non_response:
        return repr(plain)
    return repr(replace(plain, response="response", assessed_by=1.0))


def _cut(evidence: Evidence, endpoint: Endpoint) -> Bools:
    """Return (patients,) whose follow-up is cut at a transplant before any event of the endpoint."""
    history, origin = evidence.history, evidence.day_zeros[endpoint.origin]
    terms = [term for term in endpoint.terms("censor_at") if term.name == TRANSPLANT]
    days = np.minimum.reduce([first_day(history, term, origin) for term in terms])
    return np.asarray((evidence.outcomes[endpoint.name] == CENSORED) & (days <= history.end))
