"""A sheet's XML looked through before it is read: whatever way its cells are written, none is overlooked."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dayzero.io.files import read_grids
from dayzero.io.grid import Grid, column_number, letters
from dayzero.io.preflight import open_archive, xml_pieces
from dayzero.io.preflight_cells import walk
from dayzero.io.preflight_sheet import SheetFacts, scan
from dayzero.io.preflight_tags import cell_tags
from workbooks import FIRST, sheet_xml, workbook_parts, write_parts, xlsx


def read(path: Path) -> Grid:
    (grid,) = read_grids(path, name=path.name)
    return grid


PLAIN = (
    '<row r="1"><c r="A1"><v>1</v></c><c r="B1" t="e"><v>#REF!</v></c></row>'
    '<row r="3" hidden="1"><c r="A3"><f>x</f></c></row>'
)


def prefixed(xml: str) -> str:
    return re.sub(r"<(/?)(?!\?)", r"<\1x:", xml).replace("xmlns=", "xmlns:x=")


UNUSUAL = {
    "a prefix": prefixed(sheet_xml(PLAIN)),
    "other order": sheet_xml(PLAIN).replace('<c r="B1" t="e">', '<c t="e" r="B1">'),
    "no places": sheet_xml(PLAIN.replace(' r="A1"', "").replace(' r="B1"', "")),
    "single quotes": sheet_xml(PLAIN).replace('"', "'"),
    "line breaks": sheet_xml(PLAIN).replace('<c r="A1"', '<c\n  r="A1"'),
}


@pytest.mark.parametrize("case", UNUSUAL)
def test_a_sheet_written_otherwise_reads_the_same(tmp_path: Path, case: str) -> None:
    usual = read(xlsx(tmp_path / "t.xlsx", PLAIN))
    grid = read(write_parts(tmp_path / "u.xlsx", workbook_parts({"S": UNUSUAL[case]})))
    assert grid.frame.equals(usual.frame)
    assert grid.kinds.equals(usual.kinds)
    found = [(finding.code, finding.rows, finding.column) for finding in grid.findings]
    assert found == [("hidden-rows", (3,), ""), ("formula-without-value", (3,), "A")]


def both(folder: Path, xml: str) -> tuple[SheetFacts, SheetFacts]:
    archive = open_archive(xlsx(folder / "t.xlsx", xml), file="t.xlsx")
    part = archive.parts[FIRST]
    return scan(xml_pieces(archive, part)), walk(xml_pieces(archive, part))


PLACES = st.tuples(st.integers(1, 99), st.integers(1, 800))
CONTENTS = st.sampled_from(
    [
        "><v>1</v></c>",
        ' s="1"/>',
        ' t="e"><v>#REF!</v></c>',
        ' t="e"><f>x</f><v>#N/A</v></c>',
        "><f>x</f></c>",
        ' t="str"><f>x</f><v></v></c>',
    ]
)


@given(st.dictionaries(PLACES, CONTENTS, max_size=12))
def test_the_fast_look_and_the_parser_agree(
    tmp_path_factory: pytest.TempPathFactory, found: dict[tuple[int, int], str]
) -> None:
    rows = [
        f'<row r="{row}"><c r="{letters(column)}{row}"{content}</row>'
        for (row, column), content in sorted(found.items())
    ]
    fast, slow = both(tmp_path_factory.getbasetemp(), "".join(rows))
    assert fast.is_plain
    for name in ("cells", "first_row", "last_row", "last_column"):
        assert getattr(fast, name) == getattr(slow, name)
    for name in ("errors", "uncalculated"):
        for axis in ("rows", "columns"):
            assert getattr(getattr(fast, name), axis).tolist() == getattr(getattr(slow, name), axis).tolist()


@pytest.mark.parametrize(
    "tag",
    [
        b"<c>",
        b"<c/>",
        b'<c t="s" r="A1">',
        b"<x:c r='A1'>",
        b'<c\tr="A1">',
        b'<c r="AAAA1">',
        b'<c r="a1">',
        b'<c r="A12345678">',
    ],
)
def test_a_tag_written_otherwise_is_not_overlooked(tag: bytes) -> None:
    assert not cell_tags(b'<row><c r="A1"></c>' + tag + b"</c></row>").is_plain


@pytest.mark.parametrize(
    "tag", [b'<c r="A1" x="/>" >', b'<c r="A1" x=\'""/>\'>', b'<c r="A1" s="1">', b'<c r="A1" x=">"/>']
)
def test_a_tag_that_may_hold_something_is_never_empty(tag: bytes) -> None:
    assert cell_tags(tag + b"<v>1</v></c>").is_used.tolist() == [True]


@given(st.integers(1, 16_384))
def test_letters_count(column: int) -> None:
    assert column_number(letters(column)) == column


def test_a_workbook_elsewhere_in_its_archive(tmp_path: Path) -> None:
    parts = workbook_parts({"S": sheet_xml('<row r="1"><c r="A1" t="s"><v>0</v></c></row>')}, strings=["a"])
    moved = {
        name.replace("xl/", "book/", 1): content.replace('Target="xl/', 'Target="/book/')
        for name, content in parts.items()
    }
    assert read(write_parts(tmp_path / "t.xlsx", moved)).frame.item() == "a"


def test_rows_longer_than_a_piece_are_cut_before_a_tag() -> None:
    cells = b"".join(b'<c r="A%d"><v>1</v></c>' % n for n in range(1, 300_001))
    xml = b"<sheetData><row>" + cells + b"</row></sheetData>"
    facts = scan(xml[start : start + 1_000_000] for start in range(0, len(xml), 1_000_000))
    assert facts.is_plain
    assert (facts.cells, facts.first_row, facts.last_row, facts.last_column) == (300_000, 1, 300_000, 1)


def test_what_is_found_does_not_depend_on_the_pieces() -> None:
    cells = '<c r="A{0}" t="e"><v>#REF!</v></c><c r="B{0}"><f>x</f></c>'
    rows = (f'<row r="{n}" hidden="1">{cells.format(n)}</row>' for n in range(1, 200))
    xml = sheet_xml("".join(rows), around='{}<mergeCells><mergeCell ref="A1:B2"/></mergeCells>').encode()
    whole, cut = scan([xml]), scan(xml[start : start + 37] for start in range(0, len(xml), 37))
    for facts in (whole, cut):
        assert facts.errors.rows.tolist() == facts.uncalculated.rows.tolist() == list(range(1, 200))
        assert facts.hidden_rows.tolist() == list(range(1, 200))
        assert facts.merged == [((1, 1), (2, 2))]


def test_merged_cells_of_a_sheet_written_otherwise() -> None:
    xml = sheet_xml(
        "<row><c><v>1</v></c></row>", around='{}<mergeCells><mergeCell ref="A1:B2"/><mergeCell ref="A5"/></mergeCells>'
    )
    assert walk([xml.encode()]).merged == [((1, 1), (2, 2))]
