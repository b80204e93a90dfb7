"""The registry of strategies: a method's name, and the function that estimates it from a table; one line a method."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from dayzero.estimate import Estimate
from dayzero.spells import Spells
from dayzero.strategies.clone_censor_weight import estimate_clone_censor_weight
from dayzero.strategies.clone_points import clone_points
from dayzero.strategies.landmark import estimate_landmark, estimate_super_landmark
from dayzero.strategies.multi_state import estimate_multi_state
from dayzero.strategies.naive import estimate_naive
from dayzero.strategies.sequential import estimate_sequential, sequential_points
from dayzero.strategies.strategy import Strategy
from dayzero.strategies.time_dependent import estimate_time_dependent

METHODS: Final[Mapping[str, Callable[[Spells, Strategy], Estimate]]] = MappingProxyType(
    {
        "naive": estimate_naive,
        "clone_censor_weight": estimate_clone_censor_weight,
        "landmark": estimate_landmark,
        "landmark_super": estimate_super_landmark,
        "time_dependent": estimate_time_dependent,
        "sequential": estimate_sequential,
        "multi_state": estimate_multi_state,
    }
)

REFITS: Final[Mapping[str, Callable[[Spells, Strategy], Estimate]]] = MappingProxyType(
    {"clone_censor_weight": clone_points, "sequential": sequential_points}
)
