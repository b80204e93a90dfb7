"""Excel workbooks as grids: dates, errors, formulas, merged cells, hidden sheets, and any way of writing a cell."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pytest
import xlsxwriter
from hypothesis import given
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from dayzero.errors import InputError
from dayzero.io.cells import column_texts, number_text
from dayzero.io.files import read_grids
from dayzero.io.grid import BOOLEAN, DATE, EMPTY, ERROR, NUMBER, TEXT, Grid, letters
from workbooks import sheet_xml, workbook_parts, write_parts, xlsx


def read(path: Path) -> Grid:
    (grid,) = read_grids(path, name=path.name)
    return grid


def cells(folder: Path, xml: str, **more: object) -> Grid:
    return read(xlsx(folder / "t.xlsx", xml, **more))


def fault(path: Path) -> InputError:
    with pytest.raises(InputError) as caught:
        read_grids(path, name=path.name)
    assert "\n" not in str(caught.value)
    return caught.value


# --- values -------------------------------------------------------------------------------------------------------

FORMATS = {"day": "yyyy-mm-dd", "moment": "dd/mm/yyyy hh:mm", "era": '[$-411]ggge"年"m"月"d"日"', "clock": "hh:mm:ss"}


@pytest.mark.parametrize(("epoch", "shift"), [(1900, 0), (1904, 1462)])
def test_both_epochs(tmp_path: Path, epoch: int, shift: int) -> None:
    with xlsxwriter.Workbook(tmp_path / "t.xlsx", {"date_1904": epoch == 1904}) as book:
        sheet = book.add_worksheet("S")
        for column, code in enumerate(FORMATS.values()):
            for row, serial in enumerate((44280, 44280.604166666664, 44280.9999999, 36526)):
                sheet.write_number(row, column, serial - shift, book.add_format({"num_format": code}))
    grid = read(tmp_path / "t.xlsx")
    expected = ["2021-03-25", "2021-03-25T14:30:00", "2021-03-26", "2000-01-01"]
    assert grid.frame.to_dict(as_series=False) == dict.fromkeys("ABCD", expected)
    assert grid.kinds.to_dict(as_series=False) == dict.fromkeys("ABCD", [DATE] * 4)


def test_the_leap_day_that_1900_did_not_have(tmp_path: Path) -> None:
    xml = "".join(
        f'<row r="{n}"><c r="A{n}" s="1"><v>{serial}</v></c></row>' for n, serial in enumerate((1, 59, 61, 62), 1)
    )
    texts = cells(tmp_path, xml).frame["A"].to_list()
    assert texts == ["1900-01-01", "1900-02-28", "1900-03-01", "1900-03-02"]


def test_the_format_tells_a_date_from_a_number(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        sheet = book.add_worksheet("S")
        for column, code in enumerate(["General", "0.00", "[Red]#,##0", '0" days"', "d-mmm-yy", "m/d", "mmm yy"]):
            sheet.write_number(0, column, 44280, book.add_format({"num_format": code}))
    grid = read(tmp_path / "t.xlsx")
    assert grid.kinds.row(0) == (NUMBER,) * 4 + (DATE,) * 3
    assert set(grid.frame.row(0)) == {"44280", "2021-03-25"}


def test_times_and_durations_are_text(tmp_path: Path) -> None:
    xml = (
        '<row r="1"><c r="A1" s="1"><v>0.5</v></c><c r="B1" s="2"><v>1.5</v></c><c r="C1" s="2"><v>-0.25</v></c></row>'
    )
    grid = cells(tmp_path, xml)
    assert grid.frame.row(0) == ("12:00:00", "36:00:00", "-06:00:00")
    assert grid.kinds.row(0) == (TEXT,) * 3


def test_numbers_are_their_shortest_decimals(tmp_path: Path) -> None:
    numbers = ("1.0", "0.1", "1E5", "-7", "1E21", "1e-7", "123456789012", "0.30000000000000004")
    xml = "".join(f'<row r="{n}"><c r="A{n}"><v>{number}</v></c></row>' for n, number in enumerate(numbers, 1))
    texts = cells(tmp_path, xml).frame["A"].to_list()
    assert texts == ["1", "0.1", "100000", "-7", "1e21", "1e-7", "123456789012", "0.30000000000000004"]


@given(st.lists(st.floats(), min_size=1, max_size=5))
def test_a_number_comes_back_from_its_text(numbers: list[float]) -> None:
    texts, kinds = column_texts(numbers)
    assert texts.to_list() == [number_text(number) for number in numbers]
    assert [repr(float(text) + 0.0) for text in texts] == [repr(number + 0.0) for number in numbers]
    assert set(kinds) == {NUMBER}


def test_a_column_is_the_same_whether_its_cells_are_alike_or_not() -> None:
    alike = [
        "a",
        2.5,
        7.0,
        True,
        date(2021, 3, 25),
        datetime(2021, 3, 25, 14, 30),
        time(9, 5),
        timedelta(hours=30),
        None,
        "",
    ]
    mixed = column_texts(alike)
    for cell, text, kind in zip(alike, *mixed, strict=True):
        assert [series.to_list() for series in column_texts([cell, cell])] == [[text] * 2, [kind] * 2]
    expected = ["a", "2.5", "7", "TRUE", "2021-03-25", "2021-03-25T14:30:00", "09:05:00", "30:00:00", None, None]
    assert mixed[0].to_list() == expected
    assert mixed[1].to_list() == [TEXT, NUMBER, NUMBER, BOOLEAN, DATE, DATE, TEXT, TEXT, EMPTY, EMPTY]


def test_the_last_second_of_the_calendar_is_not_rounded_away() -> None:
    assert column_texts([datetime(9999, 12, 31, 23, 59, 59, 900_000)])[0].to_list() == ["9999-12-31T23:59:59"]


def test_missing_errors_and_booleans(tmp_path: Path) -> None:
    values = ("#N/A", "#REF!", "#DIV/0!", "#VALUE!")
    xml = "".join(f'<c r="{letters(n)}1" t="e"><f>x</f><v>{value}</v></c>' for n, value in enumerate(values, 1))
    xml += '<c r="E1" t="b"><v>1</v></c><c r="F1" t="s"><v>0</v></c><c r="G1" t="str"><f>y</f><v></v></c>'
    grid = cells(tmp_path, f'<row r="1">{xml}</row>', strings=["#N/A"])
    assert grid.frame.row(0) == (None, None, None, None, "TRUE", None, None)
    assert grid.kinds.row(0) == (EMPTY, ERROR, ERROR, ERROR, BOOLEAN, EMPTY, EMPTY)
    assert grid.findings == ()


def test_an_error_that_no_reader_knows_is_named_with_its_place(tmp_path: Path) -> None:
    error = fault(xlsx(tmp_path / "t.xlsx", '<row r="7"><c r="C7" t="e"><v>#SPILL!</v></c></row>'))
    assert (error.row, error.column) == (7, "C")


def test_furigana_and_rich_text(tmp_path: Path) -> None:
    text = "<si><r><t>移</t></r><r><t xml:space='preserve'>植 </t></r><rPh sb='0' eb='1'><t>イショク</t></rPh></si>"
    parts = workbook_parts({"S": sheet_xml('<row r="1"><c r="A1" t="s"><v>0</v></c></row>')})
    parts["xl/sharedStrings.xml"] = parts["xl/sharedStrings.xml"].replace("</sst>", f"{text}</sst>")
    assert read(write_parts(tmp_path / "t.xlsx", parts)).frame.item() == "移植 "


# --- where things stand -------------------------------------------------------------------------------------------


def test_a_table_that_begins_below_and_right(tmp_path: Path) -> None:
    grid = cells(tmp_path, '<row r="4"><c r="C4"><v>1</v></c></row><row r="6"><c r="D6"><v>2</v></c></row>')
    assert grid.first_row == 4
    assert grid.frame.rows() == [(None, None, "1", None), (None,) * 4, (None, None, None, "2")]
    assert grid.frame.columns == ["A", "B", "C", "D"]
    assert grid.kinds.dtypes == [pl.UInt8] * 4


def test_merged_cells_have_their_value_first(tmp_path: Path) -> None:
    xml = '<row r="2"><c r="B2"><v>1</v></c><c r="C2" s="1"/></row>'
    parts = workbook_parts(
        {"S": sheet_xml(xml, around='{}<mergeCells count="1"><mergeCell ref="B2:C3"/></mergeCells>')}
    )
    grid = read(write_parts(tmp_path / "t.xlsx", parts))
    assert grid.merged == (((2, 2), (3, 3)),)
    assert grid.frame.rows() == [(None, "1")]


def test_sheets_in_order_hidden_and_empty_ones_too(tmp_path: Path) -> None:
    one = sheet_xml('<row r="1"><c r="A1"><v>1</v></c></row>')
    parts = workbook_parts(
        {"患者": one, "Old": one, "Lists": one, "Empty": sheet_xml("")}, states={"Old": "hidden", "Lists": "veryHidden"}
    )
    grids = read_grids(write_parts(tmp_path / "t.xlsx", parts), name="t.xlsx")
    assert [grid.name for grid in grids] == [f"t.xlsx, sheet {name}" for name in ("患者", "Old", "Lists", "Empty")]
    assert [[found.code for found in grid.findings] for grid in grids] == [[], ["hidden-sheet"], ["hidden-sheet"], []]
    assert grids[3].frame.shape == (0, 0)


def test_hidden_rows_and_formulas_without_a_value_are_findings(tmp_path: Path) -> None:
    xml = (
        '<row r="2"><c r="A2"><v>1</v></c></row><row r="3" hidden="1"><c r="A3"><v>2</v></c></row>'
        '<row r="4"><c r="A4"><f>A2+1</f></c><c r="B4"><f>A2</f><v></v></c><c r="C4"><f>A2</f><v>1</v></c></row>'
        '<row r="5"><c r="B5" s="1"><f t="shared" si="0"/></c></row>'
    )
    hidden, first, second = cells(tmp_path, xml).findings
    assert (hidden.code, hidden.level, hidden.rows, hidden.table) == ("hidden-rows", "note", (3,), "t.xlsx, sheet S")
    assert (first.code, first.level, first.rows, first.column) == ("formula-without-value", "error", (4,), "A")
    assert (second.rows, second.column) == ((4, 5), "B")


def add_chart(book: xlsxwriter.Workbook) -> None:
    chart = book.add_chart({"type": "line"})
    chart.add_series({"values": "=S!$A$1"})
    book.add_chartsheet("C").set_chart(chart)


def test_a_chart_is_no_sheet(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "t.xlsx") as book:
        add_chart(book)
        book.add_worksheet("S").write(0, 0, 1)
    with CalamineWorkbook.from_path(tmp_path / "t.xlsx") as workbook:
        assert workbook.sheet_names == ["C", "S"]
    assert read(tmp_path / "t.xlsx").sheet == "S"
    empty = write_parts(tmp_path / "u.xlsx", workbook_parts({}))
    assert "has no sheet" in fault(empty).fault
