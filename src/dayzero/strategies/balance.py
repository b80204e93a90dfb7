"""Balance of covariates between two arms, before and after weighting."""

import numpy as np
import polars as pl

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.terms.covariates import code_covariates
from dayzero.spells import Floats, Spells
from dayzero.strategies.contrast import label, references
from dayzero.strategies.strategy import Strategy


def standardised_differences(spells: Spells, strategy: Strategy, *, weights: Floats | None = None) -> Estimate:
    """Estimate how far apart the arms are in each covariate of ``strategy.adjust``.

    d = (m_1 - m_0) / sqrt((v_1 + v_0) / 2), m the weighted means and v the variances without weights, so that d before
    and after weighting has one denominator (Austin and Stuart 2015, Stat Med 34:3661).

    Parameters
    ----------
    spells
        The table of arms on the day of comparison, one row a patient and arm; patients with a missing covariate are
        left out.
    strategy
        Its treatment, adjusters and reference levels.
    weights
        (rows,) by which the rows count ``after`` weighting; without them all count the same, and it is ``before`` it.

    Returns
    -------
    Estimate
        ``standardised_difference``, the term being ``column`` or ``column=level`` (each level but the reference), the
        group ``weighting=before`` or ``weighting=after``; null where a covariate does not vary in either arm. No rows
        where an arm is empty.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from dayzero.spells import make_spells
    >>> arms = make_spells([5, 6, 7, 8], [1, 1, 1, 1], hsct=[1.0, 1.0, 0.0, 0.0], age=[50, 60, 40, 50])
    >>> arms = replace(arms, treatments={"hsct": np.zeros(4)})
    >>> rows = standardised_differences(arms, Strategy("naive", adjust=["age"])).rows
    >>> rows["estimate"].to_list()  # 10 years, where the standard deviation in each arm is 5
    [2.0]
    """
    coded = code_covariates(spells, strategy.adjust, references(spells, strategy))
    treated = spells.of(strategy.treatment_of(spells)).to_numpy()[coded.keep] == 1.0
    if treated.all() or not treated.any():
        return concat(())
    weight = (np.ones(len(spells)) if weights is None else weights)[coded.keep]
    sides = (treated, ~treated)
    first, second = (weight[side] @ coded.matrix[side] / weight[side].sum() for side in sides)
    spread = np.sqrt(np.mean([np.var(coded.matrix[side], axis=0) for side in sides], axis=0))
    difference = np.divide(first - second, spread, out=np.full(len(spread), np.nan), where=spread > 0.0)
    group, n = "weighting=before" if weights is None else "weighting=after", spells.where(coded.keep).n
    found = make_estimate("standardised_difference", group=group, estimate=difference, n=n)
    rows = label(found, spells, strategy)
    return Estimate(rows.rows.with_columns(pl.Series("term", coded.names, pl.String)))
