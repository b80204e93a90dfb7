"""Dates as a sheet writes them: which cells are some, and which orders of day, month and year read them all."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final, Literal, get_args

from dayzero.io.grid import DATE, NUMBER, TEXT
from dayzero.io.mapping.dates import Refused, read_date
from dayzero.io.mapping.settings import MapSettings

Order = Literal["dmy", "mdy", "ymd"]
ORDERS: Final[tuple[Order, ...]] = get_args(Order)
WORDS: Final = {"dmy": "day, month, year", "mdy": "month, day, year", "ymd": "year, month, day"}
SERIALS: Final = (18_000, 60_000)  # 1949 to 2064, as Excel counts
_LONGEST: Final = 40
_SHORT_YEAR: Final = re.compile(r"\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2}")
_BARE_NUMBER: Final = re.compile(r"[\d.,\s]+")


@dataclass(frozen=True)
class OrderProof:
    """Which orders the texts allow.

    Attributes
    ----------
    possible
        The orders that read every text that any order reads.
    texts
        How many cells depend on the order.
    against
        By order, how many of them it cannot read.
    """

    possible: tuple[Order, ...]
    texts: int
    against: dict[Order, int]


def is_date_text(text: str) -> bool:
    """Return whether a text is a date, whole or partial, in some order; a bare number or a year is none.

    Examples
    --------
    >>> [is_date_text(text) for text in ("25.3.2021", "2021/03", "令和3年5月1日", "2021", "12", "3/25/21", "high")]
    [True, True, True, False, False, True, False]
    """
    text = text.strip()
    if not text or len(text) > _LONGEST or (_BARE_NUMBER.fullmatch(text) and _is_number(text)):
        return False
    return any(_reads(text, TEXT, order) for order in ORDERS)


def is_date(text: str, kind: int) -> bool:
    """Return whether a cell is a date: a date cell with a day, or a text that is one."""
    return text[4:5] == "-" if kind == DATE else kind == TEXT and is_date_text(text)


def is_serial(text: str, kind: int) -> bool:
    """Return whether a number may be a day as Excel counts them."""
    if kind not in {NUMBER, TEXT} or not re.fullmatch(r"[0-9]{5}(\.[0-9]+)?", text):
        return False
    return SERIALS[0] <= float(text) <= SERIALS[1]


def has_short_year(text: str) -> bool:
    """Return whether a date's year has two digits.

    Examples
    --------
    >>> has_short_year("1.2.21"), has_short_year("1.2.2021")
    (True, False)
    """
    return bool(_SHORT_YEAR.fullmatch(text.strip()))


def prove_order(texts: Iterable[tuple[str, int]]) -> OrderProof:
    """Find which orders read every date that is written as text.

    Parameters
    ----------
    texts
        Each distinct text, and in how many cells it stands.

    Examples
    --------
    >>> prove_order([("1.2.2021", 3), ("25.3.2021", 1), ("2021-05-01", 9)]).possible
    ('dmy',)
    """
    told: list[tuple[int, Sequence[bool]]] = []
    for text, count in texts:
        read = [_value(text, TEXT, order) for order in ORDERS]
        if len({str(value) for value in read}) > 1 and any(_is_day(value) for value in read):
            told.append((count, [_is_day(value) for value in read]))
    against = {order: sum(count for count, reads in told if not reads[k]) for k, order in enumerate(ORDERS)}
    possible = tuple(order for order in ORDERS if not against[order])
    return OrderProof(possible, sum(count for count, _ in told), against)


def _is_number(text: str) -> bool:
    return text.replace(".", "", 1).replace(",", "", 1).isdecimal()


def _value(text: str, kind: int, order: Order) -> str | Refused:
    try:
        return read_date(text, kind, MapSettings(date_order=order, century=2000))
    except (ValueError, OverflowError):  # digits that are none, of other scripts
        return Refused("not-a-date")


def _reads(text: str, kind: int, order: Order) -> bool:
    value = _value(text, kind, order)
    return value.code == "japanese-era" if isinstance(value, Refused) else _is_plausible(value)


def _is_plausible(value: str) -> bool:
    """Return whether a date's month is one; its day may be one that no calendar has (30 February)."""
    parts = value[:10].split("-")
    return (len(parts) < 2 or 1 <= int(parts[1]) <= 12) and (len(parts) < 3 or 1 <= int(parts[2]) <= 31)


def _is_day(value: str | Refused) -> bool:
    if isinstance(value, Refused):
        return False
    try:
        date.fromisoformat(value[:10])
    except ValueError:
        return False
    return True
