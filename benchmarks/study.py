"""End to end: a study of many patients, from CSV to spells and to the whole report, in a process of its own.

``python -m benchmarks.study make FOLDER PATIENTS`` writes a study of that many patients with about eight events each;
``python -m benchmarks.study spells FOLDER`` and ``... report FOLDER`` read it and print one line of JSON.
"""

import json
import resource
import sys
import time
from pathlib import Path

import numpy as np
import polars as pl

STUDY = """[study]
title = "A made-up study of many patients"
synthetic = true

[definitions]
cr = "response=CR|CRi after infusion:1"

[[analysis]]
kind = "curve"
endpoint = "rfs"
by = "risk"
times = [365, 730]

[[analysis]]
kind = "curve"
endpoint = "relapse"
by = "risk"
times = [365, 730]

[[analysis]]
kind = "cox"
endpoint = "os"
terms = ["risk", "age", "hsct"]
"""
SHARES = {"bridging": 0.7, "crs": 0.8, "icans": 0.3, "relapse": 0.45, "hsct": 0.35, "death": 0.5}


def make(folder: Path, n: int) -> None:
    """Write the study: the events in an order of chance, responses with values, toxicities with grades."""
    rng = np.random.default_rng(n)
    folder.mkdir(parents=True, exist_ok=True)
    patients = pl.DataFrame({
        "patient": np.char.add("P", np.arange(n).astype(str)),
        "age": rng.integers(18, 80, n),
        "risk": np.where(rng.random(n) < 0.4, "high", "standard"),
    })  # fmt: skip
    events = pl.concat(_events(rng, n)).sample(fraction=1.0, shuffle=True, seed=1)
    events = events.with_columns(
        ("P" + pl.col("patient").cast(pl.String)).alias("patient"),
        pl.col("date").cast(pl.Int32).cast(pl.Date).cast(pl.String),
    )
    patients.write_csv(folder / "patients.csv")
    events.write_csv(folder / "events.csv")
    (folder / "study.toml").write_text(STUDY)


def _events(rng: np.random.Generator, n: int) -> list[pl.DataFrame]:
    everybody = np.arange(n)
    diagnosis = rng.integers(15000, 17500, n)
    infusion = diagnosis + rng.integers(60, 400, n)
    end = infusion + np.ceil(rng.exponential(900.0, n)).astype(np.int64) + 29
    grade, response = (
        rng.integers(1, 5, n).astype(str),
        rng.choice(["CR", "CRi", "PR", "NR"], n, p=[0.6, 0.2, 0.1, 0.1]),
    )
    remission = np.isin(response, ["CR", "CRi"])
    parts = [
        _frame(everybody, "diagnosis", diagnosis),
        _frame(everybody, "apheresis", infusion - 40),
        _frame(everybody, "infusion", infusion),
        _frame(everybody, "response", infusion + 28, response),
        _frame(everybody, "last_contact", end),
    ]
    relapsing = {"relapse", "hsct"}
    for name, share in SHARES.items():
        chosen = rng.random(n) < share
        who = np.flatnonzero(chosen & remission if name == "relapse" else chosen)
        day = infusion[who] + rng.integers(1, 12, len(who))
        if name == "bridging":
            day = infusion[who] - 20
        elif name == "death":
            day = end[who]
        elif name in relapsing:
            day = infusion[who] + 29 + ((end[who] - infusion[who] - 29) * rng.random(len(who))).astype(np.int64)
        parts.append(_frame(who, name, day, grade[who] if name in {"crs", "icans"} else None))
    return parts


def _frame(patient: np.ndarray, event: str, date: np.ndarray, value: np.ndarray | None = None) -> pl.DataFrame:
    values = pl.lit(None, pl.String) if value is None else pl.Series(value)
    return pl.DataFrame({"patient": patient}).with_columns(
        pl.lit(event).alias("event"), pl.Series("date", date), values.alias("value")
    )


def run(what: str, folder: Path) -> None:
    import dayzero as dz

    began, started = time.perf_counter(), time.process_time()
    study = dz.read_study(folder / "study.toml")
    if what == "spells":
        spells = dz.derive_spells(study.history, study.protocol.endpoint("rfs"))
        assert len(spells)
    else:
        dz.run(study).write(folder / "out")
    seconds, busy = time.perf_counter() - began, time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024.0
    print(json.dumps({"seconds": [seconds], "cpu": busy, "peak": peak, "events": study.history.events.height}))


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(Path(sys.argv[2]), int(sys.argv[3]))
    else:
        run(sys.argv[1], Path(sys.argv[2]))
