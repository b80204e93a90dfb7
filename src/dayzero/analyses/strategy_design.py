"""The target trial beside its emulation, in words (TARGET: Cashin et al. 2025, JAMA, doi 10.1001/jama.2025.13350).

A comparison of treatments in observed patients is read as an attempt at a trial that was not done: each item says how
that trial would be, and what stands for it in the data.
"""

from typing import Final

from dayzero.analyses.strategy_settings import StrategySettings
from dayzero.protocol import Endpoint, definition, listed, term_words
from dayzero.protocol.words import treatment_words

Item = tuple[str, str, str]

_ASSUMPTIONS: Final = (
    "No other cause of both treatment and outcome than what is adjusted for; some of every kind of patient are treated "
    "and some are not; models as stated; independent censoring at the end of follow-up."
)


def target_trial(settings: StrategySettings, endpoint: Endpoint) -> tuple[Item, ...]:
    """Return the items of the design table: what, in the target trial, in the emulation."""
    return (
        ("Eligibility", _eligibility(endpoint), "The same, in the patients of the study file; see the patient flow."),
        _strategies(settings),
        _assignment(settings),
        ("Day zero", f"Randomisation at {term_words(endpoint.origin)}.", _day_zero(settings, endpoint)),
        ("Follow-up", _follow_up(settings), "To the event, a competing event or the end of follow-up, as dated."),
        ("Outcome", definition(endpoint).split(". ")[0] + ".", "The same events, as dated in the study's table."),
        ("Causal contrast", _contrast(settings), "The same, under the assumptions below."),
        ("Assumptions", "None but randomisation and independent censoring.", _ASSUMPTIONS),
        ("Analysis", "Difference of risks and of restricted means; hazard ratio.", _analysis(settings)),
    )


def _eligibility(endpoint: Endpoint) -> str:
    who = f"Patients with {term_words(endpoint.origin)}"
    also = f" and {term_words(endpoint.population)} by then" if endpoint.population else ""
    return f"{who}{also}, alive, under follow-up and not yet treated."


def _name(settings: StrategySettings) -> str:
    return term_words(settings.exposure) if settings.exposure else treatment_words(settings.treatment)


def _strategies(settings: StrategySettings) -> Item:
    name = _name(settings)
    if settings.exposure:
        text = f"States, not strategies: {name} on the landmark, or not."
        return "Strategies", "None: an exposure cannot be assigned.", text
    days = f"{settings.grace:g} days"
    other = "never start it" if settings.comparator == "never" else f"do not start it within {days}"
    target = f"1. Start {name} within {days}. 2. Do not: {other}."
    ours = f"{target} Who has the event before starting, within {days}, has followed both."
    return "Strategies", target, ours


def _assignment(settings: StrategySettings) -> Item:
    columns = (*settings.adjust, *(f"{term_words(term)} as it changes" for term in settings.time_varying))
    known = f"given {listed([name.replace('_', ' ') for name in columns])}" if columns else "without any adjustment"
    return "Assignment", "At random, not blinded.", f"Not at random; taken as exchangeable {known}."


def _day_zero(settings: StrategySettings, endpoint: Endpoint) -> str:
    words = f"{term_words(endpoint.origin)}, for everybody; nobody is put into a group by what comes later"
    landmarks = settings.landmarks if {"landmark", "landmark_super"} & set(settings.chosen) else ()
    days = listed([f"{day:g}" for day in landmarks])
    more = f"; for the landmarks, day {days}" if days else ""
    return f"{words[:1].upper()}{words[1:]}{more}."


def _follow_up(settings: StrategySettings) -> str:
    return f"From day zero to day {settings.horizon:g}." if settings.horizon else "From day zero on."


def _contrast(settings: StrategySettings) -> str:
    if settings.exposure:
        return "None: a difference between groups."
    return "Per protocol: had everybody followed the one strategy, or the other."


def _analysis(settings: StrategySettings) -> str:
    names = [method.replace("_", "-") for method in settings.chosen if method != "naive"]
    text = f"{listed(names)}." if names else "None."
    primary = f" Primary: {settings.primary.replace('_', '-')}." if settings.primary else " No primary analysis named."
    boot = f" Limits of weighted methods from {settings.bootstrap} resamples of patients, the weights refitted."
    weighted = {"clone_censor_weight", "sequential"} & set(settings.chosen)
    return f"{text[:1].upper()}{text[1:]}{primary}{boot if weighted and settings.bootstrap else ''}"
