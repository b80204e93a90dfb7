"""Predictions for one patient: the hazards of all transitions under fitted Cox models, with their covariance."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from dayzero.errors import InputError
from dayzero.estimators.cox.fit import CoxFit
from dayzero.estimators.cox.likelihood import hazard_terms, relative_risks
from dayzero.estimators.multistate.hazards import TransitionHazards
from dayzero.estimators.multistate.transition_models import TransitionFit
from dayzero.spells import Floats, Ints

Values = Mapping[str, str | float]


def patient_hazards(
    fit: TransitionFit, patient: Values, *, variance: Literal["aalen", "delta"] = "aalen"
) -> TransitionHazards:
    """Return the hazards of all transitions for a patient with given covariates.

    The increment of transition k is exp(b'z_k) dA_0(t), with Breslow's or Efron's baseline as in the fit. Its
    covariance has two parts: that of the baseline given b, exp(2 b'z) sum dN / S0^2, shared by transitions with one
    baseline; and that of b, through the derivative exp(b'z) (z_k - m(t)) dA_0(t), m being the mean of the covariates
    over the risk set (Andersen, Borgan, Gill and Keiding 1993, VII.2.3).

    Parameters
    ----------
    fit
        With the clock ``forward``.
    patient
        Value of every term.
    variance
        ``aalen``: the increments of the cumulative hazards' variance count as independent, as in de Wreede, Fiocco and
        Putter (2010) and R's mstate; ``delta``: the part of b is carried through the derivatives, so that increments
        at different times stay correlated. On ebmt3 the second is larger by 1 to 3 %.

    Raises
    ------
    InputError
        A term without a value, a value that nobody had, or a clock that is reset: such hazards do not give transition
        probabilities by a product.
    """
    if fit.model.clock != "forward":
        mend = 'Use clock = "forward".'
        raise InputError("a model whose clock is reset gives no transition probabilities", mend=mend, column="clock")
    covariates = _covariates(fit, patient)
    base = _baseline(fit.cox)
    times, place = np.unique(base.time, return_inverse=True)
    size, total = len(fit.transitions), len(fit.coefficients)
    increments, gradient = np.zeros((len(times), size)), np.zeros((len(times), size, total))
    loading = np.zeros((len(times), size))  # standard deviation of the increment, by the noise of its baseline
    for k, stratum in enumerate(_strata(fit)):
        mine = base.stratum == stratum
        away = covariates[k] - fit.cox.centre
        risk = float(np.exp(np.nan_to_num(fit.cox.coefficients) @ away))
        increments[place[mine], k] = risk * base.increments[mine]
        gradient[place[mine], k] = risk * (base.increments[mine, None] * away - base.drift[mine])
        loading[place[mine], k] = risk * np.sqrt(base.variance[mine])
    shared = np.equal.outer(fit.baselines, fit.baselines)
    covariance = fit.cox.robust if fit.cox.is_robust else fit.cox.covariance
    hazards = TransitionHazards(
        states=fit.states,
        transitions=fit.transitions,
        times=times,
        increments=increments,
        covariance=np.where(shared, loading[:, :, None] * loading[:, None, :], 0.0),
        gradient=gradient,
        coefficient_covariance=np.nan_to_num(covariance),
        variance="delta",
    )
    return hazards if variance == "delta" else _independent(hazards)


def _independent(hazards: TransitionHazards) -> TransitionHazards:
    """Return the hazards with the increments of the variance of the cumulative hazards as their covariance."""
    _, total = hazards.cumulative()
    none = np.zeros((*hazards.increments.shape, 0))
    step = np.diff(total, axis=0, prepend=np.zeros((1, *total.shape[1:])))
    return replace(hazards, covariance=step, gradient=none, coefficient_covariance=np.zeros((0, 0)), variance="aalen")


@dataclass(frozen=True)
class _Baseline:
    """At the event times of all strata: increments at the centre, their variance, and sum of m dA_0 (times, p)."""

    time: Floats
    stratum: Ints
    increments: Floats
    variance: Floats
    drift: Floats


def _baseline(cox: CoxFit) -> _Baseline:
    design = cox.design
    beta = (np.nan_to_num(cox.coefficients) * design.scale)[None]
    _, risk, top = relative_risks(design.sets, design.x, design.weighting, beta)
    terms = hazard_terms(design.sets, design.x, design.weighting, risk)
    block = np.unique(design.sets.stratum, return_inverse=True)[1]
    shift = np.exp(-top[0, block])
    zeroth, first, _ = (moment[0] for moment in terms.moments)
    drift = terms.mean[0] * (zeroth / terms.total[0])
    if design.weighting.tied is not None:
        at = design.weighting.tied.times
        drift[:, at] -= terms.tied_mean[0] * (first / terms.total[0, at])
    return _Baseline(
        time=design.sets.time,
        stratum=design.sets.stratum,
        increments=terms.hazard[0] * shift,
        variance=zeroth / terms.total[0] ** 2 * shift**2,
        drift=(drift * shift).T * design.scale,
    )


def _strata(fit: TransitionFit) -> list[int]:
    """Return (K,) the code that the Cox model gives to each transition's baseline."""
    return [int(code) for code in np.unique(fit.baselines, return_inverse=True)[1]]


def _covariates(fit: TransitionFit, patient: Values) -> Floats:
    """Return (K, p), the patient's covariates for each transition."""
    values = {name: _value(fit, name, patient) for name in fit.coded}
    matrix = np.zeros((len(fit.transitions), len(fit.coefficients)))
    for j, each in enumerate(fit.coefficients):
        rows = slice(None) if each.transition is None else each.transition
        matrix[rows, j] = values.get(each.term, 1.0)
    return matrix


def _value(fit: TransitionFit, name: str, patient: Values) -> float:
    terms = (*fit.model.all_specific, *fit.model.common)
    column = next(term for term in terms if name == term or name.startswith(f"{term}="))
    if column not in patient:
        fault = f"a patient without a value of {column!r}"
        raise InputError(fault, mend=f"Give the terms {', '.join(terms)}.", column="patients")
    value = patient[column]
    if name == column:
        if isinstance(value, str):
            raise InputError(f"the value of {column!r} is text", mend="Give a number.", column="patients")
        return float(value)
    known = fit.levels[column]
    if str(value) not in known:
        mend = f"The levels are {', '.join(known)}."
        raise InputError(f"the value of {column!r} is none of its levels", mend=mend, column="patients")
    return float(name == f"{column}={value}")
