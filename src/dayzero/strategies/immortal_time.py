"""The accounting of immortal time: what the naive comparison gives to the treated before their treatment."""

from typing import Final

import numpy as np

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.spells import Spells, split
from dayzero.strategies.contrast import treatment_days

NAIVE: Final = "naive"


def immortal_time(spells: Spells, treatment: str) -> Estimate:
    """Count the time in which the treated, known as such, could not have the event, and the events that it hides.

    Parameters
    ----------
    spells
        The table.
    treatment
        A key of its treatments.

    Returns
    -------
    Estimate
        Rows of method ``naive``. ``immortal_time``: patient-days from day zero to the treatment of those who were
        treated while at risk (``n`` of them; who was treated after the event could have it before).
        ``untreated_rate``: the endpoint's events (``n_events``) a patient-day of all time before treatment, the
        immortal included. ``expected_events``: their product, the events that so much untreated time has on average.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from dayzero.spells import make_spells
    >>> spells = replace(make_spells([30, 50, 20], [1, 0, 1]), treatments={"hsct": np.array([np.inf, 50 / 3, np.inf])})
    >>> [round(x, 4) for x in immortal_time(spells, "hsct").rows["estimate"].to_list()]
    [16.6667, 0.03, 0.5]
    """
    day = treatment_days(spells, treatment)
    cut = split(spells, spells.treatments[treatment], name=treatment)
    treated = np.zeros(spells.patients.height, bool)
    treated[cut.patient[cut.columns[treatment] == 1.0]] = True
    treated[spells.patient[(spells.stop == day) & (spells.to < 0)]] = True  # on the last day, the event not having come
    before = cut.where(cut.columns[treatment] == 0.0)
    days = np.maximum(before.stop, 0.0) - np.maximum(before.start, 0.0)
    immortal = float(days[treated[before.patient]].sum())
    events, total = int(np.count_nonzero(before.event())), float(days.sum())
    rate = events / total if total > 0.0 else np.nan
    rows = [
        make_estimate("immortal_time", estimate=immortal, n=int(treated.sum())),
        make_estimate("untreated_rate", estimate=rate, n=before.n, n_events=events),
        make_estimate("expected_events", estimate=rate * immortal, n=int(treated.sum())),
    ]
    return _label(concat(rows), treatment, spells.name or None)


def naive_bias(naive: Estimate, time_dependent: Estimate, primary: Estimate | None = None) -> Estimate:
    """Take the naive log hazard ratio apart: what is immortal time, and what is timing or indication.

    Parameters
    ----------
    naive, time_dependent
        The rows of these methods; unadjusted log hazard ratios count.
    primary
        Rows of the method whose number may be quoted; its adjusted log hazard ratio counts, the first of several.

    Returns
    -------
    Estimate
        Rows of method ``naive``: ``bias_immortal``, the naive less the time-dependent log hazard ratio, and
        ``bias_timing``, the time-dependent less the primary method's (null without one). Their sum is what the naive
        one is off. Null where one of the two is.
    """
    treated = naive.rows["term"].drop_nulls()
    terms = treated[0] if len(treated) else None
    logs = [_unadjusted(naive), _unadjusted(time_dependent), None if primary is None else _log(primary, "strategy")]
    pairs = {"bias_immortal": (logs[0], logs[1]), "bias_timing": (logs[1], logs[2])}
    rows = concat(make_estimate(name, estimate=_less(*pair)) for name, pair in pairs.items())
    endpoint = naive.rows["endpoint"].drop_nulls()
    return _label(rows, terms, endpoint[0] if len(endpoint) else None)


def _unadjusted(found: Estimate) -> float | None:
    """Return the log hazard ratio without adjusters, which is the only one where nothing was adjusted."""
    own = found.where(kind="strategy_unadjusted", statistic="log_hazard_ratio")
    return _log(found, "strategy_unadjusted" if len(own) else "strategy")


def _log(found: Estimate, kind: str) -> float | None:
    values = found.where(kind=kind, statistic="log_hazard_ratio").rows["estimate"]
    return None if values.is_empty() else values[0]


def _less(first: float | None, second: float | None) -> float | None:
    return None if first is None or second is None else first - second


def _label(rows: Estimate, treatment: str | None, endpoint: str | None) -> Estimate:
    return rows.label(kind="strategy", method=NAIVE, term=treatment, endpoint=endpoint)
