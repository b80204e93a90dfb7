"""The stacked table: one row for every transition that a row is at risk of."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from dayzero.estimators.changing_weights import refuse_changing
from dayzero.estimators.multistate.hazards import Pair
from dayzero.spells import CENSORED, Floats, Ints, Spells

Clock = Literal["forward", "reset"]
BASELINE: Final = "baseline"


@dataclass(frozen=True)
class Stacked:
    """The rows of a table once for each transition out of their state.

    Attributes
    ----------
    spells
        States ``at risk`` and ``moved``; the column ``baseline`` numbers the baseline hazards.
    row
        (stacked rows,) the row of the table that each is.
    transition
        (stacked rows,) number of the transition.
    """

    spells: Spells
    row: Ints
    transition: Ints

    def count(self, transition: int) -> tuple[int, int]:
        """Return how many patients are at risk of a transition, and how many rows end in it."""
        mine = self.spells.where(self.transition == transition)
        return mine.n, int(np.count_nonzero(mine.to >= 0))


def stack(spells: Spells, transitions: Sequence[Pair], *, baselines: Sequence[int], clock: Clock) -> Stacked:
    """Repeat the rows of a table for each transition out of their state.

    Parameters
    ----------
    spells
        The table.
    transitions
        (K,) pairs of state codes.
    baselines
        (K,) number of the baseline hazard of each.
    clock
        ``forward``: times as they are; ``reset``: times from the entry into the state.
    """
    refuse_changing(spells, "models of transitions")
    origins, targets = np.array(transitions).T
    at_risk = [np.flatnonzero(spells.state == origin) for origin in origins]
    row = np.concatenate(at_risk)
    transition = np.repeat(np.arange(len(transitions)), [len(rows) for rows in at_risk])
    picked = spells.where(row)  # type: ignore[arg-type]
    entered = state_entry(spells)[row] if clock == "reset" else np.zeros(len(row))
    table = replace(
        picked,
        start=np.where(picked.start > entered, picked.start - entered, -np.inf) if clock == "reset" else picked.start,
        stop=picked.stop - entered,
        state=np.zeros(len(row), np.int64),
        to=np.where(picked.to == targets[transition], 1, CENSORED),
        states=("at risk", "moved"),
        columns={BASELINE: np.asarray(baselines, float)[transition]},
    )
    return Stacked(table, row, transition)


def state_entry(spells: Spells) -> Floats:
    """Return (rows,) the day on which the patient entered the state that the row is in; 0 for the first state.

    Rows of one stay, cut where a treatment began, share the day of the first of them.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> start, state = [-np.inf, 3, 5], [0, 1, 1]
    >>> state_entry(make_spells([3, 5, 9], [1, 0, 1], start=start, state=state, patient=["a", "a", "a"])).tolist()
    [0.0, 3.0, 3.0]
    """
    order = np.lexsort((spells.start, spells.patient))
    patient, state, start = spells.patient[order], spells.state[order], spells.start[order]
    same = (patient[1:] == patient[:-1]) & (state[1:] == state[:-1]) & (spells.to[order][:-1] < 0)
    fresh = np.concatenate(([True], ~same)) if len(order) else np.zeros(0, bool)
    begun = np.where(state == 0, 0.0, np.maximum(start, 0.0))
    run = np.cumsum(fresh) - 1
    entered = np.empty(len(order))
    first = np.concatenate(([True], patient[1:] != patient[:-1])) if len(order) else np.zeros(0, bool)
    begun = np.where(first | (state != 0), begun, np.maximum(start, 0.0))  # back in the first state: from that day
    entered[order] = begun[fresh][run]
    return entered
