"""What stands in a column: how many dates, numbers, codes; never what stands for whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from dayzero.io.grid import DATE, EMPTY, ERROR, NUMBER, TEXT
from dayzero.proposals.dates import is_date, is_serial
from dayzero.proposals.layout import Layout
from dayzero.proposals.names import is_code, meaning

MANY: Final = 5_000
"""Distinct cells that are looked at, of a column that has more."""
CODES: Final = 12
"""A code list has no more values than this."""
_REPEATS: Final = 2
_CODE_LENGTH: Final = 24
_FIRST_COLUMNS: Final = 3

Cell = tuple[str, int]


@dataclass(frozen=True)
class Column:
    """A column of a sheet.

    Attributes
    ----------
    position, letter
        Its place, from 0, and its letters.
    header
        Its header as the mapping joins it; empty where it has none.
    source
        How the mapping names it: its header, or ``@C`` where that is empty or stands twice.
    rows
        How many rows the sheet has.
    filled
        In how many of them something stands that does not mean missing.
    cells
        Distinct cells (text, kind) and how often they stand.
    missing
        The texts that mean that a value is missing.
    distinct
        How many distinct cells there are; more than ``cells`` has where they are many.
    dates, serials, numbers
        How many cells are dates; numbers that may be days as Excel counts; numbers, as text too.
    """

    position: int
    letter: str
    header: str
    source: str
    rows: int
    filled: int
    cells: Mapping[Cell, int]
    missing: tuple[str, ...]
    distinct: int
    dates: int
    serials: int
    numbers: int

    @property
    def is_date(self) -> bool:
        """Whether most cells are dates; partial ones and numbers that may be days may be among them."""
        return self.dates > 0 and 2 * self.dates >= self.filled

    @property
    def is_number(self) -> bool:
        """Whether most cells are numbers."""
        return self.numbers > 0 and 10 * self.numbers >= 9 * self.filled

    @property
    def is_unique(self) -> bool:
        """Whether hardly any value stands twice."""
        return self.filled > 1 and 10 * self.distinct >= 9 * self.filled

    @property
    def values(self) -> tuple[str, ...]:
        """The distinct values that do not mean missing, in the order of code points."""
        return tuple(sorted({text for text, _ in self.cells}))

    @property
    def codes(self) -> tuple[str, ...]:
        """The values of a code list; none where one may belong to somebody: many, long, or a word that stands once."""
        values = self.values
        few = 0 < len(values) <= CODES and self.distinct <= CODES and self.filled >= _REPEATS * len(values)
        again = {text for (text, _), n in self.cells.items() if n >= _REPEATS or text.isdecimal()}
        return values if few and again.issuperset(values) and all(map(_may_be_code, values)) and not self.dates else ()

    def meanings(self, codes: str) -> dict[str, str]:
        """Return what each value means in a code list, those that it does not know left out."""
        known = {value: meaning(value, codes) for value in self.values[: CODES + 1]}
        return {value: means for value, means in known.items() if means}

    def is_coded(self, codes: str) -> bool:
        """Return whether most of the distinct values are in a code list."""
        values = self.values
        return 0 < len(values) <= CODES and 10 * len(self.meanings(codes)) >= 6 * len(values)


def read_columns(layout: Layout) -> list[Column]:
    """Look at every column of a sheet, rows of totals left out."""
    frame, kinds = _data(layout)
    twice = pl.Series(layout.names).is_duplicated().to_list()
    columns = []
    for position, (letter, header) in enumerate(zip(frame.columns, layout.names, strict=True)):
        source = header if header and not twice[position] and not header.startswith("@") else f"@{letter}"
        cells = _cells(frame[letter], kinds[letter])
        columns.append(_column((position, letter, header, source), frame.height, cells))
    return columns


def data_rows(layout: Layout) -> tuple[pl.DataFrame, Sequence[int]]:
    """Return the rows of data as stripped text, and their numbers in the file."""
    frame, _ = _data(layout, numbered=True)
    return frame.drop("row"), frame["row"].to_list()


def _data(layout: Layout, *, numbered: bool = False) -> tuple[pl.DataFrame, pl.DataFrame]:
    grid, first = layout.grid, layout.first
    frame = grid.frame[first:].select(pl.all().str.strip_chars())
    frame = frame.select(pl.when(pl.all() != "").then(pl.all()))
    kinds = grid.kinds[first:]
    kept = ~pl.Series([_is_total(row) for row in frame[:, :_FIRST_COLUMNS].iter_rows()], dtype=pl.Boolean)
    kept &= ~pl.Series(frame.select(pl.all_horizontal(pl.all().is_null())).to_series())
    if numbered:
        rows = pl.int_range(grid.first_row + first, grid.first_row + first + frame.height, eager=True)
        frame = frame.with_columns(rows.alias("row"))
    return frame.filter(kept), kinds.filter(kept)


def _is_total(cells: tuple[str | None, ...]) -> bool:
    first = next((cell for cell in cells if cell), None)
    return first is not None and is_code(first, "totals")


def _cells(texts: pl.Series, kinds: pl.Series) -> pl.DataFrame:
    cells = pl.DataFrame({"text": texts, "kind": kinds}).filter(pl.col("text").is_not_null())
    cells = cells.filter(~pl.col("kind").is_in([EMPTY, ERROR]))
    return cells.group_by("text", "kind", maintain_order=True).len("n")


def _column(place: tuple[int, str, str, str], rows: int, cells: pl.DataFrame) -> Column:
    looked_at = [
        ((text, kind), n)
        for text, kind, n in cells.head(MANY).rows()
        if not is_code(text, "missing") or meaning(text, "mrd")
    ]
    counts = dict(looked_at)
    missing = {text for text, kind, _ in cells.head(MANY).rows() if (text, kind) not in counts}
    seen = sum(counts.values())
    unseen = int(cells["n"].sum()) - int(cells.head(MANY)["n"].sum())
    scale = (seen + unseen) / seen if seen else 1.0

    def count(which: list[int]) -> int:
        return round(sum(which) * scale)

    return Column(
        *place,
        rows=rows,
        filled=seen + unseen,
        cells=counts,
        missing=tuple(sorted(missing)),
        distinct=cells.height - len(missing),
        dates=count([n for (text, kind), n in looked_at if is_date(text, kind)]),
        serials=count([n for (text, kind), n in looked_at if is_serial(text, kind)]),
        numbers=count([n for (text, kind), n in looked_at if _is_number(text, kind)]),
    )


def _is_number(text: str, kind: int) -> bool:
    if kind != TEXT:
        return kind == NUMBER and kind != DATE
    return text.replace(".", "", 1).replace(",", "", 1).lstrip("+-").isdecimal()


def _may_be_code(value: str) -> bool:
    return len(value) <= _CODE_LENGTH and sum(letter.isdecimal() for letter in value) <= 2
