"""Any cohort: what hypothesis draws for the laws. Days fall on few values, so that ties are the rule."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

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


@st.composite
def courses(draw: st.DrawFn, shape: Shape = ANY) -> Course:
    """Draw one patient: death or last contact (or both, or neither), relapse, transplant, a later enrolment."""
    end = draw(st.integers(shape.first, shape.last))
    ways = ("death", "death", "last_contact") if shape.complete else ("death", "death", "last_contact", "both", "lost")
    way = draw(st.sampled_from(ways))
    days = {"last_contact": end} if way == "last_contact" else {"death": end} if way != "lost" else {}
    days |= {"last_contact": end + draw(st.integers(-3, 3))} if way == "both" else {}
    for event in ("relapse", "hsct", "enrolment"):
        day = draw(st.none() | st.integers(shape.first if event == "relapse" else -2, shape.last))
        days |= {} if day is None else {event: day}
    ages = AGES[1:] if shape.complete else AGES
    none_infused = not shape.complete and draw(st.integers(0, 15)) == 15
    zero = None if none_infused else draw(st.integers(0, 5))
    return Course(draw(st.sampled_from(shape.groups)), draw(st.sampled_from(ages)), zero, days)


@st.composite
def cohorts(draw: st.DrawFn, shape: Shape = ANY) -> Cohort:
    """Draw 1 to 30 patients."""
    n = draw(st.integers(shape.smallest, 30))
    drawn = draw(st.lists(courses(shape), min_size=n, max_size=n))
    spread = draw(st.sampled_from(shape.spread))
    return tuple(replace(c, days={event: day * spread for event, day in c.days.items()}) for c in drawn)
