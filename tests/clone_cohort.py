"""Patients with a treatment some time after day zero, for tests of strategies by clones."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from dayzero.spells import Spells, make_spells
from dayzero.strategies.strategy import Strategy

NEVER = np.inf


def table(stop: Sequence[float], event: Sequence[int], day: Sequence[float], **columns: Any) -> Spells:
    spells = make_spells(stop, event, **columns)
    return replace(spells, treatments={"hsct": np.asarray(day, float)})


def cohort(n: int = 300, seed: int = 1, states: int = 2, effect: float = 0.0) -> Spells:
    """Draw patients whose x hastens death and delays treatment, which multiplies the hazard by e^effect."""
    rng = np.random.default_rng(seed)
    x, risk = rng.normal(size=n), rng.choice(["low", "high"], n)
    rate = np.exp(0.5 * x + 0.4 * (risk == "high")) / 400.0
    treated = np.floor(rng.exponential(200.0 * np.exp(0.5 * x)))
    work = rng.exponential(1.0, n)  # the hazard that is survived
    alone = work / rate
    after = treated + (work - rate * treated) / (rate * np.exp(effect))
    died = np.ceil(np.where(alone <= treated, alone, after))
    censored = np.ceil(rng.uniform(300.0, 1200.0, n))
    stop = np.minimum(died, censored)
    state = np.where(died <= censored, rng.integers(1, states, n), 0)
    day = np.where(treated < stop, treated, NEVER)
    names = ("alive", "relapse", "nrm")[:states]
    return table(stop.tolist(), state.tolist(), day.tolist(), x=x, risk=risk, states=names)


def strategy(**options: Any) -> Strategy:
    return Strategy("clone_censor_weight", **{"grace": 90.0, "horizon": 600.0, "adjust": ("x", "risk"), **options})
