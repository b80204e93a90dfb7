"""Cox models of all transitions as one, on the stacked table (Putter, Fiocco and Geskus 2007, Stat Med 26:2389)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, get_args

import numpy as np

from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat
from dayzero.estimators.cox.design import CoxModel
from dayzero.estimators.cox.fit import CoxFit, fit_cox
from dayzero.estimators.cox.likelihood import Ties
from dayzero.estimators.cox.rows import ratio_rows
from dayzero.estimators.multistate.hazards import Pair, find_transitions, transition_name
from dayzero.estimators.multistate.stacking import BASELINE, Clock, Stacked, stack
from dayzero.estimators.terms.covariates import Covariates, code_covariates, code_levels
from dayzero.spells import Floats, Ints, Spells

STATE: Final = "state"


@dataclass(frozen=True)
class TransitionModel:
    """Cox models of the hazards of all transitions.

    Attributes
    ----------
    terms
        Names of columns, each with a coefficient of its own for every transition.
    common
        Names of columns with one coefficient for all transitions.
    only
        By transition, ``from -> to``: the terms that it has in place of ``terms``.
    proportional
        Names of states: the transitions into one of them share a baseline hazard and are proportional to each other;
        the term ``state=NAME`` is the ratio of the hazards out of NAME and out of the first of the states. All other
        transitions have baselines of their own.
    clock
        ``forward``: time since the origin; ``reset``: time since the state was entered (a semi-Markov model).
    ties
        Treatment of tied transitions.
    reference
        Reference levels of text terms.
    """

    terms: tuple[str, ...] = ()
    common: tuple[str, ...] = ()
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    proportional: tuple[str, ...] = ()
    clock: Clock = "forward"
    ties: Ties = "efron"
    reference: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse clocks that do not exist, and a term that is both common and not."""
        if self.clock not in get_args(Clock):
            raise InputError(f"no clock {self.clock!r}", mend=f"Choose one of {', '.join(get_args(Clock))}.")
        twice = set(self.common) & set(self.all_specific)
        if twice:
            raise InputError(f"the term {min(twice)!r} is common and specific", mend="Keep it in one list.")

    @property
    def all_specific(self) -> tuple[str, ...]:
        """Every term that is specific to a transition, each once."""
        return tuple(dict.fromkeys([*self.terms, *(term for terms in self.only.values() for term in terms)]))

    def of(self, transition: str) -> tuple[str, ...]:
        """Return the specific terms of a transition."""
        return self.only.get(transition, self.terms)


@dataclass(frozen=True)
class Coefficient:
    """What one column of the stacked table is: a coded term, of one transition (None: of all)."""

    term: str
    transition: int | None

    def label(self, transitions: Sequence[str]) -> str:
        """Return the name of the stacked column."""
        return self.term if self.transition is None else f"{self.term}, {transitions[self.transition]}"


@dataclass(frozen=True, eq=False)
class TransitionFit:
    """Fitted Cox models of all transitions.

    Attributes
    ----------
    model, cox
        What was fitted, and the one Cox model that it is.
    states, transitions
        Names of the states, and the (K,) pairs of their codes.
    baselines
        (K,) number of the baseline hazard of each transition.
    coefficients
        (p,) what each coefficient is.
    coded
        Names of the coded columns of the terms, ``age`` or ``risk=high``.
    levels
        Levels of the text terms.
    counts
        (K, 2) patients at risk of each transition, and those who made it.
    dropped
        Patients left out because a term is missing.
    """

    model: TransitionModel
    cox: CoxFit
    states: tuple[str, ...]
    transitions: tuple[Pair, ...]
    baselines: tuple[int, ...]
    coefficients: tuple[Coefficient, ...]
    coded: tuple[str, ...]
    levels: Mapping[str, tuple[str, ...]]
    counts: Ints
    dropped: int

    @property
    def names(self) -> tuple[str, ...]:
        """(K,) the transitions as ``from -> to``."""
        return tuple(transition_name(self.states, pair) for pair in self.transitions)

    def estimate(self) -> Estimate:
        """Return the hazard ratios: ``term`` the coded term, ``group`` the transition, null where common to all."""
        missing = f"dropped_missing: {self.dropped} patients" if self.dropped else None
        notes = [self.cox.notes.get(name, ()) for name in self.cox.names]
        whole = (*self.cox.notes.get("", ()), *([missing] if missing else ()))
        warnings = ["; ".join((*whole, *own)) or None for own in notes]
        rows = ratio_rows(self.cox.names, self.cox.coefficients, self.cox.std_error, warnings)
        labelled = [
            Estimate(rows.rows[2 * k : 2 * k + 2]).label(**self._labels(each))
            for k, each in enumerate(self.coefficients)
        ]
        method = f"{self.model.ties}, clock {self.model.clock}"
        return concat(labelled).label(endpoint=self.cox.design.endpoint or None, method=method)

    def _labels(self, coefficient: Coefficient) -> dict[str, str | float | None]:
        if coefficient.transition is None:
            return {"term": coefficient.term, "group": None, "n": self.cox.n, "n_events": self.cox.n_events}
        n, events = self.counts[coefficient.transition].tolist()
        return {"term": coefficient.term, "group": self.names[coefficient.transition], "n": n, "n_events": events}


