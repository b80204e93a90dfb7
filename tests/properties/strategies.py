"""Any cohort: what hypothesis draws for the laws. Days fall on few values, so that ties are the rule."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from hypothesis import strategies as st

SIZES = (1, 2, 3, 4, 6, 8, 10, 12, 16, 20, 25, 30)
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
    others = (None, *range(-2, shape.last + 1))
    return st.builds(
        _course,
        known=_one_of(shape.groups, ages),
        end=_one_of(days, ways, range(-3, 4)),
        relapse=_one_of((None, *days)),
        hsct=_one_of(others),
        entry=_one_of(zeros, others),
    )


def _one_of(*choices: Iterable[object]) -> st.SearchStrategy[tuple[Any, ...]]:
    """Draw one value of each at once: a draw costs as much as the estimate that it is for."""
    return st.sampled_from(list(product(*choices)))


def _course(known: tuple[Any, ...], end: tuple[Any, ...], **drawn: tuple[Any, ...]) -> Course:
    (risk, age), (day, way, later), (zero, enrolment) = known, end, drawn["entry"]
    ends = {"both": {"death": day, "last_contact": day + later}, "lost": {}}.get(way, {way: day})
    happened = {"relapse": drawn["relapse"][0], "hsct": drawn["hsct"][0], "enrolment": enrolment}
    return Course(risk, age, zero, {}).but(**ends, **happened)


def cohorts(shape: Shape = ANY) -> st.SearchStrategy[Cohort]:
    """Draw up to 30 patients, few of them as readily as many."""
    course = courses(shape)
    sized = [st.lists(course, min_size=n, max_size=n) for n in SIZES if n >= shape.smallest]
    patients = st.sampled_from(sized).flatmap(lambda patients: patients)
    return st.builds(_spread, patients, st.sampled_from(shape.spread))


def _spread(patients: list[Course], days: int) -> Cohort:
    return tuple(replace(c, days={event: day * days for event, day in c.days.items()}) for c in patients)
