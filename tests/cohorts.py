"""Small cohorts for tests: tables as text, read the way a study is read."""

from pathlib import Path

from dayzero.history import History
from dayzero.io.csv import read_csv
from dayzero.io.tables import DataSettings, make_history


def history(folder: Path, events: str, *, patients: str = "", cutoff: float | None = None, **data: object) -> History:
    """Build a History from the events of a text table `patient event day value ...`, one event a line."""
    lines = [line.split() for line in events.strip().splitlines()]
    header = lines[0]
    ids = sorted({line[header.index("patient")] for line in lines[1:]})
    table = patients or "patient\n" + "\n".join(ids) + "\n"
    (folder / "patients.csv").write_text(table)
    rows = [[*line, *[""] * (len(header) - len(line))] for line in lines]
    cells = [",".join("" if cell == "-" else cell for cell in row) for row in rows]
    (folder / "events.csv").write_text("\n".join(cells) + "\n")
    read = [read_csv(folder / name, name=name) for name in ("patients.csv", "events.csv")]
    return make_history(read[0], read[1], DataSettings(**data), cutoff=cutoff)[0]  # type: ignore[arg-type]
