"""The plan of a protocol file: its tables read, and every name in them held against what it names."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Final, TypeVar

from dayzero.errors import InputError
from dayzero.protocol.plan import Comparison, Course, Criterion, Decision, Status, Visit, Wording
from dayzero.protocol.term import parse_term
from dayzero.settings import KeyPath, Toml, nearest, parse_settings, row_of, shown
from dayzero.vocabulary import CORE_EVENTS

T = TypeVar("T")

NO_COURSE: Final = "none"
"""The option of a decision that is no course."""


@dataclass(frozen=True)
class Header:
    """The ``[protocol]`` table.

    Attributes
    ----------
    title, name
        Words for people; the built-in name.
    seed, source, status
        Which of the documents it was written from, its citation, and what kind of document that is.
    disease, population
        Of whom it speaks.
    not_stated
        What the document does not say, in words.
    other_events
        Events of its terms beyond the core vocabulary.
    """

    title: str = ""
    name: str = ""
    seed: str = ""
    source: str = ""
    status: Status = ""
    disease: str = ""
    population: str = ""
    not_stated: tuple[str, ...] = ()
    other_events: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """Every table of a protocol file but its definitions and endpoints, as they go into a Protocol."""

    header: Header
    courses: tuple[Course, ...]
    decisions: tuple[Decision, ...]
    eligibility: tuple[Criterion, ...]
    visits: tuple[Visit, ...]
    comparisons: tuple[Comparison, ...]
    wordings: tuple[Wording, ...]


def read_plan(toml: Toml, endpoints: Sequence[str]) -> Plan:
    """Read the plan of a protocol file.

    Parameters
    ----------
    toml
        The file.
    endpoints
        Names of the endpoints that its comparisons may use.

    Raises
    ------
    InputError
        Where a table cannot be read, or names a course, a decision, an event or an endpoint that there is not.
    """
    plan = Plan(
        header=parse_settings(Header, toml.table.get("protocol", {}), toml=toml, path=("protocol",)),
        courses=_items(Course, "courses", toml),
        decisions=_items(Decision, "decisions", toml),
        eligibility=_items(Criterion, "eligibility", toml),
        visits=_items(Visit, "visits", toml),
        comparisons=tuple(_comparison(toml, place, table) for place, table in _tables(toml, "comparisons")),
        wordings=_items(Wording, "wordings", toml),
    )
    for key, names in (("courses", [c.name for c in plan.courses]), ("decisions", [d.name for d in plan.decisions])):
        _check_unique(names, key, toml)
    _check_choices(plan, toml)
    _check_events(plan, toml)
    _check_endpoints(plan, endpoints, toml)
    return plan


def _tables(toml: Toml, key: str) -> list[tuple[KeyPath, Mapping[str, object]]]:
    tables = toml.table.get(key, [])
    if not isinstance(tables, list) or not all(isinstance(table, Mapping) for table in tables):
        row = row_of(toml, (key,))
        raise InputError("no list of tables", mend=f"Write [[{key}]].", file=toml.file, row=row, column=key)
    return [((key, position), table) for position, table in enumerate(tables)]


def _items(kind: type[T], key: str, toml: Toml) -> tuple[T, ...]:
    return tuple(parse_settings(kind, table, toml=toml, path=place) for place, table in _tables(toml, key))


def _comparison(toml: Toml, place: KeyPath, table: Mapping[str, object]) -> Comparison:
    own = {item.name for item in fields(Comparison)} - {"settings"}
    given = {key: value for key, value in table.items() if key in own}
    given["settings"] = {key: value for key, value in table.items() if key not in own}
    return parse_settings(Comparison, given, toml=toml, path=place)


def _check_unique(names: Sequence[str], key: str, toml: Toml) -> None:
    for position, name in enumerate(names):
        if name in names[:position] or name == NO_COURSE:
            mend = "Give each a name of its own."
            raise _at(f"the name {shown(name)!r} is taken", mend, toml, (key, position, "name"))


def _check_choices(plan: Plan, toml: Toml) -> None:
    """Hold the options of decisions and the decisions of courses against each other: names first, then both ways."""
    options = {decision.name: decision.options for decision in plan.decisions}
    decided = {course.name: course.decision for course in plan.courses}
    for position, decision in enumerate(plan.decisions):
        for option in decision.options:
            _check_known("course", option, [*decided, NO_COURSE], toml, ("decisions", position, "options"))
    for position, course in enumerate(plan.courses):
        place = ("courses", position, "decision")
        if course.decision:
            _check_known("decision", course.decision, list(options), toml, place)
        if course.decision and course.name not in options[course.decision]:
            raise _at("the decision has no such option", "Add the course's name to its options.", toml, place)
    for position, decision in enumerate(plan.decisions):
        for option in decision.options:
            if option != NO_COURSE and decided[option] != decision.name:
                mend = f'Write decision = "{shown(decision.name)}" in the course.'
                fault = f"the course {shown(option)!r} does not name this decision"
                raise _at(fault, mend, toml, ("decisions", position, "options"))


def _check_known(what: str, name: str, known: Sequence[str], toml: Toml, place: KeyPath) -> None:
    if name not in known:
        guess = nearest(name, known)
        question = f"Did you mean {guess!r}? " if guess else ""
        there = f"There are {', '.join(known)}." if known else f"There is no {what}."
        raise _at(f"unknown {what} {shown(name)!r}", question + there, toml, place)


def _check_events(plan: Plan, toml: Toml) -> None:
    known = sorted(CORE_EVENTS | set(plan.header.other_events))
    for place, text in _terms(plan):
        for name in parse_term(text).names:
            if name not in known:
                guess = nearest(name, known)
                question = f"Did you mean {guess!r}? " if guess else ""
                mend = f"{question}Declare other names in other_events of [protocol]."
                raise _at(f"unknown event {shown(name)!r} in a term", mend, toml, place)


def _terms(plan: Plan) -> Iterator[tuple[KeyPath, str]]:
    """Yield every term of the plan, and where it stands."""
    groups = {"courses": plan.courses, "decisions": plan.decisions, "eligibility": plan.eligibility,
              "visits": plan.visits}  # fmt: skip
    for key, items in groups.items():
        for position, item in enumerate(items):
            for name in ("event", "at", "after", "before", "needs", "excludes"):
                value = getattr(item, name, ())
                texts = (value,) if isinstance(value, str) else value
                yield from (((key, position, name), text) for text in texts if text)


def _check_endpoints(plan: Plan, endpoints: Sequence[str], toml: Toml) -> None:
    for position, comparison in enumerate(plan.comparisons):
        named = comparison.settings.get("endpoint")
        if isinstance(named, str):
            _check_known("endpoint", named, endpoints, toml, ("comparisons", position, "endpoint"))


def _at(fault: str, mend: str, toml: Toml, place: KeyPath) -> InputError:
    column = ".".join(map(str, place))
    return InputError(fault, mend=mend, file=toml.file, row=row_of(toml, place), column=column)
