"""One task by one Python peer in a process of its own: ``python -m benchmarks.worker PEER TASK FOLDER REPEATS``.

Prints one line of JSON; the numbers go to FOLDER/PEER.TASK.f64.
"""

import gc
import json
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import numpy as np

from benchmarks.data import load

PACKAGES = {"dayzero": "dayzero", "rust": "survival", "lifelines": "lifelines", "sksurv": "scikit-survival"}
NOT_OFFERED = 4  # exit code: the peer has no such task
SLOW = 10.0  # seconds: what takes longer runs once
STATUS, FORGET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def memory(what: str) -> float | None:
    """Return a figure of this process in MiB: VmRSS is what it holds, VmHWM the most that it has held."""
    if not STATUS.exists():
        return None
    lines = [line for line in STATUS.read_text().splitlines() if line.startswith(what)]
    return float(lines[0].split()[1]) / 1024.0


def main(peer: str, task: str, folder: Path, repeats: int) -> None:
    warnings.simplefilter("ignore")
    tasks = import_module(f"benchmarks.peers.{peer}").TASKS
    data = load(folder)
    if task not in tasks or (peer == "sksurv" and not np.isneginf(data["start"]).all()):
        sys.exit(NOT_OFFERED)  # scikit-survival takes no start-stop rows
    fit, read = tasks[task](data)
    gc.collect()
    if FORGET.exists():
        FORGET.write_text("5")  # the peak so far is that of reading the data
    before = memory("VmRSS")
    began = time.perf_counter()
    fitted = fit()
    first = time.perf_counter() - began
    after = memory("VmHWM")
    peak = None if after is None or before is None else after - before
    np.concatenate([np.ravel(np.asarray(part, float)) for part in read(fitted)]).tofile(folder / f"{peer}.{task}.f64")
    seconds = [first] if first > SLOW else [_timed(fit) for _ in range(repeats)]
    print(json.dumps({"seconds": seconds, "peak": peak, "version": version(PACKAGES[peer])}))


def _timed(fit: Callable[[], object]) -> float:
    began = time.perf_counter()
    fit()
    return time.perf_counter() - began


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
