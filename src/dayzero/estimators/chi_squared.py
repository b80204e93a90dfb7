"""Chi-squared tests of a score vector, and Holm's adjustment of several p-values."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy import special

from dayzero.spells import Floats

_SINGULAR: Final = 1e-10  # eigenvalues below this share of the largest are directions in which nothing was observed


def quadratic_form(score: Floats, variance: Floats) -> tuple[float, int]:
    """Return score' V^- score and the rank of V, by the eigenvalues of V.

    Parameters
    ----------
    score
        (k,) of any rank-deficient kind: the scores of k groups sum to zero.
    variance
        (k, k) its covariance.

    Examples
    --------
    >>> chi2, df = quadratic_form(np.array([1.0, -1.0]), np.array([[1.0, -1.0], [-1.0, 1.0]]))
    >>> print(f"{chi2:.3f} {df}")
    1.000 1
    """
    if not len(score):
        return 0.0, 0
    values, vectors = np.linalg.eigh(variance)
    kept = values > max(_SINGULAR * float(values[-1]), float(np.finfo(float).tiny))
    along = vectors[:, kept].T @ score
    return float(np.sum(along**2 / values[kept])), int(np.count_nonzero(kept))


def p_value(chi2: float, df: float) -> float:
    """Return P(X > chi2) for a chi-squared variable with df degrees of freedom.

    Examples
    --------
    >>> print(f"{p_value(3.841459, 1):.4f}")
    0.0500
    """
    return float(special.chdtrc(df, chi2))


def holm(p_values: Sequence[float | None]) -> list[float | None]:
    """Adjust p-values by Holm's (1979) step-down method; None stays None and does not count.

    Examples
    --------
    >>> holm([0.01, None, 0.04])
    [0.02, None, 0.04]
    """
    known = sorted((p, place) for place, p in enumerate(p_values) if p is not None)
    adjusted: list[float | None] = [None] * len(p_values)
    largest = 0.0
    for rank, (p, place) in enumerate(known):
        largest = max(largest, min(1.0, (len(known) - rank) * p))
        adjusted[place] = largest
    return adjusted
