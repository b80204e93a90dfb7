"""Tables with weights that change with time, and the same tables split so that every row has one weight."""

from dataclasses import replace

import numpy as np

from dayzero.spells import CENSORED, Spells, StepFunction, make_spells


def expand(spells: Spells) -> Spells:
    """Split every row at every day on which a row of the table starts or stops; the weight is that at the end."""
    assert spells.power is not None
    assert spells.curve is not None
    days = np.unique(np.concatenate([spells.stop, spells.start[np.isfinite(spells.start)]]))
    first = np.searchsorted(days, spells.start, side="right")
    last = np.searchsorted(days, spells.stop, side="left")
    index = np.repeat(np.arange(len(spells)), last - first + 1)
    place = np.concatenate([np.arange(a, b + 1) for a, b in zip(first, last, strict=True)])
    taken = spells.where(index)  # type: ignore[arg-type]
    begins, ends = place == first[index], place == last[index]
    stop = days[place]
    power, values = spells.power.reshape(len(spells), -1), spells.curve.at(stop).reshape(len(stop), -1)
    return replace(
        taken,
        start=np.where(begins, taken.start, days[place - 1]),
        stop=stop,
        to=np.where(ends, taken.to, CENSORED),
        weight=taken.weight * np.exp(np.sum(power[index] * values, axis=1)),
        power=None,
        curve=None,
    )


def weighted_cohort(n: int = 80, *, seed: int = 1, curves: int = 1, late: bool = False, states: int = 2) -> Spells:
    """Two clones of each patient, of whom one's weight grows with time, by its own power; some clones are cut in two.

    Ties, two strata and two arms; with ``late``, entries after day 0; powers of both signs.
    """
    rng = np.random.default_rng(seed)
    stop = np.ceil(rng.exponential(40.0, 2 * n)) + 1.0
    start = np.where(rng.random(2 * n) < 0.5, np.floor(stop * rng.random(2 * n)), -np.inf) if late else -np.inf
    patient, arm = np.tile(np.arange(n), 2), np.repeat([0.0, 1.0], n)
    to = rng.integers(0, states, 2 * n)
    start = np.broadcast_to(start, 2 * n)
    cut = np.flatnonzero((stop > 20) & (start < 10))[::3]  # one row until day 15, another after it
    index = np.concatenate([np.arange(2 * n), cut])
    second = np.arange(len(index)) >= 2 * n
    first = np.isin(np.arange(len(index)), cut)
    names = ("initial", *(f"event {k}" for k in range(1, states)))
    spells = make_spells(
        np.where(first, 15.0, stop[index]), np.where(first, 0, to[index]),
        start=np.where(second, 15.0, start[index]), patient=patient[index], states=names,
        arm=arm[index], x=rng.normal(size=2 * n)[index], centre=(np.arange(2 * n) % 2)[index],
        weight=rng.uniform(0.5, 2.0, len(index)),
    )  # fmt: skip
    power = rng.normal(0.8, 0.7, (len(index), curves)) * (arm[index] == 0)[:, None]
    if curves > 1:
        power[:, 1] = -1.0
    steps = np.cumsum(rng.uniform(0.0, 0.08, (60, curves)), axis=0)
    curve = StepFunction(np.arange(2.0, 122.0, 2.0), steps if curves > 1 else steps[:, 0])
    return replace(spells, power=power if curves > 1 else power[:, 0], curve=curve)
