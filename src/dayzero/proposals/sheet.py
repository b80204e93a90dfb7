"""One sheet as it is read for a proposal: its columns, what each is about, and whose rows they are."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from dayzero.io.grid import Grid
from dayzero.proposals.columns import Column, read_columns
from dayzero.proposals.layout import Layout, find_layout
from dayzero.proposals.lines import Value, quoted
from dayzero.proposals.meaning import Meaning, read_meaning
from dayzero.settings import UNKNOWN

_FILLED: Final = 0.4
_SAME: Final = 0.5
_MOST: Final = 0.9


@dataclass(frozen=True)
class Named:
    """A column and what its header says."""

    column: Column
    meaning: Meaning

    @property
    def source(self) -> str:
        """How the mapping names the column."""
        return self.column.source


@dataclass(frozen=True)
class Sheet:
    """A sheet with a header and patients.

    Attributes
    ----------
    grid, layout
        The cells, and where the header stands.
    named
        Its columns that are not empty.
    patient
        The identifier, or None where no column can be one.
    identifier
        The setting that says so.
    ids, as_written
        The identifiers, as they are compared between sheets (without case, width, leading zeros), and as the
        mapping reads them.
    digits
        To how many digits they are filled up with zeros, where that makes them those of a sheet before; 0: not at all.
    """

    grid: Grid
    layout: Layout
    named: tuple[Named, ...]
    patient: Named | None
    identifier: Value
    ids: frozenset[str]
    as_written: frozenset[str] = frozenset()
    digits: int = 0

    @property
    def others(self) -> tuple[Named, ...]:
        """The columns besides the identifier."""
        return tuple(named for named in self.named if named is not self.patient)


def read_sheet(grid: Grid, before: Sequence[Sheet]) -> Sheet | None:
    """Look at a sheet; the sheets before it tell whose identifiers are known.

    Returns
    -------
    Sheet or None
        None where there is no header, or nothing below it.
    """
    layout = find_layout(grid)
    if layout is None:
        return None
    columns = read_columns(layout)
    named = tuple(Named(c, read_meaning(c.header)) for c in columns if c.filled or c.header)
    known = frozenset[str]().union(*(sheet.ids for sheet in before))
    patient, identifier = _patient(named, known)
    written = frozenset(text for text, _ in patient.column.cells) if patient else frozenset()
    digits = _digits(written, frozenset[str]().union(*(sheet.as_written for sheet in before)))
    compared = frozenset(map(_compared, written))
    return Sheet(grid, layout, named, patient, identifier, compared, _filled_up(written, digits), digits)


def _digits(ids: frozenset[str], known: frozenset[str]) -> int:
    """Return to how many digits identifiers are filled up, so that more of them are known."""
    lengths = {len(text) for text in known if text.isdecimal()}
    digits = lengths.pop() if len(lengths) == 1 else 0
    return digits if len(_filled_up(ids, digits) & known) > len(ids & known) else 0


def _filled_up(ids: frozenset[str], digits: int) -> frozenset[str]:
    return frozenset(text.zfill(digits) if text.isdecimal() else text for text in ids)


def _patient(named: Sequence[Named], known: frozenset[str]) -> tuple[Named | None, Value]:
    """Choose the identifier: by its name, by identifiers of sheets before, by being different in every row."""
    able = [n for n in named if _can_identify(n)]
    called = [n for n in able if n.meaning.patient and not n.meaning.counter]
    if called:
        best = max(called, key=lambda n: (_shared(n, known) >= _SAME, n.column.is_unique, _length(n)))
        return best, _by_name(best, known, alone=len(called) == 1)
    shared = [n for n in able if _shared(n, known) >= _SAME]
    if shared:
        best = max(shared, key=lambda n: _shared(n, known))
        return best, Value(quoted(best.source), f"{_share(best, known)} are identifiers of other sheets", "likely")
    unique = [n for n in able if n.column.is_unique and n.column.filled == n.column.rows]
    unique.sort(key=lambda n: n.meaning.counter)
    if unique and not _is_about_else(unique[0].meaning):
        why = "a value of its own in every row; no header says so"
        return unique[0], Value(quoted(unique[0].source), why, "guess")
    return None, Value(quoted(UNKNOWN), "", "guess", "which column identifies the patient?")


def _can_identify(named: Named) -> bool:
    column, means = named.column, named.meaning
    about_else = means.baseline or means.attribute or (means.own and not means.patient)
    enough = column.filled >= _FILLED * column.rows and column.filled > 0
    return enough and not column.is_date and not means.personal and not means.comment and not about_else


def _is_about_else(means: Meaning) -> bool:
    return bool(means.event or means.field)


def _by_name(best: Named, known: frozenset[str], *, alone: bool) -> Value:
    found = best.meaning.patient
    word = f"'{found.word}' names the identifier ({found.language})" if found else ""
    column = best.column
    kind = f"{column.distinct} values in {column.filled} of {column.rows} rows"
    others = f"; {_share(best, known)} stand in the sheets before" if known else ""
    sure = alone and (_shared(best, known) >= _MOST if known else column.is_unique or column.distinct > 1)
    return Value(quoted(best.source), f"{word}; {kind}{others}", "sure" if sure else "likely")


def _length(named: Named) -> int:
    found = named.meaning.patient
    return (found.end - found.start) * (1 if found.word.isascii() else 2) if found else 0


def _ids(column: Column) -> frozenset[str]:
    return frozenset(_compared(text) for text, _ in column.cells)


def _compared(text: str) -> str:
    """Return an identifier without case, width and leading zeros."""
    return unicodedata.normalize("NFKC", text).strip().casefold().lstrip("0")


def _shared(named: Named, known: frozenset[str]) -> float:
    ids = _ids(named.column)
    return len(ids & known) / len(ids) if ids else 0.0


def _share(named: Named, known: frozenset[str]) -> str:
    ids = _ids(named.column)
    return f"{len(ids & known)} of {len(ids)}"
