"""What the name of an endpoint claims, so that it can be held against what the endpoint counts."""

import re
from typing import Final

from dayzero.protocol.endpoint import Endpoint
from dayzero.protocol.term import parse_term

_FREE: Final = re.compile(r"\bevent[- ]free survival\b")
_SURVIVAL: Final = re.compile(r"[a-z]+[- ]free survival\b")
_ABBREVIATED: Final = frozenset("efs pfs rfs lfs dfs grfs crfs".split())
_MORTALITY: Final = re.compile(r"\b(non[- ]relapse|transplant(ation)?[- ]related|treatment[- ]related) mortality\b")
_NON_RESPONSE: Final = re.compile(r"^response$|non_?respon|refractor|treatment_failure|induction_failure")


def is_event_free_survival(endpoint: Endpoint) -> bool:
    """Return whether an endpoint is called event-free survival.

    Examples
    --------
    >>> is_event_free_survival(Endpoint(name="efs_cut", origin="infusion", events=("relapse", "death")))
    True
    """
    return "efs" in _words(endpoint) or bool(_FREE.search(endpoint.label.casefold()))


def is_free_survival(endpoint: Endpoint) -> bool:
    """Return whether an endpoint is called a survival free of something, as LFS, RFS, EFS and GRFS are.

    Examples
    --------
    >>> is_free_survival(Endpoint(name="x", label="Leukaemia-free survival", origin="hsct", events=("relapse",)))
    True
    """
    return bool(_ABBREVIATED & _words(endpoint)) or bool(_SURVIVAL.search(endpoint.label.casefold()))


def is_non_relapse_mortality(endpoint: Endpoint) -> bool:
    """Return whether an endpoint is called non-relapse, or transplant- or treatment-related, mortality."""
    return bool({"nrm", "trm"} & _words(endpoint)) or bool(_MORTALITY.search(endpoint.label.casefold()))


def counts_non_response(endpoint: Endpoint) -> bool:
    """Return whether non-response is an event: by the key ``non_response``, or as an event of its own."""
    named = (term.name for term in endpoint.terms("events"))
    return bool(endpoint.non_response) or any(_NON_RESPONSE.search(name.casefold()) for name in named)


def of_responders_only(endpoint: Endpoint) -> bool:
    """Return whether only patients with a response are in the population: by its origin, or its population.

    Examples
    --------
    >>> of_responders_only(Endpoint(origin="response=CR after infusion", events=("relapse", "death")))
    True
    """
    texts = (endpoint.origin, *filter(None, (endpoint.population,)))
    return any(parse_term(text).name == "response" for text in texts)


def _words(endpoint: Endpoint) -> set[str]:
    """Return the words of the name; where there is no label they are all that a reader sees."""
    return set(re.findall(r"[a-z0-9]+", f"{endpoint.name} {endpoint.label}".casefold()))
