"""The events of a sheet: every date column is one, and columns beside it say what of it."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dayzero.proposals.beside import with_columns
from dayzero.proposals.entry import Entry, dates_of, is_dated
from dayzero.proposals.lines import Confidence, Item, Value, commented, quoted
from dayzero.proposals.named_events import long_entry
from dayzero.proposals.names import Found, find, plain
from dayzero.proposals.sheet import Named, Sheet


def find_entries(sheet: Sheet) -> list[Entry]:
    """Return the events of a sheet, in the order of their columns."""
    if (events := long_entry(sheet)) is not None:
        return events
    context = _context(sheet)
    entries = []
    for named in dates_of(sheet):
        if named.meaning.what == "end" and named.meaning.event:
            continue
        if named.meaning.event:
            entries.append(_of_header(named, named.meaning.event))
        elif (about := _beside(named, sheet) or context) and named.meaning.what == "date":
            word, sure = about
            entries.append(Entry(Value(quoted(word.key), word.reason, sure), word.key, named))
    return with_columns(sheet, _numbered(entries))


def _of_header(named: Named, event: Found) -> Entry:
    share = named.column.dates >= 0.8 * named.column.filled
    sure: Confidence = "sure" if share and named.meaning.own else "likely"
    if share and named.meaning.group and named.meaning.what == "date":
        sure = "sure"
    return Entry(Value(quoted(event.key), event.reason, sure), event.key, named, named.meaning.number)


def _beside(named: Named, sheet: Sheet) -> tuple[Found, Confidence] | None:
    """Return the event of a column right beside a date, where that event has no date of its own.

    Of two, the one whose header has more words in common with the date's: "D28 response", "D28 date", "MRD".
    """
    at = named.column.position
    near = [n for n in sheet.others if abs(n.column.position - at) == 1 and not is_dated(n) and n.meaning.own]
    events = _dated_events(sheet)
    free = [(n, n.meaning.event) for n in near if n.meaning.event and n.meaning.event.key not in events]
    free = [(n, event) for n, event in free if not n.meaning.baseline and not n.meaning.attribute]
    words = set(plain(named.column.header).split())
    free.sort(key=lambda pair: len(words & set(plain(pair[0].column.header).split())), reverse=True)
    return (free[0][1], "likely") if free else None


def _dated_events(sheet: Sheet) -> set[str]:
    """Return the events that dates of a sheet are named after."""
    return {n.meaning.event.key for n in sheet.others if n.meaning.event and is_dated(n)}


def _context(sheet: Sheet) -> tuple[Found, Confidence] | None:
    """Return the event that dates without one belong to: that of the sheet's other columns, or of its name."""
    others = {n.meaning.event.key: n.meaning.event for n in sheet.others if n.meaning.event and not is_dated(n)}
    dated = _dated_events(sheet)
    free = [word for key, word in others.items() if key not in dated]
    if len(free) == 1:
        return free[0], "likely"
    word = find(sheet.grid.sheet or sheet.grid.file.rpartition(".")[0], "event")
    return (word, "guess") if word else None


def _numbered(entries: Sequence[Entry]) -> list[Entry]:
    """Give the first of several columns of one event its number, where a later one has one."""
    later = {entry.name for entry in entries if entry.number > 1}
    return [replace(e, number=1) if e.name in later and not e.number else e for e in entries]


def unused_dates(sheet: Sheet, used: frozenset[str]) -> Iterator[Item]:
    """Yield the date columns that no event is made of, each ready to be uncommented."""
    for named in dates_of(sheet):
        if named.source not in used:
            event = named.meaning.event.key if named.meaning.event else "?"
            reason = "# an end, not a beginning" if event != "?" else "# no event is named; write one"
            head = commented("# [[map.sheet.events]]", f"# dates in {named.column.dates} of {named.column.rows} rows")
            body = commented(f"# event = {quoted(event)}", reason)
            yield Item((named.source,), (head, body, f"# date = {quoted(named.source)}"))
