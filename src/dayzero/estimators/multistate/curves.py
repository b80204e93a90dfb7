"""Rows of the output contract: state probabilities and lengths of stay, from any state and day, in groups."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from scipy import special

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat, make_estimate
from dayzero.estimators.curves.confidence import Curve, limits
from dayzero.estimators.groups import group_rows, join_warnings
from dayzero.estimators.multistate.hazards import NelsonAalen, TransitionHazards, estimate_hazards
from dayzero.estimators.multistate.landmark import landmark_subset
from dayzero.estimators.multistate.length_of_stay import integrate_stay
from dayzero.estimators.multistate.probabilities import ORIGIN, TransitionProbabilities, integrate_hazards
from dayzero.spells import Floats, Spells

DEFAULT: Final = Curve()


@dataclass(frozen=True)
class Start:
    """Where and when a prediction starts.

    Attributes
    ----------
    state
        Name of the state; empty: the table's first.
    day
        Events after it count; by default all of them, those on day 0 included.
    landmark
        Use only those who are in the state on the day: valid without the Markov property.
    """

    state: str = ""
    day: float = ORIGIN
    landmark: bool = False

    def __post_init__(self) -> None:
        """Refuse a landmark without a day."""
        if self.landmark and not np.isfinite(self.day):
            raise InputError("a landmark without a day", mend="Give the day.", column="from")

    def code(self, spells: Spells) -> int:
        """Return the state's code."""
        if not self.state:
            return 0
        if self.state not in spells.states:
            mend = f"The states are {', '.join(spells.states)}."
            raise InputError(f"no state {self.state!r}", mend=mend, column="from")
        return spells.states.index(self.state)

    def subset(self, spells: Spells) -> Spells:
        """Return the rows that count."""
        state = spells.states[self.code(spells)]
        return landmark_subset(spells, state, self.day) if self.landmark else spells

    @property
    def words(self) -> str:
        """Where it starts, for the method column; empty for the origin."""
        if not self.state and not np.isfinite(self.day):
            return ""
        day = f" on day {self.day:.10g}" if np.isfinite(self.day) else ""
        place = f"from {self.state}{day}" if self.state else f"from{day}"
        return f", landmark {place}" if self.landmark else f", {place}"


AT_ORIGIN: Final = Start()
Measure = Callable[[Spells], Estimate]


def transition_probabilities(
    spells: Spells,
    by: str | None = None,
    times: Sequence[float] | None = None,
    *,
    start: Start = AT_ORIGIN,
    options: Curve = DEFAULT,
) -> Estimate:
    """Estimate the probability of each state at each time, given the state on the start day.

    Parameters
    ----------
    spells
        The table.
    by
        Column of the groups.
    times
        Days; by default the whole curves, from the start day on.
    start
        The state and day that it is conditional on, and whether by the landmark Aalen-Johansen estimator.
    options
        Confidence scale, level, variance.

    Returns
    -------
    Estimate
        ``state_probability``, a term each state, in each group; ``method`` names the start. ``n`` counts the patients
        of the group (landmark: in the state on the day), ``n_events`` the transitions into the state since the start.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([1, 2, 3, 4], [1, 2, 0, 1])
    >>> transition_probabilities(spells, times=[2]).rows["estimate"].to_list()
    [0.5, 0.25, 0.25]
    """
    how = _hazards_of(options)

    def measure(rows: Spells) -> Estimate:
        fit = integrate_hazards(estimate_hazards(rows, options=how), start_day=start.day)
        days = _days(fit) if times is None else np.asarray(times, float)
        return _probability_rows(rows, fit, days, start=start, options=options)

    return _each_group(spells, by, start, measure).label(method=f"{options.method}{start.words}")


def length_of_stay(
    spells: Spells, horizon: float, by: str | None = None, *, start: Start = AT_ORIGIN, options: Curve = DEFAULT
) -> Estimate:
    """Estimate the mean days that are spent in each state from the start day to a horizon.

    Parameters
    ----------
    spells, by, start, options
        As for :func:`transition_probabilities`; limits are symmetric on the scale of days.
    horizon
        The day.

    Returns
    -------
    Estimate
        ``length_of_stay`` in days, a term each state; ``time`` is the horizon.
    """
    how = _hazards_of(options)

    def measure(rows: Spells) -> Estimate:
        stay = integrate_stay(estimate_hazards(rows, options=how), horizon, start_day=start.day)
        code = start.code(rows)
        return _stay_rows(rows.states, stay.days[code], stay.std_error[code], level=options.level).label(
            n=rows.n, time=horizon
        )

    return _each_group(spells, by, start, measure).label(method=f"{options.variance}{start.words}")


