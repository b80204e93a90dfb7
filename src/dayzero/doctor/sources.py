"""From a baseline column to the column of the sheet that a mapping makes it of, and back."""

from collections.abc import Iterator, Mapping
from typing import Any

from dayzero.errors import Finding
from dayzero.io.grid import named


def baseline_named(toml: Mapping[str, Any], finding: Finding) -> str:
    """Return the baseline column that a mapping makes of the column of a sheet; empty where none.

    Examples
    --------
    >>> toml = {"map": {"sheet": [{"file": "a.xlsx", "sheet": "S", "columns": {"age": "Age (y)"}}]}}
    >>> found = Finding("error", "not-a-number", "", table="a.xlsx, sheet S", column="C (Age (y))")
    >>> baseline_named(toml, found), column_of(toml, "a.xlsx, sheet S", Finding("warning", "", "", column="age"))
    ('age', 'Age (y)')
    """
    letter, _, header = finding.column.partition(" (")
    for table, name, source in _columns(toml):
        if _is(table, finding.table) and source in {f"@{letter}", header.removesuffix(")")}:
            return name
    return ""


def column_of(toml: Mapping[str, Any], table: str, finding: Finding) -> str:
    """Return the column of a sheet that a mapping makes a finding's baseline column of; empty where none."""
    return next((source for at, name, source in _columns(toml) if name == finding.column and _is(at, table)), "")


def _is(mapped: str, table: str) -> bool:
    """Return whether a sheet that is mapped is the one of a message: a file's only sheet need not be named."""
    return table == mapped or table.startswith(f"{mapped}, ")


def _columns(toml: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield the sheet, the name and the source of every baseline column of a mapping."""
    for sheet in toml.get("map", {}).get("sheet", ()):
        for name, source in sheet.get("columns", {}).items():
            text = source if isinstance(source, str) else source.get("column", "")
            yield named(sheet.get("file", ""), sheet.get("sheet", "")), name, text
