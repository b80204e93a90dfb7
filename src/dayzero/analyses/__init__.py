"""Analysis kinds: each turns its settings and the study into a section. One file a kind, one line here."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dayzero.analyses.adherence import AdherenceSettings, run_adherence
from dayzero.analyses.context import Context
from dayzero.analyses.courses import CoursesSettings, run_courses
from dayzero.analyses.cox import CoxSettings, run_cox
from dayzero.analyses.curve import CurveSettings, run_curve
from dayzero.analyses.fine_gray import FineGraySettings, run_fine_gray
from dayzero.analyses.kinetics import KineticsSettings, run_kinetics
from dayzero.analyses.mrd import MrdSettings, run_mrd
from dayzero.analyses.multistate import MultistateSettings, run_multistate
from dayzero.analyses.outcome import OutcomeSettings, run_outcome
from dayzero.analyses.paired import PairedSettings, run_paired
from dayzero.analyses.persistence import PersistenceSettings, run_persistence
from dayzero.analyses.response import ResponseSettings, run_response
from dayzero.analyses.rmst import RmstSettings, run_rmst
from dayzero.analyses.strategy import run_strategy
from dayzero.analyses.strategy_settings import StrategySettings
from dayzero.analyses.toxicity import ToxicitySettings, run_toxicity
from dayzero.report.page import Section

__all__ = ["KINDS", "Context", "Kind"]


@dataclass(frozen=True)
class Kind:
    """An analysis kind: the dataclass of its settings, and the function that runs it."""

    settings: type
    run: Callable[[Any, Context], Section]


KINDS = {
    "curve": Kind(CurveSettings, run_curve),
    "cox": Kind(CoxSettings, run_cox),
    "fine_gray": Kind(FineGraySettings, run_fine_gray),
    "multistate": Kind(MultistateSettings, run_multistate),
    "rmst": Kind(RmstSettings, run_rmst),
    "strategy": Kind(StrategySettings, run_strategy),
    "outcome": Kind(OutcomeSettings, run_outcome),
    "paired": Kind(PairedSettings, run_paired),
    "toxicity": Kind(ToxicitySettings, run_toxicity),
    "response": Kind(ResponseSettings, run_response),
    "adherence": Kind(AdherenceSettings, run_adherence),
    "kinetics": Kind(KineticsSettings, run_kinetics),
    "courses": Kind(CoursesSettings, run_courses),
    "mrd": Kind(MrdSettings, run_mrd),
    "persistence": Kind(PersistenceSettings, run_persistence),
}
