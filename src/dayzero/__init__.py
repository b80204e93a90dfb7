"""A study engine for sequential cell therapy in acute leukaemia.

The names below are the public face; each is imported from its room when it is first asked for, so that ``import
dayzero`` costs nothing.
"""

from importlib import import_module
from typing import Any, Final

__version__ = "0.1.0"

_ROOMS: Final = {
    "aalen_johansen": "estimators.aalen_johansen",
    "fit_aalen_johansen": "estimators.aalen_johansen",
    "number_at_risk": "estimators.number_at_risk",
    "Curve": "estimators.confidence",
    "median": "estimators.quantiles",
    "follow_up": "estimators.follow_up",
    "logrank": "estimators.logrank",
    "logrank_pairwise": "estimators.logrank",
    "LogRank": "estimators.logrank",
    "gray": "estimators.gray",
    "cox": "estimators.cox",
    "cox_univariable": "estimators.cox",
    "fit_cox": "estimators.cox",
    "CoxModel": "estimators.cox_design",
    "describe": "estimators.descriptive",
    "Window": "estimators.restricted_mean",
    "fit_rmst": "estimators.restricted_mean",
    "rmst": "estimators.rmst",
    "milestone_differences": "estimators.milestones",
    "OddsModel": "estimators.odds_design",
    "fit_logistic": "estimators.logistic",
    "logistic": "estimators.logistic",
    "ordinal": "estimators.logistic",
    "firth_logistic": "estimators.logistic_firth",
    "auc": "estimators.roc",
    "proportions": "estimators.proportions",
    "fisher": "estimators.proportions",
    "mcnemar": "estimators.paired",
    "signed_rank": "estimators.paired",
    "transition_probabilities": "estimators.multistate.curves",
    "length_of_stay": "estimators.multistate.curves",
    "TransitionModel": "estimators.multistate.transition_models",
    "fit_transition_models": "estimators.multistate.transition_models",
    "patient_hazards": "estimators.multistate.prediction",
    "markov": "estimators.multistate.markov",
    "FineGrayModel": "estimators.fine_gray",
    "fit_fine_gray": "estimators.fine_gray",
    "fine_gray": "estimators.fine_gray",
    "subdistribution": "estimators.fine_gray_weights",
    "predicted_incidence": "estimators.fine_gray_incidence",
    "incidence_difference": "estimators.fine_gray_incidence",
    "StepFunction": "spells",
    "derive_states": "endpoints",
    "StateModel": "endpoints",
    "derive_spells": "endpoints",
    "exclusions": "endpoints",
    "Endpoint": "protocol",
    "Protocol": "protocol",
    "library": "protocol",
    "History": "history",
    "Spells": "spells",
    "make_spells": "spells",
    "split": "spells",
    "Estimate": "estimate",
    "Finding": "errors",
    "DayzeroError": "errors",
    "InputError": "errors",
    "InternalError": "errors",
    "Study": "study",
    "read_study": "study",
    "run": "study",
    "verify": "cuts",
}

__all__ = sorted([*_ROOMS, "__version__"])  # noqa: PLE0605  - the list is made from the table above


def __getattr__(name: str) -> Any:
    """Import a public name from its room."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'dayzero' has no attribute {name!r}")
    value = getattr(import_module(f"dayzero.{_ROOMS[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names."""
    return __all__
