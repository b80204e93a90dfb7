"""Published figures, counted in a virtual cohort the way that the documents say they were counted."""

from functools import lru_cache

import numpy as np
import polars as pl
from scipy.special import betaincinv

from dayzero import aalen_johansen
from dayzero.endpoints import derive_spells
from dayzero.protocol import read_protocol
from dayzero.protocol.builtin import protocol_file
from dayzero.simulate import Cohort
from dayzero.simulate.plan import Target


def implied(value: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact (Clopper-Pearson) limits of a proportion seen in n; of a Kaplan-Meier rate they are a little narrow."""
    x, tail = value * n, (1 - level) / 2
    low = float(betaincinv(x, n - x + 1, tail)) if x > 0 else 0.0
    return low, float(betaincinv(x + 1, n - x, 1 - tail)) if x < n else 1.0


def figure(cohort: Cohort, target: Target) -> float:
    """The figure in a virtual cohort."""
    who = members(cohort, target.group)
    if target.day is not None:
        return _survival(cohort, target, who)
    has = {
        "cr": lambda: _has(cohort, pl.col("value").is_in(["CR", "CRi"]) & (pl.col("event") == "response"), 90),
        "mrd_negative": lambda: _mrd_negative(cohort),
        "crs_severe": lambda: _has(cohort, (pl.col("event") == "crs") & pl.col("value").is_in(["3", "4", "5"]), 30),
        "hsct": lambda: _has(cohort, pl.col("event") == "hsct", None),
        "reinfusion": lambda: _has(cohort, (pl.col("event") == "infusion") & (pl.col("number") == "2"), None),
        "emd_cr": lambda: _has(cohort, (pl.col("emd_response") == "cr") & (pl.col("event") == "response"), 90),
        "isolated_emd": lambda: _is(cohort, "relapse_type", "isolated extramedullary"),
    }[target.figure]()
    return float(has[who].mean())


def members(cohort: Cohort, group: str) -> np.ndarray:
    hsct = _has(cohort, pl.col("event") == "hsct", None)
    again = _has(cohort, (pl.col("event") == "infusion") & (pl.col("number") == "2"), None) & ~hsct
    if group in {"hsct", "reinfusion", "neither"}:
        return {"hsct": hsct, "reinfusion": again, "neither": ~hsct & ~again}[group]
    evaluable = _has(cohort, pl.col("event") == "response", 90)
    if group in {"", "evaluable"}:
        return evaluable if group else np.ones(len(hsct), bool)
    if group == "those with it":
        return _is(cohort, "emd", "yes")
    mrd = _is(cohort, "disease_status", "MRD")
    return {"MRD": mrd, "relapsed or refractory": ~mrd, "relapsed or refractory, evaluable": ~mrd & evaluable}[group]


def _has(cohort: Cohort, condition: pl.Expr, within: int | None) -> np.ndarray:
    """Who has such an event on the day of the first infusion or later, and within so many days of it."""
    days = (pl.col("date") - _infused(cohort)).dt.total_days()
    rows = cohort.events.filter((days >= 0) & (days <= (within or 100_000)) & condition)
    return cohort.patients["patient"].is_in(rows["patient"].unique().implode()).to_numpy()


def _is(cohort: Cohort, column: str, level: str) -> np.ndarray:
    return (cohort.patients[column] == level).to_numpy()


def _infused(cohort: Cohort) -> pl.Expr:
    first = (pl.col("event") == "infusion") & (pl.col("number") == "1")
    return pl.col("date").filter(first).first().over("patient")


def _mrd_negative(cohort: Cohort) -> np.ndarray:
    """Who has a sample below 1e-4 in the first 90 days, before a transplant; who was lost has none."""
    assert cohort.mrd is not None
    infused = cohort.events.filter((pl.col("event") == "infusion") & (pl.col("number") == "1"))
    rows = cohort.mrd.join(infused.select("patient", start="date"), on="patient").filter(
        ((pl.col("date") - pl.col("start")).dt.total_days() <= 100) & (pl.col("value").fill_null(0.0) < 1e-4)
    )
    return cohort.patients["patient"].is_in(rows["patient"].unique().implode()).to_numpy()


@lru_cache
def protocol_of(name: str):
    return read_protocol(protocol_file(name))


def _survival(cohort: Cohort, target: Target, who: np.ndarray) -> float:
    endpoint = protocol_of(cohort.simulation.header.protocol).endpoint(target.figure)
    spells = derive_spells(cohort.history, endpoint)
    ids = pl.Series(cohort.patients["patient"].filter(pl.Series(who)))
    chosen = spells.patients["patient"].is_in(ids.implode()).to_numpy()
    frame = aalen_johansen(spells.where(chosen[spells.patient]), times=[target.day]).rows
    row = frame.filter((pl.col("statistic") == "survival") & (pl.col("time") == target.day))
    return float(row["estimate"][0])
