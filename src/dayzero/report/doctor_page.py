"""The page of ``dayzero doctor``: what to look up, for the person who keeps the data. It carries no patient's value."""

import base64
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from dayzero import __version__
from dayzero.errors import Finding, Level
from dayzero.report.hypertext import FILES, style_sheet, summary_of, template
from dayzero.report.page_file import write_page


@dataclass(frozen=True)
class Place:
    """Where to look: rows of one column of one sheet.

    Attributes
    ----------
    sheet
        The file, and the sheet of a workbook, in words.
    column
        The column in words, empty where the whole row is meant.
    rows
        Row numbers, as a spreadsheet counts them.
    """

    sheet: str
    column: str = ""
    rows: tuple[int, ...] = ()

    def __str__(self) -> str:
        """Say where to look, without the rows."""
        return f"{self.sheet}, column {self.column}" if self.column else self.sheet


@dataclass(frozen=True)
class Item:
    """One thing to look up.

    Attributes
    ----------
    level, code, heading, what, mend
        Those of the finding; ``heading`` is its name in words.
    changes
        What it would change in the results, in words.
    moves
        Whether a number of the results moves, or patients are missing from them.
    places
        Where to look.
    """

    level: Level
    code: str
    heading: str
    what: str
    mend: str
    changes: tuple[str, ...]
    moves: bool
    places: tuple[Place, ...] = ()

    @property
    def n(self) -> int:
        """How many rows are to be looked at."""
        return sum(len(place.rows) for place in self.places)


@dataclass(frozen=True)
class DoctorPage:
    """What is printed.

    Attributes
    ----------
    title
        The study's.
    items
        In the order in which to look them up.
    numbers
        The numbers of the study that were held against the data, as they are now.
    facts
        What else is known, label to text.
    synthetic
        Whether the data are made up.
    """

    title: str
    items: tuple[Item, ...]
    numbers: tuple[tuple[str, str], ...] = ()
    facts: Mapping[str, str] = field(default_factory=dict)
    synthetic: bool = False


def render_doctor(page: DoctorPage) -> str:
    """Return the page as one HTML file, without script and without any address outside."""
    from markupsafe import Markup

    css = _style_sheet()
    text = template("doctor.html.j2").render(
        page=page,
        css=Markup(css),  # noqa: S704  # our own files
        digest=base64.b64encode(hashlib.sha256(css.encode()).digest()).decode(),
        version=__version__,
        found=summary_of(Finding(item.level, item.code, item.what) for item in page.items),
        cells=sum(item.n for item in page.items),
    )
    return f"{text}\n"


def write_doctor(page: DoctorPage, path: Path) -> None:
    """Write the page into a file, which is replaced as a whole.

    Raises
    ------
    InputError
        Where the file cannot be written.
    """
    write_page(render_doctor(page), path)


@lru_cache(maxsize=1)
def _style_sheet() -> str:
    return style_sheet() + (FILES / "doctor.css").read_text(encoding="utf-8")


def rows_words(places: Iterable[Place], most: int = 5) -> str:
    """Say where to look, with the first rows of each place, a place a line.

    Examples
    --------
    >>> rows_words([Place("events.csv", "date", tuple(range(2, 10)))])
    'events.csv, column date, rows 2, 3, 4, 5, 6 and 3 more'
    """
    return "\n".join(f"{place}{_rows(place.rows, most)}" for place in places)


def _rows(rows: tuple[int, ...], most: int) -> str:
    if not rows:
        return ""
    more = f" and {len(rows) - most:,} more" if len(rows) > most else ""
    return f", row{'s' if len(rows) > 1 else ''} {', '.join(map(str, rows[:most]))}{more}"
