"""Check of reported grades: a grade without its scale is no number (guard SCALE_TAG)."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import polars as pl

from dayzero.checks.evidence import Evidence, Fault, Ints, counted

GRADES: Final = {"crs": "CRS", "icans": "ICANS", "agvhd": "acute GVHD"}
"""Events whose grade depends on the scale, as sentences name them: the keys of ``[definitions]`` name the scale."""
_NONE: Final = r"^(grade\s*)?(0(\.0+)?|none|no|absent)$"


def scale_not_stated(evidence: Evidence) -> Iterator[Fault]:
    """Find grades above 0 that do not say their scale, where neither the study file nor the protocol names one.

    Fluids for hypotension are grade 2 under ASTCT and grade 3 under Penn.
    """
    for event, words in GRADES.items():
        rows = _unscaled(evidence, evidence.of(event))
        if len(rows) and not evidence.protocol.states(event):
            grades = counted(len(rows), "reported grade")
            verb = "does" if len(rows) == 1 else "do"
            message = f"{grades} of {words} {verb} not say the scale: a grade without its scale is no number."
            yield Fault(message, events=rows, patients=np.unique(evidence.patient[rows]), column="scale")


def _unscaled(evidence: Evidence, rows: Ints) -> Ints:
    """Return those of some events that have a grade above 0 and no scale."""
    events = evidence.events[rows]
    value = pl.col("value").fill_null("").str.strip_chars().str.to_lowercase()
    scale = pl.col("scale").fill_null("").str.strip_chars() if "scale" in events.columns else pl.lit("")
    graded = (value != "") & ~value.str.contains(_NONE) & (scale == "")
    return rows[events.select(graded.alias("graded"))["graded"].to_numpy()] if len(rows) else rows
