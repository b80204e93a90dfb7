"""From a simulation file to the model that paths are drawn from, with a strategy imposed or none."""

from dataclasses import replace

import numpy as np

from dayzero.errors import InputError
from dayzero.settings import shown
from dayzero.simulate.covariates import eligible
from dayzero.simulate.language import Share
from dayzero.simulate.model import Linear, Model, Way
from dayzero.simulate.plan import Imposed, Simulation, Strategy
from dayzero.simulate.plan import Way as Planned


def strategy_of(simulation: Simulation, name: str | None) -> Strategy | None:
    """Return the strategy of that name (InputError where the file has none); None: the natural course."""
    if name is None:
        return None
    if name not in simulation.strategies:
        have = ", ".join(simulation.strategies) or "none"
        mend = f"The strategies of {simulation.name} are {have}."
        raise InputError(f"no strategy {shown(name)!r}", mend=mend)
    return simulation.strategies[name]


def model_of(simulation: Simulation, strategy: Strategy | None = None) -> Model:
    """Return the model; a strategy changes the ways of its decisions and leaves their places, hence all draws."""
    states = tuple(state.name for state in simulation.states)
    clocks = tuple(dict.fromkeys(clock for state in simulation.states for clock in state.starts))
    ways: dict[str, list[Way]] = {name: [] for name in states}
    for place, planned in enumerate(simulation.ways):
        way = _way(planned, place, states, clocks)
        imposed = strategy.decisions.get(planned.table.decision) if strategy else None
        for origin in planned.table.origins:
            ways[origin].append(way if imposed is None else _imposed(way, imposed))
    starts = tuple(tuple(clocks.index(clock) for clock in state.starts) for state in simulation.states)
    return Model(states, tuple(tuple(ways[name]) for name in states), clocks, starts)


def _way(planned: Planned, place: int, states: tuple[str, ...], clocks: tuple[str, ...]) -> Way:
    table = planned.table
    return Way(
        targets=tuple(states.index(name) for name in table.targets),
        hazard=planned.hazard,
        clock=clocks.index(table.clock) if table.clock else -1,
        log_ratio=Linear(0.0, table.log_ratio),
        shares=tuple(weight_of(table.shares[name]) for name in table.targets) if len(table.targets) > 1 else (),
        uptake=logit_of(table.uptake) if table.uptake else None,
        eligible=eligible(place) if table.eligible else "",
    )


def _imposed(way: Way, imposed: Imposed) -> Way:
    if imposed.uptake == 1:
        return replace(way, uptake=None) if imposed.by is None else replace(way, by=imposed.by)
    return replace(way, uptake=logit_of(Share(constant=_logit(imposed.uptake))))


def weight_of(share: Share) -> Linear:
    """Return the logit of one of several targets: the logarithm of its weight, or its constant, and effects."""
    constant = np.log(share.probability) if share.probability is not None else share.constant
    return Linear(float(constant or 0.0), share.effects)


def logit_of(share: Share) -> Linear:
    """Return the logit of a probability; effects move it."""
    constant = _logit(share.probability) if share.probability is not None else share.constant
    return Linear(float(constant or 0.0), share.effects)


def _logit(probability: float) -> float:
    """Return the logit; of 0 and of 1 one that no draw passes.

    Examples
    --------
    >>> _logit(0.5), _logit(0.0), _logit(1.0)
    (0.0, -700.0, 700.0)
    """
    if probability in (0.0, 1.0):
        return 700.0 if probability else -700.0
    return float(np.log(probability / (1 - probability)))
