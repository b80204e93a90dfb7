"""Who is compared: the spells of a strategy analysis, its undated patients left out, and how large its arms are."""

from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from dayzero.analyses.context import Context
from dayzero.analyses.strategy_settings import StrategySettings
from dayzero.checks.treatments import treatment_undated
from dayzero.endpoints import derive_spells, exposure_at
from dayzero.errors import Finding
from dayzero.estimators.terms.language import columns_of
from dayzero.protocol import Endpoint
from dayzero.spells import CENSORED, Spells

Layout = Literal["small", "registry"]
FEW_PATIENTS: Final = 10
FEW_EVENTS: Final = 5
REGISTRY: Final = 200  # patients below which a page leads with what needs no weights


@dataclass(frozen=True)
class Population:
    """The patients compared.

    Attributes
    ----------
    spells
        Their spells, those with an undated treatment left out.
    findings
        How many are left out for it.
    treated, treated_events
        Patients who were treated while at risk, and those of them with the event after it.
    untreated_events
        Patients with the event before any treatment.
    """

    spells: Spells
    findings: tuple[Finding, ...]
    treated: int
    treated_events: int
    untreated_events: int

    @property
    def is_sparse(self) -> bool:
        """Whether an arm has fewer than 10 patients or 5 events."""
        return self.treated < FEW_PATIENTS or min(self.treated_events, self.untreated_events) < FEW_EVENTS

    @property
    def layout(self) -> Layout:
        """How the page is laid out: ``small`` where weights have too little to stand on."""
        return "small" if self.is_sparse or self.spells.n < REGISTRY else "registry"


def derive_population(settings: StrategySettings, context: Context, endpoint: Endpoint) -> Population:
    """Derive the spells of the endpoint, with the treatment's days and the columns that change with time.

    Raises
    ------
    InputError
        An unknown column or event, or one that was known only after day zero.
    """
    adjust = columns_of(settings.adjust, context.history.patients.columns)
    for key, columns in (("adjust", adjust), ("strata", settings.strata), ("cluster", (settings.cluster,))):
        for column in filter(None, columns):
            context.baseline(column, key, endpoint)
    treatment = settings.exposure or settings.treatment
    context.spells(endpoint)
    spells = derive_spells(context.history, endpoint, treatments=(treatment,), time_varying=settings.time_varying)
    undated = np.isnan(spells.treatments[settings.term])
    dated = spells.where(~undated[spells.patient])
    return _count(dated, settings.term, treatment_undated(spells, settings.term))


def with_exposure(spells: Spells, settings: StrategySettings, context: Context, landmark: float) -> Spells:
    """Return the spells of those whose exposure is known on a landmark; the exposed count as treated by then."""
    endpoint = context.endpoint(settings.endpoint)
    known = exposure_at(context.history, endpoint, settings.exposure, landmark)
    day = np.where(known == 1.0, landmark, np.inf)
    kept = spells.where(~np.isnan(known)[spells.patient])
    return replace(kept, treatments={**spells.treatments, settings.term: day})


def _count(spells: Spells, term: str, findings: tuple[Finding, ...]) -> Population:
    day, event = spells.treatments[term][spells.patient], spells.event()
    after = spells.stop > day
    starts = after | ((spells.stop == day) & (spells.to == CENSORED))  # an event on the day itself comes before it
    counts = [len(np.unique(spells.patient[rows])) for rows in (starts, event & after, event & ~after)]
    return Population(spells, findings, *counts)
