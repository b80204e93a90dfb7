"""What each method of a strategy analysis finds: estimated, resampled where weights ask for it, or withheld."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

import numpy as np
import polars as pl

from dayzero.analyses.context import Context
from dayzero.analyses.strategy_population import FEW_EVENTS, FEW_PATIENTS, Population, with_exposure
from dayzero.analyses.strategy_settings import StrategySettings
from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.resampling.bootstrap import Resampling, bootstrap
from dayzero.spells import Spells
from dayzero.strategies.clone_censor_weight import failed_resamples
from dayzero.strategies.contrast import RATIOS, label
from dayzero.strategies.e_value import COMMON, e_values
from dayzero.strategies.immortal_time import immortal_time, naive_bias
from dayzero.strategies.methods import METHODS
from dayzero.strategies.strategy import Method, Strategy

RESAMPLED: Final = ("clone_censor_weight", "sequential")  # limits come from a bootstrap that refits the weights
UNPENALISED: Final = (*RESAMPLED, "landmark_super")
CONTRASTS: Final = (*RATIOS, "risk", "risk_difference", "rmst", "rmst_difference", "cumulative_incidence")
EVERYBODY: Final[Method] = "multi_state"  # where everybody is over time: no arms, so nothing of the future
GRACES: Final = (60.0, 90.0, 120.0)
OF_A_METHOD: Final = ("grace", "horizon", "landmarks", "every")  # keys whose fault is one method's: the others stand
PENALISED: Final = "firth: an arm has fewer than 10 patients or 5 events; Firth's penalised likelihood, profile limits"
SUPPRESSED: Final = "suppressed: {} treated within the grace period, {} of them with the event after it"

Found = dict[Method, Estimate]


@dataclass(frozen=True)
class Estimation:
    """What the methods are given.

    Attributes
    ----------
    settings, context, people
        What is asked, of which study, in whom.
    """

    settings: StrategySettings
    context: Context
    people: Population

    def strategy(self, name: Method) -> Strategy:
        """Return a method as it is used here: penalised where an arm is sparse."""
        sparse = self.settings.penalty == "auto" and self.people.is_sparse and name not in UNPENALISED
        return self.settings.strategy(name, firth=sparse)

    def tables(self, strategy: Strategy) -> list[tuple[Spells, Strategy]]:
        """Return the tables that a method is called with: for exposures one a landmark, as they come and go."""
        if not self.settings.exposure:
            return [(self.people.spells, strategy)]
        days = self.settings.landmarks
        looked = [(with_exposure(self.people.spells, self.settings, self.context, day), day) for day in days]
        return [(spells, replace(strategy, landmarks=(day,))) for spells, day in looked]


def estimate_methods(asked: Estimation, methods: tuple[Method, ...]) -> Found:
    """Return the rows of each method; where one cannot be used on these patients, a null with the reason.

    Where everybody is over time is described even where it was not asked for, but then compares nothing.
    """
    found: Found = {}
    for name in methods:
        tables = asked.tables(asked.strategy(name))
        found[name] = concat(_or_null(spells, strategy, asked) for spells, strategy in tables)
    if EVERYBODY not in asked.settings.chosen and EVERYBODY in found:
        described = found[EVERYBODY].rows
        found[EVERYBODY] = Estimate(described.filter(~described["statistic"].is_in([*RATIOS, "arm_size"])))
    return {name: concat([rows, _e_values(name, rows, asked)]) for name, rows in found.items()}


def vary_grace(asked: Estimation) -> Estimate:
    """Return what clone-censor-weight finds under other grace periods: rows of kind ``strategy_grace``, no bootstrap.

    ``group`` is ``grace=days``; hazard ratios have robust errors, risk and mean differences none.
    """
    plain = replace(asked, settings=replace(asked.settings, bootstrap=0))
    found = []
    for days in _graces(asked):
        strategy = replace(asked.strategy("clone_censor_weight"), grace=days)
        rows = _or_null(asked.people.spells, strategy, plain).where(kind="strategy", group=None)
        kept = rows.rows.filter(pl.col("statistic").is_in(CONTRASTS))
        found.append(Estimate(kept).label(kind="strategy_grace", group=f"grace={days:g}"))
    return concat(found)


def _graces(asked: Estimation) -> tuple[float, ...]:
    """Return the further grace periods: those asked for, or in a registry the usual ones that the horizon allows."""
    settings = asked.settings
    if settings.graces is not None:
        return settings.graces
    if asked.people.layout != "registry" or "clone_censor_weight" not in settings.chosen or settings.exposure:
        return ()
    return tuple(days for days in GRACES if days != settings.grace and days < (settings.horizon or np.inf))


def account(asked: Estimation, found: Found) -> list[Estimate]:
    """Return the immortal time, and what it and the timing or indication do to the naive hazard ratio."""
    settings, spells = asked.settings, asked.people.spells
    if settings.exposure:
        return []
    crude = [_or_null(spells, replace(asked.strategy(name), adjust=()), asked) for name in _PAIR]
    primary = found.get(settings.primary or "time_dependent")  # type: ignore[call-overload]
    return [immortal_time(spells, settings.term), naive_bias(crude[0], crude[1], primary)]


_PAIR: Final[tuple[Method, Method]] = ("naive", "time_dependent")


def _or_null(spells: Spells, strategy: Strategy, asked: Estimation) -> Estimate:
    try:
        return _withheld(_estimate(spells, strategy, asked), strategy)
    except InputError as error:
        if error.column not in OF_A_METHOD:
            raise
        rows = concat(make_estimate(name, n=spells.n, warning=f"not estimable: {error.fault}") for name in RATIOS)
        return label(rows, spells, strategy).label(time=_time(strategy))


def _time(strategy: Strategy) -> float | None:
    if strategy.method == "landmark":
        return strategy.landmarks[0]
    return strategy.horizon if strategy.method in RESAMPLED else None


def _estimate(spells: Spells, strategy: Strategy, asked: Estimation) -> Estimate:
    settings = asked.settings
    if strategy.method not in RESAMPLED or not settings.bootstrap:
        found = METHODS[strategy.method](spells, strategy)
        penalised = strategy.penalty == "firth" and settings.penalty == "auto"
        return _noted(found, PENALISED) if penalised else found
    step = partial(_tell, asked.context.tell, strategy.method)
    options = Resampling(jobs=-1, progress=step, cluster=settings.cluster or None)
    fit = bootstrap(strategy, spells, n=settings.bootstrap, seed=settings.seed, options=options)
    resampled = fit.estimate().label(method=strategy.method)
    contrast = pl.col("statistic").is_in(CONTRASTS)
    rows = pl.concat([resampled.rows.filter(contrast), fit.found.rows.filter(~contrast)])
    return concat([Estimate(rows), failed_resamples(fit)])


def _noted(rows: Estimate, text: str) -> Estimate:
    """Return the rows with a warning on each hazard ratio that there is."""
    where = pl.col("statistic").is_in(RATIOS) & pl.col("estimate").is_not_null()
    joined = pl.concat_str(["warning", pl.lit(text)], separator="; ", ignore_nulls=True)
    return Estimate(rows.rows.with_columns(pl.when(where).then(joined).otherwise("warning").alias("warning")))


def _tell(tell: Callable[[str], None], method: str, done: int, total: int) -> None:
    tell(f"{method.replace('_', '-')}: {done:,} of {total:,} resamples")


def _withheld(rows: Estimate, strategy: Strategy) -> Estimate:
    """Withhold the contrasts of clones that rest on fewer than 10 treated, or 5 of them with an event."""
    started = rows.where(statistic="treated_in_grace").rows
    if strategy.method != "clone_censor_weight" or started.is_empty():
        return rows
    n, events = int(started["estimate"][0] or 0), int(started["n_events"][0] or 0)
    if n >= FEW_PATIENTS and events >= FEW_EVENTS:
        return rows
    hidden = pl.col("statistic").is_in(CONTRASTS)
    text = SUPPRESSED.format(n, events)
    blank = {name: pl.when(hidden).then(None).otherwise(pl.col(name)).alias(name)
             for name in ("estimate", "std_error", "lower", "upper", "p_value")}  # fmt: skip
    warning = pl.when(hidden).then(pl.lit(text)).otherwise(pl.col("warning")).alias("warning")
    return Estimate(rows.rows.with_columns(**blank, warning=warning))


def _e_values(name: Method, rows: Estimate, asked: Estimation) -> Estimate:
    if name in {"naive", EVERYBODY}:
        return concat(())
    spells = asked.people.spells
    share = len(np.unique(spells.patient[spells.event()])) / max(spells.n, 1)
    return e_values(rows.where(kind="strategy"), common=share > COMMON)
