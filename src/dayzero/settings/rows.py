"""On which line does a key of a TOML text stand? tomllib does not say, so the text is walked a second time.

The text has been read by tomllib before: it is valid, and the walk need not find faults.
"""

import re
import tomllib
from collections.abc import Iterator
from typing import Final

KeyPath = tuple[str | int, ...]

_TOKEN: Final = re.compile(
    r'''(?P<skip>\#[^\n]*|[^\S\n]+)|(?P<text>"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|'[^']*')'''
    r"""|(?P<line>\n)|(?P<mark>[\[\]{}=,.])|(?P<bare>[^\s\[\]{}=,."'#]+|.)""",
    re.DOTALL,
)


class _Tokens(Iterator[str]):
    """The tokens of a text, without comments and blanks; ``line`` is the last word's."""

    def __init__(self, text: str) -> None:
        self._found, self._next, self.line = _TOKEN.finditer(text), 1, 1

    def __next__(self) -> str:
        while (found := next(self._found)).lastgroup == "skip":
            pass
        self.line = self._next
        self._next += found[0].count("\n")
        return found[0]


def rows_of_keys(text: str) -> dict[KeyPath, int]:
    r"""Return the line, from 1, on which each key, table and list item of a valid TOML text begins.

    Examples
    --------
    >>> rows_of_keys('[[analysis]]\nkind = "cox"\n')
    {('analysis',): 1, ('analysis', 0): 1, ('analysis', 0, 'kind'): 2}
    """
    rows: dict[KeyPath, int] = {}
    for path, line in _statements(_Tokens(text)):
        for n in range(1, len(path) + 1):
            rows.setdefault(path[:n], line)
    return rows


def _statements(tokens: _Tokens) -> Iterator[tuple[KeyPath, int]]:
    table: KeyPath = ()
    counts: dict[KeyPath, int] = {}
    for word in tokens:
        if word == "\n":
            continue
        if word == "[":
            first = next(tokens)
            many = first == "["
            table = _table(_key(next(tokens) if many else first, tokens, end="]"), counts, many=many)
            yield table, tokens.line
        else:
            yield from _pair(table, word, tokens)
        while next(tokens, "\n") != "\n":
            pass  # the second bracket of a header, the rest of a number or a date


def _table(parts: KeyPath, counts: dict[KeyPath, int], *, many: bool) -> KeyPath:
    """Resolve a header: [a.b] below [[a]] belongs to the last a."""
    path: KeyPath = ()
    for n, part in enumerate(parts, 1):
        path += (part,)
        if many and n == len(parts):
            counts[path] = counts.get(path, 0) + 1
        if path in counts:
            path += (counts[path] - 1,)
    return path


def _key(word: str, tokens: _Tokens, *, end: str) -> KeyPath:
    parts: list[str] = []
    while word != end:
        if word != ".":
            parts.append(_unquoted(word))
        word = next(tokens)
    return tuple(parts)


def _unquoted(word: str) -> str:
    return str(tomllib.loads(f"k={word}")["k"]) if word[0] in "\"'" else word


def _pair(above: KeyPath, word: str, tokens: _Tokens) -> Iterator[tuple[KeyPath, int]]:
    line = tokens.line
    path = above + _key(word, tokens, end="=")
    yield path, line
    yield from _value(path, next(tokens), tokens)


def _value(path: KeyPath, word: str, tokens: _Tokens) -> Iterator[tuple[KeyPath, int]]:
    if word == "[":
        yield from _items(path, tokens)
    elif word == "{":
        word = _next_word(tokens)
        while word != "}":
            yield from _pair(path, word, tokens)
            while (word := next(tokens)) not in {",", "}"}:
                pass  # the rest of a number or a date
            word = _next_word(tokens) if word == "," else word


def _next_word(tokens: _Tokens) -> str:
    return next(word for word in tokens if word != "\n")


def _items(path: KeyPath, tokens: _Tokens) -> Iterator[tuple[KeyPath, int]]:
    position = 0
    while (word := next(tokens)) != "]":
        if word == ",":
            position += 1
        elif word != "\n":
            yield (*path, position), tokens.line
            yield from _value((*path, position), word, tokens)
