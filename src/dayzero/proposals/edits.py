"""A proposal added to a study file that a person has edited: what stands there stays, byte by byte."""

import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from dayzero.errors import InputError
from dayzero.proposals.lines import Item
from dayzero.proposals.text import SEEN, seen_line, sheet_key, sheet_lines
from dayzero.proposals.workbook import Proposal, SheetProposal
from dayzero.settings import KeyPath, Toml, shown

NEW: Final = "# NEW:"
_COLUMNS: Final = f"{NEW} columns that were not here when this file was written"
_SHEETS: Final = f"{NEW} a sheet that was not here when this file was written"
_SETTINGS: Final = f"{NEW} asked for by what is new"


@dataclass(frozen=True)
class Added:
    """What was added to a file.

    Attributes
    ----------
    text
        The file's new text.
    columns, sheets
        How many of each are new.
    """

    text: str
    columns: int
    sheets: int


@dataclass(frozen=True)
class _Block:
    """A table of the file: its header's line, the line after its last one, and what it is."""

    start: int
    stop: int
    path: KeyPath


def add_to(text: str, proposal: Proposal, *, file: str) -> Added:
    """Add what a proposal has and a study file has not.

    Parameters
    ----------
    text
        The study file as it stands.
    proposal
        A proposal for the files as they are now.
    file
        The study file's name in messages.

    Returns
    -------
    Added
        The text with lines inserted; none is changed or removed. A column that was seen before is left as the person
        left it, deleted lines too.

    Raises
    ------
    InputError
        Where the file is written in a way to which nothing can be added, for example with its sheets in one line.
    """
    raw = text.split("\n")
    lines = [line.removesuffix("\r") for line in raw]
    lines[0] = lines[0].removeprefix("\ufeff")
    editor = _Editor(lines, tomllib.loads("\n".join(lines)))
    insertions, columns, sheets = editor.insertions(proposal)
    if not insertions:
        return Added(text, 0, 0)
    end = "\r" if raw[0].endswith("\r") else ""
    result = "\n".join(_inserted(raw, insertions, end))
    if not _kept(editor.table, result):
        mend = "Name another file with --out, and copy what is new from there."
        raise InputError("nothing can be added to this file without changing it", mend=mend, file=shown(file))
    return Added(result, columns, sheets)


class _Editor:
    """The study file: its lines, its tables, and where lines may be put."""

    def __init__(self, lines: Sequence[str], table: Mapping[str, Any]) -> None:
        self.lines, self.table = lines, table
        self.blocks = _blocks(lines, Toml("", "\n".join(lines), table).rows)

    def insertions(self, proposal: Proposal) -> tuple[dict[int, list[str]], int, int]:
        """Return lines by the line after which they are put, and how many columns and sheets are new."""
        found: dict[int, list[str]] = {}
        columns = sheets = 0
        mapped = _mapped(self.table)
        if "map" not in self.table and proposal.sheets:
            _put(found, self._after_sheets(), ["", "[map]", *(line for _, line in proposal.settings)])
        for proposed in proposal.sheets:
            at = _position(mapped, proposed)
            if at is None:
                if sheet_key(proposed) not in self._seen_in(self._map_lines()):
                    sheets += 1
                    _put(found, self._after_sheets(), ["", _SHEETS, *sheet_lines(proposed)])
                    self._note_sheet(found, proposed)
                continue
            new = self._new_columns(proposed, at, mapped[at])
            columns += len(new.seen)
            for line, added in self._column_insertions(new, at):
                _put(found, line, added)
        if columns or sheets:
            self._put_settings(found, proposal)
        return found, columns, sheets

    def _new_columns(self, proposed: SheetProposal, at: int, table: Mapping[str, Any]) -> SheetProposal:
        """Return what a sheet's proposal says about columns that the file does not know."""
        known = self._seen_in(self._sheet_lines(at)) | set(_texts(table))
        names = set(table.get("columns", {}))
        new = tuple(name for name in proposed.seen if name not in known)
        fresh = set(new)

        def only(items: Iterable[Item]) -> tuple[Item, ...]:
            return tuple(item for item in items if fresh.issuperset(item.uses))

        columns = tuple(item for item in only(proposed.columns) if item.lines[0].split(" = ")[0] not in names)
        events = only(proposed.events)
        placed = {name for item in (*columns, *events) for name in item.uses}
        rest = [*only(proposed.not_used), *only(proposed.not_used_dates)]
        rest += _beside(item for item in (*proposed.events, *proposed.columns) if not placed.issuperset(item.uses))
        commented = tuple(item for item in rest if fresh.issuperset(item.uses) and not placed.intersection(item.uses))
        return replace(proposed, columns=columns, events=events, not_used=commented, not_used_dates=(), seen=new)

    def _column_insertions(self, new: SheetProposal, at: int) -> Iterator[tuple[int, list[str]]]:
        if not new.seen:
            return
        head = self._block(("map", "sheet", at))
        last = self._sheet_blocks(at)[-1] if self._sheet_blocks(at) else head
        if head is None or last is None:
            return
        yield self._last_setting(head), [seen_line(new.seen)]
        columns = _lines_of(new.columns)
        comments = _lines_of(item for item in new.not_used if not item.lines[0].startswith("# [["))
        dates = _lines_of(item for item in new.not_used if item.lines[0].startswith("# [["))
        block = self._block(("map", "sheet", at, "columns"))
        if columns or comments:
            start = [] if block else ["", "[map.sheet.columns]"]
            added = [*start, _COLUMNS, *columns, *comments]
            yield self._last_setting(block) if block else self._end(last), added
        events = [line for item in new.events for line in ("", _COLUMNS, *item.lines)]
        if events or dates:
            yield self._end(last), [*events, *(["", _COLUMNS, *dates] if dates else [])]

    def _put_settings(self, found: dict[int, list[str]], proposal: Proposal) -> None:
        block = self._block(("map",))
        if block is None:
            return
        absent = [line for key, line in proposal.settings if key not in self.table.get("map", {})]
        if absent:
            _put(found, self._last_setting(block), [_SETTINGS, *absent])

    def _note_sheet(self, found: dict[int, list[str]], proposed: SheetProposal) -> None:
        if block := self._block(("map",)):
            _put(found, self._last_setting(block), [seen_line([sheet_key(proposed)])])

    def _block(self, path: KeyPath) -> _Block | None:
        return next((block for block in self.blocks if block.path == path), None)

    def _sheet_blocks(self, at: int) -> list[_Block]:
        return [block for block in self.blocks if block.path[:3] == ("map", "sheet", at)]

    def _sheet_lines(self, at: int) -> list[str]:
        return [line for block in self._sheet_blocks(at) for line in self.lines[block.start : block.stop]]

    def _map_lines(self) -> Sequence[str]:
        block = self._block(("map",))
        return self.lines[block.start : block.stop] if block else ()

    def _seen_in(self, lines: Iterable[str]) -> set[str]:
        return {name for line in lines if line.startswith(SEEN) for name in _listed(line)}

    def _after_sheets(self) -> int:
        """Return the line after which a new sheet is put: after the last one, or at the end of the file."""
        blocks = [block for block in self.blocks if block.path[:1] == ("map",)]
        return self._end(blocks[-1]) if blocks else len(self.lines) - 1

    def _last_setting(self, block: _Block) -> int:
        """Return the last line of a block that is neither blank nor a comment."""
        return max(k for k in range(block.start, block.stop) if k == block.start or _is_setting(self.lines[k]))

    def _end(self, block: _Block) -> int:
        """Return the last line of a block, with the comments that follow its last setting at once."""
        last = self._last_setting(block)
        while last + 1 < block.stop and self.lines[last + 1].startswith("#"):
            last += 1
        return last


