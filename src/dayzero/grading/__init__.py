"""Grades of toxicity from bedside tables: highest grade, bounds, and the reason beside each.

A grader takes a polars frame of text (the command reads the file) and the name of an edition. The editions stand side
by side in ``editions/``: thresholds and rules are data.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import Finding, InputError
from dayzero.grading.derived import Derived, with_derived
from dayzero.grading.results import DISCLAIMER, Graded, to_json, to_row, to_text
from dayzero.history import History
from dayzero.protocol import Definitions

Grader = Callable[..., list[Graded]]
"""``grader(frame, *, scale, file, rows)``; ``scale`` may be empty: the default edition."""

_GRADERS: Final = {
    "crs": "crs.grade:grade_table",
    "agvhd": "gvhd.acute:grade_agvhd",
    "icans": "neuro.icans:grade_table",
    "hematotox": "blood.hematotox:grade_table",
    "icaht": "blood.icaht_table:grade_table",
    "iec-hs": "iec_hs.table:grade_table",
    "cgvhd": "gvhd.chronic_table:grade_table",
    "neurotoxicity": "neuro.ctcae:grade_table",
}


_DERIVERS: Final = (
    ((), "crs.history:derive_crs"),
    ((), "neuro.history:derive_icans"),
    (("gvhd",), "gvhd.history:derive_agvhd"),
    (("gvhd",), "gvhd.chronic:derive_cgvhd"),
    (("labs",), "blood.history:derive_recoveries"),
    (("labs",), "blood.icaht:derive_icaht"),
    (("labs",), "iec_hs:derive_iec_hs"),
    (("labs",), "persistence:derive_aplasia"),
    (("mrd",), "mrd:derive_mrd"),
    (("assessments",), "response:derive_response"),
    (("kinetics", "labs"), "kinetics:derive_kinetics"),
    ((), "mortality:derive_deaths"),
)
"""The tables that each derivation needs one of (none named: it always runs), and the function ``(history, definitions)
-> Derived``, in order."""


def derive_all(history: History, definitions: Definitions) -> tuple[History, tuple[Finding, ...]]:
    """Return the history with all that its further tables say, and what was found on the way."""
    findings: tuple[Finding, ...] = ()
    for needed, place in _DERIVERS:
        if needed and not any(name in history.tables for name in needed):
            continue
        module, function = place.split(":")
        derived: Derived = getattr(import_module(f"dayzero.grading.{module}"), function)(history, definitions)
        history = with_derived(history, derived)
        findings = (*findings, *derived.findings)
    return history, findings


def graders() -> tuple[str, ...]:
    """Return what ``dayzero grade`` can grade."""
    return tuple(_GRADERS)


def grade_table(
    name: str,
    frame: pl.DataFrame,
    *,
    scale: str = "",
    file: str = "the table",
    rows: npt.NDArray[np.int64] | None = None,
) -> list[Graded]:
    """Grade a bedside table.

    Parameters
    ----------
    name
        What is graded: one of ``graders()``.
    frame
        (rows, columns) text, null where empty.
    scale
        The edition; empty: the default.
    file, rows
        The file's name, and the row of each row in it, for messages.

    Raises
    ------
    InputError
        Where there is no such grader or edition, or a cell cannot be read.
    """
    if name not in _GRADERS:
        raise InputError("no such grader", mend=f"There are {', '.join(_GRADERS)}.")
    module, function = _GRADERS[name].split(":")
    grader: Grader = getattr(import_module(f"dayzero.grading.{module}"), function)
    return grader(frame, scale=scale, file=file, rows=rows)


__all__ = ["DISCLAIMER", "Graded", "derive_all", "grade_table", "graders", "to_json", "to_row", "to_text"]
