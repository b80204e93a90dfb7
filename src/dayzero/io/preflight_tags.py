"""The tags of a sheet's cells, found in its XML as arrays: some millions a second."""

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Codes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_AHEAD: Final = 24  # more bytes than ``<c r="XFD1048576"`` has
_BEFORE: Final = np.isin(np.arange(256), list(b"<:"))
_AFTER: Final = np.isin(np.arange(256), list(b" \t\r\n/>"))


@dataclass(frozen=True)
class CellTags:
    """The tags that open a cell.

    Attributes
    ----------
    rows, columns
        (cells,) where each stands, from 1.
    is_used
        (cells,) whether it may hold anything; ``<c r="A1" s="2"/>`` does not.
    is_plain
        Whether every one is written ``<c r="A1"``: otherwise the arrays are not complete.
    """

    rows: Ints
    columns: Ints
    is_used: Flags
    is_plain: bool


def cell_tags(xml: bytes) -> CellTags:
    """Find the tags that open a cell.

    Parameters
    ----------
    xml
        XML that begins and ends outside a tag.

    Notes
    -----
    Whatever could be such a tag counts: a ``c`` behind ``<`` or, with a prefix, behind ``:``. Words like ``:c`` in a
    text make the sheet not plain, which costs time alone. A tag counts as empty only where it has neither an
    apostrophe nor an odd number of quotation marks before its first ``>``: otherwise that may stand within a value.

    Examples
    --------
    >>> tags = cell_tags(b'<row><c r="B3"><v>1</v></c><c r="AA3" s="1"/></row>')
    >>> tags.rows.tolist(), tags.columns.tolist(), tags.is_used.tolist(), tags.is_plain
    ([3, 3], [2, 27], [True, False], True)
    """
    codes = np.frombuffer(b" " + xml + bytes(_AHEAD), np.uint8)
    at = np.flatnonzero(codes == ord("c"))
    at = at[_BEFORE[codes[at - 1]] & _AFTER[codes[at + 1]]]
    good = np.ones(len(at), bool)
    for ahead, character in enumerate(b' r="', 1):
        good &= codes[at + ahead] == character
    place = at + 5
    columns, place = _digits(codes, place, base=26, zero=ord("A") - 1, most=3)
    rows, place = _digits(codes, place, base=10, zero=ord("0"), most=7)
    good &= (codes[place] == ord('"')) & (columns > 0) & (rows > 0)
    return CellTags(rows, columns, ~_is_empty(codes, at), bool(good.all()))


def _digits(codes: Codes, place: Ints, *, base: int, zero: int, most: int) -> tuple[Ints, Ints]:
    """Read numbers of at most so many digits; letters are digits from 1 to 26."""
    number, goes_on = np.zeros(len(place), np.int64), np.ones(len(place), bool)
    lowest = zero + (base == 26)
    for _ in range(most):
        code = codes[place].astype(np.int64)
        goes_on &= (code >= lowest) & (code - zero < base + (base == 26))
        number = np.where(goes_on, number * base + code - zero, number)
        place = place + goes_on
    return number, place


def _is_empty(codes: Codes, at: Ints) -> Flags:
    closes = np.flatnonzero(codes == ord(">"))
    end = np.append(closes, len(codes) - 1)[np.searchsorted(closes, at)]
    empty: Flags = codes[end - 1] == ord("/")
    some = np.flatnonzero(empty)
    if len(some):
        marks, apostrophes = np.flatnonzero(codes == ord('"')), np.flatnonzero(codes == ord("'"))
        empty[some] = (_between(marks, at[some], end[some]) % 2 == 0) & (
            _between(apostrophes, at[some], end[some]) == 0
        )
    return empty


def _between(marks: Ints, start: Ints, end: Ints) -> Ints:
    return (np.searchsorted(marks, end) - np.searchsorted(marks, start)).astype(np.int64)
