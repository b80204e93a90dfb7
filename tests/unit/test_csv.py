"""Reading text tables: values as written, faults with their row, no patient's value in a message."""

import csv
import io
import os
import resource
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dayzero.errors import InputError, InternalError
from dayzero.io.csv import Table, read_csv
from dayzero.io.csv_source import PIECE

PRIVATE = "Zx-private-91"


def read(folder: Path, content: bytes | str, required: Sequence[str] = ()) -> Table:
    path = folder / "t.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_csv(path, name="t.csv", required=required)


def fault(folder: Path, content: bytes | str, required: Sequence[str] = ()) -> InputError:
    with pytest.raises(InputError) as caught:
        read(folder, content, required)
    assert caught.value.file == "t.csv"
    assert "\n" not in str(caught.value)
    assert PRIVATE not in str(caught.value)
    return caught.value


# --- what is read -------------------------------------------------------------------------------------------------


def test_values_stay_as_written(tmp_path: Path) -> None:
    table = read(tmp_path, "patient,a,b\n007,NA, yes \n1e5,null,#x\n+1,'q',NaN\n")
    assert table.frame.rows() == [("007", "NA", " yes "), ("1e5", "null", "#x"), ("+1", "'q'", "NaN")]
    assert set(map(str, table.frame.dtypes)) == {"String"}
    assert table.rows.tolist() == [2, 3, 4]


def test_an_empty_cell_is_null_quoted_or_not(tmp_path: Path) -> None:
    assert read(tmp_path, 'a,b,c\n1,,3\n"","x",""\n').frame.rows() == [("1", None, "3"), (None, "x", None)]


