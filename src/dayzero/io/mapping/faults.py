"""What can be wrong with the cells of a mapped sheet, and how it is said."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from dayzero.errors import Finding, Level

_UNDATED: Final = (
    "The event is kept without a date, and nothing is imputed: its patient is left out where it is asked for."
)
_LOOK: Final = "Look the date up, and write it as 2021-03-25."


@dataclass(frozen=True)
class Fault:
    """Something wrong with cells of one column of one sheet.

    Attributes
    ----------
    code
        A key of ``FAULTS``.
    table
        The sheet as messages name it.
    column
        The column as messages name it.
    rows
        Rows of the file.
    about
        Words that the message needs: the name of a baseline column, an event or another sheet.
    """

    code: str
    table: str
    column: str
    rows: tuple[int, ...]
    about: str = ""


@dataclass(frozen=True)
class Wording:
    """Level, message and mend of a kind of fault; ``{about}`` is filled in, and ``{kept}``: what becomes of the row."""

    level: Level
    message: str
    mend: str


FAULTS: Final[Mapping[str, Wording]] = {
    "row-without-patient": Wording(
        "warning", "Rows with values but without an identifier are not used.", "Add the identifier, or empty the row."
    ),
    "row-of-totals": Wording(
        "warning",
        "Rows that name a total, a mean or the header again where the identifier stands are not used.",
        "Keep totals out of the sheet.",
    ),
    "error-cell": Wording(
        "error", "A formula in these cells ends in an error; the value is missing.", "Mend the formula."
    ),
    "value-not-coded": Wording(
        "error",
        "The mapping's codes do not say what is meant by these cells of {about}; the value is missing.",
        'Add the code in the study file (with = "" where it means missing), or correct the cells.',
    ),
    "event-not-coded": Wording(
        "error",
        "The mapping's codes do not say which event is meant; these rows are not used.",
        'Add the code in the study file (with = "" where it is no event), or correct the cells.',
    ),
    "event-not-known": Wording(
        "error",
        "These cells hold no event name that is known; the rows are not used.",
        "Give codes in the mapping, or declare the name in [data] other_events.",
    ),
    "not-a-number": Wording(
        "error", "Not a number, though {about} is one; the value is missing.", "Write a number alone in the cell."
    ),
    "other-decimal-mark": Wording(
        "error",
        "A number written with a point, though the mapping declares the comma; the value of {about} is missing.",
        "Write all numbers with the declared mark, without separators of thousands.",
    ),
    "not-a-whole-number": Wording(
        "error", "Not a whole number from 1; which of its kind the event is stays open.", "Write 1, 2, ..."
    ),
    "not-a-date": Wording("error", "Not a date. {kept}", _LOOK),
    "date-is-a-number": Wording(
        "error",
        "A bare number where a date should stand. {kept}",
        'Format the cells as dates; or declare serial = "1900" in [map] if they are Excel\'s day numbers.',
    ),
    "two-digit-year": Wording(
        "error", "A year of two digits. {kept}", "Write four digits, or declare century = 2000 in [map]."
    ),
    "japanese-era": Wording("error", "A date in a Japanese era is not read. {kept}", _LOOK),
    "date-order-not-declared": Wording(
        "error",
        "Day first or month first? The mapping does not say. {kept}",
        'Declare date_order = "dmy" or "mdy" in [map].',
    ),
    "date-in-another-order": Wording(
        "error", "A date whose year stands last, though the mapping declares ymd. {kept}", _LOOK
    ),
    "date-without-event": Wording(
        "error",
        "A date, but its row does not say that {about} happened: not used.",
        "Remove the date, or correct the column that says whether it happened.",
    ),
    "value-without-date": Wording(
        "warning",
        "A value of {about} without a date is not used.",
        "Look the date up; or say by when = {{ column, is }} in which rows it happened.",
    ),
    "patient-in-one-sheet": Wording(
        "warning",
        "Patients of this sheet are not in {about}; they are used with what there is.",
        "Add them there, or correct the identifier (it is compared as text: 7 is not 007).",
    ),
    "baseline-differs": Wording(
        "error",
        "One patient has several values of {about}: it is missing.",
        "Find out which is right, and correct the other.",
    ),
    "event-twice": Wording("note", "The same {about} on the same day stands twice, and counts once.", ""),
    "event-on-two-dates": Wording(
        "warning",
        "Two sheets give a patient's {about} two dates: both are kept.",
        "Find out which date is right; where there were two, number them.",
    ),
    "happens-once": Wording(
        "error",
        "A patient has several dates of {about}, which happens once: the first that the mapping names is used.",
        "Find out which date is right.",
    ),
}
"""Every finding of the mapping; ``happens-once`` is written as ``event-on-two-dates``."""


def to_findings(faults: Iterable[Fault]) -> tuple[Finding, ...]:
    """Return one finding for the faults of one kind in one column."""
    rows: dict[tuple[str, str, str, str], set[int]] = {}
    for fault in faults:
        rows.setdefault((fault.code, fault.table, fault.column, fault.about), set()).update(fault.rows)
    return tuple(_finding(*key, tuple(sorted(of))) for key, of in rows.items())


def _finding(code: str, table: str, column: str, about: str, rows: tuple[int, ...]) -> Finding:
    wording = FAULTS[code]
    kept = f"The value of {about} is missing; nothing is imputed." if about else _UNDATED
    message, mend = wording.message.format(about=about, kept=kept), wording.mend.format(about=about)
    name = "event-on-two-dates" if code == "happens-once" else code
    return Finding(wording.level, name, message, mend=mend, table=table, rows=rows, column=column)
