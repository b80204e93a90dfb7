"""Restricted mean times: the mean number of days free of the event, or lost to it, within a window of time.

The restricted mean survival time is the area under the survival curve, the restricted mean time lost to an event the
area under its cumulative incidence (Royston and Parmar 2011, Stat Med 30:2409; Andersen 2013, Stat Med 32:5278).
With p_s(t) the probability of state s, S = p_0, and the window (a, b], both are mu_s = int_a^b p_s(t) dt, and

    d mu_s / d A_h(u) = c_sh(u) = S(u-) [1{h = s} L(u) - (int_{max(u, a)}^b p_s(t) dt - q_s(u) L(u)) / S(u)],

L(u) = b - max(u, a), q_s = p_s but q_0 = 0, is how a hazard dA_h(u) = dN_h(u) / Y(u) moves it. Hence

    var mu_s = sum_u [sum_h c_sh^2 h_h - (sum_h c_sh h_h)^2] / Y(u)                     (Greenwood's form),
    U_si     = sum_u w_i(u) sum_h c_sh (dN_ih - Y_i h_h) / Y(u)                          (influence of patient i),

and the sum of the squared U_si is the infinitesimal jackknife, the robust variance. For one event the first is
sum_u (int_u^b S)^2 d / (Y (Y - d)). Without weights and delayed entry the two agree exactly.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from scipy import special

from dayzero.errors import InputError
from dayzero.estimators.changing_weights import place_rows
from dayzero.estimators.curves.aalen_johansen import AalenJohansenFit, fit_aalen_johansen
from dayzero.spells import Floats, Spells

Variance = Literal["greenwood", "robust"]


@dataclass(frozen=True)
class Window:
    """The time over which a restricted mean is taken, and how sure it is said to be.

    Attributes
    ----------
    horizon
        Last day of the window, at most the smallest of the groups' last days (convention 15).
    start
        The window begins after this day.
    level
        Coverage of the limits, between 0 and 1.
    variance
        ``greenwood`` (the default), or ``robust``: the infinitesimal jackknife by patient, for weights that are not
        numbers of patients, and for patients who are in two groups.
    reference
        The level that the others are compared with first; by default the first in sorted order.
    """

    horizon: float
    start: float = 0.0
    level: float = 0.95
    variance: Variance = "greenwood"
    reference: str = ""

    def __post_init__(self) -> None:
        """Refuse a window without days, and names and levels that do not exist."""
        if not 0.0 <= self.start < self.horizon < np.inf:
            raise InputError("a window without days", mend="Let it start on day 0 or later, before its end.")
        if self.variance not in get_args(Variance):
            raise ValueError(f"variance is one of {', '.join(get_args(Variance))}")
        if not 0 < self.level < 1:
            raise ValueError("level lies between 0 and 1")

    @property
    def days(self) -> float:
        """Length of the window."""
        return self.horizon - self.start

    @property
    def method(self) -> str:
        """Return the name to print beside the numbers."""
        return f"{self.variance}, days {self.start:.10g} to {self.horizon:.10g}" if self.start else self.variance

    @property
    def z(self) -> float:
        """Return the normal quantile of the limits."""
        return float(special.ndtri(0.5 + self.level / 2.0))


@dataclass(frozen=True, eq=False)
class RmstFit:
    """Restricted means of every state.

    Attributes
    ----------
    states
        Names of the S states.
    mean
        (S,) mean days in each state within the window: the first is the restricted mean survival time, the others
        are the days lost to each event; (S, B) where the weights were (rows, B).
    std_error
        (S,), of the window's variance; NaN for Greenwood's where weights change with time; None where the weights
        were (rows, B).
    influence
        (patients, S) by how much each patient moves the means: to first order the mean less that without the patient;
        0 for patients without a row. None where the weights were (rows, B).
    last_time
        Day of the last observation.
    """

    states: tuple[str, ...]
    mean: Floats
    std_error: Floats | None
    influence: Floats | None
    last_time: float


def fit_rmst(spells: Spells, weights: Floats | None = None, *, window: Window) -> RmstFit:
    """Fit the restricted mean time in every state.

    Parameters
    ----------
    spells
        The table, in which only the first state can be left: one event, or several that compete.
    weights
        (rows,), or (rows, B) for B fits at once without standard errors, multiplied with the table's.
    window
        The days over which to take the mean.

    Raises
    ------
    InputError
        Where the window ends after the last observation, or another state than the first can be left.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> fit = fit_rmst(make_spells([1, 2, 3, 4], [1, 1, 0, 1]), window=Window(4))
    >>> fit.mean.tolist(), fit.influence.sum(axis=0).tolist()
    ([2.75, 1.25], [0.0, 0.0])
    """
    if bool(spells.state.any()):
        raise InputError("restricted means of a table with several states", mend="Use an endpoint of one origin.")
    curve = fit_aalen_johansen(spells, weights)
    check_horizon(window, curve.last_time)
    if not len(curve.times):
        raise InputError("a restricted mean of nobody", mend="Leave out the patients whose weight is 0.")
    within = _areas(curve, window)
    rest = min(window.horizon, float(curve.times[0])) - min(window.start, float(curve.times[0]))
    mean = curve.initial * rest + within[0]
    if curve.probability.ndim == 3:
        return RmstFit(curve.states, mean, None, None, curve.last_time)
    leverage, hazard = _leverage(curve, within, window)
    influence = _influence(spells, curve, leverage=leverage, hazard=hazard, weights=weights)
    if window.variance == "robust":
        variance = np.sum(influence**2, axis=0)
    elif spells.power is not None:
        variance = np.full(len(mean), np.nan)
    else:
        share = _inverse(curve.n_at_risk[:, 0])[:, None]
        variance = np.sum((_times(leverage**2, hazard) - _times(leverage, hazard) ** 2) * share, axis=0)
    return RmstFit(curve.states, mean, np.sqrt(np.maximum(variance, 0.0)), influence, curve.last_time)


def check_horizon(window: Window, last: float, whose: str = "") -> None:
    """Raise InputError where a window ends after the last observation."""
    if not window.horizon <= last:
        fault = f"the restricted mean ends on day {window.horizon:.10g}, after the last observation{whose}"
        raise InputError(fault, mend=f"Let it end on day {last:.10g} at the latest.", column="horizon")


def _areas(curve: AalenJohansenFit, window: Window) -> Floats:
    """Return (T, S, ...) the areas under the states' curves from each time, or the window's start, to its end."""
    edges = np.clip(np.append(curve.times, np.inf), window.start, window.horizon)
    widths = np.diff(edges).reshape(-1, *[1] * (curve.probability.ndim - 1))
    return np.asarray(np.cumsum((curve.probability * widths)[::-1], axis=0)[::-1])


def _leverage(curve: AalenJohansenFit, within: Floats, window: Window) -> tuple[Floats, Floats]:
    """Return c_sh (T, S, S), which the hazard of state h has on the mean in state s, and the hazards h (T, S)."""
    survival = curve.probability[:, 0]
    before = np.concatenate([[1.0], survival[:-1]])
    left = window.horizon - np.clip(curve.times, window.start, window.horizon)
    absorbed = curve.probability.copy()
    absorbed[:, 0] = 0.0
    later = (within - absorbed * left[:, None]) * _inverse(survival)[:, None]
    own = np.eye(len(curve.states)) * left[:, None, None]
    hazard = curve.n_events[:, 0] * _inverse(curve.n_at_risk[:, 0])[:, None]
    return before[:, None, None] * (own - later[:, :, None]), hazard


def _influence(
    spells: Spells, curve: AalenJohansenFit, *, leverage: Floats, hazard: Floats, weights: Floats | None
) -> Floats:
    """Return U (patients, S)."""
    present = place_rows(spells, weights, curve.times)
    share = _inverse(curve.n_at_risk[:, 0])
    moved = -present.over_rows((_times(leverage, hazard) * share[:, None]).T)
    ended = np.flatnonzero(spells.to >= 0)
    at = present.end[ended] - 1
    moved[:, ended] += (leverage[at, :, spells.to[ended]] * share[at, None]).T
    moved *= present.weight
    total = np.zeros((spells.patients.height, len(moved)))
    np.add.at(total, spells.patient, moved.T)
    return total


def _times(leverage: Floats, hazard: Floats) -> Floats:
    """Return sum_h c_sh h_h, (T, S)."""
    return np.asarray(np.einsum("tsh,th->ts", leverage, hazard))


def _inverse(values: Floats) -> Floats:
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
