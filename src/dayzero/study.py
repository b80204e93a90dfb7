"""The study: a protocol and histories in, findings, estimates and pages out. It alone knows the order of steps."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Final

import polars as pl

from dayzero.analyses import KINDS, Context
from dayzero.endpoints import derive_spells, exclusions, find_endpoint_facts
from dayzero.errors import Finding, InputError
from dayzero.estimate import Estimate, concat
from dayzero.estimators.descriptive import describe
from dayzero.history import History
from dayzero.identities import check_identities
from dayzero.io.csv import read_csv
from dayzero.io.tables import DataSettings, day_of, make_history
from dayzero.protocol import Endpoint, Protocol, library, listed, read_protocol, with_tables
from dayzero.report.document import write_report
from dayzero.report.labels import in_sentence
from dayzero.report.manifest import file_digest, write_manifest
from dayzero.report.page import FlowStep, Page, Section
from dayzero.settings import Toml, parse_settings, read_toml, row_of

LIBRARIES: Final = ("numpy", "scipy", "polars", "pydantic", "matplotlib", "jinja2")
Progress = Callable[[str], None]


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
        Path of a protocol file.
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
    """

    toml: Toml
    header: Header
    protocol: Protocol
    history: History
    analyses: tuple[Analysis, ...]
    findings: tuple[Finding, ...] = ()
    inputs: Mapping[str, str] = field(default_factory=dict)


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
            "command": f"dayzero report {self.study.toml.file} --out {Path(out).name}",
            "inputs": dict(self.study.inputs),
            "seed": None,
            "versions": self.page.provenance["Versions"],
        }
        return [*files, write_manifest(Path(out), files, facts)]


@dataclass(frozen=True)
class _StudyFile:
    study: dict[str, object] = field(default_factory=dict)
    data: dict[str, object] = field(default_factory=dict)
    definitions: dict[str, object] = field(default_factory=dict)
    endpoints: dict[str, object] = field(default_factory=dict)
    analysis: tuple[dict[str, object], ...] = ()


def read_study(path: str | Path) -> Study:
    """Read a study file and the tables that it names.

    Parameters
    ----------
    path
        The study file; the files that it names are relative to its folder. A folder means its ``study.toml``.

    Raises
    ------
    InputError
        Where anything in it cannot be used; the message says where, what and how to mend it.
    """
    path = Path(path)
    path = path / "study.toml" if path.is_dir() else path
    toml = read_toml(path)
    file = parse_settings(_StudyFile, toml.table, toml=toml, path=())
    header = parse_settings(Header, file.study, toml=toml, path=("study",))
    data = parse_settings(DataSettings, file.data, toml=toml, path=("data",))
    protocol = with_tables(_base(path, header, toml), toml)
    analyses = tuple(_analysis(toml, position, table) for position, table in enumerate(file.analysis))
    patients, events = path.parent / data.patients, path.parent / data.events
    cutoff = day_of(header.cutoff.isoformat()) if header.cutoff else None
    history, findings = make_history(
        read_csv(patients, name=data.patients, required=("patient",)),
        read_csv(events, name=data.events, required=("patient", "event")),
        data,
        cutoff=cutoff,
    )
    sources = ((path.name, path), (data.patients, patients), (data.events, events))
    inputs = {name: file_digest(source) for name, source in sources}
    return Study(toml, header, protocol, history, analyses, findings, inputs)


def _base(path: Path, header: Header, toml: Toml) -> Protocol:
    if not header.protocol:
        return library()
    try:
        return read_protocol(path.parent / header.protocol)
    except InputError as error:
        if error.file:
            raise
        raise _at(error, toml, ("study", "protocol")) from error


def _analysis(toml: Toml, position: int, table: Mapping[str, object]) -> Analysis:
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        fault = "an analysis without a kind" if kind is None else f"no analysis kind {str(kind)[:40]!r}"
        error = InputError(fault, mend=f"The kinds are {', '.join(sorted(KINDS))}.", column="kind")
        raise _at(error, toml, ("analysis", position))
    settings = {key: value for key, value in table.items() if key != "kind"}
    kind_of_settings: type[object] = KINDS[kind].settings
    return Analysis(position, kind, parse_settings(kind_of_settings, settings, toml=toml, path=("analysis", position)))


def _at(error: InputError, toml: Toml, path: tuple[str | int, ...]) -> InputError:
    """Return the error with the study file's name and row, where it has none of its own."""
    if error.file:
        return error
    column = ".".join(str(part) for part in (*path, error.column or "") if part != "")
    place = (*path, error.column) if error.column else path
    row = row_of(toml, place) or row_of(toml, path)
    return InputError(error.fault, mend=error.mend, file=toml.file, row=row, column=column)


