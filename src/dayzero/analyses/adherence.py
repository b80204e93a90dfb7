"""The analysis kind ``adherence``: what was planned and what was done, who was eligible, who completed the plan."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl

from dayzero.adherence import Adherence, Completers, Judged, backbone, eligible, hold_against
from dayzero.adherence.judged import listing
from dayzero.analyses.adherence_findings import find_adherence
from dayzero.analyses.context import Context
from dayzero.analyses.denominators import share, spread, tally
from dayzero.errors import InputError
from dayzero.estimate import Estimate, concat
from dayzero.grading.truth import Truth
from dayzero.history import History
from dayzero.protocol import Protocol, listed, parse_term, term_words
from dayzero.report.page import Section
from dayzero.spells import Bools

IMMORTAL: Final = (
    "immortal_time: a completer cannot have died before the last planned course{span}; compared with the others from "
    "the first course on, completing looks as if it prolonged life"
)
CHECKED: Final = "eligible by the criteria that can be checked"
_DAYS_PER_MONTH: Final = 30.4375


@dataclass(frozen=True)
class AdherenceSettings:
    """Settings of a table of adherence.

    Attributes
    ----------
    level
        Of the exact limits.
    """

    level: float = 0.95

    def __post_init__(self) -> None:
        """Refuse a level that is no probability."""
        if not 0 < self.level < 1:
            raise InputError("a level outside 0 to 1", mend="Write level = 0.95.", column="level")


def run_adherence(settings: AdherenceSettings, context: Context) -> Section:
    """Count deviations of those who had the course, eligibility, visits kept, completers, and the steps of the flow."""
    history, protocol, level = context.history, context.protocol, settings.level
    found = hold_against(history, protocol)
    parts = [
        *_steps(found),
        *_deviations(found, level),
        *_visits(found, level),
        *_criteria(found, len(history), level),
        *_completers(found.completers, level),
    ]
    return Section(
        kind="adherence",
        title="Adherence to the protocol",
        estimates=concat(parts),
        patients=_listing(history, found),
        definition=_definition(protocol),
        notes=_notes(protocol, found),
        findings=find_adherence(history, found),
        design=tuple(_words(found)),
        settings={"protocol": protocol.name or protocol.title, "level": level},
    )


def _steps(found: Adherence) -> Iterator[Estimate]:
    """Yield the flow: a ``count`` a step, of the step before it, and one for each reason not to have reached it."""
    sizes = {step.name: int(step.patients.sum()) for step in found.steps}
    for step in found.steps:
        of = sizes.get(step.of, sizes[step.name])
        yield tally(sizes[step.name], f"step: {step.name}", of=of, group=f"of={step.of}" if step.of else None)
        for reason, who in step.lost.items():
            yield tally(int(who.sum()), f"lost: {reason}", of=of, group=f"step={step.name}")


def _deviations(found: Adherence, level: float) -> Iterator[Estimate]:
    """Yield the deviations of each rule and course, of those who had the course, or to whom it was due."""
    rules = [each for each in _in_order(found) if each.rule != "visit" and not each.unchecked]
    anything = np.any([each.wrong for each in rules], axis=0) if rules else np.zeros_like(found.completers.started)
    yield share(anything, found.completers.started, level=level, term="any deviation", group="rule=any")
    for each in rules:
        yield share(each.wrong, each.judged, level=level, term=each.course, group=f"rule={named(each)}")
        if each.unknown.any():
            n = int(each.asked.sum())
            yield tally(int(each.unknown.sum()), f"unknown: {each.course}", of=n, group=f"rule={named(each)}")


def _in_order(found: Adherence) -> list[Judged]:
    """Return the rules by course, in the planned order; what nobody planned comes last."""
    places = {each.course.name: place for place, each in enumerate(found.courses)}
    return sorted(found.judged, key=lambda each: places.get(each.course, len(places)))


def named(each: Judged) -> str:
    """Return the name of a rule in a group: with what it asks for, where a course has several of its kind."""
    return f"{each.rule}: {each.planned}" if each.rule in {"product", "decision"} else each.rule


def _visits(found: Adherence, level: float) -> Iterator[Estimate]:
    """Yield the visits kept, of those that were due."""
    for each in found.judged:
        if each.rule == "visit" and not each.unchecked:
            name, _, month = each.course.rpartition(", month ")
            time = float(month) * _DAYS_PER_MONTH
            yield share(each.kept.yes, each.judged, level=level, term=name, time=time, group="visit=kept")


def _criteria(found: Adherence, n: int, level: float) -> Iterator[Estimate]:
    everybody = np.ones(n, bool)
    for each in found.criteria:
        yield from _three(each.met, everybody, level, ("status", each.criterion.criterion, "met", "not met"))
    if found.criteria:
        yield from _three(eligible(found.criteria, n), everybody, level, ("eligible", "eligible", "yes", "no"))
    checked = tuple(each for each in found.criteria if not each.why)
    if 0 < len(checked) < len(found.criteria):
        yield from _three(eligible(checked, n), everybody, level, ("eligible", CHECKED, "yes", "no"))


def _three(truth: Truth, among: Bools, level: float, words: tuple[str, str, str, str]) -> Iterator[Estimate]:
    column, term, yes, no = words
    for value, who in ((yes, truth.yes), (no, truth.no), ("unknown", truth.unknown)):
        yield share(who, among, level=level, term=term, group=f"{column}={value}")


def _completers(found: Completers, level: float) -> Iterator[Estimate]:
    """Yield the per-protocol set, of all who had the first course, and the days that they were immortal."""
    if not found.is_a_choice:
        return
    span = ""
    if found.planned and found.planned[1] > 0:
        low, high = found.planned
        days = f"{low:g}" if low == high else f"{low:g} to {high:g}"
        span = f", {days} days after the first as planned"
    waits = bool(np.nansum(found.immortal) > 0)
    warning = IMMORTAL.format(span=span) if waits else None
    yield share(found.complete, found.started, level=level, term="per_protocol", warning=warning)
    yield spread(found.immortal, "immortal_time")
    unknown = found.started & found.completed.unknown
    if unknown.any():
        yield tally(int(unknown.sum()), "per_protocol unknown", of=int(found.started.sum()))
    for why in sorted(set(found.why[found.started & found.completed.no].tolist())):
        who = found.started & found.completed.no & (found.why == why)
        yield tally(int(who.sum()), f"not per protocol: {why}", of=int(found.started.sum()))


def _words(found: Adherence) -> Iterator[tuple[str, str, str]]:
    """Yield the words that stand beside the numbers: the plan, why something is not checked, the depth of a step."""
    for step in found.steps:
        yield f"step: {step.name}", step.of, str(step.depth)
    for each in _in_order(found):
        if each.rule != "visit" or each.unchecked:
            yield f"{named(each)}: {each.course}", each.planned, each.unchecked
    for checked in found.criteria:
        yield f"criterion: {checked.criterion.criterion}", checked.criterion.kind, checked.why


def _listing(history: History, found: Adherence) -> pl.DataFrame:
    """Return a row a deviation, the patient by label, the day counted from the first course."""
    rows = listing(found.judged)
    labels = history.patients["patient"].cast(pl.String)
    start = np.where(found.completers.started, found.courses[0].given.day, np.nan)[rows["patient"].to_numpy()]
    since = pl.Series("day_since_first_course", rows["day"].to_numpy() - start).fill_nan(None)
    named_rows = rows.with_columns(labels.gather(rows["patient"]).alias("patient"), since)
    return named_rows.select("patient", "course", "rule", "day_since_first_course", "planned", "observed", "row")


def _definition(protocol: Protocol) -> str:
    names = listed([course.name for course in backbone(protocol)])
    return (
        f"Planned for everybody: {names}. A deviation is counted of those who had the course, or to whom it was due "
        "while they lived, without relapse or progression, and under observation. What is unknown counts as neither."
    )


def _last(protocol: Protocol) -> str:
    return backbone(protocol)[-1].event


def _notes(protocol: Protocol, found: Adherence) -> tuple[str, ...]:
    said = ["Exact limits are those of Clopper and Pearson."]
    doses = [(course.name, course.dose.range_source) for course in protocol.courses if course.dose]
    said += [f"Range of the dose of the {name}: {source}." for name, source in doses if source]
    said += [f"Windows of {v.name} visits: {v.windows_source}." for v in protocol.visits if v.windows_source]
    if not found.completers.is_a_choice:
        said.append("One course is planned for everybody: whoever had it is per protocol, and there is no such set.")
    elif np.nansum(found.completers.immortal) > 0:
        last = _last(protocol)
        said.append(
            f'To compare completing, write kind = "strategy" with treatment = "{last}" '
            f"({term_words(parse_term(last))}): its time is the day from which a patient is a completer."
        )
    return tuple(said)
