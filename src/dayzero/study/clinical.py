"""What a study's further tables say: they are read, and grades, responses and recoveries derived from them."""

from dataclasses import replace
from pathlib import Path
from typing import Final

from dayzero.errors import Finding, InputError
from dayzero.grading import derive_all
from dayzero.grading.editions import editions
from dayzero.history import History
from dayzero.io.clinical import read_clinical
from dayzero.io.tables import DataSettings
from dayzero.protocol import Protocol

_EDITED: Final = ("crs", "icans", "agvhd", "response", "relapse", "b_cell_loss")


def with_clinical(
    history: History, folder: Path, data: DataSettings, protocol: Protocol
) -> tuple[History, tuple[Finding, ...], tuple[str, ...]]:
    """Return the history with the further tables and what follows from them, what was found, and the files read.

    Findings name the files of further tables; those of patients and events are named by whoever knows them.
    """
    clinical = read_clinical(folder, data, history)
    try:
        derived, found = derive_all(replace(history, tables=clinical.tables), protocol.definitions)
    except InputError as error:
        raise _of_definition(error, protocol) from None
    names = dict(zip(clinical.tables, clinical.files, strict=True))
    findings = tuple(replace(finding, table=names.get(finding.table, finding.table)) for finding in found)
    return derived, (*clinical.findings, *findings), clinical.files


def _of_definition(error: InputError, protocol: Protocol) -> InputError:
    """Return the error of a definition that names no edition with its key as the column; others as they are."""
    for key in _EDITED:
        name = getattr(protocol.definitions, key)
        if not error.file and name and name not in editions(key) and error.fault.endswith(f" of {key}"):
            return InputError(error.fault, mend=error.mend, column=key)
    return error
