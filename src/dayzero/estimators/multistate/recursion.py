"""Linear recursions along time: a state vector, its covariance, and its derivatives, one small matrix a step.

With x the row vector of probabilities, x(t) = x(t-) M(t); its covariance is M' C M + noise (the noise being that of the
increments at t, which are independent of what came before), and its derivatives by coefficients are D M + shift.
"""

import numpy as np

from dayzero.spells import Floats


def carry(matrices: Floats, start: Floats) -> Floats:
    """Return (T + 1, G, N), the vectors before the first step and after each.

    Parameters
    ----------
    matrices
        (T, N, N).
    start
        (G, N) vectors, each carried by itself.
    """
    path = np.empty((len(matrices) + 1, *start.shape))
    path[0] = start
    for step, matrix in enumerate(matrices):
        np.matmul(path[step], matrix, out=path[step + 1])
    return path


def carry_covariance(matrices: Floats, noise: Floats) -> Floats:
    """Return (T + 1, G, N, N), the covariances of the vectors, 0 before the first step.

    Parameters
    ----------
    matrices
        (T, N, N).
    noise
        (T, G, N, N) covariance that each step adds.
    """
    path = np.zeros((len(matrices) + 1, *noise.shape[1:]))
    for step, matrix in enumerate(matrices):
        np.matmul(matrix.T @ path[step], matrix, out=path[step + 1])
        path[step + 1] += noise[step]
    return path


def carry_derivative(matrices: Floats, shift: Floats) -> Floats:
    """Return (T + 1, G, p, N), the derivatives of the vectors by p coefficients.

    Parameters
    ----------
    matrices
        (T, N, N).
    shift
        (T, G, p, N) what each step adds.
    """
    path = np.zeros((len(matrices) + 1, *shift.shape[1:]))
    for step, matrix in enumerate(matrices):
        np.matmul(path[step], matrix, out=path[step + 1])
        path[step + 1] += shift[step]
    return path
