"""How much text the cells of an Excel workbook hold together, each text counted as often as it is used.

Cells name their texts by number. A workbook of a few kilobytes may so repeat a long text a million times.
"""

import re
from array import array
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from dayzero.errors import InputError
from dayzero.io.preflight import Archive, broken, xml_pieces

Ints = npt.NDArray[np.int64]

MAX_TEXT: Final = 600_000_000
MAX_ONE_TEXT: Final = 4_000_000
MAX_ABSENT: Final = 1_000_000
"""Texts that are announced but not there: a reader takes memory for them beforehand."""

_TEXT_END: Final = re.compile(rb"</(?:[A-Za-z_][\w.-]{0,40}:)?si\s{0,20}>")
_ANNOUNCED: Final = re.compile(rb"""uniqueCount\s{0,20}=\s{0,20}["']\s{0,20}\+?([0-9]{1,30})""")
_TEXT_CELL: Final = re.compile(rb"""\bt\s{0,20}=\s{0,20}["']s["']""")
_INDEX: Final = re.compile(rb't="s"[^>]{0,300}>\s{0,20}<(?:[A-Za-z_][\w.-]{0,40}:)?v>([0-9]{1,9})<')


def check_texts(archive: Archive, texts: str, sheets: Iterable[str], *, cells: int) -> None:
    """Refuse a workbook whose cells together hold more than 600 MB of text.

    Parameters
    ----------
    archive
        The workbook.
    texts
        The part that holds the texts, if it is there.
    sheets
        The parts that are sheets.
    cells
        How many cells they have.

    Raises
    ------
    InputError
        Where there is more, or one text above 4 MB, or far more texts are announced than there are.
    """
    if texts not in archive.parts:
        return
    sizes = _sizes(xml_pieces(archive, archive.parts[texts]), archive.file)
    if int(sizes.max()) * cells <= MAX_TEXT:
        return
    if sum(_used(xml_pieces(archive, archive.parts[sheet]), sizes) for sheet in sheets) > MAX_TEXT:
        mend = "Shorten the long texts, or delete sheets that are not needed."
        raise InputError("more than 600 MB of text in the cells", mend=mend, file=archive.file)


def _sizes(pieces: Iterable[bytes], file: str) -> Ints:
    lengths, rest, announced = array("q"), b"", 0
    for piece in pieces:
        data = rest + piece
        if b"uniqueCount" in data:
            announced = max(announced, *map(int, _ANNOUNCED.findall(data)), 0)
        *texts, rest = _TEXT_END.split(data)
        lengths.extend(map(len, texts))
        if len(rest) > MAX_ONE_TEXT:
            raise InputError("a text above 4 MB", mend="Shorten it, and save.", file=file)
    lengths.append(len(rest))
    if announced > len(lengths) + MAX_ABSENT:
        raise broken(file)
    return np.array(lengths, np.int64)


def _used(pieces: Iterable[bytes], sizes: Ints) -> int:
    """Return the bytes of text that a sheet's cells name; a cell whose number is not seen counts as the longest."""
    total, rest = 0, b""
    for piece in pieces:
        data = rest + piece
        cut = data.rfind(b"<", 0, max(0, data.rfind(b"c r=")))
        cut = len(data) if cut < 0 and len(data) > MAX_ONE_TEXT else max(0, cut)
        total += _bytes_of(data[:cut], sizes)
        rest = data[cut:]
    return total + _bytes_of(rest, sizes)


def _bytes_of(cells: bytes, sizes: Ints) -> int:
    numbers = np.array(_INDEX.findall(cells), "S9").astype(np.int64)
    known = numbers[numbers < len(sizes)]
    others = len(_TEXT_CELL.findall(cells)) - len(known)
    return int(sizes[known].sum()) + int(sizes.max()) * others
