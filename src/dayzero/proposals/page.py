"""What ``dayzero map`` prints: counts, rows and headers, never a patient's value."""

from collections.abc import Iterator, Sequence

from dayzero.proposals.command import Written
from dayzero.proposals.questions import Question
from dayzero.proposals.workbook import SheetProposal
from dayzero.settings import shown


def written_page(written: Written, *, file: str) -> str:
    """Return what to print after a proposal was written."""
    return "".join(f"{line}\n" for line in _lines(written, file))


def questions_page(questions: Sequence[Question], *, file: str) -> str:
    """Return what is open in a study file, a line each."""
    if not questions:
        return f"{file}: nothing is open. Now run: dayzero report {file}\n"
    return "".join(f"{file}, {question}\n" for question in questions)


def _lines(written: Written, file: str) -> Iterator[str]:
    proposal = written.proposal
    if written.is_new:
        yield from (_sheet(sheet) for sheet in proposal.sheets)
        yield from proposal.left_out
    yield from (f"Look: {text}." for text in proposal.contradictions)
    if written.is_new:
        yield f"Written: {file}. Read it: every line says how sure it is, and why."
    elif written.columns or written.sheets:
        yield f"Added to {file}, marked NEW: {_count(written.columns, 'column')}, {_count(written.sheets, 'sheet')}."
    else:
        yield f"{file} knows every column; it is as it was."
    if written.questions:
        yield f"Open: {_count(len(written.questions), 'question')}."
        yield from (f"  {question}" for question in written.questions)
    else:
        yield f"Nothing is open. Now run: dayzero report {file}"


def _sheet(sheet: SheetProposal) -> str:
    name = f"{sheet.file}, sheet {shown(sheet.sheet)}" if sheet.sheet else sheet.file
    left = len(sheet.not_used) + len(sheet.not_used_dates)
    made = f"{_count(len(sheet.columns), 'baseline column')}, {_count(len(sheet.events), 'event')}"
    return f"{name}: {made}, {_count(left, 'column')} not used."


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"
