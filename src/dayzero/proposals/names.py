"""What headers and codes mean, by the words of an edition table: ``names.toml``, seven languages, data and no code."""

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

LANGUAGES: Final = ("en", "zh", "ja", "de", "fr", "es", "it")
_ACCENTS: Final = re.compile("[\u0300-\u036f]")
_HUMP: Final = re.compile(r"(?<=[A-Za-z][a-z])(?=[A-Z][a-z])")
_TAIL: Final = re.compile(r"(?<=[a-z]{3})(?=[1-9]\b)")
_MARKS: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True)
class Found:
    """A word of the table that stands in a text.

    Attributes
    ----------
    key
        What it means, for example ``infusion``.
    word, language
        The word as the table has it, and whose it is.
    start, end
        Where it stands in the text without blanks.
    """

    key: str
    word: str
    language: str
    start: int
    end: int

    @property
    def reason(self) -> str:
        """For example ``'回输' is infusion (zh)``."""
        return f"'{self.word}' is {self.key} ({self.language})"


@dataclass(frozen=True)
class _Word:
    key: str
    word: str
    language: str
    pattern: re.Pattern[str]
    spaced: bool

    def found_in(self, text: str) -> Found | None:
        """Find it in a text of plain form; Latin words as whole words, others anywhere."""
        place = self.pattern.search(text if self.spaced else text.replace(" ", ""))
        if place is None:
            return None
        start = len(text[: place.start()].replace(" ", "")) if self.spaced else place.start()
        return Found(self.key, self.word, self.language, start, start + len(place[0].replace(" ", "")))


def plain(text: str) -> str:
    r"""Return text without case, accents, width and marks, words apart.

    Examples
    --------
    >>> plain("Todes-Datum\n(Tag)"), plain("ＣＡＲ－Ｔ　回输日期"), plain("Décès"), plain("HsctDate2")
    ('todes datum tag', 'car t 回输日期', 'deces', 'hsct date 2')
    """
    text = _HUMP.sub(" ", unicodedata.normalize("NFKC", text)).casefold()
    return _TAIL.sub(" ", _MARKS.sub(" ", _without_accents(text)).strip())


def code(value: str) -> str:
    """Return a value of a code list as it is compared: without case, accents, width and blanks around it.

    Examples
    --------
    >>> code(" ＭＡＬＥ "), code("Décédé"), code("+")
    ('male', 'decede', '+')
    """
    return _without_accents(unicodedata.normalize("NFKC", value).casefold()).strip()


def _without_accents(text: str) -> str:
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", unicodedata.normalize("NFKD", text)))


def find(text: str, room: str) -> Found | None:
    """Return the longest word of a room of the table that stands in a text.

    Parameters
    ----------
    text
        One row of a header.
    room
        ``event``, ``baseline``, ``attribute``, ``field``, ``ordinal``, ``unit``; or ``patient``, ``identifying``,
        ``comment``, ``counter``.

    Examples
    --------
    >>> found = find("第二次回输日期", "event")
    >>> found.key, found.language, find("Rückfalldatum", "event").key, find("notes", "event")
    ('infusion', 'zh', 'relapse', None)
    """
    text = plain(text)
    found = [hit for word in _words(room) if (hit := word.found_in(text))]
    return max(found, key=lambda hit: _weight(text, hit)) if found else None


def is_named(text: str, room: str) -> bool:
    """Return whether a text is, as a whole, a word of a room."""
    return plain(text) in _whole(room)


def named(text: str, room: str) -> str:
    """Return what a text as a whole is called in a room, or an empty text.

    Examples
    --------
    >>> named("LBS", "unit"), named("x10^6/kg", "unit")
    ('lb', '')
    """
    return _whole(room).get(plain(text), "")


def is_code(value: str, room: str) -> bool:
    """Return whether a value is one of the words of ``missing`` or ``totals``."""
    return code(value) in _codes(room)


def meaning(value: str, codes: str) -> str | None:
    """Return what a value means in a code list: ``sex``, ``answer``, ``vital``, ``response``, ``mrd``, ...

    Examples
    --------
    >>> meaning("男", "sex"), meaning("Nein", "answer"), meaning("1", "sex")
    ('male', 'no', None)
    """
    return _codes(f"codes.{codes}").get(code(value))


def attribute_of(key: str) -> tuple[str, ...]:
    """Return the events that an attribute belongs to, the likeliest first."""
    return tuple(_table()["attribute"][key]["of"])


@cache
def _table() -> Mapping[str, Any]:
    text = resources.files("dayzero.proposals").joinpath("names.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def _weight(text: str, hit: Found) -> int:
    """Return how much a word says: its length, a letter of Chinese or Japanese counting twice."""
    part = text.replace(" ", "")[hit.start : hit.end]
    return sum(1 if letter.isascii() else 2 for letter in part)


def _entries(room: str) -> Iterator[tuple[str, str, str]]:
    """Yield (key, language, word) of a room; a room without keys below it is its own key."""
    table = _table()
    for step in room.split("."):
        table = table[step]
    keyed: Iterable[tuple[str, Any]] = table.items() if room.partition(".")[0] in _KEYED else [(room, table)]
    for key, languages in keyed:
        for language in LANGUAGES:
            for word in languages.get(language, ()):
                yield key, language, word


_KEYED: Final = frozenset({"event", "field", "attribute", "baseline", "codes", "ordinal", "unit"})


@cache
def _words(room: str) -> tuple[_Word, ...]:
    return tuple(_word(*entry) for entry in _entries(room))


def _word(key: str, language: str, word: str) -> _Word:
    text = plain(word)
    spaced = text.isascii()
    if not spaced:
        return _Word(key, word, language, re.compile(re.escape(text.replace(" ", ""))), spaced)
    tail = "" if word.endswith("*") else "(?![a-z0-9])"
    return _Word(key, word, language, re.compile(f"(?<![a-z0-9]){re.escape(text)}{tail}"), spaced)


@cache
def _whole(room: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for key, _, word in _entries(room):
        found.setdefault(plain(word), key)
    return found


@cache
def _codes(room: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for key, _, word in _entries(room):
        found.setdefault(code(word), key)
    return found
