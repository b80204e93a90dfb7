"""What a concern would change in the numbers of a study, in words and as a size to sort by."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import e, inf, log
from typing import Final

import numpy as np

from dayzero.doctor.concerns import Concern
from dayzero.doctor.questions import Answers, Number
from dayzero.doctor.rewritten import Bound, dated, without
from dayzero.endpoints import exclusions
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Endpoint, listed
from dayzero.report.formats import plural
from dayzero.report.labels import in_sentence

ELSEWHERE: Final = frozenset({"no_origin", "not_in_population"})
"""Reasons for not being in an endpoint that are no fault of the data."""

BOUNDS: Final[tuple[Bound, ...]] = ("earliest", "latest")


@dataclass(frozen=True)
class Change:
    """What a concern would change.

    Attributes
    ----------
    words
        A sentence each; never empty.
    size
        The largest move, in percentage points of a probability: a hazard ratio that is multiplied by exp(d) moves a
        survival by at most d / e.
    lost
        The patients who are not in some analysis.
    """

    words: tuple[str, ...]
    size: float = 0.0
    lost: int = 0


@dataclass(frozen=True)
class Case:
    """A study as its concerns are held against it: its numbers now, and how they are asked of another history."""

    history: History
    endpoints: tuple[Endpoint, ...]
    now: Answers
    ask: Callable[[History], Answers]


def change_of(concern: Concern, case: Case, *, run: bool = True) -> Change:
    """Return what a concern would change.

    Parameters
    ----------
    concern
        Undated events are put on the first and on the last day that they can have had; otherwise the patients
        concerned are left out.
    case
        The study.
    run
        Whether the numbers may be computed again; otherwise only those who are left out of an analysis are counted.
    """
    lost, left_out = _left_out(concern, case)
    if not concern.n:
        return Change((_elsewhere(concern),), 0.0, concern.n_rows if concern.finding.level == "error" else 0)
    if not run:
        return Change((*left_out, "Not computed: there are too many findings, or patients."), 0.0, lost)
    moved = sorted(_moved(case.now, _again(concern, case)), key=lambda change: -change[0])
    if not moved:
        return Change(left_out or ("Nothing that is printed.",), 0.0, lost)
    told = [next((words for _, number, words in moved if number.unit == unit), "") for unit in ("rate", "ratio")]
    lead = "With the first and with the last possible day" if concern.undated else f"Without {_these(concern.n)}"
    return Change((f"{lead}: {'; '.join(filter(None, told))}.", *left_out), moved[0][0], lost)


def _again(concern: Concern, case: Case) -> list[Answers]:
    if concern.undated:
        return [case.ask(dated(case.history, concern.undated, bound)) for bound in BOUNDS]
    return [case.ask(without(case.history, concern.patients))]


def _these(n: int) -> str:
    return "this patient" if n == 1 else f"these {n:,} patients"


def _moved(now: Answers, runs: Sequence[Answers]) -> Iterator[tuple[float, Number, str]]:
    """Yield the size, the number and the words of every number that would be printed otherwise."""
    for number, value in now.items():
        values = [run.get(number) for run in runs]
        texts = ["not estimable" if other is None else number.write(other) for other in values]
        if any(text != number.write(value) for text in texts):
            words = f"{number.words} {number.write(value)} → {' and '.join(dict.fromkeys(texts))}"
            yield max(_size(number, value, other) for other in values), number, words


def _size(number: Number, now: float, then: float | None) -> float:
    if then is None:
        return 100.0
    if number.unit == "rate":
        return 100 * abs(then - now)
    if not (0 < now < inf and 0 < then < inf):
        return 100.0
    return 100 / e * abs(log(then / now))


def _left_out(concern: Concern, case: Case) -> tuple[int, tuple[str, ...]]:
    """Return how many of the patients concerned are in no analysis of some endpoint, and the sentences that say so."""
    counts: dict[int, list[str]] = {}
    for endpoint in case.endpoints:
        try:
            reasons = [each.patients for each in exclusions(case.history, endpoint) if each.code not in ELSEWHERE]
        except InputError:  # the report says so
            continue
        n = int((np.any(reasons, axis=0) & concern.patients).sum())
        counts.setdefault(n, []).append(in_sentence(endpoint.title))
    counts.pop(0, None)
    who = "of these patients left out of"
    told = (f"{n:,} {who} {listed(dict.fromkeys(titles))}." for n, titles in sorted(counts.items(), reverse=True))
    return max(counts, default=0), tuple(told)


def _elsewhere(concern: Concern) -> str:
    """Say what follows from rows whose patients are in no analysis."""
    if concern.finding.code == "column-known-later":
        return "The column is refused in analyses."
    rows = concern.finding.rows
    return f"{plural(len(rows), 'row')} in no analysis." if rows else "Nothing that is printed."
