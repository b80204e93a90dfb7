"""Write ``cohort.xlsx``: sixty made-up patients as a hospital would keep them, faults and all.

Run ``python make_workbook.py`` in this folder; the workbook is the same each time. ``cohort.py`` holds the truth,
``faults.py`` what was done to it, ``typed.py`` the sheets that came of it.
"""

import sys
from datetime import date, datetime
from pathlib import Path

import xlsxwriter
from cohort import cohort
from faults import FAULTS, Fault, Typed
from typed import Sheet, places, sheets
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

HERE = Path(__file__).parent


def write_workbook(path: Path, faults: tuple[Fault, ...] = FAULTS) -> None:
    """Write the workbook with the faults given; without any it is as it should have been typed."""
    with xlsxwriter.Workbook(path) as book:
        book.set_properties({"title": "Made-up patients", "created": datetime(2024, 7, 1, 9, 0)})
        for sheet in sheets(cohort(), faults):
            _write_sheet(book, book.add_worksheet(sheet.name), sheet)


def _write_sheet(book: xlsxwriter.Workbook, page: Worksheet, sheet: Sheet) -> None:
    head = book.add_format({"bold": True, "bg_color": "#DCE6F1", "border": 1, "text_wrap": True, "align": "center"})
    day = book.add_format({"num_format": "yyyy/mm/dd"})
    if sheet.title:
        page.merge_range(0, 0, 0, len(sheet.columns) - 1, sheet.title, book.add_format({"bold": True, "size": 14}))
    _write_header(page, sheet, head)
    top = sheet.first_row - 1
    for i, row in enumerate(sheet.rows):
        for column, key in enumerate(sheet.columns):
            _write_cell(page, (top + i, column), None if row is None else row[key], day)
    if sheet.name == "MRD":
        _merge_identifier(page, sheet)
    if sheet.totals:
        _write_totals(page, sheet, top + len(sheet.rows) + 1, head)
    page.freeze_panes(top, 2)
    page.set_column(0, len(sheet.columns) - 1, 13)


def _write_header(page: Worksheet, sheet: Sheet, head: Format) -> None:
    top, names = sheet.header_row - 1, list(sheet.columns.values())
    if len(names[0]) == 1:
        page.write_row(top, 0, [name[0] for name in names], head)
        return
    first = 0
    for i, (group, name) in enumerate(names):
        if not name:
            page.merge_range(top, i, top + 1, i, group, head)
        else:
            page.write_string(top + 1, i, name, head)
        if i + 1 < len(names) and names[i + 1][0] == group:
            continue
        if first < i:
            page.merge_range(top, first, top, i, group, head)
        elif name:
            page.write_string(top, i, group, head)
        first = i + 1


def _write_cell(page: Worksheet, at: tuple[int, int], typed: Typed, day: Format) -> None:
    row, column = at
    if isinstance(typed, date):
        page.write_datetime(row, column, datetime(typed.year, typed.month, typed.day), day)
    elif typed in ("#N/A", "#REF!"):
        page.write_formula(row, column, "=NA()" if typed == "#N/A" else "=#REF!", None, typed)
    elif isinstance(typed, str):
        page.write_string(row, column, typed)
    elif typed is not None:
        page.write_number(row, column, typed)


def _merge_identifier(page: Worksheet, sheet: Sheet) -> None:
    """Merge an identifier's cell with the empty ones below it."""
    empty = [i for i, row in enumerate(sheet.rows, sheet.first_row - 1) if row and row["patient"] is None]
    first = sheet.rows[empty[0] - sheet.first_row]
    page.merge_range(empty[0] - 1, 0, empty[-1], 0, first and first["patient"])


def _write_totals(page: Worksheet, sheet: Sheet, row: int, head: Format) -> None:
    page.write_string(row, 0, "合計", head)
    typed = [line for line in sheet.rows if line]
    for key in ("infusion", "hsct", "relapse", "death"):
        letter = sheet.letter(key)
        count = sum(line[key] is not None for line in typed)
        cells = f"{letter}{sheet.first_row}:{letter}{sheet.first_row + len(sheet.rows) - 1}"
        page.write_formula(row, list(sheet.columns).index(key), f"=COUNTA({cells})", head, count)


if __name__ == "__main__":
    write_workbook(HERE / "cohort.xlsx")
    sys.stdout.write("".join(f"{name}: {place}\n" for name, place in places(sheets(cohort())).items()))
