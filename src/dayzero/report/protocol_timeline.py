"""The timeline of a protocol: what is due on which day after day zero, as lanes to be drawn.

The axis of a long plan bends: equal lengths are equal steps of the square root of the days, so that a visit after a
month and one after four years fit one picture. What has no day is drawn open, and says so.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from dayzero.protocol import MONTH, Course, Decision, Protocol, Visit, listed, parse_term, term_words
from dayzero.protocol.plan_words import when_words

Kind = Literal["course", "decision", "visits"]
_TICKS: Final = (
    (0, "day 0"), (14, "14"), (28, "28"), (42, "42"), (56, "56"), (91.3125, "3 m"), (182.625, "6 m"),
    (365.25, "1 y"), (730.5, "2 y"), (1095.75, "3 y"), (1461, "4 y"), (1826.25, "5 y"),
)  # fmt: skip
_LONG: Final = frozenset((28, 42, 56))  # ticks that a long axis has no room for
_LONG_FROM: Final = 700.0  # days
_SHORTEST: Final = 75.0  # days
_BENT_FROM: Final = 200.0  # days


@dataclass(frozen=True)
class Mark:
    """A day with what may be missed on both sides of it."""

    day: float
    before: float = 0.0
    after: float = 0.0


@dataclass(frozen=True)
class Lane:
    """One line of the timeline.

    Attributes
    ----------
    kind, label, detail
        What it is, and its words.
    first, last
        Days; ``last`` is None where the lane is open.
    fixed
        Whether the plan names the day; a lane without one is drawn broken.
    marks
        Visits.
    level
        1 for an option of the decision above.
    """

    kind: Kind
    label: str
    detail: str
    first: float
    last: float | None
    fixed: bool = True
    marks: tuple[Mark, ...] = ()
    level: int = 0


@dataclass(frozen=True)
class Timeline:
    """Lanes over one axis.

    Attributes
    ----------
    lanes
        From the top.
    end, begin
        Last and first day of the axis; it begins before day zero where something is due before it.
    """

    lanes: tuple[Lane, ...]
    end: float
    begin: float = 0.0

    def place(self, day: float) -> float:
        """Return where a day stands, 0 on the left to 1 on the right.

        Examples
        --------
        >>> Timeline((), 400).place(100), Timeline((), 100).place(50)
        (0.5, 0.5)
        """
        inside = min(max(day, self.begin), self.end)
        first = self._bent(self.begin)
        return (self._bent(inside) - first) / (self._bent(self.end) - first)

    def _bent(self, day: float) -> float:
        return math.copysign(math.sqrt(abs(day)), day) if self.is_bent else day

    @property
    def is_bent(self) -> bool:
        """Whether equal lengths are equal steps of the square root of the days."""
        return self.end > _BENT_FROM

    def has(self, what: Literal["window", "open", "decision", "visits", "loose"]) -> bool:
        """Whether a lane is drawn that way: for the key of the drawing."""
        found = {
            "window": any(lane.kind == "course" and bool(lane.last) for lane in self.lanes),
            "open": any(lane.kind == "course" and lane.last is None for lane in self.lanes),
            "decision": any(lane.kind == "decision" for lane in self.lanes),
            "visits": any(lane.kind == "visits" for lane in self.lanes),
            "loose": any(lane.kind == "decision" and not lane.fixed for lane in self.lanes),
        }
        return found[what]

    @property
    def ticks(self) -> tuple[tuple[float, str], ...]:
        """Days of the axis, and their words."""
        left_out = _LONG if self.end > _LONG_FROM else frozenset[float]()
        return tuple((day, words) for day, words in _TICKS if day <= self.end and day not in left_out)


def timeline_of(protocol: Protocol) -> Timeline:
    """Return the timeline of a protocol."""
    courses = [lane for course in protocol.courses for lane in _lanes_of(course, protocol)]
    visits = [_visit_lane(visit, after, protocol.courses) for visit in protocol.visits for after in visit.after]
    lanes = (*courses, *visits)
    days = [mark.day + mark.after for lane in lanes for mark in lane.marks]
    days += [day for lane in lanes for day in (lane.first, lane.last or 0.0)]
    earliest = min([0.0, *(lane.first for lane in lanes)])
    return Timeline(lanes, max([_SHORTEST, *days]) * 1.04, earliest * 1.04)


def span_of(text: str, courses: Sequence[Course]) -> tuple[float, float] | None:
    """Return the first and last planned day of a term, None where the plan names none.

    Examples
    --------
    >>> first = Course(name="first", event="infusion:1")
    >>> plan = (first, Course(name="transplant", event="hsct", after="infusion:1", window=(42, 56)))
    >>> span_of("infusion:1", plan), span_of("hsct", plan), span_of("relapse", plan)
    ((0.0, 0.0), (42.0, 56.0), None)
    """
    course = next((course for course in courses if _names(text, course.event)), None)
    if course is None:
        return None
    if not course.after:
        return (0.0, 0.0) if course is courses[0] else None
    earlier = courses[: courses.index(course)]
    base = span_of(course.after, earlier)
    if base is None or not course.window:
        return None
    return base[0] + course.window[0], base[1] + course.window[1]


def _lanes_of(course: Course, protocol: Protocol) -> list[Lane]:
    """Return the lane of a course; those of a decision with all its options where the first of them stands."""
    if not course.decision:
        return [_course_lane(course, protocol.courses)]
    options = [other for other in protocol.courses if other.decision == course.decision]
    if course is not options[0]:
        return []
    decision = next(decision for decision in protocol.decisions if decision.name == course.decision)
    return _decision_lanes(decision, protocol)


def _names(text: str, event: str) -> bool:
    """Whether a term can mean the event of a course."""
    term, course = parse_term(text), parse_term(event)
    numbers = {term.number, course.number} - {None}
    return term.name == course.name and not term.conditions and len(numbers) <= 1


def _course_lane(course: Course, courses: Sequence[Course], level: int = 0) -> Lane:
    span = span_of(course.event, courses)
    if span is not None:
        detail = "day zero" if not course.after else when_words(course)
        return Lane("course", course.name, detail, span[0], span[1], level=level)
    first = _earliest(course.after, courses)
    return Lane("course", course.name, when_words(course), first, None, fixed=False, level=level)


def _earliest(after: str, courses: Sequence[Course]) -> float:
    base = span_of(after, courses) if after else None
    return base[0] if base else 0.0


def _decision_lanes(decision: Decision, protocol: Protocol) -> list[Lane]:
    moment = f"at {term_words(decision.at)}" if decision.at else "at a time not stated"
    detail = f"{listed(decision.options, 'or')}: {moment}"
    span = span_of(decision.at, protocol.courses) if decision.at else None
    day = span[0] if span else 0.0
    lanes = [Lane("decision", decision.name, detail, day, day if span else None, fixed=span is not None)]
    chosen = [course for course in protocol.courses if course.name in decision.options]
    return lanes + [_course_lane(course, protocol.courses, level=1) for course in chosen]


def _visit_lane(visit: Visit, after: str, courses: Sequence[Course]) -> Lane:
    base = span_of(after, courses)
    marks = tuple(_mark(visit, month, base or (0.0, 0.0)) for month in visit.months)
    from_when = "" if base else ", counted from its own day"
    detail = f"months after {term_words(after)}{from_when}"
    return Lane("visits", visit.name, detail, marks[0].day, marks[-1].day, fixed=base is not None, marks=marks)


def _mark(visit: Visit, month: float, base: tuple[float, float]) -> Mark:
    allowed = visit.allowance(month) or 0.0
    return Mark(base[0] + month * MONTH, allowed, allowed + base[1] - base[0])
