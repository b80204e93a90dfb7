"""Damaged workbooks: each is refused in one line."""

from collections.abc import Callable
from pathlib import Path

import pytest

from dayzero.errors import InputError
from dayzero.io.files import read_grids
from workbooks import FIRST, sheet_xml, workbook_parts, write_parts

ONE = '<row r="1"><c r="A1"><v>1</v></c></row>'


def archive_of(path: Path, change: Callable[[bytes], bytes]) -> Path:
    write_parts(path, workbook_parts({"S": sheet_xml(ONE)}))
    path.write_bytes(change(path.read_bytes()))
    return path


def entry(data: bytes, offset: int, value: bytes) -> bytes:
    """Return an archive whose first directory entry has other bytes at an offset."""
    place = data.index(b"PK\1\2") + offset
    return data[:place] + value + data[place + len(value) :]


BROKEN: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda data: data[:-10],
    "cut to nothing": lambda data: data[:6],
    "bytes behind the end": lambda data: data + b"PK",
    "a comment": lambda data: data[:-2] + b"\2\0ab",
    "an unusual packing": lambda data: entry(data, 10, b"\x0c\0"),
    "a header elsewhere": lambda data: entry(data, 42, b"\xff\xff\0\0"),
    "a header that is none": lambda data: entry(data, 42, b"\5\0\0\0"),
    "a directory that is none": lambda data: data.replace(b"PK\1\2", b"PK\1\3"),
    "another checksum": lambda data: entry(data, 16, b"abcd"),
    "a flipped byte": lambda data: data[:60] + bytes([data[60] ^ 1]) + data[61:],
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_damaged_archive(tmp_path: Path, case: str) -> None:
    path = archive_of(tmp_path / "t.xlsx", BROKEN[case])
    with pytest.raises(InputError, match="the workbook is damaged") as caught:
        read_grids(path, name="t.xlsx")
    assert caught.value.file == "t.xlsx"


def test_an_encrypted_member(tmp_path: Path) -> None:
    path = archive_of(tmp_path / "t.xlsx", lambda data: entry(data, 8, b"\1\0"))
    with pytest.raises(InputError, match="the workbook is encrypted"):
        read_grids(path, name="t.xlsx")


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"XL/workbook.xml": "<a/>"}, "damaged"),
        ({"xl/workbook.xml": "<a>"}, "damaged"),
        ({"_rels/.rels": "<a/>"}, "damaged"),
        ({FIRST: '<?xml version="1.0" encoding="utf-16"?><a/>'}, "not XML in UTF-8"),
        ({FIRST: sheet_xml(ONE).encode("utf-16")}, "not XML in UTF-8"),
        ({FIRST: b"<a>\0</a>"}, "damaged"),
        ({FIRST: b"a"}, "not XML in UTF-8"),
        ({FIRST: sheet_xml("<row><c>")}, "damaged"),
        ({FIRST: sheet_xml('<row><c t="n" r="1A"/></row>')}, "damaged"),
        ({FIRST: sheet_xml('<row r="1"><c r="A1" t="s"><v>9</v></c></row>')}, "the sheet 'S' is damaged"),
        ({FIRST: sheet_xml('<row r="1"><c r="A1" s="2"><v>1e300</v></c></row>')}, "the sheet 'S' is damaged"),
        ({FIRST: sheet_xml('<row r="1"><c r="A1" t="n"><v> 9</v></c></row>')}, "the sheet 'S' is damaged"),
    ],
)
def test_damaged_parts(tmp_path: Path, parts: dict[str, str | bytes], words: str) -> None:
    sound = workbook_parts({"S": sheet_xml(ONE)})
    with pytest.raises(InputError, match=words):
        read_grids(write_parts(tmp_path / "t.xlsx", {**sound, **parts}), name="t.xlsx")


@pytest.mark.parametrize(("content", "words"), [(b"", "the file is empty"), (b"a,b\n", "not a workbook")])
def test_what_is_no_archive(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "t.xlsx").write_bytes(content)
    with pytest.raises(InputError, match=words):
        read_grids(tmp_path / "t.xlsx", name="t.xlsx")


def test_a_panic_in_native_code_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class PanicException(BaseException):
        """What pyo3 raises."""

    def fail(error: BaseException) -> None:
        def raise_it(*_: object) -> None:
            raise error

        monkeypatch.setattr("dayzero.io.excel._grid", raise_it)

    path = archive_of(tmp_path / "t.xlsx", lambda data: data)
    fail(PanicException("index out of bounds"))
    with pytest.raises(InputError, match="the workbook is damaged"):
        read_grids(path, name="t.xlsx")
    fail(KeyboardInterrupt())
    with pytest.raises(KeyboardInterrupt):
        read_grids(path, name="t.xlsx")


def test_a_large_file_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    with path.open("wb") as stream:
        stream.truncate(200_000_001)
    with pytest.raises(InputError, match="larger than 200 MB"):
        read_grids(path, name="t.xlsx")
