"""What a Cox model asks of a table, and the arrays that its likelihood is computed from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Final

import numpy as np

from dayzero.errors import InputError
from dayzero.estimators.changing_weights import Changing, change_weights, last_factor, total_weight
from dayzero.estimators.cox.likelihood import Ties, Weighting, weigh
from dayzero.estimators.cox.risk_sets import Observations, RiskSets, form_risk_sets, scale_rows
from dayzero.estimators.terms.coding import Coefficient
from dayzero.estimators.terms.covariates import code_covariates, code_levels, complete
from dayzero.spells import Bools, Floats, Ints, Spells

TIES: Final = ("efron", "breslow", "exact")


@dataclass(frozen=True)
class CoxModel:
    """A Cox model of the cause-specific hazard of one event.

    Attributes
    ----------
    terms
        Names of columns, time-varying or baseline, and what :mod:`dayzero.estimators.terms.language` makes of them.
    ties
        ``efron``, ``breslow`` or ``exact`` (the discrete likelihood; neither weights nor clusters).
    strata
        Names of columns; each combination of their values has its own baseline hazard.
    cluster
        A column whose values name groups of dependent rows: standard errors are then robust. Robust ones without a
        named cluster are clustered on the patient.
    reference
        Reference levels of text terms; by default the first in code point order.
    event
        Name of the state whose hazard is modelled; by default the table's second. All other transitions are censoring.
    robust
        Ask for robust standard errors, which otherwise come with a cluster or with weights other than 1.
    """

    terms: tuple[str, ...]
    ties: Ties = "efron"
    strata: tuple[str, ...] = ()
    cluster: str | None = None
    reference: Mapping[str, str] = field(default_factory=dict)
    event: str | None = None
    robust: bool = False

    def __post_init__(self) -> None:
        """Refuse a model without terms, and ties that have no name here."""
        if not self.terms:
            raise InputError("a Cox model has no terms", mend="Name at least one column.")
        if self.ties not in TIES:
            raise InputError(f'unknown ties "{self.ties}"', mend=f"Choose one of {', '.join(TIES)}.")
        if self.ties == "exact" and (self.cluster is not None or self.robust):
            raise InputError("exact ties have no robust standard errors", mend='Use ties = "efron".')


@dataclass(frozen=True)
class CoxDesign:
    """The sorted arrays of one model on one table; n rows are at risk at some event time.

    Attributes
    ----------
    names
        (p,) names of the coefficients.
    x
        (p, n) covariates, centred and scaled.
    centre, scale, reach
        (p,) what was subtracted, the divisor (1 for a constant column), and the range of ``x``.
    sets, weighting
        The risk sets, and the weights of their rows.
    patient, cluster
        (n,) codes; ``patients`` is the height of the table of patients.
    strata
        Names of the strata.
    n, n_events, dropped
        Patients in the model, their events, patients dropped for a missing term, stratum or cluster.
    weighted
        Whether some weight is not 1.
    endpoint
        Name of the endpoint.
    constant
        Text terms without a second level: they have no coefficient.
    row
        (n,) index of each row in the table.
    kept, seen, owner, seen_weight
        (rows,) which rows of the table belong to the model, those that are at risk at no event time included; what is
        seen of these; the patient of each; and the weight of each, of the first weighting.
    terms, term, coding
        The terms, ``a*b`` written out; (p,) the place among them of each coefficient's; (p,) how each column is made.
    """

    names: tuple[str, ...]
    x: Floats
    centre: Floats
    scale: Floats
    reach: Floats
    sets: RiskSets
    weighting: Weighting
    patient: Ints
    cluster: Ints
    patients: int
    strata: tuple[str, ...]
    n: int
    n_events: int
    dropped: int
    weighted: bool
    endpoint: str
    constant: tuple[str, ...]
    row: Ints
    kept: Bools
    seen: Observations
    owner: Ints
    seen_weight: Floats
    terms: tuple[str, ...]
    term: Ints
    coding: tuple[Coefficient, ...]


@dataclass(frozen=True)
class _Groups:
    """Codes (rows,) of strata and clusters, and the rows where one is missing."""

    stratum: Ints
    strata: tuple[str, ...]
    cluster: Ints
    missing: Bools


def design_cox(spells: Spells, model: CoxModel, weights: Floats | None = None) -> CoxDesign:
    """Code the covariates, drop what is missing or weighs nothing, and form the risk sets.

    Raises
    ------
    InputError
        An unknown column, level or event; negative weights; weights with exact ties.
    """
    event = spells.to == event_code(spells, model.event)
    weight = _total_weight(spells, weights)
    weighted = spells.power is not None or bool(np.any(weight != 1.0))
    if weighted and model.ties == "exact":
        raise InputError("exact ties take no weights", mend='Use ties = "efron".')
    coded = code_covariates(spells, model.terms, model.reference)
    groups = _code_groups(spells, model)
    keep, dropped = complete(spells, groups.missing | ~coded.keep)
    keep &= np.any(weight > 0.0, axis=0)
    rows = np.flatnonzero(keep)
    seen = Observations(spells.start[rows], spells.stop[rows], event[rows], groups.stratum[rows])
    sets = form_risk_sets(seen)
    at = rows[sets.row]
    sets, own = _change_weights(sets, spells, at, np.ascontiguousarray(weight[:, at]))
    place = at if bool(coded.keep.all()) else (np.cumsum(coded.keep) - 1)[at]
    x, centre, scale = _standardise(np.take(coded.matrix.T, place, axis=1))
    return CoxDesign(
        names=coded.names,
        x=x,
        centre=centre,
        scale=scale,
        reach=np.ptp(x, axis=1) if sets.times else np.zeros(len(x)),
        sets=sets,
        weighting=weigh(sets, own, model.ties),
        patient=spells.patient[at],
        cluster=groups.cluster[at],
        patients=spells.patients.height,
        strata=groups.strata,
        n=int(np.count_nonzero(np.bincount(spells.patient[rows], minlength=1))),
        n_events=int(np.count_nonzero(seen.event)),
        dropped=dropped,
        weighted=weighted,
        endpoint=spells.name,
        constant=coded.constant,
        row=at,
        kept=keep,
        seen=seen,
        owner=spells.patient[rows],
        seen_weight=weight[0, rows],
        terms=coded.terms,
        term=coded.term,
        coding=coded.coding,
    )


def _change_weights(sets: RiskSets, spells: Spells, at: Ints, weight: Floats) -> tuple[RiskSets, Floats]:
    """Let weights (batches, n) change with time as the table says, and return those with which the rows leave."""
    if spells.power is None or spells.curve is None or not sets.times:
        return sets, weight
    power = spells.power[at].reshape(len(at), -1)
    values = spells.curve.at(sets.time).reshape(sets.times, -1)
    shared = bool(np.all((power == 0.0) | (power == 1.0)) and np.all(power.sum(axis=1) <= 1.0))
    if shared and not bool(power[sets.events].any()):  # Fine and Gray's: by one of the curves, which may end at log 0
        chosen = [np.flatnonzero(column) for column in power.T]
        factors = np.exp(values.T[:, None])
        parts = [Changing(rows, np.ones((1, len(rows))), factor) for rows, factor in zip(chosen, factors, strict=True)]
        return scale_rows(sets, [part for part in parts if len(part.rows)]), weight
    changes = change_weights(power, values, sets.lower, sets.upper)
    return scale_rows(sets, changes), weight * last_factor(power, values, sets.upper)


def event_code(spells: Spells, event: str | None) -> int:
    """Return the code of the named state, by default the table's second; InputError where there is none."""
    states = spells.states
    if event is None and len(states) > 1:
        return 1
    if event in states[1:]:
        return states.index(str(event))
    near = get_close_matches(event or "", states[1:], n=1, cutoff=0.0)
    mend = f'Did you mean "{near[0]}"?' if near else "The table needs a second state."
    raise InputError(f'no transition into "{event}"' if event else "the table has no event", mend=mend)