def run(study: Study, *, progress: Progress | None = None) -> Results:
    """Run every analysis of a study.

    Parameters
    ----------
    study
        As read.
    progress
        Called with the words for each step as it begins.

    Returns
    -------
    Results
        The page and its estimates; ``write`` puts them into a folder.
    """
    tell = progress or (lambda _: None)
    context = Context(study.history, study.protocol)
    sections = []
    for analysis in study.analyses:
        tell(_step(analysis))
        sections.append(_section(study, analysis, context))
    tell("Patients and baseline characteristics")
    endpoints = _endpoints(sections)
    page = Page(
        title=study.header.title,
        facts=_facts(study),
        synthetic=study.header.synthetic,
        findings=(*study.findings, *_facts_and_laws(study.history, endpoints)),
        flow=_flow(study.history, endpoints),
        table_one=_table_one(study, sections),
        sections=tuple(sections),
        provenance=_provenance(study),
    )
    return Results(page, concat(section.estimates for section in sections), study)


def _step(analysis: Analysis) -> str:
    return f"Analysis {analysis.position + 1}: {analysis.kind} of {getattr(analysis.settings, 'endpoint', 'the study')}"


def _section(study: Study, analysis: Analysis, context: Context) -> Section:
    try:
        section = KINDS[analysis.kind].run(analysis.settings, context)
    except InputError as error:
        raise _at(error, study.toml, ("analysis", analysis.position)) from error
    name = section.endpoint.name if section.endpoint is not None else None

    def placed(rows: Estimate) -> Estimate:
        kind = pl.coalesce(pl.col("kind"), pl.lit(analysis.kind)).alias("kind")
        return Estimate(rows.label(analysis=analysis.position, endpoint=name).rows.with_columns(kind))

    estimates, curves, at_risk = placed(section.estimates), placed(section.curves), placed(section.at_risk)
    return replace(section, estimates=estimates, curves=curves, at_risk=at_risk)


def _endpoints(sections: list[Section]) -> list[Endpoint]:
    """Return the endpoints analysed, each once, in order."""
    named = {s.endpoint.name: s.endpoint for s in sections if s.endpoint is not None}
    return list(named.values())


def _facts_and_laws(history: History, endpoints: list[Endpoint]) -> tuple[Finding, ...]:
    facts = [finding for endpoint in endpoints for finding in find_endpoint_facts(history, endpoint)]
    return (*facts, *check_identities([(endpoint, derive_spells(history, endpoint)) for endpoint in endpoints]))


def _flow(history: History, endpoints: list[Endpoint]) -> tuple[FlowStep, ...]:
    """Return who is in the table, and who is analysed: endpoints that lose the same patients share a step."""
    analysed: dict[tuple[int, tuple[str, ...]], list[str]] = {}
    for endpoint in endpoints:
        left_out = exclusions(history, endpoint)
        n = len(history) - sum(exclusion.n for exclusion in left_out)
        reasons = tuple(f"{exclusion.n} {exclusion.words}" for exclusion in left_out if exclusion.n)
        analysed.setdefault((n, reasons), []).append(in_sentence(endpoint.title))
    steps = [FlowStep(f"analysed for {listed(titles)}", n, why) for (n, why), titles in analysed.items()]
    return (FlowStep("in the patients table", len(history)), *steps)


def _table_one(study: Study, sections: list[Section]) -> Estimate:
    """Describe the baseline columns of everybody, and by the first grouping column used."""
    patients = study.history.patients
    columns = [name for name in patients.columns if name != "patient" and _describable(patients[name])]
    groups = [section.by for section in sections if section.by]
    by = groups[0] if groups else None
    return describe(patients, [name for name in columns if name != by], by) if columns else concat(())


def _describable(column: pl.Series) -> bool:
    """Return whether a column has a summary: a number, or a text with few enough levels to list."""
    return column.dtype == pl.Float64 or column.n_unique() <= max(20, column.len() // 20)


def _facts(study: Study) -> dict[str, str]:
    history = study.history
    facts = {"Patients": f"{len(history):,}", "Events": f"{history.events.height:,}"}
    facts["Data"] = ", ".join(list(study.inputs)[1:])
    facts["Data cutoff"] = study.header.cutoff.isoformat() if study.header.cutoff else "none named in the study file"
    facts["Protocol"] = study.protocol.title or "none named in the study file"
    return facts


def _provenance(study: Study) -> dict[str, dict[str, str]]:
    versions = {"dayzero": version("dayzero"), "Python": sys.version.split()[0]}
    versions |= {library: version(library) for library in LIBRARIES}
    return {
        "Versions": versions,
        "Inputs (sha256)": dict(study.inputs),
        "Units": {"time": "days; months are 30.4375 days, years 365.25 days"},
    }
