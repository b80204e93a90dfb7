"""What an Excel workbook says of its sheets: names, parts, which are hidden. Read by expat, from its small parts."""

from collections.abc import Callable
from dataclasses import dataclass
from posixpath import normpath
from typing import Final
from xml.parsers import expat

from dayzero.io.preflight import Archive, broken, whole

_LIMIT: Final = 20_000_000
BOOK: Final = "xl/workbook.xml"
LINKS: Final = "xl/_rels/workbook.xml.rels"
STRINGS: Final = "xl/sharedstrings.xml"


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook.

    Attributes
    ----------
    name
        Its name.
    part
        The member that holds it, in lower case.
    is_hidden
        Whether it is not shown.
    """

    name: str
    part: str
    is_hidden: bool


def sheets_of(archive: Archive) -> tuple[tuple[Sheet, ...], frozenset[str]]:
    """Return a workbook's sheets in their order, and every part that it names.

    Raises
    ------
    InputError
        Where the workbook has none, or is damaged.
    """
    if BOOK not in archive.parts:
        raise broken(archive.file)
    links: dict[str, str] = {}
    sheets: list[dict[str, str]] = []

    def link(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            links[attributes.get("Id", "")] = _resolved(attributes.get("Target", ""))

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            sheets.append({key.rpartition(":")[2]: value for key, value in attributes.items()})

    _walk(whole(archive, LINKS, limit=_LIMIT), link, archive.file)
    _walk(whole(archive, BOOK, limit=_LIMIT), sheet, archive.file)
    found = tuple(
        Sheet(sheet.get("name", ""), links.get(sheet.get("id", ""), ""), sheet.get("state", "visible") != "visible")
        for sheet in sheets
    )
    return found, frozenset(links.values()) & archive.parts.keys()


def _resolved(target: str) -> str:
    return (target.lstrip("/") if target.startswith("/") else normpath(f"xl/{target}")).lower()


def _walk(xml: bytes, start: Callable[[str, dict[str, str]], None], file: str) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    try:
        parser.Parse(xml, True)  # noqa: FBT003
    except expat.ExpatError:
        raise broken(file) from None
