"""The peers: a module each, in which ``TASKS`` maps a task to what prepares it.

To prepare a task is to return a pair: the fit, which is timed, and what reads (estimates, standard errors) from it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.data import Data

Array = npt.NDArray[np.float64]
Prepared = tuple[Callable[[], Any], Callable[[Any], tuple[Any, Any]]]
Tasks = dict[str, Callable[[Data], Prepared]]

PYTHON = ("dayzero", "rust", "lifelines", "sksurv")


def steps(times: Any, values: Any, grid: Array, *, first: float) -> Array:
    """Read a step function, continuous from the right, on a grid."""
    place = np.searchsorted(np.asarray(times, float), grid, side="right")
    return np.concatenate([[first], np.asarray(values, float)])[place]
