"""The analysis kind ``cox``: proportional hazards of an endpoint's event, treatments as functions of time."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Literal

import numpy as np
import polars as pl

from dayzero.analyses.context import Context
from dayzero.analyses.cox_model import Options, adjusted_curves, estimate_model, fit_model
from dayzero.errors import InputError
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.firth import FirthCoxFit
from dayzero.estimators.cox.fit import CoxFit
from dayzero.estimators.cox.proportional_hazards import Transform
from dayzero.estimators.cox.time_effects import split_time_effects
from dayzero.estimators.terms.covariates import code_levels
from dayzero.estimators.terms.language import columns_of
from dayzero.protocol import Endpoint, definition, parse_term
from dayzero.report.labels import column_label, in_sentence
from dayzero.report.page import Section
from dayzero.spells import Spells, split
from dayzero.vocabulary import CORE_EVENTS


@dataclass(frozen=True)
class CoxSettings:
    """Settings of a Cox model.

    Attributes
    ----------
    endpoint
        Name of the endpoint; where something competes the hazard is the cause-specific one of its event.
    terms
        Baseline columns, and events: an event is 0 until it has happened and 1 after. Products, splines and effects
        that change with time are written as :mod:`dayzero.estimators.terms.language` says.
    ties
        Treatment of tied events; by default ``efron``, and ``breslow`` with Firth's penalty.
    strata
        Baseline columns, each level with a baseline hazard of its own.
    cluster
        Baseline column whose levels are correlated: robust standard errors.
    switch
        Whether an event among the terms counts ``after`` its day, or ``at`` it.
    reference
        Reference level of a text column; by default its first.
    penalty
        ``firth``: Firth's penalised likelihood, with profile limits.
    proportional_hazards
        The function of time in the test of proportional hazards, or ``none``.
    tau
        Day up to which Uno's concordance is estimated; without it only Harrell's is.
    predict
        Patients, column to value, whose survival is predicted.
    adjusted
        A column of the terms or strata: survival by its levels, adjusted for the other terms.
    times
        Days of the predicted and adjusted survival.
    """

    endpoint: str
    terms: tuple[str, ...]
    ties: Literal["efron", "breslow", "exact"] | None = None
    strata: tuple[str, ...] = ()
    cluster: str = ""
    switch: Literal["after", "at"] = "after"
    reference: Mapping[str, str] = field(default_factory=dict)
    penalty: Literal["none", "firth"] = "none"
    proportional_hazards: Transform | Literal["none"] = "km"
    tau: float | None = None
    predict: tuple[Mapping[str, str | float | bool], ...] = ()
    adjusted: str = ""
    times: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a model of nothing, or of one term twice, and predictions of no day."""
        if not self.terms or len(set(self.terms)) < len(self.terms):
            raise InputError("no terms, or one twice", mend='Write terms = ["risk", "age"].', column="terms")
        if (self.predict or self.adjusted) and not self.times:
            raise InputError("survival is predicted on no day", mend="Write times = [365, 730].", column="times")
        if not all(0 <= time < float("inf") for time in self.times):
            raise InputError("a time before day zero", mend="Write times in days from 0 on.", column="times")

    @property
    def handling(self) -> Literal["efron", "breslow", "exact"]:
        """How ties are handled."""
        return self.ties or ("breslow" if self.penalty == "firth" else "efron")


@dataclass(frozen=True)
class Prepared:
    """A Cox model ready to be fitted: its tables, before and after they are split, its treatments, its options."""

    endpoint: Endpoint
    columns: tuple[str, ...]
    treatments: tuple[str, ...]
    derived: Spells
    spells: Spells
    whole: Spells
    model: CoxModel
    options: Options

    def fit(self) -> CoxFit | FirthCoxFit:
        """Fit the multivariable model."""
        return fit_model(self.whole, self.model, self.options)


def prepare_cox(settings: CoxSettings, context: Context) -> Prepared:
    """Derive the table of a model, split where its treatments begin and where its effects change with time."""
    endpoint = context.endpoint(settings.endpoint)
    columns = columns_of(settings.terms, context.history.patients.columns)
    treatments = tuple(term for term in columns if is_treatment(context, term, endpoint))
    for key, names in (("strata", settings.strata), ("cluster", (settings.cluster,) if settings.cluster else ())):
        for name in names:
            context.baseline(name, key, endpoint)
    derived = context.spells(endpoint, treatments)
    spells = with_treatments(derived, treatments, switch=settings.switch)
    model = CoxModel(
        terms=settings.terms,
        ties=settings.handling,
        strata=settings.strata,
        cluster=settings.cluster or None,
        reference=settings.reference,
    )
    return Prepared(
        endpoint=endpoint,
        columns=columns,
        treatments=treatments,
        derived=derived,
        spells=spells,
        whole=split_time_effects(spells, settings.terms),
        model=model,
        options=_options(settings, spells),
    )


def run_cox(settings: CoxSettings, context: Context) -> Section:
    """Fit the multivariable model and each term alone, test the assumptions, and predict what is asked for."""
    ready = prepare_cox(settings, context)
    endpoint, spells = ready.endpoint, ready.spells
    fitted = ready.fit()
    return Section(
        kind="cox",
        title=f"Cox model of {in_sentence(endpoint.title)}",
        endpoint=endpoint,
        estimates=estimate_model(fitted, ready.whole, spells, ready.options),
        curves=adjusted_curves(fitted, ready.whole, ready.options),
        definition=definition(endpoint),
        notes=(*(_note(term, settings.switch) for term in ready.treatments), *_undated(ready.derived, spells)),
        settings={**vars(settings), "ties": settings.handling, "by": settings.adjusted,
                  "reference": _references(spells, ready.columns, settings.reference)},
    )  # fmt: skip


def _options(settings: CoxSettings, spells: Spells) -> Options:
    """Return what else is estimated; where events compete one hazard alone predicts nothing."""
    if (settings.predict or settings.adjusted) and len(spells.states) > 2:
        mend = "Take an endpoint without competing events, or the kind multistate."
        raise InputError("one hazard predicts no survival where events compete", mend=mend, column="endpoint")
    return Options(
        firth=settings.penalty == "firth",
        transform=settings.proportional_hazards,
        tau=settings.tau,
        predict=settings.predict,
        adjusted=settings.adjusted,
        times=settings.times,
    )


def _note(term: str, switch: str) -> str:
    words = column_label(term)
    return f"{words[:1].upper()}{words[1:]} is a function of time: it counts {switch} its day."


def _undated(derived: Spells, used: Spells) -> tuple[str, ...]:
    lost = derived.n - used.n
    return (f"{lost} patient{'s' if lost > 1 else ''} with an undated treatment left out.",) if lost else ()


def _references(spells: Spells, columns: tuple[str, ...], reference: Mapping[str, str]) -> dict[str, str]:
    """Return the reference level of every column of text among those of the terms."""
    texts = [name for name in columns if name not in spells.columns and spells.patients[name].dtype == pl.String]
    levels = {name: code_levels(spells, name)[1] for name in texts}
    return {name: reference.get(name) or known[0] for name, known in levels.items() if known}


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
