"""What a study is made of, and what a run of it has found."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from dayzero.errors import Finding, InputError
from dayzero.estimate import Estimate
from dayzero.history import History
from dayzero.io.mapping import Mapped
from dayzero.protocol import Protocol
from dayzero.report.document import write_report
from dayzero.report.manifest import write_manifest
from dayzero.report.page import Page
from dayzero.settings import Toml, row_of


@dataclass(frozen=True)
class Header:
    """The ``[study]`` table.

    Attributes
    ----------
    title
        Printed on every page.
    cutoff
        Nothing after this date is used.
    protocol
        Name of a built-in protocol, or path of a protocol file.
    synthetic
        True for simulated, made-up and reconstructed data: stamped on every page, figure and row.
    """

    title: str = "Untitled study"
    cutoff: date | None = None
    protocol: str = ""
    synthetic: bool = False


@dataclass(frozen=True)
class Analysis:
    """One ``[[analysis]]``: its place in the file, its kind, and its settings."""

    position: int
    kind: str
    settings: object


@dataclass(frozen=True)
class Study:
    """A study, read and checked: all that a run needs.

    Attributes
    ----------
    toml
        The study file.
    header, protocol, history, analyses
        What the study file names.
    findings
        What was found while reading.
    inputs
        File name to sha256 of every file that was read.
    tables
        Names of the patients and the events table in findings.
    mapped
        The two tables and where their rows come from, where the study file has a ``[map]``.
    folder
        Where the study file is.
    """

    toml: Toml
    header: Header
    protocol: Protocol
    history: History
    analyses: tuple[Analysis, ...]
    findings: tuple[Finding, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)
    tables: tuple[str, str] = ("patients.csv", "events.csv")
    mapped: Mapped | None = None
    folder: Path = Path()


@dataclass(frozen=True)
class Results:
    """What a run has found, ready to be written.

    Attributes
    ----------
    page
        The report's content.
    estimates
        Every row of ``report.json``.
    study
        What was run.
    """

    page: Page
    estimates: Estimate
    study: Study

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was found in the data."""
        return self.page.findings

    def write(self, out: str | Path) -> list[Path]:
        """Write the report and its manifest into a folder; return the files."""
        files = write_report(self.page, Path(out))
        facts = {
            "command": f"dayzero report {self.study.toml.file}",
            "inputs": dict(self.study.inputs),
            "seed": None,
            "versions": self.page.provenance["Versions"],
        }
        return [*files, write_manifest(Path(out), files, facts)]


def in_files(findings: Iterable[Finding], tables: tuple[str, str]) -> tuple[Finding, ...]:
    """Return findings of graders and analyses, which know of patients and events, with the names of the two files.

    Derived events stand in no row (they have row 0), and are left out.
    """
    names = dict(zip(("patients", "events"), tables, strict=True))
    return tuple(
        replace(found, table=names[found.table], rows=tuple(row for row in found.rows if row > 0))
        if found.table in names
        else found
        for found in findings
    )


def placed(error: InputError, toml: Toml, path: tuple[str | int, ...]) -> InputError:
    """Return the error with the study file's name and row, where it has none of its own."""
    if error.file:
        return error
    column = ".".join(str(part) for part in (*path, error.column or "") if part != "")
    place = (*path, error.column) if error.column else path
    row = row_of(toml, place) or row_of(toml, path)
    return InputError(error.fault, mend=error.mend, file=toml.file, row=row, column=column)
