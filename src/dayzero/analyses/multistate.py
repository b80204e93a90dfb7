"""The analysis kind ``multistate``: transitions between states, their probabilities, lengths of stay, and models."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Literal

import numpy as np

from dayzero.analyses.context import Context
from dayzero.checks.known_later import columns_known_later
from dayzero.endpoints import StateModel, derive_states, state_exclusions
from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.multistate.counts import number_in_state, transition_counts
from dayzero.estimators.multistate.curves import (
    Start,
    length_of_stay,
    predicted_probabilities,
    transition_probabilities,
)
from dayzero.estimators.multistate.markov import markov
from dayzero.estimators.multistate.prediction import patient_hazards
from dayzero.estimators.multistate.transition_models import TransitionModel, fit_transition_models
from dayzero.protocol import Endpoint, listed, parse_term, term_words
from dayzero.report.axis import time_axis
from dayzero.report.page import Section
from dayzero.spells import Spells


@dataclass(frozen=True, kw_only=True)
class StartSettings:
    """A state and a day from which probabilities are wanted; ``landmark``: of those only who are in it then."""

    state: str
    day: float
    landmark: bool = False


@dataclass(frozen=True, kw_only=True)
class MultistateSettings:
    """Settings of a multi-state model.

    Attributes
    ----------
    origin
        Term of day zero.
    states
        By name, the term or terms at whose events the state is entered, in the order of progress.
    name, label
        The key in ``report.json``, and the words for people.
    initial
        Name of the state on day zero.
    transitions, absorbing, population, entry, censor_at, known_at
        As for :class:`dayzero.endpoints.StateModel`.
    by
        Baseline column whose levels are compared.
    times
        Days at which the probabilities are tabulated; empty: 1, 2, 3 and 5 years, as far as follow-up goes.
    from_
        Further states and days to start from.
    horizon
        Day up to which lengths of stay are counted; 0: the last of ``times``.
    conf_type, level, variance
        Of the probabilities.
    terms, common, only, proportional, clock, ties, reference
        Of the Cox models of the transitions, as for
        :class:`dayzero.estimators.multistate.transition_models.TransitionModel`; without terms there are none.
    patients
        By name, values of the terms: the states' probabilities are predicted for each.
    markov
        Days at which the Markov property is tested, beside the test over all of follow-up.
    """

    origin: str
    states: Mapping[str, str | tuple[str, ...]]
    name: str = "multistate"
    label: str = "Multi-state model"
    initial: str = "initial"
    transitions: tuple[str, ...] = ()
    absorbing: tuple[str, ...] = ()
    population: str = ""
    entry: str = ""
    censor_at: tuple[str, ...] = ()
    known_at: Mapping[str, str] = field(default_factory=dict)
    by: str = ""
    times: tuple[float, ...] = ()
    from_: tuple[StartSettings, ...] = ()
    horizon: float = 0.0
    conf_type: Literal["log-log", "log", "plain", "logit", "arcsine"] = "log-log"
    level: float = 0.95
    variance: Literal["greenwood", "aalen"] = "greenwood"
    terms: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    proportional: tuple[str, ...] = ()
    clock: Literal["forward", "reset"] = "forward"
    ties: Literal["efron", "breslow"] = "efron"
    reference: Mapping[str, str] = field(default_factory=dict)
    patients: Mapping[str, Mapping[str, str | float]] = field(default_factory=dict)
    markov: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse days before day zero, levels that are no probability, and patients without a model."""
        days = (*self.times, *self.markov, self.horizon, *(start.day for start in self.from_))
        if any(not (np.isfinite(day) and day >= 0) for day in days):
            raise InputError("a time before day zero", mend="Write times in days from 0 on.", column="times")
        if not 0 < self.level < 1:
            raise InputError("a level outside 0 to 1", mend="Write level = 0.95.", column="level")
        if self.patients and not self.has_models:
            raise InputError("patients without a model", mend='Write terms = ["age"].', column="patients")
        self.state_model.names  # noqa: B018  # refuse a model that cannot be

    @property
    def has_models(self) -> bool:
        """Whether transitions are modelled."""
        return bool(self.terms or self.common or self.only or self.proportional)

    @property
    def state_model(self) -> StateModel:
        """The states and their transitions."""
        terms = {name: (text,) if isinstance(text, str) else tuple(text) for name, text in self.states.items()}
        given = {each.name: getattr(self, each.name) for each in fields(StateModel)}
        return StateModel(**{**given, "states": terms})

    @property
    def transition_model(self) -> TransitionModel:
        """The Cox models."""
        return TransitionModel(**{each.name: getattr(self, each.name) for each in fields(TransitionModel)})


