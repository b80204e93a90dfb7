"""Dates as hospitals write them, read by a declared order; what is not certain is refused, what is partial stays so."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final

from dayzero.io.grid import NUMBER
from dayzero.io.mapping.settings import MapSettings

ERAS: Final = ("明治", "大正", "昭和", "平成", "令和")
MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")

_FIRST_YEAR, _LAST_YEAR = 1900, 2100
_EPOCHS: Final = {"1900": date(1899, 12, 30), "1904": date(1904, 1, 1)}
_UNKNOWN: Final = r"(?:x{1,2}|\?{1,2}|00|uu|un|unk|nk)"
_MARK: Final = r"[-/. ]"
_CLOCK: Final = r"(?:[T ]+(\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?))?(?:Z|[+-]\d{2}:?\d{2})?"
_YEAR_FIRST: Final = re.compile(
    rf"(\d{{4}})(?:{_MARK}(\d{{1,2}}|{_UNKNOWN})(?:{_MARK}(\d{{1,2}}|{_UNKNOWN}))?)?{_CLOCK}", re.IGNORECASE
)
_YEAR_LAST: Final = re.compile(
    rf"(?:(\d{{1,2}}|{_UNKNOWN}){_MARK})?(\d{{1,2}}|{_UNKNOWN}){_MARK}(\d{{4}}|\d{{2}}){_CLOCK}", re.IGNORECASE
)
_SHORT_YEAR_FIRST: Final = re.compile(rf"(\d{{2}}){_MARK}(\d{{1,2}}){_MARK}(\d{{1,2}}){_CLOCK}")
_NAMED_MONTH: Final = re.compile(
    rf"(?:(\d{{1,2}}|{_UNKNOWN}){_MARK}*)?({'|'.join(MONTHS)})[a-z]*\.?{_MARK}*(\d{{4}}|\d{{2}})", re.IGNORECASE
)
_MONTH_FIRST: Final = re.compile(rf"({'|'.join(MONTHS)})[a-z]*\.? *(\d{{1,2}}),? +(\d{{4}})", re.IGNORECASE)
_COMPACT: Final = re.compile(r"\d{8}")
_NUMBER: Final = re.compile(r"\d{1,6}(?:\.\d+)?")
_ERA: Final = re.compile(rf"(?:{'|'.join(ERAS)}|[RHSTM]\s*\.?\s*\d{{1,2}}\s*(?:[-/.年]))", re.IGNORECASE)


@dataclass(frozen=True)
class Refused:
    """A date that is not read: the code of its finding."""

    code: str


def read_date(cell: str, kind: int, settings: MapSettings) -> str | Refused:
    """Read one date.

    Parameters
    ----------
    cell
        As the grid has it, without blanks around it.
    kind
        What kind of cell it is.
    settings
        Order, century and epoch, where declared.

    Returns
    -------
    str or Refused
        ISO text, also of a day that no calendar has (``2021-02-30``); ``2021-03`` or ``2021`` where the date is
        partial; or why it is not read.

    Examples
    --------
    >>> dmy = MapSettings(date_order="dmy")
    >>> [read_date(text, 1, dmy) for text in ("3.4.2021", "２０２１年３月５日", "XX/04/2021", "2021-03-25T14:30:00")]
    ['2021-04-03', '2021-03-05', '2021-04', '2021-03-25T14:30:00']
    >>> read_date("3.4.21", 1, dmy), read_date("令和3年5月1日", 1, dmy)
    (Refused(code='two-digit-year'), Refused(code='japanese-era'))
    """
    text = _plain(cell)
    if kind == NUMBER or _NUMBER.fullmatch(text):
        return _of_number(text, settings)
    if _ERA.match(text):
        return Refused("japanese-era")
    if found := _YEAR_FIRST.fullmatch(text):
        return _iso(found[1], found[2], found[3], found[4])
    if _COMPACT.fullmatch(text):
        return _of_compact(text, settings)
    return _of_named_month(text, settings) or _of_order(text, settings)


def _plain(cell: str) -> str:
    """Return the text in half width, 年 月 日 as marks."""
    text = cell if cell.isascii() else unicodedata.normalize("NFKC", cell)
    if "年" in text and not _ERA.match(text):
        text = re.sub(r"\s*日\s*", " ", re.sub(r"\s*[年月]\s*", "-", text)).strip().strip("-")
    return " ".join(text.split())


def _iso(year: str, month: str | None, day: str | None, clock: str | None = None) -> str | Refused:
    if not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        return Refused("not-a-date")
    if not month or not month.isdigit() or int(month) == 0:
        return year
    if not day or not day.isdigit() or int(day) == 0:
        return f"{year}-{int(month):02d}"
    time = f"T{clock.zfill(5) if clock.count(':') == 1 else clock.zfill(8)}" if clock else ""
    return f"{year}-{int(month):02d}-{int(day):02d}{time}"


def _of_number(text: str, settings: MapSettings) -> str | Refused:
    """Read a bare number: a year, a date without marks, or a serial number where an epoch is declared."""
    if re.fullmatch(r"(19|20)\d\d", text):
        return text
    if _COMPACT.fullmatch(text):
        return _of_compact(text, settings)
    if not settings.serial or not _NUMBER.fullmatch(text) or float(text) < 1:
        return Refused("date-is-a-number")
    day = int(float(text))
    if settings.serial == "1900" and day <= 60:
        return Refused("date-is-a-number")  # before 1 March 1900: Excel's calendar has a 29 February there
    return (_EPOCHS[settings.serial] + timedelta(days=day)).isoformat()


def _of_compact(text: str, settings: MapSettings) -> str | Refused:
    orders = {
        "ymd": (text[:4], text[4:6], text[6:]),
        "dmy": (text[4:], text[2:4], text[:2]),
        "mdy": (text[4:], text[:2], text[2:4]),
    }
    return _iso(*orders[settings.date_order]) if settings.date_order else Refused("date-order-not-declared")


def _of_named_month(text: str, settings: MapSettings) -> str | Refused | None:
    if found := _MONTH_FIRST.fullmatch(text):
        return _iso(found[3], _month(found[1]), found[2])
    if found := _NAMED_MONTH.fullmatch(text):
        year = _full(found[3], settings)
        return _iso(year, _month(found[2]), found[1]) if year else Refused("two-digit-year")
    return None


def _month(name: str) -> str:
    return str(MONTHS.index(name.casefold()) + 1)


def _full(year: str, settings: MapSettings) -> str:
    """Return the year with four digits; empty where its century is not declared."""
    if len(year) == 4:
        return year
    return str(settings.century + int(year)) if settings.century else ""


def _of_order(text: str, settings: MapSettings) -> str | Refused:
    order = settings.date_order
    short = _SHORT_YEAR_FIRST.fullmatch(text)
    if order == "ymd" and short:
        year = _full(short[1], settings)
        return _iso(year, short[2], short[3], short[4]) if year else Refused("two-digit-year")
    found = _YEAR_LAST.fullmatch(text)
    if not found:
        return Refused("not-a-date")
    first, second, year = found[1], found[2], found[3]
    if not first:  # 03/2021
        return _iso(year, second, None) if len(year) == 4 else Refused("not-a-date")
    if not order:
        return Refused("date-order-not-declared")
    if order == "ymd":
        return Refused("date-in-another-order")
    full = _full(year, settings)
    day, month = (first, second) if order == "dmy" else (second, first)
    return _iso(full, month, day, found[4]) if full else Refused("two-digit-year")
