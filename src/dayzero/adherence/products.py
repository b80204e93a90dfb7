"""Rules of what is given: the dose in its range, the product, its targets and its origin, lymphodepletion before it."""

import math
import re
from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from dayzero.adherence.courses import ROUNDING, Followed
from dayzero.adherence.given import Floats
from dayzero.adherence.judged import Judged, judge_given, unchecked
from dayzero.errors import InputError
from dayzero.grading.courses import CONDITIONING_DAYS
from dayzero.grading.truth import Truth
from dayzero.history import History
from dayzero.protocol.plan import Course, Dose

_BETWEEN: Final = re.compile(r"[^0-9a-z]+")
_ORIGINS: Final = ("auto", "allo", "donor")


def judge_products(history: History, followed: tuple[Followed, ...]) -> Iterator[Judged]:
    """Yield ``dose``, ``product`` and ``lymphodepletion`` of each course for which the protocol says something."""
    for each in followed:
        if each.course.dose is not None:
            yield _dose(history, each, each.course.dose)
        yield from (_written(history, each, column, planned) for column, planned in _stated(each.course).items())
        if each.course.lymphodepletion:
            yield _lymphodepletion(history, each)


def dose_words(dose: Dose) -> str:
    """Return the doses that comply, in words.

    Examples
    --------
    >>> dose_words(Dose(value=1e6, unit="cells/kg", lowest=8e5, highest=1.2e6))
    '8e5 to 1.2e6 cells/kg'
    """
    lowest, highest = dose.lowest, dose.highest
    if lowest is not None and highest is not None:
        return f"{_amount(lowest)} to {_amount(highest)} {dose.unit}"
    if lowest is not None:
        return f"at least {_amount(lowest)} {dose.unit}"
    return f"at most {_amount(highest)} {dose.unit}" if highest is not None else f"{_amount(dose.value)} {dose.unit}"


def _amount(value: float) -> str:
    return f"{value:g}" if value < 1e4 else f"{value:.3g}".replace("e+0", "e")


def _dose(history: History, each: Followed, dose: Dose) -> Judged:
    name, planned = each.course.name, dose_words(dose)
    if dose.lowest is None and dose.highest is None:
        return unchecked(history, "dose", name, planned=planned, why="the protocol gives no range of doses")
    if not dose.column:
        return unchecked(history, "dose", name, planned=planned, why="the protocol names no column of the dose")
    if dose.column not in history.attributes:
        why = f"the events have no column {dose.column!r}"
        return unchecked(history, "dose", name, planned=planned, why=why)
    values = _numbers(each, dose.column)
    lowest = -math.inf if dose.lowest is None else dose.lowest * (1 - ROUNDING)
    highest = math.inf if dose.highest is None else dose.highest * (1 + ROUNDING)
    kept = Truth((values >= lowest) & (values <= highest), (values < lowest) | (values > highest))
    return judge_given(each, "dose", planned=planned, kept=kept, observed=lambda k: f"{_amount(values[k])} {dose.unit}")


def _numbers(each: Followed, column: str) -> Floats:
    """Return (patients,) the doses; NaN where there is none."""
    texts = each.given.texts(column)
    values = texts.cast(pl.Float64, strict=False)
    wrong = (texts.is_not_null() & values.is_null()).arg_true()
    if len(wrong):
        row, mend = int(each.given.row[wrong[0]]), "Write it as 1000000 or 1e6."
        raise InputError("a dose that is not a number", mend=mend, file="events", row=row, column=column)
    return values.fill_null(math.nan).to_numpy()


def _stated(course: Course) -> dict[str, str]:
    """Return what the protocol says of the product, by the column in which a study writes it."""
    is_graft = course.event.startswith("hsct")
    said = {
        "product": course.product,
        "targets": ", ".join(course.targets),
        "kind" if is_graft else "origin": course.origin,
    }
    return {column: text for column, text in said.items() if text}


def _written(history: History, each: Followed, column: str, planned: str) -> Judged:
    words = f"{'origin' if column == 'kind' else column} {planned}"
    if column not in history.attributes:
        why = f"the events have no column {column!r}"
        return unchecked(history, "product", each.course.name, planned=words, why=why)
    texts = each.given.texts(column)
    agreeing = [text for text in texts.drop_nulls().unique() if _agrees(column, text, planned)]
    told, same = texts.is_not_null().to_numpy(), texts.is_in(agreeing).fill_null(value=False).to_numpy()
    kept = Truth(same, told & ~same)
    return judge_given(each, "product", planned=words, kept=kept, observed=lambda k: f"{column} {texts[k]}")


def _agrees(column: str, text: str, planned: str) -> bool:
    """Return whether a cell says what was planned: all targets, one of the origins, a name within the other."""
    if column == "targets":
        return set(_words(text)) == set(_words(planned))
    if column in ("origin", "kind"):
        return _origins(text) == _origins(planned)
    one, other = "".join(_words(text)), "".join(_words(planned))
    return one in other or other in one


def _words(text: str) -> list[str]:
    return list(filter(None, _BETWEEN.split(text.casefold())))


def _origins(text: str) -> set[str]:
    """Return the origins that a text names: autologous, allogeneic, donor; where none, its words."""
    words = _words(text)
    return {origin for origin in _ORIGINS for word in words if word.startswith(origin)} or set(words)


def _lymphodepletion(history: History, each: Followed) -> Judged:
    """Judge whether lymphodepletion began in the 14 days before the course (rule book 0.3)."""
    planned = f"lymphodepletion in the {CONDITIONING_DAYS:g} days before"
    rows = history.named("lymphodepletion", ())
    if not rows.height:
        why = "the events have no lymphodepletion"
        return unchecked(history, "lymphodepletion", each.course.name, planned=planned, why=why)
    patient, day = rows["patient"].to_numpy(), rows["day"].to_numpy()
    gap = np.where(each.given.dated, each.given.day, np.nan)[patient] - day
    had, undated = np.zeros(len(history), bool), np.zeros(len(history), bool)
    had[patient[(gap >= 0) & (gap <= CONDITIONING_DAYS)]] = True
    undated[patient[np.isnan(day)]] = True
    kept = Truth(had, ~had & ~undated)
    return judge_given(each, "lymphodepletion", planned=planned, kept=kept, observed=lambda _: "none in those days")
