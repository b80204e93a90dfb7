"""MRD as an assay sees it: a schedule of visits, what is truly there by state, noise, and a limit of detection."""

import numpy as np
import numpy.typing as npt
import polars as pl

from dayzero.simulate.covariates import normal
from dayzero.simulate.ledger import Scene, entered_by, whole
from dayzero.simulate.plan import Mrd
from dayzero.simulate.random import Floats, Ints

Bools = npt.NDArray[np.bool_]
MONTH = 30.4375
_PLACE = 1 << 10
"""Visits draw as marks beyond all marks: visit k of a schedule is mark _PLACE + k."""


def mrd_samples(scene: Scene, mrd: Mrd) -> pl.DataFrame:
    """Return a row a sample: ``patient``, ``day`` from the start, ``value`` (null below the limit), ``detected``."""
    parts = [_visit(scene, mrd, place, month) for place, month in enumerate(mrd.months)]
    return pl.concat(parts).sort("patient", "day", maintain_order=True)


def _visit(scene: Scene, mrd: Mrd, place: int, month: float) -> pl.DataFrame:
    """Return the samples of one visit of every schedule that is still going on."""
    rows = scene.rows(mrd.after)
    visits, number = scene.visits, _PLACE + 2 * place
    early = mrd.jitter * (2 * scene.uniforms(rows, number, 0) - 1)
    day = np.maximum(visits.enter[rows] + month * MONTH + early, visits.enter[rows])
    taken = (scene.uniforms(rows, number, 1) >= mrd.missed) & (day < _next_schedule(scene, rows))
    state = visits.state[entered_by(visits, visits.patient[rows], day)]
    quantiles = scene.uniforms(rows, number, 2), scene.uniforms(rows, number + 1, 0)
    level, known = _level(scene, mrd, state, *quantiles)
    taken &= known
    value = np.minimum(10.0 ** level[taken], 1.0)
    seen = value >= mrd.lod
    frame = pl.DataFrame({"patient": visits.patient[rows[taken]], "day": whole(day[taken])})
    values = pl.Series("value", np.round(value * 1e9) / 1e9)
    return frame.with_columns(values.set(pl.Series(~seen), None), detected=pl.Series(seen))


def _next_schedule(scene: Scene, rows: Ints) -> Floats:
    """Return (rows,) the day on which the patient's next schedule begins; +inf where there is none."""
    visits = scene.visits
    following = np.full(len(rows), np.inf)
    same = visits.patient[rows][1:] == visits.patient[rows][:-1]
    following[:-1][same] = visits.enter[rows[1:]][same]
    return following


def _level(scene: Scene, mrd: Mrd, state: Ints, uniform: Floats, noise: Floats) -> tuple[Floats, Bools]:
    """Return (rows,) the measured logarithm, and whether the state has one."""
    names = [each.name for each in scene.simulation.states]
    level, known = np.zeros(len(state)), np.zeros(len(state), bool)
    for name, spec in mrd.levels.items():
        here = state == names.index(name)
        limits = spec.lowest, spec.highest
        level[here] = normal(uniform[here], mean=spec.mean, sd=spec.sd, limits=limits)
        known |= here
    if mrd.noise:
        level = level + normal(noise, mean=0.0, sd=mrd.noise, limits=(None, None))
    return level, known
