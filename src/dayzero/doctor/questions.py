"""The numbers of a study that its data are held against: rates on the first day asked for, and hazard ratios."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from dayzero.analyses import Context
from dayzero.analyses.cox import CoxSettings, prepare_cox
from dayzero.analyses.curve import CurveSettings
from dayzero.checks import columns_known_later
from dayzero.errors import InputError
from dayzero.estimators.curves.aalen_johansen import aalen_johansen
from dayzero.history import History
from dayzero.protocol import Protocol
from dayzero.report.formats import moment, percent, ratio
from dayzero.report.labels import column_label, event_label, group_labels, in_sentence
from dayzero.study import Study, endpoints_of

DAYS: Final = (365.0, 730.0, 1095.0, 1826.0)
"""Where a curve names no day: the first of these, where follow-up goes that far."""

Unit = Literal["rate", "ratio"]


@dataclass(frozen=True)
class Number:
    """A number of the study: a probability, or a hazard ratio, in words."""

    unit: Unit
    words: str

    def write(self, value: float) -> str:
        """Write a value of it as the report does."""
        return f"{percent(value)}\u00a0%" if self.unit == "rate" else ratio(value)


Answers = Mapping[Number, float]


@dataclass(frozen=True)
class Rate:
    """The probability of an endpoint's event, or of being free of it, on one day."""

    endpoint: str
    by: str
    day: float

    def answer(self, context: Context) -> Answers:
        """Return the rate of each group, or of everybody; one that cannot be estimated is left out."""
        endpoint = context.endpoint(self.endpoint)
        rows = aalen_johansen(context.spells(endpoint), self.by or None, [self.day]).rows.drop_nulls("estimate")
        own = [row for row in rows.to_dicts() if row["term"] in (None, endpoint.event_state)]
        names = group_labels((row["group"] for row in own), self.by)
        when = moment(self.day).removesuffix("s").replace(" ", "-")
        words = f"{when} {in_sentence(endpoint.title)}"
        return {Number("rate", f"{words}{_in(names[row['group']], row['group'])}"): row["estimate"] for row in own}


@dataclass(frozen=True)
class Ratio:
    """The hazard ratios of a Cox model."""

    settings: CoxSettings

    def answer(self, context: Context) -> Answers:
        """Return the ratio of each term."""
        model = prepare_cox(self.settings, context)
        rows = model.fit().estimate().where(statistic="hazard_ratio").rows.drop_nulls("estimate")
        words = f"hazard ratio for {in_sentence(model.endpoint.title)}"
        return {Number("ratio", f"{words}, {_term(row['term'])}"): row["estimate"] for row in rows.to_dicts()}


def _in(name: str, group: str | None) -> str:
    return f", {name}" if group is not None else ""


def _term(term: str) -> str:
    column, equals, level = term.partition("=")
    return f"{column_label(column)} {level}" if equals else event_label(term)


Question = Rate | Ratio


def questions_of(study: Study) -> tuple[Question, ...]:
    """Return what a study asks of its data and can answer, each question once.

    The day of a rate is fixed here, so that all runs are compared on it. An endpoint that only other kinds of analyses
    use is asked for its rate in everybody.
    """
    context = Context(study.history, study.protocol, _refused(study))
    settings = [analysis.settings for analysis in study.analyses]
    asked: list[Question] = []
    for each in settings:
        if isinstance(each, CoxSettings):
            asked.append(Ratio(each))
        elif isinstance(each, CurveSettings):
            asked += _rate(context, each.endpoint, each.by, each.times)
    curves = {each.endpoint for each in settings if isinstance(each, CurveSettings)}
    for name in dict.fromkeys(getattr(each, "endpoint", "") for each in settings):
        asked += _rate(context, name) if name not in curves else []
    return tuple(question for question in asked if _answered(question, context))


def _refused(study: Study) -> dict[str, tuple[tuple[str, str], ...]]:
    found = endpoints_of(study)
    return {each.name: columns_known_later(study.history, study.protocol, (each,)) for each in found}


def _rate(context: Context, name: str, by: str = "", times: Sequence[float] = ()) -> list[Question]:
    try:
        last = float(context.spells(context.endpoint(name)).stop.max())
    except InputError:  # the report says so
        return []
    if by and by in dict(context.refused.get(name, ())):
        by = ""
    day = times[0] if times else next((day for day in DAYS if day <= last), float(np.ceil(last / 2)))
    return [Rate(name, by, day)]


def _answered(question: Question, context: Context) -> bool:
    try:
        return bool(question.answer(context))
    except InputError:  # the report says so
        return False


def answer(questions: Sequence[Question], history: History, *, protocol: Protocol) -> Answers:
    """Return every number that can be estimated from a history."""
    context = Context(history, protocol)
    found: dict[Number, float] = {}
    for question in questions:
        try:
            found |= question.answer(context)
        except InputError:
            continue
    return found


def texts_of(study: Study) -> tuple[str, ...]:
    """Return every text in the settings of a study's analyses and in the populations of their endpoints."""
    populations = [endpoint.population for endpoint in endpoints_of(study)]
    settings = [text for analysis in study.analyses for text in _texts(vars(analysis.settings))]
    return tuple(dict.fromkeys([*settings, *filter(None, populations)]))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _texts(item)


def is_asked_for(column: str, texts: Sequence[str]) -> bool:
    """Return whether a column is named in some text, alone or in a term.

    Examples
    --------
    >>> is_asked_for("age", ["os", "spline(age, 3)"]), is_asked_for("age", ["stage"])
    (True, False)
    """
    return any(re.search(rf"(?<!\w){re.escape(column)}(?!\w)", text) for text in texts)
