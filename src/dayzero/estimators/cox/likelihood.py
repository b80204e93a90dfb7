"""The partial likelihood of Breslow and of Efron, with its derivatives, for many weightings at once.

With r_i = w_i exp(b'x_i), S0 and S1 the sums of r and r x over a risk set, and E0 and E1 those over its d tied events,
Efron's likelihood (1977, JASA 72:557) has for the j-th of them (j = 0..d-1) the denominator S0 - f E0 with f = j / d;
Breslow's (1974, Biometrics 30:89) has f = 0. The hazard at an event time is the sum of W / (S0 - f E0), W being the
mean weight of the tied events. Second moments are never summed over risk sets: summing over event times first,

    information = X' diag(r_i H_i) X  -  sum over events of W m m',     m = (S1 - f E1) / (S0 - f E0),

H_i being the hazard summed over the event times at which row i is at risk; at its own event the row's hazard is that
of the sum of W (1 - f) / (S0 - f E0). ``x`` is (p, n), sorted as in :class:`RiskSets`; leading axes are batches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

import numpy as np

from dayzero.estimators.cox.risk_sets import RiskSets
from dayzero.spells import Bools, Floats, Ints

Ties = Literal["efron", "breslow", "exact"]

CHUNK: Final = 16384  # columns multiplied at a time, so that the products stay in the processor's cache
LOWEST: Final = -400.0  # log relative risk, against the highest of the stratum, below which rows count alike
LOSS: Final = 1e9  # hazard of a row from before its entry at which differences of running sums have lost 7 digits
TINY: Final = 1e-200  # stands for an empty risk set's sum; below e^-400


@dataclass(frozen=True)
class TiedEvents:
    """The event times with more than one event, and Efron's fractions.

    Attributes
    ----------
    times
        (tied times,) their numbers.
    events, starts, at
        (tied events,) positions of their rows; (tied times,) where each run starts; (tied events,) the run of each.
    fraction
        (batches, tied events) f = j / d, counted among the events with weight.
    active
        (batches, tied events) 1 where the event has weight, else 0.
    mean_weight
        (batches, tied times) W.
    """

    times: Ints
    events: Ints
    starts: Ints
    at: Ints
    fraction: Floats
    active: Floats
    mean_weight: Floats

    def sum(self, values: Floats) -> Floats:
        """Sum (..., tied events) over each tied time."""
        return np.add.reduceat(values, self.starts, axis=-1)


@dataclass(frozen=True)
class Weighting:
    """What depends on the weights but not on the coefficients.

    Attributes
    ----------
    weight
        (batches, n) weights of the sorted rows.
    dying
        (batches, times) total weight of the events at each event time.
    tied
        The ties that need Efron's denominators; None where there are none.
    """

    weight: Floats
    dying: Floats
    tied: TiedEvents | None


@dataclass(frozen=True)
class Evaluation:
    """A log partial likelihood at one value of the coefficients.

    Attributes
    ----------
    log_likelihood, score, information
        (batches,), its gradient (batches, p), and minus its Hessian (batches, p, p).
    extreme
        (batches,) whether risks differ so much that sums over risk sets cannot be computed: no estimate is there.
    """

    log_likelihood: Floats
    score: Floats
    information: Floats
    extreme: Bools

    def only(self, chosen: Ints) -> "Evaluation":
        """Return the chosen batches."""
        return Evaluation(*(getattr(self, name)[chosen] for name in self.__dataclass_fields__))


def join(parts: Sequence[Evaluation]) -> Evaluation:
    """Put evaluations of some batches each one after the other."""
    names = Evaluation.__dataclass_fields__
    return Evaluation(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


@dataclass(frozen=True)
class HazardTerms:
    """What the likelihood is made of at one value of the coefficients.

    Attributes
    ----------
    total
        (batches, times) S0.
    mean
        (batches, p, times) S1 / S0.
    tied_mean
        (batches, p, tied times) E1 / S0; zero tied times where no tie is corrected.
    hazard
        (batches, times) sum of W / (S0 - f E0): the increment of the cumulative hazard.
    tied_hazard
        (batches, tied times) sum of W f / (S0 - f E0): what is taken from the hazard of the tied events.
    moments
        Sums of W f^m (S0 / (S0 - f E0))^2: m = 0 (batches, times), m = 1 and 2 (batches, tied times).
    log_sum
        (batches,) sum of W log(S0 - f E0).
    """

    total: Floats
    mean: Floats
    tied_mean: Floats
    hazard: Floats
    tied_hazard: Floats
    moments: tuple[Floats, Floats, Floats]
    log_sum: Floats


def weigh(sets: RiskSets, weight: Floats, ties: Ties) -> Weighting:
    """Sum the events' weights (batches, n), and prepare the tied ones."""
    events = weight[:, sets.events]
    dying = np.add.reduceat(events, sets.event_starts, axis=-1) if sets.times else np.zeros((len(weight), 0))
    tied = _tied(sets, weight, dying) if ties == "efron" and bool(np.any(sets.deaths > 1)) else None
    return Weighting(weight, dying, tied)


