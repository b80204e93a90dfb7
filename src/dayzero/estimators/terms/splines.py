"""Natural cubic splines: smooth effects of a number, straight lines beyond the outer knots."""

from collections.abc import Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import Final

import numpy as np

from dayzero.errors import InputError
from dayzero.spells import Floats

QUANTILES: Final = MappingProxyType(
    {
        3: (0.10, 0.50, 0.90),
        4: (0.05, 0.35, 0.65, 0.95),
        5: (0.05, 0.275, 0.50, 0.725, 0.95),
        6: (0.05, 0.23, 0.41, 0.59, 0.77, 0.95),
        7: (0.025, 0.1833, 0.3417, 0.50, 0.6583, 0.8167, 0.975),
    }
)  # Harrell 2015, Regression Modeling Strategies, table 2.3


def natural_cubic(x: Floats, knots: Sequence[float]) -> Floats:
    """Return the restricted cubic spline basis of Stone and Koo (1985), as in Harrell 2015, section 2.4.5.

    With knots t_1 < ... < t_k the first function is x, and the others, j = 1..k-2, are

        ((x - t_j)+^3 - (x - t_k-1)+^3 (t_k - t_j) / (t_k - t_k-1) + (x - t_k)+^3 (t_k-1 - t_j) / (t_k - t_k-1))
        / (t_k - t_1)^2,

    in the unit of x. They span what every other natural cubic basis with these knots spans.

    Parameters
    ----------
    x
        (n,) values; NaN stays NaN.
    knots
        At least 3, increasing; the first and last are the boundary.

    Returns
    -------
    Floats
        (k - 1, n)

    Examples
    --------
    >>> natural_cubic(np.array([0.0, 1.0, 2.0, 3.0]), (0.0, 1.0, 2.0)).tolist()
    [[0.0, 1.0, 2.0, 3.0], [0.0, 0.25, 1.5, 3.0]]
    """
    at = np.asarray(knots, float)
    cubes = np.maximum(x - at[:, None], 0.0) ** 3
    width = at[-1] - at[-2]
    left, right = (at[-1] - at[:-2]) / width, (at[-2] - at[:-2]) / width
    bent = cubes[:-2] - cubes[-2] * left[:, None] + cubes[-1] * right[:, None]
    return np.concatenate([x[None, :], bent / (at[-1] - at[0]) ** 2])


def place_knots(x: Floats, number: int, column: str) -> tuple[float, ...]:
    """Return 3 to 7 knots at Harrell's quantiles (R's type 7) of the values (n,) that are not NaN.

    Raises
    ------
    InputError
        Another number of knots, or a column with so few values that two knots fall together.

    Examples
    --------
    >>> place_knots(np.arange(101.0), 4, "age")
    (5.0, 35.0, 65.0, 95.0)
    """
    if number not in QUANTILES:
        raise InputError("a spline has 3 to 7 knots", mend=f"Write rcs({column},4).", column=column)
    known = x[~np.isnan(x)]
    if not len(known):
        return tuple(float(k) for k in range(number))
    return check_knots(np.quantile(known, QUANTILES[number]).tolist(), column)


def check_knots(knots: Sequence[float], column: str) -> tuple[float, ...]:
    """Return the knots; fewer than 3, or such as do not increase, are an InputError."""
    if len(knots) < 3 or any(not a < b for a, b in pairwise(knots)):
        mend = "State 3 or more increasing knots, or take fewer: a column of few values has no spline."
        raise InputError("the knots of a spline must be at least 3, and increase", mend=mend, column=column)
    return tuple(float(knot) for knot in knots)
