"""Response and relapse in acute lymphoblastic leukaemia, from assessments, blood counts and MRD.

Sources and thresholds: ``editions/response``, ``editions/relapse``, ``editions/emd``, ``editions/cns``.
"""

from importlib import import_module

import polars as pl

from dayzero.grading.derived import Derived, with_derived
from dayzero.grading.editions import edition
from dayzero.grading.response.assess import assess, response
from dayzero.grading.response.best import best_response
from dayzero.grading.response.events import (
    compare_assessors,
    compare_relapses,
    compare_responses,
    first_signs,
    relapse_events,
    response_events,
    uncertain,
)
from dayzero.grading.response.relapse import relapses
from dayzero.history import History
from dayzero.protocol import Definitions


def derive_response(history: History, definitions: Definitions) -> Derived:
    """Return the response at each assessment, the best to each infusion, and every relapse.

    Parameters
    ----------
    history
        With ``tables["assessments"]``; ``labs`` and ``support`` where there are any, and ``graded["mrd"]``.
    definitions
        ``response`` and ``relapse``: the editions; ``counts_within``.

    Returns
    -------
    Derived
        Results ``response``, ``best_response`` and ``relapse``; events ``response``, ``relapse``, ``progression`` and
        ``mrd_relapse``. Reported relapses that no assessment shows stay.

    Raises
    ------
    InputError
        Where there is no edition of that name.
    """
    criteria, definition = edition("response", definitions.response), edition("relapse", definitions.relapse)
    found = assess(history, criteria, counts_within=definitions.counts_within)
    graded = response(found, criteria)
    lost = relapses(history, found, graded, edition=definition)
    within = float(definition.table["reported_within"])
    answered, again = response_events(graded), first_signs(history, relapse_events(lost), within=within)
    told, differ = compare_responses(history, answered, within=definitions.counts_within)
    known, alone = compare_relapses(history, again, within=within)
    events = pl.concat([answered, again], how="diagonal")
    dated = with_derived(history, Derived(events=again))
    best = best_response(dated, graded, scale=criteria.name)
    return Derived(
        results={"response": graded, "best_response": best, "relapse": lost},
        events=events,
        superseded=(*told, *known),
        findings=(*differ, *compare_assessors(history, graded), *alone, *uncertain(history, graded)),
    )


def grade_response(history: History, definitions: Definitions | None = None) -> History:
    """Return the history with responses and relapses derived from its assessments.

    Parameters
    ----------
    history
        With ``tables["assessments"]``. MRD is graded first where the history has a table of it.
    definitions
        Of the protocol; the default ones where none are given.
    """
    words = definitions or Definitions()
    if "mrd" in history.tables and "mrd" not in history.graded:
        derive_mrd = import_module("dayzero.grading.mrd").derive_mrd
        history = with_derived(history, derive_mrd(history, words))
    return with_derived(history, derive_response(history, words))


__all__ = ["derive_response", "grade_response"]
