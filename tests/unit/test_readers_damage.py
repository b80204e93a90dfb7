"""What a spreadsheet program did to the data: found where it happened, silent where it did not."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest

from dayzero.errors import Finding
from dayzero.io.excel_damage import find_excel_damage
from dayzero.io.files import read_grids
from workbooks import Value, rows_xml, xlsx

DAY = date(2021, 3, 1)
CODES: list[Value] = ["A1", "B7", "2D4", "C9", "D11", "E2"]


def damage(folder: Path, column: Sequence[Value]) -> tuple[Finding, ...]:
    path = xlsx(folder / "t.xlsx", rows_xml([["x", cell] for cell in column]))
    (grid,) = read_grids(path, name="t.xlsx")
    return tuple(found for found in find_excel_damage(grid) if found.column == "B")


FOUND: dict[str, tuple[list[Value], str, tuple[int, ...]]] = {
    "MAR1 became a date": (["Gene", *CODES, DAY], "excel-dates-among-codes", (8,)),
    "1E5 became a number": (["Clone", *CODES, 1e5], "excel-numbers-among-codes", (8,)),
    "the sixteenth digit": (["Barcode", 1234567890123456.0, 12.0], "excel-digits-lost", (2,)),
    "an identifier as shown": (["Barcode", "1.23E+15", "7"], "excel-digits-lost", (2,)),
    "zeros lost": (["Patient ID", 7.0, 12.0, 101.0], "excel-zeros-lost", (2, 3)),
    "zeros lost, in Japanese": (["患者番号", 7.0, 12.0], "excel-zeros-lost", (2,)),
    "half of the dates are text": (
        ["Date", DAY, "25/03/2021", "2021年3月25日", "3 Mar 2021"],
        "excel-text-dates",
        (3, 4, 5),
    ),
    "a number stored as text": (["Dose", 1.5, 2.0, "2,5", " 7 "], "excel-text-numbers", (4, 5)),
    "an age shown as a date": (["Age", date(1900, 2, 14), date(2021, 1, 1)], "excel-early-dates", (2,)),
}


@pytest.mark.parametrize("case", FOUND)
def test_damage_is_found(tmp_path: Path, case: str) -> None:
    column, code, rows = FOUND[case]
    (found,) = damage(tmp_path, column)
    assert (found.code, found.rows, found.table) == (code, rows, "t.xlsx, sheet S")
    assert found.level == ("error" if code == "excel-digits-lost" else "warning")
    assert found.mend


SOUND: dict[str, list[Value]] = {
    "dates under two header rows": ["Transplant", "Date", DAY, DAY],
    "one patient": ["CAR-T", "Infusion", "Date", "(day 0)", DAY],
    "dates with remarks": ["Date", DAY, DAY, DAY, "unknown", "lost"],
    "numbers with remarks": ["Dose", 1.5, 100000.0, "n.a.", "unknown", "low", "see note", "none", "-"],
    "numbers one by one": ["ID", 8.0, 9.0, 10.0, 11.0],
    "a long table": ["ID", 7.0, 7.0, 12.0, 12.0],
    "numbers that name nobody": ["Age", 7.0, 12.0, 101.0],
    "identifiers as text": ["ID", "007", "012", "101"],
    "large measurements": ["Cells", 2.5e8, 1e15 - 1],
    "codes with a number that is not round": ["Clone", *CODES, 7.0],
    "text dates alone": ["Date", "25/03/2021", "26/03/2021"],
    "births long ago": ["Birth", date(1905, 1, 1), date(1931, 5, 2)],
    "nothing": ["", None, None],
}


@pytest.mark.parametrize("case", SOUND)
def test_a_sound_column_is_left_alone(tmp_path: Path, case: str) -> None:
    assert damage(tmp_path, SOUND[case]) == ()


def test_text_files_have_no_kinds_but_show_what_was_lost(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("ID,Dose\n1.23E+15,7\n2,1\n")
    (grid,) = read_grids(tmp_path / "t.csv", name="t.csv")
    (found,) = find_excel_damage(grid)
    assert (found.code, found.rows, found.column, found.table) == ("excel-digits-lost", (2,), "A", "t.csv")


def test_rows_are_those_of_the_file(tmp_path: Path) -> None:
    path = xlsx(
        tmp_path / "t.xlsx", '<row r="5"><c r="A5"><v>1</v></c></row><row r="9"><c r="A9"><v>1e16</v></c></row>'
    )
    (grid,) = read_grids(path, name="t.xlsx")
    assert [found.rows for found in find_excel_damage(grid)] == [(9,)]
