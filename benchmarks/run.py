"""Run the benchmarks and print the table: ``python -m benchmarks.run [--write] [--quick] [--minimum] [TASK ...]``.

Every cell is made in a process of its own, on data that all peers read from one file.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import table
from benchmarks.data import make, save
from benchmarks.peers import PYTHON
from benchmarks.worker import NOT_OFFERED, PACKAGES

HERE = Path(__file__).parent
SIZES = (300, 10_000, 100_000, 1_000_000)
PATIENTS = 1_000_000
REPEATS = 7
LIMIT = 60.0  # seconds: a peer that needs longer for one fit is skipped at that size and at larger ones
LOADING = 40.0  # seconds for a process to start and to read its data

# task, kind of data, sizes
TASKS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("make_spells", "days", SIZES),
    ("make_spells", "continuous", SIZES),
    ("kaplan_meier", "days", SIZES),
    ("kaplan_meier", "continuous", SIZES),
    ("aalen_johansen", "days", SIZES),
    ("aalen_johansen", "continuous", SIZES),
    ("logrank", "days", SIZES),
    ("logrank", "continuous", SIZES),
    ("gray", "days", SIZES[:3]),
    ("cox", "days", SIZES),
    ("cox", "continuous", SIZES),
    ("cox", "switch", SIZES),
    ("bootstrap", "days", SIZES[:1]),
)
EVERY = (*PYTHON, "r")
TO_THOUSAND = 20.0  # peers make 50 bootstrap fits


@dataclass
class Cell:
    """What one peer did: ``fault`` says why there is no number."""

    seconds: list[float] = field(default_factory=list)
    peak: float | None = None
    difference: float | None = None
    fault: str = ""
    version: str = ""

    def time(self, *, minimum: bool) -> float:
        return min(self.seconds) if minimum else statistics.median(self.seconds)


def main() -> None:
    arguments = _arguments()
    rows: list[tuple[str, str, int, dict[str, Cell]]] = []
    slow: set[tuple[str, str, str]] = set()
    with tempfile.TemporaryDirectory() as scratch:
        study = _study(Path(scratch), PATIENTS // 100 if arguments.quick else PATIENTS) if not arguments.tasks else []
        for task, kind, sizes in TASKS:
            if arguments.tasks and task not in arguments.tasks:
                continue
            for n in sizes[:2] if arguments.quick else sizes:
                folder = Path(scratch) / f"{kind}{n}"
                if not folder.exists():
                    save(make(kind, n, folder))
                cells = {}
                for peer in EVERY:
                    if (peer, task, kind) not in slow:
                        cells[peer] = _cell(peer, task, folder)
                        if cells[peer].fault.startswith(">"):
                            slow.add((peer, task, kind))
                    else:
                        cells[peer] = Cell(fault=f"> {LIMIT:.0f} s before")
                    print(task, kind, n, peer, cells[peer].fault or f"{cells[peer].time(minimum=True):.6f}", flush=True)
                rows.append((task, kind, n, cells))
    text = "\n".join([*machine(arguments.minimum, rows), "", *table.lines(rows, minimum=arguments.minimum), "", *study])
    print(text)
    if arguments.write:
        table.write(HERE / "README.md", text)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Time dayzero and its peers.")
    parser.add_argument(
        "tasks", nargs="*", help="only these tasks: " + ", ".join(dict.fromkeys(t for t, _, _ in TASKS))
    )
    parser.add_argument("--write", action="store_true", help="put the table into README.md")
    parser.add_argument("--quick", action="store_true", help="small sizes only")
    parser.add_argument(
        "--minimum", action="store_true", help="the smallest time, not the median: for a shared machine"
    )
    return parser.parse_args()


def _cell(peer: str, task: str, folder: Path) -> Cell:
    command = _command(peer, task, folder)
    if isinstance(command, Cell):
        return command
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=LIMIT + LOADING, cwd=HERE.parent, check=False
        )
    except subprocess.TimeoutExpired:
        return Cell(fault=f"> {LIMIT:.0f} s")
    if done.returncode == NOT_OFFERED:
        return Cell(fault="–")
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return Cell(fault="failed")
    found = json.loads(done.stdout.splitlines()[-1])
    factor = TO_THOUSAND if task == "bootstrap" and peer != "dayzero" else 1.0
    seconds = [factor * second for second in found["seconds"]]
    if min(found["seconds"]) > LIMIT:
        return Cell(fault=f"> {LIMIT:.0f} s")
    return Cell(seconds, found["peak"], _difference(folder, task, peer), version=found["version"])


def _command(peer: str, task: str, folder: Path) -> list[str] | Cell:
    if peer == "r":
        if task == "make_spells":
            return Cell(fault="–")
        if shutil.which("Rscript") is None:
            return Cell(fault="not installed")
        return ["Rscript", str(HERE / "fit.R"), task, str(folder), str(REPEATS)]
    if find_spec(PACKAGES[peer].replace("scikit-survival", "sksurv")) is None:
        return Cell(fault="not installed")
    return [sys.executable, "-m", "benchmarks.worker", peer, task, str(folder), str(REPEATS)]


def _difference(folder: Path, task: str, peer: str) -> float | None:
    """Return the largest relative difference from dayzero, of estimates and of standard errors where both have them."""
    if peer == "dayzero":
        return None
    ours, theirs = (np.fromfile(folder / f"{name}.{task}.f64").reshape(2, -1) for name in ("dayzero", peer))
    ours = ours[:, : theirs.shape[1]]
    both = np.isfinite(ours) & np.isfinite(theirs) & (ours != 0.0)
    return float(np.max(np.abs(theirs[both] / ours[both] - 1.0)))


def _study(scratch: Path, patients: int) -> list[str]:
    folder = scratch / "study"
    base = [sys.executable, "-m", "benchmarks.study"]
    subprocess.run([*base, "make", str(folder), str(patients)], check=True, cwd=HERE.parent)
    size = sum(path.stat().st_size for path in folder.glob("*.csv")) / 2**20
    lines = [
        f"End to end, {patients:,} patients ({size:.0f} MiB of CSV):",
        "",
        "| step | seconds | of processor time, all cores | peak MiB |",
        "|---|---|---|---|",
    ]
    for what, words in (("spells", "CSV to spells"), ("report", "CSV to the whole report")):
        runs = [_json([*base, what, str(folder)]) for _ in range(3)]
        best, busy = min(run["seconds"][0] for run in runs), min(run["cpu"] for run in runs)
        step, peak = f"{words}, {runs[0]['events']:,} events", max(run["peak"] for run in runs)
        lines.append(f"| {step} | {best:.2f} | {busy:.2f} | {peak:.0f} |")
    return lines


def _json(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def machine(minimum: bool, rows: list[tuple[str, str, int, dict[str, Cell]]]) -> list[str]:
    """Say where and with what this was measured."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        cpu = next((line.split(":")[1].strip() for line in info.read_text().splitlines() if "model name" in line), cpu)
    versions = {cell.version: peer for *_, cells in rows for peer, cell in cells.items() if cell.version}
    packages = [name if peer == "r" else f"{PACKAGES[peer]} {name}" for name, peer in versions.items()]
    python = [f"Python {platform.python_version()}", f"numpy {np.__version__}"]
    measure = f"the smallest of {REPEATS} runs" if minimum else f"the median of {REPEATS} runs"
    line = f"{cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; {platform.system()}"
    return [f"{line}; {', '.join([*python, *packages])}. Times are {measure}."]


if __name__ == "__main__":
    main()
