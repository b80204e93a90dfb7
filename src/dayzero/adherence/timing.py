"""Rules of time: a course in its window, after what it comes after, and given at all."""

from collections.abc import Iterator

import numpy as np

from dayzero.adherence.courses import ROUNDING, Followed
from dayzero.adherence.judged import Judged
from dayzero.grading.truth import Truth
from dayzero.history import History
from dayzero.protocol import parse_term, term_words


def after_words(each: Followed) -> str:
    """Return what a course comes after, in words."""
    return term_words(parse_term(each.after))


def window_words(each: Followed) -> str:
    """Return the window of a course in words: ``day 42 to 56 after first CAR-T infusion``."""
    if not each.course.window:
        return f"after {after_words(each)}" if each.after else ""
    first, last = each.course.window
    days = f"day {first:g}" if first == last else f"day {first:g} to {last:g}"
    return f"{days} after {after_words(each)}"


def judge_timing(history: History, followed: tuple[Followed, ...]) -> Iterator[Judged]:
    """Yield ``window``, ``order`` and ``missing`` of each course that comes after something."""
    for each in followed:
        if each.course.window:
            yield _window(each)
        if each.after:
            yield _order(each)
        if each.course.window and not each.course.decision:
            yield _missing(history, each)


def _window(each: Followed) -> Judged:
    """Judge who had the course on or after what it comes after; before it is a matter of order."""
    first, last = each.course.window
    since = each.since
    with np.errstate(invalid="ignore"):
        late = since > last + ROUNDING
        early = (since < first - ROUNDING) & (since >= 0)
        inside = (since >= first - ROUNDING) & ~late
    asked = (each.given.dated | np.isnan(each.given.day)) & ~np.isposinf(each.reference) & ~(since < 0)
    name = after_words(each)
    return Judged(
        "window", each.course.name, window_words(each), asked, Truth(inside, early | late),
        lambda k: f"day {since[k]:g} after {name}", each.given.day,
        each.given.row,
    )  # fmt: skip


def _order(each: Followed) -> Judged:
    given = each.given
    alone = given.dated & np.isposinf(each.reference)
    with np.errstate(invalid="ignore"):
        before = given.dated & (given.day < each.reference) & ~alone
        kept = given.dated & (given.day >= each.reference)
    words = after_words(each)
    asked = given.dated | np.isnan(given.day)
    return Judged(
        "order", each.course.name, f"after {words}", asked, Truth(kept, alone | before),
        lambda k: f"given {'without' if alone[k] else 'before'} {words}", given.day, given.row,
    )  # fmt: skip


def _missing(history: History, each: Followed) -> Judged:
    """Judge those who were due: given, or the whole window passed under observation."""
    missed = each.state == "missed"
    nothing = np.full(len(history), np.nan)
    asked = (each.state == "given") | missed | (each.state == "unknown")
    return Judged(
        "missing", each.course.name, window_words(each), asked, Truth(each.state == "given", missed),
        lambda _: "not given", nothing, np.zeros(len(history), np.int64),
    )  # fmt: skip
