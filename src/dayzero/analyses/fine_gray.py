"""The analysis kind ``fine_gray``: subdistribution hazards of an endpoint's event, beside the cause-specific ones."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import polars as pl

from dayzero.analyses.context import Context
from dayzero.analyses.cox import is_treatment, with_treatments
from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import cox
from dayzero.estimators.fine_gray.fit import FineGrayFit, FineGrayModel, fit_fine_gray
from dayzero.estimators.fine_gray.incidence import incidence_difference, predicted_incidence
from dayzero.estimators.terms.covariates import code_levels
from dayzero.estimators.terms.language import columns_of, parse_terms
from dayzero.protocol import Endpoint, definition, listed
from dayzero.report.labels import column_label, in_sentence
from dayzero.report.page import Section
from dayzero.spells import Spells

YEARS = (365.0, 730.0, 1095.0, 1826.0)
STEPS = 300  # points of a predicted curve in the figure


@dataclass(frozen=True)
class FineGraySettings:
    """Settings of Fine and Gray's model.

    Attributes
    ----------
    endpoint
        Name of the endpoint: its event is modelled, what competes with it is not censored.
    terms
        Baseline columns, and events: an event is 0 until it has happened and 1 after.
    ties
        ``efron`` or ``breslow``; by default ``efron``, with crr's weights ``breslow``, which knows no other.
    weights
        ``finegray``, or ``crr``: weights and standard errors as that function's of R.
    strata, censoring
        Baseline columns: each level has a baseline hazard and a distribution of censoring of its own; or the latter
        only.
    cluster, switch, reference
        As for the kind ``cox``.
    patients
        By name, values of the columns of the terms and strata: the cumulative incidence is predicted for each.
    times
        Days of the predictions; empty: 1, 2, 3 and 5 years, as far as follow-up goes.
    """

    endpoint: str
    terms: tuple[str, ...]
    ties: Literal["efron", "breslow"] | None = None
    weights: Literal["finegray", "crr"] = "finegray"
    strata: tuple[str, ...] = ()
    censoring: tuple[str, ...] = ()
    cluster: str = ""
    switch: Literal["after", "at"] = "after"
    reference: Mapping[str, str] = field(default_factory=dict)
    patients: Mapping[str, Mapping[str, str | float]] = field(default_factory=dict)
    times: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a model of nothing, or of one term twice, days before day zero, and crr with Efron's ties."""
        if not self.terms or len(set(self.terms)) < len(self.terms):
            raise InputError("no terms, or one twice", mend='Write terms = ["risk", "age"].', column="terms")
        if any(not (np.isfinite(time) and time >= 0) for time in self.times):
            raise InputError("a time before day zero", mend="Write times in days from 0 on.", column="times")
        _ = self.model

    @property
    def handling(self) -> Literal["efron", "breslow"]:
        """How ties are handled."""
        return self.ties or ("breslow" if self.weights == "crr" else "efron")

    @property
    def model(self) -> FineGrayModel:
        """The model of the subdistribution hazard."""
        return FineGrayModel(
            terms=self.terms,
            ties=self.handling,
            strata=self.strata,
            censoring=self.censoring,
            cluster=self.cluster or None,
            reference=self.reference,
            weights=self.weights,
        )


def run_fine_gray(settings: FineGraySettings, context: Context) -> Section:
    """Fit the subdistribution hazard, the cause-specific hazards of all events, and predict for the patients."""
    endpoint = context.endpoint(settings.endpoint)
    columns = columns_of(settings.terms, context.history.patients.columns)
    treatments = tuple(column for column in columns if is_treatment(context, column, endpoint))
    _check(settings, context, endpoint, treatments)
    derived = context.spells(endpoint, treatments)
    spells = with_treatments(derived, treatments, switch=settings.switch)
    fit = fit_fine_gray(spells, settings.model)
    times = _times(settings, derived)
    return Section(
        kind="fine_gray",
        title=f"Fine and Gray model of {in_sentence(endpoint.title)}",
        endpoint=endpoint,
        estimates=concat([fit.estimate(), *_cause_specific(spells, settings), *_predictions(fit, settings, times)]),
        curves=_curves(fit, settings, derived),
        definition=definition(endpoint),
        notes=_notes(derived, spells, treatments, settings.switch),
        settings={**_printed(settings), "reference": _references(spells, columns, settings.reference), "times": times},
    )


