"""An event of a proposal: its date column, and what stands beside it."""

from dataclasses import dataclass, replace

from dayzero.proposals.lines import Item, Value, line, quoted
from dayzero.proposals.sheet import Named, Sheet


@dataclass(frozen=True)
class Entry:
    """One ``[[map.sheet.events]]``.

    Attributes
    ----------
    event
        The event's name, or the column of names.
    date
        The column of its date.
    beside
        Setting (``value``, ``when``, ``attributes.dose``) and the column that it comes from, with what it says.
    number
        Which of its kind; 0 where it is counted.
    uses
        Columns besides these.
    several
        The events, where a column says which.
    """

    event: Value
    name: str
    date: Named
    number: int = 0
    beside: tuple[tuple[str, Named | None, Value], ...] = ()
    uses: tuple[str, ...] = ()
    several: frozenset[str] = frozenset()

    @property
    def names(self) -> frozenset[str]:
        """The events that it makes."""
        return self.several or frozenset({self.name})

    def has(self, setting: str) -> bool:
        """Return whether a setting is taken."""
        return any(key == setting for key, _, _ in self.beside)

    def of(self, setting: str) -> Named | None:
        """Return the column of a setting."""
        return next((named for key, named, _ in self.beside if key == setting), None)

    def having(self, setting: str, named: Named | None, value: Value) -> "Entry":
        """Return the entry with one setting more."""
        return replace(self, beside=(*self.beside, (setting, named, value)))

    def item(self) -> Item:
        """Return its lines."""
        lines = ["[[map.sheet.events]]", line("event", self.event), line("date", _date_value(self.date))]
        if self.number:
            lines.append(line("number", Value(str(self.number), "its header says which, or the columns' order")))
        lines += [line(key, value) for key, _, value in self.beside]
        used = [named.source for _, named, _ in self.beside if named]
        return Item((self.date.source, *self.uses, *used), tuple(lines))


def dates_of(sheet: Sheet) -> list[Named]:
    """Return the columns of dates that are no day of birth."""
    return [n for n in sheet.others if is_dated(n) and not n.meaning.baseline]


def is_dated(named: Named) -> bool:
    """Return whether a column holds dates, or is named a date and holds numbers that Excel may have made of them."""
    column = named.column
    serial = column.serials > 0 and 2 * (column.serials + column.dates) >= column.filled
    return column.is_date or (serial and named.meaning.what == "date")


def _date_value(named: Named) -> Value:
    column = named.column
    why = f"dates in {column.dates} of {column.rows} rows"
    if other := column.filled - column.dates:
        numbers = f" ({column.serials} may be, as Excel counts days)" if column.serials else ""
        why += f"; {other} filled cell{'s are none' if other > 1 else ' is none'}{numbers}"
    return Value(quoted(column.source), why, "sure" if 10 * column.dates >= 9 * column.filled else "likely")
