"""Any cohort: what hypothesis draws for the laws. Days fall on few values, so that ties are the rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from hypothesis import strategies as st

GROUPS = ("high", "low", "mid")
AGES = ("", *(str(age) for age in range(20, 71)))


@dataclass(frozen=True)
class Course:
    """One patient as the files will show it.

    Attributes
    ----------
    risk, age
        Baseline values as written; empty where missing.
    zero
        Day of the infusion on the study's calendar; None where there was none.
    days
        Day of each other event, from the infusion on (from 0 where there was none).
    """

    risk: str
    age: str
    zero: int | None
    days: Mapping[str, int]

    def on(self, event: str) -> int | None:
        """Return the day of an event from the infusion on, or None."""
        return self.days.get(event)

    def but(self, **days: int | None) -> "Course":
        """Return the course with some days changed, or (None) taken out."""
        merged = {**self.days, **days}
        return replace(self, days={event: day for event, day in merged.items() if day is not None})

    def moved(self, event: str, day: int) -> "Course":
        """Return the course with an event on another day."""
        return self.but(**{event: day})


Cohort = tuple[Course, ...]


@dataclass(frozen=True)
class Shape:
    """What kind of cohort is drawn.

    Attributes
    ----------
    groups
        Values of ``risk``; an empty one is missing.
    first, last
        No event lies before or after these days from the infusion on.
    complete
        Everybody has an infusion, follow-up, an age and a group.
    smallest
        Least number of patients.
    spread
        Days between neighbouring values: 1, or several drawn from these.
    """

    groups: tuple[str, ...] = ("", *GROUPS)
    first: int = 0
    last: int = 12
    complete: bool = False
    smallest: int = 1
    spread: tuple[int, ...] = (1,)


ANY = Shape()
COMPLETE = Shape(groups=GROUPS, complete=True)
LATER = Shape(groups=GROUPS, complete=True, first=1)


def courses(shape: Shape = ANY) -> st.SearchStrategy[Course]:
    """Draw one patient: death or last contact (or both, or neither), relapse, transplant, enrolment."""
    days = range(shape.first, shape.last + 1)
    ways = ("death", "last_contact") if shape.complete else ("death", "last_contact", "both", "lost")
    ages = AGES[1:] if shape.complete else AGES
    zeros = range(6) if shape.complete else (*range(6), None)
    return st.builds(
        _course,
        baseline=_one_of(shape.groups, ages),
        end=_one_of(days, ways, range(-3, 4)),
        relapse=_one_of((None, *days)),
        hsct=_one_of((None, *range(-2, shape.last + 1))),
        entry=_one_of(zeros, (None, *range(-2, shape.last + 1))),
    )


def _one_of(*choices: Iterable[object]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Draw one value of each at once: a draw costs more than the estimate that it is for."""
    return st.sampled_from(list(product(*choices)))


def _course(baseline: tuple[Any, ...], end: tuple[Any, ...], **drawn: tuple[Any, ...]) -> Course:
    (risk, age), (day, way, later), (zero, enrolment) = baseline, end, drawn["entry"]
    course = Course(risk, age, zero, {})
    ends = {"both": {"death": day, "last_contact": day + later}, "lost": {}}.get(way, {way: day})
    return course.but(**ends, relapse=drawn["relapse"][0], hsct=drawn["hsct"][0], enrolment=enrolment)


def cohorts(shape: Shape = ANY) -> st.SearchStrategy[Cohort]:
    """Draw up to 30 patients, one number of them as readily as another."""
    course = courses(shape)
    sized = {n: st.lists(course, min_size=n, max_size=n) for n in range(shape.smallest, 31)}
    patients = st.integers(shape.smallest, 30).flatmap(sized.__getitem__)
    return st.builds(_spread, patients, st.sampled_from(shape.spread))


def _spread(patients: list[Course], days: int) -> Cohort:
    return tuple(replace(c, days={event: day * days for event, day in c.days.items()}) for c in patients)