def _check(settings: FineGraySettings, context: Context, endpoint: Endpoint, treatments: tuple[str, ...]) -> None:
    cluster = (settings.cluster,) if settings.cluster else ()
    for key, names in (("strata", settings.strata), ("censoring", settings.censoring), ("cluster", cluster)):
        for name in names:
            context.baseline(name, key, endpoint)
    parsed = parse_terms(settings.terms, context.history.patients.columns)
    if any(factor.is_time and len(term.factors) > 1 for term in parsed for factor in term.factors):
        mend = 'Use kind = "cox".'
        raise InputError("a subdistribution hazard ratio that changes with time", mend=mend, column="terms")
    if settings.patients and treatments:
        mend = f"Leave out {listed(treatments)}, or the patients."
        fault = "no incidence can be predicted from day zero where a treatment is given later"
        raise InputError(fault, mend=mend, column="patients")


def _times(settings: FineGraySettings, spells: Spells) -> list[float]:
    if not settings.patients:
        return []
    return list(settings.times) or [day for day in YEARS if day <= float(spells.stop.max())]


def _cause_specific(spells: Spells, settings: FineGraySettings) -> list[Estimate]:
    """Return the hazard ratios of every event, ``group`` being ``event=NAME``, all other events being censoring."""
    found = []
    for event in spells.states[1:]:
        model = CoxModel(
            settings.terms, settings.handling, settings.strata, settings.cluster or None, settings.reference, event
        )
        rows = cox(spells, model)
        ratios = Estimate(rows.rows.filter(pl.col("term").is_not_null()))
        found.append(ratios.label(kind="cox_cause_specific", method="cause-specific", group=f"event={event}"))
    return found


def _predictions(fit: FineGrayFit, settings: FineGraySettings, times: list[float]) -> list[Estimate]:
    if not settings.patients or not times:
        return []
    return [predicted_incidence(fit, settings.patients, times), incidence_difference(fit, settings.patients, times)]


def _curves(fit: FineGrayFit, settings: FineGraySettings, spells: Spells) -> Estimate:
    """Return the predicted curves for the figure: at the event times, or on as many days as can be told apart."""
    if not settings.patients:
        return concat(())
    days = np.union1d([0.0], fit.cox.design.sets.time)
    if len(days) > STEPS:
        days = np.linspace(0.0, days[-1], STEPS)
    last = float(spells.stop.max())
    curves = predicted_incidence(fit, settings.patients, np.union1d(days[days >= 0.0], [last]).tolist())
    return curves.label(n=None)  # a predicted curve is nobody's in particular


def _notes(derived: Spells, used: Spells, treatments: tuple[str, ...], switch: str) -> tuple[str, ...]:
    notes = []
    if len(derived.states) == 2:
        notes.append("Nothing competes with this event: the model is a Cox model with robust standard errors.")
    for name in treatments:
        words = column_label(name)
        notes.append(
            f"{words[:1].upper()}{words[1:]} is a function of time: it counts {switch} its day, and after a competing "
            "event as it was then. Its subdistribution hazard ratio says nothing about cumulative incidences."
        )
    lost = derived.n - used.n
    return (*notes, *([f"{lost} patients with an undated treatment left out."] if lost else []))


def _printed(settings: FineGraySettings) -> dict[str, object]:
    """Return the settings as the page writes them."""
    return {**{name: value for name, value in vars(settings).items() if value != {}}, "ties": settings.handling}


def _references(spells: Spells, columns: tuple[str, ...], reference: Mapping[str, str]) -> dict[str, str]:
    """Return the reference level of every column of text among those of the terms."""
    texts = [name for name in columns if name not in spells.columns and spells.patients[name].dtype == pl.String]
    levels = {name: code_levels(spells, name)[1] for name in texts}
    return {name: reference.get(name) or known[0] for name, known in levels.items() if known}
