"""The ledger: which day every state was entered, and the events that entering it and its marks write."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from dayzero.simulate.build import logit_of
from dayzero.simulate.covariates import all_met, level_of
from dayzero.simulate.hazards import Fixed, Hazard
from dayzero.simulate.language import Criterion, Mark, Written
from dayzero.simulate.model import Covariates, Linear
from dayzero.simulate.paths import Paths
from dayzero.simulate.plan import Simulation
from dayzero.simulate.random import Floats, Ints, Keys, uniforms

FIRST_MARK = 1 << 20
"""Marks draw beyond what paths draw: mark k at the state's visit v has the numbers from FIRST_MARK + 4096 k + 4 v."""


@dataclass(frozen=True)
class Visits:
    """Every state that was entered, final ones too, one row an entry, by patient and time.

    Attributes
    ----------
    patient, state, visit
        (rows,) patient, state, and how often the patient had entered that state before.
    enter, before
        (rows,) day, and the day on which the state before was entered.
    """

    patient: Ints
    state: Ints
    visit: Ints
    enter: Floats
    before: Floats


def visits_of(paths: Paths, n_states: int) -> Visits:
    """Return the entries into states of paths that begin on day 0 in the first state."""
    began = np.append(True, paths.patient[1:] != paths.patient[:-1])[: len(paths)]
    moved = paths.to >= 0
    patient = np.concatenate([paths.patient[began], paths.patient[moved]])
    state = np.concatenate([paths.state[began], paths.to[moved]])
    enter = np.concatenate([paths.enter[began], paths.leave[moved]])
    before = np.concatenate([np.full(int(began.sum()), -np.inf), paths.enter[moved]])
    order = np.lexsort((enter, patient))  # stable: the first state stands first
    patient, state, enter, before = patient[order], state[order], enter[order], before[order]
    visit = pl.DataFrame({"key": patient * n_states + state}).select(pl.int_range(pl.len()).over("key")).to_series()
    return Visits(patient, state, visit.to_numpy(), enter, before)


def entered_by(visits: Visits, patient: Ints, day: Floats) -> Ints:
    """Return (rows,) the row of the visit in which each patient is on a day: that which was entered last."""
    span = float(max(visits.enter.max(initial=0.0), day.max(initial=0.0))) + 1.0
    place: Ints = np.searchsorted(visits.patient * span + visits.enter, patient * span + day, side="right") - 1
    return place


@dataclass(frozen=True)
class Scene:
    """What marks are drawn from: the file, who entered what when, and each patient's key and covariates."""

    simulation: Simulation
    visits: Visits
    keys: Keys
    acting: Covariates

    def rows(self, states: Sequence[str]) -> Ints:
        """Return the rows of the visits of some states."""
        names = [state.name for state in self.simulation.states]
        codes = [names.index(name) for name in states]
        return np.flatnonzero(np.isin(self.visits.state, codes))

    def may(self, when: Sequence[Criterion], rows: Ints) -> pl.Series:
        """Return (rows,) whose patients meet criteria."""
        if not when:
            return pl.Series(np.ones(len(rows), bool))
        return pl.Series(all_met(when, self.acting)[self.visits.patient[rows]])

    def uniforms(self, rows: Ints, place: int, draw: int) -> Floats:
        """Return (rows,) numbers that belong to mark ``place``, by patient and visit."""
        values = np.empty(len(rows))
        visit = self.visits.visit[rows]
        for number in np.unique(visit):
            here = visit == number
            keys = self.keys[self.visits.patient[rows[here]]]
            values[here] = uniforms(keys, FIRST_MARK + 4096 * place + 4 * int(number) + draw)
        return values


def written_events(scene: Scene) -> pl.DataFrame:
    """Return patient, day (whole), order and columns of every event that states and marks write."""
    parts = [_frame(np.array([], np.int64), np.array([], np.int64), "").with_columns(order=pl.lit(0))]
    for place, state in enumerate(scene.simulation.states):
        rows = scene.rows([state.name])
        for number, written in enumerate(state.events):
            parts.append(_of_state(scene, rows, state.name, written).with_columns(order=pl.lit(100 * place + number)))
    for place, (mark, delay) in enumerate(zip(scene.simulation.marks, scene.simulation.delays, strict=True)):
        if not mark.attribute:
            parts.append(_of_mark(scene, place, mark, delay).with_columns(order=pl.lit(100_000 + place)))
    return pl.concat(parts, how="diagonal_relaxed")  # empty parts too: the columns are the file's, not the sample's


