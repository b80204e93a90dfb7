"""Endpoints: from a History to Spells, by a definition and nothing else.

``derive_spells`` follows an endpoint, one spell a patient; ``derive_states`` a model of several states.
"""

from dayzero.endpoints.derive import ASSESSMENTS, Exclusion, derive_spells, exclusions, find_endpoint_facts
from dayzero.endpoints.events import first_day, matching
from dayzero.endpoints.states import StateModel, derive_states, state_exclusions

__all__ = [
    "ASSESSMENTS",
    "Exclusion",
    "StateModel",
    "derive_spells",
    "derive_states",
    "exclusions",
    "find_endpoint_facts",
    "first_day",
    "matching",
    "state_exclusions",
]
