"""The analysis kind ``outcome``: did it happen, or how bad was it, within a time from day zero."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from dayzero.analyses.context import Context
from dayzero.analyses.outcome_windows import (
    Observation,
    happened,
    highest,
    levels_of,
    outcome_spells,
    seen_through,
)
from dayzero.checks import columns_known_later
from dayzero.endpoints import first_day
from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat
from dayzero.estimators.groups import join_warnings
from dayzero.estimators.outcomes.design import OddsModel
from dayzero.estimators.outcomes.firth import firth_logistic
from dayzero.estimators.outcomes.logistic import logistic, ordinal
from dayzero.estimators.outcomes.proportions import fisher, proportions
from dayzero.estimators.outcomes.roc import auc
from dayzero.protocol import Endpoint, parse_term, term_words
from dayzero.protocol.endpoint import substitute
from dayzero.protocol.words import transplant_words
from dayzero.report.formats import sentence_case
from dayzero.report.labels import in_sentence
from dayzero.report.page import Section
from dayzero.spells import Ints, Spells

MODELS = {"logistic": logistic, "firth": firth_logistic, "ordinal": ordinal}


@dataclass(frozen=True, kw_only=True)
class OutcomeSettings:
    """Settings of an outcome.

    Attributes
    ----------
    event
        Term of what is looked for; with ``method = "ordinal"`` its value is the outcome, the highest where there are
        several.
    origin
        Term of day zero.
    within
        Days from day zero; patients whose follow-up ended earlier without the event are not evaluable. Without it
        the outcome is whether it ever happened.
    name, label
        The key in ``report.json``, and the words for people.
    terms
        Baseline columns of the regression; without them there is none.
    method
        ``logistic``: maximum likelihood; ``firth``: with Firth's penalty; ``ordinal``: proportional odds.
    by
        Baseline column whose levels are compared by Fisher's exact test.
    roc
        Numeric baseline columns whose ability to tell who has the event is measured.
    levels
        The values of an ordinal outcome, lowest first; by default they are numbers.
    absent
        The level of an ordinal outcome that patients have who were seen throughout without such an event; without it
        they are not evaluable.
    reference
        Reference level of a text column; by default its first.
    level
        Confidence level.
    """

    event: str
    origin: str = "{day_zero}"
    within: float | None = None
    name: str = "outcome"
    label: str = ""
    terms: tuple[str, ...] = ()
    method: Literal["logistic", "firth", "ordinal"] = "logistic"
    by: str = ""
    roc: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    absent: str = ""
    reference: Mapping[str, str] = field(default_factory=dict)
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a window without days, one term twice, and settings that the method has no use for."""
        if self.within is not None and not 0 <= self.within < np.inf:
            raise InputError("no number of days", mend="Write within = 28.", column="within")
        if len(set(self.terms)) < len(self.terms):
            raise InputError("a term twice", mend='Write terms = ["risk", "age"].', column="terms")
        if not 0 < self.level < 1:
            raise InputError("a level outside 0 to 1", mend="Write level = 0.95.", column="level")
        unused = [key for key in ("levels", "absent") if getattr(self, key) and self.method != "ordinal"]
        unused += ["roc"] if self.roc and self.method == "ordinal" else []
        if unused:
            mend = f'Remove it, or write method = "{"logistic" if unused == ["roc"] else "ordinal"}".'
            raise InputError(f"method {self.method!r} has no use for this", mend=mend, column=unused[0])


@dataclass(frozen=True)
class Evaluated:
    """Who has an outcome.

    Attributes
    ----------
    spells
        The evaluable patients.
    sentence
        How many they are, and why the others are not evaluable.
    warning
        The count of the others, for the rows; None where there are none.
    """

    spells: Spells
    sentence: str
    warning: str | None


def run_outcome(settings: OutcomeSettings, context: Context) -> Section:
    """Estimate the proportions with the outcome, by group, their regression on terms, and areas under ROC curves."""
    endpoint = as_endpoint(settings, context)
    context = knowing(context, endpoint)
    by = (settings.by,) if settings.by else ()
    for key, columns in (("terms", settings.terms), ("by", by), ("roc", settings.roc)):
        for column in columns:
            context.baseline(column, key, endpoint)
    found = evaluate(settings, context, endpoint)
    rows = concat(_estimates(settings, found.spells)).rows
    return Section(
        kind="outcome",
        title=f"Outcome: {in_sentence(endpoint.title)}",
        endpoint=endpoint,
        estimates=Estimate(join_warnings(rows, found.warning)),
        definition=_definition(settings, endpoint),
        notes=(found.sentence, *_notes(settings)),
        settings={**vars(settings), "origin": endpoint.origin, "event": endpoint.events[0],
                  "reference": {**_references(settings.terms, found.spells), **settings.reference}},
    )  # fmt: skip


