"""A study engine for sequential cell therapy in acute leukaemia.

The names below are the public face; each is imported from its room when it is first asked for, so that ``import
dayzero`` costs nothing.
"""

from importlib import import_module
from typing import Any, Final

__version__ = "0.1.0"

_ROOMS: Final = {
    "aalen_johansen": "estimators.curves.aalen_johansen",
    "fit_aalen_johansen": "estimators.curves.aalen_johansen",
    "number_at_risk": "estimators.curves.number_at_risk",
    "Curve": "estimators.curves.confidence",
    "median": "estimators.curves.quantiles",
    "follow_up": "estimators.curves.follow_up",
    "logrank": "estimators.comparisons.logrank",
    "logrank_pairwise": "estimators.comparisons.logrank",
    "LogRank": "estimators.comparisons.logrank",
    "gray": "estimators.comparisons.gray",
    "cox": "estimators.cox.fit",
    "cox_univariable": "estimators.cox.fit",
    "fit_cox": "estimators.cox.fit",
    "CoxModel": "estimators.cox.design",
    "describe": "estimators.descriptive",
    "Window": "estimators.curves.restricted_mean",
    "fit_rmst": "estimators.curves.restricted_mean",
    "rmst": "estimators.curves.rmst",
    "milestone_differences": "estimators.curves.milestones",
    "OddsModel": "estimators.outcomes.design",
    "fit_logistic": "estimators.outcomes.logistic",
    "logistic": "estimators.outcomes.logistic",
    "ordinal": "estimators.outcomes.logistic",
    "firth_logistic": "estimators.outcomes.firth",
    "auc": "estimators.outcomes.roc",
    "proportions": "estimators.outcomes.proportions",
    "fisher": "estimators.outcomes.proportions",
    "mcnemar": "estimators.outcomes.paired",
    "signed_rank": "estimators.outcomes.paired",
    "transition_probabilities": "estimators.multistate.curves",
    "length_of_stay": "estimators.multistate.curves",
    "TransitionModel": "estimators.multistate.transition_models",
    "fit_transition_models": "estimators.multistate.transition_models",
    "patient_hazards": "estimators.multistate.prediction",
    "markov": "estimators.multistate.markov",
    "FineGrayModel": "estimators.fine_gray.fit",
    "fit_fine_gray": "estimators.fine_gray.fit",
    "fine_gray": "estimators.fine_gray.fit",
    "subdistribution": "estimators.fine_gray.weights",
    "predicted_incidence": "estimators.fine_gray.incidence",
    "incidence_difference": "estimators.fine_gray.incidence",
    "bootstrap": "estimators.resampling.bootstrap",
    "Resampling": "estimators.resampling.bootstrap",
    "Strategy": "strategies.strategy",
    "naive": "strategies.naive",
    "landmark": "strategies.landmark",
    "super_landmark": "strategies.landmark",
    "time_dependent": "strategies.time_dependent",
    "simon_makuch": "strategies.time_dependent",
    "clone_censor_weight": "strategies.clone_censor_weight",
    "sequential_trials": "strategies.sequential",
    "multi_state": "strategies.multi_state",
    "immortal_time": "strategies.immortal_time",
    "e_values": "strategies.e_value",
    "exposure_at": "endpoints",
    "treatment_days": "endpoints",
    "Treatment": "protocol",
    "StepFunction": "spells",
    "follow_until": "spells",
    "follow_from": "spells",
    "hold": "spells",
    "grade_icaht": "grading.blood.icaht",
    "screen_iec_hs": "grading.iec_hs",
    "grade_cgvhd": "grading.gvhd.chronic",
    "derive_states": "endpoints",
    "StateModel": "endpoints",
    "derive_spells": "endpoints",
    "exclusions": "endpoints",
    "Endpoint": "protocol",
    "Protocol": "protocol",
    "library": "protocol",
    "grade_crs": "grading.crs.history",
    "grade_mrd": "grading.mrd",
    "History": "history",
    "Spells": "spells",
    "make_spells": "spells",
    "split": "spells",
    "Estimate": "estimate",
    "Finding": "errors",
    "DayzeroError": "errors",
    "InputError": "errors",
    "InternalError": "errors",
    "read_simulation": "simulate",
    "simulate_cohort": "simulate",
    "read_protocol": "protocol",
    "Study": "study",
    "grade_icans": "grading.neuro.history",
    "grade_agvhd": "grading.gvhd.history",
    "grade_engraftment": "grading.blood.history",
    "grade_deaths": "grading.mortality",
    "read_study": "study",
    "run": "study",
    "grade_response": "grading.response",
    "verify": "cuts",
    "grade_kinetics": "grading.kinetics",
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