def run_multistate(settings: MultistateSettings, context: Context) -> Section:
    """Estimate probabilities and lengths of stay, fit the models of the transitions, test the Markov property."""
    model = settings.state_model
    _check_columns(settings, context, model.endpoint)
    spells = derive_states(context.history, model)
    if spells.n == 0:
        fault = f"no patient has the origin {model.origin} and a follow-up after it"
        raise InputError(fault, mend="Correct the origin, or the events.", column="origin")
    by = settings.by or None
    options = Curve(conf_type=settings.conf_type, level=settings.level, variance=settings.variance)
    last = float(spells.stop.max())
    times = list(settings.times) or [day for day in (365.0, 730.0, 1095.0, 1826.0) if day <= last]
    ticks = [tick for tick in time_axis(last).ticks if tick <= last or tick == 0]
    found = [
        transition_counts(spells),
        *_probabilities(settings, spells, times, options=options),
        *_stay(settings, spells, times, options=options),
        *_models(settings, spells, times, options=options),
        markov(spells, settings.markov),
    ]
    return Section(
        kind="multistate",
        title=settings.label,
        endpoint=model.endpoint,
        estimates=concat(found),
        curves=transition_probabilities(spells, by, options=options),
        at_risk=number_in_state(spells, by, times=ticks),
        definition=_definition(model),
        notes=_notes(settings, context, model),
        settings=_printed(settings, times),
    )


def _check_columns(settings: MultistateSettings, context: Context, endpoint: Endpoint) -> None:
    """Refuse columns that there are not, and those that became known after day zero."""
    later = columns_known_later(context.history, context.protocol, (endpoint,))
    context = replace(context, refused={**context.refused, endpoint.name: later})
    terms = dict.fromkeys([*settings.transition_model.all_specific, *settings.common])
    for key, columns in (("by", [settings.by] if settings.by else []), ("terms", terms)):
        for column in columns:
            context.baseline(column, key, endpoint)


def _printed(settings: MultistateSettings, times: list[float]) -> dict[str, object]:
    """Return the settings as the page writes them."""
    starts = [f"{s.state} on day {s.day:g}{' (landmark)' if s.landmark else ''}" for s in settings.from_]
    shown = {name: value for name, value in vars(settings).items() if name not in {"from_", "horizon"} and value != {}}
    return {**shown, "times": times, "from": tuple(starts), "horizon": settings.horizon or (times or [0.0])[-1]}


def _probabilities(
    settings: MultistateSettings, spells: Spells, times: list[float], *, options: Curve
) -> list[Estimate]:
    by = settings.by or None
    found = [transition_probabilities(spells, by, times, options=options)]
    for each in settings.from_:
        start = Start(each.state, each.day, each.landmark)
        later = [time for time in times if time > each.day]
        found.append(transition_probabilities(spells, by, later, start=start, options=options))
    return found


def _stay(settings: MultistateSettings, spells: Spells, times: list[float], *, options: Curve) -> list[Estimate]:
    horizon = settings.horizon or (times[-1] if times else 0.0)
    return [length_of_stay(spells, horizon, settings.by or None, options=options)] if horizon else []


def _models(settings: MultistateSettings, spells: Spells, times: list[float], *, options: Curve) -> list[Estimate]:
    if not settings.has_models:
        return []
    fit = fit_transition_models(spells, settings.transition_model)
    return [
        fit.estimate(),
        *(
            predicted_probabilities(patient_hazards(fit, values), times, options=options).label(
                group=f"patient={name}", n=fit.cox.n
            )
            for name, values in settings.patients.items()
        ),
    ]


def _definition(model: StateModel) -> str:
    entries = [
        f"{name.replace('_', ' ')} is entered at {listed([term_words(term) for term in terms], 'or')}"
        for name, terms in model.states.items()
    ]
    words = "; ".join(entries)
    origin = f"From {term_words(model.origin)} (state {model.initial.replace('_', ' ')})."
    allowed = "the transitions named in the settings" if model.transitions else "transitions forward in this order"
    day = "Of two transitions on one day the second counts half a day later; death is the last event of a day."
    named = {parse_term(term).name for terms in model.states.values() for term in terms}
    kept = "" if "hsct" in named else " Transplantation is no state, and does not end follow-up (treatment policy)."
    return f"{origin} {words[:1].upper()}{words[1:]}. Only {allowed} count. {day}{kept}"


def _notes(settings: MultistateSettings, context: Context, model: StateModel) -> tuple[str, ...]:
    left_out = [each for each in state_exclusions(context.history, model) if each.n]
    notes = [f"Left out: {listed([f'{each.n} patients {each.words}' for each in left_out])}."] if left_out else []
    if settings.from_ and not all(start.landmark for start in settings.from_):
        notes.append("Probabilities from a later day without a landmark assume the Markov property.")
    if settings.patients:
        notes.append("Predictions for a patient assume the Markov property and the proportional hazards of the models.")
    return tuple(notes)
