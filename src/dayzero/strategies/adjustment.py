"""Baseline confounding of two arms: taken up by the outcome model, or by inverse-probability-of-treatment weights.

The weights are those of the average effect in everybody (Robins, Hernan and Brumback 2000, Epidemiology 11:550):
1 / P(own arm | covariates), by logistic regression of the arm.
"""

from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import special

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.outcomes.design import OddsModel
from dayzero.estimators.outcomes.firth import fit_firth_logistic
from dayzero.estimators.outcomes.logistic import fit_logistic
from dayzero.estimators.terms.covariates import code_covariates
from dayzero.spells import CENSORED, Bools, Floats, Spells
from dayzero.strategies.balance import standardised_differences
from dayzero.strategies.contrast import hazard_ratios, label, references, with_warning
from dayzero.strategies.risks import risks
from dayzero.strategies.strategy import NO_TREAT, TREAT, Strategy

CRUDE: Final = 'crude: not adjusted for {}; adjustment = "weights" adjusts risks'
SEPARATION: Final = "separation: some patients' arm is certain; their weights come from Firth's logistic regression"


@dataclass(frozen=True)
class Weighed:
    """Arms with weights.

    Attributes
    ----------
    arms
        The rows of the patients without a missing covariate, their weights multiplied by those of treatment.
    warning
        What went wrong, or None.
    """

    arms: Spells
    warning: str | None


def is_adjusted_by_weights(strategy: Strategy) -> bool:
    """Return whether a strategy adjusts, and by weights."""
    return bool(strategy.adjust) and strategy.adjustment == "weights"


def compare_arms(arms: Spells, strategy: Strategy, *, start: float = 0.0) -> Estimate:
    """Compare two arms that are fixed from a day on, adjusted as the strategy says.

    Parameters
    ----------
    arms
        The table of arms; a patient is in one of them.
    strategy
        Its ``adjust``, ``adjustment``, ``truncate``, ``stabilised`` and ``horizon`` count here, and all that the
        hazard ratios take.
    start
        Day from which the arms are followed.

    Returns
    -------
    Estimate
        Hazard ratios; risks and restricted means; standardised differences of the covariates. Weights adjust all of
        them. An outcome model adjusts the hazard ratio alone, and the risks carry a warning.
    """
    if not strategy.adjust:
        return concat([hazard_ratios(arms, strategy, adjust=()), risks(arms, strategy, start=start)])
    before = standardised_differences(first_rows(arms), strategy)
    if strategy.adjustment == "outcome":
        crude = with_warning(risks(arms, strategy, start=start), CRUDE.format(", ".join(strategy.adjust)))
        return concat([hazard_ratios(arms, strategy, adjust=strategy.adjust), crude, before])
    weighed = weigh_arms(arms, strategy)
    found = [hazard_ratios(weighed.arms, strategy, adjust=()), risks(weighed.arms, strategy, start=start)]
    unadjusted = hazard_ratios(arms, strategy, adjust=()).where(kind="strategy").label(kind="strategy_unadjusted")
    base = first_rows(weighed.arms)
    after = [standardised_differences(base, strategy, weights=base.weight), _diagnostics(base, strategy)]
    return concat([with_warning(concat(found), weighed.warning), unadjusted, before, *after])


def weigh_arms(arms: Spells, strategy: Strategy) -> Weighed:
    """Weigh each patient by the inverse of the probability of the own arm, given the covariates on the first row.

    ``stabilised`` multiplies by the arm's share; ``truncate`` sets weights above that quantile of the arm's to it.
    Patients with a missing covariate are left out. Where an arm is empty nobody is weighed.
    """
    base = first_rows(arms)
    treated = base.of(strategy.treatment_of(arms)).to_numpy() == 1.0
    if treated.all() or not treated.any():
        return Weighed(arms, None)
    probability, kept, warning = _probabilities(base, treated, strategy)
    own = np.where(treated, probability, 1.0 - probability)
    with np.errstate(divide="ignore"):
        weight = 1.0 / own
    for arm in (treated & kept, ~treated & kept):
        if arm.any():
            weight[arm] *= arm.sum() / kept.sum() if strategy.stabilised else 1.0
            weight[arm] = np.minimum(weight[arm], np.quantile(weight[arm], strategy.truncate))
    by_patient = np.zeros(arms.patients.height)
    by_patient[base.patient[kept]] = weight[kept]
    inside = by_patient[arms.patient] > 0.0
    rows = arms.where(inside)
    return Weighed(replace(rows, weight=rows.weight * by_patient[rows.patient]), warning)


def first_rows(spells: Spells) -> Spells:
    """Return the first row of each patient, in the order of the patients."""
    order = np.lexsort((spells.start, spells.patient))
    _, first = np.unique(spells.patient[order], return_index=True)
    return spells.where(order[first])  # type: ignore[arg-type]


def _probabilities(base: Spells, treated: Bools, strategy: Strategy) -> tuple[Floats, Bools, str | None]:
    """Return (rows,) P(treated | covariates), which rows have no covariate missing, and a warning."""
    nowhere = np.zeros(len(base), np.int64)
    table = replace(base, state=nowhere, to=np.where(treated, 1, CENSORED), states=("untreated", "treated"))
    model = OddsModel(tuple(strategy.adjust), references(base, strategy))
    coded = code_covariates(table, model.terms, model.reference)
    fit = fit_logistic(table, model)
    warnings = [note for note in fit.notes.get("", ()) if note.startswith("dropped")]
    slopes, intercept = fit.coefficients, -fit.thresholds[0] if len(fit.thresholds) else np.nan
    if any(note.startswith(("separation", "non_convergence")) for note in fit.warnings):
        firth = fit_firth_logistic(table, model)
        slopes, intercept = firth.coefficients, firth.intercept
        warnings.append(SEPARATION)
    probability = np.full(len(base), np.nan)
    probability[coded.keep] = special.expit(coded.matrix @ np.nan_to_num(slopes) + intercept)
    return probability, coded.keep, "; ".join(warnings) or None


def _diagnostics(base: Spells, strategy: Strategy) -> Estimate:
    """Return by arm how many patients the weights are worth, (sum w)^2 / sum w^2 (Kish), and the largest weight."""
    treated, rows = base.of(strategy.treatment_of(base)).to_numpy() == 1.0, []
    for arm, weight in ((TREAT, base.weight[treated]), (NO_TREAT, base.weight[~treated])):
        if len(weight):
            size = {"effective_sample_size": weight.sum() ** 2 / (weight @ weight), "largest_weight": weight.max()}
            rows += [make_estimate(name, group=arm, estimate=float(x), n=len(weight)) for name, x in size.items()]
    return label(concat(rows), base, strategy)
