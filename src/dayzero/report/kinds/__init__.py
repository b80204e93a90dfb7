"""The kinds of analysis that a report can print: one file a kind, one line here."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from dayzero.errors import InternalError
from dayzero.report.kinds import (
    adherence,
    courses,
    cox,
    curve,
    fine_gray,
    kinetics,
    mrd,
    multistate,
    outcome,
    paired,
    persistence,
    response,
    rmst,
    strategy,
    toxicity,
)
from dayzero.report.kinds.kind import Drawing, Kind, Part
from dayzero.report.page import Section

KINDS: Final[Mapping[str, Kind]] = MappingProxyType(
    {
        "curve": curve.KIND,
        "cox": cox.KIND,
        "fine_gray": fine_gray.KIND,
        "multistate": multistate.KIND,
        "rmst": rmst.KIND,
        "outcome": outcome.KIND,
        "paired": paired.KIND,
        "strategy": strategy.KIND,
        "toxicity": toxicity.KIND,
        "response": response.KIND,
        "adherence": adherence.KIND,
        "kinetics": kinetics.KIND,
        "courses": courses.KIND,
        "mrd": mrd.KIND,
        "persistence": persistence.KIND,
    }
)


def kind_of(section: Section) -> Kind:
    """Return how a section is printed.

    Raises
    ------
    InternalError
        Where no file of this folder knows the kind.
    """
    if section.kind not in KINDS:
        raise InternalError(f"the report cannot print the analysis kind {section.kind!r}; known: {', '.join(KINDS)}")
    return KINDS[section.kind]


__all__ = ["KINDS", "Drawing", "Kind", "Part", "kind_of"]
