"""The analysis kind ``response``: each set of responses as a share of every denominator that the data allow."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final, Literal

import numpy as np
import polars as pl

from dayzero.analyses.context import Context
from dayzero.analyses.denominators import (
    AFTER_THE_FACT,
    Denominator,
    not_infused,
    planned,
    rates,
    share,
    tally,
    vein_to_vein,
)
from dayzero.analyses.response_depth import changes, mrd_known, mrd_rates, relapses
from dayzero.analyses.response_findings import find_response
from dayzero.analyses.response_patients import ORDER, Responses, mask, responses_of
from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat
from dayzero.grading.courses import courses
from dayzero.grading.editions import scale_words
from dayzero.history import History
from dayzero.protocol import Term, course_words, listed, parse_term
from dayzero.report.page import Section
from dayzero.spells import Bools

_METHODS: Final = {
    "mfc": "flow cytometry (MFC)",
    "qpcr_igtr": "qPCR of Ig/TR",
    "qpcr_fusion": "qPCR of the fusion gene",
    "ddpcr": "ddPCR",
    "ngs": "NGS",
}
_CATEGORY: Final = re.compile(r"\b(?:CR_ANY|CRh|CRi|CR|MLFS|PR)\b")


@dataclass(frozen=True)
class ResponseSettings:
    """Settings of a table of responses.

    Attributes
    ----------
    sets
        By label, the terms of the sets of responses that count; empty: the protocol's complete remission. The first
        is that which keeps a patient from being evaluable where it holds before the infusion.
    infusion
        Number of the infusion.
    by_day
        Days from the infusion within which the response is looked for; it ends earlier where the next course begins.
    waterfall
        What is drawn for each patient: ``mrd``, ``blasts``, ``auto`` (MRD where it was measured) or ``none``.
    level
        Of the exact limits.
    """

    sets: Mapping[str, str] = field(default_factory=dict)
    infusion: int = 1
    by_day: float = 90.0
    waterfall: Literal["auto", "mrd", "blasts", "none"] = "auto"
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse numbers that are none, and a label that names another set than its own."""
        if self.infusion < 1:
            raise InputError("no number of an infusion", mend="Write infusion = 1.", column="infusion")
        if not 0 < self.by_day < np.inf:
            raise InputError("no number of days", mend="Write by_day = 90.", column="by_day")
        if not 0 < self.level < 1:
            raise InputError("a level outside 0 to 1", mend="Write level = 0.95.", column="level")
        for label, text in self.sets.items():
            named, values = set(_CATEGORY.findall(label)), set(_values(_response_term(text)))
            if named and named != values:
                mend = "Name in the label the responses that count, or none of them."
                raise InputError(f"the label {label!r} names another set than {text!r}", mend=mend, column="sets")


def run_response(settings: ResponseSettings, context: Context) -> Section:
    """Count each set of responses among all denominators, MRD, the marrow apart, relapses, and who never got there."""
    history = context.history
    sets = response_sets(settings, context)
    primary = next(iter(sets.values()))
    found = responses_of(history, primary, number=settings.infusion, by_day=settings.by_day)
    if not found.window.patients.any():
        mend = "Correct the number, or the dates of the infusions."
        which = course_words("infusion", settings.infusion)
        raise InputError(f"nobody has a dated {which}", mend=mend, column="infusion")
    measure, patients = changes(history, found, settings.waterfall)
    negative, known, methods = mrd_known(history, found.window, context.protocol.definitions.mrd_threshold)
    bottom = denominators(history, found)
    of_mrd = (*bottom, Denominator("responders", found.responders(primary)))
    parts = [
        *_counts(history, found),
        *_rates(found, sets, bottom, settings),
        *([mrd_rates(negative, known, of_mrd, level=settings.level, time=settings.by_day)] if known.any() else []),
        relapses(history, found, level=settings.level),
    ]
    return Section(
        kind="response",
        title=f"Response to the {course_words('infusion', settings.infusion)}",
        estimates=concat(parts),
        patients=patients,
        definition=_definition(settings, sets, found),
        notes=_notes(found, methods),
        findings=find_response(found, sets, planned=len(planned(history)) if settings.infusion == 1 else 2),
        settings={
            "sets": {label: _after(term, settings.infusion) for label, term in sets.items()},
            "infusion": settings.infusion, "by_day": settings.by_day, "level": settings.level, "waterfall": measure,
        },
    )  # fmt: skip


def response_sets(settings: ResponseSettings, context: Context) -> dict[str, Term]:
    """Return the sets of responses by label: those of the settings, else the protocol's complete remission."""
    definitions = context.protocol.definitions
    if settings.sets:
        return {label: _response_term(text) for label, text in settings.sets.items()}
    term = _response_term(definitions.cr.replace("{day_zero}", definitions.day_zero))
    return {"/".join(_values(term)): term}


def _response_term(text: str) -> Term:
    term = parse_term(text)
    if term.name != "response" or not _values(term):
        raise InputError(f"{text!r} is no set of responses", mend='Write "response=CR|CRi".', column="sets")
    return term


def _values(term: Term) -> tuple[str, ...]:
    return tuple(value for each in term.conditions if each.column == "value" for value in each.values)


def _after(term: Term, number: int) -> str:
    return str(replace(term, number=None, after=parse_term(f"infusion:{number}")))


