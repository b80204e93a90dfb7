"""Weights for artificial censoring: the inverse of the probability of still following one's strategy.

With H(t | x) the cumulative hazard of starting the treatment, the clones that must not start it weigh

    1 / P(untreated until t | x) = exp(H(t- | x)),   H(t | x) = int_0^t exp(b'x(u)) dH_0(u),

from a Cox model of the time to the treatment among the untreated (Efron's or Breslow's baseline, as its ties). x may
change with time, so H is carried from row to row. The clones that must start it within the grace period g weigh 1
until g, and then 1 / P(treated by g | at risk after g, x), x being what was known just before the treatment, or at g:
logistic regression. Weighting only those still untreated at the last instant of g, by the hazard then, would give a
few of them huge weights. Stabilised weights are these times the same probabilities without covariates.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import special

from dayzero.errors import InputError
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.firth import fit_firth_cox
from dayzero.estimators.cox.fit import CoxFit, fit_cox
from dayzero.estimators.cox.newton import ALIAS, independent
from dayzero.estimators.curves.risk_sets import count_risk_sets
from dayzero.estimators.outcomes.design import OddsModel, design_odds
from dayzero.estimators.outcomes.firth_likelihood import Penalised, climb
from dayzero.estimators.outcomes.logistic import fit_logistic
from dayzero.estimators.terms.covariates import Covariates, code_covariates
from dayzero.spells import CENSORED, Bools, Floats, Spells, StepFunction
from dayzero.strategies.contrast import references
from dayzero.strategies.strategy import Strategy

SEPARATED: Final = "separation: the {} depends on a covariate without limit; Firth's penalty was used"
LOST: Final = "the model of the {} does not converge, not even with Firth's penalty"
FEWER: Final = "Adjust for fewer columns, or without the one that decides."
OUTCOME: Final = ("waiting", "treated")


@dataclass(frozen=True, eq=False)
class StartHazard:
    """The hazard of starting the treatment.

    Attributes
    ----------
    relative
        (rows,) hazard of each row relative to the baseline's.
    baseline
        The cumulative baseline hazard, from the left, and beside it (T, 2) that of a model without covariates.
    notes
        Warnings.
    """

    relative: Floats
    baseline: StepFunction
    notes: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class StartProbability:
    """The probability of having started by the end of grace.

    Attributes
    ----------
    of_row
        (rows,) of each row's patient.
    overall
        The share that has.
    notes
        Warnings.
    """

    of_row: Floats
    overall: float
    notes: tuple[str, ...]


def fit_start_hazard(spells: Spells, starts: Bools, strategy: Strategy) -> StartHazard:
    """Fit the hazard of starting the treatment.

    Parameters
    ----------
    spells
        Rows of the time untreated, of patients without a missing covariate.
    starts
        (rows,) whether the row ends with the start of the treatment.
    strategy
        Its ``adjust``, ``ties`` and ``reference`` count here; without ``adjust`` everybody has one hazard.

    Raises
    ------
    InputError
        Where no finite weights come of it.
    """
    if not bool(starts.any()):
        return StartHazard(np.ones(len(spells)), StepFunction(np.zeros(0), np.zeros((0, 2))), ())
    table = replace(spells, states=OUTCOME, to=np.where(starts, 1, CENSORED))
    if not strategy.adjust:
        times, overall = _nelson_aalen(table)
        return StartHazard(np.ones(len(spells)), StepFunction(times, np.column_stack([overall, overall])), ())
    model = CoxModel(tuple(strategy.adjust), ties=strategy.ties, reference=references(table, strategy))
    fit = fit_cox(table, model)
    notes: tuple[str, ...] = ()
    if _failed(fit):
        fit, notes = _penalised_hazard(table, model), (SEPARATED.format("start of the treatment"),)
    coded = code_covariates(table, model.terms, model.reference)
    with np.errstate(over="ignore"):
        relative = np.exp((coded.matrix - fit.centre) @ np.nan_to_num(fit.coefficients))
    base = fit.baseline
    if not bool(np.all(np.isfinite(relative)) and np.all(np.isfinite(base.hazard))):
        raise InputError(LOST.format("start of the treatment"), mend=FEWER, column="adjust")
    _, overall = _nelson_aalen(table)
    return StartHazard(relative, StepFunction(base.time, np.column_stack([base.hazard, overall])), notes)


def _nelson_aalen(table: Spells) -> tuple[Floats, Floats]:
    """Return the days on which somebody starts, and the cumulative hazard of it without covariates."""
    sets = count_risk_sets(table)
    happened = sets.events[:, 0, 1] > 0
    return sets.times[happened], np.cumsum(sets.events[happened, 0, 1] / sets.at_risk[happened, 0])


def weigh_untreated(spells: Spells, hazard: StartHazard, *, stabilised: bool) -> Spells:
    """Return the rows weighted by the inverse probability of being untreated still: exp(H(t-)), from day zero on.

    Parameters
    ----------
    spells
        The rows that the hazard was fitted to.
    hazard
        As fitted.
    stabilised
        Multiply by the probability without covariates.
    """
    power = np.column_stack([hazard.relative, np.full(len(spells), -1.0)])[:, : 2 if stabilised else 1]
    curve = StepFunction(hazard.baseline.times, hazard.baseline.values[:, : power.shape[1]])
    order = np.lexsort((spells.start, spells.patient))
    first = np.concatenate(([True], np.diff(spells.patient[order]) != 0))[: len(order)]
    since = _up_to(curve, np.where(first, -np.inf, spells.start[order]))
    gained = np.sum(power[order] * (_up_to(curve, spells.stop[order]) - since), axis=1)
    running = np.cumsum(gained) - gained
    begin = np.maximum.accumulate(np.where(first, np.arange(len(order)), 0))
    logs = np.empty(len(order))
    logs[order] = running - running[begin] - np.sum(power[order] * since, axis=1)
    return replace(spells, weight=spells.weight * np.exp(logs), power=power, curve=curve)


def fit_start_probability(spells: Spells, treated: Bools, strategy: Strategy) -> StartProbability:
    """Fit the probability of having started the treatment by the end of grace.

    Parameters
    ----------
    spells
        One row a patient at risk after it, with what was known just before the treatment, or at the end of grace.
    treated
        (rows,) whether they have; somebody has.
    strategy
        Its ``adjust`` and ``reference`` count here.

    Raises
    ------
    InputError
        Where no finite weights come of it.
    """
    overall = float(np.average(treated, weights=spells.weight))
    if bool(treated.all()):
        return StartProbability(np.ones(len(spells)), 1.0, ("positivity: everybody is treated by the end of grace",))
    if not strategy.adjust:
        return StartProbability(np.full(len(spells), overall), overall, ())
    table = replace(spells, states=OUTCOME, to=np.where(treated, 1, CENSORED))
    model = OddsModel(tuple(strategy.adjust), references(table, strategy))
    coded = code_covariates(table, model.terms, model.reference)
    notes = positivity(coded, treated)
    fit = fit_logistic(table, model)
    slopes, intercept = fit.coefficients, -float(fit.thresholds[0])
    if not bool(fit.converged) or any(text.startswith("separation") for text in fit.warnings):
        slopes, intercept = _penalised(table, model)
        notes = (*notes, SEPARATED.format("probability of treatment by the end of grace"))
    return StartProbability(special.expit(intercept + coded.matrix @ np.nan_to_num(slopes)), overall, notes)


def positivity(coded: Covariates, treated: Bools) -> tuple[str, ...]:
    """Name the kinds of patients, by columns of 0 and 1, of whom nobody or everybody is treated."""
    found = []
    for name, values in zip(coded.names, coded.matrix.T, strict=True):
        if not np.array_equal(np.unique(values), [0.0, 1.0]):
            continue
        label = name if "=" in name else f"{name}=1"
        for kind, inside in ((label, values == 1.0), (f"not {label}", values == 0.0)):
            share = float(np.mean(treated[inside]))
            if share in {0.0, 1.0}:
                who = "everybody" if share else "nobody"
                found.append(f"positivity: {who} with {kind} is treated by the end of grace")
    return tuple(found)


def _up_to(curve: StepFunction, days: Floats) -> Floats:
    """Return (days, K) the curves just after each day."""
    place = np.searchsorted(curve.times, days, side="right")
    return np.asarray(np.concatenate((np.zeros((1, curve.values.shape[1])), curve.values))[place])


def _failed(fit: CoxFit) -> bool:
    bad = ("separation", "non_convergence")
    return not bool(fit.converged) or any(text.startswith(bad) for text in fit.warnings)


def _penalised_hazard(table: Spells, model: CoxModel) -> CoxFit:
    """Fit the hazard with Firth's penalty."""
    try:
        return fit_firth_cox(table, model).cox
    except (np.linalg.LinAlgError, ValueError) as fault:
        raise InputError(LOST.format("start of the treatment"), mend=FEWER, column="adjust") from fault


def _penalised(table: Spells, model: OddsModel) -> tuple[Floats, float]:
    """Return the slopes and the intercept of a logistic regression with Firth's penalty, without their limits."""
    design = design_odds(table, model, table.event().astype(np.int64), ("no", "yes"))
    x, weight = np.column_stack([np.ones(len(design.x)), design.x]), design.weight[0]
    free = independent((x.T @ (weight[:, None] * x))[None], np.array([ALIAS * weight.sum()]))[0]
    reach = np.concatenate([[1.0], np.ptp(design.x, axis=0)])
    problem = Penalised(x[:, free], design.y.astype(float), weight, reach[free], free)
    start = np.zeros(int(free.sum()))
    start[0] = -float(design.margins[0, 0])
    try:
        top = climb(problem, start, np.zeros(len(start), bool))
    except np.linalg.LinAlgError:
        top = None
    if top is None or not top.converged:
        raise InputError(LOST.format("probability of treatment by the end of grace"), mend=FEWER, column="adjust")
    slopes = np.zeros(len(design.names))
    slopes[free[1:]] = top.beta[1:] / design.scale[free[1:]]
    return slopes, float(top.beta[0] - slopes @ design.centre)
