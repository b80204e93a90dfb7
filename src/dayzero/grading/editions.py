"""Editions of a scale as data: thresholds and rules, one file an edition, with its source."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from dayzero.errors import InputError


@dataclass(frozen=True)
class Edition:
    """One edition of a scale.

    Attributes
    ----------
    name
        For example ``astct-2019``.
    label
        As a page prints it.
    source
        Where it was published.
    read
        Whether the rules were held against a source; False: recalled, not read.
    rank
        Its place among the scale's editions; the first is the default.
    table
        Everything in its file.
    """

    name: str
    label: str
    source: str
    read: bool
    rank: int
    table: Mapping[str, Any]


@cache
def editions(scale: str) -> Mapping[str, Edition]:
    """Return every edition of a scale by its name, the default first.

    Parameters
    ----------
    scale
        The folder: ``crs``, ``icans``, ``agvhd``.
    """
    folder = files("dayzero.grading").joinpath("editions", scale)
    read = [_edition(file.name.removesuffix(".toml"), file.read_text("utf-8")) for file in folder.iterdir()]
    return MappingProxyType({edition.name: edition for edition in sorted(read, key=lambda e: e.rank)})


def edition(scale: str, name: str = "") -> Edition:
    """Return one edition; without a name, the default.

    Raises
    ------
    InputError
        Where there is none of that name.
    """
    known = editions(scale)
    if name and name not in known:
        raise InputError(f"no edition {name!r} of {scale}", mend=f"There are {', '.join(known)}.")
    return known[name] if name else next(iter(known.values()))


def scale_words(scale: str, name: str) -> str:
    """Return how pages name an edition: its label; a name that is no edition's stays as it is written.

    Parameters
    ----------
    scale
        What is graded: ``crs``, ``response``, also what has no editions of its own (``infection``).
    name
        The edition, as results and events have it.

    Examples
    --------
    >>> scale_words("crs", "astct-2019"), scale_words("response", "eln-2024"), scale_words("agvhd", "our own")
    ('ASTCT 2019', 'ELN 2024', 'our own')
    >>> scale_words("infection", "ctcae-5")
    'CTCAE 5.0'
    """
    own = editions(scale) if files("dayzero.grading").joinpath("editions", scale).is_dir() else {}
    known = own.get(name) or editions("crs").get(name)
    return known.label if known else name


def _edition(name: str, text: str) -> Edition:
    table = tomllib.loads(text)
    head = {key: table[key] for key in ("label", "source", "read", "rank")}
    return Edition(name=name, table=MappingProxyType(table), **head)
