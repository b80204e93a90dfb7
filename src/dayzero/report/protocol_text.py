"""A protocol as text for a terminal, its timeline drawn in characters."""

import textwrap
from collections.abc import Iterable, Iterator
from typing import Final

from dayzero.protocol import Protocol
from dayzero.protocol.plan_words import (
    NOT_STATED,
    criterion_words,
    decision_words,
    dose_words,
    given_words,
    visit_words,
    when_words,
)
from dayzero.report.formats import printable
from dayzero.report.protocol_timeline import Lane, Timeline, timeline_of
from dayzero.report.protocol_view import ProtocolView, figure_words, what_words, who_words

_WIDTH: Final = 100
_LABEL: Final = 26
_AXIS: Final = _WIDTH - _LABEL - 1


def protocol_text(view: ProtocolView) -> str:
    """Return the whole page of a protocol as text, at most 100 characters wide."""
    plan = view.protocol
    blocks = [
        _header(plan),
        _block("Timeline", draw_timeline(timeline_of(plan))),
        _block("Courses", _courses(plan)),
        _block("Decisions", _decisions(plan)),
        _block("Eligibility", _eligibility(plan)),
        _block("Visits", _visits(plan)),
        _block("Definitions", _wordings(plan)),
        _block("Endpoints", (line for title, text in view.definitions for line in _item(title, (text,)))),
        _block("Planned comparisons", _comparisons(plan)),
        _block("What the document does not say", (line for text in plan.not_stated for line in _item(text))),
        _block(f"What the document prints: {len(view.records)} figures", _records(view)),
    ]
    lines = "\n\n".join(filter(None, blocks)).split("\n")
    return "\n".join(map(printable, lines)) + "\n"


def draw_timeline(timeline: Timeline) -> list[str]:
    """Return the timeline in characters.

    A day is ``#``, a window ``=``, a visit ``|`` with its own window of dashes, a decision ``<>``; what has no day is
    drawn with spaces between.
    """
    lines = [_scale(timeline)]
    for lane in timeline.lanes:
        label = f"{'  ' * lane.level}{lane.label}"
        cut = label if len(label) <= _LABEL else f"{label[: _LABEL - 3]}..."
        lines.append(f"{cut:{_LABEL}} {_bar(lane, timeline)}".rstrip())
        lines += [f"{'':{_LABEL}} {line}" for line in textwrap.wrap(lane.detail, _AXIS)]
    return lines


def _column(day: float, timeline: Timeline) -> int:
    return round(timeline.place(day) * (_AXIS - 1))


def _scale(timeline: Timeline) -> str:
    """Return the axis: words of the ticks, left out where one would touch the last."""
    text = ""
    for day, words in timeline.ticks:
        at = _column(day, timeline)
        if at >= len(text) + bool(text) and at + len(words) <= _AXIS:
            text = text.ljust(at) + words
    return f"{'':{_LABEL}} {text}"


def _bar(lane: Lane, timeline: Timeline) -> str:
    start = _column(lane.first, timeline)
    if lane.kind == "decision":
        return " " * start + ("<>" if lane.fixed else "  . . <> . .")
    if lane.marks:
        return _visits_bar(lane, timeline)
    if lane.last is None:
        return " " * start + "- " * ((_AXIS - start) // 2 - 1) + ">"
    width = _column(lane.last, timeline) - start
    return " " * start + ("=" * (width + 1) if width else "#")


def _visits_bar(lane: Lane, timeline: Timeline) -> str:
    line = [" "] * _AXIS
    for mark in lane.marks:
        for at in range(_column(mark.day - mark.before, timeline), _column(mark.day + mark.after, timeline) + 1):
            line[at] = "-" if line[at] == " " else line[at]
        line[_column(mark.day, timeline)] = "|"
    return "".join(line)


def _header(plan: Protocol) -> str:
    facts = (("Name", plan.name), ("Document", plan.source), ("Status", plan.status), ("Disease", plan.disease),
             ("Patients", plan.population))  # fmt: skip
    lines = [line for name, text in facts if text for line in _wrapped(f"{name}: {text}", indent="  ")]
    title = textwrap.wrap(plan.title or plan.name or "A protocol without a title", _WIDTH)
    return "\n".join([*title, "=" * max(map(len, title)), *lines])


def _block(heading: str, lines: Iterable[str]) -> str:
    body = list(lines)
    return "\n".join([heading, "-" * len(heading), *body]) if body else ""


def _wrapped(text: str, indent: str = "", more: str = "    ") -> list[str]:
    return textwrap.wrap(text, _WIDTH, initial_indent=indent, subsequent_indent=more)


def _item(head: str, details: Iterable[str] = (), *, quote: str = "", source: str = "") -> Iterator[str]:
    yield from _wrapped(head, indent="* ", more="  ")
    for text in filter(None, details):
        yield from _wrapped(text, indent="    ")
    if quote:
        yield from _wrapped(f'"{quote}"', indent="    ")
    if source:
        yield from _wrapped(f"[{source}]", indent="    ")


def _courses(plan: Protocol) -> Iterator[str]:
    for number, course in enumerate(plan.courses, start=1):
        dose = [f"dose: {dose_words(course.dose)}", f"lymphodepletion: {course.lymphodepletion or NOT_STATED}"]
        infused = dose if course.event.startswith("infusion") else []
        decided = f"an option of the decision: {course.decision}" if course.decision else ""
        due = "day zero of the plan" if number == 1 and not course.after else when_words(course)
        details = (f"when: {due}", f"what: {given_words(course)}", *infused, decided, course.indication, course.note)
        yield from _item(f"{number}. {course.name} ({course.event})", details, quote=course.quote, source=course.source)


def _decisions(plan: Protocol) -> Iterator[str]:
    for decision in plan.decisions:
        head = f"{decision.name}: {' / '.join(decision.options)}"
        yield from _item(head, (decision_words(decision),), quote=decision.quote, source=decision.source)


def _eligibility(plan: Protocol) -> Iterator[str]:
    for criterion in plan.eligibility:
        head = f"{criterion.kind}: {criterion.criterion}"
        yield from _item(head, (criterion_words(criterion),), quote=criterion.quote, source=criterion.source)


def _visits(plan: Protocol) -> Iterator[str]:
    for visit in plan.visits:
        sources = "; ".join(filter(None, (visit.source, visit.windows_source)))
        yield from _item(visit.name, (visit_words(visit),), quote=visit.quote, source=sources)


def _wordings(plan: Protocol) -> Iterator[str]:
    for wording in plan.wordings:
        here = f"here: {wording.here}" if wording.here else ""
        yield from _item(wording.term, (here,), quote=wording.quote, source=wording.source)


def _comparisons(plan: Protocol) -> Iterator[str]:
    for comparison in plan.comparisons:
        endpoint = comparison.settings.get("endpoint", "")
        yield from _item(comparison.question, (f"{comparison.kind} {endpoint}".strip(),), source=comparison.source)


def _records(view: ProtocolView) -> Iterator[str]:
    for quote, records in view.quotes:
        yield from _wrapped(f'"{quote}"', indent="* ", more="  ")
        for record in records:
            who = who_words(record)
            line = f"{figure_words(record)}: {what_words(record)}{f'; {who}' if who else ''}"
            yield from _wrapped(f"{line}{f' [{record.note}]' if record.note else ''}", indent="    ", more="      ")