def _tied(sets: RiskSets, weight: Floats, dying: Floats) -> TiedEvents:
    deaths = sets.deaths
    times = np.flatnonzero(deaths > 1)
    events = sets.events[np.repeat(deaths > 1, deaths)]
    sizes = deaths[times]
    starts = np.cumsum(sizes) - sizes
    active = (weight[:, events] > 0.0).astype(float)
    count = np.add.reduceat(active, starts, axis=-1)
    rank = np.cumsum(active, axis=-1) - active
    rank -= np.repeat(rank[:, starts], sizes, axis=-1)
    some = np.maximum(count, 1.0)
    return TiedEvents(
        times=times,
        events=events,
        starts=starts,
        at=np.repeat(np.arange(len(times)), sizes),
        fraction=active * rank / np.repeat(some, sizes, axis=-1),
        active=active,
        mean_weight=dying[:, times] / some,
    )


def only(weighting: Weighting, chosen: Ints) -> Weighting:
    """Return the chosen batches of a weighting."""
    if len(chosen) == len(weighting.weight):
        return weighting
    tied = weighting.tied
    if tied is not None:
        batch = {name: getattr(tied, name)[chosen] for name in ("fraction", "active", "mean_weight")}
        tied = replace(tied, **batch)
    return Weighting(weighting.weight[chosen], weighting.dying[chosen], tied)


def relative_risks(sets: RiskSets, x: Floats, weighting: Weighting, beta: Floats) -> tuple[Floats, Floats, Floats]:
    """Return the log relative risks (batches, n), the risks w exp(them), and the (batches, strata) shift in the logs.

    The highest of each stratum is 0: the likelihood does not change, and nothing overflows.
    """
    log_risk = beta @ x
    top = np.maximum.reduceat(log_risk, sets.rows_of.starts, axis=-1)
    log_risk -= sets.rows_of.spread(top)
    np.maximum(log_risk, LOWEST, out=log_risk)
    return log_risk, weighting.weight * np.exp(log_risk), top


def hazard_terms(sets: RiskSets, x: Floats, weighting: Weighting, risk: Floats) -> HazardTerms:
    """Sum over the risk sets, and over the ties."""
    dead = np.add.reduceat(risk[:, sets.events], sets.event_starts, axis=-1)
    total = np.maximum(np.maximum(sets.sum(risk), dead), TINY)  # at least the events' own, whatever rounding leaves
    dying, tied = weighting.dying, weighting.tied
    mean, tied_mean = _means(sets, x, risk, tied)
    mean /= total[:, None, :]
    if len(sets.entries):  # a mean lies within its covariate's range, whatever rounding leaves
        np.clip(mean, x.min(axis=1)[:, None], x.max(axis=1)[:, None], out=mean)
    log_sum = np.sum(dying * np.log(total), axis=-1)
    if tied is None:
        none = np.zeros((len(risk), 0))
        return HazardTerms(total, mean, tied_mean, dying / total, none, (dying, none, none), log_sum)
    tied_mean /= total[:, None, tied.times]
    untied = HazardTerms(total, mean, tied_mean, dying / total, dying, (dying, dying, dying), log_sum)
    return _correct_ties(untied, tied, (dead / total)[:, tied.times])


