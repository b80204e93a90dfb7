"""Clone-censor-weight: "start the treatment within the grace period" against "do not start it".

Every patient has a clone in each arm (:mod:`dayzero.strategies.clones`), censored when it deviates and weighted for
that (:mod:`dayzero.strategies.start_weights`). Clones add no information: patients are counted, errors are robust by
patient, and the honest limits are those of a bootstrap over patients that fits the weights again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.resampling.bootstrap import BootstrapFit
from dayzero.estimators.terms.covariates import code_covariates
from dayzero.spells import Bools, Spells, follow_from, follow_until, hold
from dayzero.strategies.clones import ARTIFICIAL, clone, stack
from dayzero.strategies.contrast import arm_sizes, hazard_ratios, references, require_untreated, with_warning
from dayzero.strategies.risks import risks
from dayzero.strategies.start_weights import (
    fit_start_hazard,
    fit_start_probability,
    weigh_untreated,
)
from dayzero.strategies.strategy import Strategy
from dayzero.strategies.truncation import truncate_weights
from dayzero.strategies.weight_diagnostics import balance, diagnose_weights, treated_in_grace

FAILED: Final = "failed_resamples"


@dataclass(frozen=True, eq=False)
class Clones:
    """The clones of both arms.

    Attributes
    ----------
    arms
        Weighted.
    plain
        The same without weights for artificial censoring.
    crude
        The same weighted by the models without covariates.
    notes
        Warnings of the models for the weights, and of patients left out.
    """

    arms: Spells
    plain: Spells
    crude: Spells
    notes: tuple[str, ...]


def clone_censor_weight(
    spells: Spells, treatment: str, *, grace: float, adjust: Sequence[str] = (), **options: Any
) -> Spells:
    """Clone every patient into both strategies, censor the clones that deviate, and weight the others for it.

    Parameters
    ----------
    spells
        The table; several rows a patient where columns change with time.
    treatment
        A key of ``spells.treatments``.
    grace
        Days within which the strategy "treat" must start the treatment.
    adjust
        Columns that decide on the treatment and foretell the event, time-varying ones included. Without them the
        artificial censoring is taken to be independent: all who are at risk in an arm on a day weigh the same, so that
        its curve is the unweighted one, and the arms together are as large as if nobody had been censored.
    **options
        ``comparator``, ``truncate``, ``stabilised``, ``ties``, ``reference`` of a
        :class:`~dayzero.strategies.strategy.Strategy`.

    Returns
    -------
    Spells
        The rows of both arms, the treatment's column being 1.0 and 0.0, with weights that change with time (``weight``,
        ``power``, ``curve``). Patients without one of the columns are left out.

    Raises
    ------
    InputError
        Where nobody is treated within the grace period and at risk after it, or nobody untreated can be observed.
    """
    strategy = Strategy("clone_censor_weight", treatment=treatment, grace=grace, adjust=adjust, **options)
    return weigh_clones(spells, strategy).arms


def weigh_clones(spells: Spells, strategy: Strategy) -> Clones:
    """Make the clones of a strategy, with and without weights, followed until its horizon if there is one."""
    treatment = strategy.treatment_of(spells)
    require_untreated(spells, treatment)
    if strategy.horizon is not None:
        if strategy.horizon <= strategy.grace:
            mend = "Give a later horizon, or a shorter grace period."
            raise InputError("the horizon lies within the grace period", mend=mend, column="horizon")
        spells = follow_until(spells, strategy.horizon)
    spells, notes = _complete(spells, strategy)
    plain = clone(spells, treatment, grace=strategy.grace, comparator=strategy.comparator)
    if not _treated_after(plain.where(plain.columns[treatment] == 1.0), strategy.grace).any():
        mend = "Give a longer grace period."
        raise InputError("nobody treated within the grace period is at risk after it", mend=mend, column="grace")
    arms, found = _weigh(plain, spells, strategy)
    crude = _weigh(plain, spells, replace(strategy, adjust=()))[0] if strategy.adjust else arms
    return Clones(arms, plain, crude, (*notes, *found))


def _weigh(plain: Spells, spells: Spells, strategy: Strategy) -> tuple[Spells, tuple[str, ...]]:
    """Return the clones with the weights of a strategy, and the warnings of the models that they come from."""
    treated = plain.columns[strategy.treatment_of(spells)] == 1.0
    treat, none = plain.where(treated), plain.where(~treated)
    hazard = fit_start_hazard(none, np.asarray(none.columns[ARTIFICIAL], bool), strategy)
    waiting = weigh_untreated(none, hazard, stabilised=strategy.stabilised)
    started, more = _weigh_treated(treat, spells, strategy)
    started = replace(started, power=np.zeros((len(started), 2 if strategy.stabilised else 1)), curve=waiting.curve)
    arms = [truncate_weights(arm, strategy.truncate) for arm in (started, waiting)]
    return stack(arms[0], arms[1]), (*hazard.notes, *more)


def estimate_clone_censor_weight(spells: Spells, strategy: Strategy) -> Estimate:
    """Estimate the contrast of the strategies, and diagnose the weights; see :class:`Strategy`.

    The hazard ratio averages over the grace period, in which the arms share patients. Its standard error is robust by
    patient and takes the weights as known; risks and restricted means have limits from a bootstrap alone.
    """
    clones = weigh_clones(spells, strategy)
    ratios = hazard_ratios(clones.arms, strategy, adjust=(), robust=True)
    ratios = concat([ratios, *_crude(clones, strategy)]).label(time=strategy.horizon)
    rows = concat([ratios, risks(clones.arms, strategy), *describe_clones(clones, strategy)])
    return with_warning(rows, "; ".join(clones.notes) or None)


def describe_clones(clones: Clones, strategy: Strategy) -> list[Estimate]:
    """Count the clones of each arm, those treated within the grace period, and describe weights and balance."""
    sizes = arm_sizes(clones.plain, strategy).label(time=strategy.horizon)
    rows = [sizes, treated_in_grace(clones.plain, strategy), diagnose_weights(clones.arms, strategy)]
    return [*rows, balance(clones.arms, strategy)] if strategy.adjust else rows


def failed_resamples(fit: BootstrapFit) -> Estimate:
    """Count the resamples in which some row of a bootstrapped strategy that has an estimate had none.

    ``n`` is the number of resamples.
    """
    known = fit.found.rows["estimate"].is_not_null().to_numpy()
    failed = int(np.isnan(fit.replicates[:, known]).any(axis=1).sum())
    about = fit.found.rows.row(0, named=True)
    names = ("kind", "endpoint", "method", "term", "time")
    return make_estimate(FAILED, **{name: about[name] for name in names}, estimate=float(failed), n=len(fit.replicates))


def _crude(clones: Clones, strategy: Strategy) -> list[Estimate]:
    if not strategy.adjust:
        return []
    found = hazard_ratios(clones.crude, strategy, adjust=(), robust=True)
    return [found.where(kind="strategy").label(kind="strategy_unadjusted")]


def _complete(spells: Spells, strategy: Strategy) -> tuple[Spells, tuple[str, ...]]:
    """Leave out the patients with a missing covariate, and say how many."""
    if not strategy.adjust:
        return spells, ()
    coded = code_covariates(spells, strategy.adjust, references(spells, strategy))
    if not coded.dropped:
        return spells, ()
    noun = "patient" if coded.dropped == 1 else "patients"
    return spells.where(coded.keep), (f"dropped_missing: {coded.dropped} {noun} without a covariate left out",)


def _treated_after(treat: Spells, grace: float) -> Bools:
    """Return (rows,) which rows of the arm "treat" last beyond the grace period: their patients are treated."""
    return np.asarray(treat.stop > grace)


def _weigh_treated(treat: Spells, spells: Spells, strategy: Strategy) -> tuple[Spells, tuple[str, ...]]:
    """Weight the arm "treat" after the grace period by the inverse probability of treatment within it."""
    grace, day = strategy.grace, spells.treatments[strategy.treatment_of(spells)]
    after = np.flatnonzero(spells.stop > grace)
    _, first = np.unique(spells.patient[after], return_index=True)
    known = hold(spells, np.minimum(day, grace)).where(after[first])  # type: ignore[arg-type]
    found = fit_start_probability(known, (day <= grace)[known.patient], strategy)
    factor = np.ones(spells.patients.height)
    factor[known.patient] = (found.overall if strategy.stabilised else 1.0) / found.of_row
    before, later = follow_until(treat, grace), follow_from(treat, grace)
    return stack(before, replace(later, weight=later.weight * factor[later.patient])), found.notes
