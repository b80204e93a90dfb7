"""Columns that name events: a long sheet, or a status that says what the date beside it is."""

from collections.abc import Sequence
from typing import Final

from dayzero.proposals import codes
from dayzero.proposals.entry import Entry, dates_of, is_dated
from dayzero.proposals.lines import Value, codes_table, quoted, table
from dayzero.proposals.names import find
from dayzero.proposals.sheet import Named, Sheet
from dayzero.vocabulary import CORE_EVENTS

_FOLLOW_UP: Final = frozenset({"death", "last_contact"})


def long_entry(sheet: Sheet) -> list[Entry] | None:
    """Return the entry of a sheet with a column that names the events, or None where it has none."""
    dates = dates_of(sheet)
    generic = [n for n in dates if not n.meaning.event]
    for named in sheet.others:
        if dates and not is_dated(named) and (known := _event_codes(named)):
            value = _event_column(named, known)
            several = frozenset(name for name in known.values() if name)
            entry = Entry(value, "", (generic or dates)[0], uses=(named.source,), several=several)
            beside = next((n for n in sheet.others if n.meaning.what == "value" and not is_dated(n)), None)
            if beside and beside is not named:
                entry = entry.having("value", beside, codes.plain_value(beside.column, "beside the event's name"))
            return [entry]
    return None


def _event_codes(named: Named) -> dict[str, str]:
    """Return what the values of a column of events mean, or nothing where it is none."""
    values = named.column.values
    if named.meaning.baseline or named.meaning.personal or not 1 < len(values) <= len(CORE_EVENTS):
        return {}
    known = {value: _event_of(value) for value in values}
    found = {value: name for value, name in known.items() if name}
    asked = named.meaning.what == "event"
    enough = len(found) >= (0.5 if asked else 0.8) * len(values)
    return known if enough and len(set(found.values())) > (0 if asked else 2) else {}


def _event_of(value: str) -> str:
    if value in CORE_EVENTS:
        return value
    found = find(value, "event")
    return found.key if found else ""


def _event_column(named: Named, known: dict[str, str]) -> Value:
    why = "its values are names of events"
    if all(value == name for value, name in known.items()):
        return Value(table({"column": quoted(named.source)}), why)
    shown = {value: name or "?" for value, name in known.items() if name or value in named.column.codes}
    text = table({"column": quoted(named.source), "codes": codes_table(shown)})
    question = f'which event is "?"; write "" for none ({why})' if "?" in shown.values() else ""
    return Value(text, why, "likely", question)


def follow_up_entry(sheet: Sheet, entries: Sequence[Entry]) -> Entry | None:
    """Return the entry of a column that says who is alive, and the date of the last contact beside it.

    It is proposed where the sheet has no date of death of its own.
    """
    if any(entry.name == "death" for entry in entries):
        return None
    last = next((entry for entry in entries if entry.name == "last_contact"), None)
    status = next((n for n in sheet.others if _is_status(n)), None)
    if last is None or status is None:
        return None
    known = status.column.meanings("vital")
    means = {"dead": "death", "alive": "last_contact"}
    listed = {value: means.get(known.get(value, ""), "?") for value in status.column.codes or known}
    text = table({"column": quoted(status.source), "codes": codes_table(listed)})
    why = "the status says what the date is: of death, or of the last contact"
    asks = "?" in listed.values() or not listed
    question = f'which code is "death", which "last_contact"? ({why})' if asks else ""
    return Entry(Value(text, why, "likely", question), "death", last.date, uses=(status.source,), several=_FOLLOW_UP)


def _is_status(named: Named) -> bool:
    if is_dated(named) or named.meaning.baseline:
        return False
    listed = codes.code_list(named.column)
    return listed == "vital" or (named.meaning.what == "status" and codes.unknown_answers(named.column))
