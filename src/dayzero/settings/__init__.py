"""Settings: TOML files and their tables, read so that every fault is one line with its file, row and key.

``read_toml`` reads a file, ``row_of`` finds the line on which a key stands, ``parse_settings`` turns a table into a
frozen dataclass. ``file_size``, ``open_fault``, ``nearest`` and ``shown`` serve every reader of a file.
"""

from dayzero.settings.file import file_size, nearest, open_fault, shown
from dayzero.settings.parse import parse_settings
from dayzero.settings.rows import KeyPath
from dayzero.settings.toml import Toml, read_toml, row_of
from dayzero.settings.unanswered import UNKNOWN, unanswered

__all__ = [
    "UNKNOWN",
    "KeyPath",
    "Toml",
    "file_size",
    "nearest",
    "open_fault",
    "parse_settings",
    "read_toml",
    "row_of",
    "shown",
    "unanswered",
]
