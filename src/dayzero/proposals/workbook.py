"""A proposal for whole files: every sheet, what holds for all of them, and a first analysis."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from dayzero.io.grid import Grid
from dayzero.proposals import baseline
from dayzero.proposals.contradictions import find_changed_identifiers, find_contradictions
from dayzero.proposals.conventions import find_conventions
from dayzero.proposals.entries import find_entries
from dayzero.proposals.entry import Entry
from dayzero.proposals.lines import Item, Value, array, line, quoted
from dayzero.proposals.named_events import follow_up_entry
from dayzero.proposals.sheet import Named, Sheet, read_sheet

_DAY_ZEROS: Final = ("infusion", "hsct", "enrolment", "diagnosis")
_REMISSIONS: Final = frozenset({"CR", "CRi", "CRh"})


@dataclass(frozen=True)
class Source:
    """A sheet to be mapped.

    Attributes
    ----------
    file
        The file as the study file names it: relative to its folder.
    grid
        The sheet.
    alone
        Whether the file has no other sheet.
    """

    file: str
    grid: Grid
    alone: bool = False


@dataclass(frozen=True)
class SheetProposal:
    """The proposal for one sheet.

    Attributes
    ----------
    file, sheet
        Which.
    head
        Lines of ``[[map.sheet]]``.
    columns, events
        Baseline columns and events.
    not_used, not_used_dates
        Columns that nothing is made of, as comments.
    seen
        Every column, as the mapping names it.
    """

    file: str
    sheet: str
    head: tuple[str, ...]
    columns: tuple[Item, ...]
    events: tuple[Item, ...]
    not_used: tuple[Item, ...]
    not_used_dates: tuple[Item, ...]
    seen: tuple[str, ...]


@dataclass(frozen=True)
class Proposal:
    """A proposed study.

    Attributes
    ----------
    sheets
        The sheets that have patients.
    left_out
        Why other sheets are not mapped, a sentence each.
    settings
        (key, line) of ``[map]``: what holds for all sheets.
    definitions, data
        Lines of these tables.
    analyses
        Lines of the first analyses.
    contradictions
        What the workbook says against itself, a sentence each; rows are named.
    """

    sheets: tuple[SheetProposal, ...]
    left_out: tuple[str, ...]
    settings: tuple[tuple[str, str], ...]
    data: tuple[str, ...]
    definitions: tuple[str, ...]
    analyses: tuple[str, ...]
    contradictions: tuple[str, ...]


@dataclass(frozen=True)
class _Read:
    source: Source
    sheet: Sheet
    entries: tuple[Entry, ...]
    columns: tuple[tuple[str, Named, Value], ...]

    @property
    def used(self) -> tuple[Named, ...]:
        """Every column that something is made of, besides the identifier."""
        beside = [n for e in self.entries for _, n, _ in e.beside if n]
        return (*(e.date for e in self.entries), *beside, *(n for _, n, _ in self.columns))


def propose(sources: Sequence[Source]) -> Proposal:
    """Propose how sheets become a study.

    Nothing is guessed silently: every line says how sure it is and why, and what only a person can know is asked.

    Parameters
    ----------
    sources
        The sheets of one or several files, in their order.
    """
    sheets: list[Sheet] = []
    reads: list[_Read] = []
    left_out: list[str] = []
    for source in sources:
        sheet = read_sheet(source.grid, sheets)
        if sheet is None:
            left_out.append(f"{source.grid.name}: no header above rows of data was found.")
            continue
        sheets.append(sheet)
        reads.append(_read(source, sheet))
    reads = _without_repeats(reads)
    return Proposal(
        sheets=tuple(_sheet(read, _taken(reads)) for read in reads),
        left_out=tuple(left_out),
        settings=tuple(find_conventions([named for read in reads for named in read.used])),
        data=tuple(_data(reads)),
        definitions=tuple(_definitions(reads)),
        analyses=tuple(_analyses(reads)),
        contradictions=(
            *(text for read in reads for text in find_contradictions(read.sheet, read.entries)),
            *find_changed_identifiers(sheets),
        ),
    )


def _read(source: Source, sheet: Sheet) -> _Read:
    entries = find_entries(sheet)
    if both := follow_up_entry(sheet, entries):
        entries = [*(entry for entry in entries if entry.name != "last_contact"), both]
    used = frozenset(name for entry in entries for name in entry.item().uses)
    return _Read(source, sheet, tuple(entries), tuple(baseline.find_baseline(sheet, used)))


def _without_repeats(reads: Sequence[_Read]) -> list[_Read]:
    """Leave each baseline column to the first sheet that has it."""
    taken: set[str] = set()
    kept = []
    for read in reads:
        columns = tuple(column for column in read.columns if column[0] not in taken)
        taken |= {name for name, _, _ in columns}
        kept.append(replace(read, columns=columns))
    return kept


def _taken(reads: Sequence[_Read]) -> dict[str, str]:
    return {name: f"column {n.column.letter} of {r.sheet.grid.name}" for r in reads for name, n, _ in r.columns}


def _sheet(read: _Read, taken: dict[str, str]) -> SheetProposal:
    sheet, source = read.sheet, read.source
    columns = tuple(baseline.column_item(*column) for column in read.columns)
    events = tuple(entry.item() for entry in read.entries)
    used = frozenset(name for item in (*columns, *events) for name in item.uses)
    return SheetProposal(
        file=source.file,
        sheet=sheet.grid.sheet,
        head=tuple(_head(source, sheet)),
        columns=columns,
        events=events,
        not_used=baseline.unused(sheet, used, taken),
        not_used_dates=baseline.unused_events(sheet, used),
        seen=tuple(named.source for named in sheet.named),
    )


def _head(source: Source, sheet: Sheet) -> Iterator[str]:
    layout = sheet.layout
    n = sheet.grid.frame.height - layout.first
    yield line("file", Value(quoted(source.file), f"{n} rows below the header"))
    if sheet.grid.sheet:
        yield line("sheet", Value(quoted(sheet.grid.sheet), "a sheet with a header and rows of data"))
    if sheet.grid.encoding not in {"", "utf-8"}:
        yield line("encoding", Value(quoted(sheet.grid.encoding), "the only one that reads the file", "likely"))
    if layout.row != sheet.grid.first_row or sheet.grid.first_row != 1:
        yield line("header_row", Value(str(layout.row), "above it stand titles or nothing", "likely"))
    if layout.rows > 1:
        yield line("header", Value(str(layout.rows), "texts that do not come again below, then data", "likely"))
    if layout.skip:
        yield line("skip", Value(str(layout.skip), "blank rows below the header"))
    yield line("patient", sheet.identifier)
    if sheet.digits:
        yield line(
            "digits", Value(str(sheet.digits), "with the zeros that it lost it has those of a sheet before", "likely")
        )


def _data(reads: Sequence[_Read]) -> Iterator[str]:
    numbered = [name for r in reads for name, n, _ in r.columns if name == "centre" and n.column.is_number]
    if numbered:
        yield line("categorical", Value(array(numbered), "numbers that are names"))


def _events(reads: Sequence[_Read]) -> set[str]:
    """Return the names of the events proposed."""
    return {name for read in reads for entry in read.entries for name in entry.names}


def _definitions(reads: Sequence[_Read]) -> Iterator[str]:
    day_zero = next((name for name in _DAY_ZEROS if name in _events(reads)), "")
    if day_zero == "infusion":
        yield line("day_zero", Value(quoted("infusion:1"), "the first infusion, where nothing else is said", "likely"))
    elif day_zero:
        yield line("day_zero", Value(quoted(day_zero), "no infusion was found; what do you count from?", "guess"))
    else:
        question = "no infusion, transplant, enrolment or diagnosis was found; which event is day zero?"
        yield line("day_zero", Value(quoted("?"), "", "guess", question))


def _analyses(reads: Sequence[_Read]) -> Iterator[str]:
    events = _events(reads)
    if not events & {"death", "last_contact"}:
        yield "# OPEN: no date of death and none of a last contact was found: without them nobody is followed up"
    elif "last_contact" not in events:
        yield "# LOOK: no date of a last contact was found: patients without a date of death have no follow-up"
    yield from _curve("os", "every study has one")
    if "relapse" in events and _has_remissions(reads):
        yield from _curve("rfs", "there are remissions and relapses")
        yield from _curve("relapse", "deaths in remission compete with relapse")


def _curve(endpoint: str, why: str) -> Iterator[str]:
    yield ""
    yield "[[analysis]]"
    yield line("kind", Value(quoted("curve"), "Kaplan-Meier, or Aalen-Johansen where something competes"))
    yield line("endpoint", Value(quoted(endpoint), why))


def _has_remissions(reads: Sequence[_Read]) -> bool:
    for entry in (entry for read in reads for entry in read.entries if entry.name == "response"):
        column = entry.of("value")
        said = set(column.column.meanings("response").values()) if column else set()
        if said & _REMISSIONS or any(key == "value" and '"CR' in value.text for key, _, value in entry.beside):
            return True
    return False
