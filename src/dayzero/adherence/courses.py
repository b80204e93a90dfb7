"""The planned courses in every patient: given, missed, still to come, or due no more.

A course that is due no more deviates from nothing: the patient died, relapsed or progressed, or never had what the
course comes after. One that is missed was due, and its whole window passed under observation.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from dayzero.adherence.given import Bools, Floats, Given, earlier_choice, first_given, up_to
from dayzero.endpoints import first_day
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Protocol, parse_term
from dayzero.protocol.plan import Course

Texts = npt.NDArray[np.str_]
State = Literal["given", "missed", "pending", "not_due", "open", "unknown"]

ATTRIBUTES: Final = ("product", "targets", "origin", "kind")
ENDS: Final = ("relapse", "progression")
ROUNDING: Final = 1e-9
DIED: Final = "died before"
NOT_YET: Final = "not given, no last day planned"
NOTHING_BEFORE: Final = "what it comes after was not given"
NO_DAY: Final = "day not known"
RELAPSED: Final = "relapse or progression before"
LEFT: Final = "follow-up ended before"


@dataclass(frozen=True)
class Followed:
    """One planned course, in every patient.

    Attributes
    ----------
    course
        As planned.
    given
        The event; of a term without a number the first on or after what the course comes after, else the first since
        the patient's start. What follows a relapse or progression is another line of treatment, and not the course,
        unless it is an option of a decision: then the decision says when.
    after
        The term that it comes after: as planned, or the planned course before it; empty for the first.
    reference
        (patients,) day of that; -inf where the course comes after nothing, +inf where it never was, NaN undated.
    state
        (patients,) a :data:`State`: ``open`` where no last day is planned, ``unknown`` where a date is.
    why
        (patients,) words for a course that was not given; empty where it was, or was missed.
    """

    course: Course
    given: Given
    after: str
    reference: Floats
    state: Texts
    why: Texts

    @property
    def since(self) -> Floats:
        """(patients,) days from what it comes after; NaN where either is unknown, or never was."""
        known = self.given.dated & np.isfinite(self.reference)
        return np.asarray(np.subtract(self.given.day, self.reference, out=np.full(len(known), np.nan), where=known))


def backbone(protocol: Protocol) -> tuple[Course, ...]:
    """Return the courses that are planned for everybody."""
    return tuple(course for course in protocol.courses if not course.decision)


def follow_courses(history: History, protocol: Protocol) -> tuple[Followed, ...]:
    """Return every planned course in every patient, in the planned order.

    Raises
    ------
    InputError
        Where the protocol plans no course for everybody.
    """
    if not backbone(protocol):
        fault = "the study's protocol plans no course for everybody"
        raise InputError(fault, mend='Write protocol = "sandwich" in [study], or a path.', column="kind")
    if backbone(protocol)[0].window:
        fault = "the first course of the study's protocol has a window, and the plan counts from that course"
        raise InputError(fault, mend="Leave out its window in the protocol file.", column="kind")
    first = _first(history, backbone(protocol)[0])
    start = start_days(history, first.given.day)
    result: dict[str, Followed] = {}
    before = ""
    for course in protocol.courses:
        if course == first.course:
            result[course.event] = first
        else:
            after = course.after or ("" if course.decision else before)
            result[course.event] = _later(history, course, after, _Clock(start, first.given.day, result))
        before = before if course.decision else course.event
    return tuple(result.values())


def start_days(history: History, first: Floats) -> Floats:
    """Return (patients,) the day from which the plan runs: enrolment, or the first course; -inf where neither is."""
    enrolled = first_day(history, parse_term("enrolment"))
    day = np.fmin(enrolled, first)
    return np.where(np.isfinite(day), day, -np.inf)


@dataclass(frozen=True)
class _Clock:
    """Days that bound a course: the plan's start, the first course, and the courses before this one."""

    start: Floats
    begun: Floats
    courses: Mapping[str, Followed]

    def day_of(self, history: History, term: str) -> Floats:
        """Return (patients,) the day of a term: of a planned course as it was given, else the first since the start."""
        if not term:
            return np.full(len(history), -np.inf)
        if term in self.courses:
            return self.courses[term].given.day
        parsed = parse_term(term)
        return first_day(history, parsed, None if parsed.number else self.start)


def _first(history: History, course: Course) -> Followed:
    never = np.full(len(history), -np.inf)
    given = first_given(history, parse_term(course.event), never, _columns(course))
    state = np.select([given.dated, np.isnan(given.day)], ["given", "unknown"], "open")
    died = np.isfinite(first_day(history, parse_term("death")))
    why = np.where(state == "open", np.where(died, DIED, "not given"), "")
    return Followed(course, given, "", never, state, why)


def _columns(course: Course) -> tuple[str, ...]:
    dose = (course.dose.column,) if course.dose and course.dose.column else ()
    return (*ATTRIBUTES, *dose)


def _later(history: History, course: Course, after: str, clock: _Clock) -> Followed:
    reference = clock.day_of(history, after)
    term, columns = parse_term(course.event), _columns(course)
    if term.number is not None:
        given = first_given(history, term, np.full(len(history), -np.inf), columns)
    else:
        late = first_given(history, term, np.where(np.isfinite(reference), reference, clock.start), columns)
        given = earlier_choice(late, first_given(history, term, clock.start, columns))
    bounds = _Bounds(reference, _stops(history, after, clock, reference))
    given = given if course.decision else up_to(given, bounds.stops[RELAPSED])
    state, why = _states(history, course, given, bounds)
    return Followed(course, given, after, reference, state, why)


@dataclass(frozen=True)
class _Bounds:
    reference: Floats
    stops: Mapping[str, Floats]


def _stops(history: History, after: str, clock: _Clock, reference: Floats) -> dict[str, Floats]:
    """Return (patients,) the day on which the patient died, and that of the first relapse or progression.

    What the course comes after ends nothing: a reinfusion at relapse is due then.
    """
    treated = bool(set(ENDS) & set(parse_term(after).names)) if after else False
    since = np.where(np.isfinite(reference), reference, np.inf) if treated else clock.begun
    later = np.nextafter(since, np.inf)
    days = [first_day(history, parse_term(name), later) for name in ENDS]
    return {DIED: first_day(history, parse_term("death")), RELAPSED: np.minimum(*days)}


def _states(history: History, course: Course, given: Given, bounds: _Bounds) -> tuple[Texts, Texts]:
    closes = bounds.reference + (course.window[1] if course.window else np.inf)
    died, relapsed = bounds.stops[DIED], bounds.stops[RELAPSED]
    unknown = np.isnan(given.day) | np.isnan(bounds.reference) | np.isnan(relapsed) | np.isnan(died)
    never = np.isposinf(bounds.reference)
    with np.errstate(invalid="ignore"):
        conditions: list[Bools] = [
            given.dated,
            unknown,
            never,
            (relapsed <= closes) & np.isfinite(relapsed),
            (died <= closes) & np.isfinite(died),
            np.full(len(history), not course.window),
            np.isnan(history.end),
            history.end >= closes,
        ]
    states = ["given", "unknown", "not_due", "not_due", "not_due", "open", "unknown", "missed"]
    words = ["", NO_DAY, NOTHING_BEFORE, RELAPSED, DIED, NOT_YET, NO_DAY, ""]
    return np.select(conditions, states, "pending"), np.select(conditions, words, LEFT)
