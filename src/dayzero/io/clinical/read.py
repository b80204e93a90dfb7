"""Reading the further tables of a study."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from dayzero.errors import Finding
from dayzero.history import History
from dayzero.io.tables import DataSettings


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
    """Read the further tables that a study names, or that stand beside it under their own names."""
    return Clinical()
