"""The numbers under a curve: at risk, with an event by then, censored by then."""

from collections.abc import Sequence

import numpy as np

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.curves.risk_sets import is_last
from dayzero.estimators.groups import group_rows
from dayzero.spells import Bools, Floats, Ints, Spells


def number_at_risk(spells: Spells, by: str | None = None, *, times: Sequence[float]) -> Estimate:
    """Count the patients at risk, and the events and censorings so far, on the given days.

    Counts are of patients, each once however many rows it has and whatever they weigh: a figure says how many people
    its curves rest on.

    Parameters
    ----------
    spells
        The table.
    by
        Column of the groups.
    times
        Days.

    Returns
    -------
    Estimate
        Per group ``n_at_risk`` (patients with start < t <= stop; on day 0 everybody under observation; ``n_events``:
        patients with an event of any kind by then), ``n_events`` (a term each state that is entered: patients who
        entered it by then) and ``n_censored`` (patients whose observation ended without an event by then).

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> table = number_at_risk(make_spells([1, 2, 3], [1, 0, 1]), times=[0, 2])
    >>> table.where(statistic="n_at_risk").rows["estimate"].to_list()
    [3.0, 2.0]
    """
    groups = group_rows(spells, by)
    days = np.asarray(times, float)
    parts = []
    for code, level in enumerate(groups.levels):
        rows = spells if by is None else spells.where(groups.codes == code)
        counted = _counts(rows, days)
        parts.append(counted.label(group=groups.label(level), endpoint=spells.name or None, warning=groups.warning))
    return concat(parts)


def _counts(spells: Spells, days: Floats) -> Estimate:
    ended = spells.to >= 0
    entered = [(code, name) for code, name in enumerate(spells.states) if code > 0 or bool(np.any(spells.to == code))]
    censored = (spells.to < 0) & is_last(spells)
    at_risk = _under_observation(spells, days)
    return concat([
        make_estimate("n_at_risk", time=days, estimate=at_risk, n=spells.n, n_events=_by(spells, ended, days)),
        *(
            make_estimate("n_events", term=name, time=days, estimate=_by(spells, spells.to == code, days), n=spells.n)
            for code, name in entered
        ),
        make_estimate("n_censored", time=days, estimate=_by(spells, censored, days), n=spells.n),
    ])  # fmt: skip


def _under_observation(spells: Spells, days: Floats) -> Ints:
    """Return how many patients have start < t <= stop: the spells of one patient do not overlap."""
    entered = np.sort(spells.start[np.isfinite(spells.start)])
    started = len(spells) - len(entered) + np.searchsorted(entered, days, side="left")
    ended = np.searchsorted(np.sort(spells.stop), days, side="left")
    on_zero = spells.patient[spells.start == 0.0]
    if len(on_zero):  # from day 0 on; not the later piece of a row that was cut on day 0
        on_zero = np.setdiff1d(on_zero, spells.patient[(spells.start < 0.0) & (spells.stop >= 0.0)])
    return np.asarray(started - ended + (days == 0.0) * len(on_zero))


def _by(spells: Spells, ended: Bools, days: Floats) -> list[int]:
    """Return how many patients have an end of the given kind by each day."""
    first = np.full(spells.patients.height, np.inf)
    np.minimum.at(first, spells.patient[ended], spells.stop[ended])
    return [int(count) for count in np.searchsorted(np.sort(first[first < np.inf]), days, side="right")]
