"""The analysis kind ``strategy``: what a treatment given after day zero does, by methods that do not see the future.

The naive comparison stands beside them to show its bias.
"""

import polars as pl

from dayzero.analyses.context import Context
from dayzero.analyses.strategy_curves import draw_method
from dayzero.analyses.strategy_design import target_trial
from dayzero.analyses.strategy_estimates import (
    CONTRASTS,
    EVERYBODY,
    Estimation,
    Found,
    account,
    estimate_methods,
    vary_grace,
)
from dayzero.analyses.strategy_population import Population, derive_population
from dayzero.analyses.strategy_settings import StrategySettings
from dayzero.checks.support import landmark_few_treated, positivity
from dayzero.checks.treatments import time_varying_undated, treatment_mixes_states
from dayzero.errors import Finding
from dayzero.estimate import Estimate, concat
from dayzero.estimators.terms.language import columns_of
from dayzero.protocol import Endpoint, definition, term_words
from dayzero.protocol.words import treatment_words
from dayzero.report.labels import in_sentence
from dayzero.report.page import Section
from dayzero.strategies.contrast import require_untreated
from dayzero.strategies.strategy import Method


def run_strategy(settings: StrategySettings, context: Context) -> Section:
    """Compare the treated with the untreated by every method asked for, and account for the immortal time.

    Raises
    ------
    InputError
        Where nobody untreated can be observed, or a name in the settings is unknown.
    """
    endpoint = context.endpoint(settings.endpoint)
    people = derive_population(settings, context, endpoint)
    asked = Estimation(settings, context, people)
    methods = _methods(settings)
    if not settings.exposure:
        require_untreated(people.spells, settings.term)
    found = estimate_methods(asked, methods)
    drawn = [draw_method(*asked.tables(asked.strategy(name))[0]) for name in methods if _has_numbers(found[name])]
    return Section(
        kind="strategy",
        title=f"{_words(settings)} and {in_sentence(endpoint.title)}",
        endpoint=endpoint,
        estimates=concat([*found.values(), vary_grace(asked), *account(asked, found)]),
        curves=concat(each.curves for each in drawn),
        at_risk=concat(each.at_risk for each in drawn),
        definition=definition(endpoint),
        notes=_notes(settings),
        findings=_findings(asked, endpoint),
        design=target_trial(settings, endpoint),
        settings=_printed(settings, people, found),
    )


def _methods(settings: StrategySettings) -> tuple[Method, ...]:
    """Return what is estimated: what is asked for, where everybody is over time, and last the naive, never alone."""
    chosen: list[Method] = [name for name in settings.chosen if name != "naive"] or ["time_dependent"]
    if EVERYBODY not in chosen and not settings.exposure:
        chosen.append(EVERYBODY)
    return (*chosen, *(name for name in settings.chosen if name == "naive"))


def _has_numbers(rows: Estimate) -> bool:
    """Return whether a method found something: a contrast, or where everybody is."""
    numbers = rows.rows.filter(pl.col("statistic").is_in([*CONTRASTS, "state_probability"]))
    return bool(numbers["estimate"].is_not_null().any())


def _words(settings: StrategySettings) -> str:
    words = _plain(settings)
    return words[:1].upper() + words[1:]


def _notes(settings: StrategySettings) -> tuple[str, ...]:
    notes = [f"{_words(settings)} counts {settings.switch} its day; events come before it on the same day."]
    if settings.exposure:
        notes = ["An exposure is what is known on the landmark; nobody can be assigned to it: no effect is claimed."]
    return tuple(notes)


def _findings(asked: Estimation, endpoint: Endpoint) -> tuple[Finding, ...]:
    settings, context, spells, term = asked.settings, asked.context, asked.people.spells, asked.settings.term
    undated = (*asked.people.findings, *time_varying_undated(context.history, endpoint, settings.time_varying))
    if settings.exposure:
        looked = [(table, each.landmarks) for table, each in asked.tables(asked.strategy(settings.chosen[0]))]
        return (*undated, *(found for table, days in looked for found in landmark_few_treated(table, term, days)))
    within = settings.grace if "clone_censor_weight" in settings.chosen else float("inf")
    landmarks = settings.landmarks if {"landmark", "landmark_super"} & set(settings.chosen) else ()
    columns = (*columns_of(settings.adjust, context.history.patients.columns), *settings.time_varying)
    return (
        *treatment_mixes_states(context.history, endpoint, settings.treatment),
        *undated,
        *landmark_few_treated(spells, term, landmarks),
        *positivity(spells, term, columns, within=within),
    )


def _printed(settings: StrategySettings, people: Population, found: Found) -> dict[str, object]:
    """Return the settings as the page writes them, and what it is laid out by."""
    hidden = [name for name, rows in found.items() if rows.rows["warning"].str.starts_with("suppressed").any()]
    shown = {key: value for key, value in vars(settings).items() if key not in {"treatment", "exposure", "methods"}}
    return {
        "treatment": _plain(settings),
        **shown,
        "methods": settings.chosen,
        "layout": people.layout,
        "suppressed": tuple(hidden),
    }


def _plain(settings: StrategySettings) -> str:
    return term_words(settings.exposure) if settings.exposure else treatment_words(settings.treatment)
