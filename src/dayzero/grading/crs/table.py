"""The bedside table of cytokine release syndrome: its columns, and what its words mean."""

from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InputError
from dayzero.grading.table import Bedside, Column, read_bedside
from dayzero.grading.truth import Floats

DEVICES: Final = (
    *("none", "blow_by", "nasal_cannula", "facemask", "non_rebreather", "venturi", "hfnc", "cpap", "bipap", "imv"),
)
_HYPOXIA: Final = "hypoxia hypoxic hypoxaemia hypoxemia respiratory respiratory_failure ards crs".split()
_OTHER: Final = """other airway airway_protection neurological neurologic neuro neurotoxicity icans seizure seizures
    status_epilepticus encephalopathy coma sedation procedure surgery""".split()

COLUMNS: Final = {
    "temp_c": Column("number", lowest=20, highest=50),
    "hypotension": Column("flag"),
    "vasopressors": Column("number", lowest=0, highest=20, whole=True),
    "vasopressin": Column("flag"),
    "o2_device": Column("choice", DEVICES, also={"nonrebreather": "non_rebreather", "face_mask": "facemask"}),
    "o2_flow_l_min": Column("number", lowest=0, highest=200),
    "antipyretic_or_anticytokine": Column("flag"),
    "died_of_crs": Column("flag"),
    "fio2": Column("number", lowest=0.2, highest=100),
    "pressor_nee": Column("number", lowest=0),
    "pressor_hours": Column("number", lowest=0),
    "fluids": Column("flag"),
    "organ_grade": Column("number", lowest=0, highest=5, whole=True),
    "transaminase_grade": Column("number", lowest=0, highest=5, whole=True),
    "hospitalised": Column("flag"),
    "other_cause": Column("flag"),
    "intubation_reason": Column(
        "choice",
        ("hypoxia", "other"),
        also=dict.fromkeys(_HYPOXIA, "hypoxia") | dict.fromkeys(_OTHER, "other"),
    ),
}


def read_crs(frame: pl.DataFrame, *, file: str = "the table", rows: npt.NDArray[np.int64] | None = None) -> Bedside:
    """Read the bedside table of CRS.

    Raises
    ------
    InputError
        Where a cell cannot be read, a temperature is in degrees Fahrenheit, or FiO2 neither a fraction nor percent.
    """
    table = read_bedside(frame, COLUMNS, file=file, rows=rows)
    values = np.asarray(table.cells.get("fio2", ()), float)
    strange = np.flatnonzero((values > 1) & (values < 20))
    if len(strange):
        row = int(table.order[strange].min())
        where = row + 2 if rows is None else int(rows[row])
        mend = "Write 0.21 to 1, or 21 to 100 percent."
        raise InputError("neither a fraction nor percent", mend=mend, file=file, row=where, column="fio2")
    return table


def fio2(table: Bedside) -> Floats:
    """Return the inspired fraction of oxygen; percent (from 20) becomes a fraction."""
    values = table.number("fio2")
    return np.where(values > 1, values / 100, values)