def _total_weight(spells: Spells, weights: Floats | None) -> Floats:
    """Return (batches, rows) the table's weights times those given as (rows,) or (rows, batches)."""
    weight = np.atleast_2d(total_weight(spells, weights).T)
    if not bool(np.all((weight >= 0.0) & (weight < np.inf))):
        raise InputError("a weight is negative, infinite or missing", mend="Give finite weights of 0 or more.")
    return weight


def _code_groups(spells: Spells, model: CoxModel) -> _Groups:
    missing = np.zeros(len(spells), bool)
    stratum = np.zeros(len(spells), np.int64)
    names: tuple[str, ...] = ("",)
    for column in model.strata:
        codes, levels = code_levels(spells, column)
        missing |= codes < 0
        stratum = stratum * len(levels) + codes
        names = tuple(f"{name}, {column}={level}".lstrip(", ") for name in names for level in levels)
    cluster = spells.patient
    if model.cluster is not None:
        cluster, _ = code_levels(spells, model.cluster)
        missing |= cluster < 0
    return _Groups(stratum, names, cluster, missing)


def _standardise(x: Floats) -> tuple[Floats, Floats, Floats]:
    """Centre the rows of x (p, n) at their means and divide them by their standard deviations, in place."""
    if not x.shape[1]:
        return x, np.zeros(len(x)), np.ones(len(x))
    varies = np.array([column.min() < column.max() for column in x])
    centre = np.array([column.mean() if some else column[0] for column, some in zip(x, varies, strict=True)])
    x -= centre[:, None]
    square = np.array([column @ column for column in x])
    scale = np.where(varies, np.sqrt(square / x.shape[1]), 1.0)
    x /= scale[:, None]
    return x, centre, scale


def as_model(model: CoxModel | Sequence[str]) -> CoxModel:
    """Return the model itself, or the default model of the named terms."""
    if isinstance(model, CoxModel):
        return model
    return CoxModel((model,) if isinstance(model, str) else tuple(model))
