"""A copy of an archive that holds nothing but the parts that have been looked through, packed as they are.

Readers differ in how they find a part. A reader that is shown the copy can only find what has been seen.
"""

import struct
from collections.abc import Iterable
from io import BytesIO
from typing import Final

from dayzero.io.preflight import Archive, Part

_LOCAL: Final = struct.Struct("<4s5H3L2H")
_ENTRY: Final = struct.Struct("<4s6H3L5H2L")
_END: Final = struct.Struct("<4s4H2LH")
_VERSION, _UTF8_NAME, _DAY = 20, 0x800, 0x21  # 1980-01-01


def copied(archive: Archive, names: Iterable[str]) -> BytesIO:
    """Return an archive of some parts of another one.

    Parameters
    ----------
    archive
        The archive.
    names
        The parts' names in lower case.
    """
    out, entries = BytesIO(), []
    with archive.path.open("rb") as stream:
        for name in names:
            part = archive.parts[name]
            place, coded = out.tell(), part.name.encode("utf-8")
            facts = _facts(part, len(coded))
            out.write(_LOCAL.pack(b"PK\3\4", *facts) + coded)
            stream.seek(part.begin)
            out.write(stream.read(part.packed))
            entries.append(_ENTRY.pack(b"PK\1\2", _VERSION, *facts, 0, 0, 0, 0, place) + coded)
    begin = out.tell()
    out.write(b"".join(entries))
    out.write(_END.pack(b"PK\5\6", 0, 0, len(entries), len(entries), out.tell() - begin, begin, 0))
    out.seek(0)
    return out


def _facts(part: Part, name: int) -> tuple[int, ...]:
    """Return what the local header and the directory say alike, from the version to the extra field's length."""
    method = 8 if part.deflated else 0
    return (_VERSION, _UTF8_NAME, method, 0, _DAY, part.checksum, part.packed, part.size, name, 0)
