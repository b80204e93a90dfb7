"""Any file with a table in it, read into grids: one registry line a format."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from dayzero.errors import InputError
from dayzero.io.delimited import Written, read_delimited
from dayzero.io.excel import read_excel
from dayzero.io.grid import Grid
from dayzero.io.ods import read_ods
from dayzero.settings import nearest, shown

Reader = Callable[[Path, str, Written], tuple[Grid, ...]]

READERS: Final[dict[str, Reader]] = {
    ".csv": read_delimited,
    ".tsv": read_delimited,
    ".txt": read_delimited,
    ".xlsx": read_excel,
    ".xlsm": read_excel,
    ".ods": read_ods,
}


def read_grids(
    path: Path, *, name: str, encoding: str = "", separator: str = "", decimal: str = ""
) -> tuple[Grid, ...]:
    """Read every sheet of a file, as it stands.

    Parameters
    ----------
    path
        The file; its name's end tells the format: .csv .tsv .txt, .xlsx .xlsm, .ods.
    name
        Its name in messages.
    encoding, separator, decimal
        How a text file is written, where declared: ``utf-8``, ``utf-16``, ``cp1252``, ``cp932``, ``gb18030``; one of
        ``, ; tab |``; the decimal mark, ``.`` or ``,`` (a decimal comma tells that the comma is no separator).

    Raises
    ------
    InputError
        Where the file cannot be used; see the reader of its format.
    """
    file = shown(name)
    end = path.suffix.lower()
    if end not in READERS:
        known = ", ".join(READERS)
        near = nearest(end, READERS) if end else None
        mend = f"Save it as one of {known}." if near is None else f"Did you mean {near}? Known are {known}."
        raise InputError("not a kind of file that is known", mend=mend, file=file)
    return READERS[end](path, file, Written(encoding, separator, decimal))