def _means(sets: RiskSets, x: Floats, risk: Floats, tied: TiedEvents | None) -> tuple[Floats, Floats]:
    """Return S1 (batches, p, times) and E1 (batches, p, tied times), one covariate after the other in one buffer."""
    mean = np.empty((len(risk), len(x), sets.times))
    tied_mean = np.empty((len(risk), len(x), 0 if tied is None else len(tied.times)))
    buffer = np.empty_like(risk)
    for j, column in enumerate(x):
        np.multiply(risk, column, out=buffer)
        mean[:, j] = sets.sum(buffer)
        if tied is not None:
            tied_mean[:, j] = tied.sum(buffer[:, tied.events])
    return mean, tied_mean


def _correct_ties(untied: HazardTerms, tied: TiedEvents, share: Floats) -> HazardTerms:
    """Replace S0 by Efron's S0 - f E0 at the tied times; ``share`` is E0 / S0."""
    f, w, total = tied.fraction, tied.mean_weight, untied.total[:, tied.times]
    lost = f * share[:, tied.at]
    grown = tied.active / (1.0 - lost)
    log_sum = untied.log_sum + np.sum(w * tied.sum(tied.active * np.log1p(-lost)), axis=-1)
    hazard, first = untied.hazard.copy(), untied.moments[0].copy()
    hazard[:, tied.times] = w * tied.sum(grown) / total
    tied_hazard = w * tied.sum(f * grown) / total
    grown *= grown
    first[:, tied.times] = w * tied.sum(grown)
    grown *= f
    second = w * tied.sum(grown)
    moments = (first, second, w * tied.sum(f * grown))
    return replace(untied, hazard=hazard, tied_hazard=tied_hazard, moments=moments, log_sum=log_sum)


def expected_events(sets: RiskSets, weighting: Weighting, risk: Floats, terms: HazardTerms) -> Floats:
    """Return (batches, n) the weighted number of events expected of each row under the model."""
    expected = sets.over_rows(terms.hazard)
    expected *= risk
    tied = weighting.tied
    if tied is not None:
        expected[:, tied.events] -= risk[:, tied.events] * terms.tied_hazard[:, tied.at]
    return expected


def evaluate(sets: RiskSets, x: Floats, weighting: Weighting, beta: Floats) -> Evaluation:
    """Return the log partial likelihood and its derivatives at ``beta`` (batches, p)."""
    if not sets.times:
        batches, p = beta.shape
        return Evaluation(np.zeros(batches), np.zeros((batches, p)), np.zeros((batches, p, p)), np.zeros(batches, bool))
    log_risk, risk, _ = relative_risks(sets, x, weighting, beta)
    terms = hazard_terms(sets, x, weighting, risk)
    events = weighting.weight[:, sets.events]
    linear = np.sum(events * log_risk[:, sets.events], axis=-1)
    expected = expected_events(sets, weighting, risk, terms)
    information = fisher_information(x, expected, terms, weighting)
    martingale = np.negative(expected, out=expected)
    martingale[:, sets.events] += events
    extreme = log_risk.min(axis=-1) <= LOWEST
    if len(sets.entries):
        extreme |= np.max(risk[:, sets.entries] * sets.before_entries(terms.hazard), axis=-1) > LOSS
    return Evaluation(linear - terms.log_sum, martingale @ x.T, information, extreme)


def fisher_information(x: Floats, expected: Floats, terms: HazardTerms, weighting: Weighting) -> Floats:
    """Return X' diag(expected) X - sum over events of W m m' (batches, p, p)."""
    return _cross(x, expected, x) - _outer_means(terms, weighting.tied)


def _cross(left: Floats, weight: Floats, right: Floats) -> Floats:
    """Return left diag(weight) right' (batches, p, p), for (..., p, n) matrices and (batches, n) weights."""
    total = np.zeros((len(weight), left.shape[-2], right.shape[-2]))
    for start in range(0, weight.shape[-1], CHUNK):
        part = slice(start, start + CHUNK)
        total += (left[..., part] * weight[:, None, part]) @ right[..., part].swapaxes(-1, -2)
    return total


def _outer_means(terms: HazardTerms, tied: TiedEvents | None) -> Floats:
    """Return the sum over events of W m m': (batches, p, p)."""
    zeroth, first, second = terms.moments
    outer = _cross(terms.mean, zeroth, terms.mean)
    if tied is None:
        return outer
    cross = _cross(terms.mean[..., tied.times], first, terms.tied_mean)
    return outer - cross - cross.swapaxes(1, 2) + _cross(terms.tied_mean, second, terms.tied_mean)
