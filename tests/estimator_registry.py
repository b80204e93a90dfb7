"""Every estimator as a function of a table alone: what the suite of hard inputs walks through.

The tables have the columns ``arm`` (text), ``age`` and ``score`` (numbers).
"""

import inspect
import pkgutil
import typing
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any, get_args

import numpy as np

import dayzero.estimators
from dayzero.estimate import Estimate, concat
from dayzero.estimators.comparisons.gray import gray
from dayzero.estimators.comparisons.logrank import LogRank, logrank, logrank_pairwise
from dayzero.estimators.cox.adjusted_survival import adjusted_survival
from dayzero.estimators.cox.concordance import concordance, uno_concordance
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.firth import firth_cox, firth_cox_univariable
from dayzero.estimators.cox.fit import CoxFit, cox, cox_univariable, fit_cox
from dayzero.estimators.cox.prediction import predict_survival
from dayzero.estimators.cox.proportional_hazards import proportional_hazards
from dayzero.estimators.curves.aalen_johansen import aalen_johansen
from dayzero.estimators.curves.confidence import Curve
from dayzero.estimators.curves.follow_up import follow_up
from dayzero.estimators.curves.milestones import milestone_differences
from dayzero.estimators.curves.number_at_risk import number_at_risk
from dayzero.estimators.curves.quantiles import median
from dayzero.estimators.curves.restricted_mean import Window
from dayzero.estimators.curves.rmst import rmst
from dayzero.estimators.fine_gray.fit import FineGrayModel, fine_gray, fit_fine_gray
from dayzero.estimators.fine_gray.incidence import incidence_difference, predicted_incidence
from dayzero.estimators.multistate.counts import number_in_state, transition_counts
from dayzero.estimators.multistate.curves import Start, length_of_stay, transition_probabilities
from dayzero.estimators.multistate.markov import markov
from dayzero.estimators.multistate.transition_models import TransitionModel, fit_transition_models
from dayzero.estimators.outcomes.firth import firth_logistic
from dayzero.estimators.outcomes.logistic import logistic, ordinal
from dayzero.estimators.outcomes.proportions import fisher, proportions
from dayzero.estimators.outcomes.roc import auc
from dayzero.estimators.resampling.bootstrap import bootstrap, jackknife
from dayzero.estimators.resampling.intervals import Interval
from dayzero.estimators.resampling.statistics import (
    Batched,
    cox_statistic,
    curve_statistic,
    logistic_statistic,
    rmst_statistic,
)
from dayzero.spells import Spells

TERMS = ("arm", "age", "score")
PATIENT = {"arm": "a", "age": 50.0, "score": 1.0}
OTHER = {"arm": "b", "age": 44.0, "score": 0.0}
WRITERS = ("dayzero.estimators.cox.prediction.curve_rows",)  # they write down what an estimator has found


@dataclass(frozen=True)
class Entry:
    """An estimator: a name, the public function, how it is called on a table; whether competing events are to it
    something else than censoring."""

    name: str
    function: Callable[..., Any]
    call: Callable[[Spells], Estimate]
    competing: bool = True


def days(spells: Spells) -> list[float]:
    """Return day 0, a day in the middle and the last one."""
    if not len(spells):
        return [0.0, 1.0]
    return [0.0, float(np.median(spells.stop)), float(spells.stop.max())]


def window(spells: Spells) -> Window:
    """Return the longest window that every arm has."""
    last: dict[str, float] = {}
    for name, stop in zip(spells.of("arm").to_list(), spells.stop.tolist(), strict=True):
        last[name] = max(stop, last.get(name, 0.0))
    return Window(min(last.values(), default=1.0))


def fitted(spells: Spells) -> CoxFit:
    return fit_cox(spells, TERMS)


def plain(function: Callable[..., Estimate], *given: Any, name: str = "", **named: Any) -> Entry:
    """Return an estimator that is called on the table with fixed arguments."""
    return Entry(name or function.__name__, function, lambda spells: function(spells, *given, **named))


def after_cox(function: Callable[..., Estimate], *given: Any) -> Entry:
    """Return an estimator that is called on a fitted Cox model."""
    return Entry(function.__name__, function, lambda spells: function(fitted(spells), *given))


def resampled(name: str, statistic: Callable[[Spells], Batched]) -> list[Entry]:
    """Return the bootstrap, with every kind of interval, and the jackknife of a statistic."""

    def every_interval(spells: Spells) -> Estimate:
        fit = bootstrap(statistic(spells), spells, n=20, seed=1)
        return concat(fit.estimate(kind) for kind in get_args(Interval))

    return [
        Entry(f"bootstrap of {name}", bootstrap, every_interval),
        Entry(f"jackknife of {name}", jackknife, lambda s: jackknife(statistic(s), s)),
    ]


