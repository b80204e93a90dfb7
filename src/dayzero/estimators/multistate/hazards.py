"""Hazards of transitions: increments at each time, with their covariance (Nelson 1969, Aalen 1978)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

import numpy as np
import numpy.typing as npt

from dayzero.errors import InputError
from dayzero.estimators.changing_weights import refuse_changing
from dayzero.estimators.curves.risk_sets import count_risk_sets
from dayzero.spells import Bools, Floats, Spells

Pair = tuple[int, int]
Variance = Literal["greenwood", "aalen"]
Uncertainty = Literal["greenwood", "aalen", "delta"]
ARROW: Final = " -> "


@dataclass(frozen=True, eq=False)
class TransitionHazards:
    """Cumulative hazards of K transitions between S states, as increments at T times.

    Attributes
    ----------
    states
        Names of the states.
    transitions
        (K,) pairs of state codes, from and to.
    times
        (T,) days, increasing.
    increments
        (T, K) increments dA of the cumulative hazards.
    covariance
        (T, K, K) covariance of the increments at one time; those of different times count as independent.
    gradient, coefficient_covariance
        (T, K, p) derivatives of the increments by the p coefficients of a model, and their covariance (p, p); p = 0
        for hazards without a model.
    variance
        What the covariances are: ``greenwood``, ``aalen`` or, of a model, ``delta``.
    """

    states: tuple[str, ...]
    transitions: tuple[Pair, ...]
    times: Floats
    increments: Floats
    covariance: Floats
    gradient: Floats
    coefficient_covariance: Floats
    variance: Uncertainty

    @property
    def names(self) -> tuple[str, ...]:
        """(K,) the transitions as ``from -> to``."""
        return tuple(transition_name(self.states, pair) for pair in self.transitions)

    def after(self, day: float) -> "TransitionHazards":
        """Return the increments after a day."""
        return self._where(self.times > day)

    def until(self, day: float) -> "TransitionHazards":
        """Return the increments up to a day."""
        return self._where(self.times <= day)

    def _where(self, keep: Bools) -> "TransitionHazards":
        arrays = {name: getattr(self, name)[keep] for name in ("times", "increments", "covariance", "gradient")}
        return replace(self, **arrays)

    def cumulative(self) -> tuple[Floats, Floats]:
        """Return (T, K) cumulative hazards and (T, K, K) their covariances."""
        slope = np.cumsum(self.gradient, axis=0)
        model = np.einsum("tkp,pq,tlq->tkl", slope, self.coefficient_covariance, slope)
        return np.cumsum(self.increments, axis=0), np.cumsum(self.covariance, axis=0) + model


def transition_name(states: Sequence[str], pair: Pair) -> str:
    """Return ``from -> to``.

    Examples
    --------
    >>> transition_name(["well", "ill"], (0, 1))
    'well -> ill'
    """
    return f"{states[pair[0]]}{ARROW}{states[pair[1]]}"


def find_transitions(spells: Spells) -> tuple[Pair, ...]:
    """Return the transitions that somebody made, sorted by state."""
    moved = spells.to >= 0
    size = len(spells.states)
    codes = np.unique(spells.state[moved] * size + spells.to[moved]).tolist()
    return tuple(divmod(code, size) for code in codes)


@dataclass(frozen=True)
class NelsonAalen:
    """How hazards are estimated without a model.

    Attributes
    ----------
    variance
        ``greenwood``: cov(dA_gh, dA_gk) = (1{h = k} dN_gh Y_g - dN_gh dN_gk) / Y_g^3, the multinomial form (Andersen,
        Borgan, Gill and Keiding 1993, IV.4.1.3); ``aalen``: 1{h = k} dN_gh / Y_g^2.
    ties
        ``aalen``: d transitions at one time are dN / Y, the Aalen-Johansen estimator; ``efron``: they come one after
        the other, sum_{j < d} 1 / (Y - j) (Fleming and Harrington 1984), with the variance of Aalen only.
    """

    variance: Variance = "greenwood"
    ties: Literal["aalen", "efron"] = "aalen"

    def __post_init__(self) -> None:
        """Refuse names that do not exist, and a variance that is not defined."""
        if self.variance not in get_args(Variance) or self.ties not in {"aalen", "efron"}:
            raise ValueError("the variance is greenwood or aalen, ties are aalen or efron")
        if (self.variance, self.ties) == ("greenwood", "efron"):
            raise InputError("Greenwood's variance is not defined with Efron's ties", mend="Use the variance aalen.")


DEFAULT: Final = NelsonAalen()


def estimate_hazards(
    spells: Spells, weights: Floats | None = None, *, options: NelsonAalen = DEFAULT
) -> TransitionHazards:
    """Estimate the Nelson-Aalen increments dA_gh = dN_gh / Y_g of every transition that was made.

    Parameters
    ----------
    spells
        The table.
    weights
        (rows,) numbers of patients, multiplied with the table's own.
    options
        Variance and ties.

    Raises
    ------
    InputError
        Weights change with time.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> hazards = estimate_hazards(make_spells([1, 2, 3, 4], [1, 0, 2, 1]))
    >>> hazards.names, hazards.increments.tolist()
    (('initial -> event', 'initial -> event 2'), [[0.25, 0.0], [0.0, 0.5], [1.0, 0.0]])
    """
    refuse_changing(spells, "the hazards of transitions")
    transitions = find_transitions(spells)
    origins, targets = np.array(transitions, np.intp).reshape(-1, 2).T
    sets = count_risk_sets(spells, weights)
    moved = sets.events[:, origins, targets]
    moving = moved.any(axis=1)
    moved, at_risk = moved[moving], sets.at_risk[moving][:, origins]
    increments, covariance = _increments(moved, at_risk, options.ties)
    if options.variance == "greenwood":
        covariance -= _multinomial(increments, at_risk, origins)
    return TransitionHazards(
        states=spells.states,
        transitions=transitions,
        times=sets.times[moving],
        increments=increments,
        covariance=covariance,
        gradient=np.zeros((*increments.shape, 0)),
        coefficient_covariance=np.zeros((0, 0)),
        variance=options.variance,
    )


def _increments(moved: Floats, at_risk: Floats, ties: str) -> tuple[Floats, Floats]:
    """Return dA (T, K) and its diagonal covariance (T, K, K)."""
    each = _inverse(at_risk)
    increments, variance = moved * each, moved * each**2
    if ties == "efron":
        for j in range(1, int(moved.max(initial=0.0))):
            fewer = _inverse(at_risk - j)
            increments += np.where(moved > j, fewer - each, 0.0)
            variance += np.where(moved > j, fewer**2 - each**2, 0.0)
    return increments, variance[:, :, None] * np.eye(moved.shape[1])


def _multinomial(increments: Floats, at_risk: Floats, origins: npt.NDArray[np.intp]) -> Floats:
    """Return dN_gh dN_gk / Y_g^3 (T, K, K) for transitions out of one state, 0 for others."""
    same = np.equal.outer(origins, origins)
    scaled = increments * _inverse(at_risk)
    return np.where(same, increments[:, :, None] * scaled[:, None, :], 0.0)


def _inverse(values: Floats) -> Floats:
    return np.divide(1.0, values, out=np.zeros_like(values), where=values > 0)
