"""Mutants of small files, made from a seed, and a process that reads them: ``python mutants.py FORMAT FIRST LAST DIR``.

The process prints one line of JSON a mutant. What native code does to a process (an abort, endless memory) is so seen
by the test and does not end it.
"""

import json
import random
import re
import resource
import sys
import time
from collections.abc import Callable, Mapping
from datetime import date
from io import BytesIO
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

sys.path.insert(0, str(Path(__file__).parents[1]))

from dayzero.errors import InputError
from dayzero.io.excel_damage import find_excel_damage
from dayzero.io.files import read_grids
from workbooks import FIRST, Value, ods, ods_rows, rows_xml, sheet_xml, workbook_parts, write_parts

Random = random.Random

ROWS: list[list[Value]] = [
    ["patient", "sex", "移植日", "dose", "note"],
    ["007", "female", date(2021, 3, 25), 2.5, "a < b"],
    ["NA", "male", None, 1e5, True],
    ["x9", "männlich", date(1999, 12, 31), -3.0, "two\nlines"],
]
EXTREMES = ("0", "-1", "4294967295", "4294967296", "9223372036854775808", "99999999999999999999", "1e400", "NaN", "")
_NUMBER = re.compile(rb"[0-9]+")
_VALUE = re.compile(rb'"[^"]*"')


def original(kind: str, folder: Path) -> bytes:
    """Return a small sound file."""
    path = folder / f"sound.{kind}"
    if kind == "csv":
        return "".join(";".join("" if v is None else f'"{v}"' for v in row) + "\r\n" for row in ROWS).encode()
    if kind == "ods":
        ods(path, {"S": ods_rows(ROWS), "T": ods_rows(ROWS[:2])})
    else:
        shared = '<row r="9"><c r="B9" t="s"><v>1</v></c><c r="C9" t="e"><f>1/0</f><v>#DIV/0!</v></c></row>'
        after = '{}<mergeCells count="1"><mergeCell ref="A1:B1"/></mergeCells>'
        sheets = {"S": sheet_xml(rows_xml(ROWS) + shared, around=after), "T": sheet_xml(rows_xml(ROWS[:2]))}
        write_parts(path, workbook_parts(sheets, strings=["a", "b"]))
    return path.read_bytes()


def mutant(sound: bytes, kind: str, seed: int) -> bytes:
    """Return a mutant of a sound file."""
    chance = Random(seed)
    if kind == "csv" or chance.random() < 0.2:
        return chance.choice((_flipped, _cut, _spliced))(sound, chance)
    with ZipFile(BytesIO(sound)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    for _ in range(chance.choice((1, 1, 2))):
        change = chance.choice((*[_one_part] * 8, _swapped, _without))
        parts = change(parts, chance)
    out = BytesIO()
    with ZipFile(out, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def _flipped(data: bytes, chance: Random) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.randint(1, 8) if changed else 0):
        changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def _cut(data: bytes, chance: Random) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _spliced(data: bytes, chance: Random) -> bytes:
    """Copy a slice of the data to another place, or delete it."""
    start = chance.randrange(len(data) + 1)
    piece = data[start : start + chance.randint(0, 200)]
    place = chance.randrange(len(data) + 1)
    times = chance.choice((0, 1, 2, 50))
    return data[:place] + piece * times + data[place + (len(piece) if not times else 0) :]


def _extreme_number(data: bytes, chance: Random) -> bytes:
    return _replaced(data, _NUMBER, chance.choice(EXTREMES).encode(), chance)


def _other_value(data: bytes, chance: Random) -> bytes:
    values = _VALUE.findall(data)
    return _replaced(data, _VALUE, chance.choice(values), chance) if values else data


def _replaced(data: bytes, what: re.Pattern[bytes], new: bytes, chance: Random) -> bytes:
    found = list(what.finditer(data))
    if not found:
        return data
    place = chance.choice(found)
    return data[: place.start()] + new + data[place.end() :]


def _one_part(parts: Mapping[str, bytes], chance: Random) -> dict[str, bytes]:
    changes: tuple[Callable[[bytes, Random], bytes], ...] = (_flipped, _cut, _spliced, _extreme_number, _other_value)
    name = FIRST if FIRST in parts and chance.random() < 0.6 else chance.choice(list(parts))
    return {**parts, name: chance.choice(changes)(parts[name], chance)}


def _swapped(parts: Mapping[str, bytes], chance: Random) -> dict[str, bytes]:
    one, other = chance.choice(list(parts)), chance.choice(list(parts))
    return {**parts, one: parts[other], other: parts[one]}


def _without(parts: Mapping[str, bytes], chance: Random) -> dict[str, bytes]:
    lost = chance.choice(list(parts))
    return {name: content for name, content in parts.items() if name != lost or len(parts) == 1}


def _outcome(path: Path) -> str:
    try:
        grids = read_grids(path, name=path.name)
        for grid in grids:
            find_excel_damage(grid)
    except InputError as error:
        return "refused" if error.file and error.mend and "\n" not in str(error) else f"not a line: {error!r}"
    except BaseException as error:  # noqa: BLE001
        return f"{type(error).__name__}: {error}"
    return "read"


def peak_memory() -> int:
    """Return the most bytes that this process has held; on Linux its parent's do not count."""
    status = Path("/proc/self/status")
    if status.exists() and (found := re.search(r"VmHWM:\s+([0-9]+) kB", status.read_text())):
        return int(found[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _say(result: Mapping[str, object]) -> None:
    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()


def main(kind: str, first: int, last: int, folder: Path) -> None:
    """Read mutants and print what became of each."""
    sound = original(kind, folder)
    for seed in range(first, last):
        path = folder / f"mutant.{kind}"
        path.write_bytes(mutant(sound, kind, seed))
        _say({"seed": seed})
        began = time.perf_counter()
        result = {"outcome": _outcome(path), "seconds": time.perf_counter() - began}
        _say({"seed": seed, **result, "peak": peak_memory()})


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