CURVES = [
    plain(aalen_johansen),
    Entry("aalen_johansen by arm", aalen_johansen, lambda s: aalen_johansen(s, "arm", days(s))),
    plain(aalen_johansen, "arm", name="aalen_johansen, plain limits", options=Curve("plain", start_day=1.0)),
    Entry("number_at_risk", number_at_risk, lambda s: number_at_risk(s, "arm", times=days(s))),
    plain(median, "arm"),
    plain(follow_up, "arm"),
    Entry("rmst", rmst, lambda s: rmst(s, "arm", window=window(s))),
    Entry("rmst, robust", rmst, lambda s: rmst(s, window=Window(window(s).horizon, variance="robust"))),
    Entry("milestone_differences", milestone_differences, lambda s: milestone_differences(s, "arm", days(s))),
]
TESTS = [
    plain(logrank, "arm"),
    plain(logrank, "arm", name="logrank, weighted and stratified", model=LogRank(("score",), 0.5, 0.5)),
    plain(logrank_pairwise, "arm"),
    plain(gray, "arm"),
    plain(gray, "arm", name="gray, stratified", strata=["score"]),
    plain(fisher, "arm"),
]
OUTCOMES = [plain(ordinal, TERMS), plain(proportions, "arm")]
ODDS = [plain(logistic, TERMS), plain(firth_logistic, TERMS), plain(auc, ["age", "score"])]
COX = [
    *(plain(cox, CoxModel(TERMS, ties=ties), name=f"cox, {ties}") for ties in ("efron", "breslow", "exact")),
    plain(cox, CoxModel(("age",), strata=("arm",), cluster="score"), name="cox, strata and clusters"),
    plain(cox_univariable, TERMS),
    plain(firth_cox, TERMS),
    plain(firth_cox_univariable, TERMS),
    after_cox(proportional_hazards),
    after_cox(concordance),
    after_cox(uno_concordance),
    after_cox(predict_survival, [PATIENT]),
    Entry("adjusted_survival", adjusted_survival, lambda s: adjusted_survival(fitted(s), s, "arm", days(s))),
]
FINE_GRAY = [
    plain(fine_gray, TERMS),
    plain(fine_gray, FineGrayModel(TERMS, ties="breslow", weights="crr"), name="fine_gray, crr"),
    Entry("predicted_incidence", predicted_incidence,
          lambda s: predicted_incidence(fit_fine_gray(s, TERMS), {"one": PATIENT})),
    Entry("incidence_difference", incidence_difference,
          lambda s: incidence_difference(fit_fine_gray(s, TERMS), {"one": PATIENT, "other": OTHER}, days(s))),
]  # fmt: skip
STATES = [
    plain(transition_counts),
    Entry("number_in_state", number_in_state, lambda s: number_in_state(s, "arm", times=days(s))),
    plain(transition_probabilities),
    Entry("transition_probabilities by arm", transition_probabilities,
          lambda s: transition_probabilities(s, "arm", days(s))),
    plain(transition_probabilities, None, [5.0, 9.0], name="landmark", start=Start("", 3.0, landmark=True)),
    Entry("length_of_stay", length_of_stay, lambda s: length_of_stay(s, days(s)[-1], "arm")),
    plain(markov, [3.0]),
    *(
        Entry(f"transition models, {clock}", fit_transition_models, lambda s, clock=clock: fit_transition_models(
            s, TransitionModel(("age",), common=("score",), clock=clock)).estimate())
        for clock in ("forward", "reset")
    ),
]  # fmt: skip
RESAMPLED = [
    *resampled("curves", lambda s: curve_statistic(days(s), "arm")),
    *resampled("rmst", lambda s: rmst_statistic(window(s), "arm")),
]
RATIOS = [
    *resampled("cox", lambda _: cox_statistic(TERMS)),
    *resampled("logistic", lambda _: logistic_statistic(TERMS)),
]
REGISTRY = [
    *CURVES, *TESTS, *OUTCOMES, *FINE_GRAY, *STATES, *RESAMPLED,
    *(replace(entry, competing=False) for entry in (*ODDS, *COX, *RATIOS)),
]  # fmt: skip


def public_estimators() -> dict[str, Callable[..., Any]]:
    """Return every public function in the house of estimators that makes an Estimate of a table or of a fit to one."""
    found = {}
    for module in pkgutil.walk_packages(dayzero.estimators.__path__, "dayzero.estimators."):
        for name, function in vars(import_module(module.name)).items():
            if inspect.isfunction(function) and function.__module__ == module.name and not name.startswith("_"):
                hints = typing.get_type_hints(function)
                taken = {getattr(hint, "__name__", "") for key, hint in hints.items() if key != "return"}
                if hints.get("return") is Estimate and any(kind == "Spells" or kind.endswith("Fit") for kind in taken):
                    found[f"{module.name}.{name}"] = function
    return {name: function for name, function in found.items() if name not in WRITERS}
