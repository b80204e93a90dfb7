"""Reading a study: the study file, and the tables that it names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dayzero.analyses import KINDS
from dayzero.checks import find_published, longest_possible
from dayzero.errors import Finding, InputError
from dayzero.history import History
from dayzero.io.csv import Table, read_csv
from dayzero.io.mapping import Mapped, error_in_source, in_source, map_tables, read_settings, read_sheets
from dayzero.io.tables import DataSettings, day_of, make_history
from dayzero.protocol import Protocol, builtin_names, library, protocol_file, read_protocol, with_tables
from dayzero.report.manifest import file_digest
from dayzero.settings import Toml, parse_settings, read_toml
from dayzero.study.clinical import with_clinical
from dayzero.study.model import Analysis, Header, Study, in_files, placed


@dataclass(frozen=True)
class _StudyFile:
    study: dict[str, object] = field(default_factory=dict)
    data: dict[str, object] = field(default_factory=dict)
    definitions: dict[str, object] = field(default_factory=dict)
    endpoints: dict[str, object] = field(default_factory=dict)
    map: dict[str, object] | None = None
    analysis: tuple[dict[str, object], ...] = ()
    published: tuple[dict[str, object], ...] = ()  # read by dayzero.record


@dataclass(frozen=True)
class _Tables:
    """The two tables, how they came about, and the files that they come from."""

    patients: Table
    events: Table
    files: tuple[str, ...]
    mapped: Mapped | None = None


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
    tables = _mapped(path, file.map, data, toml) if file.map is not None else _plain(path, data)
    history, findings = _history(tables, data, header)
    try:
        history, clinical, files = with_clinical(history, path.parent, data, protocol)
    except InputError as error:
        raise _in_definitions(error, path, header, toml) from None
    inputs = {name: file_digest(path.parent / name) for name in (path.name, *tables.files, *files)}
    names = (tables.patients.name, tables.events.name)
    published = _published(path, header, toml, possible=longest_possible(history, protocol))
    return Study(
        toml,
        header,
        protocol,
        history,
        analyses,
        (*in_source(findings, tables.mapped), *in_source(in_files(clinical, names), tables.mapped), *published),
        inputs,
        tables=names,
        mapped=tables.mapped,
        folder=path.parent,
    )


def _in_definitions(error: InputError, path: Path, header: Header, toml: Toml) -> InputError:
    """Return the error of a definition at its place in the study file, or in the protocol file that it stands in."""
    if error.file or not error.column:
        return error
    here = ("definitions", error.column) in toml.rows or not header.protocol
    file = toml if here else read_toml(protocol_file(header.protocol, path.parent))
    return placed(error, file, ("definitions",))


def _published(path: Path, header: Header, toml: Toml, *, possible: float | None) -> tuple[Finding, ...]:
    """Check the published figures of the study file and of its own protocol file; built-in ones are as documented."""
    own = header.protocol and header.protocol not in builtin_names()
    files = [read_toml(protocol_file(header.protocol, path.parent))] if own else []
    return tuple(finding for file in (*files, toml) for finding in find_published(file, possible=possible))


def _plain(path: Path, data: DataSettings) -> _Tables:
    """Read the two tables of the contract."""
    patients = read_csv(path.parent / data.patients, name=data.patients, required=("patient",))
    events = read_csv(path.parent / data.events, name=data.events, required=("patient", "event"))
    return _Tables(patients, events, (data.patients, data.events))


def _mapped(path: Path, table: object, data: DataSettings, toml: Toml) -> _Tables:
    """Make the two tables from the sheets that the mapping names."""
    settings = read_settings(table, toml)
    mapped = map_tables(settings, read_sheets(settings, path.parent, toml), data, toml)
    files = tuple(dict.fromkeys(sheet.file for sheet in settings.sheet))
    return _Tables(mapped.patients, mapped.events, files, mapped)


def _history(tables: _Tables, data: DataSettings, header: Header) -> tuple[History, tuple[Finding, ...]]:
    cutoff = day_of(header.cutoff.isoformat()) if header.cutoff else None
    mapped = tables.mapped
    try:
        history, findings = make_history(tables.patients, tables.events, data, cutoff=cutoff)
    except InputError as error:
        raise error_in_source(error, mapped) if mapped else error from None
    return history, (*(mapped.findings if mapped else ()), *findings)


def _base(path: Path, header: Header, toml: Toml) -> Protocol:
    if not header.protocol:
        return library()
    try:
        return read_protocol(protocol_file(header.protocol, path.parent))
    except InputError as error:
        if error.file:
            raise
        raise placed(error, toml, ("study", "protocol")) from error


def _analysis(toml: Toml, position: int, table: Mapping[str, object]) -> Analysis:
    kind = table.get("kind")
    if not isinstance(kind, str) or kind not in KINDS:
        fault = "an analysis without a kind" if kind is None else f"no analysis kind {str(kind)[:40]!r}"
        error = InputError(fault, mend=f"The kinds are {', '.join(sorted(KINDS))}.", column="kind")
        raise placed(error, toml, ("analysis", position))
    settings = {key: value for key, value in table.items() if key != "kind"}
    kind_of_settings: type[object] = KINDS[kind].settings
    return Analysis(position, kind, parse_settings(kind_of_settings, settings, toml=toml, path=("analysis", position)))
