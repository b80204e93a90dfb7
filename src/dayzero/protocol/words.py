"""An endpoint's definition in words, made from the same object that the engine derives it from."""

import re
from collections.abc import Sequence
from typing import Final

from dayzero.protocol.endpoint import Endpoint
from dayzero.protocol.term import Condition, Term, parse_term
from dayzero.protocol.treatment import Treatment, as_treatment

_NAMES: Final = {
    "agvhd": "acute GVHD",
    "b_cell_recovery": "loss of B-cell aplasia",
    "cgvhd": "chronic GVHD",
    "crs": "cytokine release syndrome",
    "dli": "donor lymphocyte infusion",
    "hsct": "transplantation",
    "icans": "ICANS",
    "infusion": "CAR-T infusion",
    "last_contact": "last contact",
    "mrd": "MRD",
    "mrd_relapse": "MRD relapse",
    "platelet_engraftment_50": "platelet recovery to 50",
    "sos": "sinusoidal obstruction syndrome",
}
_COURSES: Final = {"hsct": "transplant", "dli": "DLI"}
_GRADES: Final = {">=": "{} or higher", ">": "above {}", "<=": "{} or lower", "<": "below {}"}
_ABBREVIATION: Final = re.compile(r"^[A-Z]{2}")
_ORDINALS: Final = ("", "first", "second", "third", "fourth", "fifth")
_NON_RESPONSE: Final = {
    "day0": "patients who do not reach {response} by day {day:g}, or die before, have the event on day zero; "
    "patients whose response was never assessed are censored on day zero",
    "assessment": "patients who do not reach {response} by day {day:g} have the event on the day of the assessment "
    "that says so",
    "window_end": "patients who do not reach {response} by day {day:g} have the event on that day",
}


def term_words(term: str | Term) -> str:
    """Return a term in words.

    Examples
    --------
    >>> term_words("infusion:2"), term_words("response=CR|CRi after hsct"), term_words("agvhd>=3")
    ('second CAR-T infusion', 'CR or CRi after transplantation', 'acute GVHD of grade 3 or higher')
    >>> term_words("hsct[kind=allogeneic]"), term_words("death[cause=disease]")
    ('allogeneic transplantation', 'death with cause disease')
    """
    term = parse_term(term) if isinstance(term, str) else term
    name = _NAMES.get(term.name, term.name.replace("_", " "))
    kinds = [condition for condition in term.conditions if (condition.column, condition.operator) == ("kind", "=")]
    name = " ".join([*(listed(condition.values, "or") for condition in kinds), name])
    name = "" if _is_remission(term) else name
    words = f"{ordinal(term.number)} {name}" if term.number else name
    words += "".join(f" {_condition_words(condition)}" for condition in term.conditions if condition not in kinds)
    words += f" ({term.source})" if term.source else ""
    return f"{words.lstrip()} after {term_words(term.after)}" if term.after else words.lstrip()


def _is_remission(term: Term) -> bool:
    """Return whether a response is named by what says itself that it is one: CR, CRi, PR."""
    values = [value for condition in term.conditions if condition.column == "value" for value in condition.values]
    return term.name == "response" and bool(values) and all(_ABBREVIATION.match(value) for value in values)


def treatment_words(treatment: str | Treatment) -> str:
    """Return a treatment in words.

    Examples
    --------
    >>> treatment_words(Treatment("hsct", "response=CR|CRi", ("relapse",)))
    'transplantation (while in CR or CRi; no relapse before)'
    """
    treatment = as_treatment(treatment)
    state = [_while(parse_term(treatment.while_))] if treatment.while_ else []
    state += [f"no {listed([term_words(text) for text in treatment.before], 'or')} before"] if treatment.before else []
    words = term_words(treatment.event)
    return f"{words} ({'; '.join(state)})" if state else words


def _while(term: Term) -> str:
    return f"while {'in ' if _is_remission(term) else ''}{term_words(term)}"


