"""Text files as grids: encoding and separator declared or told by the file, rows as they stand in it."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from dayzero.errors import InputError, InternalError
from dayzero.io.encodings import MAX_DECODED, detect
from dayzero.io.files import read_grids
from dayzero.io.grid import EMPTY, TEXT, Grid
from workbooks import Value, ods, ods_rows, rows_xml, xlsx

PRIVATE = "Zx-private-91"


def read(folder: Path, content: bytes | str, name: str = "t.csv", **declared: str) -> Grid:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    (grid,) = read_grids(path, name=name, **declared)
    return grid


def fault(folder: Path, content: bytes | str, name: str = "t.csv", **declared: str) -> InputError:
    with pytest.raises(InputError) as caught:
        read(folder, content, name, **declared)
    assert caught.value.file == name
    assert "\n" not in str(caught.value)
    assert PRIVATE not in str(caught.value)
    return caught.value


# --- the same cohort, however it is written -----------------------------------------------------------------------

COHORT: list[list[Value]] = [
    ["ID", "Dose ±", "Note", "Given on"],
    ["007", "2.5×10", "a; b, c | d", "2021-03-25"],
    ["NA", None, 'said "so"\nand left', "1999-12-31"],
    [None, None, None, None],
    ["x9", "38°", " blank ", None],
]
EXPECTED = {
    "A": ["ID", "007", "NA", None, "x9"],
    "B": ["Dose ±", "2.5×10", None, None, "38°"],
    "C": ["Note", "a; b, c | d", 'said "so"\nand left', None, " blank "],
    "D": ["Given on", "2021-03-25", "1999-12-31", None, None],
}


def as_text(separator: str) -> str:
    quoted = [["" if cell is None else '"' + str(cell).replace('"', '""') + '"' for cell in row] for row in COHORT]
    return "".join(separator.join(row) + "\r\n" for row in quoted)


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252", "cp932", "gb18030"]
)
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_the_same_cohort_in_every_encoding_and_separator(tmp_path: Path, encoding: str, separator: str) -> None:
    grid = read(tmp_path, as_text(separator).encode(encoding), encoding=encoding)
    assert grid.frame.to_dict(as_series=False) == EXPECTED
    assert grid.first_row == 1


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_the_same_cohort_in_workbooks(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"t.{kind}"
    if kind == "xlsx":
        xlsx(path, rows_xml(COHORT))
    else:
        ods(path, {"S": ods_rows(COHORT)})
    (grid,) = read_grids(path, name=path.name)
    assert grid.frame.to_dict(as_series=False) == EXPECTED
    assert grid.kinds.to_dict(as_series=False) == read(tmp_path, as_text(",")).kinds.to_dict(as_series=False)


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_real_dates_and_numbers_are_written_as_a_text_file_would(tmp_path: Path, kind: str) -> None:
    rows: list[list[Value]] = [
        ["ID", "on", "dose", "ok"],
        ["007", date(2021, 3, 25), 2.5, True],
        ["x", None, 7.0, False],
    ]
    path = tmp_path / f"t.{kind}"
    if kind == "xlsx":
        xlsx(path, rows_xml(rows))
    else:
        ods(path, {"S": ods_rows(rows)})
    (grid,) = read_grids(path, name=path.name)
    text = "ID,on,dose,ok\n007,2021-03-25,2.5,TRUE\nx,,7,FALSE\n"
    assert grid.frame.equals(read(tmp_path, text).frame)
    assert grid.kinds.rows() == [(1, 1, 1, 1), (1, 3, 2, 4), (1, 0, 2, 4)]


# --- encodings ----------------------------------------------------------------------------------------------------

LANGUAGES = {
    "cp1252": "Fall;Größe;Rückfall\n1;38,5°;nein\n2;n/a;spät – März\n",
    "cp932": "患者,移植日,再発,ﾀﾅｶ\n1,2021年3月25日,なし,①\n",
    "gb18030": "编号,性别,移植日期,复发\n1,男,２０２１年３月,否\n",
}


@pytest.mark.parametrize("encoding", LANGUAGES)
def test_the_encoding_is_told_by_the_characters(tmp_path: Path, encoding: str) -> None:
    text = LANGUAGES[encoding]
    grid = read(tmp_path, text.encode(encoding))
    assert grid.encoding == encoding
    assert grid.frame.row(0) == tuple(text.split("\n")[0].replace(";", ",").split(","))
    (note,) = grid.findings
    assert (note.level, note.code, note.table) == ("note", "read-as", "t.csv")
    assert encoding in note.message


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("mark", ["\ufeff", ""])
def test_utf16_is_told_with_a_mark_and_without(tmp_path: Path, encoding: str, mark: str) -> None:
    grid = read(tmp_path, (mark + "a,移植\n1,Ångström\n").encode(encoding))
    assert grid.encoding == encoding
    assert grid.frame.rows() == [("a", "移植"), ("1", "Ångström")]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("移植", "gb18030"), ("男,女\n", "gb18030"), ("환자,이식\n급성,재발\n", "euc-kr")],
)
def test_where_two_encodings_make_sense_neither_is_taken(tmp_path: Path, text: str, encoding: str) -> None:
    error = fault(tmp_path, text.encode(encoding))
    assert "encoding is not clear" in error.fault
    assert 'encoding = "' in error.mend
    assert read(tmp_path, text.encode(encoding), encoding=encoding).frame[0, 0] == text.strip().partition(",")[0]


@pytest.mark.parametrize(
    ("text", "encoding"),
    [("Возраст,Пол\n", "cp1251"), ("急性淋巴白血病,患者\n", "big5"), ("\x81\x8d\x8f", "latin-1")],
)
def test_an_encoding_that_is_not_known_is_not_guessed(tmp_path: Path, text: str, encoding: str) -> None:
    error = fault(tmp_path, b"a,b\n" + text.encode(encoding))
    assert "nor text in an encoding that is known" in error.fault
    assert error.row == 2


def test_detection_looks_at_no_more_than_it_needs() -> None:
    assert detect(("移植日,再発\n" * 20_000).encode("cp932"), file="t.csv") == "cp932"


def test_a_declared_encoding_that_does_not_fit(tmp_path: Path) -> None:
    error = fault(tmp_path, "a,b\n1,移植\n".encode("cp932"), encoding="utf-8")
    assert (error.fault, error.row) == ("not utf-8 text", 2)
    assert "not utf-16 text" in fault(tmp_path, b"abc", encoding="utf-16").fault


def test_a_declared_encoding_that_does_not_exist_names_the_nearest(tmp_path: Path) -> None:
    assert "Did you mean shift-jis" in fault(tmp_path, "a,b\n", encoding="shift-jiss").mend
    assert "Known are" in fault(tmp_path, "a,b\n", encoding="ebcdic-999").mend


def test_zero_bytes_are_no_text(tmp_path: Path) -> None:
    assert "zero bytes" in fault(tmp_path, b"a,b\n1,\0\0\n").fault


def test_a_large_file_is_not_decoded_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("wb") as stream:
        stream.write("a,ä\n".encode("cp1252"))
        stream.truncate(MAX_DECODED + 1)
    with pytest.raises(InputError, match="above 100 MB and not UTF-8"):
        read_grids(path, name="t.csv")


# --- separators, rows ---------------------------------------------------------------------------------------------


def test_a_decimal_comma_is_no_separator(tmp_path: Path) -> None:
    assert read(tmp_path, "a;b\n1,5;2,5\n").frame.rows() == [("a", "b"), ("1,5", "2,5")]
    text = "x,y;z,w\n1,5;2,5\n"
    assert 'separator = "," or separator = ";"' in fault(tmp_path, text).mend
    assert read(tmp_path, text, decimal=",").frame.rows() == [("x,y", "z,w"), ("1,5", "2,5")]
    assert read(tmp_path, text, separator=",").frame.width == 3


def test_a_separator_within_quotation_marks_does_not_count(tmp_path: Path) -> None:
    assert read(tmp_path, '"a;b",c\n"1;2;3",4\n').frame.rows() == [("a;b", "c"), ("1;2;3", "4")]


def test_a_separator_that_does_not_exist(tmp_path: Path) -> None:
    assert "Known are" in fault(tmp_path, "a,b\n", separator="#").mend


def test_two_header_rows_with_empty_and_equal_cells(tmp_path: Path) -> None:
    grid = read(tmp_path, "CAR-T,,,\nDate,Dose,Date,\n2021-03-25,1,,#N/A\n")
    assert grid.frame.rows() == [
        ("CAR-T", None, None, None),
        ("Date", "Dose", "Date", None),
        ("2021-03-25", "1", None, None),
    ]
    assert grid.kinds.row(2) == (TEXT, TEXT, EMPTY, EMPTY)
    assert grid.kinds.dtypes == [pl.UInt8] * 4


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_blank_rows_count(tmp_path: Path, end: str) -> None:
    grid = read(tmp_path, end.join(["", "", "a,b", "", "1,2", ""]))
    assert grid.first_row == 3
    assert grid.frame.rows() == [("a", "b"), (None, None), ("1", "2")]


def test_one_column(tmp_path: Path) -> None:
    assert read(tmp_path, '"a"\n"1"\n').frame.rows() == [("a",), ("1",)]
    assert read(tmp_path, "a\n1\n2\n").frame.rows() == [("a",), ("1",), ("2",)]


FAULTS: Mapping[str, tuple[str, int | None, str]] = {
    "ragged": (f"a,b\n1,2\n{PRIVATE},2,3\n", 3, "3 fields"),
    "a title of one cell": (f"{PRIVATE}\na;b;c\n1;2;3\n", 2, "3 fields"),
    "an open quotation mark": (f'a,b\n1,"{PRIVATE}\n', 2, "never closed"),
    "a stray quotation mark": (f'a,b\n1,x"{PRIVATE}"\n', 2, "in the middle"),
    "nothing": ("", None, "empty"),
    "blank lines": ("\n\r\n\n", None, "empty"),
    "columns without end": ("," * 20_001 + "\n", 1, "more than 20000 columns"),
}


@pytest.mark.parametrize("case", FAULTS)
def test_a_fault(tmp_path: Path, case: str) -> None:
    text, row, words = FAULTS[case]
    error = fault(tmp_path, text)
    assert error.row == row
    assert words in error.fault


def test_a_workbook_by_another_name(tmp_path: Path) -> None:
    assert "Excel workbook" in fault(tmp_path, b"PK\x03\x04zzzz").fault


def test_an_unknown_kind_of_file_names_the_nearest(tmp_path: Path) -> None:
    assert "Did you mean .xlsx" in fault(tmp_path, "a", "t.xlsxx").mend
    assert "Save it as one of .csv" in fault(tmp_path, "a", "t.docx").mend
    assert "Save it as one of .csv" in fault(tmp_path, "a", "t").mend


def test_no_file(tmp_path: Path) -> None:
    for name in ("none.csv", "none.xlsx", "none.ods"):
        with pytest.raises(InputError, match="no such file"):
            read_grids(tmp_path / name, name=name)


def test_a_disk_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("dayzero.io.encodings._is_utf8", fail)
    assert fault(tmp_path, "a,b\n").fault == "the file cannot be read"
    monkeypatch.undo()
    monkeypatch.setattr("dayzero.io.delimited.pieces", fail)
    assert fault(tmp_path, "a,b\n").fault == "the file cannot be read"


def test_a_parser_that_loses_a_row_is_a_bug(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dayzero.io.delimited.parse", lambda *_, **__: pl.DataFrame({"A": ["a"]}))
    with pytest.raises(InternalError, match="found 1 rows, the gate 2"):
        read(tmp_path, "a\n1\n")
