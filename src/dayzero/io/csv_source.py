"""The bytes of a text table: is it text at all, in which encoding, and in pieces of a few megabytes."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from dayzero.errors import InputError
from dayzero.settings import file_size, open_fault

PIECE: Final = 4 << 20
MAX_UTF16: Final = 100_000_000  # bytes: it is decoded in memory, and Excel, which writes it, stops at a million rows

_BOM: Final = b"\xef\xbb\xbf"
_UTF16_BOMS: Final = (b"\xff\xfe", b"\xfe\xff")
_AS_CSV: Final = "Save it as CSV (UTF-8)."
# How a file begins that is no text table, and what it is.
_SIGNATURES: Final = (
    (b"PK\x03\x04", "an Excel workbook or a zip archive"),
    (b"PK\x05\x06", "an empty zip archive"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old Excel workbook (.xls)"),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"%PDF-", "a PDF document"),
    (b"{\\rtf", "a rich text document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"PAR1", "a Parquet table"),
    (b"ARROW1", "an Arrow table"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"$FL2", "an SPSS data set"),
    (b"$FL3", "an SPSS data set"),
    (b"<stata_dta>", "a Stata data set"),
    (b"RDX2", "an R data file"),
    (b"RDX3", "an R data file"),
    (b"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\xc2\xea\x81\x60", "a SAS data set"),
)
_MARKUP: Final = (b"<!doctype", b"<html", b"<?xml", b"<table")


def text_source(path: Path, *, file: str) -> Path | bytes:
    """Return the file itself where it is UTF-8, or its text as UTF-8 where it is UTF-16.

    Raises
    ------
    InputError
        Where it cannot be opened, is a known binary format, or is broken or very large UTF-16.
    """
    if not refuse_binary(path, file=file).startswith(_UTF16_BOMS):
        return path
    if file_size(path, file=file) > MAX_UTF16:
        raise InputError("UTF-16 text above 100 MB", mend="Save the file as UTF-8.", file=file)
    try:
        return path.read_bytes().decode("utf-16").encode("utf-8")
    except UnicodeError:
        raise InputError("broken UTF-16 text", mend="Save the file as UTF-8.", file=file) from None


def refuse_binary(path: Path, *, file: str) -> bytes:
    """Return the first 64 bytes of a file, unless they are those of a known binary format, or of a web page.

    Raises
    ------
    InputError
        Where they are, or where the file cannot be opened.
    """
    file_size(path, file=file)
    try:
        with path.open("rb") as stream:
            start = stream.read(64)
    except OSError as error:
        raise open_fault(error, file=file) from None
    for signature, what in _SIGNATURES:
        if start.startswith(signature):
            raise InputError(f"this is {what}, not a text table", mend=_AS_CSV, file=file)
    if start.removeprefix(_BOM).lstrip().lower().startswith(_MARKUP):
        raise InputError("this is a web page or XML, not a text table", mend=_AS_CSV, file=file)
    return start


def pieces(source: Path | bytes) -> Iterator[bytes]:
    """Iterate over the text in pieces of 4 MB, without its byte order mark."""
    with _opened(source) as stream:
        first = stream.read(PIECE)
        yield first.removeprefix(_BOM)
        while piece := stream.read(PIECE):
            yield piece


def _opened(source: Path | bytes) -> BinaryIO:
    return BytesIO(source) if isinstance(source, bytes) else source.open("rb")
