"""The ``[map]`` table, read and checked, every fault with its row of the study file."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from dayzero.errors import InputError
from dayzero.io.mapping.settings import EVENT_KEYS, Column, EventSettings, MapSettings, SheetSettings
from dayzero.io.mapping.units import conversion
from dayzero.settings import KeyPath, Toml, nearest, parse_settings, row_of, shown, unanswered

_COLUMN_MEND: Final = 'Write its header, or its letter as "@C".'


@dataclass(frozen=True)
class Declared:
    """A place in the study file, for messages.

    Attributes
    ----------
    toml
        The study file.
    path
        The keys that lead there.
    """

    toml: Toml
    path: KeyPath = ("map",)

    def at(self, *keys: str | int) -> "Declared":
        """Return the place below."""
        return Declared(self.toml, (*self.path, *keys))

    def fault(self, fault: str, mend: str) -> InputError:
        """Return the error to raise about what stands here."""
        column = ".".join(shown(str(step)) for step in self.path)
        return InputError(fault, mend=mend, file=self.toml.file, row=row_of(self.toml, self.path), column=column)


def read_settings(table: object, toml: Toml) -> MapSettings:
    """Read the ``[map]`` table of a study file.

    Parameters
    ----------
    table
        As it stands in the file.
    toml
        The file.

    Raises
    ------
    InputError
        At the first key or value that cannot be used.
    """
    for path in unanswered(table, ("map",)):
        mend = "Write the answer in its place; dayzero map FILE --out STUDY.toml --check lists what is open."
        raise Declared(toml, path).fault('an open question: the value is still "?"', mend)
    settings = parse_settings(MapSettings, table, toml=toml, path=("map",))
    declared = Declared(toml)
    if not settings.sheet:
        raise declared.fault("no sheet is mapped", "Add [[map.sheet]] with its file and its patient column.")
    for position, sheet in enumerate(settings.sheet):
        _check_sheet(sheet, declared.at("sheet", position))
    return settings


def event_names(entry: EventSettings) -> tuple[str, ...]:
    """Return the event names that an entry states, by itself or by its codes."""
    if isinstance(entry.event, str):
        return (entry.event,)
    return tuple(name for name in entry.event.codes.values() if name)


def check_event_names(settings: MapSettings, toml: Toml, known: frozenset[str]) -> None:
    """Refuse the first event name of the mapping that is not known."""
    for s, sheet in enumerate(settings.sheet):
        for e, entry in enumerate(sheet.events):
            for name in event_names(entry):
                if name not in known:
                    near = nearest(name, known)
                    hint = f"Did you mean {near!r}? Otherwise declare it" if near else "Declare it"
                    place = Declared(toml).at("sheet", s, "events", e, "event")
                    mend = f'{hint}: [data] other_events = ["..."].'
                    raise place.fault(f"{shown(name)!r} is not an event name that is known", mend)


def _check_sheet(sheet: SheetSettings, declared: Declared) -> None:
    for key, least in (("header", 1), ("header_row", 0), ("skip", 0), ("digits", 0)):
        if getattr(sheet, key) < least:
            raise declared.at(key).fault(
                f"less than {least}", "Write a whole number; rows count as in the spreadsheet."
            )
    for key in ("file", "patient"):
        if not getattr(sheet, key):
            raise declared.at(key).fault("an empty text", "Name it.")
    _check_names(sheet.columns, frozenset({"patient"}), declared.at("columns"))
    for name, source in sheet.columns.items():
        _check_column(source, declared.at("columns", name))
    for position, entry in enumerate(sheet.events):
        _check_entry(entry, declared.at("events", position))


def _check_entry(entry: EventSettings, declared: Declared) -> None:
    if bool(entry.date) == bool(entry.day):
        fault = "both date and day" if entry.date else "neither date nor day"
        raise declared.fault(fault, "Name the column of one of them.")
    if isinstance(entry.number, int) and entry.number < 0:
        raise declared.at("number").fault("less than 1", "Write 1 for the first of its kind.")
    _check_names(entry.attributes, EVENT_KEYS, declared.at("attributes"))
    for key, source in _sources(entry):
        _check_column(source, declared.at(*key))


def _sources(entry: EventSettings) -> Iterator[tuple[KeyPath, object]]:
    yield from ((("event",), entry.event), (("day",), entry.day), (("number",), entry.number))
    yield from ((("value",), entry.value), (("unit",), entry.unit))
    yield from ((("attributes", name), source) for name, source in entry.attributes.items())


def _check_names(names: Iterable[str], taken: frozenset[str], declared: Declared) -> None:
    for name in names:
        if name in taken or name != name.strip() or not name:
            mend = f"Choose another name, without blanks around it; taken: {', '.join(sorted(taken))}."
            raise declared.at(name).fault("a name that may not be used here", mend)


def _check_column(source: object, declared: Declared) -> None:
    if not isinstance(source, Column):
        return
    if not source.column:
        raise declared.fault("no column is named", _COLUMN_MEND)
    ways = [key for key in ("codes", "unit", "date") if getattr(source, key)]
    if len(ways) > 1:
        raise declared.at(ways[1]).fault(" and ".join(ways), "Keep one of them: a value is read in one way.")
    if source.to and not source.unit:
        raise declared.at("to").fault("a unit to convert to, and none to convert from", "Add unit.")
    if source.unit and source.to:
        try:
            conversion(source.unit, source.to, of=source.of)
        except InputError as error:
            raise declared.at("unit").fault(error.fault, error.mend) from None
