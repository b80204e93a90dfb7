"""A sheet's XML looked through by an XML parser: slower than ``preflight_sheet``, for any way of writing it."""

import re
from collections.abc import Iterable
from typing import Final
from xml.parsers import expat

from dayzero.io.grid import Corner, column_number
from dayzero.io.preflight_sheet import MAX_MERGED, SheetFacts

_PLACE: Final = re.compile(r"([A-Z]{1,3})([0-9]{1,7})")


class _Walk:
    """The place at which the parser stands, and what has been seen."""

    def __init__(self) -> None:
        self.facts = SheetFacts(is_sheet=True)
        self.row, self.column = 0, 0
        self.kind = ""
        self.text = ""
        self.has_formula = self.has_value = self.in_value = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        match name.rpartition(":")[2]:
            case "row":
                self.row = int(attributes.get("r", self.row + 1))
                self.column = 0
                if attributes.get("hidden") in ("1", "true"):
                    self.facts.hidden_rows.append(self.row)
            case "c":
                self.place(attributes.get("r", ""))
                self.kind, self.text = attributes.get("t", ""), ""
                self.has_formula = self.has_value = False
            case "f":
                self.has_formula = True
            case "v" | "is":
                self.has_value = self.in_value = True
            case "mergeCell":
                self.merge(attributes.get("ref", ""))

    def place(self, text: str) -> None:
        found = _PLACE.fullmatch(text.upper())
        if text and not found:
            raise ValueError(text)
        self.row, self.column = _corner(found) if found else (self.row, self.column + 1)

    def merge(self, text: str) -> None:
        ends = [_PLACE.fullmatch(end) for end in text.split(":")]
        if len(self.facts.merged) <= MAX_MERGED and len(ends) == 2 and ends[0] and ends[1]:
            self.facts.merged.append((_corner(ends[0]), _corner(ends[1])))

    def characters(self, text: str) -> None:
        if self.in_value:
            self.text += text[:100]

    def end(self, name: str) -> None:
        match name.rpartition(":")[2]:
            case "v" | "is":
                self.in_value = False
            case "c":
                self.close()

    def close(self) -> None:
        if not (self.has_formula or self.has_value):
            return
        facts, here = self.facts, (self.row, self.column)
        facts.cells += 1
        facts.first_row = min(facts.first_row or self.row, self.row)
        facts.last_row = max(facts.last_row, self.row)
        facts.last_column = max(facts.last_column, self.column)
        if self.kind == "e":
            facts.add_error(self.text.strip(), *here)
        elif self.has_formula and not self.text and self.kind != "str":
            facts.uncalculated.add(*here)


def walk(pieces: Iterable[bytes]) -> SheetFacts:
    """Look a sheet through.

    Parameters
    ----------
    pieces
        Its XML.

    Raises
    ------
    ValueError
        Where it is no XML, or a cell's name is none.
    """
    state = _Walk()
    parser = expat.ParserCreate()
    parser.StartElementHandler = state.start
    parser.EndElementHandler = state.end
    parser.CharacterDataHandler = state.characters
    try:
        for piece in pieces:
            parser.Parse(piece, False)
        parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise ValueError(str(error)) from None
    return state.facts


def _corner(found: re.Match[str]) -> Corner:
    return int(found[2]), column_number(found[1])
