"""Cumulative incidences of given patients under Fine and Gray's model, with their errors.

The incidence of a patient with covariates z is F(t | z) = 1 - exp(-A(t) exp(b'z)), A being the cumulative baseline
subdistribution hazard. Its standard error is the infinitesimal jackknife: the influence of a patient, or cluster, on
A(t) exp(b'z) is the integral of dM_i / S0 plus the derivative with respect to b, sum of (z - m) dA, times the influence
on b (Fine and Gray 1999, section 5); with ``crr`` weights it counts the estimation of G.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Final

import numpy as np
import polars as pl
from scipy import special

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.cox.design import event_code
from dayzero.estimators.curves.confidence import Curve, limits
from dayzero.estimators.curves.rmst import normal_p
from dayzero.estimators.fine_gray.censoring import Derivative, censoring_influence, sum_by_patient
from dayzero.estimators.fine_gray.fit import FineGrayFit
from dayzero.estimators.terms.coding import code_again
from dayzero.spells import Bools, Floats

Values = Mapping[str, str | float]
DEFAULT: Final = Curve()
AT_ONCE: Final = 4_000_000  # numbers held at a time: days times rows


@dataclass(frozen=True)
class _Predicted:
    """One patient's incidence (days,), how much each patient or cluster of the data moves it, and the last day."""

    name: str
    incidence: Floats
    influence: Floats
    last: float

    @property
    def std_error(self) -> Floats:
        """(days,) standard errors."""
        return np.asarray(np.sqrt(np.sum(self.influence**2, axis=1)))


def predicted_incidence(
    fit: FineGrayFit,
    patients: Mapping[str, Values],
    times: Sequence[float] | None = None,
    *,
    options: Curve = DEFAULT,
) -> Estimate:
    """Predict the cumulative incidence of the model's event.

    Parameters
    ----------
    fit
        Of one weighting.
    patients
        By name, a value of every column of the model and of every stratum.
    times
        Days; by default the whole curve: day 0 and every event time.
    options
        Its ``conf_type`` (on the cumulative incidence itself, convention 8) and ``level`` count here.

    Returns
    -------
    Estimate
        Rows ``cumulative_incidence``: ``group`` is ``patient=NAME``, ``term`` the event; ``n_events`` up to the day.
        Null, with a warning, behind the last event time or censoring.

    Raises
    ------
    InputError
        A patient without a value, or with one that nobody had.

    Examples
    --------
    >>> from dayzero.estimators.fine_gray.fit import fit_fine_gray
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 0, 1, 2, 1, 1, 0], age=[4, 2, 5, 3, 2, 2, 4, 1])
    >>> rows = predicted_incidence(fit_fine_gray(spells, ["age"]), {"young": {"age": 2}, "old": {"age": 4}}, [4]).rows
    >>> rows.select("group", pl.col("estimate").round(3)).rows()
    [('patient=young', 0.148), ('patient=old', 0.451)]
    """
    days = np.union1d([0.0], fit.cox.design.sets.time) if times is None else np.asarray(times, float)
    found = []
    for one in _predict(fit, patients, days):
        low, high = limits(one.incidence, one.std_error, options)
        numbers = {"estimate": one.incidence, "std_error": one.std_error, "lower": low, "upper": high}
        rows = _rows(fit, days, numbers, last=one.last)
        found.append(
            rows.label(statistic="cumulative_incidence", group=f"patient={one.name}", method=_method(fit, options))
        )
    return concat(found)


