"""The header of a sheet, joined from its rows."""

import pytest

from dayzero.errors import InputError
from dayzero.io.grid import Corner, Grid
from dayzero.io.mapping.declared import Declared
from dayzero.io.mapping.headers import Headers, read_headers
from dayzero.io.mapping.settings import SheetSettings
from dayzero.settings import Toml
from sheets import Cell, mapped, one_sheet, rows_of, sheet

DECLARED = Declared(Toml("study.toml", "[map]\n", {}))


def headers(grid: Grid, **keys: int) -> Headers:
    return read_headers(grid, SheetSettings("cohort.xlsx", "ID", **keys), DECLARED)  # type: ignore[arg-type]


def test_one_row_is_the_header() -> None:
    grid = sheet([["ID", " Age \n (years)", None], ["1", 30, None]])
    assert headers(grid).names == ("ID", "Age (years)", "")
    assert headers(grid).first == 1


MERGED: list[tuple[Corner, Corner]] = [((1, 1), (2, 1)), ((1, 2), (1, 3)), ((1, 4), (1, 5))]
TWO: list[list[Cell]] = [["ID", "CAR-T", None, "HSCT", None, None], [None, "Date", "Dose", "Date", "Donor", "Note"]]


def test_a_merged_cell_names_its_columns_and_no_other() -> None:
    names = headers(sheet([*TWO], merged=MERGED), header=2).names
    assert names == ("ID", "CAR-T | Date", "CAR-T | Dose", "HSCT | Date", "HSCT | Donor", "Note")


def test_without_merged_cells_a_cell_carries_on_to_the_next() -> None:
    names = headers(sheet([*TWO]), header=2).names
    assert names == ("ID", "CAR-T | Date", "CAR-T | Dose", "HSCT | Date", "HSCT | Donor", "HSCT | Note")


def test_a_header_with_nothing_below_it_does_not_carry_on() -> None:
    assert headers(sheet([["ID", None, "CAR-T"], [None, "Age", "Date"]]), header=2).names == (
        "ID",
        "Age",
        "CAR-T | Date",
    )


def test_three_rows_do_not_carry_into_another_group() -> None:
    rows = [["ID", "A", None, "B", None], [None, "first", None, None, "second"], [None, "x", "y", "x", "y"]]
    names = headers(sheet(rows), header=3).names
    assert names == ("ID", "A | first | x", "A | first | y", "B | x", "B | second | y")


def test_title_rows_above_and_unit_rows_below_are_passed_over() -> None:
    grid = sheet([["Our cohort"], ["ID", "Weight"], [None, "kg"], ["1", 70]], first_row=3)
    read = headers(grid, header_row=4, skip=1)
    assert (read.names, read.first) == (("ID", "Weight"), 3)


@pytest.mark.parametrize("row", [1, 9])
def test_a_header_row_outside_the_sheet(row: int) -> None:
    with pytest.raises(InputError, match=f"no header on row {row}.*used from row 3 to 4"):
        headers(sheet([["ID"], ["1"]], first_row=3), header_row=row)


def test_an_empty_sheet() -> None:
    with pytest.raises(InputError, match=r"sheet Patients is empty"):
        headers(sheet([]))


def test_a_blank_header_row() -> None:
    with pytest.raises(InputError, match=r"row 1 of cohort\.xlsx, sheet Patients is blank"):
        headers(sheet([[None, None], ["ID", "1"]]))


def test_a_column_is_found_by_header_or_letter() -> None:
    read = headers(sheet([["ID", "Last\ncontact"], ["1", None]]))
    assert read.find("Last  contact", DECLARED) == read.find("@B", DECLARED) == read.find("@b", DECLARED) == "B"
    assert read.label("B") == "B (Last contact)"


def test_a_header_that_stands_twice_is_named_by_letter() -> None:
    grid = sheet([["ID", "Date", "Date"], ["1", None, "2021-03-05"]])
    with pytest.raises(InputError, match=r'2 columns .Date.\. Name one as "@B" or "@C"'):
        mapped(one_sheet(), grid)
    assert rows_of(mapped(one_sheet(events='event = "infusion"\ndate = "@C"'), grid).events.frame, "date") == [
        ("2021-03-05",)
    ]


@pytest.mark.parametrize(
    ("asked", "hint"),
    [
        ("CAR-T | Dat", "Did you mean 'CAR-T | Date'"),
        ("donor", "Did you mean 'HSCT | Donor'"),
        ("Date", "Did you mean 'CAR-T | Date' or 'HSCT | Date'"),
        ("zzz", "Its columns are 'ID', 'CAR-T | Date'"),
        ("@Z", "Its columns are A to F"),
    ],
)
def test_a_wrong_name_is_refused_with_the_nearest_header(asked: str, hint: str) -> None:
    with pytest.raises(InputError) as refused:
        headers(sheet([*TWO]), header=2).find(asked, DECLARED)
    assert hint in str(refused.value)


def test_a_wrong_column_names_the_row_of_the_study_file() -> None:
    with pytest.raises(
        InputError, match=r"^study\.toml, row 10, column map.sheet.0.events.0.date: .* 'Dat'.*Did you mean"
    ):
        mapped(one_sheet(events='event = "infusion"\ndate = "Dat"'), sheet([["ID", "Date"], ["1", None]]))
