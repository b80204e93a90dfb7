"""The curves of a comparison of strategies, and the numbers under them: one set a method."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from dayzero.estimate import Estimate, concat
from dayzero.estimators.curves.aalen_johansen import aalen_johansen
from dayzero.estimators.multistate.counts import number_in_state
from dayzero.report.axis import time_axis
from dayzero.spells import Spells, follow_from
from dayzero.strategies.clone_censor_weight import weigh_clones
from dayzero.strategies.landmark import landmark
from dayzero.strategies.multi_state import multi_state
from dayzero.strategies.risks import arm_curves, numbers_at_risk
from dayzero.strategies.strategy import Strategy
from dayzero.strategies.time_dependent import time_dependent


@dataclass(frozen=True)
class Drawn:
    """Curves, and the numbers at risk at the ticks of their figure; see :class:`dayzero.report.page.Section`."""

    curves: Estimate
    at_risk: Estimate


def draw_method(spells: Spells, strategy: Strategy) -> Drawn:
    """Return the curves of a method that has some: no rows for the others."""
    drawn = _DRAWN[strategy.method](spells, strategy) if strategy.method in _DRAWN else Drawn(concat(()), concat(()))
    return Drawn(drawn.curves.label(method=strategy.method), drawn.at_risk.label(method=strategy.method))


def _occupation(spells: Spells, strategy: Strategy) -> Drawn:
    """Return the probability of each state from day zero for everybody, and the numbers in them."""
    states = multi_state(spells, strategy.treatment_of(spells), switch=strategy.switch)
    return Drawn(aalen_johansen(states), number_in_state(states, times=_ticks(spells)))


def _simon_makuch(spells: Spells, strategy: Strategy) -> Drawn:
    """Return the curves by treatment status, from the first landmark on where there is one."""
    treatment = strategy.treatment_of(spells)
    start = strategy.landmarks[0] if strategy.landmarks else None
    return _two_arms(time_dependent(spells, treatment, strategy.switch), treatment, start=start)


def _weighted(spells: Spells, strategy: Strategy) -> Drawn:
    return _two_arms(weigh_clones(spells, strategy).arms, strategy.treatment_of(spells))


def _landmark(spells: Spells, strategy: Strategy) -> Drawn:
    """Return the curves from the first landmark on: those of the others would be as many figures more."""
    treatment, day = strategy.treatment_of(spells), strategy.landmarks[0]
    arms = landmark(spells, treatment, day)
    return _two_arms(arms, treatment, start=day) if len(arms) else Drawn(concat(()), concat(()))


def _two_arms(arms: Spells, treatment: str, *, start: float | None = None) -> Drawn:
    seen = arms if start is None else follow_from(arms, start)  # events before the curves begin are not theirs
    ticks = numbers_at_risk(seen, treatment, times=_ticks(arms, start or 0.0))
    return Drawn(arm_curves(arms, treatment, start_day=start), ticks)


def _ticks(spells: Spells, start: float = 0.0) -> list[float]:
    last = float(spells.stop.max())
    return [tick for tick in time_axis(last).ticks if start <= tick <= last]


_DRAWN: Final[Mapping[str, Callable[[Spells, Strategy], Drawn]]] = MappingProxyType(
    {
        "multi_state": _occupation,
        "landmark": _landmark,
        "time_dependent": _simon_makuch,
        "clone_censor_weight": _weighted,
    }
)
