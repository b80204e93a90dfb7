"""Clone-censor-weight, bootstrapped: ``python -m benchmarks.clone_censor_weight [--resamples N] [--jobs J]``.

1,500 patients, 3 covariates, weights fitted again in each of 1,000 resamples, on all cores; beside it R's survival in a
plain loop (``clone_censor_weight.R``), 5 resamples of it, one process.
"""

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl

HERE = Path(__file__).parent
PATIENTS = 1500
COVARIATES = ("age", "mrd", "wbc")
R_RESAMPLES = 5


def make(folder: Path) -> None:
    """Draw patients whose covariates hasten death and delay the treatment, and write them down."""
    rng = np.random.default_rng(1)
    age, wbc = rng.normal(50.0, 12.0, PATIENTS), rng.normal(size=PATIENTS)
    mrd = (rng.random(PATIENTS) < 0.4).astype(float)
    sick = 0.02 * (age - 50.0) + 0.5 * mrd + 0.2 * wbc
    died = np.ceil(rng.exponential(600.0 * np.exp(-sick)))
    treated = np.ceil(20.0 + rng.exponential(150.0 * np.exp(0.4 * sick)))
    censored = np.ceil(rng.uniform(200.0, 1500.0, PATIENTS))
    stop = np.minimum(died, censored)
    seen = (treated < stop) & (rng.random(PATIENTS) < 0.8)
    columns = {"time": stop, "event": (died <= censored).astype(int), "age": age, "mrd": mrd, "wbc": wbc}
    table = pl.DataFrame(columns).with_columns(day=pl.Series(np.where(seen, treated, np.nan)).fill_nan(None))
    table.write_csv(folder / "patients.csv", null_value="NA", float_precision=17)


def ours(folder: Path, resamples: int, jobs: int) -> None:
    """Bootstrap with dayzero; print seconds, memory and what was found in the data."""
    from joblib import effective_n_jobs
    from joblib.externals.loky import get_reusable_executor

    from dayzero.estimators.resampling.bootstrap import Resampling, bootstrap
    from dayzero.spells import make_spells
    from dayzero.strategies.strategy import Strategy

    d = pl.read_csv(folder / "patients.csv", null_values="NA")
    spells = make_spells(d["time"], d["event"], **{name: d[name] for name in COVARIATES})
    spells = replace(spells, treatments={"hsct": d["day"].cast(float).fill_null(np.inf).to_numpy()})
    strategy = Strategy("clone_censor_weight", grace=90.0, horizon=730.0, adjust=COVARIATES, truncate=1.0)
    began = time.perf_counter()
    fit = bootstrap(strategy, spells, n=resamples, seed=1, options=Resampling(jobs=jobs))
    seconds = time.perf_counter() - began
    workers = 0 if jobs == 1 else effective_n_jobs(jobs)
    get_reusable_executor().shutdown(wait=True)
    own, child = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    peak = (own.ru_maxrss + workers * child.ru_maxrss) / 1024.0
    rows = fit.found.rows.filter(kind="strategy").filter(pl.col("statistic").is_in(["log_hazard_ratio", "risk"]))
    values = dict(zip(zip(rows["statistic"], rows["group"], strict=True), rows["estimate"], strict=True))
    found = [values["log_hazard_ratio", None], values["risk", "arm=no_treat"], values["risk", "arm=treat"]]
    cpu = own.ru_utime + own.ru_stime + child.ru_utime + child.ru_stime
    print(json.dumps({"seconds": seconds, "cpu": cpu, "peak": peak, "workers": workers, "found": found}))


def main() -> None:
    parser = argparse.ArgumentParser(description="Time clone-censor-weight with its bootstrap.")
    parser.add_argument("--resamples", type=int, default=1000)
    parser.add_argument("--jobs", type=int, default=-1)
    parser.add_argument("--ours", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.ours:
        ours(given.ours, given.resamples, given.jobs)
        return
    with tempfile.TemporaryDirectory() as scratch:
        make(Path(scratch))
        command = [sys.executable, "-m", "benchmarks.clone_censor_weight", "--ours", scratch]
        command += ["--resamples", str(given.resamples), "--jobs", str(given.jobs)]
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=HERE.parent)
        mine = json.loads(done.stdout.splitlines()[-1])
        print("\n".join(lines(mine, given.resamples, theirs(scratch))))


def theirs(folder: str) -> tuple[list[float], list[float]] | None:
    """Return what R finds in the data, and the processor seconds of each of its resamples; None without R."""
    if shutil.which("Rscript") is None:
        return None
    command = ["Rscript", str(HERE / "clone_censor_weight.R"), folder, str(R_RESAMPLES)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    first, *rest = done.stdout.splitlines()
    return [float(word) for word in first.split()], [float(line) for line in rest]


def lines(mine: dict[str, float], resamples: int, r: tuple[list[float], list[float]] | None) -> list[str]:
    """Return the table; the ratio is that of processor times, which a busy machine stretches less."""
    each, processes = mine["cpu"] / resamples, f"{mine['workers']:.0f} processes"
    text = ["| clone-censor-weight | resamples | seconds | processor seconds a resample | peak MiB | |"]
    text.append("|---|---:|---:|---:|---:|---|")
    text.append(f"| dayzero, {processes} | {resamples:,} | {mine['seconds']:.1f} | {each:.4f} | {mine['peak']:.0f} | |")
    if r is not None:
        found, seconds = r
        median = float(np.median(seconds))
        far = float(np.max(np.abs(np.array(found) / np.array(mine["found"]) - 1.0)))
        ratio = f"**× {median / each:.0f}**, differs by {far:.0e}"
        text.append(f"| R survival, a loop | {len(seconds)} | {sum(seconds):.1f} | {median:.2f} | | {ratio} |")
    return text


if __name__ == "__main__":
    main()
