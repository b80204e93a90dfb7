"""OpenDocument spreadsheets as grids."""

from pathlib import Path

import pytest

from dayzero.errors import InputError
from dayzero.io.files import read_grids
from dayzero.io.grid import BOOLEAN, DATE, EMPTY, ERROR, NUMBER, TEXT, Grid
from workbooks import ods, ods_rows, write_parts

ROW = "<table:table-row{}>{}</table:table-row>"
CELL = "<table:table-cell{}>{}</table:table-cell>"


def row(*cells: str, **attributes: object) -> str:
    more = "".join(f' table:{name.replace("_", "-")}="{value}"' for name, value in attributes.items())
    return ROW.format(more, "".join(cells))


def cell(attributes: str = "", text: str = "") -> str:
    return CELL.format(f" {attributes}" if attributes else "", f"<text:p>{text}</text:p>" if text else "")


def number(value: object, attributes: str = "") -> str:
    return cell(f'office:value-type="float" office:value="{value}" {attributes}', "shown")


def read(folder: Path, rows: str, **more: str) -> Grid:
    (grid,) = read_grids(ods(folder / "t.ods", {"S": rows}, **more), name="t.ods")
    return grid


VALUES = {
    number("2.50"): ("2.5", NUMBER),
    number("1E+5"): ("100000", NUMBER),
    cell('office:value-type="percentage" office:value="0.5"', "50 %"): ("0.5", NUMBER),
    cell('office:value-type="currency" office:value="7"', "7 €"): ("7", NUMBER),
    cell('office:value-type="date" office:date-value="2021-03-25"', "25.03.21"): ("2021-03-25", DATE),
    cell('office:value-type="date" office:date-value="2021-03-25T14:30:00"'): ("2021-03-25T14:30:00", DATE),
    cell('office:value-type="date" office:date-value="2021-03-25T14:29:59.999999999"'): ("2021-03-25T14:30:00", DATE),
    cell('office:value-type="date" office:date-value="-0044-03-15"'): ("-0044-03-15", TEXT),
    cell('office:value-type="time" office:time-value="PT14H30M00S"'): ("14:30:00", TEXT),
    cell('office:value-type="time" office:time-value="-P1DT6H"'): ("-30:00:00", TEXT),
    cell('office:value-type="time" office:time-value="noon"'): ("noon", TEXT),
    cell('office:value-type="boolean" office:boolean-value="true"', "TRUE"): ("TRUE", BOOLEAN),
    cell('office:value-type="boolean" office:boolean-value="false"', "FALSE"): ("FALSE", BOOLEAN),
    cell('office:value-type="string"', "two  &amp; more"): ("two  & more", TEXT),
    cell('office:value-type="string" office:string-value="given"'): ("given", TEXT),
    cell('office:value-type="string"', "a<text:s text:c='2'/>b<text:tab/>c<text:line-break/>d"): ("a  b\tc\nd", TEXT),
    cell('office:value-type="string" calcext:value-type="error"', "#N/A"): (None, EMPTY),
    cell('office:value-type="string" calcext:value-type="error"', "#REF!"): (None, ERROR),
    cell('office:value-type="string"', "1<office:annotation><text:p>a note</text:p></office:annotation>"): ("1", TEXT),
    cell('office:value-type="date"'): (None, EMPTY),
    cell('office:value-type="time"'): (None, EMPTY),
    cell("", "bare"): ("bare", TEXT),
    cell(): (None, EMPTY),
    cell('office:value-type="float"'): (None, EMPTY),
}


@pytest.mark.parametrize("written", VALUES)
def test_a_value(tmp_path: Path, written: str) -> None:
    grid = read(tmp_path, row(number(1), written, number(2)))
    assert (grid.frame[0, 1], grid.kinds[0, 1]) == VALUES[written]
    assert grid.frame.row(0)[::2] == ("1", "2")


def test_repeats_expand(tmp_path: Path) -> None:
    rows = (
        row(cell(), number_rows_repeated=2)
        + row(
            cell('table:number-columns-repeated="2"'),
            number(1, 'table:number-columns-repeated="2"'),
            number_rows_repeated=2,
        )
        + row(cell(), number(3))
        + row(cell('table:number-columns-repeated="16384"'), number_rows_repeated=1048571)
    )
    grid = read(tmp_path, rows)
    assert grid.first_row == 3
    assert grid.frame.rows() == [(None, None, "1", "1"), (None, None, "1", "1"), (None, "3", None, None)]
    assert grid.kinds.rows() == [(0, 0, 2, 2), (0, 0, 2, 2), (0, 2, 0, 0)]


def test_header_rows_and_groups_are_rows(tmp_path: Path) -> None:
    rows = f"<table:table-header-rows>{row(number(1))}</table:table-header-rows>"
    rows += f"<table:table-row-group>{row(number(2))}</table:table-row-group>"
    assert read(tmp_path, rows).frame["A"].to_list() == ["1", "2"]


def test_a_table_within_a_cell_is_not_a_sheet(tmp_path: Path) -> None:
    inner = f'<table:table table:name="inner">{row(number(9))}</table:table>'
    grid = read(tmp_path, row(CELL.format("", inner), number(1)) + row(number(2)))
    assert grid.frame.rows() == [(None, "1"), ("2", None)]


def test_merged_hidden_and_uncalculated(tmp_path: Path) -> None:
    rows = row(
        cell('office:value-type="string" table:number-columns-spanned="2" table:number-rows-spanned="2"', "CAR-T"),
        "<table:covered-table-cell/>",
        number(1),
    )
    rows += row("<table:covered-table-cell table:number-columns-repeated='2'/>", number(2), visibility="filter")
    rows += row(cell('table:formula="of:=[.A1]"'))
    grid = read(tmp_path, rows)
    assert grid.merged == (((1, 1), (2, 2)),)
    assert [(found.code, found.rows, found.column) for found in grid.findings] == [
        ("hidden-rows", (2,), ""),
        ("formula-without-value", (3,), "A"),
    ]


def test_hidden_and_empty_sheets(tmp_path: Path) -> None:
    style = '<style:style style:name="ta2"><style:table-properties table:display="false"/></style:style>'
    path = ods(
        tmp_path / "t.ods",
        {"移植": row(number(1)), 'Old" table:style-name="ta2': row(number(1)), "Empty": ""},
        styles=style,
    )
    grids = read_grids(path, name="t.ods")
    assert [grid.sheet for grid in grids] == ["移植", "Old", "Empty"]
    assert [[found.code for found in grid.findings] for grid in grids] == [[], ["hidden-sheet"], []]
    assert grids[2].frame.shape == (0, 0)


BAD = {
    "no content": ({"mimetype": "x"}, "damaged"),
    "no sheet": ({"content.xml": "<a/>"}, "no sheet"),
    "no XML": ({"content.xml": "<a>"}, "damaged"),
    "no number": (
        {"content.xml": "<table:table><table:table-row table:number-rows-repeated='x'/></table:table>"},
        "damaged",
    ),
    "encrypted": ({"content.xml": "<a/>", "META-INF/manifest.xml": "<m><manifest:encryption-data/></m>"}, "password"),
    "entities": ({"content.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>"}, "document type"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_is_no_spreadsheet(tmp_path: Path, case: str) -> None:
    parts, words = BAD[case]
    with pytest.raises(InputError, match=words):
        read_grids(write_parts(tmp_path / "t.ods", parts), name="t.ods")


def test_rows_as_a_spreadsheet_program_counts_them(tmp_path: Path) -> None:
    assert read(tmp_path, ods_rows([["a"], [None], [1.5]])).frame["A"].to_list() == ["a", None, "1.5"]
