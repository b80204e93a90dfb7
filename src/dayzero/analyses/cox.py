"""The analysis kind ``cox``: proportional hazards of an endpoint's event, treatments as functions of time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

import numpy as np
import polars as pl

from dayzero.analyses.context import Context
from dayzero.errors import InputError
from dayzero.estimate import concat
from dayzero.estimators.covariates import code_levels
from dayzero.estimators.cox import cox, cox_univariable
from dayzero.estimators.cox_design import CoxModel
from dayzero.history import CORE_EVENTS
from dayzero.protocol import Endpoint, definition, parse_term
from dayzero.report.labels import column_label, in_sentence
from dayzero.report.page import Section
from dayzero.spells import Spells, split


@dataclass(frozen=True)
class CoxSettings:
    """Settings of a Cox model.

    Attributes
    ----------
    endpoint
        Name of the endpoint; where something competes the hazard is the cause-specific one of its event.
    terms
        Baseline columns, and events: an event is 0 until it has happened and 1 after.
    ties
        Treatment of tied events.
    strata
        Baseline columns, each level with a baseline hazard of its own.
    cluster
        Baseline column whose levels are correlated: robust standard errors.
    switch
        Whether an event among the terms counts ``after`` its day, or ``at`` it.
    reference
        Reference level of a text column; by default its first.
    """

    endpoint: str
    terms: tuple[str, ...]
    ties: Literal["efron", "breslow", "exact"] = "efron"
    strata: tuple[str, ...] = ()
    cluster: str = ""
    switch: Literal["after", "at"] = "after"
    reference: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse a model of nothing, or of one term twice."""
        if not self.terms or len(set(self.terms)) < len(self.terms):
            raise InputError("no terms, or one twice", mend='Write terms = ["risk", "age"].', column="terms")


def run_cox(settings: CoxSettings, context: Context) -> Section:
    """Fit the multivariable model, and each term alone."""
    endpoint = context.endpoint(settings.endpoint)
    treatments = tuple(term for term in settings.terms if is_treatment(context, term, endpoint))
    for key, columns in (("strata", settings.strata), ("cluster", (settings.cluster,) if settings.cluster else ())):
        for column in columns:
            context.baseline(column, key, endpoint)
    derived = context.spells(endpoint, treatments)
    spells = with_treatments(derived, treatments, switch=settings.switch)
    model = CoxModel(
        terms=settings.terms,
        ties=settings.ties,
        strata=settings.strata,
        cluster=settings.cluster or None,
        reference=settings.reference,
    )
    return Section(
        kind="cox",
        title=f"Cox model of {in_sentence(endpoint.title)}",
        endpoint=endpoint,
        estimates=concat([cox(spells, model), *([cox_univariable(spells, model)] if len(settings.terms) > 1 else [])]),
        definition=definition(endpoint),
        notes=(*(_note(term, settings.switch) for term in treatments), *_undated(derived, spells)),
        settings={**vars(settings), "reference": _references(spells, settings)},
    )


def _note(term: str, switch: str) -> str:
    words = column_label(term)
    return f"{words[:1].upper()}{words[1:]} is a function of time: it counts {switch} its day."


def _undated(derived: Spells, used: Spells) -> tuple[str, ...]:
    lost = derived.n - used.n
    return (f"{lost} patient{'s' if lost > 1 else ''} with an undated treatment left out.",) if lost else ()


def _references(spells: Spells, settings: CoxSettings) -> dict[str, str]:
    """Return the reference level of every text column among the terms."""
    texts = [term for term in settings.terms if term not in spells.columns and spells.patients[term].dtype == pl.String]
    levels = {term: code_levels(spells, term)[1] for term in texts}
    return {term: settings.reference.get(term) or names[0] for term, names in levels.items() if names}


def is_treatment(context: Context, term: str, endpoint: Endpoint) -> bool:
    """Return whether a model's term is an event, and not a baseline column; InputError where it is neither."""
    columns = set(context.history.patients.columns) - {"patient"}
    if term in columns:
        context.baseline(term, "terms", endpoint)
        return False
    events = CORE_EVENTS | set(context.history.events["event"].unique().cast(pl.String))
    if parse_term(term).name in events:
        return True
    near = get_close_matches(term, sorted(columns | events), 1)
    hint = f"Did you mean {near[0]!r}? " if near else ""
    mend = f"{hint}The columns are {', '.join(sorted(columns)[:30])}."
    raise InputError(f"{term!r} is neither a baseline column nor an event", mend=mend, column="terms")


def with_treatments(spells: Spells, treatments: tuple[str, ...], *, switch: str) -> Spells:
    """Split the spells at each treatment, which becomes a time-varying column; the undated are left out."""
    for name in treatments:
        spells = spells.where(~np.isnan(spells.treatments[name])[spells.patient])
        spells = split(spells, spells.treatments[name], name=name, switch=switch)
    return spells