def _references(terms: Sequence[str], spells: Spells) -> dict[str, str]:
    """Return the level that each text column is compared with where the settings name none: its first."""
    levels = {term: spells.patients[term].drop_nulls() for term in terms if spells.patients[term].dtype == pl.String}
    return {term: str(values.min()) for term, values in levels.items() if len(values)}


def as_endpoint(settings: OutcomeSettings, context: Context) -> Endpoint:
    """Return the outcome as the endpoint that it is: its terms, its name, its words."""
    within = f" within {settings.within:g} days" if settings.within is not None else ""
    plain = Endpoint(origin=settings.origin, events=(settings.event,), name=settings.name)
    definitions = context.protocol.definitions
    filled = substitute(plain, {"cr": definitions.cr, "day_zero": definitions.day_zero})
    return replace(filled, label=settings.label or sentence_case(f"{term_words(filled.events[0])}{within}"))


def knowing(context: Context, endpoint: Endpoint) -> Context:
    """Return the context that refuses, for this outcome too, the columns that were known only later."""
    later = columns_known_later(context.history, context.protocol, (endpoint,))
    return replace(context, refused={**context.refused, endpoint.name: later})


def evaluate(settings: OutcomeSettings, context: Context, endpoint: Endpoint) -> Evaluated:
    """Find the outcome of every patient with the origin; InputError where nobody has one."""
    history = context.history
    opens = first_day(history, parse_term(endpoint.origin))
    observation = Observation(opens, opens + (np.inf if settings.within is None else settings.within))
    codes, levels = _codes(settings, context, endpoint, observation)
    codes = np.where(observation.looked_at, codes, -1)
    if not bool(np.any(codes >= 0)):
        raise InputError(
            f"nobody is evaluable for {endpoint.title!r}", mend="Correct the origin, the event or the days.",
            column="event",
        )  # fmt: skip
    population, lost = int(observation.looked_at.sum()), int(np.sum(observation.looked_at & (codes < 0)))
    why = "without a known level" if settings.method == "ordinal" else "followed too shortly without it, or undated"
    sentence = f"{population - lost} of {population} patients with the origin were evaluable"
    sentence += f"; {lost} were not ({why})." if lost else "."
    warning = f"not_evaluable: {lost} of {population} patients" if lost else None
    return Evaluated(outcome_spells(history, codes, levels, endpoint.name), sentence, warning)


def _codes(
    settings: OutcomeSettings, context: Context, endpoint: Endpoint, observation: Observation
) -> tuple[Ints, tuple[str, ...]]:
    """Return (patients,) the place of each outcome among the levels, -1 where there is none, and the levels."""
    history, term = context.history, parse_term(endpoint.events[0])
    if settings.method != "ordinal":
        return happened(history, term, observation), ("no", "yes")
    levels = levels_of(history, term, settings.levels, settings.absent)
    codes = highest(history, term, observation, levels)
    if settings.absent:
        without = (codes < 0) & seen_through(history, observation)
        codes = np.where(without, levels.index(settings.absent), codes)
    return codes, levels


def _estimates(settings: OutcomeSettings, spells: Spells) -> list[Estimate]:
    found = [proportions(spells, level=settings.level)]
    if settings.by:
        found.append(proportions(spells, settings.by, level=settings.level))
        found += [fisher(spells, settings.by)] if settings.method != "ordinal" else []
    if settings.terms:
        model: Any = MODELS[settings.method]
        found.append(model(spells, OddsModel(settings.terms, settings.reference, settings.level)))
    return [*found, *([auc(spells, settings.roc, level=settings.level)] if settings.roc else [])]


def _definition(settings: OutcomeSettings, endpoint: Endpoint) -> str:
    within = f"within {settings.within:g} days" if settings.within is not None else "at any time in follow-up"
    what = f"the highest value of {term_words(endpoint.events[0])}"
    what = what if settings.method == "ordinal" else f"{term_words(endpoint.events[0])}, yes or no,"
    absent = f" Patients seen throughout without one count as {settings.absent}." if settings.absent else ""
    early = "A patient who died earlier is evaluable; one whose follow-up ended earlier without the event is not."
    early = early if settings.within is not None else "Patients without it by the end of their follow-up count as no."
    kept = transplant_words(endpoint)
    return f"{what[:1].upper()}{what[1:]} {within} from {term_words(endpoint.origin)}. {early}{absent} {kept}".strip()


def _notes(settings: OutcomeSettings) -> tuple[str, ...]:
    notes = []
    if settings.within is None:
        notes.append("Without a window patients followed for longer have had more time to reach the outcome.")
    if settings.method == "ordinal" and settings.terms:
        notes.append("One odds ratio is assumed to hold at every cut between levels; this is not tested here.")
    return tuple(notes)
