"""The naive comparison: groups named by the future. It is computed to show its bias, never to be quoted."""

from dataclasses import replace

import numpy as np

from dayzero.estimate import Estimate, concat
from dayzero.spells import Spells
from dayzero.strategies.adjustment import compare_arms
from dayzero.strategies.contrast import arm_sizes, require_untreated, treatment_days
from dayzero.strategies.strategy import Strategy


def naive(spells: Spells, treatment: str) -> Spells:
    """Mark those who are ever treated, as if it had been known on day zero.

    Parameters
    ----------
    spells
        The table.
    treatment
        A key of its treatments. Anywhere in the record counts, even after the endpoint's event, as papers do.

    Returns
    -------
    Spells
        The same rows with a column named as the treatment: 1.0 in all rows of the ever treated, 0.0 in the others.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = replace(make_spells([10, 20], [1, 1]), treatments={"hsct": np.array([np.inf, 15.0])})
    >>> naive(spells, "hsct").columns["hsct"].tolist()
    [0.0, 1.0]
    """
    ever = np.isfinite(treatment_days(spells, treatment)).astype(float)
    return replace(spells, columns={**spells.columns, treatment: ever})


def estimate_naive(spells: Spells, strategy: Strategy) -> Estimate:
    """Compare the ever treated with the never treated: sizes of the arms, hazard ratios, risks at the horizon.

    Immortal time makes the treated look better than they are: before their treatment they could not have the event.
    """
    treatment = strategy.treatment_of(spells)
    require_untreated(spells, treatment)
    arms = naive(spells, treatment)
    return concat([arm_sizes(arms, strategy), compare_arms(arms, strategy)])