def incidence_difference(
    fit: FineGrayFit, patients: Mapping[str, Values], times: Sequence[float], *, options: Curve = DEFAULT
) -> Estimate:
    """Compare the predicted incidences of each pair of patients; see :func:`predicted_incidence`.

    Returns
    -------
    Estimate
        Rows ``cumulative_incidence_difference``, ``group`` being ``patient=a|b``: b less a, with plain limits and the
        normal p. The error knows that both come from one model.
    """
    days, z = np.asarray(times, float), float(special.ndtri(0.5 + options.level / 2.0))
    method = _method(fit, replace(options, conf_type="plain"))
    found = []
    for first, second in combinations(_predict(fit, patients, days), 2):
        gap = second.incidence - first.incidence
        error = np.sqrt(np.sum((second.influence - first.influence) ** 2, axis=1))
        p_value = np.array([normal_p(*pair) for pair in zip(gap.tolist(), error.tolist(), strict=True)])
        numbers = {"estimate": gap, "std_error": error, "lower": gap - z * error, "upper": gap + z * error}
        rows = _rows(fit, days, {**numbers, "p_value": p_value}, last=min(first.last, second.last))
        names = f"patient={first.name}|{second.name}"
        found.append(rows.label(statistic="cumulative_incidence_difference", group=names, method=method))
    return concat(found)


def _rows(fit: FineGrayFit, days: Floats, numbers: Mapping[str, Floats], *, last: float) -> Estimate:
    late = days > last
    sets = fit.cox.design.sets
    events = np.searchsorted(np.sort(np.repeat(sets.time, sets.deaths)), days, side="right")
    text = f"beyond the last observation (day {last:.10g})"
    return make_estimate(
        "cumulative_incidence",
        kind="fine_gray",
        endpoint=fit.spells.name or None,
        term=fit.spells.states[event_code(fit.spells, fit.model.event)],
        time=days,
        **{name: np.where(late, np.nan, values) for name, values in numbers.items()},
        n=fit.cox.n,
        n_events=events,
        warning=[text if one else None for one in late],
    )


def _method(fit: FineGrayFit, options: Curve) -> str:
    return f"{fit.model.method}, {options.conf_type}"


def _predict(fit: FineGrayFit, patients: Mapping[str, Values], days: Floats) -> list[_Predicted]:
    if fit.coefficients.ndim > 1:
        raise ValueError("a batch of weightings has no predictions: fit one weighting")
    away = _code(fit, patients) - fit.cox.centre
    strata = {name: _stratum(fit, name, values) for name, values in patients.items()}
    baselines = {label: _baseline(fit, label, days) for label in dict.fromkeys(strata.values())}
    return [
        _one(fit, name, one, baselines[strata[name]]) for (name, _), one in zip(patients.items(), away, strict=True)
    ]


def _one(fit: FineGrayFit, name: str, away: Floats, baseline: "_Baseline") -> _Predicted:
    ratio = float(np.exp(np.nan_to_num(fit.coefficients) @ away))
    survival = np.exp(-ratio * baseline.hazard)
    gradient = np.multiply.outer(baseline.hazard, away) - baseline.drift
    moved = ratio * (baseline.influence + gradient @ fit.by_cluster(fit.influence.T))
    return _Predicted(name, -np.expm1(-ratio * baseline.hazard), survival[:, None] * moved, baseline.last)


@dataclass(frozen=True)
class _Baseline:
    """A stratum's hazard at the fit's centre by each of the days, and what it depends on.

    Attributes
    ----------
    hazard, drift
        (days,), and (days, p) minus its derivative by the coefficients.
    influence
        (days, clusters) how much each cluster moves it, the coefficients being held.
    last
        The last day of observation.
    """

    hazard: Floats
    drift: Floats
    influence: Floats
    last: float


