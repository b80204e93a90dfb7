"""The per-protocol set: who had every planned course in its window, and from which day they can be called so.

A completer cannot have died before the last planned course: from the first course to that day they are immortal. The
set is therefore no group of a comparison that starts at the first course; it is what a patient becomes on a day, as a
treatment given later is (rule book 6: "denominators must start at infusion 1").
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from dayzero.adherence.courses import LEFT, NO_DAY, NOT_YET, NOTHING_BEFORE, Followed, Texts
from dayzero.adherence.given import Bools, Floats
from dayzero.adherence.judged import Judged
from dayzero.grading.truth import Truth
from dayzero.history import History

_OPEN: Final = (LEFT, NO_DAY, NOT_YET)


@dataclass(frozen=True)
class Completers:
    """Who completed the plan.

    Attributes
    ----------
    started
        (patients,) who had the first course, dated.
    completed
        (patients,) every course planned for everybody, in order and in its window; unknown where one may still come,
        or a date is not known.
    day
        (patients,) of the last of these courses, from which they can be called completers; +inf for the others.
    immortal
        (patients,) days from the first course to that day; NaN for the others.
    why
        (patients,) the first thing that kept the others from it; empty for completers and those who never started.
    planned
        Fewest and most days from the first course to the last, as the windows have it; None where one has no window.
    courses
        How many courses are planned for everybody.
    """

    started: Bools
    completed: Truth
    day: Floats
    immortal: Floats
    why: Texts
    planned: tuple[float, float] | None
    courses: int

    @property
    def is_a_choice(self) -> bool:
        """Whether there is more to complete than the first course."""
        return self.courses > 1

    @property
    def complete(self) -> Bools:
        """(patients,) who is known to have completed it."""
        return self.started & self.completed.yes


def find_completers(history: History, followed: tuple[Followed, ...], judged: tuple[Judged, ...]) -> Completers:
    """Return who completed the courses planned for everybody; those that are a decision's options do not matter."""
    plan = [each for each in followed if not each.course.decision]
    first = plan[0].given
    yes, no = first.dated.copy(), ~first.dated
    why = np.full(len(history), "", dtype="<U160")
    for each in plan:
        kept = _kept(each, judged, frozenset(other.course.event for other in plan))
        for words, wrong in kept.items():
            why = np.where((why == "") & wrong & first.dated, f"{each.course.name}: {words}", why)
            no |= wrong
        yes &= each.given.dated & ~np.any(list(kept.values()), axis=0)
    completed = Truth(yes & ~no, no)
    last = np.max([each.given.day for each in plan], axis=0)
    unsure = first.dated & completed.unknown
    why = np.where(unsure & (why == ""), "may still come, or a date is not known", why)
    day = np.where(completed.yes, last, np.inf)
    immortal = np.subtract(day, first.day, out=np.full(len(day), np.nan), where=completed.yes)
    return Completers(first.dated, completed, day, immortal, why, planned_span(followed), len(plan))


def _kept(each: Followed, judged: tuple[Judged, ...], planned: frozenset[str]) -> dict[str, Bools]:
    """Return (patients,) by what went wrong with a course, in words, who it went wrong with."""
    apart = (*_OPEN, NOTHING_BEFORE) if each.after in planned else _OPEN  # the course before has its own reason
    reasons = {why: each.why == why for why in dict.fromkeys(each.why.tolist()) if why and why not in apart}
    own = [rule for rule in judged if rule.course == each.course.name]
    names = {"missing": "not given", "order": "out of order", "window": "outside its window"}
    return reasons | {words: rule.wrong for name, words in names.items() for rule in own if rule.rule == name}


def planned_span(followed: tuple[Followed, ...]) -> tuple[float, float] | None:
    """Return the fewest and the most days from the first course to the last that the windows allow, or None."""
    spans = {followed[0].course.event: (0.0, 0.0)}
    for each in followed[1:]:
        if each.course.decision:
            continue
        if not each.course.window or each.after not in spans:
            return None
        (low, high), (first, last) = spans[each.after], each.course.window
        spans[each.course.event] = (low + first, high + last)
    lows, highs = zip(*spans.values(), strict=True)
    return max(lows), max(highs)


def completers_table(found: Completers) -> pl.DataFrame:
    """Return a row a patient who started: ``patient, completed, day, immortal_days, why``.

    ``completed`` is ``yes``, ``no`` or ``unknown``. ``day`` is a time as that of a treatment: before it nobody is a
    completer.
    """
    words = np.select([found.completed.yes, found.completed.no], ["yes", "no"], "unknown")
    rows = pl.DataFrame(
        {
            "patient": np.arange(len(found.day)),
            "completed": [str(word) for word in words],
            "day": np.where(np.isfinite(found.day), found.day, np.nan),
            "immortal_days": found.immortal,
            "why": [str(word) for word in found.why],
        },
        schema_overrides={"patient": pl.Int64},
    ).with_columns(pl.col("day", "immortal_days").fill_nan(None))
    return rows.filter(pl.Series(found.started))
