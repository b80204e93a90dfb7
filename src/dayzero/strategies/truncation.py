"""Truncation of weights that change with time: above a cap they stay at it."""

from dataclasses import replace
from typing import Final

import numpy as np

from dayzero.spells import CENSORED, Bools, Floats, Ints, Spells, StepFunction
from dayzero.strategies.clones import ARTIFICIAL

ROUNDING: Final = 1e-12


def weights_at_stop(spells: Spells) -> Floats:
    """Return (rows,) the weight with which each row ends."""
    if spells.power is None or spells.curve is None:
        return spells.weight
    return np.asarray(spells.weight * np.exp(_moved(spells.power, spells.curve, spells.stop)))


def last_rows(spells: Spells) -> Ints:
    """Return (patients with rows,) the index of the last row of each, in the order of the patients."""
    order = np.lexsort((spells.stop, spells.patient))
    last = np.ones(len(order), bool)
    last[:-1] = spells.patient[order][1:] != spells.patient[order][:-1]
    return order[last]


def truncate_weights(spells: Spells, quantile: float) -> Spells:
    """Set the weights of one arm that are above a quantile of the weights with which its clones leave to it.

    Parameters
    ----------
    spells
        The rows of one arm; powers (rows, K), or none.
    quantile
        1 leaves all weights as they are.

    Returns
    -------
    Spells
        A row whose weight crosses the cap is split there; behind it the weight is constant.
    """
    if quantile >= 1.0 or not len(spells):
        return spells
    cap = float(np.quantile(weights_at_stop(spells)[last_rows(spells)], quantile))
    power, curve = spells.power, spells.curve
    if power is None or curve is None:
        return replace(spells, weight=np.minimum(spells.weight, cap))
    bound = np.maximum(*(power * curve.at(day) for day in (spells.start, spells.stop))).sum(axis=1)
    with np.errstate(divide="ignore"):
        high = np.log(spells.weight) + bound > np.log(cap) + ROUNDING  # curves rise: no weight is above the bound
    parts = [_pieces(spells, int(row), cap) for row in np.flatnonzero(high)]
    return _cut(spells, np.flatnonzero(~high), parts, cap) if parts else spells


def _moved(power: Floats, curve: StepFunction, days: Floats) -> Floats:
    """Return (rows,) by how much the logarithm of each row's weight has changed on a day of its own."""
    return np.asarray(np.sum(power * curve.at(days).reshape(power.shape), axis=-1))


def _pieces(spells: Spells, row: int, cap: float) -> tuple[Ints, Floats, Floats, Bools]:
    """Return the pieces of a row, their starts and stops, and which of them are above the cap."""
    power, curve = spells.power, spells.curve
    if power is None or curve is None:
        raise ValueError("weights that do not change with time have no pieces")
    times = curve.times
    inside = times[(spells.start[row] < times) & (times < spells.stop[row])]
    edges = np.concatenate(([spells.start[row]], inside, [spells.stop[row]]))
    logs = np.log(spells.weight[row]) + curve.at(edges[1:]) @ power[row]
    over = logs > np.log(cap) + ROUNDING
    cuts = np.flatnonzero(over[1:] != over[:-1]) + 1
    first, end = np.concatenate(([0], cuts)), np.concatenate((cuts, [len(over)]))
    return np.full(len(first), row), edges[first], edges[end], over[first]


def _cut(spells: Spells, rest: Ints, parts: list[tuple[Ints, Floats, Floats, Bools]], cap: float) -> Spells:
    """Return the other rows as they are, and the pieces, in the order of the table."""
    index, first, end, over = (np.concatenate(each) for each in zip(*parts, strict=True))
    rows = np.concatenate([rest, index])
    start = np.concatenate([spells.start[rest], first])
    stop = np.concatenate([spells.stop[rest], end])
    capped = np.concatenate([np.zeros(len(rest), bool), over])
    taken = spells.where(rows)
    earlier = stop < taken.stop
    found = replace(
        taken,
        start=start,
        stop=stop,
        to=np.where(earlier, CENSORED, taken.to),
        weight=np.where(capped, cap, taken.weight),
        power=None if taken.power is None else np.where(capped[:, None], 0.0, taken.power),
        columns={**taken.columns, ARTIFICIAL: taken.columns[ARTIFICIAL] & ~earlier},
    )
    return found.where(np.lexsort((start, rows)))  # type: ignore[arg-type]
