"""Further tables as text, read the way a study reads them."""

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from dayzero.errors import Finding
from dayzero.history import History
from dayzero.io.clinical import Clinical, read_clinical
from dayzero.io.csv import read_csv
from dayzero.io.tables import DataSettings, day_of, make_history

DAY = day_of("2021-01-01")


def small_history(folder: Path, *, calendar: bool = True, cutoff: float | None = None) -> History:
    """Return patients a and b (rows 2 and 3), each with an infusion on 2021-01-01 or on day 0."""
    clock, first, last = ("date", "2021-01-01", "2022-01-01") if calendar else ("day", "0", "365")
    events = "".join(f"{patient},infusion,{first}\n{patient},last_contact,{last}\n" for patient in "ab")
    (folder / "patients.csv").write_text("patient\na\nb\n")
    (folder / "events.csv").write_text(f"patient,event,{clock}\n{events}")
    read = [read_csv(folder / name, name=name) for name in ("patients.csv", "events.csv")]
    return make_history(read[0], read[1], DataSettings(), cutoff=cutoff)[0]


def read_tables(
    folder: Path,
    tables: Mapping[str, str],
    *,
    calendar: bool = True,
    cutoff: float | None = None,
    data: DataSettings | None = None,
) -> Clinical:
    """Read further tables, each given as its text by its name."""
    history = small_history(folder, calendar=calendar, cutoff=cutoff)
    for name, text in tables.items():
        (folder / f"{name}.csv").write_text(text)
    return read_clinical(folder, data or DataSettings(), history)


def one_table(folder: Path, name: str, text: str, *, calendar: bool = True) -> tuple[pl.DataFrame, dict[str, Finding]]:
    """Read one further table; what was found by its code."""
    read = read_tables(folder, {name: text}, calendar=calendar)
    return read.tables[name], {finding.code: finding for finding in read.findings}
