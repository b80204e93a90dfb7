"""The encoding of a text file: declared, or told by its bytes where only one is plausible.

Strict UTF-8 is tried first, then UTF-16, with a byte order mark or with the zero bytes of its ASCII characters. What is
neither is one of the legacy encodings. Several of them decode almost any bytes, so each is judged by the characters
that it makes: kana and common kanji, common hanzi, accented letters within Latin words. Only where exactly one makes
sense is it taken.
"""

import codecs
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from dayzero.errors import InputError
from dayzero.io.csv_source import PIECE
from dayzero.settings import file_size, nearest, open_fault, shown

MAX_DECODED: Final = 100_000_000
"""Bytes of a file that is decoded in memory; Excel, which writes such files, stops at a million rows."""

NAMES: Final = {
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "utf8": "utf-8",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "cp1252": "cp1252",
    "windows-1252": "cp1252",
    "cp932": "cp932",
    "shift-jis": "cp932",
    "shift_jis": "cp932",
    "windows-31j": "cp932",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
    "euc-kr": "euc-kr",
    "cp949": "euc-kr",
}
"""The encodings that can be declared, and the codec that reads each."""

_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_SAMPLE: Final = 20_000  # characters beyond ASCII
_MOST: Final = 0.85  # of them must make sense
_NOT_ASCII: Final = re.compile(r"[^\x00-\x7f]+")
_HIGH: Final = re.compile(rb"[\x80-\xff]")
_IN_A_WORD: Final = re.compile(
    r"(?<=[A-Za-z])[À-ÖØ-öø-ÿŒœŠšŽžŸß]{1,2}(?![^\x00-\x7f])|(?<![^\x00-\x7f])[À-ÖØ-öø-ÿŒœŠšŽžŸ]{1,2}(?=[A-Za-z])"
    r"|(?<![^\x00-\x7f])[°µ±²³¹·×÷½¼¾§«»¿¡ªº€–—‘’“”„…•™®©\xa0](?![^\x00-\x7f])"
)
_HALF_WIDTH: Final = re.compile(r"[\uff66-\uff9f]{2,}")


def decode_file(path: Path, *, file: str, encoding: str = "") -> tuple[Path | bytes, str]:
    """Return a text file as UTF-8, and the encoding in which it was written.

    Parameters
    ----------
    path
        The file.
    file
        Its name in messages.
    encoding
        Its encoding where declared, a key of ``NAMES``.

    Returns
    -------
    tuple
        The path itself where the file is UTF-8 already, otherwise its text as UTF-8 bytes; and the codec's name.

    Raises
    ------
    InputError
        Where the declared encoding is unknown or does not fit, where none fits or several do, or where a file that is
        not UTF-8 has more than 100 MB.
    """
    codec = _declared(encoding, file) if encoding else ""
    try:
        if codec in ("", "utf-8") and _is_utf8(path):
            return path, "utf-8"
        if file_size(path, file=file) > MAX_DECODED:
            raise InputError("above 100 MB and not UTF-8", mend="Save the file as UTF-8.", file=file)
        data = path.read_bytes()
    except OSError as error:
        raise open_fault(error, file=file) from None
    codec = codec or detect(data, file=file)
    return _decoded(data, codec, file).encode("utf-8"), _marked(data, codec)


def detect(data: bytes, *, file: str) -> str:
    r"""Return the codec's name of bytes that are not UTF-8.

    Parameters
    ----------
    data
        The whole text.
    file
        The file's name in messages.

    Raises
    ------
    InputError
        Where no encoding makes sense of it, or several do.

    Examples
    --------
    >>> detect("移植日,再発日,生存".encode("cp932"), file="a.csv")
    'cp932'
    >>> detect("移植,患者,死亡,复发,年龄".encode("gb18030"), file="a.csv")
    'gb18030'
    >>> detect("Nachname;Größe\nMüller;1,80".encode("cp1252"), file="a.csv")
    'cp1252'
    """
    if mark := next((codec for bom, codec in _BOMS[1:] if data.startswith(bom)), ""):
        return mark
    if b"\0" in data:
        return _utf16(data, file)
    texts = {codec: _strict(data, codec) for codec in _LIKELY}
    plausible = [codec for codec, text in texts.items() if text and _LIKELY[codec](text) >= _MOST]
    if len(plausible) == 1:
        return plausible[0]
    row = data.count(b"\n", 0, _HIGH.search(data).start()) + 1 if _HIGH.search(data) else None  # type: ignore[union-attr]
    if plausible:
        ways = " or ".join(f'encoding = "{codec}"' for codec in plausible)
        raise InputError("not UTF-8, and its encoding is not clear", mend=f"Declare it: {ways}.", file=file, row=row)
    mend = 'Save the file as UTF-8; or declare it: encoding = "cp1252", "cp932" or "gb18030".'
    raise InputError("not UTF-8, nor text in an encoding that is known", mend=mend, file=file, row=row)


