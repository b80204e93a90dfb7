"""Made-up studies: forty patients in whom nothing is wrong, and ways to put one thing wrong."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path

Row = Mapping[str, str]

ANALYSES = """
[[analysis]]
kind = "curve"
endpoint = "os"

[[analysis]]
kind = "curve"
endpoint = "lfs"
"""


@dataclass(frozen=True)
class MadeUp:
    """The tables of a study, and what its study file says besides their names."""

    patients: tuple[Row, ...]
    events: tuple[Row, ...]
    cutoff: str = ""
    settings: str = ""

    def write(self, folder: Path) -> Path:
        """Write the study; return the study file."""
        folder.mkdir(parents=True, exist_ok=True)
        _write(folder / "patients.csv", self.patients)
        _write(folder / "events.csv", self.events)
        cutoff = f"cutoff = {self.cutoff}\n" if self.cutoff else ""
        (folder / "study.toml").write_text(f'[study]\ntitle = "Made up"\n{cutoff}{self.settings}{ANALYSES}')
        return folder / "study.toml"


def _write(path: Path, rows: tuple[Row, ...]) -> None:
    header = list(dict.fromkeys(name for row in rows for name in row))
    lines = [",".join(header), *(",".join(row.get(name, "") for name in header) for row in rows)]
    path.write_text("\n".join(lines) + "\n")


def name(number: int) -> str:
    """Return the identifier of the patient of a number, 1 to 40."""
    return f"P{number:02}"


def on(number: int, day: int) -> str:
    """Return the date of a day, counted from the patient's first infusion."""
    return (date(2018, 1, 1) + timedelta(days=17 * number + day)).isoformat()


def event(number: int, kind: str, day: int, value: str = "", /, **more: str) -> Row:
    """Return a row of the events."""
    return {"patient": name(number), "event": kind, "date": on(number, day), "value": value, **more}


def transplanted(number: int) -> bool:
    """Return whether the patient is transplanted after day zero: twenty of the forty."""
    return number % 2 == 1


def sound() -> MadeUp:
    """Return a study in which nothing is to be found: baseline columns of every kind, a transplant before day zero."""
    patients = tuple(
        {
            "patient": name(i),
            "age": str(20 + i),
            "sex": "male" if i % 3 else "female",
            "smoker": "yes" if i % 4 else "no",
            "prior_hsct": "yes" if i % 6 == 0 else "no",
            "diagnosis": "ALL",
            "blasts": "" if i == 3 else str(i / 2),
        }
        for i in range(1, 41)
    )
    return MadeUp(patients, tuple(row for i in range(1, 41) for row in _course(i)))


def _course(i: int) -> Iterator[Row]:
    yield event(i, "diagnosis", -400)
    if i % 6 == 0:
        yield event(i, "hsct", -300)
        yield event(i, "relapse", -60)
    yield event(i, "apheresis", -40)
    for day in (-5, -4, -3):
        yield event(i, "lymphodepletion", day)
    yield event(i, "infusion", 0)
    yield event(i, "response", 28, "CR")
    if transplanted(i):
        yield event(i, "hsct", 90)
        yield event(i, "neutrophil_engraftment", 110)
    if i % 4 == 1:
        yield event(i, "agvhd", 130, "2", scale="magic")
    if i % 5 == 0:
        yield event(i, "relapse", 250)
    for day in (150, 300, 450, 600):
        yield event(i, "mrd", day, "negative")
    dead = i % 5 == 0 or i % 7 == 0
    yield event(i, "death" if dead else "last_contact", 700 if i % 5 else 640)


Change = Callable[[MadeUp], MadeUp]


def add(*rows: Row) -> Change:
    """Add events at the end of the file."""
    return lambda study: replace(study, events=(*study.events, *rows))


def edit(number: int, kind: str, /, **cells: str) -> Change:
    """Change cells of a patient's events of one kind."""

    def change(study: MadeUp) -> MadeUp:
        def edited(row: Row) -> Row:
            return {**row, **cells} if (row["patient"], row["event"]) == (name(number), kind) else row

        return replace(study, events=tuple(map(edited, study.events)))

    return change


def drop(number: int, *kinds: str) -> Change:
    """Remove a patient's events of some kinds."""

    def change(study: MadeUp) -> MadeUp:
        kept = (row for row in study.events if row["patient"] != name(number) or row["event"] not in kinds)
        return replace(study, events=tuple(kept))

    return change


def column(title: str, value: Callable[[int], str]) -> Change:
    """Add a baseline column, by the patient's number."""

    def change(study: MadeUp) -> MadeUp:
        rows = ({**row, title: value(int(row["patient"][1:]))} for row in study.patients)
        return replace(study, patients=tuple(rows))

    return change


def duplicate(number: int, /, **cells: str) -> Change:
    """Repeat a row of the patients, with some cells changed."""

    def change(study: MadeUp) -> MadeUp:
        row = next(row for row in study.patients if row["patient"] == name(number))
        return replace(study, patients=(*study.patients, {**row, **cells}))

    return change


def with_settings(settings: str) -> Change:
    """Say more in the study file."""
    return lambda study: replace(study, settings=settings)


def with_cutoff(day: str) -> Change:
    """Name a cutoff."""
    return lambda study: replace(study, cutoff=day)


def several(*changes: Change) -> Change:
    """Make changes one after another."""

    def change(study: MadeUp) -> MadeUp:
        for one in changes:
            study = one(study)
        return study

    return change
