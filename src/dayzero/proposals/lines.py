"""Lines of a study file: values as TOML writes them, the reason behind each, and questions that are left open."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal
from unicodedata import east_asian_width

OPEN: Final = "# OPEN:"

_COMMENT_AT: Final = 48

Confidence = Literal["sure", "likely", "guess"]


@dataclass(frozen=True)
class Item:
    """A part of a proposal: lines that stand together.

    Attributes
    ----------
    uses
        The columns that it is made of, as the mapping names them.
    lines
        The lines, without line ends.
    """

    uses: tuple[str, ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Value:
    """What stands on the right of an equals sign.

    Attributes
    ----------
    text
        As TOML.
    why
        The reason.
    sure
        The confidence.
    question
        What only a person can say; empty where nothing is open.
    """

    text: str
    why: str
    sure: Confidence = "sure"
    question: str = ""


def quoted(text: str) -> str:
    r"""Return a TOML string; what does not print is escaped.

    Examples
    --------
    >>> print(quoted('a "b" \\ 日'), quoted("a\nb"))
    "a \"b\" \\ 日" "a\u000ab"
    """
    return '"' + "".join(_escaped(letter) for letter in text) + '"'


def table(pairs: Mapping[str, str]) -> str:
    """Return an inline table of values that are TOML already."""
    return "{ " + ", ".join(f"{key} = {value}" for key, value in pairs.items()) + " }"


def codes_table(codes: Mapping[str, str]) -> str:
    """Return an inline table of texts."""
    return table({quoted(key): quoted(value) for key, value in codes.items()})


def array(texts: Iterable[str]) -> str:
    """Return an array of texts."""
    return "[" + ", ".join(quoted(text) for text in texts) + "]"


def line(key: str, value: Value) -> str:
    """Return a setting and its reason; an open one asks instead."""
    comment = f"{OPEN} {value.question}" if value.question else f"# {value.sure}: {value.why}"
    return commented(f"{key} = {value.text}", comment)


def commented(setting: str, comment: str) -> str:
    """Return a line with a comment, which begins in one column where there is room."""
    room = _COMMENT_AT - sum(2 if east_asian_width(letter) in "WF" else 1 for letter in setting)
    return f"{setting}{' ' * max(room, 1)} {comment}"


def _escaped(letter: str) -> str:
    if letter in '"\\':
        return f"\\{letter}"
    if letter.isprintable():
        return letter
    return f"\\u{ord(letter):04x}" if ord(letter) < 0x10000 else f"\\U{ord(letter):08x}"
