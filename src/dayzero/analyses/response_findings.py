"""What a reader of response rates must know: unstated criteria, mixed sets, a single denominator."""

from collections.abc import Mapping
from typing import Final

import polars as pl

from dayzero.analyses.response_patients import Responses, counts
from dayzero.errors import Finding
from dayzero.grading.editions import scale_words
from dayzero.protocol import Term

_INCOMPLETE: Final = ("CRh", "CRi", "CR_ANY", "MLFS")


def find_response(found: Responses, sets: Mapping[str, Term], *, planned: int) -> tuple[Finding, ...]:
    """Return the guards CR_SET_LABEL and DENOMINATOR_TABLE.

    Parameters
    ----------
    found
        What is known of every patient's response.
    sets
        The sets of responses by label.
    planned
        How many denominators before the infusion (apheresed, enrolled) the data allow.
    """
    every = [finding for label, term in sets.items() for finding in _of_set(found, label, term)]
    return (*_criteria(found, sets), *every, *_marrow_only(found), *_denominators(planned))


def _criteria(found: Responses, sets: Mapping[str, Term]) -> list[Finding]:
    """Find responses without criteria, and of several."""
    among = found.rows.filter(pl.any_horizontal([counts(found.rows, term) for term in sets.values()]))
    unstated = among.filter(pl.col("scale").is_null())
    result = []
    if unstated.height:
        message = (
            "Responses are reported without the criteria by which they were judged; the label is all that is known."
        )
        mend = "Add a column scale to the events, for example eln-2024."
        rows = tuple(row for row in unstated["row"].to_list() if row > 0)
        result.append(Finding("warning", "response-criteria-not-stated", message, mend, table="events", rows=rows))
    stated = among["scale"].drop_nulls().unique().sort().to_list()
    if len(stated) > 1:
        names = ", ".join(scale_words("response", name) for name in stated)
        message = f"Responses of several criteria ({names}) are counted as one: a rate of them is of no set."
        result.append(Finding("warning", "response-criteria-mixed", message, "Judge all patients by one edition."))
    return result


def _of_set(found: Responses, label: str, term: Term) -> list[Finding]:
    """Find a set in which incomplete remissions of several kinds are counted together."""
    values = found.rows.filter(counts(found.rows, term))["value"].unique().to_list()
    mixed = [value for value in _INCOMPLETE if value in values]
    if len(mixed) < 2:
        return []
    message = f"{label}: {', '.join(mixed)} are counted together; other papers count only some of them."
    mend = "Compare the rate with those of the same set alone; name further sets to print them beside it."
    return [Finding("note", "response-set-mixed", message, mend)]


def _marrow_only(found: Responses) -> list[Finding]:
    """Find patients whose marrow was judged and the whole patient never: the trap of a marrow CR."""
    judged = set(found.marrow["patient"].to_list()) - set(found.rows["patient"].to_list())
    alone = found.marrow.filter(pl.col("patient").is_in(list(judged)))
    if not alone.height or "row" not in alone.columns or not alone["row"].drop_nulls().len():
        return []
    message = "Responses are of the marrow alone: they are no responses of the patient, and are not counted as such."
    mend = "Add the overall response, with disease outside the marrow."
    rows = tuple(alone["row"].drop_nulls().to_list())
    return [Finding("warning", "response-marrow-only", message, mend, table="events", rows=rows)]


def _denominators(planned: int) -> list[Finding]:
    if planned:
        return []
    message = (
        "No apheresis or enrolment is on record: rates are of the infused, and nobody knows who never got that far."
    )
    mend = "Add events apheresis (or enrolment), those of patients who were never infused included."
    return [Finding("note", "denominators-missing", message, mend, table="events")]
