"""Tables from delimited text: every value as it is written, every fault with its row.

A gate stands above the parser: it reads the file once in pieces and refuses what a parser would silently mend (ragged
rows, stray quotation marks, mixed line ends) or choke on (binary files, endless fields). Only then does polars parse
the text. No message carries a value of the table: rows and header names do.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.errors import InternalError
from dayzero.io.csv_gate import pass_gate
from dayzero.io.csv_header import Form, read_form
from dayzero.io.csv_source import pieces, text_source
from dayzero.settings import open_fault, shown


@dataclass(frozen=True)
class Table:
    """A table as it stands in its file.

    Attributes
    ----------
    name
        The file's name in messages.
    frame
        (rows, columns) text as written, empty cells null. Rows without any value are left out.
    rows
        (rows,) where each row stands in the file, as a spreadsheet counts: the header is row 1, a blank row counts,
        and a row with line breaks inside quotation marks counts once.
    """

    name: str
    frame: pl.DataFrame
    rows: npt.NDArray[np.int64]


def read_csv(path: Path, *, name: str, required: Sequence[str] = ()) -> Table:
    """Read a table whose columns are separated by commas, semicolons, tabs or bars; the header tells which.

    Values stay as written: ``007``, ``NA`` and blanks around a word are kept; only names of columns are stripped.
    Empty cells, in quotation marks or not, are null.

    Parameters
    ----------
    path
        The file: UTF-8, or UTF-16 with a byte order mark; lines end with LF, CR LF or CR; quotation follows RFC 4180.
    name
        The file's name in messages.
    required
        Columns that must be there.

    Raises
    ------
    InputError
        Where the file cannot be opened, is no text or no UTF-8, has no usable header or lacks a required column, has
        rows of another length than the header, a NUL byte, a field above 1 MB, or a quotation mark that is neither
        doubled nor closed.

    Notes
    -----
    A UTF-8 file is read twice in pieces, so a file larger than the memory is refused or read, never loaded. A UTF-16
    file is held in memory.
    """
    file = shown(name)
    source = text_source(path, file=file)
    try:
        text = pieces(source)
        first = next(text)
        form = read_form(first, file=file, required=required)
        rows, quoted = pass_gate(chain([first], text), form)
        frame = parse(source, form, quoted=quoted)
    except OSError as error:
        raise open_fault(error, file=file) from None
    if frame.height != rows - 1:
        raise InternalError(f"{file}: the parser found {frame.height} rows, the gate {rows - 1}")
    return _without_blank_rows(Table(file, frame, np.arange(2, rows + 1)))


def parse(source: Path | bytes, form: Form, *, quoted: bool, header: bool = True, skip: int = 0) -> pl.DataFrame:
    """Parse text that has passed the gate.

    Parameters
    ----------
    source
        The file, or its text as UTF-8.
    form
        How it is written.
    quoted
        Whether there is a quotation mark.
    header
        Whether its first row names the columns; otherwise it is a row like any other.
    skip
        How many lines stand above it.

    Returns
    -------
    DataFrame
        (rows, columns) text, empty cells null.
    """
    frame = pl.read_csv(
        source if isinstance(source, bytes) else source.absolute(),
        has_header=header,
        skip_lines=skip,
        separator=form.separator,
        eol_char=form.line_end,
        quote_char='"' if quoted else None,
        new_columns=list(form.names),
        infer_schema=False,
        glob=False,
    )
    return frame.with_columns(pl.all().replace("", None)) if quoted else frame


def _without_blank_rows(table: Table) -> Table:
    frame = table.frame
    if not frame.width or 0 in frame.null_count().row(0):
        return table
    filled = ~frame.select(pl.all_horizontal(pl.all().is_null())).to_series().to_numpy()
    return Table(table.name, frame.filter(filled), table.rows[filled])
