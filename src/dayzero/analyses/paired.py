"""The analysis kind ``paired``: the same patients after a first and after a second course."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from dayzero.analyses.context import Context
from dayzero.analyses.outcome_windows import Observation, happened, highest, levels_of, seen_through
from dayzero.endpoints import first_day
from dayzero.errors import InputError
from dayzero.estimate import Estimate
from dayzero.estimators.groups import join_warnings
from dayzero.estimators.outcomes.paired import mcnemar, signed_rank
from dayzero.history import History
from dayzero.protocol import Endpoint, parse_term, term_words
from dayzero.report.formats import sentence_case
from dayzero.report.page import Section
from dayzero.spells import Bools, Floats


@dataclass(frozen=True, kw_only=True)
class PairedSettings:
    """Settings of a comparison within patients.

    Attributes
    ----------
    event
        Term of what is looked for after each course: did it happen (``test = "mcnemar"``), or how high was its value
        (``"signed_rank"``; the highest where there are several).
    first, second
        Terms of the two courses. The time after the first ends before the second.
    within
        Days after each course; without it until the second course, and until the end of follow-up.
    test
        ``mcnemar`` for yes and no, ``signed_rank`` (Wilcoxon) for values.
    name, label
        The key in ``report.json``, and the words for people.
    levels
        The values, lowest first, where they are no numbers; their places are compared.
    absent
        The value of patients who were seen throughout without such an event; without it they have none.
    level
        Confidence level.
    """

    event: str
    first: str = "infusion:1"
    second: str = "infusion:2"
    within: float | None = None
    test: Literal["mcnemar", "signed_rank"] = "mcnemar"
    name: str = "paired"
    label: str = ""
    levels: tuple[str, ...] = ()
    absent: str = ""
    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a window without days, and settings that the test has no use for."""
        if self.within is not None and not 0 <= self.within < np.inf:
            raise InputError("no number of days", mend="Write within = 28.", column="within")
        if not 0 < self.level < 1:
            raise InputError("a level outside 0 to 1", mend="Write level = 0.95.", column="level")
        unused = [key for key in ("levels", "absent") if getattr(self, key) and self.test == "mcnemar"]
        if unused:
            mend = 'Remove it, or write test = "signed_rank".'
            raise InputError("McNemar's test has no use for this", mend=mend, column=unused[0])


def run_paired(settings: PairedSettings, context: Context) -> Section:
    """Compare what happened after the second course with what happened after the first, in the same patients."""
    endpoint = _endpoint(settings)
    first, second = _observations(settings, context.history)
    read = _values if settings.test == "signed_rank" else _answers
    before, after = (read(settings, context.history, each) for each in (first, second))
    both = np.isfinite(before) & np.isfinite(after)
    if not bool(both.any()):
        fault = f"no patient has {term_words(settings.event)} known after both courses"
        raise InputError(fault, mend="Correct the event, the courses or the days.", column="event")
    test = signed_rank if settings.test == "signed_rank" else mcnemar
    rows = test(before[both], after[both], level=settings.level).label(endpoint=endpoint.name).rows
    lost = int(np.sum(second.looked_at & ~both))
    warning = f"not_evaluable: {lost} of {lost + int(both.sum())} patients" if lost else None
    return Section(
        kind="paired",
        title=f"{endpoint.title}: second course against the first",
        endpoint=endpoint,
        estimates=Estimate(join_warnings(rows, warning)),
        definition=_definition(settings),
        notes=(_sentence(first.looked_at, second.looked_at, both),),
        settings=vars(settings),
    )


def _endpoint(settings: PairedSettings) -> Endpoint:
    plain = Endpoint(origin=settings.first, events=(settings.event,), name=settings.name)
    parse_term(settings.second)
    return replace(plain, label=settings.label or sentence_case(term_words(settings.event)))


def _observations(settings: PairedSettings, history: History) -> tuple[Observation, Observation]:
    """Return the time after each course; the first ends on the day before the second begins."""
    opens = [first_day(history, parse_term(term)) for term in (settings.first, settings.second)]
    opens[1] = np.where(opens[1] > opens[0], opens[1], np.inf)
    closes = [each + (np.inf if settings.within is None else settings.within) for each in opens]
    closes[0] = np.minimum(closes[0], np.nextafter(opens[1], -np.inf))
    return Observation(opens[0], closes[0]), Observation(opens[1], closes[1])


def _answers(settings: PairedSettings, history: History, observation: Observation) -> Floats:
    """Return (patients,) 1 for yes, 0 for no, NaN where nobody can say."""
    codes = happened(history, parse_term(settings.event), observation).astype(float)
    return np.where(codes >= 0, codes, np.nan)


def _values(settings: PairedSettings, history: History, observation: Observation) -> Floats:
    """Return (patients,) the highest value, or its place among the levels; NaN where there is none."""
    term = parse_term(settings.event)
    levels = levels_of(history, term, settings.levels, settings.absent)
    codes = highest(history, term, observation, levels)
    if settings.absent:
        codes = np.where((codes < 0) & seen_through(history, observation), levels.index(settings.absent), codes)
    numbers = np.arange(len(levels)) if settings.levels else np.array([float(value) for value in levels])
    return np.where(codes >= 0, numbers[codes], np.nan)


def _sentence(first: Bools, second: Bools, both: Bools) -> str:
    only = int(np.sum(first & ~second))
    lost = int(np.sum(second & ~both))
    said = f"{int(both.sum())} patients are compared with themselves."
    said += f" {only} had the first course alone." if only else ""
    return f"{said} {lost} had both, but what followed one of them is not known." if lost else said


def _definition(settings: PairedSettings) -> str:
    days = f"within {settings.within:g} days of" if settings.within is not None else "after"
    what = "The highest value of " if settings.test == "signed_rank" else ""
    words = f"{what}{term_words(settings.event)} {days} {term_words(settings.first)}, and {days} {{}}"
    words = words.format(term_words(settings.second))
    absent = f" Patients seen throughout without one count as {settings.absent}." if settings.absent else ""
    early = " The time after the first course ends when the second begins."
    return f"{words[:1].upper()}{words[1:]}, in the same patients.{early}{absent}"