def test_blanks_are_a_value(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\n , \n").frame.rows() == [(" ", " ")]


def test_quotation(tmp_path: Path) -> None:
    table = read(tmp_path, 'a,b\n"x,y","say ""so"""\n"two\nlines",z\n"""",end\n')
    assert table.frame.rows() == [("x,y", 'say "so"'), ("two\nlines", "z"), ('"', "end")]
    assert table.rows.tolist() == [2, 3, 4], "a row with a line break is one row of a spreadsheet"


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_header_tells_the_separator(tmp_path: Path, separator: str) -> None:
    text = "patient,event,day\nA,death,3\n".replace(",", separator)
    assert read(tmp_path, text, ("patient", "event")).frame.rows() == [("A", "death", "3")]


def test_required_columns_decide_between_separators(tmp_path: Path) -> None:
    table = read(tmp_path, "patient;age, years, at day, 0\n1;2\n", ("patient",))
    assert table.frame.columns == ["patient", "age, years, at day, 0"]


def test_a_separator_within_quotation_marks_does_not_count(tmp_path: Path) -> None:
    assert read(tmp_path, '"a;b;c",d\n1,2\n').frame.columns == ["a;b;c", "d"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", [True, False])
def test_line_ends(tmp_path: Path, end: str, last: bool) -> None:
    text = end.join(["a,b", "1,2", '"3",4', ""][: 4 if last else 3])
    assert read(tmp_path, text).frame.rows() == [("1", "2"), ("3", "4")]


def test_mixed_lf_and_crlf(tmp_path: Path) -> None:
    assert read(tmp_path, "a,b\r\n1,2\n3,4\r\n").frame.rows() == [("1", "2"), ("3", "4")]


def test_line_breaks_within_quotation_marks_stay(tmp_path: Path) -> None:
    assert read(tmp_path, 'a,b\n"x\ry",1\n"x\r\ny",2\n').frame["a"].to_list() == ["x\ry", "x\r\ny"]
    assert read(tmp_path, 'a,b\r"x\ny",1\r').frame["a"].to_list() == ["x\ny"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le-bom", "utf-16-be-bom"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    text = "patient,name\n1,Ångström\n2,移植\n"
    boms = {
        "utf-16-le-bom": b"\xff\xfe" + text.encode("utf-16-le"),
        "utf-16-be-bom": b"\xfe\xff" + text.encode("utf-16-be"),
    }
    table = read(tmp_path, boms[encoding] if encoding in boms else text.encode(encoding), ("patient",))
    assert table.frame.rows() == [("1", "Ångström"), ("2", "移植")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blank_rows_are_left_out_and_counted(tmp_path: Path, end: str) -> None:
    text = end.join(["a,b", "", "1,2", "", ",", "3,", "", "", ""])
    table = read(tmp_path, text)
    assert table.frame.rows() == [("1", "2"), ("3", None)]
    assert table.rows.tolist() == [3, 6]


def test_blank_rows_of_one_column(tmp_path: Path) -> None:
    table = read(tmp_path, "a\n1\n\n2\n", ("a",))
    assert table.frame["a"].to_list() == ["1", "2"]
    assert table.rows.tolist() == [2, 4]


@pytest.mark.parametrize("text", ["a,b", "a,b\n", "a,b\r\n", "a,b\n\n\n", "a,b\n,\n"])
def test_only_a_header(tmp_path: Path, text: str) -> None:
    table = read(tmp_path, text)
    assert table.frame.shape == (0, 2)
    assert table.rows.tolist() == []


def test_header_names_are_stripped_and_row_is_a_name_like_any_other(tmp_path: Path) -> None:
    table = read(tmp_path, '\ufeff patient ,"row"," a\nb "\n1,2,3\n', ("patient", "row"))
    assert table.frame.columns == ["patient", "row", "a\nb"]
    assert table.frame["row"].to_list() == ["2"]


@pytest.mark.parametrize("name", ["a*b.csv", "[x].csv", "~home.csv", "a b%20.csv", "移植.csv", "x.txt", "{a,b}.csv"])
def test_any_file_name(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_text("a,b\n1,2\n")
    assert read_csv(Path(name), name=name).frame.rows() == [("1", "2")]


CELLS = st.text(alphabet="ab ,;\"\n\r\t|é移'0", max_size=5)


@given(
    rows=st.lists(st.tuples(CELLS, CELLS, CELLS), max_size=8),
    quoting=st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_standard_library_writes_is_read_back(
    tmp_path: Path, rows: list[tuple[str, ...]], quoting: int
) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, quoting=quoting, lineterminator="\r\n").writerows([("x", "y", "z"), *rows])
    table = read(tmp_path, out.getvalue(), ("x", "y", "z"))
    expected = [tuple(cell or None for cell in row) for row in rows]
    assert table.frame.rows() == [row for row in expected if any(row)]
    assert table.rows.tolist() == [n for n, row in enumerate(expected, 2) if any(row)]


def test_a_file_of_many_pieces(tmp_path: Path) -> None:
    count = 250_000
    text = "patient,note\n" + "".join(
        f'{n},"line 1\nline, 2"\n' if n % 3 else f"{n},plain words\n" for n in range(count)
    )
    assert len(text) > PIECE
    table = read(tmp_path, text)
    assert table.frame["patient"].to_list() == [str(n) for n in range(count)]
    assert table.frame["note"][1] == "line 1\nline, 2"
    assert table.rows[-1] == count + 1


# --- what is refused ----------------------------------------------------------------------------------------------

ROW_FAULTS = {
    "too few fields": (f"a,b,c\n1,2,3\n{PRIVATE},2\n", 3, "2 fields where the header has 3"),
    "too many fields": (f"a,b,c\n1,2,3\n\n{PRIVATE},2,3,4\n", 4, "4 fields where the header has 3"),
    "a comma at the end": (f"a,b\n{PRIVATE},2,\n", 2, "3 fields where the header has 2"),
    "decimal comma": (f"a,b\n{PRIVATE},2,5\n", 2, "3 fields"),
    "after a row with line breaks": (f'a,b\n"x\n\ny",1\n{PRIVATE}\n', 3, "1 field where"),
    "NUL": (f"a,b\n1,2\n{PRIVATE}\0,4\n", 3, "NUL"),
    "NUL in the header": ("a,\0b\n1,2\n", 1, "NUL"),
    "UTF-16 without mark": ("a,b\n1,2\n".encode("utf-16-le"), 1, "NUL"),
    "Latin-1": (f"a,b\n1,2\n{PRIVATE},Ångström\n".encode("latin-1"), 3, "not UTF-8"),
    "Latin-1 header": ("a,Ångström\n1,2\n".encode("latin-1"), 1, "not UTF-8"),
    "quote never closed": (f'a,b\n1,2\n"{PRIVATE},4\n5,6\n', 3, "never closed"),
    "quote never closed at the end": (f'a,b\n1,2\n{PRIVATE},"4', 3, "never closed"),
    "quote closed by a later row's": (f'a,b\n1,2\n"{PRIVATE},4\n"5",6\n', 3, "never closed"),
    "quotes of two rows that pair": (f'a,b\n1,2\n"{PRIVATE},4\n5,6"\n7,8\n', 3, "1 field where"),
    "one quote in a bare field": (f'a,b\n1,5" {PRIVATE}\n', 2, "never closed"),
    "quotes in a bare field": (f'a,b\n1,a "{PRIVATE}" b\n', 2, "in the middle of a field"),
    "text after a closed quote": (f'a,b\n1,"x"{PRIVATE}\n', 2, "in the middle of a field"),
    "blank before a quote": ('a,b\n1, "x"\n', 2, "in the middle of a field"),
    "quote never closed in the header": ('a,"b\n1,2\n', 1, "never closed"),
    "stray carriage return": (f"a,b\n1,2\n{PRIVATE}\r,4\n", 3, "carriage return"),
    "line feed where lines end with CR": (f"a,b\r1,2\r{PRIVATE},4\n5,6\r", 3, "line feed"),
}  # fmt: skip


@pytest.mark.parametrize("case", ROW_FAULTS)
def test_a_fault_in_a_row(tmp_path: Path, case: str) -> None:
    content, row, words = ROW_FAULTS[case]
    error = fault(tmp_path, content)
    assert error.row == row
    assert words in error.fault


@pytest.mark.parametrize("fill", [b"1,2\n", b'1,"2"\n', b"1,2\r\n"])
def test_a_fault_far_down(tmp_path: Path, fill: bytes) -> None:
    count = PIECE // len(fill) * 2
    assert fault(tmp_path, b"a,b\n" + fill * count + b"1,2,3\n").row == count + 2


@pytest.mark.parametrize(
    ("header", "column", "words"),
    [
        ("a,b,a", "a", "columns 1 and 3 have one name"),
        ("a, a ", "a", "columns 1 and 2 have one name"),
        ("a,,b", None, "the name of column 2 is empty"),
        ("a,b,", None, "the name of column 3 is empty"),
        (",a", None, "the name of column 1 is empty"),
        ("a," + ",".join(f"c{n}" for n in range(20_001)), None, "more than 20000 columns"),
        ("a," + "b" * 1_100_000, None, "longer than 1 MB"),
        ("a," + "b" * 200_000, None, "too long"),
        ("a,b;c", None, "not clear what separates"),
        ("", None, "first row is blank"),
    ],
)
def test_a_fault_in_the_header(tmp_path: Path, header: str, column: str | None, words: str) -> None:
    error = fault(tmp_path, header + "\n1,2\n")
    assert (error.row, error.column) == (1, column)
    assert words in error.fault


def test_a_missing_column_names_the_nearest(tmp_path: Path) -> None:
    error = fault(tmp_path, f"Patient,event\n{PRIVATE},2\n", ("patient", "event"))
    assert (error.row, error.column, error.fault) == (1, "patient", "there is no such column")
    assert "'Patient'" in error.mend


def test_a_missing_column_in_a_file_without_a_header_shows_no_value(tmp_path: Path) -> None:
    error = fault(tmp_path, "patient_017,death,10\n", ("patient",))
    assert error.column == "patient"
    assert "017" not in str(error)


def test_one_column_where_several_are_required(tmp_path: Path) -> None:
    assert "separated by" in fault(tmp_path, "patient:event\n1:2\n", ("patient", "event")).mend


def test_a_long_or_strange_name_is_shown_short_and_escaped(tmp_path: Path) -> None:
    name = "x\x1b[31m" + "y" * 60
    column = fault(tmp_path, f"{name},{name}\n1,2\n").column
    assert column is not None
    assert column.startswith("x\\x1b[31myy")
    assert len(column) <= 40


BINARY = {
    b"PK\x03\x04\x14\0": "Excel workbook",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "old Excel",
    b"\x89PNG\r\n\x1a\n": "PNG",
    b"%PDF-1.7": "PDF",
    b"\x1f\x8b\x08": "gzip",
    b"PAR1": "Parquet",
    b"<!DOCTYPE html><html>": "web page",
    b"\xef\xbb\xbf\n <html>": "web page",
}


@pytest.mark.parametrize("start", BINARY)
def test_a_binary_file_is_named(tmp_path: Path, start: bytes) -> None:
    error = fault(tmp_path, start + os.urandom(2000))
    assert BINARY[start] in error.fault
    assert "CSV" in error.mend


@pytest.mark.parametrize("content", [b"", b"\n\n", b"  \r\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xff\xfe\n\0"])
def test_an_empty_file(tmp_path: Path, content: bytes) -> None:
    assert fault(tmp_path, content).fault == "the file is empty"


def test_broken_utf16(tmp_path: Path) -> None:
    assert "UTF-16" in fault(tmp_path, b"\xff\xfea\0,\0\x00\xd8b").fault


def test_large_utf16(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with path.open("wb") as stream:
        stream.write("a,b\n".encode("utf-16"))
        stream.truncate(100_000_001)
    with pytest.raises(InputError, match="100 MB"):
        read_csv(path, name="t.csv")


@pytest.mark.parametrize(
    ("name", "words"), [("none.csv", "no such file"), ("", "a folder"), ("a\0b", "cannot be read")]
)
def test_what_is_no_file(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_csv(tmp_path / name, name="t.csv")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has neither pipes in folders nor these permissions")
def test_a_pipe_and_a_locked_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(InputError, match="not an ordinary file"):
        read_csv(tmp_path / "pipe", name="pipe")
    locked = tmp_path / "locked.csv"
    locked.write_text("a,b\n")
    locked.chmod(0)
    if not os.access(locked, os.R_OK):  # the superuser may read everything
        with pytest.raises(InputError, match="may not be read"):
            read_csv(locked, name="locked.csv")
    locked.chmod(stat.S_IRUSR | stat.S_IWUSR)


def test_no_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "t.csv").write_text("a,b\n")

    def deny(*args: object, **kwargs: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", deny)
    with pytest.raises(InputError, match="may not be read"):
        read_csv(tmp_path / "t.csv", name="t.csv")


def test_a_disk_that_fails_after_the_first_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(source: object) -> Iterator[bytes]:
        yield b"a,b\n"
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("dayzero.io.csv.pieces", fail)
    assert fault(tmp_path, "a,b\n1,2\n").fault == "the file cannot be read"


def test_a_parser_that_loses_a_row_is_a_bug_and_no_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = pl.read_csv
    monkeypatch.setattr(pl, "read_csv", lambda *args, **kwargs: real(*args, **kwargs)[1:])
    with pytest.raises(InternalError, match="the parser found 1 rows, the gate 2"):
        read(tmp_path, "a,b\n1,2\n3,4\n")


def test_a_field_above_a_megabyte_is_named(tmp_path: Path) -> None:
    long = "y" * 1_000_001
    error = fault(tmp_path, f"a,b,c\n1,2,3\n4,{long},6\n")
    assert (error.row, error.column) == (3, "b")
    assert "larger than 1 MB" in error.fault
    assert read(tmp_path, f"a,b\n1,{long[1:]}\n").frame["b"].str.len_bytes().item() == 1_000_000


@pytest.mark.parametrize("quote", [b"", b'"'])
def test_an_endless_field_is_refused_quickly_and_in_little_memory(tmp_path: Path, quote: bytes) -> None:
    path = tmp_path / "t.csv"
    with path.open("wb") as stream:
        stream.write(b"a,b\n1," + quote)
        for _ in range(16):
            stream.write(b"y" * PIECE)
        stream.truncate(1 << 30)  # a hole: a gigabyte that takes no disk
    before, start = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    with pytest.raises(InputError, match="never closed" if quote else "longer than 8 MB") as caught:
        read_csv(path, name="t.csv")
    assert caught.value.row == 2
    assert time.perf_counter() - start < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000
