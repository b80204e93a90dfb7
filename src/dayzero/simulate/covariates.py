"""Covariates of virtual patients: drawn by inverting distributions, cut off where limits are given."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from dayzero.simulate.language import Criterion
from dayzero.simulate.people import Covariate
from dayzero.simulate.plan import Simulation
from dayzero.simulate.random import Floats, Ints, Keys, uniforms

Bools = npt.NDArray[np.bool_]
Columns = Mapping[str, Floats | Ints]
"""Name to (n,) numbers, or of a categorical covariate the positions of its levels."""


def draw_covariates(simulation: Simulation, keys: Keys) -> dict[str, Floats | Ints]:
    """Return (n,) values of each covariate; draw number k is that of covariate k."""
    columns: dict[str, Floats | Ints] = {}
    levels = {spec.name: tuple(spec.shares) for spec in simulation.covariates}
    for place, spec in enumerate(simulation.covariates):
        uniform = uniforms(keys, place)
        values = _drawn(spec, uniform)
        for other in spec.where:
            column, _, level = other.partition("=")
            here = columns[column] == levels[column].index(level)
            values = np.where(here, _drawn(spec.as_in(other), uniform), values)
        columns[spec.name] = values
    return columns


def _drawn(spec: Covariate, uniform: Floats) -> Floats | Ints:
    if spec.distribution == "categorical":
        return level_of(np.array(list(spec.shares.values())), uniform)
    if spec.distribution == "bernoulli":
        return (uniform < spec.probability).astype(float)
    value = _number(spec, uniform)
    return value if spec.decimals is None else np.round(value, spec.decimals)


def level_of(weights: Floats, uniform: Floats) -> Ints:
    """Return the position of the level that each uniform number falls into."""
    edges = np.cumsum(weights) / weights.sum()
    found: Ints = np.searchsorted(edges[:-1], uniform, side="right").astype(np.int64)
    return found


def _number(spec: Covariate, uniform: Floats) -> Floats:
    if spec.distribution == "uniform":
        low, high = float(spec.lowest or 0.0), float(spec.highest or 0.0)
        return np.asarray(low + (high - low) * uniform)
    if spec.distribution == "normal":
        return normal(uniform, mean=spec.mean, sd=spec.sd, limits=(spec.lowest, spec.highest))
    logs = tuple(np.log(limit) if limit else None for limit in (spec.lowest, spec.highest))
    return np.asarray(np.exp(normal(uniform, mean=float(np.log(spec.median)), sd=spec.sd, limits=(logs[0], logs[1]))))


def normal(uniform: Floats, *, mean: float, sd: float, limits: tuple[float | None, float | None]) -> Floats:
    """Return normal numbers at quantiles, cut off at limits: ``mean + sd Q(F(low) + u (F(high) - F(low)))``."""
    from scipy.special import ndtr, ndtri

    low, high = limits
    start = 0.0 if low is None else float(ndtr((low - mean) / sd))
    stop = 1.0 if high is None else float(ndtr((high - mean) / sd))
    return np.asarray(mean + sd * ndtri(start + uniform * (stop - start)))


def acting_values(simulation: Simulation, columns: Columns) -> dict[str, Floats]:
    """Return (n,) what effects act on: numbers by name, 1 or 0 for ``column=level``, and who is eligible to a way."""
    acting: dict[str, Floats] = {}
    for spec in simulation.covariates:
        if spec.distribution != "categorical":
            acting[spec.name] = np.asarray(columns[spec.name], float)
        for place, level in enumerate(spec.shares):
            acting[f"{spec.name}={level}"] = (columns[spec.name] == place).astype(float)
    levels = {spec.name: tuple(spec.shares) for spec in simulation.covariates}
    for place, way in enumerate(simulation.ways):
        if way.table.eligible:
            met = [_met(each, columns[each.covariate], levels[each.covariate]) for each in way.table.eligible]
            acting[eligible(place)] = np.all(met, axis=0).astype(float)
    return acting


def all_met(criteria: Sequence[Criterion], acting: Mapping[str, Floats]) -> Bools:
    """Return (n,) who meets criteria by the values that effects act on."""
    met = [
        np.any([acting[f"{each.covariate}={level}"] > 0 for level in each.values], axis=0)
        if each.values
        else _met(each, acting[each.covariate], ()) > 0
        for each in criteria
    ]
    return np.asarray(np.all(met, axis=0), bool)


def eligible(place: int) -> str:
    """Return the name under which who is eligible to a way acts."""
    return f"eligible to way {place}"


def _met(criterion: Criterion, values: Floats | Ints, levels: tuple[str, ...]) -> Floats:
    if levels:
        chosen = [place for place, level in enumerate(levels) if level in criterion.values]
        return np.isin(values, chosen).astype(float)
    low = -np.inf if criterion.at_least is None else criterion.at_least
    high = np.inf if criterion.below is None else criterion.below
    return ((values >= low) & (values < high)).astype(float)
