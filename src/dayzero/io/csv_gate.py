"""The gate above the parser: a text table is read once in pieces, and refused where a parser would guess.

A piece becomes a block of whole rows, and the places of its separators and line ends outside quotation marks become
one array; the checks compare arrays, never values one by one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from dayzero.errors import InputError
from dayzero.io.csv_header import MAX_FIELD, Form
from dayzero.settings import shown

Places = npt.NDArray[np.int64]

MAX_ROW: Final = 8_000_000  # bytes
_QUOTE, _CR, _LF = ord('"'), ord("\r"), ord("\n")


@dataclass(frozen=True)
class Block:
    """Whole rows of a table.

    Attributes
    ----------
    form
        How the table is written.
    row
        Number of the first row in the file.
    data, codes
        The bytes, and the same as an array; the last one is a line end.
    marks
        Places of the separators and line ends outside quotation marks.
    ends
        Which of ``marks`` are line ends: one a row.
    """

    form: Form
    row: int
    data: bytes
    codes: npt.NDArray[np.uint8]
    marks: Places
    ends: Places

    def row_at(self, place: int) -> int:
        """Return the number of the row to which a byte belongs."""
        return self.row + int(np.searchsorted(self.marks[self.ends], place))


def pass_gate(pieces: Iterable[bytes], form: Form) -> tuple[int, bool]:
    """Check every row.

    Parameters
    ----------
    pieces
        The text, header included, in pieces of any size.
    form
        How it is written.

    Returns
    -------
    tuple of int and bool
        The number of rows, the header and blank ones included; and whether there is a quotation mark.

    Raises
    ------
    InputError
        At the first block with a fault.
    """
    row, quoted, rest = 1, False, b""
    for piece in _ended(pieces, form.line_end.encode()):
        data = rest + piece
        block = _block(data, form, row)
        for check in (_check_quotes, _check_text, _check_line_ends, _check_widths, _check_fields):
            check(block)
        rest = data[len(block.data) :]
        row += len(block.ends)
        quoted |= b'"' in block.data
        if len(rest) > MAX_ROW:
            break
    if rest:
        raise _endless(rest, form, row)
    return row - 1, quoted


def _ended(pieces: Iterable[bytes], line_end: bytes) -> Iterator[bytes]:
    last = b""
    for last in pieces:
        yield last
    if not last.endswith(line_end):
        yield line_end


def _block(data: bytes, form: Form, row: int) -> Block:
    codes = np.frombuffer(data, np.uint8)
    line_end = ord(form.line_end)
    is_mark = (codes == ord(form.separator)) | (codes == line_end)
    if b'"' in data:
        inside = np.bitwise_xor.accumulate((codes == _QUOTE).view(np.uint8))
        is_mark &= inside == 0
    marks = np.flatnonzero(is_mark)
    ends = np.flatnonzero(codes[marks] == line_end)
    used = int(marks[ends[-1]]) + 1 if len(ends) else 0
    marks = marks[: ends[-1] + 1] if len(ends) else marks[:0]
    return Block(form, row, data[:used], codes[:used], marks, ends)


def _fault(block: Block, place: int, fault: str, mend: str) -> InputError:
    return InputError(fault, mend=mend, file=block.form.file, row=block.row_at(place))


def _endless(rest: bytes, form: Form, row: int) -> InputError:
    if b'"' in rest:
        return InputError(
            "a quotation mark that is never closed",
            mend="Close it; or double it, and quote its field.",
            file=form.file,
            row=row,
        )
    return InputError("the row is longer than 8 MB", mend="Check that this is a text table.", file=form.file, row=row)


def _check_quotes(block: Block) -> None:
    """Refuse a quotation mark that neither encloses a field nor is doubled inside one."""
    if b'"' not in block.data:
        return
    quotes = np.flatnonzero(block.codes == _QUOTE)
    opening, closing = quotes[::2], quotes[1::2]
    fits = np.zeros(256, bool)
    fits[[_QUOTE, ord(block.form.separator), ord(block.form.line_end)]] = True
    wrong = [opening[~fits[block.codes[opening - 1]]]]  # before the first byte stands the last, which is a line end
    fits[_CR] = True
    wrong.append(closing[~fits[block.codes[closing + 1]]])
    places = np.concatenate(wrong)
    if len(places):
        mend = 'Put the whole field in quotation marks, and double those within: "5"" long".'
        raise _fault(block, int(places.min()), "a quotation mark in the middle of a field", mend)


def _check_text(block: Block) -> None:
    """Refuse NUL bytes and what is not UTF-8."""
    place = block.data.find(b"\0")
    if place >= 0:
        raise _fault(block, place, "a NUL byte: this is not UTF-8 text", "Save the file as CSV (UTF-8).")
    if not block.data.isascii():
        try:
            block.data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise _fault(block, error.start, "not UTF-8 text", "Save the file as CSV (UTF-8).") from None


def _check_line_ends(block: Block) -> None:
    """Refuse, outside quotation marks, a CR without LF, and any LF where lines end with CR."""
    lines_end_with_cr = block.form.line_end == "\r"
    other = b"\n" if lines_end_with_cr else b"\r"
    if other not in block.data:
        return
    places = np.flatnonzero(block.codes == other[0])
    if not lines_end_with_cr:
        places = places[block.codes[places + 1] != _LF]
    quotes = np.flatnonzero(block.codes == _QUOTE)
    places = places[np.searchsorted(quotes, places) % 2 == 0]
    if len(places):
        mend = "Save the file anew, with one kind of line ends."
        raise _fault(block, int(places[0]), "a carriage return or line feed in the middle of a row", mend)


def _check_widths(block: Block) -> None:
    """Refuse rows with fewer or more fields than the header, unless they are blank."""
    expected = len(block.form.names)
    widths = np.diff(block.ends, prepend=-1)
    if bool(np.all(widths == expected)):
        return
    stops = block.marks[block.ends]
    starts = np.concatenate(([0], stops[:-1] + 1))
    blank = (stops == starts) | ((stops == starts + 1) & (block.codes[starts] == _CR))
    wrong = np.flatnonzero((widths != expected) & ~blank)
    if len(wrong):
        count = int(widths[wrong[0]])
        fault = f"{count} field{'' if count == 1 else 's'} where the header has {expected}"
        mend = "Add or delete separators; put a field that holds one in quotation marks."
        raise _fault(block, int(stops[wrong[0]]), fault, mend)


def _check_fields(block: Block) -> None:
    """Refuse a field above 1 MB."""
    if int(np.diff(block.marks[block.ends], prepend=-1).max(initial=0)) <= MAX_FIELD:
        return
    sizes = np.diff(block.marks, prepend=-1) - 1
    worst = int(np.argmax(sizes))
    if sizes[worst] > MAX_FIELD:
        earlier = block.ends[block.ends < worst]
        column = worst - (int(earlier[-1]) + 1 if len(earlier) else 0)
        raise InputError(
            "a field larger than 1 MB",
            mend="Shorten it, or look for a quotation mark that is not closed.",
            file=block.form.file,
            row=block.row_at(int(block.marks[worst])),
            column=shown(block.form.names[column]),
        )
