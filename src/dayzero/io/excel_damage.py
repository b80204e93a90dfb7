"""What a spreadsheet program did to the data unasked: identifiers, codes and dates that became something else.

Each rule looks at one column of a sheet. Some damage is certain (digits beyond the fifteenth are lost); some can only
be suspected, and is worth a look before anything is computed.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import polars as pl

from dayzero.errors import Finding, Level
from dayzero.io.grid import DATE, NUMBER, TEXT, Grid

FEW: Final = 0.2
"""Share of a column's filled cells up to which cells of another kind are the exception."""
_HEADER_ROWS: Final = 5
_EXACT: Final = 999_999_999_999_999  # a spreadsheet keeps fifteen digits
_NUMBER: Final = r"^\s*[+-]?[0-9]+([.,][0-9]+)?\s*$"
_SCIENTIFIC: Final = r"^[0-9]([.,][0-9]+)?[eE]\+[0-9]{2,3}$"
_DATE: Final = (
    r"^\s*([0-9]{1,4}[./-][0-9]{1,2}[./-][0-9]{1,4}|[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日?"
    r"|[0-9]{1,2}[. -]?\s?\p{L}{3,9}\.?[. -]?\s?[0-9]{2,4})\s*$"
)
_CODE: Final = r"^\s*[0-9]*\p{L}+[-_/.]?[0-9]|^\s*[0-9]+[-_/.]?\p{L}"
_ROUND: Final = r"^[0-9]{1,3}(0{4,}|e[0-9]+)$"
_IDENTIFIER: Final = r"(?i)\b(id|ids|patient|patients|pat|mrn|upn|no|nr|num|code|subject|case)\b|編號|编号|号|番号|ＩＤ"


@dataclass(frozen=True)
class Column:
    """A column of a sheet.

    Attributes
    ----------
    name
        Its letters.
    texts, kinds
        (rows,) see ``Grid``.
    """

    name: str
    texts: pl.Series
    kinds: pl.Series

    def of_kind(self, kind: int, pattern: str = "") -> pl.Series:
        """(rows,) whether a cell is of a kind, and its text fits a pattern."""
        here = self.kinds == kind
        return here & self.texts.str.contains(pattern).fill_null(value=False) if pattern else here


@dataclass(frozen=True)
class Damage:
    """A suspicion about cells of a column.

    Attributes
    ----------
    code, level, message, mend
        See ``Finding``.
    cells
        (rows,) which cells.
    """

    code: str
    level: Level
    message: str
    mend: str
    cells: pl.Series


def find_excel_damage(grid: Grid) -> tuple[Finding, ...]:
    """Return what a spreadsheet program probably did to a sheet.

    Parameters
    ----------
    grid
        The sheet.

    Returns
    -------
    tuple of Finding
        With the sheet, the rows in the file and the column's letters.

    Examples
    --------
    >>> from dayzero.io.grid import DATE, TEXT
    >>> genes = pl.DataFrame({"A": ["TP53", "IKZF1", "PAX5", "CDKN2A", "MYC1", "2021-03-01"]})
    >>> kinds = pl.DataFrame({"A": [TEXT] * 5 + [DATE]}, schema={"A": pl.UInt8})
    >>> [(found.code, found.rows, found.column) for found in find_excel_damage(Grid("a.xlsx", "S", genes, kinds))]
    [('excel-dates-among-codes', (6,), 'A')]
    """
    columns = [Column(name, grid.frame[name], grid.kinds[name]) for name in grid.frame.columns]
    return tuple(
        Finding(
            damage.level,
            damage.code,
            damage.message,
            mend=damage.mend,
            table=grid.name,
            rows=tuple(row + grid.first_row for row in damage.cells.arg_true().to_list()),
            column=column.name,
        )
        for column in columns
        for rule in _RULES
        for damage in rule(column)
        if damage.cells.any()
    )


def _digits_lost(column: Column) -> Iterable[Damage]:
    """Numbers of more than fifteen digits, and identifiers written as 1.23E+15."""
    numbers = column.texts.set(column.kinds != NUMBER, None).cast(pl.Float64, strict=False).abs()
    many = ((numbers > _EXACT) & (numbers == numbers.floor())).fill_null(value=False)
    message = "Numbers of more than fifteen digits: the spreadsheet program has put zeros for the digits beyond."
    mend = "Format the column as text, and enter them anew from the source."
    yield Damage("excel-digits-lost", "error", message, mend, many | column.of_kind(TEXT, _SCIENTIFIC))


