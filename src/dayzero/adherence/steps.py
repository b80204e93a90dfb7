"""The flow of patients through the protocol's own steps: how many reached each, and why the others did not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import polars as pl

from dayzero.adherence.courses import DIED, LEFT, NO_DAY, NOT_YET, NOTHING_BEFORE, RELAPSED, Followed
from dayzero.adherence.given import Bools
from dayzero.endpoints import first_day
from dayzero.endpoints.tracks import MEASURED
from dayzero.history import History
from dayzero.protocol import Protocol, parse_term, term_words
from dayzero.protocol.plan import Decision

BEFORE: Final = (("enrolment", "enrolled"), ("apheresis", "apheresed"), ("lymphodepletion", "lymphodepleted"))
ASSESSED: Final = "response assessed"
REMISSION: Final = "complete remission"
SCHEMA: Final = {"step": pl.String, "of": pl.String, "depth": pl.Int64, "reason": pl.String, "n": pl.Int64}


@dataclass(frozen=True)
class Step:
    """One box of the flow.

    Attributes
    ----------
    name
        In words.
    patients
        (patients,) who reached it; all of them reached ``of`` before.
    of
        The step from which it is reached; empty for the first.
    depth
        0 along the course of everybody; deeper for what is counted beside it.
    lost
        By reason, (patients,) who reached ``of`` and not this; nobody has two.
    """

    name: str
    patients: Bools
    of: str = ""
    depth: int = 0
    lost: dict[str, Bools] = field(default_factory=dict)


def flow_table(steps: tuple[Step, ...]) -> pl.DataFrame:
    """Return a row a step (``reason`` null) and, below it, a row for each reason, with the number of patients."""
    rows = [
        (step.name, step.of or None, step.depth, reason, int(who.sum()))
        for step in steps
        for reason, who in ((None, step.patients), *step.lost.items())
    ]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def find_steps(history: History, protocol: Protocol, followed: tuple[Followed, ...]) -> tuple[Step, ...]:
    """Return the steps: everybody, the events before the first course that are on record, the courses, remission.

    A patient who had a later step had the earlier ones, though nobody wrote them down. The options of a decision that
    asks for a response stand below the remission, those of another one below the last course planned for everybody.
    """
    first = followed[0]
    steps = _before_first(history, first)
    steps.append(_course(first, steps[-1], history))
    spine = steps[-1]
    steps += _remission(history, protocol, spine)
    remission = steps[-1]
    asking = [decision for decision in protocol.decisions if _asks_response(decision)]
    for decision in asking:
        steps += _options(decision, followed, remission)
    for each in followed[1:]:
        if not each.course.decision:
            spine = _course(each, spine, history)
            steps.append(spine)
    for decision in protocol.decisions:
        if decision not in asking:
            taken = _taken(history, decision, spine)
            steps += [*taken, *_options(decision, followed, (spine, *taken)[-1])]
    return tuple(steps)


def _had(history: History, event: str) -> Bools:
    """Return (patients,) who has such an event, dated or not."""
    found = np.zeros(len(history), bool)
    found[history.named(event, ())["patient"].to_numpy()] = True
    return found


def _before_first(history: History, first: Followed) -> list[Step]:
    """Return everybody, and the steps before the first course that anybody has on record."""
    reached, found = _given(first), []
    for event, name in reversed(BEFORE):
        had = _had(history, event) & ~((first_day(history, parse_term(event)) > first.given.day) & first.given.dated)
        if had.any():
            reached = reached | had
            found.append((name, reached))
    steps = [Step("in the patients table", np.ones(len(history), bool))]
    for name, patients in reversed(found):
        steps.append(Step(name, patients, steps[-1].name, lost=_reasons(history, steps[-1].patients & ~patients)))
    return steps


def _given(each: Followed) -> Bools:
    return np.asarray(~np.isposinf(each.given.day))


def _course(each: Followed, parent: Step, history: History) -> Step:
    patients = _given(each) & parent.patients
    left = parent.patients & ~patients
    if not each.after:
        return Step(each.course.name, patients, parent.name, lost=_reasons(history, left))
    words = np.where(each.why == "", "not given, though it was due", each.why)
    lost = {str(why): left & (words == why) for why in _ORDER if (left & (words == why)).any()}
    rest = left & ~np.isin(words, list(lost))
    return Step(each.course.name, patients, parent.name, lost=lost | ({NO_DAY: rest} if rest.any() else {}))


_ORDER: Final = (
    *(DIED, RELAPSED, LEFT, NOTHING_BEFORE),
    *("not given, though it was due", NOT_YET),
)


def _reasons(history: History, left: Bools) -> dict[str, Bools]:
    """Return who left by reason: as stated in the attribute ``reason``, else that they died, else nothing is known."""
    died = _had(history, "death")
    words = np.where(died, DIED, "reason not stated").astype(object)
    if "reason" in history.attributes:
        stated = history.events.filter(pl.col("event").is_in(LEAVING) & (pl.col("reason").str.strip_chars() != ""))
        for patient, reason in stated.unique("patient", keep="first").select("patient", "reason").iter_rows():
            words[patient] = reason.strip()
    texts = [str(word) for word in dict.fromkeys(words[left].tolist())]
    lost = {text: left & (words == text) for text in texts}
    return dict(sorted(lost.items(), key=lambda item: (-int(item[1].sum()), item[0])))


LEAVING: Final = ("enrolment", "apheresis", "last_contact", "death")


def _remission(history: History, protocol: Protocol, infused: Step) -> Iterator[Step]:
    """Yield who had a response assessed from day zero on, and who reached a complete remission."""
    words = protocol.definitions
    any_response = parse_term(f"response after {words.day_zero}")
    if not np.isfinite(first_day(history, any_response)).any():
        return
    day = first_day(history, any_response)
    assessed = infused.patients & ~np.isposinf(day)
    left = infused.patients & ~assessed
    died = left & _had(history, "death")
    lost = {"died before an assessment": died, "not assessed": left & ~died}
    first = Step(ASSESSED, assessed, infused.name, 1, {why: who for why, who in lost.items() if who.any()})
    reached = assessed & ~np.isposinf(first_day(history, parse_term(words.cr.replace("{day_zero}", words.day_zero))))
    yield first
    none = assessed & ~reached
    yield Step(REMISSION, reached, first.name, 2, {"no complete remission": none} if none.any() else {})


def _asks_response(decision: Decision) -> bool:
    terms = filter(None, (decision.at, *decision.needs))
    return any(parse_term(text).name in MEASURED for text in terms)


def _taken(history: History, decision: Decision, parent: Step) -> list[Step]:
    """Return the step at which a decision is taken, where the protocol names its event."""
    if not decision.at:
        return []
    here = parent.patients & ~np.isposinf(first_day(history, parse_term(decision.at)))
    return [Step(term_words(decision.at), here, parent.name, parent.depth + 1)]


def _options(decision: Decision, followed: tuple[Followed, ...], parent: Step) -> Iterator[Step]:
    """Yield the options of a decision; a patient may have had several of them."""
    rest = parent.patients.copy()
    for each in followed:
        if each.course.decision == decision.name:
            patients = parent.patients & _given(each)
            rest &= ~patients
            yield Step(each.course.name, patients, parent.name, parent.depth + 1)
    yield Step(f"{decision.name}: none of these", rest, parent.name, parent.depth + 1)
