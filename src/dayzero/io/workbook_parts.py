"""What an Excel workbook says of its parts: the sheets with their names, which are hidden, and where the texts are."""

from collections.abc import Callable
from dataclasses import dataclass
from posixpath import dirname, normpath
from typing import Final
from xml.parsers import expat

from dayzero.io.preflight import Archive, broken, whole

_LIMIT: Final = 20_000_000
_ROOT: Final = "_rels/.rels"
_TYPES: Final = "[content_types].xml"


@dataclass(frozen=True)
class Sheet:
    """A sheet of a workbook.

    Attributes
    ----------
    name
        Its name.
    part
        The part that holds it, in lower case.
    is_hidden
        Whether it is not shown.
    """

    name: str
    part: str
    is_hidden: bool


@dataclass(frozen=True)
class Book:
    """A workbook's parts, their names in lower case.

    Attributes
    ----------
    sheets
        Its sheets in their order, charts included.
    texts
        The part with the texts of the cells, whether it is there or not.
    parts
        All parts that a reader of cells needs.
    """

    sheets: tuple[Sheet, ...]
    texts: str
    parts: tuple[str, ...]


def read_book(archive: Archive) -> Book:
    """Read what a workbook says of its parts.

    Raises
    ------
    InputError
        Where it has none, or is damaged.
    """
    roots: list[str] = []
    links: dict[str, str] = {}
    sheets: list[dict[str, str]] = []

    def root(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("Type", "").endswith("/officeDocument"):
            roots.append(_resolved("", attributes.get("Target", "")))

    def link(name: str, attributes: dict[str, str]) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            links[attributes.get("Id", "")] = _resolved(base, attributes.get("Target", ""))

    def sheet(name: str, attributes: dict[str, str]) -> None:
        if name == "sheet":
            sheets.append({key.rpartition(":")[2]: value for key, value in attributes.items()})

    _walk(archive, _ROOT, root)
    if len(roots) != 1 or roots[0] not in archive.parts:
        raise broken(archive.file)
    book = roots[0]
    base = dirname(book)
    linked = normpath(f"{base}/_rels/{book.removeprefix(base).lstrip('/')}.rels")
    _walk(archive, linked, link)
    _walk(archive, book, sheet)
    found = tuple(
        Sheet(sheet.get("name", ""), links.get(sheet.get("id", ""), ""), sheet.get("state", "visible") != "visible")
        for sheet in sheets
    )
    texts = _resolved(base, "sharedStrings.xml")
    needed = (_TYPES, _ROOT, book, linked, _resolved(base, "styles.xml"), texts, *(sheet.part for sheet in found))
    return Book(found, texts, tuple(part for part in dict.fromkeys(needed) if part in archive.parts))


def _resolved(base: str, target: str) -> str:
    return normpath(target.lstrip("/") if target.startswith("/") else f"{base}/{target}".lstrip("/")).lower()


def _walk(archive: Archive, part: str, start: Callable[[str, dict[str, str]], None]) -> None:
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: start(name.rpartition(":")[2], attributes)
    try:
        parser.Parse(whole(archive, part, limit=_LIMIT), True)
    except expat.ExpatError:
        raise broken(archive.file) from None
