"""The published figures of a study or protocol file, held against each other and against the study's own calendar.

Published figures are no patient's values: findings quote them.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from dayzero.checks.printed import Printed, Ratio, RatioVerdict, check_ratio, check_width, follow_up_possible, printed
from dayzero.endpoints import first_day
from dayzero.errors import Finding, InputError
from dayzero.history import History
from dayzero.protocol import Protocol, parse_term
from dayzero.record import Record, read_records
from dayzero.settings import Toml, row_of, shown

DAYS_PER: Final = {
    **dict.fromkeys(("d", "day", "days"), 1.0),
    **dict.fromkeys(("week", "weeks"), 7.0),
    **dict.fromkeys(("month", "months"), 30.4375),
    **dict.fromkeys(("year", "years"), 365.25),
}
ENTRIES: Final = ("enrolment", "apheresis")
"""Events with which follow-up may begin, besides the protocol's day zero."""
_LOOK: Final = "Look the figure up in the document; say in the record's note what it is if it stands there."
_SLIPS: Final = {"truncated": "if digits were cut off", "one_unit": "if a last digit is off by one"}


def find_published(toml: Toml, *, possible: float | None = None) -> tuple[Finding, ...]:
    """Return what the ``[[published]]`` tables of a file say against themselves.

    Parameters
    ----------
    toml
        The file.
    possible
        Longest follow-up in days that the study's calendar allows (:func:`longest_possible`); None: not known.

    Returns
    -------
    tuple of Finding
        ``printed-ratio-incoherent`` (guard HR_CI_COHERENT), ``printed-interval-narrow`` (VAR_NOT_SE) and
        ``printed-follow-up-impossible`` (FOLLOWUP_POSSIBLE), in the order of the file.

    Raises
    ------
    InputError
        Where a table is no record.
    """
    found = []
    for position, record in enumerate(read_records(toml)):
        row = row_of(toml, ("published", position))
        for level, code, words, mend in _faults(record, possible):
            message = f"{shown(record.id)}: {words}."
            found.append(Finding(level, code, message, mend, toml.file, (row,) if row else ()))  # type: ignore[arg-type]
    return tuple(found)


def longest_possible(history: History, protocol: Protocol) -> float | None:
    """Return the days from the first day zero, enrolment or apheresis to the cutoff; None where there is no cutoff."""
    if history.cutoff is None or not history.calendar:
        return None
    days = np.concatenate([first_day(history, parse_term(t)) for t in (protocol.definitions.day_zero, *ENTRIES)])
    known = days[np.isfinite(days)]
    return float(history.cutoff - known.min()) if len(known) else None


_Words = tuple[str, str, str, str]


def _faults(record: Record, possible: float | None) -> Iterator[_Words]:
    if record.role not in ("own", "cited"):
        return
    if record.kind == "ratio":
        yield from _of_ratio(record)
    elif record.kind in ("proportion", "km_rate"):
        yield from _of_rate(record)
    elif record.kind == "followup" and possible is not None:
        yield from _of_follow_up(record, possible)


def _of_ratio(record: Record) -> Iterator[_Words]:
    ratio = _ratio(record)
    if ratio is None:
        return
    verdict, code = check_ratio(ratio), "printed-ratio-incoherent"
    what = f"{record.figure} ({record.lower} to {record.upper})" + (f", p {record.p}" if record.p else "")
    if not verdict.ordered:
        yield "warning", code, f"{what}: the ratio does not lie between its limits", _LOOK
    elif verdict.worst == "none":
        yield "warning", code, f"{what} is not reproducible under Wald limits and test: {_why(ratio, verdict)}", _LOOK
    elif verdict.worst != "nearest":
        slip = _SLIPS[verdict.worst]
        yield "note", code, f"{what} is reproducible under Wald limits and test only {slip}", ""


def _why(ratio: Ratio, verdict: RatioVerdict) -> str:
    """Say what the limits alone imply."""
    said, (low, high) = [], verdict.p_range
    if verdict.limits == "none" and ratio.centre is not None:
        said.append(f"the geometric centre of the limits is {ratio.centre:.4g}")
    if ratio.p is not None and verdict.p_value == "none" and not np.isnan(low):
        said.append(f"the limits alone imply a p from {low:.2g} to {high:.2g}")
    return "; ".join(said) or "no estimate and standard error print all of them"


def _ratio(record: Record) -> Ratio | None:
    """Return the printed ratio of a record, None where it has no confidence limits above 0 that are numbers."""
    parts = [_number(text) for text in (record.figure, record.lower, record.upper)]
    p = _number(record.p) if record.p else None
    if record.interval != "confidence" or None in parts or (record.p and p is None):
        return None
    estimate, lower, upper = (part for part in parts if part is not None)
    return Ratio(estimate, lower, upper, p) if {estimate.sign, lower.sign, upper.sign} == {"="} else None


def _number(text: str) -> Printed | None:
    try:
        return printed(text)
    except InputError:
        return None


def _of_rate(record: Record) -> Iterator[_Words]:
    estimate, lower, upper = (_number(text) for text in (record.figure, record.lower, record.upper))
    if not record.n or record.interval != "confidence" or not record.unit.startswith("%"):
        return
    if estimate is None or lower is None or upper is None:
        return
    width = check_width(estimate, lower, upper, n=record.n)
    if width.too_narrow:
        slip = ", and are what 1.96 times the variance gives in place of the standard error"
        yield (
            *("warning", "printed-interval-narrow"),
            f"{record.figure} % ({record.lower} to {record.upper}) is not reproducible with {record.n} patients: the "
            f"limits lie within {width.printed:.1f} points, {width.least:.0f} are the least by any usual interval"
            + (slip if width.like_variance else ""),
            "Look up whether variances were taken for standard errors (cmprsk::cuminc returns variances).",
        )


def _of_follow_up(record: Record, possible: float) -> Iterator[_Words]:
    longest, unit = _number(record.upper or record.figure), DAYS_PER.get(record.unit.strip().lower())
    if longest is None or unit is None or follow_up_possible(longest, days_per=unit, possible=possible):
        return
    what = f"a follow-up of {record.upper or record.figure} {record.unit}"
    yield (
        *("warning", "printed-follow-up-impossible"),
        f"{what} is not reproducible: from the first patient's first day to the cutoff are {possible:,.0f} days",
        "Look up the dates of the first patient and of the cutoff.",
    )
