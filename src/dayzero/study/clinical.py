"""What a study's further tables say: they are read, and grades, responses and recoveries derived from them."""

from dataclasses import replace
from pathlib import Path

from dayzero.errors import Finding
from dayzero.grading import derive_all
from dayzero.history import History
from dayzero.io.clinical import read_clinical
from dayzero.io.tables import DataSettings
from dayzero.protocol import Protocol


def with_clinical(
    history: History, folder: Path, data: DataSettings, protocol: Protocol
) -> tuple[History, tuple[Finding, ...], tuple[str, ...]]:
    """Return the history with the further tables and what follows from them, what was found, and the files read.

    Findings name the files of further tables; those of patients and events are named by whoever knows them.
    """
    clinical = read_clinical(folder, data, history)
    derived, found = derive_all(replace(history, tables=clinical.tables), protocol.definitions)
    names = dict(zip(clinical.tables, clinical.files, strict=True))
    findings = tuple(replace(finding, table=names.get(finding.table, finding.table)) for finding in found)
    return derived, (*clinical.findings, *findings), clinical.files
