"""The proposal as a study file."""

from collections.abc import Iterator, Sequence
from typing import Final

from dayzero.proposals.lines import Item, Value, array, line, quoted
from dayzero.proposals.workbook import Proposal, SheetProposal

SEEN: Final = "# seen = "
"""How a line begins that lists the columns of a sheet, so that a later run adds only others."""
_HEAD: Final = """\
# A study proposed by `dayzero map`. Every line says how sure it is, and why: sure, likely or guess.
# Read it, correct it, answer what is marked OPEN; `dayzero map --check --out {name}` says what is left.
# Then: `dayzero report {name}`.
# Run `dayzero map` again when the files have new columns: what stands here stays, new lines are marked NEW."""


def study_text(proposal: Proposal, *, name: str, title: str) -> str:
    """Return the text of a study file.

    Parameters
    ----------
    proposal
        What is proposed.
    name
        The study file's name.
    title
        The study's title.
    """
    return "\n".join(_lines(proposal, name, title)) + "\n"


def _lines(proposal: Proposal, name: str, title: str) -> Iterator[str]:
    yield _HEAD.format(name=_one_line(name))
    yield from (f"# LOOK: {_one_line(text)}" for text in proposal.contradictions)
    yield from ("", "[study]", line("title", Value(quoted(title), "the name of the first file; write a better one")))
    yield from ("# synthetic = true", "# cutoff = 2024-12-31", "", "[data]", *proposal.data)
    yield from ("", "[definitions]", *proposal.definitions)
    yield from ("", "[map]", *(text for _, text in proposal.settings))
    if proposal.sheets:
        yield seen_line([sheet_key(sheet) for sheet in proposal.sheets])
    yield from (f"# not used: {_one_line(text)}" for text in proposal.left_out)
    if not proposal.sheets:
        yield "# OPEN: no sheet with a header and patients was found"
    for sheet in proposal.sheets:
        yield ""
        yield from sheet_lines(sheet)
    yield from proposal.analyses


def sheet_lines(sheet: SheetProposal) -> Iterator[str]:
    """Yield the lines of one sheet."""
    yield from ("[[map.sheet]]", *sheet.head, seen_line(sheet.seen))
    yield from ("", "[map.sheet.columns]", *_of(sheet.columns))
    if sheet.not_used:
        yield from ("# not used:", *_of(sheet.not_used))
    for item in sheet.events:
        yield from ("", *item.lines)
    if sheet.not_used_dates:
        yield from ("", "# not used:", *_of(sheet.not_used_dates))


def seen_line(columns: Sequence[str]) -> str:
    """Return the line that lists the columns of a sheet."""
    return f"{SEEN}{array(columns)}"


def sheet_key(sheet: SheetProposal) -> str:
    """Return how a sheet is listed among those seen."""
    return f"{sheet.file} | {sheet.sheet}" if sheet.sheet else sheet.file


def _of(items: Sequence[Item]) -> Iterator[str]:
    for item in items:
        yield from item.lines


def _one_line(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
