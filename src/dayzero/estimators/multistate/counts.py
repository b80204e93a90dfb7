"""Numbers of patients: who made which transition, who is in which state."""

from collections.abc import Sequence

import numpy as np

from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.groups import group_rows
from dayzero.estimators.multistate.hazards import find_transitions, transition_name
from dayzero.spells import Ints, Spells


def transition_counts(spells: Spells) -> Estimate:
    """Count the transitions, and in each state those who entered it and those who were last seen in it.

    Returns
    -------
    Estimate
        ``n_transitions``, a term each transition ``from -> to``, ``n`` being the patients who were ever in ``from``;
        ``n_entered`` and ``n_last_seen``, a term each state, of patients.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> counts = transition_counts(make_spells([1, 2, 3, 4], [1, 2, 0, 1]))
    >>> counts.where(statistic="n_transitions").rows.select("term", "estimate").rows()
    [('initial -> event', 2.0), ('initial -> event 2', 1.0)]
    """
    ever = [
        np.union1d(spells.patient[spells.state == k], spells.patient[spells.to == k]) for k in range(len(spells.states))
    ]
    last = _last_states(spells)
    arrows = [
        make_estimate(
            "n_transitions", term=transition_name(spells.states, pair), n=len(ever[pair[0]]),
            estimate=float(np.count_nonzero((spells.state == pair[0]) & (spells.to == pair[1]))),
        )
        for pair in find_transitions(spells)
    ]  # fmt: skip
    boxes = [
        make_estimate(statistic, term=name, estimate=float(count), n=spells.n)
        for k, name in enumerate(spells.states)
        for statistic, count in (("n_entered", len(ever[k])), ("n_last_seen", np.count_nonzero(last == k)))
    ]
    return concat([*arrows, *boxes]).label(endpoint=spells.name or None)


def number_in_state(spells: Spells, by: str | None = None, *, times: Sequence[float]) -> Estimate:
    """Count the patients under observation in each state, just before each day.

    Returns
    -------
    Estimate
        ``n_at_risk``, a term each state that can be left: rows with start < t <= stop; on day 0 those who start then.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> number_in_state(make_spells([1, 2, 3], [1, 0, 1]), times=[0, 2]).rows["estimate"].to_list()
    [3.0, 2.0]
    """
    groups = group_rows(spells, by)
    days = np.asarray(times, float)
    parts = []
    for code, level in enumerate(groups.levels):
        rows = spells if by is None else spells.where(groups.codes == code)
        for state in np.unique(rows.state).tolist():
            mine = rows.where(rows.state == state)
            started = np.searchsorted(np.sort(mine.start), days, side="left")
            started = np.where(days == 0.0, np.count_nonzero(mine.start <= 0.0), started)
            present = started - np.searchsorted(np.sort(mine.stop), days, side="left")
            parts.append(
                make_estimate(
                    "n_at_risk", term=spells.states[state], group=groups.label(level), time=days,
                    estimate=present.astype(float), n=rows.n,
                )
            )  # fmt: skip
    return concat(parts).label(endpoint=spells.name or None)


def _last_states(spells: Spells) -> Ints:
    """Return the state in which each patient was last seen."""
    order = np.lexsort((spells.stop, spells.patient))
    final = order[np.append(spells.patient[order][1:] != spells.patient[order][:-1], True)] if len(order) else order
    return np.where(spells.to[final] >= 0, spells.to[final], spells.state[final])
