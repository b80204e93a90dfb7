"""Warnings beside the numbers that they concern: a raised letter in the cell, the words below the table."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from dayzero.report.formats import printable, sentence_case

_LETTERS: Final = "ᵃᵇᶜᵈᵉᶠᵍʰ"
_Row = Mapping[str, Any]


def footnotes(rows: Iterable[_Row]) -> dict[str, str]:
    """Give each distinct warning of the rows a letter, in the order in which they come.

    Examples
    --------
    >>> footnotes([{"statistic": "survival", "warning": "few patients"}, {"statistic": "survival", "warning": None}])
    {'few patients': 'ᵃ'}
    """
    texts = dict.fromkeys(row["warning"] for row in rows if row["warning"] and not says_null(row))
    return {text: _LETTERS[k % len(_LETTERS)] * (1 + k // len(_LETTERS)) for k, text in enumerate(texts)}


def mark(row: _Row, marks: Mapping[str, str]) -> str:
    """Return the letter of a row's warning, empty where it has none."""
    return marks.get(row.get("warning") or "", "")


def explain(marks: Mapping[str, str], *notes: str) -> str:
    """Return the note below a table: what the letters mean, a line each, and what else must be known."""
    said = [f"{letter} {sentence_case(printable(spoken(text)).rstrip('.'))}." for text, letter in marks.items()]
    return "\n".join([*said, *filter(None, notes)])


def spoken(text: str) -> str:
    """Return a warning whose name, before its colon, is in words.

    Examples
    --------
    >>> spoken("no_events_in_arm: nobody has the event after hsct")
    'no events in arm: nobody has the event after hsct'
    """
    name, colon, rest = text.partition(": ")
    return f"{name.replace('_', ' ')}{colon}{rest}" if colon and " " not in name else text


def says_null(row: _Row) -> bool:
    """Return whether the cell says already what the warning does: a median that is not reached."""
    return row["statistic"] in {"median", "median_follow_up"} and str(row["warning"]).endswith("was not reached")
