"""Units: which can be converted into which, and how."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from dayzero.errors import InputError
from dayzero.settings import nearest, shown


@dataclass(frozen=True)
class Conversion:
    """A number in one unit, times ``factor`` plus ``offset``, is the number in another."""

    factor: float
    offset: float = 0.0


_SAME: Final = Conversion(1.0)
_PER_UL: Final = Conversion(1e-3)
# (from, to, of what): the last is empty where the conversion does not depend on the substance. Sources: the
# definitions of pound, inch and degree; dayzero's own months and years; laboratory factors by molar mass.
_CONVERSIONS: Final[Mapping[tuple[str, str, str], Conversion]] = {
    ("lb", "kg", ""): Conversion(0.45359237),
    ("g", "kg", ""): Conversion(1e-3),
    ("in", "cm", ""): Conversion(2.54),
    ("m", "cm", ""): Conversion(100.0),
    ("degF", "degC", ""): Conversion(5 / 9, -160 / 9),
    ("hours", "days", ""): Conversion(1 / 24),
    ("weeks", "days", ""): Conversion(7.0),
    ("months", "days", ""): Conversion(30.4375),
    ("years", "days", ""): Conversion(365.25),
    ("months", "years", ""): Conversion(30.4375 / 365.25),
    ("days", "years", ""): Conversion(1 / 365.25),
    ("/uL", "1e9/L", ""): _PER_UL,
    ("/mm3", "1e9/L", ""): _PER_UL,
    ("K/uL", "1e9/L", ""): _SAME,
    ("G/L", "1e9/L", ""): _SAME,
    ("1e3/uL", "1e9/L", ""): _SAME,
    ("g/L", "g/dL", ""): Conversion(0.1),
    ("g/L", "mg/dL", ""): Conversion(100.0),
    ("mg/L", "mg/dL", ""): Conversion(0.1),
    ("ug/L", "ng/mL", ""): _SAME,
    ("ng/L", "pg/mL", ""): _SAME,
    ("mmol/L", "g/dL", "haemoglobin"): Conversion(1.611),
    ("umol/L", "mg/dL", "bilirubin"): Conversion(1 / 17.1),
    ("pmol/L", "ng/mL", "ferritin"): Conversion(0.445),
    ("mmol/L", "mg/dL", "triglycerides"): Conversion(88.57),
    ("%", "fraction", ""): Conversion(0.01),
}
_SPELLINGS: Final[Mapping[str, str]] = {
    "lbs": "lb", "pound": "lb", "pounds": "lb", "inch": "in", "inches": "in", "°F": "degF", "F": "degF",
    "°C": "degC", "C": "degC", "day": "days", "week": "weeks", "month": "months", "year": "years", "hour": "hours",
    "percent": "%", "10^9/L": "1e9/L", "10^3/uL": "1e3/uL", "µmol/L": "umol/L", "μmol/L": "umol/L",
    "/µL": "/uL", "/μL": "/uL", "µg/L": "ug/L", "μg/L": "ug/L", "K/µL": "K/uL", "K/μL": "K/uL",
}  # fmt: skip


def conversion(unit: str, to: str, *, of: str = "") -> Conversion:
    """Return how a unit is converted.

    Parameters
    ----------
    unit, to
        From which into which.
    of
        Of what, where the conversion depends on it: a mmol of haemoglobin is no mmol of triglycerides.

    Raises
    ------
    InputError
        Where the pair is unknown.

    Examples
    --------
    >>> conversion("lb", "kg").factor
    0.45359237
    """
    pair = _SPELLINGS.get(unit, unit), _SPELLINGS.get(to, to)
    if pair[0] == pair[1]:
        return _SAME
    for substance in ("", of):
        if found := _CONVERSIONS.get((*pair, substance)):
            return found
        if found := _CONVERSIONS.get((pair[1], pair[0], substance)):
            return Conversion(1 / found.factor, -found.offset / found.factor)
    needs = sorted(of for a, b, of in _CONVERSIONS if of and {a, b} == set(pair))
    if needs:
        mend = f"Say of what: of = {' or '.join(repr(name) for name in needs)}."
        raise InputError("the conversion depends on the substance", mend=mend, column="of" if of else "unit")
    known = sorted({name for a, b, _ in _CONVERSIONS for name in (a, b)})
    near = nearest(pair[0], known) if pair[0] not in known else None
    hint = f"Did you mean {near!r}? " if near else ""
    fault = f"no conversion from {shown(unit)!r} to {shown(to)!r}"
    raise InputError(fault, mend=f"{hint}Known units are {', '.join(known)}.", column="unit")
