"""Which column of the file is which column of the schema, and where its unit stands."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final

from dayzero.io.clinical.schema import SPANS, Column, Table
from dayzero.io.clinical.source import Source
from dayzero.io.clinical.units import Dimension, dimensions, unit_named
from dayzero.settings import shown

_CLOSE: Final = 0.85
CLOCK: Final = ("date", "day")
END: Final = ("end_date", "end_day")


@dataclass(frozen=True)
class Place:
    """Where a column of the schema stands.

    Attributes
    ----------
    column
        What it holds.
    header
        Its header; empty where the file does not have it.
    unit_header
        The header of the column of its units; empty where there is none.
    suffix
        The unit in its header, as written; empty where there is none.
    """

    column: Column
    header: str = ""
    unit_header: str = ""
    suffix: str = ""


def find_places(source: Source, table: Table) -> Mapping[str, Place]:
    """Return where every column of the schema stands in the file.

    Raises
    ------
    InputError
        Where a required column is missing, one stands twice, or a column that is not known is named almost like one.
    """
    headers = source.frame.columns
    places = {column.name: _place(source, column, table) for column in table.values()}
    used = {name for place in places.values() for name in (place.header, place.unit_header)}
    optional = {f"{column.name}_unit" for column in table.values() if column.kind == "quantity"}
    optional |= {"unit"} if "value" in table else set()
    spans = END if source.table in SPANS else ()
    _refuse_near(source, [h for h in headers if h not in used], ["patient", *CLOCK, *spans, *places, *optional])
    for place in places.values():
        if place.column.required and not place.header:
            raise source.lacks(place.column.name)
    return places


def refuse_near(source: Source, known: Sequence[str]) -> None:
    """Refuse a column that is named almost like a known one that is not there."""
    _refuse_near(source, source.frame.columns, known)


def _refuse_near(source: Source, headers: Iterable[str], known: Sequence[str]) -> None:
    absent = [name for name in known if name not in source.frame.columns]
    for header in headers:
        near = [] if header in known else get_close_matches(header.strip().lower(), absent, 1, _CLOSE)
        if near:
            mend = f"Name it {near[0]!r}, or rename it further."
            raise source.header_fault(f"a column {shown(header)!r} that is not known", mend)


def _place(source: Source, column: Column, table: Table) -> Place:
    headers = source.frame.columns
    if column.kind != "quantity":
        return Place(column, column.name if column.name in headers else "")
    suffixed = [header for header in headers if header not in table and _suffix(column, header)]
    found = [column.name] * (column.name in headers) + suffixed
    if len(found) > 1:
        names = " and ".join(repr(shown(header)) for header in found)
        raise source.header_fault(f"columns {names} for one thing", "Keep one of them.")
    if not found:
        _refuse_without_unit(source, column, table)
        return Place(column)
    return Place(column, found[0], _unit_header(source, column, table), _suffix(column, found[0]))


def _refuse_without_unit(source: Source, column: Column, table: Table) -> None:
    """Refuse ``blasts_perc`` where there is no ``blasts``: it would be unknown without a word."""
    for header in source.frame.columns:
        if header.startswith(f"{column.name}_") and header not in table and header != f"{column.name}_unit":
            mend = f"Name it {column.name!r} and give it a column '{column.name}_unit', or rename it further."
            raise source.header_fault(f"a column {shown(header)!r} without a unit that is known", mend)


def _suffix(column: Column, header: str) -> str:
    """Return the unit in a header; empty where there is none."""
    if not header.startswith(f"{column.name}_"):
        return ""
    suffix = header.removeprefix(f"{column.name}_")
    return suffix if any(unit_named(d, suffix) for d in dimensions_of(column)) else ""


def dimensions_of(column: Column) -> Iterable[Dimension]:
    """Return the dimensions that a column can have."""
    return dimensions().values() if column.dimension == "analyte" else (dimensions()[column.dimension],)


def _unit_header(source: Source, column: Column, table: Table) -> str:
    own = f"{column.name}_unit"
    if own in source.frame.columns:
        return own
    if "unit" not in source.frame.columns:
        return ""
    if "value" not in table:
        quantities = " or ".join(f"'{name}_unit'" for name, other in table.items() if other.kind == "quantity")
        raise source.header_fault("a column 'unit', but several quantities", f"Name it {quantities}.")
    return "unit"