def _dates_among_codes(column: Column) -> Iterable[Damage]:
    """MARCH1 and 2-10 become dates."""
    dates, codes = column.of_kind(DATE), column.of_kind(TEXT) & ~column.of_kind(TEXT, _DATE)
    if _is_exception(dates, codes):
        message = "Dates in a column of texts: codes such as MARCH1 or 2-10 become dates when they are typed."
        mend = "Format the column as text, and enter them anew from the source."
        yield Damage("excel-dates-among-codes", "warning", message, mend, dates)


def _numbers_among_codes(column: Column) -> Iterable[Damage]:
    """1E5 becomes 100000."""
    numbers, codes = column.of_kind(NUMBER, _ROUND), column.of_kind(TEXT, _CODE)
    if _is_exception(numbers, codes):
        message = "Round numbers in a column of codes: a code such as 1E5 becomes 100000 when it is typed."
        mend = "Format the column as text, and enter them anew from the source."
        yield Damage("excel-numbers-among-codes", "warning", message, mend, numbers)


def _text_dates(column: Column) -> Iterable[Damage]:
    """Real dates beside dates that are text: those with a day above 12 stayed text, the others may be swapped."""
    texts = column.of_kind(TEXT, _DATE)
    if column.of_kind(DATE).any():
        message = (
            "Dates written as text beside real dates: typed in another order than the program's own, 25/04/2021 stays "
            "text and 03/04/2021 becomes a date with day and month exchanged."
        )
        mend = "Compare the column's real dates with the source, and enter all dates in one way."
        yield Damage("excel-text-dates", "warning", message, mend, texts)


def _text_numbers(column: Column) -> Iterable[Damage]:
    """Numbers stored as text beside numbers."""
    if column.of_kind(NUMBER).any():
        message = "Numbers stored as text beside numbers: 007 and 7 differ here, and so do 1,5 and 1.5."
        mend = "Enter the column in one way: as text for codes, as numbers for measurements."
        yield Damage("excel-text-numbers", "warning", message, mend, column.of_kind(TEXT, _NUMBER))


def _zeros_lost(column: Column) -> Iterable[Damage]:
    """007 becomes 7: identifiers are numbers of several lengths."""
    top = column.texts.head(_HEADER_ROWS).filter(column.kinds.head(_HEADER_ROWS) == TEXT)
    numbers = column.of_kind(NUMBER, r"^[0-9]+$")
    ids = column.texts.filter(numbers)
    if not top.str.contains(_IDENTIFIER).any() or len(ids) < 2 or ids.str.len_chars().n_unique() < 2:
        return
    values = sorted(map(int, ids))
    if ids.n_unique() < len(ids) or values[-1] - values[0] + 1 == len(ids):
        return
    message = "Identifiers that are numbers of several lengths: zeros at their beginning are lost when they are typed."
    mend = "Compare them with the source; format the column as text."
    short = column.texts.str.len_chars() < len(str(values[-1]))
    yield Damage("excel-zeros-lost", "warning", message, mend, (numbers & short).fill_null(value=False))


def _early_dates(column: Column) -> Iterable[Damage]:
    """Small numbers shown as dates."""
    message = "Dates between 1899 and 1904: mostly numbers, such as an age, in cells that are formatted as dates."
    mend = "Format the cells as numbers, or correct the dates."
    yield Damage("excel-early-dates", "warning", message, mend, column.of_kind(DATE, "^(1899|190[0-4])-"))


def _is_exception(few: pl.Series, many: pl.Series) -> bool:
    exceptions, others = int(few.sum()), int(many.sum())
    return exceptions > 0 and others >= _HEADER_ROWS and exceptions <= FEW * (exceptions + others)


_RULES: Final[tuple[Callable[[Column], Iterable[Damage]], ...]] = (
    _digits_lost,
    _zeros_lost,
    _dates_among_codes,
    _numbers_among_codes,
    _text_dates,
    _text_numbers,
    _early_dates,
)