def _declared(encoding: str, file: str) -> str:
    name = encoding.strip().lower()
    if name in NAMES:
        return NAMES[name]
    near = nearest(name, NAMES)
    known = f"Known are {', '.join(sorted(set(NAMES.values())))}."
    mend = f"Did you mean {near}? {known}" if near else known
    raise InputError(f"no encoding '{shown(encoding)}'", mend=mend, file=file)


def _is_utf8(path: Path) -> bool:
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    try:
        with path.open("rb") as stream:
            while piece := stream.read(PIECE):
                if b"\0" in piece:
                    return False
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _utf16(data: bytes, file: str) -> str:
    """Tell the byte order of UTF-16 without a mark: ASCII characters have their zero byte first or last."""
    for codec, high in (("utf-16-le", data[1::2]), ("utf-16-be", data[::2])):
        low = data[::2] if codec == "utf-16-le" else data[1::2]
        if b"\0" in high and b"\0" not in low and _strict(data, codec):
            return codec
    raise InputError("zero bytes: this is no text", mend="Save the file as CSV (UTF-8).", file=file)


def _strict(data: bytes, codec: str) -> str | None:
    try:
        return data.decode(codec)
    except UnicodeDecodeError:
        return None


def _decoded(data: bytes, codec: str, file: str) -> str:
    try:
        text = data.decode(codec)
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1 if "16" not in codec else None
        raise InputError(f"not {codec} text", mend="Correct its encoding.", file=file, row=row) from None
    return text.removeprefix("\ufeff")


def _marked(data: bytes, codec: str) -> str:
    return next((name for bom, name in _BOMS if data.startswith(bom)), codec) if codec == "utf-16" else codec


def _share(text: str, sensible: Callable[[str], int]) -> float:
    """Return the share of a text's characters beyond ASCII that make sense."""
    count = sensible_count = 0
    for run in _NOT_ASCII.finditer(text):
        count += len(run[0])
        sensible_count += sensible(text[max(0, run.start() - 1) : run.end() + 1])
        if count > _SAMPLE:
            break
    return sensible_count / count if count else 0.0


def _latin(text: str) -> float:
    return _share(text, lambda run: sum(len(word) for word in _IN_A_WORD.findall(run)))


def _japanese(text: str) -> float:
    def sensible(run: str) -> int:
        half = sum(len(word) for word in _HALF_WIDTH.findall(run))
        return half + sum(_is_common_japanese(character) for character in run if character > "\x7f")

    return _share(text, sensible)


def _is_common_japanese(character: str) -> bool:
    """Tell kana, full-width signs and the 2,965 kanji of JIS level 1 (Shift-JIS 889F to 9872)."""
    code = character.encode("cp932", "ignore")
    return len(code) == 2 and (b"\x81\x40" <= code < b"\x84\x40" or b"\x87\x40" <= code <= b"\x98\x72")


def _chinese(text: str) -> float:
    return _share(text, lambda run: sum(_is_common_chinese(character) for character in run if character > "\x7f"))


def _is_common_chinese(character: str) -> bool:
    """Tell signs and the 3,755 hanzi of GB 2312 level 1 (EUC-CN B0A1 to D7F9)."""
    code = character.encode("gb2312", "ignore")
    return len(code) == 2 and (code[0] in (0xA1, 0xA2, 0xA3) or 0xB0 <= code[0] <= 0xD7)


def _korean(text: str) -> float:
    """Tell hangul of KS X 1001 (EUC-KR B0A1 to C8FE), whose bytes are common hanzi in GB 2312."""
    return _share(text, lambda run: sum("\uac00" <= character <= "\ud7a3" for character in run))


_LIKELY: Final[dict[str, Callable[[str], float]]] = {
    "cp1252": _latin,
    "cp932": _japanese,
    "gb18030": _chinese,
    "euc-kr": _korean,
}