def denominators(history: History, found: Responses) -> tuple[Denominator, ...]:
    """Return every denominator that the data allow, from the widest on.

    Of a first infusion they begin with the apheresed and the enrolled; nobody knows who was meant to have a later one.
    """
    window = found.window
    meant = planned(history) if window.number == 1 else ()
    could = Denominator("infused, not in remission before", window.patients & ~found.in_cr)
    hsct = _transplanted(history, found)
    return (
        *meant,
        Denominator("infused", window.patients),
        *([could] if found.in_cr.any() else []),
        Denominator("evaluable", found.evaluable),
        *([Denominator("transplanted", hsct, AFTER_THE_FACT)] if hsct.any() else []),
    )


def _transplanted(history: History, found: Responses) -> Bools:
    """Return (patients,) who had a transplant after the infusion and before the next one."""
    following = courses(history, ("infusion", "hsct")).sort("patient", "day", maintain_order=True)
    number = pl.col("course").shift(1).over("patient") == found.window.number
    after = (pl.col("kind") == "hsct") & (pl.col("kind").shift(1).over("patient") == "infusion") & number
    return mask(len(history), following.filter(after.fill_null(value=False))["patient"])


def _counts(history: History, found: Responses) -> list[Estimate]:
    """Return how many patients there are at each step, why some are not evaluable, and the days to the infusion."""
    window, n = found.window, int(found.window.patients.sum())
    silent = window.patients & ~found.assessed & ~found.died_early & ~found.in_cr
    first = window.number == 1
    steps = [tally(each.n, each.name, of=len(history)) for each in denominators(history, found)]
    reasons = {
        "in remission before": window.patients & found.in_cr,
        "died before assessment": found.died_early & ~found.in_cr,
        "not assessed": silent,
    }
    counted = [tally(int(who.sum()), why, of=n) for why, who in reasons.items()]
    return [*steps, *counted, *([not_infused(history), vein_to_vein(history, window.infused)] if first else [])]


def _rates(
    found: Responses, sets: Mapping[str, Term], bottom: tuple[Denominator, ...], settings: ResponseSettings
) -> list[Estimate]:
    """Return each set with every denominator, best responses of the infused, and the marrow where it is apart."""
    level, time = settings.level, settings.by_day
    rows = []
    for term in sets.values():
        name = _after(term, settings.infusion)
        rows.append(rates(found.responders(term), bottom, level=level, term=name, time=time))
        if found.marrow_apart:
            rows.append(_marrow(found, term, name=name, settings=settings))
    rows += [share(who, found.window.patients, level=level, term=f"best response={name}", time=time,
                   group="denominator=infused") for name, who in _best(found).items()]  # fmt: skip
    return rows


def _marrow(found: Responses, term: Term, *, name: str, settings: ResponseSettings) -> Estimate:
    """Return responses of the marrow alone beside those of the whole patient, and apart with disease outside it."""
    evaluable = (
        found.window.patients & ~found.in_cr & (found.assessed | mask(len(found.in_cr), found.marrow["patient"]))
    )
    groups = {"evaluable in the marrow": evaluable}
    if found.extramedullary.any():
        groups["extramedullary disease"] = evaluable & found.extramedullary
    kinds = (("overall", found.responders(term)), ("marrow", found.responders(term, marrow=True)))
    return concat(
        share(who, among, level=settings.level, term=f"{kind}: {name}", time=settings.by_day, group=f"denominator={of}")
        for of, among in groups.items() for kind, who in kinds
    )  # fmt: skip


def _best(found: Responses) -> dict[str, Bools]:
    """Return the infused by their best response, in order; those without one by what is known of them."""
    rows = found.rows.drop_nulls("value")
    words = sorted(set(rows["value"].to_list()), key=lambda word: (ORDER.index(word) if word in ORDER else 99, word))
    left, result = found.window.patients & ~found.in_cr, {}
    for word in words:
        result[word] = left & mask(len(left), rows.filter(pl.col("value") == word)["patient"])
        left = left & ~result[word]
    rest = {
        "assessed, category not certain": left & found.assessed,
        "died before assessment": left & found.died_early,
        "not assessed": left & ~found.assessed & ~found.died_early,
        "in remission before": found.window.patients & found.in_cr,
    }
    return {word: who for word, who in (result | rest).items() if who.any()}


def _definition(settings: ResponseSettings, sets: Mapping[str, Term], found: Responses) -> str:
    what = listed([f"{label} ({', '.join(_values(term))})" for label, term in sets.items()], "and")
    which = course_words("infusion", settings.infusion)
    until = f"by day {settings.by_day:g} of the {which}, and before the next course"
    named = [scale_words("response", name) for name in found.rows["scale"].drop_nulls().unique().sort()]
    criteria = f" Criteria: {listed(named)}." if named else ""
    same = "An assessment on the day of the infusion, or of a transplant, is before it."
    return f"The best response {until}: {what}. {same}{criteria}"


def _notes(found: Responses, methods: tuple[str, ...]) -> tuple[str, ...]:
    early, before = int((found.died_early & ~found.in_cr).sum()), int((found.window.patients & found.in_cr).sum())
    said = ["Exact limits are those of Clopper and Pearson."]
    if early:
        verb = "patient died" if early == 1 else "patients died"
        said.append(f"{early} {verb} before an assessment: non-responders among the infused, not among the evaluable.")
    if before:
        verb = "patient was" if before == 1 else "patients were"
        said.append(f"{before} {verb} in remission before the infusion: not evaluable, and no responders to it.")
    if methods:
        names = listed([_METHODS.get(name, name) for name in methods], "and")
        said.append(f"MRD by {names}; one negative sample in the time counts as negative.")
    return tuple(said)
