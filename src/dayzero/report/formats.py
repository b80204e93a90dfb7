"""How numbers and names are written in a report: the only place where anything is rounded."""

import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from dayzero.report.axis import DAYS_PER

NONE: Final = "–"
NOT_REACHED: Final = "not reached"
NOT_ESTIMABLE: Final = "not estimable"
_UNPRINTABLE: Final = frozenset({"Cc", "Cs"})
_BIDI: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

Number = float | None


def printable(text: str) -> str:
    r"""Return the text without control characters, lone surrogates and overrides of the writing direction.

    Examples
    --------
    >>> printable("a\tb\x00c")
    'a b\ufffdc'
    """
    return "".join(map(_printable, text))


def _printable(char: str) -> str:
    if char.isspace():
        return char if char in "\n\u00a0\u3000" else " "
    bad = char in _BIDI or unicodedata.category(char) in _UNPRINTABLE or char in "\ufffe\uffff"
    return "\ufffd" if bad else char


def fixed(value: float, digits: int) -> str:
    """Write a number with so many decimals; what rounds to zero has no sign.

    Examples
    --------
    >>> fixed(-0.04, 1), fixed(-0.06, 1)
    ('0.0', '-0.1')
    """
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0.0 else text


def percent(value: Number) -> str:
    """Write a probability in per cent with one decimal.

    Examples
    --------
    >>> percent(0.58333)
    '58.3'
    """
    return NONE if value is None else fixed(100 * value, 1)


def ratio(value: Number) -> str:
    """Write a ratio with two decimals, and what two decimals cannot show as a bound.

    Examples
    --------
    >>> ratio(0.5602), ratio(0.0001), ratio(1e9)
    ('0.56', '<0.01', '>999')
    """
    if value is None:
        return NONE
    if value > 999:
        return ">999"
    return "<0.01" if 0 < value < 0.005 else f"{value:.2f}"


def p_value(value: Number) -> str:
    """Write a p value with three decimals.

    Examples
    --------
    >>> p_value(0.0004), p_value(0.0412), p_value(0.99999)
    ('<0.001', '0.041', '>0.999')
    """
    if value is None:
        return NONE
    if value < 0.001:
        return "<0.001"
    return ">0.999" if value > 0.9994999 else f"{value:.3f}"


def p_statement(value: Number) -> str:
    r"""Write a p value as part of a sentence, in one piece that no line break splits.

    Examples
    --------
    >>> p_statement(0.0004), p_statement(0.0412), p_statement(None)
    ('p\xa0<\xa00.001', 'p\xa0=\xa00.041', 'p not available')
    """
    text = p_value(value)
    if text == NONE:
        return "p not available"
    text = f"p {text[0]} {text[1:]}" if text[0] in "<>" else f"p = {text}"
    return text.replace(" ", "\u00a0")


def count(value: Number) -> str:
    """Write a number of patients or events; weighted counts keep one decimal."""
    return NONE if value is None else f"{value:.0f}" if float(value).is_integer() else f"{value:.1f}"


def plain(value: Number) -> str:
    """Write a number on the scale of the data with up to four significant digits.

    Examples
    --------
    >>> plain(28.0), plain(13.8037), plain(1200.0)
    ('28', '13.8', '1200')
    """
    return NONE if value is None else f"{value:.0f}" if abs(value) >= 1000 else f"{value:.3g}"


def interval(lower: Number, upper: Number, write: Callable[[Number], str]) -> str:
    """Write limits with an en dash, ``–`` alone where there are none.

    Examples
    --------
    >>> interval(0.496, 0.66, percent), interval(0.5, None, ratio), interval(None, None, ratio)
    ('49.6–66.0', '0.50–no limit', '–')
    """
    if lower is None and upper is None:
        return NONE
    return "–".join("no limit" if end is None else write(end) for end in (lower, upper))


def chi_squared(value: Number) -> str:
    """Write a test statistic with two decimals.

    Examples
    --------
    >>> chi_squared(13.8037)
    '13.80'
    """
    return NONE if value is None else f"{value:.2f}"


def duration(days: Number, unit: str) -> str:
    """Write a length of time without its unit; ``not reached`` where there is none.

    Examples
    --------
    >>> duration(365.25, "months"), duration(28, "days"), duration(None, "days")
    ('12.0', '28', 'not reached')
    """
    if days is None:
        return NOT_REACHED
    return plain(days) if unit == "days" else f"{days / DAYS_PER[unit]:.1f}"


def range_of_days(lower: Number, upper: Number, unit: str) -> str:
    """Write the limits of a length of time.

    Examples
    --------
    >>> range_of_days(365.25, None, "months"), range_of_days(None, None, "months")
    ('12.0–not reached', 'limits not reached')
    """
    if lower is None and upper is None:
        return f"limits {NOT_REACHED}"
    return f"{duration(lower, unit)}–{duration(upper, unit)}"


def days_as(value: Number, unit: str) -> str:
    """Write a number of days in a unit with one decimal, a difference below zero with its sign.

    Examples
    --------
    >>> days_as(-60.875, "months"), days_as(None, "days")
    ('-2.0', '–')
    """
    return NONE if value is None else fixed(value / DAYS_PER[unit], 1)


def signed_interval(row: Mapping[str, Any], write: Callable[[Number], str]) -> str:
    """Write a difference with its limits, with ``to`` between them, for they may be negative.

    Examples
    --------
    >>> signed_interval({"estimate": -0.07, "lower": -0.13, "upper": 0.01}, percent)
    '−7.0 (−13.0 to 1.0)'
    """
    value, *ends = (write(row[key]).replace("-", "−") for key in ("estimate", "lower", "upper"))
    return f"{value} ({NONE if row['lower'] is None else ' to '.join(ends)})"


def moment(day: float) -> str:
    """Name a time from the origin: whole years and months where it is one, days otherwise.

    Examples
    --------
    >>> moment(365), moment(1095), moment(182.625), moment(100)
    ('1 year', '3 years', '6 months', '100 days')
    """
    years = round(day / DAYS_PER["years"])
    if years and abs(day - years * DAYS_PER["years"]) <= 0.25 * (years + 1):
        return plural(years, "year")
    months = round(day / DAYS_PER["months"])
    if months >= 2 and abs(day - months * DAYS_PER["months"]) <= 0.5:
        return plural(months, "month")
    return plural(day, "day")


def plural(number: float, noun: str) -> str:
    """Write a count with its noun.

    Examples
    --------
    >>> plural(1, "patient"), plural(0, "event")
    ('1 patient', '0 events')
    """
    text = f"{number:g}" if abs(number) < 100_000 else f"{number:.0f}"
    return f"{text} {noun}" if math.isclose(number, 1) else f"{text} {noun}s"


def listed(items: Iterable[str]) -> str:
    """Join with commas and *and*.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    words = list(items)
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def sentence_case(text: str) -> str:
    """Return the text with its first letter in capitals.

    Examples
    --------
    >>> sentence_case("relapse or GVHD")
    'Relapse or GVHD'
    """
    return text[:1].upper() + text[1:]
