"""Findings as rows of a table for people."""

from collections.abc import Sequence
from typing import Final

from dayzero.errors import Finding

ORDER: Final = {"error": 0, "warning": 1, "note": 2}
SHOWN: Final = 5


def findings_table(findings: Sequence[Finding]) -> list[tuple[str, str, str, str, str]]:
    """Return (level, code, where, what, mend) for each finding, errors first.

    Examples
    --------
    >>> finding = Finding("error", "missing-date", "No date.", mend="Look it up.", table="events.csv", rows=(3, 4))
    >>> findings_table([finding])
    [('error', 'missing-date', 'events.csv, rows 3, 4', 'No date.', 'Look it up.')]
    """
    ordered = sorted(findings, key=lambda finding: ORDER[finding.level])
    return [(f.level, f.code, place(f), f.message, f.mend) for f in ordered]


def place(finding: Finding) -> str:
    """Return where a finding stands: the file, the first rows, and the column where it is one.

    Examples
    --------
    >>> place(Finding("error", "missing-date", "No date.", table="events.csv", rows=tuple(range(2, 10))))
    'events.csv, rows 2, 3, 4, 5, 6 and 3 more'
    """
    column = f", column {finding.column}" if finding.column else ""
    if not finding.rows:
        return f"{finding.table}{column}"
    more = f" and {len(finding.rows) - SHOWN:,} more" if len(finding.rows) > SHOWN else ""
    rows = "row" if len(finding.rows) == 1 else "rows"
    return f"{finding.table}, {rows} {', '.join(map(str, finding.rows[:SHOWN]))}{more}{column}"
