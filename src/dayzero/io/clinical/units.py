"""Units at the door: every quantity in the one unit in which the rules are written."""

import re
import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Final

_POWER: Final = re.compile(r"^(/?)[x*]?10(?:\^|\*\*|\*|e|exp)(-?\d+)")
_TIMES: Final = re.compile(r"^[x*](?=1e-?\d)")


@dataclass(frozen=True)
class Unit:
    """A unit of a dimension: canonical = (written - zero) * times / by.

    Attributes
    ----------
    name
        As it is best written.
    zero, times, by
        How it is converted; a factor that divides is kept as a divisor, so that 500/uL is 0.5e9/L exactly.
    """

    name: str
    zero: float = 0.0
    times: float = 1.0
    by: float = 1.0


@dataclass(frozen=True)
class Dimension:
    """What can be converted into each other.

    Attributes
    ----------
    name
        For example ``cells``.
    canonical
        The unit of the typed tables.
    spellings
        The units, by every spelling in the form of ``plain_unit``.
    """

    name: str
    canonical: str
    spellings: Mapping[str, Unit]

    @property
    def names(self) -> tuple[str, ...]:
        """The units as they are best written."""
        return tuple(dict.fromkeys(unit.name for unit in self.spellings.values()))


@cache
def dimensions() -> Mapping[str, Dimension]:
    """Return every dimension by its name."""
    read = tomllib.loads(files("dayzero.io.clinical").joinpath("units.toml").read_text("utf-8"))
    return MappingProxyType({name: _dimension(name, what) for name, what in read.items()})


def _dimension(name: str, what: Mapping[str, Any]) -> Dimension:
    spellings: dict[str, Unit] = {}
    for unit, how in what["units"].items():
        made = Unit(unit, how.get("zero", 0.0), how.get("times", 1.0), how.get("by", 1.0))
        spellings |= dict.fromkeys(map(plain_unit, (unit, *how.get("also", ()))), made)
    return Dimension(name, what["canonical"], MappingProxyType(spellings))


def plain_unit(text: str) -> str:
    """Return a unit in the one form in which spellings are compared.

    Examples
    --------
    >>> [plain_unit(text) for text in ("x10^9/L", "10*9 / L", "10⁹/L", "K/µL", "per_ul", "mcg/L", "Cells/mm³")]
    ['1e9/l', '1e9/l', '1e9/l', 'k/ul', '/ul', 'ug/l', 'cells/mm3']
    """
    raised = re.sub(r"(?<=10)([⁰¹²³⁴-⁹]+)", r"^\1", text)
    plain = unicodedata.normalize("NFKC", raised).replace("μ", "u").replace("×", "x").casefold()
    plain = re.sub(r"[\s_]+", "", re.sub(r"(^|[\s_])per[\s_]+", "/", plain)).replace("mcg", "ug").replace("mcl", "ul")
    plain = plain.replace("litre", "l").replace("liter", "l").replace("mm^3", "mm3")
    return _TIMES.sub("", _POWER.sub(r"\g<1>1e\2", plain))


def unit_named(dimension: Dimension, text: str) -> Unit | None:
    """Return the unit that a text means, as a unit column or the end of a column's name writes it.

    Examples
    --------
    >>> [unit_named(dimensions()["ferritin"], text).name for text in ("ng_ml", "µg/L")]
    ['ng/mL', 'ng/mL']
    """
    for written in (text, text.replace("_", "/")):
        if found := dimension.spellings.get(plain_unit(written)):
            return found
    return None


def unit_fault(dimension: Dimension, text: str) -> tuple[str, str]:
    """Return the fault and the mend of a unit that a dimension does not have; the text itself is not repeated."""
    elsewhere = any(unit_named(other, text) for other in dimensions().values())
    fault = f"a unit, but not one of {spoken(dimension.name)}" if elsewhere else "not a unit that is known"
    return fault, f"Write one of {', '.join(dimension.names)}."


def spoken(name: str) -> str:
    """Return a dimension's name in words."""
    special = {"subset": "cells per uL", "il2_receptor": "soluble IL-2 receptor", "vital": "a vital sign"}
    return special.get(name, name.replace("_", " "))
