"""Endpoints: from a History to Spells, by a definition and nothing else.

``derive_spells`` follows an endpoint, one spell a patient or one for each change of a time-varying column;
``derive_states`` follows a model of several states; ``exposure_at`` looks at a state on a day.
"""

from dayzero.endpoints.derive import ASSESSMENTS, Exclusion, derive_spells, exclusions, find_endpoint_facts
from dayzero.endpoints.events import first_day, matching
from dayzero.endpoints.exposures import exposure_at
from dayzero.endpoints.states import StateModel, derive_states, state_exclusions
from dayzero.endpoints.treatments import treatment_days

__all__ = [
    "ASSESSMENTS",
    "Exclusion",
    "StateModel",
    "derive_spells",
    "derive_states",
    "exclusions",
    "exposure_at",
    "find_endpoint_facts",
    "first_day",
    "matching",
    "state_exclusions",
    "treatment_days",
]
