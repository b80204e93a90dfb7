"""The rows of a further table: whose they are, when they were, and what they hold."""

from dataclasses import dataclass
from typing import Final

import polars as pl

from dayzero.errors import Finding
from dayzero.history import History
from dayzero.io.clinical.clock import after_cutoff, bedside_days, end_days, row_days
from dayzero.io.clinical.findings import Found, to_findings
from dayzero.io.clinical.headers import CLOCK, find_places, refuse_near
from dayzero.io.clinical.plausible import implausible, several_units
from dayzero.io.clinical.schema import BEDSIDE, SPANS, schema
from dayzero.io.clinical.source import Source
from dayzero.io.clinical.typed import Places, read_analytes, read_columns, to_frame
from dayzero.io.tables import DataSettings
from dayzero.settings import shown

_NAMED: Final = 12
"""So many unknown analytes are named."""


@dataclass(frozen=True)
class Rows:
    """The rows of a table, and what of them is already known.

    Attributes
    ----------
    source
        The table as text.
    patient
        (rows,) index into the patients; -1 where there is no such patient.
    day
        (rows,) on the clock of the events; null where there is none.
    """

    source: Source
    patient: pl.Series
    day: pl.Series

    def filter(self, where: pl.Series) -> "Rows":
        """Return some of the rows; the same where they are all."""
        if where.all():
            return self
        return Rows(self.source.filter(where), self.patient.filter(where), self.day.filter(where))

    @property
    def keys(self) -> dict[str, pl.Series]:
        """The columns that every typed table has."""
        return {"patient": self.patient, "day": self.day.alias("day"), "row": pl.Series("row", self.source.rows)}


Read = tuple[pl.DataFrame, list[Finding]]


def read_table(source: Source, data: DataSettings, history: History) -> Read:
    """Type one further table.

    Parameters
    ----------
    source
        The table as text.
    data
        The study's ``[data]``.
    history
        The patients, whose identifiers the rows have, and the clock of the events.

    Returns
    -------
    tuple
        The typed table and what was found. Rows of patients who are not there and rows after the cutoff are left out;
        nothing else is asked of them.

    Raises
    ------
    InputError
        Where a column is missing or not on the clock of the events, or a cell has no meaning.
    """
    bedside = source.table in BEDSIDE
    if bedside:
        refuse_near(source, ("patient", "time", *CLOCK))
    places = {} if bedside else find_places(source, schema()[source.table])
    patient = _patients(source, history)
    day = (bedside_days if bedside else row_days)(source, data, calendar=history.calendar)
    unknown = patient < 0
    found = [
        Found("event-of-unknown-patient", unknown, column="patient"),
        Found("undated-row", day.is_null() & ~unknown),
    ]
    findings = to_findings(source, found, patient, history)
    rows = Rows(source, patient, day).filter(~unknown & ~after_cutoff(day, history.cutoff))
    frame, more = _bedside(rows, history) if bedside else _typed(rows, places, data, history)
    return frame, [*findings, *more]


def _patients(source: Source, history: History) -> pl.Series:
    """Return the index of every row's patient, -1 where there is no such patient."""
    blank = source.frame["patient"].is_null()
    if blank.any():
        raise source.fault("no identifier", "Give every row a patient.", blank, "patient")
    key = history.patients.select("patient", pl.int_range(pl.len(), dtype=pl.Int64).alias("index"))
    joined = source.frame.select("patient").join(key, on="patient", how="left", maintain_order="left")
    return joined["index"].fill_null(-1).alias("patient")


def _bedside(rows: Rows, history: History) -> Read:
    """Keep the columns as text; ``row`` and ``day`` of the file give way to the typed ones."""
    kept = [name for name in rows.source.frame.columns if name not in rows.keys]
    frame = pl.DataFrame(list(rows.keys.values())).hstack(rows.source.frame.select(kept))
    return frame, to_findings(rows.source, implausible(rows.source.table, frame), rows.patient, history)


def _typed(rows: Rows, places: Places, data: DataSettings, history: History) -> Read:
    findings: list[Finding] = []
    analyte = None
    if rows.source.table == "labs":
        rows, analyte, findings = _of_known_analytes(rows, places["analyte"].header, history)
    source = rows.source
    typed = read_columns(source, places, analyte)
    columns, found = rows.keys | typed.columns, [*typed.found]
    if source.table in SPANS:
        columns["end_day"], ends = _ends(rows, data, history)
        found.append(ends)
    frame = to_frame(source.table, columns, len(source))
    found += implausible(source.table, frame)
    if analyte is not None and "value" in typed.units:
        found.append(several_units(analyte, typed.units["value"]))
    return frame, [*findings, *to_findings(source, found, rows.patient, history)]


def _of_known_analytes(rows: Rows, header: str, history: History) -> tuple[Rows, pl.Series, list[Finding]]:
    analyte = read_analytes(rows.source, header)
    known = analyte.is_not_null()
    names = rows.source.text(header).filter(~known).str.to_lowercase().unique().sort()
    about = ", ".join(shown(name) for name in names[:_NAMED]) + (" ..." if len(names) > _NAMED else "")
    found = Found("unknown-analyte", ~known, about=about, column=header)
    findings = to_findings(rows.source, [found], rows.patient, history)
    return rows.filter(known), analyte.drop_nulls(), findings


def _ends(rows: Rows, data: DataSettings, history: History) -> tuple[pl.Series, Found]:
    """Return the last day of each row, cut at the cutoff; null where it comes before the first."""
    end = end_days(rows.source, data, calendar=history.calendar)
    wrong = (end.floor() < rows.day.floor()).fill_null(value=False)
    end = end.set(wrong, None)
    if history.cutoff is not None:
        later = after_cutoff(end, history.cutoff)
        latest = pl.select(pl.max_horizontal(rows.day.fill_null(history.cutoff), pl.lit(history.cutoff))).to_series()
        end = end.zip_with(~later, latest)
    return end, Found("support-ends-before-start", wrong, column="end_date" if history.calendar else "end_day")
