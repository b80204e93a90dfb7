"""137 allogeneic transplants for acute leukaemia (Klein and Moeschberger 2003, section 1.3; R's ``KMsurv::bmt``)."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from dayzero.examples.tables import write_table

GROUPS: Final = {1: "ALL", 2: "AML low risk", 3: "AML high risk"}
HOSPITALS: Final = {1: "Ohio State", 2: "Alfred", 3: "St Vincent", 4: "Hahnemann"}
SEXES: Final = {1: "male", 0: "female"}
SEROLOGY: Final = {1: "positive", 0: "negative"}
YES_NO: Final = {1: "yes", 0: "no"}
COLUMNS: Final = ("patient", "group", "age", "donor_age", "sex", "donor_sex", "cmv", "donor_cmv", "waiting_days", "fab",
                  "hospital", "methotrexate")  # fmt: skip
EVENTS: Final = (
    ("agvhd", "da", "ta"),
    ("cgvhd", "dc", "tc"),
    ("platelet_engraftment", "dp", "tp"),
    ("relapse", "d2", "t2"),
    ("death", "d1", "t1"),
)


def write_tables(folder: Path, rows: list[dict[str, Any]]) -> None:
    """Write ``patients.csv`` and ``events.csv`` from the rows of ``KMsurv::bmt``."""
    write_table(folder / "patients.csv", COLUMNS, map(_patient, rows))
    events = (event for row in rows for event in _events(row))
    write_table(folder / "events.csv", ("patient", "event", "day"), events)


def _patient(row: dict[str, Any]) -> tuple[object, ...]:
    """Return the baseline columns of one patient."""
    return (
        f"{row['rownames']:03}",
        GROUPS[row["group"]],
        row["z1"],
        row["z2"],
        SEXES[row["z3"]],
        SEXES[row["z4"]],
        SEROLOGY[row["z5"]],
        SEROLOGY[row["z6"]],
        row["z7"],
        "FAB 4 or 5" if row["z8"] else "other",
        HOSPITALS[row["z9"]],
        YES_NO[row["z10"]],
    )


def _events(row: dict[str, Any]) -> Iterable[tuple[object, ...]]:
    """Return the events of one patient, as days since the transplant.

    One event of the source is left out: a chronic GVHD on day 200 of a patient who died on day 168.
    """
    patient = f"{row['rownames']:03}"
    yield patient, "hsct", 0
    yield from ((patient, event, row[day]) for event, status, day in EVENTS if row[status] and row[day] <= row["t1"])
    if not row["d1"]:
        yield patient, "last_contact", row["t1"]
