"""Small files that would take all memory or time: each is refused in one line, in 2 s and below 300 MB."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest

from dayzero.errors import InputError
from dayzero.io.files import read_grids
from dayzero.io.preflight_sheet import MAX_MERGED
from workbooks import FIRST, ods, sheet_xml, workbook_parts, write_parts, xlsx

ONE = '<row r="1"><c r="A1"><v>1</v></c></row>'
STRINGS = "xl/sharedStrings.xml"
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(1000)

READ = """
import json, sys, time
from pathlib import Path
from dayzero.errors import InputError
from dayzero.io.files import read_grids
from properties.mutants import peak_memory
began = time.perf_counter()
try:
    read_grids(Path(sys.argv[1]), name="bomb")
    line = ""
except InputError as error:
    line = str(error)
print(json.dumps({"line": line, "seconds": time.perf_counter() - began, "bytes": peak_memory()}))
"""


def sheet(cells: str, **more: str) -> Callable[[Path], object]:
    return lambda path: xlsx(path, cells, **more)


def part(name: str, old: str, new: str) -> Callable[[Path], object]:
    parts = workbook_parts({"S": sheet_xml(ONE)}, strings=["a"])
    assert old in parts[name]
    return lambda path: write_parts(path, {**parts, name: parts[name].replace(old, new)})


def far(cell: str) -> Callable[[Path], object]:
    """Return a writer of a sheet with a near cell and one in the last row."""
    return lambda path: xlsx(path, f'{ONE}<row r="1048576">{cell}<v>1</v></c></row>')


def table(*rows: str) -> Callable[[Path], object]:
    return lambda path: ods(path, {"S": "".join(rows)})


def row(cells: str = "", *, times: int = 1) -> str:
    return f'<table:table-row table:number-rows-repeated="{times}">{cells}</table:table-row>'


def number(*, times: int = 1, value: str = 'office:value-type="float" office:value="1"') -> str:
    return f'<table:table-cell {value} table:number-columns-repeated="{times}"/>'


def large(megabytes: int, *, says: int | None = None) -> Callable[[Path], object]:
    """Return a writer of a sheet with so many megabytes of blanks, whose directory may say another size."""

    def write(path: Path) -> None:
        xml = sheet_xml(ONE).partition("</sheetData>")
        with ZipFile(path, "w", ZIP_DEFLATED) as archive:
            for name, content in workbook_parts({"S": ""}).items():
                if name != FIRST:
                    archive.writestr(name, content)
            with archive.open(FIRST, "w", force_zip64=megabytes > 2000) as stream:
                stream.write(xml[0].encode())
                for _ in range(megabytes):
                    stream.write(b" " * (1 << 20))
                stream.write("".join(xml[1:]).encode())
            size = archive.getinfo(FIRST).file_size
        if says is not None:
            data = path.read_bytes().replace(size.to_bytes(4, "little"), says.to_bytes(4, "little"))
            path.write_bytes(data)

    return write


def raw(data: bytes) -> Callable[[Path], object]:
    return lambda path: path.write_bytes(data)


def many(path: Path) -> None:
    with ZipFile(path, "w") as archive:
        for number in range(10_001):
            archive.writestr(f"{number}", "")


def heavy(path: Path) -> None:
    parts = dict.fromkeys((f"xl/{n}.xml" for n in range(580)), b" " * (1 << 20))
    write_parts(path, {**workbook_parts({"S": sheet_xml(ONE)}), **parts})


def long_text(path: Path) -> None:
    words = "".join(f"{n * 7919 % 999_983:06}" for n in range(400_000))
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 30_001))
    xlsx(path, rows, strings=[words])


def merged(path: Path) -> None:
    ranges = "".join(f'<mergeCell ref="A{n}:B{n}"/>' for n in range(1, MAX_MERGED + 2))
    write_parts(path, workbook_parts({"S": sheet_xml(ONE, around=f"{{}}<mergeCells>{ranges}</mergeCells>")}))


ENTITIES = "".join(f'<!ENTITY {chr(98 + n)} "{("&" + chr(97 + n) + ";") * 10}">' for n in range(9))
LAUGHS = f'<!DOCTYPE a [<!ENTITY a "ha">{ENTITIES}]><sst'
PROTECTED = OLE + "EncryptedPackage".encode("utf-16-le")
WORDS = "".join(f"{n * 7919 % 999_983:06}" for n in range(800_000))
BEYOND = "beyond the last row or column"
BOMBS: dict[str, tuple[str, Callable[[Path], object], str]] = {
    "one far cell": ("xlsx", far('<c r="XFD1048576">'), "row 1048576, column XFD"),
    "a far cell in other words": ("xlsx", far('<c t="n" r="XFD1048576">'), "row 1048576, column XFD"),
    "a far cell in small letters": ("xlsx", far('<c r="xfd1048576">'), "row 1048576, column XFD"),
    "a far cell that looks empty": ("xlsx", far('<c r="XFD1048576" x=\'"/>\'>'), "row 1048576, column XFD"),
    "a row beyond all": ("xlsx", sheet('<row r="4294967295"><c><v>1</v></c></row>'), BEYOND),
    "a column beyond all": ("xlsx", sheet('<row r="1"><c r="ZZZ1"><v>1</v></c></row>'), BEYOND),
    "billion laughs": ("xlsx", part(STRINGS, "<sst", LAUGHS), "entities"),
    "texts only announced": ("xlsx", part(STRINGS, "<sst", '<sst uniqueCount="4000000000"'), "damaged"),
    "one text in every cell": ("xlsx", long_text, "600 MB of text"),
    "a text without end": ("xlsx", part(STRINGS, "<t>a", f"<t>{WORDS}"), "a text above 4 MB"),
    "zip of zeros": ("xlsx", large(100), "more than 250 times its size"),
    "a sheet of 400 MB": ("xlsx", large(400), "more than 300 MB in one part"),
    "a size that is a lie": ("xlsx", large(100, says=900_000), "damaged"),
    "more than 600 MB in all": ("xlsx", heavy, "more than 600 MB"),
    "members without end": ("xlsx", many, "more than 10,000 members"),
    "merged ranges without end": ("xlsx", merged, "merged ranges"),
    "links without end": ("xlsx", part("xl/workbook.xml", "<sheets>", f"<!--{WORDS * 5}--><sheets>"), "too large"),
    "a password": ("xlsx", raw(PROTECTED), "protected by a password"),
    "an old workbook": ("xlsx", raw(OLE), "old workbook"),
    "columns repeated": ("ods", table(row(number(times=10**9))), BEYOND),
    "rows repeated": ("ods", table(row(number(times=16_384), times=1_048_576)), "too many cells"),
    "rows repeated beyond all": ("ods", table(row(number(), times=10**9)), BEYOND),
    "a far cell after repeats": (
        "ods",
        table(row(number()), row(times=1_048_570), row(number(times=16_383, value="") + number())),
        "row 1048572, column XFD",
    ),
    "a text repeated": (
        "ods",
        table(row(number(value=f'office:value-type="string" office:string-value="{"x" * 1000}"'), times=1_000_000)),
        "too much text",
    ),
}


@pytest.mark.parametrize("case", BOMBS)
def test_a_bomb(tmp_path: Path, case: str) -> None:
    kind, write, words = BOMBS[case]
    path = tmp_path / f"bomb.{kind}"
    write(path)
    command = [sys.executable, "-c", READ, str(path)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=60, check=False, cwd=Path(__file__).parents[1]
    )
    assert done.returncode == 0, done.stderr[-2000:]
    result = json.loads(done.stdout)
    assert words in result["line"]
    assert result["line"].startswith("bomb")
    assert "\n" not in result["line"]
    assert result["seconds"] < 2
    assert result["bytes"] < 300_000_000
    with pytest.raises(InputError, match="bomb"):
        read_grids(path, name="bomb")


def test_a_long_text_that_is_used_once_is_read(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>{min(n, 2) - 1}</v></c></row>' for n in range(1, 1001))
    path = xlsx(tmp_path / "t.xlsx", rows, strings=[WORDS[:1_000_000], "short"])
    (grid,) = read_grids(path, name="t.xlsx")
    assert grid.frame["A"].str.len_chars().to_list() == [1_000_000] + [5] * 999


def test_a_number_of_a_text_that_is_not_understood_counts_as_the_longest(tmp_path: Path) -> None:
    rows = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v> 1 </v></c></row>' for n in range(1, 1001))
    path = xlsx(tmp_path / "t.xlsx", rows, strings=[WORDS[:1_000_000], "short"])
    with pytest.raises(InputError, match="600 MB of text"):
        read_grids(path, name="t.xlsx")


def test_parts_that_are_not_packed(tmp_path: Path) -> None:
    with ZipFile(tmp_path / "t.xlsx", "w") as archive:
        for name, content in workbook_parts({"S": sheet_xml(ONE)}).items():
            archive.writestr(name, content)
    (grid,) = read_grids(tmp_path / "t.xlsx", name="t.xlsx")
    assert grid.frame.item() == "1"


def test_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    path = xlsx(tmp_path / "t.xlsx", ONE)
    monkeypatch.setattr("dayzero.io.preflight._unpacked", fail)
    with pytest.raises(InputError, match="the workbook is damaged"):
        read_grids(path, name="t.xlsx")
    monkeypatch.setattr("dayzero.io.preflight._check_ends", fail)
    with pytest.raises(InputError, match="the file cannot be read"):
        read_grids(path, name="t.xlsx")
