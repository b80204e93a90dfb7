"""Baseline columns of a sheet, and the columns that nothing is made of: each ready to be uncommented."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from dayzero.proposals import codes
from dayzero.proposals.beside import attribute_value
from dayzero.proposals.columns import CODES
from dayzero.proposals.entries import unused_dates
from dayzero.proposals.entry import is_dated
from dayzero.proposals.lines import Item, Value, commented, line, quoted, table
from dayzero.proposals.sheet import Named, Sheet

_LISTS: Final = {
    "sex": "sex",
    "risk": "level",
    "prior_hsct": "answer",
    "philadelphia": "answer",
    "extramedullary": "answer",
    "disease": "",
    "disease_status": "",
}
"""Baseline columns of codes, and the list that knows them."""


def find_baseline(sheet: Sheet, used: frozenset[str]) -> Iterator[tuple[str, Named, Value]]:
    """Yield (name, column, setting) of the baseline columns of a sheet, the first of each name.

    Parameters
    ----------
    sheet
        The sheet.
    used
        Columns that events are made of.
    """
    taken: set[str] = set()
    for named in sheet.others:
        name = _name(named)
        if name and name not in taken and named.source not in used and not _reason_against(named):
            taken.add(name)
            yield name, named, _value(named, name)


def _name(named: Named) -> str:
    """Return the baseline column that a column is; empty where it is none. A diagnosis without dates is a disease."""
    means = named.meaning
    if means.baseline:
        return means.baseline.key if means.baseline.key == "birth" or not is_dated(named) else ""
    about = means.event is not None and means.event.key == "diagnosis" and means.own and not means.attribute
    return "disease" if about and not is_dated(named) and 0 < len(named.column.values) <= CODES else ""


def unused(sheet: Sheet, used: frozenset[str], taken: Mapping[str, str]) -> tuple[Item, ...]:
    """Return the columns that nothing is made of.

    Parameters
    ----------
    sheet
        The sheet.
    used
        Columns that something is made of.
    taken
        Baseline name and the sheet that it is from.
    """
    items = []
    names = set(taken)
    for named in sheet.others:
        if named.source in used or (is_dated(named) and not named.meaning.baseline):
            continue
        name = _free(_slug(named), names)
        names.add(name)
        setting = f"# {_key(name)} = {quoted(named.source)}"
        items.append(Item((named.source,), (commented(setting, f"# {_reason(named, taken)}"),)))
    return tuple(items)


def unused_events(sheet: Sheet, used: frozenset[str]) -> tuple[Item, ...]:
    """Return the date columns that nothing is made of."""
    return tuple(unused_dates(sheet, used))


def column_item(name: str, named: Named, value: Value) -> Item:
    """Return the line of a baseline column."""
    return Item((named.source,), (line(name, value),))


def _value(named: Named, key: str) -> Value:
    found = named.meaning.baseline or named.meaning.event
    why = f"'{found.word}' is {key} ({found.language}); {_content(named)}" if found else _content(named)
    column = named.column
    if is_dated(named):
        return Value(table({"column": quoted(column.source), "date": "true"}), why)
    if key in _LISTS and (codes.unknown_answers(column) or column.is_coded(_LISTS[key] or "answer")):
        return codes.coded_value(column, _LISTS[key] or "answer", why)
    if key in _LISTS and _LISTS[key] and column.codes and column.meanings(_LISTS[key]):
        return codes.coded_value(column, _LISTS[key], why)
    value = attribute_value(named, why)
    return Value(value.text, value.why, "sure" if column.filled * 2 > column.rows else "likely")


def _content(named: Named) -> str:
    column = named.column
    if is_dated(named):
        return f"dates in {column.dates} of {column.rows} rows"
    if column.is_number:
        return f"numbers in {column.numbers} of {column.rows} rows"
    different = "one value" if column.distinct == 1 else f"{column.distinct} different values"
    return f"{different} in {column.filled} of {column.rows} rows"


def _reason(named: Named, taken: Mapping[str, str]) -> str:
    if reason := _reason_against(named):
        return reason
    means = named.meaning
    if means.baseline and means.baseline.key in taken:
        return f"{means.baseline.key} is taken from {taken[means.baseline.key]}"
    if means.event and means.own:
        return f"about {means.event.key}, without a date beside it; no baseline column, for it may be known only later"
    if not named.column.filled:
        return "an empty column"
    return f"not known to the table of names; {_content(named)}"


def _reason_against(named: Named) -> str:
    """Return why a column is never proposed, or an empty text."""
    means = named.meaning
    if means.personal:
        return "names or addresses of people: not needed"
    if means.counter:
        return "numbers the rows"
    if means.comment:
        return "free text"
    if means.patient and not means.baseline and not means.attribute and named.column.is_unique:
        return "another identifier"
    return ""


def _slug(named: Named) -> str:
    if named.meaning.baseline:
        return named.meaning.baseline.key
    words = re.findall(r"[a-z0-9]+", named.column.header.casefold())
    slug = "_".join(words)[:40].strip("_")
    whole = slug and named.column.header.isascii() and slug != "patient"
    return slug if whole else f"column_{named.column.letter.lower()}"


def _free(name: str, names: set[str]) -> str:
    """Return a name that is not taken."""
    count = 2
    free = name
    while free in names:
        free = f"{name}_{count}"
        count += 1
    return free


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else quoted(name)
