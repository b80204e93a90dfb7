"""Simulating a million patients and writing their event history: ``python -m benchmarks.simulation [PATIENTS]``.

The model has six states and twelve Weibull transitions fitted to R's ``mstate::ebmt4``, clock reset, ten years
(``../shared/data/ebmt4_weibull.csv``, beside the checkout). Each task runs in a process of its own with one thread; the
seconds are of the processor, the memory is the process's peak. The peer draws one patient after the other with numpy's
generator and writes with ``csv``, as simulations are first written; it runs 20,000 patients, and is scaled.
"""

import csv
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

MODEL = Path(__file__).parents[2] / "shared/data/ebmt4_weibull.csv"
STATES = ("transplanted", "recovered", "adverse_event", "recovered_adverse", "relapse", "death")
YEARS = 10.0
PEER = 20_000


def ways() -> list[tuple[int, int, float, float]]:
    with MODEL.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [(int(r["from"]) - 1, int(r["to"]) - 1, float(r["shape"]), float(r["scale"])) for r in rows]


def ours(patients: int, folder: Path) -> list[tuple[str, float]]:
    from dayzero.simulate.export import write_event_history
    from dayzero.simulate.hazards import Weibull
    from dayzero.simulate.model import Model, Way
    from dayzero.simulate.paths import simulate_paths

    out: list[list[Way]] = [[] for _ in STATES]
    for start, stop, shape, scale in ways():
        out[start].append(Way((stop,), Weibull(shape, scale)))
    model = Model(STATES, tuple(map(tuple, out)))
    simulate_paths(model, 1_000, seed=1, horizon=YEARS)
    found, began = [], time.process_time()
    paths = simulate_paths(model, patients, seed=1, horizon=YEARS)
    for name in ("sampled", "events.parquet", "events.csv"):
        if name != "sampled":
            began = time.process_time()
            write_event_history(paths, STATES, folder / name)
        found.append((name, time.process_time() - began))
    return found


def peer(patients: int, folder: Path) -> list[tuple[str, float]]:
    import numpy as np

    out: list[list[tuple[int, float, float]]] = [[] for _ in STATES]
    for start, stop, shape, scale in ways():
        out[start].append((stop, shape, scale))
    random, rows, began = np.random.default_rng(1), [], time.process_time()
    for patient in range(patients):
        state, now = 0, 0.0
        while out[state]:
            times = [scale * random.weibull(shape) for _, shape, scale in out[state]]
            first = int(np.argmin(times))
            if now + times[first] >= YEARS:
                rows.append((patient + 1, "last_contact", YEARS))
                break
            now, state = now + times[first], out[state][first][0]
            rows.append((patient + 1, STATES[state], now))
    sampled = time.process_time() - began
    began = time.process_time()
    with (folder / "peer.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("patient", "event", "day"), *rows])
    return [("sampled", sampled), ("events.csv", time.process_time() - began)]


def work(what: str, patients: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name, seconds in (ours if what == "ours" else peer)(patients, Path(folder)):
            print(f"{name} {seconds:.4f}")
    print(f"memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.3f}")


def run(what: str, patients: int) -> dict[str, float]:
    threads = {"POLARS_MAX_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.simulation", what, str(patients)]
    text = subprocess.run(command, env={**os.environ, **threads}, check=True, capture_output=True, text=True).stdout
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}


def main() -> None:
    patients = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    found, slow = run("ours", patients), run("peer", PEER)
    for name in ("sampled", "events.parquet", "events.csv"):
        ratio = f", {slow[name] / PEER * patients / found[name]:,.0f} times as fast as the peer" if name in slow else ""
        print(f"{name}: {found[name]:.2f} s for {patients:,} patients{ratio}")
    print(f"memory at its peak: {found['memory']:.2f} GiB")


if __name__ == "__main__":
    if sys.argv[1:2] in (["ours"], ["peer"]):
        work(sys.argv[1], int(sys.argv[2]))
    else:
        main()
