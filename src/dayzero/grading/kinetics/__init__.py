"""Kinetics after an infusion: exposure to CAR T cells by assay, and the peaks of cytokines."""

from typing import Final

from dayzero.grading.derived import Derived, with_derived
from dayzero.grading.kinetics.cytokines import derive_cytokines
from dayzero.grading.kinetics.exposure import derive_exposure
from dayzero.history import History
from dayzero.protocol import Definitions

__all__ = ["TABLES", "derive_cytokines", "derive_exposure", "derive_kinetics", "grade_kinetics"]

TABLES: Final = {"kinetics": derive_exposure, "labs": derive_cytokines}
"""What is derived from which table of the study."""


def derive_kinetics(history: History, definitions: Definitions) -> Derived:  # noqa: ARG001 - all derivers are alike
    """Derive exposure from the table ``kinetics`` and peaks from ``labs``, whichever the study has.

    Parameters
    ----------
    history
        What happened, with its further tables.
    definitions
        Of the protocol; none of them is used here.

    Returns
    -------
    Derived
        ``kinetics`` (see :func:`derive_exposure`) and ``cytokines`` (see :func:`derive_cytokines`); no events.
    """
    found = [derive(history) for name, derive in TABLES.items() if name in history.tables]
    results = {name: frame for one in found for name, frame in one.results.items()}
    return Derived(results=results, findings=tuple(finding for one in found for finding in one.findings))


def grade_kinetics(history: History) -> History:
    """Return the history with ``graded["kinetics"]`` and ``graded["cytokines"]``."""
    return with_derived(history, derive_kinetics(history, Definitions()))
