"""Reading a study: the study file, and the tables that it names."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from dayzero.analyses import KINDS
from dayzero.errors import InputError
from dayzero.io.csv import read_csv
from dayzero.io.tables import DataSettings, day_of, make_history
from dayzero.protocol import Protocol, library, read_protocol, with_tables
from dayzero.report.manifest import file_digest
from dayzero.settings import Toml, parse_settings, read_toml
from dayzero.study.model import Analysis, Header, Study, placed


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