def ordinal(number: int) -> str:
    """Return which of its kind, as every sentence and heading says it.

    Examples
    --------
    >>> ordinal(1), ordinal(2), ordinal(6)
    ('first', 'second', '6th')
    """
    return _ORDINALS[number] if 0 < number < len(_ORDINALS) else f"{number}th"


def course_words(kind: str, number: int) -> str:
    """Return a course with its number, without what was infused: ``term_words`` says that in a definition.

    Examples
    --------
    >>> course_words("infusion", 1), course_words("hsct", 2), course_words("dli", 7)
    ('first infusion', 'second transplant', '7th DLI')
    """
    return f"{ordinal(number)} {_COURSES.get(kind, kind)}"


def _condition_words(condition: Condition) -> str:
    values = listed(condition.values, "or")
    if condition.column != "value":
        operator = "" if condition.operator == "=" else f"{condition.operator} "
        return f"with {condition.column.replace('_', ' ')} {operator}{values}"
    return values if condition.operator == "=" else f"of grade {_GRADES[condition.operator].format(values)}"


def listed(items: Sequence[str], last: str = "and") -> str:
    """Join words as a sentence does.

    Examples
    --------
    >>> listed(["relapse", "death"], "or")
    'relapse or death'
    """
    return f" {last} ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else ""


def definition(endpoint: Endpoint) -> str:
    """Return the definition of an endpoint: origin, event, competing events, censoring, and what a transplant does.

    Examples
    --------
    >>> os = Endpoint(origin="hsct", events=("death",))
    >>> definition(os).split(". ")[0]
    'From the first transplantation to death from any cause'
    """
    return " ".join(_sentences(endpoint))


def _sentences(endpoint: Endpoint) -> list[str]:
    events = [_event_words(text) for text in endpoint.events]
    first = ", whichever comes first" if len(events) > 1 else ""
    origin = term_words(endpoint.origin)
    origin = origin if parse_term(endpoint.origin).number else f"first {origin}"
    sentences = [f"From the {origin} to {listed(events, 'or')}{first}."]
    if endpoint.population:
        sentences.append(f"Population: patients with {term_words(endpoint.population)} known by then.")
    if endpoint.non_response:
        response = term_words(endpoint.response)
        words = _NON_RESPONSE[endpoint.non_response].format(response=response, day=endpoint.assessed_by)
        sentences.append(f"Non-response is an event: {words}.")
    if endpoint.competing:
        competing = listed([_event_words(text) for text in endpoint.competing], "and")
        verb = "competes" if len(endpoint.competing) == 1 else "compete"
        sentences.append(f"{_capital(competing)} {verb} with it.")
    if endpoint.entry:
        sentences.append(f"Patients are at risk only from {term_words(endpoint.entry)} on (left truncation).")
    end = "last contact" if endpoint.censor == "last_contact" else "the last assessment of the disease"
    sentences.append(f"Patients without the event are censored at {end}.")
    return [*sentences, *_censoring(endpoint)]


def _event_words(text: str) -> str:
    words = term_words(text)
    return "death from any cause" if words == "death" and not parse_term(text).conditions else words


def _censoring(endpoint: Endpoint) -> list[str]:
    sentences = []
    if endpoint.censor_at:
        cut = listed([term_words(text) for text in endpoint.censor_at], "and")
        sentences.append(f"Follow-up is cut at {cut}: a hypothetical quantity, and the censoring may be informative.")
    kept = transplant_words(endpoint)
    return [*sentences, *([kept] if kept else [])]


def transplant_words(endpoint: Endpoint) -> str:
    """Return that a transplant does not end follow-up; empty where it is an event, competes, or cuts.

    Examples
    --------
    >>> transplant_words(Endpoint(origin="hsct", events=("death",)))
    'A further transplantation does not end follow-up (treatment policy).'
    """
    if "hsct" in {parse_term(text).name for text in (*endpoint.events, *endpoint.competing, *endpoint.censor_at)}:
        return ""
    which = "A further transplantation" if parse_term(endpoint.origin).name == "hsct" else "Transplantation"
    return f"{which} does not end follow-up (treatment policy)."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
