"""Workbooks made by hand, so that a test can say every byte of them: .xlsx and .ods as XML in a zip archive."""

from collections.abc import Mapping, Sequence
from datetime import date
from html import escape
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from dayzero.io.grid import letters

Value = str | float | bool | date | None

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_LINKED = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
_LINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'
_OFFICE = "urn:oasis:names:tc:opendocument:xmlns"
STYLES = (
    f'{_HEAD}<styleSheet {_MAIN}><fonts count="1"><font/></fonts><fills count="1"><fill/></fills>'
    '<borders count="1"><border/></borders><cellXfs count="3"><xf numFmtId="0"/><xf numFmtId="14"/>'
    '<xf numFmtId="46"/></cellXfs></styleSheet>'
)
FIRST = "xl/worksheets/sheet1.xml"


def sheet_xml(cells: str, *, around: str = "{}") -> str:
    """Return a sheet with these rows of cells."""
    return f"{_HEAD}<worksheet {_MAIN}>{around.format(f'<sheetData>{cells}</sheetData>')}</worksheet>"


def workbook_parts(
    sheets: Mapping[str, str], *, strings: Sequence[str] = (), properties: str = "", states: Mapping[str, str] = {}
) -> dict[str, str]:
    """Return the parts of a workbook whose sheets have this XML."""
    shown = "".join(
        f'<sheet name="{escape(name)}" sheetId="{n}" r:id="rId{n}"{_state(states.get(name))}/>'
        for n, name in enumerate(sheets, 1)
    )
    links = "".join(
        f'<Relationship Id="rId{n}" Type="{_LINK}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    texts = "".join(f"<si><t>{escape(text)}</t></si>" for text in strings)
    package = "http://schemas.openxmlformats.org/package/2006"
    return {
        "[Content_Types].xml": f'{_HEAD}<Types xmlns="{package}/content-types"/>',
        "_rels/.rels": (
            f'{_HEAD}<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
            f'Type="{_LINK}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
        ),
        "xl/workbook.xml": f"{_HEAD}<workbook {_MAIN} {_LINKED}>{properties}<sheets>{shown}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'{_HEAD}<Relationships xmlns="{package}/relationships">{links}</Relationships>',
        "xl/styles.xml": STYLES,
        "xl/sharedStrings.xml": f"{_HEAD}<sst {_MAIN}>{texts}</sst>",
        **{f"xl/worksheets/sheet{n}.xml": xml for n, xml in enumerate(sheets.values(), 1)},
    }


def write_parts(path: Path, parts: Mapping[str, str | bytes]) -> Path:
    """Write an archive of parts."""
    with ZipFile(path, "w", ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return path


def xlsx(path: Path, cells: str, **more: object) -> Path:
    """Write a workbook of one sheet, S, with this XML of rows."""
    return write_parts(path, workbook_parts({"S": sheet_xml(cells)}, **more))  # type: ignore[arg-type]


def rows_xml(rows: Sequence[Sequence[Value]]) -> str:
    """Return the XML of rows of values."""
    return "".join(
        f'<row r="{n}">{"".join(_cell(f"{letters(c)}{n}", value) for c, value in enumerate(row, 1))}</row>'
        for n, row in enumerate(rows, 1)
    )


def ods(path: Path, sheets: Mapping[str, str], *, styles: str = "") -> Path:
    """Write an OpenDocument spreadsheet whose sheets have this XML of rows."""
    names = ("office", "table", "text", "style", "draw")
    declared = " ".join(f'xmlns:{name}="{_OFFICE}:{name}:1.0"' for name in names)
    tables = "".join(f'<table:table table:name="{name}">{rows}</table:table>' for name, rows in sheets.items())
    content = (
        f'{_HEAD}<office:document-content {declared} xmlns:calcext="urn:org:documentfoundation:names">'
        f"<office:automatic-styles>{styles}</office:automatic-styles><office:body><office:spreadsheet>{tables}"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = f'{_HEAD}<manifest:manifest xmlns:manifest="{_OFFICE}:manifest:1.0"/>'
    mimetype = "application/vnd.oasis.opendocument.spreadsheet"
    return write_parts(path, {"mimetype": mimetype, "content.xml": content, "META-INF/manifest.xml": manifest})


def ods_rows(rows: Sequence[Sequence[Value]]) -> str:
    """Return the OpenDocument XML of rows of values."""
    return "".join(f"<table:table-row>{''.join(map(_ods_cell, row))}</table:table-row>" for row in rows)


def _state(state: str | None) -> str:
    return f' state="{state}"' if state else ""


def _cell(place: str, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, date):
        return f'<c r="{place}" s="1"><v>{(value - date(1899, 12, 30)).days}</v></c>'
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{escape(value)}</t></is></c>'
    return f'<c r="{place}"><v>{value!r}</v></c>'


def _ods_cell(value: Value) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, bool):
        return _typed(f'boolean" office:boolean-value="{str(value).lower()}', str(value).upper())
    if isinstance(value, date):
        return _typed(f'date" office:date-value="{value}', f"{value:%d/%m/%y}")
    if isinstance(value, str):
        lines = "".join(f"<text:p>{escape(line)}</text:p>" for line in value.split("\n"))
        return f'<table:table-cell office:value-type="string">{lines}</table:table-cell>'
    return _typed(f'float" office:value="{value!r}', f"{value:.1f}")


def _typed(attributes: str, text: str) -> str:
    return f'<table:table-cell office:value-type="{attributes}"><text:p>{text}</text:p></table:table-cell>'