def predicted_probabilities(
    hazards: TransitionHazards, times: Sequence[float], *, start: Start = AT_ORIGIN, options: Curve = DEFAULT
) -> Estimate:
    """Return the state probabilities that follow from the hazards of a patient under a model.

    Parameters
    ----------
    hazards
        Of :func:`dayzero.estimators.multistate.prediction.patient_hazards`.
    times
        Days.
    start
        State and day; no landmark.
    options
        Confidence scale and level.
    """
    if start.landmark:
        raise InputError("a model has no landmark", mend="Leave the landmark out.", column="from")
    fit = integrate_hazards(hazards, start_day=start.day)
    code = hazards.states.index(start.state) if start.state else 0
    days = np.asarray(times, float)
    low, high = limits(fit.at(days)[:, code], fit.std_error_at(days)[:, code], options)
    values = (fit.at(days)[:, code], fit.std_error_at(days)[:, code], low, high)
    method = f"{hazards.variance}, {options.conf_type}, Cox models{start.words}"
    return concat(
        make_estimate(
            "state_probability", term=name, method=method, time=days,
            estimate=values[0][:, k], std_error=values[1][:, k], lower=values[2][:, k], upper=values[3][:, k],
        )
        for k, name in enumerate(hazards.states)
    )  # fmt: skip


def _hazards_of(options: Curve) -> NelsonAalen:
    if options.start_day is not None:
        raise ValueError("the start day of a multi-state model stands in its Start, not in its Curve")
    if options.variance == "robust":
        mend = "Use aalen_johansen for a robust variance, or the variance greenwood."
        raise InputError("transition probabilities have no robust variance", mend=mend, column="variance")
    return NelsonAalen(variance=options.variance)


def _each_group(spells: Spells, by: str | None, start: Start, measure: Measure) -> Estimate:
    groups = group_rows(spells, by)
    parts = []
    for code, level in enumerate(groups.levels):
        rows = start.subset(spells if by is None else spells.where(groups.codes == code))
        parts.append(measure(rows).label(group=groups.label(level)))
    found = concat(parts).label(endpoint=spells.name or None)
    return replace(found, rows=join_warnings(found.rows, groups.warning))


def _days(fit: TransitionProbabilities) -> Floats:
    return np.union1d([max(fit.start_day, 0.0)], fit.times)


def _probability_rows(
    spells: Spells, fit: TransitionProbabilities, days: Floats, *, start: Start, options: Curve
) -> Estimate:
    code = start.code(spells)
    probability, std_error = fit.at(days)[:, code], fit.std_error_at(days)[:, code]
    last = float(spells.stop.max(initial=-np.inf))
    beyond = (days > last) & (fit.probability[-1, code][np.unique(spells.state)].sum() > 0)
    text = f"beyond the last observation (day {last:.10g})"
    probability, std_error = (np.where(beyond[:, None], np.nan, each) for each in (probability, std_error))
    low, high = limits(probability, std_error, options)
    return concat(
        make_estimate(
            "state_probability", term=name, time=days, estimate=probability[:, k], std_error=std_error[:, k],
            lower=low[:, k], upper=high[:, k], n=spells.n, n_events=_entered(spells, k, start.day, days),
            warning=[text if late else None for late in beyond.tolist()],
        )
        for k, name in enumerate(spells.states)
    )  # fmt: skip


def _entered(spells: Spells, state: int, after: float, days: Floats) -> Floats:
    """Return how many transitions into a state there were after a day and up to each of the days."""
    moved = np.sort(spells.stop[(spells.to == state) & (spells.stop > after)])
    return np.asarray(np.searchsorted(moved, days, side="right"), float)


def _stay_rows(states: Sequence[str], days: Floats, std_error: Floats, *, level: float) -> Estimate:
    margin = float(special.ndtri(0.5 + level / 2.0)) * std_error
    return make_estimate(
        "length_of_stay", term=list(states), estimate=days, std_error=std_error,
        lower=np.maximum(days - margin, 0.0), upper=days + margin,
    )  # fmt: skip
