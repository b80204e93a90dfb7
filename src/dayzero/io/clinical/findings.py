"""What is found at the door: one line a code; docs/study-file/tables.md explains each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from dayzero.errors import Finding, Level
from dayzero.history import History
from dayzero.io.clinical.source import Source


@dataclass(frozen=True)
class Found:
    """Rows in which something was found.

    Attributes
    ----------
    code
        One of ``FOUND``.
    where
        (rows,) Boolean.
    about
        Names (never values) for the message.
    column
        Header of the column.
    """

    code: str
    where: pl.Series
    about: str = ""
    column: str = ""


@dataclass(frozen=True)
class What:
    """A kind of finding: its level, what is said, and how it is mended."""

    level: Level
    message: str
    mend: str


_UNIT: Final = "Check the unit: a factor of 10, 100 or 1000 is the commonest error."
_LOOK: Final = "Look it up, and correct the number or its unit."
FOUND: Final = {
    "event-of-unknown-patient": What(
        "error",
        "Rows of patients who are not in the patients file, or were left out there, are not used.",
        "Add the patient, or correct the identifier (it is compared as text: 7 is not 007).",
    ),
    "undated-row": What(
        "warning",
        "Rows without a whole date: nothing that needs a day uses them. No date is imputed.",
        "Look it up and write it as 2021-03-25.",
    ),
    "unknown-analyte": What(
        "note", "Rows of analytes that are not known are not used: {about}.", "Rename those that a grade needs."
    ),
    "analyte-in-two-units": What(
        "note", "One analyte is written in several units, and converted: {about}.", "Check that both are meant."
    ),
    "negative-value": What("error", "Numbers below 0 are taken for unknown.", _LOOK),
    "value-out-of-range": What("error", "Numbers outside what the column can hold are taken for unknown.", _LOOK),
    "fraction-above-one": What("error", "Fractions above 1 (100 %) are taken for unknown.", _UNIT),
    "platelets-above-2000": What("warning", "Platelets above 2000 x 1e9/L.", _UNIT),
    "anc-above-wbc": What("warning", "More neutrophils than white cells on one day.", _UNIT),
    "likely-unit-error": What("warning", "Values that suggest another unit than the one written: {about}.", _UNIT),
    "lab-far-outside": What("warning", "Values above 100 times the plausible highest: {about}.", _UNIT),
    "temperature-implausible": What("warning", "Temperatures below 30 or above 43 degrees Celsius.", _UNIT),
    "mrd-is-overt-disease": What(
        "warning",
        "MRD above 5 % is overt disease by its amount, not minimal residual disease.",
        "Check the unit, or record it as blasts in the assessments.",
    ),
    "mrd-detected-differs": What(
        "warning",
        "The value says not detected, and the column detected says yes, or the reverse: taken for unknown.",
        "Correct one of the two.",
    ),
    "dose-without-unit": What("warning", "Doses without a unit.", "Fill in dose_unit."),
    "support-ends-before-start": What(
        "error", "Support that ends before it starts: its end is taken for unknown.", "Correct one of the two dates."
    ),
}


def to_findings(source: Source, found: Sequence[Found], patient: pl.Series, history: History) -> list[Finding]:
    """Return what was found in a table, with the rows of the file and of the patients file.

    Parameters
    ----------
    source
        The table, whose rows ``found`` counts.
    found
        What; what was found in no row is left out.
    patient
        (rows,) index into ``history.patients``; -1 for patients who are not there.
    history
        The patients.
    """
    return [_finding(source, each, patient, history) for each in found if each.where.any()]


def _finding(source: Source, found: Found, patient: pl.Series, history: History) -> Finding:
    what, where = FOUND[found.code], found.where.fill_null(value=False)
    concerned = patient.filter(where).unique().sort()
    patients = history.patient_rows[concerned.filter(concerned >= 0).to_numpy()]
    return Finding(
        what.level,
        found.code,
        what.message.format(about=found.about),
        mend=what.mend,
        table=source.name,
        rows=tuple(source.rows[where.to_numpy()].tolist()),
        patient_rows=tuple(patients.tolist()),
        column=found.column,
    )
