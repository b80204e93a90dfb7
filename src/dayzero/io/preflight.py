"""What a zip archive of XML must be before anything reads it: a workbook is looked through in pieces, never unpacked.

A workbook of a few kilobytes may unpack to gigabytes, or hold one far cell for which a reader asks the memory of all
cells between. So every member is inflated here once, by a few megabytes, and its true size, its encoding and the
absence of a document type (whose entities may multiply) are established first.
"""

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from dayzero.errors import InputError
from dayzero.settings import file_size, open_fault

MAX_FILE: Final = 200_000_000
MAX_MEMBERS: Final = 10_000
MAX_PART: Final = 300_000_000
"""Bytes of a member when inflated: a full sheet, a million rows, has some 25 to 40 bytes a cell."""
MAX_WHOLE: Final = 600_000_000
MAX_RATIO: Final = 250
"""Times that a member above a megabyte may grow; sheets grow 5 to 40 times, zeros 1,000 times."""
PIECE: Final = 1 << 20

_OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED: Final = "EncryptedPackage".encode("utf-16-le")
_END: Final = struct.Struct("<4s4H2LH")  # end of central directory
_LOCAL: Final = struct.Struct("<4s5H3L2H")
_DOCTYPE: Final = re.compile(rb"<!(?:DOCTYPE|ENTITY)")
_DECLARED: Final = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([^"']*)""")
_AGAIN: Final = "Save it anew with the spreadsheet program."


@dataclass(frozen=True)
class Part:
    """A member of the archive.

    Attributes
    ----------
    name
        Its name.
    begin
        Where its packed bytes begin in the file.
    packed, size
        Bytes packed and inflated.
    checksum
        CRC-32 of the inflated bytes.
    deflated
        Whether it is packed at all.
    """

    name: str
    begin: int
    packed: int
    size: int
    checksum: int
    deflated: bool


@dataclass(frozen=True)
class Archive:
    """A workbook that is a sound zip archive.

    Attributes
    ----------
    path
        The file.
    file
        Its name in messages.
    parts
        Its members, by names in lower case (readers do not tell the case of names).
    """

    path: Path
    file: str
    parts: dict[str, Part]


def open_archive(path: Path, *, file: str) -> Archive:
    """Look through the archive's directory.

    Parameters
    ----------
    path
        The file.
    file
        Its name in messages.

    Raises
    ------
    InputError
        Where it cannot be opened, is no zip archive (encrypted and old workbooks are named), is broken, has members of
        one name, encrypted ones or ones packed in an unusual way, or would inflate beyond the limits.
    """
    size = file_size(path, file=file)
    if size > MAX_FILE:
        raise InputError(
            "larger than 200 MB", mend="Save the sheets that are needed in a file of their own.", file=file
        )
    try:
        with path.open("rb") as stream:
            _check_ends(stream, size, file)
            parts = _parts(stream, file)
    except OSError as error:
        raise open_fault(error, file=file) from None
    return Archive(path, file, parts)


def xml_pieces(archive: Archive, part: Part) -> Iterator[bytes]:
    """Iterate over a member's XML by about a megabyte.

    Raises
    ------
    InputError
        Where it does not inflate to the size and checksum of the directory, is not UTF-8, or has a document type.
    """
    last = b""
    for position, piece in enumerate(inflated(archive, part)):
        if position == 0:
            _check_start(piece, archive.file)
        if b"\0" in piece:
            raise broken(archive.file)
        if _DOCTYPE.search(last[-9:] + piece):
            raise InputError("a document type or entities in the workbook", mend=_AGAIN, file=archive.file)
        yield piece
        last = piece


def inflated(archive: Archive, part: Part) -> Iterator[bytes]:
    """Iterate over a member's bytes by about a megabyte.

    Raises
    ------
    InputError
        Where it does not inflate to the size and checksum of the directory.
    """
    size = checksum = 0
    try:
        with archive.path.open("rb") as stream:
            stream.seek(part.begin)
            for piece in _unpacked(stream, part):
                size, checksum = size + len(piece), zlib.crc32(piece, checksum)
                if size > part.size:
                    break
                yield piece
    except (OSError, zlib.error):
        raise broken(archive.file) from None
    if (size, checksum) != (part.size, part.checksum):
        raise broken(archive.file)


def _unpacked(stream: BinaryIO, part: Part) -> Iterator[bytes]:
    left = part.packed
    unpack = zlib.decompressobj(-15)
    while left and (packed := stream.read(min(left, PIECE))):
        left -= len(packed)
        if not part.deflated:
            yield packed
            continue
        while packed:
            yield unpack.decompress(packed, PIECE)
            packed = unpack.unconsumed_tail
    yield unpack.flush()


def whole(archive: Archive, name: str, *, limit: int) -> bytes:
    """Return a small XML member; empty where there is none.

    Raises
    ------
    InputError
        Where it is larger than the limit, or no sound XML.
    """
    part = archive.parts.get(name.lower())
    if part is None:
        return b""
    if part.size > limit:
        raise InputError(f"'{Path(name).name}' in the workbook is too large", mend=_AGAIN, file=archive.file)
    return b"".join(xml_pieces(archive, part))


def broken(file: str, *, what: str = "the workbook") -> InputError:
    """Return the line to print where a workbook, or a part of it, is damaged."""
    return InputError(f"{what} is damaged", mend=_AGAIN, file=file)


def _check_ends(stream: BinaryIO, size: int, file: str) -> None:
    start = stream.read(8)
    if start == _OLE:
        _refuse_ole(stream, file)
    if not start.startswith(b"PK"):
        fault = "the file is empty" if not size else "not a workbook, whatever its name says"
        raise InputError(fault, mend="Save it as .xlsx, or as .csv (UTF-8).", file=file)
    if size < _END.size:
        raise broken(file)
    stream.seek(size - _END.size)
    mark, _, _, _, members, length, _, comment = _END.unpack(stream.read(_END.size))
    if mark != b"PK\5\6" or comment:
        raise broken(file)
    if members > MAX_MEMBERS or length > MAX_MEMBERS * 400:
        raise InputError(f"more than {MAX_MEMBERS:,} members in the workbook", mend=_AGAIN, file=file)


def _refuse_ole(stream: BinaryIO, file: str) -> None:
    last = b""
    while piece := stream.read(PIECE):
        if _ENCRYPTED in last[-len(_ENCRYPTED) :] + piece:
            mend = "Open it, remove the password (File, Info, Protect Workbook), and save it."
            raise InputError("the workbook is protected by a password", mend=mend, file=file)
        last = piece
    raise InputError("an old workbook (.xls)", mend="Save it as .xlsx.", file=file)


def _parts(stream: BinaryIO, file: str) -> dict[str, Part]:
    try:
        with ZipFile(stream) as archive:
            members = [member for member in archive.infolist() if not member.is_dir()]
    except (BadZipFile, NotImplementedError, ValueError, EOFError, struct.error, RuntimeError):
        raise broken(file) from None
    if sum(member.file_size for member in members) > MAX_WHOLE:
        raise _too_large("600 MB", file)
    parts = {member.filename.lower(): _part(stream, member, file) for member in members}
    if len(parts) < len(members):
        raise broken(file)
    return parts


def _part(stream: BinaryIO, member: ZipInfo, file: str) -> Part:
    if member.flag_bits & 1:
        raise InputError("the workbook is encrypted", mend="Save it without a password.", file=file)
    if member.file_size > MAX_PART:
        raise _too_large("300 MB in one part", file)
    if member.file_size > PIECE and member.file_size > MAX_RATIO * member.compress_size:
        raise _too_large(f"{MAX_RATIO} times its size", file)
    stream.seek(member.header_offset)
    header = stream.read(_LOCAL.size)
    if len(header) < _LOCAL.size or member.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise broken(file)
    mark, _, _, method, *_, name, extra = _LOCAL.unpack(header)
    if mark != b"PK\3\4" or method != member.compress_type:
        raise broken(file)
    begin = member.header_offset + _LOCAL.size + name + extra
    return Part(member.filename, begin, member.compress_size, member.file_size, member.CRC, method == ZIP_DEFLATED)


def _too_large(what: str, file: str) -> InputError:
    mend = "Delete rows and sheets that are not needed, or save the sheet as CSV (UTF-8)."
    return InputError(f"the workbook would unpack to more than {what}", mend=mend, file=file)


def _check_start(piece: bytes, file: str) -> None:
    start = piece.removeprefix(b"\xef\xbb\xbf").lstrip()
    declared = _DECLARED.match(start)
    if not start.startswith(b"<") or (declared and declared[1].lower() not in (b"utf-8", b"us-ascii", b"ascii")):
        raise InputError("a part of the workbook is not XML in UTF-8", mend=_AGAIN, file=file)
