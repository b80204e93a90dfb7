"""Paths through a model: every patient's states and times, in chunks that fit the processor's cache."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np

from dayzero.errors import InputError
from dayzero.simulate.model import Covariates, Linear, Model, Way
from dayzero.simulate.random import Floats, Ints, Keys, exponentials, patient_keys, uniforms

CHUNK: Final = 16_384
MOST_STEPS: Final = 1_000
_DRAWS_A_WAY: Final = 3
_DRAWS_A_STEP: Final = 64
FIRST_DRAW: Final = 1_024
"""Draws below are for covariates and marks."""


@dataclass(frozen=True)
class Paths:
    """What happened to everybody, one row a state visited.

    Attributes
    ----------
    patient
        (rows,) index of the patient; the rows of one patient are in the order of time, patients in theirs.
    state
        (rows,) state.
    enter, leave
        (rows,) days; ``leave`` is the horizon where the state was not left by then.
    to
        (rows,) the next state; -1 where the horizon came first.
    """

    patient: Ints
    state: Ints
    enter: Floats
    leave: Floats
    to: Ints

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.patient)


def simulate_paths(model: Model, n: int, *, seed: int, horizon: float, covariates: Covariates | None = None) -> Paths:
    """Simulate the paths of a cohort.

    Parameters
    ----------
    model
        States, clocks and ways.
    n
        Number of patients.
    seed
        The same seed gives the same cohort; its first patients are the same whatever ``n``.
    horizon
        Days after which nothing is followed.
    covariates
        Name to (n,) values, as the model's effects name them.

    Returns
    -------
    Paths
        (rows,) one a state visited.

    Notes
    -----
    In each state the time of every way is drawn given that nothing happened so far on its clock; the earliest is
    taken. That is a draw from the model because the latent times of ways are independent given the past.
    """
    known = covariates or {}
    parts = [_chunk(model, np.arange(a, min(a + CHUNK, n)), seed, horizon, known) for a in range(0, max(n, 1), CHUNK)]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Paths(*columns)


@dataclass
class _Cohort:
    """A chunk of the cohort on its way."""

    model: Model
    keys: Keys
    numbers: Ints
    covariates: Covariates
    state: Ints
    now: Floats
    clocks: Floats


def _chunk(
    model: Model, numbers: Ints, seed: int, horizon: float, covariates: Covariates
) -> tuple[Ints, Ints, Floats, Floats, Ints]:
    """Return the columns of the paths of some patients."""
    n = len(numbers)
    clocks = np.zeros((len(model.clocks), n))
    cohort = _Cohort(
        model, patient_keys(seed, numbers), numbers, covariates, np.zeros(n, np.int64), np.zeros(n), clocks
    )
    steps = list(_steps(cohort, horizon))
    columns = [np.concatenate(column) for column in zip(*steps, strict=True)]
    order = np.argsort(columns[0].astype(np.uint16), kind="stable")  # CHUNK fits; the steps are in the order of time
    who, state, enter, leave, to = (column[order] for column in columns)
    return numbers[who], state, enter, leave, to


def _steps(cohort: _Cohort, horizon: float) -> Iterator[tuple[Ints, Ints, Floats, Floats, Ints]]:
    """Yield, step by step, who was in which state from when to when, and where they went."""
    active = np.arange(len(cohort.keys))
    for step in range(MOST_STEPS):
        if not len(active) and step:
            return
        moved = []
        state = cohort.state[active]
        for code in np.unique(state) if len(active) else [0]:
            at = active[state == code] if len(cohort.model.states) > 1 else active
            when, to = _moves(cohort, int(code), at, step)
            enter = cohort.now[at].copy()
            stays = when >= horizon
            to[stays] = -1
            when[stays] = horizon
            yield at, np.full(len(at), code), enter, when, to
            moved.append(_arrive(cohort, at[~stays], when[~stays], to[~stays]))
        active = np.concatenate(moved) if moved else active[:0]
    mend = "Make the times of its ways longer, or let it end."
    raise InputError(f"a circle: a patient enters {MOST_STEPS:,} states before the horizon", mend=mend)


def _arrive(cohort: _Cohort, who: Ints, when: Floats, to: Ints) -> Ints:
    """Put patients into their next states, and set the clocks that these start; return those who can go on."""
    cohort.state[who], cohort.now[who] = to, when
    for code, starts in enumerate(cohort.model.starts):
        if starts:
            here = to == code
            for clock in starts:
                cohort.clocks[clock, who[here]] = when[here]
    final = np.array([not ways for ways in cohort.model.ways])
    going: Ints = who[~final[to]]
    return going


def _moves(cohort: _Cohort, code: int, at: Ints, step: int) -> tuple[Floats, Ints]:
    """Return when patients leave a state, and for where."""
    when = np.full(len(at), np.inf)
    chosen = np.full(len(at), -1)
    ways = cohort.model.ways[code]
    for place, way in enumerate(ways):
        draw = FIRST_DRAW + _DRAWS_A_STEP * step + _DRAWS_A_WAY * place
        time = _latent(cohort, way, at, draw)
        sooner = time < when
        when = np.where(sooner, time, when)
        chosen = np.where(sooner, place, chosen)
    to = np.full(len(at), -1)
    for place, way in enumerate(ways):
        taken = chosen == place
        draw = FIRST_DRAW + _DRAWS_A_STEP * step + _DRAWS_A_WAY * place + 2
        to[taken] = way.targets[0] if len(way.targets) == 1 else _branch(cohort, way, at[taken], draw)
    return when, to


def _latent(cohort: _Cohort, way: Way, at: Ints, draw: int) -> Floats:
    """Return the day on which each patient would take a way, were there no other."""
    keys, now = cohort.keys[at], cohort.now[at]
    drawn = exponentials(keys, draw)
    if not way.log_ratio.trivial:
        with np.errstate(over="ignore"):
            drawn *= np.exp(-_predictor(cohort, way.log_ratio, at))
    zero = now if way.clock < 0 else cohort.clocks[way.clock, at]
    if way.clock < 0:
        time = now + way.hazard.inverse(drawn)
    else:
        time = np.maximum(zero + way.hazard.inverse(drawn + way.hazard.cumulative(now - zero)), now)
    if way.uptake is not None:
        with np.errstate(over="ignore"):
            share = 1 / (1 + np.exp(-_predictor(cohort, way.uptake, at)))
        time = np.where(uniforms(keys, draw + 1) < share, time, np.inf)
    if way.by is not None:
        time = np.minimum(time, np.maximum(zero + way.by, now))
    if way.eligible:
        time = np.where(cohort.covariates[way.eligible][cohort.numbers[at]] > 0, time, np.inf)
    return time


def _branch(cohort: _Cohort, way: Way, who: Ints, draw: int) -> Ints:
    """Return which of a way's targets patients reach."""
    logits = np.stack([np.broadcast_to(_predictor(cohort, share, who), len(who)) for share in way.shares])
    weights = np.exp(logits - logits.max(axis=0, initial=-np.inf, keepdims=True)) if len(who) else logits
    below = np.cumsum(weights, axis=0)
    place = (uniforms(cohort.keys[who], draw) * below[-1] >= below[:-1]).sum(axis=0)
    reached: Ints = np.array(way.targets)[place]
    return reached


def _predictor(cohort: _Cohort, linear: Linear, at: Ints) -> Floats | float:
    return linear.of(cohort.covariates, cohort.numbers[at])


def state_at(paths: Paths, day: float, n_states: int) -> Floats:
    """Return (states,) the share of patients in each state just after a day.

    Patients whose path ended before the day stay where they went last.
    """
    n = int(paths.patient[-1]) + 1 if len(paths) else 0
    inside = (paths.enter <= day) & ((paths.leave > day) | (paths.to < 0))
    ended = np.flatnonzero((paths.leave <= day) & (paths.to >= 0))
    last = ended[np.append(paths.patient[ended][1:] != paths.patient[ended][:-1], True)] if len(ended) else ended
    final = last[~np.isin(paths.patient[last], paths.patient[inside])]
    counts = np.bincount(paths.state[inside], minlength=n_states) + np.bincount(paths.to[final], minlength=n_states)
    return counts / n
