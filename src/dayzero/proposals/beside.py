"""Columns beside the dates: whether an event happened, its value, and what else is known of it."""

from collections.abc import Sequence
from typing import Final

from dayzero.proposals import codes
from dayzero.proposals.entry import Entry, is_dated
from dayzero.proposals.lines import Value, quoted, table
from dayzero.proposals.meaning import remission
from dayzero.proposals.names import attribute_of
from dayzero.proposals.names import named as unit_named
from dayzero.proposals.sheet import Named, Sheet

GRADED: Final = frozenset({"crs", "icans", "agvhd", "cgvhd", "response", "mrd", "infection"})
"""Events that have a value."""
BEFORE: Final = frozenset({"diagnosis", "enrolment", "apheresis", "bridging", "lymphodepletion", "infusion"})
"""Events on or before day zero: what is known at them is known on day zero."""
_ANSWERS: Final = {
    "mrd": ("mrd", {"yes": "positive", "no": "negative"}),
    "response": ("response", {"yes": "CR", "no": "NR"}),
}
"""Events whose value may be written as yes or no: their code list, and what that means."""
_CODED: Final = frozenset({"response", "mrd", "severity"})
_NEAR: Final = 2
_WANTED: Final = {"kg": "kg", "lb": "kg", "cm": "cm", "in": "cm"}


def with_columns(sheet: Sheet, entries: list[Entry]) -> list[Entry]:
    """Give every column beside the dates to the event that it belongs to."""
    dated = {entry.date.source for entry in entries}
    for named in sheet.others:
        if named.source in dated or is_dated(named) or not named.column.filled or _is_private(named):
            continue
        place = _place_of(named, entries)
        if place is None:
            continue
        at, (setting, value) = place
        if not entries[at].has(setting):
            entries[at] = entries[at].having(setting, named, value)
    return [_with_remission(entry) for entry in entries]


def _is_private(named: Named) -> bool:
    return named.meaning.personal or named.meaning.comment or named.meaning.counter


def _place_of(named: Named, entries: Sequence[Entry]) -> tuple[int, tuple[str, Value]] | None:
    """Return which entry a column belongs to, and as what."""
    at = _owner(named, entries)
    if at is None:
        return None
    as_what = _setting(named, entries[at])
    return (at, as_what) if as_what else None


def _owner(named: Named, entries: Sequence[Entry]) -> int | None:
    means = named.meaning
    if means.attribute and not (means.event and any(e.name == means.event.key for e in entries)):
        of = attribute_of(means.attribute.key)
        return _nearest(named, [k for k, e in enumerate(entries) if e.name in of], entries)
    if means.baseline and (not means.event or means.own or (means.event.key in BEFORE and means.number < 2)):
        return None
    if means.event:
        return _nearest(named, [k for k, e in enumerate(entries) if e.name == means.event.key], entries)
    if means.what == "status" and codes.code_list(named.column) == "vital":
        return _nearest(named, [k for k, e in enumerate(entries) if e.name == "death"], entries)
    if means.what in {"value", "flag"} and not means.baseline:
        return _neighbour(named, entries)
    return None


def _nearest(named: Named, able: Sequence[int], entries: Sequence[Entry]) -> int | None:
    """Return the entry with the number, the group, or else the place nearest to a column's."""

    def far(k: int) -> tuple[bool, bool, int]:
        entry, means = entries[k], named.meaning
        other_number = means.number > 0 and max(entry.number, 1) != means.number
        other_group = means.group != entry.date.meaning.group
        return other_number, other_group, abs(entry.date.column.position - named.column.position)

    return min(able, key=far) if able else None


def _neighbour(named: Named, entries: Sequence[Entry]) -> int | None:
    """Return the entry of a column that names none: the only one of the sheet, or that of the same group beside it."""
    if len(entries) == 1:
        return 0
    near = [
        k
        for k, entry in enumerate(entries)
        if abs(entry.date.column.position - named.column.position) <= _NEAR
        and entry.date.meaning.group == named.meaning.group
        and (named.meaning.group or entry.date.column.position < named.column.position)
    ]
    return _nearest(named, near, entries)


def _setting(named: Named, entry: Entry) -> tuple[str, Value] | None:
    """Return as what a column stands beside an event: whether it happened, its value, or an attribute."""
    means = named.meaning
    word = means.field or means.attribute or means.event or means.baseline
    why = f"beside the date; '{word.word}' ({word.language})" if word else "beside the date"
    if means.attribute:
        return f"attributes.{means.attribute.key}", attribute_value(named, why)
    if asked := _condition(named, entry):
        return "when", codes.when_value(named.column, asked, why)
    if means.baseline:
        return (f"attributes.{means.baseline.key}", attribute_value(named, why)) if means.group else None
    if means.unit == "%" and named.column.is_number:
        return "attributes.percent", Value(quoted(named.source), f"{why}; its unit is %", "likely")
    return ("value", value) if (value := _value(named, entry, why)) else None


def _condition(named: Named, entry: Entry) -> str:
    """Return the code list in which a column says whether the event happened; empty where it says something else."""
    means, listed = named.meaning, codes.code_list(named.column)
    if entry.name in _ANSWERS:
        return ""  # a test that is negative took place all the same
    if entry.name == "death" and (
        listed == "vital" or (means.what == "status" and codes.unknown_answers(named.column))
    ):
        return "vital"
    asked = means.what == "flag" and codes.unknown_answers(named.column)
    return "answer" if listed == "answer" or asked else ""


def _value(named: Named, entry: Entry, why: str) -> Value | None:
    """Return the column as the event's value, or None where it is none."""
    column = named.column
    if entry.name not in GRADED:
        return None
    own = _ANSWERS.get(entry.name)
    if own and column.is_coded(own[0]):
        return codes.coded_value(column, own[0], why)
    if own and (column.is_coded("answer") or (named.meaning.what == "flag" and codes.unknown_answers(column))):
        return codes.answer_value(column, own[1], why)
    listed = codes.code_list(column)
    if listed in _CODED:
        return codes.coded_value(column, listed, why)
    if own and codes.unknown_answers(column):
        return codes.coded_value(column, own[0], why)
    return codes.plain_value(column, why) if named.meaning.what == "value" or column.is_number else None


def attribute_value(named: Named, why: str) -> Value:
    """Return an attribute or baseline number with its unit, where the header states one that is converted."""
    unit = unit_named(named.meaning.unit, "unit")
    wanted = dict(_WANTED)
    if named.meaning.baseline and named.meaning.baseline.key == "age":
        wanted |= {"months": "years"}
    if unit in wanted and named.column.numbers:
        pairs = {"column": named.source, "unit": unit, "to": wanted[unit]}
        text = table({key: quoted(value) for key, value in pairs.items()})
        return Value(text, f"{why}; the unit stands in the header")
    unit_words = "; in the unit of the header" if named.meaning.unit and named.column.is_number else ""
    return Value(quoted(named.source), f"{why}{unit_words}", "likely")


def _with_remission(entry: Entry) -> Entry:
    """Give the date of a remission its value, where no column says it."""
    event = entry.date.meaning.event
    if entry.name != "response" or entry.has("value") or event is None:
        return entry
    if word := remission(event):
        value = Value(table({"text": quoted(word)}), f"the header says which response: '{event.word}'", "likely")
        return entry.having("value", None, value)
    question = "which response does this date mean? For example CR"
    return entry.having("value", None, Value(table({"text": quoted("?")}), "", "guess", question))
