"""How a simulation file writes a hazard or a delay: one table, whose ``kind`` says which."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dayzero.errors import InputError
from dayzero.settings import KeyPath, Toml, parse_settings, row_of
from dayzero.simulate.hazards import Cure, Fixed, Hazard, LogNormal, Piecewise, Weibull

YEAR: Final = 365.25


@dataclass(frozen=True, kw_only=True)
class _Constant:
    rate_per_year: float

    def hazard(self) -> Hazard:
        return Piecewise((0.0,), (self.rate_per_year / YEAR,))


@dataclass(frozen=True, kw_only=True)
class _Piecewise:
    cuts: tuple[float, ...]
    rates_per_year: tuple[float, ...]

    def hazard(self) -> Hazard:
        return Piecewise(self.cuts, tuple(rate / YEAR for rate in self.rates_per_year))


@dataclass(frozen=True, kw_only=True)
class _Weibull:
    shape: float
    median_days: float

    def hazard(self) -> Hazard:
        with np.errstate(divide="ignore", over="ignore"):
            scale = self.median_days / np.log(2.0) ** (1.0 / self.shape) if self.shape > 0 else np.inf
        return Weibull(self.shape, float(scale))


@dataclass(frozen=True, kw_only=True)
class _LogNormal:
    median_days: float
    sd: float

    def hazard(self) -> Hazard:
        return LogNormal(self.median_days, self.sd)


@dataclass(frozen=True, kw_only=True)
class _Fixed:
    day: float

    def hazard(self) -> Hazard:
        return Fixed(self.day)


@dataclass(frozen=True, kw_only=True)
class _Cure:
    cured: float
    others: dict[str, object]


_KINDS: Final[Mapping[str, Any]] = {
    "constant": _Constant,
    "piecewise": _Piecewise,
    "weibull": _Weibull,
    "lognormal": _LogNormal,
    "fixed": _Fixed,
}
"""``cure`` is a share beside the table of the others."""


def read_hazard(table: Mapping[str, object], *, toml: Toml, path: KeyPath) -> Hazard:
    """Return the hazard that a table describes.

    Parameters
    ----------
    table
        ``kind`` and its parameters: ``constant`` (``rate_per_year``), ``piecewise`` (``cuts`` in days,
        ``rates_per_year``), ``weibull`` (``shape``, ``median_days``), ``lognormal`` (``median_days``, ``sd`` of the
        logarithm), ``fixed`` (``day``), ``cure`` (``cured``, ``others``: the hazard of the others).
    toml, path
        Where it stands.

    Raises
    ------
    InputError
        Where the kind is unknown, or its parameters are not those of a hazard.
    """
    kind = str(table.get("kind", ""))
    rest = {key: value for key, value in table.items() if key != "kind"}
    if kind == "cure":
        mixture = parse_settings(_Cure, rest, toml=toml, path=path)
        others = read_hazard(mixture.others, toml=toml, path=(*path, "others"))
        return _made(lambda: Cure(mixture.cured, others), toml, path)
    if kind not in _KINDS:
        mend = f"The kinds are {', '.join([*_KINDS, 'cure'])}."
        raise placed("no kind of hazard", mend, toml=toml, path=(*path, "kind"))
    spec = parse_settings(_KINDS[kind], rest, toml=toml, path=path)
    return _made(spec.hazard, toml, path)


def _made(make: Callable[[], Hazard], toml: Toml, path: KeyPath) -> Hazard:
    """Return a hazard, or say where its parameters are those of none."""
    try:
        return make()
    except InputError as error:
        raise placed(error.fault, error.mend, toml=toml, path=path) from None


def placed(fault: str, mend: str, *, toml: Toml, path: KeyPath) -> InputError:
    """Return an error at a place in the file."""
    row = row_of(toml, path)
    return InputError(fault, mend=mend, file=toml.file, row=row, column=".".join(str(step) for step in path))