def _baseline(fit: FineGrayFit, label: str, days: Floats) -> _Baseline:
    design, hazards = fit.cox.design, fit.hazards
    inside = design.sets.stratum == design.strata.index(label)
    wide = max(len(design.patient), design.sets.times, design.patients, 1)
    parts = []
    for some in np.array_split(days, max(1, len(days) * wide // AT_ONCE)):
        counts = inside & (design.sets.time <= some[:, None])
        drift = np.asarray((counts * hazards.shift) @ hazards.drift.T * design.scale)
        parts.append((counts @ hazards.increments, drift, fit.by_cluster(_hold_coefficients(fit, counts))))
    hazard, drift, influence = (np.concatenate(part) for part in zip(*parts, strict=True))
    return _Baseline(hazard, drift, influence, _last_day(fit, design.strata.index(label)))


def _last_day(fit: FineGrayFit, stratum: int) -> float:
    """Return the last day of observation of a stratum's patients; those added after a competing event do not count."""
    design = fit.cox.design
    mine = design.row[design.sets.stratum[design.sets.upper - 1] == stratum]
    return float(fit.spells.stop[mine[mine < len(fit.spells)]].max(initial=-np.inf))


def _hold_coefficients(fit: FineGrayFit, counts: Bools) -> Floats:
    """Return (days, patients) how much each patient moves the hazard summed over the event times that count."""
    design, hazards = fit.cox.design, fit.hazards
    sets, terms, tied = design.sets, hazards.terms, design.weighting.tied
    zeroth, first, _ = (moment[0] for moment in terms.moments)
    share = counts * (zeroth / terms.total[0] ** 2 * hazards.shift)
    moved = -hazards.risk * sets.over_rows(share)
    at = np.repeat(np.arange(sets.times), sets.deaths)
    jump = hazards.increments / design.weighting.dying[0]
    moved[:, sets.events] += (counts * jump)[:, at] * design.weighting.weight[0, sets.events]
    if tied is not None:
        less = first / terms.total[0, tied.times] ** 2 * hazards.shift[tied.times]
        moved[:, tied.events] += (counts[:, tied.times] * less)[:, tied.at] * hazards.risk[tied.events]
    summed = sum_by_patient(design.patient, moved, design.patients)
    if fit.model.weights == "crr":
        summed += censoring_influence(fit.cox, hazards, Derivative(share), staying=fit.staying)
    return summed


def _code(fit: FineGrayFit, patients: Mapping[str, Values]) -> Floats:
    """Return (patients, p) their covariates."""
    columns = dict.fromkeys(part.column for coefficient in fit.cox.design.coding for part in coefficient.parts)
    frame = {column: [_value(fit, column, values) for values in patients.values()] for column in columns}
    return code_again(fit.cox.design.coding, pl.DataFrame(frame))


def _value(fit: FineGrayFit, column: str, values: Values) -> str | float:
    """Return a patient's value of a column; of text columns one that there is."""
    if column not in values:
        needed = f"Give {', '.join((*fit.cox.design.terms, *fit.model.strata))}."
        raise InputError(f"a patient without a value of {column!r}", mend=needed, column="patients")
    value, series = values[column], fit.spells.of(column)
    if series.dtype.is_numeric() or series.dtype == pl.Boolean:
        if isinstance(value, str):
            raise InputError(f"the value of {column!r} is text", mend="Give a number.", column="patients")
        return float(value)
    levels = series.cast(pl.String).drop_nulls().unique().sort().to_list()
    text = value if isinstance(value, str) else f"{value:g}"
    if text not in levels:
        mend = f"The levels are {', '.join(levels)}."
        raise InputError(f"the value of {column!r} is none of its levels", mend=mend, column="patients")
    return text


def _stratum(fit: FineGrayFit, name: str, values: Values) -> str:
    """Return the name that the design gives to the stratum of a patient."""
    label = ", ".join(f"{column}={_level(fit, column, values)}" for column in fit.model.strata)
    if label not in fit.cox.design.strata:
        mend = f"The strata are {'; '.join(fit.cox.design.strata)}."
        raise InputError(f"the patient {name!r} is in a stratum that there is not", mend=mend, column="patients")
    return label


def _level(fit: FineGrayFit, column: str, values: Values) -> str:
    """Return a patient's level as the design writes it: whole numbers as the column has them."""
    value = _value(fit, column, values)
    whole = isinstance(value, float) and fit.spells.of(column).dtype.is_integer()
    return str(int(value)) if whole else str(value)