def fit_transition_models(spells: Spells, model: TransitionModel | Sequence[str]) -> TransitionFit:
    """Fit the Cox models of all transitions as one.

    Parameters
    ----------
    spells
        The table; a row is at risk of every transition out of its state.
    model
        The model, or the names of its transition-specific terms.

    Returns
    -------
    TransitionFit

    Raises
    ------
    InputError
        No term at all; an unknown column, level, state or transition; nobody moves.

    Examples
    --------
    >>> from dayzero.spells import make_spells
    >>> spells = make_spells([4, 3, 6, 5, 2, 8, 7, 9], [1, 2, 1, 2, 1, 2, 0, 0], x=[1, 0, 0, 1, 1, 0, 1, 0])
    >>> fit = fit_transition_models(spells, ["x"])
    >>> fit.names, fit.cox.n_events
    (('initial -> event', 'initial -> event 2'), 6)
    """
    model = model if isinstance(model, TransitionModel) else TransitionModel(tuple(model))
    transitions = find_transitions(spells)
    if not transitions:
        raise InputError("nobody moves from one state to another", mend="Correct the states, or the events.")
    _check(model, spells, transitions)
    coded = code_covariates(spells, _terms(model), model.reference)
    kept = spells if not coded.dropped else spells.where(coded.keep)
    baselines = _baselines(spells.states, transitions, model)
    coefficients = _coefficients(kept, transitions, model, baselines)
    if not coefficients:
        raise InputError("a model of transitions has no terms", mend='Write terms = ["age"].', column="terms")
    stacked = stack(kept, transitions, baselines=baselines, clock=model.clock)
    matrix = _matrix(coded, coefficients, stacked)
    names = tuple(each.label([transition_name(spells.states, pair) for pair in transitions]) for each in coefficients)
    columns = {**stacked.spells.columns, **dict(zip(names, matrix.T, strict=True))}
    cox = fit_cox(replace(stacked.spells, columns=columns), CoxModel(names, ties=model.ties, strata=(BASELINE,)))
    counts = np.array([stacked.count(k) for k in range(len(transitions))], np.int64)
    return TransitionFit(
        model, cox, spells.states, transitions, baselines, coefficients, coded.names,
        _levels(kept, model), counts, coded.dropped,
    )  # fmt: skip


def _check(model: TransitionModel, spells: Spells, transitions: Sequence[Pair]) -> None:
    names = [transition_name(spells.states, pair) for pair in transitions]
    for name in model.only:
        if name not in names:
            raise InputError(f"no transition {name!r}", mend=f"There are {', '.join(names)}.", column="only")
    targets = {spells.states[target] for _, target in transitions}
    for name in model.proportional:
        if name not in targets:
            mend = f"The states that are entered are {', '.join(sorted(targets))}."
            raise InputError(f"nobody enters a state {name!r}", mend=mend, column="proportional")


def _baselines(states: Sequence[str], transitions: Sequence[Pair], model: TransitionModel) -> tuple[int, ...]:
    """Return (K,) the number of each transition's baseline: that of the first one that it shares it with."""
    shared = {k for k, (_, target) in enumerate(transitions) if states[target] in model.proportional}
    first = {transitions[k][1]: k for k in sorted(shared, reverse=True)}
    return tuple(first[pair[1]] if k in shared else k for k, pair in enumerate(transitions))


def _coefficients(
    spells: Spells, transitions: Sequence[Pair], model: TransitionModel, baselines: Sequence[int]
) -> tuple[Coefficient, ...]:
    """Return the coefficients: of each transition in turn, then those of proportional baselines, then common ones."""
    coded = {term: code_covariates(spells, [term], _reference(model, term)).names for term in _terms(model)}
    found = [
        Coefficient(name, k)
        for k, pair in enumerate(transitions)
        for term in model.of(transition_name(spells.states, pair))
        for name in coded[term]
    ]
    found += [
        Coefficient(f"{STATE}={spells.states[origin]}", k)
        for k, (origin, _) in enumerate(transitions)
        if baselines[k] != k
    ]
    return (*found, *(Coefficient(name, None) for term in model.common for name in coded[term]))


def _terms(model: TransitionModel) -> tuple[str, ...]:
    return (*model.all_specific, *model.common)


def _reference(model: TransitionModel, term: str) -> dict[str, str]:
    return {term: model.reference[term]} if term in model.reference else {}


def _levels(spells: Spells, model: TransitionModel) -> dict[str, tuple[str, ...]]:
    return {term: code_levels(spells, term)[1] for term in _terms(model) if not spells.of(term).dtype.is_numeric()}


def _matrix(coded: Covariates, coefficients: Sequence[Coefficient], stacked: Stacked) -> Floats:
    """Return (stacked rows, p), the covariates of the stacked table: 0 for the rows of other transitions."""
    values = coded.matrix[stacked.row]
    matrix = np.zeros((len(stacked.row), len(coefficients)))
    for j, each in enumerate(coefficients):
        mine = np.ones(len(stacked.row), bool) if each.transition is None else stacked.transition == each.transition
        matrix[mine, j] = values[mine, coded.names.index(each.term)] if each.term in coded.names else 1.0
    return matrix
