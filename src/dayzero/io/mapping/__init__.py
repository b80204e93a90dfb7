"""The mapping: how the sheets of a hospital become the two tables of a study."""

from dayzero.io.mapping.apply import map_tables, read_sheets
from dayzero.io.mapping.declared import read_settings
from dayzero.io.mapping.places import Mapped, error_in_source, in_source
from dayzero.io.mapping.settings import Column, Constant, EventSettings, MapSettings, SheetSettings, When

__all__ = [
    "Column",
    "Constant",
    "EventSettings",
    "MapSettings",
    "Mapped",
    "SheetSettings",
    "When",
    "error_in_source",
    "in_source",
    "map_tables",
    "read_settings",
    "read_sheets",
]
