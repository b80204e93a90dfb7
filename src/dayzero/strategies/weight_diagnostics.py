"""What the weights of clones look like: how many patients they leave, how heavy the heaviest are, what they balance."""

import numpy as np

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.spells import CENSORED, Bools, Floats, Spells
from dayzero.strategies.balance import standardised_differences
from dayzero.strategies.clones import ARTIFICIAL
from dayzero.strategies.contrast import ARMS, label
from dayzero.strategies.records import from_records
from dayzero.strategies.strategy import Strategy
from dayzero.strategies.truncation import last_rows, weights_at_stop


def diagnose_weights(spells: Spells, strategy: Strategy) -> Estimate:
    """Describe the weights of each arm's clones that never deviate, as they are when each leaves.

    Returns
    -------
    Estimate
        By arm: ``effective_sample_size`` = (sum w)^2 / sum w^2 (Kish 1965), ``largest_weight``, ``mean_weight``, and
        ``share_of_three_heaviest``, the three largest weights' part of all, over the n clones that never deviate (null
        where there are none); ``artificially_censored`` and ``naturally_censored``, numbers of all the arm's n clones,
        the latter being those who leave at the end of their follow-up, or at the horizon, without an event.
    """
    treatment = strategy.treatment_of(spells)
    leaving = spells.where(_last_in_each_arm(spells, treatment))
    weight, treated = weights_at_stop(leaving), leaving.columns[treatment]
    artificial = np.asarray(leaving.columns[ARTIFICIAL], bool)
    natural = ~artificial & (leaving.to == CENSORED)
    records: list[dict[str, object]] = []
    for arm, code in ARMS:
        mine = treated == code
        kept, size = weight[mine & ~artificial], int(mine.sum())
        records += [{"statistic": name, "group": arm, "estimate": value, "n": len(kept)}
                    for name, value in _describe(kept).items()]  # fmt: skip
        for name, kind in (("artificially_censored", artificial), ("naturally_censored", natural)):
            records.append({"statistic": name, "group": arm, "estimate": float((mine & kind).sum()), "n": size})
    return label(from_records(records), spells, strategy).label(time=strategy.horizon)


def treated_in_grace(spells: Spells, strategy: Strategy) -> Estimate:
    """Count those treated within the grace period while at risk, of all n patients, and their events."""
    treatment = strategy.treatment_of(spells)
    arm, day = spells.columns[treatment] == 1.0, spells.treatments[treatment][spells.patient]
    before_end = (day < spells.stop) | ((day == spells.stop) & (spells.to == CENSORED))
    treated = np.zeros(spells.patients.height, bool)
    treated[spells.patient[arm & (spells.start <= day) & before_end & (day <= strategy.grace)]] = True
    events = len(np.unique(spells.patient[arm & spells.event() & treated[spells.patient]]))
    row = make_estimate("treated_in_grace", estimate=float(treated.sum()), n=spells.n, n_events=events)
    return label(row, spells, strategy).label(time=strategy.grace)


def balance(spells: Spells, strategy: Strategy) -> Estimate:
    """Compare the covariates of the clones at risk just after the end of grace, before and after weighting."""
    there = spells.where((spells.start <= strategy.grace) & (strategy.grace < spells.stop))
    weights = _weights_after(there, strategy.grace)
    both = [standardised_differences(there, strategy, weights=each) for each in (None, weights)]
    return concat(both).label(time=strategy.grace)


def _weights_after(spells: Spells, day: float) -> Floats:
    """Return (rows,) the weights just after a day."""
    if spells.power is None or spells.curve is None:
        return spells.weight
    now = spells.curve.at(np.array([np.nextafter(day, np.inf)])).reshape(-1)
    return np.asarray(spells.weight * np.exp(spells.power @ now))


def _describe(weight: Floats) -> dict[str, float]:
    n, total = len(weight), float(weight.sum())
    return {
        "effective_sample_size": total**2 / float(weight @ weight) if n else np.nan,
        "largest_weight": float(weight.max()) if n else np.nan,
        "mean_weight": total / n if n else np.nan,
        "share_of_three_heaviest": float(np.sort(weight)[-3:].sum()) / total if n else np.nan,
    }


def _last_in_each_arm(spells: Spells, treatment: str) -> Bools:
    treated = spells.columns[treatment] == 1.0
    last = np.zeros(len(spells), bool)
    for arm in (np.flatnonzero(treated), np.flatnonzero(~treated)):
        last[arm[last_rows(spells.where(arm))]] = True  # type: ignore[arg-type]
    return last
