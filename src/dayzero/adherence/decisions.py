"""Rules of decisions: a course is given where its condition holds; and nothing is given that nobody planned."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Final

import numpy as np

from dayzero.adherence.courses import ENDS, Followed, start_days
from dayzero.adherence.given import Bools, Floats, first_given
from dayzero.adherence.judged import Judged, judge_given, unchecked
from dayzero.endpoints import first_day
from dayzero.endpoints.tracks import MEASURED, follow_state
from dayzero.grading.truth import Truth
from dayzero.history import History
from dayzero.protocol import Protocol, Term, parse_term, term_words
from dayzero.protocol.plan import Decision

TREATMENTS: Final = ("infusion", "hsct", "dli", "boost", "new_therapy")


def judge_decisions(history: History, protocol: Protocol, followed: tuple[Followed, ...]) -> Iterator[Judged]:
    """Yield ``decision`` for each condition of each course that is an option of a decision."""
    decisions = {decision.name: decision for decision in protocol.decisions}
    for each in followed:
        decision = decisions.get(each.course.decision)
        if decision is not None:
            yield from _conditions(history, decision, each)


def _conditions(history: History, decision: Decision, each: Followed) -> Iterator[Judged]:
    at = (decision.at,) if decision.at else ()
    for text in dict.fromkeys((*at, *decision.needs)):
        yield _judged(history, each, text, wanted=True, holds=text in decision.needs)
    for text in decision.excludes:
        yield _judged(history, each, text, wanted=False, holds=False)


def _judged(history: History, each: Followed, text: str, *, wanted: bool, holds: bool) -> Judged:
    term = parse_term(text)
    planned = f"{'' if wanted else 'no '}{term_words(term)}{'' if wanted else ' before'}"
    absent = missing_columns(history, term)
    if absent:
        why = f"the events have no column {absent[0]!r}"
        return unchecked(history, "decision", each.course.name, planned=planned, why=why)
    day = each.given.day
    truth = _held(history, term, day) if holds else _happened(history, term, day)
    observed = f"{term_words(term)} {'not on record' if wanted else 'before'}"
    kept = truth if wanted else ~truth
    return judge_given(each, "decision", planned=planned, kept=kept, observed=lambda _: observed)


def missing_columns(history: History, term: Term) -> list[str]:
    """Return the attribute columns that a term asks for and the events do not have."""
    asked = [each.column for each in term.conditions if each.column != "value"]
    later = missing_columns(history, term.after) if term.after else []
    return [*(column for column in asked if column not in history.attributes), *later]


def _happened(history: History, term: Term, by: Floats) -> Truth:
    """Return whether the first event of a term is on or before a day; of an undated one nobody knows."""
    first = first_day(history, term)
    with np.errstate(invalid="ignore"):
        yes = first <= by
    return _sure(history, term, by, Truth(yes, ~yes & ~np.isnan(first)))


def _held(history: History, term: Term, by: Floats) -> Truth:
    """Return whether the state that a term names holds on a day: a relapse ends a remission."""
    patients = np.flatnonzero(np.isfinite(by))
    state = follow_state(history, term)
    yes = np.zeros(len(history), bool)
    yes[patients] = state.at(patients, by[patients]) == 1.0
    certain = ~state.undated
    return _sure(history, term, by, Truth(yes & certain, ~yes & certain))


def _sure(history: History, term: Term, by: Floats, truth: Truth) -> Truth:
    """Leave open what nobody measured: without any response (or MRD result) by that day its value is unknown."""
    if term.name not in MEASURED:
        return truth
    any_result = replace(term, conditions=(), number=None, source=None)
    with np.errstate(invalid="ignore"):
        measured: Bools = first_day(history, any_result) <= by
    return Truth(truth.yes, truth.no & measured)


def judge_not_planned(history: History, followed: tuple[Followed, ...]) -> Iterator[Judged]:
    """Yield ``not_planned`` of each treatment that somebody had beyond the plan, until relapse or progression.

    What follows the first relapse or progression after the first course is another line of treatment; of several
    treatments of one name the first stands.
    """
    first = followed[0].given
    start = np.where(first.dated, start_days(history, first.day), np.inf)
    ended = np.minimum(*(first_day(history, parse_term(name), np.nextafter(start, np.inf)) for name in ENDS))
    planned_rows = np.concatenate([each.given.row for each in followed])
    for name in TREATMENTS:
        beyond = _without(history, name, planned_rows)
        event = first_given(beyond, parse_term(name), start)
        with np.errstate(invalid="ignore"):
            extra = event.dated & (event.day < ended)
        unsure = (event.dated & np.isnan(ended)) | np.isnan(event.day)
        if (extra | unsure).any():
            yield Judged(
                "not_planned", term_words(name), "no further one before relapse or progression", first.dated,
                Truth(~extra & ~unsure, extra),
                lambda _: "not planned", event.day, event.row,
            )  # fmt: skip


def _without(history: History, name: str, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> History:
    events = history.events
    planned = events["row"].is_in(rows[rows > 0].tolist())
    return replace(history, events=events.filter((events["event"] == name) & ~planned))
