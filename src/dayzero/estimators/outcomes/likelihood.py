"""The cumulative logit likelihood, with its derivatives; the logistic one is its case of two levels.

With levels 0..K-1, logit P(Y <= j) = zeta_j - b'x (McCullagh 1980, JRSS B 42:109): a patient at level y has the
probability P = F(a) - F(c), a = zeta_y - b'x, c = zeta_{y-1} - b'x, F the logistic distribution. Written as
F(a) F(-c) (1 - exp(c - a)) it loses no digits. With r = 1 / (exp(a - c) - 1),

    d log P / da = F(-a) + r,   d log P / dc = -F(c) - r,
    d2 / da2 = -F(a) F(-a) - r (1 + r),   d2 / dc2 = -F(c) F(-c) - r (1 + r),   d2 / da dc = r (1 + r).

It is concave (Pratt 1981, JASA 76:103). The thresholds are counted from the logits of the margins, so that 0 is the
model without covariates.
"""

import numpy as np
from scipy.special import expit

from dayzero.estimators.cox.likelihood import Evaluation
from dayzero.estimators.outcomes.design import OddsDesign
from dayzero.spells import Floats, Ints


def evaluate_odds(design: OddsDesign, theta: Floats, batches: Ints) -> Evaluation:
    """Evaluate the log-likelihood of batches of coefficients.

    Parameters
    ----------
    design
        The arrays.
    theta
        (k, K - 1 + p) thresholds less the margins' logits, then the coefficients of the scaled covariates.
    batches
        (k,) the weightings that they belong to.
    """
    columns = _columns(design, 1), _columns(design, 0)
    found = [_evaluate(design, columns, values, batch) for values, batch in zip(theta, batches, strict=True)]
    size = theta.shape[1]
    return Evaluation(
        np.array([each[0] for each in found]),
        np.array([each[1] for each in found]).reshape(-1, size),
        np.array([each[2] for each in found]).reshape(-1, size, size),
        np.zeros(len(found), bool),
    )


def _evaluate(
    design: OddsDesign, columns: tuple[Floats, Floats], theta: Floats, batch: int
) -> tuple[float, Floats, Floats]:
    cuts = len(design.levels) - 1
    zeta = np.concatenate([[-np.inf], design.margins[batch] + theta[:cuts], [np.inf]])
    linear = design.x @ theta[cuts:]
    above, below, weight = zeta[design.y + 1] - linear, zeta[design.y] - linear, design.weight[batch]
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        gap = above - below
        ratio = 1.0 / np.expm1(gap)
        log_p = -np.logaddexp(0.0, -above) - np.logaddexp(0.0, below) + np.log(-np.expm1(-gap))
        both = ratio * (1.0 + ratio)
    first, second = expit(-above) + ratio, -expit(below) - ratio
    upper, lower = columns
    score = (weight * first) @ upper + (weight * second) @ lower
    own = weight * (expit(above) * expit(-above) + both), weight * (expit(below) * expit(-below) + both)
    cross = upper.T @ ((weight * both)[:, None] * lower)
    information = upper.T @ (own[0][:, None] * upper) + lower.T @ (own[1][:, None] * lower) - cross - cross.T
    return float(weight @ log_p), score, information


def _columns(design: OddsDesign, step: int) -> Floats:
    """Return (n, K - 1 + p), the derivatives of a (``step`` 1) or c (``step`` 0) with respect to the parameters."""
    thresholds = np.eye(len(design.levels) + 1)[design.y + step, 1:-1]
    return np.concatenate([thresholds, -design.x], axis=1)
