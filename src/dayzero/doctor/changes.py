"""What a concern would change in the numbers of a study, in words and as a size to sort by."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import e, inf, log
from typing import Final

import numpy as np

from dayzero.checks.endpoint_facts import has_relapse
from dayzero.doctor.concerns import Concern
from dayzero.doctor.questions import Answers, Number, Question, answer, is_asked_for
from dayzero.doctor.rewritten import Bound, as_reported, dated, followed, without
from dayzero.endpoints import exclusions
from dayzero.errors import InputError
from dayzero.history import History
from dayzero.protocol import Endpoint, Protocol
from dayzero.report.formats import listed, plural
from dayzero.report.labels import in_sentence

ELSEWHERE: Final = frozenset({"no_origin", "not_in_population"})
"""Reasons for not being in an endpoint that are no fault of the data."""

MOST: Final = 0.5
AS_READ: Final = frozenset({"analyte-in-two-units", "excel-text-numbers", "excel-text-dates"})
"""Findings about how cells are written: those that could not be read have findings of their own."""
AS_GRADED: Final = frozenset(
    """agvhd-scales-differ crs-after-hsct crs-late-onset crs-neutropenic-fever crs-not-evaluable cytokine-above-range
    death-before-first-assessment icaht-within-transplant-nadir iec-hs-screen-positive il6-after-tocilizumab
    kinetics-above-range kinetics-few-samples kinetics-several-assays response-uncertain""".split()
)
"""Findings about what a grade rests on: the patients are no fault of the data, and nobody would leave them out."""
DIFFERS: Final = ("-differs", "seizure-below-grade-3")
"""How the names of findings end where a reported event differs from the derived one that counts in its place."""
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
    """A study as its concerns are held against it: its numbers now, and how they are asked of another history.

    ``texts`` are those of its settings, in which columns are named.
    """

    history: History
    endpoints: tuple[Endpoint, ...]
    texts: tuple[str, ...]
    protocol: Protocol
    questions: tuple[Question, ...]
    now: Answers

    def ask(self, history: History) -> Answers:
        """Return the numbers of another history."""
        return answer(self.questions, history, protocol=self.protocol)

    def ask_otherwise_censored(self) -> Answers:
        """Return the numbers where relapse is asked for only up to the last assessment, or else to the last contact."""
        changed = {each.name: _otherwise(each) for each in self.endpoints if has_relapse(each)}
        return answer(
            self.questions,
            self.history,
            protocol=replace(self.protocol, endpoints={**self.protocol.endpoints, **changed}),
        )


def _otherwise(endpoint: Endpoint) -> Endpoint:
    return replace(endpoint, censor="last_contact" if endpoint.censor == "last_assessment" else "last_assessment")


def change_of(concern: Concern, case: Case, *, run: bool = True) -> Change:
    """Return what a concern would change.

    Parameters
    ----------
    concern
        Undated events are put on the first and on the last day that they can have had; patients whose follow-up has
        no end are followed to their last event and to the last day of the data; a reported event that differs from
        the derived one counts in its place; all others are left out.
    case
        The study.
    run
        Whether the numbers may be computed again; otherwise only those who are left out of an analysis are counted.
    """
    nothing = _nothing(concern, case)
    if nothing:
        return Change((nothing,))
    lost, left_out = _left_out(concern, case)
    if not concern.n:
        return Change((_elsewhere(concern),), 0.0, concern.n_rows if concern.finding.level == "error" else 0)
    if not run or not _tells(concern, case):
        why = f"it concerns {concern.n:,} of {len(case.history):,} patients" if run else "there are too many findings"
        return Change((*left_out, f"Not computed: {why}."), 0.0, lost)
    lead, runs = _again(concern, case)
    moved = sorted(_moved(case.now, runs), key=lambda change: -change[0])
    if not moved:
        return Change(left_out or ("Nothing that is printed.",), 0.0, lost)
    told = [next((words for _, number, words in moved if number.unit == unit), "") for unit in ("rate", "ratio")]
    return Change((f"{lead}: {'; '.join(filter(None, told))}.", *left_out), moved[0][0], lost)


def _nothing(concern: Concern, case: Case) -> str:
    """Say why nothing can change; empty where something may."""
    if concern.finding.code in AS_READ:
        return "Nothing: the cells were read as what they say."
    if concern.finding.code in AS_GRADED:
        return "Nothing: it says what the grades and peaks rest on."
    if concern.baseline and not is_asked_for(concern.baseline, case.texts):
        return "Nothing: no analysis asks for the column."
    return ""


def _tells(concern: Concern, case: Case) -> bool:
    """Return whether the numbers tell something: without most of the patients they are those of another study."""
    return bool(concern.undated) or concern.finding.code == "censoring-gap" or concern.n <= MOST * len(case.history)


def _again(concern: Concern, case: Case) -> tuple[str, list[Answers]]:
    """Return how the history was changed, in words, and its numbers each time."""
    history, patients = case.history, concern.patients
    if concern.finding.code == "censoring-gap":
        now = {each.censor for each in case.endpoints if has_relapse(each)}
        lead = "Censored at the last assessment" if now == {"last_contact"} else "Censored in the other way"
        return lead, [case.ask_otherwise_censored()]
    if concern.finding.code.endswith(DIFFERS):
        return "As it was reported", [case.ask(as_reported(history, concern.finding.rows))]
    if concern.undated:
        changed = [dated(history, concern.undated, bound, concern.possible) for bound in BOUNDS]
        lead = "With the first and with the last possible day"
    elif np.isnan(history.end[patients]).all():
        changed = [followed(history, patients, bound) for bound in BOUNDS]
        lead = "Followed to the last event, and to the last day of the data"
    else:
        changed = [without(history, patients)]
        lead = f"Without {'this patient' if concern.n == 1 else f'these {concern.n:,} patients'}"
    return lead, [case.ask(each) for each in changed]


def _moved(now: Answers, runs: Sequence[Answers]) -> Iterator[tuple[float, Number, str]]:
    """Yield the size, the number and the words of every number that would be printed otherwise."""
    for number, value in now.items():
        values = [run.get(number) for run in runs]
        texts = ["not estimable" if other is None else number.write(other) for other in values]
        if any(text != number.write(value) for text in texts):
            words = f"{number.words} {number.write(value)}\u00a0→\u00a0{' and '.join(dict.fromkeys(texts))}"
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
    told = (
        f"{_who(n, concern.n)} left out of {listed(dict.fromkeys(titles))}."
        for n, titles in sorted(counts.items())[::-1]
    )
    return max(counts, default=0), tuple(told)


def _who(n: int, of: int) -> str:
    """Name some of the patients concerned.

    Examples
    --------
    >>> _who(1, 1), _who(2, 2), _who(1, 3)
    ('This patient is', 'These 2 patients are', '1 of these 3 patients is')
    """
    if n == of:
        return "This patient is" if n == 1 else f"These {n:,} patients are"
    return f"{n:,} of these {of:,} patients {'is' if n == 1 else 'are'}"


def _elsewhere(concern: Concern) -> str:
    """Say what follows from rows whose patients are in no analysis."""
    if concern.finding.code == "column-known-later":
        return "The column is refused in analyses."
    return f"{plural(concern.n_rows, 'row')} in no analysis." if concern.n_rows else "Nothing that is printed."