def _of_state(scene: Scene, rows: Ints, state: str, written: Written) -> pl.DataFrame:
    """Return what entering a state writes, with the attributes that marks draw for it."""
    visits = scene.visits
    rows = rows[scene.may(written.when, rows).to_numpy()]
    day = np.maximum(visits.enter[rows] + written.offset, np.where(written.offset < 0, visits.before[rows], -np.inf))
    columns: dict[str, pl.Series | pl.Expr] = {}
    for place, mark in enumerate(scene.simulation.marks):
        if mark.attribute and mark.event == written.event and state in mark.states:
            columns[mark.attribute] = _values(scene, place, mark, rows).set(~scene.may(mark.when, rows), None)
    fixed = {name: str(value) for name, value in written.attributes.items()}
    fixed |= {"value": written.value} if written.value else {}
    fixed |= {"number": str(written.number)} if written.number is not None else {}
    return _frame(visits.patient[rows], whole(day), written.event).with_columns(
        *(pl.lit(value).alias(name) for name, value in fixed.items()), **columns
    )


def _of_mark(scene: Scene, place: int, mark: Mark, delay: Hazard | None) -> pl.DataFrame:
    """Return the events that a mark draws."""
    rows = scene.rows(mark.states)
    rows = rows[scene.may(mark.when, rows).to_numpy()]
    if mark.probability is not None:
        logit = _linear(logit_of(mark.probability), scene, rows)
        rows = rows[scene.uniforms(rows, place, 0) < 1 / (1 + np.exp(-logit))]
    day = scene.visits.enter[rows]
    if delay is not None:
        day = day + _delays(delay, mark.latest, scene.uniforms(rows, place, 1))
    fixed = [pl.lit(str(value)).alias(name) for name, value in mark.attributes.items()]
    frame = _frame(scene.visits.patient[rows], whole(day), mark.event)
    frame = frame.with_columns(*fixed, value=_values(scene, place, mark, rows))
    return frame.filter(~pl.col("value").is_in(list(mark.omit)).fill_null(value=False)) if mark.omit else frame


def _delays(delay: Hazard, latest: float | None, uniform: Floats) -> Floats:
    """Return delays, those of a latest day drawn given that they come by then."""
    if isinstance(delay, Fixed):
        return delay.inverse(uniform)
    share = 1.0 if latest is None else -np.expm1(-delay.cumulative(np.array([latest]))[0])
    return delay.inverse(-np.log1p(-uniform * share))


def _values(scene: Scene, place: int, mark: Mark, rows: Ints) -> pl.Series:
    """Return (rows,) the drawn values as text; null where the mark has none."""
    uniform = scene.uniforms(rows, place, 2)
    if mark.shares:
        return _chosen(list(mark.shares), level_of(np.array(list(mark.shares.values())), uniform))
    if not mark.levels:
        return pl.Series("value", [None] * len(rows), pl.String)
    effect = _linear(Linear(0.0, mark.effects), scene, rows)
    above = 1 / (1 + np.exp(np.array(mark.cutpoints)[:, None] - effect[None, :]))
    return _chosen(mark.levels, (uniform[None, :] < above).sum(axis=0))


def _chosen(words: Sequence[str], place: Ints) -> pl.Series:
    return pl.Series("value", words, pl.String).gather(pl.Series(place))


def _linear(linear: Linear, scene: Scene, rows: Ints) -> Floats:
    return np.broadcast_to(np.asarray(linear.of(scene.acting, scene.visits.patient[rows])), rows.shape)


def _frame(patient: Ints, day: Ints, event: str) -> pl.DataFrame:
    return pl.DataFrame({"patient": patient, "day": day}).with_columns(event=pl.lit(event))


def whole(day: Floats) -> Ints:
    """Return whole days: a study knows dates; half days are rounded up.

    Examples
    --------
    >>> whole(np.array([0.4, 0.5, 27.6])).tolist()
    [0, 1, 28]
    """
    return np.floor(day + 0.5).astype(np.int64)
