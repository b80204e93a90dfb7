"""What a workbook says against itself: a date of death on a patient who is marked alive. Rows are named, nobody is."""

from collections.abc import Iterator, Sequence
from typing import Final

from dayzero.proposals import codes
from dayzero.proposals.columns import data_rows
from dayzero.proposals.entry import Entry
from dayzero.proposals.sheet import Named, Sheet

_SHOWN: Final = 12


def find_contradictions(sheet: Sheet, entries: Sequence[Entry]) -> Iterator[str]:
    """Yield a sentence for every date beside a word that says that it did not happen, and for the reverse of death."""
    for entry in entries:
        condition = entry.of("when")
        if condition is None:
            continue
        dated, said = _cells(sheet, entry.date), _cells(sheet, condition)
        against = [row for row, text in said.items() if codes.says_no(text) and row in dated]
        if against:
            yield _sentence(sheet, against, f"a date of {entry.name} in column {_named(entry.date)}", condition)
        without = [row for row, text in said.items() if codes.says_yes(text) and row not in dated]
        if without and entry.name == "death":
            yield _sentence(sheet, without, f"no date of death in column {_named(entry.date)}", condition, word="dead")


def find_changed_identifiers(sheets: Sequence[Sheet]) -> Iterator[str]:
    """Yield a sentence for every sheet whose identifiers are those of a sheet before it, but written otherwise."""
    written: frozenset[str] = frozenset()
    compared: frozenset[str] = frozenset()
    for sheet in sheets:
        n = len(sheet.ids & compared) - len(sheet.as_written & written)
        if sheet.patient and n > 0:
            yield (
                f"{sheet.grid.name}: {n} identifiers in column {_named(sheet.patient)} are those of a sheet before "
                "only without leading zeros or capitals; they are compared as text, so write them as they stand there"
            )
        written |= sheet.as_written
        compared |= sheet.ids


def _sentence(sheet: Sheet, rows: Sequence[int], what: str, condition: Named, word: str = "") -> str:
    shown = ", ".join(str(row) for row in rows[:_SHOWN]) + (", ..." if len(rows) > _SHOWN else "")
    says = word or ("alive" if "death" in what else "that it did not happen")
    where = f"{sheet.grid.name}, row{'s' if len(rows) > 1 else ''} {shown}"
    return f"{where}: {what}, but column {_named(condition)} says {says}"


def _named(named: Named) -> str:
    return named.column.letter


def _cells(sheet: Sheet, named: Named) -> dict[int, str]:
    """Return the filled cells of a column by row of the file."""
    frame, rows = data_rows(sheet.layout)
    cells = zip(rows, frame[named.column.letter], strict=True)
    return {row: text for row, text in cells if text is not None and not codes.is_missing(text)}
