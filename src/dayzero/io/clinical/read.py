"""Reading the further tables of a study."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from dayzero.errors import Finding, InputError
from dayzero.history import History
from dayzero.io.clinical.rows import read_table
from dayzero.io.clinical.schema import schema
from dayzero.io.clinical.source import read_source
from dayzero.io.tables import DataSettings
from dayzero.settings import shown


@dataclass(frozen=True)
class Clinical:
    """The further tables of a study.

    Attributes
    ----------
    tables
        By name, as ``History.tables`` holds them.
    findings
        What is implausible, and which rows are not used.
    files
        Names of the files that were read.
    """

    tables: Mapping[str, pl.DataFrame] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    files: tuple[str, ...] = ()


def read_clinical(folder: Path, data: DataSettings, history: History) -> Clinical:
    """Read the further tables that a study names, or that stand beside it under their own names.

    Parameters
    ----------
    folder
        Where the study file is.
    data
        Its ``[data]``: the name of each table's file; empty: ``labs.csv`` and so on, where it is there.
    history
        The patients, whose identifiers the rows have, and the clock of the events.

    Returns
    -------
    Clinical
        By table ``patient``, ``day`` and ``row``, then the columns of ``schema.toml`` in canonical units; of
        ``vitals`` and ``neuro`` the columns of the file as text. Rows of patients who are not there, and rows after
        the cutoff, are left out.

    Raises
    ------
    InputError
        Where a named file is missing, a table is not on the clock of the events, or a cell has no meaning.
    """
    tables: dict[str, pl.DataFrame] = {}
    findings: list[Finding] = []
    files: list[str] = []
    for table in schema():
        name = _file(folder, data, table)
        if name:
            source = read_source(folder / name, table=table, name=name, missing=data.missing)
            tables[table], found = read_table(source, data, history)
            findings += [*source.findings, *found]
            files.append(name)
    return Clinical(tables, tuple(findings), tuple(files))


def _file(folder: Path, data: DataSettings, table: str) -> str:
    """Return the name of a table's file; empty where there is none."""
    named: str = getattr(data, table)
    name = named or f"{table}.csv"
    if os.path.lexists(folder / name):  # a folder or a broken link is refused where it is read
        return name
    if named:
        mend = f"Correct {table} under [data] in the study file, or put the file beside it."
        raise InputError(f"there is no such file, named as [data] {table}", mend=mend, file=shown(named))
    return ""
