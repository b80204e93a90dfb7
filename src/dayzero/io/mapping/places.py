"""Where the rows of the mapped tables come from: file, sheet, row and column."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import polars as pl

from dayzero.errors import Finding, InputError
from dayzero.io.csv import Table

HEADER_ROW = 1


@dataclass(frozen=True)
class Mapped:
    """The two tables of the contract, as mapped, and where their rows come from.

    Attributes
    ----------
    patients, events
        The tables, their rows numbered as in the files that ``dayzero report --save-mapped`` writes.
    patient_places, event_places
        One row a row of the table: ``table``, the sheet as messages name it; ``row`` of its file; ``column`` as
        messages name it; ``patient``, the row of the patients table (absent: null); ``told``, whether a finding
        of the mapping says why the event has no date.
    findings
        What was found while mapping, in the sheets' own rows.
    """

    patients: Table
    events: Table
    patient_places: pl.DataFrame
    event_places: pl.DataFrame
    findings: tuple[Finding, ...] = ()

    def counts(self) -> dict[str, int]:
        """Return how many events of each name there are, the most frequent first."""
        rows = self.events.frame["event"].value_counts(sort=True, name="n").sort("n", "event", descending=[True, False])
        return dict(rows.rows())


def in_source(findings: Iterable[Finding], mapped: Mapped | None) -> tuple[Finding, ...]:
    """Return findings about the mapped tables as findings about the sheets, one a sheet and column.

    Findings about anything else stay as they are. Rows of patients become the rows in which the patients first stand.
    """
    if mapped is None:
        return tuple(findings)
    return tuple(item for finding in findings for item in _translated(finding, mapped))


def error_in_source(error: InputError, mapped: Mapped) -> InputError:
    """Return an error about a row of a mapped table as one about the sheet."""
    places = {mapped.patients.name: mapped.patient_places, mapped.events.name: mapped.event_places}.get(error.file)
    if places is None or error.row is None or error.row <= HEADER_ROW:
        return error
    place = places.row(error.row - HEADER_ROW - 1, named=True)
    return InputError(error.fault, mend=error.mend, file=place["table"], row=place["row"], column=place["column"])


def _translated(finding: Finding, mapped: Mapped) -> Iterator[Finding]:
    about_events = finding.table == mapped.events.name
    if not (about_events or finding.table == mapped.patients.name) or HEADER_ROW in finding.rows:
        yield _with_patients(finding, mapped)
        return
    places = mapped.event_places if about_events else mapped.patient_places
    here = places[[row - HEADER_ROW - 1 for row in finding.rows]]
    if finding.code == "missing-date":
        here = here.filter(~pl.col("told"))
    for (table, column), of in here.group_by("table", "column", maintain_order=True):
        rows = of.unique("row", maintain_order=True)
        concerned = set(finding.patient_rows) & set(rows["patient"].drop_nulls())
        yield replace(
            finding,
            table=str(table),
            column=str(column) if about_events else finding.column,
            rows=tuple(rows["row"]),
            patient_rows=_source_rows(sorted(concerned), mapped),
        )


def _with_patients(finding: Finding, mapped: Mapped) -> Finding:
    if finding.table not in {"", mapped.events.name, mapped.patients.name}:
        return finding
    return replace(finding, patient_rows=_source_rows(finding.patient_rows, mapped))


def _source_rows(patient_rows: Iterable[int], mapped: Mapped) -> tuple[int, ...]:
    """Return the rows of the sheets in which patients of the patients table first stand."""
    return tuple(mapped.patient_places["row"][[row - HEADER_ROW - 1 for row in patient_rows]])
