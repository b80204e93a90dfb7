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
        messages name it; ``patient``, the row of the patients table; ``told``, whether a finding of the mapping
        says why the event has no date.
    value_places
        Where the values of baseline columns stand: ``name`` of the column, ``patient``, ``table``, ``row``, ``column``.
    findings
        What was found while mapping, in the sheets' own rows.
    study_file
        Name of the file that has the mapping.
    """

    patients: Table
    events: Table
    patient_places: pl.DataFrame
    event_places: pl.DataFrame
    value_places: pl.DataFrame
    findings: tuple[Finding, ...] = ()
    study_file: str = "study.toml"

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
    """Return an error about a mapped table as one about the sheet's row, or about the study file."""
    places = {mapped.patients.name: mapped.patient_places, mapped.events.name: mapped.event_places}.get(error.file)
    if places is None:
        return error
    if error.row is None or error.row <= HEADER_ROW:
        return InputError(error.fault, mend=error.mend, file=mapped.study_file, column=error.column)
    place = places.row(error.row - HEADER_ROW - 1, named=True)
    return InputError(error.fault, mend=error.mend, file=place["table"], row=place["row"], column=place["column"])


def _translated(finding: Finding, mapped: Mapped) -> Iterator[Finding]:
    if finding.table not in {"", mapped.patients.name, mapped.events.name}:
        yield finding
    elif not finding.rows or HEADER_ROW in finding.rows:
        yield _of_header(finding, mapped)
    else:
        yield from _by_column(finding, _places(finding, mapped), mapped)


def _of_header(finding: Finding, mapped: Mapped) -> Finding:
    """Return a finding about a whole column, or about no row at all, with the column's sheet or the study file."""
    table = f"{mapped.study_file}, [map]" if finding.table else ""
    found = mapped.value_places.filter(pl.col("name") == finding.column)
    if finding.table == mapped.patients.name and found.height:
        table, column = found.row(0, named=True)["table"], found.row(0, named=True)["column"]
        finding = replace(finding, column=column)
    return replace(finding, table=table, rows=(), patient_rows=_source_rows(finding.patient_rows, mapped))


def _places(finding: Finding, mapped: Mapped) -> pl.DataFrame:
    """Return where the rows of a finding stand: the value of the column that it names, else the date or identifier."""
    if finding.table == mapped.events.name:
        places = mapped.event_places[[row - HEADER_ROW - 1 for row in finding.rows]]
        return places.filter(~pl.col("told")) if finding.code == "missing-date" else places
    places = mapped.patient_places[[row - HEADER_ROW - 1 for row in finding.rows]].drop("told")
    values = mapped.value_places.filter(pl.col("name") == finding.column).drop("name")
    joined = places.join(values, on="patient", how="left", maintain_order="left", suffix=" of value")
    return joined.select(
        "patient", *(pl.coalesce(f"{name} of value", name).alias(name) for name in ("table", "row", "column"))
    )


def _by_column(finding: Finding, places: pl.DataFrame, mapped: Mapped) -> Iterator[Finding]:
    """Yield the finding for each column of each sheet; where there are several each says that it is a part."""
    groups = places.group_by("table", "column", maintain_order=True)
    for (table, column), of in groups:
        rows = of.sort("row")
        part = f" Here {of.height:,} of {places.height:,}." if of.height < places.height else ""
        patients = rows["patient"].unique(maintain_order=True)
        concerned = [row for row in patients if row in set(finding.patient_rows)]
        yield replace(
            finding,
            message=f"{finding.message}{part}",
            table=str(table),
            column=str(column),
            rows=tuple(rows["row"].unique(maintain_order=True)),
            patient_rows=_source_rows(concerned, mapped),
        )


def _source_rows(patient_rows: Iterable[int], mapped: Mapped) -> tuple[int, ...]:
    """Return the rows of the sheets in which patients of the patients table first stand."""
    return tuple(mapped.patient_places["row"][[row - HEADER_ROW - 1 for row in patient_rows]])
