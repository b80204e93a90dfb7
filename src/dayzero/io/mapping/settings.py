"""The ``[map]`` table of a study file: how sheets become the two tables of the contract.

A text names a column, by its header or by its letter (``"@C"``); what is the same in every row is written
``{ text = "CR" }``. Event names and numbers of an event stand for themselves.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

EVENT_KEYS: Final = frozenset({"patient", "event", "date", "day", "value", "unit", "number", "source", "row"})
"""Columns of the events table that no attribute may be named after."""


@dataclass(frozen=True)
class Column:
    """A column of a sheet, and how its values are read.

    Attributes
    ----------
    column
        Its header, the header rows joined by ``" | "``; or its letter after an at sign, ``"@C"``.
    codes
        What each value means, exact after blanks around it are removed; the empty text means missing. A value that
        is not listed is a finding, and missing.
    unit, to, of
        The unit that the column is in, the unit that it is wanted in, and, where the conversion depends on it, of
        what: ``{ column = "Hb", unit = "mmol/L", to = "g/dL", of = "haemoglobin" }``.
    date
        Whether its values are dates, read as those of events are: a day of birth.
    """

    column: str
    codes: Mapping[str, str] = field(default_factory=dict)
    unit: str = ""
    to: str = ""
    of: str = ""
    date: bool = False


@dataclass(frozen=True)
class Constant:
    """The same text in every row."""

    text: str


Source = str | Column | Constant


@dataclass(frozen=True)
class When:
    """The event happened only where a column holds one of these values."""

    column: str
    is_: tuple[str, ...]


@dataclass(frozen=True)
class EventSettings:
    """One ``[[map.sheet.events]]``: every row of the sheet in which it happened is a row of the events table.

    Attributes
    ----------
    event
        The event's name; or the column that holds the names, ``{ column = "Event", codes = { "移植" = "hsct" } }``.
        A code that means the empty text is no event.
    date, day
        The column of its date, or of its day as a number (``{ column = "OS", unit = "months" }``).
    value, unit
        Columns of its value and of that value's unit, or what they always are: ``{ text = "CR" }``.
    number
        Which of its kind it is: a number, or a column.
    attributes
        Attribute name = column.
    when
        The event happened only in these rows, dated or not. Without it, it happened where there is a date (or, where
        a column holds the names, a name).
    """

    event: str | Column
    date: str = ""
    day: str | Column = ""
    value: Source = ""
    unit: Source = ""
    number: int | str | Column = 0
    attributes: Mapping[str, Source] = field(default_factory=dict)
    when: When | None = None

    @property
    def sources(self) -> Mapping[str, Source]:
        """What stands beside the date, by its column in the events table."""
        beside = {"value": self.value, "unit": self.unit, **self.attributes}
        return {name: source for name, source in beside.items() if source}


@dataclass(frozen=True)
class SheetSettings:
    """One ``[[map.sheet]]``.

    Attributes
    ----------
    file, sheet
        The file, relative to the study file, and the sheet's name; it may be left out where the file has one sheet.
    encoding, separator
        How a text file is written, where it does not tell.
    header, header_row
        How many header rows there are, and on which row of the file the first stands (0: on the first that is used).
    skip
        Rows below the header that are no patients: units, totals.
    patient
        The column of the identifiers.
    digits
        To how many digits identifiers that are whole numbers are filled up with zeros, where a spreadsheet has lost
        them: with 3, ``7`` is ``007``.
    columns
        Baseline columns: name = source column.
    events
        What happened.
    """

    file: str
    patient: str
    sheet: str = ""
    encoding: str = ""
    separator: str = ""
    header: int = 1
    header_row: int = 0
    skip: int = 0
    digits: int = 0
    columns: Mapping[str, str | Column] = field(default_factory=dict)
    events: tuple[EventSettings, ...] = ()


@dataclass(frozen=True)
class MapSettings:
    """The ``[map]`` table.

    Attributes
    ----------
    sheet
        The sheets that are used, in order: where two contradict, the first one counts.
    date_order
        Order of dates written as text, for example ``"dmy"``; ISO dates and real date cells need none.
    century
        What is added to years of two digits, for example 2000; without it they are refused.
    serial
        Epoch of numbers in a date column, ``"1900"`` or ``"1904"``; without it they are refused.
    decimal
        Decimal mark of numbers written as text.
    missing
        Texts that mean that a value is missing, besides the empty cell.
    """

    sheet: tuple[SheetSettings, ...] = ()
    date_order: Literal["", "ymd", "dmy", "mdy"] = ""
    century: Literal[0, 1900, 2000] = 0
    serial: Literal["", "1900", "1904"] = ""
    decimal: Literal[".", ","] = "."
    missing: tuple[str, ...] = ()