def _blocks(lines: Sequence[str], rows: Mapping[KeyPath, int]) -> list[_Block]:
    starts = [k for k, line in enumerate(lines) if line.lstrip().startswith("[") and _ends_here(lines[:k])]
    deepest: dict[int, KeyPath] = {}
    for path, row in rows.items():
        if len(path) > len(deepest.get(row - 1, ())):
            deepest[row - 1] = path
    stops = [*starts[1:], len(lines)]
    return [_Block(k, stop, deepest.get(k, ())) for k, stop in zip(starts, stops, strict=True)]


def _ends_here(lines: Sequence[str]) -> bool:
    """Return whether a line after these begins a statement, and stands in no list and no text of several lines."""
    try:
        tomllib.loads("\n".join(lines))
    except ValueError:
        return False
    return True


def _mapped(table: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    mapped = table.get("map", {})
    sheets = mapped.get("sheet", []) if isinstance(mapped, dict) else []
    return [sheet for sheet in sheets if isinstance(sheet, dict)] if isinstance(sheets, list) else []


def _position(mapped: Sequence[Mapping[str, Any]], proposed: SheetProposal) -> int | None:
    """Return which sheet of the file a proposal is for; of several that map one sheet, the first."""
    for at, sheet in enumerate(mapped):
        if sheet.get("file") == proposed.file and sheet.get("sheet", proposed.sheet) == proposed.sheet:
            return at
    return None


def _texts(value: object) -> Iterator[str]:
    """Yield every text of a table."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)


def _listed(line: str) -> list[str]:
    try:
        return [name for name in tomllib.loads(line[2:])["seen"] if isinstance(name, str)]
    except (ValueError, TypeError):
        return []


def _beside(items: Iterable[Item]) -> Iterator[Item]:
    """Yield comments for new columns that stand beside a date that is not new."""
    for item in items:
        for line in item.lines:
            for name in item.uses:
                if f'"{name}"' in line and not line.startswith(("date =", "event =")):
                    yield Item((name,), (f"# {line}",))


def _lines_of(items: Iterable[Item]) -> list[str]:
    return [line for item in items for line in item.lines]


def _is_setting(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _put(found: dict[int, list[str]], at: int, lines: Sequence[str]) -> None:
    found.setdefault(at, []).extend(lines)


def _inserted(raw: Sequence[str], insertions: Mapping[int, Sequence[str]], end: str) -> Iterator[str]:
    for k, line in enumerate(raw):
        last = k == len(raw) - 1
        added = insertions.get(k, ())
        yield line + (end if last and added else "")
        for n, new in enumerate(added, 1):
            yield new if last and n == len(added) else new + end


def _kept(before: Mapping[str, Any], text: str) -> bool:
    try:
        after = tomllib.loads(text.removeprefix("\ufeff").replace("\r\n", "\n"))
    except ValueError:
        return False
    return _contains(after, before)


def _contains(after: object, before: object) -> bool:
    if isinstance(before, dict) and isinstance(after, dict):
        return all(key in after and _contains(after[key], value) for key, value in before.items())
    if isinstance(before, list) and isinstance(after, list):
        return len(after) >= len(before) and all(map(_contains, after, before))
    return after == before or (after != after and before != before)  # noqa: PLR0124  (a number that is none)
